"""CMX3600 lists: what is read, exactly; what is written behind it; what is taken out again."""

from __future__ import annotations

import json
import random
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from timelines.stems import stem_for

from otio_foley.errors import FoleyError, OutputError, ParseError
from otio_foley.time import seconds_from_frames
from otio_foley.timelines.dialect import GENERIC, Dialect
from otio_foley.timelines.document import NAMESPACE, TextDocument, open_text
from otio_foley.timelines.edl import cut as edl
from otio_foley.timelines.edl.lines import read_list
from otio_foley.timelines.paths import media_path_from
from otio_foley.timelines.registry import open_bytes, open_document
from otio_foley.timelines.visible import visible_spans
from otio_foley.types import Clip, Marker, StemClip, Timeline

_DATA = Path(__file__).parents[1] / "data" / "edl"
_SHARED = Path(__file__).parents[3] / "shared" / "timelines"
_REAL = sorted(_SHARED.rglob("*.edl")) if _SHARED.is_dir() else []
_OWN = sorted(_DATA.glob("*.edl"))
_NTSC = Fraction(30000, 1001)


def _open(text: str, rate: Fraction | None = Fraction(24), codec: str = "utf-8") -> TextDocument:
    return open_text("edl", text.encode(codec), edl.parse, rate)


def _read(*lines: str, rate: Fraction | None = Fraction(24)) -> Timeline:
    return _open("\n".join(("TITLE: T", *lines, "")), rate).timeline()


def _frames(clip: Clip, rate: Fraction = Fraction(24)) -> tuple[Fraction, ...]:
    """(record in, record out, source in, source out) in frames."""
    (_, first), (_, last) = clip.time_map.points
    times = (clip.record.start_s, clip.record.end_s, first, last)
    return tuple(time_s * rate for time_s in times)


def _stems(timeline: Timeline) -> list[StemClip]:
    """A stem on every clip, on the first track from its layer up that is free there."""
    stems: list[StemClip] = []
    ends: dict[int, Fraction] = {}
    for clip in timeline.clips:
        track = clip.layer
        while ends.get(track, Fraction(-1)) > stem_for(clip, timeline).record.start_s:
            track += 1
        stem = stem_for(clip, timeline, track)
        ends[track] = stem.record.end_s
        stems.append(stem)
    return stems


# --- reading ---------------------------------------------------------------------------------


def test_an_avid_list() -> None:
    timeline = open_document(_DATA / "avid.edl").timeline()
    assert (timeline.name, timeline.frame_rate, timeline.start_s) == ("REEL 1 LOCK", 24, 3600)
    assert timeline.frame_rate_assumed and not timeline.drop_frame
    found = [(clip.name, clip.media_path, clip.reel) for clip in timeline.clips]
    assert found[:3] == [
        ("12-1A*", "A001C003_260101_R1AB", "A001C003"),
        ("12B-2*", "B002C007_260101_R2CD", "B002C007"),
        (
            "12C-1 THE LONG NAME OF A TAKE WHICH GOES ON UNTIL THE LINE IS FULL.MOV",
            "12C-1 THE LONG NAME OF A TAKE WHICH GOES ON UNTIL THE LINE IS FULL.MOV",
            "C003C001",
        ),
    ]
    assert [_frames(clip) for clip in timeline.clips] == [
        (0, 108, 864000, 864108),  # to the end of the dissolve that leaves it
        (96, 144, 993600, 993648),  # the clip that a dissolve goes to
        (144, 192, 777600, 777696),  # 48 frames a second: twice as fast
        (192, 216, 86410, 86410),  # a freeze
        (216, 240, 172824, 172800),  # reverse: the range is what is shown
        (240, 264, 259440, 259416),  # reverse: the range is where it begins
    ]
    assert [(marker.record_s, marker.name) for marker in timeline.markers] == [(7, "CHECK THIS")]
    assert [(skipped.name, "black" in skipped.reason) for skipped in timeline.skipped] == [
        ("BL", True)
    ]
    assert all(clip.media_start_s is None for clip in timeline.clips)


def test_long_blank_and_missing_reels_and_missing_last_newline() -> None:
    timeline = open_document(_DATA / "resolve_long_reels_crlf.edl").timeline()
    first, second, third = timeline.clips
    assert first.reel == "A_0113C007_250602_103141_h1D4P"
    assert (first.media_path, first.name) == ("AP002A-3.mov", "AP002A-3.mov")
    assert (second.reel, second.layer) == ("TAPE 7 B", 2)
    assert second.media_path == "D:/media/sub dir/second.mxf"
    assert (third.reel, third.name, third.media_path) == (None, "third", None)
    assert timeline.frame_rate == 25 and timeline.frame_rate_assumed


def test_drop_frame_and_latin_1() -> None:
    document = open_document(_DATA / "drop_frame_latin1.edl")
    timeline = document.timeline()
    assert (timeline.name, timeline.frame_rate, timeline.drop_frame) == ("Frühstück", _NTSC, True)
    assert document.parsed.encoding == "latin-1"
    assert timeline.start_s == seconds_from_frames(107892 + 1798, _NTSC)
    assert [_frames(clip, _NTSC) for clip in timeline.clips] == [
        (0, 4, 1798, 1802),
        (4, 34, 0, 30),
    ]
    assert [clip.media_path for clip in timeline.clips] == ["Küche.mov", "Flur.mov"]


def test_where_the_fcm_changes_it_speaks_of_the_sources() -> None:
    timeline = open_document(_DATA / "fcm_changes.edl").timeline()
    assert not timeline.drop_frame
    assert timeline.start_s == seconds_from_frames(3658 * 30, _NTSC)
    one, two, three = timeline.clips
    assert _frames(one, _NTSC) == (0, 120, 3658 * 30, 3662 * 30)
    assert _frames(two, _NTSC) == (120, 160, 107892, 107932)  # with the dissolve that follows
    assert _frames(three, _NTSC) == (150, 179, 216000, 216029)
    assert [clip.name for clip in timeline.clips] == ["ONE", "TWO", "THREE"]


