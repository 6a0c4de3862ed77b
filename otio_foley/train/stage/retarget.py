"""A captured motion put onto the body, cut to length and looped."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from otio_foley.train.stage import rotation
from otio_foley.train.stage.body import JOINT_NAMES, Body, IntArray, index, place_joints
from otio_foley.train.stage.motion import Capture, Rig
from otio_foley.train.stage.rotation import Array

Side = Literal["left", "right"]
SIDES: tuple[Side, Side] = ("left", "right")

# Of an arm's lift about a third comes from the shoulder girdle (Inman 1944); less suits a rest
# pose whose arms are half raised.
_SHOULDER_SHARE = 0.22

_TRUNK = {
    "pelvis": "root",
    "spine_low": "lowerback",
    "spine_mid": "upperback",
    "spine_high": "thorax",
    "neck": "lowerneck",
    "head": "head",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyMotion:
    """The body's joints over time, evenly sampled."""

    rate_hz: float
    pelvis_m: Array
    """(T, 3)"""
    rotations: Array
    """(T, J, 4) global turns away from the rest pose."""
    ground_m: Array | None = None
    """(T, 2) height of the floor under the left and the right foot; None for 0 throughout."""

    @property
    def duration_s(self) -> float:
        """Time between the first and the last sample."""
        return (len(self.pelvis_m) - 1) / self.rate_hz

    @property
    def times_s(self) -> Array:
        """(T,) sample times from 0."""
        return np.arange(len(self.pelvis_m)) / self.rate_hz

    def at(self, times_s: Array) -> BodyPose:
        """Interpolate at any times (N,) inside the motion: positions linearly, turns by slerp."""
        position = np.clip(np.asarray(times_s) * self.rate_hz, 0.0, len(self.pelvis_m) - 1)
        first = np.minimum(np.floor(position).astype(int), len(self.pelvis_m) - 2)
        share = position - first
        pelvis = self.pelvis_m[first] * (1.0 - share[:, None])
        pelvis = pelvis + self.pelvis_m[first + 1] * share[:, None]
        turns = rotation.slerp(self.rotations[first], self.rotations[first + 1], share[:, None])
        return BodyPose(pelvis_m=pelvis, rotations=turns)


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyPose:
    """One or more instants of a motion; leading axes as in ``BodyMotion``."""

    pelvis_m: Array
    rotations: Array


def retarget(body: Body, capture: Capture) -> BodyMotion:
    """Turn the body's bones as the source's, hips in proportion to the legs' length.

    The feet keep the source's attitude; they neither touch the floor exactly nor stand still
    until ``feet.lock_feet`` has been over them.
    """
    count = len(capture.root_m)
    turns = np.zeros((count, len(JOINT_NAMES), 4))
    for joint, bone in _TRUNK.items():
        turns[:, index(joint)] = capture.rotations[bone]
    for side in SIDES:
        letter = side[0]
        for joint, tail, bone, hinge in (
            ("upper_arm", "forearm", "humerus", "radius"),
            ("forearm", "hand", "radius", "radius"),
            ("thigh", "shank", "femur", "tibia"),
            ("shank", "foot", "tibia", "tibia"),
        ):
            alignment = _alignment(body, capture.rig, side, (joint, tail), (bone, hinge))
            turns[:, index(f"{joint}_{side}")] = rotation.multiply(
                capture.rotations[letter + bone], alignment
            )
        turns[:, index(f"clavicle_{side}")] = _shoulder(
            capture.rotations["thorax"], turns[:, index(f"upper_arm_{side}")]
        )
        turns[:, index(f"hand_{side}")] = turns[:, index(f"forearm_{side}")]
        for joint in ("foot", "toes"):
            turns[:, index(f"{joint}_{side}")] = rotation.multiply(
                capture.rotations[f"{letter}foot"], capture.rig.feet[f"{letter}foot"]
            )
    scale = leg_length_m(body) / capture.rig.leg_m
    own = place_joints(body, turns, np.zeros((count, 3)))
    middle = (own[:, index("thigh_left")] + own[:, index("thigh_right")]) / 2.0
    return BodyMotion(
        rate_hz=capture.rate_hz,
        pelvis_m=capture.hips_m * scale - middle,
        rotations=rotation.continuous(turns),
    )


def leg_length_m(body: Body) -> float:
    """Hip to ankle along the straight leg."""
    hip, knee, ankle = (body.joints_m[index(f"{j}_left")] for j in ("thigh", "shank", "foot"))
    return float(np.linalg.norm(knee - hip) + np.linalg.norm(ankle - knee))


def hinge_axis(body: Body, limb: str, side: str) -> Array:
    """Axis (3,) about which the elbow ("arm") or knee ("leg") bends in the rest pose."""
    if limb == "leg":
        # The rest pose stands with straight legs: the knee's axis is taken as crosswise.
        return np.array([1.0, 0.0, 0.0])
    upper, elbow, wrist = (
        body.joints_m[index(f"{joint}_{side}")] for joint in ("upper_arm", "forearm", "hand")
    )
    axis: Array = np.cross(elbow - upper, wrist - elbow)
    return axis


def heading_forward(motion: BodyMotion, first: int, last: int) -> BodyMotion:
    """Turn the motion about the vertical so that it travels towards +z, from the origin on."""
    way = motion.pelvis_m[last] - motion.pelvis_m[first]
    yaw = rotation.axis_angle(np.array([0.0, 1.0, 0.0]), -np.arctan2(way[0], way[2]))
    start = motion.pelvis_m[first] * [1.0, 0.0, 1.0]
    return replace(
        motion,
        pelvis_m=rotation.rotate(yaw, motion.pelvis_m - start),
        rotations=rotation.multiply(yaw, motion.rotations),
    )


