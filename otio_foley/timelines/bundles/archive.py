"""Zip files: opened only if nothing in them is a trap, and written with one member changed.

`zipfile` reads the directory; writing is done on the bytes, so that all other members stay as they
are: names, order, dates, ways of compression, extra fields, comments, and no copy is packed anew.
"""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from otio_foley.errors import InputError, OutputError, ParseError

_MOST_MEMBERS = 100_000
_LARGEST_DIRECTORY = 64 * 1024**2

#: Media hardly compress and JSON full of gaps comes to 100: beyond this it is a bomb.
_HIGHEST_RATIO = 500
_HARMLESS_BYTES = 16 * 1024**2

_BLOCK = 1 << 20

#: What zipfile raises over damaged archives.
_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, struct.error),
    *(NotImplementedError, EOFError, ValueError, RuntimeError),
)

_HINT = "this is no bundle that an editing system writes; do not trust it"

_END = b"PK\x05\x06"
_END_SIZE = 22
_END64 = b"PK\x06\x06"
_END64_SIZE = 56
_LOCATOR = b"PK\x06\x07"
_LOCATOR_SIZE = 20
_ENTRY = b"PK\x01\x02"
_ENTRY_SIZE = 46
_LOCAL_SIZE = 30
_WIDE = 0xFFFFFFFF  # the number itself stands in the zip64 extra field
_HAS_DESCRIPTOR = 0x8
_IS_UTF8 = 0x800


@contextmanager
def opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """A zip file whose members can be unpacked without harm.

    Raises InputError where one of them is a trap, ParseError where the file is damaged, OSError.
    """
    with path.open("rb") as file:
        with _damage_told(path):
            _refuse_large_directory(file, path)
            archive = zipfile.ZipFile(file)
        with archive:
            with _damage_told(path):
                _refuse_traps(archive, path)
            yield archive


@contextmanager
def _damage_told(path: str | Path) -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        raise ParseError(
            f"{path} is a damaged zip file: {error}", hint="export the bundle again"
        ) from error


def unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """A member's content, in blocks. Raises ParseError where it is damaged."""
    with _damage_told(_file_of(archive).name), archive.open(member) as source:
        while block := source.read(_BLOCK):
            yield block


def name_of(member: zipfile.ZipInfo) -> str:
    """A member's name; some packers write UTF-8 without saying so."""
    if not member.flag_bits & _IS_UTF8:
        try:
            return member.filename.encode("cp437").decode("utf-8")
        except UnicodeError:
            pass
    return member.filename


def _refuse_large_directory(file: IO[bytes], path: Path) -> None:
    """`zipfile` reads the whole directory at once, however large it says that it is."""
    file.seek(0, 2)
    file.seek(max(0, file.tell() - _END_SIZE - _LOCATOR_SIZE - _END64_SIZE - 0xFFFF))
    tail = file.read()
    at = tail.rfind(_END)
    if at < 0 or at + _END_SIZE > len(tail):
        raise zipfile.BadZipFile("its end is missing")
    size: int = struct.unpack_from("<I", tail, at + 12)[0]
    wide = at - _LOCATOR_SIZE - _END64_SIZE
    if wide >= 0 and tail[wide : wide + 4] == _END64:
        size = max(size if size != _WIDE else 0, struct.unpack_from("<Q", tail, wide + 40)[0])
    if size > _LARGEST_DIRECTORY:
        raise InputError(f"{path} lists more files than a bundle holds", hint=_HINT)


def _refuse_traps(archive: zipfile.ZipFile, path: Path) -> None:
    members = archive.infolist()
    if len(members) > _MOST_MEMBERS:
        raise InputError(f"{path} holds {len(members)} files: more than a bundle does", hint=_HINT)
    seen = set()
    for member in members:
        why = _trap(member) or ("is there twice" if name_of(member) in seen else "")
        if why:
            raise InputError(f"{path}: {member.filename[:200]!r} {why}", hint=_HINT)
        seen.add(name_of(member))
    packed, whole = (
        sum(getattr(member, size) for member in members) for size in ("compress_size", "file_size")
    )
    if whole > max(_HARMLESS_BYTES, _HIGHEST_RATIO * packed):
        raise InputError(f"{path} unpacks to far more than it is, as a zip bomb does", hint=_HINT)
    position = 0
    for member in sorted(members, key=lambda one: one.header_offset):
        if member.header_offset < position:
            raise InputError(f"{path}: its files overlap, as in a zip bomb", hint=_HINT)
        # The name is as long in the local header, or `zipfile` does not open the member.
        position = member.header_offset + _LOCAL_SIZE + len(member.orig_filename)
        position += member.compress_size
    if position > archive.start_dir:
        raise zipfile.BadZipFile("its directory lies within a file")


def _trap(member: zipfile.ZipInfo) -> str:
    name = name_of(member)
    parts = PurePosixPath(name).parts
    drive = len(name) > 1 and name[1] == ":"
    if drive or name.startswith("/") or ".." in parts or "\\" in member.orig_filename:
        return "leads out of the bundle"
    if not (parts or member.is_dir()) or "\0" in member.orig_filename:
        return "has a name that no file can have"
    if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link or a device, no file"
    if member.flag_bits & 0x1:
        return "is encrypted"
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return f"is packed in a way that bundles do not use (method {member.compress_type})"
    if member.file_size > max(_HARMLESS_BYTES, _HIGHEST_RATIO * member.compress_size):
        return "unpacks to far more than it is, as in a zip bomb"
    return ""


