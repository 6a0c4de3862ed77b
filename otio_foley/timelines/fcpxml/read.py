"""Walk an FCPXML sequence: which part of which medium is seen when.

Three clocks meet in every story element, of which `Timing` tells. Contained items are scheduled
in its content time and cut off at its ends; anchored ones are scheduled in its clip time, but run
beside it in the parent's time and may reach beyond it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple, TypeAlias

from otio_foley.errors import ParseError
from otio_foley.timelines.fcpxml.media import Asset, Resources, optional_seconds, reel_of
from otio_foley.timelines.fcpxml.story import (
    CONTAINERS,
    STORY,
    Anchor,
    Timing,
    active_pick,
    is_contained,
    is_ours,
    lane_of,
    may_hold_picture,
    timing_of,
    video_angle,
)
from otio_foley.timelines.nesting import Window, straight_shift, straightened, unlimited
from otio_foley.timelines.xml.tree import Node
from otio_foley.types import Clip, Marker, Skipped, Span, TimeMap

_MAX_NESTING = 60
_MAX_VISITS = 500_000
_ZERO = Fraction(0)
_MARKERS = ("marker", "chapter-marker")

#: The lanes on the way from the main storyline to an element, 0 for each that it lies inside of:
#: what lies in a compound clip in lane 5 stays below what is connected to that clip in lane 1.
Lanes: TypeAlias = tuple[int, ...]


class Placed(NamedTuple):
    """A picture clip before all are known, which its id and layer take; its lanes, and what its
    sound is connected to."""

    name: str
    reel: str | None
    asset: Asset
    rate: Fraction
    record: Span
    time_map: TimeMap
    enabled: bool
    lanes: Lanes
    anchor: Anchor

    @property
    def medium(self) -> str:
        """What names the medium: its path, else its reel, else the clip's own name."""
        return self.asset.path or self.reel or self.name

    def clip(self, clip_id: str, layer: int) -> Clip:
        return Clip(
            clip_id=clip_id,
            name=self.name,
            reel=self.reel,
            media_path=self.asset.path,
            media_start_s=self.asset.start_s,
            source_rate=self.rate,
            record=self.record,
            time_map=self.time_map,
            layer=layer,
            enabled=self.enabled,
        )


class _Place(NamedTuple):
    """Where the walk stands. `anchor` is None for what lies directly in the project: in its main
    storyline, or connected on its own to something that does. `shift_s` is the `straight_shift` of
    the window.

    A named tuple, for one is made for each element of a cut, and frozen classes are slow.
    """

    window: Window
    shift_s: Fraction | None
    rate: Fraction
    lanes: Lanes
    enabled: bool
    anchor: Anchor | None
    clip_name: str | None
    inside: tuple[str, ...]

    def through(self, window: Window) -> _Place:
        return self._replace(window=window, shift_s=straight_shift(window))

    def of(self, anchor: Anchor, enabled: bool) -> _Place:
        window, shift_s, rate, lanes, _, _, clip_name, inside = self
        return _Place(window, shift_s, rate, lanes, enabled, anchor, clip_name, inside)


class TooMuchError(ParseError):
    """A file that unfolds into more than any cut holds."""


