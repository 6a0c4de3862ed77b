"""AAF: small compositions made here with pyaaf2, and the real ones beside the project."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import aaf2
import canned
import pytest
from aaf2.rational import AAFRational
from timelines.roundtrip import SHARED
from timelines.stems import stems_for

import otio_foley
from otio_foley.config import OutputSettings, Settings
from otio_foley.errors import FoleyError, NotReversible, OutputError, ParseError
from otio_foley.time import source_at
from otio_foley.timelines.aaf.container import sealed, unsealed
from otio_foley.timelines.aaf.cut import AafDocument
from otio_foley.timelines.content import differences
from otio_foley.timelines.document import NAMESPACE
from otio_foley.timelines.registry import open_document
from otio_foley.timelines.verify import verify

REAL = sorted((SHARED / "timelines").rglob("*.aaf"))
#: Sound alone, a title alone, and a file without any sequence.
WITHOUT_PICTURE = {
    "empty.aaf", "essence_group.aaf", "one_audio_clip.aaf", "sector_size_512.aaf",
    "normalclip_sourceclip_references_compositionmob_has_also_mastermob_usercomments.aaf",
    "subclip_sourceclip_references_compositionmob_with_mastermob.aaf",
}  # fmt: skip

Build = Callable[[Any, Any, Any], None]


def write(path: Path, build: Build, rate: str = "24", start: int = 86400) -> Path:
    """An AAF with one composition; `build` fills the components of its picture track."""
    with aaf2.open(str(path), "w") as file:
        composition = file.create.CompositionMob("reel 3")
        composition.usage = "Usage_TopLevel"
        clock = composition.create_timeline_slot(rate)
        clock.segment = file.create.Timecode(round(float(AAFRational(rate))), drop=False)
        clock.segment.start = start
        picture = composition.create_picture_slot(rate)
        build(file, picture.segment, medium(file, rate))
        file.content.mobs.append(composition)
    return path


def medium(file: Any, rate: str) -> Any:
    """A master mob of 1000 frames in /media/a b.mov, from tape A001 at 10:00:00:00 on."""
    fps = round(float(AAFRational(rate)))
    tape = file.create.SourceMob()
    tape_slot, clock = tape.create_tape_slots("A001", rate, fps, media_kind="picture")
    clock.segment.start = 10 * 3600 * fps
    file.content.mobs.append(tape)
    source = file.create.SourceMob("a b.mov")
    source.descriptor = file.create.ImportDescriptor()
    locator = file.create.NetworkLocator()
    locator["URLString"].value = "file:///media/a%20b.mov"
    source.descriptor["Locator"].append(locator)
    slot = source.create_timeline_slot(rate, 1)
    slot.segment = tape.create_source_clip(tape_slot.slot_id, 0, 1000, "picture")
    file.content.mobs.append(source)
    master = file.create.MasterMob("a b")
    shown = master.create_timeline_slot(rate, 1)
    shown.segment = source.create_source_clip(1, 0, 1000, "picture")
    file.content.mobs.append(master)
    return master


@pytest.mark.usefixtures("canned_analysis")
def test_the_whole_job_on_an_aaf(tmp_path: Path) -> None:
    canned.movie(tmp_path / "a b.mov")

    def build(file: Any, sequence: Any, master: Any) -> None:
        sequence.components.append(master.create_source_clip(1, 0, 75, "picture"))

    cut = write(tmp_path / "reel.aaf", build, "25", start=25 * 3600)
    settings = Settings(output=OutputSettings(host="protools"))
    result = otio_foley.run(cut, settings=settings)
    assert [clip.status for clip in result.clips] == ["done"]
    assert otio_foley.verify(cut, result.output).identical
    with aaf2.open(str(result.output)) as file:
        urls = [
            locator["URLString"].value
            for mob in file.content.sourcemobs()
            for locator in mob.descriptor.locator
        ]
    (wav,) = result.stems
    assert wav.path.is_file()
    assert wav.path.as_uri() in urls
    otio_foley.run(cut, settings=settings, overwrite=True, floor="wood")
    assert otio_foley.verify(cut, result.output).identical


def two_clips(file: Any, sequence: Any, master: Any) -> None:
    for part in (
        file.create.Filler("picture", 24),
        master.create_source_clip(1, 100, 48, "picture"),
        master.create_source_clip(1, 500, 24, "picture"),
    ):
        sequence.components.append(part)


def frames(document: AafDocument) -> list[tuple[Fraction, ...]]:
    """(record in, length, first and last source position) of each clip, in frames."""
    timeline = document.timeline()
    rate = timeline.frame_rate
    return [
        (
            clip.record.start_s * rate,
            clip.record.duration_s * rate,
            (clip.time_map.points[0][1] - (clip.media_start_s or 0)) * rate,
            (clip.time_map.points[-1][1] - (clip.media_start_s or 0)) * rate,
        )
        for clip in timeline.clips
    ]


@pytest.fixture(scope="module")
def cut(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("aaf") / "cut.aaf", two_clips)


@pytest.mark.parametrize(
    ("rate", "exact"),
    [("24", Fraction(24)), ("24000/1001", Fraction(24000, 1001)), ("50", Fraction(50)),
     ("23976/1000", Fraction(24000, 1001)), ("30000/1001", Fraction(30000, 1001))],
)  # fmt: skip
def test_clips_lie_on_their_frames(tmp_path: Path, rate: str, exact: Fraction) -> None:
    fps = round(float(exact))
    document = open_document(write(tmp_path / "cut.aaf", two_clips, rate, start=fps * 3600))
    timeline = document.timeline()
    assert timeline.frame_rate == exact
    assert timeline.start_s == fps * 3600 / exact
    assert frames(document) == [(24, 48, 100, 148), (72, 24, 500, 524)]
    first = timeline.clips[0]
    assert (first.name, first.reel, first.media_path) == ("a b", "A001", "/media/a b.mov")
    assert first.media_start_s == 36000 * fps / exact


def test_a_transition_belongs_to_both(tmp_path: Path) -> None:
    def build(file: Any, sequence: Any, master: Any) -> None:
        transition = file.create.Transition("picture", 12)
        transition.cutpoint = 6
        definition = file.create.OperationDef(
            "0c3bea44-fc05-11d2-8a29-0050040ef7d2", "Video Dissolve", ""
        )
        definition.media_kind = "picture"
        definition["NumberInputs"].value = 2
        file.dictionary.register_def(definition)
        transition["OperationGroup"].value = file.create.OperationGroup(definition, 12, "picture")
        for part in (
            master.create_source_clip(1, 0, 48, "picture"),
            transition,
            master.create_source_clip(1, 500, 48, "picture"),
        ):
            sequence.components.append(part)

    document = open_document(write(tmp_path / "cut.aaf", build))
    assert frames(document) == [(0, 48, 0, 48), (36, 48, 500, 548)]


def speed(file: Any, ratio: str, length: int, source: Any) -> Any:
    definition = file.create.OperationDef(
        "9d2ea890-0968-11d3-8a38-0050040ef7d2", "Video Speed Control", ""
    )
    definition.media_kind = "picture"
    definition["NumberInputs"].value = 1
    definition["IsTimeWarp"].value = True
    file.dictionary.register_def(definition)
    parameter = file.create.ParameterDef(
        "72559a80-24d7-11d3-8a50-0050040ef7d2", "SpeedRatio", "", "Rational"
    )
    file.dictionary.register_def(parameter)
    definition.parameters.append(parameter)
    effect = file.create.OperationGroup(definition, length, "picture")
    effect.parameters.append(file.create.ConstantValue(parameter, AAFRational(ratio)))
    effect.segments.append(source)
    return effect


@pytest.mark.parametrize(
    ("ratio", "first", "last"), [("2", 100, 124), ("1/2", 100, 196), ("-1", 147, 99)]
)
def test_constant_speed_and_reverse(tmp_path: Path, ratio: str, first: int, last: int) -> None:
    def build(file: Any, sequence: Any, master: Any) -> None:
        source = master.create_source_clip(1, 100, 96, "picture")
        sequence.components.append(speed(file, ratio, 48, source))

    document = open_document(write(tmp_path / "cut.aaf", build))
    assert frames(document) == [(0, 48, first, last)]


def test_a_composition_within_a_composition_is_flattened(tmp_path: Path) -> None:
    def build(file: Any, sequence: Any, master: Any) -> None:
        inner = file.create.CompositionMob("scene")
        inner.usage = "Usage_LowerLevel"
        slot = inner.create_picture_slot("24")
        slot.segment.components.append(master.create_source_clip(1, 0, 50, "picture"))
        slot.segment.components.append(master.create_source_clip(1, 200, 50, "picture"))
        file.content.mobs.append(inner)
        sequence.components.append(inner.create_source_clip(slot.slot_id, 40, 30, "picture"))

    document = open_document(write(tmp_path / "cut.aaf", build))
    assert frames(document) == [(0, 10, 40, 50), (10, 20, 200, 220)]


def test_picture_that_nothing_is_known_of_never_reads_as_empty(tmp_path: Path) -> None:
    def build(file: Any, sequence: Any, master: Any) -> None:
        clip = master.create_source_clip(1, 0, 48, "picture")
        clip.mob_id = aaf2.mobid.MobID.new()
        sequence.components.append(clip)

    with pytest.raises(ParseError, match="no picture clip of 'reel 3' can be understood"):
        open_document(write(tmp_path / "cut.aaf", build))


def test_adding_and_stripping_gives_the_bytes_back(cut: Path) -> None:
    document = open_document(cut)
    added = document.add(stems_for(document.timeline()))
    assert added.timeline() == document.timeline()
    stripped = added.strip()
    assert stripped.exact
    assert stripped.document.is_identical(document)
    assert added.add(stems_for(document.timeline())).is_identical(added)
    assert document.add(stems_for(document.timeline())).is_identical(added)


def test_what_is_added_is_what_an_editor_expects(cut: Path, tmp_path: Path) -> None:
    document = open_document(cut)
    stems = stems_for(document.timeline())
    document.add(stems).save(tmp_path / "out.aaf")
    with aaf2.open(str(tmp_path / "out.aaf")) as file:
        composition = next(file.content.toplevel())
        track = next(slot for slot in composition.slots if slot.name == "FS 1")
        assert (track.media_kind, track.edit_rate, track["PhysicalTrackNumber"].value) == (
            "Sound", 24, 1,
        )  # fmt: skip
        filler, first, second = track.segment.components
        assert (filler.length, first.length, second.length) == (24, 48, 24)
        assert first.start == 12
        source = first.mob.slots[0].segment.mob
        url = source.descriptor.locator[0]["URLString"].value
        assert url.startswith("file:///Volumes/Foley%20Stems/100%20%25%20L%C3%A4rm/")
        assert source.descriptor["Length"].value == int(stems[0].file_duration_s * 48000)
        clock = next(s.segment for s in source.slots if s.slot_id == 2)
        assert clock.start == stems[0].file_start_s * 24
        steps = next(slot for slot in composition.slots if slot.name == "FS 1 steps")
        events = list(steps.segment.components)
        assert [event["Position"].value for event in events][:2] == [24, 25]
        assert events[0]["Comment"].value.startswith("heel left: floor")
        assert NAMESPACE in [tag.name for tag in first.mob["UserComments"].value]


def test_automation_is_a_gain_over_the_clip(cut: Path, tmp_path: Path) -> None:
    document = open_document(cut)
    stem = stems_for(document.timeline())[0]
    length_s = stem.record.duration_s
    stem = replace(stem, automation=((Fraction(0), -12.0), (length_s / 2, 0.0), (length_s, -6.0)))
    document.add([stem]).save(tmp_path / "out.aaf")
    with aaf2.open(str(tmp_path / "out.aaf")) as file:
        composition = next(file.content.toplevel())
        track = next(slot for slot in composition.slots if slot.name == "FS 1")
        gain = track.segment.components[1]
        assert str(gain.operation.auid) == "9d2ea894-0968-11d3-8a38-0050040ef7d2"
        level = next(iter(gain.parameters.value))
        for share, wanted_db in ((0, -12), (0.25, -6), (0.5, 0), (0.75, -3), (1, -6)):
            found = level.value_at(share)
            assert found == pytest.approx(10 ** (wanted_db / 20), rel=0.05)  # half a decibel


def test_stems_that_overlap_on_a_track_are_refused(cut: Path) -> None:
    document = open_document(cut)
    stem = stems_for(document.timeline())[0]
    with pytest.raises(OutputError, match="overlaps"):
        document.add([stem, replace(stem, name="twice")])


def test_a_result_that_was_saved_again_strips_by_name(cut: Path, tmp_path: Path) -> None:
    """Another program renames a clip, moves one of ours, adds a marker, and saves."""
    document = open_document(cut)
    resaved = tmp_path / "resaved.aaf"
    document.add(stems_for(document.timeline())).save(resaved)
    with aaf2.open(str(resaved), "rw") as file:
        composition = next(file.content.toplevel())
        track = next(slot for slot in composition.slots if slot.name == "FS 1")
        track.segment.components[0].length = 12
        steps = next(slot for slot in composition.slots if slot.name == "FS 1 steps")
        kind = steps.segment.datadef
        event = aaf2.components.DescriptiveMarker.__new__(aaf2.components.DescriptiveMarker)
        event.root = file
        event.datadef = kind
        event["Position"].value = 30
        event["Comment"].value = "ask the director"
        steps.segment.components.append(event)
        next(file.content.mastermobs()).name = "a b"
    raw = resaved.read_bytes()
    resaved.write_bytes(raw[: raw.rfind(b"otio-foley-undo:")])  # a program writes what it knows
    verdict = verify(cut, resaved)
    assert verdict.stems_found and not verdict.identical
    stripped = open_document(resaved).strip()
    assert not stripped.exact
    left = stripped.document
    assert left.timeline().clips == document.timeline().clips
    assert [marker.name for marker in left.timeline().markers] == ["ask the director"]
    assert not left.strip().removed
    changes = list(differences(document.content(), left.content()))
    assert changes and all("EventMobSlot" in change or "slot" in change for change in changes)


def test_saved_again_unchanged_is_equal_in_content(cut: Path, tmp_path: Path) -> None:
    document = open_document(cut)
    added = document.add(stems_for(document.timeline())).raw
    resaved = tmp_path / "resaved.aaf"
    resaved.write_bytes(added[: added.rfind(b"otio-foley-undo:")])
    verdict = verify(cut, resaved)
    assert (verdict.identical, verdict.equal_content, verdict.stems_found) == (False, True, True)


def test_an_undo_record_that_does_not_fit_is_not_believed() -> None:
    original = random.Random(1).randbytes(5000)
    changed = bytearray(original + b"more")
    changed[700:720] = b"x" * 20
    whole = sealed(original, bytes(changed))
    assert unsealed(whole) == original
    for at in (710, 3000):
        broken = bytearray(whole)
        broken[at] ^= 1
        assert unsealed(bytes(broken)) in (None, original)
    shorter = sealed(original, bytes(changed[:4000]))
    assert unsealed(shorter) == original


@pytest.mark.skipif(not REAL, reason="no real AAFs beside the project")
@pytest.mark.parametrize("path", REAL, ids=lambda path: path.name)
def test_real_cuts_are_read_and_come_back(path: Path) -> None:
    if path.name == "empty.aaf":
        with pytest.raises(ParseError, match="no sequence"):
            open_document(path)
        return
    document = open_document(path)
    timeline = document.timeline()
    assert (not timeline.clips) == (path.name in WITHOUT_PICTURE)
    stems = stems_for(timeline)
    added = document.add([replace(stem, track=n) for n, stem in enumerate(stems, 1)])
    assert added.timeline().clips == timeline.clips
    assert added.strip().document.is_identical(document)


@pytest.mark.skipif(not REAL, reason="no real AAFs beside the project")
def test_motion_effects_of_a_real_cut() -> None:
    document = open_document(next(path for path in REAL if path.name == "misc_speed_effects.aaf"))
    # As Avid shows them: 1:1, freeze, 200 %, 50 %, 300 %, 37.5 %, 1437.5 %, 37.5 %, reverse.
    spans = [(first, last) for _, _, first, last in frames(document)]
    assert spans[:9] == [
        (24, 32), (32, 32), (0, 16), (0, 4), (0, 24), (0, 3), (0, 115), (20, 23), (31, 23),
    ]  # fmt: skip


@pytest.mark.parametrize("at", [40, 44, 64, 72])
def test_tables_larger_than_the_file_are_refused(cut: Path, at: int) -> None:
    raw = bytearray(cut.read_bytes())
    raw[at : at + 4] = b"\xff\xff\xff\x7f"
    with pytest.raises(ParseError, match="header counts"):
        AafDocument(raw=bytes(raw)).timeline()


@pytest.mark.parametrize("case", range(40))
def test_damage_is_refused_and_nothing_else(cut: Path, case: int) -> None:
    choose = random.Random(case)
    raw = bytearray(cut.read_bytes())
    for _ in range(choose.choice([1, 5, 50])):
        at = choose.randrange(len(raw))
        raw[at : at + 4] = choose.choice([b"\0\0\0\0", b"\xff" * 4, choose.randbytes(4)])
    if case % 7 == 0:
        del raw[choose.randrange(len(raw)) :]
    document = AafDocument(raw=bytes(raw))
    try:
        document.add(stems_for(document.timeline())).content()
    except FoleyError as error:
        assert str(error)


def drop(item: Any, key: str) -> None:
    item[key].remove_pid_entry()
    item.root.manager.add_modified(item)


# ---- segments that a cut is made of


def composition_of(file: Any, name: str, *clips: Any) -> tuple[Any, Any]:
    """A composition that is not at the top level, and its picture slot."""
    inner = file.create.CompositionMob(name)
    inner.usage = "Usage_LowerLevel"
    slot = inner.create_picture_slot("24")
    for clip in clips:
        slot.segment.components.append(clip)
    file.content.mobs.append(inner)
    return inner, slot


def test_layers_within_a_composition_lie_below_the_track_above(tmp_path: Path) -> None:
    def build(file: Any, sequence: Any, master: Any) -> None:
        scope = file.create.NestedScope("picture", 24)
        for start in (0, 100):
            scope.slots.append(master.create_source_clip(1, start, 24, "picture"))
        inner, slot = composition_of(file, "scene", scope)
        sequence.components.append(inner.create_source_clip(slot.slot_id, 0, 24, "picture"))

    path = write(tmp_path / "cut.aaf", build)
    with aaf2.open(str(path), "rw") as file:
        composition = next(file.content.toplevel())
        above = composition.create_picture_slot("24")
        above["PhysicalTrackNumber"].value = 2
        master = next(file.content.mastermobs())
        above.segment.components.append(master.create_source_clip(1, 200, 24, "picture"))
    clips = open_document(path).timeline().clips
    starts = {(clip.time_map.points[0][1] - 36000) * 24: clip.layer for clip in clips}
    assert starts == {0: 1, 100: 2, 200: 3}


def test_a_slot_s_origin_counts_wherever_it_is_referred_to(tmp_path: Path) -> None:
    def build(file: Any, sequence: Any, master: Any) -> None:
        source = master.slots[0].segment.mob
        source.slots[0]["Origin"].value = 7
        clip = master.create_source_clip(1, 0, 100, "picture")
        inner, slot = composition_of(file, "scene", clip)
        slot["Origin"].value = 5
        sequence.components.append(inner.create_source_clip(slot.slot_id, 10, 24, "picture"))

    (clip,) = open_document(write(tmp_path / "cut.aaf", build)).timeline().clips
    assert clip.media_start_s == 36000 + Fraction(7, 24)
    assert clip.time_map.points[0][1] - clip.media_start_s == Fraction(15, 24)


def test_a_medium_that_begins_with_nothing(tmp_path: Path) -> None:
    def build(file: Any, sequence: Any, master: Any) -> None:
        slot = master.slots[0]
        source = slot.segment.mob
        slot.segment = file.create.Sequence("picture")
        slot.segment.components.append(file.create.Filler("picture", 10))
        slot.segment.components.append(source.create_source_clip(1, 0, 990, "picture"))
        sequence.components.append(master.create_source_clip(1, 10, 24, "picture"))

    (clip,) = open_document(write(tmp_path / "cut.aaf", build)).timeline().clips
    assert (clip.media_path, clip.reel) == ("/media/a b.mov", "A001")
    assert clip.time_map.points[0][1] == 36000


@pytest.mark.parametrize(("kind", "is_read"), [("TwoThreePD", True), ("OneToOneNTSC", False)])
def test_a_pulldown_counts_at_another_rate(tmp_path: Path, kind: str, is_read: bool) -> None:
    def build(file: Any, sequence: Any, master: Any) -> None:
        film = file.create.MasterMob("film")
        slot = film.create_timeline_slot("24000/1001", 1)
        source = next(file.content.sourcemobs())
        slot.segment = source.create_source_clip(1, 0, 800, "picture")
        file.content.mobs.append(film)
        pulldown = file.create.Pulldown("picture", 60)
        pulldown["PulldownKind"].value = kind
        pulldown["PulldownDirection"].value = "FilmToTapeSpeed"
        pulldown["PhaseFrame"].value = 0
        pulldown["InputSegment"].value = film.create_source_clip(1, 24, 48, "picture")
        sequence.components.append(master.create_source_clip(1, 0, 30, "picture"))
        sequence.components.append(pulldown)

    document = open_document(write(tmp_path / "cut.aaf", build, "30000/1001", start=108000))
    timeline = document.timeline()
    if is_read:
        film = timeline.clips[1]
        assert film.record.start_s == Fraction(1001, 1000)
        assert film.record.duration_s == 2 * Fraction(1001, 1000)
        assert film.time_map.points[0][1] - (film.media_start_s or 0) == Fraction(1001, 1000)
    else:
        assert [clip.name for clip in timeline.clips] == ["a b"]
        assert [skipped.name for skipped in timeline.skipped] == ["film"]


def test_a_pulldown_on_the_way_down_to_the_tape(tmp_path: Path) -> None:
    def build(file: Any, sequence: Any, master: Any) -> None:
        source = master.slots[0].segment.mob
        pulldown = file.create.Pulldown("picture", 1000)
        pulldown["PulldownKind"].value = "TwoThreePD"
        pulldown["PulldownDirection"].value = "FilmToTapeSpeed"
        pulldown["PhaseFrame"].value = 0
        clip = source.slots[0].segment
        tape = clip.mob
        tape.slots[0].edit_rate = "24000/1001"
        pulldown["InputSegment"].value = tape.create_source_clip(clip.slot_id, 48, 800, "picture")
        source.slots[0].segment = pulldown
        sequence.components.append(master.create_source_clip(1, 0, 30, "picture"))

    document = open_document(write(tmp_path / "cut.aaf", build, "30000/1001", start=108000))
    (clip,) = document.timeline().clips
    assert clip.media_start_s == 36036 + 2 * Fraction(1001, 1000)


# ---- speed


def varying(file: Any, parameter: Any, kind: str, *points: tuple[str, str]) -> Any:
    definition = file.create.InterpolationDef(kind, "interpolation", "")
    file.dictionary.register_def(definition)
    value = file.create.VaryingValue(parameter, definition)
    for time, place in points:
        value.add_keyframe(AAFRational(time), AAFRational(place))
    return value


CONSTANT = "5b6c85a5-0ede-11d3-80a9-006008143e6f"
LINEAR = "5b6c85a4-0ede-11d3-80a9-006008143e6f"
CUBIC = "a04a5439-8a0e-4cb7-975f-a5b255866883"
UNKNOWN = "a04a5439-8a0e-4cb7-975f-000000000000"


def mapped(file: Any, source: Any, length: int, kind: str, *points: tuple[str, str]) -> Any:
    """A speed effect with an offset map; of no interpolation: one constant."""
    effect = speed(file, "1", length, source)
    parameter = file.create.ParameterDef(
        "8d56827d-847e-11d5-935a-50f857c10000", "PARAM_SPEED_OFFSET_MAP_U", "", "Rational"
    )
    file.dictionary.register_def(parameter)
    if kind:
        effect.parameters.append(varying(file, parameter, kind, *points))
    else:
        ((_, place),) = points
        effect.parameters.append(file.create.ConstantValue(parameter, AAFRational(place)))
    return effect


@pytest.mark.parametrize(
    ("kind", "points", "shown"),
    [
        ("", [("0", "30")], {0: 30, 47: 30}),
        (LINEAR, [("0", "0"), ("48", "96")], {0: 0, 24: 48, 47: 94}),
        (CUBIC, [("0", "0"), ("48", "96")], {0: 0, 12: 24, 47: 94}),
        (CONSTANT, [("0", "10"), ("24", "50")], {0: 10, 23: 10, 24: 50, 47: 50}),
        (CONSTANT, [("0", "10"), ("12", "40"), ("24", "5")], {11: 10, 12: 40, 23: 40, 24: 5}),
    ],
    ids=["constant value", "linear", "cubic", "step", "steps"],
)  # fmt: skip
def test_which_picture_an_offset_map_shows(
    tmp_path: Path, kind: str, points: list[tuple[str, str]], shown: dict[int, int]
) -> None:
    def build(file: Any, sequence: Any, master: Any) -> None:
        source = master.create_source_clip(1, 100, 96, "picture")
        sequence.components.append(mapped(file, source, 48, kind, *points))

    (clip,) = open_document(write(tmp_path / "cut.aaf", build)).timeline().clips
    assert clip.media_start_s is not None
    for frame, place in shown.items():
        seen_s = source_at(clip.time_map, Fraction(frame, 24)) - clip.media_start_s
        assert seen_s * 24 == 100 + place


def test_speed_that_is_not_to_be_known_is_skipped_by_name(tmp_path: Path) -> None:
    def build(file: Any, sequence: Any, master: Any) -> None:
        sequence.components.append(master.create_source_clip(1, 0, 24, "picture"))
        source = master.create_source_clip(1, 0, 96, "picture")
        ramp = speed(file, "1", 48, source)
        (ratio,) = ramp.parameters.value
        keyed = varying(file, ratio.parameterdef, LINEAR, ("0", "1"), ("1", "2"))
        ramp.parameters.pop(ratio.auid)
        ramp.parameters.append(keyed)
        sequence.components.append(ramp)
        other = master.create_source_clip(1, 0, 96, "picture")
        bent = mapped(file, other, 48, UNKNOWN, ("0", "0"), ("24", "9"), ("48", "96"))
        sequence.components.append(bent)

    timeline = open_document(write(tmp_path / "cut.aaf", build)).timeline()
    assert len(timeline.clips) == 1
    assert [(one.name, one.reason.split(",")[0]) for one in timeline.skipped] == [
        ("a b", "its speed changes"), ("a b", "its speed follows a curve of an unknown kind"),
    ]  # fmt: skip


def test_a_speed_effect_around_another_effect_keeps_its_end(tmp_path: Path) -> None:
    def build(file: Any, sequence: Any, master: Any) -> None:
        blur = file.create.OperationDef(aaf2.auid.AUID(int=77), "Blur", "")
        blur.media_kind = "picture"
        blur["NumberInputs"].value = 1
        file.dictionary.register_def(blur)
        effect = file.create.OperationGroup(blur, 48, "picture")
        effect.segments.append(master.create_source_clip(1, 100, 48, "picture"))
        sequence.components.append(speed(file, "1/2", 48, effect))

    document = open_document(write(tmp_path / "cut.aaf", build))
    assert frames(document) == [(0, 48, 100, 196)]


def test_what_is_not_understood_is_not_called_damaged(
    cut: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mistaken(*_: object) -> None:
        raise AttributeError("ours")

    monkeypatch.setattr("otio_foley.timelines.aaf.cut.picture_slots", mistaken)
    with pytest.raises(ParseError, match="not understood: ours"):
        open_document(cut)


# ---- which composition, and its clock


def test_without_usage_codes_the_composition_that_no_other_uses(tmp_path: Path) -> None:
    def build(file: Any, sequence: Any, master: Any) -> None:
        clip = master.create_source_clip(1, 0, 24, "picture")
        inner, slot = composition_of(file, "a scene", clip)
        drop(inner, "UsageCode")
        sequence.components.append(inner.create_source_clip(slot.slot_id, 0, 12, "picture"))

    path = write(tmp_path / "cut.aaf", build)
    with aaf2.open(str(path), "rw") as file:
        drop(next(file.content.toplevel()), "UsageCode")
    timeline = open_document(path).timeline()
    assert timeline.name == "reel 3"
    assert not timeline.skipped


def test_a_rate_that_nothing_states_is_assumed(tmp_path: Path) -> None:
    path = tmp_path / "sound.aaf"
    with aaf2.open(str(path), "w") as file:
        composition = file.create.CompositionMob("sound")
        composition.usage = "Usage_TopLevel"
        composition.create_sound_slot("48000").segment = file.create.Filler("sound", 48000)
        file.content.mobs.append(composition)
    timeline = open_document(path).timeline()
    assert (timeline.frame_rate, timeline.frame_rate_assumed) == (25, True)
    assert not open_document(write(tmp_path / "cut.aaf", two_clips)).timeline().frame_rate_assumed


# ---- what another program made of a result


def saved_again(cut: Path, path: Path, edit: Callable[[Any, Any], None]) -> AafDocument:
    """A result with its level ridden, edited and saved by a program that keeps no undo record."""
    document = open_document(cut)
    stems = [
        replace(stem, automation=((Fraction(0), -6.0), (stem.record.duration_s, 0.0)))
        for stem in stems_for(document.timeline())
    ]
    document.add(stems).save(path)
    with aaf2.open(str(path), "rw") as file:
        edit(file, next(file.content.toplevel()))
    raw = path.read_bytes()
    path.write_bytes(raw[: raw.rfind(b"otio-foley-undo:")])
    found = open_document(path)
    assert isinstance(found, AafDocument)
    return found


def stripped_by_name(document: AafDocument, path: Path) -> Path:
    stripped = document.strip()
    assert not stripped.exact
    stripped.document.save(path)
    return path


def our_track(composition: Any) -> Any:
    return next(slot for slot in composition.slots if slot.name == "FS 1")


def own_sound(file: Any) -> Any:
    """A clip of the editor's own."""
    dialogue = next(mob for mob in file.content.mastermobs() if mob.name == "a b")
    return dialogue.create_source_clip(1, 0, 48, "sound")