_CUT = "001  A V C 00:00:00:00 00:00:01:00 01:00:00:00 01:00:01:00"


@pytest.mark.parametrize(
    ("line", "reel", "layer"),
    [
        ("1 A001 V C 00:00:00:00 00:00:01:00 01:00:00:00 01:00:01:00", "A001", 1),
        ("000123  A001 V3 C 00:00:00:00 00:00:01:00 01:00:00:00 01:00:01:00", "A001", 3),
        ("001 A001 AA/V C 00:00:00:00 00:00:01:00 01:00:00:00 01:00:01:00", "A001", 1),
        ("001 A001 B C 00:00:00:00 00:00:01:00 01:00:00:00 01:00:01:00", "A001", 1),
        ("000 000 V1A1A2 C 00:00:00:00 00:00:01:00 01:00:00:00 01:00:01:00", "000", 1),
        ("003 002 C 00:00:00:00 00:00:01:00 01:00:00:00 01:00:01:00", "002", 1),
        ("001 A001 V W001 024 00:00:00:00 00:00:01:00 01:00:00:00 01:00:01:00", "A001", 1),
        ("001 A001 V K B 00:00:00:00 00:00:01:00 01:00:00:00 01:00:01:00", "A001", 1),
        ("001 A001 V K 024 00:00:00:00 00:00:01:00 01:00:00:00 01:00:01:00", "A001", 2),
        ("001 A001 V K O 024 00:00:00:00 00:00:01:00 01:00:00:00 01:00:01:00", "A001", 2),
        ("001 A001 V 024 00:00:00:00 00:00:01:00 01:00:00:00 01:00:01:00", "A001", 1),
        ("001 A001 V C 0:00:00:00 0:00:01:00 1:00:00:00 1:00:01:00 TRAILING", "A001", 1),
        ("  001\tA001\tV\tC\t00:00:00:00\t00:00:01:00\t01:00:00:00\t01:00:01:00", "A001", 1),
    ],
)
def test_event_lines_in_use(line: str, reel: str, layer: int) -> None:
    (clip,) = _read(line).clips
    assert (clip.reel, clip.layer, _frames(clip)) == (reel, layer, (0, 24, 0, 24))


@pytest.mark.parametrize("channels", ["A", "A2", "A12", "AA", "NONE", "A1/A2"])
def test_sound_is_no_picture(channels: str) -> None:
    timeline = _read(f"001 R {channels} C 00:00:00:00 00:00:01:00 01:00:05:00 01:00:06:00")
    assert not timeline.clips and not timeline.skipped
    assert timeline.start_s == 3605


@pytest.mark.parametrize(
    ("comments", "path", "name"),
    [
        (("* FROM CLIP NAME: a.mov",), "a.mov", "a.mov"),
        (("*FROM CLIP NAME:  a b",), None, "a b"),
        (("FROM CLIP NAME: a.MXF ",), "a.MXF", "a.MXF"),
        (("COMMENT:* FROM CLIP NAME: a.MOV",), "a.MOV", "a.MOV"),
        (("* FROM CLIP NAME: a.NEW",), None, "a.NEW"),
        (("* FROM CLIP NAME: a.01",), None, "a.01"),
        (("* FROM CLIP NAME: a", "* SOURCE FILE: C001"), "C001", "a"),
        (("* FROM CLIP NAME: a", "* FROM CLIP: S:\\x\\y.exr"), "S:/x/y.exr", "a"),
        (("* FROM CLIP NAME: a", "* FROM FILE: /x/y z.mov", "* SOURCE FILE: q"), "/x/y z.mov", "a"),
        (("* FROM CLIP NAME: a", "* FROM CLIP: file:///x/y%20z.mov"), "/x/y z.mov", "a"),
        (("* FROM CLIP NAME: a", "* TO CLIP NAME: b", "* SOURCE FILE: c.mov"), "c.mov", "a"),
        (
            ("* ASC_SOP (1 1 1)(0 0 0)(1 1 1)", "* ASC_SAT 1.0", ">>> SOURCE x", "SPLIT: y"),
            None,
            "A",
        ),
    ],
)
def test_names_and_paths(comments: tuple[str, ...], path: str | None, name: str) -> None:
    (clip,) = _read(_CUT, *comments).clips
    assert (clip.media_path, clip.name) == (path, name)


def test_comments_may_stand_before_their_events() -> None:
    second = _CUT.replace("001", "002").replace(
        "01:00:00:00 01:00:01:00", "01:00:01:00 01:00:02:00"
    )
    timeline = _read("* FROM CLIP NAME: one", _CUT, "* FROM CLIP NAME: two", second)
    assert [clip.name for clip in timeline.clips] == ["one", "two"]


@pytest.mark.parametrize("head", ["* LOC: 01:00:00:00 RED start", "* REEL: 7"])
def test_only_a_clip_name_above_the_first_event_says_that_comments_precede(head: str) -> None:
    second, third = (
        f"00{n} {reel} C 00:00:00:00 00:00:01:00 01:00:0{n}:00 01:00:0{n + 1}:00"
        for n, reel in ((2, "B V"), (3, "S A"))
    )
    timeline = _read(head, _CUT, "* FROM CLIP NAME: a", second, "* FROM CLIP NAME: b", third)
    assert [clip.name for clip in timeline.clips] == ["a", "b"]


def test_a_speed_follows_its_event_where_comments_precede() -> None:
    second = _CUT.replace("001  A", "002  A").replace(
        ":00 01:00:00:00 01:00:01", ":00 01:00:01:00 01:00:02"
    )
    timeline = _read(
        "* FROM CLIP NAME: a", _CUT, "M2 A 048.0 00:00:00:00", "* FROM CLIP NAME: b", second
    )
    assert [(clip.name, *_frames(clip)[2:]) for clip in timeline.clips] == [
        ("a", 0, 48),
        ("b", 0, 24),
    ]


