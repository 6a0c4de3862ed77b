"""What a CMX3600 list shows: its video events as picture clips on one record clock.

Ranges stay as written. In a two-line dissolve or wipe the first line mostly records nothing: it
only says which clip the transition leaves, and is no clip of its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from otio_foley.errors import ParseError
from otio_foley.time import linear_map, nominal_rate
from otio_foley.timelines.edl.lines import Event, List, Speed
from otio_foley.timelines.edl.rate import Clock, clock_of
from otio_foley.timelines.identity import with_ids
from otio_foley.timelines.paths import media_path_from
from otio_foley.types import Clip, Marker, Skipped, Span, Timeline, TimeMap

_NO_MOVIE_REELS = frozenset(("BL", "BLK", "BLACK", "BARS", "BAR", "SLUG"))
_NO_MOVIE_NAMES = frozenset(
    ("BL", "BLACK", "BLACK VIDEO", "TRANSPARENT VIDEO", "SLUG", "BARS", "BARS AND TONE", "HD BARS",
     "COLOR BARS", "COLOUR BARS", "COLOR MATTE", "COLOUR MATTE", "SOLID COLOR", "SOLID COLOUR")
)  # fmt: skip
#: Reels that only say that there is none.
_NO_REELS = frozenset(("", "AX"))
_FILE_SUFFIX = re.compile(r"\.(?=[0-9]*[A-Za-z])([A-Za-z0-9]{2,5})$")
#: What an Avid hangs behind a clip's name is no suffix of a file.
_NO_SUFFIXES = frozenset(("new", "copy", "sub", "sync", "grp", "dub", "mix"))
#: Speeds at which an Avid lists a clip of another frame rate that plays in real time.
_MIXED_RATES = (Fraction(5, 4), Fraction(4, 5))


@dataclass(slots=True)
class _Picture:
    clips: list[Clip] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    markers: list[Marker] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """An event and the comments that speak of it: its own, or those of the pair it `leads`."""

    event: Event
    told_by: Event
    goes_to: bool
    leads: bool
    paired: bool


def read_timeline(found: List, frame_rate: Fraction | None) -> tuple[Timeline, Clock]:
    """The cut of a list and its clock; our own events are no part of it.

    `Timeline.start_s` is the earliest record-in of all events, sound included. Raises ParseError
    for a list without events, one whose picture cannot be read, or a rate that does not fit.
    """
    events = [event for event in found.events if not event.is_ours]
    if not events:
        raise ParseError(
            "no event in this list can be read",
            line=found.broken[0].number if found.broken else None,
            hint="a CMX3600 event has a number, a reel, channels, a cut and four timecodes",
        )
    clock = clock_of(found, events, frame_rate)
    start_frame = min(clock.record_frame(event.timecodes[2]) for event in events)
    picture = _Picture()
    for side in _sides(events):
        _add(side, found.reels, clock, start_frame, picture)
    for line in found.broken:
        reason = f"line {line.number} looks like an event and cannot be read"
        picture.skipped.append(Skipped(clip_id="", name=line.text.strip()[:60], reason=reason))
    timeline = Timeline(
        name=found.title,
        frame_rate=clock.frame_rate,
        drop_frame=clock.record_drop,
        start_s=start_frame / clock.frame_rate,
        clips=with_ids(picture.clips),
        markers=tuple(sorted(picture.markers, key=lambda marker: marker.record_s)),
        skipped=tuple(picture.skipped),
        frame_rate_assumed=clock.assumed,
    )
    return timeline, clock


def _sides(events: Sequence[Event]) -> list[_Side]:
    """Each event with the comments that speak of it: in a pair or a key they follow the last."""
    sides: list[_Side] = []
    for index in range(len(events) - 1, -1, -1):
        event = events[index]
        leads = bool(sides) and _belong_together(event, events[index + 1])
        follows = index > 0 and _belong_together(events[index - 1], event)
        sides.append(
            _Side(
                event=event,
                told_by=sides[-1].told_by if leads else event,
                goes_to=not leads and event.kind not in ("C", "KB"),
                leads=leads,
                paired=leads or follows,
            )
        )
    return sides[::-1]


def _belong_together(first: Event, second: Event) -> bool:
    """Whether two lines make one transition or key, from the first's medium to the second's."""
    if second.kind == "C" or first.has_picture != second.has_picture:
        return False
    same_number = first.number == second.number
    joined = first.timecodes[3] == second.timecodes[2]
    if second.kind == "KB":
        return same_number and joined
    nothing = first.timecodes[2] == first.timecodes[3]
    keyed = first.kind == "KB" and first.timecodes[2] == second.timecodes[2]
    return (same_number and (joined or keyed)) or (nothing and joined)


def _add(
    side: _Side,
    reels: Mapping[str, str],
    clock: Clock,
    start_frame: int,
    picture: _Picture,
) -> None:
    event = side.event
    frames = _record_length(event, clock)
    for note in event.notes:
        if note.key == "LOC":
            _add_locator(note.value, clock, start_frame, picture)
    if not event.has_picture or (frames == 0 and side.leads):
        return
    record_s = (clock.record_frame(event.timecodes[2]) - start_frame) / clock.frame_rate
    if event.marker is not None:
        picture.markers.append(Marker(record_s=record_s, name=event.marker))
        return
    clip_name = _clip_name(side)
    name = clip_name or event.reel or f"event {event.number}"
    reason = _no_clip(event, clip_name, frames)
    if reason:
        no_movie = event.reel.upper() in _NO_MOVIE_REELS
        picture.skipped.append(
            Skipped(clip_id="", name=event.reel if no_movie else name, reason=reason)
        )
        return
    record = Span(start_s=record_s, duration_s=frames / clock.frame_rate)
    reel = _first(side, ["REEL NAME", "REEL"]) or reels.get(event.reel.upper(), event.reel)
    picture.clips.append(
        Clip(
            clip_id="",
            name=name,
            reel=None if reel.upper() in _NO_REELS else reel,
            media_path=_media_path(side, clip_name),
            media_start_s=None,
            source_rate=None,
            record=record,
            time_map=_time_map(side, record, frames, clock),
            layer=_layer(event),
            enabled=True,
        )
    )


def _record_length(event: Event, clock: Clock) -> int:
    """Record frames of an event; one that ends before it begins runs over midnight."""
    begin, end = (clock.record_frame(timecode) for timecode in event.timecodes[2:])
    return end - begin if end >= begin else end - begin + _day(clock)


def _day(clock: Clock) -> int:
    return clock.record_frame("23:59:59:00") + nominal_rate(clock.frame_rate)


def _no_clip(event: Event, clip_name: str, frames: int) -> str:
    """Why a picture event is no picture clip; "" if it is one."""
    where = f"line {event.line.number}"
    if event.reel.upper() in _NO_MOVIE_REELS:
        return f"{where}: black or bars, no movie"
    if clip_name.upper() in _NO_MOVIE_NAMES:
        return f"{where}: black, bars or a colour, no movie"
    if frames == 0:
        return f"{where}: it lasts no time in the record"
    begin, end = (re.split(r"[:;.,]", timecode) for timecode in event.timecodes[2:])
    if [int(part) for part in end] < [int(part) for part in begin] and int(begin[0]) < 23:
        return f"{where}: it ends before it begins"
    return ""


def _layer(event: Event) -> int:
    """Video track of an event; a key's foreground lies above what it is keyed over."""
    match = re.search(r"V(\d+)", event.channels.upper())
    track = max(1, int(match[1])) if match else 1
    return track + 1 if event.kind in ("K", "KO") else track


