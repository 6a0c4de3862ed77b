"""A person as a camera sees them: keypoints in the picture, exact, frame by frame.

The cameras are the stage's (`otio_foley.train.stage.cameras`): they stand, pan, travel, are held by
hand, zoom, look from high and low, or from the knees down. Added here: the lens's distortion, the
phase of the frame grid, the shutter, and the camera motion that optical flow would tell.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from otio_foley.analysis.flow import FLOW_WIDTH_PX
from otio_foley.analysis.skeleton import JOINT_COUNT, LEFT_LEG, NOSE, RIGHT_LEG, SHOULDERS
from otio_foley.train.stage.cameras import Kind, Subject, cameras, middle_of
from otio_foley.train.stage.pinhole import Camera
from otio_foley.train.steps.figures import Figure
from otio_foley.types import CameraMotion, FloatArray, Pose

#: In a close-up of the face there are no feet; what can be told then is another question.
KINDS: tuple[Kind, ...] = (
    *("pan", "dolly", "handheld", "static"),
    *("zoom", "high", "low", "feet"),
)
SIZES_PX: tuple[tuple[int, int], ...] = ((1280, 720), (1920, 1080), (1080, 1920))

#: Radial distortion of a lens at half the picture's diagonal: barrel to pincushion.
_DISTORTION = (-0.10, 0.04)
#: Share of a frame for which the shutter is open, about the instant that the frame stands for.
_SHUTTER = (0.0, 0.6)
_EXPOSURES = 5

#: A joint is hidden by the other leg's bones if nearer to them in the picture than this (body
#: heights; half a leg's thickness), and deeper by more than this (m).
_LEG_HALF = 0.035
_BEHIND_M = 0.06

#: Someone of whom fewer of the known joints are in the picture is not found.
_LEAST_IN_PICTURE = 0.4

#: What stands still about the person: floor, and a wall this far behind them (m).
_WALL_M = 3.0
_APART_M = 0.7
_FEWEST_STILL_POINTS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One camera on one figure.

    `pose` starts at 0 s, `start_s` is that frame's time in the figure; in_picture, hidden (T, 33)
    whether each joint lies inside the frame, and behind the other leg; height_px (T,) the standing
    body's height at the person's distance.
    """

    pose: Pose
    camera: CameraMotion
    start_s: float
    kind: Kind
    azimuth_deg: float
    frame_rate: float
    height_px: FloatArray
    in_picture: NDArray[np.bool_]
    hidden: NDArray[np.bool_]


def view(
    figure: Figure, kind: Kind, azimuth_deg: float, frame_rate: float, rng: np.random.Generator
) -> View:
    """Film a figure over all of its time; exact keypoints with confidence 1.

    Azimuth 0 sees the face of who goes ahead, 90 their left side.
    """
    size = SIZES_PX[int(rng.integers(len(SIZES_PX)))]
    bend = float(rng.uniform(*_DISTORTION))
    open_s = float(rng.uniform(*_SHUTTER)) / frame_rate
    times = frame_times(figure, frame_rate, float(rng.random()))
    offsets = ((np.arange(_EXPOSURES) + 0.5) / _EXPOSURES - 0.5) * open_s
    subject = _subject(figure, times)
    shots = cameras(kind, subject, azimuth_deg, size, frame_rate, rng)
    exposed = np.stack([figure.at(times + offset) for offset in offsets])
    count = len(times)
    keypoints = np.full((count, JOINT_COUNT, 2), np.nan)
    depth = np.full((count, JOINT_COUNT), np.nan)
    height_px = np.zeros(count)
    for frame, shot in enumerate(shots):
        seen = shot.project(exposed[:, frame]).mean(axis=0)
        keypoints[frame] = distorted(seen, size, bend)
        depth[frame] = shot.depth_m(exposed[:, frame].mean(axis=0))
        height_px[frame] = figure.height_m * _focal_px(shot) / np.nanmedian(depth[frame])
    keypoints[~(depth > 0.0)] = np.nan
    known = np.isfinite(keypoints).all(axis=2)
    with np.errstate(invalid="ignore"):
        inside = known & ((keypoints >= 0.0) & (keypoints < np.array(size))).all(axis=2)
    relative = times - times[0]
    return View(
        pose=Pose(
            person=0,
            image_size_px=size,
            times_s=relative,
            keypoints_px=keypoints,
            confidence=known.astype(np.float64),
            silhouette_area=np.full(count, np.nan),
        ),
        camera=CameraMotion(times_s=relative, to_first=_followed(shots, subject, bend)),
        start_s=float(times[0]),
        kind=kind,
        azimuth_deg=azimuth_deg,
        frame_rate=frame_rate,
        height_px=height_px,
        in_picture=inside,
        hidden=_behind(keypoints, depth, height_px),
    )


