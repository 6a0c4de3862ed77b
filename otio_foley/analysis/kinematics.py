"""When each foot meets the floor, from heel and toe kinematics.

A foot swings, then stands. While it stands heel and toe rest on the ground, which tells swing from
stance from any side, as long as the ground's own motion is taken off; initial contact is where the
speed of the first of them falls through a share of the swing's peak, between frames. Where someone
walks across the picture, Zeni's rule (Zeni et al. 2008: the heel is farthest ahead of the hips)
has to name about the same instant, or the step is less sure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import find_peaks

from otio_foley.analysis.tracks import GRID_HZ, FootTrack, GaitTrack, gait_tracks
from otio_foley.types import CameraMotion, Contact, FloatArray, Foot, Part, Pose

#: Speeds in leg lengths per second. A swing reaches at least _SWING; a foot slower than
#: _CONTACT_SHARE of its swing's peak (within bounds) stands. Nobody's foot is faster than _FASTEST
#: (a sprinter's comes to 20): that is a leap from one thing to another.
_SWING = 0.6
_FASTEST = 25.0
_CONTACT_SHARE = 0.15
_CONTACT_BOUNDS = (0.3, 0.8)

#: The speed of a foot that the floor stops at full speed falls from 70 % to the contact share in
#: 45 ms, which is all the low-pass's own (its step response); its contact is at half speed. A foot
#: that the leg sets down takes 75 ms and more. In between, in between.
_STOPPED_S = 0.045
_SET_DOWN_S = 0.075

#: Hips that fall this fast (leg lengths per second) as the foot comes to a stop end a jump: in
#: walking they reach 0.3, in running 0.8 (8 cm up and down at 2.8 steps a second), after a jump of
#: 10 cm 1.5.
LANDING_FALL = 1.1

#: Gravity makes hips faster by 11 leg lengths per second every second where legs are 0.9 m long, by
#: 20 where a child's are 0.5 m. Who falls farther in the time leaps: these are somebody else's
#: keypoints.
_FASTEST_FALL = 22.0
#: A fall begins at this share of its greatest speed, both over how fast somebody sinks in the
#: picture anyhow (the median of so long); one that begins before the picture does is seen for so
#: long at least.
_BEGINS = 0.1
_SINKS_S = 1.0
_SHORTEST_FALL_S = 0.15

#: A foot that lands with less than this share of its greatest speed down was stretched out before;
#: one that hardly moved was held up until then.
_STRETCHED = 0.75
_STILL = 0.3

#: A swing's greatest speed is found this long before its end.
_SWING_S = 0.4

#: A standing foot leaves the ground when it is so many times faster than when it came.
_TOE_OFF_OVER_CONTACT = 2.0

#: A foot that stands for less than this did not land.
_SHORTEST_STANCE_S = 0.05

#: A stance that is shorter than any walker's may be the top of a jump: then the foot was this much
#: (leg lengths) lower just before and just after.
_SHORT_STANCE_S = 0.25
_APEX = 0.08

#: A swing shorter than this that ends where it began is none.
_SHORTEST_SWING_S = 0.2

#: A step carries the foot at least this far (leg lengths), there or up.
_LEAST_EXCURSION = 0.1

#: Mean confidence of ankle, heel and toe below which a foot counts as not seen.
_LEAST_CONFIDENCE = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class _Landing:
    """Grid indices (fractional) of contact and toe-off; `carried` is how far the swing carried the
    foot (leg lengths), `speed` its greatest, `fall_speed` the hips' at the end of the fall."""

    contact: float
    toe_off: float | None
    part: Part
    carried: float
    speed: float
    fall_speed: float


def kinematic_contacts(pose: Pose, camera: CameraMotion) -> tuple[Contact, ...]:
    """Initial contacts of both feet of one person, in time order.

    Times are seconds from the movie's first presentation time. Strength is relative to the
    person's median landing.
    """
    contacts = [
        contact
        for track in gait_tracks(pose, camera)
        for contact in _track_contacts(pose.person, track)
    ]
    return tuple(sorted(contacts, key=lambda contact: contact.time_s))


