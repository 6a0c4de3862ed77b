"""`foley.toml`: what somebody states about the recordings beside and below it.

    [defaults]
    floor = "cork"

    [[files]]
    match = "takes/run*.wav"
    shoe = "boot"
    kind = "run"

`match` is a pattern for the path from the file's own folder (`*` stops at folders, `**` does not),
or for the bare name where it holds no `/`. A later entry wins over an earlier one.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from otio_foley.errors import InputError
from otio_foley.library.names import Place, floor_name, shoe_name
from otio_foley.synthesis.takes import KINDS, Kind

FILE_NAME: Final = "foley.toml"
_SECTIONS: Final = ("defaults", "files")
_STATED: Final = ("floor", "shoe", "kind")
_ENTRY: Final = ("match", *_STATED, "skip")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One `[[files]]`: which files, and what is said of them."""

    match: str
    floor: str | None = None
    shoe: str | None = None
    kind: Kind | None = None
    skip: bool = False

    def fits(self, relative: PurePosixPath) -> bool:
        """Whether it speaks of a path, relative to the folder of its `foley.toml`."""
        subject = relative.as_posix() if "/" in self.match else relative.name
        return re.fullmatch(_pattern(self.match), subject) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Statements:
    """One `foley.toml`: its defaults, and its entries in order."""

    defaults: Place
    entries: tuple[Entry, ...]

    def place(self, relative: PurePosixPath) -> Place:
        """What its entries state of a file, together."""
        fitting = [entry for entry in self.entries if entry.fits(relative)]
        return Place(
            source="foley.toml",
            floor=_last([entry.floor for entry in fitting]),
            shoe=_last([entry.shoe for entry in fitting]),
            kind=_last([entry.kind for entry in fitting]),
        )

    def skips(self, relative: PurePosixPath) -> bool:
        return any(entry.skip for entry in self.entries if entry.fits(relative))


def read_statements(path: Path) -> Statements:
    """A `foley.toml`. Raises InputError naming file and line or field."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not TOML: {error}") from error
    _refuse_unknown(content, _SECTIONS, str(path))
    defaults = content.get("defaults", {})
    if not isinstance(defaults, dict):
        raise InputError(f"{path}: defaults is a section: write [defaults]")
    files = content.get("files", [])
    if not isinstance(files, list) or not all(isinstance(one, dict) for one in files):
        raise InputError(f"{path}: files is a list of sections: write [[files]]")
    where = f"{path}: [defaults]"
    _refuse_unknown(defaults, _STATED, where)
    floor, shoe, kind = _stated(defaults, where)
    return Statements(
        defaults=Place(source="foley.toml", floor=floor, shoe=shoe, kind=kind),
        entries=tuple(
            _entry(values, f"{path}: [[files]] number {number}")
            for number, values in enumerate(files, 1)
        ),
    )


def _entry(values: dict[str, Any], where: str) -> Entry:
    _refuse_unknown(values, _ENTRY, where)
    match = _text(values, "match", where)
    if match is None:
        raise InputError(f"{where} has no match", hint='say which files: match = "run*.wav"')
    skip = values.get("skip", False)
    if type(skip) is not bool:
        raise InputError(f"{where}: skip has to be true or false")
    floor, shoe, kind = _stated(values, where)
    return Entry(match=match, floor=floor, shoe=shoe, kind=kind, skip=skip)


def _stated(values: dict[str, Any], where: str) -> tuple[str | None, str | None, Kind | None]:
    floor = _text(values, "floor", where)
    shoe = _text(values, "shoe", where)
    kind = _text(values, "kind", where)
    if kind is not None and kind not in KINDS:
        near = difflib.get_close_matches(kind, KINDS, n=1, cutoff=0.0)
        raise InputError(
            f"{where}: kind has to be one of {', '.join(KINDS)}, not {kind!r}",
            hint=f"did you mean {near[0]!r}?",
        )
    return (
        None if floor is None else floor_name(floor),
        None if shoe is None else shoe_name(shoe),
        kind,
    )


def _text(values: dict[str, Any], name: str, where: str) -> str | None:
    value = values.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{where}: {name} has to be a text")
    return value


def _refuse_unknown(values: dict[str, Any], names: Sequence[str], where: str) -> None:
    for name in values:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1, cutoff=0.0)
            raise InputError(f"{where}: unknown name {name!r}", hint=f"did you mean {near[0]!r}?")


def _last(values: Sequence[Any]) -> Any:
    return next((value for value in reversed(values) if value is not None), None)


def _pattern(match: str) -> str:
    """A glob as a regular expression; `pathlib` matches `**` from Python 3.13 on only."""
    out = ""
    for piece in re.split(r"(\*\*/|\*\*|\*|\?)", match):
        out += {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}.get(
            piece, re.escape(piece)
        )
    return out
