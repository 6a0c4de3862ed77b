"""When each foot meets the floor: the contact network's times, described by kinematics.

The network (`network`) says when, on an even grid; between two samples its own estimate of the time
left decides. How a foot came down (which part first, how fast, whether the hips fell) is read from
the smoothed tracks (`kinematics`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.signal import find_peaks

from otio_foley.analysis.features import GRID_HZ, Stretch, stretches
from otio_foley.analysis.kinematics import Manner, kinematic_contacts, manner
from otio_foley.analysis.network import GAITS, ContactNetwork, Readings
from otio_foley.analysis.tracks import GaitTrack, gait_tracks
from otio_foley.types import CameraMotion, Contact, FloatArray, Foot, Gait, Pose

#: The chance above which a peak is a contact or a toe-off.
_LEAST_CHANCE = 0.35
_LEAST_TOE_OFF = 0.3
#: A foot is not seen to come down, or not to stand, where the picture of it begins or ends. Of
#: rendered people's contacts so near to that, 2 of 19 were right that the network was less than 0.7
#: sure of, 4 of 5 of the others: half as sure, the first fall below what is kept.
_BORDER_S = 0.06
_BORDER_SHARE = 0.5
#: One foot's contacts are at least so far apart: half of a sprinter's stride.
_APART_S = 0.2
#: Hips (leg lengths per second) that fall like this have fallen half a leg's length freely; no gait
#: does so. Landings nearer to a contact than this are that contact.
FREE_FALL = 3.0
_FALL_APART_S = 0.25

#: Contacts of feet of which the pose network is less sure than this are less sure by the root of
#: it. (Of rendered people's contacts with a chance of a half or more, 122 of 128 were within 0.08 s
#: of a true one where it was 65 % sure of the foot or more, 23 of 27 where it was less; where it is
#: hardly sure at all, what steps may be a lamp.)
_SURE = 0.8

#: Samples on both sides of a peak that share in its time, and in what is being done.
_AROUND = 2
_GAIT_AROUND = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """What the network says of one contact; seconds on the pose's clock, chance 0..1."""

    foot: Foot
    time_s: float
    toe_off_s: float | None
    chance: float
    gait: Gait


def find_contacts(pose: Pose, camera: CameraMotion, network: ContactNetwork) -> tuple[Contact, ...]:
    """Initial contacts of both feet of one person, in time order.

    Times are seconds from the movie's first presentation time. Strength is relative to the
    person's median landing. Somebody who falls freely and stops has landed, whether the network
    knows of such a thing (a somersault, say) or not.
    """
    found = find_landings(pose, camera, network)
    tracks = gait_tracks(pose, camera)
    manners = [_manner(tracks, landing) for landing in found]
    usual = float(np.median([one.speed for one in manners])) if found else 0.0
    told = [
        Contact(
            person=pose.person,
            time_s=landing.time_s,
            toe_off_s=landing.toe_off_s,
            foot=landing.foot,
            part=how.part,
            strength=how.speed / (usual or 1.0),
            fall_speed=how.fall_speed,
            confidence=round(landing.chance, 3),
            found_by="network",
            gait=landing.gait,
        )
        for landing, how in zip(found, manners, strict=True)
    ]
    sure = [one for one in told if one.confidence >= _LEAST_CHANCE]
    falls = [
        one
        for one in kinematic_contacts(pose, camera)
        if one.fall_speed >= FREE_FALL and not any(_is_same(one, other) for other in sure)
    ]
    told = [one for one in told if not any(_is_same(one, fall) for fall in falls)]
    return tuple(sorted((*told, *falls), key=lambda contact: contact.time_s))


def _is_same(one: Contact, other: Contact) -> bool:
    return one.foot == other.foot and abs(one.time_s - other.time_s) < _FALL_APART_S


def find_landings(pose: Pose, camera: CameraMotion, network: ContactNetwork) -> tuple[Landing, ...]:
    """Contacts and toe-offs of both feet, in time order."""
    found = [
        landing
        for stretch in stretches(pose, camera)
        for landing in landings(stretch, network.read(stretch.features))
    ]
    return tuple(sorted(found, key=lambda landing: landing.time_s))


def landings(stretch: Stretch, readings: tuple[Readings, ...]) -> Iterable[Landing]:
    """Contacts of either foot, left before right, from what a network says of a stretch; less sure
    where what they rest on is, and at the stretch's ends."""
    feet: tuple[Foot, Foot] = ("left", "right")
    doing = readings[0].gaits + readings[1].gaits
    for foot, own, sure in zip(feet, readings, stretch.sure, strict=True):
        times = [
            (peak, _time_s(stretch.times_s, own, peak))
            for peak in _peaks(own.contact, _LEAST_CHANCE)
        ]
        left = _peaks(own.toe_off, _LEAST_TOE_OFF)
        ends = [*(peak for peak, _ in times), len(stretch.times_s)][1:]
        for (peak, time_s), end in zip(times, ends, strict=True):
            leaves = [other for other in left if peak < other < end]
            from_border_s = min(time_s - stretch.times_s[0], stretch.times_s[-1] - time_s)
            seen = min(1.0, float(sure[peak]) / _SURE) ** 0.5
            if from_border_s < _BORDER_S:
                seen *= _BORDER_SHARE
            yield Landing(
                foot=foot,
                time_s=time_s,
                toe_off_s=float(stretch.times_s[leaves[0]]) if leaves else None,
                chance=float(own.contact[peak]) * seen,
                gait=_gait(doing, peak),
            )


def _gait(doing: FloatArray, peak: int) -> Gait:
    around = doing[max(0, peak - _GAIT_AROUND) : peak + _GAIT_AROUND + 1]
    return GAITS[int(around.sum(axis=0).argmax())]


def _peaks(chance: FloatArray, least: float) -> list[int]:
    # A peak may be the first or last sample.
    found, _ = find_peaks(np.r_[0.0, chance, 0.0], height=least, distance=round(_APART_S * GRID_HZ))
    return [int(peak) - 1 for peak in found]


def _time_s(times_s: FloatArray, own: Readings, peak: int) -> float:
    around = slice(max(0, peak - _AROUND), peak + _AROUND + 1)
    weight = own.contact[around]
    time_s = float((weight * (times_s[around] + own.until_s[around])).sum() / weight.sum())
    return min(max(time_s, float(times_s[0])), float(times_s[-1]))


def _manner(tracks: tuple[GaitTrack, ...], landing: Landing) -> Manner:
    for track in tracks:
        if track.times_s[0] <= landing.time_s <= track.times_s[-1] + 1.0 / GRID_HZ:
            return manner(track, landing.foot, landing.time_s)
    return Manner(part="flat", speed=0.0, fall_speed=0.0)