def _track_contacts(person: int, track: GaitTrack) -> list[Contact]:
    ground = ground_velocity(track)
    found = [
        (foot, other, landing)
        for foot, other in ((track.left, track.right), (track.right, track.left))
        for landing in _landings(foot, _falling(track), ground)
    ]
    if not found:
        return []
    usual = float(np.median([landing.speed for _, _, landing in found]))
    return [
        Contact(
            person=person,
            time_s=_time_s(track, landing.contact),
            toe_off_s=None if landing.toe_off is None else _time_s(track, landing.toe_off),
            foot=foot.foot,
            part=landing.part,
            strength=landing.speed / usual,
            fall_speed=landing.fall_speed,
            confidence=_confidence(foot, track, landing),
            found_by="kinematics",
        )
        for foot, other, landing in found
        if not _is_stood_on(landing, other, ground, usual)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a foot came down: what first, the swing's greatest speed and how fast the hips fell (leg
    lengths per second)."""

    part: Part
    speed: float
    fall_speed: float


def manner(track: GaitTrack, foot: Foot, time_s: float) -> Manner:
    """How a foot came down at a time that is known."""
    own = track.left if foot == "left" else track.right
    ground = ground_velocity(track)
    heel, toe = (_speed(point, ground) for point in (own.heel, own.toe))
    middle = (heel + toe) / 2
    at = min(max(0, round((time_s - float(track.times_s[0])) * GRID_HZ)), len(middle) - 1)
    start = max(0, at - round(_SWING_S * GRID_HZ))
    peak = start + int(middle[start : at + 1].argmax())
    speed = min(float(middle[peak]), _FASTEST)
    limit = float(np.clip(_CONTACT_SHARE * speed, *_CONTACT_BOUNDS))
    fall_speed = _fall_speed(_falling(track), ground, at)
    return Manner(part=_part(heel, toe, limit, peak), speed=speed, fall_speed=fall_speed)


def _is_stood_on(landing: _Landing, other: FootTrack, ground: FloatArray, usual: float) -> bool:
    """A slight swing that leads nowhere while the other foot is in full swing: the body stands on
    this foot, and it is its keypoints that moved as the other leg passed."""
    if landing.carried > 2 * _LEAST_EXCURSION or landing.speed > 0.7 * usual:
        return False
    at = min(round(landing.contact), len(other.times_s) - 1)
    others = (_speed(other.heel, ground)[at] + _speed(other.toe, ground)[at]) / 2
    return bool(others > 0.5 * usual)


def ground_velocity(track: GaitTrack) -> FloatArray:
    """The ground's velocity (2,) in leg lengths per second: not zero on a treadmill.

    Someone whose feet stride while the hips stay stands on a moving belt (or the camera went along
    unseen by the flow): the ground moves with the lower foot.
    """
    still = np.zeros(2)
    hips = _velocity(track.hips)
    if np.hypot(*np.median(hips, axis=0)) > 0.25:
        return still
    left, right = ((foot.heel + foot.toe) / 2 for foot in (track.left, track.right))
    left_is_lower = (left[:, 1] > right[:, 1])[:, None]
    lower = np.where(left_is_lower, _velocity(left), _velocity(right))
    belt = np.median(lower, axis=0)
    return belt if np.hypot(*belt) > 0.4 else still


def _landings(foot: FootTrack, hips: FloatArray, ground: FloatArray) -> Iterable[_Landing]:
    """A foot's swings that end on the ground. A twitch while it stands is no swing."""
    heel, toe = (_speed(point, ground) for point in (foot.heel, foot.toe))
    slower, middle = np.minimum(heel, toe), (heel + toe) / 2
    # Standing still before the picture begins makes a peak of a swing that is under way then.
    swings, _ = find_peaks([0.0, *middle], height=_SWING, prominence=0.5 * _SWING)
    swings -= 1
    place = _on_ground(foot, ground)
    last = len(slower) - 1
    left_ground = 0
    for number, peak in enumerate(map(int, swings)):
        speed = float(middle[peak])
        if peak < left_ground or speed > _FASTEST:
            continue
        limit = float(np.clip(_CONTACT_SHARE * speed, *_CONTACT_BOUNDS))
        rest = _comes_to_rest(middle, slower, limit, peak, swings[number + 1 :])
        if rest is None:
            continue
        contact = _last_fall(slower, limit, peak, rest)
        left = _leaves(middle, place, limit, rest)
        toe_off = None if left is None else _toe_off(slower, limit, left)
        stood_s = ((last if toe_off is None else toe_off) - contact) / GRID_HZ
        carried = _carries(place, left_ground, round(contact))
        left_ground = last if left is None else left
        # A foot that comes down at the picture's border is not seen to stand.
        shortest_s = 0.0 if foot.at_edge[round(contact)] else _SHORTEST_STANCE_S
        if stood_s < shortest_s or carried < _LEAST_EXCURSION:
            continue
        if foot.confidence[round(contact)] < _LEAST_CONFIDENCE or (
            stood_s < _SHORT_STANCE_S and _at_apex(foot, ground, contact, stood_s)
        ):
            continue
        stopped, fall_speed = _fall(foot, hips, ground, peak, contact)
        if fall_speed < LANDING_FALL:
            stopped = _impact(slower, peak, contact)
        yield _Landing(
            contact=stopped,
            toe_off=toe_off,
            part=_part(heel, toe, limit, peak),
            carried=carried,
            speed=speed,
            fall_speed=fall_speed,
        )


