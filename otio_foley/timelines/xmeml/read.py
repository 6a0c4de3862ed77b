"""Walk an xmeml sequence: which part of which medium is seen when.

`start` and `end` count in frames of the sequence, `in` and `out` in frames of the clip's rate
from the medium's first frame; the source clock is the medium's timecode.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from otio_foley.errors import ParseError
from otio_foley.timelines.nesting import (
    Window,
    restricted,
    shifted,
    straightened,
    through,
    unlimited,
)
from otio_foley.timelines.xmeml.media import (
    TICKS_HZ,
    Library,
    MediaFile,
    is_enabled,
    number,
    rate_of,
)
from otio_foley.timelines.xmeml.speed import retime
from otio_foley.timelines.xml.tree import Node
from otio_foley.types import Clip, Skipped, Span, TimeMap

#: How deep nested sequences and multiclips may lie in each other.
_MAX_NESTING = 40
#: What no cut needs of nested sequences: clips played, and items looked at for that.
_MAX_PLAYED = 30_000
_MAX_LOOKED_AT = 1_000_000

_ITEMS = ("clipitem", "generatoritem", "transitionitem")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a sequence is seen: `inside` are the sequences and angles that it stands in."""

    window: Window
    rate: Fraction
    layer: int
    enabled: bool
    inside: tuple[int, ...]

    @property
    def is_nested(self) -> bool:
        return len(self.inside) > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Item:
    """A clipitem's place in its sequence (seconds) and its source range, in frames of `own_rate`
    by the book: the rate that it states, else its sequence's."""

    node: Node
    start_s: Fraction
    end_s: Fraction
    in_frame: Fraction
    out_frame: Fraction
    own_rate: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class _Played:
    """What a clipitem plays (medium, nested sequence or angle), as far as the file says."""

    length_s: Fraction | None
    rate: Fraction | None


class TooMuchError(ParseError):
    """A file that unfolds into more than any cut holds."""

    def __init__(self, number: int, what: str) -> None:
        super().__init__(
            f"the nested sequences of this file unfold into more than {number} {what}",
            hint="replace nested sequences by their clips and export again",
        )