def operation(file: Any, name: str, inputs: int) -> Any:
    definition = file.create.OperationDef(aaf2.auid.AUID(int=inputs), name, "")
    definition.media_kind = "sound"
    definition["NumberInputs"].value = inputs
    file.dictionary.register_def(definition)
    return definition


def loose_clip(file: Any, composition: Any) -> None:
    """The track holds the clip itself, without a sequence."""
    track = our_track(composition)
    ridden = track.segment.components.pop(1)
    track.segment = ridden.segments.pop(0)


def loose_gain(file: Any, composition: Any) -> None:
    track = our_track(composition)
    track.segment = track.segment.components.pop(1)


def within_an_effect(file: Any, composition: Any) -> None:
    """Ours and the editor's own, mixed on a track of the editor's."""
    definition = operation(file, "Audio Mix", 2)
    mix = file.create.OperationGroup(definition, 48, "sound")
    mix.segments.append(our_track(composition).segment.components.pop(1))
    mix.segments.append(own_sound(file))
    track = composition.create_sound_slot("24")
    track.name = "DIALOGUE"
    track.segment.components.append(mix)


@pytest.mark.parametrize("edit", [loose_clip, loose_gain, within_an_effect])
def test_ours_is_found_wherever_it_was_put(
    cut: Path, tmp_path: Path, edit: Callable[[Any, Any], None]
) -> None:
    found = saved_again(cut, tmp_path / "resaved.aaf", edit)
    path = stripped_by_name(found, tmp_path / "out.aaf")
    with aaf2.open(str(path)) as file:
        every = [item for mob in file.content.mobs for item, _ in mob.walk_references()]
        clips = [one for one in every if isinstance(one, aaf2.components.SourceClip)]
        assert all(clip.mob is not None for clip in clips if clip.mob_id.int)
        slots = {slot.name: slot for slot in next(file.content.toplevel()).slots}
        assert not any(str(name).startswith("FS") for name in slots)
        if edit is within_an_effect:
            (mix,) = slots["DIALOGUE"].segment.components
            assert [type(one).__name__ for one in mix.segments] == ["Filler", "SourceClip"]
    assert open_document(path).timeline() == open_document(cut).timeline()


