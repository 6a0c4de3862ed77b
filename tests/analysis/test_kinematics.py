from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from analysis.walker import LEG_PX, pose_of, still_camera, walker

from otio_foley.analysis.action import label_actions
from otio_foley.analysis.kinematics import ground_velocity, kinematic_contacts
from otio_foley.analysis.skeleton import JOINT_COUNT, LEG_OF
from otio_foley.analysis.tracks import gait_tracks
from otio_foley.types import CameraMotion, Contact, Pose


def contacts_of(pose: Pose, camera: CameraMotion | None = None) -> tuple[Contact, ...]:
    return kinematic_contacts(pose, camera or still_camera(pose))


@pytest.mark.parametrize("frame_rate", [16, 24, 24000 / 1001, 25, 30, 50, 60])
@pytest.mark.parametrize("direction", [1, -1])
def test_a_walker_steps_where_the_feet_come_down(frame_rate: float, direction: int) -> None:
    pose, truth = walker(frame_rate=frame_rate, direction=direction)
    found = contacts_of(pose)
    assert [contact.foot for contact in found] == [foot for _, foot in truth]
    errors = [contact.time_s - time_s for contact, (time_s, _) in zip(found, truth, strict=True)]
    # On paper the foot creeps to rest, so the speed rule says so a little before.
    assert np.abs(errors).max() < 0.09
    assert np.std(errors) < 0.012


def test_shifting_the_walk_by_a_fraction_of_a_frame_shifts_the_contacts() -> None:
    early, _ = walker(noise=0.0)
    late, _ = walker(noise=0.0, first_s=0.41)
    moved = [
        b.time_s - a.time_s for a, b in zip(contacts_of(early), contacts_of(late), strict=True)
    ]
    assert moved == pytest.approx([0.010] * len(moved), abs=0.004)


def test_someone_who_stands_makes_no_step() -> None:
    pose, _ = walker()
    frozen = np.repeat(pose.keypoints_px[20:21], len(pose.times_s), axis=0)
    jitter = np.random.default_rng(3).normal(scale=0.01 * LEG_PX, size=frozen.shape)
    assert contacts_of(replace(pose, keypoints_px=frozen + jitter)) == ()


def test_a_panning_camera_changes_nothing() -> None:
    pose, truth = walker()
    pan_px = 300.0 * pose.times_s
    keypoints = pose.keypoints_px - np.stack([pan_px, np.zeros_like(pan_px)], axis=1)[:, None]
    maps = np.tile(np.eye(3)[:2], (len(pose.times_s), 1, 1))
    maps[:, 0, 2] = pan_px
    camera = CameraMotion(times_s=pose.times_s, to_first=maps)
    found = contacts_of(replace(pose, keypoints_px=keypoints), camera)
    assert [contact.time_s for contact in found] == pytest.approx(
        [contact.time_s for contact in contacts_of(pose)], abs=1e-6
    )
    assert len(found) == len(truth)


def test_a_treadmill_moves_the_ground() -> None:
    pose, truth = walker(duration_s=8.0)
    speed_px = 1.8 * 1.4 / 2 * LEG_PX
    keypoints = pose.keypoints_px.copy()
    keypoints[:, :, 0] -= (speed_px * pose.times_s)[:, None]
    pose = replace(pose, keypoints_px=keypoints)
    (track,) = gait_tracks(pose, still_camera(pose))
    assert ground_velocity(track)[0] < -0.8
    found = contacts_of(pose)
    assert abs(len(found) - len(truth)) <= 1
    for contact in found:
        assert min(abs(contact.time_s - time_s) for time_s, _ in truth) < 0.09


def test_a_swing_that_is_under_way_when_the_picture_begins_ends_in_a_step() -> None:
    pose, truth = walker(frame_rate=25)
    time_s, foot = truth[1]
    late = pose.times_s > time_s - 0.17
    begun = replace(
        pose,
        times_s=pose.times_s[late],
        keypoints_px=pose.keypoints_px[late],
        confidence=pose.confidence[late],
        silhouette_area=pose.silhouette_area[late],
    )
    first = contacts_of(begun)[0]
    assert first.foot == foot
    assert abs(first.time_s - time_s) < 0.09


def test_swapped_legs_are_put_right() -> None:
    pose, _ = walker()
    swapped = pose.keypoints_px.copy()
    for frame in (20, 21, 47, 80):
        for left, right in zip(LEG_OF["left"], LEG_OF["right"], strict=True):
            swapped[frame, [left, right]] = swapped[frame, [right, left]]
    assert contacts_of(replace(pose, keypoints_px=swapped)) == contacts_of(pose)


def jumper(frame_rate: float = 25.0) -> tuple[Pose, float]:
    """Stand, jump at 1 s with both feet, land; flight and height after gravity."""
    times_s = np.arange(0, 3, 1 / frame_rate)
    flight_s = 0.5
    lift_off_s, landing_s = 1.0, 1.0 + flight_s
    up = times_s - lift_off_s
    gravity = 9.81 / 0.9  # leg lengths per second squared
    height = np.where((up > 0) & (up < flight_s), gravity / 2 * up * (flight_s - up), 0.0)
    keypoints = np.zeros((len(times_s), JOINT_COUNT, 2))
    keypoints[:, :, 1] = 1.0
    for side, foot in ((-0.15, "left"), (0.15, "right")):
        _, knee, ankle, heel, toe = LEG_OF[foot]
        for joint, x, y in ((knee, 0, 0.5), (ankle, 0, 0.08), (heel, -0.05, 0), (toe, 0.2, 0)):
            keypoints[:, joint] = (side + x, y)
    keypoints[:, :, 1] += height[:, None]
    keypoints += np.random.default_rng(5).normal(scale=0.004, size=keypoints.shape)
    keypoints[:, :, 1] *= -1
    return pose_of(times_s, keypoints * LEG_PX + (640, 600)), landing_s


