"""Walk an FCPXML sequence: which part of which medium is seen when.

Three clocks meet in every story element: `offset` counts in the parent's time, `start` names the
element's own time at that place, and `duration` is in the parent's time again. Contained items
are scheduled in the element's time and cut off at its ends; anchored ones (a lane other than 0)
are scheduled in it too, but run beside it in the parent's time and may reach beyond it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from otio_foley.errors import ParseError
from otio_foley.timelines.fcpxml.media import Asset, Resources, optional_seconds, reel_of
from otio_foley.timelines.fcpxml.story import (
    CONTAINERS,
    STORY,
    Host,
    Timing,
    active_pick,
    duration,
    is_ours,
    lane_of,
    local_start,
    may_hold_picture,
    timing_of,
    video_angle,
)
from otio_foley.timelines.nesting import Window, straightened, unlimited
from otio_foley.timelines.xml.tree import Node
from otio_foley.types import Clip, Marker, Skipped, Span, TimeMap

_MAX_NESTING = 60
_MAX_VISITS = 500_000
_ZERO = Fraction(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A picture clip and where its sound goes."""

    clip: Clip
    host: Host


class _Place(NamedTuple):
    """Where the walk stands. `host` is None directly on the main timeline.

    A named tuple, for several are made for each element of a cut, and `replace` is slow.
    """

    window: Window
    rate: Fraction
    layer: int
    enabled: bool
    host: Host | None
    clip_name: str | None
    inside: tuple[str, ...]
    depth: int


class TooMuchError(ParseError):
    """A file that unfolds into more than any cut holds."""


