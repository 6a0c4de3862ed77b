"""The clock of a CMX3600 list: frame rate and drop frame, which the list itself rarely states."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from otio_foley.errors import ParseError
from otio_foley.time import (
    frames_from_timecode,
    knows_drop_frame,
    nominal_rate,
    rate_from_float,
    timecode_from_frames,
)
from otio_foley.timelines.edl.records import Event, Line, List

_STATED = re.compile(
    r"^(?:\*\s*)?(?:FRAME[ _-]?RATE|FPS|TIME[ _-]?BASE)(?:\s*[:=])?\s*(\d{2,3}(?:\.\d{1,4})?)"
    r"(?:\s*FPS)?$",
    re.IGNORECASE,
)
_COLONS = str.maketrans(";.,", ":::")
_FAST = ((60, Fraction(100)), (50, Fraction(60)), (30, Fraction(50)))
_SLOW = ((25, Fraction(30)), (24, Fraction(25)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """How a list counts. What tells drop frame:

    | the list has                 | of a record timecode            | of a source timecode |
    | ---------------------------- | ------------------------------- | -------------------- |
    | a `;` in a record timecode   | that `;`, for all of them       | its own mark         |
    | a `;` in source timecodes    | the FCM; where it changes, what | its own mark         |
    | only                         | fits (`_record_drop`)           |                      |
    | no `;`                       | the same                        | the FCM in force     |

    `record_drop` is the answer of the second column. `marked` and `record_marked` say whether drop
    frame is written with `;` at all and in record timecodes. Where a cut runs over midnight
    (`over_midnight`), record timecodes before noon are those of the next day.
    """

    frame_rate: Fraction
    assumed: bool
    marked: bool
    record_marked: bool
    record_drop: bool = False
    over_midnight: bool = False
    #: What has been read and written: cuts meet, so most timecodes stand there twice.
    frames: dict[tuple[str, bool], int] = field(default_factory=dict, compare=False, repr=False)
    labels: dict[tuple[int, bool], str] = field(default_factory=dict, compare=False, repr=False)

    def record_frame(self, timecode: str) -> int:
        frame = self._frame(timecode, self.record_drop)
        return frame + self.day if self.over_midnight and 2 * frame < self.day else frame

    def source_frame(self, timecode: str, fcm_drop: bool | None) -> int:
        return self._frame(timecode, _is_marked(timecode) if self.marked else bool(fcm_drop))

    @property
    def day(self) -> int:
        """Record frames from midnight to midnight."""
        return self._frame("23:59:59:00", self.record_drop) + nominal_rate(self.frame_rate)

    def nearest_frame(self, time_s: Fraction, more_s: Fraction) -> int:
        """`frames_from_seconds` of a sum, which as a Fraction costs several times as much."""
        first, of = time_s.as_integer_ratio()
        more, of_more = more_s.as_integer_ratio()
        frames = (first * of_more + more * of) * self.frame_rate.numerator
        parts = of * of_more * self.frame_rate.denominator
        return (2 * frames + parts) // (2 * parts)

    def record_label(self, frame: int) -> str:
        return self._label(frame, self.record_drop, self.record_marked)

    def source_label(self, frame: int, fcm_drop: bool | None) -> str:
        """A source timecode as it is to be written where this FCM is in force."""
        fcm_counts = not self.marked and fcm_drop is not None
        return self._label(frame, bool(fcm_drop) if fcm_counts else self.record_drop, self.marked)

    def _frame(self, timecode: str, drop: bool) -> int:
        key = timecode, drop
        frame = self.frames.get(key)
        if frame is None:
            frame = frames_from_timecode(_plain(timecode), self.frame_rate, drop)
            self.frames[key] = frame
        return frame

    def _label(self, frame: int, drop: bool, marked: bool) -> str:
        text = self.labels.get((frame, drop))
        if text is None:
            text = timecode_from_frames(frame, self.frame_rate, drop)
            self.labels[frame, drop] = text
        return text if marked else text.replace(";", ":")


def clock_of(found: List, events: Sequence[Event], given: Fraction | None) -> Clock:
    """The clock of a list: the given rate, else a stated one, else one guessed from its frames.

    Raises ParseError with the line of the first timecode that the rate does not have.
    """
    timecodes: dict[str, Event] = {}
    for event in events:
        for timecode in event.timecodes:
            timecodes.setdefault(timecode, event)
    # Any other mark tells something; mostly there is none.
    marked = [timecode for timecode in timecodes if timecode.count(":") < 3]
    largest = max(map(_frame_field, timecodes), default=0)
    rate, assumed = given, False
    if rate is None and found.holds("FPS", "RATE", "BASE"):
        rate = _stated_rate(found.lines, largest)
    if rate is None:
        # Only a `;` counts here: before the frames a dot may stand at any rate.
        drops = any(event.drop for event in events) or any(";" in text for text in marked)
        rate, assumed = _guessed_rate(largest, drops), True
    if rate <= 0 or rate > 1000:
        raise ParseError(f"not a frame rate: {rate}", hint="give the frame rate of the cut")
    marked = list(filter(_is_marked, marked))
    clock = Clock(
        frame_rate=rate,
        assumed=assumed,
        marked=bool(marked),
        record_marked=not set(marked).isdisjoint(t for e in events for t in e.timecodes[2:]),
    )
    _refuse_impossible(timecodes, clock)
    if knows_drop_frame(rate) and _record_drop(events, clock):
        clock = replace(clock, record_drop=True)
    return replace(clock, over_midnight=True) if _runs_over_midnight(events, clock) else clock


def _is_marked(timecode: str) -> bool:
    """Whether a timecode says that it drops frames; one with dots throughout does not."""
    head = timecode.rstrip("0123456789")
    return head.endswith(";") or (head.endswith((".", ",")) and "." not in head[:-1])


def _plain(timecode: str) -> str:
    """With colons only: whether it is drop frame has been settled before."""
    return timecode.translate(_COLONS)


def _frame_field(timecode: str) -> int:
    return int(timecode[-3:].lstrip(":;.,"))


def _stated_rate(lines: Iterable[Line], largest: int) -> Fraction | None:
    """A rate that a line of the list says and nothing else, if its timecodes fit."""
    for line in lines:
        match = _STATED.match(line.text.strip())
        if match is not None and 10 <= float(match[1]) <= 300:
            rate = rate_from_float(float(match[1]))
            if nominal_rate(rate) > largest:
                return rate
    return None


def _guessed_rate(largest: int, drops: bool) -> Fraction:
    """From the largest frame number: a list of some length shows each of its frame numbers.

    48 and 49 do not tell 50 from 60 apart, 30 to 47 not 48 from 50: the commoner rate is taken.
    """
    if largest >= 100:
        return Fraction(120)
    if drops:
        return Fraction(60000, 1001) if largest > 29 else Fraction(30000, 1001)
    for least, rate in (*_FAST, *_SLOW):
        if largest >= least:
            return rate
    return Fraction(24)


def _refuse_impossible(timecodes: Mapping[str, Event], clock: Clock) -> None:
    """Timecodes in the order of the list, each with the first event that has it."""
    for timecode, event in timecodes.items():
        try:
            clock.record_frame(timecode)
        except ParseError as error:
            raise ParseError(
                f"timecode {timecode} does not exist at {float(clock.frame_rate):.6g} frames a "
                "second",
                line=event.line.number,
                hint="give the frame rate of the cut",
            ) from error


def _record_drop(events: Sequence[Event], clock: Clock) -> bool:
    """Whether the record side counts drop frame.

    Where the FCM changes within a list, record timecodes run on regardless: it is the sources
    that change. Then labels that drop frame leaves out, and events over a full minute, decide.
    """
    if clock.record_marked:
        return True
    modes = [event.drop for event in events]
    if len(set(modes)) <= 1:
        return bool(modes and modes[0])
    nominal = nominal_rate(clock.frame_rate)
    if any(_is_dropped_label(text, nominal) for e in events for text in e.timecodes[2:]):
        return False
    drop, non_drop = (replace(clock, record_drop=mode) for mode in (True, False))
    votes = sum(_fits(event, drop) - _fits(event, non_drop) for event in events)
    return votes > 0 if votes else bool(modes[0])


def _is_dropped_label(timecode: str, nominal: int) -> bool:
    _, minutes, seconds, frames = (int(part) for part in re.split(r"[:;.,]", timecode))
    return minutes % 10 != 0 and seconds == 0 and frames < nominal // 15


def _fits(event: Event, clock: Clock) -> bool:
    """Whether an event at its own speed lasts as long as its source."""
    source_in, source_out = (clock.source_frame(t, event.drop) for t in event.timecodes[:2])
    record_in, record_out = (clock.record_frame(t) for t in event.timecodes[2:])
    return not event.speeds and record_out - record_in == source_out - source_in


def _runs_over_midnight(events: Iterable[Event], clock: Clock) -> bool:
    """Whether an event begins in the last hour of a day and ends on the next."""
    day = clock.day
    for event in events:
        if day - day // 24 <= clock.record_frame(event.timecodes[2]) < day:
            end = clock.record_frame(event.timecodes[3])
            if 2 * end < day or end >= day:
                return True
    return False
