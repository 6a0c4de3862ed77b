"""Lossless documents: what came in, and what is put on top and taken off again.

`Document` is what every format gives; `TextDocument` is the one for cuts held as text: the bytes
that came in, and the patches that go on top.

A cut is never rebuilt from a model of it. A format module parses bytes into a `ParsedText`, which
says what the cut holds, where footstep clips have to be inserted and what of ours is in it; the
document splices. What undoes an insertion lies inside the result as an *undo record*: the offset,
length and replaced bytes of each patch and the SHA-256 of the original. If it still fits, `strip`
gives the original bytes; if a host has re-saved the file, ours is found by name and taken out.
"""

from __future__ import annotations

import base64
import binascii
import gc
import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from otio_foley.errors import NotReversible, OutputError
from otio_foley.timelines.content import Part
from otio_foley.timelines.dialect import GENERIC, Dialect, Sidecar
from otio_foley.types import StemClip, Timeline

#: Under this name everything of ours stands in every format.
NAMESPACE = "com.otio-foley"

#: A format module puts this where the undo record is to stand, once in what it inserts.
UNDO_PLACEHOLDER = "@otio-foley-undo@"

_RECORD_HEAD = "otio-foley-undo:v1;"

#: The undo record holds no character that XML, JSON or an EDL comment would have to escape.
_UNDO = re.compile(_RECORD_HEAD.encode() + rb"([0-9a-f]{64});([0-9]+);([0-9A-Za-z+/=,:]*);")

#: Longer counts are forged, and beyond 4300 digits `int` refuses them.
_COUNT = re.compile(r"^[0-9]{1,18}$")

#: A host may have copied our record; each one tried costs a hash of the whole file.
_MOST_RECORDS = 16


class Document(Protocol):
    """A cut as its format holds it. Values: `add` and `strip` give new ones."""

    @property
    def format_name(self) -> str: ...

    @property
    def media_folder(self) -> Path | None:
        """Folder of the media that came in with the cut (a bundle); None where there is none."""
        ...

    def timeline(self) -> Timeline: ...

    def content(self) -> Part:
        """Everything that the cut says, in canonical form."""
        ...

    def with_frame_rate(self, frame_rate: Fraction) -> Document:
        """The same cut read at another frame rate (for formats that do not state one)."""
        ...

    def add(self, stems: Sequence[StemClip], dialect: Dialect = GENERIC) -> Document:
        """The cut with the footstep clips in it; what an earlier run added goes first."""
        ...

    def sidecars(self, stems: Sequence[StemClip], dialect: Dialect) -> tuple[Sidecar, ...]:
        """What of these stems `add` leaves out because the format or its host does not hold it."""
        ...

    def strip(self) -> Stripped:
        """The cut without ours."""
        ...

    def is_identical(self, other: Document) -> bool:
        """Whether both hold the same: every byte of a text, every object and property of an AAF."""
        ...

    def mentions(self, file_name: str) -> bool:
        """Whether the cut names this file."""
        ...

    def save(self, path: Path) -> None:
        """Write the cut to a place where nothing lies.

        Raises OSError, OutputError, or InputError where what the cut was read from is needed and
        is damaged or another by now (a bundle).
        """
        ...


@dataclass(frozen=True, slots=True)
class Patch:
    """Replace `remove` bytes at `offset` of the original by `insert`."""

    offset: int
    remove: int
    insert: bytes


class ParsedText(Protocol):
    """What a format module knows of one text: built by its `parse(raw, frame_rate)`."""

    @property
    def timeline(self) -> Timeline: ...

    @property
    def encoding(self) -> str:
        """The codec in which inserted text is written."""
        ...

    def insertion(self, stems: Sequence[StemClip], dialect: Dialect) -> tuple[Patch, ...]:
        """Patches that add the footstep clips; exactly one holds `UNDO_PLACEHOLDER`.

        None where `dialect` wants all of them in a sidecar.
        """
        ...

    def sidecars(self, stems: Sequence[StemClip], dialect: Dialect) -> tuple[Sidecar, ...]:
        """What of these stems `insertion` leaves out."""
        ...

    def removal(self) -> tuple[Patch, ...]:
        """Patches that take out whatever of ours is found by name; none if there is nothing."""
        ...

    def content(self) -> Part:
        """Everything that the text says, in canonical form."""
        ...