class SequenceReader:
    """Reads one sequence; the results are in its lists when `read` returns."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self.clips: list[Clip] = []
        self.skipped: list[Skipped] = []
        self.failures = 0
        self._unfolded: set[int] = set()
        self._standing: dict[tuple[int, Fraction], list[_Item]] = {}
        self._heights: dict[int, int] = {}
        self._played = 0
        self._looked_at = 0

    def read(self, sequence: Node, rate: Fraction) -> None:
        """Raises TooMuchError; whatever else is wrong with an item puts it on `skipped`."""
        place = _Place(
            window=unlimited(Fraction(0)),
            rate=rate,
            layer=1,
            enabled=True,
            inside=(id(sequence),),
        )
        self._tracks(sequence, place)

    def has_unfolded(self, sequence: Node) -> bool:
        """Whether the sequence that was read plays this one."""
        return id(sequence) in self._unfolded

    def _tracks(self, sequence: Node, place: _Place) -> None:
        local_s = [local for _, local in place.window]
        low_s, high_s = min(local_s), max(local_s)
        layer = place.layer
        for track in picture_tracks(sequence):
            on = place.enabled and is_enabled(track)
            inner = replace(place, layer=layer, enabled=on)
            layer += self._height(track)
            items = self._items_on(track, place.rate)
            if place.is_nested:
                self._looked_at += len(items)
                if self._looked_at > _MAX_LOOKED_AT:
                    raise TooMuchError(_MAX_LOOKED_AT, "items to look at")
            for item in items:
                if item.start_s <= high_s and low_s <= item.end_s:
                    self._play(item, inner)

    def _height(self, track: Node, depth: int = 0) -> int:
        """Layers that a track unfolds to: a nested sequence lies above the tracks below its clip,
        and below those above it."""
        found = self._heights.get(id(track))
        if found is not None or depth > _MAX_NESTING:
            return found or 1
        self._heights[id(track)] = 1
        clips = (node for node in track.children if node.tag == "clipitem")
        height = max((self._layers(node, depth + 1) for node in clips), default=1)
        self._heights[id(track)] = max(1, height)
        return self._heights[id(track)]

    def _layers(self, clipitem: Node, depth: int) -> int:
        """Layers that a clipitem unfolds to."""
        nested = clipitem.child("sequence")
        if nested is not None:
            sequence = self.library.sequence(nested)
            inside = picture_tracks(sequence) if sequence is not None else []
            return sum(self._height(track, depth) for track in inside)
        angle = self.library.active_angle(clipitem)
        if angle is None or depth > _MAX_NESTING:
            return 1
        return self._layers(_shown_of(angle), depth + 1)

    def _items_on(self, track: Node, rate: Fraction) -> list[_Item]:
        """What stands on a track, read once however often a nested sequence is played."""
        key = (id(track), rate)
        if key not in self._standing:
            nodes = [node for node in track.children if node.tag in _ITEMS]
            read = (self._item_or_skipped(nodes, position, rate) for position in range(len(nodes)))
            self._standing[key] = [item for item in read if item is not None]
        return self._standing[key]

    def _item_or_skipped(self, nodes: list[Node], position: int, rate: Fraction) -> _Item | None:
        node = nodes[position]
        if node.tag == "generatoritem":
            self._skip(node, "a generator: it holds no movie")
        if node.tag != "clipitem":
            return None
        try:
            return _item_at(nodes, position, rate)
        except ParseError as error:
            self.failures += 1
            self._skip(node, str(error))
            return None

    def _play(self, item: _Item, place: _Place) -> None:
        """Whatever comes of an item: clips, or a word on why there are none."""
        if place.is_nested:
            self._played += 1
            if self._played > _MAX_PLAYED:
                raise TooMuchError(_MAX_PLAYED, "clips")
        told = len(self.clips) + len(self.skipped)
        try:
            self._unfold(item, place)
        except TooMuchError:
            raise
        except ParseError as error:
            self.failures += 1
            self._skip(item.node, str(error))
        if len(self.clips) + len(self.skipped) == told and _is_seen(item, place):
            self._skip(item.node, "nothing of what it holds is seen there")

    def _unfold(self, item: _Item, place: _Place) -> None:
        if not is_enabled(item.node):
            place = replace(place, enabled=False)
        nested = item.node.child("sequence")
        if nested is not None:
            self._unfold_sequence(item, nested, place)
            return
        angle = self.library.active_angle(item.node)
        if angle is not None:
            self._unfold_angle(item, angle, place)
            return
        file = self.library.file_of(item.node)
        media = self.library.media(file, item.own_rate) if file is not None else None
        if media is not None and media.generator is not None:
            self._skip(item.node, f"made by the editing system ({media.generator}): no movie")
            return
        for window in self._windows(item, _played_of(media, item), place):
            self.clips.append(_clip(item, media, window, place))

    def _unfold_sequence(self, item: _Item, nested: Node, place: _Place) -> None:
        sequence = self.library.sequence(nested)
        if sequence is None:
            raise ParseError(f"the nested sequence {nested.get('id')!r} is not in the file")
        inside = _deeper(place, sequence, "nested sequence")
        self._unfolded.add(id(sequence))
        if not holds(sequence, "clipitem", "generatoritem"):
            self._skip(item.node, "a nested sequence without picture")
            return
        rate = rate_of(sequence) or place.rate
        duration = number(sequence, "duration")
        played = _Played(length_s=duration / rate if duration is not None else None, rate=rate)
        for window in self._windows(item, played, place):
            self._tracks(sequence, replace(place, window=window, rate=rate, inside=inside))

    def _unfold_angle(self, item: _Item, clip: Node, place: _Place) -> None:
        """The clip that a multiclip shows. Frames of a multiclip count from its own beginning, and
        an angle's medium begins at `mediadelay` unless its clipitem says where it lies."""
        inside = _deeper(place, clip, "multiclip")
        node = _shown_of(clip)
        rate = rate_of(node) or rate_of(clip) or item.own_rate
        start = number(node, "start")
        if start is None or start < 0:
            start = number(node, "mediadelay") or Fraction(0)
        in_frame = max(Fraction(0), number(node, "in") or Fraction(0))
        out_frame = number(node, "out") or Fraction(-1)
        length = out_frame - in_frame if out_frame > in_frame else None
        if length is None:
            length = number(node, "duration") or number(clip, "duration")
        end_s = None if length is None else (start + length) / rate
        if length is None:
            length = item.out_frame
        inner = _Item(
            node=node,
            start_s=start / rate,
            end_s=(start + length) / rate,
            in_frame=in_frame,
            out_frame=in_frame + length,
            own_rate=rate,
        )
        for window in self._windows(item, _Played(length_s=end_s, rate=rate), place):
            self._play(inner, replace(place, window=window, rate=rate, inside=inside))

    def _windows(self, item: _Item, played: _Played, place: _Place) -> tuple[Window, ...]:
        """What is seen of what an item plays, as windows on seconds from its first frame."""
        pieces = restricted(place.window, item.start_s, item.end_s)
        # In and out of a subclip count from where it begins in its medium.
        subclip = self.library.subclip_of(item.node)
        before = _frames(subclip, "startoffset")
        length_frames = None
        if played.length_s is not None:
            length_frames = played.length_s * item.own_rate - before - _frames(subclip, "endoffset")
        curve = retime(item.node, item.in_frame, item.out_frame, length_frames)
        if curve is None:
            in_s, rate = _source_start(item, played, place)
            shift_s = in_s + before / rate
            return tuple(shifted(piece, item.start_s, shift_s, Fraction(1)) for piece in pieces)
        rate = item.own_rate
        in_seconds = [(when / rate, (value + before) / rate) for when, value in curve]
        retimed = (shifted(p, item.start_s, item.in_frame / rate, Fraction(1)) for p in pieces)
        return tuple(through(window, in_seconds) for window in retimed)

    def _skip(self, item: Node, reason: str) -> None:
        name = item.child_text("name") or f"<{item.tag}>"
        self.skipped.append(Skipped(clip_id="", name=name, reason=reason))