def frame_times(figure: Figure, frame_rate: float, phase: float) -> FloatArray:
    """Times (N,) of a figure's frames; `phase` 0..1 is where in a frame the first one lies."""
    first = float(figure.times_s[0]) + phase / frame_rate
    return first + np.arange(int((figure.times_s[-1] - first) * frame_rate) + 1) / frame_rate


def is_found(one: View) -> NDArray[np.bool_]:
    """Frames (T,) in which enough of the person is in the picture to be found."""
    known = np.isfinite(one.pose.keypoints_px).all(axis=2)
    share = one.in_picture.sum(axis=1) / np.maximum(1, known.sum(axis=1))
    return np.asarray(share >= _LEAST_IN_PICTURE)


def feet_in_picture(one: View) -> NDArray[np.bool_]:
    """Frames (T,) in which both ankles, heels and toes are in the picture."""
    feet = [*LEFT_LEG[2:], *RIGHT_LEG[2:]]
    return np.asarray(one.in_picture[:, feet].all(axis=1) & is_found(one))


def head_in_picture(one: View) -> NDArray[np.bool_]:
    """Frames (T,) in which nose and shoulders are in the picture: by these people are found."""
    return np.asarray(one.in_picture[:, [NOSE, *SHOULDERS]].all(axis=1))


def distorted(points_px: FloatArray, size_px: tuple[int, int], bend: float) -> FloatArray:
    """Points (..., 2) through a lens that moves those at half the diagonal by a share `bend`."""
    centre = np.array(size_px) / 2.0
    arm = (points_px - centre) / float(np.hypot(*centre))
    # Beyond the corners the polynomial would fold the picture back onto itself.
    square = np.minimum((arm**2).sum(axis=-1, keepdims=True), 1.5)
    return np.asarray(centre + (points_px - centre) * (1.0 + bend * square))


def _focal_px(shot: Camera) -> float:
    return float(shot.height_px / 2.0 / np.tan(np.radians(shot.vertical_view_deg) / 2.0))


def _subject(figure: Figure, times_s: FloatArray) -> Subject:
    points = figure.at(times_s)
    ground = np.interp(times_s, figure.times_s, figure.ground_m)
    crown = points[:, :1] + [0.0, 0.07 * figure.height_m, 0.0]
    bounds = np.concatenate([crown, points[:, [11, 12, *LEFT_LEG[2:], *RIGHT_LEG[2:]]]], axis=1)
    middle = points[:, [*LEFT_LEG[:1], *RIGHT_LEG[:1]]].mean(axis=1)
    middle[:, 1] = (bounds[..., 1].min(axis=1) + bounds[..., 1].max(axis=1)) / 2.0
    return Subject(middle_m=middle, ground_m=ground, points_m=bounds, height_m=figure.height_m)


