"""Does a result hold the original cut and nothing but ours beside it?"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from otio_foley.errors import InputError
from otio_foley.timelines.content import differences
from otio_foley.timelines.document import Document
from otio_foley.timelines.registry import open_document
from otio_foley.types import Clip, Timeline

#: So many differences of a kind are told; the others are counted.
_TOLD = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`identical`: without ours the result is the original, byte for byte. `equal_content`: all
    that it says is the same (tracks, sound, markers, effects, metadata), but not how it is spelt.
    `differences` says in words what is not the same, the picture clips first."""

    identical: bool
    equal_content: bool
    stems_found: bool
    differences: tuple[str, ...]


def verify(original: str | os.PathLike[str], result: str | os.PathLike[str]) -> Verdict:
    """Compare a result, stripped of ours, with the cut that it was made from.

    Raises InputError or ParseError if either cannot be read, NotReversible if ours cannot be taken
    out of it.
    """
    before, after = open_document(original), open_document(result)
    if before.format_name != after.format_name:
        raise InputError(
            f"{Path(original).name} is {before.format_name}, "
            f"{Path(result).name} is {after.format_name}",
            hint="compare files of one format",
        )
    base = before.strip().document
    stripped = after.strip()
    identical = any(stripped.document.is_identical(whole) for whole in (before, base))
    found = () if identical else tuple(_differences(base, stripped.document))
    return Verdict(
        identical=identical,
        equal_content=not found,
        stems_found=stripped.removed > 0,
        differences=found,
    )


def _differences(before: Document, after: Document) -> Iterator[str]:
    yield from _told(_picture_differences(before.timeline(), after.timeline()))
    yield from _told(differences(before.content(), after.content()))


def _told(messages: Iterable[str]) -> Iterator[str]:
    """The first messages, and how many more there are."""
    waiting = iter(messages)
    yield from islice(waiting, _TOLD)
    more = sum(1 for _ in waiting)
    if more:
        yield f"and {more} more"


def _picture_differences(before: Timeline, after: Timeline) -> Iterator[str]:
    for what in ("name", "frame_rate", "drop_frame", "start_s"):
        old, new = getattr(before, what), getattr(after, what)
        if old != new:
            yield f"the timeline's {what.replace('_', ' ')} was {old} and is {new}"
    old_clips = {clip.clip_id: clip for clip in before.clips}
    new_clips = {clip.clip_id: clip for clip in after.clips}
    for key, clip in old_clips.items():
        if key not in new_clips:
            yield f"clip {clip.name!r} is gone"
    for key, clip in new_clips.items():
        if key not in old_clips:
            yield f"clip {clip.name!r} is new"
    for key, clip in old_clips.items():
        if key in new_clips:
            yield from _clip_differences(clip, new_clips[key])


def _clip_differences(before: Clip, after: Clip) -> Iterator[str]:
    for name in ("name", "reel", "media_path", "record", "time_map", "layer", "enabled"):
        if getattr(before, name) != getattr(after, name):
            yield f"clip {before.name!r}: its {name.replace('_', ' ')} changed"