def test_what_stands_below_a_broken_event_is_not_the_one_befores() -> None:
    broken = "002 B V C 02:00:00:00 02:00:05:00 01:00:04:00 01:00:09:0"
    timeline = _read(
        _CUT, broken, "M2 A 048.0 00:00:00:00", "* FROM CLIP NAME: b", "* FREEZE FRAME"
    )
    (clip,) = timeline.clips
    assert (clip.name, *_frames(clip)[2:]) == ("A", 0, 24)
    assert [skipped.name for skipped in timeline.skipped] == [broken]


def test_both_sides_of_a_transition_are_named() -> None:
    timeline = _read(
        "001 ONE V C 00:00:00:00 00:00:02:00 01:00:00:00 01:00:02:00",
        "001 TWO V D 024 00:00:05:00 00:00:07:00 01:00:02:00 01:00:04:00",
        "* FROM CLIP NAME: first.mov",
        "* TO CLIP NAME: second.mov",
    )
    assert [(clip.name, clip.media_path) for clip in timeline.clips] == [
        ("first.mov", "first.mov"),
        ("second.mov", "second.mov"),
    ]


_PAIR = (
    "001 AX V C 01:00:00:00 01:00:04:00 01:00:00:00 01:00:04:00",
    "001 AX V D 024 02:00:00:00 02:00:05:00 01:00:04:00 01:00:09:00",
)


def test_a_dissolve_takes_both_its_clips() -> None:
    timeline = _read(
        "001 A V C 00:00:00:00 00:00:02:00 01:00:00:00 01:00:02:00",
        "002 A V C 00:00:02:00 00:00:02:00 01:00:02:00 01:00:02:00",
        "002 B V D 012 00:01:00:00 00:01:02:00 01:00:02:00 01:00:04:00",
        "M2 B 048.0 00:01:00:00",
        "003 C V W001 006 00:02:00:00 00:02:01:00 01:00:04:00 01:00:05:00",
        "003 BL V D 090 00:00:00:00 00:00:01:00 01:00:05:00 01:00:06:00",
    )
    assert [(clip.name, *_frames(clip)) for clip in timeline.clips] == [
        ("A", 0, 60, 0, 60),
        ("B", 48, 102, 1440, 1548),  # at its own speed
        ("C", 96, 144, 2880, 2928),  # no transition is longer than what it goes to
    ]
    a, b, c = visible_spans(timeline.clips)
    assert [(span.start_s, span.end_s) for (span,) in (a, b, c)] == [
        (0, Fraction(5, 2)),
        (2, Fraction(17, 4)),
        (4, 6),
    ]


@pytest.mark.parametrize(
    "second",
    [
        "002 B V D 012 00:01:00:00 00:01:01:00 01:00:02:00 01:00:03:00",  # not where the first ends
        "002 B V2 D 012 00:01:00:00 00:01:01:00 01:00:01:00 01:00:02:00",  # another layer
        "002 B A D 012 00:01:00:00 00:01:01:00 01:00:01:00 01:00:02:00",  # sound
        "002 B V K 012 00:01:00:00 00:01:01:00 01:00:01:00 01:00:02:00",  # a key
        # A third clip is left, which shows nothing but the transition.
        "002 X V C 00:01:00:00 00:01:00:00 01:00:01:00 01:00:01:00\n"
        "002 B V D 012 00:01:00:00 00:01:01:00 01:00:01:00 01:00:02:00",
    ],
)
def test_what_no_transition_leaves_ends_as_written(second: str) -> None:
    clip = _read(_CUT, second).clips[0]
    assert _frames(clip) == (0, 24, 0, 24)


def test_a_speed_in_a_pair_is_not_the_other_sides() -> None:
    timeline = _read(*_PAIR, "M2 AX 048.0 02:00:00:00")
    assert [_frames(clip)[2:] for clip in timeline.clips] == [(86400, 86520), (172800, 173040)]


def test_comments_between_the_lines_of_a_pair_speak_of_the_first() -> None:
    timeline = _read(
        _PAIR[0],
        "M2 AX 012.0 01:00:00:00",
        "* FROM CLIP NAME: a.mov",
        "* SOURCE FILE: a_camera.mov",
        _PAIR[1],
        "* FROM CLIP NAME: a2.mov",
        "* TO CLIP NAME: b.mov",
    )
    assert [(clip.name, clip.media_path) for clip in timeline.clips] == [
        ("a.mov", "a_camera.mov"),
        ("b.mov", "b.mov"),
    ]
    assert _frames(timeline.clips[0])[2:] == (86400, 86460)


def test_the_side_gone_to_does_not_take_the_path_of_the_one_left() -> None:
    paths = ("* FROM CLIP NAME: a.mov", "* TO CLIP NAME: b.mov", "* FROM CLIP: /x/a.mov")
    left, to = _read(*_PAIR, *paths).clips
    assert (left.media_path, to.media_path) == ("/x/a.mov", "b.mov")
    (alone,) = _read(_PAIR[1], *paths).clips
    assert alone.media_path == "b.mov"
    (alone,) = _read(_PAIR[1], "* FROM CLIP: /x/a.mov").clips
    assert alone.media_path == "/x/a.mov"


def test_a_key_has_a_background_and_a_foreground() -> None:
    timeline = _read(
        "006 001 V C      00:01:08:22 00:01:09:18 00:00:03:23 00:00:04:19",
        "006 001 V K B    00:01:09:18 00:01:10:07 00:00:04:19 00:00:05:08",
        "006 002 V K  000 00:01:08:22 00:01:09:11 00:00:04:19 00:00:05:08",
        "* FROM CLIP NAME: under.mov",
        "* KEY CLIP NAME: over.mov",
    )
    assert [(clip.name, clip.layer, _frames(clip)[0]) for clip in timeline.clips] == [
        ("under.mov", 1, 0),
        ("under.mov", 1, 20),
        ("over.mov", 2, 20),
    ]


