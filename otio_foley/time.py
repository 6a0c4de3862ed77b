"""The only place where one clock becomes another.

Three clocks: exact rational seconds on a timeline, float seconds inside a movie (from its first
presentation time), integer samples in audio. Timecode is a label for a frame number: at
24000/1001 the label 01:00:00:00 is frame 86400, which is 3603.6 s.
"""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import pairwise

from otio_foley.errors import ParseError
from otio_foley.types import TimeMap

#: Rates that film, video and old film transfers use; what a movie of another rate says of a cut's
#: rate is not to be relied on.
STANDARD_RATES = frozenset(
    [Fraction(n) for n in (12, 15, 16, 18, 24, 25, 30, 48, 50, 60, 100, 120)]
    + [Fraction(n * 1000, 1001) for n in (24, 30, 48, 60, 120)]
)

_TIMECODE = re.compile(r"^(\d{1,2})[:;.](\d{2})[:;.](\d{2})([:;.,])(\d{2,3})$")


def rate_from_float(rate: float) -> Fraction:
    """Exact frame rate for a decimal one: 23.976 and 23.98 -> 24000/1001, 25.0 -> 25.

    A decimal within 0.03 % of an NTSC rate n * 1000/1001 is taken as that rate (23.98 is the
    coarsest spelling in use), since no other rate in use lies there. Raises ValueError for what
    cannot be a rate.
    """
    if not 0 < rate < 100_000:
        raise ValueError(f"not a frame rate: {rate!r}")
    nominal = round(rate)
    if nominal and abs(rate - nominal) < 1e-6:
        return Fraction(nominal)
    ntsc = Fraction(nominal * 1000, 1001)
    if nominal and abs(rate - float(ntsc)) < 0.0003 * nominal:
        return ntsc
    return Fraction(rate).limit_denominator(100_000)


def nominal_rate(frame_rate: Fraction) -> int:
    """Frames counted in one second of timecode: 24 for 24000/1001."""
    numerator, denominator = frame_rate.numerator, frame_rate.denominator
    return max(1, (2 * numerator + denominator) // (2 * denominator))


def frames_from_timecode(timecode: str, frame_rate: Fraction, drop_frame: bool = False) -> int:
    """Frame number of a timecode label (SMPTE ST 12-1).

    A `;`, `.` or `,` before the frames counts as drop frame where the rate knows it. Raises
    ParseError for text that is not a timecode, or whose fields are out of range.
    """
    match = _TIMECODE.match(timecode.strip())
    nominal = nominal_rate(frame_rate)
    if match is None:
        raise ParseError(f"not a timecode: {timecode!r}", hint="expected HH:MM:SS:FF")
    hours, minutes, seconds, frames = map(int, match.group(1, 2, 3, 5))
    if minutes > 59 or seconds > 59 or frames >= nominal:
        raise ParseError(
            f"timecode {timecode!r} does not exist at {nominal} frames a second",
            hint="give the frame rate of the cut",
        )
    total_minutes = hours * 60 + minutes
    total = (total_minutes * 60 + seconds) * nominal + frames
    if (drop_frame or match[4] != ":") and knows_drop_frame(frame_rate):
        total -= _dropped_per_minute(frame_rate) * (total_minutes - total_minutes // 10)
    return total


def timecode_from_frames(frame: int, frame_rate: Fraction, drop_frame: bool = False) -> str:
    """Timecode label of a frame number >= 0; drop frame is written with `;`. Wraps at 24 hours."""
    if frame < 0:
        raise ValueError(f"no timecode before zero: frame {frame}")
    nominal = nominal_rate(frame_rate)
    separator = ":"
    if drop_frame and knows_drop_frame(frame_rate):
        separator = ";"
        drop = _dropped_per_minute(frame_rate)
        per_minute = nominal * 60 - drop
        per_ten = per_minute * 10 + drop
        tens, rest = divmod(frame, per_ten)
        frame += drop * 9 * tens
        if rest >= drop:
            frame += drop * ((rest - drop) // per_minute)
    seconds, frames = divmod(frame, nominal)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours % 24:02}:{minutes:02}:{seconds:02}{separator}{frames:02}"


def knows_drop_frame(frame_rate: Fraction) -> bool:
    """Drop frame exists at 30000/1001, 60000/1001 and 120000/1001 only."""
    return frame_rate.denominator == 1001 and nominal_rate(frame_rate) % 30 == 0


def _dropped_per_minute(frame_rate: Fraction) -> int:
    return nominal_rate(frame_rate) // 15


def seconds_from_frames(frame: int | Fraction, frame_rate: Fraction) -> Fraction:
    return Fraction(
        frame.numerator * frame_rate.denominator, frame.denominator * frame_rate.numerator
    )


def frames_from_seconds(time_s: Fraction, frame_rate: Fraction) -> int:
    """The frame that is nearest to an exact time (halves go up)."""
    return _nearest(
        time_s.numerator * frame_rate.numerator, time_s.denominator * frame_rate.denominator
    )


def samples_from_seconds(time_s: Fraction | float, sample_rate_hz: int) -> int:
    """The sample that is nearest to a time (halves go up)."""
    exact_s = Fraction(time_s)
    return _nearest(exact_s.numerator * sample_rate_hz, exact_s.denominator)


def _nearest(numerator: int, denominator: int) -> int:
    """The nearest whole number, halves up; in integers, for a cut asks for thousands of these."""
    return (2 * numerator + denominator) // (2 * denominator)


def linear_map(source_start_s: Fraction, duration_s: Fraction, speed: Fraction) -> TimeMap:
    """A clip at constant speed: 1 as shot, 1/2 slow motion, -1 reverse, 0 freeze.

    `source_start_s` is the source time at the clip's first frame.
    """
    return TimeMap(
        points=(
            (Fraction(0), source_start_s),
            (duration_s, source_start_s + duration_s * speed),
        )
    )


def source_at(time_map: TimeMap, record_offset_s: Fraction) -> Fraction:
    """Source time that is seen at a record offset; beyond the ends the end slopes go on."""
    points = time_map.points
    segment = 0
    while segment < len(points) - 2 and record_offset_s >= points[segment + 1][0]:
        segment += 1
    (r0, s0), (r1, s1) = points[segment], points[segment + 1]
    return s0 + (record_offset_s - r0) * (s1 - s0) / (r1 - r0)


def source_extent(time_map: TimeMap) -> tuple[Fraction, Fraction]:
    """Lowest and highest source time that a clip shows."""
    sources = [source for _, source in time_map.points]
    return min(sources), max(sources)


def playings(time_map: TimeMap, source_s: Fraction) -> tuple[tuple[Fraction, Fraction], ...]:
    """Every (record offset, speed) at which a source time is seen; frozen segments show none.

    Segments are half-open in record time, so that a joint is not counted twice.
    """
    found = []
    for (r0, s0), (r1, s1) in pairwise(time_map.points):
        # Exact division is dear: first see whether the segment shows it at all.
        if s0 <= source_s < s1 or s1 < source_s <= s0:
            speed = (s1 - s0) / (r1 - r0)
            found.append((r0 + (source_s - s0) / speed, speed))
    return tuple(found)
