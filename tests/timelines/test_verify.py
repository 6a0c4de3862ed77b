"""`verify`: everything that a cut says has to be in its result, in whatever spelling."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import opentimelineio
import pytest
from lxml import etree
from timelines.roundtrip import DATA, as_crlf, as_utf16, minified, resaved
from timelines.stems import stem_for, stems_for

from otio_foley.timelines.content import Part, differences, part
from otio_foley.timelines.registry import open_bytes, open_document
from otio_foley.timelines.verify import Verdict, verify
from otio_foley.types import StemClip, Timeline

FCPXML = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE fcpxml>
<fcpxml version="1.11">
  <resources>
    <format id="r1" frameDuration="1/24s"/>
    <asset id="r2" name="walk" start="0s" duration="100s" hasVideo="1" format="r1">
      <media-rep kind="original-media" src="file:///m/walk.mov"/>
    </asset>
    <asset id="r3" name="boom" start="0s" duration="100s" hasAudio="1">
      <media-rep kind="original-media" src="file:///m/boom.wav"/>
    </asset>
    <effect id="r4" name="Basic Title" uid="title.moti"/>
  </resources>
  <project name="p">
    <sequence format="r1" tcStart="0s">
      <spine>
        <asset-clip ref="r2" offset="0s" name="walk" start="48/24s" duration="5s">
          <adjust-volume amount="-3dB"/>
          <asset-clip ref="r3" lane="-1" offset="2s" name="boom" duration="5s"/>
          <marker start="3s" duration="1/24s" value="door" note="slams"/>
        </asset-clip>
        <!-- the end -->
        <title ref="r4" offset="5s" name="end" duration="1s">
          <text><text-style ref="ts1">The end</text-style></text>
        </title>
      </spine>
    </sequence>
  </project>
</fcpxml>
"""

XMEML = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE xmeml>
<xmeml version="4">
  <sequence id="s"><name>p</name>
    <rate><timebase>24</timebase><ntsc>FALSE</ntsc></rate>
    <marker><comment>slams</comment><name>door</name><in>15</in><out>-1</out></marker>
    <media>
      <video><track><clipitem id="v1"><name>walk</name><start>0</start><end>48</end>
        <in>0</in><out>48</out>
        <file id="f1"><name>walk.mov</name><pathurl>file:///m/walk.mov</pathurl></file>
      </clipitem></track></video>
      <audio>
        <track MZ.TrackName="DIALOGUE"><clipitem id="a1"><name>boom</name>
          <start>0</start><end>48</end><in>0</in><out>48</out><file id="f1"/>
          <filter><effect><name>Audio Levels</name><effectid>audiolevels</effectid>
            <parameter><parameterid>level</parameterid><value>0.5</value></parameter>
          </effect></filter>
        </clipitem></track>
        <track><clipitem id="a2"><name>music</name>
          <start>0</start><end>48</end><in>0</in><out>48</out><file id="f1"/>
        </clipitem></track>
      </audio>
    </media>
  </sequence>
