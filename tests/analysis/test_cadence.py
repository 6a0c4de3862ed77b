"""Steps of who is seen from the waist up, told from how the body goes up and down."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from analysis.walker import still_camera
from numpy.typing import NDArray

from otio_foley.analysis.cadence import cadence_contacts
from otio_foley.analysis.skeleton import HIPS, JOINT_COUNT, LEFT_LEG, NOSE, RIGHT_LEG, SHOULDERS
from otio_foley.types import Contact, Pose

_TRUNK_PX = 300.0


def waist_up(times_s: NDArray[np.float64], low: NDArray[np.float64]) -> Pose:
    """Head and shoulders that are `low` (trunk lengths), with legs below the picture."""
    keypoints = np.zeros((len(times_s), JOINT_COUNT, 2))
    keypoints[..., 0] = 640.0
    keypoints[..., 1] = 400.0
    keypoints[:, list(HIPS), 1] = 650.0
    keypoints[:, list(SHOULDERS), 1] = 350.0
    keypoints[:, NOSE, 1] = 250.0
    for leg in (LEFT_LEG, RIGHT_LEG):
        keypoints[:, leg[1:], 1] = [900.0, 1150.0, 1200.0, 1210.0]
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


def found(pose: Pose, seen: tuple[Contact, ...] = ()) -> tuple[Contact, ...]:
    return cadence_contacts(pose, still_camera(pose), seen)


def walk(steps_hz: float, deep: float = 0.03, seconds: float = 6.0) -> Pose:
    times = np.arange(0.0, seconds, 1 / 25)
    return waist_up(times, deep * np.cos(2 * np.pi * steps_hz * (times - 0.3)))


@pytest.mark.parametrize(("steps_hz", "lag_s"), [(1.8, 0.085), (2.8, 0.12)])
def test_a_dip_is_a_step_that_came_before_it(steps_hz: float, lag_s: float) -> None:
    contacts = found(walk(steps_hz))
    dips = np.arange(0.3, 6.0, 1 / steps_hz)
    assert len(contacts) >= len(dips) - 2
    for one in contacts:
        assert np.abs(dips - lag_s - one.time_s).min() < 0.02
        assert one.found_by == "cadence" and one.confidence < 0.5 and one.person == 3
    assert {a.foot != b.foot for a, b in pairwise(contacts)} == {True}


def test_a_nod_a_shiver_and_a_breath_are_no_steps() -> None:
    times = np.arange(0.0, 60.0, 1 / 25)
    nod = 0.1 * np.exp(-(((times - 20.0) / 0.1) ** 2)) + 0.1 * np.exp(
        -(((times - 21.7) / 0.1) ** 2)
    )
    assert not found(waist_up(times, nod))
    rng = np.random.default_rng(0)
    assert not found(waist_up(times, 0.008 * rng.standard_normal(len(times))))
    assert not found(waist_up(times, 0.05 * np.sin(2 * np.pi * 0.25 * times)))


def test_feet_in_the_picture_speak_for_themselves() -> None:
    pose = walk(1.8)
    pose.keypoints_px[:, [*LEFT_LEG[2:]], 1] = 700.0
    pose.confidence[:, [*LEFT_LEG[2:]]] = 0.9
    assert not found(pose)


def test_a_step_that_was_seen_is_not_told_again_and_feet_go_on_from_it() -> None:
    first, *rest = found(walk(1.8))
    again = found(walk(1.8), (first,))
    assert [one.time_s for one in again] == [one.time_s for one in rest]
    assert again[0].foot != first.foot
