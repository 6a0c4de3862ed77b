from __future__ import annotations

import cv2
import numpy as np
import pytest

from otio_foley.analysis.flow import FLOW_WIDTH_PX, CameraFollower, to_ground

SCALE = 4.0


def scene(seed: int = 0) -> np.ndarray:
    """A wide textured picture to look at parts of."""
    noise = np.random.default_rng(seed).integers(0, 255, (260, 500), dtype=np.uint8)
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 3), None, 0, 255, cv2.NORM_MINMAX)


def look(x: float, y: float = 10.0) -> np.ndarray:
    """What a camera at (x, y) sees."""
    shift = np.array([[1.0, 0.0, -x], [0.0, 1.0, -y]])
    return cv2.warpAffine(scene(), shift, (FLOW_WIDTH_PX, 180))


def test_a_pan_is_followed_back_to_the_first_picture() -> None:
    follower = CameraFollower()
    for n in range(12):
        picture = look(3.0 * n)
        follower.see(n / 25, picture, follower.flow(picture), [], SCALE)
    camera = follower.motion()
    points = np.array([[[100.0, 50.0]]])
    there = to_ground(points, np.array([11 / 25]), camera)
    assert there[0, 0] == pytest.approx([100 + 33 * SCALE, 50], abs=4)


def test_a_still_camera_stays_exactly_still_while_someone_passes() -> None:
    follower = CameraFollower()
    for n in range(10):
        picture = look(0.0)
        picture[60:150, 20 * n : 20 * n + 30] = 255
        box = (20 * n * SCALE, 60 * SCALE, (20 * n + 30) * SCALE, 150 * SCALE)
        follower.see(n / 25, picture, follower.flow(picture), [box], SCALE)
    maps = follower.motion().to_first
    assert np.abs(maps - np.eye(3)[:2]).max() < 0.02 * SCALE


@pytest.mark.parametrize("grain", [0.0, 16.0])
def test_leaps_of_a_hand_held_camera_are_followed(grain: float) -> None:
    """A tenth of the picture's width between two pictures, where dense flow finds nothing."""
    rng = np.random.default_rng(5)
    follower = CameraFollower()
    places = [(0.0, 10.0), (34.0, 24.0), (2.0, 8.0), (40.0, 30.0)]
    for n, (x, y) in enumerate(places):
        seen = look(x, y) + rng.normal(0.0, grain, (180, FLOW_WIDTH_PX))
        picture = np.clip(seen, 0, 255).astype(np.uint8)
        follower.see(n / 12, picture, follower.flow(picture), [], SCALE)
    points = np.array([[[100.0, 50.0]]])
    for n, (x, y) in enumerate(places):
        there = to_ground(points, np.array([n / 12]), follower.motion())
        wanted = [100 + (x - places[0][0]) * SCALE, 50 + (y - places[0][1]) * SCALE]
        assert there[0, 0] == pytest.approx(wanted, abs=3.0 * SCALE)


def test_what_moves_over_the_background_is_told_from_a_pan() -> None:
    """The camera goes 3 px to the right; a square goes 5 px to the right in the picture."""
    follower = CameraFollower()
    for n in range(2):
        picture = look(3.0 * n)
        picture[60:120, 100 + 5 * n : 180 + 5 * n] = scene(1)[:60, :80]
        motion = follower.see(2 * n / 25, picture, follower.flow(picture), [], SCALE)
        assert (motion is None) == (n == 0)
        follower.hold((2 * n + 1) / 25)
    assert motion is not None and motion.elapsed_s == 2 / 25
    shifts = follower.motion().to_first[:, 0, 2]
    assert shifts[0] == shifts[1] == 0.0 and shifts[2] == shifts[3] != 0.0
    points = SCALE * np.array([[145.0, 90.0], [40.0, 150.0]])
    before, (square, ground) = motion.back(points)
    assert square == pytest.approx([8 * SCALE, 0], abs=0.5 * SCALE)
    assert ground == pytest.approx([0, 0], abs=0.2 * SCALE)
    assert before[0] == pytest.approx(points[0] - [5 * SCALE, 0], abs=0.5 * SCALE)
