"""The stage: source motion, body, locked feet, truth, picture, and the demo that comes of it."""

from __future__ import annotations

import json
import re
import shutil
from ctypes.util import find_library
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from otio_foley.train.stage import cuts, demo, feet, render, rotation
from otio_foley.train.stage.body import (
    CLOTH,
    JOINT_NAMES,
    Body,
    index,
    load_body,
    place_joints,
    skin,
)
from otio_foley.train.stage.contacts import (
    SolePath,
    body_contacts,
    find_contacts,
    measure_footing,
)
from otio_foley.train.stage.film import write_movie
from otio_foley.train.stage.motion import Skeleton, load_capture, read_amc, read_asf
from otio_foley.train.stage.retarget import BodyMotion, cut, linger, loop, resample, retarget
from otio_foley.train.stage.rotation import Array

pytestmark = pytest.mark.filterwarnings("error")

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"
DEMO = ROOT / "samples" / "demo"
needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the folder 'shared' is not beside the project"
)

ASF = """\
:version 1.10
:units
  mass 1.0
  length 0.5
  angle deg
:root
   order TX TY TZ RX RY RZ
   axis XYZ
   position 0 0 0
   orientation 0 0 0
:bonedata
  begin
     id 1
     name hip
     direction 1 0 0
     length 10
     axis 0 0 0 XYZ
  end
  begin
     id 2
     name femur
     direction 0 -2 0
     length 20
     axis 0 0 90 XYZ
    dof rx
    limits (-160.0 20.0)
  end
:hierarchy
  begin
    root hip
    hip femur
  end
"""
AMC = """\
#!OML:ASF hand-made
:FULLY-SPECIFIED
:DEGREES
1
root 0 10 0 0 0 0
femur 0
2
root 10 10 0 0 90 0
femur 90
"""
UNIT_M = 0.0254 / 0.5


@pytest.fixture(scope="module")
def skeleton() -> Skeleton:
    """The hand-made skeleton."""
    return read_asf(ASF)


@pytest.fixture(scope="module")
def human() -> Body:
    """The real body, where the material lies beside the project."""
    return load_body(SHARED / "body")


@pytest.fixture
def block() -> Body:
    """A body whose only flesh are two slabs for shoes, 20 cm long, heel at z = 0."""
    corners = np.array([[x, 0.0, z] for x in (-0.05, 0.05) for z in (0.0, 0.2)])
    aside = np.array([0.1, 0.0, 0.0])
    soles = np.concatenate([corners + aside, corners - aside])
    weights = np.zeros((8, len(JOINT_NAMES)))
    weights[:4, index("foot_left")] = weights[4:, index("foot_right")] = 1.0
    return Body(
        vertices_m=soles,
        triangles=np.array([[0, 1, 2], [1, 3, 2], [4, 5, 6], [5, 7, 6]]),
        weights=weights,
        joints_m=np.zeros((len(JOINT_NAMES), 3)),
        cloth=np.zeros((8, len(CLOTH))),
        sole_left=np.arange(4),
        sole_right=np.arange(4, 8),
        ball_z_m=0.15,
    )


def still(count: int, pelvis_m: Array, rate_hz: float = 100.0) -> BodyMotion:
    """A motion that keeps the rest pose."""
    turns = np.zeros((count, len(JOINT_NAMES), 4))
    turns[..., 0] = 1.0
    return BodyMotion(rate_hz=rate_hz, pelvis_m=pelvis_m, rotations=turns)


def falling(t0_s: float, speed_m_s: float, count: int = 1000) -> SolePath:
    """A level sole that comes down at constant speed to stand from ``t0_s`` on."""
    times = np.arange(count) / 1000.0
    height = np.maximum(t0_s - times, 0.0) * speed_m_s
    return SolePath(
        rate_hz=1000.0, heel_height_m=height, toe_height_m=height, speed_m_s=np.zeros(count)
    )