class TextParser(Protocol):
    def __call__(self, raw: bytes, frame_rate: Fraction | None) -> ParsedText: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Stripped:
    """A document without ours. `exact`: the bytes of the original, proven by their SHA-256."""

    document: Document
    exact: bool
    removed: int


@dataclass(frozen=True, kw_only=True, eq=False)
class TextDocument:
    """A cut held as text: its bytes and how its format is parsed."""

    format_name: str
    raw: bytes
    parser: TextParser
    frame_rate: Fraction | None = None

    @property
    def media_folder(self) -> Path | None:
        return None

    @cached_property
    def parsed(self) -> ParsedText:
        """What the format module makes of the bytes, when first asked for. Raises ParseError."""
        with _collector_paused():
            return self.parser(self.raw, self.frame_rate)

    def timeline(self) -> Timeline:
        return self.parsed.timeline

    def content(self) -> Part:
        return self.parsed.content()

    def with_frame_rate(self, frame_rate: Fraction) -> TextDocument:
        return open_text(self.format_name, self.raw, self.parser, frame_rate)

    def add(self, stems: Sequence[StemClip], dialect: Dialect = GENERIC) -> TextDocument:
        """Raises OutputError where something of ours cannot be taken out beforehand."""
        base, _, removed = self._without_ours()
        if not removed:
            base = self
        if not stems:
            return base
        with _collector_paused():
            patches = base.parsed.insertion(stems, dialect)
        if not patches:
            return base
        return replace(base, raw=_seal(base.raw, patches, base.parsed.encoding))

    def sidecars(self, stems: Sequence[StemClip], dialect: Dialect) -> tuple[Sidecar, ...]:
        return self.parsed.sidecars(stems, dialect)

    def strip(self) -> Stripped:
        """Take ours out: by the undo record if it fits, else by name.

        Raises NotReversible if ours is recorded but nothing of it is found by name.
        """
        document, exact, removed = self._without_ours()
        return Stripped(document=document, exact=exact, removed=removed)

    def _without_ours(self) -> tuple[TextDocument, bool, int]:
        """(the document without ours, whether that is proven, how many places it was taken from)"""
        original = _unseal(self.raw, self.parsed.encoding)
        if original is not None:
            return replace(self, raw=original), True, 1
        patches = self.parsed.removal()
        if not patches:
            return self, False, 0
        document = replace(self, raw=splice(self.raw, patches))
        if document.parsed.removal():
            raise NotReversible(
                "not everything that otio-foley added could be taken out",
                hint="the file was changed by another program; remove the FS tracks there",
            )
        return document, False, len(patches)

    def is_identical(self, other: Document) -> bool:
        return isinstance(other, TextDocument) and self.raw == other.raw

    def mentions(self, file_name: str) -> bool:
        spellings = (encoded(name, self.parsed.encoding) for name in (file_name, quote(file_name)))
        return any(spelling in self.raw for spelling in spellings)

    def to_bytes(self) -> bytes:
        return self.raw

    def save(self, path: Path) -> None:
        path.write_bytes(self.raw)


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Parsing makes many objects that all stay; the collector would walk them again and again, for
    two fifths of the time that a cut of 20,000 clips takes."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def open_text(
    format_name: str, raw: bytes, parser: TextParser, frame_rate: Fraction | None = None
) -> TextDocument:
    """Parse bytes into a document. Raises ParseError."""
    document = TextDocument(format_name=format_name, raw=raw, parser=parser, frame_rate=frame_rate)
    _ = document.parsed  # a damaged file is refused here, not at the first question
    return document


