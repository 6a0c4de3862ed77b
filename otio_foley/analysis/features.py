"""What the contact network sees of a person: legs over leg length, on an even grid of time.

Every foot is looked at as "this one" with the other beside it, so that one network serves both.
Places are relative to the hips, velocities to the ground (the camera's motion is taken off), so
that neither the place in the picture nor the camera matters. Torso and arms are left out: most
captures with force plates, on which the network is judged, show legs alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import make_interp_spline
from scipy.ndimage import percentile_filter

from otio_foley.analysis.skeleton import HIPS, LEFT_LEG, RIGHT_LEG
from otio_foley.analysis.tracks import Showing, showings
from otio_foley.types import CameraMotion, FloatArray, Pose

#: Samples a second that the network sees, whatever the movie's rate is.
GRID_HZ: Final = 60.0

#: Longer holes in a track are not bridged.
_LONGEST_HOLE_S = 0.3
#: A leg's length in the picture is its longest within so much time on both sides.
AROUND_S = 0.75
#: Velocities (leg lengths per second) over this are about as large as the places are.
VELOCITY_SCALE = 5.0
#: Beyond this a feature tells nothing but that the keypoints have gone astray.
LARGEST = 4.0

#: this and other: knee, ankle, heel, toe by the hips (16), own hip (2), ankle, heel, toe velocities
#: (12), hips' velocity (2), confidences of ankle, heel, toe (6), feet at the border (2), and the
#: time between the frames before and after, in 25ths of a second (1)
FEATURES: Final = 41
#: Those of the other leg.
OTHER_LEG: Final = (*range(8, 16), *range(24, 30))
#: Those of them that change sign in a mirror: x of a place or a velocity.
ACROSS: Final = tuple(range(0, 32, 2))


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """What a network of contacts is given at each time: so many features, and those of them that
    change sign in a mirror, x of a place or a velocity."""

    count: int
    across: tuple[int, ...]


LEGS: Final = Columns(count=FEATURES, across=ACROSS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A person without a long hole: times_s (N,) on the grid; features (2, N, F) float32, for the
    left foot and the right; sure (2, N) confidence of what they rest on, 0..1."""

    times_s: FloatArray
    features: NDArray[np.float32]
    sure: FloatArray


def stretches(pose: Pose, camera: CameraMotion) -> tuple[Stretch, ...]:
    """Features of a person, one entry for each stretch of at least five frames; may be none."""
    return tuple(
        _stretch(shown) for shown in showings(pose, camera, longest_hole_s=_LONGEST_HOLE_S)
    )


def _stretch(shown: Showing) -> Stretch:
    times_s = shown.times_s
    scale = _leg_px(times_s, shown.points)
    # A person's size changes slowly; places are compared within a frame, ways between frames.
    hips = shown.points[:, HIPS].mean(axis=1)
    shown = shown.untangled(_from_hips(shown.points, hips, scale))
    legs, confidence = _from_hips(shown.points, hips, scale), shown.confidence
    grid = np.arange(times_s[0], times_s[-1] + 1e-9, 1.0 / GRID_HZ)

    def on_grid(values: FloatArray) -> FloatArray:
        spline = make_interp_spline(times_s, values, k=3 if len(times_s) > 3 else 1)
        return np.asarray(spline(grid))

    scale = np.interp(grid, times_s, scale)
    place = {
        foot: on_grid(legs[:, leg].reshape(len(legs), -1)).reshape(-1, 5, 2)
        for foot, leg in enumerate((LEFT_LEG, RIGHT_LEG))
    }
    drift = np.gradient(on_grid(hips), 1.0 / GRID_HZ, axis=0) / scale[:, None]
    velocity = {
        foot: np.gradient(one[:, 2:], 1.0 / GRID_HZ, axis=0) + drift[:, None]
        for foot, one in place.items()
    }
    sure = {
        foot: np.stack([np.interp(grid, times_s, confidence[:, joint]) for joint in leg[2:]], 1)
        for foot, leg in enumerate((LEFT_LEG, RIGHT_LEG))
    }
    edge = {
        foot: np.interp(grid, times_s, shown.at_edge[:, leg[3:]].any(axis=1))
        for foot, leg in enumerate((LEFT_LEG, RIGHT_LEG))
    }
    count = len(grid)
    after = np.clip(np.searchsorted(times_s, grid), 1, len(times_s) - 1)
    gap_s = times_s[after] - times_s[after - 1]
    features = [
        np.concatenate(
            [
                place[this][:, 1:].reshape(count, 8),
                place[other][:, 1:].reshape(count, 8),
                place[this][:, 0],
                velocity[this].reshape(count, 6) / VELOCITY_SCALE,
                velocity[other].reshape(count, 6) / VELOCITY_SCALE,
                drift / VELOCITY_SCALE,
                sure[this],
                sure[other],
                edge[this][:, None],
                edge[other][:, None],
                25.0 * gap_s[:, None],
            ],
            axis=1,
        )
        for this, other in ((0, 1), (1, 0))
    ]
    return Stretch(
        times_s=grid,
        features=np.clip(np.stack(features), -LARGEST, LARGEST).astype(np.float32),
        sure=np.stack([sure[0].mean(axis=1), sure[1].mean(axis=1)]),
    )


def _from_hips(points: FloatArray, hips: FloatArray, scale: FloatArray) -> FloatArray:
    return np.asarray((points - hips[:, None]) / scale[:, None, None])


def _leg_px(times_s: FloatArray, points: FloatArray) -> FloatArray:
    """Length (T,) in pixels of the longer leg, hip to heel: the upper quartile around."""
    chains = np.stack([points[:, LEFT_LEG[:4]], points[:, RIGHT_LEG[:4]]], axis=1)
    length = np.linalg.norm(np.diff(chains, axis=2), axis=3).sum(axis=2).max(axis=1)
    frame_s = float(np.median(np.diff(times_s)))
    around = 2 * max(1, round(AROUND_S / frame_s)) + 1
    return np.asarray(np.maximum(1.0, percentile_filter(length, 75, size=around, mode="nearest")))
