"""A folder of the user's own footstep recordings as takes, and what was understood of it."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Final, TypeAlias, cast

import numpy as np

from otio_foley.errors import InputError, MediaUnreadable
from otio_foley.library.names import (
    ANY_SHOE,
    Label,
    Place,
    Said,
    file_places,
    folder_place,
    no_steps,
    read_label,
)
from otio_foley.library.slicing import Cut, cut_steps
from otio_foley.library.sounds import SUFFIXES, read_sound
from otio_foley.library.statements import FILE_NAME, Statements, read_statements
from otio_foley.synthesis.attack import attack_sample
from otio_foley.synthesis.grounds import GROUNDS
from otio_foley.synthesis.physical import NOMINAL_DB
from otio_foley.synthesis.takes import Kind, Take, step_energy
from otio_foley.types import Foot, SampleArray

#: What a floor of the user's own naming has for `Ground.calibration_db`: about the hard floors'.
UNKNOWN_CALIBRATION_DB: Final = 2.0
#: More takes of one floor, shoe and kind are not kept: nobody hears more apart, memory is finite.
MOST_TAKES: Final = 400

Key: TypeAlias = tuple[str, str, Kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """What became of one file: `path` from the folder, with `/`; `floor` None where nothing names
    one; `steps` taken from it; `skipped` why nothing was, empty where something was. `seconds` is
    0 where it was not read."""

    path: str
    floor: Said | None
    shoe: Said
    kind: Said
    foot: Foot | None
    steps: int
    seconds: float
    skipped: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recordings:
    """The takes of a folder by (floor, shoe, kind), and what was understood, file by file.

    It is a library in the sense of `synthesis.takes.Takes`: called with a floor, a shoe and a kind
    it gives that shoe's takes, else those of no particular shoe, else none.
    """

    takes: Mapping[Key, tuple[Take, ...]]
    understood: tuple[Understood, ...]

    def __call__(self, floor: str, shoe: str, kind: Kind) -> Sequence[Take]:
        named = self.takes.get((floor, shoe, kind))
        return named or self.takes.get((floor, ANY_SHOE, kind), ())

    @property
    def floors(self) -> tuple[str, ...]:
        """All floors that there are takes of, sorted."""
        return tuple(sorted({floor for floor, _, _ in self.takes}))


def read_recordings(folder: Path) -> Recordings:
    """Every sound file of a folder and the folders in it, cut into single steps.

    A file that cannot be used is in `understood` with the reason. Raises InputError where the
    folder is not there or holds no sound file, or a `foley.toml` in it is not right.
    """
    if not folder.is_dir():
        raise InputError(f"no folder of recordings at {folder}")
    statements: dict[PurePosixPath, Statements] = {}
    sounds: list[PurePosixPath] = []
    for path in _files(folder):
        if path.name == FILE_NAME:
            statements[path.parent] = read_statements(folder / path)
        elif path.suffix.casefold() in SUFFIXES:
            sounds.append(path)
    if not sounds:
        raise InputError(
            f"no sound file in {folder}", hint=f"read are {', '.join(SUFFIXES)}, in folders too"
        )
    takes: dict[Key, tuple[Take, ...]] = {}
    understood: list[Understood] = []
    top = folder.resolve().name
    for path in sorted(sounds, key=lambda one: one.as_posix()):
        one, new = _understand(folder, path, _label(path, top, statements))
        if one.floor is not None and new:
            key = (one.floor.value, one.shoe.value, cast(Kind, one.kind.value))
            before = takes.get(key, ())
            kept = new[: MOST_TAKES - len(before)]
            if kept:
                takes[key] = before + kept
            if len(kept) < len(new):
                note = f"{len(new) - len(kept)} steps left out: {MOST_TAKES} of a kind are kept"
                one = replace(
                    one, steps=len(kept), notes=(*one.notes, note),
                    skipped="" if kept else f"{MOST_TAKES} of its kind are there already",
                )  # fmt: skip
        understood.append(one)
    return Recordings(takes=MappingProxyType(takes), understood=tuple(understood))


def report_lines(recordings: Recordings) -> list[str]:
    """What was understood, to be read: what there is, what was skipped, what was guessed."""
    used = [one for one in recordings.understood if not one.skipped]
    skipped = [one for one in recordings.understood if one.skipped]
    steps = sum(map(len, recordings.takes.values()))
    lines = [
        f"{_many(steps, 'step')} from {_many(len(used), 'file')}"
        + (f", {_many(len(skipped), 'file')} skipped" if skipped else "")
    ]
    for (floor, shoe, kind), takes in sorted(recordings.takes.items()):
        about = "" if floor in GROUNDS else " (a floor of your own)"
        worn = "any shoe" if shoe == ANY_SHOE else shoe
        lines.append(f"  {floor}, {worn}, {kind}: {len(takes)}{about}")
    if skipped:
        lines.append("Skipped:")
        lines += [f"  {one.path}: {one.skipped}" for one in skipped]
    guessed = [(one, _guesses(one)) for one in used]
    if any(guesses for _, guesses in guessed):
        lines.append("Guessed; a foley.toml beside the files can say otherwise:")
        # Hundreds of files of one folder are guessed alike: once each is enough.
        counted = Counter(
            (PurePosixPath(one.path).parent.as_posix(), guess)
            for one, guesses in guessed
            for guess in guesses
        )
        lines += [
            f"  {'here' if place == '.' else place}: {guess} ({_many(count, 'file')})"
            for (place, guess), count in counted.items()
        ]
    return lines


def _files(folder: Path) -> Iterator[PurePosixPath]:
    """Paths of all files from `folder`, hidden ones left out, each real folder entered once."""
    entered: set[tuple[int, int]] = set()
    for here, folders, names in os.walk(folder, followlinks=True):
        status = Path(here).stat()
        identity = (status.st_dev, status.st_ino)
        if identity in entered:
            folders.clear()
            continue
        entered.add(identity)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        relative = PurePosixPath(Path(here).relative_to(folder).as_posix())
        for name in sorted(names):
            if not name.startswith(".") and Path(here, name).is_file():
                yield relative / name


def _label(
    path: PurePosixPath, top: str, statements: Mapping[PurePosixPath, Statements]
) -> Label | str:
    """What is known of a file; a text instead where a `foley.toml` says to skip it.

    Its entries come first, the nearest `foley.toml`'s before one further out; then the name, then
    folder by folder outwards what a `foley.toml` there has for defaults and the folder's name.
    """
    entries: list[Place] = []
    around: list[Place] = []
    for parent in path.parents:
        one = statements.get(parent)
        if one is not None:
            inside = path.relative_to(parent)
            if one.skips(inside):
                return f"{FILE_NAME} says so"
            entries.append(one.place(inside))
            around.append(one.defaults)
        name = parent.name
        # A disk is full of folders called after nothing: the outermost is read for words we know.
        around.append(folder_place(name) if name else replace(folder_place(top), own_words=False))
    places = [*entries, *file_places(path), *around]
    stated = any(place.floor is not None for place in entries)
    return read_label(places, "" if stated else no_steps(path))


def _understand(
    folder: Path, path: PurePosixPath, label: Label | str
) -> tuple[Understood, tuple[Take, ...]]:
    """One file: what was understood, and its takes."""
    name = path.as_posix()
    if isinstance(label, str):
        nobody = Said(value="", source="foley.toml")
        skipped = Understood(
            path=name, floor=None, shoe=nobody, kind=nobody, foot=None, steps=0, seconds=0.0,
            skipped=label,
        )  # fmt: skip
        return skipped, ()
    known = Understood(
        path=name, floor=label.floor, shoe=label.shoe, kind=label.kind, foot=label.foot,
        steps=0, seconds=0.0, notes=label.notes,
    )  # fmt: skip
    if label.not_steps:
        return replace(known, skipped=label.not_steps), ()
    if label.floor is None:
        why = "nothing names its floor: call it or its folder after one, or say so in foley.toml"
        return replace(known, skipped=why), ()
    try:
        sound = read_sound(folder / path)
    except MediaUnreadable as error:
        return replace(known, skipped=str(error)), ()
    known = replace(known, seconds=sound.seconds, notes=(*known.notes, *sound.notes))
    if sound.clipped:
        return replace(known, skipped="clipped throughout"), ()
    cuts = cut_steps(sound.samples)
    if not cuts.steps:
        return replace(known, skipped=cuts.reason), ()
    takes = tuple(
        _take(cut, f"user/{name}#{number}", label.floor.value)
        for number, cut in enumerate(cuts.steps, 1)
    )
    return replace(known, steps=len(takes)), takes


def _take(cut: Cut, name: str, floor: str) -> Take:
    """A cut as loud as a walking step on its floor is to be."""
    ground = GROUNDS.get(floor)
    calibration_db = UNKNOWN_CALIBRATION_DB if ground is None else ground.calibration_db
    wanted = 10 ** ((NOMINAL_DB + calibration_db) / 10)
    sound = cut.samples.astype(np.float64)
    samples: SampleArray = (sound * math.sqrt(wanted / step_energy(sound))).astype(np.float32)
    samples.flags.writeable = False
    return Take(name=name, samples=samples, attack_sample=attack_sample(samples))


def _guesses(one: Understood) -> tuple[str, ...]:
    guesses = list(one.notes)
    if one.floor is not None and one.floor.guessed:
        guesses.append(f"floor {one.floor.value}, by a word of its {one.floor.source}")
    if one.shoe.guessed:
        guesses.append("no shoe named, so they serve every shoe")
    if one.kind.source == "default":
        guesses.append(f"no kind named, so each is a {one.kind.value}")
    return tuple(guesses)


def _many(count: int, what: str) -> str:
    return f"{count} {what}" + ("" if count == 1 else "s")
