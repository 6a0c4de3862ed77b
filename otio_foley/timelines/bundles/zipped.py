"""OpenTimelineIO's zipped bundle: `content.otio`, `version.txt` and `media/` in one file."""

from __future__ import annotations

import copy
import lzma
import shutil
import stat
import struct
import tempfile
import weakref
import zipfile
import zlib
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import IO

from otio_foley.errors import InputError, ParseError
from otio_foley.timelines.bundles.bundle import BundleDocument, open_inner

_TEXT = "content.otio"
_LARGEST_TEXT = 512 * 1024**2
_MOST_MEMBERS = 100_000

#: Media hardly compress and JSON full of gaps comes to 100: beyond this it is a bomb.
_HIGHEST_RATIO = 500
_HARMLESS_BYTES = 16 * 1024**2

#: What zipfile raises over damaged or unknown archives.
_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error),
    *(NotImplementedError, EOFError, ValueError, RuntimeError),
)


@dataclass(frozen=True, kw_only=True, eq=False)
class ZipFile:
    """A zip file; its media are unpacked when first asked for, and go when this does."""

    path: Path

    @cached_property
    def media_folder(self) -> Path:
        folder = Path(tempfile.mkdtemp(prefix="otio-foley-"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        with zipfile.ZipFile(self.path) as archive:
            for member in _members(archive, self.path):
                if member.filename != _TEXT and not member.is_dir():
                    target = folder / member.filename
                    target.parent.mkdir(parents=True, exist_ok=True)
                    with target.open("wb") as file:
                        _copy(archive, member, file, self.path)
        return folder

    def save(self, path: Path, text: bytes) -> None:
        """Members in their order, with their dates and ways of compression; only the cut's text is
        another. Where it is not, the file's own bytes."""
        if text == self.text():
            shutil.copyfile(self.path, path)
            return
        with zipfile.ZipFile(self.path) as old, zipfile.ZipFile(path, "w") as new:
            new.comment = old.comment
            for member in _members(old, self.path):
                info = copy.copy(member)
                if member.filename == _TEXT:
                    new.writestr(info, text)
                elif member.is_dir():
                    new.writestr(info, b"")
                else:
                    with new.open(info, "w", force_zip64=member.file_size > 1 << 31) as file:
                        _copy(old, member, file, self.path)

    def text(self) -> bytes:
        with zipfile.ZipFile(self.path) as archive:
            member = _text_member(archive, self.path)
            with tempfile.SpooledTemporaryFile(max_size=1 << 24) as file:
                _copy(archive, member, file, self.path)
                file.seek(0)
                return file.read()

    def rest(self) -> dict[str, str]:
        with zipfile.ZipFile(self.path) as archive:
            return {
                member.filename: f"{member.file_size} {member.CRC:08x}"
                for member in archive.infolist()
                if member.filename != _TEXT
            }


def open_otioz(path: Path, frame_rate: Fraction | None = None) -> BundleDocument:
    """Raises InputError (not safe to unpack), UnknownFormat or ParseError (damaged)."""
    container = ZipFile(path=path)
    try:
        text = container.text()
    except _DAMAGE as error:
        raise ParseError(
            f"{path} is a damaged zip file: {error}", hint="export the bundle again"
        ) from error
    inner = open_inner(text, f"{path}/{_TEXT}", "otio", frame_rate)
    return BundleDocument(format_name="otioz", container=container, inner=inner)


def _text_member(archive: zipfile.ZipFile, path: Path) -> zipfile.ZipInfo:
    for member in _members(archive, path):
        if member.filename == _TEXT:
            if member.file_size > _LARGEST_TEXT:
                raise InputError(f"{path}: {_TEXT} is too large for a cut")
            return member
    raise InputError(f"{path} holds no {_TEXT}", hint="export it as .otioz again")


def _members(archive: zipfile.ZipFile, path: Path) -> list[zipfile.ZipInfo]:
    """All members, if none of them is a trap. Raises InputError."""
    members = archive.infolist()
    if len(members) > _MOST_MEMBERS:
        raise InputError(f"{path} holds {len(members)} files: more than a bundle does")
    for member in members:
        why = _trap(member)
        if why:
            raise InputError(f"{path}: {member.filename[:200]!r} {why}", hint="do not trust it")
    names = [member.filename for member in members]
    if len(set(names)) != len(names):
        raise InputError(f"{path} holds two files of one name", hint="do not trust it")
    position = 0
    for member in sorted(members, key=lambda one: one.header_offset):
        if member.header_offset < position:
            raise InputError(f"{path}: its files overlap, as in a zip bomb", hint="do not trust it")
        position = member.header_offset + member.compress_size
    return members


def _trap(member: zipfile.ZipInfo) -> str:
    name = PurePosixPath(member.filename)
    if name.is_absolute() or ".." in name.parts or "\\" in member.filename or "\0" in str(name):
        return "leads out of the bundle"
    if len(member.filename) > 1 and member.filename[1] == ":":
        return "leads out of the bundle"
    if stat.S_ISLNK(member.external_attr >> 16):
        return "is a link"
    if member.flag_bits & 0x1:
        return "is encrypted"
    if (
        member.file_size > _HARMLESS_BYTES
        and member.file_size > _HIGHEST_RATIO * member.compress_size
    ):
        return "unpacks to far more than it is, as in a zip bomb"
    return ""


def _copy(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: IO[bytes], path: Path) -> None:
    """Unpack a member, but no more than it says that it holds. Raises InputError or ParseError."""
    try:
        with archive.open(member) as source:
            left = member.file_size
            while block := source.read(min(1 << 20, left + 1)):
                left -= len(block)
                if left < 0:
                    raise InputError(f"{path}: {member.filename!r} is larger than it says")
                target.write(block)
    except _DAMAGE as error:
        raise ParseError(
            f"{path}: {member.filename!r} is damaged: {error}", hint="export the bundle again"
        ) from error
