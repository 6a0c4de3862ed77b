"""What a CMX3600 list shows: its video events as picture clips on one record clock.

Ranges stay as written, but for one thing: a dissolve or wipe takes both its clips, while a list
ends the one it leaves where it begins; here that one goes on to the transition's end. In a two-line
transition the first line mostly records nothing: it only says which clip is left, and is no clip of
its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from otio_foley.errors import ParseError
from otio_foley.time import nominal_rate, seconds_from_frames
from otio_foley.timelines.edl.rate import Clock, clock_of
from otio_foley.timelines.edl.records import Event, List, Speed
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
_VIDEO_TRACK = re.compile(r"V(\d+)")
_FILE_SUFFIX = re.compile(r"\.(?=[0-9]*[A-Za-z])([A-Za-z0-9]{2,5})$")
#: What an Avid hangs behind a clip's name is no suffix of a file.
_NO_SUFFIXES = frozenset(("new", "copy", "sub", "sync", "grp", "dub", "mix"))
#: Speeds at which an Avid lists a clip of another frame rate that plays in real time.
_MIXED_RATES = (Fraction(5, 4), Fraction(4, 5))
_ZERO = Fraction(0)


@dataclass(slots=True)
class _Picture:
    clips: list[Clip] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    markers: list[Marker] = field(default_factory=list)


class _Side(NamedTuple):
    """An event, its record frames, and the pair or key (`group`) that it belongs to, which is
    itself where it is alone.

        001  A  V  C      ...  the side that is left: it leads
        001  B  V  D 024  ...  the side that is gone to
        * FROM CLIP NAME: a.mov
        * TO CLIP NAME: b.mov

    What stands below the last event speaks of the whole group, what stands below an earlier one of
    that one alone.
    """

    event: Event
    group: Sequence[Event]
    begin: int
    end: int

    @property
    def frames(self) -> int:
        """How many it records; less than none if it ends before it begins."""
        return self.end - self.begin

    @property
    def leads(self) -> bool:
        return self.event is not self.group[-1]

    @property
    def goes_to(self) -> bool:
        return not self.leads and self.event.kind not in ("C", "KB")

    @property
    def paired(self) -> bool:
        return len(self.group) > 1

    @property
    def told_by(self) -> Sequence[Event]:
        """The events whose comments speak of this one, its own first."""
        return (self.event, self.group[-1]) if self.leads else (self.event,)


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
    picture = _Picture()
    sides = _sides(events, clock)
    start_frame = min(side.begin for side in sides)
    goes_on = _transition_frames(sides, clock)
    for side in sides:
        frames = goes_on.get(side.event.line.number, 0)
        _add(side, found.reels, clock, start_frame, frames, picture)
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


def _sides(events: Sequence[Event], clock: Clock) -> list[_Side]:
    groups: list[list[Event]] = []
    for event in events:
        if groups and _belong_together(groups[-1][-1], event):
            groups[-1].append(event)
        else:
            groups.append([event])
    frame = clock.record_frame
    return [
        _Side(event, group, frame(event.timecodes[2]), frame(event.timecodes[3]))
        for group in groups
        for event in group
    ]


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


def _transition_frames(sides: Sequence[_Side], clock: Clock) -> dict[int, int]:
    """By line number of each event that a dissolve or wipe leaves: how much longer it is seen.

    That is the event which ends where the transition begins. Where the line above says what is
    left, it has to be of that reel: it may be a clip that shows nothing but the transition.
    """
    if not any(_takes_over(side.event) for side in sides):
        return {}
    ends = {
        (_layer(side.event), side.end): side.event
        for side in sides
        if side.event.has_picture and side.frames > 0
    }
    frames: dict[int, int] = {}
    for above, side in zip([None, *sides], sides, strict=False):
        event = side.event
        if not _takes_over(event):
            continue
        left = ends.get((_layer(event), side.begin))
        said = above.event if above is not None and above.group is side.group else left
        if left is not None and said is not None and said.reel.upper() == left.reel.upper():
            frames[left.line.number] = min(event.length, max(0, side.frames))
    return frames


def _takes_over(event: Event) -> bool:
    """Whether it is a dissolve or wipe that takes some time."""
    return event.length > 0 and event.has_picture and event.kind[0] in "DW"


def _add(
    side: _Side,
    reels: Mapping[str, str],
    clock: Clock,
    start_frame: int,
    goes_on: int,
    picture: _Picture,
) -> None:
    """Add an event's clip, which a transition shows for `goes_on` frames more, and its markers."""
    event = side.event
    frames = side.frames
    for note in event.notes:
        if note.key == "LOC":
            _add_locator(note.value, clock, start_frame, picture)
    if not event.has_picture or (frames == 0 and side.leads):
        return
    record_s = seconds_from_frames(side.begin - start_frame, clock.frame_rate)
    if event.marker is not None:
        marker_name, marker_note = event.marker
        picture.markers.append(Marker(record_s=record_s, name=marker_name, note=marker_note))
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
    duration_s = seconds_from_frames(frames + goes_on, clock.frame_rate)
    reel = _first(side, ["REEL NAME", "REEL"]) or reels.get(event.reel.upper(), event.reel)
    picture.clips.append(
        Clip(
            clip_id="",
            name=name,
            reel=None if reel.upper() in _NO_REELS else reel,
            media_path=_media_path(side, clip_name),
            media_start_s=None,
            source_rate=None,
            record=Span(start_s=record_s, duration_s=duration_s),
            time_map=_time_map(side, duration_s, goes_on, clock),
            layer=_layer(event),
            enabled=True,
        )
    )


