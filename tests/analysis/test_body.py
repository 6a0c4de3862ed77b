"""What the cadence network sees of a body: nothing of what is beyond the picture, and no more of
where and how large somebody is than the contact network."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
from analysis.walker import pose_of, still_camera

from otio_foley.analysis.body import BODY, COLUMNS_OF, body_stretches
from otio_foley.analysis.cadence import CARD, WEIGHTS
from otio_foley.analysis.features import GRID_HZ
from otio_foley.analysis.skeleton import (
    HIPS,
    JOINT_COUNT,
    LEFT_SIDE,
    NOSE,
    RIGHT_SIDE,
    SHOULDERS,
)
from otio_foley.resources import bundled
from otio_foley.types import FloatArray, Pose


def body(frame_rate: float = 25.0, seconds: float = 4.0) -> Pose:
    """Somebody all of whose joints wander."""
    times = np.arange(0.0, seconds, 1.0 / frame_rate)
    rng = np.random.default_rng(4)
    here = rng.uniform([500.0, 200.0], [700.0, 600.0], (JOINT_COUNT, 2))
    beat = rng.uniform(0.2, 1.5, (JOINT_COUNT, 2)) * times[:, None, None]
    return pose_of(times, here + 20.0 * np.sin(2 * np.pi * beat))


def only(pose: Pose) -> FloatArray:
    (stretch,) = body_stretches(pose, still_camera(pose))
    return np.asarray(stretch.features)


@pytest.mark.parametrize("frame_rate", [12.0, 24000 / 1001, 60.0])
def test_features_lie_on_an_even_grid_whatever_the_frame_rate(frame_rate: float) -> None:
    pose = body(frame_rate)
    (stretch,) = body_stretches(pose, still_camera(pose))
    assert np.diff(stretch.times_s) == pytest.approx(1.0 / GRID_HZ)
    assert stretch.features.shape == (2, len(stretch.times_s), BODY.count)
    assert np.isfinite(stretch.features).all() and (stretch.sure > 0).all()


def test_place_and_size_in_the_picture_change_nothing() -> None:
    pose = replace(body(), image_size_px=(4000, 4000))
    moved = replace(pose, keypoints_px=1.7 * pose.keypoints_px + [300.0, 40.0])
    assert only(moved) == pytest.approx(only(pose), abs=1e-4)


def test_the_sides_change_places_and_a_mirror_turns_what_goes_across() -> None:
    pose = replace(body(), image_size_px=(4000, 4000))
    sides = list(range(JOINT_COUNT))
    for left, right in zip(LEFT_SIDE, RIGHT_SIDE, strict=True):
        sides[left], sides[right] = right, left
    swapped = replace(
        pose, keypoints_px=pose.keypoints_px[:, sides], confidence=pose.confidence[:, sides]
    )
    assert only(swapped) == pytest.approx(only(pose)[::-1], abs=1e-5)
    mirrored = replace(pose, keypoints_px=[4000.0, 0.0] + [-1.0, 1.0] * pose.keypoints_px)
    turned = only(pose).copy()
    turned[..., BODY.across] *= -1.0
    assert only(mirrored) == pytest.approx(turned, abs=1e-4)


def test_each_joint_has_columns_of_its_own() -> None:
    columns = [column for joint in COLUMNS_OF for column in joint]
    assert len(columns) == len(set(columns)) == BODY.count - 3
    pose = body()
    # Shoulders and hips bear all others' places.
    for number, joint in enumerate([NOSE, *LEFT_SIDE, *RIGHT_SIDE[1:]]):
        if joint in (NOSE, *SHOULDERS, *HIPS):
            continue
        gone = pose.keypoints_px.copy()
        gone[:, joint] = 1e5
        left_out = only(replace(pose, keypoints_px=gone))[0]
        assert (left_out[:, COLUMNS_OF[number]] == 0.0).all()
        kept = [column for column in range(BODY.count) if column not in COLUMNS_OF[number]]
        assert left_out[:, kept] == pytest.approx(only(pose)[0][:, kept])


def test_without_a_head_there_is_nobody() -> None:
    pose = body()
    pose.keypoints_px[:, NOSE] = np.nan
    assert body_stretches(pose, still_camera(pose)) == ()


def test_the_weights_are_those_of_the_card() -> None:
    card = json.loads((bundled("models") / CARD).read_text(encoding="utf-8"))
    weights = bundled("models") / WEIGHTS
    assert hashlib.sha256(weights.read_bytes()).hexdigest() == card["sha256"]
    assert weights.stat().st_size < 10_000_000
