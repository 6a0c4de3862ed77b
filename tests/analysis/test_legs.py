"""Legs without a body: where they are looked for, and what of a person is made of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from otio_foley.analysis.flow import Motion
from otio_foley.analysis.legs import (
    LEG_JOINTS,
    LEGS_PX,
    MOST_STIR,
    bundled_legs,
    have_stirred,
    legs_place,
    see_legs,
    stirs,
)
from otio_foley.analysis.pose import Crop, Person
from otio_foley.analysis.skeleton import HIPS, JOINT_COUNT, LEFT_LEG, RIGHT_LEG


def standing(x_px: float, hips_px: float, leg_px: float) -> np.ndarray:
    """Keypoints (33, 2) of straight legs a fifth of a leg apart."""
    keypoints = np.full((33, 2), np.nan)
    for leg, side in ((LEFT_LEG, -0.1), (RIGHT_LEG, 0.1)):
        for joint, down in zip(leg, (0.0, 0.45, 0.92, 1.0, 1.0), strict=True):
            keypoints[joint] = (x_px + side * leg_px, hips_px + down * leg_px)
    return keypoints


def test_legs_are_looked_for_where_the_picture_shows_them() -> None:
    whole = legs_place(standing(640, 100, 400), (1280, 720))
    assert (whole.centre_x_px, whole.centre_y_px) == (640, 390)
    # Hips and knees above the picture: it begins at its border.
    cut_off = legs_place(standing(640, -900, 1200), (1280, 720))
    assert cut_off.centre_y_px == 150 and cut_off.side_px >= 1.35 * 300


def test_feet_that_stand_together_are_not_looked_at_through_a_keyhole() -> None:
    keypoints = standing(640, -1000, 1100)
    keypoints[list(LEG_JOINTS), 0] = 640
    assert legs_place(keypoints, (1280, 720)).side_px >= 0.35 * 1100


def test_where_nothing_is_there_are_no_legs() -> None:
    for level in (0, 90, 255):
        picture = np.full((360, 640, 3), level, dtype=np.uint8)
        assert see_legs(picture, Crop(centre_x_px=320, centre_y_px=180, side_px=360)) is None


def test_the_shipped_weights_answer_for_every_joint() -> None:
    with torch.inference_mode():
        places, seen, there = bundled_legs()(torch.rand((2, 3, LEGS_PX, LEGS_PX)))
    assert places.shape == (2, 10, 2) and seen.shape == (2, 10) and there.shape == (2,)
    assert all(bool(torch.isfinite(part).all()) for part in (places, seen, there))
    assert LEG_JOINTS[:2] == HIPS


def legs_alone() -> Person:
    confidence = np.zeros(JOINT_COUNT)
    confidence[list(LEG_JOINTS)] = 1.0
    return Person(
        keypoints_px=standing(640, 100, 400),
        confidence=confidence,
        certainty=1.0,
        silhouette_px2=1.0,
        colour=np.zeros(6),
        place=Crop(centre_x_px=640.0, centre_y_px=390.0, side_px=500.0),
        legs_alone=True,
    )


def moving(right_half_px: float, elapsed_s: float = 0.04) -> Motion:
    """The right half of a picture was so many flow pixels to the right before."""
    flow = np.zeros((180, 320, 2), dtype=np.float32)
    flow[:, 160:, 0] = right_half_px
    return Motion(flow=flow, step=np.eye(3), scale=4.0, elapsed_s=elapsed_s)


def test_legs_stir_where_one_of_them_is_seen_to_move() -> None:
    legs = legs_alone()
    assert stirs(legs, []).size == 0
    # Two pixels of flow, eight of the picture, a fiftieth of a leg in a 25th of a second.
    assert stirs(legs, [moving(0.0), moving(2.0)]).tolist() == [0.0, 8.0 / 400 / 0.04]
    assert stirs(legs, [moving(50.0)]).tolist() == [MOST_STIR]
    legs.confidence[list(RIGHT_LEG)] = 0.1  # behind something that moves
    assert stirs(legs, [moving(2.0)]).tolist() == [0.0]


def test_what_shows_at_a_joint_is_followed_back() -> None:
    """The leg in the right half, at 680 px, came from the left half, which stood."""
    passed = stirs(legs_alone(), [moving(2.0), moving(-11.0)])
    assert passed.tolist() == [0.0, MOST_STIR]


@pytest.mark.parametrize("phase", [0, 1])
def test_legs_stir_in_pictures_that_repeat(phase: int) -> None:
    held = [0.5 if number % 2 == phase else 0.0 for number in range(9)]
    assert have_stirred(held, [0.04] * 9)
    assert not have_stirred([0.0] * 9, [0.04] * 9)
    assert not have_stirred([], [])
    assert have_stirred([1.0], [0.08]), "of less than 0.3 s all counts"


@pytest.mark.parametrize("fps", [12, 15, 25, 60])
def test_legs_that_stand_after_a_step_have_stirred(fps: int) -> None:
    quarter = fps // 4
    step = [*[0.0] * quarter, *[0.5] * quarter, *[0.0] * fps]
    assert have_stirred(step, [1.0 / fps] * len(step))
    # What moves in one picture alone is a wrong flow.
    twitch = [*[0.0] * fps, MOST_STIR, *[0.0] * fps]
    assert not have_stirred(twitch, [1.0 / fps] * len(twitch))