def test_what_still_needs_our_sound_is_not_broken(cut: Path, tmp_path: Path) -> None:
    def edit(file: Any, composition: Any) -> None:
        ours = next(mob for mob in file.content.mastermobs() if str(mob.name).startswith("FS 1"))
        subclip = file.create.MasterMob("the good steps")
        slot = subclip.create_timeline_slot("48000")
        slot.segment = ours.create_source_clip(1, 0, 4800, "sound")
        file.content.mobs.append(subclip)

    found = saved_again(cut, tmp_path / "resaved.aaf", edit)
    with pytest.raises(NotReversible, match="the good steps"):
        found.strip()


def test_an_editor_s_track_stays_when_ours_goes_from_it(cut: Path, tmp_path: Path) -> None:
    def edit(file: Any, composition: Any) -> None:
        track = composition.create_sound_slot("24")
        track.name = "DIALOGUE EMPTY"
        track.segment.components.append(our_track(composition).segment.components[1].copy())

    found = saved_again(cut, tmp_path / "resaved.aaf", edit)
    with aaf2.open(str(stripped_by_name(found, tmp_path / "out.aaf"))) as file:
        tracks = [slot for slot in next(file.content.toplevel()).slots if slot.name]
        (left,) = [slot for slot in tracks if slot.name == "DIALOGUE EMPTY"]
        assert [type(one).__name__ for one in left.segment.components] == ["Filler"]