@pytest.mark.parametrize("frame_rate", [24, 25, 30, 60])
def test_a_jump_lands_once_on_both_feet(frame_rate: float) -> None:
    pose, landing_s = jumper(frame_rate)
    found = contacts_of(pose)
    assert sorted(contact.foot for contact in found) == ["left", "right"]
    assert label_actions(found) == ("land", "land")
    for contact in found:
        assert contact.time_s == pytest.approx(landing_s, abs=0.03)


@pytest.mark.parametrize("nearer", [0.0, 0.3, 0.5])
@pytest.mark.parametrize(("leap", "leap_s"), [(0.6, 0.15), (0.3, 0.1)])
@pytest.mark.parametrize("frame_rate", [12, 15, 25, 60])
def test_keypoints_that_leap_to_somebody_in_front_do_not_land(
    frame_rate: float, leap: float, leap_s: float, nearer: float
) -> None:
    """Nothing falls faster than gravity makes it; nor does who sinks in the picture before, coming
    nearer (leg lengths a second)."""
    pose, landing_s = jumper(frame_rate)
    points = np.repeat(pose.keypoints_px[:1], len(pose.times_s), axis=0)
    leaps = leap * np.clip((pose.times_s - landing_s) / leap_s, 0, 1)
    points[:, :, 1] += LEG_PX * (leaps + nearer * np.minimum(pose.times_s, landing_s))[:, None]
    found = contacts_of(replace(pose, keypoints_px=points))
    assert [one.fall_speed for one in found] == [0.0, 0.0]
    assert "land" not in label_actions(found)


def contact(time_s: float, foot: str, toe_off_s: float | None = None, **more: float) -> Contact:
    values = {"strength": 1.0, "fall_speed": 0.0, "confidence": 0.9, **more}
    return Contact(
        person=0,
        time_s=time_s,
        toe_off_s=toe_off_s,
        foot=foot,  # type: ignore[arg-type]
        part="heel",
        found_by="test",
        **values,
    )


def beat(interval_s: float, stance_s: float, count: int = 8) -> list[Contact]:
    return [
        contact(n * interval_s, ("left", "right")[n % 2], n * interval_s + stance_s)
        for n in range(count)
    ]


def test_gaits_by_beat_and_flight() -> None:
    assert set(label_actions(beat(0.55, 0.65))) == {"walk"}
    assert set(label_actions(beat(0.38, 0.26))) == {"run"}  # 2.6 Hz with flight
    assert set(label_actions(beat(0.38, 0.45))) == {"walk"}  # 2.6 Hz, a foot always down
    assert set(label_actions(beat(0.33, 0.40))) == {"walk"}  # silent film, shown too fast
    assert set(label_actions(beat(0.95, 0.65))) == {"run"}  # slow motion: a flight is a flight
    unseen = [replace(one, toe_off_s=None) for one in beat(0.33, 0.40)]
    assert set(label_actions(unseen)) == {"run"}  # nothing but the beat: nobody walks at 3 Hz


def test_what_the_network_takes_it_for_settles_what_feet_alone_do_not() -> None:
    for gait, action in (("stairs", "stairs"), ("tiptoe", "tiptoe"), ("turn", "turn"),
                         ("shuffle", "scuff"), ("walk", "walk"), ("stand", "walk")):  # fmt: skip
        steps = [replace(one, gait=gait) for one in beat(0.55, 0.65)]  # type: ignore[arg-type]
        assert set(label_actions(steps)) == {action}
    fell = [replace(one, gait="stairs", fall_speed=2.0) for one in beat(0.55, 0.65)]
    assert set(label_actions(fell)) == {"land"}
    unseen = [replace(one, toe_off_s=None, gait="run") for one in beat(0.4, 0.3)]
    assert set(label_actions(unseen)) == {"run"}


def test_a_slight_contact_is_a_scuff_and_a_fall_a_landing() -> None:
    steps = beat(0.55, 0.65)
    steps[3] = replace(steps[3], strength=0.2)
    steps[5] = replace(steps[5], fall_speed=2.0)
    labels = label_actions(steps)
    assert labels[3] == "scuff"
    assert labels[5] == "land"
    assert label_actions([contact(1.0, "left")]) == ("walk",)


def test_unseen_stretches_split_a_track_and_little_is_no_track() -> None:
    pose, _ = walker()
    keypoints = pose.keypoints_px.copy()
    keypoints[40:60] = np.nan
    holed = replace(pose, keypoints_px=keypoints)
    assert len(gait_tracks(holed, still_camera(holed))) == 2
    keypoints[3:] = np.nan
    assert gait_tracks(replace(pose, keypoints_px=keypoints), still_camera(pose)) == ()
