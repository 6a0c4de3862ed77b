"""What an OTIO timeline shows: its tracks flattened to picture clips on one record clock.

Ranges stay as written: a transition overlaps its neighbours and moves nothing. Nested
compositions are flattened with their trims and speeds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction

from otio_foley.time import linear_map, playings
from otio_foley.timelines.identity import base_name, with_ids
from otio_foley.timelines.otio.jsonspans import Value
from otio_foley.timelines.otio.values import (
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
_LOST_PLACE = "stands behind something whose length cannot be read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A timeline in a file: its object, its top stack, and what else the file holds."""

    timeline: Value
    stack: Value | None
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Window:
    """The visible part [start_s, end_s) of a composition's own time, and where it is seen.

    `record_s` is the record time of `start_s`; `speed` is own seconds for a record second.
    """

    start_s: Fraction
    end_s: Fraction
    record_s: Fraction
    speed: Fraction
    enabled: bool


@dataclass(slots=True)
class _Picture:
    """What the walk through the tracks gathers."""

    clips: list[Clip] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    markers: list[Marker] = field(default_factory=list)
    rates: Counter[Fraction] = field(default_factory=Counter)
    damaged: Value | None = None
    lengths: dict[int, Fraction | None] = field(default_factory=dict)

    def skip(self, value: Value, reason: str) -> None:
        name = name_of(value) or schema_of(value) or "without a name"
        self.skipped.append(Skipped(clip_id="", name=name, reason=reason))


def find_timeline(root: Value) -> Found:
    """The first timeline of a file; further ones are named as skipped. Raises ParseError."""
    timelines = list(_timelines(root))
    if not timelines:
        kind = schema_of(root)
        raise root.error(
            f"no timeline in this file, only a {kind}" if kind else "this JSON is no OTIO file",
            hint="export the timeline itself, not a clip, a track or a bin",
        )
    first = timelines[0]
    others = tuple(
        Skipped(clip_id="", name=name_of(other), reason="a further timeline of the same file")
        for other in timelines[1:]
    )
    stack = first.get("tracks")
    if stack is None or stack.is_null:
        return Found(timeline=first, stack=None, skipped=others)
    if stack.kind != "object" or schema_of(stack) not in _COMPOSITIONS:
        raise stack.error("the timeline's tracks are no stack", hint="export the cut again")
    return Found(timeline=first, stack=stack, skipped=others)


def _timelines(root: Value) -> Iterator[Value]:
    waiting = [root]
    while waiting:
        value = waiting.pop()
        schema = schema_of(value)
        if schema == "Timeline":
            yield value
        elif schema in ("SerializableCollection", "SerializeableCollection"):
            waiting.extend(reversed(_children(value)))


def read_timeline(found: Found, stated_rate: Fraction | None) -> Timeline:
    """The cut of a found timeline. `stated_rate` counts only where the file has no rate.

    Raises ParseError if clips are there and none of them can be read.
    """
    picture = _Picture()
    if found.stack is not None:
        _read_top(found.stack, picture)
    if picture.damaged is not None and not picture.clips:
        raise picture.damaged.error(
            "no picture clip of this timeline can be read", hint="export the cut again"
        )
    start = time_of(found.timeline.get("global_start_time"))
    rate = _plausible(start[1]) if start is not None else None
    if rate is None and picture.rates:
        rate = max(picture.rates, key=lambda each: (picture.rates[each], each))
    return Timeline(
        name=name_of(found.timeline),
        frame_rate=rate or stated_rate or _DEFAULT_RATE,
        drop_frame=False,
        start_s=start[0] if start is not None else Fraction(0),
        clips=with_ids(picture.clips),
        markers=tuple(sorted(picture.markers, key=lambda marker: marker.record_s)),
        skipped=found.skipped + tuple(picture.skipped),
        frame_rate_assumed=rate is None and stated_rate is None,
    )


def _plausible(rate: Fraction | None) -> Fraction | None:
    """A rate that can be frames a second; time bases (1, samples, microseconds) are not."""
    return rate if rate is not None and 5 <= rate <= 1000 else None


def top_origin_s(stack: Value) -> Fraction:
    """The top stack's own time at the timeline's first frame: where its source range starts."""
    picture = _Picture()
    trimmed = _trimmed(stack, picture, 0)
    return _usable(stack, trimmed, picture, 0).start_s if trimmed is not None else Fraction(0)


def _read_top(stack: Value, picture: _Picture) -> None:
    trimmed = _trimmed(stack, picture, 0)
    if trimmed is None:
        length = max((_known_length(c, picture) for c in _children(stack)), default=Fraction(0))
        trimmed = Range(start_s=Fraction(0), duration_s=length, rate=_DEFAULT_RATE)
    trimmed = _usable(stack, trimmed, picture, 0)
    window = _Window(
        start_s=trimmed.start_s,
        end_s=trimmed.end_s,
        record_s=Fraction(0),
        speed=Fraction(1),
        enabled=True,
    )
    for marker in _children(stack, "markers"):
        at = _marked(marker)
        if at is not None:
            picture.markers.append(_marker(marker, at.start_s - trimmed.start_s))
    _walk(stack, window, 1, 0, picture)