def _behind(keypoints: FloatArray, depth: FloatArray, height_px: FloatArray) -> NDArray[np.bool_]:
    """Joints (T, 33) of one leg that lie behind the bones of the other."""
    hidden = np.zeros(keypoints.shape[:2], dtype=bool)
    for own, other in ((LEFT_LEG, RIGHT_LEG), (RIGHT_LEG, LEFT_LEG)):
        # hip-knee, knee-ankle, ankle-toe
        starts, ends = [other[0], other[1], other[2]], [other[1], other[2], other[4]]
        start = keypoints[:, None, starts]
        along = keypoints[:, None, ends] - start
        arm = keypoints[:, list(own)][:, :, None] - start
        square = np.maximum((along**2).sum(axis=-1), 1e-9)
        share = np.clip((arm * along).sum(axis=-1) / square, 0.0, 1.0)
        gap = np.linalg.norm(arm - share[..., None] * along, axis=-1)
        bone = depth[:, None, starts] * (1.0 - share) + depth[:, None, ends] * share
        over = (gap < _LEG_HALF * height_px[:, None, None]) & (
            depth[:, list(own)][:, :, None] > bone + _BEHIND_M
        )
        hidden[:, list(own)] = over.any(axis=2)
    return hidden


def _followed(shots: list[Camera], subject: Subject, bend: float) -> FloatArray:
    """Maps (T, 2, 3) to the first picture's pixels: chained similarities fitted to what stands
    still, as the product fits them to optical flow."""
    maps = np.repeat(np.eye(3)[None], len(shots), axis=0)
    if all(shot is shots[0] for shot in shots):
        return maps[:, :2]
    still = _still_points(shots, subject)
    size = (shots[0].width_px, shots[0].height_px)
    before, before_shown = _seen(shots[0], still, size, bend)
    for frame, shot in enumerate(shots[1:], start=1):
        now, now_shown = _seen(shot, still, size, bend)
        good = now_shown & before_shown
        step = np.eye(3)
        if good.sum() >= _FEWEST_STILL_POINTS:
            step = similarity(now[good], before[good], size[0])
        maps[frame] = maps[frame - 1] @ step
        before, before_shown = now, now_shown
    return maps[:, :2]


def _seen(
    shot: Camera, points_m: FloatArray, size_px: tuple[int, int], bend: float
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Places (N, 2) of points (N, 3), and whether they are in the picture (N,)."""
    places = distorted(shot.project(points_m), size_px, bend)
    inside = ((places >= 0.0) & (places < np.array(size_px))).all(axis=1)
    return places, np.asarray(inside & (shot.depth_m(points_m) > 0.1))


def similarity(here: FloatArray, there: FloatArray, width_px: int) -> FloatArray:
    """Shift, turn and zoom (3, 3) from most points (N, 2) to points (N, 2), as the product fits
    flow: parallax makes it choose between floor and wall. Identity if unsure."""
    fitted, inliers = cv2.estimateAffinePartial2D(
        here,
        there,
        ransacReprojThreshold=1.5 * width_px / FLOW_WIDTH_PX,
        refineIters=10,
    )
    if fitted is None or inliers.mean() < 0.3:
        return np.eye(3)
    return np.vstack([fitted, [0.0, 0.0, 1.0]])


def _still_points(shots: list[Camera], subject: Subject) -> FloatArray:
    """Points (N, 3) of floor and wall about the person's way."""
    eye, _ = middle_of(shots)
    low = subject.middle_m.min(axis=0) - 4.0
    high = subject.middle_m.max(axis=0) + 4.0
    floor_m = float(subject.ground_m.mean())
    xs, zs = np.meshgrid(np.arange(low[0], high[0], _APART_M), np.arange(low[2], high[2], _APART_M))
    floor = np.stack([xs.ravel(), np.full(xs.size, floor_m), zs.ravel()], axis=1)
    away = subject.middle_m.mean(axis=0) - eye
    away[1] = 0.0
    away /= np.linalg.norm(away)
    along = np.array([away[2], 0.0, -away[0]])
    behind = float((subject.middle_m @ away).max()) + _WALL_M
    reach = subject.middle_m @ along
    steps = np.arange(reach.min() - 6.0, reach.max() + 6.0, _APART_M)
    ups = np.arange(0.3, 4.0, _APART_M)
    wide, tall = (axis.ravel() for axis in np.meshgrid(steps, ups))
    wall = behind * away + wide[:, None] * along
    wall[:, 1] = floor_m + tall
    return np.concatenate([floor, wall])