def _item_at(items: list[Node], position: int, sequence_rate: Fraction) -> _Item:
    """The clipitem there, with what its neighbours say of its edges. Raises ParseError."""
    node = items[position]
    rate = rate_of(node) or sequence_rate
    in_frame = max(Fraction(0), number(node, "in") or Fraction(0))
    out_frame = number(node, "out")
    if out_frame is not None and out_frame < 0:
        out_frame = None
    start = number(node, "start")
    end = number(node, "end")
    length = None
    if out_frame is not None and out_frame > in_frame:
        length = (out_frame - in_frame) / rate * sequence_rate
    if start is None or start < 0:
        start = _transition_edge(items, position - 1, "start")
    if end is None or end < 0:
        end = _transition_edge(items, position + 1, "end")
    if start is None and end is not None and length is not None:
        start = end - length
    if end is None and start is not None and length is not None:
        end = start + length
    if start is None or end is None or end <= start:
        raise ParseError(
            "its place in the sequence is not to be made out",
            line=node.line,
            column=node.column,
        )
    if out_frame is None:
        out_frame = in_frame + (end - start) / sequence_rate * rate
    return _Item(
        node=node,
        start_s=start / sequence_rate,
        end_s=end / sequence_rate,
        in_frame=in_frame,
        out_frame=out_frame,
        own_rate=rate,
    )


def _is_seen(item: _Item, place: _Place) -> bool:
    return bool(restricted(place.window, item.start_s, item.end_s))


