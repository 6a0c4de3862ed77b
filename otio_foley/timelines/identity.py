"""Who a picture clip is: an id that survives a re-cut elsewhere, a rename and another format.

The id hashes what the clip shows (medium, source range) and which of the equal clips it is; never
its name, its place in the record or the format it was read from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache

from otio_foley.types import Clip

_ID_DIGITS = 12


def clip_id(medium: str, source_start_s: Fraction, duration_s: Fraction, occurrence: int) -> str:
    """First 12 hex digits of a SHA-1 over what a clip shows.

    `medium` is a path, reel or name, of which only the casefolded base name counts;
    `source_start_s` is in the absolute source clock (the medium's start timecode included);
    `occurrence` counts equal clips in record order from 0. Times count to the millisecond, which
    is finer than a frame and coarser than what formats round away.
    """
    return _hashed(_shown(medium, source_start_s, duration_s), occurrence)


def _shown(medium: str, source_start_s: Fraction, duration_s: Fraction) -> str:
    return f"{_file(medium)}\0{_milliseconds(source_start_s)}\0{_milliseconds(duration_s)}"


def _hashed(shown: str, occurrence: int) -> str:
    fields = f"{shown}\0{occurrence}".encode("utf-8", "surrogatepass")
    return hashlib.sha1(fields).hexdigest()[:_ID_DIGITS]


@lru_cache(maxsize=1024)
def _file(medium: str) -> str:
    return base_name(medium).casefold()


def base_name(path: str) -> str:
    """Last part of a path with either kind of separator: `C:\\a\\b.mov` -> `b.mov`."""
    parts = [part for part in path.replace("\\", "/").split("/") if part]
    return parts[-1] if parts else path


def medium_of(clip: Clip) -> str:
    """What names a clip's medium: its path, else its reel, else its own name."""
    return clip.media_path or clip.reel or clip.name


def with_ids(clips: Iterable[Clip]) -> tuple[Clip, ...]:
    """Clips in record order (then by layer), each with its `clip_id`; given ids are ignored."""
    ordered = sorted(clips, key=lambda clip: record_order(clip.record.start_s, clip.layer))
    ids = clip_ids(
        (medium_of(clip), clip.time_map.points[0][1], clip.record.duration_s) for clip in ordered
    )
    return tuple(replace(clip, clip_id=name) for clip, name in zip(ordered, ids, strict=True))


def clip_ids(clips: Iterable[tuple[str, Fraction, Fraction]]) -> Iterator[str]:
    """The id of each clip, given as (medium, source start, duration) in record order."""
    seen: dict[str, int] = {}
    for medium, source_start_s, duration_s in clips:
        shown = _shown(medium, source_start_s, duration_s)
        occurrence = seen[shown] = seen.get(shown, -1) + 1
        yield _hashed(shown, occurrence)


def record_order(start_s: Fraction, layer: int) -> tuple[float, Fraction, int]:
    """Sorting key: record start, then layer. The float settles nearly all at a tenth of the cost;
    it never contradicts the exact time."""
    return float(start_s), start_s, layer


def _milliseconds(time_s: Fraction) -> int:
    """Nearest whole millisecond, halves up; in integers, for a cut has thousands of these."""
    return (2000 * time_s.numerator + time_s.denominator) // (2 * time_s.denominator)
