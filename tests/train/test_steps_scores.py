"""Views, noise, detectors and scores."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import mir_eval
import numpy as np
import pytest
from analysis import walker as paper

from otio_foley.analysis.skeleton import LEFT_LEG, NOSE, RIGHT_LEG, SHOULDERS
from otio_foley.cli import main
from otio_foley.errors import InputError
from otio_foley.train.steps import motions
from otio_foley.train.steps.baselines import BASELINES, height_and_speed, zeni
from otio_foley.train.steps.detectors import without_feet
from otio_foley.train.steps.dips import even_dips
from otio_foley.train.steps.figures import Figure, pieces
from otio_foley.train.steps.noise import NoiseModel, assumed_noise, read_noise, spoiled
from otio_foley.train.steps.samples import OF_FEET, Sample, samples, shown
from otio_foley.train.steps.scores import score, summary, total
from otio_foley.train.steps.trials import TrueContact, Truth, Window
from otio_foley.train.steps.views import (
    KINDS,
    View,
    distorted,
    feet_in_picture,
    similarity,
    view,
)
from otio_foley.types import CameraMotion, Contact, Foot, Pose

SHARED = Path(__file__).resolve().parents[3] / "shared"
STEP_S = 0.55
HEELS: dict[Foot, int] = {"left": 29, "right": 30}


def walker(seconds: float = 6.0, subject: str = "a") -> Figure:
    """Someone who walks along z: each foot stands for 0.6 of a stride, then swings and stops."""
    times = np.arange(0.0, seconds, 0.01)
    stride_s, speed = 2 * STEP_S, 1.2
    points = np.full((len(times), 33, 3), np.nan)
    hips = np.stack([np.zeros_like(times), np.full_like(times, 0.9), speed * times], axis=1)
    points[:, 0] = hips + np.array([0.0, 0.7, 0.05])
    contacts: list[TrueContact] = []
    for side, foot in ((1.0, "left"), (-1.0, "right")):
        offset = 0.0 if foot == "left" else STEP_S
        count = np.floor((times - offset) / stride_s)
        phase = (times - offset) / stride_s - count
        swing = np.clip((phase - 0.6) / 0.4, 0.0, 1.0)
        place = speed * (offset + stride_s * (count + swing)) + 0.25
        up = 0.12 * np.sin(np.pi * swing)
        lateral = np.full_like(times, 0.1 * side)
        heel = np.stack([lateral, 0.02 + up, place - 0.05], axis=1)
        number = 0 if foot == "left" else 1
        hip = hips + np.array([0.1 * side, 0.0, 0.0])
        ankle = heel + np.array([0.0, 0.06, 0.05])
        joints = (hip, (hip + ankle) / 2, ankle, heel, heel + np.array([0.0, 0.0, 0.24]))
        for base, where in zip((23, 25, 27, 29, 31), joints, strict=True):
            points[:, base + number] = where
        points[:, 11 + number] = hip + np.array([0.1 * side, 0.5, 0.0])
        for stride in range(1, int((seconds - offset) / stride_s) + 1):
            at = offset + stride * stride_s
            if at < seconds - 0.3:
                leaves = at + 0.6 * stride_s
                contacts.append(TrueContact(foot=foot, time_s=at, toe_off_s=leaves))
    contacts.sort(key=lambda one: one.time_s)
    known = Window(start_s=0.8, end_s=seconds - 0.8)
    return Figure(
        subject=subject,
        name="walk",
        times_s=times,
        points_m=points,
        ground_m=np.zeros(len(times)),
        height_m=1.75,
        placed=(),
        truth=Truth(source="plate", contacts=tuple(contacts), windows=(known,)),
    )


def claim(time_s: float, foot: Foot = "left") -> Contact:
    return Contact(
        person=0, time_s=time_s, toe_off_s=None, foot=foot, part="heel", strength=1.0,
        fall_speed=0.0, confidence=1.0, found_by="test",
    )  # fmt: skip


def truth_of(*times_s: float, known: tuple[float, float] = (0.0, 10.0)) -> Truth:
    return Truth(
        source="plate",
        contacts=tuple(TrueContact(foot="left", time_s=t, toe_off_s=None) for t in times_s),
        windows=(Window(start_s=known[0], end_s=known[1]),),
    )


# ---- scores


def test_without_borders_f1_is_that_of_mir_eval() -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        true = np.sort(rng.uniform(0.0, 10.0, 15))
        found = np.sort(np.r_[true[2:] + rng.normal(0.0, 0.03, 13), rng.uniform(0.0, 10.0, 4)])
        judged = score(truth_of(*true, known=(-1, 11)), [claim(float(t)) for t in found], 0.04)
        for name, limit in (("20 ms", 0.020), ("40 ms", 0.040)):
            expected, _, _ = mir_eval.onset.f_measure(true, found, window=limit)
            assert judged.tallies[name].f1 == pytest.approx(expected)


def test_what_lies_outside_the_windows_counts_on_neither_side() -> None:
    truth = truth_of(1.0, 2.0, 5.0, known=(0.5, 2.01))
    found = [claim(1.01), claim(2.03), claim(3.0), claim(5.3)]
    judged = score(truth, found, 0.04)
    assert (judged.tallies["40 ms"].hits, judged.tallies["40 ms"].found, judged.true) == (2, 2, 2)
    assert judged.tallies["20 ms"].hits == 1
    assert judged.errors_s == pytest.approx([0.01, 0.03])
    # A true one beyond the border takes a found one before it.
    beyond = score(truth_of(1.0, 2.02, known=(0.5, 2.01)), [claim(1.0), claim(2.0)], 0.04)
    assert (beyond.true, beyond.tallies["40 ms"].found) == (1, 1)


def test_the_wrong_foot_is_a_hit_in_time_alone() -> None:
    judged = score(truth_of(1.0, 2.0), [claim(1.0, "right"), claim(2.0)], 0.04)
    assert judged.tallies["40 ms"].f1 == 1.0
    assert judged.right_foot.f1 == 0.5
    assert judged.feet["left"].f1 == pytest.approx(2 / 3)
    assert judged.feet["right"].f1 == 0.0


def test_subjects_count_alike_and_signs_stay() -> None:
    early = score(truth_of(1.0, 2.0, 3.0), [claim(0.97), claim(1.97), claim(2.97)], 0.04)
    late = score(truth_of(1.0), [claim(1.01)], 0.04)
    none = score(truth_of(1.0), [], 0.04)
    made = summary({"a": {"x": [early] * 50}, "b": {"x": [late], "y": [none]}}, seed=1)
    assert made.true == 152
    assert made.absolute_s.value == pytest.approx(0.02)
    assert made.signed_s.value == pytest.approx(-0.01)
    assert made.worst_s == pytest.approx(0.03)
    assert made.f1["20 ms"].value == pytest.approx((0.0 + 2 / 3) / 2)
    assert made.f1["40 ms"].low < made.f1["40 ms"].value < made.f1["40 ms"].high == 1.0
    assert made.miscounted == pytest.approx((0.0 + 1 / 2) / 2)
    missed = summary({"a": {"x": [late]}, "b": {"x": [none]}}, seed=1)
    assert (missed.worst_s, missed.f1["40 ms"].value) == (np.inf, 0.5)
    assert total([late, none]).tallies["40 ms"].f1 == pytest.approx(2 / 3)


# ---- views


def test_a_standing_foot_stands_in_the_ground_pixels_of_a_panning_camera() -> None:
    figure = walker()
    seen = view(figure, "pan", 90.0, 50.0, np.random.default_rng(0))
    still = seen.pose.times_s + seen.start_s
    stance = (still > 2.3) & (still < 2.7)  # of the left foot, which came down at 2.2
    raw = seen.pose.keypoints_px[stance, 29]
    maps = seen.camera.to_first[stance]
    ground = np.einsum("tij,tj->ti", maps[:, :, :2], raw) + maps[:, :, 2]
    assert np.ptp(raw[:, 0]) > 4 * np.ptp(ground[:, 0])


def test_azimuth_90_sees_the_left_side_and_the_far_leg_hides() -> None:
    seen = view(walker(), "dolly", 90.0, 25.0, np.random.default_rng(0))
    assert seen.hidden[:, 26].mean() > 0.05
    assert seen.hidden[:, 25].mean() == 0.0
    assert np.median(np.diff(seen.pose.keypoints_px[:, 23, 0])) == pytest.approx(0.0, abs=2.0)


def test_the_truth_moves_with_the_grid_and_ends_where_feet_leave_the_picture() -> None:
    figure = walker(9.0)
    made = list(samples([figure], views=8, frame_rates=[24.0], noise=None, seed=5))
    starts = {sample.view.start_s for sample in made}
    assert len(starts) == len(made) > 5
    for sample in made:
        moved = sample.truth.contacts[3].time_s + sample.view.start_s
        assert moved == pytest.approx(figure.truth.contacts[3].time_s)
        for window in sample.truth.windows:
            inside = (sample.view.pose.times_s >= window.start_s) & (
                sample.view.pose.times_s <= window.end_s
            )
            assert sample.view.in_picture[inside][:, 27:33].all()
    static = [sample for sample in made if sample.view.kind == "static"]
    whole = sum(w.end_s - w.start_s for w in figure.truth.windows)
    for sample in static:
        assert sum(w.end_s - w.start_s for w in sample.truth.windows) < whole


def test_samples_are_the_same_for_a_seed_and_go_all_round() -> None:
    def made(seed: int) -> list[Sample]:
        return list(
            samples([walker()], views=8, frame_rates=[25], noise=assumed_noise(), seed=seed)
        )

    one, again, other = made(1), made(1), made(2)
    for a, b in zip(one, again, strict=True):
        np.testing.assert_array_equal(a.view.pose.keypoints_px, b.view.pose.keypoints_px)
    assert one[0].view.azimuth_deg != other[0].view.azimuth_deg
    azimuths = np.sort([sample.view.azimuth_deg for sample in one])
    assert np.diff(azimuths).max() < 91
    assert len({sample.view.kind for sample in one}) >= len(KINDS) - 1


def test_shown_drops_the_time_at_which_feet_are_out() -> None:
    figure = walker()
    seen = view(figure, "dolly", 90.0, 25.0, np.random.default_rng(0))
    cut = seen.in_picture.copy()
    cut[60:70, 31] = False
    half = replace(seen, in_picture=cut)
    left = shown(figure.truth, half, feet_in_picture(half))
    gone = seen.pose.times_s[65]
    assert not left.knows(float(gone)) and not left.knows(float(seen.pose.times_s[57]))
    assert left.knows(float(gone) + 0.5)


def test_long_figures_come_in_pieces_that_judge_each_contact_once() -> None:
    figure = walker(30.0)
    parts = pieces(figure)
    judged = [
        one.time_s for part in parts for one in part.truth.contacts if part.truth.knows(one.time_s)
    ]
    known = [one.time_s for one in figure.truth.contacts if figure.truth.knows(one.time_s)]
    assert len(parts) == 4
    assert sorted(judged) == known
    assert all(part.times_s[-1] - part.times_s[0] > 8.0 for part in parts)


def test_distortion_keeps_the_middle_and_similarities_are_found() -> None:
    points = np.array([[640.0, 360.0], [0.0, 0.0]])
    bent = distorted(points, (1280, 720), -0.1)
    assert bent[0].tolist() == [640.0, 360.0]
    assert bent[1] == pytest.approx([64.0, 36.0])
    many = np.random.default_rng(0).uniform(0.0, 700.0, (40, 2))
    there = many @ np.array([[0.0, 2.0], [-2.0, 0.0]]) + [3.0, 4.0]
    there[:8] += 300.0
    found = similarity(many, there, 1280)
    assert found[:2, :2] @ many[20] + found[:2, 2] == pytest.approx(there[20], abs=0.01)


# ---- noise


def noise_file(folder: Path, **changed: object) -> Path:
    joint = {
        "count": 100, "bias": [0.0, 0.01], "sigma": [0.02, 0.02], "outliers": 0.0,
        "confidence_seen": [0.8, 0.9, 1.0], "confidence_hidden": [],
    }  # fmt: skip
    joints = dict.fromkeys(("hip", "knee", "ankle", "heel", "toe"), joint)
    sizes = [{"from_px": 0, "to_px": 10_000, "people": 9, "found": 1.0, "joints": joints}]
    told = {"version": 1, "unit": "", "outlier_from": 0.1, "source": "made up", "sizes": sizes,
            "legs_swapped": 0.0, "correlation_s": 0.2}  # fmt: skip
    path = folder / "noise.json"
    path.write_text(json.dumps({**told, **changed}), encoding="utf-8")
    return path


def filmed(seconds: float, frame_rate: float) -> View:
    """The same eight seconds again and again, without a camera's way over so long."""
    seen = view(walker(8.0), "dolly", 90.0, frame_rate, np.random.default_rng(0))
    count = round(seconds * frame_rate)
    turn = np.arange(count) % len(seen.pose.times_s)
    pose = replace(
        seen.pose,
        times_s=np.arange(count) / frame_rate,
        keypoints_px=seen.pose.keypoints_px[turn],
        confidence=seen.pose.confidence[turn],
    )
    return replace(
        seen,
        pose=pose,
        height_px=seen.height_px[turn],
        in_picture=seen.in_picture[turn],
        hidden=seen.hidden[turn],
    )


