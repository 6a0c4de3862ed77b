"""OpenTimelineIO's zipped bundle: `content.otio`, `version.txt` and `media/` in one file."""

from __future__ import annotations

import shutil
import tempfile
import weakref
import zipfile
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from pathlib import Path

from otio_foley.errors import InputError
from otio_foley.timelines.bundles.archive import (
    name_of,
    opened,
    unpacked,
    write_same,
    write_with,
)
from otio_foley.timelines.bundles.bundle import (
    LARGEST_TEXT,
    BundleDocument,
    changed_meanwhile,
    open_inner,
)

_TEXT = "content.otio"


@dataclass(frozen=True, kw_only=True, eq=False)
class Archive:
    """A zip file and the cut's text as it stands in it."""

    path: Path
    text: bytes = field(repr=False)

    @cached_property
    def media_folder(self) -> Path:
        """All but the text, unpacked when first asked for; removed when this goes.

        Raises InputError where it is a trap or there is no room for it, ParseError.
        """
        try:
            folder = Path(tempfile.mkdtemp(prefix="otio-foley-"))
            remove = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
            try:
                self._unpack_into(folder)
            except BaseException:
                remove()
                raise
        except OSError as error:
            raise InputError(
                f"cannot unpack the media of {self.path}: {error.strerror or error}",
                hint="unpack it yourself into a folder named .otiod and give that",
            ) from error
        return folder

    def _unpack_into(self, folder: Path) -> None:
        with opened(self.path) as archive:
            members = [one for one in archive.infolist() if one.filename != _TEXT]
            self._refuse_without_room(members, folder)
            for member in members:
                _unpack(archive, member, folder)

    def _refuse_without_room(self, members: list[zipfile.ZipInfo], folder: Path) -> None:
        size = sum(member.file_size for member in members)
        if size > shutil.disk_usage(folder).free:
            raise InputError(
                f"the media in {self.path} need {size / 1e9:.1f} GB, more than {folder.parent} has",
                hint="unpack it into a folder named .otiod and give that, or set TMPDIR",
            )

    def save(self, path: Path, text: bytes) -> None:
        with opened(self.path) as archive, path.open("wb") as target:
            member = _text_member(archive, self.path)
            if b"".join(unpacked(archive, member)) != self.text:
                raise changed_meanwhile(self.path)
            if text == self.text:
                write_same(archive, target)
            else:
                write_with(archive, member, text, target)

    def rest(self) -> dict[str, str]:
        with opened(self.path) as archive:
            return {
                member.filename: f"{member.file_size} bytes, CRC {member.CRC:08x}"
                for member in archive.infolist()
                if member.filename != _TEXT
            }


def open_otioz(path: Path, frame_rate: Fraction | None = None) -> BundleDocument:
    """Raises InputError (not safe to unpack), UnknownFormat, ParseError (damaged) or OSError."""
    with opened(path) as archive:
        text = b"".join(unpacked(archive, _text_member(archive, path)))
    inner = open_inner(text, f"{path}/{_TEXT}", "otio", frame_rate)
    return BundleDocument(format_name="otioz", container=Archive(path=path, text=text), inner=inner)


def _text_member(archive: zipfile.ZipFile, path: Path) -> zipfile.ZipInfo:
    for member in archive.infolist():
        if member.filename == _TEXT:
            if member.file_size > LARGEST_TEXT:
                raise InputError(
                    f"{path}: {_TEXT} is too large for a cut", hint="export the bundle again"
                )
            return member
    raise InputError(
        f"{path} holds no {_TEXT}", hint="a bundle has it at its top; export it as .otioz again"
    )


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> None:
    target = folder / name_of(member)
    if member.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as file:
        file.writelines(unpacked(archive, member))
