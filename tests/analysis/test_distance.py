"""How near somebody is, from the body's height, also where the picture cuts it off."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from otio_foley.analysis.distance import across, body_height, distance_m, nearness_area
from otio_foley.types import Pose

SIZE = (1920, 1080)


def standing(height: float, count: int = 30, centre_px: tuple[float, float] = (960, 540)) -> Pose:
    """Somebody who stands, as tall as that share of the picture, about a place in it."""
    tall = height * SIZE[1]
    points = np.full((33, 2), np.nan)
    low = centre_px[1] + tall / 2
    for joint, up, out in (
        (0, 0.93, 0.0), (11, 0.818, 0.1), (12, 0.818, -0.1), (23, 0.53, 0.05), (24, 0.53, -0.05),
        (25, 0.285, 0.05), (26, 0.285, -0.05), (27, 0.039, 0.05), (28, 0.039, -0.05),
        (29, 0.0, 0.05), (30, 0.0, -0.05), (31, 0.0, 0.07), (32, 0.0, -0.07),
    ):  # fmt: skip
        points[joint] = centre_px[0] + out * tall, low - up * tall
    known = np.isfinite(points).all(axis=1)
    return Pose(
        person=0,
        image_size_px=SIZE,
        times_s=np.arange(count) / 25,
        keypoints_px=np.repeat(points[None], count, axis=0),
        confidence=np.repeat(known[None].astype(float), count, axis=0),
        silhouette_area=np.full(count, 0.1875 * height**2 * SIZE[1] / SIZE[0]),
    )


@pytest.mark.parametrize("height", [0.1, 0.6, 0.95])
def test_height_is_the_persons(height: float) -> None:
    np.testing.assert_allclose(body_height(standing(height)), height, rtol=0.03)


def test_height_does_not_shrink_with_bent_legs_or_hidden_feet() -> None:
    pose = standing(0.6)
    confidence = pose.confidence.copy()
    confidence[:, 25:33] = 0.1
    np.testing.assert_allclose(body_height(replace(pose, confidence=confidence)), 0.6, rtol=0.05)
    nobody = replace(pose, confidence=np.zeros_like(pose.confidence))
    assert np.isnan(body_height(nobody)).all()


def test_who_comes_too_near_for_the_picture_still_comes_nearer() -> None:
    """Twice as tall, half of the body out of the picture: four times the area, not less."""
    near = standing(1.6, centre_px=(960, 900))
    cut = replace(near, silhouette_area=np.full(30, 0.05))
    far = standing(0.8)
    ratio = nearness_area(cut)[15] / nearness_area(far)[15]
    assert ratio == pytest.approx(4.0, rel=0.1)


def test_a_whole_silhouette_is_taken_as_it_is() -> None:
    pose = replace(standing(0.5), silhouette_area=np.full(30, 0.0123))
    np.testing.assert_allclose(nearness_area(pose), 0.0123)
    unknown = replace(standing(0.5), silhouette_area=np.full(30, np.nan))
    np.testing.assert_allclose(nearness_area(unknown), standing(0.5).silhouette_area, rtol=0.08)


def test_distance_halves_as_height_doubles() -> None:
    metres = distance_m(np.array([0.3, 0.6, 1.2]))
    assert metres[0] == pytest.approx(2 * metres[1]) == pytest.approx(4 * metres[2])
    assert 3.0 < metres[1] < 6.0  # mid-distance
    assert np.isnan(distance_m(np.array([np.nan]))).all()


def test_place_across_the_picture() -> None:
    for x, share in ((0.0, 0.0), (480.0, 0.25), (1920.0, 1.0), (2500.0, 1.0)):
        np.testing.assert_allclose(across(standing(0.5, centre_px=(x, 540.0))), share, atol=0.02)
