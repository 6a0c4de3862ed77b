"""What an OTIO timeline shows: its tracks flattened to picture clips on one record clock.

Nested compositions are flattened with their trims and speeds. A transition moves nothing: its
neighbours are both shown while it lasts, so that they overlap.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from otio_foley.time import knows_drop_frame, linear_map
from otio_foley.timelines.identity import base_name, with_ids
from otio_foley.timelines.otio.jsonspans import Value
from otio_foley.timelines.otio.lengths import (
    Lengths,
    children,
    content_length,
    lengths_below,
    written_range,
)
from otio_foley.timelines.otio.values import (
    METADATA_KEY,
    Range,
    active_reference,
    media_path_of,
    name_of,
    range_of,
    rate_of,
    schema_of,
    stated,
    time_of,
)
from otio_foley.types import Clip, Marker, Skipped, Span, Timeline

_TRACKS = ("Track", "Sequence")
_COMPOSITIONS = (*_TRACKS, "Stack")
_GAPS = ("Gap", "Filler")
_MEDIA = ("ExternalReference", "ImageSequenceReference")
_TIME_WARPS = ("LinearTimeWarp", "FreezeFrame")
_MAX_NESTING = 60
_DEFAULT_RATE = Fraction(24)
#: Beyond any cut (31 years): where a view without an end ends.
_FAR_S = Fraction(10**9)
_LOST_PLACE = "stands behind something whose length cannot be read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A timeline in a file: its object, its top stack, and what else the file holds.

    A file may also hold nothing but a stack or a track, which then is both.
    """

    timeline: Value
    stack: Value | None
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    """The stretch [start_s, end_s) that is seen of a clock, and where in the record it is seen.

    `record_s` is the record time of `start_s`; `speed` is seconds of that clock for one of the
    record.
    """

    start_s: Fraction
    end_s: Fraction
    record_s: Fraction
    speed: Fraction
    enabled: bool

    @property
    def is_empty(self) -> bool:
        return self.end_s <= self.start_s

    def record_at(self, time_s: Fraction) -> Fraction:
        return self.record_s + (time_s - self.start_s) / self.speed


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where an item stands in its parent, and what transitions show of it before and after."""

    at_s: Fraction = Fraction(0)
    earlier_s: Fraction = Fraction(0)
    later_s: Fraction = Fraction(0)


@dataclass(slots=True, kw_only=True)
class _Picture:
    """What the walk through the tracks gathers, and what it looks up on its way."""

    lengths: Lengths
    start_s: Fraction
    clips: list[Clip] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    markers: list[Marker] = field(default_factory=list)
    rates: Counter[Fraction] = field(default_factory=Counter)
    damaged: Value | None = None

    def skip(self, value: Value, reason: str) -> None:
        name = name_of(value) or schema_of(value) or "without a name"
        self.skipped.append(Skipped(clip_id="", name=name, reason=reason))


def find_timeline(root: Value) -> Found:
    """The first timeline of a file with picture, else the first; further ones are named as
    skipped. Raises ParseError."""
    if schema_of(root) in _COMPOSITIONS:
        return Found(timeline=root, stack=root, skipped=())
    timelines = list(_timelines(root))
    if not timelines:
        kind = schema_of(root)
        raise root.error(
            f"no timeline in this file, only a {kind}" if kind else "this JSON is no OTIO file",
            hint="export the timeline itself, not a clip or a bin",
        )
    chosen = next((each for each in timelines if _holds_picture(each)), timelines[0])
    others = tuple(
        Skipped(clip_id="", name=name_of(other), reason="a further timeline of the same file")
        for other in timelines
        if other is not chosen
    )
    stack = chosen.get("tracks")
    if stack is None or stack.is_null:
        return Found(timeline=chosen, stack=None, skipped=others)
    if stack.kind != "object" or schema_of(stack) not in _COMPOSITIONS:
        raise stack.error("the timeline's tracks are no stack", hint="export the cut again")
    return Found(timeline=chosen, stack=stack, skipped=others)


def _timelines(root: Value) -> Iterator[Value]:
    waiting = [root]
    while waiting:
        value = waiting.pop()
        schema = schema_of(value)
        if schema == "Timeline":
            yield value
        elif schema in ("SerializableCollection", "SerializeableCollection"):
            waiting.extend(reversed(children(value)))


def _holds_picture(timeline: Value) -> bool:
    stack = timeline.get("tracks")
    waiting = [stack] if stack is not None else []
    while waiting:
        item = waiting.pop()
        schema = schema_of(item)
        if schema == "Clip":
            return True
        if schema not in _TRACKS or _track_kind(item).casefold() == "video":
            waiting += children(item)
    return False


def _track_kind(track: Value) -> str:
    kind = track.get("kind")
    return (kind.text() if kind is not None else None) or "Video"


def read_timeline(found: Found, given_rate: Fraction | None) -> Timeline:
    """The cut of a found timeline. `given_rate` counts only where the file has no rate.

    Raises ParseError if clips are there and none of them can be read.
    """
    picture = _picture_of(found)
    if found.stack is not None:
        everything = _View(
            start_s=Fraction(0),
            end_s=_FAR_S,
            record_s=Fraction(0),
            speed=Fraction(1),
            enabled=True,
        )
        _walk_item(found.stack, _Place(), everything, 1, 0, picture)
    if picture.damaged is not None and not picture.clips:
        raise picture.damaged.error(
            "no picture clip of this timeline can be read", hint="export the cut again"
        )
    start = time_of(found.timeline.get("global_start_time"))
    rate = _plausible(start[1]) if start is not None else None
    if rate is None and picture.rates:
        rate = max(picture.rates, key=lambda each: (picture.rates[each], each))
    frame_rate = rate or given_rate or _DEFAULT_RATE
    return Timeline(
        name=name_of(found.timeline),
        frame_rate=frame_rate,
        drop_frame=knows_drop_frame(frame_rate) and _states_drop_frame(found.timeline),
        start_s=picture.start_s,
        clips=with_ids(picture.clips),
        markers=tuple(sorted(picture.markers, key=lambda marker: marker.record_s)),
        skipped=found.skipped + tuple(picture.skipped),
        frame_rate_assumed=rate is None and given_rate is None,
    )


def _picture_of(found: Found) -> _Picture:
    start = time_of(found.timeline.get("global_start_time"))
    return _Picture(
        lengths=lengths_below(found.stack) if found.stack is not None else {},
        start_s=start[0] if start is not None else Fraction(0),
    )


def _states_drop_frame(timeline: Value) -> bool:
    """OTIO's times know no drop frame; two adapters leave it in the metadata: ours, and the one
    for Final Cut Pro 7 XML."""
    ours = _below(timeline, "metadata", METADATA_KEY, "drop_frame")
    shown = _below(timeline, "metadata", "fcp_xml", "timecode", "displayformat")
    return (ours is not None and ours.boolean() is True) or (
        shown is not None and shown.text() == "DF"
    )


def _below(value: Value, *keys: str) -> Value | None:
    found: Value | None = value
    for key in keys:
        found = found.get(key) if found is not None else None
    return found


def _plausible(rate: Fraction | None) -> Fraction | None:
    """A rate that can be frames a second; time bases (1, samples, microseconds) are not."""
    return rate if rate is not None and 5 <= rate <= 1000 else None


def top_origin_s(found: Found) -> Fraction:
    """The top stack's own time at the timeline's first frame: where its source range starts."""
    if found.stack is None or not stated(found.stack.get("source_range")):
        return Fraction(0)
    trim = written_range(found.stack)
    return _believed(found.stack, trim, _picture_of(found)).start_s if trim else Fraction(0)


def _believed(composition: Value, trim: Range, picture: _Picture) -> Range:
    """A trim, from the beginning of what is trimmed where it cannot be meant as one.

    Lists converted by older adapters carry the record start as the trim of a track, and hosts the
    timeline's start time; either lies outside of what is there and would hide every clip. Any
    other trim is taken at its word.
    """
    held = content_length(composition, picture.lengths)
    if not held or (trim.start_s < held and trim.end_s > 0):
        return trim
    if schema_of(composition) in _TRACKS or trim.start_s == picture.start_s:
        return replace(trim, start_s=Fraction(0))
    return trim


def _walk(value: Value, view: _View, layer: int, depth: int, picture: _Picture) -> int:
    """Gather what a composition shows; the number of layers that it takes up."""
    if depth > _MAX_NESTING:
        picture.skip(value, f"nested more than {_MAX_NESTING} deep")
        return 1
    if schema_of(value) == "Stack":
        taken = 0
        for child in children(value):
            taken += _walk_item(child, _Place(), view, layer + taken, depth, picture)
        return taken
    taken = 1
    items = children(value)
    for item, place in zip(items, _places(items, picture.lengths), strict=True):
        if place is not None:
            taken = max(taken, _walk_item(item, place, view, layer, depth, picture))
        elif schema_of(item) not in (*_GAPS, "Transition"):
            picture.skip(item, _LOST_PLACE)
    return taken


def _places(items: Sequence[Value], lengths: Lengths) -> Iterator[_Place | None]:
    """Where the items of a track stand; None behind one whose length cannot be read.

    A transition lasts no time of its own: it begins `in_offset` before the cut that it stands on
    and ends `out_offset` behind it, and both its neighbours are seen for as long.
    """
    at_s: Fraction | None = Fraction(0)
    around: list[Value | None] = [None, *items, None]
    for before, item, after in zip(around, items, around[2:], strict=False):
        if at_s is None:
            yield None
            continue
        yield _Place(
            at_s=at_s,
            earlier_s=_offset(before, "in_offset"),
            later_s=_offset(after, "out_offset"),
        )
        length = lengths[item]
        at_s = at_s + length if length is not None else None


def _offset(neighbour: Value | None, key: str) -> Fraction:
    if neighbour is None or schema_of(neighbour) != "Transition":
        return Fraction(0)
    offset = time_of(neighbour.get(key))
    return max(Fraction(0), offset[0]) if offset is not None else Fraction(0)


def _walk_item(
    item: Value, place: _Place, view: _View, layer: int, depth: int, picture: _Picture
) -> int:
    """Gather what an item shows in a view of its parent; the layers it takes up."""
    schema = schema_of(item)
    if schema in _GAPS or schema == "Transition":
        return 0
    if schema in _TRACKS and _track_kind(item).casefold() != "video":
        if _track_kind(item).casefold() != "audio" and children(item):
            picture.skip(item, f"a track of kind {_track_kind(item)!r}, not picture")
        return 0
    if schema not in ("Clip", *_COMPOSITIONS):
        picture.skip(item, f"of the unknown kind {schema or 'without a schema'!r}")
        return 1
    trim = _trim(item, place, view, picture)
    if trim is None:
        picture.skip(item, "its range cannot be read or is not stated")
        picture.damaged = picture.damaged or item
        return 1
    if schema == "Clip":
        place = _within_medium(item, trim, place)
    placed = _placed(item, place, trim.duration_s, view)
    _name_unknown_effects(item, picture)
    _add_markers(item, trim, placed, picture)
    if schema == "Clip":
        _add_clip(item, trim, placed, layer, picture)
        return 1
    own = _own_view(item, trim, placed, picture)
    return 1 if own is None else _walk(item, own, layer, depth + 1, picture)


def _trim(item: Value, place: _Place, view: _View, picture: _Picture) -> Range | None:
    """The range of its own that an item shows; None where it cannot be read."""
    if schema_of(item) == "Clip":
        return written_range(item)
    if not stated(item.get("source_range")):
        length_s = picture.lengths[item]
        if length_s is None:  # what stands before the item without length still has its place
            length_s = max(Fraction(0), view.end_s - place.at_s)
        return Range(start_s=Fraction(0), duration_s=length_s, rate=_DEFAULT_RATE)
    trim = written_range(item)
    if trim is None:
        return None
    believed = _believed(item, trim, picture)
    if believed != trim:
        picture.skip(item, "its trim lies outside of what it holds: shown from its beginning")
    return believed


def _within_medium(clip: Value, trim: Range, place: _Place) -> _Place:
    """A clip's place where transitions show no more of it than its medium is said to hold.

    For the rest a host holds the first or last frame, on which nobody steps.
    """
    reference = active_reference(clip)
    available = range_of(reference.get("available_range")) if reference is not None else None
    speed = speed_of(clip)
    if available is None or not speed:
        return place
    played_s = trim.duration_s * abs(speed)
    spare = (trim.start_s - available.start_s, available.end_s - trim.start_s - played_s)
    before_s, after_s = spare if speed > 0 else reversed(spare)
    return replace(
        place,
        earlier_s=min(place.earlier_s, max(Fraction(0), before_s / abs(speed))),
        later_s=min(place.later_s, max(Fraction(0), after_s / abs(speed))),
    )


def _placed(item: Value, place: _Place, duration_s: Fraction, view: _View) -> _View:
    """What is seen of an item where it stands: in its parent's seconds, from its own start on.

    Below zero and beyond its duration a transition shows it.
    """
    begin = max(place.at_s - place.earlier_s, view.start_s)
    end = max(begin, min(place.at_s + duration_s + place.later_s, view.end_s))
    switch = item.get("enabled")
    return _View(
        start_s=begin - place.at_s,
        end_s=end - place.at_s,
        record_s=view.record_at(begin),
        speed=view.speed,
        enabled=view.enabled and (switch is None or switch.boolean() is not False),
    )


def _own_view(item: Value, trim: Range, placed: _View, picture: _Picture) -> _View | None:
    """A placed composition in its own clock, within which its items stand.

    None if it is not played forwards.
    """
    speed = speed_of(item)
    if speed is None or speed <= 0:
        if not placed.is_empty:
            picture.skip(item, "a nested sequence that is frozen, reversed or of unknown speed")
        return None
    return replace(
        placed,
        start_s=trim.start_s + placed.start_s * speed,
        end_s=trim.start_s + placed.end_s * speed,
        speed=placed.speed * speed,
    )


def speed_of(item: Value) -> Fraction | None:
    """The product of an item's linear time warps; None where one cannot be read."""
    speed = Fraction(1)
    for effect in _effects(item):
        schema = schema_of(effect)
        if schema not in _TIME_WARPS:
            continue
        scalar = effect.get("time_scalar")
        factor = scalar.number() if scalar is not None else None
        if schema == "FreezeFrame":
            factor = Fraction(0)
        if factor is None or abs(factor) > 10_000:
            return None
        speed *= factor
    return speed