class TestMotion:
    def test_lengths_come_in_metres_and_directions_in_unit_length(self, skeleton: Skeleton) -> None:
        femur = skeleton.bone("femur")
        assert femur.length_m == pytest.approx(20 * UNIT_M)
        assert femur.direction == pytest.approx([0, -1, 0])
        assert femur.parent == "hip"

    def test_bones_are_laid_out_from_the_root(self, skeleton: Skeleton) -> None:
        capture = read_amc(AMC, skeleton)
        assert capture.root_m[:, 0] == pytest.approx([0, 10 * UNIT_M])
        assert capture.tails_m["femur"][0] / UNIT_M == pytest.approx([10, -10, 0])

    def test_angles_turn_in_the_bones_own_axes(self, skeleton: Skeleton) -> None:
        # The femur's x axis is the world's y in the zero pose, so a femur that points down
        # stays where it is; the root's quarter turn about y takes +x to -z.
        capture = read_amc(AMC, skeleton)
        assert capture.tails_m["hip"][1] / UNIT_M == pytest.approx([10, 10, -10])
        assert capture.tails_m["femur"][1] / UNIT_M == pytest.approx([10, -10, -10])
        turned = rotation.rotate(capture.rotations["femur"][1], np.array([1.0, 0.0, 0.0]))
        assert turned == pytest.approx([-1, 0, 0], abs=1e-9)


class TestRotation:
    def test_matrices_and_quaternions_agree(self) -> None:
        rng = np.random.default_rng(1)
        turns = rotation.normalise(rng.normal(size=(40, 4)))
        turns *= np.sign(turns[:, :1])
        assert rotation.from_matrices(rotation.to_matrices(turns)) == pytest.approx(turns)

    def test_slerp_halves_the_angle(self) -> None:
        axis = np.array([0.0, 0.0, 1.0])
        ends = rotation.axis_angle(axis, np.array([0.2, 1.4]))
        middle = rotation.slerp(ends[0], ends[1], np.array(0.5))
        assert middle == pytest.approx(rotation.axis_angle(axis, np.array(0.8)))


class TestBody:
    def test_rest_pose_skins_to_itself(self, block: Body) -> None:
        pose = still(1, np.zeros((1, 3)))
        joints = place_joints(block, pose.rotations, pose.pelvis_m)
        assert skin(block, pose.rotations, joints)[0] == pytest.approx(block.vertices_m)

    @needs_shared
    def test_the_human_stands_on_the_floor_left_to_the_left(self, human: Body) -> None:
        turns = still(1, np.zeros((1, 3))).rotations[0]
        assert skin(human, turns, human.joints_m) == pytest.approx(human.vertices_m)
        placed = place_joints(human, turns, human.joints_m[0])
        assert placed == pytest.approx(human.joints_m)
        assert human.vertices_m[human.sole_left, 1].min() == 0.0
        assert (human.vertices_m[human.sole_left, 0] > 0).all()
        assert (human.vertices_m[human.sole_right, 0] < 0).all()
        assert 1.5 < human.height_m < 1.9

    @needs_shared
    def test_weights_are_shares(self, human: Body) -> None:
        assert human.weights.min() >= 0.0
        assert human.weights.sum(axis=1) == pytest.approx(np.ones(len(human.weights)))


