"""The floor of a clip in which none is seen: a medium shot, feet behind a table. An editor would
take it from another clip of the same take, else from the one before: most cuts stay in a room for a
while."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from otio_foley.analysis.movie import MovieSteps
from otio_foley.playing import floor_under
from otio_foley.types import LentFloor

Looked = TypeVar("Looked")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot(Generic[Looked]):
    """A clip that was looked at: its name and medium, and what is walked on in it, None where
    nobody says so and nothing was recognised."""

    looked: Looked
    name: str
    medium: Path
    floor: str | None


def usual_floor(seen: MovieSteps) -> str | None:
    """What was recognised under most of the steps of a movie; None where nothing was."""
    floors = Counter(
        floor
        for stepper in seen.steppers
        for contact in stepper.contacts
        if (floor := floor_under(stepper.floors, contact.time_s)) is not None
    )
    # Of two as frequent the one that comes first in the alphabet, whoever was counted first.
    return min(floors, key=lambda floor: (-floors[floor], floor), default=None)


def lend(shots: Iterable[Shot[Looked]]) -> Iterator[tuple[Looked, LentFloor | None]]:
    """Clips in record order, each with the floor that whoever is seen without one walks on: that of
    others in the clip, else of the last clip of the same medium, else of the last of all.

    Those before the first floor of a cut have to wait for it.
    """
    waiting: list[Looked] = []
    last: LentFloor | None = None
    of_medium: dict[Path, LentFloor] = {}
    for shot in shots:
        if shot.floor is not None:
            last = LentFloor(floor=shot.floor, clip=shot.name)
            of_medium[shot.medium] = last
            yield from ((looked, last) for looked in waiting)
            waiting.clear()
        if last is None:
            waiting.append(shot.looked)
        else:
            yield shot.looked, of_medium.get(shot.medium, last)
    yield from ((looked, None) for looked in waiting)
