"""True peak below a ceiling without moving attacks."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from scipy.ndimage import minimum_filter1d, uniform_filter1d

from otio_foley.mix.blocks import blocks
from otio_foley.mix.meters import true_peaks
from otio_foley.types import Audio, FloatArray

_BLOCK_S: Final = 0.001
_BEFORE_S: Final = 0.060
_AFTER_S: Final = 0.300
_RAMP_S: Final = 0.040
_MARGIN_DB: Final = 0.02  # gain that changes between samples may raise an inter-sample peak
_NOTHING: Final = 1e-9  # a gain that near to 1 changes no float32


def limit_true_peak(audio: Audio, ceiling_dbtp: float) -> float:
    """Take steps that peak above the ceiling down as a whole, in place; the rest is untouched.

    No fast limiter: the gain is constant from 60 ms before an excess to 300 ms after it and
    changes within 40 ms, so that a step keeps its shape and its attack stays on its sample.
    Returns by how much the loudest step was taken down, in dB (>= 0).
    """
    ceiling = 10 ** ((ceiling_dbtp - _MARGIN_DB) / 20)
    block = max(1, round(_BLOCK_S * audio.sample_rate_hz))
    peaks = true_peaks(audio, block, least=ceiling)
    peak = float(peaks.max(initial=0.0))
    if peak <= 10 ** (ceiling_dbtp / 20):
        return 0.0
    gains = _block_gains(peaks, ceiling)
    centres = (np.arange(len(gains)) + 0.5) * block
    for first, samples in blocks(audio):
        last = first + len(samples)
        if gains[max(0, first // block - 1) : last // block + 2].min() > 1 - _NOTHING:
            continue
        samples *= np.interp(np.arange(first, last), centres, gains)[:, None]
    return 20 * math.log10(peak / ceiling)


def _block_gains(peaks: FloatArray, ceiling: float) -> FloatArray:
    """Gain of each millisecond from its peak, flat around every excess, smooth in between."""
    needed = np.minimum(1.0, ceiling / np.maximum(peaks, 1e-12))
    ramp = round(_RAMP_S / _BLOCK_S)
    before, after = round(_BEFORE_S / _BLOCK_S) + ramp // 2, round(_AFTER_S / _BLOCK_S) + ramp // 2
    size = before + after + 1
    # The gain of block n is ruled by blocks n - after to n + before.
    held = minimum_filter1d(needed, size, mode="nearest", origin=(after - before) // 2)
    smooth: FloatArray = uniform_filter1d(held, ramp + 1, mode="nearest")
    return np.minimum(smooth, needed)