def errors(model: NoiseModel, frame_rate: float) -> np.ndarray:
    """Errors of the left heel (T, 2) in body heights, one walker for long."""
    seen = filmed(300.0, frame_rate)
    found = spoiled(seen, model, np.random.default_rng(1))
    gap = found.pose.keypoints_px[:, 29] - seen.pose.keypoints_px[:, 29]
    return np.asarray(gap / seen.height_px[:, None])


@pytest.mark.parametrize("frame_rate", [12.0, 50.0])
def test_noise_has_the_files_size_bias_and_time_constant(tmp_path: Path, frame_rate: float) -> None:
    wrong = errors(read_noise(noise_file(tmp_path)), frame_rate)
    assert wrong.std(axis=0) == pytest.approx([0.02, 0.02], rel=0.15)
    assert wrong.mean(axis=0) == pytest.approx([0.0, 0.01], abs=0.003)
    lag = round(0.2 * frame_rate)
    flat = wrong - wrong.mean(axis=0)
    left = (flat[lag:] * flat[:-lag]).sum() / (flat**2).sum()
    assert left == pytest.approx(np.exp(-lag / frame_rate / 0.2), abs=0.12)


def test_outliers_swaps_and_losses_come_as_often_as_the_file_says(tmp_path: Path) -> None:
    calm = read_noise(noise_file(tmp_path, legs_swapped=0.1))
    joints = {
        name: replace(joint, outliers=0.2, sigma=np.zeros(2), bias=np.zeros(2))
        for name, joint in calm.sizes[0].joints.items()
    }
    model = replace(calm, sizes=(replace(calm.sizes[0], found=0.9, joints=joints),))
    seen = filmed(300.0, 25.0)
    pose = spoiled(seen, model, np.random.default_rng(1)).pose
    lost = np.isnan(pose.keypoints_px[:, 23, 0])
    assert lost.mean() == pytest.approx(0.1, abs=0.03)
    assert (pose.confidence[lost] == 0.0).all()
    gap = np.linalg.norm(pose.keypoints_px - seen.pose.keypoints_px, axis=2)
    gap /= seen.height_px[:, None]
    hips = gap[~lost][:, 23]
    assert (hips > 0.0999).mean() == pytest.approx(0.2 + 0.8 * 0.1 * (hips > 0.1).mean(), abs=0.06)
    swap = np.linalg.norm(pose.keypoints_px[:, 25] - seen.pose.keypoints_px[:, 26], axis=1) < 1e-6
    assert swap.mean() == pytest.approx(0.1 * 0.8 * 0.9, abs=0.03)
    confident = pose.confidence[~lost][:, 29]
    assert np.median(confident) == pytest.approx(0.9, abs=0.02)