def cut(motion: BodyMotion, first: int, last: int) -> BodyMotion:
    """Keep samples ``first`` to ``last``, both included."""
    window = slice(first, last + 1)
    return replace(motion, pelvis_m=motion.pelvis_m[window], rotations=motion.rotations[window])


def best_loop(motion: BodyMotion, shortest: int, longest: int, fade: int) -> tuple[int, int]:
    """Samples (first, last) between which the motion comes back to itself most closely.

    Compares turns and their speed over the ``fade`` samples after each end.
    """
    turns = motion.rotations
    best, found = np.inf, (0, 0)
    for length in range(shortest, longest + 1):
        for first in range(len(turns) - length - fade):
            last = first + length
            dots = np.sum(turns[first : first + fade : 4] * turns[last : last + fade : 4], axis=-1)
            cost = float(np.mean(1.0 - dots * dots))
            if cost < best:
                best, found = cost, (first, last)
    return found


def loop(motion: BodyMotion, first: int, last: int, fade: int, repeats: int) -> BodyMotion:
    """Repeat samples ``first``..``last`` while the way travelled accumulates.

    The ``fade`` samples after ``last`` melt into those after ``first``: no seam in position or
    speed. A drift in height over the loop is taken out.
    """
    period = last - first
    way = motion.pelvis_m[last] - motion.pelvis_m[first]
    steps = np.arange(len(motion.pelvis_m)) - first
    level = motion.pelvis_m - np.outer(steps / period, [0.0, way[1], 0.0])
    way = way * [1.0, 0.0, 1.0]
    share = np.arange(fade) / fade
    share = share * share * (3.0 - 2.0 * share)
    pelvis = level[first:last].copy()
    turns = motion.rotations[first:last].copy()
    after = slice(last, last + fade)
    pelvis[:fade] = (level[after] - way) * (1.0 - share[:, None]) + pelvis[:fade] * share[:, None]
    turns[:fade] = rotation.slerp(motion.rotations[after], turns[:fade], share[:, None])
    # The first repeat of all begins without a past, so it starts on the melted samples too.
    return replace(
        motion,
        pelvis_m=np.concatenate([pelvis + way * turn for turn in range(repeats)]),
        rotations=rotation.continuous(np.concatenate([turns] * repeats)),
    )


def linger(motion: BodyMotion, before: int, after: int, sway: int) -> BodyMotion:
    """Stand longer: ``before`` and ``after`` further samples, to and fro over ``sway`` samples."""
    count = len(motion.pelvis_m)
    order = np.concatenate(
        [
            _to_and_fro(before, sway)[::-1],
            np.arange(count),
            count - 1 - _to_and_fro(after, sway),
        ]
    )
    return replace(motion, pelvis_m=motion.pelvis_m[order], rotations=motion.rotations[order])


def _to_and_fro(count: int, sway: int) -> IntArray:
    order: IntArray = sway - np.abs((np.arange(count) + 1) % (2 * sway) - sway)
    return order


def resample(motion: BodyMotion, rate_hz: float) -> BodyMotion:
    """Sample anew at ``rate_hz``; speeds stay continuous (Catmull-Rom, on turns too)."""
    times = np.arange(round(motion.duration_s * rate_hz) + 1) / rate_hz
    position = np.clip(times * motion.rate_hz, 0.0, len(motion.pelvis_m) - 1)
    first = np.minimum(np.floor(position).astype(int), len(motion.pelvis_m) - 2)
    share = position - first
    turns = rotation.continuous(motion.rotations)
    return BodyMotion(
        rate_hz=rate_hz,
        pelvis_m=_catmull_rom(motion.pelvis_m, first, share),
        rotations=rotation.normalise(_catmull_rom(turns, first, share)),
    )


def _catmull_rom(values: Array, first: IntArray, share: Array) -> Array:
    last = len(values) - 1
    p0, p1, p2, p3 = (values[np.clip(first + offset, 0, last)] for offset in (-1, 0, 1, 2))
    s = share.reshape(-1, *[1] * (values.ndim - 1))
    curve: Array = p1 + 0.5 * s * (
        p2 - p0 + s * (2.0 * p0 - 5.0 * p1 + 4.0 * p2 - p3 + s * (3.0 * (p1 - p2) + p3 - p0))
    )
    return curve


def _alignment(
    body: Body,
    rig: Rig,
    side: str,
    joints: tuple[str, str],
    bones: tuple[str, str],
) -> Array:
    """Turn (4,) from the body's rest pose to the source's zero pose: bone and hinge."""
    letter = side[0]
    head, tail = (body.joints_m[index(f"{joint}_{side}")] for joint in joints)
    limb = "leg" if joints[0] in ("thigh", "shank") else "arm"
    own = rotation.frames(tail - head, hinge_axis(body, limb, side))
    source = rotation.frames(rig.directions[letter + bones[0]], rig.hinges[letter + bones[1]])
    turn: Array = rotation.from_matrices(source @ own.T)
    return turn


def _shoulder(thorax: Array, upper_arm: Array) -> Array:
    """Let the shoulder blade go along with the arm; the source's own hardly moves."""
    relative = rotation.multiply(rotation.conjugate(thorax), upper_arm)
    rest = np.broadcast_to(np.array([1.0, 0.0, 0.0, 0.0]), relative.shape)
    share = np.full(relative.shape[:-1], _SHOULDER_SHARE)
    return rotation.multiply(thorax, rotation.slerp(rest, relative, share))
