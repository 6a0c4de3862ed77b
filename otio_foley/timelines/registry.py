"""Which formats there are, and which of them a file is: content decides before the suffix does."""

from __future__ import annotations

import importlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol, cast

from otio_foley.errors import InputError, UnknownFormat
from otio_foley.timelines.document import Document, TextDocument, TextParser, open_text

#: A cut is a list of clips, not a movie: a larger file is something else.
_MAX_BYTES = 512 * 1024 * 1024


class Opener(Protocol):
    def __call__(self, path: Path, frame_rate: Fraction | None) -> Document: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A timeline format. Lazy "module:attribute", one of the two: `parser` is the `TextParser` of a
    text, `opener` the `Opener` of what is none (bundles, AAF)."""

    name: str
    title: str
    suffixes: tuple[str, ...]
    parser: str = ""
    opener: str = ""


FORMATS: Mapping[str, Format] = {
    "fcpxml": Format(
        name="fcpxml",
        title="Final Cut Pro XML",
        suffixes=(".fcpxml",),
        parser="otio_foley.timelines.fcpxml.cut:parse",
    ),
    "xmeml": Format(
        name="xmeml",
        title="Final Cut Pro 7 XML (Premiere, Resolve)",
        suffixes=(".xml",),
        parser="otio_foley.timelines.xmeml.cut:parse",
    ),
    "otio": Format(
        name="otio",
        title="OpenTimelineIO",
        suffixes=(".otio",),
        parser="otio_foley.timelines.otio.cut:parse",
    ),
    "edl": Format(
        name="edl",
        title="CMX3600 edit decision list",
        suffixes=(".edl",),
        parser="otio_foley.timelines.edl.cut:parse",
    ),
    "aaf": Format(
        name="aaf",
        title="Advanced Authoring Format (Pro Tools, Avid)",
        suffixes=(".aaf",),
        opener="otio_foley.timelines.aaf.cut:open_aaf",
    ),
    "fcpxmld": Format(
        name="fcpxmld",
        title="Final Cut Pro XML bundle (a folder)",
        suffixes=(".fcpxmld",),
        opener="otio_foley.timelines.bundles.folder:open_fcpxmld",
    ),
    "otiod": Format(
        name="otiod",
        title="OpenTimelineIO bundle (a folder)",
        suffixes=(".otiod",),
        opener="otio_foley.timelines.bundles.folder:open_otiod",
    ),
    "otioz": Format(
        name="otioz",
        title="OpenTimelineIO bundle (zipped)",
        suffixes=(".otioz",),
        opener="otio_foley.timelines.bundles.zipped:open_otioz",
    ),
}

#: What files that are not text begin with.
_MAGIC = {b"\xd0\xcf\x11\xe0": "aaf", b"PK\x03\x04": "otioz"}

#: White space, byte order marks and end-of-file marks in any encoding.
_BLANK = b" \t\r\n\v\f\0\x1a\xef\xbb\xbf\xff\xfe"

_EDL_LINE = re.compile(
    rb"^(TITLE:|FCM:|\d{1,6}\s+\S.*\d\d[:;.]\d\d[:;.]\d\d[:;.]\d\d)", re.MULTILINE
)


def open_document(path: str | os.PathLike[str], frame_rate: Fraction | None = None) -> Document:
    """Read a cut from a file or a bundle's folder.

    `frame_rate` is for formats that do not state one (EDL). Raises InputError (not there, not
    readable), UnknownFormat or ParseError.
    """
    file = Path(path)
    try:
        if file.is_dir():
            return _opened_by(_bundle_in(file), file, frame_rate)
        with file.open("rb") as stream:
            magic = _MAGIC.get(stream.read(4))
            if magic is not None:
                return _opened_by(magic, file, frame_rate)
            if (size := os.fstat(stream.fileno()).st_size) > _MAX_BYTES:
                raise UnknownFormat(f"{file} is too large for a cut ({size} bytes)")
            stream.seek(0)
            raw = stream.read()
    except OSError as error:
        raise InputError(
            f"cannot read {file}: {error.strerror or error}", hint="check the path and its rights"
        ) from error
    return open_bytes(raw, name=str(file), frame_rate=frame_rate)


def _bundle_in(folder: Path) -> str:
    if (folder / "content.otio").is_file():
        return "otiod"
    if (folder / "Info.fcpxml").is_file() or folder.suffix.lower() == ".fcpxmld":
        return "fcpxmld"
    raise InputError(f"{folder} is a folder", hint="give the cut that lies in it")


def _opened_by(name: str, path: Path, frame_rate: Fraction | None) -> Document:
    return cast(Opener, _attribute(FORMATS[name].opener))(path, frame_rate)


def _attribute(lazy: str) -> object:
    module, attribute = lazy.split(":")
    return getattr(importlib.import_module(module), attribute)


def open_bytes(raw: bytes, *, name: str, frame_rate: Fraction | None = None) -> TextDocument:
    """Read a cut held as text; `name` is used in messages and, last of all, for its suffix."""
    if not raw.lstrip(_BLANK):
        raise UnknownFormat(f"{name} is empty", hint="export the cut again")
    found = guess_format(raw, name)
    if found is None:
        known = ", ".join(sorted(FORMATS))
        raise UnknownFormat(
            f"{name} is in no timeline format known here",
            hint=f"known are {known}; see `otio-foley formats`",
        )
    return open_text(found, raw, cast(TextParser, _attribute(FORMATS[found].parser)), frame_rate)


def guess_format(raw: bytes, name: str) -> str | None:
    """Name of the text format of these bytes, or None."""
    head = raw[:65536]
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        head = head.decode("utf-16", "replace").encode()
    elif head.startswith((b"<\0", b"\0<")):  # without a mark, as expat reads it too
        codec = "utf-16-le" if head.startswith(b"<") else "utf-16-be"
        head = head.decode(codec, "replace").encode()
    head = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith(b"<"):
        root = re.search(rb"<(fcpxml|xmeml)[\s>/]", head)
        return root[1].decode("ascii") if root else None
    if head.startswith(b"{"):
        return "otio" if b"OTIO_SCHEMA" in head or _is_otio(raw) else None
    if _EDL_LINE.search(head):
        return "edl"
    suffix = Path(name).suffix.lower()
    return next((f.name for f in FORMATS.values() if f.parser and suffix in f.suffixes), None)


def _is_otio(raw: bytes) -> bool:
    """A JSON object whose schema stands behind the first 64 KiB."""
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and "OTIO_SCHEMA" in value
