"""What creaks: leather, boards that rub on their nails, a rubber sole on a smooth floor.

Stick and slip: under load two surfaces hold until the tension lets them jump, and hold again, some
hundred times a second; every jump strikes what they belong to. The period follows the load
(relaxation oscillation; Avanzini, Serafin & Rocchesso, "Interactive simulation of rigid body
interaction with friction-induced sound generation", IEEE TSAP 13(5), 2005, whose elasto-plastic
bristles are here a train of jumps with drawn periods).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from otio_foley.synthesis import SAMPLE_RATE_HZ
from otio_foley.synthesis.gait import StepForce
from otio_foley.synthesis.modes import modal_bank
from otio_foley.types import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Creak:
    """Something that creaks under a foot.

    `chance` that a step makes it creak; `level_db` beside the step's own energy; `jumps_hz` the
    lowest and highest rate of jumps; `length_s` shortest and longest; `modes` are (Hz, T60 in s,
    dB) of what is struck.
    """

    chance: float
    level_db: float
    jumps_hz: tuple[float, float]
    length_s: tuple[float, float]
    modes: tuple[tuple[float, float, float], ...]


#: Nothing creaks before the weight is on: the strike's attack stays what is heard first.
_EARLIEST_S: Final = 0.05
_LEVEL_SPREAD_DB: Final = 3.0
_PERIOD_JITTER: Final = 0.07


def creak(
    one: Creak, force: StepForce, count: int, detune: float, rng: np.random.Generator
) -> FloatArray:
    """(count,) creaking of unit energy before its level, zeros where this step makes none."""
    sounds = rng.random() < one.chance
    length_s = rng.uniform(*one.length_s)
    latest_s = max(_EARLIEST_S + 0.02, 0.8 * force.duration_s)
    start_s = rng.uniform(_EARLIEST_S, latest_s)
    level = 10 ** (_LEVEL_SPREAD_DB * rng.standard_normal() / 20)
    rates_hz = rng.uniform(*one.jumps_hz, size=3)
    jumps = np.full(count, 1e-30)
    at_s, end_s = start_s, start_s + length_s
    while sounds and at_s < end_s:
        share = (at_s - start_s) / length_s
        at = round(at_s * SAMPLE_RATE_HZ)
        if at >= count:
            break
        # Tension grows with the load and dies with it.
        jumps[at] += np.sin(np.pi * min(1.0, share + 0.02)) * rng.uniform(0.6, 1.0)
        rate_hz = float(np.interp(share, (0.0, 0.5, 1.0), rates_hz))
        at_s += (1 + _PERIOD_JITTER * rng.standard_normal()) / rate_hz
    sound = modal_bank(jumps, one.modes, detune, rng)
    own = float(np.sqrt(np.sum(np.square(sound))))
    return sound * (level / own) if own > 1e-9 else np.zeros(count)