def test_reels_may_be_told_in_full() -> None:
    timeline = _read(
        _CUT,
        "FINAL CUT PRO REEL: Long Tape 7 REPLACED BY: A",
        _CUT.replace("001", "002"),
        "* REEL NAME: A001_C002",
    )
    assert [clip.reel for clip in timeline.clips] == ["Long Tape 7", "A001_C002"]


def test_speed_lines_in_a_transition_find_their_event() -> None:
    timeline = _read(
        "005 ONE V C 00:00:01:00 00:00:01:00 01:00:00:00 01:00:00:00",
        "005 TWO V W002 008 00:00:10:00 00:00:12:00 01:00:00:00 01:00:01:00",
        "M2 ONE 012.0 00:00:01:00",
        "M2 TWO 048.0 00:00:10:00",
    )
    assert [_frames(clip) for clip in timeline.clips] == [(0, 24, 240, 288)]


@pytest.mark.parametrize(
    ("source", "record", "speed_line", "frames"),
    [
        ("00:00:00:00 00:00:01:00", "01:00:00:00 01:00:02:00", "", (0, 24)),
        ("00:00:00:00 00:00:02:01", "01:00:00:00 01:00:02:00", "", (0, 48)),
        ("00:00:00:00 00:00:00:00", "01:00:00:00 01:00:02:00", "", (0, 48)),
        ("00:00:00:00 00:00:01:00", "01:00:00:00 01:00:02:00", "M2 A 012.0 00:00:00:00", (0, 24)),
        (
            "00:00:00:00 00:00:03:23",
            "01:00:00:00 01:00:02:00",
            "M2 A +047.6",
            (0, Fraction(476, 5)),
        ),
        ("00:00:00:00 00:00:02:00", "01:00:00:00 01:00:02:00", "M2 A 030.0", (0, 48)),
        ("00:00:00:00 00:00:02:00", "01:00:00:00 01:00:02:00", "M2 A 048.0", (0, 96)),
        ("00:00:01:00 00:00:01:01", "01:00:00:00 01:00:02:00", "M2 A 000.0", (24, 24)),
        ("00:00:01:00 00:00:01:01", "01:00:00:00 01:00:02:00", "* * FREEZE FRAME", (24, 24)),
        ("23:59:59:00 00:00:01:00", "01:00:00:00 01:00:02:00", "", (2073576, 2073624)),
        # The ranges say what the M2 line says, and say it exactly.
        ("00:00:00:00 00:01:40:04", "01:00:00:00 01:01:40:00", "M2 A 024.0", (0, 2404)),
        ("00:00:00:00 00:01:40:01", "01:00:00:00 01:01:40:00", "M2 A 024.0", (0, 2400)),
        ("00:00:00:00 00:00:33:08", "01:00:00:00 01:01:40:00", "M2 A -008.0", (800, 0)),
        # Another's reel and source time; a reel cut short.
        ("00:00:00:00 00:00:02:00", "01:00:00:00 01:00:02:00", "M2 X 048.0 09:00:00:00", (0, 48)),
        ("00:00:00:00 00:00:02:00", "01:00:00:00 01:00:02:00", "M2 X 048.0 00:00:00:00", (0, 96)),
        ("00:00:00:00 00:00:02:00", "01:00:00:00 01:00:02:00", "M2 A01 048.0", (0, 96)),
        ("00:00:00:00 00:00:02:00", "01:00:00:00 01:00:02:00", "M2 048.0", (0, 96)),
    ],
)
def test_source_and_record_ranges_that_differ(
    source: str, record: str, speed_line: str, frames: tuple[int, Fraction]
) -> None:
    (clip,) = _read(f"001 A V C {source} {record}", speed_line).clips
    assert _frames(clip)[1] in (48, 2400)
    assert _frames(clip)[2:] == frames


def test_a_speed_may_be_counted_by_the_true_rate() -> None:
    rate = Fraction(24000, 1001)
    line = "001 A V C 01:00:00:00 01:02:00:00 01:00:00:00 01:01:00:00"
    (clip,) = _read(line, "M2 A 047.952 01:00:00:00", rate=rate).clips
    assert _frames(clip, rate) == (0, 1440, 86400, 89280)


def test_what_records_nothing_or_no_movie_is_no_clip() -> None:
    timeline = _read(
        "001 A V C 00:00:00:00 00:00:01:00 01:00:00:00 01:00:00:00",
        "002 BL V C 00:00:00:00 00:00:01:00 01:00:00:00 01:00:01:00",
        "003 BARS V C 00:00:00:00 00:00:01:00 01:00:01:00 01:00:02:00",
        "004 AX V C 00:00:00:00 00:00:01:00 01:00:02:00 01:00:03:00",
        "* FROM CLIP NAME: Black Video",
        "005 A V C 00:00:00:00 00:00:01:00 01:00:09:00 01:00:08:00",
        "006 A V C 00:00:00:00 00:00:01 01:00:09:00 01:00:10:00",
        "007 A V C 00:00:00:00 00:00:01:00 01:00:03:00 01:00:04:00",
    )
    assert [(clip.name, _frames(clip)[:2]) for clip in timeline.clips] == [("A", (72, 96))]
    reasons = {skipped.name[:11]: skipped.reason for skipped in timeline.skipped}
    assert set(reasons) == {"BL", "BARS", "Black Video", "A", "006 A V C 0"}
    assert "line 8" in reasons["006 A V C 0"] and "line 7" in reasons["A"]