def _usable(value: Value, trimmed: Range, picture: _Picture, depth: int) -> Range:
    """A composition's trim, from its beginning on where it would show nothing at all.

    Lists converted by older adapters carry the record start as a trim that lies outside of what
    the track holds; taken at its word it would hide every clip.
    """
    held = _held(value, picture, depth)
    if held is None or held == 0 or (trimmed.start_s < held and trimmed.end_s > 0):
        return trimmed
    return replace(trimmed, start_s=Fraction(0))


def _known_length(value: Value, picture: _Picture) -> Fraction:
    """The length of a child of the top stack up to the first item that has none."""
    length = _length(value, picture, 1)
    if length is not None:
        return length
    total = Fraction(0)
    for child in _children(value):
        step = _length(child, picture, 2)
        if step is None:
            break
        total += step
    return total


def _children(value: Value, key: str = "children") -> list[Value]:
    held = value.get(key)
    if held is None or held.kind != "array":
        return []
    return [item for item in held.items if item.kind == "object"]


def _length(value: Value, picture: _Picture, depth: int) -> Fraction | None:
    """How long an item lasts in its parent; None where that cannot be read."""
    if id(value) not in picture.lengths:
        picture.lengths[id(value)] = _measured(value, picture, depth)
    return picture.lengths[id(value)]


def _measured(value: Value, picture: _Picture, depth: int) -> Fraction | None:
    if schema_of(value) == "Transition":
        return Fraction(0)
    trimmed = _trimmed(value, picture, depth)
    return trimmed.duration_s if trimmed is not None else None


def _trimmed(value: Value, picture: _Picture, depth: int) -> Range | None:
    """The item's source range, else what it holds."""
    written = value.get("source_range")
    if stated(written):
        return range_of(written)
    schema = schema_of(value)
    if schema == "Clip":
        reference = active_reference(value)
        return range_of(reference.get("available_range")) if reference is not None else None
    if schema not in _COMPOSITIONS:
        return None
    total = _held(value, picture, depth)
    if total is None:
        return None
    return Range(start_s=Fraction(0), duration_s=total, rate=_DEFAULT_RATE)


def _held(value: Value, picture: _Picture, depth: int) -> Fraction | None:
    """How long the content of a composition lasts, untrimmed; None where that is unknown."""
    if depth > _MAX_NESTING:
        return None
    lengths = [_length(child, picture, depth + 1) for child in _children(value)]
    known = [length for length in lengths if length is not None]
    if len(known) != len(lengths):
        return None
    if schema_of(value) == "Stack":
        return max(known, default=Fraction(0))
    return sum(known, Fraction(0))


def _walk(value: Value, window: _Window, layer: int, depth: int, picture: _Picture) -> int:
    """Gather what a composition shows; the number of layers that it takes up."""
    if depth > _MAX_NESTING:
        picture.skip(value, f"nested more than {_MAX_NESTING} deep")
        return 1
    if schema_of(value) == "Stack":
        taken = 0
        for child in _children(value):
            taken += _walk_item(child, Fraction(0), window, layer + taken, depth, picture)
        return taken
    kind = value.get("kind")
    named = (kind.text() if kind is not None else None) or "Video"
    if named.casefold() != "video":
        if named.casefold() != "audio" and _children(value):
            picture.skip(value, f"a track of kind {named!r}, not picture")
        return 0
    position: Fraction | None = Fraction(0)
    taken = 1
    for child in _children(value):
        if position is None:
            if schema_of(child) not in (*_GAPS, "Transition"):
                picture.skip(child, _LOST_PLACE)
            continue
        taken = max(taken, _walk_item(child, position, window, layer, depth, picture))
        length = _length(child, picture, depth + 1)
        position = position + length if length is not None else None
    return taken