def _effects(item: Value) -> Iterator[Value]:
    """An item's effects but for those that are switched off."""
    for effect in children(item, "effects"):
        switch = effect.get("enabled")
        if switch is None or switch.boolean() is not False:
            yield effect


def _name_unknown_effects(item: Value, picture: _Picture) -> None:
    for effect in _effects(item):
        schema = schema_of(effect)
        if schema not in (*_TIME_WARPS, "Effect"):
            kind = schema or "without a schema"
            picture.skip(item, f"an effect of the unknown kind {kind!r}: shown as if without")


def _add_clip(item: Value, trim: Range, placed: _View, layer: int, picture: _Picture) -> None:
    reference = active_reference(item)
    kind = schema_of(reference)
    if kind not in (*_MEDIA, "MissingReference", ""):
        generated = kind == "GeneratorReference"
        reason = "a generator, no movie" if generated else f"its medium is of unknown kind {kind!r}"
        picture.skip(item, reason)
        return
    speed = speed_of(item)
    if trim.duration_s == 0 or speed is None:
        picture.skip(item, "lasts no time" if speed is not None else "its speed cannot be read")
        if speed is None:
            picture.damaged = picture.damaged or item
        return
    rate = _plausible(_written_rate(item)) or _plausible(trim.rate)
    if rate is not None:
        picture.rates[rate] += 1
    if placed.is_empty:
        return  # trimmed away by the sequence that it is nested in
    path = media_path_of(reference) if reference is not None and kind in _MEDIA else None
    available = range_of(reference.get("available_range")) if reference is not None else None
    # A reversed clip shows its range from the last frame to the first.
    first_s = trim.start_s - speed * trim.duration_s if speed < 0 else trim.start_s
    record_duration_s = (placed.end_s - placed.start_s) / placed.speed
    clip = Clip(
        clip_id="",
        name=name_of(item) or (base_name(path) if path else ""),
        reel=_reel(item),
        media_path=path,
        media_start_s=available.start_s if available is not None else None,
        source_rate=_source_rate(reference, available) or rate,
        record=Span(start_s=placed.record_s, duration_s=record_duration_s),
        time_map=linear_map(
            first_s + placed.start_s * speed, record_duration_s, speed * placed.speed
        ),
        layer=layer,
        enabled=placed.enabled,
    )
    picture.clips.append(clip)


