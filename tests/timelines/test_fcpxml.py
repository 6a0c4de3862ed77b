"""Final Cut Pro XML: what is read, what is written, and that it comes out again."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from lxml import etree
from timelines.roundtrip import (
    DATA,
    SHARED,
    as_crlf,
    as_utf16,
    check_lossless,
    dtd_errors,
    minified,
    new_dtd_errors,
    real_cuts,
    resaved,
)
from timelines.stems import stem_for, stem_with_control_characters, stems_for

from otio_foley.errors import FoleyError, OutputError, ParseError, WouldLoseData
from otio_foley.time import samples_from_seconds
from otio_foley.timelines.dialect import Dialect
from otio_foley.timelines.fcpxml.time import (
    conform_speed,
    plain_value,
    rate_from_format_name,
    seconds,
)
from otio_foley.timelines.fcpxml.time import time_text as written
from otio_foley.timelines.fcpxml.write import ROLE
from otio_foley.timelines.registry import open_bytes, open_document
from otio_foley.timelines.verify import verify
from otio_foley.types import Clip, Host, Marker, StemClip, Timeline

FRAME_S = Fraction(1001, 30000)
NTSC_24 = Fraction(24000, 1001)
CUTS = sorted((DATA / "fcpxml").glob("*.fcpxml"))
REAL = real_cuts(".fcpxml")


def cut(name: str) -> Timeline:
    return open_document(DATA / "fcpxml" / f"{name}.fcpxml").timeline()


def clip(timeline: Timeline, name: str) -> Clip:
    found = [clip for clip in timeline.clips if clip.name == name]
    assert len(found) == 1, name
    return found[0]


def points(clip: Clip) -> list[tuple[Fraction, Fraction]]:
    return list(clip.time_map.points)


def at(clip: Clip) -> tuple[Fraction, Fraction]:
    return clip.record.start_s, clip.record.duration_s


def document(spine: str, version: str = "1.11", resources: str = "", sequence: str = "") -> bytes:
    source = 'src="file:///a.mov"'
    media = f'<media-rep kind="original-media" {source}/>'
    new = tuple(int(part) for part in version.split(".")) >= (1, 9)
    asset = '<asset id="r2" name="a" start="0s" duration="100s" hasVideo="1" format="r1"'
    asset += f">{media}</asset>" if new else f" {source}/>"
    return (
        f'<fcpxml version="{version}"><resources><format id="r1" frameDuration="1/25s"/>{asset}'
        f'{resources}</resources><library><event><project name="p">'
        f'<sequence format="r1" {sequence}><spine>{spine}</spine></sequence>'
        "</project></event></library></fcpxml>"
    ).encode()


def read(raw: bytes) -> Timeline:
    return open_bytes(raw, name="made.fcpxml").timeline()


# ---- times and rates


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1s", Fraction(1)),
        ("0s", Fraction(0)),
        ("1001/24000s", Fraction(1001, 24000)),
        ("5s", Fraction(5)),
        ("-10010/30000s", Fraction(-1001, 3000)),
        ("3600", Fraction(3600)),
        ("0.5s", Fraction(1, 2)),
        (" 7/2s ", Fraction(7, 2)),
    ],
)
def test_times_are_exact(text: str, expected: Fraction) -> None:
    assert seconds(text) == expected
    assert seconds(written(expected)) == expected


@pytest.mark.parametrize("text", ["", "s", "1/0s", "one", "1:00", "1e9s", "nan", "9" * 40 + "s"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ParseError):
        seconds(text)


@pytest.mark.parametrize(
    ("name", "rate"),
    [
        ("FFVideoFormat1080p2398", NTSC_24),
        ("FFVideoFormat1080i5994", Fraction(30000, 1001)),
        ("FFVideoFormatDV720x576i50", Fraction(25)),
        ("FFVideoFormat3840x2160p60", Fraction(60)),
        ("FFVideoFormatRateUndefined", None),
    ],
)
def test_rate_in_a_format_name(name: str, rate: Fraction | None) -> None:
    assert rate_from_format_name(name) == rate


@pytest.mark.parametrize(
    ("media", "timeline", "speed"),
    [
        (NTSC_24, Fraction(24), Fraction(1001, 1000)),
        (Fraction(25), NTSC_24, Fraction(960, 1001)),
        (NTSC_24, Fraction(25), Fraction(1001, 960)),
        (Fraction(50), Fraction(24), Fraction(24, 25)),
        (Fraction(30000, 1001), Fraction(30), Fraction(1001, 1000)),
        (Fraction(30000, 1001), Fraction(25), Fraction(1)),
        (NTSC_24, Fraction(60000, 1001), Fraction(1001, 1000)),
        (Fraction(30), Fraction(25), Fraction(1)),
    ],
)
def test_conformed_media_play_frame_for_frame(
    media: Fraction, timeline: Fraction, speed: Fraction
) -> None:
    assert conform_speed(media, timeline) == speed


# ---- reading


def test_timeline_clock() -> None:
    timeline = cut("spine")
    assert timeline.name == "Reel 1"
    assert timeline.frame_rate == Fraction(30000, 1001)
    assert timeline.drop_frame
    assert timeline.start_s == Fraction(18018, 5)
    assert [(m.record_s, m.name, m.note) for m in timeline.markers] == [(FRAME_S, "door", "slams")]


def test_spine_clip() -> None:
    one = clip(cut("spine"), "one")
    assert at(one) == (0, 60 * FRAME_S)
    start_s = Fraction(108408300, 30000)
    assert points(one) == [(0, start_s), (60 * FRAME_S, start_s + 60 * FRAME_S)]
    assert one.media_path == "/Volumes/Straße & Weg/A001%.mov"
    assert one.media_start_s == Fraction(18018, 5)
    assert one.source_rate == Fraction(30000, 1001)
    assert (one.reel, one.layer, one.enabled) == ("REEL 7", 1, True)


def test_connected_clip_counts_in_its_hosts_time() -> None:
    above = clip(cut("spine"), "above")
    assert at(above) == (10 * FRAME_S, 20 * FRAME_S)
    assert (above.layer, above.enabled) == (2, False)


def test_start_defaults_to_that_of_the_asset() -> None:
    two = clip(cut("spine"), "two")
    assert points(two)[0] == (0, Fraction(18018, 5))
    assert at(two) == (60 * FRAME_S, 30 * FRAME_S)  # a transition moves nothing


def test_secondary_storyline_on_a_gap() -> None:
    timeline = cut("spine")
    three, four = clip(timeline, "three"), clip(timeline, "four")
    assert (at(three), three.layer) == ((100 * FRAME_S, 10 * FRAME_S), 3)
    assert at(four) == (110 * FRAME_S, 10 * FRAME_S)
    # clip start 109108 is 108 s into the video, whose own clock starts at 108900 there
    assert points(four)[0] == (0, Fraction(109008))


def test_audition_shows_its_first_pick() -> None:
    timeline = cut("spine")
    assert at(clip(timeline, "pick")) == (180 * FRAME_S, 10 * FRAME_S)
    assert all(clip.name != "other" for clip in timeline.clips)


def test_still_is_frozen() -> None:
    board = clip(cut("spine"), "board")
    assert points(board) == [(0, 0), (10 * FRAME_S, 0)]
    assert board.media_path == "stills/board.png"


def test_what_is_no_clip_is_named() -> None:
    reasons = {skipped.name: skipped.reason for skipped in cut("spine").skipped}
    assert set(reasons) == {"Lower third", "Clouds", "lost", "Empty first", "Reel 2"}
    assert "r99" in reasons["lost"]
    assert "line 59" in reasons["lost"]
    assert all(clip.name not in ("music", "sound only") for clip in cut("spine").clips)


def test_retimes() -> None:
    timeline = cut("retime")
    assert points(clip(timeline, "half speed")) == [(0, 2), (2, 3)]
    assert points(clip(timeline, "reverse")) == [(0, 90), (2, 88)]
    assert points(clip(timeline, "ramp and freeze")) == [(0, 2), (1, 4), (2, 4), (4, 6)]


def test_conformed_rate() -> None:
    timeline = cut("retime")
    start_s = Fraction(1001, 100)
    conformed = clip(timeline, "conformed")
    assert points(conformed) == [(0, start_s), (5, start_s + 5 * Fraction(1001, 1000))]
    # anchored 24 frames of the medium in, which is one second of the timeline
    assert at(clip(timeline, "beside")) == (9, 1)
    assert points(clip(timeline, "not conformed")) == [(0, 10), (1, 11)]


def test_compound_clips_are_unfolded_and_trimmed() -> None:
    timeline = cut("nested")
    first = [clip for clip in timeline.clips if clip.record.start_s < 4]
    assert [(c.name, c.layer, at(c), points(c)) for c in first] == [
        ("in one", 1, (0, 3), [(0, 12), (3, 15)]),
        ("in over", 2, (0, 2), [(0, 50), (2, 52)]),
        ("in two", 1, (3, 1), [(0, 40), (1, 41)]),
    ]
    assert first[0].media_path == "D:/rushes/cam one.mov"
    assert first[1].media_path == "//server/share/cam2.mov"


def test_retimed_compound_clip() -> None:
    played = [clip for clip in cut("nested").clips if 4 <= clip.record.start_s < 8]
    assert [(c.name, at(c), points(c)) for c in played] == [
        ("in two", (4, Fraction(3, 2)), [(0, 43), (Fraction(3, 2), 40)]),
        ("in one", (Fraction(11, 2), Fraction(5, 2)), [(0, 15), (Fraction(5, 2), 10)]),
        ("in over", (6, 1), [(0, 52), (1, 50)]),
    ]


def test_multicam_shows_the_active_video_angle() -> None:
    angle = clip(cut("nested"), "angle B")
    assert at(angle) == (8, 2)
    assert points(angle) == [(0, 3), (2, 5)]


def test_synchronized_clip() -> None:
    assert points(clip(cut("nested"), "in sync")) == [(0, 23), (4, 27)]


def test_compound_that_contains_itself() -> None:
    assert "contains itself" in cut("nested").skipped[0].reason


def test_version_1_0() -> None:
    timeline = cut("v1_0")
    assert timeline.frame_rate == 25
    assert [(c.name, at(c), points(c), c.media_path) for c in timeline.clips] == [
        ("first", (0, 2), [(0, 3), (2, 5)], "/Volumes/a b.mov"),
        ("second", (2, 1), [(0, 9), (1, 10)], "/Volumes/a b.mov"),
    ]


def test_version_1_3_and_a_relative_url() -> None:
    timeline = cut("v1_3")
    assert {c.media_path for c in timeline.clips} == {"Media/a b.mov"}
    assert clip(timeline, "first").source_rate == 25  # from the name of the asset's format
    assert at(clip(timeline, "over")) == (4, 1)


def test_picture_below_the_storyline_is_the_lowest_layer() -> None:
    below = '<asset-clip ref="r2" lane="-1" offset="0s" name="below" duration="1s"/>'
    timeline = read(document(f'<asset-clip ref="r2" name="on" duration="2s">{below}</asset-clip>'))
    assert [(c.name, c.layer) for c in timeline.clips] == [("below", 1), ("on", 2)]


def test_items_without_offsets_follow_each_other() -> None:
    one = '<asset-clip ref="r2" name="{}" duration="2s"/>'
    timeline = read(document(one.format("a") + one.format("b"), sequence='tcStart="3600s"'))
    assert [at(c) for c in timeline.clips] == [(0, 2), (2, 2)]


def test_format_without_a_frame_duration_takes_the_rate_of_the_media() -> None:
    raw = document('<asset-clip ref="r2" duration="2s"/>', resources='<format id="r0"/>')
    assert read(raw.replace(b'sequence format="r1"', b'sequence format="r0"')).frame_rate == 25


@pytest.mark.parametrize(
    "raw",
    [
        b'<fcpxml version="1.11"><resources/></fcpxml>',
        b'<fcpxml version="1.11"><resources><asset id="a" start="0s"/></resources>'
        b'<asset-clip ref="a" duration="1s"/></fcpxml>',
        document('<asset-clip ref="r99" duration="2s"/>'),
        document('<asset-clip ref="r2" offset="x" duration="2s"/>'),
        document('<ref-clip ref="r99" duration="2s"/>'),
        document('<asset-clip ref="r2" duration="2s">'),
        b"<fcpxml>",
    ],
)
def test_an_empty_read_of_picture_is_an_error(raw: bytes) -> None:
    with pytest.raises(ParseError) as caught:
        read(raw)
    assert str(caught.value)


def test_a_broken_project_does_not_take_the_next_one_down() -> None:
    bad = b'<project name="bad"><sequence format="r1" tcStart="x"><spine/></sequence></project>'
    raw = document('<asset-clip ref="r2" duration="2s"/>').replace(b"<event>", b"<event>" + bad)
    timeline = read(raw)
    assert [c.name for c in timeline.clips] == ["a"]
    assert [s.name for s in timeline.skipped] == ["bad"]


def test_an_empty_project_is_none() -> None:
    assert read(document("")).clips == ()
    assert read(document('<gap duration="5s"/>')).clips == ()


def test_hopeless_nesting_ends() -> None:
    doubling = "".join(
        f'<media id="m{n}"><sequence format="r1"><spine>'
        f'<ref-clip ref="m{n + 1}" offset="0s" duration="5s"/>'
        f'<ref-clip ref="m{n + 1}" offset="5s" duration="5s"/></spine></sequence></media>'
        for n in range(70)
    )
    raw = document('<ref-clip ref="m0" duration="5s"/>', resources=doubling)
    with pytest.raises(ParseError):
        read(raw)
    deep = '<asset-clip ref="r2" lane="1" offset="0s" duration="5s">' * 300 + "</asset-clip>" * 300
    assert any("deep" in skipped.reason for skipped in read(document(deep)).skipped)


@pytest.mark.parametrize(
    "entity",
    [
        '<!ENTITY a "b">',
        '<!ENTITY a SYSTEM "file:///etc/hostname">',
        '<!ENTITY % a SYSTEM "http://example.invalid/a.dtd">',
    ],
)
def test_entities_are_refused(entity: str) -> None:
    raw = f"<!DOCTYPE fcpxml [{entity}]>".encode() + document("")
    with pytest.raises(ParseError, match="entity"):
        read(raw)


# ---- writing


def added(raw: bytes, tracks: tuple[int, ...] = (1,)) -> etree._Element:
    document_ = open_bytes(raw, name="made.fcpxml")
    result = document_.add(stems_for(document_.timeline(), tracks))
    return etree.fromstring(result.raw)


def ours(root: etree._Element) -> list[etree._Element]:
    return root.xpath("//asset-clip[@audioRole='effects.footsteps']")


def test_what_is_written() -> None:
    raw = (DATA / "fcpxml" / "spine.fcpxml").read_bytes()
    root = added(raw)
    host = root.xpath("//asset-clip[@name='one']")[0]
    stem = next(e for e in ours(root) if e.getparent() is host)
    assert stem.get("lane") == "-3"  # music is on -2
    assert seconds(stem.get("offset")) == seconds(host.get("start"))
    assert seconds(stem.get("start")) == Fraction(18018, 5) + 12 * FRAME_S
    assert seconds(stem.get("duration")) == 60 * FRAME_S
    asset = root.xpath("//asset[@id=$id]", id=stem.get("ref"))[0]
    assert asset.get("id") == "otio-foley-1"
    assert (asset.get("audioChannels"), asset.get("audioRate")) == ("1", "48000")
    assert (
        asset.find("media-rep")
        .get("src")
        .startswith(
            "file:///Volumes/Foley%20Stems/100%20%25%20L%C3%A4rm/%E8%B6%B3%E9%9F%B3/FOLYFeet_Walk%20"
        )
    )
    first, second = stem.findall("marker")
    assert (first.get("value"), first.get("note")) == ("heel left", 'floor "concrete" & <wet>')
    assert seconds(first.get("start")) == seconds(stem.get("start"))
    assert seconds(second.get("start")) == seconds(stem.get("start")) + FRAME_S / 2
    keys = {md.get("key"): md.get("value") for md in stem.iter("md")}
    assert '"a < b & c > d\\nsecond line"' in keys["com.otio-foley.provenance"]
    assert "com.otio-foley.clip-id" in keys


def test_hosts_lie_on_the_main_timeline() -> None:
    raw = (DATA / "fcpxml" / "spine.fcpxml").read_bytes()
    parents = [e.getparent() for e in ours(added(raw))]
    assert [p.get("name") for p in parents] == [
        "above",
        "one",
        "two",
        "Gap",
        "Gap",
        "pick",
        "board",
    ]
    gap_stems = parents[3].findall("asset-clip")
    # the storyline begins 100 frames in: 20 frames after the gap's own start of 3600 s
    assert [seconds(e.get("offset")) for e in gap_stems] == [
        3600 + 10 * FRAME_S,
        3600 + 20 * FRAME_S,
    ]


def test_hosts_of_nested_clips() -> None:
    root = added((DATA / "fcpxml" / "nested.fcpxml").read_bytes())
    found = [
        (e.getparent().tag, e.getparent().get("name"), e.get("lane"), e.get("offset"))
        for e in ours(root)
    ]
    assert found == [
        ("ref-clip", "outer", "-1", "3601s"),
        ("ref-clip", "outer", "-1", "3604s"),
        ("ref-clip", "outer", "-2", "3601s"),  # it sounds together with the first
        ("ref-clip", "backwards", "-1", "0s"),
        ("ref-clip", "backwards", "-1", written(Fraction(38, 25))),
        ("ref-clip", "backwards", "-2", "2s"),
        ("mc-clip", "cams", "-1", "5s"),
        ("sync-clip", "synced", "-2", "3s"),
    ]


def test_offset_in_a_conformed_host() -> None:
    root = added((DATA / "fcpxml" / "retime.fcpxml").read_bytes())
    host = root.xpath("//asset-clip[@name='conformed']")[0]
    assert seconds(host[-1].get("offset")) == Fraction(1001, 100)
    timeline = cut("retime")
    conformed = clip(timeline, "conformed")
    stem = stem_for(conformed, timeline)
    moved = replace(stem, record=replace(stem.record, start_s=stem.record.start_s + 1))
    raw = (DATA / "fcpxml" / "retime.fcpxml").read_bytes()
    late = etree.fromstring(open_bytes(raw, name="x").add([moved]).raw)
    host = late.xpath("//asset-clip[@name='conformed']")[0]
    assert seconds(host[-1].get("offset")) == Fraction(1001, 100) + Fraction(1001, 1000)


def _with_whole_frame_markers(timeline: Timeline) -> list[StemClip]:
    """Stems as a run makes them: files begin on a sample, clips and markers on record frames."""
    stems = []
    for clip in timeline.clips:
        stem = stem_for(clip, timeline)
        at_s = stem.record.start_s
        file_start_s = Fraction(samples_from_seconds(timeline.start_s + at_s, 48000) - 777, 48000)
        end_s = stem.record.end_s
        frames = {at_s, at_s + 1 / timeline.frame_rate, end_s - 1 / timeline.frame_rate}
        markers = tuple(Marker(record_s=s, name="step") for s in sorted(frames) if s < end_s)
        in_s = timeline.start_s + at_s - file_start_s
        stems.append(replace(stem, file_start_s=file_start_s, in_s=in_s, markers=markers))
    return stems


@pytest.mark.parametrize("path", CUTS, ids=lambda path: path.stem)
def test_markers_stand_on_frames_of_the_timeline(path: Path) -> None:
    opened = open_document(path)
    timeline = opened.timeline()
    stems = {stem.name: stem for stem in _with_whole_frame_markers(timeline)}
    root = etree.fromstring(opened.add(list(stems.values())).raw)
    checked = 0
    for element in root.iter("asset-clip", "clip"):
        stem = stems.get(element.get("name", ""))
        if stem is None:
            continue
        start_s = seconds(element.get("start", ""))
        assert start_s == timeline.start_s + stem.record.start_s
        written = [seconds(marker.get("start", "")) for marker in element.iter("marker")]
        # In the clip's own time as in the host's, in which its `offset` is the record start.
        record_s = [stem.record.start_s + at_s - start_s for at_s in written]
        assert record_s == [marker.record_s for marker in stem.markers]
        assert all((at_s * timeline.frame_rate).denominator == 1 for at_s in record_s)
        checked += 1
    assert checked == len(stems) > 0


def test_a_timeline_may_begin_before_zero() -> None:
    raw = document(
        '<asset-clip ref="r2" offset="-40s" name="a" duration="4s"/>', sequence='tcStart="-40s"'
    )
    timeline = read(raw)
    assert timeline.start_s == -40
    assert at(clip(timeline, "a")) == (0, 4)
    check_lossless(raw, "made.fcpxml")


def test_what_xml_cannot_hold_is_replaced() -> None:
    raw = document('<asset-clip ref="r2" offset="0s" name="a" duration="4s"/>')
    for version in ("1.11", "1.0"):
        opened = open_bytes(raw.replace(b"1.11", version.encode(), 1), name="made.fcpxml")
        added = opened.add([stem_with_control_characters(opened.timeline())])
        text = etree.tostring(etree.fromstring(added.raw), encoding="unicode")
        assert "bell\ufffdnul\ufffd" in text
        assert added.strip().document.raw == opened.raw


def test_old_versions_get_what_they_know() -> None:
    old = added((DATA / "fcpxml" / "v1_0.fcpxml").read_bytes())
    stems = old.xpath("//clip[starts-with(@name, 'FS 1')]")
    assert len(stems) == 2
    assert stems[0].find("audio").get("role") == ROLE
    assert stems[0].find("note").text.startswith("com.otio-foley ")
    assert old.xpath("//asset[@id='otio-foley-1']")[0].get("src").startswith("file:///Volumes/")
    newer = added((DATA / "fcpxml" / "v1_3.fcpxml").read_bytes())
    assert newer.xpath("//clip/metadata/md[@key='com.otio-foley.provenance']")


def test_several_tracks_go_below_each_other() -> None:
    raw = document('<asset-clip ref="r2" duration="2s"/>')
    assert [e.get("lane") for e in ours(added(raw, (1, 2)))] == ["-1", "-2"]


def test_layout_follows_the_file() -> None:
    raw = (DATA / "fcpxml" / "spine.fcpxml").read_bytes()
    document_ = open_bytes(raw, name="x")
    text = document_.add(stems_for(document_.timeline())).raw.decode()
    assert re.search(r"\n {8}<asset id=\"otio-foley-1\"[^>]*>\n {12}<media-rep ", text)
    assert re.search(r"/>\n {28}<asset-clip ref=\"otio-foley-", text)
    assert (
        "\n"
        not in open_bytes(minified(raw), name="x")
        .add(stems_for(document_.timeline()))
        .raw.decode()
        .split("?>", 1)[1]
        .strip()
    )
    crlf = open_bytes(as_crlf(raw), name="x").add(stems_for(document_.timeline())).raw
    assert crlf.count(b"\n") == crlf.count(b"\r\n")


def test_ids_in_use_are_left_alone() -> None:
    taken = '<effect id="otio-foley-1" uid="u"/><effect id="otio-foley-3" uid="u"/>'
    shots = '<asset-clip ref="r2" duration="2s"/><asset-clip ref="r2" duration="3s"/>'
    root = added(document(shots, resources=taken))
    assert [e.get("ref") for e in ours(root)] == ["otio-foley-2", "otio-foley-4"]


def test_one_asset_for_one_file() -> None:
    document_ = open_bytes((DATA / "fcpxml" / "nested.fcpxml").read_bytes(), name="x")
    stems = [replace(s, path=Path("/x/same.wav")) for s in stems_for(document_.timeline())]
    root = etree.fromstring(document_.add(stems).raw)
    assert len({e.get("ref") for e in ours(root)}) == 1
    assert len(root.xpath("//asset[starts-with(@id, 'otio-foley-')]")) == 1


def test_stem_of_another_cut_is_refused() -> None:
    document_ = open_bytes(document('<asset-clip ref="r2" duration="2s"/>'), name="x")
    stem = stem_for(document_.timeline().clips[0], document_.timeline())
    with pytest.raises(OutputError, match="no clip"):
        document_.add([replace(stem, clip_id="0" * 12)])


# ---- round trips


@pytest.mark.parametrize("path", CUTS, ids=lambda path: path.stem)
@pytest.mark.parametrize("change", [bytes, minified, as_crlf, as_utf16])
def test_made_cuts_are_lossless(path: Path, change: Callable[[bytes], bytes]) -> None:
    check_lossless(change(path.read_bytes()), path.name)


@pytest.mark.parametrize("version", [f"1.{minor}" for minor in range(15)])
def test_every_version_stays_valid(version: str) -> None:
    if not (SHARED / "dtd").is_dir():
        pytest.skip("Apple's DTDs are not beside the project")
    minor = int(version.split(".")[1])
    raw = _plain_cut(minor)
    assert dtd_errors(raw) == Counter()
    result = check_lossless(raw, "plain.fcpxml")
    assert new_dtd_errors(raw, result.raw) == []


def _plain_cut(minor: int) -> bytes:
    source = 'src="file:///a.mov"'
    asset = '<asset id="r2" name="a" start="0s" duration="100s" hasVideo="1" {}>{}</asset>'
    asset = asset.format("", f"<media-rep {source}/>") if minor >= 9 else asset.format(source, "")
    resources = f'<resources><format id="r1" frameDuration="1/25s"/>{asset}</resources>'
    shot = (
        '<clip name="a" offset="0s" duration="2s"><note>n</note><video ref="r2" offset="0s" '
        'duration="100s"/><marker start="0s" value="m"/></clip>'
        '<gap offset="2s" start="3600s" duration="2s"><spine lane="1" offset="3600s">'
        '<clip name="b" offset="0s" duration="1s"><video ref="r2" offset="0s" duration="100s"/>'
        "</clip></spine><marker start='3600s' value='x'/></gap>"
        '<video ref="r2" name="c" offset="4s" start="7s" duration="2s"/>'
    )
    sequence = f'<sequence format="r1"><spine>{shot}</spine></sequence>'
    if minor < 4:
        body = f'<project name="p">{resources}{sequence}</project>'
    else:
        body = (
            f'{resources}<library><event><project name="p">{sequence}</project></event></library>'
        )
    return f'<fcpxml version="1.{minor}">{body}</fcpxml>'.encode()


@pytest.mark.skipif(not REAL, reason="no real cuts beside the project")
@pytest.mark.parametrize("path", REAL, ids=lambda path: path.stem)
def test_real_cuts(path: Path) -> None:
    raw = path.read_bytes()
    try:
        timeline = open_document(path).timeline()
    except FoleyError as error:
        assert error.hint
        return
    assert timeline.frame_rate > 0
    result = check_lossless(raw, path.name)
    assert new_dtd_errors(raw, result.raw) == []


def test_damage_raises_only_our_errors() -> None:
    rng = random.Random(7)
    texts = [path.read_text(encoding="utf-8") for path in CUTS]
    for turn in range(160):
        text = texts[turn % len(texts)]
        raw = damaged(text, rng)
        try:
            document_ = open_bytes(raw, name="damaged.fcpxml")
            stems = stems_for(document_.timeline())
            assert document_.add(stems).strip().document.raw == raw
        except FoleyError:
            continue


def damaged(text: str, rng: random.Random) -> bytes:
    """A value replaced by nonsense, an element lost, or bytes changed."""
    kind = rng.randrange(3)
    if kind == 0:
        values = list(re.finditer(r'="([^"]*)"', text))
        chosen = rng.choice(values)
        junk = rng.choice(["", "x", "-1", "1/0s", "9" * 30, "-5s", "1/3s", "r2", "m1", "1.11"])
        return (text[: chosen.start(1)] + junk + text[chosen.end(1) :]).encode()
    if kind == 1:
        tags = list(re.finditer(r"<[^<>]*/>", text))
        chosen = rng.choice(tags)
        return (text[: chosen.start()] + text[chosen.end() :]).encode()
    raw = bytearray(text.encode())
    for _ in range(rng.randrange(1, 4)):
        raw[rng.randrange(len(raw))] = rng.randrange(256)
    return bytes(raw)


SPINE_OF_TWO = (
    '<asset-clip ref="r2" name="one" offset="0s" start="10s" duration="4s"/>'
    '<asset-clip ref="r2" name="two" offset="4s" start="30s" duration="2s"/>'
)


def with_automation(timeline: Timeline) -> list[StemClip]:
    """Stems on every clip, each ridden from -12 dB to 0 and on beyond its end."""
    return [
        replace(
            stem,
            automation=(
                (Fraction(0), -12.0),
                (stem.record.duration_s / 2, 0.0),
                (stem.record.duration_s * 2, -9.0),
            ),
        )
        for stem in stems_for(timeline)
    ]


@pytest.mark.parametrize(("host", "unit"), [("finalcut", "dB"), ("generic", "dB"), ("resolve", "")])
def test_automation_lies_in_the_clips_own_time(host: Host, unit: str) -> None:
    raw = document(SPINE_OF_TWO)
    opened = open_bytes(raw, name="x")
    stem = with_automation(opened.timeline())[0]
    root = etree.fromstring(opened.add([stem], Dialect(host=host)).raw)
    (clip,) = (one for one in root.iter("asset-clip") if one.get("audioRole") == ROLE)
    keyframes = list(
        clip.iterfind("adjust-volume/param[@name='amount']/keyframeAnimation/keyframe")
    )
    times = [seconds(one.get("time")) for one in keyframes]
    start = seconds(clip.get("start"))
    length = seconds(clip.get("duration"))
    assert times == [start, start + length / 2, start + length]
    assert [one.get("value") for one in keyframes] == [
        f"-12.00{unit}",
        f"0.00{unit}",
        f"-3.00{unit}",
    ]


def test_a_version_without_keyframes_refuses_automation() -> None:
    opened = open_bytes(document(SPINE_OF_TWO, version="1.3"), name="x")
    with pytest.raises(WouldLoseData, match=r"1\.3 holds no keyframes"):
        opened.add(with_automation(opened.timeline()))


def test_resolve_gets_the_markers_in_a_list_of_their_own() -> None:
    opened = open_bytes(document(SPINE_OF_TWO), name="x")
    stems = stems_for(opened.timeline())
    (sidecar,) = opened.sidecars(stems, Dialect(host="resolve"))
    assert sidecar.suffix == "_markers.edl"
    assert sidecar.content.count(b"|C:ResolveColor") == sum(len(stem.markers) for stem in stems)
    assert not opened.sidecars(stems, Dialect(host="finalcut"))


def test_what_a_person_changed_since_stays_and_ours_goes() -> None:
    """Saved again by a host, with a clip moved, ours trimmed and renamed, and a marker added."""
    opened = open_bytes(document(SPINE_OF_TWO), name="x")
    root = etree.fromstring(resaved(opened.add(stems_for(opened.timeline())).raw))
    second = next(one for one in root.iter("asset-clip") if one.get("name") == "two")
    second.set("offset", "5s")
    second.insert(0, etree.Element("marker", start="31s", duration="1/25s", value="ask"))
    ours = next(one for one in root.iter("asset-clip") if one.get("audioRole") == ROLE)
    ours.set("name", "steps, softer")
    ours.set("duration", "1s")
    stripped = open_bytes(etree.tostring(root), name="x").strip()
    assert stripped.removed and not stripped.exact
    left = stripped.document.timeline()
    assert [clip.record.start_s for clip in left.clips] == [0, 5]
    assert [marker.name for marker in left.markers] == ["ask"]
    text = stripped.document.raw
    assert b"otio-foley" not in text and b"steps, softer" not in text


def test_saved_again_is_equal_in_content_only(tmp_path: Path) -> None:
    (tmp_path / "cut.fcpxml").write_bytes(document(SPINE_OF_TWO))
    opened = open_document(tmp_path / "cut.fcpxml")
    added = opened.add(stems_for(opened.timeline())).raw
    (tmp_path / "resaved.fcpxml").write_bytes(resaved(added))
    verdict = verify(tmp_path / "cut.fcpxml", tmp_path / "resaved.fcpxml")
    assert (verdict.identical, verdict.equal_content) == (False, True)


def test_only_times_are_compared_as_times() -> None:
    assert plain_value("asset-clip", "start", "48/24s") == "2s"
    assert plain_value("timept", "value", "48/24s") == "2s"
    assert plain_value("marker", "value", "48/24s") == "48/24s"
