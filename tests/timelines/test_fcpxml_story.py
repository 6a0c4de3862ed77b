"""FCPXML: lanes, clocks and storylines in the combinations that people make."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction

import pytest
from lxml import etree
from timelines.roundtrip import check_lossless
from timelines.stems import stem_for, stems_for
from timelines.test_fcpxml import at, clip, document, ours, points, read

from otio_foley.errors import ParseError
from otio_foley.timelines.registry import open_bytes
from otio_foley.timelines.visible import visible_spans
from otio_foley.types import Timeline

FAST = '<timeMap><timept time="0s" value="0s"/><timept time="{}s" value="{}s"/></timeMap>'


def asset_clip(name: str, *attributes: str, inside: str = "") -> str:
    given = " ".join(attributes)
    return f'<asset-clip ref="r2" name="{name}" {given}>{inside}</asset-clip>'


def compound(identity: str, spine: str, duration: str = "100s") -> str:
    return (
        f'<media id="{identity}"><sequence format="r1" duration="{duration}"><spine>{spine}</spine>'
        "</sequence></media>"
    )


def seen(timeline: Timeline) -> dict[str, list[tuple[Fraction, Fraction]]]:
    return {
        one.name: [(span.start_s, span.duration_s) for span in spans]
        for one, spans in zip(timeline.clips, visible_spans(timeline.clips), strict=True)
    }


def reasons(timeline: Timeline) -> dict[str, str]:
    return {skipped.name: skipped.reason for skipped in timeline.skipped}


def span(start: int, duration: int, lane: int | None = None) -> tuple[str, ...]:
    placed = (f'offset="{start}s"', f'duration="{duration}s"', 'start="0s"')
    return placed if lane is None else (*placed, f'lane="{lane}"')


# ---- containers


def test_what_is_anchored_to_a_retimed_sync_clip_runs_beside_it() -> None:
    """Twice as fast inside; what is connected at clip time 6 s is seen at 6 s for 2 s."""
    spine = f"<spine>{asset_clip('inside', *span(0, 50))}</spine>"
    beside = asset_clip("beside", *span(6, 2, 1))
    sync = f'<sync-clip offset="0s" start="0s" duration="10s" format="r1">{FAST.format(10, 20)}'
    raw = document(f"{sync}{spine}{beside}</sync-clip>")
    timeline = read(raw)
    assert points(clip(timeline, "inside")) == [(0, 0), (10, 20)]
    assert at(clip(timeline, "beside")) == (6, 2)
    check_lossless(raw, "made.fcpxml")
    # And so is a footstep clip: where a picture in its place would be read.
    root = etree.fromstring(raw)
    document_ = open_bytes(raw, name="x")
    stem = stem_for(clip(timeline, "beside"), timeline)
    inside = clip(timeline, "inside").clip_id
    added = etree.fromstring(document_.add([replace(stem, clip_id=inside)]).raw)
    (footsteps,) = ours(added)
    assert footsteps.getparent().tag == "sync-clip"
    as_picture = asset_clip(
        "stem", f'offset="{footsteps.get("offset")}" duration="2s" lane="2" start="0s"'
    )
    root.find(".//sync-clip").append(etree.fromstring(as_picture))
    assert at(clip(read(etree.tostring(root)), "stem")) == (6, 2)


def test_lanes_within_a_compound_stay_within_it() -> None:
    inner = compound(
        "m1", asset_clip("base", *span(0, 9), inside=asset_clip("high", *span(0, 9, 5)))
    )
    over = asset_clip("over", *span(0, 4, 1))
    below = asset_clip("below", *span(0, 4, -1))
    timeline = read(
        document(
            f'<ref-clip ref="m1" offset="0s" duration="9s">{over}{below}</ref-clip>',
            resources=inner,
        )
    )
    assert seen(timeline) == {"over": [(0, 4)], "high": [(4, 5)], "base": [], "below": []}
    assert {c.name: c.layer for c in timeline.clips} == {
        "below": 1,
        "base": 2,
        "high": 3,
        "over": 4,
    }


def test_a_clip_and_the_compound_beside_it_share_a_layer() -> None:
    inner = compound("m1", asset_clip("in", *span(0, 9)))
    shots = asset_clip("one", *span(0, 4)) + '<ref-clip ref="m1" offset="4s" duration="2s"/>'
    assert {c.layer for c in read(document(shots, resources=inner)).clips} == {1}


@pytest.mark.parametrize("lane", [1, 2, 4])
def test_lanes_keep_their_numbers(lane: int) -> None:
    timeline = read(
        document(asset_clip("a", *span(0, 9), inside=asset_clip("b", *span(0, 1, lane))))
    )
    assert clip(timeline, "b").layer == lane + 1


# ---- storylines


def test_picture_connected_to_a_sound_in_the_storyline() -> None:
    over = asset_clip("over", *span(12, 2, 1))
    raw = document(
        f'<audio ref="r2" offset="0s" start="10s" duration="5s">{over}</audio>'
        + asset_clip("next", *span(5, 2))
    )
    timeline = read(raw)
    assert at(clip(timeline, "over")) == (2, 2)
    assert reasons(timeline) == {}
    check_lossless(raw, "made.fcpxml")


def test_a_leading_transition_without_an_offset_moves_nothing() -> None:
    shots = '<transition duration="1s"/>' + asset_clip("a", 'duration="4s"')
    assert at(clip(read(document(shots)), "a")) == (0, 4)


def test_sound_goes_to_what_the_main_storyline_shows() -> None:
    """A connected storyline that outlasts the clip that it hangs on."""
    line = asset_clip("x", *span(0, 3)) + asset_clip("y", *span(3, 3))
    first = asset_clip("a", *span(0, 4), inside=f'<spine lane="1" offset="2s">{line}</spine>')
    raw = document(first + '<asset-clip ref="r2" name="b" offset="4s" start="20s" duration="8s"/>')
    assert [at(clip(read(raw), name)) for name in ("x", "y")] == [(2, 3), (5, 3)]
    opened = open_bytes(raw, name="x")
    root = etree.fromstring(opened.add(stems_for(opened.timeline())).raw)
    y = clip(opened.timeline(), "y").clip_id
    (stem,) = (one for one in ours(root) if y in one.get("name"))
    assert (stem.getparent().get("name"), stem.get("offset")) == ("b", "21s")
    check_lossless(raw, "made.fcpxml")


# ---- times


def test_two_points_at_one_time_are_a_jump() -> None:
    knots = [(0, 0), (2, 2), (2, 50), (4, 52)]
    time_map = "".join(f'<timept time="{a}s" value="{b}s"/>' for a, b in knots)
    raw = document(asset_clip("a", *span(0, 4), inside=f"<timeMap>{time_map}</timeMap>"))
    assert [(at(c), points(c)) for c in read(raw).clips] == [
        ((0, 2), [(0, 0), (2, 2)]),
        ((2, 2), [(0, 50), (2, 52)]),
    ]
    check_lossless(raw, "made.fcpxml")


@pytest.mark.parametrize(
    ("first", "duration_s"),
    [
        ('<ref-clip ref="m1" name="f" start="6s"/>', 4),
        ('<asset-clip ref="r2" name="f" start="90s"/>', 10),
        (f'<asset-clip ref="r2" name="f" start="0s">{FAST.format(200, 100)}</asset-clip>', 200),
        (f'<asset-clip ref="r2" name="f" start="50s">{FAST.format(200, 100)}</asset-clip>', 150),
        (
            '<asset-clip ref="r2" name="f"><conform-rate srcFrameRate="24"/></asset-clip>',
            100 * Fraction(24, 25),
        ),
    ],
)
def test_an_element_without_a_duration_lasts_as_long_as_what_it_shows(
    first: str, duration_s: Fraction
) -> None:
    inner = compound("m1", asset_clip("in", *span(0, 50)), duration="10s")
    timeline = read(document(first + asset_clip("next", 'duration="1s"'), resources=inner))
    assert timeline.clips[0].record.duration_s == duration_s
    assert at(clip(timeline, "next")) == (duration_s, 1)


def test_an_element_that_starts_behind_its_medium_is_named() -> None:
    timeline = read(
        document('<asset-clip ref="r2" name="late" start="200s"/>' + asset_clip("a", *span(0, 2)))
    )
    assert [c.name for c in timeline.clips] == ["a"]
    assert "behind the end" in reasons(timeline)["late"]


def test_a_guessed_rate_is_marked() -> None:
    raw = document(asset_clip("a", *span(0, 2)), resources='<format id="r0"/>')
    assert not read(raw).frame_rate_assumed
    guessed = open_bytes(raw.replace(b'sequence format="r1"', b'sequence format="r0"'), name="x")
    assert guessed.timeline().frame_rate_assumed
    given = guessed.with_frame_rate(Fraction(30)).timeline()
    assert (given.frame_rate, given.frame_rate_assumed) == (30, False)


# ---- what cannot be read is named


def names(items: Iterable[str]) -> list[str]:
    return sorted(items)


@pytest.mark.parametrize("tag", ["gap", "title", "asset-clip"])
def test_everything_that_is_lost_with_its_parent_is_named(tag: str) -> None:
    line = asset_clip("in line", *span(0, 2), inside=asset_clip("on it", *span(0, 1, 1)))
    picks = f"<audition lane='2' offset='0s'>{asset_clip('pick', *span(0, 1))}</audition>"
    held = f"{asset_clip('held', *span(0, 2, 1))}<spine lane='3' offset='0s'>{line}</spine>{picks}"
    lost = f'<{tag} ref="r2" name="lost" offset="x" duration="4s">{held}</{tag}>'
    timeline = read(document(lost + asset_clip("a", *span(4, 2))))
    assert names(reasons(timeline)) == names(["lost", "held", "in line", "on it", "pick"])


def test_a_storyline_at_no_time_takes_nothing_else_down() -> None:
    line = f"<spine lane='1' offset='x'>{asset_clip('in line', *span(0, 2))}</spine>"
    other = asset_clip("other", *span(0, 2, 2))
    timeline = read(document(asset_clip("a", *span(0, 4), inside=line + other)))
    assert names(c.name for c in timeline.clips) == ["a", "other"]
    assert names(reasons(timeline)) == ["<spine>", "in line"]


def test_the_next_project_that_reads() -> None:
    bad = '<project name="bad"><sequence format="r1"><spine><asset-clip ref="r9" name="gone" '
    bad += 'offset="0s" duration="2s"/></spine></sequence></project>'
    raw = document(asset_clip("a", *span(0, 2))).replace(b"<event>", b"<event>" + bad.encode())
    timeline = read(raw)
    assert [c.name for c in timeline.clips] == ["a"]
    assert "gone" in reasons(timeline)["bad"]
    only_bad = raw.replace(b'ref="r2"', b'ref="r9"')
    with pytest.raises(ParseError, match="'bad' can be understood"):
        read(only_bad)


MULTICAM = (
    '<media id="m1"><multicam format="r1"><mc-angle name="A" angleID="A">'
    '<asset-clip ref="r2" name="A" offset="0s" start="0s" duration="50s"/>'
    '<mc-clip ref="m1" name="again" offset="50s" duration="5s"/></mc-angle></multicam></media>'
)


def test_a_multicam_clip_that_contains_itself() -> None:
    timeline = read(document('<mc-clip ref="m1" offset="0s" duration="60s"/>', resources=MULTICAM))
    assert "multicam clip 'm1' contains itself" in reasons(timeline)["again"]


@pytest.mark.parametrize(("enabled", "skipped"), [("audio", set()), ("all", {"cams"})])
def test_a_multicam_clip_of_sound_alone_is_no_lost_picture(enabled: str, skipped: set[str]) -> None:
    angle = "A" if enabled == "audio" else "gone"
    cams = (
        '<mc-clip ref="m1" name="cams" offset="0s" duration="2s">'
        f'<mc-source angleID="{angle}" srcEnable="{enabled}"/></mc-clip>'
    )
    timeline = read(document(cams + asset_clip("a", *span(2, 2)), resources=MULTICAM))
    assert [c.name for c in timeline.clips] == ["a"]
    assert set(reasons(timeline)) == skipped


def test_a_marker_at_no_time_is_named() -> None:
    markers = '<marker start="x" value="lost"/><marker start="1s" value="door"/>'
    timeline = read(document(asset_clip("a", *span(0, 2), inside=markers)))
    assert [m.name for m in timeline.markers] == ["door"]
    assert "no time" in reasons(timeline)["lost"]
