"""What someone does at each contact: from the hips' fall, flight and cadence, and from what the
network takes it for.

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

#: A flight (or double support) is told from so many steps, and clear if longer than this share of
#: a step.
_ENOUGH_FLIGHTS = 2
_CLEAR_FLIGHT = 0.08

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
    if contact.gait == "shuffle" or contact.strength < _SLIGHT_STRENGTH:
        return "scuff"
    if contact.gait == "stairs" or contact.gait == "turn" or contact.gait == "tiptoe":
        return contact.gait
    near = [
        (before, after)
        for before, after in pairwise(contacts)
        if after.time_s - before.time_s >= _TOGETHER_S
        and before.time_s <= contact.time_s + _AROUND_S
        and after.time_s >= contact.time_s - _AROUND_S
    ]
    return "run" if _runs(near) else "walk"


def _runs(near: Sequence[tuple[Contact, Contact]]) -> bool:
    """Whether neighbouring contacts are those of a run: their flights decide, which slow motion
    leaves what they are; where too few toe-offs are known, the beat, and then the network."""
    flights = [
        (after.time_s - before.toe_off_s) / (after.time_s - before.time_s)
        for before, after in near
        if before.toe_off_s is not None and before.foot != after.foot
    ]
    if len(flights) >= _ENOUGH_FLIGHTS and abs(median(flights)) > _CLEAR_FLIGHT:
        return median(flights) > 0
    if not near:
        return False
    cadence_hz = 1.0 / median([after.time_s - before.time_s for before, after in near])
    if not _SLOWEST_RUN_HZ <= cadence_hz <= _FASTEST_WALK_HZ:
        return cadence_hz > _FASTEST_WALK_HZ
    if near[0][0].gait is not None:
        return sum(before.gait == "run" for before, _ in near) > len(near) / 2
    return bool(flights) and median(flights) > 0
