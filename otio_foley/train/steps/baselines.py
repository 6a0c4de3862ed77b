"""Rules to compare with, on the tracks that the product's own rules use (untangled, smoothed).

A detector is any callable from one person's keypoints and the camera's motion to contacts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

import numpy as np
from scipy.ndimage import minimum_filter1d
from scipy.signal import find_peaks

from otio_foley.analysis.kinematics import kinematic_contacts
from otio_foley.analysis.tracks import GRID_HZ, FootTrack, GaitTrack, gait_tracks
from otio_foley.types import CameraMotion, Contact, FloatArray, Pose

Detector: TypeAlias = Callable[[Pose, CameraMotion], Sequence[Contact]]

#: One foot's contacts are further apart than this, and its heel goes to and fro by this much (leg
#: lengths) before the hips.
_STRIDE_S = 0.4
_EXCURSION = 0.15

#: A foot stands that is lower than this over its lowest place nearby and slower than this (leg
#: lengths, and per second), for so long.
_LOW = 0.06
_SLOW = 1.0
_STANDS_S = 0.08
_NEARBY_S = 0.6


def zeni(pose: Pose, camera: CameraMotion) -> tuple[Contact, ...]:
    """Zeni et al. 2008: contact where the heel is farthest ahead of the hips, toe-off where the toe
    is farthest behind.

    Ahead is the direction in the picture in which the heels go to and fro most, towards where the
    hips go.
    """
    return _of_tracks(pose, camera, _zeni_times)


def height_and_speed(pose: Pose, camera: CameraMotion) -> tuple[Contact, ...]:
    """Contact where a foot becomes low and slow, toe-off where it no longer is.

    Low is next to its lowest place in the picture shortly before and after; slow over ground.
    """
    return _of_tracks(pose, camera, _low_and_slow)


#: In the order of the table. The last is the product's, as it is.
BASELINES: Final[Mapping[str, Detector]] = {
    "Zeni 2008": zeni,
    "height and speed": height_and_speed,
    "kinematic rules": kinematic_contacts,
}

_Times: TypeAlias = Sequence[tuple[int, int | None]]


def _of_tracks(
    pose: Pose, camera: CameraMotion, rule: Callable[[GaitTrack, FootTrack], _Times]
) -> tuple[Contact, ...]:
    found = [
        Contact(
            person=pose.person,
            time_s=float(track.times_s[on]),
            toe_off_s=None if off is None else float(track.times_s[off]),
            foot=foot.foot,
            part="heel",
            strength=1.0,
            fall_speed=0.0,
            confidence=1.0,
            found_by=rule.__name__.lstrip("_"),
        )
        for track in gait_tracks(pose, camera)
        for foot in (track.left, track.right)
        for on, off in rule(track, foot)
    ]
    return tuple(sorted(found, key=lambda one: one.time_s))


def _zeni_times(track: GaitTrack, foot: FootTrack) -> _Times:
    ahead = _ahead(track)
    heel = (foot.heel - track.hips) @ ahead
    toe = (foot.toe - track.hips) @ ahead
    apart = max(1, round(_STRIDE_S * GRID_HZ))
    strikes, _ = find_peaks(heel, prominence=_EXCURSION, distance=apart)
    offs, _ = find_peaks(-toe, prominence=_EXCURSION, distance=apart)
    return [(int(on), next((int(off) for off in offs if on < off), None)) for on in strikes]


def _ahead(track: GaitTrack) -> FloatArray:
    """Unit vector (2,) in the picture."""
    swings = np.concatenate([track.left.heel - track.hips, track.right.heel - track.hips])
    _, _, axes = np.linalg.svd(swings - swings.mean(axis=0), full_matrices=False)
    axis = np.asarray(axes[0])
    way = float((track.hips[-1] - track.hips[0]) @ axis)
    return axis if way >= 0 else -axis


def _low_and_slow(track: GaitTrack, foot: FootTrack) -> _Times:
    height = -np.maximum(foot.heel[:, 1], foot.toe[:, 1])
    reach = 2 * round(_NEARBY_S * GRID_HZ) + 1
    over = height - minimum_filter1d(height, min(reach, 2 * len(height) - 1))
    middle = (foot.heel + foot.toe) / 2
    speed = np.linalg.norm(np.gradient(middle, 1.0 / GRID_HZ, axis=0), axis=1)
    stands = (over < _LOW) & (speed < _SLOW)
    edges = np.flatnonzero(np.diff(np.r_[False, stands, False].astype(np.int8)))
    return [
        (int(on), int(off) if off < len(stands) else None)
        for on, off in zip(edges[::2], edges[1::2], strict=True)
        # A foot that stands in the first picture came down before it.
        if on > 0 and off - on >= _STANDS_S * GRID_HZ
    ]