def write_with(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, content: bytes, target: IO[bytes]
) -> None:
    """Write the archive with other content for one member. Of all else only the offsets change of
    what comes to lie elsewhere.

    Raises ParseError where the archive is damaged, OutputError where something would come to lie
    beyond the 4 GiB that its fields reach to.
    """
    with _damage_told(_file_of(archive).name):
        _write_with(archive, member, content, target)


def write_same(archive: zipfile.ZipFile, target: IO[bytes]) -> None:
    """Write the archive as it is. Raises ParseError where it is cut short meanwhile."""
    source = _file_of(archive)
    with _damage_told(source.name):
        _copy(source, target, 0, source.seek(0, 2))


def _file_of(archive: zipfile.ZipFile) -> IO[bytes]:
    assert archive.fp is not None  # `opened` closes it, and nobody else does
    return archive.fp


def _write_with(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, content: bytes, target: IO[bytes]
) -> None:
    source = _file_of(archive)
    local = _local_header(source, member)
    packed = content if member.compress_type == zipfile.ZIP_STORED else _deflated(content)
    crc, sizes = zlib.crc32(content), (len(content), len(packed))
    name_length, extra_length = struct.unpack_from("<HH", local, 26)
    extra = (_LOCAL_SIZE + name_length, _LOCAL_SIZE + name_length + extra_length)
    _clear_descriptor_flag(local, 6)
    struct.pack_into("<I", local, 14, crc)
    for place, size in zip(_places(local, (22, 18), extra), sizes, strict=True):
        _put(local, place, size)

    offsets = (one.header_offset for one in archive.infolist())
    behind = min((at for at in offsets if at > member.header_offset), default=archive.start_dir)
    growth = len(local) + len(packed) - (behind - member.header_offset)
    source.seek(archive.start_dir)
    directory = bytearray(source.read())
    _correct_directory(directory, archive, member, crc=crc, sizes=sizes, growth=growth)

    _copy(source, target, 0, member.header_offset)
    target.write(local)
    target.write(packed)
    _copy(source, target, behind, archive.start_dir)
    target.write(directory)


def _local_header(source: IO[bytes], member: zipfile.ZipInfo) -> bytearray:
    source.seek(member.header_offset)
    header = source.read(_LOCAL_SIZE)
    return bytearray(header + source.read(sum(struct.unpack_from("<HH", header, 26))))


def _deflated(content: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush()


def _correct_directory(
    directory: bytearray,
    archive: zipfile.ZipFile,
    member: zipfile.ZipInfo,
    *,
    crc: int,
    sizes: tuple[int, int],
    growth: int,
) -> None:
    """Put the member's CRC and sizes (whole, packed) in, and shift what lies behind it."""
    at = 0
    for one in archive.infolist():
        lengths = struct.unpack_from("<HHH", directory, at + 28)
        extra = at + _ENTRY_SIZE + lengths[0]
        places = _places(directory, (at + 24, at + 20, at + 42), (extra, extra + lengths[1]))
        if one is member:
            _clear_descriptor_flag(directory, at + 8)
            struct.pack_into("<I", directory, at + 16, crc)
            for place, size in zip(places[:2], sizes, strict=True):
                _put(directory, place, size)
        elif one.header_offset > member.header_offset:
            _shift(directory, places[2], growth)
        at += _ENTRY_SIZE + sum(lengths)
    end = directory.rfind(_END)
    locator = end - _LOCATOR_SIZE
    if locator >= _END64_SIZE and directory[locator : locator + 4] == _LOCATOR:
        _shift(directory, (locator + 8, "<Q"), growth)
        _shift(directory, (locator - _END64_SIZE + 48, "<Q"), growth)
    if struct.unpack_from("<I", directory, end + 16)[0] != _WIDE:
        _shift(directory, (end + 16, "<I"), growth)


def _places(
    header: bytearray, fields: Sequence[int], extra: tuple[int, int]
) -> list[tuple[int, str]]:
    """Where numbers stand, each (offset, format): in their fields, or in the zip64 extra field,
    which holds those, in this order, whose own field is full."""
    wide, end = extra
    while wide + 4 <= end:
        tag, length = struct.unpack_from("<HH", header, wide)
        wide += 4
        if tag == 1:
            end = min(end, wide + length)
            break
        wide += length
    else:
        return [(field, "<I") for field in fields]
    places = []
    for field in fields:
        if struct.unpack_from("<I", header, field)[0] == _WIDE and wide + 8 <= end:
            places.append((wide, "<Q"))
            wide += 8
        else:
            places.append((field, "<I"))
    return places


def _put(header: bytearray, place: tuple[int, str], number: int) -> None:
    offset, layout = place
    if layout == "<I" and number >= _WIDE:
        raise OutputError(
            "the zip file would grow beyond 4 GiB, which it is not laid out for",
            hint="unpack it into a folder named .otiod and use that",
        )
    struct.pack_into(layout, header, offset, number)


def _shift(header: bytearray, place: tuple[int, str], growth: int) -> None:
    _put(header, place, struct.unpack_from(place[1], header, place[0])[0] + growth)


def _clear_descriptor_flag(header: bytearray, at: int) -> None:
    """The sizes stand in the header, not behind the content."""
    flags = struct.unpack_from("<H", header, at)[0]
    struct.pack_into("<H", header, at, flags & ~_HAS_DESCRIPTOR)


def _copy(source: IO[bytes], target: IO[bytes], start: int, end: int) -> None:
    source.seek(start)
    left = end - start
    while left:
        block = source.read(min(_BLOCK, left))
        if not block:
            raise EOFError("it was cut short meanwhile")
        target.write(block)
        left -= len(block)
