"""The clock of a CMX3600 list: frame rate and drop frame, which the list itself rarely states."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from otio_foley.errors import ParseError
from otio_foley.time import frames_from_timecode, knows_drop_frame, nominal_rate, rate_from_float
from otio_foley.timelines.edl.lines import Event, Line, List

_STATED = re.compile(
    r"^(?:\*\s*)?(?:FRAME[ _-]?RATE|FPS|TIME[ _-]?BASE)(?:\s*[:=])?\s*(\d{2,3}(?:\.\d{1,4})?)"
    r"(?:\s*FPS)?$",
    re.IGNORECASE,
)
_FAST = ((60, Fraction(100)), (50, Fraction(60)), (30, Fraction(50)))
_SLOW = ((25, Fraction(30)), (24, Fraction(25)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """How a list counts. `record_drop` holds for all record timecodes.

    `marked` lists tell drop frame by `;`; in others the FCM in force counts, and where it changes
    within a list it speaks of the sources.
    """

    frame_rate: Fraction
    assumed: bool
    record_drop: bool
    marked: bool

    def record_frame(self, timecode: str) -> int:
        return frames_from_timecode(_plain(timecode), self.frame_rate, self.record_drop)

    def source_frame(self, timecode: str, fcm_drop: bool | None) -> int:
        drop = _is_marked(timecode) if self.marked else bool(fcm_drop)
        return frames_from_timecode(_plain(timecode), self.frame_rate, drop)

    def source_drop(self, fcm_drop: bool | None) -> bool:
        """How a source timecode is to be written where this FCM is in force."""
        if self.marked or fcm_drop is None:
            return self.record_drop
        return fcm_drop


def clock_of(found: List, events: Sequence[Event], given: Fraction | None) -> Clock:
    """The clock of a list: the given rate, else a stated one, else one guessed from its frames.

    Raises ParseError with the line of the first timecode that the rate does not have.
    """
    marked = any(_is_marked(timecode) for event in events for timecode in event.timecodes)
    drops = any(event.drop for event in events) or marked
    rate, assumed = given, False
    if rate is None:
        rate = _stated_rate(found.lines, events)
    if rate is None:
        rate, assumed = _guessed_rate(_largest_frame(events), drops), True
    if rate <= 0 or rate > 1000:
        raise ParseError(f"not a frame rate: {rate}", hint="give the frame rate of the cut")
    _refuse_impossible(events, rate)
    record_drop = knows_drop_frame(rate) and _record_drop(events, rate, marked)
    return Clock(frame_rate=rate, assumed=assumed, record_drop=record_drop, marked=marked)


def _is_marked(timecode: str) -> bool:
    return not timecode.rstrip("0123456789").endswith(":")


def _plain(timecode: str) -> str:
    """With colons only: whether it is drop frame has been settled before."""
    return re.sub(r"[;.,]", ":", timecode)


def _frame_field(timecode: str) -> int:
    return int(re.split(r"[:;.,]", timecode)[-1])


def _largest_frame(events: Iterable[Event]) -> int:
    return max((_frame_field(t) for event in events for t in event.timecodes), default=0)


def _stated_rate(lines: Iterable[Line], events: Sequence[Event]) -> Fraction | None:
    """A rate that a line of the list says and nothing else, if its timecodes fit."""
    for line in lines:
        match = _STATED.match(line.text.strip())
        if match is not None and 10 <= float(match[1]) <= 300:
            rate = rate_from_float(float(match[1]))
            if nominal_rate(rate) > _largest_frame(events):
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


def _refuse_impossible(events: Iterable[Event], rate: Fraction) -> None:
    for event in events:
        for timecode in event.timecodes:
            try:
                frames_from_timecode(_plain(timecode), rate)
            except ParseError as error:
                raise ParseError(
                    f"timecode {timecode} does not exist at {float(rate):.6g} frames a second",
                    line=event.line.number,
                    hint="give the frame rate of the cut",
                ) from error


def _record_drop(events: Sequence[Event], rate: Fraction, marked: bool) -> bool:
    """Whether the record side counts drop frame.

    Where the FCM changes within a list, record timecodes run on regardless: it is the sources
    that change. Then labels that drop frame leaves out, and events over a full minute, decide.
    """
    if marked:
        return any(_is_marked(timecode) for event in events for timecode in event.timecodes[2:])
    modes = [event.drop for event in events]
    if len(set(modes)) <= 1:
        return bool(modes and modes[0])
    if any(_is_dropped_label(timecode, rate) for e in events for timecode in e.timecodes[2:]):
        return False
    votes = sum(_vote(event, rate) for event in events)
    return votes > 0 if votes else bool(modes[0])


def _is_dropped_label(timecode: str, rate: Fraction) -> bool:
    _, minutes, seconds, frames = (int(part) for part in re.split(r"[:;.,]", timecode))
    return minutes % 10 != 0 and seconds == 0 and frames < nominal_rate(rate) // 15


def _vote(event: Event, rate: Fraction) -> int:
    """+1 if the event lasts as long as its source in drop frame only, -1 in non-drop only."""
    source_in, source_out, record_in, record_out = (_plain(t) for t in event.timecodes)
    if event.speeds:
        return 0
    drop = bool(event.drop)
    source = frames_from_timecode(source_out, rate, drop) - frames_from_timecode(
        source_in, rate, drop
    )
    lengths = [
        frames_from_timecode(record_out, rate, mode) - frames_from_timecode(record_in, rate, mode)
        for mode in (True, False)
    ]
    return (lengths[0] == source) - (lengths[1] == source)