class SequenceReader:
    """Reads one sequence; the results are in its lists when `read` returns."""

    def __init__(self, resources: Resources, rate: Fraction) -> None:
        self.resources = resources
        self.rate = rate
        self.start_s = Fraction(0)
        self.placed: list[Placed] = []
        self.markers: list[Marker] = []
        self.skipped: list[Skipped] = []
        self.failures = 0
        self.visits = 0

    def read(self, sequence: Node) -> None:
        """Raises TooMuchError; whatever else is wrong with an element puts it on `skipped`."""
        start_s = self.start_s = optional_seconds(sequence, "tcStart") or Fraction(0)
        place = _Place(
            window=unlimited(start_s),
            rate=self.rate,
            layer=1,
            enabled=True,
            host=None,
            clip_name=None,
            inside=(),
            depth=0,
        )
        spine = sequence.child("spine")
        if spine is not None:
            self._storyline(spine.children, Fraction(0), start_s, place)

    def _storyline(
        self, items: Sequence[Node], base_s: Fraction, first_s: Fraction, place: _Place
    ) -> None:
        """Elements in a row; one without an offset follows the one before it."""
        at_s, before, overlap_s = first_s, None, Fraction(0)
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
                at_s = base_s + self._lenient_seconds(item, "offset")
            else:
                at_s += (self._extent(before) if before is not None else 0) - overlap_s
            self._visit(item, at_s, place)
            before, overlap_s = item, Fraction(0)

    def _lenient_seconds(self, item: Node, name: str) -> Fraction:
        """For running positions: what is wrong here is reported where the item is visited."""
        try:
            return optional_seconds(item, name) or Fraction(0)
        except ParseError:
            return Fraction(0)

    def _extent(self, item: Node) -> Fraction:
        if item.tag == "audition":
            return self._extent(pick) if (pick := active_pick(item)) is not None else Fraction(0)
        try:
            return duration(item, local_start(item, self.resources), self.resources)
        except ParseError:
            return Fraction(0)

    def _visit(self, item: Node, at_s: Fraction, place: _Place) -> None:
        self.visits += 1
        if self.visits > _MAX_VISITS:
            raise TooMuchError(
                "the nested clips of this file unfold into more than half a million",
                hint="break compound clips apart in the editing system and export again",
            )
        try:
            if place.depth > _MAX_NESTING:
                raise ParseError(f"nested more than {_MAX_NESTING} deep")
            optional_seconds(item, "offset")
            self._element(item, at_s, place._replace(depth=place.depth + 1))
        except TooMuchError:
            raise
        except ParseError as error:
            self._skip(item, str(error), failed=may_hold_picture(item))
            for child in item.children:
                if may_hold_picture(child):
                    self._skip(child, "what holds it cannot be read", failed=True)

    def _element(self, item: Node, at_s: Fraction, place: _Place) -> None:
        if item.tag == "audition":
            pick = active_pick(item)
            if pick is not None:
                self._visit(pick, at_s, place)
            return
        if item.tag in ("audio", "caption"):
            return
        timing = timing_of(item, at_s, place.rate, self.resources)
        host = place.host
        if host is None:
            record_s = at_s - self.start_s
            host = Host(node=item, record_s=record_s, local_s=timing.start_s, speed=timing.speed)
            self._read_markers(item, timing, record_s)
        try:
            self._content(item, timing, place._replace(host=host))
        except TooMuchError:
            raise
        except ParseError as error:  # what is anchored to it can be read all the same
            self._skip(item, str(error), failed=may_hold_picture(item))
        if item.tag != "sync-clip":
            self._anchored(item, timing, place, host)

    # ---- what an element shows

    def _content(self, item: Node, timing: Timing, place: _Place) -> None:
        seen = place._replace(enabled=place.enabled and item.get("enabled") != "0")
        if item.tag == "gap" or item.get("srcEnable") == "audio":
            return
        if item.tag in CONTAINERS:
            self._contained(item, timing, seen)
        elif item.tag == "ref-clip":
            self._compound(item, timing, seen)
        elif item.tag == "mc-clip":
            self._multicam(item, timing, seen)
        elif item.tag in ("asset-clip", "video"):
            self._leaf(item, timing, seen)
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
        if timing.duration_s <= 0:
            raise ParseError("it has no duration", line=item.line, column=item.column)
        for window in timing.windows(place.window):
            self._emit(item, asset, window, place)

    def _emit(self, item: Node, asset: Asset, window: Window, place: _Place) -> None:
        start_s = window[0][0]
        duration_s = window[-1][0] - start_s
        if asset.is_still:
            points: Window = ((_ZERO, asset.start_s), (duration_s, asset.start_s))
        elif len(window) == 2:
            points = ((_ZERO, window[0][1]), (duration_s, window[1][1]))
        else:
            points = straightened(tuple((record - start_s, source) for record, source in window))
        rate = self.resources.rate(item.get("format")) or asset.rate or place.rate
        assert place.host is not None
        clip = Clip(
            clip_id="",
            name=place.clip_name or item.get("name") or asset.name or "",
            reel=reel_of(item) or asset.reel,
            media_path=asset.path,
            media_start_s=asset.start_s,
            source_rate=asset.rate or rate,
            record=Span(start_s=start_s, duration_s=duration_s),
            time_map=TimeMap(points=points),
            layer=place.layer,
            enabled=place.enabled,
        )
        self.placed.append(Placed(clip=clip, host=place.host))

    def _contained(self, item: Node, timing: Timing, place: _Place) -> None:
        """`clip` and `sync-clip`: what they hold in lane 0; a sync clip also what it connects."""
        rate = self.resources.rate(item.get("format")) or place.rate
        name = item.get("name") if item.tag == "clip" else None
        for window in timing.windows(place.window):
            inner = place._replace(window=window, rate=rate, clip_name=name)
            for child in item.children:
                lane = lane_of(child)
                if child.tag not in STORY or (lane and item.tag == "clip"):
                    continue
                at_s = self._contained_offset(child, item, timing)
                layered = inner._replace(layer=inner.layer + lane)
                if child.tag == "spine":
                    self._storyline(child.children, at_s, at_s, layered)
                else:
                    self._visit(child, at_s, layered)

    def _contained_offset(self, child: Node, item: Node, timing: Timing) -> Fraction:
        """A contained item's place; without an offset zero, or the start if zero is not seen."""
        offset_s = optional_seconds(child, "offset")
        if offset_s is not None:
            return offset_s
        extent_s = self._extent(child)
        seen = child.tag == "spine" or extent_s > timing.start_s
        return Fraction(0) if seen else timing.start_s

    def _compound(self, item: Node, timing: Timing, place: _Place) -> None:
        media_id = item.get("ref") or ""
        media = self.resources.nodes.get(media_id)
        sequence = media.child("sequence") if media is not None else None
        if sequence is None:
            raise ParseError(f"the contents of compound clip {media_id!r} are not in the file")
        if media_id in place.inside:
            raise ParseError(f"compound clip {media_id!r} contains itself")
        spine = sequence.child("spine")
        first_s = optional_seconds(sequence, "tcStart") or Fraction(0)
        rate = self.resources.rate(sequence.get("format")) or place.rate
        for window in timing.windows(place.window):
            inner = place._replace(
                window=window, rate=rate, clip_name=None, inside=(*place.inside, media_id)
            )
            if spine is not None:
                self._storyline(spine.children, Fraction(0), first_s, inner)

    def _multicam(self, item: Node, timing: Timing, place: _Place) -> None:
        media_id = item.get("ref") or ""
        media = self.resources.nodes.get(media_id)
        multicam = media.child("multicam") if media is not None else None
        if multicam is None or media_id in place.inside:
            raise ParseError(f"the angles of multicam clip {media_id!r} are not in the file")
        angle = video_angle(item, multicam)
        if angle is None:
            raise ParseError(f"multicam clip {media_id!r} has no active video angle in the file")
        first_s = optional_seconds(multicam, "tcStart") or Fraction(0)
        rate = self.resources.rate(multicam.get("format")) or place.rate
        for window in timing.windows(place.window):
            inner = place._replace(
                window=window, rate=rate, clip_name=None, inside=(*place.inside, media_id)
            )
            self._storyline(angle.children, Fraction(0), first_s, inner)

    # ---- what is anchored to it

    def _anchored(self, item: Node, timing: Timing, place: _Place, host: Host) -> None:
        for child in item.children:
            lane = lane_of(child)
            if child.tag not in STORY or (item.tag in CONTAINERS and not lane):
                continue
            beside = place._replace(layer=place.layer + lane, clip_name=None)
            offset_s = optional_seconds(child, "offset")
            at_s = timing.at_s if offset_s is None else timing.parent_time(offset_s)
            if child.tag == "spine":
                self._storyline(child.children, at_s, at_s, beside._replace(host=host))
            else:
                self._visit(child, at_s, beside)

    # ---- notes

    def _read_markers(self, item: Node, timing: Timing, record_s: Fraction) -> None:
        if is_ours(item):
            return
        for node in item.children:
            if node.tag not in ("marker", "chapter-marker"):
                continue
            ahead_s = timing.ahead_of_start(self._lenient_seconds(node, "start"))
            if 0 <= ahead_s < timing.duration_s:
                self.markers.append(
                    Marker(
                        record_s=record_s + ahead_s,
                        name=node.get("value") or "",
                        note=node.get("note") or "",
                    )
                )

    def _skip(self, item: Node, reason: str, *, failed: bool = False) -> None:
        self.failures += failed
        name = item.get("name") or f"<{item.tag}>"
        self.skipped.append(Skipped(clip_id="", name=name, reason=reason))
