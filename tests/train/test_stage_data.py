"""The stage's data set: plans, performances, cameras, truth in the picture, resuming."""

from __future__ import annotations

import fcntl
import hashlib
import json
from collections.abc import Iterator, Sequence
from ctypes.util import find_library
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from otio_foley.errors import InputError, OutputError
from otio_foley.train.stage import (
    actions,
    cameras,
    clip,
    crew,
    dataset,
    keypoints,
    recipes,
    shaping,
)
from otio_foley.train.stage.actions import ACTIONS, Action, Way, perform
from otio_foley.train.stage.body import Body, index, load_body, skin
from otio_foley.train.stage.contacts import body_contacts
from otio_foley.train.stage.film import Take
from otio_foley.train.stage.pinhole import Camera
from otio_foley.train.stage.render import Box, Palette, Renderer, Set
from otio_foley.train.stage.retarget import BodyMotion
from otio_foley.train.stage.rotation import Array

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"
needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the folder 'shared' is not beside the project"
)
needs_gl = pytest.mark.skipif(find_library("EGL") is None, reason="no EGL library")


@pytest.fixture(scope="module")
def human() -> Body:
    return load_body(SHARED / "body")


def walking(human: Body, seed: int = 0) -> BodyMotion:
    rng = np.random.default_rng(seed)
    return perform("walk", human, SHARED, rng, 3.0, "line").motion


