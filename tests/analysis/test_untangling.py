"""Left and right legs from frame to frame: put right where names were mixed up or never known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from analysis.walker import LEG_PX, still_camera, walker

from otio_foley.analysis.skeleton import HIPS, LEFT_LEG, RIGHT_LEG
from otio_foley.analysis.tracks import showings
from otio_foley.analysis.untangling import misnamed
from otio_foley.types import Pose


def swapped(pose: Pose, frames: np.ndarray) -> Pose:
    keypoints, confidence = pose.keypoints_px.copy(), pose.confidence.copy()
    legs = np.ix_(frames, LEFT_LEG + RIGHT_LEG)
    others = np.ix_(frames, RIGHT_LEG + LEFT_LEG)
    keypoints[legs], confidence[legs] = keypoints[others], confidence[others]
    return replace(pose, keypoints_px=keypoints, confidence=confidence)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_legs_that_were_never_named_are_told_apart_by_how_they_go_on(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pose, _ = walker(noise=0.02)
    mixed = rng.random(len(pose.times_s)) < 0.5
    alone = pose.confidence.copy()
    alone[:, : HIPS[0]] = 0.0
    legs = swapped(replace(pose, confidence=alone), mixed)
    wrong = misnamed(legs.keypoints_px / LEG_PX, legs.confidence, legs.times_s)
    # Which one is the left one nothing tells: all right, or all wrong.
    assert (wrong == mixed).all() or (wrong == ~mixed).all()


def test_a_few_wrong_names_of_somebody_whole_are_put_right_and_the_others_kept() -> None:
    pose, _ = walker()
    mixed = np.zeros(len(pose.times_s), dtype=bool)
    mixed[[0, 20, 21, 22, 47, 80]] = True
    whole = swapped(pose, mixed)
    assert (misnamed(whole.keypoints_px / LEG_PX, whole.confidence, whole.times_s) == mixed).all()


def test_a_leg_takes_with_it_how_surely_it_was_seen() -> None:
    pose, _ = walker()
    confidence = pose.confidence.copy()
    confidence[:, LEFT_LEG] = 0.9
    confidence[:, RIGHT_LEG] = 0.6
    named = replace(pose, confidence=confidence)
    mixed = np.zeros(len(pose.times_s), dtype=bool)
    mixed[30:33] = True
    (shown,) = showings(swapped(named, mixed), still_camera(pose), longest_hole_s=0.2)
    right = shown.untangled(shown.points / LEG_PX)
    assert (right.confidence == named.confidence).all()
    assert np.abs(right.points - named.keypoints_px).max() < 1e-6