def _deeper(place: _Place, node: Node, what: str) -> tuple[int, ...]:
    """`inside` of what a sequence or angle holds. Raises ParseError."""
    if id(node) in place.inside:
        raise ParseError(f"the {what} contains itself")
    if len(place.inside) > _MAX_NESTING:
        raise ParseError(f"nested more than {_MAX_NESTING} deep")
    return (*place.inside, id(node))


def _played_of(media: MediaFile | None, item: _Item) -> _Played:
    if media is None:
        return _Played(length_s=None, rate=None)
    duration = media.duration_frames
    length_s = duration / (media.rate or item.own_rate) if duration is not None else None
    return _Played(length_s=length_s, rate=media.rate)


def _source_start(item: _Item, played: _Played, place: _Place) -> tuple[Fraction, Fraction]:
    """Where a clip that plays as shot begins in its source (seconds), and the rate that its `in`
    and `out` count in.

    By the book that is its own rate; Premiere at times writes that of what is played. Where they
    differ its tick count tells, to which one of them has to come within a frame; else the rate
    at which source and record are equally long, where that is within two frames. An error of less
    than a frame of length is rounding, and speaks for no rate before the clip's own.
    """
    rates = [item.own_rate, played.rate or item.own_rate, place.rate]
    if len(set(rates)) == 1:
        return item.in_frame / item.own_rate, item.own_rate
    ticks = number(item.node, "pproTicksIn")
    if ticks is not None and item.in_frame:
        ticks_s = ticks / TICKS_HZ
        error, rate = min(
            ((abs(item.in_frame - ticks_s * rate), rate) for rate in rates), key=lambda fit: fit[0]
        )
        if error <= 1:
            return ticks_s, rate
    else:
        length_s, source = item.end_s - item.start_s, item.out_frame - item.in_frame
        error, rate = min(
            ((abs(source - length_s * rate), rate) for rate in rates),
            key=lambda fit: fit[0].__floor__(),
        )
        if error <= 2:
            return item.in_frame / rate, rate
    return item.in_frame / item.own_rate, item.own_rate


def _frames(subclip: Node | None, tag: str) -> Fraction:
    return (number(subclip, tag) if subclip is not None else None) or Fraction(0)


def _clip(item: _Item, media: MediaFile | None, window: Window, place: _Place) -> Clip:
    base_s = media.start_s if media is not None else Fraction(0)
    start_s, end_s = window[0][0], window[-1][0]
    points = straightened(tuple((record - start_s, base_s + source) for record, source in window))
    if media is not None and media.is_still:
        points = ((Fraction(0), base_s), (end_s - start_s, base_s))
    name = item.node.child_text("name")
    return Clip(
        clip_id="",
        name=name or (media.name if media is not None else None) or "",
        reel=media.reel if media is not None else None,
        media_path=media.path if media is not None else None,
        media_start_s=base_s,
        source_rate=(media.rate if media is not None else None) or item.own_rate,
        record=Span(start_s=start_s, duration_s=end_s - start_s),
        time_map=TimeMap(points=points),
        layer=place.layer,
        enabled=place.enabled,
    )


def _shown_of(angle: Node) -> Node:
    """The clipitem that an angle's clip plays, or the clip where it holds none."""
    items = (node for track in picture_tracks(angle) for node in track.children)
    return next((node for node in items if node.tag == "clipitem"), angle)


def holds(sequence: Node, *tags: str) -> bool:
    """Whether an item of one of these kinds stands on its video tracks."""
    return any(item.tag in tags for track in picture_tracks(sequence) for item in track.children)


def picture_tracks(sequence: Node) -> list[Node]:
    """The video tracks of a sequence or clip, lowest first."""
    media = sequence.child("media")
    video = media.child("video") if media is not None else None
    return [node for node in (video.children if video is not None else ()) if node.tag == "track"]


def _transition_edge(items: list[Node], position: int, edge: str) -> Fraction | None:
    """A clip under a transition has -1 for that edge: the transition's own is where it ends."""
    if 0 <= position < len(items) and items[position].tag == "transitionitem":
        frame = number(items[position], edge)
        return frame if frame is not None and frame >= 0 else None
    return None
