"""Treadmills: a belt's velocity from the feet that stand on it, and the way it would have been."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from otio_foley.train.steps.trials import HEEL, SIDES, TOE, TrueContact
from otio_foley.types import FloatArray

#: Feet that stand slide less than this over ground (m/s); belts run faster.
_SLOWEST_BELT_M_S = 0.2
#: Whoever walks on a belt takes more steps on plates than this; over ground a foot that turns on
#: the spot would be enough to make a belt of it.
_FEWEST_STANCES = 4
#: The part of a stance in which the whole foot rests.
_FLAT_SHARE = (0.25, 0.55)


def belt_velocity(
    times_s: FloatArray, joints_m: FloatArray, contacts: Sequence[TrueContact]
) -> FloatArray:
    """Velocity (2,) over the floor in m/s of what feet stand on; zero where that is the floor.

    times_s (T,), joints_m (T, 2, 5, 3). The median over stances of known length.
    """
    velocities = []
    for contact in contacts:
        if contact.toe_off_s is None:
            continue
        stance_s = contact.toe_off_s - contact.time_s
        span_s = [contact.time_s + share * stance_s for share in _FLAT_SHARE]
        start, end = np.searchsorted(times_s, span_s)
        if start < end < len(times_s):
            foot = joints_m[:, SIDES.index(contact.foot), [HEEL, TOE], :2].mean(axis=1)
            velocities.append((foot[end] - foot[start]) / (times_s[end] - times_s[start]))
    if len(velocities) < _FEWEST_STANCES:
        return np.zeros(2)
    belt = np.median(velocities, axis=0)
    return belt if float(np.hypot(*belt)) >= _SLOWEST_BELT_M_S else np.zeros(2)


def off_belt(times_s: FloatArray, joints_m: FloatArray, belt_m_s: FloatArray) -> FloatArray:
    """Joints (T, 2, 5, 3) as if the person had walked over a floor that stands."""
    walked = joints_m.copy()
    walked[..., :2] -= ((times_s - times_s[0])[:, None] * belt_m_s)[:, None, None, :]
    return np.asarray(walked)
