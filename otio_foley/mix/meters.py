"""Loudness after ITU-R BS.1770-4 and EBU Tech 3341, true peak after BS.1770-4 annex 2.

A mono sound counts as one channel, as EBU Tech 3341 has it: sent to both loudspeakers of a stereo
programme at full level it reads 3 LU more.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

import numpy as np
import pyloudnorm
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d
from scipy.signal import firwin, lfilter, sos2tf

from otio_foley.mix.blocks import blocks, largest_magnitude
from otio_foley.types import Audio, FloatArray, SampleArray

MOMENTARY_S: Final = 0.4
SHORT_TERM_S: Final = 3.0
HOP_S: Final = 0.01  # Tech 3341 asks for 10 Hz at least; a maximum wants it finer
_OVERSAMPLING: Final = 4
_REACH: Final = 10  # samples that interpolation looks at on each side
_INTERPOLATION: Final = firwin(
    2 * _REACH * _OVERSAMPLING + 1, 1 / _OVERSAMPLING, window=("kaiser", 5.0)
)
_LARGEST_RISE: Final = _OVERSAMPLING * max(
    float(np.abs(_INTERPOLATION[phase::_OVERSAMPLING]).sum()) for phase in range(_OVERSAMPLING)
)
"""How far at most an interpolated magnitude lies above those of the samples around it (2.2)."""

_FINE_BLOCK_S: Final = 0.001
_BLOCKS_IN_ROW: Final = 16
_ROWS_AT_ONCE: Final = 64
_BLOCKS_AT_ONCE: Final = 512
_NO_DENORMALS: Final = 1e-30  # -600 dB: the filters are 20 times slower where silence rings out
GATING_HOP_S: Final = 0.1  # BS.1770-4: blocks of 400 ms overlap by 75 %
HOPS_PER_BLOCK: Final = 4  # the overlap that pyloudnorm takes unless told another


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
    """Gated programme loudness after BS.1770-4, -inf for silence.

    A sound shorter than a block of 400 ms counts as followed by silence. The gates are
    pyloudnorm's (Steinmetz & Reiss 2021). Its meter is given the power of every 100 ms instead of
    samples, one value where it would average thousands: the result is the same to 1e-6 LU, while
    on an hour of samples it takes a minute and 3.4 GB.
    """
    return gated_lufs(_sliding_powers(audio, GATING_HOP_S, GATING_HOP_S, at_least=HOPS_PER_BLOCK))


def gated_lufs(powers: FloatArray) -> float:
    """Gated loudness of K-weighted powers (H,) of 100 ms each, four at least; -inf for silence."""
    if not powers.any():
        return -math.inf
    # One "sample" a hop: what it squares and averages is the power. "custom" weights nothing.
    meter = pyloudnorm.Meter(1, filter_class="custom", block_size=float(HOPS_PER_BLOCK))
    return float(meter.integrated_loudness(np.sqrt(powers)))


def true_peak_dbtp(audio: Audio) -> float:
    """Largest magnitude after four-fold oversampling in dB full scale, -inf for silence."""
    # The samples themselves are among the interpolated ones, give or take a thousandth.
    least = 0.9 * largest_magnitude(audio.samples)
    block = max(1, round(_FINE_BLOCK_S * audio.sample_rate_hz))
    peak = float(true_peaks(audio, block, least=least).max(initial=0.0))
    return 20 * math.log10(peak) if peak > 0 else -math.inf


def true_peaks(audio: Audio, block: int, *, least: float) -> FloatArray:
    """Largest |x| of any channel after four-fold oversampling in every `block` samples, (B,).

    A sound counts as surrounded by silence; blocks are meant to be of a few milliseconds. One may
    be left at 0 where it does not reach `least`: interpolating is dear, and whoever asks knows
    below what it does not matter.
    """
    samples = audio.samples
    matters = max(least / _LARGEST_RISE, float(np.finfo(np.float32).tiny))
    highest = _block_peaks(samples, block, matters)
    reach = 2 * -(-_REACH // block) + 1  # blocks that interpolation looks at
    nearest = maximum_filter1d(highest, reach, mode="constant")
    worth = np.flatnonzero(nearest >= matters)
    peaks = np.zeros(len(highest))
    interpolate = _interpolation(block)
    within = np.arange(-_REACH, block + _REACH)
    for first in range(0, len(worth), _BLOCKS_AT_ONCE):
        some = worth[first : first + _BLOCKS_AT_ONCE]
        places = some[:, None] * block + within
        inside = (places >= 0) & (places < len(samples))
        for channel in samples.T:
            near = channel.take(places, mode="clip") * inside
            dense = near.astype(np.float64) @ interpolate
            peaks[some] = np.maximum(peaks[some], np.abs(dense, out=dense).max(axis=1))
    return peaks


def _block_peaks(samples: SampleArray, block: int, least: float) -> SampleArray:
    """Largest |x| of any channel in every `block` samples of (N, C), (B,); 0 may stand for what is
    below `least`."""
    peaks = np.zeros(-(-len(samples) // block), dtype=np.float32)
    # Short rows are slow: longer ones say where a closer look is worth it.
    row = _BLOCKS_IN_ROW * block
    whole = len(samples) // row * row
    rowwise = peaks[: whole // block].reshape(-1, _BLOCKS_IN_ROW)
    for first in range(0, whole, _ROWS_AT_ONCE * row):
        piece = samples[first : min(first + _ROWS_AT_ONCE * row, whole)]
        rows = piece.reshape(len(piece) // row, -1)
        high = np.flatnonzero(np.maximum(rows.max(axis=1), -rows.min(axis=1)) >= least)
        found = np.abs(rows[high].reshape(-1, block * samples.shape[1])).max(axis=1)
        rowwise[first // row + high] = found.reshape(-1, _BLOCKS_IN_ROW)
    for first in range(whole, len(samples), block):
        peaks[first // block] = largest_magnitude(samples[first : first + block])
    return peaks


@lru_cache(maxsize=8)
def _interpolation(block: int) -> FloatArray:
    """What makes of `block` samples, and those that interpolation looks at on both sides, four
    times as many: (block + 2 reach, 4 block)."""
    kernel = _OVERSAMPLING * _INTERPOLATION
    samples = np.arange(-_REACH, block + _REACH)[:, None]
    lag = np.arange(_OVERSAMPLING * block) - _OVERSAMPLING * samples + _OVERSAMPLING * _REACH
    matrix = np.where((lag >= 0) & (lag < len(kernel)), kernel.take(lag, mode="clip"), 0.0)
    matrix.flags.writeable = False
    return matrix


def _sliding_lufs(audio: Audio, window_s: float) -> FloatArray:
    return lufs_of_power(_sliding_powers(audio, window_s, HOP_S))


def lufs_of_power(powers: FloatArray) -> FloatArray:
    """LUFS of K-weighted mean squares summed over channels (T,), -inf for 0 (BS.1770-4)."""
    with np.errstate(divide="ignore"):
        loudness: FloatArray = -0.691 + 10 * np.log10(powers)
    return loudness


def _sliding_powers(
    audio: Audio, window_s: float, hop_s: float, *, at_least: int = 1
) -> FloatArray:
    """K-weighted power summed over channels in every window, (T,), T >= `at_least`."""
    rate, shape = audio.sample_rate_hz, audio.samples.shape
    if len(shape) != 2 or shape[1] not in (1, 2):
        raise ValueError(f"mono or stereo as (N, C) expected, got shape {shape}")
    window, hop = round(window_s * rate), round(hop_s * rate)
    length = max(shape[0], window + (at_least - 1) * hop)
    starts = np.arange(0, length - window + 1, hop)
    edges = np.unique(np.concatenate((starts, starts + window, [length])))
    energies = energies_before(blocks(audio), edges, channels=shape[1], sample_rate_hz=rate)
    begun, ended = (np.searchsorted(edges, one) for one in (starts, starts + window))
    # A running sum leaves rounding where there is silence: that must not read as sound.
    means: FloatArray = np.maximum(energies[ended] - energies[begun], 0.0) / window
    means[means < 1e-15 * (energies[-1] / window)] = 0.0
    return means


def energies_before(
    pieces: Iterable[tuple[int, SampleArray]],
    edges: NDArray[np.intp],
    *,
    channels: int,
    sample_rate_hz: int,
) -> FloatArray:
    """K-weighted energy summed over channels of all that lies before each sample of `edges` (E,)
    (rising; may lie beyond the end), (E,).

    `pieces` are a sound's `blocks`, silent ones too.
    """
    # Both sections in one: in double precision the same to 1e-12, in half the time.
    zeros, poles = sos2tf(k_weighting(sample_rate_hz))
    states = [np.zeros(len(poles) - 1) for _ in range(channels)]
    energies = np.zeros(len(edges))
    total, done = 0.0, 0
    for first, block in pieces:
        upto = int(np.searchsorted(edges, first + len(block)))
        here = edges[done:upto] - first
        silent = not block.any()
        if silent and not any(state.any() for state in states):
            energies[done:upto] = total
        else:
            squares = _weighted_squares(block, zeros, poles, states)
            # Sums from one edge to the next: a running sum of every sample costs four times that.
            begins = here if len(here) and here[0] == 0 else np.concatenate(([0], here))
            sums = total + np.cumsum(np.add.reduceat(squares, begins))
            energies[done:upto] = np.concatenate(([total], sums))[len(begins) - len(here) :][:-1]
            total = float(sums[-1])
        if silent and len(block) >= sample_rate_hz // 2:
            # Half a second takes what the filters hold 1000 dB down.
            for state in states:
                state[:] = 0.0
        done = upto
    energies[done:] = total
    return energies


def _weighted_squares(
    block: SampleArray, zeros: FloatArray, poles: FloatArray, states: list[FloatArray]
) -> FloatArray:
    """Squares of a filtered block (M, C) summed over its channels, (M,); `states` go on."""
    squares = np.zeros(0)
    for channel, state in enumerate(states):
        samples = np.add(block[:, channel], _NO_DENORMALS, dtype=np.float64)
        weighted, state[:] = lfilter(zeros, poles, samples, zi=state)
        np.square(weighted, out=weighted)
        squares = weighted if channel == 0 else np.add(squares, weighted, out=squares)
    return squares


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