</xmeml>
"""

EDL = """TITLE: p
FCM: NON-DROP FRAME
001  WALK     V     C        01:00:00:12 01:00:05:12 01:00:00:00 01:00:05:00
* FROM CLIP NAME: walk.mov
* LOC: 01:00:01:00 RED     DOOR
002  BOOM     A     C        01:00:00:12 01:00:05:12 01:00:00:00 01:00:05:00
* FROM CLIP NAME: boom.wav
003  BOOM     A2    C        01:00:00:12 01:00:05:12 01:00:00:00 01:00:05:00
"""


def _seconds(start: float, duration: float) -> dict[str, Any]:
    times = {"start_time": start, "duration": duration}
    return {
        "OTIO_SCHEMA": "TimeRange.1",
        **{
            key: {"OTIO_SCHEMA": "RationalTime.1", "rate": 24, "value": value * 24}
            for key, value in times.items()
        },
    }


def _otio() -> dict[str, Any]:
    picture = {
        "OTIO_SCHEMA": "Clip.1",
        "name": "walk",
        "source_range": _seconds(2, 5),
        "media_reference": {"OTIO_SCHEMA": "ExternalReference.1", "target_url": "/m/walk.mov"},
        "effects": [
            {"OTIO_SCHEMA": "LinearTimeWarp.1", "effect_name": "Speed", "time_scalar": 0.1}
        ],
        "markers": [
            {"OTIO_SCHEMA": "Marker.1", "name": "door", "range": _seconds(3, 0), "color": "GREEN"}
        ],
    }
    sound = {
        "OTIO_SCHEMA": "Clip.1",
        "name": "boom",
        "source_range": _seconds(0, 5),
        "media_reference": None,
        "metadata": {"level": -3, "none": None, "list": []},
    }
    tracks = [
        {"OTIO_SCHEMA": "Sequence.1", "name": "V1", "kind": "Video", "children": [picture]},
        {"OTIO_SCHEMA": "Track.1", "name": "DIALOGUE", "kind": "Audio", "children": [sound]},
    ]
    return {
        "OTIO_SCHEMA": "Timeline.1",
        "name": "p",
        "tracks": {"OTIO_SCHEMA": "Stack.1", "name": "tracks", "children": tracks},
    }


CUTS = {
    "fcpxml": FCPXML.encode(),
    "xml": XMEML.encode(),
    "otio": json.dumps(_otio(), indent=4).encode(),
    "edl": EDL.encode(),
}


def _stems(timeline: Timeline) -> list[StemClip]:
    """A stem on every clip on the track of its layer, but none that overlaps another."""
    stems: list[StemClip] = []
    for clip in timeline.clips:
        stem = stem_for(clip, timeline, clip.layer)
        if all(other.record.end_s <= stem.record.start_s for other in stems):
            stems.append(stem)
    return stems


def _result(suffix: str, raw: bytes | None = None) -> bytes:
    document = open_bytes(CUTS[suffix] if raw is None else raw, name=f"cut.{suffix}")
    return document.add(stems_for(document.timeline())).raw


def _verdict(tmp_path: Path, suffix: str, before: bytes, after: bytes) -> Verdict:
    original, result = tmp_path / f"cut.{suffix}", tmp_path / f"result.{suffix}"
    original.write_bytes(before)
    result.write_bytes(after)
    return verify(original, result)


# ---- nothing is lost


@pytest.mark.parametrize("suffix", CUTS)
def test_a_result_is_identical_and_so_is_the_cut_itself(tmp_path: Path, suffix: str) -> None:
    raw = CUTS[suffix]
    verdict = _verdict(tmp_path, suffix, raw, _result(suffix))
    assert verdict == Verdict(identical=True, equal_content=True, stems_found=True, differences=())
    verdict = _verdict(tmp_path, suffix, raw, raw)
    assert (verdict.identical, verdict.stems_found) == (True, False)


def _by_json(raw: bytes) -> bytes:
    return json.dumps(json.loads(raw), sort_keys=True, separators=(",", ":")).encode()


def _by_opentimelineio(raw: bytes) -> bytes:
    read = opentimelineio.adapters.read_from_string(raw.decode(), "otio_json")
    return str(opentimelineio.adapters.write_to_string(read, "otio_json")).encode()


def _with_floats(raw: bytes) -> bytes:
    return json.dumps(json.loads(raw, parse_int=float)).encode()


def _padded(raw: bytes) -> bytes:
    """Other columns, blanks at the ends of lines, a blank line before each event, control-Z."""
    lines = []
    for line in raw.splitlines():
        if line[:3].isdigit():
            lines.append(b"")
            line = line.replace(b"     C   ", b"  C ")
        lines.append(line + b" \t")
    return b"\r\n".join(lines) + b"\r\n\x1a"


def _commented(raw: bytes) -> bytes:
    return raw.replace(b"<!DOCTYPE", b"<!-- saved --><?by me?><!DOCTYPE")


@pytest.mark.parametrize(
    ("suffix", "save"),
    [
        *(
            (suffix, save)
            for suffix in ("fcpxml", "xml")
            for save in (resaved, minified, as_crlf, as_utf16, _commented)
        ),
        *(("otio", save) for save in (_by_json, _by_opentimelineio, _with_floats)),
        *(("edl", save) for save in (as_crlf, _padded)),
    ],
)
def test_another_spelling_is_equal_in_content(
    tmp_path: Path, suffix: str, save: Callable[[bytes], bytes]
) -> None:
    verdict = _verdict(tmp_path, suffix, CUTS[suffix], save(_result(suffix)))
    assert verdict.differences == ()
    assert (verdict.equal_content, verdict.stems_found) == (True, True)
    verdict = _verdict(tmp_path, suffix, CUTS[suffix], save(CUTS[suffix]))
    assert (verdict.identical, verdict.equal_content) == (False, True)


def test_times_of_fcpxml_count_by_their_value(tmp_path: Path) -> None:
    spelt = FCPXML.replace("48/24s", "2s").replace('duration="5s"', 'duration="120/24s"')
    assert _verdict(tmp_path, "fcpxml", CUTS["fcpxml"], spelt.encode()).equal_content


@pytest.mark.parametrize(
    "path",
    sorted(path for path in DATA.rglob("*") if path.suffix in (".fcpxml", ".xml", ".edl")),
    ids=lambda path: path.name,
)
def test_made_cuts_survive_a_host(tmp_path: Path, path: Path) -> None:
    before = open_document(path)
    save = _padded if path.suffix == ".edl" else resaved
    after = save(before.add(_stems(before.timeline())).raw)
    verdict = _verdict(tmp_path, path.suffix[1:], before.raw, after)
    assert (verdict.differences, verdict.stems_found) == ((), True)


# ---- something is lost


def _without(xpath: str) -> Callable[[bytes], bytes]:
    def change(raw: bytes) -> bytes:
        root = etree.fromstring(raw)
        (found,) = root.xpath(xpath)
        found.getparent().remove(found)
        return bytes(etree.tostring(root))

    return change


def _json_change(change: Callable[[Any], Any]) -> Callable[[bytes], bytes]:
    def changed(raw: bytes) -> bytes:
        cut = json.loads(raw)
        change(cut["tracks"]["children"])
        return json.dumps(cut).encode()

    return changed


def _replaced(old: str, new: str) -> Callable[[bytes], bytes]:
    def change(raw: bytes) -> bytes:
        assert old.encode() in raw
        return raw.replace(old.encode(), new.encode(), 1)

    return change


@pytest.mark.parametrize(
    ("suffix", "change", "message"),
    [
        (
            "fcpxml",
            _without("//asset-clip[@name='boom']"),
            "missing: asset-clip 'boom' in project 'p' / sequence / spine / asset-clip 'walk'",
        ),
        ("fcpxml", _without("//marker[@value='door']"), "missing: marker 'door' in "),
        ("fcpxml", _without("//adjust-volume"), "missing: adjust-volume in "),
        (
            "fcpxml",
            _replaced('name="boom" duration="5s"', 'name="boom" duration="4s"'),
            "asset-clip 'boom': attribute duration was 5s and is 4s",
        ),
        ("fcpxml", _replaced(' note="slams"', ""), "attribute note is missing (was slams)"),
        ("fcpxml", _replaced("The end", "The  end"), "text was 'The end' and is 'The  end'"),
        (
            "fcpxml",
            _replaced("<text><text-style", "<text>oh<text-style"),
            "title 'end' / text: text was added ('oh | ')",
        ),
        ("xml", _without("//audio/track[1]"), "missing: track 'DIALOGUE' (audio) in "),
        ("xml", _without("//audio/track[2]"), "missing: track (audio) in "),
        ("xml", _without("//sequence/marker"), "missing: marker 'door' in sequence 'p'"),
        ("xml", _without("//filter"), "missing: filter 'Audio Levels' in "),
        ("xml", _replaced("<value>0.5<", "<value>0.6<"), "/ value: text was 0.5 and is 0.6"),
        (
            "otio",
            _json_change(lambda tracks: tracks.pop(1)),
            "missing: track 'DIALOGUE' (audio) in tracks 'tracks'",
        ),
        (
            "otio",
            _json_change(lambda tracks: tracks[0]["children"][0].pop("markers")),
            "missing: marker 'door' in ",
        ),
        (
            "otio",
            _json_change(lambda tracks: tracks[1]["children"][0].pop("metadata")),
            "missing: metadata in tracks 'tracks' / track 'DIALOGUE' (audio) / clip 'boom'",
        ),
        (
            "otio",
            _json_change(lambda tracks: tracks[1]["children"][0]["metadata"].pop("none")),
            "metadata: none is missing (was null)",
        ),
        (
            "otio",
            _json_change(lambda tracks: tracks[1]["children"][0].update(enabled=False)),
            "clip 'boom': enabled was added (false)",
        ),
        (
            "otio",
            _replaced('"level": -3', '"level": "-3"'),
            "level was -3 and is '\"-3\"'",
        ),
        (
            "edl",
            _replaced(
                "003  BOOM     A2    C        01:00:00:12 01:00:05:12 01:00:00:00 01:00:05:00\n", ""
            ),
            "missing: event '003' (BOOM, A2)",
        ),
        (
            "edl",
            _replaced("* LOC: 01:00:01:00 RED     DOOR\n", ""),
            "missing: line '* LOC: 01:00:01:00 RED     DOOR' in event '001' (WALK, V)",
        ),
        ("edl", _replaced("NON-DROP", "DROP"), "was 'FCM: NON-DROP FRAME' and is "),
    ],
)  # fmt: skip
def test_what_is_lost_is_said(
    tmp_path: Path, suffix: str, change: Callable[[bytes], bytes], message: str
) -> None:
    original = CUTS[suffix]
    for result in (change(_result(suffix)), change(original)):
        verdict = _verdict(tmp_path, suffix, original, result)
        assert not verdict.identical
        assert not verdict.equal_content
        assert any(message in difference for difference in verdict.differences), verdict


def test_the_picture_comes_first_in_the_order_of_the_cut(tmp_path: Path) -> None:
    events = [
        f"{at:03}  R{at:02}  V  C  01:00:{at:02}:00 01:00:{at + 1:02}:00"
        f" 01:00:{at:02}:00 01:00:{at + 1:02}:00\n* FROM CLIP NAME: c{at}\n"
        for at in range(30)
    ]
    before = "TITLE: t\n" + "".join(events)
    verdict = _verdict(tmp_path, "edl", before.encode(), before.replace(": c", ": d").encode())
    assert verdict.differences[0] == "clip 'c0': its name changed"
    assert verdict.differences[19:22] == (
        "clip 'c19': its name changed",
        "and 10 more",
        "event '000' (R00, V) / line '* FROM CLIP NAME: c0': "
        "text was '* FROM CLIP NAME: c0' and is '* FROM CLIP NAME: d0'",
    )
    assert verdict.differences[-1] == "and 10 more"


# ---- the comparison itself


def _leaf(name: str, x: str = "1") -> Part:
    return part("leaf", [("name", name), ("x", x)], name=name)


def _root(*children: Part) -> Part:
    return part("root", (), children)


def _told(before: Part, after: Part) -> list[str]:
    return list(differences(before, after))


def test_order_is_content() -> None:
    a, b = _leaf("a"), _leaf("b")
    assert _told(_root(a, b), _root(a, b)) == []
    assert _told(_root(a, b), _root(b, a)) == ["root: what is in it stands in another order"]


def test_a_renamed_part_is_changed_and_what_has_no_counterpart_is_missing() -> None:
    a, b, c = (_leaf(name) for name in "abc")
    assert _told(_root(a, b), _root(a, c)) == ["leaf 'b': name was b and is c"]
    assert _told(_root(a, b, c), _root(b)) == ["missing: leaf 'a'", "missing: leaf 'c'"]
    assert _told(_root(b), _root(a, b, c)) == ["added: leaf 'a'", "added: leaf 'c'"]


def test_nameless_parts_are_counted() -> None:
    one, two, three = (part("track", (), [_leaf(name)]) for name in "abc")
    assert _told(_root(one, two, three), _root(one, three)) == ["missing: track 2"]


def test_long_values_are_shown_where_they_differ() -> None:
    before, after = (part("leaf", [("url", "x" * 500 + end)]) for end in ("old", "new\x07"))
    (message,) = _told(before, after)
    assert "old" in message and "new\\x07" in message and len(message) < 160


def test_depth_and_breadth_cost_no_recursion_and_no_squares() -> None:
    before, after = _leaf("a"), _leaf("a", x="2")
    for _ in range(5000):
        before, after = part("nest", (), [before]), part("nest", (), [after])
    assert len(_told(before, after)) == 1
    gaps = [part("gap", [("x", str(at))]) for at in range(40_000)]
    assert len(_told(_root(*gaps[:20_000]), _root(*gaps[20_000:]))) == 20_000
