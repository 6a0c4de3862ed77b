"""Where across the stage a step is heard: from the place in the picture, at constant power.

Mono is what the rest makes. Who wants stereo asks for it here, last of all: the meters count a
mono sound as one channel, and panned at constant power it reads the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.ndimage import gaussian_filter1d

from otio_foley.mix.blocks import blocks, largest_magnitude
from otio_foley.mix.loudness import simplified
from otio_foley.types import Audio, FloatArray

WIDTH: Final = 0.6
"""How far out the picture's edges are heard (1 = one loudspeaker alone): the screen is narrower
than the room, and at a cut nobody must jump to a hard side."""

_SMOOTHING_S: Final = 0.5  # standard deviation: a stride's sway (1.1 s) is down to 2 %
_GRID_S: Final = 0.1
_TOLERANCE: Final = 0.02  # 0.14 dB of the quieter side


@dataclass(frozen=True, slots=True, kw_only=True)
class PanPoint:
    """A corner of a pan curve: straight between points, level before and after.

    `pan` is -1 (left alone) .. 0 (both at -3 dB) .. 1 (right alone).
    """

    time_s: float
    pan: float


def pan_curve(times_s: ArrayLike, position: ArrayLike) -> tuple[PanPoint, ...]:
    """Pan over time in few points, -0.6..0.6, from the place in the picture.

    `times_s` (T,) rising, seconds; `position` (T,) 0 = left edge .. 1 = right edge, NaN where
    unknown (bridged; ends are held). What lies outside the picture counts as at its edge. Nothing
    known gives no points, which is the middle throughout.
    """
    times = np.asarray(times_s, dtype=np.float64)
    places = np.asarray(position, dtype=np.float64)
    known = np.isfinite(places)
    if not known.any():
        return ()
    at, pans = times[known], WIDTH * (2 * np.clip(places[known], 0.0, 1.0) - 1)
    grid = at[0] + _GRID_S * np.arange(math.ceil((at[-1] - at[0]) / _GRID_S) + 1)
    smooth = gaussian_filter1d(np.interp(grid, at, pans), _SMOOTHING_S / _GRID_S, mode="nearest")
    # `simplified` knows dB by name only: it keeps a curve within a tolerance in its own unit.
    points = simplified(grid, smooth, _TOLERANCE)
    return tuple(PanPoint(time_s=point.time_s, pan=point.level_db) for point in points)


def pan_gains(pan: ArrayLike) -> FloatArray:
    """Gains of left and right (T, 2) for pans (T,): cosine and sine of a quarter turn.

    -3.01 dB each in the middle, and left^2 + right^2 = 1 everywhere (the pan law of a sound
    between two loudspeakers in a room, where powers add).
    """
    angle = (np.clip(np.asarray(pan, dtype=np.float64), -1.0, 1.0) + 1) * math.pi / 4
    return np.stack((np.cos(angle), np.sin(angle)), axis=-1)


def panned(audio: Audio, points: Sequence[PanPoint], *, start_s: float) -> Audio:
    """Mono (N, 1) as stereo (N, 2); the sound's first sample lies at `start_s` of the curve.

    Silence takes no memory until somebody writes to it. Raises ValueError where there is more
    than one channel.
    """
    if audio.samples.ndim != 2 or audio.samples.shape[1] != 1:
        raise ValueError(f"mono as (N, 1) expected, got shape {audio.samples.shape}")
    stereo = np.zeros((len(audio.samples), 2), dtype=np.float32)
    for first, block in blocks(audio):
        if largest_magnitude(block) == 0.0:
            continue
        times_s = start_s + np.arange(first, first + len(block)) / audio.sample_rate_hz
        stereo[first : first + len(block)] = block * pan_gains(_pan_at(points, times_s))
    return Audio(samples=stereo, sample_rate_hz=audio.sample_rate_hz)


def _pan_at(points: Sequence[PanPoint], times_s: FloatArray) -> FloatArray:
    if not points:
        return np.zeros(len(times_s))
    pans: FloatArray = np.interp(
        times_s, [point.time_s for point in points], [point.pan for point in points]
    )
    return pans