def test_a_noise_file_of_another_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="version 1"):
        read_noise(noise_file(tmp_path, version=2))


# ---- detectors and the command


@pytest.mark.parametrize("name", list(BASELINES))
def test_every_rule_finds_the_steps_of_a_plain_walk_from_the_side(name: str) -> None:
    figure = walker(8.0)
    seen = view(figure, "pan", 90.0, 25.0, np.random.default_rng(0))
    truth = shown(figure.truth, seen, feet_in_picture(seen))
    judged = score(truth, BASELINES[name](seen.pose, seen.camera), 0.04)
    assert judged.true >= 10
    assert len(judged.errors_s) >= 0.9 * judged.true
    assert np.ptp(judged.errors_s) < 0.06


def test_rules_find_nothing_where_nobody_is() -> None:
    nobody = Pose(
        person=0, image_size_px=(64, 64), times_s=np.arange(20) / 25.0,
        keypoints_px=np.full((20, 33, 2), np.nan), confidence=np.zeros((20, 33)),
        silhouette_area=np.full(20, np.nan),
    )  # fmt: skip
    still = CameraMotion(
        times_s=nobody.times_s, to_first=np.repeat(np.eye(3)[None, :2], 20, axis=0)
    )
    assert zeni(nobody, still) == height_and_speed(nobody, still) == ()


