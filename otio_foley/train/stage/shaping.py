"""New motions out of captured ones: mirrored, time-warped, softened, bent along circles, joined.

All of it happens before the feet are locked: what slides here is held by `feet.lock_feet` later.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from otio_foley.train.stage import rotation
from otio_foley.train.stage.body import JOINT_NAMES
from otio_foley.train.stage.retarget import BodyMotion, BodyPose
from otio_foley.train.stage.rotation import Array

_UP = np.array([0.0, 1.0, 0.0])
_MIRROR = [
    JOINT_NAMES.index(
        name.replace("left", "right") if name.endswith("left") else name.replace("right", "left")
    )
    for name in JOINT_NAMES
]


def mirrored(motion: BodyMotion) -> BodyMotion:
    """Left for right."""
    return replace(
        motion,
        pelvis_m=motion.pelvis_m * [-1.0, 1.0, 1.0],
        rotations=motion.rotations[:, _MIRROR] * [1.0, 1.0, -1.0, -1.0],
    )


def warped(motion: BodyMotion, source_s: Array, rate_hz: float) -> BodyMotion:
    """The motion with its source times (T,) played at `rate_hz`; times beyond it are held."""
    pose = motion.at(np.clip(source_s, 0.0, motion.duration_s))
    return BodyMotion(
        rate_hz=rate_hz,
        pelvis_m=pose.pelvis_m,
        rotations=rotation.continuous(pose.rotations),
    )


def faster(motion: BodyMotion, factor: float) -> BodyMotion:
    """Everything in less time: 1.2 is a fifth faster."""
    count = int(motion.duration_s / factor * motion.rate_hz) + 1
    return warped(motion, np.arange(count) / motion.rate_hz * factor, motion.rate_hz)


def toned(motion: BodyMotion, pose: BodyPose, share: Array) -> BodyMotion:
    """Between a standing pose (share 0) and the motion (share 1), (T,) or one number.

    The pose's turns count relative to its own heading +z; height and way across come from both,
    the way ahead from the motion, by its share.
    """
    weight = np.broadcast_to(np.asarray(share, dtype=np.float64), (len(motion.pelvis_m),))
    turns = rotation.slerp(
        np.broadcast_to(pose.rotations[0], motion.rotations.shape),
        motion.rotations,
        weight[:, None],
    )
    step = np.diff(motion.pelvis_m, axis=0, prepend=motion.pelvis_m[:1])
    pelvis = np.cumsum(step * weight[:, None], axis=0)
    pelvis[:, 1] = pose.pelvis_m[0, 1] * (1.0 - weight) + motion.pelvis_m[:, 1] * weight
    return replace(motion, pelvis_m=pelvis, rotations=rotation.continuous(turns))


def on_the_spot(motion: BodyMotion) -> BodyMotion:
    """Without the way travelled; what sways about it stays."""
    count = len(motion.pelvis_m)
    share = np.linspace(0.0, 1.0, count)[:, None]
    way = motion.pelvis_m[:1] * (1.0 - share) + motion.pelvis_m[-1:] * share
    return replace(motion, pelvis_m=motion.pelvis_m - way * [1.0, 0.0, 1.0])


def slow_way(motion: BodyMotion, over_s: float) -> Array:
    """What of the way over the floor (T, 3) is slower than `over_s`."""
    half = max(1, round(over_s * motion.rate_hz / 2.0))
    padded = np.pad(motion.pelvis_m, ((half, half), (0, 0)), mode="edge")
    sums = np.cumsum(np.concatenate([np.zeros((1, 3)), padded]), axis=0)
    mean: Array = (sums[2 * half + 1 :] - sums[: -2 * half - 1]) / (2 * half + 1)
    return mean * [1.0, 0.0, 1.0]


def turning(motion: BodyMotion, yaw_rad: Array) -> BodyMotion:
    """Turned about the pelvis by `yaw_rad` (T,), positive to the left."""
    turn = rotation.axis_angle(_UP, yaw_rad)
    return replace(
        motion,
        rotations=rotation.continuous(rotation.multiply(turn[:, None], motion.rotations)),
    )


def bent(motion: BodyMotion, curvature_per_m: float) -> BodyMotion:
    """A motion along +z laid round a circle; a positive curvature goes to the left."""
    if abs(curvature_per_m) < 1e-6:
        return motion
    ahead = motion.pelvis_m[:, 2]
    yaw = ahead * curvature_per_m
    radius = 1.0 / curvature_per_m - motion.pelvis_m[:, 0]
    pelvis = np.stack(
        [1.0 / curvature_per_m - radius * np.cos(yaw), motion.pelvis_m[:, 1], radius * np.sin(yaw)],
        axis=1,
    )
    return turning(replace(motion, pelvis_m=pelvis), yaw)


def placed(motion: BodyMotion, x_m: float, z_m: float, yaw_rad: float) -> BodyMotion:
    """Turned about the origin, then moved over the floor."""
    turn = rotation.axis_angle(_UP, np.array(yaw_rad))
    way = np.array([x_m, 0.0, z_m])
    return replace(
        motion,
        pelvis_m=rotation.rotate(turn, motion.pelvis_m) + way,
        rotations=rotation.continuous(rotation.multiply(turn, motion.rotations)),
    )


def heading_rad(motion: BodyMotion, sample: int) -> float:
    """Where the pelvis faces at a sample: 0 along +z, positive to the left (+x)."""
    ahead = rotation.rotate(motion.rotations[sample, 0], np.array([0.0, 0.0, 1.0]))
    return float(np.arctan2(ahead[0], ahead[2]))


def joined(first: BodyMotion, second: BodyMotion, fade_s: float) -> BodyMotion:
    """One motion after another, the last `fade_s` of the first melting into the second's first.

    The second is laid so that it goes on from where and whither the first goes in the middle of
    the fade. Both need the same rate.
    """
    fade = round(fade_s * first.rate_hz)
    middle = len(first.pelvis_m) - fade // 2 - 1
    yaw = heading_rad(first, middle) - heading_rad(second, fade // 2)
    turned = placed(second, 0.0, 0.0, yaw)
    way = (first.pelvis_m[middle] - turned.pelvis_m[fade // 2]) * [1.0, 0.0, 1.0]
    moved = replace(turned, pelvis_m=turned.pelvis_m + way)
    share = (np.arange(fade) + 0.5) / fade
    share = share * share * (3.0 - 2.0 * share)
    start = len(first.pelvis_m) - fade
    pelvis = (
        first.pelvis_m[start:] * (1.0 - share[:, None]) + moved.pelvis_m[:fade] * share[:, None]
    )
    turns = rotation.slerp(first.rotations[start:], moved.rotations[:fade], share[:, None])
    return replace(
        first,
        pelvis_m=np.concatenate([first.pelvis_m[:start], pelvis, moved.pelvis_m[fade:]]),
        rotations=rotation.continuous(
            np.concatenate([first.rotations[:start], turns, moved.rotations[fade:]])
        ),
    )


def swaying(
    pose: BodyPose, duration_s: float, rate_hz: float, rng: np.random.Generator
) -> BodyMotion:
    """Someone who stands: the pose (one instant), with the slow sway of quiet standing.

    Hips move by about 5 mm, below 0.5 Hz (Winter 1995, "Human balance and posture control during
    standing and walking"), trunk and head turn by a degree or two.
    """
    count = round(duration_s * rate_hz) + 1
    times = np.arange(count) / rate_hz
    turns = np.repeat(pose.rotations[:1], count, axis=0)
    for joint, size_deg in (("spine_low", 1.0), ("spine_high", 1.5), ("head", 4.0)):
        number = JOINT_NAMES.index(joint)
        for axis in np.eye(3):
            angle = np.radians(size_deg) * _slow_noise(times, rng)
            turns[:, number] = rotation.multiply(rotation.axis_angle(axis, angle), turns[:, number])
    sway = 0.005 * np.stack([_slow_noise(times, rng), np.zeros(count), _slow_noise(times, rng)], 1)
    return BodyMotion(rate_hz=rate_hz, pelvis_m=pose.pelvis_m[:1] + sway, rotations=turns)


def _slow_noise(times_s: Array, rng: np.random.Generator) -> Array:
    """A sum of slow sines (T,) of unit variance."""
    total = np.zeros_like(times_s)
    for _ in range(4):
        total += np.sin(2.0 * np.pi * (rng.uniform(0.08, 0.5) * times_s + rng.uniform()))
    unit: Array = total / np.sqrt(2.0)
    return unit
