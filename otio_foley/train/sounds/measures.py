"""What a single step sounds like, in a few numbers, whoever recorded it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from scipy.ndimage import uniform_filter1d

from otio_foley.synthesis import SAMPLE_RATE_HZ
from otio_foley.types import FloatArray

_ENVELOPE_S: Final = 0.002
_TREND_S: Final = 0.040
_HEARD_DB: Final = -20.0
_MOST_S: Final = 0.6
_BANDS: Final = 24
_SEGMENTS_S: Final = (0.0, 0.015, 0.045, 0.100, 0.200, 0.400)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """`centroid_hz` of the power spectrum; `decay_ms` the time in which the energy that is still
    to come falls from -5 to -25 dB (Schroeder 1965; T20 without the extrapolation to 60 dB);
    `crest_db` peak over RMS while it is heard; `modulation` how far its envelope (2 ms) swings
    about the trend (40 ms) while that is within 20 dB of its greatest, as a share of the trend:
    what crumbles does, what rings does not."""

    centroid_hz: float
    decay_ms: float
    crest_db: float
    modulation: float


def measures(sound: FloatArray) -> Measures:
    """Measures of one step (N,) at 48 kHz, silence before and after it left out."""
    heard = _heard(sound)
    power = np.abs(np.fft.rfft(heard)) ** 2
    frequency = np.fft.rfftfreq(len(heard), 1 / SAMPLE_RATE_HZ)
    to_come = np.cumsum(heard[::-1] ** 2)[::-1]
    to_come_db = 10 * np.log10(to_come / to_come[0] + 1e-12)
    first, last = (int(np.argmax(to_come_db <= db)) for db in (-5.0, -25.0))
    envelope, trend = (
        uniform_filter1d(heard**2, round(length_s * SAMPLE_RATE_HZ))
        for length_s in (_ENVELOPE_S, _TREND_S)
    )
    loud = trend > trend.max() * 10 ** (_HEARD_DB / 10)
    return Measures(
        centroid_hz=float((frequency * power).sum() / power.sum()),
        decay_ms=1000 * max(0, last - first) / SAMPLE_RATE_HZ,
        crest_db=float(20 * np.log10(np.abs(heard).max() / np.sqrt((heard**2).mean()))),
        modulation=float(np.std(envelope[loud] / trend[loud])),
    )


def fingerprint(sound: FloatArray) -> FloatArray:
    """Features of one step for a simple classifier: band levels (24 third-octave-like bands, 60 Hz
    to 16 kHz) over the whole and in five stretches from the attack on, relative to the loudest, and
    the measures."""
    heard = _heard(sound)
    edges = np.geomspace(60.0, 16_000.0, _BANDS + 1)
    whole = _band_db(heard, edges)
    parts = []
    for start_s, end_s in pairwise(_SEGMENTS_S):
        part = heard[round(start_s * SAMPLE_RATE_HZ) : round(end_s * SAMPLE_RATE_HZ)]
        coarse = edges[::4]
        parts.append(_band_db(part, coarse) if len(part) > 64 else np.full(len(coarse) - 1, -60.0))
    level = max(float(part.max()) for part in parts)
    own = measures(sound)
    numbers = [np.log(own.centroid_hz) * 10, np.log(own.decay_ms + 1) * 10]
    numbers += [own.crest_db, own.modulation * 10]
    shape = [np.maximum(part - level, -60.0) for part in parts]
    return np.concatenate([np.maximum(whole - whole.max(), -60.0), *shape, numbers])


def _heard(sound: FloatArray) -> FloatArray:
    """From the attack to where it has died away, at most 0.6 s."""
    smooth = uniform_filter1d(np.abs(sound), 25)
    loud = np.flatnonzero(smooth > smooth.max() * 10 ** (-20 / 20))
    alive = np.flatnonzero(smooth > smooth.max() * 10 ** (-45 / 20))
    first = int(loud[0])
    last = min(int(alive[-1]) + 1, first + round(_MOST_S * SAMPLE_RATE_HZ))
    return sound[max(0, first - 24) : last]


def _band_db(sound: FloatArray, edges_hz: FloatArray) -> FloatArray:
    count = max(4096, len(sound))
    power = np.abs(np.fft.rfft(sound, count)) ** 2
    at = np.searchsorted(np.fft.rfftfreq(count, 1 / SAMPLE_RATE_HZ), edges_hz)
    bands = [power[a : max(a + 1, b)].sum() for a, b in pairwise(at)]
    return np.asarray(10 * np.log10(np.array(bands) + 1e-15))
