"""All that there is to play with: the user's own recordings first, then ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from otio_foley.library.names import ANY_SHOE, floor_name
from otio_foley.library.own import OwnLibrary, default_library
from otio_foley.library.recordings import Recordings, read_recordings
from otio_foley.synthesis.grounds import GROUNDS
from otio_foley.synthesis.shoes import SHOES
from otio_foley.synthesis.takes import Kind, Take

#: What is walked on where nobody can say what a word means.
_LAST_RESORT = "concrete"
#: Serves for a shoe that nobody knows.
_ANY_SHOE = "leather"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """A library of the user's, if there is one, over ours (`Takes`).

    Where the user has a floor, nothing of ours is mixed in, whatever the shoe. A floor that neither
    has is played by its nearest (`stand_in`).
    """

    own: OwnLibrary
    recordings: Recordings | None = None

    def __call__(self, floor: str, shoe: str, kind: Kind) -> Sequence[Take]:
        heard = self.stand_in(floor)
        if self.recordings is not None and self.is_users(heard):
            return self.recordings(heard, self._users_shoe(heard, shoe), kind)
        return self.own(heard, shoe if shoe in SHOES else _ANY_SHOE, kind)

    def stand_in(self, floor: str) -> str:
        """The floor that is heard for a floor: itself where somebody has it."""
        if floor in self.floors:
            return floor
        near = floor_name(floor)
        return near if near in self.floors else _LAST_RESORT

    def knows(self, floor: str) -> bool:
        """Whether somebody has a floor, or a word for it is known."""
        return floor in self.floors or floor_name(floor) in self.floors

    def is_users(self, floor: str) -> bool:
        """Whether a floor is heard from the user's recordings."""
        held = self.recordings
        return held is not None and self.stand_in(floor) in held.floors

    @property
    def floors(self) -> tuple[str, ...]:
        users = () if self.recordings is None else self.recordings.floors
        return tuple(dict.fromkeys((*GROUNDS, *users)))

    @property
    def shoes(self) -> tuple[str, ...]:
        users = () if self.recordings is None else [shoe for _, shoe, _ in self.recordings.takes]
        return tuple(shoe for shoe in dict.fromkeys((*SHOES, *users)) if shoe != ANY_SHOE)

    def _users_shoe(self, floor: str, shoe: str) -> str:
        """The shoe of the user's recordings on a floor that serves for one."""
        assert self.recordings is not None
        held = sorted({worn for ground, worn, _ in self.recordings.takes if ground == floor})
        return shoe if shoe in held or ANY_SHOE in held else held[0]


def shelf(folder: str | Path = "") -> Shelf:
    """Our library, under the recordings of a folder if one is named. Raises InputError for a
    folder that is not there or holds no sound."""
    recordings = read_recordings(Path(folder)) if str(folder) else None
    return Shelf(own=default_library(), recordings=recordings)
