"""Who of a clip has a track of their own, and who shares one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from otio_foley.playing import Voice

#: Who covers less of the picture than this share of what the nearest covers is background: a third
#: of their height.
_BACKGROUND = 1 / 9

#: Who shares a track comes so long after the one before has gone: the last step has died away, and
#: the level has time to change.
_APART_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """People who share a file, on the track that they would have; `name` tells them apart where a
    clip has several files."""

    voices: tuple[Voice, ...]
    track: int
    name: str
    background: bool


def groups_of(voices: Sequence[Voice], principals: int) -> list[Group]:
    """Who is in front, the nearest first, on as many tracks as there are principals: whoever is
    there when nobody of a track is shares it. Then the background together."""
    known = [0.0 if math.isnan(voice.nearness) else voice.nearness for voice in voices]
    nearest = max(known)
    order = sorted(range(len(voices)), key=lambda n: (-known[n], voices[n].person))
    front: list[list[Voice]] = []
    behind: list[Voice] = []
    for n in order:
        voice = voices[n]
        free = [own for own in front if not any(_meet(voice, other) for other in own)]
        if known[n] < _BACKGROUND * nearest:
            behind.append(voice)
        elif len(front) < principals:
            front.append([voice])
        elif free:
            free[0].append(voice)
        else:
            behind.append(voice)
    several = len(voices) > 1
    groups = [
        Group(
            voices=tuple(own),
            track=rank,
            name=_name(own) if several else "",
            background=False,
        )
        for rank, own in enumerate(front, 1)
    ]
    if behind:
        # The same in every clip, however many are in front.
        track = principals + 1
        groups.append(Group(voices=tuple(behind), track=track, name="BG", background=True))
    return groups


def _meet(one: Voice, other: Voice) -> bool:
    """Whether two people are there at the same time, or nearly."""
    (first_s, last_s), (others_first_s, others_last_s) = one.there_s, other.there_s
    return first_s < others_last_s + _APART_S and others_first_s < last_s + _APART_S


def _name(own: Sequence[Voice]) -> str:
    return f"P{own[0].person}" + (" and others" if len(own) > 1 else "")
