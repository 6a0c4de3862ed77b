"""What the cadence network sees of a person whose feet are not seen: head, arms, trunk and thighs.

As in `features`, every foot is looked at as "this one", here with its own side's arm and thigh, and
the other side beside it. Places are relative to the middle of the shoulders over the trunk's
length, velocities of that middle to the ground. What lies beyond the picture's border is not seen
at all: its place and its confidence are 0.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.interpolate import make_interp_spline
from scipy.ndimage import percentile_filter
from scipy.signal import butter, sosfiltfilt

from otio_foley.analysis.features import (
    AROUND_S,
    GRID_HZ,
    LARGEST,
    VELOCITY_SCALE,
    Columns,
    Stretch,
)
from otio_foley.analysis.flow import to_ground
from otio_foley.analysis.skeleton import HIPS, LEFT_SIDE, NOSE, RIGHT_SIDE, SHOULDERS
from otio_foley.analysis.tracks import Showing, showings
from otio_foley.types import CameraMotion, FloatArray, Pose

#: Longer holes in a track are not bridged.
_LONGEST_HOLE_S = 0.3
_FEWEST_FRAMES = 5
#: Steps a second, from a stroll to a sprint.
STEPS_HZ: Final = (1.2, 4.0)
#: Who is followed has a head and shoulders.
_SHOWN = (NOSE, *SHOULDERS)

#: So many are looked at: head and own shoulder, then own and other elbow, wrist, hip and knee.
_JOINTS: Final = 2 + 2 * (len(LEFT_SIDE) - 1)
#: Their places (20) and all but the shoulder's velocities by the shoulders (18), the shoulders'
#: velocity over ground (2), how sure each is (10), and the time between the frames before and
#: after, in 25ths of a second (1).
BODY: Final = Columns(count=5 * _JOINTS + 1, across=tuple(range(0, 4 * _JOINTS, 2)))


def _columns(number: int) -> tuple[int, ...]:
    """Those of the features that show a joint, by its place in the order above."""
    place = [2 * number, 2 * number + 1]
    velocity = 2 * _JOINTS + 2 * (number - (number > 1))
    moves = [] if number == 1 else [velocity, velocity + 1]
    return (*place, *moves, 4 * _JOINTS + number)


#: Which features show each joint.
COLUMNS_OF: Final = tuple(_columns(number) for number in range(_JOINTS))


def body_stretches(pose: Pose, camera: CameraMotion) -> tuple[Stretch, ...]:
    """Features of a person, one entry for each stretch of at least five frames; may be none.
    `sure` is of head and shoulders."""
    return tuple(
        _stretch(shown)
        for shown in showings(pose, camera, longest_hole_s=_LONGEST_HOLE_S, joints=_SHOWN)
    )


def bobbing(pose: Pose, camera: CameraMotion) -> tuple[FloatArray, FloatArray]:
    """How low head and shoulders are (N,), over the trunk's length, as often as feet come down, and
    when (N,) in seconds on an even grid; both empty where they are seen in fewer than five frames.
    """
    seen = np.isfinite(pose.keypoints_px[:, [*_SHOWN, *HIPS]]).all(axis=(1, 2))
    if seen.sum() < _FEWEST_FRAMES:
        return np.zeros(0), np.zeros(0)
    times_s = pose.times_s[seen]
    points = to_ground(pose.keypoints_px[seen], times_s, camera)
    trunk = points[:, list(SHOULDERS)].mean(axis=1) - points[:, list(HIPS)].mean(axis=1)
    length = max(1.0, float(np.median(np.linalg.norm(trunk, axis=1))))
    low = points[:, list(_SHOWN), 1].mean(axis=1) / length
    grid = np.arange(times_s[0], times_s[-1], 1.0 / GRID_HZ)
    band = butter(2, STEPS_HZ, btype="band", fs=GRID_HZ, output="sos")
    even = np.interp(grid, times_s, low)
    return grid, np.asarray(sosfiltfilt(band, even, padlen=min(len(grid) - 1, 60)))


def _stretch(shown: Showing) -> Stretch:
    times_s = shown.times_s
    middle = shown.points[:, list(SHOULDERS)].mean(axis=1)
    scale = _trunk_px(times_s, shown.points)
    places = (shown.points - middle[:, None]) / scale[:, None, None]
    known = np.isfinite(places).all(axis=2) & ~shown.at_edge
    confidence = np.where(known, shown.confidence, 0.0)
    grid = np.arange(times_s[0], times_s[-1] + 1e-9, 1.0 / GRID_HZ)

    def on_grid(values: FloatArray) -> FloatArray:
        spline = make_interp_spline(times_s, values, k=3 if len(times_s) > 3 else 1)
        return np.asarray(spline(grid))

    drift = np.gradient(on_grid(middle), 1.0 / GRID_HZ, axis=0)
    drift /= np.interp(grid, times_s, scale)[:, None]
    place, velocity, sure = {}, {}, {}
    for joint in (NOSE, *LEFT_SIDE, *RIGHT_SIDE):
        own = np.nan_to_num(places[:, joint])
        there = np.interp(grid, times_s, known[:, joint].astype(np.float64)) >= 1.0
        place[joint] = np.where(there[:, None], on_grid(own), 0.0)
        velocity[joint] = np.gradient(place[joint], 1.0 / GRID_HZ, axis=0)
        # What is out of sight does not move. Where it comes into sight it leaps, as in training.
        velocity[joint][~there] = 0.0
        sure[joint] = np.where(there, np.interp(grid, times_s, confidence[:, joint]), 0.0)
    after = np.clip(np.searchsorted(times_s, grid), 1, len(times_s) - 1)
    gap_s = times_s[after] - times_s[after - 1]
    features = []
    for this, other in ((LEFT_SIDE, RIGHT_SIDE), (RIGHT_SIDE, LEFT_SIDE)):
        joints = [NOSE, *this, *other[1:]]
        features.append(
            np.concatenate(
                [
                    *(place[joint] for joint in joints),
                    *(velocity[joint] / VELOCITY_SCALE for joint in joints if joint != this[0]),
                    drift / VELOCITY_SCALE,
                    *(sure[joint][:, None] for joint in joints),
                    25.0 * gap_s[:, None],
                ],
                axis=1,
            )
        )
    seen = np.mean([sure[joint] for joint in _SHOWN], axis=0)
    return Stretch(
        times_s=grid,
        features=np.clip(np.stack(features), -LARGEST, LARGEST).astype(np.float32),
        sure=np.stack([seen, seen]),
    )


def _trunk_px(times_s: FloatArray, points: FloatArray) -> FloatArray:
    """Length (T,) in pixels from the shoulders' middle to the hips': the upper quartile around."""
    trunk = points[:, list(SHOULDERS)].mean(axis=1) - points[:, list(HIPS)].mean(axis=1)
    length = np.linalg.norm(trunk, axis=1)
    known = np.isfinite(length)
    if not known.any():
        return np.ones(len(times_s))
    length = np.interp(times_s, times_s[known], length[known])
    frame_s = float(np.median(np.diff(times_s)))
    around = 2 * max(1, round(AROUND_S / frame_s)) + 1
    return np.asarray(np.maximum(1.0, percentile_filter(length, 75, size=around, mode="nearest")))