def _no_clip(event: Event, clip_name: str, frames: int) -> str:
    """Why a picture event is no picture clip; "" if it is one."""
    where = f"line {event.line.number}"
    if event.reel.upper() in _NO_MOVIE_REELS:
        return f"{where}: black or bars, no movie"
    if clip_name.upper() in _NO_MOVIE_NAMES:
        return f"{where}: black, bars or a colour, no movie"
    if frames == 0:
        return f"{where}: it lasts no time in the record"
    if frames < 0:
        return f"{where}: it ends before it begins"
    return ""


def _layer(event: Event) -> int:
    """Video track of an event; a key's foreground lies above what it is keyed over."""
    track = _track(event.channels)
    return track + 1 if event.kind in ("K", "KO") else track


@lru_cache(maxsize=64)
def _track(channels: str) -> int:
    match = _VIDEO_TRACK.search(channels.upper())
    return max(1, int(match[1])) if match else 1


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
    for event in side.told_by:
        for key in keys:
            for note in event.notes:
                if note.key == key and note.value:
                    return note.value
    return ""


def _media_path(side: _Side, clip_name: str) -> str | None:
    """The medium: a path if a comment gives one, else a source file, else a name with a suffix."""
    keys = ["FROM CLIP", "FROM FILE"]
    if side.goes_to:
        # What is said of the side that is left says nothing of this one.
        names_both = side.paired or _first(side, ["TO CLIP NAME"])
        keys = ["TO CLIP", "TO FILE", *([] if names_both else keys)]
    if value := _first(side, keys):
        return media_path_from(value)
    if source := _source_file(side):
        return media_path_from(source)
    suffix = _FILE_SUFFIX.search(clip_name)
    if suffix is not None and suffix[1].lower() not in _NO_SUFFIXES:
        return media_path_from(clip_name)
    return None


def _source_file(side: _Side) -> str:
    """The source file of this side of a transition: each follows the clip name it belongs to."""
    if side.leads and (own := _first(side._replace(group=[side.event]), ["SOURCE FILE"])):
        return own
    files: dict[bool, list[str]] = {False: [], True: []}
    after_to = False
    for note in side.group[-1].notes:
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


