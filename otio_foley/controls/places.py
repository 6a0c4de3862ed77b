"""Record times as an editor reads and writes them."""

from __future__ import annotations

import math
import re
from fractions import Fraction

from otio_foley.errors import InputError, ParseError
from otio_foley.time import (
    frames_from_seconds,
    frames_from_timecode,
    seconds_from_frames,
    timecode_from_frames,
)
from otio_foley.types import Timeline

_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


def timecode(timeline: Timeline, time_s: Fraction) -> str:
    """The timecode, at a timeline's rate, of a time in true seconds since midnight."""
    frame = frames_from_seconds(time_s, timeline.frame_rate)
    if frame < 0:
        return f"-{timecode_from_frames(-frame, timeline.frame_rate, timeline.drop_frame)}"
    return timecode_from_frames(frame, timeline.frame_rate, timeline.drop_frame)


def record_time(at: object, timeline: Timeline, where: str) -> Fraction:
    """Seconds from the timeline's first frame of a record timecode (a text), or of such seconds (a
    number). `where` is what errors begin with.

    Timecodes before the timeline's first are of the next day. Raises InputError.
    """
    if isinstance(at, str):
        return _time_of_timecode(at, timeline, where)
    if isinstance(at, bool) or not isinstance(at, (int, float)):
        raise InputError(
            f"{where}: at has to be a timecode or seconds", hint='write at = "01:00:03:12"'
        )
    if not 0 <= at < math.inf:
        raise InputError(f"{where}: at counts seconds from the cut's first frame, 0 or more")
    return Fraction(at)


def record_time_of_text(text: str, timeline: Timeline, where: str) -> Fraction:
    """As `record_time`, where seconds are a text too (`12.5`)."""
    if _SECONDS.fullmatch(text):
        return Fraction(text)
    return _time_of_timecode(text, timeline, where)


def _time_of_timecode(text: str, timeline: Timeline, where: str) -> Fraction:
    rate, drop_frame = timeline.frame_rate, timeline.drop_frame
    try:
        frame = frames_from_timecode(text, rate, drop_frame)
    except ParseError as error:
        raise InputError(f"{where}: {error}", hint=error.hint) from error
    record_s = seconds_from_frames(frame, rate) - timeline.start_s
    if record_s < 0:
        day = frames_from_timecode("24:00:00:00", rate, drop_frame)
        record_s += seconds_from_frames(day, rate)
    return record_s