def _written_rate(item: Value) -> Fraction | None:
    written = item.get("source_range")
    duration = time_of(written.get("duration")) if written is not None else None
    return duration[1] if duration is not None else None


def _source_rate(reference: Value | None, available: Range | None) -> Fraction | None:
    if reference is None:
        return None
    own = rate_of(reference.get("rate")) if "ImageSequence" in schema_of(reference) else None
    return own or _plausible(available.rate if available is not None else None)


def _reel(item: Value) -> str | None:
    """The reel as the CMX adapter leaves it in the metadata."""
    reel = _below(item, "metadata", "cmx_3600", "reel")
    return (reel.text() or None) if reel is not None else None


def _add_markers(item: Value, trim: Range, placed: _View, picture: _Picture) -> None:
    """An item's markers, where OTIO's own `transformed_time` puts them: no effect moves them."""
    for marker in children(item, "markers"):
        at = _marked(marker)
        if at is None:
            continue
        offset_s = at.start_s - trim.start_s
        if placed.start_s <= offset_s < placed.end_s:
            picture.markers.append(_marker(marker, placed.record_at(offset_s)))


def _marked(value: Value) -> Range | None:
    """What a marker marks; Marker.1 calls it "range"."""
    written = value.get("marked_range")
    return range_of(written if stated(written) else value.get("range"))


def _marker(value: Value, record_s: Fraction) -> Marker:
    note = value.get("comment")
    return Marker(
        record_s=record_s,
        name=name_of(value),
        note=(note.text() or "") if note is not None else "",
    )