class TestContacts:
    @pytest.mark.parametrize("speed_m_s", [0.3, 1.0, 2.5])
    def test_a_landing_is_timed_within_a_millisecond(self, speed_m_s: float) -> None:
        (contact,) = find_contacts(falling(0.4137, speed_m_s), "left")
        assert contact.time_s == pytest.approx(0.4137, abs=1e-3)
        assert contact.drop_m_s == pytest.approx(speed_m_s)
        assert contact.part == "flat"
        assert contact.toe_off_s is None

    def test_a_later_landing_is_later_by_as_much(self) -> None:
        (early,) = find_contacts(falling(0.4, 0.5), "left")
        (late,) = find_contacts(falling(0.41, 0.5), "left")
        assert late.time_s - early.time_s == pytest.approx(0.010, abs=1e-6)

    def test_a_foot_that_stands_from_the_start_has_made_no_contact(self) -> None:
        path = falling(0.4, 0.5)
        stands = replace(path, heel_height_m=np.zeros(1000), toe_height_m=np.zeros(1000))
        assert find_contacts(stands, "left") == ()

    def test_a_graze_is_no_contact(self) -> None:
        times = np.arange(1000) / 1000.0
        touch = np.minimum(np.abs(times - 0.4) * 0.5, 0.05)
        path = SolePath(
            rate_hz=1000.0, heel_height_m=touch, toe_height_m=touch, speed_m_s=np.zeros(1000)
        )
        assert find_contacts(path, "left") == ()
        dragged = replace(falling(0.4, 0.5), speed_m_s=np.full(1000, 2.0))
        assert find_contacts(dragged, "left") == ()

    @pytest.mark.parametrize("speed_m_s", [0.16, 0.4, 2.0])
    @pytest.mark.parametrize("later", ["heel", "toe"])
    def test_the_first_part_is_the_contact_and_none_is_earlier(
        self, speed_m_s: float, later: str
    ) -> None:
        path = falling(0.4, speed_m_s)
        up = np.roll(path.heel_height_m, 50)
        heel_up, toe_up = replace(path, heel_height_m=up), replace(path, toe_height_m=up)
        (contact,) = find_contacts(heel_up if later == "heel" else toe_up, "left")
        parts = {"heel": contact.heel_s, "toe": contact.toe_s}
        last_s = parts.pop(later)
        assert list(parts.values()) == [contact.time_s] == [pytest.approx(0.4, abs=1e-3)]
        assert last_s == pytest.approx(0.45, abs=0.02)
        assert contact.heel_off_s is None

    @pytest.mark.parametrize(("higher", "part"), [("toe", "heel"), ("heel", "toe")])
    def test_the_part_that_is_lower_touches(self, higher: str, part: str) -> None:
        path = falling(0.4, 0.5)
        up = path.toe_height_m + 0.03
        toe_up, heel_up = replace(path, toe_height_m=up), replace(path, heel_height_m=up)
        raised = toe_up if higher == "toe" else heel_up
        (contact,) = find_contacts(raised, "right")
        assert contact.part == part

    def test_a_falling_body_lands_with_both_feet(self, block: Body) -> None:
        times = np.arange(101) / 100.0
        pelvis = np.zeros((101, 3))
        # 0.5137 s lies between two samples of the motion, where it is interpolated.
        pelvis[:, 1] = np.maximum(0.5137 - times, 0.0)
        found = body_contacts(block, still(101, pelvis))
        assert {contact.foot for contact in found} == {"left", "right"}
        # Between the samples at 0.51 and 0.52 the interpolated fall ends only at 0.52.
        assert all(0.5137 <= contact.time_s <= 0.52 for contact in found)

    def test_toe_off_ends_a_stay(self, block: Body) -> None:
        times = np.arange(201) / 100.0
        pelvis = np.zeros((201, 3))
        pelvis[:, 1] = np.maximum(np.maximum(0.5 - times, times - 1.2), 0.0)
        (left, _) = body_contacts(block, still(201, pelvis))
        assert left.time_s == pytest.approx(0.5, abs=1e-3)
        assert left.toe_off_s == pytest.approx(1.2, abs=5e-3)

    def test_footing_sees_sliding_and_sinking(self, block: Body) -> None:
        pelvis = np.zeros((101, 3))
        pelvis[:, 0] = np.linspace(0.0, 0.05, 101)
        pelvis[:, 1] = -0.004
        footing = measure_footing(block, still(101, pelvis))
        assert footing.slide_m == pytest.approx(0.05, rel=0.02)
        assert footing.sinking_m == pytest.approx(0.004)


