"""True peak below a ceiling without moving attacks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.ndimage import minimum_filter1d, uniform_filter1d

from otio_foley.mix.meters import oversampled_magnitude
from otio_foley.types import Audio, FloatArray

CEILING_DBTP: Final = -6.0
_BLOCK_S: Final = 0.001
_BEFORE_S: Final = 0.060
_AFTER_S: Final = 0.300
_RAMP_S: Final = 0.040
_MARGIN_DB: Final = 0.02  # gain that changes between samples may raise an inter-sample peak


@dataclass(frozen=True, slots=True, kw_only=True)
class Limited:
    """A sound below the ceiling and by how much its loudest step was taken down (dB, >= 0)."""

    audio: Audio
    reduction_db: float


def limit_true_peak(audio: Audio, ceiling_dbtp: float = CEILING_DBTP) -> Limited:
    """Steps that peak above the ceiling are taken down as a whole; the others are untouched.

    No fast limiter: the gain is constant from 60 ms before an excess to 300 ms after it and
    changes within 40 ms, so that a step keeps its shape and its attack stays on its sample. A
    sound below the ceiling comes back as it is.
    """
    dense = oversampled_magnitude(audio)
    ceiling = 10 ** ((ceiling_dbtp - _MARGIN_DB) / 20)
    peak = float(dense.max(initial=0.0))
    if peak <= 10 ** (ceiling_dbtp / 20):
        return Limited(audio=audio, reduction_db=0.0)
    block = max(1, round(_BLOCK_S * audio.sample_rate_hz))
    gains = _block_gains(dense, block * len(dense) // len(audio.samples), ceiling)
    centres = (np.arange(len(gains)) + 0.5) * block
    gain = np.interp(np.arange(len(audio.samples)), centres, gains)
    samples = (audio.samples.astype(np.float64) * gain[:, None]).astype(np.float32)
    limited = Audio(samples=samples, sample_rate_hz=audio.sample_rate_hz)
    return Limited(audio=limited, reduction_db=20 * math.log10(peak / ceiling))


def _block_gains(dense: FloatArray, block: int, ceiling: float) -> FloatArray:
    """Gain of each millisecond, flat around every excess, smooth in between."""
    count = -(-len(dense) // block)
    padded = np.zeros(count * block)
    padded[: len(dense)] = dense
    peaks = padded.reshape(count, block).max(axis=1)
    needed = np.minimum(1.0, ceiling / np.maximum(peaks, 1e-12))
    ramp = round(_RAMP_S / _BLOCK_S)
    before, after = round(_BEFORE_S / _BLOCK_S) + ramp // 2, round(_AFTER_S / _BLOCK_S) + ramp // 2
    size = before + after + 1
    # The gain of block n is ruled by blocks n - after to n + before.
    held = minimum_filter1d(needed, size, mode="nearest", origin=(after - before) // 2)
    smooth: FloatArray = uniform_filter1d(held, ramp + 1, mode="nearest")
    return np.minimum(smooth, needed)