def test_a_learned_detector_is_chosen_by_who_is_left_out() -> None:
    asked: list[str] = []

    def without(subject: str) -> motions.Detector:
        asked.append(subject)
        return lambda pose, camera: [claim(1.0)] if subject == "b" else []

    figures = [walker(subject="a"), walker(subject="b")]
    dolly = replace(OF_FEET, kinds=["dolly"])
    shots = samples(figures, views=2, frame_rates=[25.0], noise=None, seed=0, shots=dolly)
    judged = motions.judge(shots, [motions.Entrant(name="learned", without=without)])
    assert asked == ["a", "a", "b", "b"]
    found = {who: total(views["walk"]) for who, views in judged["learned"].items()}
    assert found["a"].tallies["40 ms"].found == 0 < found["b"].tallies["40 ms"].found
    (line,) = motions.summary_table({**judged}, seed=0)[2:]
    assert line.startswith(f"| learned | {found['a'].true + found['b'].true} | ")
    assert len(motions.subject_table({**judged})) == 4


@pytest.mark.skipif(not SHARED.is_dir(), reason="the folder 'shared' is not beside the project")
def test_the_command_prints_both_groups(capsys: pytest.CaptureFixture[str]) -> None:
    given = ["evaluate", "steps", str(SHARED), "--fps", "25", "--views", "1", "--takes", "1"]
    assert main([*given, "--exact"]) == 0
    text = capsys.readouterr().out
    assert text.count("| Zeni 2008 |") == text.count("| kinematic rules |") == 2
    assert text.count("| even dips |") == text.count("| body alone |") == 1
    assert "| van der Zee 10 |" in text and "| HC031A |" in text
    assert "run, " in text and "agreement" in text


