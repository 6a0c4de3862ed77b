"""Bundles that are folders: Final Cut Pro's .fcpxmld and OpenTimelineIO's .otiod."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from otio_foley.errors import InputError
from otio_foley.timelines.bundles.bundle import BundleDocument, open_inner

_LARGEST_TEXT = 512 * 1024**2


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A folder and the name of the cut's text in it."""

    root: Path
    text_name: str

    @property
    def media_folder(self) -> Path:
        return self.root

    def save(self, path: Path, text: bytes) -> None:
        shutil.copytree(self.root, path, symlinks=True)
        (path / self.text_name).write_bytes(text)

    def rest(self) -> dict[str, str]:
        return {
            str(path.relative_to(self.root)): _digest(path)
            for path in sorted(self.root.rglob("*"))
            if path.is_file() and path != self.root / self.text_name
        }


def open_fcpxmld(path: Path, frame_rate: Fraction | None = None) -> BundleDocument:
    """Raises InputError, UnknownFormat or ParseError."""
    return _opened(path, "fcpxmld", "fcpxml", frame_rate)


def open_otiod(path: Path, frame_rate: Fraction | None = None) -> BundleDocument:
    """Raises InputError, UnknownFormat or ParseError."""
    return _opened(path, "otiod", "otio", frame_rate)


def text_in(folder: Path) -> Path | None:
    """The cut in a folder: the name that the format gives it, else the only FCPXML there."""
    for name in ("Info.fcpxml", "content.otio"):
        if (folder / name).is_file():
            return folder / name
    texts = sorted(folder.glob("*.fcpxml")) if folder.suffix.lower() == ".fcpxmld" else []
    return texts[0] if len(texts) == 1 else None


def _opened(path: Path, name: str, wanted: str, frame_rate: Fraction | None) -> BundleDocument:
    text = text_in(path)
    if text is None:
        raise InputError(f"{path} holds no cut", hint="export the bundle again")
    _refuse_ways_out(path)
    if text.stat().st_size > _LARGEST_TEXT:
        raise InputError(f"{text} is too large for a cut", hint="export the bundle again")
    inner = open_inner(text.read_bytes(), str(text), wanted, frame_rate)
    return BundleDocument(
        format_name=name, container=Folder(root=path, text_name=text.name), inner=inner
    )


def _refuse_ways_out(folder: Path) -> None:
    root = folder.resolve()
    for link in _links(folder):
        target = link.resolve()
        if root != target and root not in target.parents:
            raise InputError(
                f"{link} is a link out of the bundle, to {target}",
                hint="put the file itself into the bundle, or remove the link",
            )


def _links(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if path.is_symlink():
            yield path


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
