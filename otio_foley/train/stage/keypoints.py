"""Where the keypoints of a person are, as BlazePose numbers them, read from the moving body."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from otio_foley.train.stage import rotation
from otio_foley.train.stage.body import Body, index, skin
from otio_foley.train.stage.film import Take
from otio_foley.train.stage.pinhole import Camera
from otio_foley.train.stage.render import View
from otio_foley.train.stage.rotation import Array

#: Keypoint numbers of BlazePose (Bazarevsky et al. 2020, figure 3) that sit in joints of the body.
#: Its shoulders, hips and knees are labelled in the limb's middle, as the rig's joints are.
_IN_JOINTS = {
    11: "upper_arm_left",
    12: "upper_arm_right",
    13: "forearm_left",
    14: "forearm_right",
    15: "hand_left",
    16: "hand_right",
    23: "thigh_left",
    24: "thigh_right",
    25: "shank_left",
    26: "shank_right",
    27: "foot_left",
    28: "foot_right",
}
_NOSE, _HEELS, _TOES = 0, {"left": 29, "right": 30}, {"left": 31, "right": 32}
COUNT = 33
#: The keypoints that are known; the others stay NaN.
KNOWN: tuple[int, ...] = (_NOSE, *_IN_JOINTS, *_HEELS.values(), *_TOES.values())

#: A joint lies this deep inside the flesh at most, and is seen if no more is in front of it.
_FLESH_M = 0.13
#: Height above the sole at which heel and toe tip are labelled.
_SOLE_TO_MARK_M = 0.025


def keypoints_m(take: Take, times_s: Array) -> Array:
    """(T, 33, 3) in the world; NaN where the body has no such point."""
    pose = take.motion.at(take.start_s + times_s)
    joints = take.joints(times_s)
    found = np.full((len(times_s), COUNT, 3), np.nan)
    for number, joint in _IN_JOINTS.items():
        found[:, number] = joints[:, index(joint)]
    marks = _marks(take.body)
    moved = skin(take.body, pose.rotations, joints, marks)
    found[:, _NOSE] = moved[:, 0]
    for side, heel in (("left", 1), ("right", 3)):
        up = rotation.rotate(
            pose.rotations[:, index(f"foot_{side}")], np.array([0.0, _SOLE_TO_MARK_M, 0.0])
        )
        found[:, _HEELS[side]] = moved[:, heel] + up
        found[:, _TOES[side]] = moved[:, heel + 1] + up
    return found


def _marks(body: Body) -> NDArray[np.int64]:
    """Vertices of the nose, and of both heels and toe tips: (5,)."""
    points = body.vertices_m
    head = np.flatnonzero(points[:, 1] > body.joints_m[index("head"), 1])
    middle = head[np.abs(points[head, 0]) < 0.02 * body.height_m]
    nose = middle[np.argmax(points[middle, 2])]
    found = [nose]
    for sole in (body.sole_left, body.sole_right):
        depth = points[sole, 2]
        found += [sole[np.argmin(depth)], sole[np.argmax(depth)]]
    return np.array(found)


def seen(camera: Camera, view: View, points_m: Array) -> NDArray[np.bool_]:
    """Which points (N, 3) of a person are in the picture and nothing but their own flesh before
    them (N,)."""
    known = np.isfinite(points_m).all(axis=-1)
    points = np.where(known[:, None], points_m, 0.0)
    depth = camera.depth_m(points)
    height, width = view.identities.shape
    scale = np.array([width / camera.width_px, height / camera.height_px])
    places = np.floor(camera.project(points) * scale)
    inside = known & (depth > 0.0)
    inside &= (places >= 0.0).all(axis=-1) & (places < [width, height]).all(axis=-1)
    columns, rows = np.where(inside[:, None], places, 0.0).astype(np.int64).T
    return np.asarray(inside & (view.depth_m[rows, columns] > depth - _FLESH_M))
