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
from otio_foley.errors import FoleyError, OutputError, ParseError
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