def test_events_that_last_no_time_are_named_unless_they_lead_a_transition() -> None:
    timeline = _read(
        "001 AA1 V C 00:00:00:00 00:00:01:00 01:00:00:00 01:00:01:00",
        "002 AA1 V C 00:00:01:00 00:00:01:00 01:00:01:00 01:00:01:00",
        "002 BB2 V D 012 00:00:00:00 00:00:01:00 01:00:01:00 01:00:02:00",
        "003 CC3 V C 00:00:00:00 00:00:01:00 01:00:02:00 01:00:02:00",
        "* FROM CLIP NAME: flash",
        "004 DD4 A C 00:00:00:00 00:00:01:00 01:00:02:00 01:00:02:00",
        "005 EE5 V C 00:00:00:00 00:00:01:00 01:00:02:00 01:00:03:00",
        "006 FF6 V C 00:00:00:00 00:00:00:00 01:00:02:12 01:00:02:12",
        " |C:ResolveColorBlue |M:look here |D:1",
    )
    assert [clip.name for clip in timeline.clips] == ["AA1", "BB2", "EE5"]
    assert [(one.name, one.reason) for one in timeline.skipped] == [
        ("flash", "line 5: it lasts no time in the record")
    ]
    assert [marker.name for marker in timeline.markers] == ["look here"]


@pytest.mark.parametrize(
    ("line", "reel", "rate", "timecode"),
    [
        ("M2   A001C003       048.0                09:00:00:00 ", "A001C003", "048.0", True),
        ("m2 TAPE  7 -024.0", "TAPE  7", "-024.0", False),
        ("M2 024.0 09:00:00:00", "", "024.0", True),
        ("M2 12 24", "12", "24", False),
        ("M2 AX 24 fast", None, "", False),
        ("M2 AX 09:00:00:00", None, "", False),
        ("M2", None, "", False),
        ("M20 AX 024.0", None, "", False),
    ],
)
def test_speed_lines(line: str, reel: str | None, rate: str, timecode: bool) -> None:
    (event,) = read_list(f"{_CUT}\n{line}\n".encode()).events
    found = [(one.reel, one.frames_per_second, one.timecode) for one in event.speeds]
    assert found == ([] if reel is None else [(reel, rate, "09:00:00:00" if timecode else None)])


def test_a_record_range_over_midnight() -> None:
    (clip,) = _read("001 A V C 00:00:00:00 00:00:02:00 23:59:59:00 00:00:01:00").clips
    assert _frames(clip)[:2] == (0, 48)


def test_a_cut_over_midnight_runs_on() -> None:
    document = _open(
        "001 A V C 01:00:00:00 01:00:20:00 23:59:50:00 00:00:10:00\n"
        "* LOC: 00:00:05:00 RED here\n"
        "002 B V C 01:00:00:00 01:00:10:00 00:00:10:00 00:00:20:00\n"
    )
    timeline = document.timeline()
    assert timeline.start_s == 86390
    assert [(clip.name, *_frames(clip)[:2]) for clip in timeline.clips] == [
        ("A", 0, 480),
        ("B", 480, 720),
    ]
    assert [marker.record_s for marker in timeline.markers] == [15]
    added = document.add([stem_for(timeline.clips[1], timeline)])
    assert read_list(added.raw).events[-1].timecodes[2:] == ("00:00:10:00", "00:00:20:00")
    assert added.timeline() == timeline


def test_resolves_marker_lists_are_markers() -> None:
    timeline = _read(
        "001 001 V C 01:00:02:00 01:00:02:01 01:00:02:00 01:00:02:01 ",
        " |C:ResolveColorBlue |M:look here |D:1",
        _CUT,
    )
    assert [(marker.record_s, marker.name) for marker in timeline.markers] == [(2, "look here")]
    assert len(timeline.clips) == 1


@pytest.mark.parametrize(
    ("timecode", "head", "rate", "assumed"),
    [
        ("00:00:01:23", "", Fraction(24), True),
        ("00:00:01:24", "", Fraction(25), True),
        ("00:00:01:29", "", Fraction(30), True),
        ("00:00:01:47", "", Fraction(50), True),
        ("00:00:01:59", "", Fraction(60), True),
        ("00:00:01:20", "FCM: DROP FRAME", _NTSC, True),
        ("00:00:01;20", "", _NTSC, True),
        ("00:00:01;59", "", Fraction(60000, 1001), True),
        ("00.00.01.24", "", Fraction(25), True),
        ("00:00:01.24", "", Fraction(25), True),
        ("00:00:01:23", "* FRAME RATE: 23.976", Fraction(24000, 1001), False),
        ("00:00:01:23", "FPS: 25", Fraction(25), False),
        ("00:00:01:29", "FPS: 25", Fraction(30), True),
        ("00:00:01:23", "* FROM CLIP NAME: X (47.56 FPS)", Fraction(24), True),
        ("00:00:01:23", "FCM: NON DROP FRAME", Fraction(24), True),
    ],
)
def test_the_frame_rate_is_found(timecode: str, head: str, rate: Fraction, assumed: bool) -> None:
    line = f"001 A V C 00:00:00:00 {timecode} 01:00:00:00 01:{timecode[3:]}"
    timeline = _read(head, line, rate=None)
    assert (timeline.frame_rate, timeline.frame_rate_assumed) == (rate, assumed)


@pytest.mark.parametrize(
    ("source", "record", "drop"),
    [
        ("01:00:00;00 01:10:00;00", "01:00:00:00 01:10:00:00", True),  # by the FCM
        ("01:00:00:00 01:10:00:00", "01:00:00.00 01:10:00.00", True),  # by its own dot
        ("01:00:00:00 01:10:00:00", "01:00:00:00 01:10:00:00", True),
    ],
)
def test_drop_frame_of_the_record(source: str, record: str, drop: bool) -> None:
    document = _open(f"FCM: DROP FRAME\n001 A V C {source} {record}\n", _NTSC)
    timeline = document.timeline()
    assert timeline.drop_frame is drop
    assert timeline.start_s == seconds_from_frames(107892, _NTSC)
    event = read_list(document.add(_stems(timeline)).raw).events[-1]
    assert (";" in event.timecodes[2]) == ("." in record)


