"""The files, sequences and master clips of an xmeml text, and its rates and timecodes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from otio_foley.errors import ParseError
from otio_foley.time import frames_from_timecode, knows_drop_frame, rate_from_float
from otio_foley.timelines.paths import media_path_from
from otio_foley.timelines.xml.tree import Node

#: Premiere's clock (`pproTicksIn`, `pproTicksOut`), in ticks a second.
TICKS_HZ = 254_016_000_000

_NUMBER = re.compile(r"^[+-]?\d{1,18}(?:\.\d{0,12})?$")
_SEPARATOR = re.compile(r"[:;.,]")
#: What stands before the frames of a drop frame timecode.
_DROP_SEPARATOR = re.compile(r"[;.,]\d+$")
_STILL_SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".tif", ".tiff", ".tga", ".psd"),
    *(".bmp", ".gif", ".exr", ".dpx", ".svg", ".webp", ".heic"),
)

#: NTSC rates cut down to whole numbers, as Premiere writes them for media of 29.97 frames and the
#: like (and then without `ntsc`). Nothing runs at these rates themselves.
_CUT_DOWN = frozenset((14, 23, 29, 47, 59, 119))


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
        self._masters: dict[str, Node] = {}
        self._multiclips: dict[str, Node] = {}
        self._sequences: dict[str, Node] = {}
        self._read: dict[tuple[int, Fraction], MediaFile] = {}
        #: Ids of the sequences that a clip of another one plays.
        self.played_ids: set[str] = set()
        kinds = {
            "file": self._files,
            "sequence": self._sequences,
            "clip": self._masters,
            "multiclip": self._multiclips,
        }
        for node in _parents_in(root):
            known = kinds.get(node.tag)
            identity = node.get("id")
            if known is not None and identity is not None:
                known.setdefault(identity, node)
            elif (
                node.tag == "clipitem"
                and (played := node.child("sequence")) is not None
                # A bin may hold a master clip of a sequence, and that plays it in no cut.
                and any(outer.tag in ("sequence", "multiclip") for outer in ancestors(node))
            ):
                self.played_ids.add(played.get("id") or "")

    def sequence(self, node: Node) -> Node | None:
        """The definition of a nested sequence."""
        return _definition(node, self._sequences)

    def file_of(self, clipitem: Node) -> Node | None:
        """The `file` that a clipitem plays: its own, or that of its master clip."""
        node = clipitem.child("file")
        if node is None:
            master = self._master_of(clipitem)
            node = next(master.find_all("file"), None) if master is not None else None
        return (_definition(node, self._files) or node) if node is not None else None

    def subclip_of(self, clipitem: Node) -> Node | None:
        """What part of its medium a clipitem counts from, also where its master clip says so."""
        own = clipitem.child("subclipinfo")
        if own is not None or clipitem.child("file") is not None:
            return own
        master = self._master_of(clipitem)
        return master.child("subclipinfo") if master is not None else None

    def active_angle(self, clipitem: Node) -> Node | None:
        """The clip that a multiclip shows; None for what is no multiclip."""
        multiclip = clipitem.child("multiclip")
        definition = _definition(multiclip, self._multiclips) if multiclip is not None else None
        if definition is None:
            return None
        angles = [node for node in definition.children if node.tag == "angle"]
        active = [node for node in angles if is_true(node.child_text("activevideoangle"))]
        clips = [angle.child("clip") for angle in (*active, *angles)]
        return next((_definition(clip, self._masters) for clip in clips if clip is not None), None)

    def media(self, file: Node, clip_rate: Fraction) -> MediaFile:
        """`clip_rate` is that of the clip that plays it, for a file that states none.

        Raises ParseError for a file with a timecode that is none.
        """
        key = (id(file), clip_rate)
        if key not in self._read:
            self._read[key] = _media_file(file, clip_rate)
        return self._read[key]

    def _master_of(self, clipitem: Node) -> Node | None:
        return self._masters.get(clipitem.child_text("masterclipid") or "")


def ancestors(node: Node) -> Iterator[Node]:
    """The elements that a node stands in, the innermost first."""
    outer = node.parent
    while outer is not None:
        yield outer
        outer = outer.parent


def _parents_in(root: Node) -> Iterator[Node]:
    """Every element that has children, in document order: a definition is never empty."""
    stack = [root]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed([child for child in node.children if child.children]))


def _definition(node: Node, known: dict[str, Node]) -> Node | None:
    """A reference is an element of the same name without children."""
    return node if node.children else known.get(node.get("id") or "")


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
            hint="export the cut again, or repair the file at that place",
        )
    return Fraction(text) if "." in text else Fraction(int(text))


def rate_of(node: Node | None) -> Fraction | None:
    """Exact frame rate of an element's `rate`; None without one. Raises ParseError."""
    rate = node.child("rate") if node is not None else None
    timebase = number(rate, "timebase") if rate is not None else None
    if rate is None or timebase is None or not 0 < timebase < 100_000:
        return None
    return exact_rate(timebase, ntsc=is_true(rate.child_text("ntsc")))


def exact_rate(timebase: Fraction, *, ntsc: bool) -> Fraction:
    """The rate that a `timebase` between 0 and 100,000 stands for."""
    if timebase.denominator != 1:
        return rate_from_float(float(timebase))
    if timebase.numerator in _CUT_DOWN:
        return (timebase + 1) * Fraction(1000, 1001)
    # Some exporters write ntsc=TRUE beside 25 or 50, which has no meaning.
    return timebase * Fraction(1000, 1001) if ntsc and timebase % 25 != 0 else timebase


def is_true(text: str | None) -> bool:
    return (text or "").strip().upper() in ("TRUE", "1", "YES")


def is_enabled(node: Node) -> bool:
    """A clip's or track's `enabled`, on where it says nothing."""
    text = node.child_text("enabled")
    return text is None or is_true(text)


def is_drop_frame(timecode: Node | None, rate: Fraction) -> bool:
    """As `displayformat` says, else as the timecode is spelt; at 25 there is no drop frame."""
    if timecode is None or not knows_drop_frame(rate):
        return False
    stated = timecode.child_text("displayformat")
    if stated is not None:
        return stated.upper() == "DF"
    return _DROP_SEPARATOR.search(timecode.child_text("string") or "") is not None


def timecode_s(node: Node, own_rate: Fraction) -> Fraction:
    """What an element's `timecode` reads, in true seconds; 0 without one. Raises ParseError."""
    timecode = node.child("timecode")
    if timecode is None:
        return Fraction(0)
    rate = rate_of(timecode) or own_rate
    frame = number(timecode, "frame")
    text = timecode.child_text("string")
    if frame is None and text is None:
        return Fraction(0)
    if frame is None:
        label = _SEPARATOR.sub(":", text or "")
        frame = Fraction(frames_from_timecode(label, rate, is_drop_frame(timecode, rate)))
    return frame / rate


def _media_file(file: Node, clip_rate: Fraction) -> MediaFile:
    rate = rate_of(file)
    timecode = file.child("timecode")
    reel = timecode.child("reel") if timecode is not None else None
    path = media_path_from(file.child_text("pathurl") or "")
    duration = number(file, "duration")
    short = duration is None or duration <= 1
    name = file.child_text("name")
    return MediaFile(
        name=name,
        path=path,
        start_s=timecode_s(file, rate or clip_rate),
        rate=rate,
        duration_frames=duration,
        reel=reel.child_text("name") if reel is not None else None,
        generator=file.child_text("mediaSource") if path is None else None,
        is_still=short and (path or name or "").lower().endswith(_STILL_SUFFIXES),
    )
