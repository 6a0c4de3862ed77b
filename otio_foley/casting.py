"""Who of a clip has a track of their own, and who shares one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from otio_foley.playing import Voice

#: Who covers less of the picture than this share of what the nearest covers is background: a third
#: of their height.
_BACKGROUND = 1 / 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """People who share a file, on the track that they would have; `name` tells them apart where a
    clip has several files."""

    voices: tuple[Voice, ...]
    track: int
    name: str
    background: bool


def groups_of(voices: Sequence[Voice], principals: int) -> list[Group]:
    """Who is in front, the nearest first, each alone; then the background together."""
    known = [0.0 if math.isnan(voice.nearness) else voice.nearness for voice in voices]
    nearest = max(known)
    order = sorted(range(len(voices)), key=lambda n: (-known[n], voices[n].person))
    front = [n for n in order if known[n] >= _BACKGROUND * nearest][:principals]
    behind = [voices[n] for n in order if n not in front]
    several = len(voices) > 1
    groups = [
        Group(
            voices=(voices[n],),
            track=rank,
            name=f"P{voices[n].person}" if several else "",
            background=False,
        )
        for rank, n in enumerate(front, 1)
    ]
    if behind:
        # The same in every clip, however many are in front.
        track = principals + 1
        groups.append(Group(voices=tuple(behind), track=track, name="BG", background=True))
    return groups