def test_dots_throughout_do_not_mean_drop_frame() -> None:
    line = "001 A V C 01.00.00.00 01.00.01.00 01.00.00.00 01.00.01.00"
    assert not _read(line, rate=_NTSC).drop_frame


def test_a_given_rate_counts_and_has_to_fit() -> None:
    line = "001 A V C 00:00:00:00 00:00:01:24 01:00:00:00 01:00:01:24"
    timeline = _read(line, rate=Fraction(30))
    assert (timeline.frame_rate, timeline.frame_rate_assumed) == (30, False)
    for rate in (Fraction(24), Fraction(24000, 1001), Fraction(0)):
        with pytest.raises(ParseError) as caught:
            _read(line, rate=rate)
        assert caught.value.hint
    with pytest.raises(ParseError, match="line 2"):
        _read(line, rate=Fraction(24))
    document = _open(f"{line}\n", None).with_frame_rate(Fraction(50))
    assert document.timeline().frame_rate == 50


@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(25), Fraction(60000, 1001)])
def test_ten_hours_in_it_is_still_the_right_frame(rate: Fraction) -> None:
    line = "001 A V C 20:00:00:00 20:00:01:00 {}:00:00:00 {}:00:01:00"
    timeline = _read(line.format("00", "00"), line.format("10", "10"), rate=rate)
    frames = 36_000 * round(rate)
    assert timeline.clips[1].record.start_s == frames / rate
    assert timeline.clips[1].time_map.points[0][1] == 2 * frames / rate


@pytest.mark.parametrize(
    "text", ["", "\0\0", "TITLE: only\n", "hello", "001 A V C 00:00:00:00\n", "\x1a", "001\n" * 9]
)
def test_a_list_without_events_is_an_error(text: str) -> None:
    with pytest.raises(ParseError) as caught:
        _open(text)
    assert caught.value.hint


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
@pytest.mark.parametrize("end", ["", "\n", "\n\x1a", " \x1a", "\n\x1a\n"])
def test_line_ends_codecs_and_ends_of_file(newline: str, codec: str, end: str) -> None:
    text = f"TITLE: Tür\n{_CUT}\n* FROM CLIP NAME: Tür.mov{end}".replace("\n", newline)
    document = _open(text, codec=codec)
    timeline = document.timeline()
    assert (timeline.name, timeline.clips[0].media_path) == ("Tür", "Tür.mov")
    added = document.add(_stems(timeline))
    assert added.timeline() == timeline
    assert [event.reel for event in read_list(added.raw).events] == ["A", "FS1"]
    assert added.raw.decode(codec).endswith(end.lstrip("\n ").replace("\n", newline) or newline)
    assert added.strip().exact and added.strip().document.raw == document.raw


@pytest.mark.parametrize("end", ["\x1a\r\n\r\n", "\x1a\r\n \r\n\0"])
def test_nothing_is_added_behind_an_end_of_file_mark(end: str) -> None:
    document = _open(f"{_CUT}\r\n{end}")
    added = document.add(_stems(document.timeline()))
    assert added.raw.endswith(end.encode()) and added.raw.count(b"\x1a") == 1
    assert [event.reel for event in read_list(added.raw).events] == ["A", "FS1"]
    assert added.strip().document.raw == document.raw


# --- writing ---------------------------------------------------------------------------------


def test_footstep_events() -> None:
    document = open_document(_DATA / "avid.edl", Fraction(24))
    stems = _stems(document.timeline())[:2]
    text = document.add(stems).raw.decode()[len(document.raw) :]
    lines = text.split("\n")
    # AA and AUD 3 4 are taken: the first free channel is the fifth. 12 frames of handle.
    assert (
        lines[0] == "009  FS1      A5    C        01:00:00:12 01:00:05:00 01:00:00:00 01:00:04:12 "
    )
    assert lines[1].startswith(f"* OTIO-FOLEY {NAMESPACE} UNDO otio-foley-undo:v1;")
    assert lines[2:4] == [
        f"* FROM CLIP NAME: {stems[0].path.name}",
        f"* SOURCE FILE: {stems[0].path.name}",
    ]
    assert lines[4] == f"* FROM CLIP: {stems[0].path}"
    own = [line for line in lines if f"{NAMESPACE} STEM" in line]
    assert max(map(len, lines)) <= 200
    first = "".join(line.split(" ", 5)[5] for line in own[: int(own[0].split()[4].split("/")[1])])
    facts = json.loads(first)
    assert facts["clip_id"] == stems[0].clip_id
    assert facts["provenance"] == dict(stems[0].provenance)
    assert "* LOC: 01:00:00:00 MAGENTA heel left" in lines
    second = next(line for line in lines if line.startswith("010"))
    assert second.startswith("010  FS2      A6 ")
    assert second.endswith("01:00:04:12 01:00:06:12 01:00:04:00 01:00:06:00 ")


def test_a_track_is_a_channel() -> None:
    document = _open(f"{_CUT}\n002  B A2 C 00:00:00:00 00:00:01:00 01:00:00:00 01:00:01:00\n")
    clip = document.timeline().clips[0]
    stems = [stem_for(clip, document.timeline(), track) for track in (1, 2, 5)]
    events = read_list(document.add(stems).raw).events[2:]
    assert [(event.reel, event.channels) for event in events] == [
        ("FS1", "A"),
        ("FS2", "A3"),
        ("FS5", "A4"),
    ]