def test_even_dips_are_steps_and_a_nod_is_none() -> None:
    pose, _ = paper.walker(duration_s=6.0)
    keypoints = pose.keypoints_px.copy()
    dips_px = 8.0 * np.cos(2 * np.pi * 1.8 * (pose.times_s - 0.3))
    keypoints[:, [NOSE, *SHOULDERS], 1] += (dips_px - 140.0)[:, None]
    camera = paper.still_camera(pose)
    told = even_dips(replace(pose, keypoints_px=keypoints), camera)
    dips_s = np.arange(0.3, 6.0, 1 / 1.8)
    assert len(told) >= 8
    assert max(np.abs(dips_s - 0.085 - one.time_s).min() for one in told) < 0.03
    nod = keypoints.copy()
    nod[30:, [NOSE, *SHOULDERS], 1] = keypoints[30:31, [NOSE, *SHOULDERS], 1]
    assert even_dips(replace(pose, keypoints_px=nod), camera) == ()


def test_feet_are_hidden_from_a_detector() -> None:
    pose, _ = paper.walker(duration_s=2.0)
    given: list[Pose] = []

    def spy(pose: Pose, camera: CameraMotion) -> tuple[Contact, ...]:
        given.append(pose)
        return ()

    assert without_feet(spy)(pose, paper.still_camera(pose)) == ()
    feet = [*LEFT_LEG[2:], *RIGHT_LEG[2:]]
    others = [joint for joint in range(33) if joint not in feet]
    assert (given[0].confidence[:, feet] == 0.0).all()
    assert (given[0].confidence[:, others] == pose.confidence[:, others]).all()
