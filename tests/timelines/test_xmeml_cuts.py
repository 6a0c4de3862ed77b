"""What a cold reader of the xmeml room found: cuts that were read wrong, or not at all."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from timelines.roundtrip import check_lossless
from timelines.stems import stems_for
from timelines.test_xmeml import FILE, RATE, angle, document, item, multiclip, read

from otio_foley.errors import ParseError, WouldLoseData
from otio_foley.timelines.registry import open_bytes
from otio_foley.types import Clip, Timeline

LONG_FILE = FILE.replace("<pathurl>", "<duration>1000</duration><pathurl>")
TICKS_HZ = 254_016_000_000


def rate(timebase: str, ntsc: str = "FALSE") -> str:
    return f"<rate><timebase>{timebase}</timebase><ntsc>{ntsc}</ntsc></rate>"


def remap(speed: int, *keyframes: tuple[int, int], variable: bool = False) -> str:
    keys = "".join(
        f"<keyframe><when>{when}</when><value>{value}</value></keyframe>"
        for when, value in keyframes
    )
    parameters = {"variablespeed": f"<value>{int(variable)}</value>"}
    parameters["speed"] = f"<value>{speed}</value>"
    if keys:
        parameters["graphdict"] = f"<value>0</value>{keys}"
    written = "".join(
        f"<parameter><parameterid>{name}</parameterid>{content}</parameter>"
        for name, content in parameters.items()
    )
    return f"<filter><effect><effectid>timeremap</effectid>{written}</effect></filter>"


def nest(content: str, duration: int | None = None, its_rate: str = RATE) -> str:
    stated = "" if duration is None else f"<duration>{duration}</duration>"
    return (
        f'<sequence id="n"><name>n</name>{stated}{its_rate}<media><video><track>{content}</track>'
        "</video></media></sequence>"
    )


def source_frames(clip: Clip, at: int = 25) -> list[Fraction]:
    return [source * at for _, source in clip.time_map.points]


def shown(track: str) -> list[Fraction]:
    (clip,) = read(document(track)).clips
    return source_frames(clip)


def reasons(timeline: Timeline) -> list[tuple[str, str]]:
    return [(skipped.name, skipped.reason) for skipped in timeline.skipped]


# ---- retimes


@pytest.mark.parametrize(
    ("clipitem", "expected"),
    [
        (item(0, 25, 100, 125, "<duration>1000</duration>" + FILE + remap(-100)), [900, 875]),
        (item(0, 25, 300, 325, "<duration>2000</duration>" + FILE + remap(-50)), [850, 837.5]),
        (item(0, 25, 100, 125, "<duration>9</duration>" + LONG_FILE + remap(-100)), [900, 875]),
    ],
)
def test_reverse_play_counts_from_the_end(clipitem: str, expected: list[float]) -> None:
    assert shown(clipitem) == expected


@pytest.mark.parametrize("duration", ["of the nest", "of the clip"])
def test_a_nested_sequence_backwards(duration: str) -> None:
    inside = nest(item(0, 500, 0, 500), 500 if duration == "of the nest" else None)
    own = "<duration>500</duration>" if duration == "of the clip" else ""
    assert shown(item(0, 50, 100, 150, own + inside + remap(-100))) == [400, 350]


def test_an_angle_backwards() -> None:
    cams = multiclip(angle("A", "TRUE", ""))
    assert shown(item(0, 50, 100, 150, cams + remap(-100))) == [400, 350]


def test_reverse_play_of_what_has_no_length_is_named() -> None:
    track = item(0, 25, 100, 125, FILE + remap(-100)) + item(25, 50, 0, 25)
    timeline = read(document(track))
    assert len(timeline.clips) == 1
    assert "does not say how long" in timeline.skipped[0].reason


def test_a_subclip_backwards_counts_from_its_own_end() -> None:
    subclip = "<subclipinfo><startoffset>100</startoffset><endoffset>700</endoffset></subclipinfo>"
    assert shown(item(0, 25, 0, 25, subclip + LONG_FILE + remap(-100))) == [300, 275]


RAMP = ((0, 0), (24, 24), (48, 72))


@pytest.mark.parametrize(
    ("in_", "length", "filter_", "expected"),
    [
        (600, 24, remap(0, (0, 100), (480, 100)), [100, 100]),
        (240, 48, remap(0, (0, 100), (48, 100)), [100, 100]),
        (120, 24, remap(50, (0, 0), (100, 50)), [60, 72]),
        # variable speed that ends where the clip ends counts from its in point
        (30, 48, remap(150, *RAMP, variable=True), [30, 54, 102]),
        (47, 48, remap(150, *RAMP, variable=True), [47, 71, 119]),
        (48, 48, remap(150, *RAMP, variable=True), [48, 72, 120]),
        (30, 48, remap(150, (30, 55), (54, 60), (78, 100), variable=True), [55, 60, 100]),
        # and any other from the medium's first frame
        (24, 12, remap(150, *RAMP, variable=True), [24, 48]),
        (60, 10, remap(150, *RAMP, variable=True), [96, 116]),
    ],
)
def test_what_a_graph_counts_from(in_: int, length: int, filter_: str, expected: list[int]) -> None:
    assert shown(item(0, length, in_, in_ + length, LONG_FILE + filter_)) == expected


@pytest.mark.parametrize(
    ("offset", "expected"),
    [("<stillframeoffset>5</stillframeoffset>", 105), ("", 110)],
)
def test_a_still_frame_of_a_subclip(offset: str, expected: int) -> None:
    still = (
        f"<stillframe>TRUE</stillframe>{offset}"
        "<subclipinfo><startoffset>100</startoffset></subclipinfo>"
    )
    assert shown(item(0, 24, 10, 34, still + LONG_FILE)) == [expected, expected]


# ---- rates


def test_in_of_a_nested_sequence_may_count_in_its_frames() -> None:
    fast = nest(item(0, 1000, 0, 1000).replace(RATE, rate("50")), 1000, rate("50"))
    ticks = f"<pproTicksIn>{5 * TICKS_HZ}</pproTicksIn>"
    assert shown(item(0, 125, 250, 500, ticks + fast)) == [125, 250]


def test_of_two_rates_that_fit_the_ticks_the_nearer_is_meant() -> None:
    ntsc = rate("24", "TRUE")
    ticks = f"<pproTicksIn>{900 * TICKS_HZ * 1001 // 24000}</pproTicksIn>"
    track = item(0, 48, 900, 948, ticks + FILE.replace("<pathurl>", f"{ntsc}<pathurl>"))
    (clip,) = read(document(track.replace(RATE, rate("24")), rate=ntsc)).clips
    assert [s * 24000 / 1001 for _, s in clip.time_map.points] == [900, 948]


@pytest.mark.parametrize(("length", "counts_in"), [(48, "24"), (2400, "23.976")])
def test_a_length_tells_rates_apart_only_by_whole_frames(length: int, counts_in: str) -> None:
    ntsc = rate("24", "TRUE")
    track = item(0, length, 900, 900 + length).replace(RATE, rate("24"))
    (clip,) = read(document(track, rate=ntsc)).clips
    in_rate = Fraction(24) if counts_in == "24" else Fraction(24000, 1001)
    assert clip.time_map.points[0][1] == 900 / in_rate


@pytest.mark.parametrize("timecode", ["<frame>90000</frame>", "<string>01:00:00:00</string>"])
def test_a_timecode_without_a_rate_counts_in_the_clips(timecode: str) -> None:
    file = FILE.replace("<pathurl>", f"<timecode>{timecode}</timecode><pathurl>")
    (clip,) = read(document(item(0, 25, 0, 25, file))).clips
    assert clip.media_start_s == 3600


@pytest.mark.parametrize(
    ("its_rate", "timecode", "drop_frame", "start_s"),
    [
        (rate("30", "TRUE"), "<string>01;00;00;00</string>", True, Fraction(107892 * 1001, 30000)),
        (
            rate("30", "TRUE"),
            "<string>01;00;00;00</string><displayformat>NDF</displayformat>",
            False,
            Fraction(108000 * 1001, 30000),
        ),
        (RATE, "<frame>25</frame><displayformat>DF</displayformat>", False, Fraction(1)),
    ],
)
def test_drop_frame(its_rate: str, timecode: str, drop_frame: bool, start_s: Fraction) -> None:
    raw = document(item(0, 5, 0, 5), rate=f"{its_rate}<timecode>{timecode}</timecode>")
    timeline = read(raw)
    assert (timeline.drop_frame, timeline.start_s) == (drop_frame, start_s)
    after = check_lossless(raw, "made.xml").raw
    written = after[after.index(b"<audio>") :]
    assert (b"<displayformat>DF<" in written) is drop_frame


def test_a_rate_that_xmeml_cannot_say_is_refused() -> None:
    raw = document(item(0, 125, 0, 125), rate=rate("12.5"))
    before = open_bytes(raw, name="made.xml")
    assert before.timeline().frame_rate == Fraction(25, 2)
    with pytest.raises(WouldLoseData, match=r"12\.5 frames a second") as caught:
        before.add(stems_for(before.timeline()))
    assert caught.value.hint


# ---- nests and multiclips


def test_layers_in_the_active_angle_of_a_multiclip() -> None:
    tracks = item(0, 50, 0, 50) + "</track><track>" + item(0, 50, 100, 150)
    cams = (
        '<multiclip id="m"><angle><activevideoangle>TRUE</activevideoangle><clip id="c"><media>'
        f"<video><track><clipitem><duration>50</duration>{nest(tracks)}</clipitem></track></video>"
        "</media></clip></angle></multiclip>"
    )
    above = "</track><track>" + item(0, 50, 700, 750)
    clips = read(document(item(0, 50, 0, 50, cams) + above)).clips
    layers = {source_frames(clip)[0]: clip.layer for clip in clips}
    assert layers == {0: 1, 100: 2, 700: 3}


def test_a_master_clip_in_a_bin_makes_no_sequence_a_nested_one() -> None:
    def sequence(name: str) -> str:
        return (
            document(item(0, 5, 0, 5))
            .decode()
            .removeprefix('<xmeml version="5">')
            .replace('id="s"><name>p', f'id="{name}"><name>{name}')
            .removesuffix("</xmeml>")
        )

    master = (
        "<clip><media><video><track><clipitem><sequence id='main'/></clipitem></track></video>"
        "</media></clip>"
    )
    raw = f'<xmeml version="5">{sequence("main")}{sequence("other")}{master}</xmeml>'
    assert read(raw.encode()).name == "main"


def test_an_angle_that_lies_at_the_beginning() -> None:
    placed = "<start>0</start><end>500</end><mediadelay>40</mediadelay>"
    assert shown(item(0, 25, 100, 125, multiclip(angle("A", "TRUE", placed)))) == [100, 125]


@pytest.mark.parametrize(
    "played", [nest(item(0, 100, 0, 100)), multiclip(angle("A", "TRUE", ""))], ids=["nest", "angle"]
)
def test_what_is_seen_beyond_its_content_is_named(played: str) -> None:
    timeline = read(document(item(0, 30, 600, 630, played) + item(30, 50, 0, 20)))
    assert len(timeline.clips) == 1
    assert reasons(timeline) == [("a", "nothing of what it holds is seen there")]


def test_a_flat_cut_may_hold_any_number_of_clips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otio_foley.timelines.xmeml.read._MAX_PLAYED", 20)
    monkeypatch.setattr("otio_foley.timelines.xmeml.read._MAX_LOOKED_AT", 20)
    flat = "".join(item(n, n + 1, 0, 1) for n in range(30))
    assert len(read(document(flat)).clips) == 30
    with pytest.raises(ParseError, match="more than 20 items"):
        read(document(item(0, 30, 0, 30, nest(flat))))


def test_nests_that_lie_too_deep_are_named() -> None:
    inside = nest(item(0, 5, 0, 5))
    for level in range(40):
        inside = nest(item(0, 5, 0, 5, inside)).replace('id="n"', f'id="n{level}"', 1)
    timeline = read(document(item(0, 5, 0, 5, inside) + item(5, 9, 0, 4)))
    assert reasons(timeline) == [("a", "nested more than 40 deep")]


# ---- what is wrong with one thing is no reason to refuse all


def test_a_marker_that_cannot_be_read_is_named() -> None:
    markers = (
        "<marker><name>bad</name><in>x</in></marker><marker><name>good</name><in>5</in></marker>"
    )
    timeline = read(document(item(0, 5, 0, 5), rate=RATE + markers))
    assert [marker.name for marker in timeline.markers] == ["good"]
    assert [skipped.name for skipped in timeline.skipped] == ["bad"]
    assert "no number: 'x'" in timeline.skipped[0].reason


def test_the_undo_record_lies_in_the_first_clip_of_the_first_track() -> None:
    raw = document(item(0, 25, 0, 25) + item(25, 50, 25, 50))
    before = open_bytes(raw, name="made.xml")
    first, second = stems_for(before.timeline())
    stems = [replace(second, track=1, name="here"), replace(first, track=2, name="there")]
    for given in (stems, stems[::-1]):
        text = before.add(given).raw.decode()
        assert text.index("<name>here") < text.index("otio-foley-undo") < text.index("<name>there")
