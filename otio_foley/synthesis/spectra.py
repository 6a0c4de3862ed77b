"""Log-mel spectra: one `StftSpec` for the generator, the vocoders and their training."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import librosa
import numpy as np
from numpy.typing import NDArray

from otio_foley.synthesis import SAMPLE_RATE_HZ
from otio_foley.types import SampleArray

Mel = NDArray[np.float32]
"""(T, mels), `_MIDDLE` and `SPREAD` taken off: about -1 for silence, 1 for a loud step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StftSpec:
    """Frame k is centred on sample k x hop; windows are Hann's."""

    sample_rate_hz: int = SAMPLE_RATE_HZ
    window: int = 1024
    hop: int = 200
    mels: int = 80
    low_hz: float = 40.0
    high_hz: float = 20_000.0

    @property
    def frames_hz(self) -> float:
        return self.sample_rate_hz / self.hop

    @property
    def bins(self) -> int:
        return self.window // 2 + 1


SPEC: Final = StftSpec()

#: Magnitudes below this are silence (a full-scale sine has 256).
LEAST = 1e-4
#: Of the logarithms of magnitudes: silence lies at -1, a loud step near 1.
_MIDDLE, SPREAD = -4.2, 5.0
NEPER_PER_DB = float(np.log(10.0) / 20.0)


@lru_cache(maxsize=2)
def mel_filters(spec: StftSpec = SPEC) -> NDArray[np.float32]:
    """(mels, bins), triangles of equal peak (Slaney's scale, O'Shaughnessy 1987 below 1 kHz)."""
    filters = librosa.filters.mel(
        sr=spec.sample_rate_hz,
        n_fft=spec.window,
        n_mels=spec.mels,
        fmin=spec.low_hz,
        fmax=spec.high_hz,
        norm=None,
    )
    return np.asarray(filters, dtype=np.float32)


def log_mel(samples: SampleArray, spec: StftSpec = SPEC) -> Mel:
    """(1 + N // hop, mels) of mono samples (N,); beyond their ends there is silence."""
    frames = 1 + len(samples) // spec.hop
    if len(samples) < spec.window:
        samples = np.pad(samples, (0, spec.window - len(samples)))
    spectrum = librosa.stft(
        samples, n_fft=spec.window, hop_length=spec.hop, center=True, pad_mode="constant"
    )
    mels = mel_filters(spec) @ np.abs(spectrum)
    return scaled(mels.T[:frames])


def scaled(mels: NDArray[np.float32]) -> Mel:
    """Mel magnitudes as networks take them."""
    return np.asarray((np.log(np.maximum(mels, LEAST)) - _MIDDLE) / SPREAD, dtype=np.float32)


def magnitudes(mel: Mel) -> NDArray[np.float32]:
    """Mel magnitudes (T, mels) again."""
    return np.asarray(np.exp(mel * SPREAD + _MIDDLE), dtype=np.float32)


def griffin_lim(mel: Mel, *, rounds: int = 32, spec: StftSpec = SPEC) -> SampleArray:
    """Sound ((T - 1) x hop,) of a log-mel (T, mels) without a network (Griffin and Lim 1984, with
    Perraudin's momentum, as librosa does it): the plain baseline. The same for the same mel."""
    if len(mel) < 2:
        return np.zeros(0, dtype=np.float32)
    inverse = _inverse(spec)
    linear = np.maximum(inverse @ magnitudes(mel).T, 0.0)
    samples = librosa.griffinlim(
        linear,
        n_iter=rounds,
        hop_length=spec.hop,
        n_fft=spec.window,
        length=(len(mel) - 1) * spec.hop,
        random_state=0,
        pad_mode="constant",
    )
    return np.asarray(samples, dtype=np.float32)


@lru_cache(maxsize=2)
def _inverse(spec: StftSpec) -> NDArray[np.float32]:
    return np.asarray(np.linalg.pinv(mel_filters(spec)), dtype=np.float32)
