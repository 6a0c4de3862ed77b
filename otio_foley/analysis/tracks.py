"""From raw keypoints to clean foot trajectories: legs untangled, outliers out, evenly sampled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import make_interp_spline
from scipy.signal import butter, sosfiltfilt

from otio_foley.analysis.flow import to_ground
from otio_foley.analysis.skeleton import HIPS, LEFT_LEG, LEG_OF, RIGHT_LEG
from otio_foley.analysis.untangling import misnamed
from otio_foley.types import CameraMotion, FloatArray, Foot, Pose

#: Trajectories are sampled at this rate, whatever the movie's is.
GRID_HZ = 240.0

#: Feet move below 6 Hz, keypoint noise lies above (Winter 2009, Biomechanics and Motor Control,
#: ch. 3: 6 Hz for gait).
_CUTOFF_HZ = 6.0

#: Longer holes in a track are not bridged.
_LONGEST_HOLE_S = 0.2
_FEWEST_FRAMES = 5

#: Hips that the network is less sure of, most of the time, are not seen.
_SEEN = 0.5

#: A single step between frames longer by this (leg lengths) than those beside it is no movement.
_LEAP = 0.35


@dataclass(frozen=True, slots=True, kw_only=True)
class FootTrack:
    """One foot on an even grid of `GRID_HZ`: positions in the ground's pixels over leg length.

    times_s (N,); heel, toe (N, 2); confidence (N,) of heel and toe, 0 where nothing was seen;
    at_edge (N,) whether the foot touches the border of the picture or is beyond it.
    """

    foot: Foot
    times_s: FloatArray
    heel: FloatArray
    toe: FloatArray
    confidence: FloatArray
    at_edge: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class GaitTrack:
    """Both feet and the hips (N, 2) on one grid, all over leg length; `leg_px` is that length. Hips
    that are not seen are where the legs seem to come from: no fall can be read from them."""

    times_s: FloatArray
    left: FootTrack
    right: FootTrack
    hips: FloatArray
    hips_seen: bool
    leg_px: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Showing:
    """A person in every frame of a stretch without a long hole: times_s (T,), points (T, 33, 2) in
    the ground's pixels, confidence (T, 33), at_edge (T, 33) whether a joint is at the picture's
    border or beyond it."""

    times_s: FloatArray
    points: FloatArray
    confidence: FloatArray
    at_edge: NDArray[np.bool_]

    def untangled(self, points: FloatArray) -> Showing:
        """With the legs renamed where they are `misnamed`, as points (T, 33, 2) move: these, in leg
        lengths, in a frame of reference in which legs move smoothly."""
        swapped = misnamed(points, self.confidence, self.times_s)

        def renamed(values: NDArray[Any]) -> NDArray[Any]:
            right = values.copy()
            for one, other in zip(LEFT_LEG, RIGHT_LEG, strict=True):
                right[swapped, one] = values[swapped, other]
                right[swapped, other] = values[swapped, one]
            return right

        return replace(
            self,
            points=renamed(self.points),
            confidence=renamed(self.confidence),
            at_edge=renamed(self.at_edge),
        )


def showings(
    pose: Pose,
    camera: CameraMotion,
    *,
    longest_hole_s: float,
    joints: Sequence[int] = LEFT_LEG + RIGHT_LEG,
) -> tuple[Showing, ...]:
    """Where a person's joints (all of the legs') are seen, one entry for each stretch of at least
    five frames."""
    seen = np.isfinite(pose.keypoints_px[:, list(joints)]).all(axis=(1, 2))
    if seen.sum() < _FEWEST_FRAMES:
        return ()
    times_s = pose.times_s[seen]
    points = to_ground(pose.keypoints_px[seen], times_s, camera)
    confidence = pose.confidence[seen]
    border = at_edge(pose.keypoints_px[seen], pose.image_size_px)
    breaks = np.flatnonzero(np.diff(times_s) > longest_hole_s) + 1
    return tuple(
        Showing(
            times_s=times_s[part],
            points=points[part],
            confidence=confidence[part],
            at_edge=border[part],
        )
        for part in np.split(np.arange(len(times_s)), breaks)
        if len(part) >= _FEWEST_FRAMES
    )


def gait_tracks(pose: Pose, camera: CameraMotion) -> tuple[GaitTrack, ...]:
    """Trajectories of a person, one for each stretch without a long hole; may be none."""
    return tuple(
        _gait_track(shown) for shown in showings(pose, camera, longest_hole_s=_LONGEST_HOLE_S)
    )


def at_edge(keypoints_px: FloatArray, size_px: tuple[int, int]) -> NDArray[np.bool_]:
    """Whether each keypoint (T, 33, 2) lies within a hundredth of the picture of its border."""
    size = np.array(size_px, dtype=np.float64)
    inside = (keypoints_px > 0.01 * size) & (keypoints_px < 0.99 * size)
    return np.asarray(~inside.all(axis=2))


def _gait_track(shown: Showing) -> GaitTrack:
    leg_px = leg_length_px(shown.points)
    shown = shown.untangled(shown.points / leg_px)
    times_s, confidence, points = shown.times_s, shown.confidence, shown.points / leg_px
    grid = np.arange(times_s[0], times_s[-1] + 1e-9, 1.0 / GRID_HZ)
    feet = {}
    for foot, (_, _, ankle, heel, toe) in LEG_OF.items():
        sure = confidence[:, [ankle, heel, toe]].mean(axis=1)
        ends = [_without_outliers(points[:, joint]) for joint in (heel, toe)]
        leaps = _leaps((ends[0] + ends[1]) / 2)
        feet[foot] = FootTrack(
            foot=foot,
            times_s=grid,
            heel=_smooth(times_s, ends[0], grid, leaps),
            toe=_smooth(times_s, ends[1], grid, leaps),
            confidence=np.interp(grid, times_s, sure),
            at_edge=np.interp(grid, times_s, shown.at_edge[:, [heel, toe]].any(axis=1)) > 0,
        )
    hips = points[:, list(HIPS)].mean(axis=1)
    return GaitTrack(
        times_s=grid,
        left=feet["left"],
        right=feet["right"],
        hips=_smooth(times_s, _without_outliers(hips), grid, ()),
        hips_seen=bool(np.median(confidence[:, list(HIPS)]) >= _SEEN),
        leg_px=leg_px,
    )


def leg_length_px(points: FloatArray) -> float:
    """Length of a stretched leg, hip to heel, from keypoints (T, 33, 2) in pixels."""
    lengths = []
    for hip, knee, ankle, heel, _ in LEG_OF.values():
        chain = points[:, [hip, knee, ankle, heel]]
        lengths.append(np.linalg.norm(np.diff(chain, axis=1), axis=2).sum(axis=1))
    return max(1.0, float(np.percentile(np.concatenate(lengths), 75)))


def _without_outliers(track: FloatArray) -> FloatArray:
    """Replace single frames that leap off and back: (T, 2), in leg lengths.

    A frame that lies off the line between its neighbours by far more than they are apart is put
    on that line.
    """
    cleaned = track.copy()
    for t in range(1, len(track) - 1):
        middle = (cleaned[t - 1] + track[t + 1]) / 2
        off = np.linalg.norm(track[t] - middle)
        span = np.linalg.norm(track[t + 1] - cleaned[t - 1])
        if off > 0.12 + 0.6 * span:
            cleaned[t] = middle
    return cleaned


def _leaps(track: FloatArray) -> tuple[int, ...]:
    """Frames at which a foot (T, 2) leaps elsewhere in one frame and goes on there: it has left the
    picture, or went behind something, and the network now takes the other one for it."""
    step = np.linalg.norm(np.diff(track, axis=0), axis=1)
    beside = np.maximum(np.r_[0.0, step[:-1]], np.r_[step[1:], 0.0])
    return tuple(int(t) + 1 for t in np.flatnonzero(step - beside > _LEAP))


def _smooth(
    times_s: FloatArray, track: FloatArray, grid_s: FloatArray, leaps: Sequence[int]
) -> FloatArray:
    """Track (T, 2) at uneven times onto the grid (N, 2), low-passed without delay; what lies on
    both sides of a leap is kept apart."""
    frame_s = float(np.median(np.diff(times_s)))
    cutoff = min(_CUTOFF_HZ, 0.4 / frame_s)
    low_pass = butter(2, cutoff, fs=GRID_HZ, output="sos")
    edges = (0, *leaps, len(times_s))
    smoothed = np.empty((len(grid_s), 2))
    start = 0
    for first, end in pairwise(edges):
        stop = len(grid_s)
        if end < len(times_s):
            stop = int(np.searchsorted(grid_s, (times_s[end - 1] + times_s[end]) / 2))
        part = grid_s[start:stop]
        smoothed[start:stop] = _smooth_part(times_s[first:end], track[first:end], part, low_pass)
        start = stop
    return smoothed


def _smooth_part(
    times_s: FloatArray, track: FloatArray, grid_s: FloatArray, low_pass: FloatArray
) -> FloatArray:
    if len(times_s) == 1:
        return np.repeat(track, len(grid_s), axis=0)
    spline = make_interp_spline(times_s, track, k=3 if len(times_s) > 3 else 1)
    # Beyond the first and last frame the spline would run away.
    sampled = np.asarray(spline(np.clip(grid_s, times_s[0], times_s[-1])))
    pad = min(len(sampled) - 1, round(GRID_HZ * 0.3))
    return np.asarray(sosfiltfilt(low_pass, sampled, axis=0, padtype="odd", padlen=pad))
