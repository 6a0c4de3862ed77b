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
from typing import cast

from otio_foley.errors import InputError, UnknownFormat
from otio_foley.timelines.document import TextDocument, TextParser, open_text

#: A cut is a list of clips, not a movie: a larger file is something else.
_MAX_BYTES = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A timeline format; `parser` is a lazy "module:attribute"."""

    name: str
    title: str
    suffixes: tuple[str, ...]
    parser: str


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
}

#: White space, byte order marks and end-of-file marks in any encoding.
_BLANK = b" \t\r\n\v\f\0\x1a\xef\xbb\xbf\xff\xfe"

_EDL_LINE = re.compile(
    rb"^(TITLE:|FCM:|\d{1,6}\s+\S.*\d\d[:;.]\d\d[:;.]\d\d[:;.]\d\d)", re.MULTILINE
)


def open_document(path: str | os.PathLike[str], frame_rate: Fraction | None = None) -> TextDocument:
    """Read a cut from a file.

    `frame_rate` is for formats that do not state one (EDL). Raises InputError (not there, not
    readable), UnknownFormat or ParseError.
    """
    file = Path(path)
    try:
        if file.stat().st_size > _MAX_BYTES:
            raise UnknownFormat(f"{file} is too large for a cut ({file.stat().st_size} bytes)")
        raw = file.read_bytes()
    except OSError as error:
        if file.is_dir():
            raise _folder_error(file) from error
        raise InputError(
            f"cannot read {file}: {error.strerror or error}", hint="check the path and its rights"
        ) from error
    return open_bytes(raw, name=str(file), frame_rate=frame_rate)


def open_bytes(raw: bytes, *, name: str, frame_rate: Fraction | None = None) -> TextDocument:
    """Read a cut from bytes; `name` is used in messages and, last of all, for its suffix."""
    if not raw.lstrip(_BLANK):
        raise UnknownFormat(f"{name} is empty", hint="export the cut again")
    found = guess_format(raw, name)
    if found is None:
        known = ", ".join(sorted(FORMATS))
        raise UnknownFormat(
            f"{name} is in no timeline format known here",
            hint=f"known are {known}; see `otio-foley formats`",
        )
    module, attribute = FORMATS[found].parser.split(":")
    parser = cast(TextParser, getattr(importlib.import_module(module), attribute))
    return open_text(found, raw, parser, frame_rate)


def _folder_error(folder: Path) -> InputError:
    """Final Cut Pro's .fcpxmld is a folder, too, with the cut in it."""
    inner = folder / "Info.fcpxml"
    hint = f"give {inner}" if inner.is_file() else "give the cut that lies in it"
    return InputError(f"{folder} is a folder", hint=hint)


def guess_format(raw: bytes, name: str) -> str | None:
    """Name of the format of these bytes, or None."""
    head = raw[:65536]
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        head = head.decode("utf-16", "replace").encode()
    head = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith(b"<"):
        root = re.search(rb"<(fcpxml|xmeml)[\s>/]", head)
        return root[1].decode("ascii") if root else None
    if head.startswith(b"{"):
        return "otio" if b"OTIO_SCHEMA" in head or _is_otio(raw) else None
    if _EDL_LINE.search(head):
        return "edl"
    suffix = Path(name).suffix.lower()
    return next((f.name for f in FORMATS.values() if suffix in f.suffixes and raw.strip()), None)


def _is_otio(raw: bytes) -> bool:
    """A JSON object whose schema stands behind the first 64 KiB."""
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and "OTIO_SCHEMA" in value
