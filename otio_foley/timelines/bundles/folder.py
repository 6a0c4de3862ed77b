"""Bundles that are folders: Final Cut Pro's .fcpxmld and OpenTimelineIO's .otiod."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from otio_foley.errors import InputError
from otio_foley.timelines.bundles.bundle import (
    LARGEST_TEXT,
    BundleDocument,
    changed_meanwhile,
    open_inner,
)

_HINT = "export the bundle again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A folder, where the cut's text lies in it (no link), and that text."""

    root: Path
    text_path: Path
    text: bytes = field(repr=False)

    @property
    def media_folder(self) -> Path:
        return self.root

    def save(self, path: Path, text: bytes) -> None:
        shutil.copytree(self.root, path, symlinks=True)
        written = path / self.text_path.relative_to(self.root)
        if not written.is_file() or written.read_bytes() != self.text:
            raise changed_meanwhile(self.root)
        if text != self.text:
            mode = written.stat().st_mode
            written.chmod(mode | stat.S_IWUSR)
            written.write_bytes(text)
            written.chmod(mode)

    def rest(self) -> dict[str, str]:
        return {
            str(path.relative_to(self.root)): _summary(path)
            for path in _everything_in(self.root)
            if path != self.text_path
        }


def open_fcpxmld(path: Path, frame_rate: Fraction | None = None) -> BundleDocument:
    """Raises InputError, UnknownFormat, ParseError or OSError."""
    text = path / "Info.fcpxml"
    if not text.is_file():
        named_otherwise = sorted(path.glob("*.fcpxml"))
        if len(named_otherwise) > 1:
            names = ", ".join(one.name for one in named_otherwise[:3])
            raise InputError(
                f"{path} holds several cuts ({names}) and no {text.name}",
                hint=f"name the one that is meant {text.name}",
            )
        text = next(iter(named_otherwise), text)
    return _opened("fcpxmld", path, text, frame_rate)


def open_otiod(path: Path, frame_rate: Fraction | None = None) -> BundleDocument:
    """Raises InputError, UnknownFormat, ParseError or OSError."""
    return _opened("otiod", path, path / "content.otio", frame_rate)


def _opened(name: str, root: Path, text: Path, frame_rate: Fraction | None) -> BundleDocument:
    _refuse_traps(root)
    if not text.is_file():
        raise InputError(f"{root} holds no cut ({text.name})", hint=_HINT)
    if text.stat().st_size > LARGEST_TEXT:
        raise InputError(f"{text} is too large for a cut", hint=_HINT)
    raw = text.read_bytes()
    return BundleDocument(
        format_name=name,
        container=Folder(root=root, text_path=_listed(root, text), text=raw),
        inner=open_inner(raw, str(text), {"fcpxmld": "fcpxml", "otiod": "otio"}[name], frame_rate),
    )


def _listed(root: Path, text: Path) -> Path:
    """Where the text lies by the folder's own listing, past all links: a disk that does not tell
    cases apart opens it under other spellings too."""
    spelt = root / os.path.relpath(os.path.realpath(text), os.path.realpath(root))
    files = (one for one in _everything_in(root) if one.is_file() and not one.is_symlink())
    same = [one for one in files if one == spelt or one.samefile(text)]
    if not same:
        raise changed_meanwhile(root)
    return spelt if spelt in same else same[0]


def _everything_in(root: Path) -> Iterator[Path]:
    """Files, folders and links; what links lead to is not entered."""
    for folder, folders, files in os.walk(root):
        folders.sort()
        yield from (Path(folder, name) for name in sorted(folders + files))


def _refuse_traps(root: Path) -> None:
    """Raises InputError over links that would lead out of the bundle, or of a copy of it, and what
    is neither file nor folder (a pipe would block)."""
    inside = os.path.realpath(root)
    for path in _everything_in(root):
        if path.is_symlink():
            stays = Path(os.path.realpath(path)).is_relative_to(inside)
            written = Path(os.path.normpath(path.relative_to(root).parent / path.readlink()))
            if not stays or written.is_absolute() or os.pardir in written.parts:
                raise InputError(
                    f"{path} is a link out of the bundle, to {path.readlink()}",
                    hint="put the file itself into the bundle, or remove the link",
                )
        elif not (path.is_file() or path.is_dir()):
            raise InputError(f"{path} is neither file nor folder", hint="remove it")


def _summary(path: Path) -> str:
    if path.is_symlink():
        return f"link to {path.readlink()}"
    if path.is_dir():
        return "folder"
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
