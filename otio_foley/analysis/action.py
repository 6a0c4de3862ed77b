"""What someone does at each contact: walk, run, land or scuff, from fall, cadence and flight.

Walking always has a foot on the ground; running has a flight phase between any two steps (Novacheck
1998); a jump ends with the hips still falling when the feet have stopped. One contact's toe-off is
often uncertain (the other leg hides it), so a gait is told from the contacts around it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from otio_foley.analysis.kinematics import LANDING_FALL
from otio_foley.types import Action, Contact

#: A gait is told from the contacts this far on both sides.
_AROUND_S = 1.2

#: Steps a second: nobody runs more slowly, nobody walks faster.
_SLOWEST_RUN_HZ = 2.1
_FASTEST_WALK_HZ = 2.7

#: A contact that is so much slighter than the person's usual one is a scuff.
_SLIGHT_STRENGTH = 0.35

#: Feet that come down closer together than this make one beat.
_TOGETHER_S = 0.12


def label_actions(contacts: Sequence[Contact]) -> tuple[Action, ...]:
    """One action for each contact of one person; contacts in time order."""
    return tuple(_action(contacts, contact) for contact in contacts)


def _action(contacts: Sequence[Contact], contact: Contact) -> Action:
    if contact.fall_speed >= LANDING_FALL:
        return "land"
    if contact.strength < _SLIGHT_STRENGTH:
        return "scuff"
    near = [
        (before, after)
        for before, after in pairwise(contacts)
        if after.time_s - before.time_s >= _TOGETHER_S
        and before.time_s <= contact.time_s + _AROUND_S
        and after.time_s >= contact.time_s - _AROUND_S
    ]
    return "run" if _runs(near) else "walk"


def _runs(near: Sequence[tuple[Contact, Contact]]) -> bool:
    """Whether neighbouring contacts are those of a run: the beat decides, then the flight."""
    steps_s = [after.time_s - before.time_s for before, after in near]
    if not steps_s:
        return False
    cadence_hz = 1.0 / median(steps_s)
    if not _SLOWEST_RUN_HZ <= cadence_hz <= _FASTEST_WALK_HZ:
        return cadence_hz > _FASTEST_WALK_HZ
    flights_s = [
        after.time_s - before.toe_off_s for before, after in near if before.toe_off_s is not None
    ]
    return bool(flights_s) and median(flights_s) > 0