class TestRetarget:
    def test_a_loop_goes_on_where_it_ended(self) -> None:
        pelvis = np.zeros((60, 3))
        pelvis[:, 2] = np.arange(60) * 0.01
        pelvis[:, 1] = 1.0 + np.arange(60) * 0.001
        repeated = loop(still(60, pelvis), 5, 45, 10, 3)
        assert len(repeated.pelvis_m) == 120
        assert np.diff(repeated.pelvis_m[:, 2]) == pytest.approx(np.full(119, 0.01))
        # The source climbs; the loop must not.
        assert repeated.pelvis_m[::40, 1] == pytest.approx(np.full(3, repeated.pelvis_m[0, 1]))

    def test_lingering_stays_within_the_sway(self) -> None:
        pelvis = np.zeros((50, 3))
        pelvis[:, 2] = np.arange(50)
        longer = linger(still(50, pelvis), 30, 25, 10)
        assert len(longer.pelvis_m) == 105
        assert np.abs(np.diff(longer.pelvis_m[:, 2])) == pytest.approx(np.ones(104))
        assert longer.pelvis_m[:30, 2].max() == 10
        assert longer.pelvis_m[-25:, 2].min() == 39

    @needs_shared
    def test_locked_feet_stand_still_on_the_floor(self, human: Body) -> None:
        folder = SHARED / "gait" / "cyun9601+CMU-MOCAP-Data"
        captured = retarget(human, load_capture(folder / "02.asf", folder / "02_01.amc"))
        raw = resample(cut(captured, 30, 190), 1000.0)
        locked = feet.lock_feet(human, raw)
        footing = measure_footing(human, locked)
        assert footing.slide_m < 0.005
        assert footing.sinking_m < 0.0005
        assert footing.floating_m < 0.003
        heels = [contact for contact in body_contacts(human, locked) if contact.part == "heel"]
        assert [contact.foot for contact in heels] == ["right", "left"]
        # The legs keep their length: the knee joins what the hip and the ankle ask for.
        joints = place_joints(human, locked.rotations, locked.pelvis_m)
        speed = np.diff(joints[:, index("shank_left")], axis=0) * 1000.0
        assert np.linalg.norm(speed, axis=1).max() < 4.0


class TestPicture:
    @needs_shared
    @pytest.mark.skipif(find_library("EGL") is None, reason="no EGL library")
    def test_a_frame_shows_the_person_and_a_shadow(self, human: Body) -> None:
        pytest.importorskip("moderngl", reason="moderngl is not installed")
        scene = render.Set(
            floor=render.read_tile(SHARED / "floors" / "ambientcg_128" / demo.WALK.tile),
            floor_tile_m=1.5,
            wall_point_m=(3.0, 0.0, 0.0),
            wall_normal=(-1.0, 0.0, 0.0),
        )
        camera = render.Camera(
            eye_m=np.array([-6.0, 1.4, 0.0]),
            target_m=np.array([0.0, 0.8, 0.0]),
            vertical_view_deg=24.0,
            width_px=320,
            height_px=180,
        )
        with render.Renderer(scene, [(human, render.Palette())], 320, 180) as stage:
            empty = stage.draw(camera)
            shown = stage.draw(camera, [human.vertices_m])
            again = stage.draw(camera, [human.vertices_m])
        assert np.array_equal(shown, again)
        changed = np.abs(shown.astype(int) - empty).max(axis=2) > 12
        seen = camera.project(human.vertices_m)
        rows, columns = np.nonzero(changed)
        assert rows.min() == pytest.approx(seen[:, 1].min(), abs=2)
        # The person's front, at +z, is to the right for a camera at -x.
        assert columns.max() == pytest.approx(seen[:, 0].max(), abs=8)
        assert 0.02 < changed.mean() < 0.25

    def test_a_movie_carries_its_timecode(self, tmp_path: Path) -> None:
        av = pytest.importorskip("av")
        path = tmp_path / "grey.mov"
        pictures = [np.full((90, 160, 3), value, dtype=np.uint8) for value in (40, 120, 200)]
        assert write_movie(path, pictures, Fraction(24), "03:00:00:12", 20) == 3
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            assert stream.metadata["timecode"] == "03:00:00:12"
            frames = list(container.decode(stream))
        times = [frame.pts * frame.time_base for frame in frames]
        assert times == [0, Fraction(1, 24), Fraction(1, 12)]
        levels = [frame.to_ndarray(format="rgb24").mean() for frame in frames]
        assert levels == pytest.approx([40, 120, 200], abs=3)


def truth() -> dict[str, Any]:
    """The demo's truth file."""
    document = json.loads((DEMO / "truth.json").read_text(encoding="utf-8"))
    assert document["version"] == 1
    assert document["frame_rate"] == "24/1"
    shots: dict[str, Any] = document["shots"]
    return shots