def splice(raw: bytes, patches: Sequence[Patch]) -> bytes:
    """Apply patches (offsets in `raw`; at one offset in the order given).

    Raises ValueError if patches overlap or lie outside.
    """
    pieces = []
    position = 0
    for patch in sorted(patches, key=lambda patch: patch.offset):
        if not position <= patch.offset <= patch.offset + patch.remove <= len(raw):
            raise ValueError(f"patch at byte {patch.offset} overlaps another or lies outside")
        pieces += [raw[position : patch.offset], patch.insert]
        position = patch.offset + patch.remove
    pieces.append(raw[position:])
    return b"".join(pieces)


def _seal(raw: bytes, patches: Sequence[Patch], encoding: str) -> bytes:
    """Splice, with the undo record put where the placeholder stands.

    The record counts the bytes of the patch that it stands in, so its own length is solved for.
    """
    placeholder = encoded(UNDO_PLACEHOLDER, encoding)
    ordered = sorted(patches, key=lambda patch: patch.offset)
    holders = [i for i, patch in enumerate(ordered) if placeholder in patch.insert]
    if len(holders) != 1 or ordered[holders[0]].insert.count(placeholder) != 1:
        raise OutputError("no single place for the undo record")
    at, holder = holders[0], ordered[holders[0]]
    entries = [_undo_entry(raw, patch, len(patch.insert)) for patch in ordered]
    head = f"{_RECORD_HEAD}{hashlib.sha256(raw).hexdigest()};{len(raw)};"
    record = b""
    for _ in range(10):
        length = len(holder.insert) - len(placeholder) + len(record)
        entries[at] = _undo_entry(raw, holder, length)
        solved = encoded(f"{head}{','.join(entries)};", encoding)
        if solved == record:
            ordered[at] = replace(holder, insert=holder.insert.replace(placeholder, record))
            return splice(raw, ordered)
        record = solved
    raise OutputError("the undo record does not settle")


def _undo_entry(raw: bytes, patch: Patch, length: int) -> str:
    removed = raw[patch.offset : patch.offset + patch.remove]
    return f"{patch.offset}:{length}:{base64.b64encode(removed).decode('ascii') if removed else ''}"


def _unseal(raw: bytes, encoding: str) -> bytes | None:
    """The original, if an undo record is there and its SHA-256 proves the outcome."""
    if encoded(_RECORD_HEAD, encoding) not in raw:
        return None
    searched = raw
    if len(encoded("a", encoding)) > 1:
        searched = raw.decode(encoding, "replace").encode("ascii", "replace")
    for match in islice(_UNDO.finditer(searched), _MOST_RECORDS):
        original = _undone(raw, match[3].decode("ascii"))
        if original is not None and hashlib.sha256(original).hexdigest().encode() == match[1]:
            return original
    return None


def _undone(raw: bytes, entries: str) -> bytes | None:
    pieces = []
    position = 0
    taken = 0
    for entry in entries.split(","):
        fields = entry.split(":")
        if len(fields) != 3 or not (_COUNT.match(fields[0]) and _COUNT.match(fields[1])):
            return None
        try:
            removed = base64.b64decode(fields[2], validate=True)
        except (ValueError, binascii.Error):
            return None
        at = int(fields[0]) + taken
        if not position <= at <= at + int(fields[1]) <= len(raw):
            return None
        pieces += [raw[position:at], removed]
        position = at + int(fields[1])
        taken += int(fields[1]) - len(removed)
    pieces.append(raw[position:])
    return b"".join(pieces)


def encoded(text: str, encoding: str) -> bytes:
    """Text in the file's codec, never with a byte order mark."""
    return text.encode({"utf-16": "utf-16-le", "utf-8-sig": "utf-8"}.get(encoding, encoding))
