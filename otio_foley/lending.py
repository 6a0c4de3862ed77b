"""The floor of a clip in which none is seen: a medium shot, feet behind a table. An editor would
take it from another clip of the same take, else from the last one that has one: most cuts stay in a
room for a while."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from otio_foley.types import LentFloor

Looked = TypeVar("Looked")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot(Generic[Looked]):
    """A clip that was looked at: which one it is, what medium it is of, what is walked on in it
    (None where nobody says so and nothing was recognised), and whether somebody in it `borrows`."""

    looked: Looked
    clip_id: str
    name: str
    medium: str
    floor: str | None
    borrows: bool


def usual_floor(floors: Iterable[str]) -> str | None:
    """The most frequent one; of two as frequent the one that comes first in the alphabet, whoever
    was counted first. None of none."""
    counts = Counter(floors)
    return min(counts, key=lambda floor: (-counts[floor], floor), default=None)


def lend(shots: Iterable[Shot[Looked]]) -> Iterator[tuple[Looked, LentFloor | None]]:
    """Clips in record order, each with the floor that whoever is seen without one walks on: that of
    others in the clip, else of the last clip of the same medium that has one, else of the last of
    all.

    Who borrows before the first floor of a cut has to wait for it, and so has what comes after.
    """
    waiting: list[Looked] = []
    last: LentFloor | None = None
    of_medium: dict[str, LentFloor] = {}
    for shot in shots:
        if shot.floor is not None:
            last = LentFloor(floor=shot.floor, clip_id=shot.clip_id, clip_name=shot.name)
            of_medium[shot.medium] = last
            yield from ((looked, last) for looked in waiting)
            waiting.clear()
        if last is None and (waiting or shot.borrows):
            waiting.append(shot.looked)
        else:
            yield shot.looked, of_medium.get(shot.medium, last)
    yield from ((looked, None) for looked in waiting)