def _walk_item(
    item: Value, at_s: Fraction, window: _Window, layer: int, depth: int, picture: _Picture
) -> int:
    """Gather what an item at `at_s` of its parent's time shows; the layers it takes up."""
    schema = schema_of(item)
    if schema in _GAPS or schema == "Transition":
        return 0
    trimmed = _trimmed(item, picture, depth + 1)
    if schema not in ("Clip", *_COMPOSITIONS):
        picture.skip(item, f"of the unknown kind {schema or 'without a schema'!r}")
        return 1
    if trimmed is None and schema in _COMPOSITIONS and not stated(item.get("source_range")):
        # Something in it has no length: what stands before that still has its place.
        end_s = max(window.end_s - at_s, _known_length(item, picture))
        trimmed = Range(start_s=Fraction(0), duration_s=end_s, rate=_DEFAULT_RATE)
    if trimmed is None:
        picture.skip(item, "its range cannot be read or is not stated")
        picture.damaged = picture.damaged or item
        return 1
    switch = item.get("enabled")
    enabled = window.enabled and (switch is None or switch.boolean() is not False)
    begin = max(at_s, window.start_s)
    end = min(at_s + trimmed.duration_s, window.end_s)
    part = _Window(
        start_s=begin - at_s,
        end_s=end - at_s,
        record_s=window.record_s + (begin - window.start_s) / window.speed,
        speed=window.speed,
        enabled=enabled,
    )
    if schema == "Clip":
        _add_clip(item, trimmed, part, layer, picture)
        return 1
    if schema in _TRACKS and end <= begin:
        return _walk(item, _empty(part), layer, depth + 1, picture)
    inside = _inside(item, _usable(item, trimmed, picture, depth + 1), part, picture)
    return 1 if inside is None else _walk(item, inside, layer, depth + 1, picture)


def _empty(part: _Window) -> _Window:
    """A window through which nothing is seen, for what still counts as a layer."""
    return _Window(
        start_s=Fraction(0),
        end_s=Fraction(0),
        record_s=part.record_s,
        speed=Fraction(1),
        enabled=part.enabled,
    )


def _inside(item: Value, trimmed: Range, part: _Window, picture: _Picture) -> _Window | None:
    """The window of a nested composition's own time; None if it is not played forwards."""
    speed = _speed(item)
    if speed is None or speed <= 0:
        picture.skip(item, "a nested sequence that is frozen, reversed or of unknown speed")
        return None
    return _Window(
        start_s=trimmed.start_s + part.start_s * speed,
        end_s=trimmed.start_s + part.end_s * speed,
        record_s=part.record_s,
        speed=part.speed * speed,
        enabled=part.enabled,
    )


def _speed(item: Value) -> Fraction | None:
    """The product of an item's linear time warps; None where one cannot be read."""
    speed = Fraction(1)
    for effect in _children(item, "effects"):
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


def _add_clip(item: Value, trimmed: Range, part: _Window, layer: int, picture: _Picture) -> None:
    reference = active_reference(item)
    kind = schema_of(reference)
    if kind not in (*_MEDIA, "MissingReference", ""):
        generated = kind == "GeneratorReference"
        reason = "a generator, no movie" if generated else f"its medium is of unknown kind {kind!r}"
        picture.skip(item, reason)
        return
    speed = _speed(item)
    if trimmed.duration_s == 0 or speed is None:
        picture.skip(item, "lasts no time" if speed is not None else "its speed cannot be read")
        if speed is None:
            picture.damaged = picture.damaged or item
        return
    rate = _plausible(_written_rate(item)) or _plausible(trimmed.rate)
    if rate is not None:
        picture.rates[rate] += 1
    if part.end_s <= part.start_s:
        return  # trimmed away by the sequence that it is nested in
    path = media_path_of(reference) if reference is not None and kind in _MEDIA else None
    available = range_of(reference.get("available_range")) if reference is not None else None
    # A reversed clip shows its range from the last frame to the first.
    first_s = trimmed.start_s - speed * trimmed.duration_s if speed < 0 else trimmed.start_s
    record_duration_s = (part.end_s - part.start_s) / part.speed
    clip = Clip(
        clip_id="",
        name=name_of(item) or (base_name(path) if path else ""),
        reel=_reel(item),
        media_path=path,
        media_start_s=available.start_s if available is not None else None,
        source_rate=_source_rate(reference, available) or rate,
        record=Span(start_s=part.record_s, duration_s=record_duration_s),
        time_map=linear_map(first_s + part.start_s * speed, record_duration_s, speed * part.speed),
        layer=layer,
        enabled=part.enabled,
    )
    picture.clips.append(clip)
    _add_markers(item, clip, picture)


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
    metadata = item.get("metadata")
    cmx = metadata.get("cmx_3600") if metadata is not None else None
    reel = cmx.get("reel") if cmx is not None else None
    return (reel.text() or None) if reel is not None else None


def _add_markers(item: Value, clip: Clip, picture: _Picture) -> None:
    for marker in _children(item, "markers"):
        at = _marked(marker)
        for offset_s, _ in playings(clip.time_map, at.start_s) if at is not None else ():
            picture.markers.append(_marker(marker, clip.record.start_s + offset_s))


def _marked(value: Value) -> Range | None:
    """What a marker marks; Marker.1 calls it "range"."""
    return range_of(value.get("marked_range") or value.get("range"))


def _marker(value: Value, record_s: Fraction) -> Marker:
    note = value.get("comment")
    return Marker(
        record_s=record_s,
        name=name_of(value),
        note=(note.text() or "") if note is not None else "",
    )
