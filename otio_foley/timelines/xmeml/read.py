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
_MAX_VISITS = 100_000


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
        self.visits = 0

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
        for number_, track in enumerate(picture_tracks(sequence)):
            on = place.enabled and is_enabled(track)
            inner = replace(place, layer=place.layer + number_, enabled=on)
            items = [
                node
                for node in track.children
                if node.tag in ("clipitem", "generatoritem", "transitionitem")
            ]
            for position, item in enumerate(items):
                if item.tag == "generatoritem":
                    self._skip(item, "a generator: it holds no movie")
                elif item.tag == "clipitem":
                    self._visit(items, position, inner)

    def _visit(self, items: list[Node], position: int, place: _Place) -> None:
        self.visits += 1
        if self.visits > _MAX_VISITS:
            raise TooMuchError(
                "the nested sequences of this file unfold into more than a hundred thousand clips",
                hint="replace nested sequences by their clips and export again",
            )
        node = items[position]
        try:
            self._clipitem(self._item(items, position, place), place)
        except TooMuchError:
            raise
        except ParseError as error:
            self._skip(node, str(error), failed=True)

    def _item(self, items: list[Node], position: int, place: _Place) -> _Item:
        node = items[position]
        rate = rate_of(node) or place.rate
        in_frame = max(Fraction(0), number(node, "in") or Fraction(0))
        out_frame = number(node, "out")
        if out_frame is not None and out_frame < 0:
            out_frame = None
        start = number(node, "start")
        end = number(node, "end")
        length = None
        if out_frame is not None and out_frame > in_frame:
            length = (out_frame - in_frame) / rate * place.rate
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
            out_frame = in_frame + (end - start) / place.rate * rate
        return _Item(
            node=node,
            start_s=start / place.rate,
            end_s=end / place.rate,
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
            self._skip(item.node, f"made by the editing system ({media.generator}): no movie")
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
        if not holds_picture(sequence):
            self._skip(item.node, "a nested sequence without picture")
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
            self._clipitem(inner, replace(place, window=window, rate=rate, inside=inside))

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
        found = []
        for piece in restricted(place.window, item.start_s, item.end_s):
            window = shifted(piece, item.start_s, item.in_frame / source_rate, Fraction(1))
            if curve is not None:
                in_seconds = [(when / item.rate, value / item.rate) for when, value in curve]
                window = through(window, in_seconds)
            found.append(shifted(window, Fraction(0), subclip_s, Fraction(1)))
        return tuple(found)

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
            fits = [r for r in rates if abs(item.in_frame / r - in_s) * r <= 1]
        else:
            length_s = item.end_s - item.start_s
            source = item.out_frame - item.in_frame
            fits = [r for r in rates if abs(source / r - length_s) * r <= 2]
        return fits[0] if fits else item.rate

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

    def _skip(self, item: Node, reason: str, *, failed: bool = False) -> None:
        self.failures += failed
        name = item.child_text("name") or f"<{item.tag}>"
        self.skipped.append(Skipped(clip_id="", name=name, reason=reason))


def holds_picture(sequence: Node) -> bool:
    """Whether there is anything on its video tracks, if only a title."""
    return any(
        item.tag in ("clipitem", "generatoritem")
        for track in picture_tracks(sequence)
        for item in track.children
    )


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
