"""What the contact network sees must not depend on where and how large somebody is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from analysis.walker import pose_of, still_camera, walker

from otio_foley.analysis.features import FEATURES, GRID_HZ, stretches
from otio_foley.types import CameraMotion


def test_features_lie_on_an_even_grid_whatever_the_frame_rate() -> None:
    for frame_rate in (12.0, 24000 / 1001, 60.0):
        pose, _ = walker(frame_rate=frame_rate)
        (stretch,) = stretches(pose, still_camera(pose))
        assert np.diff(stretch.times_s) == pytest.approx(1.0 / GRID_HZ)
        assert stretch.features.shape == (2, len(stretch.times_s), FEATURES)
        assert stretch.times_s[-1] <= pose.times_s[-1] + 1e-9
        assert np.isfinite(stretch.features).all()


def test_place_and_size_in_the_picture_change_nothing() -> None:
    pose, _ = walker()
    (here,) = stretches(pose, still_camera(pose))
    there = replace(
        pose,
        keypoints_px=1.7 * pose.keypoints_px + [300.0, -40.0],
        image_size_px=(10 * pose.image_size_px[0], 10 * pose.image_size_px[1]),
    )
    (moved,) = stretches(replace(there), still_camera(there))
    assert moved.features[..., :32] == pytest.approx(here.features[..., :32], abs=1e-3)


def test_a_panning_camera_is_taken_off() -> None:
    pose, _ = walker()
    pan_px = 300.0 * pose.times_s
    maps = np.tile(np.eye(3)[:2], (len(pose.times_s), 1, 1))
    maps[:, 0, 2] = pan_px
    panned = pose.keypoints_px - np.stack([pan_px, 0.0 * pan_px], axis=1)[:, None]
    (still,) = stretches(pose, still_camera(pose))
    seen = replace(pose, keypoints_px=panned)
    (taken_off,) = stretches(seen, CameraMotion(times_s=pose.times_s, to_first=maps))
    (left_in,) = stretches(seen, still_camera(pose))
    assert taken_off.features[..., :32] == pytest.approx(still.features[..., :32], abs=1e-3)
    assert np.abs(left_in.features - still.features).max() > 0.1


def test_the_feet_change_places() -> None:
    pose, _ = walker()
    (stretch,) = stretches(pose, still_camera(pose))
    left, right = stretch.features
    assert left[:, 0:8] == pytest.approx(right[:, 8:16])
    assert left[:, 18:24] == pytest.approx(right[:, 24:30])


def test_a_long_hole_parts_and_a_short_one_is_bridged() -> None:
    pose, _ = walker(frame_rate=25)
    for frames, parts in ((2, 1), (12, 2)):
        keypoints, confidence = pose.keypoints_px.copy(), pose.confidence.copy()
        keypoints[40 : 40 + frames] = np.nan
        confidence[40 : 40 + frames] = 0.0
        holed = replace(pose, keypoints_px=keypoints, confidence=confidence)
        found = stretches(holed, still_camera(pose))
        assert len(found) == parts
        assert max(float(one.features[..., -1].max()) for one in found) == pytest.approx(
            frames + 1.0 if parts == 1 else 1.0
        )


def test_nobody_gives_nothing() -> None:
    pose = pose_of(np.arange(50) / 25, np.full((50, 33, 2), np.nan))
    assert stretches(pose, still_camera(pose)) == ()
