"""The truth: when soles touch the floor, read from the finished motion and from nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from otio_foley.train.stage import rotation
from otio_foley.train.stage.body import Body, IntArray, index, place_joints
from otio_foley.train.stage.retarget import SIDES, BodyMotion, Side
from otio_foley.train.stage.rotation import Array

Part = Literal["heel", "toe", "flat"]

TRUTH_RATE_HZ = 1000.0
_TOUCH_M = 0.001
_RELEASE_M = 0.003
_SHORTEST_S = 0.040
# A sole that brushes past moves with the leg; one that carries weight stands.
_GRAZE_M_S = 0.5
# Heel and toe reach the floor together if neither is higher than this: about 3 degrees of
# pitch over a shoe's length, less than a heel strike ever shows.
_FLAT_M = 0.012


@dataclass(frozen=True, slots=True, kw_only=True)
class SolePath:
    """The sole of one foot over time."""

    rate_hz: float
    heel_height_m: Array
    """(T,) lowest vertex behind the middle of the sole."""
    toe_height_m: Array
    """(T,) lowest vertex before it."""
    speed_m_s: Array
    """(T,) horizontal speed of the material point that is lowest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SoleContact:
    """One stay of one foot on the floor."""

    time_s: float
    foot: Side
    part: Part
    toe_off_s: float | None
    """None where the motion ends before the foot leaves."""
    drop_m_s: float
    """Speed of the touching part towards the floor just before, metres a second.

    A foot comes down at least as fast as the captured ankle fell, at its fastest moment in the last
    0.15 s (`feet`). A proxy
    of the impact's force: the first peak comes of how fast foot and shank, 8 % of the body's mass,
    are stopped (Clark, Ryan and Weyand 2017, J. Exp. Biol. 220, 247-258). Treads add nothing."""
    heel_s: float | None
    """When the heel first touches within the stay, never before `time_s`; None where it never does
    (tiptoe)."""
    toe_s: float | None
    """When the toes first touch within the stay, never before `time_s`."""
    heel_off_s: float | None
    """When the heel last leaves within the stay; None where it never touches, or does not leave
    before the motion ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Footing:
    """How well the feet stand, over all stances."""

    slide_m: float
    """Longest way that the standing part of a sole moves over the floor in one stance."""
    sinking_m: float
    """Deepest sole vertex below the floor."""
    floating_m: float
    """Highest that the lowest vertex of a standing foot is above the floor."""


def find_contacts(path: SolePath, foot: Side) -> tuple[SoleContact, ...]:
    """Contacts of one foot, in order; a foot that stands at the first sample has made none.

    A contact begins where the lowest height comes under ``_TOUCH_M`` and is then carried back
    along its speed to height zero, so that a foot coming down at constant speed is timed
    exactly; it must stay down for ``_SHORTEST_S`` and not slide along like a graze.
    """
    height = np.minimum(path.heel_height_m, path.toe_height_m)
    found = []
    for first, last in _stays(height):
        if first == 0 or last - first < _SHORTEST_S * path.rate_hz:
            continue
        settled = path.speed_m_s[first : first + round(_SHORTEST_S * path.rate_hz)]
        if np.median(settled) > _GRAZE_M_S:
            continue
        drop = _drop(height, first)
        ended = last < len(height)
        time_s = (first - 1 + _share(height, first, drop)) / path.rate_hz
        found.append(
            SoleContact(
                time_s=time_s,
                foot=foot,
                part=_part(path, first),
                toe_off_s=last / path.rate_hz if ended else None,
                drop_m_s=drop * path.rate_hz,
                **_parts_of_stay(path, first, last, time_s),
            )
        )
    return tuple(found)


def _parts_of_stay(path: SolePath, first: int, last: int, time_s: float) -> dict[str, float | None]:
    heel = np.flatnonzero(path.heel_height_m[first:last] < _RELEASE_M)
    toe = np.flatnonzero(path.toe_height_m[first:last] < _RELEASE_M)
    # The lower part touches first and is the one that was timed; the other's threshold is wider.
    heel_first = path.heel_height_m[first] < path.toe_height_m[first]
    off = first + int(heel[-1]) + 1 if len(heel) else len(path.heel_height_m)
    return {
        "heel_s": _touch_s(heel, first, path.rate_hz, time_s, leads=heel_first),
        "toe_s": _touch_s(toe, first, path.rate_hz, time_s, leads=not heel_first),
        "heel_off_s": off / path.rate_hz if off < len(path.heel_height_m) else None,
    }


def _touch_s(
    down: IntArray, first: int, rate_hz: float, time_s: float, *, leads: bool
) -> float | None:
    if not len(down):
        return None
    return time_s if leads else max(time_s, (first + int(down[0])) / rate_hz)


def body_contacts(body: Body, motion: BodyMotion) -> tuple[SoleContact, ...]:
    """Contacts of both feet in a finished motion, by time."""
    found = [c for foot in SIDES for c in find_contacts(sole_path(body, motion, foot), foot)]
    return tuple(sorted(found, key=lambda contact: contact.time_s))


def sole_points(body: Body, motion: BodyMotion, foot: Side) -> Array:
    """Skinned sole vertices (T, S, 3) in metres at 1 ms."""
    times = np.arange(int(motion.duration_s * TRUTH_RATE_HZ + 1e-6) + 1) / TRUTH_RATE_HZ
    pose = motion.at(times)
    joints = place_joints(body, pose.rotations, pose.pelvis_m)
    which = body.sole_left if foot == "left" else body.sole_right
    points = np.zeros((len(times), len(which), 3))
    # The same sum as ``body.skin``, over the two joints that carry a sole.
    for number in (index(f"foot_{foot}"), index(f"toes_{foot}")):
        turned = rotation.to_matrices(pose.rotations[:, number])
        arms = body.vertices_m[which] - body.joints_m[number]
        moved = arms @ np.swapaxes(turned, 1, 2) + joints[:, number, None]
        points += body.weights[which, number][None, :, None] * moved
    if motion.ground_m is not None:
        # Heights count from the tread under the foot.
        own = motion.ground_m[:, SIDES.index(foot)]
        points[:, :, 1] -= np.interp(times, motion.times_s, own)[:, None]
    return points


def sole_path(body: Body, motion: BodyMotion, foot: Side) -> SolePath:
    """Heights and speed of one sole at 1 ms, from the skinned mesh."""
    which = body.sole_left if foot == "left" else body.sole_right
    points = sole_points(body, motion, foot)
    depth = body.vertices_m[which, 2]
    behind = depth < (depth.min() + depth.max()) / 2.0
    lowest = np.argmin(points[:-1, :, 1], axis=1)
    rows = np.arange(len(lowest))
    step = points[1:][rows, lowest] - points[:-1][rows, lowest]
    speed = np.hypot(step[:, 0], step[:, 2]) * TRUTH_RATE_HZ
    return SolePath(
        rate_hz=TRUTH_RATE_HZ,
        heel_height_m=points[:, behind, 1].min(axis=1),
        toe_height_m=points[:, ~behind, 1].min(axis=1),
        speed_m_s=np.append(speed, speed[-1]),
    )


def measure_footing(body: Body, motion: BodyMotion) -> Footing:
    """Measure slide, sinking and floating over all stances of both feet."""
    slide = sinking = floating = 0.0
    for foot in SIDES:
        path = sole_path(body, motion, foot)
        height = np.minimum(path.heel_height_m, path.toe_height_m)
        sinking = max(sinking, float(-height.min()))
        for first, last in _stays(height):
            # The very last milliseconds of a stay are the foot leaving.
            inner = slice(first, max(first + 1, last - 5))
            slide = max(slide, float(path.speed_m_s[inner].sum() / path.rate_hz))
            floating = max(floating, float(height[inner].max()))
    return Footing(slide_m=slide, sinking_m=max(sinking, 0.0), floating_m=floating)


def _stays(height: Array) -> list[tuple[int, int]]:
    """Half-open ranges from coming under ``_TOUCH_M`` to rising over ``_RELEASE_M``."""
    stays = []
    start = -1
    for sample, value in enumerate(height):
        if start < 0 and value < _TOUCH_M:
            start = sample
        elif start >= 0 and value > _RELEASE_M:
            stays.append((start, sample))
            start = -1
    if start >= 0:
        stays.append((start, len(height)))
    return stays


def _drop(height: Array, first: int) -> float:
    """Fall per sample just before contact; the last step may already be cut short by the floor."""
    before = max(first - 2, 0)
    return max(float(height[before] - height[before + 1]), float(height[first - 1] - height[first]))


def _share(height: Array, first: int, drop: float) -> float:
    """Samples after ``first - 1`` until height zero, following the fall for at most 10 ms more."""
    share = max(float(height[first - 1]), 0.0) / max(drop, 1e-9)
    return min(share, 1.0 + 0.010 * TRUTH_RATE_HZ)


def _part(path: SolePath, first: int) -> Part:
    heel, toe = float(path.heel_height_m[first]), float(path.toe_height_m[first])
    if max(heel, toe) < _FLAT_M:
        return "flat"
    return "heel" if heel < toe else "toe"
