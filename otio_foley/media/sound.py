"""Sound files: 24-bit WAV with `bext` (EBU Tech 3285 v2) and iXML 3.01, written and read.

Written by hand, because libsndfile cannot write a version 2 `bext`. Samples are rounded to 24
bits without dither: footsteps are noise whose own tail is far above 2^-24, digital silence stays
silent, and the same sound always gives the same bytes.
"""

from __future__ import annotations

import os
import re
import struct
import unicodedata
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final
from xml.sax.saxutils import escape

import numpy as np
import soundfile

from otio_foley.errors import MediaMissing, MediaUnreadable, OutputError, TargetExists
from otio_foley.types import Audio

BITS: Final = 24
ORIGINATOR: Final = "otio-foley"
CATEGORY_ID: Final = "FOLYFeet"  # Universal Category System 8.2: FOLEY, FEET
_BEXT: Final = struct.Struct("<256s32s32s10s8sQH64s5h180s")
_UNKNOWN_LOUDNESS: Final = 0x7FFF  # Tech 3285 v2: a field that is not used
_RIFF_LIMIT: Final = 2**32 - 8
_FX_NAME_LIMIT: Final = 25
_ID_LIMIT: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class BroadcastWave:
    """What a sound file says about itself.

    `time_reference` counts samples from midnight to the first sample. `bext` takes ASCII only, up
    to 256 characters of `description` and 32 of `originator` and `originator_reference`: accents
    are taken off and what is longer is cut; iXML keeps every text whole. The date is a constant
    unless given, so that the same sound gives the same bytes. Loudness in LUFS, peak in dBTP.
    `timecode_rate` is spelled as iXML wants it (`24000/1001`, `25/1`).
    """

    track_name: str
    time_reference: int
    description: str = ""
    originator: str = ORIGINATOR
    originator_reference: str = ""
    origination_date: str = "1970-01-01"
    origination_time: str = "00:00:00"
    project: str = ""
    scene: str = ""
    take: str = ""
    note: str = ""
    timecode_rate: str | None = None
    timecode_drop_frame: bool = False
    coding_history: str = ""
    integrated_lufs: float | None = None
    momentary_max_lufs: float | None = None
    short_term_max_lufs: float | None = None
    true_peak_dbtp: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundInfo:
    """What lies in a sound file; `time_reference` is None where it has no `bext`."""

    sample_rate_hz: int
    channels: int
    frames: int
    time_reference: int | None


def write_sound(path: Path, audio: Audio, info: BroadcastWave, *, overwrite: bool = False) -> None:
    """Write (N, C) samples as a 24-bit broadcast WAV; whole or not at all.

    Samples beyond full scale are refused, not clipped. Raises TargetExists where something lies
    at `path` and `overwrite` is not set, OutputError where the sound does not fit (4 GiB, full
    scale, not finite) or the disk does not take it.
    """
    if not overwrite and path.exists():
        raise _exists(path)
    content = _wave_bytes(audio, info)
    beside = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        try:
            with beside.open("xb") as file:
                file.write(content)
            _move_into_place(beside, path, overwrite)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(
            f"cannot write {path}: {error.strerror}", hint="is there room, may you write there?"
        ) from error


def read_sound(path: Path) -> Audio:
    """All samples of a sound file as (N, C) float32 at the file's own rate.

    Raises MediaMissing or MediaUnreadable.
    """
    _must_exist(path)
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise MediaUnreadable(f"cannot read {path}: {error.error_string}") from error
    return Audio(samples=samples, sample_rate_hz=int(rate))


def read_sound_info(path: Path) -> SoundInfo:
    """Rate, channels, length and time reference, without reading the samples.

    Raises MediaMissing or MediaUnreadable.
    """
    _must_exist(path)
    try:
        found = soundfile.info(path)
    except soundfile.LibsndfileError as error:
        raise MediaUnreadable(f"cannot read {path}: {error.error_string}") from error
    with path.open("rb") as file:
        bext = _find_chunk(file, b"bext")
    reference = _BEXT.unpack_from(bext)[5] if bext and len(bext) >= _BEXT.size else None
    return SoundInfo(
        sample_rate_hz=found.samplerate,
        channels=found.channels,
        frames=found.frames,
        time_reference=reference,
    )


