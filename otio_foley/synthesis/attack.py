"""The project's measure of when a sound begins."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.ndimage import uniform_filter1d

from otio_foley.synthesis import SAMPLE_RATE_HZ
from otio_foley.types import FloatArray

SMOOTHING_S: Final = 0.0005
THRESHOLD_DB: Final = -20.0


def smoothed_magnitude(samples: ArrayLike, sample_rate_hz: int = SAMPLE_RATE_HZ) -> FloatArray:
    """|x| of (N,) samples after a centred moving average of 0.5 ms.

    Centred, so that the smoothing itself moves nothing; an odd number of samples (25 at 48 kHz).
    """
    width = 2 * round(SMOOTHING_S * sample_rate_hz / 2) + 1
    magnitude = np.abs(np.asarray(samples, dtype=np.float64))
    smoothed: FloatArray = uniform_filter1d(magnitude, width, mode="constant")
    return smoothed


def attack_sample(
    samples: ArrayLike,
    sample_rate_hz: int = SAMPLE_RATE_HZ,
    *,
    start: int = 0,
    stop: int | None = None,
) -> int:
    """First sample of (N,) whose smoothed magnitude is above -20 dB of the attack's peak.

    `start` and `stop` bound the stretch in which both peak and onset are looked for (one step of
    many). Raises ValueError where that stretch is empty or silent.
    """
    values = np.asarray(samples)
    first, last, _ = slice(start, stop).indices(len(values))
    # What is smoothed reaches a little further, so that the stretch's ends are no edges.
    before = max(0, first - round(SMOOTHING_S * sample_rate_hz))
    after = last + round(SMOOTHING_S * sample_rate_hz)
    smoothed = smoothed_magnitude(values[before:after], sample_rate_hz)
    smoothed = smoothed[first - before : last - before]
    peak = float(smoothed.max(initial=0.0))
    if peak <= 0.0:
        raise ValueError(f"no attack in silence (samples {first} to {last})")
    return first + int(np.argmax(smoothed > peak * 10 ** (THRESHOLD_DB / 20)))
