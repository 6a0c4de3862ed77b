"""Does a result hold the original cut and nothing but ours beside it?"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from otio_foley.errors import InputError
from otio_foley.timelines.registry import open_document
from otio_foley.types import Clip, Timeline


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`identical`: without ours the result is the original, byte for byte. `equal_content`: it
    reads as the same cut. `differences` says in words what is not the same."""

    identical: bool
    equal_content: bool
    stems_found: bool
    differences: tuple[str, ...]


def verify(original: str | os.PathLike[str], result: str | os.PathLike[str]) -> Verdict:
    """Compare a result, stripped of ours, with the cut that it was made from.

    Raises InputError or ParseError if either cannot be read.
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
    identical = stripped.document.raw in (before.raw, base.raw)
    differences = [] if identical else _differences(base.timeline(), stripped.document.timeline())
    return Verdict(
        identical=identical,
        equal_content=not differences,
        stems_found=stripped.removed > 0,
        differences=tuple(differences),
    )


def _differences(before: Timeline, after: Timeline) -> list[str]:
    found = []
    for what in ("name", "frame_rate", "drop_frame", "start_s"):
        old, new = getattr(before, what), getattr(after, what)
        if old != new:
            found.append(f"the timeline's {what.replace('_', ' ')} was {old} and is {new}")
    old_clips = {clip.clip_id: clip for clip in before.clips}
    new_clips = {clip.clip_id: clip for clip in after.clips}
    found += [
        f"clip {clip.name!r} is gone" for key, clip in old_clips.items() if key not in new_clips
    ]
    found += [
        f"clip {clip.name!r} is new" for key, clip in new_clips.items() if key not in old_clips
    ]
    for key in old_clips.keys() & new_clips.keys():
        found += _clip_differences(old_clips[key], new_clips[key])
    return found


def _clip_differences(before: Clip, after: Clip) -> list[str]:
    fields = ("name", "reel", "media_path", "record", "time_map", "layer", "enabled")
    return [
        f"clip {before.name!r}: its {field.replace('_', ' ')} changed"
        for field in fields
        if getattr(before, field) != getattr(after, field)
    ]