def ucs_name(fx_name: str, creator_id: str, source_id: str) -> str:
    """File name after the Universal Category System: `FOLYFeet_<FXName>_<Creator>_<Source>.wav`.

    Underscores part the fields, so inside one they become spaces; what is unsafe in a file name
    on any system is left out, and FXName is cut at 25 characters. Raises ValueError where a
    field has nothing left.
    """
    fields = (
        _file_safe(fx_name, _FX_NAME_LIMIT),
        _file_safe(creator_id, _ID_LIMIT),
        _file_safe(source_id, _ID_LIMIT),
    )
    if not all(fields):
        raise ValueError(f"nothing usable in {(fx_name, creator_id, source_id)!r}")
    return "_".join((CATEGORY_ID, *fields)) + ".wav"


def _wave_bytes(audio: Audio, info: BroadcastWave) -> bytes:
    count, channels = audio.samples.shape
    block = channels * BITS // 8
    header = struct.pack(
        "<HHIIHH", 1, channels, audio.sample_rate_hz, audio.sample_rate_hz * block, block, BITS
    )
    history = info.coding_history or _coding_history(audio)
    before = b"".join((
        _chunk(b"bext", _bext(info, history)),
        _chunk(b"fmt ", header),
        _chunk(b"iXML", _ixml(audio, info, history).encode("utf-8")),
    ))  # fmt: skip
    if 4 + len(before) + 8 + count * block + 1 > _RIFF_LIMIT:
        raise OutputError("sound of 4 GiB or more does not fit a WAV", hint="split the clip")
    body = b"WAVE" + before + _chunk(b"data", _pcm24(audio))
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _chunk(name: bytes, payload: bytes) -> bytes:
    return name + struct.pack("<I", len(payload)) + payload + b"\0" * (len(payload) % 2)


def _pcm24(audio: Audio) -> bytes:
    samples = audio.samples.astype(np.float64)
    if not np.isfinite(samples).all():
        raise OutputError("sound holds values that are not numbers")
    scaled = np.rint(samples * 2 ** (BITS - 1))
    # +1.0 exactly has no place in two's complement; one step less is inaudible.
    if np.abs(scaled).max(initial=0.0) > 2 ** (BITS - 1):
        raise OutputError("sound goes beyond full scale", hint="lower its level")
    values = np.minimum(scaled, 2 ** (BITS - 1) - 1).astype("<i4")
    three_bytes: bytes = values.reshape(-1, 1).view(np.uint8)[:, :3].tobytes()
    return three_bytes


def _coding_history(audio: Audio) -> str:
    mode = {1: "mono", 2: "stereo"}.get(audio.samples.shape[1], "multi")
    return (
        f"A=PCM,F={audio.sample_rate_hz},W={BITS},M={mode},"
        "T=otio-foley; generated sound (synthetic footsteps)\r\n"
    )


def _bext(info: BroadcastWave, history: str) -> bytes:
    if not 0 <= info.time_reference < 2**64:
        raise OutputError(f"time reference {info.time_reference} does not fit 64 bits")
    loudness = (
        info.integrated_lufs,
        None,  # loudness range says nothing about single steps
        info.true_peak_dbtp,
        info.momentary_max_lufs,
        info.short_term_max_lufs,
    )
    fixed = _BEXT.pack(
        _ascii(info.description)[:256],
        _ascii(info.originator)[:32],
        _ascii(info.originator_reference)[:32],
        _ascii(info.origination_date)[:10],
        _ascii(info.origination_time)[:8],
        info.time_reference,
        2,
        b"",  # no UMID
        *(_hundredths(value) for value in loudness),
        b"",
    )
    return fixed + _ascii(history)


def _hundredths(value: float | None) -> int:
    """Tech 3285 v2: hundredths rounded to nearest; silence and the unknown are not used."""
    if value is None or not -99.99 <= value <= 99.99:
        return _UNKNOWN_LOUDNESS
    return round(value * 100)


