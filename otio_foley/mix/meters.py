"""Loudness after ITU-R BS.1770-4 and EBU Tech 3341, true peak after BS.1770-4 annex 2.

A mono sound counts as one channel, as EBU Tech 3341 has it: sent to both loudspeakers of a stereo
programme at full level it reads 3 LU more.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from scipy.signal import resample_poly, sosfilt

from otio_foley.types import Audio, FloatArray

MOMENTARY_S: Final = 0.4
SHORT_TERM_S: Final = 3.0
_HOP_S: Final = 0.01  # Tech 3341 asks for 10 Hz at least; a maximum wants it finer
_OVERSAMPLING: Final = 4
_ABSOLUTE_GATE_LUFS: Final = -70.0
_RELATIVE_GATE_LU: Final = -10.0


def k_weighting(sample_rate_hz: int) -> FloatArray:
    """K-weighting as second-order sections (2, 6) for any rate.

    BS.1770-4 tables the coefficients for 48 kHz only. These are the analogue prototypes behind
    them (shelf 1681.97 Hz, +4 dB; high-pass 38.14 Hz), as published by De Man, "Evaluation of
    implementations of the EBU R128 loudness measurement" (AES 2018); at 48 kHz they are the
    tabled numbers to 1e-9.
    """
    return np.stack((_shelf(sample_rate_hz), _highpass(sample_rate_hz)))


def momentary_lufs(audio: Audio) -> FloatArray:
    """Momentary loudness (400 ms) every 10 ms, (T,) LUFS, -inf for silence."""
    return _sliding_lufs(audio, MOMENTARY_S)


def short_term_lufs(audio: Audio) -> FloatArray:
    """Short-term loudness (3 s) every 10 ms, (T,) LUFS, -inf for silence.

    A sound shorter than the window counts as followed by silence.
    """
    return _sliding_lufs(audio, SHORT_TERM_S)


def momentary_max_lufs(audio: Audio) -> float:
    return float(momentary_lufs(audio).max())


def short_term_max_lufs(audio: Audio) -> float:
    return float(short_term_lufs(audio).max())


def integrated_lufs(audio: Audio) -> float:
    """Gated programme loudness (blocks of 400 ms overlapping by 75 %), -inf for silence."""
    powers = _sliding_powers(audio, MOMENTARY_S, 0.25 * MOMENTARY_S)
    powers = powers[_lufs(powers) > _ABSOLUTE_GATE_LUFS]
    if not len(powers):
        return -math.inf
    gate = float(_lufs(np.array([powers.mean()]))[0]) + _RELATIVE_GATE_LU
    return float(_lufs(np.array([powers[_lufs(powers) > gate].mean()]))[0])


def true_peak_dbtp(audio: Audio) -> float:
    """Largest magnitude after four-fold oversampling in dB full scale, -inf for silence."""
    peak = float(oversampled_magnitude(audio).max(initial=0.0))
    return 20 * math.log10(peak) if peak > 0 else -math.inf


def oversampled_magnitude(audio: Audio) -> FloatArray:
    """Largest |x| of any channel at four times the rate, (4 N,)."""
    if not len(audio.samples):
        return np.zeros(0)
    dense = resample_poly(audio.samples.astype(np.float64), _OVERSAMPLING, 1, axis=0)
    magnitude: FloatArray = np.abs(dense).max(axis=1)
    return magnitude


def _sliding_lufs(audio: Audio, window_s: float) -> FloatArray:
    return _lufs(_sliding_powers(audio, window_s, _HOP_S))


def _lufs(powers: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore"):
        loudness: FloatArray = -0.691 + 10 * np.log10(powers)
    return loudness


def _sliding_powers(audio: Audio, window_s: float, hop_s: float) -> FloatArray:
    """K-weighted power summed over channels in every window, (T,)."""
    samples = audio.samples.astype(np.float64)
    if samples.ndim != 2 or samples.shape[1] not in (1, 2):
        raise ValueError(f"mono or stereo as (N, C) expected, got shape {samples.shape}")
    rate = audio.sample_rate_hz
    window, hop = round(window_s * rate), round(hop_s * rate)
    power = np.zeros(max(len(samples), window))
    if len(samples):
        weighted = sosfilt(k_weighting(rate), samples, axis=0)
        power[: len(samples)] = (weighted**2).sum(axis=1)
    total = np.concatenate(([0.0], np.cumsum(power)))
    starts = np.arange(0, len(power) - window + 1, hop)
    # A running sum leaves rounding where there is silence: that must not read as sound.
    means: FloatArray = np.maximum(total[starts + window] - total[starts], 0.0) / window
    means[means < 1e-15 * (total[-1] / window)] = 0.0
    return means


def _shelf(rate: int) -> FloatArray:
    frequency_hz, gain_db, q = 1681.974450955533, 3.999843853973347, 0.7071752369554196
    k = math.tan(math.pi * frequency_hz / rate)
    high = 10 ** (gain_db / 20)
    band = high**0.4996667741545416
    a0 = 1 + k / q + k * k
    return np.array([
        (high + band * k / q + k * k) / a0, 2 * (k * k - high) / a0,
        (high - band * k / q + k * k) / a0,
        1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0,
    ])  # fmt: skip


def _highpass(rate: int) -> FloatArray:
    frequency_hz, q = 38.13547087602444, 0.5003270373238773
    k = math.tan(math.pi * frequency_hz / rate)
    a0 = 1 + k / q + k * k
    return np.array([1.0, -2.0, 1.0, 1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0])
