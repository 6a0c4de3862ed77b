"""A quick mix of footsteps and production sound, to listen to outside any host.

pydub lays the sounds over each other; it needs no ffmpeg, since files are read by PyAV (whatever
a movie holds) and libsndfile (24-bit WAV) and a WAV is written.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Final

import av
import numpy as np
import soundfile
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer

from otio_foley.errors import MediaMissing, MediaUnreadable
from otio_foley.files import is_file, write_whole
from otio_foley.mix.blocks import largest_magnitude
from otio_foley.types import SampleArray

if TYPE_CHECKING:
    from pydub import AudioSegment

SAMPLE_RATE_HZ: Final = 48_000
MONO_DB: Final = -3.01
"""Mono sent to both sides at constant power, as `mix.pan` has its middle."""

_BYTES: Final = 4  # mixed in 32 bits, of which the result needs half
_FULL_SCALE: Final = 2**31
_CHANNELS: Final = 2
_PIECE_S: Final = 10  # pydub copies a whole piece for every sound laid on it
_PIECE: Final = _PIECE_S * SAMPLE_RATE_HZ
_RUN_IN_S: Final = 1.0  # codecs need a while after a seek
_LEAST_HEADROOM_DB: Final = 0.1  # the sum of roundings
_MAKE_ANEW: Final = "make the footsteps anew"
_CONVERT: Final = "check that the file plays, or convert its sound to WAV"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedSound:
    """A stretch of a footstep file on the record, in seconds: what is heard from `start_s` on is
    `duration_s` of the file from `in_s` on."""

    path: Path
    start_s: float
    in_s: float
    duration_s: float
    gain_db: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """By how many dB (>= 0) a mix had to be lowered, and which production sound is not in it."""

    lowered_db: float
    unheard: tuple[str, ...]


def write_preview(
    production: Sequence[PlacedSound],
    footsteps: Sequence[PlacedSound],
    out: Path,
    *,
    start_s: float,
    duration_s: float,
    overwrite: bool = False,
) -> Preview:
    """Mix a span of the record to a 16-bit stereo WAV at 48 kHz, whole or not at all.

    `production` are the movies or sound files of the cut, at their own level and ducked by nothing
    (`in_s` counts from the first picture; what has no sound is silent). Where the sum would clip
    the whole mix is lowered. 10 minutes with 200 clips take 0.9 GB.
    Raises MediaMissing or MediaUnreadable for footsteps that cannot be read, TargetExists or
    OutputError for what cannot be written, ValueError where the span is empty.
    """
    count = round(duration_s * SAMPLE_RATE_HZ)
    if count <= 0:
        raise ValueError(f"a span of {duration_s} s holds nothing")
    begin = round(start_s * SAMPLE_RATE_HZ)
    layers, unheard = [], []
    for sound in production:
        try:
            layers.append(_laid(sound, begin, count, _production))
        except (MediaMissing, MediaUnreadable) as error:
            unheard.append(str(error))
    layers += [_laid(sound, begin, count, _footsteps) for sound in footsteps]
    # Summed this far down nothing clips; 32 bits have room for it, and it comes back below.
    headroom_db = _headroom_db(layers)
    pieces = list(_mixed(layers, count, headroom_db))
    peak = max(piece.max for piece in pieces) / _FULL_SCALE
    over_db = 20 * math.log10(peak) + headroom_db if peak > 0 else -math.inf
    # A hair below full scale, for 16 bits hold no +1.0.
    lowered_db = max(0.0, over_db - 20 * math.log10(1 - 2**-15))
    for number, piece in enumerate(pieces):
        pieces[number] = piece.apply_gain(headroom_db - lowered_db).set_sample_width(2)
    # Joined by pydub, each piece would copy all that came before it.
    joined = _segment(b"".join(piece.raw_data for piece in pieces), sample_bytes=2)
    whole = joined.get_sample_slice(0, count)
    write_whole(out, lambda path: whole.export(path, format="wav").close(), overwrite=overwrite)
    return Preview(lowered_db=lowered_db, unheard=tuple(unheard))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layer:
    """Stereo samples (N, 2) at 48 kHz and where in the span the first one lies."""

    at: int
    samples: SampleArray


def _mixed(layers: Sequence[_Layer], count: int, headroom_db: float) -> Iterator[AudioSegment]:
    """The layers, `headroom_db` down, in pieces of 10 s (the last one filled up with silence)."""
    silence = _segment(bytes(_PIECE * _CHANNELS * _BYTES))
    gain = _FULL_SCALE * 10 ** (-headroom_db / 20)
    for first in range(0, count, _PIECE):
        piece = silence
        for layer in layers:
            begin = max(layer.at, first)
            end = min(layer.at + len(layer.samples), first + _PIECE)
            if begin >= end:
                continue
            heard = layer.samples[begin - layer.at : end - layer.at] * np.float64(gain)
            # pydub counts milliseconds and rounds down: half a sample more hits the sample.
            piece = piece.overlay(
                _segment(np.rint(heard).astype("<i4").tobytes()),
                position=(begin - first + 0.5) * 1000 / SAMPLE_RATE_HZ,
            )
        yield piece


def _segment(data: bytes, *, sample_bytes: int = _BYTES) -> AudioSegment:
    """Stereo at 48 kHz, 32 bits unless told otherwise."""
    with warnings.catch_warnings():
        # What pydub says when it is imported: it looks for programs that nothing here needs, for
        # a module that Python 3.13 has no more, and its patterns are not raw strings.
        warnings.filterwarnings("ignore", message="Couldn't find ff", category=RuntimeWarning)
        warnings.filterwarnings("ignore", message="'audioop'", category=DeprecationWarning)
        warnings.filterwarnings("ignore", message="invalid escape", category=DeprecationWarning)
        warnings.filterwarnings("ignore", message="invalid escape", category=SyntaxWarning)
        from pydub import AudioSegment
    return AudioSegment(
        data, sample_width=sample_bytes, frame_rate=SAMPLE_RATE_HZ, channels=_CHANNELS
    )


def _headroom_db(layers: Sequence[_Layer]) -> float:
    """How far down all must be for the sum of their peaks to fit."""
    peaks = sum(largest_magnitude(layer.samples) for layer in layers)
    return max(0.0, 20 * math.log10(max(peaks, 1e-9))) + _LEAST_HEADROOM_DB


def _laid(
    sound: PlacedSound, begin: int, count: int, read: Callable[[Path, int, int], SampleArray]
) -> _Layer:
    """What of a sound lies in the span; N = 0 where nothing does. `read` gives samples (N, 2) of a
    file from a sample on, at most so many.

    Raises MediaMissing or MediaUnreadable.
    """
    at = round(sound.start_s * SAMPLE_RATE_HZ) - begin
    first = round(sound.in_s * SAMPLE_RATE_HZ)
    length = min(round(sound.duration_s * SAMPLE_RATE_HZ), count - at)
    skipped = max(0, -at)
    if length <= skipped:
        return _Layer(at=0, samples=np.zeros((0, _CHANNELS), np.float32))
    samples = read(sound.path, first + skipped, length - skipped)
    return _Layer(at=at + skipped, samples=samples * np.float32(10 ** (sound.gain_db / 20)))


def _footsteps(path: Path, first: int, count: int) -> SampleArray:
    """Samples (N, 2) of a sound file from sample `first` on, at most `count`."""
    if not is_file(path):
        raise MediaMissing(f"{path} is not there", hint="check the path")
    try:
        with soundfile.SoundFile(path) as file:
            if file.samplerate != SAMPLE_RATE_HZ:
                raise MediaUnreadable(
                    f"{path} has {file.samplerate} samples a second",
                    hint=f"footsteps are made at {SAMPLE_RATE_HZ}",
                )
            file.seek(min(first, file.frames))
            samples: SampleArray = file.read(count, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise MediaUnreadable(f"cannot read {path}: {error}", hint=_MAKE_ANEW) from error
    return _as_stereo(samples)


def _as_stereo(samples: SampleArray) -> SampleArray:
    """(N, 2) of (N, C): mono to both sides at constant power; of more, the first two channels."""
    if samples.shape[1] > 1:
        return np.ascontiguousarray(samples[:, :_CHANNELS])
    return np.repeat(samples * np.float32(10 ** (MONO_DB / 20)), _CHANNELS, axis=1)


def _production(path: Path, first: int, count: int) -> SampleArray:
    """Sound of a movie or sound file from sample `first` on, (count, 2), silence where it has none.

    Time 0 is the picture's first frame, or the sound's where there is no picture. Raises
    MediaMissing or MediaUnreadable.
    """
    if not is_file(path):
        raise MediaMissing(f"{path} is not there", hint="check the path")
    out = np.zeros((count, _CHANNELS), np.float32)
    try:
        # An absolute path, or libavformat would take `12:30.mov` for a protocol.
        with closing(av.open(str(path.absolute()), mode="r")) as container:
            stream = next(iter(container.streams.audio), None)
            if stream is None:
                return out
            begin_s = Fraction(first, SAMPLE_RATE_HZ) + _zero_s(container, stream)
            for at, samples in _decoded(container, stream, begin_s):
                start, end = max(0, at), min(at + len(samples), count)
                if at >= count:
                    break
                if start < end:
                    out[start:end] = samples[start - at : end - at]
    except av.FFmpegError as error:
        raise MediaUnreadable(
            f"cannot read the sound of {path}: {error.strerror}", hint=_CONVERT
        ) from error
    return out


def _zero_s(container: InputContainer, stream: AudioStream) -> Fraction:
    """Presentation time of the first picture, or of the first sound where there is none."""
    pictures = [
        one
        for one in container.streams.video
        if not one.disposition & av.stream.Disposition.attached_pic
    ]
    for one in (*pictures, stream):
        if one.start_time is not None and one.time_base is not None:
            return one.start_time * one.time_base
    return Fraction(0)


def _decoded(
    container: InputContainer, stream: AudioStream, begin_s: Fraction
) -> Iterator[tuple[int, SampleArray]]:
    """Stretches (M, 2) of a stream's sound at 48 kHz, each with its first sample counted from
    `begin_s` of the container's clock, from a little before it on."""
    assert stream.time_base is not None
    aim_s = begin_s - Fraction(_RUN_IN_S)
    if aim_s > (stream.start_time or 0) * stream.time_base:
        container.seek(int(aim_s / stream.time_base), stream=stream, backward=True)
    mono = stream.codec_context.channels == 1
    resampler = AudioResampler("fltp", "mono" if mono else "stereo", SAMPLE_RATE_HZ)
    at: int | None = None
    for frame in container.decode(stream):
        if at is None:
            # Frames follow each other; counting on from the first adds up no rounding.
            time_s = (frame.pts or 0) * (frame.time_base or stream.time_base)
            at = round((time_s - begin_s) * SAMPLE_RATE_HZ)
        for piece in resampler.resample(frame):
            samples = _as_stereo(np.asarray(piece.to_ndarray(), dtype=np.float32).T)
            yield at, samples
            at += len(samples)
    for piece in resampler.resample(None):
        if at is not None:
            yield at, _as_stereo(np.asarray(piece.to_ndarray(), dtype=np.float32).T)
