"""A bank of damped resonators: what rings when it is struck."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from scipy.signal import lfilter

from otio_foley.synthesis import SAMPLE_RATE_HZ
from otio_foley.types import FloatArray

# Spread of one step against the next: where the heel lands excites other modes (gain), and
# temperature, load and boards differ a little (frequency).
_DETUNE: Final = 0.012
_MODE_SPREAD_DB: Final = 2.5


def modal_bank(
    excitation: FloatArray,
    modes: Sequence[tuple[float, float, float]],
    detune: float,
    rng: np.random.Generator,
) -> FloatArray:
    """Sum of damped resonators, each of unit energy for a unit impulse before its gain in dB.

    A mode is a pole pair at radius r = 10^(-3 / (T60 fs)) (van den Doel & Pai 1998). Equal energy
    makes the table's gains comparable between a dull short mode and a long bright one.
    """
    out = np.zeros_like(excitation)
    for frequency_hz, t60_s, gain_db in modes:
        pitch = frequency_hz * detune * (1 + _DETUNE * rng.standard_normal())
        decay = t60_s * math.exp(0.10 * rng.standard_normal())
        level_db = gain_db + _MODE_SPREAD_DB * rng.standard_normal()
        radius = 10 ** (-3 / (decay * SAMPLE_RATE_HZ))
        angle = 2 * math.pi * min(pitch, 0.45 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
        unit = math.sqrt(2 * (1 - radius**2))
        gain = unit * 10 ** (level_db / 20)
        out += lfilter(
            [0.0, gain * radius * math.sin(angle)],
            [1.0, -2 * radius * math.cos(angle), radius**2],
            excitation,
        )
    return out
