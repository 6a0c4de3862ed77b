"""The files, sequences and master clips of an xmeml text, and its rates and timecodes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from otio_foley.errors import ParseError
from otio_foley.time import frames_from_timecode, rate_from_float
from otio_foley.timelines.paths import path_from_url
from otio_foley.timelines.xml.tree import Node

_NUMBER = re.compile(r"^[+-]?\d{1,18}(?:\.\d{0,12})?$")
_STILL_SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".tif", ".tiff", ".tga", ".psd"),
    *(".bmp", ".gif", ".exr", ".dpx", ".svg", ".webp", ".heic"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaFile:
    """A `file`: `start_s` is its timecode at its first frame, 0 where it has none."""

    name: str | None
    path: str | None
    start_s: Fraction
    rate: Fraction | None
    duration_frames: Fraction | None
    reel: str | None
    generator: str | None
    is_still: bool


class Library:
    """What is defined once and referred to by id from then on."""

    def __init__(self, root: Node) -> None:
        self._files: dict[str, Node] = {}
        self._read: dict[int, MediaFile] = {}
        self.sequences: dict[str, Node] = {}
        self.masters: dict[str, Node] = {}
        kinds = {"file": self._files, "sequence": self.sequences, "clip": self.masters}
        for node in root.descendants():
            known = kinds.get(node.tag)
            identity = node.get("id")
            # A reference is an element of the same name without children.
            if known is not None and identity is not None and node.children:
                known.setdefault(identity, node)

    def sequence(self, node: Node) -> Node | None:
        """The definition of a nested sequence."""
        return node if node.children else self.sequences.get(node.get("id") or "")

    def file_of(self, clipitem: Node) -> Node | None:
        """The `file` that a clipitem plays: its own, its active angle's, or its master clip's."""
        node = clipitem.child("file")
        if node is None:
            multiclip = clipitem.child("multiclip")
            angle = _active_angle(multiclip) if multiclip is not None else None
            master = angle or self.masters.get(clipitem.child_text("masterclipid") or "")
            node = next(master.find_all("file"), None) if master is not None else None
        if node is not None and not node.children:
            node = self._files.get(node.get("id") or "", node)
        return node

    def media(self, file: Node) -> MediaFile:
        """Raises ParseError for a file with a timecode that is none."""
        if id(file) not in self._read:
            self._read[id(file)] = _media_file(file)
        return self._read[id(file)]


def number(node: Node, tag: str) -> Fraction | None:
    """A child's number; None without it. Raises ParseError if it is no number."""
    text = node.child_text(tag)
    if text is None:
        return None
    if not _NUMBER.match(text):
        child = node.child(tag) or node
        raise ParseError(
            f"<{tag}> of <{node.tag}> is no number: {text[:60]!r}",
            line=child.line,
            column=child.column,
        )
    return Fraction(text)


def rate_of(node: Node | None) -> Fraction | None:
    """Exact frame rate of an element's `rate`; None without one. Raises ParseError."""
    rate = node.child("rate") if node is not None else None
    timebase = number(rate, "timebase") if rate is not None else None
    if rate is None or timebase is None or not 0 < timebase < 100_000:
        return None
    if timebase.denominator != 1:
        return rate_from_float(float(timebase))
    # Some exporters write ntsc=TRUE beside 25 or 50, which has no meaning.
    ntsc = is_true(rate.child_text("ntsc")) and timebase % 25 != 0
    return timebase * Fraction(1000, 1001) if ntsc else timebase


def is_true(text: str | None) -> bool:
    return (text or "").strip().upper() in ("TRUE", "1", "YES")


def is_enabled(node: Node) -> bool:
    """A clip's or track's `enabled`, on where it says nothing."""
    text = node.child_text("enabled")
    return text is None or is_true(text)


def is_drop_frame(timecode: Node | None) -> bool:
    return timecode is not None and (timecode.child_text("displayformat") or "").upper() == "DF"


def timecode_s(node: Node, own_rate: Fraction | None) -> Fraction:
    """What an element's `timecode` reads, in true seconds; 0 without one. Raises ParseError."""
    timecode = node.child("timecode")
    if timecode is None:
        return Fraction(0)
    rate = rate_of(timecode) or own_rate
    frame = number(timecode, "frame")
    text = timecode.child_text("string")
    if rate is None or (frame is None and text is None):
        return Fraction(0)
    if frame is None:
        frame = Fraction(frames_from_timecode(text or "", rate, is_drop_frame(timecode)))
    return frame / rate


def _active_angle(multiclip: Node) -> Node | None:
    angles = [node for node in multiclip.children if node.tag == "angle"]
    active = [node for node in angles if node.child("activevideoangle") is not None]
    return next(iter([*active, *angles]), None)


def _media_file(file: Node) -> MediaFile:
    rate = rate_of(file)
    timecode = file.child("timecode")
    reel = timecode.child("reel") if timecode is not None else None
    path = path_from_url(file.child_text("pathurl") or "")
    duration = number(file, "duration")
    short = duration is None or duration <= 1
    name = file.child_text("name")
    return MediaFile(
        name=name,
        path=path,
        start_s=timecode_s(file, rate),
        rate=rate,
        duration_frames=duration,
        reel=reel.child_text("name") if reel is not None else None,
        generator=file.child_text("mediaSource") if path is None else None,
        is_still=short and (path or name or "").lower().endswith(_STILL_SUFFIXES),
    )
