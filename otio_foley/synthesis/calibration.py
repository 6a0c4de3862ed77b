"""Where the floors' calibration constants come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np

from otio_foley.synthesis import SAMPLE_RATE_HZ
from otio_foley.synthesis.grounds import Ground
from otio_foley.synthesis.physical import Step, render_step
from otio_foley.synthesis.placement import overlap_add
from otio_foley.synthesis.seeding import step_generator
from otio_foley.synthesis.shoes import SHOES
from otio_foley.types import Audio, Foot

WALK_LUFS: Final = -38.0
"""Short-term maximum of a walk on an ordinary hard floor (temp mix under -27 LKFS dialogue)."""

CADENCE_HZ: Final = 1.9
_DURATION_S: Final = 10.0
_SHOE: Final = SHOES["leather"]  # what the floors' constants were found with
_SEED: Final = 1  # a walk in the middle of others, which lie within about 0.5 dB


def calibration_walk(ground: Ground, seed: int = _SEED) -> Audio:
    """Ten seconds of walking at 1.9 steps a second and gain 0 dB, (N, 1)."""
    samples = np.zeros((round(_DURATION_S * SAMPLE_RATE_HZ), 1), dtype=np.float32)
    for index in range(int((_DURATION_S - 0.5) * CADENCE_HZ)):
        at = round((0.25 + index / CADENCE_HZ) * SAMPLE_RATE_HZ)
        foot: Foot = "right" if index % 2 else "left"
        rng = step_generator(seed, "calibration", 0, at, foot=foot)
        step = Step(action="walk", part="heel", foot=foot)
        overlap_add(samples[:, 0], render_step(step, ground, _SHOE, rng), at, gain_db=0.0)
    return Audio(samples=samples, sample_rate_hz=SAMPLE_RATE_HZ)


def calibrate(ground: Ground, short_term_max_lufs: Callable[[Audio], float]) -> float:
    """The constant that brings a walk on this floor to -38 LUFS + `ground.level_db`.

    The meter is passed in, because measuring loudness belongs to the mix. The present constant
    does not matter: it is taken out first.
    """
    measured = short_term_max_lufs(calibration_walk(replace(ground, calibration_db=0.0)))
    return WALK_LUFS + ground.level_db - measured
