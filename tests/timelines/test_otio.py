"""OTIO: what is read, exactly; what is written, opened by OpenTimelineIO; what is taken out."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import opentimelineio
import pytest
from timelines.stems import stem_for

from otio_foley.errors import FoleyError, OutputError, ParseError, WouldLoseData
from otio_foley.timelines.content import differences
from otio_foley.timelines.dialect import Dialect
from otio_foley.timelines.document import NAMESPACE, TextDocument, open_text
from otio_foley.timelines.otio import cut as otio
from otio_foley.timelines.otio.level import level_effects
from otio_foley.timelines.otio.values import METADATA_KEY
from otio_foley.timelines.paths import media_path_from
from otio_foley.timelines.registry import open_bytes, open_document
from otio_foley.timelines.visible import visible_spans
from otio_foley.types import Clip, Host, Span, StemClip, Timeline

_DATA = Path(__file__).parents[1] / "data" / "otio"
_SHARED = Path(__file__).parents[3] / "shared" / "timelines"
_REAL = sorted(_SHARED.rglob("*.otio")) if _SHARED.is_dir() else []
_OWN = sorted(_DATA.glob("*.otio"))
#: OpenTimelineIO 0.18.1 refuses the one (Marker.3) and calls the other unlike itself (NaN).
_BEYOND_OPENTIMELINEIO = {"screening_example.otio", "big_int.otio"}


def _time(value: float, rate: float = 24) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "RationalTime.1", "rate": rate, "value": value}


def _range(start: float, duration: float, rate: float = 24) -> dict[str, Any]:
    return {
        "OTIO_SCHEMA": "TimeRange.1",
        "duration": _time(duration, rate),
        "start_time": _time(start, rate),
    }


def _file(url: str = "/m/a.mov", available: Any = None) -> dict[str, Any]:
    return {
        "OTIO_SCHEMA": "ExternalReference.1",
        "target_url": url,
        "available_range": available,
    }


def _clip(name: str, source: Any, reference: Any = None, **more: Any) -> dict[str, Any]:
    return {
        "OTIO_SCHEMA": "Clip.2",
        "name": name,
        "source_range": source,
        "media_references": {"DEFAULT_MEDIA": reference or _file(f"/m/{name}.mov")},
        "active_media_reference_key": "DEFAULT_MEDIA",
        **more,
    }


def _gap(duration: float) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "Gap.1", "source_range": _range(0, duration)}


def _warp(scalar: Any, schema: str = "LinearTimeWarp.1") -> dict[str, Any]:
    return {"OTIO_SCHEMA": schema, "effect_name": "", "time_scalar": scalar}


def _nest(schema: str, *children: Any, **more: Any) -> dict[str, Any]:
    return {"OTIO_SCHEMA": schema, "name": schema, "children": list(children), **more}


def _track(*children: Any, **more: Any) -> dict[str, Any]:
    return _nest("Track.1", *children, **{"kind": "Video", **more})


def _timeline(*tracks: Any, start: Any = None, **stack: Any) -> dict[str, Any]:
    return {
        "OTIO_SCHEMA": "Timeline.1",
        "name": "cut",
        "global_start_time": start,
        "tracks": _nest("Stack.1", *tracks, **stack),
    }


def _open(cut: Any, **layout: Any) -> TextDocument:
    return open_text("otio", json.dumps(cut, **layout).encode(), otio.parse)


def _read(*tracks: Any, **more: Any) -> Timeline:
    return _open(_timeline(*tracks, **more)).timeline()


def _frames(clip: Clip, rate: Fraction = Fraction(24)) -> tuple[Fraction, ...]:
    """(record in, record out, source in, source out) in frames."""
    (_, first), (_, last) = clip.time_map.points
    times = (clip.record.start_s, clip.record.end_s, first, last)
    return tuple(time_s * rate for time_s in times)


def _stems(timeline: Timeline, tracks: Iterable[int] | None = None) -> list[StemClip]:
    """A stem on every clip, on the track of its layer, without overlaps."""
    stems: list[StemClip] = []
    ends: dict[int, Fraction] = {}
    for clip in timeline.clips:
        stem = stem_for(clip, timeline, clip.layer)
        if ends.get(clip.layer, Fraction(-1)) <= stem.record.start_s:
            ends[clip.layer] = stem.record.end_s
            stems.append(stem)
    return stems


# --- reading ---------------------------------------------------------------------------------


def test_a_resolve_shaped_cut() -> None:
    timeline = open_document(_DATA / "resolve_shaped.otio").timeline()
    assert (timeline.name, timeline.frame_rate, timeline.start_s) == ("Scene 12", 24, 3600)
    assert not timeline.frame_rate_assumed and not timeline.skipped
    walk, over, run = timeline.clips
    assert walk.media_path == "/Volumes/Rushes/Day 1/walk.mov"
    assert (walk.media_start_s, walk.source_rate, walk.layer) == (3600, 24, 1)
    assert _frames(walk) == (0, 96, 86448, 86544)
    assert _frames(run) == (108, 156, 10, 34)
    assert (over.layer, over.enabled, walk.enabled) == (2, False, True)
    assert over.record == Span(start_s=Fraction(3, 2), duration_s=Fraction(1))


def test_old_schemas_decimal_rates_and_uris() -> None:
    timeline = open_document(_DATA / "old_schemas_crlf.otio").timeline()
    assert timeline.frame_rate == Fraction(24000, 1001)
    first, second = timeline.clips
    assert first.media_path == "/Volumes/My Disk/a#%1.mov"
    assert second.media_path == "D:/cuts/b.mov"
    # The transition moves nothing and shows four frames more, where the medium has them.
    assert _frames(first, timeline.frame_rate) == (0, 28, 100, 128)
    assert first.media_start_s == Fraction(90 * 1001, 24000)
    # Without a source range the available one counts.
    assert _frames(second, timeline.frame_rate) == (24, 60, 10, 46)
    (marker,) = timeline.markers
    assert (marker.name, marker.record_s) == ("look", Fraction(8 * 1001, 24000))


def test_minified_text_with_a_byte_order_mark_and_odd_tokens() -> None:
    timeline = open_document(_DATA / "minified_bom.otio").timeline()
    assert timeline.name == "Küche"
    assert [clip.media_path for clip in timeline.clips] == ["media/für.mov"]


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("/a/b c.mov", "/a/b c.mov"),
        ("/a/50%25.mov", "/a/50%25.mov"),
        ("file:///a/b%20c%C3%A4.mov", "/a/b cä.mov"),
        ("file://localhost/a/b.mov", "/a/b.mov"),
        ("file:///D:/a/b.mov", "D:/a/b.mov"),
        ("file://localhost/D%3a/a.mov", "D:/a.mov"),
        ("D:\\a\\b.mov", "D:/a/b.mov"),
        ("file://server/share/a.mov", "//server/share/a.mov"),
        ("media/a.mov", "media/a.mov"),
        ("file:///a/b.%04d.exr", "/a/b.%04d.exr"),
        ("", None),
        ("/a\0b", None),
    ],
)
def test_media_paths(url: str, path: str | None) -> None:
    assert media_path_from(url) == path


def test_speeds_freezes_and_reverse() -> None:
    def shown(*effects: Any) -> tuple[Fraction, ...]:
        (clip,) = _read(_track(_clip("a", _range(100, 48), effects=list(effects)))).clips
        return _frames(clip)

    assert shown() == (0, 48, 100, 148)
    assert shown(_warp(2.0)) == (0, 48, 100, 196)
    assert shown(_warp(0.5), _warp(0.5)) == (0, 48, 100, 112)
    assert shown(_warp(-1.0)) == (0, 48, 148, 100)
    assert shown(_warp(0, "FreezeFrame.1")) == (0, 48, 100, 100)
    assert shown({"OTIO_SCHEMA": "Effect.1", "effect_name": "Blur"}) == (0, 48, 100, 148)
    assert shown({**_warp(2.0), "enabled": False}) == (0, 48, 100, 148)
    assert shown({**_warp(2.0), "enabled": True}) == (0, 48, 100, 196)


def test_an_effect_of_an_unknown_kind_is_named() -> None:
    def told(*effects: Any) -> list[tuple[str, str]]:
        timeline = _read(_track(_clip("a", _range(0, 48), effects=list(effects))))
        assert [_frames(clip) for clip in timeline.clips] == [(0, 48, 0, 48)]
        return [(skipped.name, skipped.reason) for skipped in timeline.skipped]

    ramp = {"OTIO_SCHEMA": "TimeEffect.1", "effect_name": "Ramp"}
    ((name, reason),) = told(ramp)
    assert name == "a" and "TimeEffect" in reason
    assert not told({**ramp, "enabled": False}, {"OTIO_SCHEMA": "Effect.1"})


def _transition(before: float, after: float) -> dict[str, Any]:
    return {
        "OTIO_SCHEMA": "Transition.1",
        "transition_type": "SMPTE_Dissolve",
        "in_offset": _time(before),
        "out_offset": _time(after),
    }


def test_a_transition_shows_both_its_neighbours_and_moves_nothing() -> None:
    timeline = _read(
        _track(
            _transition(6, 0),  # a fade in: nothing stands before it
            _clip("a", _range(0, 48)),
            _transition(12, 8),
            _clip("b", _range(100, 48), effects=[_warp(2)]),
            _transition(4, 10),
            _clip("c", _range(10, 48), effects=[_warp(-1)]),
            _clip("d", _range(0, 48)),
        )
    )
    assert [_frames(clip) for clip in timeline.clips] == [
        (0, 56, 0, 56),
        (36, 106, 76, 216),
        (92, 144, 62, 10),
        (144, 192, 0, 48),
    ]
    seen = visible_spans(timeline.clips)
    assert list(seen) == [(clip.record,) for clip in timeline.clips]


def test_a_transition_shows_no_more_than_the_medium_holds() -> None:
    def shown(speed: float) -> list[tuple[Fraction, ...]]:
        medium = _file("/m/b.mov", _range(90, 70))
        clip = _clip("b", _range(100, 24), medium, effects=[_warp(speed)])
        pair = (_clip("a", _range(0, 48)), _clip("c", _range(0, 48)))
        track = _track(pair[0], _transition(12, 12), clip, _transition(12, 12), pair[1])
        return [_frames(clip) for clip in _read(track).clips if clip.name == "b"]

    assert shown(1) == [(38, 84, 90, 136)]
    assert shown(2) == [(43, 78, 90, 160)]
    assert shown(-2) == [(42, 77, 160, 90)]


def test_a_transition_in_a_nested_sequence_is_trimmed_and_sped_with_it() -> None:
    inner = _track(
        _clip("a", _range(0, 48)),
        _transition(12, 12),
        _clip("b", _range(100, 48)),
        source_range=_range(24, 15),
        effects=[_warp(2)],
    )
    timeline = _read(_track(inner))
    assert [_frames(clip) for clip in timeline.clips] == [(0, 15, 24, 54), (6, 15, 88, 106)]


def test_sound_that_overlaps_on_a_track_goes_to_rows_of_their_own() -> None:
    cut = _track(_clip("a", _range(0, 48)), _transition(12, 12), _clip("b", _range(100, 48)))
    document = _open(_timeline(cut))
    added = document.add(
        [stem_for(clip, document.timeline()) for clip in document.timeline().clips]
    )
    tracks = _opened_by_opentimelineio(added).audio_tracks()
    assert [track.name for track in tracks] == ["FS 1", "FS 1 (2)"]
    starts = [
        track.range_of_child(clip).start_time.value
        for track in tracks
        for clip in track.find_clips()
    ]
    assert starts == [0, 36]
    resaved = json.dumps(json.loads(added.raw), indent=1).encode()
    stripped = open_bytes(resaved, name="x.otio").strip()
    assert json.loads(stripped.document.raw) == json.loads(document.raw)


def test_decimal_times_keep_their_spelling() -> None:
    (clip,) = _read(_track(_clip("a", _range(0.1, 1.7, 24)))).clips
    assert clip.record.duration_s == Fraction(17, 240)
    assert clip.time_map.points[0][1] == Fraction(1, 240)


def test_times_of_mixed_rates() -> None:
    source = {"duration": _time(96000, 48000), "start_time": _time(50, 25)}
    timeline = _read(_track(_clip("a", source), _clip("b", _range(0, 25, 25))))
    assert [clip.record.start_s for clip in timeline.clips] == [0, 2]
    assert timeline.clips[0].time_map.points[0][1] == 2
    assert timeline.frame_rate == 25


def test_the_frame_rate_is_the_start_times_else_the_commonest() -> None:
    clips = [
        _clip("a", _range(0, 5, 25)),
        _clip("b", _range(0, 5, 30)),
        _clip("c", _range(0, 9, 30)),
    ]
    assert _read(_track(*clips)).frame_rate == 30
    timeline = _read(_track(*clips), start=_time(90_000, 25))
    assert (timeline.frame_rate, timeline.start_s) == (25, 3600)
    empty = _read()
    assert (empty.frame_rate, empty.frame_rate_assumed) == (24, True)
    given = open_text("otio", json.dumps(_timeline()).encode(), otio.parse, Fraction(50))
    assert (given.timeline().frame_rate, given.timeline().frame_rate_assumed) == (50, False)


def test_a_timeline_may_begin_before_zero() -> None:
    timeline = _read(_track(_clip("a", _range(0, 24))), start=_time(-960))
    assert timeline.start_s == -40
    assert [_frames(clip) for clip in timeline.clips] == [(0, 24, 0, 24)]


def test_references_of_every_kind() -> None:
    sequence = {
        "OTIO_SCHEMA": "ImageSequenceReference.1",
        "target_url_base": "file:///shots/s%201",
        "name_prefix": "a.",
        "name_suffix": ".exr",
        "frame_zero_padding": 4,
        "rate": 23.976,
        "available_range": _range(1001, 100),
    }
    timeline = _read(
        _track(
            _clip("sequence", _range(1001, 10), sequence),
            _clip("missing", _range(0, 10), {"OTIO_SCHEMA": "MissingReference.1"}),
            _clip("bars", _range(0, 10), {"OTIO_SCHEMA": "GeneratorReference.1"}),
            _clip("odd", _range(0, 10), {"OTIO_SCHEMA": "StudioReference.3"}),
            {"OTIO_SCHEMA": "Caption.7", "name": "words", "source_range": _range(0, 10)},
            _clip("none", _range(0, 10), None, media_references={}),
            _clip("last", _range(5, 10), metadata={"cmx_3600": {"reel": "A001"}}),
        )
    )
    assert [(c.name, c.media_path) for c in timeline.clips] == [
        ("sequence", "/shots/s 1/a.%04d.exr"),
        ("missing", None),
        ("none", None),
        ("last", "/m/last.mov"),
    ]
    assert timeline.clips[0].source_rate == Fraction(24000, 1001)
    assert timeline.clips[0].media_start_s == Fraction(1001, 24)
    assert _frames(timeline.clips[-1])[:2] == (60, 70)
    assert timeline.clips[-1].reel == "A001"
    assert [skipped.name for skipped in timeline.skipped] == ["bars", "odd", "words"]
    assert all(skipped.reason for skipped in timeline.skipped)


def test_the_active_reference_is_played() -> None:
    references = {"proxy": _file("/m/proxy.mov"), "full": _file("/m/full.mov")}
    clip = _clip("a", _range(0, 9), media_references=references)
    (played,) = _read(_track({**clip, "active_media_reference_key": "full"})).clips
    assert played.media_path == "/m/full.mov"


def test_nested_sequences_are_trimmed_sped_and_layered() -> None:
    inner = _nest(
        "Stack.1",
        _track(_gap(10), _clip("low", _range(200, 30))),
        _track(_clip("high", _range(300, 12))),
        _nest("Track.1", _clip("sound", _range(0, 40)), kind="Audio"),
        source_range=_range(6, 20),
        effects=[_warp(1)],
    )
    timeline = _read(
        _track(_gap(100), inner, _clip("after", _range(0, 5))), _track(_clip("top", _range(0, 3)))
    )
    found = {clip.name: (_frames(clip), clip.layer) for clip in timeline.clips}
    assert found == {
        "low": ((104, 120, 200, 216), 1),
        "high": ((100, 106, 306, 312), 2),
        "after": ((120, 125, 0, 5), 1),
        "top": ((0, 3, 0, 3), 3),
    }


def test_a_nested_sequence_at_double_speed() -> None:
    inner = _track(
        _clip("a", _range(50, 40), effects=[_warp(0.5)]),
        source_range=_range(10, 10),
        effects=[_warp(2)],
    )
    (clip,) = _read(_track(inner)).clips
    assert _frames(clip) == (0, 10, 55, 65)
    slow = _track(_clip("a", _range(50, 40)), effects=[_warp(0.5)])
    clips = _read(_track(slow, _clip("b", _range(0, 5)))).clips
    assert [_frames(clip) for clip in clips] == [(0, 40, 50, 70), (40, 45, 0, 5)]
    frozen = _track(_clip("a", _range(50, 40)), effects=[_warp(0, "FreezeFrame.1")])
    assert [skipped.name for skipped in _read(_track(frozen)).skipped] == ["Track.1"]


def test_a_disabled_track_disables_its_clips() -> None:
    timeline = _read(
        _track(_clip("a", _range(0, 5)), enabled=False), _track(_clip("b", _range(0, 5)))
    )
    assert {clip.name: clip.enabled for clip in timeline.clips} == {"a": False, "b": True}


def test_the_top_stacks_trim_moves_the_first_frame() -> None:
    timeline = _read(_track(_gap(10), _clip("a", _range(0, 20))), source_range=_range(12, 5))
    (clip,) = timeline.clips
    assert _frames(clip) == (0, 5, 2, 7)


def test_the_top_stack_may_be_retimed_or_disabled() -> None:
    cut = _timeline(_track(_clip("a", _range(0, 48))), effects=[_warp(2)], enabled=False)
    document = _open(cut)
    (clip,) = document.timeline().clips
    assert (_frames(clip), clip.enabled) == ((0, 24, 0, 48), False)
    with pytest.raises(OutputError, match="retimes"):
        document.add(_stems(document.timeline()))


def test_a_trim_that_is_a_record_start_is_not_believed() -> None:
    track = _track(_clip("a", _range(86500, 30)), source_range=_range(-86243, 30))
    timeline = _read(track)
    assert [_frames(clip) for clip in timeline.clips] == [(0, 30, 86500, 86530)]
    assert [skipped.name for skipped in timeline.skipped] == ["Track.1"]
    document = _open(
        _timeline(
            _track(_clip("a", _range(7, 30))), start=_time(86400), source_range=_range(86400, 30)
        )
    )
    assert [_frames(clip) for clip in document.timeline().clips] == [(0, 30, 7, 37)]
    assert document.add(_stems(document.timeline())).timeline() == document.timeline()


def test_any_other_trim_is_taken_at_its_word() -> None:
    beyond = _nest("Stack.1", _track(_clip("a", _range(0, 48))), source_range=_range(60, 24))
    timeline = _read(_track(beyond, _clip("c", _range(0, 24))))
    assert [(clip.name, _frames(clip)) for clip in timeline.clips] == [("c", (24, 48, 0, 24))]
    assert not timeline.skipped


def test_markers_lie_where_opentimelineio_puts_them() -> None:
    def marked(at: float) -> list[dict[str, Any]]:
        return [{"OTIO_SCHEMA": "Marker.2", "name": str(at), "marked_range": _range(at, 0)}]

    sped = _clip("a", _range(100, 48), effects=[_warp(2)], markers=marked(124))
    frozen = _clip(
        "b", _range(10, 48), effects=[_warp(0, "FreezeFrame.1")], markers=[*marked(22), *marked(90)]
    )
    nested = _nest("Stack.1", _track(_clip("c", _range(0, 48))), source_range=_range(24, 24))
    cut = _timeline(
        _track(sped, frozen, {**nested, "markers": marked(30)}, markers=marked(1)),
        _track(_clip("sound", _range(0, 48)), kind="Audio", markers=marked(2)),
        markers=marked(3),
    )
    document = _open(cut)
    opened = _opened_by_opentimelineio(document)
    video = opened.tracks[0]
    expected = {
        marker.name: item.transformed_time(marker.marked_range.start_time, opened.tracks).value
        for item in (opened.tracks, video, *video)
        for marker in item.markers
        if item is video or item is opened.tracks or marker.name != "90"
    }
    found = {marker.name: marker.record_s * 24 for marker in document.timeline().markers}
    assert found == expected == {"124": 24, "22": 60, "30": 102, "1": 1, "3": 3}


def test_a_marker_that_an_older_schema_names_beside_null() -> None:
    marker = {"OTIO_SCHEMA": "Marker.1", "marked_range": None, "range": _range(12, 0)}
    cut = _timeline(_track(_clip("a", _range(0, 48), markers=[marker])))
    document = _open(cut)
    assert [found.record_s for found in document.timeline().markers] == [Fraction(1, 2)]
    marker["range"] = _range(13, 0)
    assert list(differences(document.content(), _open(cut).content()))


@pytest.mark.parametrize(
    "metadata",
    [
        {"fcp_xml": {"timecode": {"displayformat": "DF"}}},
        {METADATA_KEY: {"drop_frame": True}},
    ],
)
def test_drop_frame_is_what_an_adapter_left_in_the_metadata(metadata: Any) -> None:
    for rate, expected in ((29.97, True), (25, False)):
        cut = _timeline(_track(_clip("a", _range(0, 48, rate))))
        assert not _open(cut).timeline().drop_frame
        assert _open({**cut, "metadata": metadata}).timeline().drop_frame is expected


def test_a_change_of_a_medium_beside_others_is_noticed() -> None:
    for several in ({"a": _file("/y"), "b": _file("/z")}, {"DEFAULT_MEDIA": _file("/y")}):
        cuts = [
            _timeline(
                _track(
                    {
                        "OTIO_SCHEMA": "Clip.2",
                        "source_range": _range(0, 5),
                        "media_reference": _file(url),
                        "media_references": several,
                    }
                )
            )
            for url in ("/x", "/other")
        ]
        before, after = (_open(cut).content() for cut in cuts)
        assert list(differences(before, after))


def test_what_stands_behind_an_item_without_length_is_named_not_misplaced() -> None:
    timeline = _read(_track(_clip("a", _range(0, 9)), _clip("b", None), _clip("c", _range(0, 9))))
    assert [clip.name for clip in timeline.clips] == ["a"]
    assert [skipped.name for skipped in timeline.skipped] == ["b", "c"]


@pytest.mark.parametrize(
    "source",
    [
        {"duration": _time("10"), "start_time": _time(0)},  # type: ignore[arg-type]
        {"duration": _time(float("nan")), "start_time": _time(0)},
        {"duration": _time(10, float("nan")), "start_time": _time(0)},
        {"duration": _time(10, 0), "start_time": _time(0)},
        {"duration": _time(-10), "start_time": _time(0)},
        {"duration": _time(10**40), "start_time": _time(0)},
        {"duration": _time(10), "start_time": _time(10**40)},
        "range",
        [],
        7,
    ],
)
def test_an_unreadable_range_is_an_error_where_nothing_else_is_left(source: Any) -> None:
    with pytest.raises(ParseError) as caught:
        _read(_track(_clip("a", source)))
    assert caught.value.line == 1 and caught.value.column is not None


def test_a_stack_alone_is_a_cut_and_a_track_alone_can_be_read() -> None:
    stack = _open(_nest("Stack.1", _track(_clip("a", _range(0, 48)))))
    assert [_frames(clip) for clip in stack.timeline().clips] == [(0, 48, 0, 48)]
    added = stack.add(_stems(stack.timeline()))
    opened = _opened_by_opentimelineio(added)
    assert [track.name for track in opened] == ["Track.1", "FS 1"]
    assert added.strip().document.raw == stack.raw
    track = _track(_clip("a", _range(0, 48)))
    for cut in (track, {**_timeline(), "tracks": track}):
        document = _open(cut)
        assert [_frames(clip) for clip in document.timeline().clips] == [(0, 48, 0, 48)]
        with pytest.raises(OutputError, match="single Track"):
            document.add(_stems(document.timeline()))


@pytest.mark.parametrize(
    "cut",
    [
        {"OTIO_SCHEMA": "Clip.2"},
        {"OTIO_SCHEMA": "SerializableCollection.1", "children": []},
        {"OTIO_SCHEMA": "Timeline.1", "tracks": 5},
        {"OTIO_SCHEMA": 5},
        {"tracks": {}},
    ],
)
def test_a_file_without_a_timeline_is_an_error(cut: Any) -> None:
    with pytest.raises(ParseError) as caught:
        _open(cut)
    assert caught.value.hint and caught.value.line == 1


def test_the_first_timeline_with_picture_of_a_collection() -> None:
    cut = {
        "OTIO_SCHEMA": "SerializableCollection.1",
        "children": [
            {"OTIO_SCHEMA": "Clip.2", "name": "loose"},
            {**_timeline(_track(_clip("x", _range(0, 5)), kind="Audio")), "name": "sound"},
            _timeline(_track(_clip("a", _range(0, 5)))),
            {**_timeline(), "name": "second"},
        ],
    }
    opened = _open(cut)
    assert [clip.name for clip in opened.timeline().clips] == ["a"]
    assert [skipped.name for skipped in opened.timeline().skipped] == ["sound", "second"]
    added = opened.add(_stems(opened.timeline()))
    assert json.loads(added.raw)["children"][2]["tracks"]["children"][1]["name"] == "FS 1"
    assert added.strip().document.raw == opened.raw


def test_nesting_beyond_reason_is_named() -> None:
    cut = _track(_clip("deep", _range(0, 5)))
    for _ in range(100):
        cut = _track(cut)
    timeline = _read(_track(_clip("a", _range(0, 5))), cut)
    assert [clip.name for clip in timeline.clips] == ["a"]
    assert timeline.skipped


# --- writing ---------------------------------------------------------------------------------


def _opened_by_opentimelineio(document: TextDocument) -> Any:
    return opentimelineio.adapters.read_from_string(document.raw.decode("utf-8-sig"), "otio_json")


def _stem(timeline: Timeline, **more: Any) -> StemClip:
    return replace(stem_for(timeline.clips[0], timeline), **more)


@pytest.mark.parametrize("path", _OWN, ids=lambda path: path.name)
def test_footsteps_lie_where_they_belong(path: Path) -> None:
    document = open_document(path)
    timeline = document.timeline()
    stems = _stems(timeline)
    result = _opened_by_opentimelineio(document.add(stems))
    before = _opened_by_opentimelineio(document)
    kept = list(result.tracks)[: len(before.tracks)]
    assert all(old.is_equivalent_to(new) for old, new in zip(before.tracks, kept, strict=True))
    added = list(result.tracks)[len(before.tracks) :]
    assert [track.name for track in added] == [f"FS {n}" for n in sorted({s.track for s in stems})]
    assert all(track.kind == "Audio" for track in added)
    rate = timeline.frame_rate
    found = {clip.name: (track, clip) for track in added for clip in track.find_clips()}
    assert len(found) == len(stems)
    for stem in stems:
        track, clip = found[stem.name]
        where = track.range_of_child(clip)
        assert where.start_time.value == pytest.approx(float(stem.record.start_s * rate))
        assert where.duration.value == float(stem.record.duration_s * rate)
        start = clip.source_range.start_time
        assert start.to_seconds() == pytest.approx(float(stem.file_start_s + stem.in_s), abs=1e-3)
        available = clip.media_reference.available_range
        assert available.start_time.to_seconds() == pytest.approx(
            float(stem.file_start_s), abs=1e-3
        )
        assert clip.metadata["otio_foley"]["namespace"] == NAMESPACE
        assert clip.metadata["otio_foley"]["provenance"]["text"] == stem.provenance["text"]
        assert [marker.name for marker in clip.markers] == ["heel left", "toe left"]
        assert {marker.color for marker in clip.markers} == {"PURPLE"}
        at = clip.markers[0].marked_range.start_time.to_seconds()
        assert at == pytest.approx(start.to_seconds(), abs=1e-3)


def test_the_dialect_of_the_file_is_spoken() -> None:
    for name, bare, clip_schema in (
        ("resolve_shaped.otio", True, "Clip.2"),
        ("old_schemas_crlf.otio", False, "Clip.1"),
    ):
        document = open_document(_DATA / name)
        added = document.add(_stems(document.timeline()))
        track = json.loads(added.raw)["tracks"]["children"][-1]
        clip = next(child for child in track["children"] if child["OTIO_SCHEMA"] != "Gap.1")
        assert clip["OTIO_SCHEMA"] == clip_schema
        several = clip.get("media_references") or {"": clip.get("media_reference")}
        (reference,) = several.values()
        assert reference["target_url"].startswith("/Volumes/" if bare else "file:///Volumes/")
        assert "%" not in reference["target_url"].replace("100 % L", "") or not bare
    old = open_document(_DATA / "old_schemas_crlf.otio")
    added = old.add(_stems(old.timeline()))
    new = added.raw.replace(old.raw[: old.raw.index(b"Transition.1")], b"")
    assert b'"rate": 23.976' in new and b'"enabled"' not in new and b'"Marker.1"' in new
    assert not re.search(rb"(?<!\r)\n", added.raw)


def test_resolve_gets_the_kind_of_its_tracks() -> None:
    document = open_document(_DATA / "resolve_shaped.otio")
    track = json.loads(document.add(_stems(document.timeline())).raw)["tracks"]["children"][-1]
    assert track["metadata"]["Resolve_OTIO"]["Audio Type"] == "Mono"


def test_marker_3_where_the_file_has_it() -> None:
    marker = {"OTIO_SCHEMA": "Marker.3", "name": "x", "marked_range": _range(0, 1), "color": {}}
    document = _open(_timeline(_track(_clip("a", _range(0, 5), markers=[marker]))))
    track = json.loads(document.add(_stems(document.timeline())).raw)["tracks"]["children"][-1]
    written = track["children"][0]["markers"][0]
    assert (written["OTIO_SCHEMA"], written["color"]["name"]) == ("Marker.3", "PURPLE")


def test_a_start_off_the_frames_is_written_in_samples() -> None:
    document = _open(_timeline(_track(_gap(24.0), _clip("a", _range(0.0, 48.0, 24.0)))))
    stem = _stem(document.timeline(), file_start_s=Fraction(48_001, 48_000), in_s=Fraction(1, 2))
    track = json.loads(document.add([stem]).raw)["tracks"]["children"][-1]
    source = track["children"][1]["source_range"]
    assert source["start_time"] == _time(72_001.0, 48_000.0)
    assert source["duration"] == _time(48.0, 24.0)


def test_the_gap_counts_from_the_top_stacks_own_start() -> None:
    document = _open(_timeline(_track(_clip("a", _range(0, 50))), source_range=_range(12, 20)))
    added = document.add(_stems(document.timeline()))
    gap, clip = json.loads(added.raw)["tracks"]["children"][-1]["children"]
    assert gap["source_range"]["duration"]["value"] == 12
    assert clip["source_range"]["duration"]["value"] == 20
    assert added.timeline() == document.timeline()


@pytest.mark.parametrize("children", [None, []])
def test_an_empty_or_missing_list_of_tracks(children: Any) -> None:
    cut = _timeline()
    cut["tracks"]["children"] = children
    borrowed = _read(_track(_clip("a", _range(0, 50))))
    for layout in ({}, {"indent": 2}):
        for stack in (cut["tracks"], {"OTIO_SCHEMA": "Stack.1"}):
            document = _open({**cut, "tracks": stack}, **layout)
            added = document.add(_stems(borrowed))
            assert json.loads(added.raw)["tracks"]["children"][0]["name"] == "FS 1"
            assert added.strip().document.raw == document.raw
    with pytest.raises(OutputError):
        _open({**cut, "tracks": None}).add(_stems(borrowed))


def test_stems_are_sorted_and_none_begins_before_the_timeline() -> None:
    document = open_document(_DATA / "resolve_shaped.otio")
    timeline = document.timeline()
    stems = [replace(stem, track=1) for stem in _stems(timeline) if stem.track == 1]
    assert document.add(stems[::-1]).raw == document.add(stems).raw
    early = replace(stems[0], name="early", record=replace(stems[0].record, start_s=Fraction(-1)))
    with pytest.raises(OutputError, match="early"):
        document.add([early])


def test_a_relative_path_is_refused() -> None:
    document = open_document(_DATA / "resolve_shaped.otio")
    with pytest.raises(OutputError, match="relative"):
        document.add([_stem(document.timeline(), path=Path("a.wav"))])


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
    assert timeline.clips or timeline.skipped
    stems = _stems(timeline)
    if not stems:
        return
    added = document.add(stems)
    assert added.timeline() == timeline
    assert added.add(stems).raw == added.raw
    stripped = added.strip()
    assert stripped.exact and stripped.document.raw == raw
    indented_anew = re.sub(rb"\r?\n[ \t]*", b"\n ", added.raw) + b"\n"
    plain = open_bytes(indented_anew, name="copy.otio").strip()
    assert plain.removed and not plain.exact
    assert b"".join(plain.document.raw.split()) == b"".join(raw.split())


@pytest.mark.skipif(not _REAL, reason="the folder of real cuts is not beside this project")
@pytest.mark.parametrize("path", _REAL, ids=lambda path: path.name)
def test_real_cuts_open_in_opentimelineio(path: Path) -> None:
    document = open_document(path)
    stems = _stems(document.timeline())
    if path.name in _BEYOND_OPENTIMELINEIO or not stems:
        pytest.skip("OpenTimelineIO 0.18.1 cannot compare it" if stems else "no picture clips")
    before = _opened_by_opentimelineio(document)
    result = _opened_by_opentimelineio(document.add(stems))
    for old, new in zip(before.tracks, result.tracks, strict=False):
        assert old.is_equivalent_to(new)
    resaved = opentimelineio.adapters.write_to_string(result, "otio_json").encode()
    plain = open_bytes(resaved, name="resaved.otio").strip()
    assert plain.removed
    assert _opened_by_opentimelineio(plain.document).is_equivalent_to(before)


def test_what_a_person_put_on_our_track_stays_in_place() -> None:
    document = _open(_timeline(_track(_clip("a", _range(0, 24)), _clip("b", _range(0, 24)))))
    cut = json.loads(document.add(_stems(document.timeline())).raw)
    cut["tracks"]["children"][1]["children"].append(_clip("mine", _range(0, 10)))
    stripped = open_bytes(json.dumps(cut).encode(), name="x.otio").strip()
    left = json.loads(stripped.document.raw)["tracks"]["children"][1]
    assert [child["OTIO_SCHEMA"] for child in left["children"]] == ["Gap.1", "Gap.1", "Clip.2"]
    assert [c["source_range"]["duration"]["value"] for c in left["children"]] == [24, 24, 10]
    assert "otio_foley" not in left["metadata"]
    assert NAMESPACE.encode() not in stripped.document.raw


def test_the_gap_in_our_clips_place_lasts_as_long_without_a_source_range() -> None:
    document = _open(_timeline(_track(_clip("a", _range(0, 24)))))
    cut = json.loads(document.add(_stems(document.timeline())).raw)
    items = cut["tracks"]["children"][1]["children"]
    items[0]["source_range"] = None
    items.append(_clip("mine", _range(0, 10)))
    stripped = open_bytes(json.dumps(cut).encode(), name="x.otio").strip()
    gap, _ = json.loads(stripped.document.raw)["tracks"]["children"][1]["children"]
    assert gap["source_range"]["duration"]["value"] == 48  # the medium: with its handles


def test_our_clip_on_a_persons_track_becomes_a_gap() -> None:
    document = _open(_timeline(_track(_clip("a", _range(0, 24)))))
    cut = json.loads(document.add(_stems(document.timeline())).raw)
    ours = cut["tracks"]["children"].pop()["children"][0]
    cut["tracks"]["children"].append(_track(ours, _clip("mine", _range(0, 10)), kind="Audio"))
    stripped = open_bytes(json.dumps(cut).encode(), name="x.otio").strip()
    left = json.loads(stripped.document.raw)["tracks"]["children"][1]["children"]
    assert [child["OTIO_SCHEMA"] for child in left] == ["Gap.1", "Clip.2"]


def test_damaged_files_raise_foley_errors_only() -> None:
    rng = random.Random(20260101)
    tokens = [b"NaN", b'"x"', b"-1", b"1e400", b"9" * 500, b"[]", b"{}", b"\0", b"null", b"\xff"]
    sources = [path.read_bytes() for path in _OWN]
    for _ in range(400):
        raw = bytearray(rng.choice(sources))
        kind = rng.randrange(4)
        at = rng.randrange(len(raw))
        if kind == 0:
            del raw[at:]
        elif kind == 1:
            raw[at] = rng.randrange(256)
        elif kind == 2:
            raw[at : at + rng.randrange(40)] = rng.choice(tokens)
        else:
            found = rng.choice(list(re.finditer(rb'-?\d+\.?\d*|"[^"]*"|null', raw)))
            raw[found.start() : found.end()] = rng.choice(tokens)
        try:
            document = open_text("otio", bytes(raw), otio.parse)
            stems = _stems(document.timeline())
            added = document.add(stems)
        except FoleyError:
            continue
        assert not stems or added.strip().document.raw == bytes(raw)


def _cut_of_one() -> TextDocument:
    return open_document(_DATA / "resolve_shaped.otio")


def _ridden(host: Host) -> dict[str, Any]:
    """The first footstep clip of a cut whose level the host rides."""
    document = _cut_of_one()
    stem = stem_for(document.timeline().clips[0], document.timeline())
    stem = replace(
        stem,
        markers=(replace(stem.markers[0], color="ORANGE"),),
        automation=((Fraction(0), -12.0), (stem.record.duration_s, 0.0)),
    )
    added = document.add([stem], Dialect(host=host))
    assert added.strip().document.raw == document.raw
    opened = opentimelineio.adapters.read_from_string(added.raw.decode(), "otio_json")
    track = next(one for one in opened.audio_tracks() if one.name == "FS 1")
    (clip,) = track.find_clips()
    return {"clip": clip, "stem": stem}


def test_resolve_rides_the_level_as_in_its_own_exports() -> None:
    found = _ridden("resolve")
    (effect,) = found["clip"].effects
    assert effect.effect_name == "Resolve Effect"
    ours = effect.metadata["Resolve_OTIO"]
    assert (ours["Effect Name"], ours["Type"]) == ("Fairlight Clip Volume and Fades", 62)
    keyframes = {key: value["Value"] for key, value in ours["Parameters"][0]["Key Frames"].items()}
    frames = round(found["stem"].record.duration_s * _cut_of_one().timeline().frame_rate)
    assert keyframes == {"0": -12.0, str(frames): 0.0}
    assert found["clip"].media_reference.target_url == str(found["stem"].path)


def test_a_jump_of_the_level_within_a_frame_stays_a_jump() -> None:
    def keyframes(*points: tuple[Fraction | int, float]) -> dict[str, float]:
        automation = tuple((Fraction(at_s), level_db) for at_s, level_db in points)
        record = Span(start_s=Fraction(0), duration_s=Fraction(2))
        stem = _stem(_cut_of_one().timeline(), record=record, automation=automation)
        (effect,) = level_effects(stem, Fraction(24), "resolve")
        assert isinstance(effect, Mapping)
        written = json.loads(json.dumps(effect))["metadata"]["Resolve_OTIO"]["Parameters"][0]
        assert written["Parameter Value"] == next(iter(written["Key Frames"].values()))["Value"]
        return {frame: value["Value"] for frame, value in written["Key Frames"].items()}

    late, later = Fraction(101, 100), Fraction(1011, 1000)
    assert keyframes((0, 0), (1, 0), (late, -60), (2, -60)) == {
        "0": 0, "23": 0, "24": -60, "48": -60
    }  # fmt: skip
    assert keyframes((0, 0), (1, -5), (late, -60), (later, -30), (2, -30)) == {
        "0": 0, "23": -5, "24": -30, "48": -30
    }  # fmt: skip
    assert keyframes((0, 0), (Fraction(1, 100), -60), (2, -60)) == {"0": -60, "48": -60}


def test_without_a_host_the_level_is_ours_alone() -> None:
    found = _ridden("generic")
    (effect,) = found["clip"].effects
    level = effect.metadata[METADATA_KEY]["level_db"]
    assert [list(point) for point in level] == [
        ["0", -12.0], [str(found["stem"].record.duration_s), 0.0]
    ]  # fmt: skip
    assert found["clip"].markers[0].color == "ORANGE"


def test_premiere_s_spelling_of_level_is_not_guessed() -> None:
    with pytest.raises(WouldLoseData, match="Premiere"):
        _ridden("premiere")


def test_resolve_gets_the_markers_in_a_list_of_their_own() -> None:
    document = _cut_of_one()
    stems = [stem_for(document.timeline().clips[0], document.timeline())]
    assert [one.suffix for one in document.sidecars(stems, Dialect(host="resolve"))] == [
        "_markers.edl"
    ]
    assert not document.sidecars(stems, Dialect())


def test_a_result_that_opentimelineio_saved_again_strips_by_name() -> None:
    """A person moves a clip of ours, adds a marker of their own, and saves."""
    document = _cut_of_one()
    stems = [stem_for(document.timeline().clips[0], document.timeline())]
    added = document.add(stems).raw.decode("utf-8-sig")
    timeline = opentimelineio.adapters.read_from_string(added, "otio_json")
    ours = next(one for one in timeline.audio_tracks() if one.name == "FS 1")
    (clip,) = ours.find_clips()
    time = opentimelineio.opentime.RationalTime(1, 24)
    clip.source_range = opentimelineio.opentime.TimeRange(
        clip.source_range.start_time + time, clip.source_range.duration
    )
    picture = next(iter(timeline.video_tracks()))
    picture.markers.append(opentimelineio.schema.Marker(name="ask the director"))
    resaved = opentimelineio.adapters.write_to_string(timeline, "otio_json").encode()
    stripped = open_text("otio", resaved, otio.parse).strip()
    assert stripped.removed and not stripped.exact
    left = stripped.document.raw.decode()
    assert NAMESPACE not in left
    assert "ask the director" in left
    assert stripped.document.timeline().clips == document.timeline().clips
