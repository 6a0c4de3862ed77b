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
    Library,
    MediaFile,
    is_enabled,
    is_true,
    number,
    rate_of,
)
from otio_foley.timelines.xmeml.speed import retime
from otio_foley.timelines.xml.tree import Node
from otio_foley.types import Clip, Skipped, Span, TimeMap

#: Premiere's clock, in ticks a second.
TICKS_HZ = 254_016_000_000
_MAX_NESTING = 40
#: What no cut needs: clips played, and items of nested sequences looked at for that.
_MAX_PLAYED = 30_000
_MAX_LOOKED_AT = 1_000_000
_TOO_MUCH = f"the nested sequences of this file unfold into more than {_MAX_PLAYED} clips"
_TOO_MUCH_HINT = "replace nested sequences by their clips and export again"

_ITEMS = ("clipitem", "generatoritem", "transitionitem")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    window: Window
    rate: Fraction
    layer: int
    enabled: bool
    inside: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Item:
    """A clipitem's place in its sequence (seconds) and its source range (frames of `rate`)."""

    node: Node
    start_s: Fraction
    end_s: Fraction
    in_frame: Fraction
    out_frame: Fraction
    rate: Fraction


class TooMuchError(ParseError):
    """A file that unfolds into more than any cut holds."""


class SequenceReader:
    """Reads one sequence; the results are in its lists when `read` returns."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self.clips: list[Clip] = []
        self.skipped: list[Skipped] = []
        self.failures = 0
        self.nested: set[int] = set()
        self._items_of: dict[tuple[int, Fraction], list[_Item]] = {}
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

    def _tracks(self, sequence: Node, place: _Place) -> None:
        local_s = [local for _, local in place.window]
        low_s, high_s = min(local_s), max(local_s)
        layer = place.layer
        for track in picture_tracks(sequence):
            on = place.enabled and is_enabled(track)
            inner = replace(place, layer=layer, enabled=on)
            layer += self._height(track)
            for item in self._items(track, place.rate):
                if item.start_s <= high_s and low_s <= item.end_s:
                    self._play(item, inner)

    def _height(self, track: Node, depth: int = 0) -> int:
        """Layers that a track unfolds to: a nested sequence lies above the tracks below its clip,
        and below those above it."""
        found = self._heights.get(id(track))
        if found is not None or depth > _MAX_NESTING:
            return found or 1
        self._heights[id(track)] = height = 1
        for nested in (node.child("sequence") for node in track.children if node.tag == "clipitem"):
            sequence = self.library.sequence(nested) if nested is not None else None
            inside = picture_tracks(sequence) if sequence is not None else []
            height = max(height, sum(self._height(one, depth + 1) for one in inside))
        self._heights[id(track)] = height
        return height

    def _items(self, track: Node, rate: Fraction) -> list[_Item]:
        """What stands on a track, read once however often a nested sequence is played."""
        key = (id(track), rate)
        if key not in self._items_of:
            nodes = [node for node in track.children if node.tag in _ITEMS]
            read = (self._read_item(nodes, position, rate) for position in range(len(nodes)))
            self._items_of[key] = [item for item in read if item is not None]
        items = self._items_of[key]
        self._looked_at += len(items)
        if self._looked_at > _MAX_LOOKED_AT:
            raise TooMuchError(_TOO_MUCH, hint=_TOO_MUCH_HINT)
        return items

    def _read_item(self, nodes: list[Node], position: int, rate: Fraction) -> _Item | None:
        node = nodes[position]
        if node.tag == "generatoritem":
            self.skipped.append(_skipped(node, "a generator: it holds no movie"))
        if node.tag != "clipitem":
            return None
        try:
            return self._item(nodes, position, rate)
        except ParseError as error:
            self.failures += 1
            self.skipped.append(_skipped(node, str(error)))
            return None

    def _play(self, item: _Item, place: _Place) -> None:
        self._played += 1
        if self._played > _MAX_PLAYED:
            raise TooMuchError(_TOO_MUCH, hint=_TOO_MUCH_HINT)
        try:
            self._clipitem(item, place)
        except TooMuchError:
            raise
        except ParseError as error:
            self.failures += 1
            self.skipped.append(_skipped(item.node, str(error)))

    def _item(self, items: list[Node], position: int, sequence_rate: Fraction) -> _Item:
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
            rate=rate,
        )

    def _clipitem(self, item: _Item, place: _Place) -> None:
        if not is_enabled(item.node):
            place = replace(place, enabled=False)
        nested = item.node.child("sequence")
        angle = self.library.active_angle(item.node)
        if nested is not None:
            self._nested(item, nested, place)
            return
        if angle is not None:
            self._angle(item, angle, place)
            return
        file = self.library.file_of(item.node)
        media = self.library.media(file) if file is not None else None
        if media is not None and media.generator is not None:
            reason = f"made by the editing system ({media.generator}): no movie"
            self.skipped.append(_skipped(item.node, reason))
            return
        for window in self._windows(item, media, place):
            self._emit(item, media, window, place)

    def _nested(self, item: _Item, nested: Node, place: _Place) -> None:
        sequence = self.library.sequence(nested)
        if sequence is None:
            raise ParseError(f"the nested sequence {nested.get('id')!r} is not in the file")
        if id(sequence) in place.inside or len(place.inside) > _MAX_NESTING:
            raise ParseError("the nested sequence contains itself")
        self.nested.add(id(sequence))
        if not holds(sequence, "clipitem", "generatoritem"):
            self.skipped.append(_skipped(item.node, "a nested sequence without picture"))
            return
        rate = rate_of(sequence) or place.rate
        for window in self._windows(item, None, place):
            inner = replace(place, window=window, rate=rate, inside=(*place.inside, id(sequence)))
            self._tracks(sequence, inner)

    def _angle(self, item: _Item, clip: Node, place: _Place) -> None:
        """The clip that a multiclip shows. Frames of a multiclip count from its own beginning, and
        an angle's medium begins at `mediadelay` unless its clipitem says where it lies."""
        if id(clip) in place.inside or len(place.inside) > _MAX_NESTING:
            raise ParseError("the multiclip contains itself")
        items = [node for track in picture_tracks(clip) for node in track.children]
        node = next((node for node in items if node.tag == "clipitem"), clip)
        rate = rate_of(node) or rate_of(clip) or item.rate
        start = max(Fraction(0), number(node, "start") or Fraction(0))
        start = start or number(node, "mediadelay") or Fraction(0)
        in_frame = max(Fraction(0), number(node, "in") or Fraction(0))
        out_frame = number(node, "out") or Fraction(-1)
        if out_frame <= in_frame:
            duration = number(node, "duration") or number(clip, "duration")
            out_frame = in_frame + (duration if duration is not None else item.out_frame)
        inner = _Item(
            node=node,
            start_s=start / rate,
            end_s=(start + out_frame - in_frame) / rate,
            in_frame=in_frame,
            out_frame=out_frame,
            rate=rate,
        )
        inside = (*place.inside, id(clip))
        for window in self._windows(item, None, place):
            self._play(inner, replace(place, window=window, rate=rate, inside=inside))

    def _windows(self, item: _Item, media: MediaFile | None, place: _Place) -> tuple[Window, ...]:
        """What is seen of the medium, as windows on seconds from its first frame."""
        media_frames = None
        if media is not None and media.duration_frames is not None:
            media_frames = media.duration_frames / (media.rate or item.rate) * item.rate
        curve = retime(item.node, item.in_frame, item.out_frame, media_frames)
        source_rate = item.rate if curve is not None else self._in_rate(item, media, place)
        # In and out of a subclip count from where it begins in its medium.
        subclip = self.library.subclip_of(item.node)
        subclip_frames = number(subclip, "startoffset") if subclip is not None else None
        subclip_s = (subclip_frames or Fraction(0)) / source_rate
        in_s = item.in_frame / source_rate
        pieces = restricted(place.window, item.start_s, item.end_s)
        if curve is None:
            shift_s = in_s + subclip_s
            return tuple(shifted(piece, item.start_s, shift_s, Fraction(1)) for piece in pieces)
        in_seconds = [(when / item.rate, value / item.rate + subclip_s) for when, value in curve]
        played = (shifted(piece, item.start_s, in_s, Fraction(1)) for piece in pieces)
        return tuple(through(window, in_seconds) for window in played)

    def _in_rate(self, item: _Item, media: MediaFile | None, place: _Place) -> Fraction:
        """The rate that `in` and `out` count in.

        It is the clip's own by the book, and Premiere writes the file's at times. Its tick count
        tells, or else which rate makes the source as long as the record.
        """
        rates = [item.rate, place.rate]
        if media is not None and media.rate is not None:
            rates.insert(1, media.rate)
        if len(set(rates)) == 1:
            return item.rate
        ticks = number(item.node, "pproTicksIn")
        if ticks is not None and item.in_frame:
            in_s = ticks / TICKS_HZ
            fits = (r for r in rates if abs(item.in_frame - in_s * r) <= 1)
        else:
            length_s = item.end_s - item.start_s
            source = item.out_frame - item.in_frame
            fits = (r for r in rates if abs(source - length_s * r) <= 2)
        return next(fits, item.rate)

    def _emit(self, item: _Item, media: MediaFile | None, window: Window, place: _Place) -> None:
        base_s = media.start_s if media is not None else Fraction(0)
        start_s, end_s = window[0][0], window[-1][0]
        points = straightened(
            tuple((record - start_s, base_s + source) for record, source in window)
        )
        still = is_true(item.node.child_text("stillframe"))
        if still or (media is not None and media.is_still):
            frame = number(item.node, "stillframeoffset") or Fraction(0)
            shown_s = base_s + (frame / item.rate if still else 0)
            points = ((Fraction(0), shown_s), (end_s - start_s, shown_s))
        name = item.node.child_text("name")
        self.clips.append(
            Clip(
                clip_id="",
                name=name or (media.name if media is not None else None) or "",
                reel=media.reel if media is not None else None,
                media_path=media.path if media is not None else None,
                media_start_s=base_s,
                source_rate=(media.rate if media is not None else None) or item.rate,
                record=Span(start_s=start_s, duration_s=end_s - start_s),
                time_map=TimeMap(points=points),
                layer=place.layer,
                enabled=place.enabled,
            )
        )


def _skipped(item: Node, reason: str) -> Skipped:
    return Skipped(clip_id="", name=item.child_text("name") or f"<{item.tag}>", reason=reason)


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