@needs_shared
class TestPerformances:
    @pytest.mark.parametrize("action", ACTIONS)
    def test_feet_stand_and_the_truth_is_of_the_final_motion(
        self, human: Body, action: str
    ) -> None:
        done = perform(action, human, SHARED, np.random.default_rng(3), 4.0)  # type: ignore[arg-type]
        assert done.motion.duration_s >= 4.0
        assert done.footing.slide_m < 0.012
        assert done.footing.sinking_m < 0.001
        assert done.footing.floating_m < 0.003
        assert (len(done.contacts) == 0) == (action == "stand")
        assert done.intervals[0].start_s == 0.0
        assert done.intervals[-1].end_s == pytest.approx(done.motion.duration_s, abs=0.002)

    @pytest.mark.parametrize("way", ["line", "circle", "spot"])
    @pytest.mark.parametrize("capture", range(3))
    def test_every_run_steps_as_a_runner_does(
        self, human: Body, monkeypatch: pytest.MonkeyPatch, way: Way, capture: int
    ) -> None:
        monkeypatch.setattr(actions, "_RUNS", (actions._RUNS[capture],) * 3)
        monkeypatch.setattr(actions, "_DRAWS", 1)
        done = perform("run", human, SHARED, np.random.default_rng(capture), 3.0, way)
        assert done.source == actions._RUNS[0].capture
        gaps = np.diff([contact.time_s for contact in done.contacts])
        assert len(gaps) >= 5
        assert 2.0 < 1.0 / gaps.mean() < 3.4
        stays = [c.toe_off_s - c.time_s for c in done.contacts if c.toe_off_s is not None]
        assert 0.15 < min(stays) <= max(stays) < 0.4

    @pytest.mark.parametrize("seed", [1, 2, 3])
    @pytest.mark.parametrize("action", ["turn", "start", "stop", "shuffle", "stairs", "tiptoe"])
    def test_feet_alternate_without_a_false_step(
        self, human: Body, monkeypatch: pytest.MonkeyPatch, action: Action, seed: int
    ) -> None:
        monkeypatch.setattr(actions, "_DRAWS", 1)
        done = perform(action, human, SHARED, np.random.default_rng(seed), 4.0)
        for first, second in pairwise(done.contacts):
            assert first.foot != second.foot
            assert second.time_s - first.time_s > 0.35
        assert len(done.contacts) >= 3

    def test_what_is_wrong_is_drawn_again_then_refused(
        self, human: Body, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told = iter(["it limps", ""])
        with monkeypatch.context() as patched:
            patched.setattr(actions, "what_is_wrong", lambda *_: next(told))
            assert perform("walk", human, SHARED, np.random.default_rng(1), 1.0).contacts
        monkeypatch.setattr(actions, "what_is_wrong", lambda *_: "it limps")
        monkeypatch.setattr(actions, "_DRAWS", 1)
        with pytest.raises(ValueError, match="it limps"):
            perform("walk", human, SHARED, np.random.default_rng(1), 1.0)

    def test_a_missing_a_doubled_and_a_false_step_are_wrong(self, human: Body) -> None:
        done = perform("walk", human, SHARED, np.random.default_rng(4), 4.0, "line")
        assert actions.what_is_wrong("walk", done) == ""
        fewer = replace(done, contacts=done.contacts[:2] + done.contacts[3:])
        assert "planned alone" in actions.what_is_wrong("walk", fewer)
        blind = replace(fewer, planned=fewer.planned[:0])
        assert "planned alone" in actions.what_is_wrong("walk", blind)
        neither = replace(done, contacts=(), planned=())
        assert "no step" in actions.what_is_wrong("walk", neither)

    def test_a_contact_is_harder_the_faster_the_foot_falls(self, human: Body) -> None:
        drops = [
            np.median([c.drop_m_s for c in perform(*given).contacts])
            for given in (
                (action, human, SHARED, np.random.default_rng(2), 3.0)
                for action in ("tiptoe", "walk", "run", "jump")
            )
        ]
        tiptoe, walk, run, jump = drops
        assert 2.0 * tiptoe < walk < 0.7 * min(run, jump)

    @pytest.mark.parametrize(
        ("action", "parts"),
        [("start", ["stand", "start", "walk"]), ("stop", ["walk", "stop", "stand"])],
    )
    def test_only_the_change_is_called_start_or_stop(
        self, human: Body, action: Action, parts: list[str]
    ) -> None:
        done = perform(action, human, SHARED, np.random.default_rng(2), 5.0)
        assert [part.action for part in done.intervals] == parts
        change = done.intervals[1]
        assert change.end_s - change.start_s == pytest.approx(0.9)
        stands = done.intervals[parts.index("stand")]
        assert not any(stands.start_s <= c.time_s < stands.end_s for c in done.contacts)

    def test_a_foot_moved_by_ten_milliseconds_is_seen(self, human: Body) -> None:
        """One leg plays 10 ms late: its contacts are told that much later, the other foot's stay.
        The hips go on down meanwhile, so that the foot is on the floor a little sooner."""
        motion = walking(human)
        late_s = 0.010
        delayed = motion.at(np.clip(motion.times_s - late_s, 0.0, motion.duration_s))
        leg = [index(f"{joint}_left") for joint in ("thigh", "shank", "foot", "toes")]
        turns = motion.rotations.copy()
        turns[:, leg] = delayed.rotations[:, leg]
        plain = body_contacts(human, motion)
        moved = body_contacts(human, replace(motion, rotations=turns))
        for foot, shift_s, within_s in (("left", late_s, 0.004), ("right", 0.0, 0.0005)):
            before = [c.time_s for c in plain if c.foot == foot]
            after = [c.time_s for c in moved if c.foot == foot]
            assert len(before) == len(after) >= 2
            assert np.subtract(after, before) == pytest.approx(
                np.full(len(before), shift_s), abs=within_s
            )

    def test_tiptoe_never_touches_with_the_heel(self, human: Body) -> None:
        done = perform("tiptoe", human, SHARED, np.random.default_rng(1), 4.0)
        assert len(done.contacts) >= 3
        assert all(contact.part == "toe" for contact in done.contacts)
        assert all(contact.heel_s is None for contact in done.contacts)

    def test_each_footfall_on_stairs_has_a_tread_of_its_own(self, human: Body) -> None:
        done = perform("stairs", human, SHARED, np.random.default_rng(2), 5.0)
        assert done.steps is not None and done.motion.ground_m is not None
        ground = {"left": done.motion.ground_m[:, 0], "right": done.motion.ground_m[:, 1]}
        treads = [
            round(float(ground[c.foot][int((c.time_s + 0.05) * 1000)]) / 0.16)
            for c in done.contacts
        ]
        steps = np.abs(np.diff(treads))
        assert len(steps) >= 4
        assert (steps == 1).all()

    def test_the_same_seed_gives_the_same_motion(self, human: Body) -> None:
        first, second = walking(human, 5), walking(human, 5)
        assert np.array_equal(first.rotations, second.rotations)
        assert not np.array_equal(first.rotations, walking(human, 6).rotations)


@needs_shared
class TestShaping:
    def test_a_mirrored_walk_swaps_the_feet_and_nothing_else(self, human: Body) -> None:
        motion = walking(human)
        plain = body_contacts(human, motion)
        turned = body_contacts(human, shaping.mirrored(motion))
        other = {"left": "right", "right": "left"}
        assert [other[c.foot] for c in turned] == [c.foot for c in plain]
        assert [c.time_s for c in turned] == pytest.approx([c.time_s for c in plain], abs=2e-3)

    def test_a_bent_walk_goes_round_its_circle(self, human: Body) -> None:
        motion = shaping.bent(walking(human), 1.0 / 3.0)
        from_centre = np.linalg.norm(motion.pelvis_m[:, [0, 2]] - [3.0, 0.0], axis=1)
        assert from_centre == pytest.approx(np.full(len(from_centre), 3.0), abs=0.06)

    def test_joined_motions_go_on_without_a_jump(self, human: Body) -> None:
        first = walking(human)
        both = shaping.joined(first, shaping.placed(walking(human, 2), 5.0, 2.0, 1.0), 0.3)
        speed = np.linalg.norm(np.diff(both.pelvis_m, axis=0), axis=1) * both.rate_hz
        assert speed.max() < 3.0

    def test_on_the_spot_stays_there(self, human: Body) -> None:
        spot = shaping.on_the_spot(walking(human))
        assert np.ptp(spot.pelvis_m[:, [0, 2]], axis=0).max() < 0.25


class TestCameras:
    def subject(self) -> cameras.Subject:
        count = 60
        middle = np.stack([np.zeros(count), np.full(count, 0.85), np.linspace(0, 4, count)], 1)
        corners = np.array([[x, y, 0.0] for x in (-0.3, 0.3) for y in (-0.85, 0.85)])
        return cameras.Subject(
            middle_m=middle,
            ground_m=np.zeros(count),
            points_m=middle[:, None] + corners,
            height_m=1.7,
        )

    @pytest.mark.parametrize("kind", cameras.KINDS)
    def test_every_kind_looks_at_its_subject(self, kind: cameras.Kind) -> None:
        subject = self.subject()
        rng = np.random.default_rng(4)
        shots = cameras.cameras(kind, subject, 60.0, (480, 270), 25.0, rng)
        assert len(shots) == 60
        middle = 30
        crown_and_sole = subject.points_m[middle]
        seen = shots[middle].project(crown_and_sole)
        above, below = seen[:, 1].min(), seen[:, 1].max()
        if kind == "close":
            assert below > 270.0
        elif kind == "feet":
            assert above < 0.0
            assert 0.0 < below < 300.0
        else:
            assert above > -5.0
            assert below < 275.0
            assert below - above > 30.0

    def test_roll_leans_the_picture_to_the_left(self) -> None:
        camera = Camera(
            eye_m=np.array([0.0, 1.0, 5.0]),
            target_m=np.array([0.0, 1.0, 0.0]),
            vertical_view_deg=30.0,
            width_px=200,
            height_px=100,
        )
        up = np.array([[0.0, 1.5, 0.0]])
        assert camera.project(up)[0, 0] == pytest.approx(100.0)
        assert replace(camera, roll_deg=10.0).project(up)[0, 0] < 99.0


@needs_shared
@needs_gl
class TestPicture:
    def camera(self) -> Camera:
        return Camera(
            eye_m=np.array([0.0, 1.2, 6.0]),
            target_m=np.array([0.0, 0.9, 0.0]),
            vertical_view_deg=30.0,
            width_px=240,
            height_px=180,
        )

    def test_who_is_seen_where_and_what_hides_whom(self, human: Body) -> None:
        pytest.importorskip("moderngl", reason="moderngl is not installed")
        tile = np.full((8, 8, 3), 120, dtype=np.uint8)
        wall = Box(low_m=(-0.6, 0.0, 1.0), high_m=(0.6, 0.6, 1.2), colour=(0.3, 0.3, 0.3))
        scene = Set(floor=tile, floor_tile_m=1.0, wall=None, boxes=(wall,))
        far = human.vertices_m
        near = far + np.array([1.0, 0.0, 0.5])
        motion = BodyMotion(
            rate_hz=100.0,
            pelvis_m=np.repeat(human.joints_m[:1], 2, axis=0),
            rotations=np.tile([1.0, 0.0, 0.0, 0.0], (2, len(human.joints_m), 1)),
        )
        take = Take(body=human, motion=motion, start_s=0.0)
        points = keypoints.keypoints_m(take, np.array([0.0]))[0]
        with Renderer(scene, [(human, Palette()), (human, Palette())], 240, 180) as stage:
            view = stage.view(self.camera(), [far, near])
            again = stage.view(self.camera(), [far, near])
        assert np.array_equal(view.picture, again.picture)
        assert np.array_equal(view.identities, again.identities)
        assert set(np.unique(view.identities)) == {0, 1, 2}
        seen = keypoints.seen(self.camera(), view, points)
        # The low wall hides the legs from the knees down, and nothing hides the face.
        assert seen[0]
        assert not seen[[27, 28, 29, 30, 31, 32]].any()
        assert seen[[11, 12, 23, 24]].all()
        known = sorted(np.flatnonzero(np.isfinite(points).all(axis=1)))
        assert known == sorted(keypoints.KNOWN)

    def test_keypoints_lie_on_the_body(self, human: Body) -> None:
        motion = walking(human)
        take = Take(body=human, motion=motion, start_s=0.0)
        times = np.array([0.5, 1.0])
        points = keypoints.keypoints_m(take, times)
        pose = motion.at(times)
        mesh = skin(human, pose.rotations, take.joints(times))
        for frame in range(2):
            for number in keypoints.KNOWN:
                gaps = np.linalg.norm(mesh[frame] - points[frame, number], axis=1)
                assert gaps.min() < 0.13
        # Left is left: the left heel belongs to the left leg.
        assert points[0, 29] != pytest.approx(points[0, 30], abs=0.05)


@needs_shared
class TestPlans:
    def test_a_plan_depends_on_its_number_and_seed_alone(self) -> None:
        for recipe in recipes.RECIPES:
            assert recipes.plan(recipe, 7, 1, SHARED) == recipes.plan(recipe, 7, 1, SHARED)
            assert recipes.plan(recipe, 7, 1, SHARED) != recipes.plan(recipe, 7, 2, SHARED)

    def test_the_method_shows_three_actions_three_ways_and_four_floors_evenly(self) -> None:
        plans = [recipes.plan("method", number, 1, SHARED) for number in range(36)]
        shown = {(p.parts[0].action, p.parts[0].way, p.floor.name) for p in plans}
        assert len(shown) == 36
        assert all(p.duration_s == 10.0 and p.frame_rate == 25 for p in plans)

    def test_the_hard_cases_are_all_there(self) -> None:
        plans = [recipes.plan("steps", number, 1, SHARED) for number in range(200)]
        assert {p.parts[0].action for p in plans} == set(ACTIONS)
        assert {p.camera for p in plans} == set(cameras.KINDS)
        assert {len(p.parts) for p in plans} == {1, 2, 3, 4}
        assert {Fraction(12), Fraction(24), Fraction(60)} <= {p.frame_rate for p in plans}
        assert any(p.slow_motion > 1.5 for p in plans)

    def test_nobody_steps_in_the_minutes_of_standing(self) -> None:
        plans = [recipes.plan("standing", number, 1, SHARED) for number in range(30)]
        assert {part.action for p in plans for part in p.parts} == {"stand"}
        assert {p.duration_s for p in plans} == {60.0} and {p.slow_motion for p in plans} == {1.0}
        assert len({p.camera for p in plans}) > 5 and {len(p.parts) for p in plans} >= {1, 2}


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@needs_shared
@needs_gl
class TestDataset:
    @pytest.fixture(autouse=True)
    def small(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Clips of half a second at a quarter of the size: the same code, sooner done."""
        pytest.importorskip("moderngl", reason="moderngl is not installed")
        real = recipes.plan

        def shorter(recipe: recipes.Recipe, number: int, seed: int, shared: Path) -> recipes.Plan:
            whole = real(recipe, number, seed, shared)
            return replace(whole, duration_s=0.5, size_px=(120, 68), exposures=1)

        def here(work: crew.Work, numbers: Sequence[int], jobs: int) -> Iterator[int]:
            for number in numbers:
                work(number)
                yield number

        monkeypatch.setattr(dataset, "plan", shorter)
        monkeypatch.setattr(crew, "done", here)  # another process would not know of `shorter`

    def make(self, out: Path, clips: int = 2, seed: int = 1) -> None:
        dataset.make(out, SHARED, recipe="steps", clips=clips, seed=seed, jobs=1)

    def test_twice_gives_the_same_and_a_killed_run_goes_on(self, tmp_path: Path) -> None:
        first, second = tmp_path / "first", tmp_path / "second"
        self.make(first)
        self.make(second, clips=1)
        (second / "clips" / ".00001-killed").mkdir()  # what a killed run leaves behind
        kept = (second / "clips" / "00000" / clip.PICTURE).stat().st_mtime_ns
        self.make(second)
        assert (second / "clips" / "00000" / clip.PICTURE).stat().st_mtime_ns == kept
        assert digests(first) == digests(second)
        assert not (second / "clips" / ".00001-killed").exists()

    def test_another_seed_is_refused_in_the_same_folder(self, tmp_path: Path) -> None:
        self.make(tmp_path / "set", clips=1)
        with pytest.raises(OutputError, match="another data set"):
            self.make(tmp_path / "set", clips=1, seed=2)

    def test_a_second_run_at_the_same_time_is_refused(self, tmp_path: Path) -> None:
        self.make(tmp_path, clips=1)
        with (tmp_path / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with pytest.raises(OutputError, match="another run"):
                self.make(tmp_path)

    def test_the_card_counts_all_that_lies_there(self, tmp_path: Path) -> None:
        self.make(tmp_path)
        both = (tmp_path / dataset.CARD).read_text(encoding="utf-8")
        self.make(tmp_path, clips=1)
        assert (tmp_path / dataset.CARD).read_text(encoding="utf-8") == both

    def test_what_is_told_fits_what_is_stored(self, tmp_path: Path) -> None:
        self.make(tmp_path / "set", clips=1)
        folder = tmp_path / "set" / "clips" / "00000"
        told = json.loads((folder / clip.CLIP).read_text(encoding="utf-8"))
        with np.load(folder / clip.FRAMES) as held:
            frames: dict[str, Array] = dict(held)
        people = len(told["people"])
        assert frames["keypoints_px"].shape == (told["frames"], people, keypoints.COUNT, 2)
        assert frames["seen"].shape == (told["frames"], people, keypoints.COUNT)
        assert frames["flow"].shape[0] == told["frames"] - 1
        assert frames["silhouette_px2"].shape == (told["frames"], people)
        assert (tmp_path / "set" / dataset.SHEET).stat().st_size > 1000
        assert "foot contacts" in (tmp_path / "set" / dataset.CARD).read_text(encoding="utf-8")


def test_material_that_is_not_there_is_named(tmp_path: Path) -> None:
    pytest.importorskip("moderngl", reason="moderngl is not installed")
    with pytest.raises(InputError, match="body"):
        dataset.make(tmp_path / "out", tmp_path, recipe="steps", clips=1, seed=1, jobs=1)
