"""Long takes cut into single steps.

Where a step begins is told by spectral flux over the sound's own noise, peaks above an adaptive
threshold (the method's way, FOLEY.md), then moved to the sample by the project's measure of an
attack. What belongs to one step (the forefoot behind the heel, the crunch as the toes leave)
is told from the next one by being weaker, close behind, and out of the row.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from scipy.ndimage import uniform_filter1d

from otio_foley.synthesis import SAMPLE_RATE_HZ
from otio_foley.synthesis.attack import THRESHOLD_DB, attack_sample, smoothed_magnitude
from otio_foley.types import FloatArray, SampleArray

_HOP: Final = 96  # 2 ms
_FRAME_S: Final = _HOP / SAMPLE_RATE_HZ
_WINDOW: Final = 1024
_BANDS: Final = 40
_LAG: Final = 3  # frames over which a rise is measured
_BLOCK_FRAMES: Final = 15_000  # spectra for 30 s at a time

_SILENT: Final = 10 ** (-70 / 20)
_HEARD_DB: Final = 40.0  # below its loudest moment a sound is not heard beside it
_LEAST_SWING_DB: Final = 9.0  # between quiet and loud; less is noise or hum
_OVER_NOISE: Final = 8.0  # power over a band's noise from which a change counts
_LEAST_FLUX_DB: Final = 1.5
_LEAST_STEP_FLUX_DB: Final = 5.0  # of an ordinary step; what swells by less is one slosh
_ONE_STEP_S: Final = 0.45  # so short a sound is one step, whatever crackles in it
_LEAST_SHARE: Final = 0.40  # of an ordinary step's strength here
_NEAREST_S: Final = 0.14  # two feet do not come closer
_STEP_GAP_S: Final = 0.21  # and closer than this only where they are about equal
_EQUAL_SHARE: Final = 0.6
_EARLIER_SHARE: Final = 0.65  # of a stronger onset close behind: then it is the step's beginning
_TAIL_S: Final = 1.0  # a weaker onset this close behind may be the same step's end
_TAIL_SHARE: Final = 0.80
_LEVEL_RANGE_DB: Final = 30.0

_PRE_S: Final = 0.003
_FADE_OUT_S: Final = 0.012
_END_DB: Final = -55.0
_QUIET_S: Final = 0.25
_LONGEST_S: Final = 1.6
_SHORTEST_S: Final = 0.02
_LONG_FADE_S: Final = 0.15


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """One step out of a take: samples (N,) float32 at 48 kHz with faded ends; in the take its
    attack is at `onset_sample`."""

    samples: SampleArray
    onset_sample: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cuts:
    """The steps of a take in order; `reason` says why there are none, empty where there are."""

    steps: tuple[Cut, ...]
    reason: str = ""


def cut_steps(samples: SampleArray) -> Cuts:
    """Single steps out of (N,) mono samples at 48 kHz."""
    peak = float(np.abs(samples).max(initial=0.0))
    if len(samples) < _SHORTEST_S * SAMPLE_RATE_HZ:
        return Cuts(steps=(), reason="shorter than any step")
    if peak < _SILENT:
        return Cuts(steps=(), reason="silent")
    level_db = _level_db(samples)
    # A hum may be faded at its ends; a step that fills its file is quiet at its ends alone.
    low = 0 if len(samples) < _ONE_STEP_S * SAMPLE_RATE_HZ else 10
    if np.percentile(level_db, 98) - np.percentile(level_db, low) < _LEAST_SWING_DB:
        return Cuts(steps=(), reason="noise or hum throughout, no step stands out")
    onsets = _onsets(samples, level_db)
    stops = [*onsets[1:], len(samples) + round(_PRE_S * SAMPLE_RATE_HZ)]
    noise_db = float(np.percentile(level_db, 5))
    cuts = (
        _cut(samples, level_db, noise_db, onset, stop)
        for onset, stop in zip(onsets, stops, strict=True)
    )
    return Cuts(steps=tuple(cut for cut in cuts if cut is not None))


def _onsets(samples: SampleArray, level_db: FloatArray) -> list[int]:
    """Where steps begin, in samples, rising; a sound in which none stands out is one step."""
    heard = np.flatnonzero(level_db > level_db.max() - _HEARD_DB)
    if (heard[-1] - heard[0]) * _FRAME_S >= _ONE_STEP_S:
        flux = _flux_db(samples)
        frames = _steps_among(_peaks(flux), flux, level_db)
        if frames:
            return sorted({_onset(samples, frame * _HOP) for frame in frames})
    return [attack_sample(samples)]


def _level_db(samples: SampleArray) -> FloatArray:
    """Level over 10 ms every 2 ms, (frames,) in dB of full scale, not below -120."""
    padded = np.pad(samples, (0, -len(samples) % _HOP)).reshape(-1, _HOP)
    power = np.sum(np.square(padded), axis=1, dtype=np.float64) / _HOP
    mean = uniform_filter1d(power, 5, mode="nearest")
    level: FloatArray = 10 * np.log10(np.maximum(mean, 1e-12))
    return level


def _flux_db(samples: SampleArray) -> FloatArray:
    """Mean rise over the bands in dB above their noise, (frames,), every 2 ms."""
    import librosa

    power = _band_power(samples)
    # A loud band's leakage must not make noise of what is digital silence.
    floor = np.percentile(power, 10, axis=1).astype(np.float32)
    noise = np.maximum(floor, power.max() * np.float32(1e-7))
    above_db = 10 * np.log10(1 + power / (_OVER_NOISE * noise[:, None]))
    # So that a step in the very first sample rises from something.
    above_db = np.pad(above_db, ((0, 0), (_LAG, 0)))
    flux = librosa.onset.onset_strength(
        S=above_db, sr=SAMPLE_RATE_HZ, lag=_LAG, max_size=1, center=False
    )
    return np.asarray(flux[_LAG:], dtype=np.float64)


def _band_power(samples: SampleArray) -> SampleArray:
    """Power in 40 mel bands from 40 Hz to 16 kHz, (bands, frames), made in blocks."""
    import librosa

    count = -(-len(samples) // _HOP)
    padded = np.pad(samples, (_WINDOW // 2, _WINDOW // 2 + _HOP))
    blocks = []
    for first in range(0, count, _BLOCK_FRAMES):
        frames = min(_BLOCK_FRAMES, count - first)
        start = first * _HOP
        blocks.append(
            librosa.feature.melspectrogram(
                y=padded[start : start + (frames - 1) * _HOP + _WINDOW],
                sr=SAMPLE_RATE_HZ,
                n_fft=_WINDOW,
                hop_length=_HOP,
                n_mels=_BANDS,
                fmin=40.0,
                fmax=16_000.0,
                center=False,
            )
        )
    power: SampleArray = np.concatenate(blocks, axis=1).astype(np.float32, copy=False)
    return power


def _peaks(flux: FloatArray) -> list[int]:
    """Frames of local maxima above an adaptive threshold (librosa's peak picking)."""
    import librosa

    lead = _frames(0.1)  # the first maximum may be the first frame
    padded = np.pad(flux, (lead, 0))
    found = librosa.util.peak_pick(
        padded,
        pre_max=_frames(0.02),
        post_max=_frames(0.02),
        pre_avg=_frames(0.1),
        post_avg=_frames(0.1),
        delta=_LEAST_FLUX_DB,
        wait=_frames(0.03),
    )
    return [max(0, int(frame) - lead) for frame in found]


def _steps_among(peaks: Sequence[int], flux: FloatArray, level_db: FloatArray) -> list[int]:
    """Those peaks at which a step begins, rising."""
    after = _frames(0.06)
    levels = {peak: float(level_db[peak : peak + after].max()) for peak in peaks}
    loudest_db = float(np.percentile(list(levels.values()), 90)) if levels else 0.0
    strength = {
        peak: float(flux[peak])
        * min(1.0, max(0.0, 1 - (loudest_db - levels[peak]) / _LEVEL_RANGE_DB))
        for peak in peaks
    }
    apart = _strongest_apart(peaks, strength)
    if not apart:
        return []
    most = max(strength[peak] for peak in apart)
    ordinary = float(np.median([strength[p] for p in apart if strength[p] >= most / 2]))
    if ordinary < _LEAST_STEP_FLUX_DB:
        return []
    steps = [peak for peak in apart if strength[peak] >= _LEAST_SHARE * ordinary]
    steps = _without_ends(steps, strength)
    return sorted({_beginning(step, peaks, strength) for step in steps})


def _strongest_apart(peaks: Sequence[int], strength: dict[int, float]) -> list[int]:
    """The strongest peaks that can be steps beside one another, rising."""
    kept: list[int] = []
    for peak in sorted(peaks, key=lambda one: (-strength[one], one)):
        near = _within(kept, peak, _frames(_STEP_GAP_S))
        fits = all(
            abs(peak - other) >= _frames(_NEAREST_S)
            and strength[peak] >= _EQUAL_SHARE * strength[other]
            for other in near
        )
        if strength[peak] > 0 and fits:
            insort(kept, peak)
    return kept


def _within(rising: Sequence[int], around: int, reach: int) -> Sequence[int]:
    """Those of some rising numbers that are nearer than `reach` to one."""
    return rising[bisect_left(rising, around - reach + 1) : bisect_left(rising, around + reach)]


def _without_ends(steps: list[int], strength: dict[int, float]) -> list[int]:
    """Without onsets that are the end of the step before: weaker than it, and nearer to it than
    steps follow one another here."""
    while len(steps) > 1:
        gaps = [after - before for before, after in pairwise(steps)]
        usual = float(np.percentile(gaps, 75))
        ends = [
            (strength[step] / strength[before], step)
            for index, (before, step) in enumerate(pairwise(steps))
            if gaps[index] < _frames(_TAIL_S)
            and strength[step] < _TAIL_SHARE * strength[before]
            and _nearer(gaps, index, usual)
        ]
        if not ends:
            break
        steps = [step for step in steps if step != min(ends)[1]]
    return steps


def _nearer(gaps: Sequence[int], index: int, usual: float) -> bool:
    """Whether a gap is clearly shorter than the one behind it, or than usual at the end."""
    if len(gaps) == 1:  # two onsets in all: the weaker one close behind is the same step
        return True
    following = gaps[index + 1] if index + 1 < len(gaps) else usual
    return gaps[index] < following / 1.4


def _beginning(step: int, peaks: Sequence[int], strength: dict[int, float]) -> int:
    """The heel, where the forefoot behind it came down harder."""
    earlier = [
        peak
        for peak in _within(peaks, step, _frames(_NEAREST_S))
        if peak < step and strength[peak] >= _EARLIER_SHARE * strength[step]
    ]
    return min(earlier, default=step)


def _onset(samples: SampleArray, around: int) -> int:
    """The attack near a sample; where something still sounds, from where it rises above that."""
    first = max(0, around - round(0.012 * SAMPLE_RATE_HZ))
    stop = min(len(samples), around + round(0.08 * SAMPLE_RATE_HZ))
    if not np.any(samples[first:stop]):
        return around
    onset = attack_sample(samples, start=first, stop=stop)
    before = samples[max(0, first - round(0.02 * SAMPLE_RATE_HZ)) : first]
    if onset > first + 1 or not before.size:
        return onset
    smoothed = smoothed_magnitude(samples[first:stop])
    peak = float(smoothed.max())
    going_on = float(smoothed_magnitude(before).max())
    threshold = min(0.7 * peak, max(10 ** (THRESHOLD_DB / 20) * peak, 1.4 * going_on))
    return first + int(np.argmax(smoothed > threshold))


def _cut(
    samples: SampleArray, level_db: FloatArray, noise_db: float, onset: int, next_onset: int
) -> Cut | None:
    """One step with its tail; None where nothing of use is left between two onsets."""
    pre = round(_PRE_S * SAMPLE_RATE_HZ)
    start = max(0, onset - pre)
    latest = min(len(samples), next_onset - pre)
    stop, fade_s = _end(level_db, noise_db, onset, latest)
    if stop - onset < _SHORTEST_S * SAMPLE_RATE_HZ:
        return None
    out = samples[start:stop].astype(np.float64)
    rise = onset - start
    out[:rise] *= np.sin(0.5 * np.pi * np.arange(rise) / max(rise, 1)) ** 2
    fade = min(round(fade_s * SAMPLE_RATE_HZ), len(out) - rise)
    out[len(out) - fade :] *= np.cos(0.5 * np.pi * np.arange(1, fade + 1) / fade) ** 2
    return Cut(samples=out.astype(np.float32), onset_sample=onset)


def _end(level_db: FloatArray, noise_db: float, onset: int, latest: int) -> tuple[int, float]:
    """Where a step has died away, and how long it is faded: the last loud moment before a quiet
    of a quarter second, at the latest `latest` or 1.6 s."""
    first = onset // _HOP
    stop = min(latest, onset + round(_LONGEST_S * SAMPLE_RATE_HZ))
    levels = level_db[first : max(first + 1, -(-stop // _HOP))]
    threshold_db = max(float(levels.max()) + _END_DB, noise_db + 6.0)
    loud = np.flatnonzero(levels > min(threshold_db, float(levels.max()) - 3.0))
    breaks = np.flatnonzero(np.diff(loud) > _frames(_QUIET_S))
    last = int(loud[breaks[0]] if len(breaks) else loud[-1])
    end = (first + last + 1) * _HOP + round(_FADE_OUT_S * SAMPLE_RATE_HZ)
    if end < stop:
        return end, _FADE_OUT_S
    return stop, _FADE_OUT_S if stop == latest else _LONG_FADE_S


def _frames(seconds: float) -> int:
    return max(1, round(seconds / _FRAME_S))
