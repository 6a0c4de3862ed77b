"""The file around an AAF: opened, edited on a copy, and undone to the byte.

What undoes an edit lies behind the last sector, where no reader of the compound file looks: the
SHA-256 of the original and the runs of bytes that the edit changed in it. A program that saves the
file anew drops it, and then ours is found by name.
"""

from __future__ import annotations

import hashlib
import io
import struct
import tempfile
import traceback
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from aaf2.file import AAFFile

from otio_foley.errors import FoleyError, ParseError

Result = TypeVar("Result")

_MAGIC = b"otio-foley-undo:aaf:1;"
_HEAD = struct.Struct("<32sQI")
_RUN = struct.Struct("<QI")

#: Changed bytes nearer to one another than this are kept as one run.
_GAP = 64


@contextmanager
def opened(raw: bytes) -> Iterator[Any]:
    """The file as pyaaf2 reads it. Raises ParseError for whatever is stumbled over inside."""
    _refuse_absurd_tables(raw)
    with tempfile.NamedTemporaryFile(suffix=".aaf") as copy:
        copy.write(raw)
        copy.flush()
        with _damage_told(), _open(copy.name, "r") as file:
            yield file


def edited(raw: bytes, edit: Callable[[Any], Result]) -> tuple[bytes, Result]:
    """The file after an edit, and what the edit returned. Raises ParseError as `opened`."""
    with tempfile.TemporaryDirectory(prefix="otio-foley-") as folder:
        copy = Path(folder, "edited.aaf")
        copy.write_bytes(raw)
        with _damage_told(), _open(str(copy), "rw") as file:
            result = edit(file)
        return copy.read_bytes(), result


def _refuse_absurd_tables(raw: bytes) -> None:
    """Raises ParseError where the header counts more sectors of directory or allocation tables than
    the file has: pyaaf2 would read them all."""
    if len(raw) < 512:
        raise ParseError("this AAF is cut off in its header", hint="export it again")
    sectors = len(raw) // min(_sector_size(raw), 4096) + 1
    for at in (40, 44, 64, 72):
        (count,) = struct.unpack_from("<I", raw, at)
        if count > sectors:
            raise ParseError(
                f"this AAF is damaged: its header counts {count} sectors of {sectors}",
                hint="export it again",
            )


@contextmanager
def _open(path: str, mode: str) -> Iterator[Any]:
    """`aaf2.open`, but a file that turns out to be damaged is closed, and nothing is added to the
    dictionary of every file (Avid's extensions)."""
    file = AAFFile.__new__(AAFFile)
    try:
        AAFFile.__init__(file, path, mode, extensions=False)
        with file:
            yield file
    finally:
        if hasattr(file, "f"):
            file.f.close()


@contextmanager
def _damage_told() -> Iterator[None]:
    """Whatever is stumbled over as a ParseError.

    pyaaf2 reads without checking first, so damage comes out as anything, bare `Exception` included.
    What does not come out of pyaaf2 may as well be a mistake of ours.
    """
    try:
        with redirect_stdout(io.StringIO()):  # it prints what it cannot write
            yield
    except FoleyError:
        raise
    except Exception as error:
        what = str(error) or type(error).__name__
        frames = traceback.walk_tb(error.__traceback__)
        modules = (str(frame.f_globals.get("__name__")) for frame, _ in frames)
        if any(module.startswith("aaf2.") for module in modules):
            raise ParseError(
                f"this AAF is damaged: {what[:200]}", hint="export it again, or report the file"
            ) from error
        raise ParseError(
            f"this AAF holds what is not understood: {what[:200]}",
            hint="report the file; it may be in order",
        ) from error


def sealed(original: bytes, changed: bytes) -> bytes:
    """The changed file with what undoes the change behind its end."""
    payload = zlib.compress(b"".join(_runs(original, changed)), 6)
    head = _HEAD.pack(hashlib.sha256(original).digest(), len(original), len(payload))
    record = _MAGIC + head + payload
    sector = _sector_size(changed)
    return _padded(_padded(changed, sector) + record, sector)


def unsealed(raw: bytes) -> bytes | None:
    """The original, if an undo record is there and its SHA-256 proves the outcome."""
    at = raw.rfind(_MAGIC)
    if at < 0:
        return None
    try:
        digest, length, size = _HEAD.unpack_from(raw, at + len(_MAGIC))
        begin = at + len(_MAGIC) + _HEAD.size
        if length > at + size * 1100:  # zlib's highest ratio: more than that was never there
            return None
        runs = zlib.decompressobj().decompress(raw[begin : begin + size], length + 16)
        original = bytearray(raw[:length].ljust(length, b"\0"))
        position = 0
        while position < len(runs):
            offset, count = _RUN.unpack_from(runs, position)
            position += _RUN.size
            if offset + count > length or position + count > len(runs):
                return None
            original[offset : offset + count] = runs[position : position + count]
            position += count
    except (struct.error, zlib.error):
        return None
    return bytes(original) if hashlib.sha256(original).digest() == digest else None


def _runs(original: bytes, changed: bytes) -> Iterator[bytes]:
    """(offset, count, original bytes) of each stretch of the original that is not as it was."""
    common = min(len(original), len(changed))
    before, after = (np.frombuffer(one, np.uint8, common) for one in (original, changed))
    different = np.flatnonzero(before != after)
    if len(different):
        splits = np.flatnonzero(np.diff(different) > _GAP)
        starts = different[np.concatenate([[0], splits + 1])]
        ends = different[np.concatenate([splits, [len(different) - 1]])] + 1
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            yield _RUN.pack(start, end - start) + original[start:end]
    if len(original) > common:
        yield _RUN.pack(common, len(original) - common) + original[common:]


def _sector_size(raw: bytes) -> int:
    (shift,) = struct.unpack_from("<H", raw, 30)
    return 1 << min(int(shift), 16)


def _padded(raw: bytes, sector: int) -> bytes:
    return raw + b"\0" * (-len(raw) % sector)
