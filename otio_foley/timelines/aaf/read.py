"""Walk a composition: which part of which medium is seen when.

Positions in a segment are edit units of its slot from the segment's first; a window maps record
seconds to local ones of the sequence that the walk stands in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from aaf2 import components, mobs
from aaf2.mobslots import TimelineMobSlot

from otio_foley.errors import ParseError
from otio_foley.timelines.aaf.media import (
    Medium,
    input_rate,
    length_of,
    medium_of,
    name_of,
    origin_s,
    rate_of,
    slot_of,
)
from otio_foley.timelines.aaf.speed import UnknownSpeed, is_speed, speed_curve
from otio_foley.timelines.nesting import Window, restricted, shifted, through, unlimited
from otio_foley.types import Clip, Skipped, Span, TimeMap

_MAX_NESTING = 60
_MAX_VISITS = 500_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where the walk stands. `is_endless`: the segment goes on before its first picture and behind
    its last, for a speed effect around it may reach there."""

    window: Window
    rate: Fraction
    layer: int
    enabled: bool = True
    is_endless: bool = False
    depth: int = 0
    inside: tuple[Any, ...] = ()


@dataclass(slots=True)
class CompositionReader:
    """Reads one composition; the results are in its lists when `read` returns."""

    clips: list[Clip] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    failures: int = 0
    _visits: int = 0
    _media: dict[tuple[Any, int], Medium] = field(default_factory=dict)

    def read(self, composition: Any) -> None:
        layer = 1
        for slot in picture_slots(composition):
            rate = rate_of(slot)
            if rate <= 0:
                raise ParseError(f"slot {slot.slot_id} has the edit rate {rate}")
            place = _Place(window=unlimited(origin_s(slot)), rate=rate, layer=layer)
            layer = self._visit(slot.segment, 0, place) + 1

    def _visit(self, segment: Any, start: int, place: _Place) -> int:
        """Read a segment that begins at `start`; returns the highest layer used."""
        self._visits += 1
        if self._visits > _MAX_VISITS or place.depth > _MAX_NESTING:
            raise ParseError("this AAF unfolds into more than any cut holds")
        deeper = replace(place, depth=place.depth + 1)
        if isinstance(segment, components.Sequence):
            return self._sequence(segment, start, deeper)
        if isinstance(segment, components.NestedScope):
            return self._stack(list(segment.slots), start, deeper)
        if isinstance(segment, components.OperationGroup):
            return self._effect(segment, start, deeper)
        if isinstance(segment, components.Selector):
            return self._selector(segment, start, deeper)
        if isinstance(segment, components.Pulldown):
            return self._pulldown(segment, start, deeper)
        if isinstance(segment, components.EssenceGroup):
            return self._visit(next(iter(segment["Choices"]), None), start, deeper)
        if isinstance(segment, components.SourceClip):
            return self._source(segment, start, deeper)
        if segment is not None and not isinstance(segment, _SHOWS_NOTHING):
            self._skip(type(segment).__name__, "not understood", failed=True)
        return place.layer

    def _sequence(self, sequence: Any, start: int, place: _Place) -> int:
        highest = place.layer
        at = start
        parts = list(sequence.components)
        inner = replace(place, is_endless=place.is_endless and len(parts) == 1)
        for part in parts:
            if isinstance(part, components.Transition):
                at -= length_of(part)  # what follows begins where the transition does
                continue
            highest = max(highest, self._visit(part, at, inner))
            at += length_of(part)
        return highest

    def _stack(self, tracks: list[Any], start: int, place: _Place) -> int:
        """Tracks over one another, the lowest first."""
        layer = place.layer - 1
        for track in tracks:
            layer = self._visit(track, start, replace(place, layer=layer + 1))
        return max(layer, place.layer)

    def _selector(self, selector: Any, start: int, place: _Place) -> int:
        """What is selected; where that shows nothing of its own (Avid mutes clips so), what could
        have been is disabled."""
        selected = selector["Selected"].value
        if selected is not None and not isinstance(selected, _SHOWS_NOTHING):
            return self._visit(selected, start, place)
        muted = replace(place, enabled=False)
        others = list(selector["Alternates"]) if "Alternates" in selector else []
        return max([self._visit(one, start, muted) for one in others], default=place.layer)

    def _effect(self, effect: Any, start: int, place: _Place) -> int:
        inputs = list(effect.segments) if "InputSegments" in effect else []
        name = effect.operation.name or "effect"
        if name.startswith("Title"):
            self._skip(name, "a title holds no movie")
            return place.layer
        if not inputs:
            self._skip(name, "a generator holds no movie")
            return place.layer
        try:
            curve = speed_curve(effect) if is_speed(effect.operation) else None
        except UnknownSpeed as error:
            self._skip(name_of(effect) or name, str(error), failed=True)
            return place.layer
        highest = place.layer
        for window in _windows(effect, start, place):
            inner = replace(place, window=window)
            if curve is not None:
                seconds = [(time / place.rate, unit / place.rate) for time, unit in curve]
                inner = replace(inner, window=through(window, seconds), is_endless=True)
            highest = max(highest, self._stack(inputs, 0, inner))
        return highest

    def _pulldown(self, pulldown: Any, start: int, place: _Place) -> int:
        """The same seconds, counted at another rate."""
        rate = input_rate(pulldown)
        segment = pulldown["InputSegment"].value
        if rate is None:
            self._skip(name_of(segment) or "pulldown", "what it plays at is not known", failed=True)
            return place.layer
        inner = [replace(place, window=one, rate=rate) for one in _windows(pulldown, start, place)]
        return max([self._visit(segment, 0, one) for one in inner], default=place.layer)

    def _source(self, clip: Any, start: int, place: _Place) -> int:
        mob = clip.mob
        if mob is None:
            if clip.mob_id is not None and clip.mob_id.int:
                self._skip(str(clip.mob_id), "its media are not described in the file", failed=True)
            return place.layer
        highest = place.layer
        for window in _windows(clip, start, place, first_s=Fraction(clip.start) / place.rate):
            if isinstance(mob, mobs.CompositionMob):
                highest = max(highest, self._nested(mob, clip.slot_id, window, place))
            else:
                self._place_clip(mob, clip.slot_id, window, place)
        return highest

    def _nested(self, mob: Any, slot_id: int, window: Window, place: _Place) -> int:
        if mob.mob_id in place.inside:
            raise ParseError(f"composition {mob.name!r} contains itself")
        slot = slot_of(mob, slot_id)
        if slot is None:
            self._skip(mob.name or "", "its picture is not in the file", failed=True)
            return place.layer
        inner = replace(
            place,
            window=shifted(window, Fraction(0), origin_s(slot), Fraction(1)),
            rate=rate_of(slot),
            is_endless=False,
            inside=(*place.inside, mob.mob_id),
        )
        return self._visit(slot.segment, 0, inner)

    def _place_clip(self, mob: Any, slot_id: int, window: Window, place: _Place) -> None:
        key = (mob.mob_id, slot_id)
        if key not in self._media:
            self._media[key] = medium_of(mob, slot_id)
        medium = self._media[key]
        first_s, length_s = window[0][0], window[-1][0] - window[0][0]
        if length_s <= 0:
            return
        clock_s = medium.start_s or Fraction(0)
        self.clips.append(
            Clip(
                clip_id="",
                name=medium.name,
                reel=medium.reel,
                media_path=medium.path,
                media_start_s=medium.start_s,
                source_rate=medium.rate or None,
                record=Span(start_s=first_s, duration_s=length_s),
                time_map=TimeMap(
                    points=tuple((record - first_s, clock_s + local) for record, local in window)
                ),
                layer=place.layer,
                enabled=place.enabled,
            )
        )

    def _skip(self, name: str, reason: str, *, failed: bool = False) -> None:
        self.failures += failed
        self.skipped.append(Skipped(clip_id="", name=name, reason=reason))


def _windows(
    segment: Any, start: int, place: _Place, *, first_s: Fraction = Fraction(0)
) -> tuple[Window, ...]:
    """Where a segment that begins at `start` is seen, in its own time: `first_s` at its first."""
    start_s, length_s = start / place.rate, length_of(segment) / place.rate
    windows: tuple[Window, ...] = (place.window,)
    if not place.is_endless:
        windows = restricted(place.window, start_s, start_s + length_s)
    return tuple(shifted(window, start_s, first_s, Fraction(1)) for window in windows)


#: What lies on lower tracks is seen through these; they are read there.
_SHOWS_NOTHING = (components.Filler, components.ScopeReference)


def picture_slots(composition: Any) -> Iterator[Any]:
    """Slots with picture, the lowest track first."""
    slots = [slot for slot in composition.slots if isinstance(slot, TimelineMobSlot)]
    pictures = [slot for slot in slots if "Picture" in str(slot.media_kind or "")]
    yield from sorted(pictures, key=lambda slot: slot.getvalue("PhysicalTrackNumber", 0) or 0)
