"""Steps of who is seen from the hips up, told from how the body moves."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from analysis.walker import still_camera
from numpy.typing import NDArray

from otio_foley.analysis.cadence import bundled_cadence, cadence_contacts
from otio_foley.analysis.skeleton import (
    ELBOWS,
    HIPS,
    JOINT_COUNT,
    LEFT_LEG,
    NOSE,
    RIGHT_LEG,
    SHOULDERS,
    WRISTS,
)
from otio_foley.types import Contact, Pose

_TRUNK_PX = 300.0
#: The body is lowest so long after a foot came down.
_LAG_S = 0.085


def hips_up(
    times_s: NDArray[np.float64], low: NDArray[np.float64], swing: NDArray[np.float64]
) -> Pose:
    """Somebody in profile who is `low` (trunk lengths), whose left arm swings forward and whose
    right one back (trunk lengths), with legs below the picture."""
    keypoints = np.zeros((len(times_s), JOINT_COUNT, 2))
    keypoints[..., 0] = 640.0
    keypoints[..., 1] = 300.0
    keypoints[:, NOSE] = [680.0, 210.0]
    keypoints[:, list(HIPS), 1] = 600.0
    keypoints[:, list(ELBOWS), 1] = 470.0
    keypoints[:, list(WRISTS), 1] = 620.0
    for leg in (LEFT_LEG, RIGHT_LEG):
        keypoints[:, leg[1:], 1] = [900.0, 1150.0, 1200.0, 1210.0]
    for side, way in ((0, 1.0), (1, -1.0)):
        keypoints[:, ELBOWS[side], 0] += 0.4 * way * swing * _TRUNK_PX
        keypoints[:, WRISTS[side], 0] += (way * swing + 0.1) * _TRUNK_PX
        keypoints[:, SHOULDERS[side], 0] += 0.1 * way * swing * _TRUNK_PX
        keypoints[:, HIPS[side], 0] -= 0.05 * way * swing * _TRUNK_PX
    keypoints[..., 1] += low[:, None] * _TRUNK_PX
    confidence = np.full(keypoints.shape[:2], 0.95)
    confidence[:, [*LEFT_LEG[1:], *RIGHT_LEG[1:]]] = 0.1
    return Pose(
        person=3,
        image_size_px=(1280, 720),
        times_s=times_s,
        keypoints_px=keypoints,
        confidence=confidence,
        silhouette_area=np.full(len(times_s), 0.3),
    )


def walk(steps_hz: float, seconds: float = 6.0) -> Pose:
    """The left foot comes down at 0.3 s, then the right one, and so on."""
    times = np.arange(0.0, seconds, 1 / 25)
    beat = 2 * np.pi * steps_hz * (times - 0.3)
    low = 0.04 * np.cos(beat - 2 * np.pi * steps_hz * _LAG_S)
    return hips_up(times, low, -0.5 * np.cos(beat / 2))


def found(pose: Pose, seen: tuple[Contact, ...] = ()) -> tuple[Contact, ...]:
    return cadence_contacts(pose, still_camera(pose), seen, bundled_cadence(), 0.35)


@pytest.mark.parametrize("steps_hz", [1.6, 1.9])
def test_who_bobs_and_swings_their_arms_walks(steps_hz: float) -> None:
    contacts = found(walk(steps_hz))
    true_s = np.arange(0.3, 6.0, 1 / steps_hz)
    assert len(contacts) >= len(true_s) - 2
    for one in contacts:
        nearest = int(np.abs(true_s - one.time_s).argmin())
        assert abs(true_s[nearest] - one.time_s) < 0.08
        assert one.foot == ("left", "right")[nearest % 2]
        assert one.found_by == "cadence" and one.confidence < 0.7 and one.person == 3
    assert all(after.time_s > before.time_s for before, after in pairwise(contacts))


def test_a_nod_a_shiver_a_breath_and_a_slow_sway_are_no_steps() -> None:
    times = np.arange(0.0, 60.0, 1 / 25)
    still = np.zeros(len(times))
    nod = sum(0.1 * np.exp(-(((times - at) / 0.1) ** 2)) for at in (20.0, 21.7))
    assert not found(hips_up(times, nod, still))
    rng = np.random.default_rng(0)
    assert not found(hips_up(times, 0.008 * rng.standard_normal(len(times)), still))
    assert not found(hips_up(times, 0.05 * np.sin(2 * np.pi * 0.25 * times), still))
    assert not found(hips_up(times, still, 0.2 * np.sin(2 * np.pi * 0.4 * times)))


@pytest.mark.parametrize("hz", [0.5, 0.6, 0.7, 0.8, 0.9, 1.5])
@pytest.mark.parametrize("size", [0.2, 0.33])
def test_a_hand_that_is_busy_is_no_foot(hz: float, size: float) -> None:
    times = np.arange(0.0, 20.0, 1 / 25)
    still = np.zeros(len(times))
    pose = hips_up(times, still, still)
    rng = np.random.default_rng(1)
    pose.keypoints_px[...] += 0.004 * _TRUNK_PX * rng.standard_normal(pose.keypoints_px.shape)
    to_and_fro = size * np.sin(2 * np.pi * hz * times) * _TRUNK_PX
    pose.keypoints_px[:, WRISTS[0], 0] += to_and_fro
    pose.keypoints_px[:, ELBOWS[0], 0] += 0.4 * to_and_fro
    assert not found(pose)


def test_feet_that_are_seen_speak_for_themselves() -> None:
    pose = walk(1.8)
    assert found(pose)
    pose.keypoints_px[:, [*LEFT_LEG[2:]], 1] = 700.0
    pose.confidence[:, [*LEFT_LEG[2:]]] = 0.9
    assert not found(pose)


def test_a_foot_behind_something_is_not_seen() -> None:
    """The pose network guesses where it is, and says that it does."""
    pose = replace(walk(1.8), image_size_px=(1280, 1400))
    assert found(pose)


def test_a_step_that_was_seen_is_not_told_again() -> None:
    first, *rest = found(walk(1.8))
    assert found(walk(1.8), (first,)) == tuple(rest)


def test_feet_that_show_for_a_moment_change_nothing() -> None:
    pose = walk(1.8)
    whole = found(pose)
    pose.keypoints_px[70:73, LEFT_LEG[2:], 1] = 700.0
    pose.confidence[70:73, LEFT_LEG[2:]] = 0.9
    assert found(pose) == whole


def test_what_is_left_are_several_or_none() -> None:
    """Of a row that is hardly sure enough it is not one or two that remain."""
    for sure in (0.35, 0.45, 0.5, 0.52, 0.54, 0.56):
        pose = walk(1.9, seconds=3.0)
        told = cadence_contacts(pose, still_camera(pose), (), bundled_cadence(), sure)
        assert not told or len(told) >= 4
        assert all(one.confidence >= sure for one in told)


def test_two_steps_are_too_few() -> None:
    assert len(found(walk(1.8, seconds=6.0))) > 4
    assert not found(walk(1.8, seconds=1.3))