def _time_map(side: _Side, duration_s: Fraction, goes_on: int, clock: Clock) -> TimeMap:
    """The source over the record, at the speed of the frames that the event itself records."""
    event, frames = side.event, side.frames
    source_in, source_out = (
        clock.source_frame(timecode, event.drop) for timecode in event.timecodes[:2]
    )
    length = source_out - source_in
    if length < 0 and abs(length + clock.day - frames) <= 1:
        length += clock.day  # time-of-day timecode that runs over midnight
    speed = _speed(side, length, frames, clock)
    first = source_in
    if speed < 0 and length > 0 and _shows_range(Fraction(-speed), frames, length):
        first = source_in + length  # the range is what is shown, from its end
    end = first + (frames + goes_on) * speed
    rate = clock.frame_rate
    return TimeMap(
        points=(
            (_ZERO, seconds_from_frames(first, rate)),
            (duration_s, seconds_from_frames(end, rate)),
        )
    )


def _speed(side: _Side, length: int, frames: int, clock: Clock) -> Fraction | int:
    """Source seconds for a record second.

    An M2 line says it, to a tenth of a frame; ranges that say the same say it exactly. A clip of
    another frame rate in real time gets an M2 line too (37.5 for 24 in 30), while its range lasts
    as long as the record: then that counts. Without one the two ranges tell, unless they agree to
    a frame or no source time is given.
    """
    told = _told_speed(side)
    alike = abs(length - frames) <= 1
    if told is None:
        if side.event.freeze:
            return 0
        return 1 if length == 0 or alike else Fraction(length, frames)
    ratio = Fraction(length, frames)
    speed = Fraction(told) / nominal_rate(clock.frame_rate)
    if speed == 0 or (abs(speed) == 1 and alike):
        return speed
    if _rounds_to(abs(ratio), told, clock.frame_rate):
        return abs(ratio) if speed > 0 else -abs(ratio)
    mixed = any(_shows_range(speed, frames, length * quotient) for quotient in _MIXED_RATES)
    if speed > 0 and length > 2 and mixed and not _shows_range(speed, frames, length):
        return 1 if alike else ratio
    return speed


def _rounds_to(speed: Fraction, told: str, rate: Fraction) -> bool:
    """Whether a speed is what an M2 line tells with the digits that it has. Some programs count
    frames a second by the rate's name (24), some by the rate (23.976)."""
    half_a_digit = Fraction(1, 2 * 10 ** len(told.partition(".")[2]))
    return any(
        abs(speed * one - abs(Fraction(told))) <= half_a_digit for one in (nominal_rate(rate), rate)
    )


def _shows_range(speed: Fraction, frames: int, length: Fraction | int) -> bool:
    """Whether at this speed the record shows the whole source range and no more, but for rounding:
    two frames, or five parts in a hundred."""
    return abs(speed * frames - length) <= max(Fraction(2), abs(Fraction(length)) / 20)


def _told_speed(side: _Side) -> str | None:
    """Frames a second by the M2 line that speaks of this event: one of its reel, best with its
    source time, or one that stands there alone and speaks of no other."""
    for event in side.told_by:
        if told := _speed_among(event.speeds, side):
            return told.frames_per_second
    return None


def _speed_among(speeds: Sequence[Speed], side: _Side) -> Speed | None:
    if not speeds:
        return None
    event = side.event
    reel, source_in = event.reel.upper(), event.timecodes[0]
    elsewhere = {
        other.timecodes[0] for other in (side.group[0], side.group[-1]) if other is not event
    }
    by_reel = [speed for speed in speeds if speed.reel.upper() == reel]
    for speed in by_reel:
        if speed.timecode == source_in:
            return speed
    by_reel = [speed for speed in by_reel if speed.timecode not in elsewhere]
    if by_reel:
        return by_reel[-1] if side.goes_to or not side.paired else by_reel[0]
    if side.paired or len(speeds) != 1:
        return None
    (lone,) = speeds
    # A reel may be cut short in either line.
    short, long = sorted((lone.reel.upper(), reel), key=len)
    return lone if lone.timecode == source_in or long.startswith(short) else None


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