def _ascii(text: str) -> bytes:
    """ASCII of a text: accents off, anything else without an ASCII letter as `_`."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return "".join(c if c.isascii() else "_" for c in bare).encode("ascii")


def _ixml(audio: Audio, info: BroadcastWave, history: str) -> str:
    """iXML 3.01 (gallery.co.uk/ixml) with the ASWG fields that mark generated sound."""
    high, low = divmod(info.time_reference, 2**32)
    tracks = "".join(
        f"<TRACK><CHANNEL_INDEX>{n}</CHANNEL_INDEX><INTERLEAVE_INDEX>{n}</INTERLEAVE_INDEX>"
        + _tag("NAME", info.track_name)
        + "<FUNCTION>FX</FUNCTION></TRACK>"
        for n in range(1, audio.samples.shape[1] + 1)
    )
    parts = (
        "<IXML_VERSION>3.01</IXML_VERSION>",
        _tag("PROJECT", info.project),
        _tag("SCENE", info.scene) if info.scene else "",
        _tag("TAKE", info.take) if info.take else "",
        _tag("NOTE", info.note) if info.note else "",
        _ixml_speed(audio, info, high, low),
        f"<TRACK_LIST><TRACK_COUNT>{audio.samples.shape[1]}</TRACK_COUNT>{tracks}</TRACK_LIST>",
        _ixml_bext(info, history, high, low),
        f"<ASWG>{_tag('catId', CATEGORY_ID)}<isGenerated>true</isGenerated>"
        f"{_tag('originator', info.originator)}</ASWG>",
    )
    body = "".join(parts)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<BWFXML>{body}</BWFXML>\n'


def _ixml_speed(audio: Audio, info: BroadcastWave, high: int, low: int) -> str:
    rate = ""
    if info.timecode_rate is not None:
        flag = "DF" if info.timecode_drop_frame else "NDF"
        rate = _tag("TIMECODE_RATE", info.timecode_rate) + _tag("TIMECODE_FLAG", flag)
    return (
        f"<SPEED>{rate}"
        f"<FILE_SAMPLE_RATE>{audio.sample_rate_hz}</FILE_SAMPLE_RATE>"
        f"<AUDIO_BIT_DEPTH>{BITS}</AUDIO_BIT_DEPTH>"
        f"<DIGITIZER_SAMPLE_RATE>{audio.sample_rate_hz}</DIGITIZER_SAMPLE_RATE>"
        f"<TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI>{high}</TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI>"
        f"<TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO>{low}</TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO>"
        f"<TIMESTAMP_SAMPLE_RATE>{audio.sample_rate_hz}</TIMESTAMP_SAMPLE_RATE></SPEED>"
    )


def _ixml_bext(info: BroadcastWave, history: str, high: int, low: int) -> str:
    fields = (
        ("BWF_DESCRIPTION", info.description),
        ("BWF_ORIGINATOR", info.originator),
        ("BWF_ORIGINATOR_REFERENCE", info.originator_reference),
        ("BWF_ORIGINATION_DATE", info.origination_date),
        ("BWF_ORIGINATION_TIME", info.origination_time),
        ("BWF_TIME_REFERENCE_LOW", str(low)),
        ("BWF_TIME_REFERENCE_HIGH", str(high)),
        ("BWF_VERSION", "2"),
        ("BWF_CODING_HISTORY", history.strip()),
    )
    return "<BEXT>" + "".join(_tag(name, text) for name, text in fields) + "</BEXT>"


_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def _tag(name: str, text: str) -> str:
    return f"<{name}>{escape(_NOT_XML.sub('', text))}</{name}>"


def _file_safe(text: str, limit: int) -> str:
    kept = re.sub(r"[^A-Za-z0-9 .\-]", "", _ascii(text).decode().replace("_", " "))
    return re.sub(r" +", " ", kept).strip(" .")[:limit].rstrip(" .")


def _find_chunk(file: BinaryIO, wanted: bytes) -> bytes | None:
    """Payload of a RIFF or RF64 chunk, None where there is none before the file ends."""
    if file.read(4) not in (b"RIFF", b"RF64"):
        return None
    file.seek(12)
    while len(head := file.read(8)) == 8:
        name, size = head[:4], struct.unpack("<I", head[4:])[0]
        if name == wanted:
            return file.read(size)
        file.seek(size + size % 2, os.SEEK_CUR)
    return None


def _move_into_place(beside: Path, path: Path, overwrite: bool) -> None:
    if overwrite:
        beside.replace(path)
        return
    try:
        # A link fails where something has come to lie there meanwhile; a rename would bury it.
        path.hardlink_to(beside)
    except FileExistsError:
        raise _exists(path) from None
    except OSError:
        # A file system without links (exFAT): look once more, then rename.
        if path.exists():
            raise _exists(path) from None
        beside.replace(path)


def _exists(path: Path) -> TargetExists:
    return TargetExists(f"{path} already exists", hint="choose another name or allow overwriting")


def _must_exist(path: Path) -> None:
    if not path.is_file():
        raise MediaMissing(f"no sound file at {path}")
