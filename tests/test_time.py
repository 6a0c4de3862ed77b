"""Clocks: every timecode in use is on the right frame after ten hours."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otio_foley.errors import FoleyError, ParseError
from otio_foley.time import (
    frames_from_seconds,
    frames_from_timecode,
    knows_drop_frame,
    linear_map,
    nominal_rate,
    playings,
    rate_from_float,
    samples_from_seconds,
    seconds_from_frames,
    source_at,
    source_extent,
    timecode_from_frames,
)
from otio_foley.types import TimeMap

_CLOCKS = (
    (Fraction(24000, 1001), False),
    (Fraction(24), False),
    (Fraction(25), False),
    (Fraction(30000, 1001), True),
    (Fraction(30000, 1001), False),
    (Fraction(30), False),
    (Fraction(48000, 1001), False),
    (Fraction(48), False),
    (Fraction(50), False),
    (Fraction(60000, 1001), True),
    (Fraction(60000, 1001), False),
    (Fraction(60), False),
)
_TEN_HOURS_S = 36_000


@pytest.mark.parametrize(("rate", "drop"), _CLOCKS)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_frame_to_seconds_to_samples_to_timecode_and_back(
    rate: Fraction, drop: bool, data: st.DataObject
) -> None:
    frame = data.draw(st.integers(0, int(_TEN_HOURS_S * rate)))
    time_s = seconds_from_frames(frame, rate)
    assert frames_from_seconds(time_s, rate) == frame
    samples = samples_from_seconds(time_s, 48_000)
    assert abs(Fraction(samples, 48_000) - time_s) <= Fraction(1, 96_000)
    assert frames_from_seconds(Fraction(samples, 48_000), rate) == frame
    label = timecode_from_frames(frame, rate, drop)
    assert frames_from_timecode(label, rate, drop) == frame
    assert label[8] == (";" if drop else ":")


@pytest.mark.parametrize(("rate", "drop"), _CLOCKS)
def test_labels_rise_frame_by_frame_over_every_minute(rate: Fraction, drop: bool) -> None:
    per_minute = nominal_rate(rate) * 60
    for minute in (0, 1, 2, 9, 10, 11, 59, 60, 599, 600):
        around = range(max(0, minute * per_minute - 1100), minute * per_minute + 5, 7)
        for frame in around:
            label = timecode_from_frames(frame, rate, drop)
            assert frames_from_timecode(label, rate, drop) == frame


@pytest.mark.parametrize(
    ("label", "rate", "drop", "frame"),
    [
        ("00:01:00;02", Fraction(30000, 1001), True, 1800),
        ("00:00:59;29", Fraction(30000, 1001), True, 1799),
        ("00:10:00;00", Fraction(30000, 1001), True, 17982),
        ("01:00:00;00", Fraction(30000, 1001), True, 107892),
        ("01:00:00:00", Fraction(30000, 1001), False, 108000),
        ("01:00:00;00", Fraction(60000, 1001), True, 215784),
        ("00:01:00;04", Fraction(60000, 1001), True, 3600),
        ("01:00:00:00", Fraction(24000, 1001), False, 86400),
        ("10:00:00:00", Fraction(25), False, 900_000),
        ("1:00:00.00", Fraction(25), False, 90_000),
    ],
)
def test_known_timecodes(label: str, rate: Fraction, drop: bool, frame: int) -> None:
    assert frames_from_timecode(label, rate, drop) == frame


def test_one_hour_of_timecode_in_true_seconds() -> None:
    rate = Fraction(24000, 1001)
    assert seconds_from_frames(frames_from_timecode("01:00:00:00", rate), rate) == Fraction(
        "3603.6"
    )
    drop_s = seconds_from_frames(107892, Fraction(30000, 1001))
    assert abs(drop_s - 3600) < Fraction(1, 250)


def test_timecode_wraps_at_midnight() -> None:
    assert timecode_from_frames(24 * 3600 * 25, Fraction(25)) == "00:00:00:00"
    with pytest.raises(ValueError):
        timecode_from_frames(-1, Fraction(25))


@pytest.mark.parametrize(
    "label", ["", "1", "00:00:00", "aa:00:00:00", "00:61:00:00", "00:00:00:25"]
)
def test_what_is_no_timecode_is_refused(label: str) -> None:
    with pytest.raises(ParseError):
        frames_from_timecode(label, Fraction(25))


@pytest.mark.parametrize(
    ("decimal", "rate"),
    [
        (23.976, Fraction(24000, 1001)),
        (23.98, Fraction(24000, 1001)),
        (23.976023976, Fraction(24000, 1001)),
        (24.0, Fraction(24)),
        (25.0, Fraction(25)),
        (29.97, Fraction(30000, 1001)),
        (30.0, Fraction(30)),
        (47.952, Fraction(48000, 1001)),
        (48.0, Fraction(48)),
        (50.0, Fraction(50)),
        (59.94, Fraction(60000, 1001)),
        (60.0, Fraction(60)),
        (119.88, Fraction(120000, 1001)),
        (12.5, Fraction(25, 2)),
        (48000.0, Fraction(48000)),
    ],
)
def test_decimal_rates_become_exact(decimal: float, rate: Fraction) -> None:
    assert rate_from_float(decimal) == rate


@pytest.mark.parametrize("decimal", [0.0, -24.0, float("nan"), float("inf"), 1e9])
def test_impossible_rates_are_refused(decimal: float) -> None:
    with pytest.raises(ValueError):
        rate_from_float(decimal)


@pytest.mark.parametrize("rate", [Fraction(24), Fraction(25), Fraction(24000, 1001), Fraction(30)])
def test_drop_frame_exists_at_ntsc_multiples_of_thirty_only(rate: Fraction) -> None:
    assert not knows_drop_frame(rate)
    assert frames_from_timecode("00:01:00:02", rate, True) == frames_from_timecode(
        "00:01:00:02", rate
    )


@given(st.text(max_size=14))
@settings(max_examples=200, deadline=None)
def test_any_text_is_a_timecode_or_a_parse_error(text: str) -> None:
    try:
        assert frames_from_timecode(text, Fraction(30000, 1001)) >= 0
    except FoleyError as error:
        assert error.hint


@pytest.mark.parametrize("speed", [Fraction(1), Fraction(1, 2), Fraction(-2), Fraction(7, 3)])
def test_a_linear_map_plays_each_source_time_once(speed: Fraction) -> None:
    time_map = linear_map(Fraction(10), Fraction(4), speed)
    for offset_s in (Fraction(0), Fraction(1, 3), Fraction(39, 10)):
        source_s = source_at(time_map, offset_s)
        assert source_s == 10 + offset_s * speed
        assert playings(time_map, source_s) == ((offset_s, speed),)
    assert source_extent(time_map) == tuple(sorted((Fraction(10), 10 + 4 * speed)))


def test_a_freeze_plays_nothing_and_a_joint_once() -> None:
    assert playings(linear_map(Fraction(3), Fraction(2), Fraction(0)), Fraction(3)) == ()
    there_and_back = TimeMap(
        points=((Fraction(0), Fraction(0)), (Fraction(2), Fraction(2)), (Fraction(4), Fraction(0)))
    )
    assert playings(there_and_back, Fraction(1)) == (
        (Fraction(1), Fraction(1)),
        (Fraction(3), Fraction(-1)),
    )
    assert playings(there_and_back, Fraction(2)) == ((Fraction(2), Fraction(-1)),)