class TestDemo:
    @pytest.mark.parametrize("shot", demo.SHOTS, ids=lambda shot: str(shot.file_name))
    def test_movie_and_truth_agree(self, shot: demo.Shot) -> None:
        av = pytest.importorskip("av")
        entry = truth()[shot.file_name]
        with av.open(str(DEMO / shot.file_name)) as container:
            stream = container.streams.video[0]
            assert stream.frames == entry["duration_frames"] == shot.frames
            assert stream.average_rate == 24
            assert stream.metadata["timecode"] == entry["timecode"]
            assert (stream.width, stream.height) == demo.SIZE_PX
            first = next(container.decode(stream))
            assert first.pts == 0
        times = [contact["time_s"] for contact in entry["contacts"]]
        assert times == sorted(times)
        assert all(0.0 <= time < entry["duration_frames"] / 24 for time in times)
        assert all(
            contact["toe_off_s"] is None or contact["toe_off_s"] > contact["time_s"]
            for contact in entry["contacts"]
        )

    @pytest.mark.parametrize(
        ("name", "fewest", "slowest", "fastest"),
        [("walk.mov", 8, 1.6, 2.1), ("run.mov", 7, 2.4, 3.2)],
    )
    def test_feet_alternate_at_a_human_cadence(
        self, name: str, fewest: int, slowest: float, fastest: float
    ) -> None:
        contacts = truth()[name]["contacts"]
        assert len(contacts) >= fewest
        sides = [contact["foot"] for contact in contacts]
        assert all(a != b for a, b in pairwise(sides))
        gaps = np.diff([contact["time_s"] for contact in contacts])
        assert slowest < 1.0 / gaps.mean() < fastest
        assert all(contact["action"] == name.removesuffix(".mov") for contact in contacts)

    def test_the_jump_lands_on_both_feet_and_the_empty_set_is_empty(self) -> None:
        landing = truth()["jump.mov"]["contacts"]
        assert {contact["foot"] for contact in landing} == {"left", "right"}
        assert {contact["action"] for contact in landing} == {"land"}
        assert len(landing) == 2
        assert truth()["empty.mov"]["contacts"] == []

    def test_contacts_outside_the_picture_are_left_out(self) -> None:
        path = falling(0.4, 0.5)
        contacts = find_contacts(path, "left")
        shot = replace(demo.WALK, motion_start_s=0.25)
        (entry,) = demo.shot_contacts(shot, contacts)
        assert entry["time_s"] == pytest.approx(0.15)
        assert demo.shot_contacts(replace(shot, motion_start_s=0.5), contacts) == []
        assert demo.shot_contacts(replace(shot, frames=3), contacts) == []

    def test_the_demo_is_small(self) -> None:
        assert sum(path.stat().st_size for path in DEMO.glob("*.mov")) < 10e6


Edit = list[tuple[str, int, int, int]]


def frames_of(time: str) -> int:
    """Whole frames at 24 fps of an FCPXML time."""
    frames = Fraction(time.removesuffix("s")) * 24
    assert frames.denominator == 1
    return int(frames)


def code_frames(timecode: str) -> int:
    """Frames at 24 fps of a non-drop timecode."""
    hours, minutes, seconds, frames = map(int, timecode.split(":"))
    return ((hours * 60 + minutes) * 60 + seconds) * 24 + frames


def fcpxml_edit() -> Edit:
    """Name, source timecode in and out, record timecode in, in frames."""
    tree = ElementTree.parse(DEMO / "demo.fcpxml")
    sources = {a.get("id"): a[0].get("src", "") for a in tree.iter("asset")}
    edit = []
    for clip in tree.iter("asset-clip"):
        start, length = frames_of(clip.get("start", "")), frames_of(clip.get("duration", ""))
        name = sources[clip.get("ref")].removeprefix("./")
        edit.append((name, start, start + length, frames_of(clip.get("offset", ""))))
    return edit