def test_definitions_that_an_editor_s_fader_uses_stay(cut: Path, tmp_path: Path) -> None:
    def edit(file: Any, composition: Any) -> None:
        fader = our_track(composition).segment.components[1].copy()
        fader.segments.pop(0)
        fader.segments.append(own_sound(file))
        track = composition.create_sound_slot("24")
        track.name = "DIALOGUE"
        track.segment.components.append(fader)

    found = saved_again(cut, tmp_path / "resaved.aaf", edit)
    with aaf2.open(str(stripped_by_name(found, tmp_path / "out.aaf"))) as file:
        slots = next(file.content.toplevel()).slots
        (fader,) = next(slot for slot in slots if slot.name == "DIALOGUE").segment.components
        (level,) = fader.parameters.value
        assert fader.operation.name == "Mono Audio Gain"
        assert (level.name, level.interpolationdef.name) == ("Amplitude", "LinearInterp")
        assert level.value_at(0) == pytest.approx(0.5, abs=0.01)


def test_markers_alone_are_found(cut: Path, tmp_path: Path) -> None:
    """A program that drops what is said of mobs, but not of markers."""

    def edit(file: Any, composition: Any) -> None:
        for mob in file.content.mobs:
            if "UserComments" in mob:
                drop(mob, "UserComments")

    stripped = saved_again(cut, tmp_path / "resaved.aaf", edit).strip()
    assert stripped.removed
    stripped.document.save(tmp_path / "out.aaf")
    with aaf2.open(str(tmp_path / "out.aaf")) as file:
        names = [slot.name for slot in next(file.content.toplevel()).slots]
        assert "FS 1 steps" not in names


def test_pulldowns_within_pulldowns_are_read_in_no_time(tmp_path: Path) -> None:
    def build(file: Any, sequence: Any, master: Any) -> None:
        segment = master.create_source_clip(1, 5, 24, "picture")
        for _ in range(40):
            pulldown = file.create.Pulldown("picture", 24)
            pulldown["PulldownKind"].value = "TwoThreePD"
            pulldown["PulldownDirection"].value = "FilmToTapeSpeed"
            pulldown["PhaseFrame"].value = 0
            pulldown["InputSegment"].value = segment
            segment = pulldown
        sequence.components.append(segment)

    document = open_document(write(tmp_path / "cut.aaf", build))
    assert isinstance(document, AafDocument)
    assert frames(document) == [(0, 24, 5, 29)]
