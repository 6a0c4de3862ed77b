"""OTIO's small values read from JSON spans: schemas, times, ranges, media references, paths."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from urllib.parse import unquote

from otio_foley.time import rate_from_float
from otio_foley.timelines.otio.jsonspans import Value
from otio_foley.timelines.paths import media_path_from

#: Our metadata stand under this key and name `document.NAMESPACE` as their "namespace".
METADATA_KEY = "otio_foley"

_SCHEMA = re.compile(r"^([A-Za-z_]\w*)\.(\d{1,9})$")
_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]+:")
#: Above this a "rate" is a time base (samples, microseconds) and not frames a second.
_FASTEST_FRAME_RATE = 1000
_LARGEST_RATE = 10**9
_LARGEST_VALUE = 10**15


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """An OTIO TimeRange in exact seconds; `rate` is that of its start (units a second)."""

    start_s: Fraction
    duration_s: Fraction
    rate: Fraction

    @property
    def end_s(self) -> Fraction:
        return self.start_s + self.duration_s


def schema_of(value: Value | None) -> str:
    """Schema name without its version: "Clip" for "Clip.2"; "" where there is none."""
    named = value.get("OTIO_SCHEMA") if value is not None else None
    match = _SCHEMA.match((named.text() if named is not None else None) or "")
    return match[1] if match else ""


def name_of(value: Value) -> str:
    named = value.get("name")
    return (named.text() or "") if named is not None else ""


def rate_of(value: Value | None) -> Fraction | None:
    """The exact rate of a RationalTime; None where it is missing, zero, NaN or absurd."""
    number = value.number() if value is not None else None
    if number is None or not 0 < number <= _LARGEST_RATE:
        return None
    if number > _FASTEST_FRAME_RATE:
        return number
    exact = rate_from_float(float(number))
    return exact if exact > 0 else None


def time_of(value: Value | None) -> tuple[Fraction, Fraction] | None:
    """(seconds, rate) of a RationalTime; None where it cannot be read."""
    if value is None or value.kind != "object":
        return None
    amount = value.get("value")
    number = amount.number() if amount is not None else None
    rate = rate_of(value.get("rate"))
    if number is None or rate is None or abs(number) > _LARGEST_VALUE:
        return None
    return number / rate, rate


def range_of(value: Value | None) -> Range | None:
    """A TimeRange; None where it cannot be read or lasts less than nothing.

    A start without a usable rate counts only if it is zero, as default-made times are.
    """
    if value is None or value.kind != "object":
        return None
    duration = time_of(value.get("duration"))
    if duration is None or duration[0] < 0:
        return None
    written = value.get("start_time")
    start = time_of(written)
    if start is None:
        amount = written.get("value") if written is not None else None
        zero = amount is not None and amount.number() == 0
        if stated(written) and not zero:
            return None
        start = (Fraction(0), duration[1])
    return Range(start_s=start[0], duration_s=duration[0], rate=start[1])


def stated(value: Value | None) -> bool:
    """Whether a member is there and is not null."""
    return value is not None and not value.is_null


def active_reference(clip: Value) -> Value | None:
    """The media reference that a clip plays (Clip.1: the only one; Clip.2: the active one)."""
    single = clip.get("media_reference")
    if stated(single):
        return single
    several = clip.get("media_references")
    if several is None or several.kind != "object":
        return None
    key = clip.get("active_media_reference_key")
    chosen = several.get((key.text() if key is not None else None) or "DEFAULT_MEDIA")
    if not stated(chosen) and len(several.items) == 1:
        chosen = several.items[0]
    return chosen if stated(chosen) else None


def media_path_of(reference: Value) -> str | None:
    """The decoded path of an external reference or image sequence; None if it has none.

    An image sequence gives a printf-like pattern (`/shots/a.%04d.exr`), literal `%` doubled.
    """
    if schema_of(reference) == "ImageSequenceReference":
        return _sequence_pattern(reference)
    url = reference.get("target_url")
    return media_path_from((url.text() if url is not None else None) or "")


def _sequence_pattern(reference: Value) -> str | None:
    parts = [reference.get(key) for key in ("target_url_base", "name_prefix", "name_suffix")]
    base, prefix, suffix = ((part.text() if part is not None else None) or "" for part in parts)
    if not (base or prefix or suffix):
        return None
    padding = reference.get("frame_zero_padding")
    digits = padding.number() if padding is not None else None
    width = f"0{int(digits)}" if digits is not None and 0 < digits < 100 else ""
    joined = base if not base or base.endswith(("/", "\\")) else base + "/"
    if joined.lower().startswith("file:"):
        prefix, suffix = unquote(prefix), unquote(suffix)
    folder = media_path_from(joined) or ""
    head, tail = (text.replace("%", "%%") for text in (folder + prefix, suffix))
    return f"{head}%{width}d{tail}"


def is_url(text: str) -> bool:
    """Whether a target is a URL rather than a bare path (a drive letter is no scheme)."""
    return bool(_SCHEME.match(text))
