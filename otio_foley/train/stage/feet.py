"""Feet that stand still: each shoe rolls on the floor without slipping, the legs follow by IK.

While a foot stands, its lowest part must not move over the floor. So the shoe's attitude is
taken from the motion (steady heading, no sideways tilt) and its place from rolling on that
attitude; between stances the correction fades over. Both legs are then solved as two bones.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from otio_foley.train.stage import rotation
from otio_foley.train.stage.body import Body, index, place_joints
from otio_foley.train.stage.retarget import SIDES, BodyMotion, Side, hinge_axis, leg_length_m
from otio_foley.train.stage.rotation import Array

Flags = NDArray[np.bool_]
#: For each foot, at which samples (T,) it is meant to stand.
Stances: TypeAlias = Mapping[Side, Flags]

_CLEARANCE_M = 0.012
_LIFT_S = 0.060
# A fall is judged by its fastest moment in the time before a contact: in its last moments a
# captured foot brakes on a floor that the body's foot has yet to reach.
_FALL_S = 0.150
_FALL_MOMENT_S = 0.040
# Slower, the sole would be within a millimetre of the floor for long before it stands.
_SLOWEST_FALL_M_S = 0.15
_NEAR_FLOOR_M = 0.022
_SLOW_M_S = 0.55
_SLOW_SHARE = 0.45
_SLOW_FALL_SHARE = 0.8
# A plate feels a foot at the fastest fall of its middle: 23 contacts of seven people over ground,
# whose medians lie within 7 ms of it but for one at 18 (`steps.landings`). Slower falls tell
# nothing.
_LANDING_M_S = 0.1
_BRAKING_S = 0.060
_SHORTEST_STANCE_S = 0.08
_SHORTEST_GAP_S = 0.06
# Below any swing of the captures, of which the shortest is 0.31 s.
_SHORTEST_SWING_S = 0.2
_DEAD_PITCH_RAD = np.radians(4.0)
_TOE_BEND_RAD = np.radians(38.0)
_REACH_SHARE = 0.9985


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """Stairs along +z: `heights_m` has one entry more than `edges_m`, for what lies before them."""

    edges_m: tuple[float, ...]
    heights_m: tuple[float, ...]

    def height_at(self, z_m: float) -> float:
        """Height of the tread at a place."""
        return self.heights_m[bisect_right(self.edges_m, z_m)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attitude:
    """How a shoe is held over time, (T,) each, radians."""

    yaw: Array
    pitch_up: Array
    roll: Array


def lock_feet(
    body: Body,
    motion: BodyMotion,
    *,
    heel_up_rad: float = 0.0,
    lift_gain: float = 1.0,
    steps: Steps | None = None,
    stances: Stances | None = None,
) -> BodyMotion:
    """Return the motion with feet that neither slide nor sink; sample it finely (1 kHz) first.

    `heel_up_rad` holds the heels up throughout (tiptoe); `lift_gain` raises swinging feet higher
    than the source does; `steps` are stairs along +z. `stances` says when feet stand, where
    the motion itself would mislead (`plan_stances`).
    """
    joints = place_joints(body, motion.rotations, motion.pelvis_m)
    planned = plan_stances(body, motion) if stances is None else stances
    turns = motion.rotations.copy()
    ankles: dict[str, Array] = {}
    ground = np.zeros((len(joints), 2))
    for number, side in enumerate(SIDES):
        raw = _lifted(joints[:, index(f"foot_{side}")], lift_gain)
        stance = planned[side]
        attitude = _attitude(turns[:, index(f"foot_{side}")])
        attitude = _level(attitude, joints[:, index(f"foot_{side}")], motion.rate_hz, stance)
        attitude = replace(attitude, pitch_up=attitude.pitch_up - heel_up_rad)
        attitude = _steady(attitude, stance, motion.rate_hz)
        foot, toes = shoe_turns(attitude, stance, motion.rate_hz)
        turns[:, index(f"foot_{side}")] = foot
        turns[:, index(f"toes_{side}")] = toes
        sole = _sole_about_ankle(body, side, foot, toes)
        ankles[side] = _roll_and_swing(raw, sole, stance, motion.rate_hz)
        if steps is not None:
            ground[:, number] = _ground(ankles[side], stance, steps)
            ankles[side][:, 1] += ground[:, number]
    lift = _pelvis_lift(joints, ankles, planned, motion.rate_hz)
    moved = joints + lift[:, None, None] * np.array([0.0, 1.0, 0.0])
    drop = _pelvis_drop(body, moved, ankles, motion.rate_hz)
    height = (lift - drop)[:, None] * np.array([0.0, 1.0, 0.0])
    for side in SIDES:
        hip = joints[:, index(f"thigh_{side}")] + height
        thigh, shank = _solve_leg(body, side, hip, ankles[side], turns)
        turns[:, index(f"thigh_{side}")] = thigh
        turns[:, index(f"shank_{side}")] = shank
    return replace(
        motion,
        pelvis_m=motion.pelvis_m + height,
        rotations=rotation.continuous(turns),
        ground_m=None if steps is None else ground,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Footfall:
    """A foot that comes to stand in a motion that is not locked yet."""

    time_s: float
    foot: Side
    z_m: float
    """Where its ankle is, on the mean of the stance."""


def plan_stances(body: Body, motion: BodyMotion) -> Stances:
    """When each foot of an unlocked motion is meant to stand.

    The motion should be as captured: on the spot, a foot that stands is carried back as on a
    treadmill, and of small or slow steps no threshold tells the swing.
    """
    joints = place_joints(body, motion.rotations, motion.pelvis_m)
    planned: dict[Side, Flags] = {}
    for side in SIDES:
        ankle = joints[:, index(f"foot_{side}")]
        attitude = _attitude(motion.rotations[:, index(f"foot_{side}")])
        attitude = _level(attitude, ankle, motion.rate_hz)
        planned[side] = find_stance(body, side, attitude, ankle, motion.rate_hz)
    return planned


def footfalls(body: Body, motion: BodyMotion, stances: Stances) -> tuple[Footfall, ...]:
    """Where and when feet come to stand in an unlocked motion, in order of time; one that stands
    at the first sample is among them."""
    joints = place_joints(body, motion.rotations, motion.pelvis_m)
    found = [
        Footfall(
            time_s=first / motion.rate_hz,
            foot=side,
            z_m=float(joints[first:last, index(f"foot_{side}"), 2].mean()),
        )
        for side in SIDES
        for first, last in runs(stances[side])
    ]
    return tuple(sorted(found, key=lambda fall: fall.time_s))


def _lifted(ankle: Array, gain: float) -> Array:
    """An ankle's path (T, 3) with its height above a standing foot's multiplied."""
    low = np.quantile(ankle[:, 1], 0.05)
    raised = ankle.copy()
    raised[:, 1] = low + gain * (ankle[:, 1] - low)
    return raised


def _ground(ankle: Array, stance: Flags, steps: Steps) -> Array:
    """Height of the floor under a foot (T,): its tread while it stands; a foot that swings up is
    up by half of its way, one that swings down stays up until then."""
    ground = np.zeros(len(ankle))
    standing = runs(stance)
    heights = [steps.height_at(float(ankle[first:last, 2].mean())) for first, last in standing]
    for (first, last), height in zip(standing, heights, strict=True):
        ground[first:last] = height
    for (before, low), (after, high) in pairwise(zip(standing, heights, strict=True)):
        count = after[0] - before[1]
        share = 2.0 * (np.arange(count) + 0.5) / count - (0.0 if high > low else 1.0)
        share = np.clip(share, 0.0, 1.0)
        share = share * share * (3.0 - 2.0 * share)
        ground[before[1] : after[0]] = low + (high - low) * share
    if standing:
        ground[: standing[0][0]] = heights[0]
        ground[standing[-1][1] :] = heights[-1]
    return ground


def find_stance(body: Body, side: str, attitude: Attitude, ankle_m: Array, rate_hz: float) -> Flags:
    """When a foot of the unlocked motion is meant to stand (T,): low and slow.

    Only plans where feet are held; the truth is read from the finished motion by ``contacts``.
    """
    always = np.ones(len(ankle_m), dtype=np.bool_)
    sole = _sole_about_ankle(body, side, *shoe_turns(attitude, always, rate_hz))
    lowest = np.argmin(sole[:, :, 1], axis=1)
    height = np.take_along_axis(sole[:, :, 1], lowest[:, None], 1)[:, 0] + ankle_m[:, 1]
    point = np.take_along_axis(sole, lowest[:, None, None], 1)[:, 0]
    # The speed of the material point that is lowest, not of the changing lowest place.
    ahead = np.minimum(np.arange(len(sole)) + 1, len(sole) - 1)
    moved = sole[ahead, lowest] - point + ankle_m[ahead] - ankle_m
    speed = _smooth(np.linalg.norm(moved[:, [0, 2]], axis=1) * rate_hz, 0.008 * rate_hz)
    travel = np.linalg.norm(ankle_m[-1, [0, 2]] - ankle_m[0, [0, 2]]) / len(sole) * rate_hz
    # The floor is a level that the foot keeps to: a heel that strikes may dip below it for a
    # moment, where a capture is coarse or its foot is longer than the body's.
    kept = -_rolling_min(-height, round(_SHORTEST_STANCE_S * rate_hz / 2.0))
    floor = _smooth(_rolling_min(kept, round(0.5 * rate_hz)), 0.15 * rate_hz)
    # A foot that falls fast has landed as soon as it is down, whatever it still does sideways.
    fall = np.maximum(-np.gradient(_smooth(height, 0.008 * rate_hz)) * rate_hz, 0.0)
    fall = -_rolling_min(-fall, round(0.04 * rate_hz))
    slow = np.maximum(max(_SLOW_M_S, _SLOW_SHARE * float(travel)), _SLOW_FALL_SHARE * fall)
    standing = (height - floor < _NEAR_FLOOR_M) & (speed < slow)
    standing = ~_without_short(~standing, round(_SHORTEST_GAP_S * rate_hz))
    standing = _without_short(standing, round(_SHORTEST_STANCE_S * rate_hz))
    # Only what is a stance by itself is joined: a push-off that halts is one, not two.
    standing = ~_without_short(~standing, round(_SHORTEST_SWING_S * rate_hz))
    middle = _smooth(sole[:, :, 1].mean(axis=1) + ankle_m[:, 1], 0.008 * rate_hz)
    return _from_landing(standing, np.gradient(middle) * rate_hz, round(_BRAKING_S * rate_hz))


def _from_landing(standing: Flags, rise_m_s: Array, braking: int) -> Flags:
    """Stances from the foot's fastest fall on, if that is soon after it is low and slow: until then
    the leg brakes it, and the floor carries nothing yet."""
    landed = standing.copy()
    for first, last in runs(standing):
        near = rise_m_s[first : min(last, first + braking)]
        trough = int(near.argmin())
        if first > 0 and trough < len(near) - 1 and near[trough] < -_LANDING_M_S:
            landed[first : first + trough] = False
    return landed


def shoe_turns(attitude: Attitude, stance: Flags, rate_hz: float) -> tuple[Array, Array]:
    """Global turns (T, 4) of foot and toes: the toes stay flat while the heel is up."""
    foot = _compose(attitude)
    weight = _smooth(stance.astype(np.float64), 0.030 * rate_hz)
    down = np.maximum(-attitude.pitch_up, 0.0)
    bend = _TOE_BEND_RAD * np.tanh(down / _TOE_BEND_RAD) * weight
    # A positive turn about x lowers what lies ahead, so the toes turn the other way.
    toes = rotation.multiply(foot, rotation.axis_angle(np.array([1.0, 0.0, 0.0]), -bend))
    return foot, toes


def _attitude(turns: Array) -> Attitude:
    ahead = rotation.rotate(turns, np.array([0.0, 0.0, 1.0]))
    yaw = np.unwrap(rotation.angle(ahead[:, 0], ahead[:, 2]))
    pitch = np.arcsin(np.clip(ahead[:, 1], -1.0, 1.0))
    zero = np.zeros_like(yaw)
    upright = _compose(Attitude(yaw=yaw, pitch_up=pitch, roll=zero))
    rest = rotation.multiply(rotation.conjugate(upright), turns)
    roll = 2.0 * rotation.angle(rest[:, 3], rest[:, 0])
    roll = (roll + np.pi) % (2.0 * np.pi) - np.pi
    return Attitude(yaw=yaw, pitch_up=pitch, roll=roll)


def _compose(attitude: Attitude) -> Array:
    x, y, z = np.eye(3)
    return rotation.multiply(
        rotation.axis_angle(y, attitude.yaw),
        rotation.multiply(
            rotation.axis_angle(x, -attitude.pitch_up), rotation.axis_angle(z, attitude.roll)
        ),
    )


def _level(
    attitude: Attitude, ankle: Array, rate_hz: float, stance: Flags | None = None
) -> Attitude:
    """Take out how the source's flat foot was off the level, judged where the foot lies still.

    Where stances are known, one that is carried over the floor lies still too.
    """
    speed = np.gradient(ankle, axis=0) * rate_hz
    pace = np.linalg.norm(speed, axis=1) if stance is None else np.abs(speed[:, 1])
    turning = np.abs(np.gradient(attitude.pitch_up)) * rate_hz
    score = _smooth(pace / 0.1 + turning / 0.3, 0.03 * rate_hz)
    if stance is not None and stance.any():
        score = np.where(stance, score, np.inf)
    still = score <= np.quantile(score[np.isfinite(score)], 0.15 if stance is None else 0.3)
    pitch = attitude.pitch_up - np.median(attitude.pitch_up[still])
    # Small tilts of a standing foot are the source's error, not a step on the heel's edge.
    pitch = pitch - _DEAD_PITCH_RAD * np.tanh(pitch / _DEAD_PITCH_RAD)
    return replace(attitude, pitch_up=pitch, roll=attitude.roll - np.median(attitude.roll[still]))


def _steady(attitude: Attitude, stance: Flags, rate_hz: float) -> Attitude:
    """Hold the heading through each stance and take out the sideways tilt there."""
    yaw = attitude.yaw.copy()
    offset = np.zeros_like(yaw)
    for first, last in runs(stance):
        offset[first:last] = np.mean(yaw[first:last]) - yaw[first:last]
    offset = _bridge(offset[:, None], stance)[:, 0]
    loose = 1.0 - _smooth(stance.astype(np.float64), 0.03 * rate_hz)
    loose = np.where(stance, 0.0, np.maximum(2.0 * loose - 1.0, 0.0))
    return replace(attitude, yaw=yaw + offset, roll=attitude.roll * loose)


def _sole_about_ankle(body: Body, side: str, foot: Array, toes: Array) -> Array:
    """Sole vertices (T, S, 3) relative to the ankle."""
    which = body.sole_left if side == "left" else body.sole_right
    share = body.weights[which, index(f"toes_{side}")][None, :, None]
    ankle = body.joints_m[index(f"foot_{side}")]
    ball = body.joints_m[index(f"toes_{side}")]
    points = body.vertices_m[which]
    foot_m, toes_m = rotation.to_matrices(foot), rotation.to_matrices(toes)
    with_foot = (points - ankle) @ np.swapaxes(foot_m, 1, 2)
    with_toes = (points - ball) @ np.swapaxes(toes_m, 1, 2) + (foot_m @ (ball - ankle))[:, None]
    sole: Array = with_foot * (1.0 - share) + with_toes * share
    return sole


def _roll_and_swing(raw: Array, sole: Array, stance: Flags, rate_hz: float) -> Array:
    """Ankle path (T, 3): rolling on the floor in stance, the corrected source between."""
    lowest = sole[:, :, 1].min(axis=1)
    offset = np.zeros_like(raw)
    for first, last in runs(stance):
        part = sole[first:last]
        # What lies within a fraction of a millimetre of the lowest carries the foot together.
        load = np.exp(-(part[:, :, 1] - lowest[first:last, None]) / 0.0005)
        load /= load.sum(axis=1, keepdims=True)
        steps = np.einsum("ts,tsa->ta", load[:-1], part[:-1] - part[1:])
        path = np.concatenate([np.zeros((1, 3)), np.cumsum(steps, axis=0)])
        path[:, [0, 2]] += np.mean(raw[first:last, [0, 2]] - path[:, [0, 2]], axis=0)
        path[:, 1] = -lowest[first:last]
        offset[first:last] = path - raw[first:last]
    ankle = raw + _bridge(offset, stance)
    for first, last in runs(~stance):
        closes = last < len(raw)
        ankle[first:last, 1] += _clear(
            ankle[first:last, 1] + lowest[first:last],
            rate_hz,
            opens=first > 0,
            fall_m_s=_fall_m_s(raw, last, rate_hz) if closes else None,
        )
    return ankle


def _fall_m_s(ankle: Array, contact: int, rate_hz: float) -> float:
    """How fast a foot of the unlocked motion comes down before the sample of its contact."""
    height = ankle[max(contact - round(_FALL_S * rate_hz), 0) : contact + 1, 1]
    moment = min(round(_FALL_MOMENT_S * rate_hz), len(height) - 1)
    fastest = float((height[:-moment] - height[moment:]).max()) * rate_hz / moment
    return max(fastest, _SLOWEST_FALL_M_S)


def _clear(height: Array, rate_hz: float, *, opens: bool, fall_m_s: float | None) -> Array:
    """How much to raise a swinging foot (T,) so that it leaves the floor briskly, stays off, and
    comes down as fast as it did in the source (None where it does not come down)."""
    count = len(height)
    since = (np.arange(count) + 1.0) / rate_hz if opens else np.full(count, np.inf)
    until = (count - np.arange(count)) / rate_hz
    drop_s = 0.0 if fall_m_s is None else np.pi / 2.0 * _CLEARANCE_M / fall_m_s
    need = _CLEARANCE_M
    for left, length_s in ((since, _LIFT_S), (until, drop_s)):
        share = left / length_s if length_s else np.ones(count)
        need = need * np.sin(np.pi / 2.0 * np.clip(share, 0.0, 1.0))
    wanted = np.asarray(need)
    apart = height - wanted
    raised: Array = (apart + np.sqrt(apart * apart + (0.5 * wanted) ** 2)) / 2.0 + wanted
    return raised - height


def _bridge(offset: Array, stance: Flags) -> Array:
    """Carry offsets (T, N) known in stance across the swings.

    A cubic leaves each stance with the speed that the offset had there, so that the foot lifts
    off without a jerk, and meets the next one at rest: a landing is an impact anyway.
    """
    out = offset.copy()
    standing = list(runs(stance))
    if not standing:
        return out
    out[: standing[0][0]] = offset[standing[0][0]]
    out[standing[-1][1] :] = offset[standing[-1][1] - 1]
    for (_, first), (last, _) in pairwise(standing):
        length = last - first + 1
        share = (np.arange(first, last) - first + 1.0)[:, None] / length
        start, end = offset[first - 1], offset[last]
        slope = (offset[first - 1] - offset[max(first - 5, 0)]) / 4.0 * length
        # Bounded, because a long swing would otherwise overshoot.
        slope = np.clip(slope, -0.25, 0.25)
        s2, s3 = share * share, share**3
        out[first:last] = (
            (2.0 * s3 - 3.0 * s2 + 1.0) * start
            + (s3 - 2.0 * s2 + share) * slope
            + (3.0 * s2 - 2.0 * s3) * end
        )
    return out


def _pelvis_lift(
    joints: Array, ankles: dict[str, Array], stances: Stances, rate_hz: float
) -> Array:
    """Slow vertical correction (T,) that follows the corrections of the standing feet."""
    total = np.zeros(len(joints))
    weight = np.full(len(joints), 1e-9)
    for side in SIDES:
        change = ankles[side][:, 1] - joints[:, index(f"foot_{side}"), 1]
        total += np.where(stances[side], change, 0.0)
        weight += stances[side]
    known = weight > 0.5
    times = np.arange(len(joints))
    lift = np.interp(times, times[known], (total / weight)[known])
    return _smooth(lift, 0.12 * rate_hz)


def _pelvis_drop(body: Body, joints: Array, ankles: dict[str, Array], rate_hz: float) -> Array:
    """How far (T,) the hips must come down so that both ankles stay within the legs' reach."""
    reach = leg_length_m(body) * (_REACH_SHARE - 0.002)
    need = np.zeros(len(joints))
    for side in SIDES:
        between = joints[:, index(f"thigh_{side}")] - ankles[side]
        level = np.minimum(np.linalg.norm(between[:, [0, 2]], axis=1), 0.98 * reach)
        need = np.maximum(need, between[:, 1] - np.sqrt(reach**2 - level**2))
    width = round(0.08 * rate_hz)
    return _smooth(-_rolling_min(-need, width), 0.03 * rate_hz)