def test_separate_lists_one_a_track_and_the_cut_as_it_was() -> None:
    document = open_document(_DATA / "drop_frame_latin1.edl")
    clip = document.timeline().clips[1]
    stems = [stem_for(clip, document.timeline(), track) for track in (1, 2)]
    dialect = Dialect(separate=True)
    assert document.add(stems, dialect).is_identical(document)
    first, second = document.sidecars(stems, dialect)
    assert (first.suffix, second.suffix) == ("_FS1.edl", "_FS2.edl")
    text = first.content.decode("latin-1")
    assert text.startswith("TITLE: ")
    assert "FCM: DROP FRAME" in text.splitlines()
    assert "01:01:00;16 01:01:01;16 01:01:00;04 01:01:01;04" in text
    # Whoever takes such a list for a cut is told that there is nothing to work on.
    with pytest.raises(ParseError, match="no event"):
        open_bytes(first.content, name="x.edl")


def test_a_separate_list_counts_as_its_head_says() -> None:
    document = open_document(_DATA / "fcm_changes.edl")
    drops = _open((_DATA / "fcm_changes.edl").read_text() + "FCM: DROP FRAME\n", None)
    for cut in (document, drops):
        stem = stem_for(cut.timeline().clips[0], cut.timeline())
        (sidecar,) = cut.sidecars([stem], Dialect(separate=True))
        (event,) = read_list(sidecar.content).events
        assert event.drop is False
        assert event.timecodes[0] == "01:00:58:12"  # the file begins with the clip; 12 are handle


def test_resolve_gets_the_markers_as_it_writes_them_itself() -> None:
    document = open_document(_DATA / "drop_frame_latin1.edl")
    clip = document.timeline().clips[1]
    stem = stem_for(clip, document.timeline())
    start = stem.record.start_s
    markers = (
        Marker(record_s=start, name="walk left", note="person 0|heel"),
        Marker(record_s=start + Fraction(1001, 30000), name="walk right", color="ORANGE"),
    )
    dialect = Dialect(host="resolve")
    (sidecar,) = document.sidecars([replace(stem, markers=markers)], dialect)
    assert sidecar.suffix == "_markers.edl"
    lines = sidecar.content.decode().split("\r\n")
    assert lines[1:] == [
        "FCM: DROP FRAME",
        "",
        "001  001      V     C        01:01:00;04 01:01:00;05 01:01:00;04 01:01:00;05  ",
        "person 0 heel |C:ResolveColorPurple |M:walk left |D:1",
        "",
        "002  001      V     C        01:01:00;05 01:01:00;06 01:01:00;05 01:01:00;06  ",
        " |C:ResolveColorSand |M:walk right |D:1",
        "",
        "",
    ]
    assert not document.sidecars([replace(stem, markers=markers)], GENERIC)
    back = open_bytes(sidecar.content, name="markers.edl").timeline()
    assert not back.clips
    assert [(marker.name, marker.note) for marker in back.markers] == [
        ("walk left", "person 0 heel"),
        ("walk right", ""),
    ]


def test_the_lists_own_drop_frame_marks_are_used() -> None:
    document = open_document(_DATA / "drop_frame_latin1.edl")
    stem = stem_for(document.timeline().clips[1], document.timeline())
    event = read_list(document.add([stem]).raw).events[-1]
    assert event.timecodes == ("01:01:00;16", "01:01:01;16", "01:01:00;04", "01:01:01;04")
    plain = _open(
        "FCM: DROP FRAME\n001 A V C 00:00:00:00 00:00:02:00 00:00:59:00 00:01:01:02\n", None
    )
    stem = stem_for(plain.timeline().clips[0], plain.timeline())
    event = read_list(plain.add([stem]).raw).events[-1]
    assert event.timecodes[2:] == ("00:00:59:00", "00:01:01:02")


def test_a_path_that_the_codec_cannot_hold_becomes_a_uri() -> None:
    document = open_document(_DATA / "drop_frame_latin1.edl")
    added = document.add([stem_for(document.timeline().clips[0], document.timeline())])
    text = added.raw.decode("latin-1")
    assert "* FROM CLIP: file:///Volumes/Foley%20Stems/100%20%25%20L%C3%A4rm/" in text
    assert text.endswith("\n\x1a")


def test_names_cannot_break_a_line() -> None:
    document = open_document(_DATA / "avid.edl")
    stem = stem_for(document.timeline().clips[0], document.timeline())
    marker = replace(stem.markers[0], name="a\n002 X V C \r\x1a")
    stem = replace(stem, path=Path("/a/b\n003.wav"), markers=(marker,))
    added = document.add([stem])
    assert added.timeline() == document.timeline()
    assert len(read_list(added.raw).events) == len(read_list(document.raw).events) + 1


@pytest.mark.parametrize(
    "name", ["b\n003.wav", "b\x1a.wav", "tail .wav ", "\u2028.wav", "\x85.wav", "%0A 100 %\n.wav"]
)
def test_a_path_that_does_not_fit_a_line_becomes_a_uri(name: str) -> None:
    document = open_document(_DATA / "avid.edl")
    path = Path("/a\nfolder" if "100" in name else "/a b") / name
    stem = replace(stem_for(document.timeline().clips[0], document.timeline()), path=path)
    added = document.add([stem])
    (event,) = (event for event in read_list(added.raw).events if event.is_ours)
    (written,) = (note.value for note in event.notes if note.key == "FROM CLIP")
    assert written.startswith("file:///a")
    assert media_path_from(written) == str(path)
    assert added.strip().document.raw == document.raw


def test_overlaps_on_a_track_are_refused() -> None:
    document = open_document(_DATA / "avid.edl")
    stem = stem_for(document.timeline().clips[0], document.timeline())
    late = replace(stem, name="late", record=replace(stem.record, start_s=Fraction(1)))
    with pytest.raises(OutputError, match="late"):
        document.add([late, stem])
    assert document.add([late, replace(stem, track=2)]).timeline() == document.timeline()


