"""Final Cut Pro 7 XML: what is read, what is written, and that it comes out again."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from lxml import etree
from timelines.roundtrip import (
    DATA,
    SHARED,
    as_crlf,
    as_utf16,
    check_lossless,
    minified,
    new_dtd_errors,
    real_cuts,
)
from timelines.stems import stem_for, stem_with_control_characters, stems_for

from otio_foley.errors import FoleyError, OutputError, ParseError
from otio_foley.timelines.paths import path_from_url, url_from_path
from otio_foley.timelines.registry import open_bytes, open_document
from otio_foley.types import Clip, Timeline

NTSC = Fraction(30000, 1001)
FRAME_S = 1 / NTSC
CUTS = sorted((DATA / "xmeml").glob("*.xml"))
REAL = real_cuts(".xml")
RATE = "<rate><timebase>25</timebase><ntsc>FALSE</ntsc></rate>"
FILE = '<file id="f1"><name>a.mov</name><pathurl>file:///a.mov</pathurl></file>'


def cut(name: str) -> Timeline:
    return open_document(DATA / "xmeml" / f"{name}.xml").timeline()


def clip(timeline: Timeline, name: str) -> Clip:
    found = [clip for clip in timeline.clips if clip.name == name]
    assert len(found) == 1, name
    return found[0]


def points(clip: Clip) -> list[tuple[Fraction, Fraction]]:
    return list(clip.time_map.points)


def at(clip: Clip) -> tuple[Fraction, Fraction]:
    return clip.record.start_s, clip.record.duration_s


def document(track: str, audio: str = "", rate: str = RATE, version: int = 5) -> bytes:
    return (
        f'<xmeml version="{version}"><sequence id="s"><name>p</name>{rate}<media><video>'
        f"<track>{track}</track></video>{audio}</media></sequence></xmeml>"
    ).encode()


def item(start: int, end: int, in_: int, out: int, rest: str = FILE) -> str:
    return (
        f"<clipitem><name>a</name>{RATE}<start>{start}</start><end>{end}</end>"
        f"<in>{in_}</in><out>{out}</out>{rest}</clipitem>"
    )


def read(raw: bytes) -> Timeline:
    return open_bytes(raw, name="made.xml").timeline()


# ---- paths


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("file://localhost/D%3a/media/a%20b.mov", "D:/media/a b.mov"),
        ("file:///C:/x/y.mov", "C:/x/y.mov"),
        ("file://D:/x.mov", "D:/x.mov"),
        ("file:///Volumes/a%20b/%C3%A9.mov", "/Volumes/a b/é.mov"),
        ("file:///Volumes/caf%E9.mov", "/Volumes/café.mov"),
        ("file://localhost/Volumes/x.mov", "/Volumes/x.mov"),
        ("file://server/share/x.mov", "//server/share/x.mov"),
        ("file:////server/share/x.mov", "//server/share/x.mov"),
        ("file://localhost//server/share/x.mov", "//server/share/x.mov"),
        ("file:///%5C%5Cserver%5Cshare%5Cx.mov", "//server/share/x.mov"),
        ("file:/Volumes/x.mov", "/Volumes/x.mov"),
        ("FILE:///x.mov", "/x.mov"),
        ("file://./media/x.mov", "media/x.mov"),
        ("./media/a%20b.mov", "media/a b.mov"),
        ("media/a b 100%25.mov", "media/a b 100%25.mov"),  # a bare path: no blank in a URL
        ("/Volumes/a b.mov", "/Volumes/a b.mov"),
        ("C:\\media\\x.mov", "C:/media/x.mov"),
        ("\\\\server\\share\\x.mov", "//server/share/x.mov"),
        ("file:///a%23b%3Fc#d.mov", "/a#b?c#d.mov"),
        ("file:///100%.mov", "/100%.mov"),
        ("", None),
        ("  ", None),
    ],
)
def test_media_urls(url: str, path: str | None) -> None:
    assert path_from_url(url) == path


@pytest.mark.parametrize("localhost", [False, True])
@pytest.mark.parametrize(
    "path", ["/Volumes/100 % Lärm/足音#1?.wav", "D:/Töne/a b.wav", "/a&b<c>.wav"]
)
def test_written_urls_read_back(path: str, localhost: bool) -> None:
    url = url_from_path(Path(path), localhost=localhost)
    assert re.fullmatch(r"file://[A-Za-z0-9/:%._~-]*", url)
    assert path_from_url(url) == path


# ---- reading


def test_timeline_clock() -> None:
    timeline = cut("premiere")
    assert (timeline.name, timeline.frame_rate, timeline.drop_frame) == ("Reel 1", NTSC, True)
    assert timeline.start_s == 107892 * FRAME_S
    assert [(m.record_s, m.name, m.note) for m in timeline.markers] == [
        (15 * FRAME_S, "door", "slams")
    ]


def test_clip_and_its_source_clock() -> None:
    one = clip(cut("premiere"), "one")
    # the end of -1 is that of the transition behind it
    assert at(one) == (0, 110 * FRAME_S)
    assert points(one) == [(0, 1830 * FRAME_S), (110 * FRAME_S, 1940 * FRAME_S)]
    assert one.media_path == "D:/rushes/a b.mov"
    assert one.media_start_s == 1800 * FRAME_S
    assert (one.source_rate, one.reel, one.layer, one.enabled) == (NTSC, "REEL 7", 1, True)


def test_in_and_out_count_in_the_clips_own_rate() -> None:
    two = clip(cut("premiere"), "two")
    assert at(two) == (90 * FRAME_S, 110 * FRAME_S)
    assert points(two)[0] == (0, 10)  # 150 at 15 frames a second
    assert two.source_rate == 30


def test_premieres_ticks_tell_which_rate_in_counts_in() -> None:
    upper = clip(cut("premiere"), "upper")
    assert points(upper) == [(0, 2100 * FRAME_S), (30 * FRAME_S, 2130 * FRAME_S)]
    assert (upper.layer, upper.enabled) == (2, False)  # its track is off


@pytest.mark.parametrize(
    ("text", "enabled"), [("TRUE", True), ("false", False), ("0", False), ("", True)]
)
def test_enabled(text: str, enabled: bool) -> None:
    raw = document(item(0, 5, 0, 5, FILE + f"<enabled>{text}</enabled>"))
    assert read(raw).clips[0].enabled is enabled


def test_marker_colours() -> None:
    marker = "<marker><name>{0}</name><in>5</in><out>-1</out>{1}</marker>"
    markers = "".join(
        marker.format(name, f"<pproColor>{number}</pproColor>" if number else "")
        for name, number in (("red", "4281740498"), ("unknown", "1"), ("none", ""))
    )
    raw = document(item(0, 5, 0, 5), rate=RATE + markers)
    assert [m.color for m in read(raw).markers] == ["RED", "PURPLE", "PURPLE"]


def test_disabled_clip() -> None:
    assert not clip(cut("premiere"), "off").enabled


def test_nested_sequence_is_unfolded_and_trimmed() -> None:
    timeline = cut("premiere")
    first, later = clip(timeline, "in nest"), clip(timeline, "in nest later")
    assert at(first) == (240 * FRAME_S, 30 * FRAME_S)
    assert points(first)[0] == (0, (1800 + 130) * FRAME_S)
    assert at(later) == (270 * FRAME_S, 30 * FRAME_S)
    assert points(later)[0] == (0, (1800 + 300) * FRAME_S)


def test_still_is_frozen() -> None:
    board = clip(cut("premiere"), "board.png")
    assert points(board) == [(0, 0), (10 * FRAME_S, 0)]
    assert board.media_path == "stills/board.png"


def test_what_is_no_clip_is_named() -> None:
    assert [s.name for s in cut("premiere").skipped] == ["Slug", "Title 01"]


def test_master_clips_and_sequences_by_id() -> None:
    timeline = cut("bins")
    assert timeline.name == "picture"
    assert [(c.name, at(c), points(c), c.media_path) for c in timeline.clips] == [
        ("by master", (0, 1), [(0, Fraction(1, 5)), (1, Fraction(6, 5))], "//server/share/m.mov"),
        ("deep", (1, 1), [(0, 4), (1, 5)], "//server/share/m.mov"),
    ]
    assert [s.name for s in timeline.skipped] == ["gone", "sound only"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("half", [(0, 36001), (1, Fraction(72003, 2))]),
        ("fast", [(0, Fraction(36000 * 24 + 20, 24)), (1, Fraction(36000 * 24 + 68, 24))]),
        ("reverse", [(0, 36019), (1, 36018)]),
        ("reverse graph", [(0, 36019), (1, 36018)]),
        ("freeze", [(0, Fraction(216025, 6)), (1, Fraction(216025, 6))]),
        ("ramp", [(0, 36000), (1, 36001), (2, 36003)]),
        ("relative ramp", [(0, 36010), (1, 36011), (2, 36013)]),
        ("normal", [(0, 36001), (1, 36002)]),
    ],
)
def test_time_remap(name: str, expected: list[tuple[Fraction, Fraction]]) -> None:
    assert points(clip(cut("resolve"), name)) == expected


def test_subclip_counts_from_its_own_start() -> None:
    subclip = "<subclipinfo><startoffset>100</startoffset><endoffset>9</endoffset></subclipinfo>"
    timeline = read(document(item(0, 25, 50, 75, FILE + subclip)))
    assert points(timeline.clips[0]) == [(0, 6), (1, 7)]


def test_subclip_of_a_master_clip() -> None:
    raw = document(item(0, 25, 50, 75, "<masterclipid>m</masterclipid>")).replace(
        b"</xmeml>",
        f'<clip id="m">{FILE}<subclipinfo><startoffset>100</startoffset></subclipinfo></clip>'
        "</xmeml>".encode(),
    )
    assert points(read(raw).clips[0]) == [(0, 6), (1, 7)]


def test_a_freeze_without_a_graph_holds_the_frame_at_in() -> None:
    remap = """<filter><effect><effectid>timeremap</effectid><parameter>
    <parameterid>speed</parameterid><value>0</value></parameter></effect></filter>"""
    assert points(read(document(item(0, 25, 50, 75, FILE + remap))).clips[0]) == [(0, 2), (1, 2)]


def test_timecode_without_a_frame_number() -> None:
    assert {c.media_start_s for c in cut("resolve").clips} == {Fraction(36000)}
    assert {c.media_path for c in cut("resolve").clips} == {"/Volumes/m ä/m.mov"}


def test_a_negative_timecode_is_read_as_it_is() -> None:
    negative = "<timecode><string>-00:00:40:00</string><frame>-1000</frame></timecode>"
    raw = document(item(0, 25, 0, 25), rate=f"{RATE}{negative}")
    timeline = read(raw)
    assert timeline.start_s == -40
    assert at(clip(timeline, "a")) == (0, 1)
    check_lossless(raw, "made.xml")
    without_frame = raw.replace(b"<frame>-1000</frame>", b"")
    with pytest.raises(ParseError, match="not a timecode"):
        read(without_frame)


def test_transition_without_numbers_leaves_the_source_range() -> None:
    timeline = read(document(item(-1, 50, 10, 40) + item(50, -1, 0, 20)))
    assert [at(c) for c in timeline.clips] == [
        (Fraction(20, 25), Fraction(30, 25)),
        (2, Fraction(20, 25)),
    ]


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        ("<rate><timebase>24</timebase><ntsc>TRUE</ntsc></rate>", Fraction(24000, 1001)),
        ("<rate><timebase>60</timebase><ntsc>true</ntsc></rate>", Fraction(60000, 1001)),
        ("<rate><timebase>25</timebase><ntsc>TRUE</ntsc></rate>", Fraction(25)),
        ("<rate><timebase>23.976</timebase></rate>", Fraction(24000, 1001)),
        ("<rate><timebase>23.98</timebase></rate>", Fraction(24000, 1001)),
        ("<rate><timebase>29.97</timebase></rate>", Fraction(30000, 1001)),
        ("<rate><timebase>24</timebase><ntsc>FALSE</ntsc></rate>", Fraction(24)),
        ("<rate><timebase>48</timebase><ntsc>TRUE</ntsc></rate>", Fraction(48000, 1001)),
        ("<rate><timebase>50</timebase></rate>", Fraction(50)),
    ],
)
def test_rates(rate: str, expected: Fraction) -> None:
    assert read(document(item(0, 5, 0, 5), rate=rate)).frame_rate == expected


@pytest.mark.parametrize(
    ("timebase", "nominal"), [(14, 15), (23, 24), (29, 30), (47, 48), (59, 60), (119, 120)]
)
def test_failing_example_1_rates_that_are_cut_down(timebase: int, nominal: int) -> None:
    """Premiere writes 29 without `ntsc` for media at 29.97."""
    file = FILE.replace(
        "<pathurl>",
        f"<rate><timebase>{timebase}</timebase><ntsc>FALSE</ntsc></rate>"
        "<timecode><string>01:00:00:00</string></timecode><pathurl>",
    )
    (one,) = read(document(item(0, 5, 0, 5, file))).clips
    assert one.source_rate == Fraction(nominal * 1000, 1001)
    assert one.media_start_s == Fraction(36036, 10)


def test_rate_from_outside_where_none_is_stated() -> None:
    raw = document(item(0, 5, 0, 5), rate="")
    with pytest.raises(ParseError) as caught:
        read(raw)
    assert "frame rate" in caught.value.hint
    timeline = open_bytes(raw, name="x.xml", frame_rate=Fraction(24)).timeline()
    assert timeline.frame_rate == 24


@pytest.mark.parametrize(
    "raw",
    [
        b'<xmeml version="4"></xmeml>',
        b'<xmeml version="4"><clip id="c"><name>c</name></clip></xmeml>',
        document('<clipitem><sequence id="nowhere"/></clipitem>'),
        document("<clipitem><name>a</name><start>x</start></clipitem>"),
        document("<clipitem><start>5</start><end>1</end><in>0</in><out>2</out></clipitem>"),
        b"<xmeml>",
    ],
)
def test_an_empty_read_of_picture_is_an_error(raw: bytes) -> None:
    with pytest.raises(ParseError):
        read(raw)


def test_an_empty_sequence_is_none() -> None:
    assert read(document("")).clips == ()


NEST = f"""<sequence id="nest"><name>nest</name>{RATE}<media><video>
<track>{item(0, 20, 100, 120)}{item(20, 40, 200, 220)}</track>
<track>{item(5, 15, 300, 310)}</track></video></media></sequence>"""


def test_failing_example_6_a_nested_sequence_is_not_empty() -> None:
    timeline = read(document(item(50, 70, 10, 30, NEST)))
    assert [(at(c), points(c)[0][1], c.layer) for c in timeline.clips] == [
        ((2, Fraction(10, 25)), Fraction(110, 25), 1),
        ((2, Fraction(5, 25)), Fraction(305, 25), 2),
        ((Fraction(60, 25), Fraction(10, 25)), Fraction(200, 25), 1),
    ]


@pytest.mark.skipif(not REAL, reason="no real cuts beside the project")
def test_failing_example_6_on_the_real_cut() -> None:
    (path,) = [path for path in REAL if path.name == "premiere_example.xml"]
    timeline = open_document(path).timeline()
    nested = [c for c in timeline.clips if 636 <= c.record.start_s * 30 < 956]
    assert [(c.name, at(c)) for c in nested] == [
        ("sc01_sh010_anim.mov", (Fraction(636, 30), Fraction(100, 30))),
        ("sc01_sh030_anim.mov", (Fraction(736, 30), Fraction(220, 30))),
    ]


def test_the_layers_of_a_nested_sequence_lie_below_the_next_track() -> None:
    tracks = item(0, 20, 0, 20, NEST) + "</track><track>" + item(0, 20, 700, 720)
    layers = {points(c)[0][1] * 25: c.layer for c in read(document(tracks)).clips}
    assert layers == {100: 1, 300: 2, 700: 3}


def test_nested_sequences_without_picture_are_named() -> None:
    sound = f'<sequence id="n">{RATE}<media><audio><track/></audio></media></sequence>'
    timeline = read(document(item(0, 5, 0, 5) + item(5, 9, 0, 4, sound)))
    assert [s.reason for s in timeline.skipped] == ["a nested sequence without picture"]


def test_the_sequence_that_is_meant_is_not_one_that_another_plays() -> None:
    main = document(item(0, 20, 0, 20, '<sequence id="nest"/>')).decode()
    main = main.removeprefix('<xmeml version="5">').removesuffix("</xmeml>")
    other = f"<sequence><name>other</name>{RATE}<media><video/></media></sequence>"
    raw = f'<xmeml version="5"><bin><children>{NEST}{other}{main}</children></bin></xmeml>'
    timeline = read(raw.encode())
    assert timeline.name == "p"
    assert len(timeline.clips) == 2
    assert [s.name for s in timeline.skipped] == ["other"]


def test_a_long_nested_sequence_may_be_played_often() -> None:
    inner = "".join(item(n, n + 1, n, n + 1) for n in range(300))
    nest = NEST.replace(item(0, 20, 100, 120) + item(20, 40, 200, 220), inner)
    played = "".join(item(n, n + 1, n, n + 1, '<sequence id="nest"/>') for n in range(1, 200))
    timeline = read(document(item(0, 1, 0, 1, nest) + played))
    assert len([c for c in timeline.clips if c.layer == 1]) == 200


def test_nested_sequences_that_multiply_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otio_foley.timelines.xmeml.read._MAX_PLAYED", 2000)
    inner = NEST
    for level in range(12):
        again = f'<sequence id="{f"l{level - 1}" if level else "nest"}"/>'
        tracks = f"{item(0, 20, 0, 20, inner)}</track><track>{item(0, 20, 0, 20, again)}"
        inner = (
            f'<sequence id="l{level}">{RATE}<media><video><track>{tracks}</track></video></media>'
            "</sequence>"
        )
    with pytest.raises(ParseError, match="unfold") as caught:
        read(document(item(0, 40, 0, 40, inner)))
    assert caught.value.hint


def multiclip(*angles: str) -> str:
    return f'<multiclip id="m"><name>cams</name>{"".join(angles)}</multiclip>'


def angle(name: str, active: str, rest: str) -> str:
    clipitem = (
        f"<clipitem><name>{name}</name>{RATE}<duration>500</duration><in>0</in><out>500</out>"
        f'<file id="{name}"><name>{name}</name><pathurl>file:///{name}.mov</pathurl></file>{rest}'
        "</clipitem>"
    )
    return (
        f"<angle><activevideoangle>{active}</activevideoangle>"
        f"<clip id='c{name}'><name>{name}</name>"
        f"<in>-1</in><out>-1</out><media><video><track>{clipitem}</track></video></media></clip>"
        "</angle>"
    )


def test_the_active_angle_of_a_multiclip() -> None:
    cams = multiclip(
        angle("A", "FALSE", "<mediadelay>0</mediadelay>"),
        angle("B", "TRUE", "<mediadelay>40</mediadelay>"),
    )
    again = item(25, 50, 125, 150, '<multiclip id="m"/>')
    before = item(50, 75, 20, 45, '<multiclip id="m"/>')
    timeline = read(document(item(0, 25, 100, 125, cams) + again + before))
    assert [(c.media_path, at(c), points(c)[0][1] * 25) for c in timeline.clips] == [
        ("/B.mov", (0, 1), 60),
        ("/B.mov", (1, 1), 85),
        ("/B.mov", (Fraction(70, 25), Fraction(5, 25)), 0),  # B begins 40 frames in
    ]


def test_an_angle_that_says_where_it_lies() -> None:
    placed = "<start>30</start><end>530</end>"
    (one,) = read(document(item(0, 25, 100, 125, multiclip(angle("A", "TRUE", placed))))).clips
    assert points(one)[0][1] * 25 == 70


def test_sequence_that_contains_itself() -> None:
    raw = document(item(0, 5, 0, 5) + item(5, 9, 0, 4, '<sequence id="s"/>'))
    assert "contains itself" in read(raw).skipped[0].reason


def test_entities_are_refused() -> None:
    raw = b'<!DOCTYPE xmeml [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + document("")
    with pytest.raises(ParseError, match="entity"):
        read(raw)


# ---- writing


def added(raw: bytes, tracks: tuple[int, ...] = (1,)) -> etree._Element:
    document_ = open_bytes(raw, name="made.xml")
    result = document_.add(stems_for(document_.timeline(), tracks))
    return etree.fromstring(result.raw)


def track_name(track: etree._Element) -> str:
    return track.findtext("clipitem/comments/mastercomment1") or ""


def foley_tracks(root: etree._Element) -> list[etree._Element]:
    return [track for track in root.iter("track") if track_name(track).startswith("FS ")]


def test_what_is_written() -> None:
    root = added((DATA / "xmeml" / "premiere.xml").read_bytes())
    audio = root.find("sequence/media/audio")
    tracks = foley_tracks(root)
    assert list(audio)[-len(tracks) :] == tracks
    assert tracks[0].get("MZ.TrackName") == "FS 1"
    assert tracks[0].get("premiereTrackType") == "Mono"
    assert tracks[0].get("totalExplodedTrackCount") == "1"
    first = tracks[0].find("clipitem")
    values = {child.tag: child.text for child in first}
    assert (values["start"], values["end"]) == ("0", "110")
    assert (values["in"], values["out"]) == ("12", "122")
    assert values["duration"] == "134"
    assert values["pproTicksIn"] == str(12 * 8475667200)
    assert values["pproTicksOut"] == str(122 * 8475667200)
    assert first.findtext("file/timecode/frame") == "107892"
    assert first.findtext("file/timecode/string") == "01:00:00;00"
    assert first.findtext("file/pathurl").startswith(
        "file://localhost/Volumes/Foley%20Stems/100%20%25%20L%C3%A4rm/%E8%B6%B3%E9%9F%B3/"
    )
    assert first.findtext("file/media/audio/samplecharacteristics/depth") == "24"
    assert [m.findtext("in") for m in first.findall("marker")] == ["12", "13"]
    assert first.findtext("marker/comment") == 'floor "concrete" & <wet>'
    assert first.findtext("marker/pproColor")
    assert '"a < b & c > d\\nsecond line"' in first.findtext("logginginfo/lognote")
    ids = [e.get("id") for e in root.iter("clipitem")]
    assert len(ids) == len(set(ids))


def test_clips_on_a_track_never_overlap() -> None:
    for name in ("premiere", "resolve", "bins"):
        tracks = foley_tracks(added((DATA / "xmeml" / f"{name}.xml").read_bytes(), (1, 2)))
        names = [track_name(track) for track in tracks]
        assert len(names) == len(set(names))
        for track in tracks:
            spans = [
                (int(c.findtext("start")), int(c.findtext("end")))
                for c in track.findall("clipitem")
            ]
            assert all(a[1] <= b[0] for a, b in pairwise(spans))


def test_a_file_is_defined_once() -> None:
    timeline = cut("resolve")
    stems = [replace(stem, path=Path("/x/same.wav")) for stem in stems_for(timeline)]
    raw = (DATA / "xmeml" / "resolve.xml").read_bytes()
    root = etree.fromstring(open_bytes(raw, name="x").add(stems).raw)
    files = [c.find("file") for track in foley_tracks(root) for c in track.findall("clipitem")]
    assert len(files) == 8
    assert len({file.get("id") for file in files}) == 1
    assert [len(file) > 0 for file in files] == [True] + [False] * 7


def test_only_premiere_gets_ticks() -> None:
    root = added((DATA / "xmeml" / "resolve.xml").read_bytes())
    assert root.find(".//pproTicksIn") is None
    assert root.find(".//marker/pproColor") is None


@pytest.mark.parametrize("audio", ["", "<audio/>", "<audio></audio>", "<audio>\n</audio>"])
def test_audio_is_made_where_there_is_none(audio: str) -> None:
    raw = document(item(0, 5, 0, 5), audio)
    result = check_lossless(raw, "made.xml")
    assert len(foley_tracks(etree.fromstring(result.raw))) == 1


def test_codec_that_cannot_hold_a_name() -> None:
    raw = b'<?xml version="1.0" encoding="iso-8859-1"?>' + document(item(0, 5, 0, 5))
    raw = raw.replace(b"<name>a<", b"<name>\xe4<")
    document_ = open_bytes(raw, name="x.xml")
    assert document_.timeline().clips[0].name == "ä"
    stem = replace(stem_for(document_.timeline().clips[0], document_.timeline()), name="足音 \x01")
    result = document_.add([stem])
    names = [e.text for e in etree.fromstring(result.raw).iter("name")]
    assert "足音 \ufffd" in names
    assert result.strip().document.raw == raw


def test_what_xml_cannot_hold_is_replaced() -> None:
    opened = open_bytes(document(item(0, 25, 0, 25)), name="made.xml")
    added_to = opened.add([stem_with_control_characters(opened.timeline())])
    text = etree.tostring(etree.fromstring(added_to.raw), encoding="unicode")
    assert "<name>bell\ufffdnul\ufffd" in text
    assert added_to.strip().document.raw == opened.raw


def test_stem_of_another_cut_is_refused() -> None:
    document_ = open_bytes(document(item(0, 5, 0, 5)), name="x.xml")
    stem = stem_for(document_.timeline().clips[0], document_.timeline())
    with pytest.raises(OutputError, match="no clip"):
        document_.add([replace(stem, clip_id="0" * 12)])


def test_links_that_a_host_made_to_ours_go_too() -> None:
    document_ = open_bytes((DATA / "xmeml" / "resolve.xml").read_bytes(), name="x.xml")
    raw = document_.add(stems_for(document_.timeline())).raw
    link = b"<link><linkclipref>otio-foley-clipitem-1</linkclipref></link></clipitem>"
    linked = open_bytes(raw.replace(b"</clipitem>", link, 1), name="x.xml")
    stripped = linked.strip()
    assert not stripped.exact
    assert b"otio-foley" not in stripped.document.raw
    assert list(stripped.document.timeline().clips) == list(document_.timeline().clips)


# ---- round trips


@pytest.mark.parametrize("path", CUTS, ids=lambda path: path.stem)
@pytest.mark.parametrize("change", [bytes, minified, as_crlf, as_utf16])
def test_made_cuts_are_lossless(path: Path, change: Callable[[bytes], bytes]) -> None:
    check_lossless(change(path.read_bytes()), path.name)


@pytest.mark.parametrize("version", [1, 2, 3, 4, 5])
def test_every_version_stays_valid(version: int) -> None:
    if not (SHARED / "dtd").is_dir():
        pytest.skip("the DTDs are not beside the project")
    for audio in ("", "<audio><track><enabled>TRUE</enabled></track></audio>"):
        raw = document(item(0, 5, 0, 5), audio, version=version)
        assert new_dtd_errors(raw, check_lossless(raw, "made.xml").raw) == []


@pytest.mark.skipif(not REAL, reason="no real cuts beside the project")
@pytest.mark.parametrize("path", REAL, ids=lambda path: path.stem)
def test_real_cuts(path: Path) -> None:
    raw = path.read_bytes()
    try:
        timeline = open_document(path).timeline()
    except FoleyError as error:
        assert error.hint
        return
    assert timeline.clips
    result = check_lossless(raw, path.name)
    assert new_dtd_errors(raw, result.raw) == []


def test_damage_raises_only_our_errors() -> None:
    rng = random.Random(11)
    texts = [path.read_text(encoding="utf-8") for path in CUTS]
    for turn in range(120):
        raw = damaged(texts[turn % len(texts)], rng)
        try:
            document_ = open_bytes(raw, name="damaged.xml")
            stems = stems_for(document_.timeline())
            assert document_.add(stems).strip().document.raw == raw
        except FoleyError:
            continue


def damaged(text: str, rng: random.Random) -> bytes:
    """A value replaced by nonsense, an element lost, or bytes changed."""
    kind = rng.randrange(3)
    if kind == 0:
        chosen = rng.choice(list(re.finditer(r">([^<>\s]+)<", text)))
        junk = rng.choice(["", "x", "-1", "0", "9" * 30, "1e9", "nan", "1.5", "s1", "TRUE"])
        return (text[: chosen.start(1)] + junk + text[chosen.end(1) :]).encode()
    if kind == 1:
        chosen = rng.choice(list(re.finditer(r"<(\w+)>[^<>]*</\1>", text)))
        return (text[: chosen.start()] + text[chosen.end() :]).encode()
    raw = bytearray(text.encode())
    for _ in range(rng.randrange(1, 4)):
        raw[rng.randrange(len(raw))] = rng.randrange(256)
    return bytes(raw)