def _solve_leg(
    body: Body, side: str, hip: Array, ankle: Array, turns: Array
) -> tuple[Array, Array]:
    """Two-bone inverse kinematics: turns (T, 4) of thigh and shank, knee plane as captured."""
    rest_hip, rest_knee, rest_ankle = (
        body.joints_m[index(f"{joint}_{side}")] for joint in ("thigh", "shank", "foot")
    )
    upper = float(np.linalg.norm(rest_knee - rest_hip))
    lower = float(np.linalg.norm(rest_ankle - rest_knee))
    way = ankle - hip
    distance = np.clip(
        np.linalg.norm(way, axis=1), abs(upper - lower) + 0.01, (upper + lower) * _REACH_SHARE
    )
    straight = rotation.normalise(way)
    crosswise = hinge_axis(body, "leg", side)
    hinge = rotation.rotate(turns[:, index(f"thigh_{side}")], crosswise)
    hinge = rotation.frames(straight, hinge)[..., 1]
    forward = np.cross(straight, hinge)
    cosine = (upper**2 + distance**2 - lower**2) / (2.0 * upper * distance)
    angle = np.arccos(np.clip(cosine, -1.0, 1.0))[:, None]
    thigh = np.cos(angle) * straight + np.sin(angle) * forward
    shank = straight * distance[:, None] - thigh * upper
    solved = []
    for rest, now in ((rest_knee - rest_hip, thigh), (rest_ankle - rest_knee, shank)):
        frame = rotation.frames(rest, crosswise)
        solved.append(rotation.from_matrices(rotation.frames(now, hinge) @ frame.T))
    return solved[0], solved[1]


def runs(flags: Flags) -> list[tuple[int, int]]:
    """Half-open index ranges in which ``flags`` (T,) hold."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def _without_short(flags: Flags, shortest: int) -> Flags:
    out = flags.copy()
    for first, last in runs(flags):
        # A run cut off by the motion's ends may be longer than it looks.
        if last - first < shortest and first > 0 and last < len(flags):
            out[first:last] = False
    return out


def _smooth(values: Array, sigma: float) -> Array:
    """Gaussian smoothing (T,) with held ends; sigma in samples."""
    reach = max(round(3.0 * sigma), 1)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(sigma, 1e-6)) ** 2)
    padded = np.pad(values, reach, mode="edge")
    smoothed: Array = np.convolve(padded, kernel / kernel.sum(), mode="valid")
    return smoothed


def _rolling_min(values: Array, half: int) -> Array:
    padded = np.pad(values, half, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1)
    lowest: Array = windows.min(axis=1)
    return lowest