def _clip_name(side: _Side) -> str:
    keys = ["FROM CLIP NAME", "CLIP NAME", "TO CLIP NAME"]
    if side.event.kind in ("K", "KO"):
        keys.insert(0, "KEY CLIP NAME")
    if side.goes_to:
        keys.insert(0, "TO CLIP NAME")
    if side.paired and not side.goes_to:
        keys.remove("TO CLIP NAME")
    return _first(side, keys)


def _first(side: _Side, keys: Sequence[str]) -> str:
    for key in keys:
        for note in side.told_by.notes:
            if note.key == key and note.value:
                return note.value
    return ""


def _media_path(side: _Side, clip_name: str) -> str | None:
    """The medium: a path if a comment gives one, else a source file, else a name with a suffix."""
    directions = ["TO", "FROM"] if side.goes_to else ["FROM"]
    for direction in directions:
        for key in (f"{direction} CLIP", f"{direction} FILE"):
            if value := _first(side, [key]):
                return media_path_from(value)
    if source := _source_file(side):
        return media_path_from(source)
    suffix = _FILE_SUFFIX.search(clip_name)
    if suffix is not None and suffix[1].lower() not in _NO_SUFFIXES:
        return media_path_from(clip_name)
    return None


def _source_file(side: _Side) -> str:
    """The source file of this side of a transition: each follows the clip name it belongs to."""
    files: dict[bool, list[str]] = {False: [], True: []}
    after_to = False
    for note in side.told_by.notes:
        if note.key in ("FROM CLIP NAME", "TO CLIP NAME"):
            after_to = note.key == "TO CLIP NAME"
        elif note.key == "SOURCE FILE" and note.value:
            files[after_to].append(note.value)
    every = files[False] + files[True]
    if not side.paired:
        return every[0] if every else ""
    if len(every) > 1 and (not files[False] or not files[True]):
        files = {False: every[:1], True: every[-1:]}
    chosen = files[side.goes_to]
    return chosen[0] if chosen else ""