# --- taking out ------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [*_OWN, *_REAL], ids=lambda path: path.name)
def test_strip_gives_the_bytes_back(path: Path) -> None:
    raw = path.read_bytes()
    try:
        document = open_document(path)
    except FoleyError as error:
        assert str(error)
        return
    assert document.to_bytes() == raw
    timeline = document.timeline()
    assert timeline.clips or not re.search(rb"^\d+\s+(?!BL)\S+\s+V\s", raw, re.MULTILINE)
    stems = _stems(timeline)
    if not stems:
        return
    added = document.add(stems)
    assert added.timeline() == timeline
    assert open_bytes(added.raw, name="again.edl").timeline() == timeline
    assert added.add(stems).raw == added.raw
    stripped = added.strip()
    assert stripped.exact and stripped.document.raw == raw


def _resaved(raw: bytes) -> bytes:
    """As another program would write it: no trailing blanks, CRLF."""
    lines = re.split(rb"\r\n|\n|\r", raw)
    return b"\r\n".join(line.rstrip(b" ") for line in lines)


@pytest.mark.parametrize("path", [*_OWN, *_REAL], ids=lambda path: path.name)
def test_a_resaved_list_is_stripped_by_name(path: Path) -> None:
    document = open_document(path)
    stems = _stems(document.timeline())
    if not stems:
        pytest.skip("no picture clips")
    resaved = _resaved(document.add(stems).raw)
    plain = open_bytes(resaved, name="resaved.edl").strip()
    assert plain.removed and NAMESPACE.encode() not in plain.document.raw
    assert plain.document.raw.strip() == _resaved(document.raw).strip()
    assert plain.document.timeline() == document.timeline()


def test_what_a_person_added_behind_ours_stays() -> None:
    document = open_document(_DATA / "avid.edl")
    added = document.add(_stems(document.timeline())).raw
    more = b"* a remark of mine\n" + _CUT.encode() + b"\n* FROM CLIP NAME: new\n"
    plain = open_bytes(added + more, name="x.edl").strip()
    assert not plain.exact
    assert plain.document.raw == document.raw + more


_TWO = (
    "TITLE: x\n"
    "001  A        V     C        01:00:00:00 01:00:04:00 01:00:00:00 01:00:04:00\n"
    "* FROM CLIP NAME: a.mov\n"
    "002  B        V     C        02:00:00:00 02:00:05:00 01:00:04:00 01:00:09:00\n"
)


@pytest.mark.parametrize("number", ["003", "004"])
def test_an_event_above_our_stray_comments_stays(number: str) -> None:
    document = _open(_TWO)
    stems = _stems(document.timeline())
    added = document.add(stems).raw.decode()
    lost = _open(re.sub(rf"^{number} .*\n", "", added, flags=re.MULTILINE))
    assert lost.timeline() == document.timeline()
    assert lost.strip().document.raw == document.raw
    assert lost.add(stems).timeline() == document.timeline()


def test_an_event_above_a_broken_one_of_ours_stays() -> None:
    document = _open(_TWO)
    added = document.add(_stems(document.timeline())).raw.decode()
    event = next(line for line in added.splitlines() if line.startswith("003"))
    damaged = _open(added.replace(event, event[:-1]))
    assert damaged.timeline().clips == document.timeline().clips
    assert damaged.strip().document.raw.decode() == _TWO + event[:-1] + "\n"


def test_what_a_person_wrote_beneath_ours_stays() -> None:
    document = _open(_TWO)
    added = document.add(_stems(document.timeline())).raw.replace(b"TITLE: x", b"TITLE: y")
    more = (
        "* LOC: 01:00:01:00 MAGENTA director: too loud\n"
        "* SOURCE FILE: mine.mov\n"
        "* FROM CLIP: /mine.mov\n"
        "* my note\n"
    )
    plain = _open(added.decode() + more).strip()
    assert plain.document.raw.decode() == _TWO.replace("x", "y", 1) + more


def test_our_notes_are_found_behind_our_mark() -> None:
    document = open_document(_DATA / "drop_frame_latin1.edl")
    added = document.add(_stems(document.timeline())[:1]).raw.decode("latin-1")
    lines = added.splitlines(keepends=True)
    notes = [at for at, line in enumerate(lines) if ": FOLYFeet" in line or "/FOLYFeet" in line]
    locators = next(at for at, line in enumerate(lines) if at > notes[-1] and "* LOC" in line)
    order = [at for at in range(locators) if at not in notes] + notes
    moved = "".join(lines[at] for at in [*order, *range(locators, len(lines))])
    plain = open_bytes(moved.encode("latin-1"), name="moved.edl").strip()
    assert plain.removed and plain.document.raw == document.raw


def test_damaged_lists_raise_foley_errors_only() -> None:
    rng = random.Random(20260102)
    tokens = [b"99:99:99:99", b"\0", b";", b"M2 ", b"D    ", b"W001", b"9" * 5000, b"\r", b"\x1a",
              b"23:59:59:23", b"FCM: DROP FRAME\n", b"\xff\xfe", b"001 "]  # fmt: skip
    sources = [path.read_bytes() for path in _OWN]
    for _ in range(400):
        raw = bytearray(rng.choice(sources))
        at = rng.randrange(len(raw))
        kind = rng.randrange(3)
        if kind == 0:
            del raw[at:]
        elif kind == 1:
            raw[at] = rng.randrange(256)
        else:
            raw[at : at + rng.randrange(30)] = rng.choice(tokens)
        rate = rng.choice([None, Fraction(24), _NTSC])
        try:
            document = open_text("edl", bytes(raw), edl.parse, rate)
            stems = _stems(document.timeline())
            added = document.add(stems)
        except FoleyError:
            continue
        assert added.timeline() == document.timeline()
        assert not stems or added.strip().document.raw == bytes(raw)
