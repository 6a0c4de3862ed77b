"""Who a picture clip is: an id that survives a re-cut elsewhere, a rename and another format.

The id hashes what the clip shows (medium, source range) and which of the equal clips it is; never
its name, its place in the record or the format it was read from.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction

from otio_foley.types import Clip

_ID_DIGITS = 12


def clip_id(medium: str, source_start_s: Fraction, duration_s: Fraction, occurrence: int) -> str:
    """First 12 hex digits of a SHA-1 over what a clip shows.

    `medium` is a path, reel or name, of which only the casefolded base name counts;
    `source_start_s` is in the absolute source clock (the medium's start timecode included);
    `occurrence` counts equal clips in record order from 0. Times count to the millisecond, which
    is finer than a frame and coarser than what formats round away.
    """
    shown = (
        base_name(medium).casefold(),
        _milliseconds(source_start_s),
        _milliseconds(duration_s),
    )
    return _hashed(shown, occurrence)


def _hashed(shown: tuple[str, int, int], occurrence: int) -> str:
    fields = (*map(str, shown), str(occurrence))
    return hashlib.sha1("\0".join(fields).encode("utf-8", "surrogatepass")).hexdigest()[:_ID_DIGITS]


def base_name(path: str) -> str:
    """Last part of a path with either kind of separator: `C:\\a\\b.mov` -> `b.mov`."""
    parts = [part for part in path.replace("\\", "/").split("/") if part]
    return parts[-1] if parts else path


def medium_of(clip: Clip) -> str:
    """What names a clip's medium: its path, else its reel, else its own name."""
    return clip.media_path or clip.reel or clip.name


def with_ids(clips: Iterable[Clip]) -> tuple[Clip, ...]:
    """Clips in record order (then by layer), each with its `clip_id`; given ids are ignored."""
    ordered = sorted(clips, key=record_order)
    seen: Counter[tuple[str, int, int]] = Counter()
    named = []
    for clip in ordered:
        medium = medium_of(clip)
        shown = (
            base_name(medium).casefold(),
            _milliseconds(clip.time_map.points[0][1]),
            _milliseconds(clip.record.duration_s),
        )
        named.append(replace(clip, clip_id=_hashed(shown, seen[shown])))
        seen[shown] += 1
    return tuple(named)


def record_order(clip: Clip) -> tuple[float, Fraction, int]:
    """Sorting key: record start, then layer. The float settles nearly all at a tenth of the cost;
    it never contradicts the exact time."""
    return float(clip.record.start_s), clip.record.start_s, clip.layer


def _milliseconds(time_s: Fraction) -> int:
    """Nearest whole millisecond, halves up; in integers, for a cut has thousands of these."""
    return (2000 * time_s.numerator + time_s.denominator) // (2 * time_s.denominator)