class SequenceReader:
    """Reads one sequence; the results are in its lists when `read` returns.

    `failures` counts what may have been picture and could not be read.
    """

    def __init__(self, resources: Resources, rate: Fraction) -> None:
        self.resources = resources
        self.rate = rate
        self.start_s = Fraction(0)
        self.placed: list[Placed] = []
        self.main_storyline: list[Anchor] = []
        self.markers: list[Marker] = []
        self.skipped: list[Skipped] = []
        self.failures = 0
        self.visits = 0
        self.depth = 0
        # Where in `placed` those stand that are part of something else that sound is connected to.
        self.held: list[int] = []

    def read(self, sequence: Node) -> None:
        """Raises TooMuchError; whatever else is wrong with an element puts it on `skipped`."""
        start_s = self.start_s = optional_seconds(sequence, "tcStart") or Fraction(0)
        place = _Place(
            window=unlimited(start_s),
            shift_s=-start_s,
            rate=self.rate,
            lanes=(),
            enabled=True,
            anchor=None,
            clip_name=None,
            inside=(),
        )
        spine = sequence.child("spine")
        if spine is not None:
            self._storyline(spine.children, _ZERO, start_s, place)
        self._anchor_what_outlasts()

    def _anchor_what_outlasts(self) -> None:
        """A clip that begins where what holds its storyline is not seen any more goes to what the
        main storyline shows there, if anything."""
        if self.held:
            self.main_storyline.sort(key=lambda anchor: anchor.record_s)
        for number in self.held:
            placed = self.placed[number]
            at_s = placed.record.start_s
            if not placed.anchor.covers(at_s):
                below = bisect_right(self.main_storyline, at_s, key=lambda anchor: anchor.record_s)
                if below and self.main_storyline[below - 1].covers(at_s):
                    anchor = self.main_storyline[below - 1]
                    self.placed[number] = placed._replace(anchor=anchor)

    def _storyline(
        self, items: Sequence[Node], base_s: Fraction, first_s: Fraction, place: _Place
    ) -> None:
        """Elements in a row; one without an offset follows the one before it."""
        at_s, before, overlap_s = first_s, None, _ZERO
        alone = not any(item.tag in STORY for item in items)
        for item in items:
            if item.tag == "transition":
                if alone:
                    self._skip(item, "a transition without clips")
                if item.get("offset") is None:
                    overlap_s += self._lenient_seconds(item, "duration")
                continue
            if item.tag not in STORY:
                continue
            if item.get("offset") is not None:
                offset_s = self._lenient_seconds(item, "offset")
                at_s = base_s + offset_s if base_s else offset_s
            else:
                at_s += self._extent(before, place.rate) - overlap_s if before is not None else 0
            self._visit(item, at_s, place)
            before, overlap_s = item, _ZERO

    def _lenient_seconds(self, item: Node, name: str) -> Fraction:
        """For running positions: what is wrong here is reported where the item is visited."""
        try:
            return optional_seconds(item, name) or _ZERO
        except ParseError:
            return _ZERO

    def _extent(self, item: Node, rate: Fraction) -> Fraction:
        shown = active_pick(item) if item.tag == "audition" else item
        try:
            return timing_of(shown, _ZERO, rate, self.resources).duration_s if shown else _ZERO
        except ParseError:
            return _ZERO

    def _count(self) -> None:
        self.visits += 1
        if self.visits > _MAX_VISITS:
            raise TooMuchError(
                "the nested clips of this file unfold into more than half a million",
                hint="break compound clips apart in the editing system and export again",
            )

    def _visit(self, item: Node, at_s: Fraction, place: _Place) -> None:
        self._count()
        self.depth += 1
        try:
            if self.depth > _MAX_NESTING + 1:
                raise ParseError(f"nested more than {_MAX_NESTING} deep")
            optional_seconds(item, "offset")
            self._element(item, at_s, place)
        except TooMuchError:
            raise
        except ParseError as error:
            self._skip(item, str(error), failed=may_hold_picture(item))
            self._skip_held_by(item)
        finally:
            self.depth -= 1

    def _skip_held_by(self, item: Node) -> None:
        """Name the picture that is lost with an element; what it itself shows goes by its name."""
        lost = [item]
        while lost:
            parent = lost.pop()
            if parent.tag == "audition":
                children = [pick for pick in (active_pick(parent),) if pick is not None]
            else:
                children = [
                    child
                    for child in parent.children
                    if child.tag in STORY and not is_contained(child, parent)
                ]
            for child in children:
                self._count()
                if may_hold_picture(child):
                    self._skip(child, "what holds it cannot be read", failed=True)
            lost += children

    def _element(self, item: Node, at_s: Fraction, place: _Place) -> None:
        if item.tag == "audition":
            pick = active_pick(item)
            if pick is not None:
                self._visit(pick, at_s, place)
            return
        if item.tag == "spine":
            self._storyline(item.children, at_s, at_s, place)
            return
        if item.tag == "caption" or (item.tag == "audio" and not item.children):
            return
        timing = timing_of(item, at_s, place.rate, self.resources)
        anchor = place.anchor
        if anchor is None:
            record_s = at_s - self.start_s
            anchor = Anchor(item, record_s, timing.duration_s, timing.start_s, timing.speed)
            if not place.lanes:
                self.main_storyline.append(anchor)
            self._read_markers(item, timing, record_s)
        try:
            enabled = place.enabled and item.get("enabled") != "0"
            self._content(item, timing, place.of(anchor, enabled))
        except TooMuchError:
            raise
        except ParseError as error:  # what is anchored to it can be read all the same
            self._skip(item, str(error), failed=may_hold_picture(item))
        self._anchored(item, timing, place, anchor)

    # ---- what an element shows

    def _content(self, item: Node, timing: Timing, place: _Place) -> None:
        if item.tag in ("gap", "audio") or item.get("srcEnable") == "audio":
            return
        if item.tag in CONTAINERS:
            self._contained(item, timing, place)
        elif item.tag == "ref-clip":
            self._compound(item, timing, place)
        elif item.tag == "mc-clip":
            self._multicam(item, timing, place)
        elif item.tag in ("asset-clip", "video"):
            self._leaf(item, timing, place)
        else:
            kind = "a title" if item.tag == "title" else "a drawing"
            self._skip(item, f"{kind}: it holds no movie")

    def _leaf(self, item: Node, timing: Timing, place: _Place) -> None:
        ref = item.get("ref")
        kind = self.resources.tag(ref)
        if kind == "effect":
            self._skip(item, "a generator: it holds no movie")
            return
        if ref is None or kind != "asset":
            raise ParseError(
                f"its asset {ref!r} is not in the file", line=item.line, column=item.column
            )
        asset = self.resources.asset(ref)
        if not asset.has_picture:
            return
        duration_s = timing.duration_s
        if duration_s.numerator <= 0:
            raise ParseError("it has no duration", line=item.line, column=item.column)
        if place.shift_s is not None and timing.plays_whole(place.window):
            start_s = timing.at_s + place.shift_s
            points: Window = ((_ZERO, timing.start_s), (duration_s, timing.start_s + duration_s))
            self._emit(item, asset, Span(start_s=start_s, duration_s=duration_s), points, place)
            return
        for window in timing.windows(place.window):
            start_s = window[0][0]
            record = Span(start_s=start_s, duration_s=window[-1][0] - start_s)
            points = straightened(tuple((at_s - start_s, source_s) for at_s, source_s in window))
            self._emit(item, asset, record, points, place)

    def _emit(self, item: Node, asset: Asset, record: Span, points: Window, place: _Place) -> None:
        assert place.anchor is not None
        if asset.is_still:
            points = ((_ZERO, asset.start_s), (record.duration_s, asset.start_s))
        if place.anchor.node is not item:
            self.held.append(len(self.placed))
        self.placed.append(
            Placed(
                place.clip_name or item.get("name") or asset.name or "",
                reel_of(item) or asset.reel,
                asset,
                asset.rate or self.resources.rate(item.get("format")) or place.rate,
                record,
                TimeMap(points=points),
                place.enabled,
                place.lanes,
                place.anchor,
            )
        )

    def _contained(self, item: Node, timing: Timing, place: _Place) -> None:
        """`clip` and `sync-clip`: what they hold inside."""
        rate = self.resources.rate(item.get("format")) or place.rate
        name = item.get("name") if item.tag == "clip" else None
        for window in timing.windows(place.window):
            lanes = (*place.lanes, 0)
            inner = place.through(window)._replace(rate=rate, lanes=lanes, clip_name=name)
            for child in item.children:
                if child.tag in STORY and is_contained(child, item):
                    self._visit(child, self._contained_offset(child, timing, rate), inner)

    def _contained_offset(self, child: Node, timing: Timing, rate: Fraction) -> Fraction:
        """A contained item's place; without an offset zero, or the start if zero is not seen."""
        if child.get("offset") is not None:
            return self._lenient_seconds(child, "offset")
        seen = child.tag == "spine" or self._extent(child, rate) > timing.start_s
        return _ZERO if seen else timing.start_s

    def _compound(self, item: Node, timing: Timing, place: _Place) -> None:
        sequence = self._opened(item, "sequence", "compound", place)
        self._unfold(item, sequence, sequence.child("spine"), timing, place)

    def _multicam(self, item: Node, timing: Timing, place: _Place) -> None:
        multicam = self._opened(item, "multicam", "multicam", place)
        self._unfold(item, multicam, video_angle(item, multicam), timing, place)

    def _opened(self, item: Node, tag: str, kind: str, place: _Place) -> Node:
        """What a clip of clips refers to."""
        media = self.resources.of(item)
        content = media.child(tag) if media is not None else None
        if content is None:
            raise ParseError(f"the contents of {kind} clip {item.get('ref')!r} are not in the file")
        if item.get("ref") in place.inside:
            raise ParseError(f"{kind} clip {item.get('ref')!r} contains itself")
        return content

    def _unfold(
        self, item: Node, content: Node, storyline: Node | None, timing: Timing, place: _Place
    ) -> None:
        if storyline is None:
            return
        first_s = optional_seconds(content, "tcStart") or _ZERO
        inner = place._replace(
            rate=self.resources.rate(content.get("format")) or place.rate,
            lanes=(*place.lanes, 0),
            clip_name=None,
            inside=(*place.inside, item.get("ref") or ""),
        )
        for window in timing.windows(place.window):
            self._storyline(storyline.children, _ZERO, first_s, inner.through(window))

    # ---- what is anchored to it

    def _anchored(self, item: Node, timing: Timing, place: _Place, anchor: Anchor) -> None:
        for child in item.children:
            if child.tag not in STORY or is_contained(child, item):
                continue
            beside = place._replace(lanes=(*place.lanes, lane_of(child)), clip_name=None)
            if child.tag == "spine":  # sound is connected to what holds it, not to parts of it
                beside = beside._replace(anchor=anchor)
            stated = child.get("offset") is not None
            offset_s = self._lenient_seconds(child, "offset") if stated else timing.start_s
            self._visit(child, timing.parent_time(offset_s), beside)

    # ---- notes

    def _read_markers(self, item: Node, timing: Timing, record_s: Fraction) -> None:
        """Markers and chapter markers, as far as they stand on a frame that is seen, of elements
        that sound could be connected to: not those within compounds and connected storylines, and
        none of ours. To-do markers are markers; keywords, ratings and analysis are not."""
        notes = [node for node in item.children if node.tag in _MARKERS]
        if not notes or is_ours(item):
            return
        for node in notes:
            try:
                start_s = optional_seconds(node, "start") or _ZERO
            except ParseError as error:
                self._skip(node, str(error))
                continue
            ahead_s = timing.ahead_of_start(start_s)
            if ahead_s.numerator >= 0 and ahead_s < timing.duration_s:
                self.markers.append(
                    Marker(
                        record_s=record_s + ahead_s,
                        name=node.get("value") or "",
                        note=node.get("note") or "",
                    )
                )

    def _skip(self, item: Node, reason: str, *, failed: bool = False) -> None:
        self.failures += failed
        name = item.get("name") or item.get("value") or f"<{item.tag}>"
        self.skipped.append(Skipped(clip_id="", name=name, reason=reason))
