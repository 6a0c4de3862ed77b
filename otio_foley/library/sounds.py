"""Sound files as mono samples at 48 kHz: WAV, FLAC, AIFF, OGG, MP3, whatever libsndfile reads."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy.signal import resample_poly

from otio_foley.errors import MediaUnreadable
from otio_foley.synthesis import SAMPLE_RATE_HZ
from otio_foley.types import FloatArray, SampleArray

SUFFIXES: Final = (".wav", ".wave", ".bwf", ".flac", ".aif", ".aiff", ".ogg", ".oga", ".mp3")
#: Longer takes are refused: all of one is in memory while it is cut.
LONGEST_S: Final = 20 * 60.0
_MOST_RATE_HZ: Final = 400_000
_MOST_CHANNELS: Final = 64
_BLOCK: Final = 2**18
# Mean of two unrelated channels: half of either's power. Less is cancelled or one-sided.
_LEAST_MEAN_SHARE: Final = 0.4
_FLAT_RUN: Final = 4
_FLAT_SHARE: Final = 0.10
_LOUD: Final = 0.25  # -12 dB of the peak


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """Samples (N,) float32 mono at 48 kHz without DC; `notes` say what was done to get them.
    `clipped`: much of what is loud lies flat at full deflection."""

    samples: SampleArray
    seconds: float
    clipped: bool
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Survey:
    """What a first reading tells: frames there are, power (C,), power of the channels' mean,
    peak (C,)."""

    frames: int
    power: FloatArray
    mean_power: float
    peak: FloatArray


def read_sound(path: Path) -> Sound:
    """A sound file whole, mixed down to mono; the louder channel where mixing would cancel.

    Raises MediaUnreadable saying why: damaged, cut short, empty, or longer than 20 minutes.
    """
    import soundfile

    try:
        with soundfile.SoundFile(path) as file:
            return _read(file)
    except (soundfile.SoundFileError, OSError, RuntimeError) as error:
        raise MediaUnreadable(f"cannot be read: {_reason(error)}") from error


def _read(file: Any) -> Sound:
    rate_hz, channels, promised = file.samplerate, file.channels, file.frames
    if not 1 <= rate_hz <= _MOST_RATE_HZ or not 1 <= channels <= _MOST_CHANNELS:
        raise MediaUnreadable(f"{channels} channels at {rate_hz} Hz is no sound of ours")
    if promised > LONGEST_S * rate_hz:
        raise MediaUnreadable(
            f"longer than {LONGEST_S / 60:.0f} minutes: cut it into several files"
        )
    survey = _survey(file)
    if survey.frames == 0:
        raise MediaUnreadable("holds no sound")
    if survey.frames < promised or _is_cut_short(file):
        raise MediaUnreadable(f"ends early, after {survey.frames / rate_hz:.2f} s")
    if not np.isfinite(survey.power).all():
        raise MediaUnreadable("holds values that are not numbers")
    channel, note = _chosen_channel(survey)
    file.seek(0)
    mono = np.empty(survey.frames, dtype=np.float32)
    at = 0
    for block in _blocks(file):
        mono[at : at + len(block)] = block.mean(axis=1) if channel is None else block[:, channel]
        at += len(block)
    clipped = _flat_share(mono) > _FLAT_SHARE
    mono -= np.float32(mono.mean(dtype=np.float64))
    return Sound(
        samples=_at_our_rate(mono, rate_hz),
        seconds=survey.frames / rate_hz,
        clipped=clipped,
        notes=(note,) if note else (),
    )


def _blocks(file: Any) -> Iterator[SampleArray]:
    """The rest of a file in pieces of (n, C) float32."""
    while True:
        block: SampleArray = file.read(_BLOCK, dtype="float32", always_2d=True)
        if not len(block):
            return
        yield block


def _survey(file: Any) -> _Survey:
    frames, mean_power = 0, 0.0
    power = np.zeros(file.channels)
    peak = np.zeros(file.channels)
    for block in _blocks(file):
        frames += len(block)
        power += np.sum(np.square(block, dtype=np.float64), axis=0)
        mean_power += float(np.sum(np.square(block.mean(axis=1, dtype=np.float64))))
        peak = np.maximum(peak, np.abs(block).max(axis=0))
    return _Survey(frames=frames, power=power, mean_power=mean_power, peak=peak)


def _chosen_channel(survey: _Survey) -> tuple[int | None, str]:
    """Which channel to take, None for the mean of all, and what to say of it."""
    if len(survey.power) == 1:
        return 0, ""
    loudest = int(np.argmax(survey.power))
    if survey.mean_power >= _LEAST_MEAN_SHARE * survey.power[loudest]:
        return None, ""
    return loudest, f"channel {loudest + 1} alone: mixed with the others it would be lost"


def _is_cut_short(file: Any) -> bool:
    """libsndfile quietly reads what is there of a WAV or AIFF, and notes it in its log."""
    lines = (line.strip() for line in file.extra_info.splitlines())
    return any(line.lower().startswith(("data", "ssnd")) and "should be" in line for line in lines)


def _flat_share(mono: SampleArray) -> float:
    """Share of the loud samples that lie in flat runs at the peak; 0 for silence."""
    magnitude = np.abs(mono)
    peak = float(magnitude.max(initial=0.0))
    if peak <= 0:
        return 0.0
    flat = magnitude >= peak * 0.998
    run = np.convolve(flat, np.ones(_FLAT_RUN, dtype=np.int32), mode="valid") == _FLAT_RUN
    return float(run.sum() / max(1, (magnitude >= peak * _LOUD).sum()))


def _at_our_rate(mono: SampleArray, rate_hz: int) -> SampleArray:
    """Polyphase resampling to 48 kHz with a Kaiser window (scipy's, linear phase)."""
    if rate_hz == SAMPLE_RATE_HZ:
        return mono
    common = math.gcd(rate_hz, SAMPLE_RATE_HZ)
    out: SampleArray = resample_poly(
        mono, SAMPLE_RATE_HZ // common, rate_hz // common, window=("kaiser", 8.0)
    ).astype(np.float32)
    return out


def _reason(error: Exception) -> str:
    """What libsndfile says, without the path, which the report has already."""
    return str(error).rpartition(": ")[2].strip(" .") or type(error).__name__
