"""What is asked of a cut, and whether anybody here knows the words."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from otio_foley.config import AUTO_FLOOR, CHOICES, Settings
from otio_foley.controls.gather import Controls, gather
from otio_foley.controls.values import Known
from otio_foley.errors import InputError
from otio_foley.library.shelf import Shelf, shelf
from otio_foley.library.words import FLOOR_WORDS
from otio_foley.mix.space import SPACES
from otio_foley.synthesis.grounds import GROUNDS
from otio_foley.types import Timeline


def refuse_unknown_sound(settings: Settings, library: Shelf) -> None:
    """Raises InputError for a floor, shoe, space or engine of the settings that nobody knows."""
    sound = settings.sound
    for kind, name, known in (
        ("floor", sound.floor, library.floors if library.knows(sound.floor) else GROUNDS),
        ("shoe", sound.shoe, library.shoes),
        ("space", sound.space, tuple(SPACES)),
        ("engine", sound.engine, CHOICES["sound.engine"]),
    ):
        said = kind == "floor" and (name == AUTO_FLOOR or library.knows(name))
        if name not in known and not said:
            raise InputError(f"unknown {kind} {name!r}", hint=f"known are {', '.join(known)}")


def asked_of(
    cut: str | os.PathLike[str],
    timeline: Timeline,
    settings: Settings,
    *,
    controls: Sequence[str] = (),
    floor: str | None = None,
    library: Shelf | None = None,
) -> Controls:
    """Controls in force for a cut, as `run` has them. `timeline` is without what we wrote.

    Raises InputError for what cannot be read, or a floor, shoe or space nobody knows.
    """
    library = library or shelf(settings.sound.library)
    refuse_unknown_sound(settings, library)
    sets = _sets(controls, floor)
    return gather(Path(cut).absolute(), timeline, settings, sets, known=_known(library))


def _known(library: Shelf) -> Known:
    """Words that controls may use: floors that somebody has, and other names for them."""
    return Known(
        floors=(
            AUTO_FLOOR,
            *library.floors,
            *(word for word in FLOOR_WORDS if library.knows(word)),
        ),
        shoes=library.shoes,
        spaces=tuple(SPACES),
    )


def _sets(controls: Sequence[str], floor: str | None) -> tuple[str, ...]:
    """Controls of the command line; the floor's own option is the weakest of them."""
    return (*(() if floor is None else (f"floor={floor}",)), *controls)