def _time_map(side: _Side, record: Span, frames: int, clock: Clock) -> TimeMap:
    event = side.event
    source_in, source_out = (
        clock.source_frame(timecode, event.drop) for timecode in event.timecodes[:2]
    )
    length = source_out - source_in
    if length < 0 and abs(length + _day(clock) - frames) <= 1:
        length += _day(clock)  # time-of-day timecode that runs over midnight
    speed = _speed(side, length, frames, clock)
    first = source_in
    if speed < 0 and length > 0 and _agrees(-speed * frames, length):
        first = source_in + length  # the range is what is shown, from its end
    return linear_map(first / clock.frame_rate, record.duration_s, speed)


def _speed(side: _Side, length: int, frames: int, clock: Clock) -> Fraction:
    """Source seconds for a record second.

    An M2 line says it, to a tenth of a frame. A clip of another frame rate in real time gets an
    M2 line too (37.5 for 24 in 30), while its range lasts as long as the record: then that counts.
    Without one the two ranges tell, unless they agree to a frame or no source time is given.
    """
    ratio = Fraction(length, frames)
    told = _told_speed(side)
    if told is not None:
        speed = Fraction(told.frames_per_second) / nominal_rate(clock.frame_rate)
        mixed = any(_agrees(speed * frames, length * quotient) for quotient in _MIXED_RATES)
        if speed > 0 and length > 2 and mixed and not _agrees(speed * frames, length):
            return Fraction(1) if abs(length - frames) <= 1 else ratio
        return speed
    if side.event.freeze:
        return Fraction(0)
    if length == 0 or abs(length - frames) <= 1:
        return Fraction(1)
    return ratio


def _agrees(frames: Fraction, expected: Fraction | int) -> bool:
    """Whether two lengths are the same but for rounding: two frames, or five parts in a hundred."""
    return abs(frames - expected) <= max(Fraction(2), abs(Fraction(expected)) / 20)


def _told_speed(side: _Side) -> Speed | None:
    """The M2 line that speaks of this event: by source time, then by reel, then the only one."""
    speeds = side.told_by.speeds
    event = side.event
    by_reel = [s for s in speeds if s.reel.upper() == event.reel.upper()]
    for speed in by_reel:
        if speed.timecode == event.timecodes[0]:
            return speed
    if by_reel:
        return by_reel[-1] if side.goes_to or not side.paired else by_reel[0]
    return speeds[0] if len(speeds) == 1 and not side.paired else None


def _add_locator(value: str, clock: Clock, start_frame: int, picture: _Picture) -> None:
    """`<record timecode> <colour> <text>`, as an Avid writes its locators."""
    parts = value.split(None, 2)
    if len(parts) < 2:
        return
    try:
        frame = clock.record_frame(parts[0])
    except ParseError:
        return
    name = parts[2] if len(parts) > 2 else parts[1]
    at_s = (frame - start_frame) / clock.frame_rate
    picture.markers.append(Marker(record_s=at_s, name=name, note=""))
