"""When somebody steps in a sound: spectral flux above an adaptive threshold, the method's way.

Spectral flux (Dixon 2006) of a mel spectrum; an onset is a peak above the flux about it by a margin
that goes with the sound's own strong strikes. What a step sounds of after its heel (the forefoot,
a scrape as the toes leave) is told from the next step by being close behind and no stronger.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import librosa
import numpy as np
from scipy.ndimage import median_filter, uniform_filter1d

from otio_foley.synthesis.spectra import SPEC, Mel, log_mel, magnitudes
from otio_foley.types import FloatArray, SampleArray

#: Magnitudes count by this power, about as they are heard (Stevens 1957 has 0.6 for pressure):
#: their logarithm would make as much of a rustle in silence as of a step.
_LOUDNESS: Final = 0.5
#: Frames over which a rise is measured (12.5 ms), and over which the flux is smoothed.
_LAG, _SMOOTHED = 3, 3
#: The threshold follows the flux about it (s on both sides); a strike stands above that by this
#: share of the sound's strong strikes.
_ABOUT_S: Final = 0.35
_SHARE: Final = 0.18
_STRONG: Final = 99.0
#: A step's own later strikes come within so much (s), and are not so many times as strong as its
#: first; one that is, is the step, and what came before it a scrape.
_STEP_S: Final = 0.21
_STRONGER: Final = 1.8
_PEAK_S: Final = 0.04
#: Less flux than this is no strike in any sound.
_LEAST = 0.02


def flux(mel: Mel) -> FloatArray:
    """Spectral flux (T,) of a log-mel (T, mels): how much louder bands have become, on average."""
    loudness = magnitudes(mel).T.astype(np.float64) ** _LOUDNESS
    rise = librosa.onset.onset_strength(
        S=loudness, lag=_LAG, max_size=1, center=False, detrend=False
    )
    return np.asarray(uniform_filter1d(rise[: len(mel)], _SMOOTHED), dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Onset:
    """Seconds from the sound's beginning, and how strong beside the sound's strong ones, 0..1."""

    time_s: float
    strength: float


def mel_onsets(mel: Mel) -> tuple[Onset, ...]:
    """Onsets of a log-mel (T, mels), in time order."""
    if len(mel) <= 2 * _LAG:
        return ()
    strength = flux(mel)
    about = round(_ABOUT_S * SPEC.frames_hz)
    over = np.maximum(strength - median_filter(strength, size=2 * about + 1), 0.0)
    reach = round(_PEAK_S * SPEC.frames_hz)
    strikes = over[librosa.util.localmax(over)]
    strong = float(np.percentile(strikes, _STRONG)) if len(strikes) else 0.0
    least = max(_SHARE * strong, _LEAST)
    peaks = librosa.util.peak_pick(
        over, pre_max=reach, post_max=reach, pre_avg=1, post_avg=1, delta=0.0, wait=reach
    )
    steps: list[int] = []
    for peak in (int(one) for one in peaks if over[one] >= least):
        if not steps or (peak - steps[-1]) / SPEC.frames_hz >= _STEP_S:
            steps.append(peak)
        elif over[peak] > _STRONGER * over[steps[-1]]:
            steps[-1] = peak
    # A window sees a strike half its length ahead, and the rise is greatest half a lag after it
    # begins: about the same, so that nothing is taken off.
    return tuple(
        Onset(time_s=step / SPEC.frames_hz, strength=min(1.0, float(over[step]) / strong))
        for step in steps
    )


def sound_onsets(samples: SampleArray) -> tuple[Onset, ...]:
    """Onsets of mono samples (N,) at 48 kHz, in time order."""
    return mel_onsets(log_mel(samples))