def _comes_to_rest(
    middle: FloatArray, slower: FloatArray, limit: float, peak: int, later: NDArray[np.intp]
) -> int | None:
    """Index at which heel and toe rest after a swing; where they never both do before the next
    swing (a runner on the forefoot), at which one of them does."""
    swings = [int(index) for index in later if middle[index] > 0.5 * middle[peak]]
    end = swings[0] if swings else len(middle)
    for speed in (middle, slower):
        resting = np.flatnonzero(speed[peak:end] < limit)
        if len(resting):
            return peak + int(resting[0])
    return None


def _last_fall(slower: FloatArray, limit: float, peak: int, rest: int) -> float:
    """When heel or toe came to rest for good: before a rest of both, the last time that the slower
    of them fell below the limit. Seen from behind, a swinging foot's way up the picture and down to
    the floor cancel now at the heel, now at the toe, so the first time would be too early."""
    moving = np.flatnonzero(slower[peak:rest] >= limit)
    if not len(moving):
        return float(peak)
    fall = _falls_through(slower, limit, peak + int(moving[-1]))
    return float(rest) if fall is None else fall


def _toe_off(slower: FloatArray, limit: float, left: int) -> float:
    """When heel and toe both have left, if that is soon after the first of them has."""
    gone = _rises_through(slower, _TOE_OFF_OVER_CONTACT * limit, left)
    return float(left if gone is None or gone - left > 0.3 * GRID_HZ else gone)


def _at_apex(foot: FootTrack, ground: FloatArray, contact: float, stood_s: float) -> bool:
    """Whether the foot came up to where it rests and goes down from there: the top of a jump."""
    height = -(foot.heel + foot.toe)[:, 1] / 2 + ground[1] * foot.times_s
    start, end = round(contact), round(contact + stood_s * GRID_HZ)
    around = round(0.35 * GRID_HZ)
    rest = float(height[start : end + 1].max())
    before, after = height[max(0, start - around) : start], height[end : end + around]
    return min(len(before), len(after)) > 0 and bool(
        rest - before.min() > _APEX and rest - after.min() > _APEX
    )


def _fall(
    foot: FootTrack, hips: FloatArray, ground: FloatArray, peak: int, settled: float
) -> tuple[float, float]:
    """When the foot stopped falling (half its greatest downward speed), and how fast the hips fell
    in the tenth of a second before. After a jump the foot may turn and slide for long, but it falls
    no further."""
    end = round(settled) + 1
    start = max(0, min(peak, end - 1) - round(0.05 * GRID_HZ))
    down = _velocity((foot.heel + foot.toe) / 2)[:, 1] - ground[1]
    fastest = start + int(down[start:end].argmax())
    stopped = _falls_through(down, 0.5 * down[fastest], fastest)
    if stopped is None or down[fastest] <= 0:
        return settled, 0.0
    # Legs that stretch in the air make a foot faster for a moment, long before it lands: then half
    # of what it last fell with.
    last = slice(max(0, int(stopped) - round(0.1 * GRID_HZ)), int(stopped) + 1)
    impact = float(np.median(down[last]))
    if _STILL < impact / down[fastest] < _STRETCHED:
        later = _falls_through(down, 0.5 * impact, fastest)
        stopped = stopped if later is None else later
    return stopped, _fall_speed(hips, ground, round(stopped))


def _falling(track: GaitTrack) -> FloatArray:
    """The hips (N, 2) whose falls count: where they are not seen, hips that never move."""
    return track.hips if track.hips_seen else np.zeros_like(track.hips)


def _fall_speed(hips: FloatArray, ground: FloatArray, at: int) -> float:
    """How fast the hips fell in the tenth of a second before a contact; 0 where gravity cannot have
    taken them so far in the time."""
    down = _velocity(hips)[:, 1] - ground[1]
    first = max(0, at - round(0.1 * GRID_HZ))
    fastest = first + int(down[first : at + 1].argmax())
    speed = float(down[fastest])
    # Who comes nearer sinks in the picture, and may leap then, too.
    before = down[max(0, fastest - round(_SINKS_S * GRID_HZ)) : fastest + 1]
    sinks = max(0.0, float(np.median(before)))
    slower = np.flatnonzero(down[:fastest] < sinks + _BEGINS * (speed - sinks))
    start = int(slower[-1]) if len(slower) else 0
    since_s = (fastest - start) / GRID_HZ
    # Who comes into the picture falling has fallen before.
    if speed <= 0.0 or (not len(slower) and since_s < _SHORTEST_FALL_S):
        return 0.0
    fallen = float(down[start : fastest + 1].sum()) / GRID_HZ
    freely = max(0.0, float(down[start])) * since_s + _FASTEST_FALL / 2 * since_s**2
    return speed if fallen <= freely else 0.0


