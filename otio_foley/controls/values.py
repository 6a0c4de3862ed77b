"""What can be asked of footsteps, and the answer that is in force.

floor       what is walked on: any word, for a library may hold floors of its own; auto: what is
            recognised in the picture
shoe        what is on the foot
weight      of who walks, kg, 30 to 200
firmness    how firmly the foot is put down, 0 to 1, 0.5 is ordinary
steadiness  how alike the steps are, 0 to 1, 0.5 is ordinary
level_db    louder or softer than it would be, dB, -40 to +20
space       in which it is heard: none, exterior, small-room, hall
seed        starts all randomness, a whole number from 0
mute        true: not to be heard
lock        true: to stay as it is
"""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from otio_foley.config import SoundSettings
from otio_foley.errors import InputError
from otio_foley.types import JsonValue

Value: TypeAlias = "str | float | int | bool"

SPACES: Final = ("none", "exterior", "small-room", "hall")

FLAGS: Final = ("mute", "lock")

#: Lowest and highest, in the control's own unit.
_RANGES: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    {
        "weight": (30, 200),
        "firmness": (0, 1),
        "steadiness": (0, 1),
        "level_db": (-40, 20),
        "seed": (0, 2**63 - 1),
    }
)

_WORD = re.compile(r"\w[\w .+-]{0,63}")


class Source(IntEnum):
    """Who asks, the weakest first."""

    DEFAULT = 0
    SETTINGS = 1
    MARKER = 2
    TOML = 3
    COMMAND_LINE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """Some of the controls, as the module says them; None where nothing is asked."""

    floor: str | None = None
    shoe: str | None = None
    weight: float | None = None
    firmness: float | None = None
    steadiness: float | None = None
    level_db: float | None = None
    space: str | None = None
    seed: int | None = None
    mute: bool | None = None
    lock: bool | None = None

    def given(self) -> dict[str, Value]:
        """What is asked, by name."""
        return {name: value for name in NAMES if (value := getattr(self, name)) is not None}


NAMES: Final = tuple(one.name for one in dataclasses.fields(Control))


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a control comes from, and that in words: `TOML [cut]`, `marker 01:00:03:12`."""

    source: Source
    words: str


_DEFAULT = Origin(source=Source.DEFAULT, words="default")
_SETTINGS = Origin(source=Source.SETTINGS, words="settings")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """All controls, as the module says them; `origins` holds where each comes from, by name, and
    does not count when two are compared."""

    floor: str
    shoe: str
    weight: float
    firmness: float
    steadiness: float
    level_db: float
    space: str
    seed: int
    mute: bool
    lock: bool
    origins: Mapping[str, Origin] = field(compare=False, repr=False)

    def overlaid(self, control: Control, origin: Origin) -> Resolved:
        """The same with what a control asks in place of what there was."""
        given: dict[str, Any] = control.given()
        return dataclasses.replace(
            self, **given, origins={**self.origins, **dict.fromkeys(given, origin)}
        )

    def asked(self) -> dict[str, tuple[Value, Origin]]:
        """What is not left at its default, by name."""
        return {
            name: (getattr(self, name), self.origins[name])
            for name in NAMES
            if self.origins[name].source is not Source.DEFAULT
        }

    def as_json(self) -> dict[str, JsonValue]:
        return {
            name: {"value": getattr(self, name), "from": self.origins[name].words} for name in NAMES
        }


def resolved_settings(sound: SoundSettings) -> Resolved:
    """What holds where nobody asks for anything else: the defaults, and what settings change of
    them. Controls that the settings do not know are at what is ordinary."""
    ordinary = Resolved(
        floor=SoundSettings().floor,
        shoe=SoundSettings().shoe,
        weight=75.0,
        firmness=0.5,
        steadiness=0.5,
        level_db=0.0,
        space="none",
        seed=SoundSettings().seed,
        mute=False,
        lock=False,
        origins=dict.fromkeys(NAMES, _DEFAULT),
    )
    changed: dict[str, Any] = {
        one.name: getattr(sound, one.name)
        for one in dataclasses.fields(SoundSettings)
        if one.name in NAMES and getattr(sound, one.name) != getattr(ordinary, one.name)
    }
    return ordinary.overlaid(Control(**changed), _SETTINGS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Words that floors, shoes and spaces may be; None: any word. Case does not count, and a word
    is given back as it is spelt here."""

    floors: Collection[str] | None = None
    shoes: Collection[str] | None = None
    spaces: Collection[str] | None = SPACES


ANY_WORD: Final = Known()


def control_of(given: Mapping[str, object], known: Known, where: str) -> Control:
    """A control of values by name. `where` is what errors begin with.

    Raises InputError for a name that is no control (with the nearest one), a wrong type, a value
    out of range or a word nobody knows.
    """
    checked: dict[str, Any] = {}
    for name, value in given.items():
        refuse_unknown(name, NAMES, where, "control")
        checked[name] = _checked(name, value, known, where)
    return Control(**checked)


def refuse_unknown(name: str, names: Collection[str], where: str, kind: str) -> None:
    """Raises InputError with the nearest of the names if it is none of them."""
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.0)
        raise InputError(f"{where}: unknown {kind} {name!r}", hint=f"did you mean {near[0]!r}?")


def _checked(name: str, value: object, known: Known, where: str) -> Value:
    if name in FLAGS:
        if not isinstance(value, bool):
            raise InputError(f"{where}: {name} has to be true or false")
        return value
    if name in _RANGES:
        return _number(name, value, where)
    if not isinstance(value, str) or not _WORD.fullmatch(value):
        raise InputError(f"{where}: {name} has to be a name")
    return _word(name, value, known, where)


def _number(name: str, value: object, where: str) -> float | int:
    whole = name == "seed"
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        raise InputError(f"{where}: {name} has to be a {'whole ' if whole else ''}number")
    low, high = _RANGES[name]
    if not low <= value <= high:
        raise InputError(f"{where}: {name} has to lie in {low} to {high}")
    return value if whole else float(value)


def _word(name: str, word: str, known: Known, where: str) -> str:
    names = {"floor": known.floors, "shoe": known.shoes, "space": known.spaces}[name]
    if names is None:
        return word.lower()
    spelt = {one.casefold(): one for one in names}
    if word.casefold() not in spelt:
        raise InputError(f"{where}: unknown {name} {word!r}", hint=f"known are {', '.join(names)}")
    return spelt[word.casefold()]
