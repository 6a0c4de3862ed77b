"""Sound files: 24-bit WAV with `bext` (EBU Tech 3285 v2) and iXML 3.01.

Written by hand, because libsndfile cannot write a version 2 `bext`. Samples are rounded to 24
bits without dither: footsteps are noise whose own tail is far above 2^-24, digital silence stays
silent, and the same sound always gives the same bytes.
"""

from __future__ import annotations

import re
import struct
import unicodedata
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray

from otio_foley.errors import OutputError
from otio_foley.files import move_into_place, target_exists, unwritable
from otio_foley.types import Audio

BITS: Final = 24
ORIGINATOR: Final = "otio-foley"
CATEGORY_ID: Final = "FOLYFeet"  # Universal Category System 8.2: FOLEY, FEET
_BEXT: Final = struct.Struct("<256s32s32s10s8sQH64s5h180s")
_UNKNOWN_LOUDNESS: Final = 0x7FFF  # Tech 3285 v2: a field that is not used
_RIFF_LIMIT: Final = 2**32 - 8
FX_NAME_LIMIT: Final = 25
_ID_LIMIT: Final = 60
_ID_END: Final = 16  # where a clip's id stands: without it two clips would share a name
_BLOCK: Final = 2**15  # samples turned into bytes at a time: few enough to stay near the processor


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


def write_sound(path: Path, audio: Audio, info: BroadcastWave, *, overwrite: bool = False) -> None:
    """Write (N, C) samples as a 24-bit broadcast WAV; whole or not at all.

    Samples beyond full scale are refused, not clipped. Raises TargetExists where something lies
    at `path` and `overwrite` is not set, OutputError where the sound does not fit (4 GiB, full
    scale, not finite) or the disk does not take it.
    """
    before = _before_samples(audio, info)
    beside = path.parent / f".{uuid.uuid4().hex}.part"
    try:
        if not overwrite and path.exists():
            raise target_exists(path)
        try:
            with beside.open("xb") as file:
                file.write(before)
                file.writelines(_pcm24(audio))
                file.write(_padding(audio))
            move_into_place(beside, path, overwrite=overwrite)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(path, error) from error


def ucs_name(fx_name: str, creator_id: str, source_id: str) -> str:
    """File name after the Universal Category System: `FOLYFeet_<FXName>_<Creator>_<Source>.wav`.

    Underscores part the fields, so inside one they become spaces; what is unsafe in a file name
    on any system is left out, and FXName is cut at 25 characters. A long creator or source is
    shortened to 60, a source in front of its last 16 characters, which tell clips apart. Raises
    ValueError where a field has nothing left.
    """
    fields = (
        _cut(_file_safe(fx_name), FX_NAME_LIMIT),
        _cut(_file_safe(creator_id), _ID_LIMIT),
        _cut(_file_safe(source_id), _ID_LIMIT, kept_end=_ID_END),
    )
    if not all(fields):
        raise ValueError(f"nothing usable in {(fx_name, creator_id, source_id)!r}")
    return "_".join((CATEGORY_ID, *fields)) + ".wav"


def _before_samples(audio: Audio, info: BroadcastWave) -> bytes:
    """All of the file up to its samples, which come last."""
    count, channels = audio.samples.shape
    block = channels * BITS // 8
    header = struct.pack(
        "<HHIIHH", 1, channels, audio.sample_rate_hz, audio.sample_rate_hz * block, block, BITS
    )
    history = info.coding_history or _coding_history(audio)
    about = b"".join((
        _chunk(b"bext", _bext(info, history)),
        _chunk(b"fmt ", header),
        _chunk(b"iXML", _ixml(audio, info, history).encode("utf-8")),
    ))  # fmt: skip
    size = 4 + len(about) + 8 + count * block + len(_padding(audio))
    if size > _RIFF_LIMIT:
        raise OutputError("sound of 4 GiB or more does not fit a WAV", hint="split the clip")
    riff = b"RIFF" + struct.pack("<I", size) + b"WAVE"
    return riff + about + b"data" + struct.pack("<I", count * block)


def _padding(audio: Audio) -> bytes:
    """A chunk's payload has even length."""
    return b"\0" * (audio.samples.size * BITS // 8 % 2)


def _chunk(name: bytes, payload: bytes) -> bytes:
    return name + struct.pack("<I", len(payload)) + payload + b"\0" * (len(payload) % 2)


def _pcm24(audio: Audio) -> Iterator[bytes | memoryview]:
    """The samples in pieces, interleaved; OutputError where one does not fit 24 bits."""
    full_scale = 2 ** (BITS - 1)
    for first in range(0, len(audio.samples), _BLOCK):
        samples = audio.samples[first : first + _BLOCK]
        if not samples.any():
            yield bytes(samples.size * BITS // 8)
            continue
        largest = max(float(samples.max()), -float(samples.min()))
        if not np.isfinite(largest):
            raise OutputError("sound holds values that are not numbers")
        if round(largest * full_scale) > full_scale:
            raise OutputError("sound goes beyond full scale", hint="lower its level")
        # Single precision has 24 bits itself: scaling by a power of two and rounding are exact.
        scaled = samples * np.float32(full_scale)
        np.rint(scaled, out=scaled)
        # +1.0 exactly has no place in two's complement; one step less is inaudible.
        values = np.minimum(scaled, full_scale - 1, out=scaled).astype(np.int32)
        yield _packed(values.reshape(-1))


def _packed(values: NDArray[np.int32]) -> memoryview:
    """Values (N,) of 24 bits as bytes, little-endian."""
    packed = np.empty(3 * len(values) + 1, dtype=np.uint8)
    # Four bytes each at every third: the fourth, which is but the sign, is written over by the
    # next value, for numpy writes one dimension from front to back (it does not say so: tested).
    np.ndarray(len(values), "<i4", buffer=packed, strides=(3,))[...] = values
    return packed[:-1].data


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


def _file_safe(text: str) -> str:
    kept = re.sub(r"[^A-Za-z0-9 .\-]", "", _ascii(text).decode().replace("_", " "))
    return re.sub(r" +", " ", kept).strip(" .")


def _cut(text: str, limit: int, *, kept_end: int = 0) -> str:
    """A text of at most `limit` characters that keeps its last `kept_end`."""
    if len(text) <= limit:
        return text
    end = text[len(text) - kept_end :]
    return (text[: limit - kept_end].rstrip(" .") + end).rstrip(" .")