def _impact(speed: FloatArray, peak: int, settled: float) -> float:
    """The instant of contact between half speed (stopped by the floor) and `settled`."""
    half, most = (_falls_through(speed, share * speed[peak], peak) for share in (0.5, 0.7))
    if half is None or most is None:
        return settled
    fall_s = (settled - most) / GRID_HZ
    stopped = np.clip((_SET_DOWN_S - fall_s) / (_SET_DOWN_S - _STOPPED_S), 0.0, 1.0)
    return settled - float(stopped) * max(0.0, settled - half)


def _on_ground(foot: FootTrack, ground: FloatArray) -> FloatArray:
    """Middle of the foot (N, 2) with the ground's own motion taken off."""
    drift = ground * (foot.times_s - foot.times_s[0])[:, None]
    return np.asarray((foot.heel + foot.toe) / 2 - drift)


def _leaves(middle: FloatArray, place: FloatArray, limit: float, rest: int) -> int | None:
    """Index at which a resting foot sets off: it is fast, and fast until it is somewhere else. A
    foot that only twitches where it stands (a keypoint that leaps to the other leg) stays."""
    fast = middle >= _TOE_OFF_OVER_CONTACT * limit
    away = np.linalg.norm(place - place[rest], axis=1) > _LEAST_EXCURSION
    gone = np.flatnonzero(fast[rest:] & away[rest:])
    if not len(gone):
        return None
    slow = np.flatnonzero(~fast[rest : rest + int(gone[0])])
    return rest + (int(slow[-1]) + 1 if len(slow) else 0)


def _carries(place: FloatArray, left: int, at: int) -> float:
    """How far a swing carried the foot, there or up; there and back at once is nowhere."""
    way = np.linalg.norm(place[left : at + 1] - place[at], axis=1)
    if at - left < _SHORTEST_SWING_S * GRID_HZ and left > 0:
        return float(way[0])
    return float(way.max())


def _part(heel: FloatArray, toe: FloatArray, limit: float, peak: int) -> Part:
    """What comes to rest first; `flat` if heel and toe do so within 20 ms."""
    heel_at, toe_at = (_falls_through(speed, limit, peak) for speed in (heel, toe))
    if heel_at is None or toe_at is None:
        return "heel" if toe_at is None else "toe"
    if abs(heel_at - toe_at) < 0.02 * GRID_HZ:
        return "flat"
    return "heel" if heel_at < toe_at else "toe"


def _confidence(foot: FootTrack, track: GaitTrack, landing: _Landing) -> float:
    """Seen well, swung clearly, and Zeni's rule does not speak against it."""
    at = round(landing.contact)
    seen = float(foot.confidence[max(0, at - 12) : at + 12].mean())
    clear = min(1.0, landing.speed / (2 * _SWING))
    agrees = 1.0 if _zeni_agrees(foot, track, at) else 0.8
    return round(float(np.clip(seen * (0.5 + 0.5 * clear) * agrees, 0.0, 1.0)), 3)


def _zeni_agrees(foot: FootTrack, track: GaitTrack, at: int) -> bool:
    """Whether the heel is farthest ahead of the hips within 0.1 s of the contact; true where
    nobody goes across the picture, for there the rule does not apply."""
    tenth = round(0.1 * GRID_HZ)
    start, end = max(0, at - 2 * tenth), min(at + 2 * tenth + 1, len(track.hips))
    way = track.hips[end - 1, 0] - track.hips[start, 0]
    if abs(way) < 0.2:
        return True
    ahead = (foot.heel[start:end, 0] - track.hips[start:end, 0]) * np.sign(way)
    return abs(start + int(ahead.argmax()) - at) <= tenth


def _time_s(track: GaitTrack, index: float) -> float:
    return float(track.times_s[0] + index / GRID_HZ)


def _velocity(track: FloatArray) -> FloatArray:
    return np.asarray(np.gradient(track, 1.0 / GRID_HZ, axis=0))


def _speed(track: FloatArray, ground: FloatArray) -> FloatArray:
    return np.asarray(np.linalg.norm(_velocity(track) - ground, axis=1))


def _falls_through(signal: FloatArray, limit: float, start: int) -> float | None:
    """First fractional index from `start` at which the signal falls below the limit."""
    below = np.flatnonzero(signal[start:] < limit)
    if not len(below):
        return None
    at = start + int(below[0])
    if at == start:
        return float(start)
    return at - 1 + float((signal[at - 1] - limit) / (signal[at - 1] - signal[at]))


def _rises_through(signal: FloatArray, limit: float, start: int) -> int | None:
    """First index from `start` at which the signal is at the limit or above."""
    above = np.flatnonzero(signal[start:] >= limit)
    return start + int(above[0]) if len(above) else None