def xmeml_edit() -> Edit:
    """The same of the xmeml file."""
    tree = ElementTree.parse(DEMO / "demo.xml")
    begin = int(tree.findtext("sequence/timecode/frame", ""))
    edit = []
    for item in tree.iter("clipitem"):
        base = int(item.findtext("file/timecode/frame", ""))
        start, end = int(item.findtext("start", "")), int(item.findtext("end", ""))
        first, last = int(item.findtext("in", "")), int(item.findtext("out", ""))
        assert end - start == last - first
        name = item.findtext("file/pathurl", "").removeprefix("./")
        edit.append((name, base + first, base + last, begin + start))
    return edit


def otio_edit() -> Edit:
    """The same of the OTIO file, read by OpenTimelineIO."""
    otio = pytest.importorskip("opentimelineio")
    timeline = otio.adapters.read_from_file(str(DEMO / "demo.otio"))
    begin = timeline.global_start_time.to_frames()
    edit = []
    for clip in timeline.find_clips():
        start = clip.source_range.start_time.to_frames()
        length = clip.source_range.duration.to_frames()
        at = clip.range_in_parent().start_time.to_frames()
        available = clip.available_range()
        assert available.start_time <= clip.source_range.start_time
        assert clip.source_range.end_time_exclusive() <= available.end_time_exclusive()
        name = clip.media_reference.target_url.removeprefix("./")
        edit.append((name, start, start + length, begin + at))
    return edit


def edl_edit() -> Edit:
    """The same of the EDL."""
    text = (DEMO / "demo.edl").read_text(encoding="ascii")
    assert text.startswith("TITLE: demo\nFCM: NON-DROP FRAME\n")
    events = re.findall(
        r"^\d{3}  (.{8}) V     C        (\S+) (\S+) (\S+) (\S+)\n\* FROM CLIP NAME: (\S+)$",
        text,
        re.MULTILINE,
    )
    for reel, start, end, begin, finish, name in events:
        assert reel.strip() == name.removesuffix(".mov").upper()
        assert code_frames(end) - code_frames(start) == code_frames(finish) - code_frames(begin)
    return [
        (name, code_frames(start), code_frames(end), code_frames(begin))
        for _, start, end, begin, _, name in events
    ]


class TestCuts:
    @pytest.mark.parametrize("read", [fcpxml_edit, xmeml_edit, otio_edit, edl_edit])
    def test_every_format_says_the_same_edit(self, read: Any) -> None:
        planned = demo.demo_cut()
        wanted = [
            (
                event.file_name,
                event.timecode_start + event.source_in,
                event.timecode_start + event.source_out,
                planned.start + at,
            )
            for at, event in planned.placed()
        ]
        assert [name for name, *_ in wanted] == ["walk.mov", "empty.mov", "run.mov", "jump.mov"]
        assert read() == wanted

    def test_files_are_what_the_code_writes(self, tmp_path: Path) -> None:
        cuts.write_cuts(demo.demo_cut(), tmp_path, "demo")
        for path in tmp_path.iterdir():
            assert (DEMO / path.name).read_bytes() == path.read_bytes()

    @needs_shared
    @pytest.mark.parametrize(
        ("name", "dtd"),
        [("demo.fcpxml", "FCPXMLv1_10.dtd"), ("demo.xml", "xmeml_v5_from_pdf.dtd")],
    )
    def test_xml_is_valid(self, name: str, dtd: str) -> None:
        etree = pytest.importorskip("lxml.etree")
        rules = etree.DTD(str(SHARED / "dtd" / dtd))
        assert rules.validate(etree.parse(str(DEMO / name))), rules.error_log

    def test_names_are_percent_encoded(self) -> None:
        event = replace(demo.demo_cut().events[0], file_name="a & b%.mov")
        text = cuts.xmeml(replace(demo.demo_cut(), events=[event]))
        assert "<pathurl>./a%20%26%20b%25.mov</pathurl>" in text
        assert "<name>a &amp; b%.mov</name>" in text

    def test_the_demo_may_lie_anywhere(self, tmp_path: Path) -> None:
        for path in DEMO.glob("demo.*"):
            copied = shutil.copy(path, tmp_path)
            assert str(ROOT) not in Path(copied).read_text(encoding="utf-8")
