"""Steps of somebody whose feet are not seen: what the cadence network reads from head, arms and
trunk (`body`).

Every step lowers the body and lifts it again, and arms swing against the legs (Gard and Childress
2001; Elftman 1939). Such steps are less sure than seen ones, and none stands alone: a nod or a
gesture may look like one, several in a row do not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from otio_foley.analysis.body import BODY, bobbing, body_stretches
from otio_foley.analysis.contacts import Landing, landings
from otio_foley.analysis.network import ContactNetwork, load_network
from otio_foley.analysis.skeleton import LEFT_LEG, RIGHT_LEG
from otio_foley.analysis.tracks import at_edge
from otio_foley.resources import bundled
from otio_foley.types import CameraMotion, Contact, FloatArray, Pose

#: The weights that ship, among the bundled models, and what they were made from.
WEIGHTS: Final = "cadence.safetensors"
CARD: Final = "cadence.json"

#: So many learned apart and are asked together.
MEMBERS: Final = 2

#: A foot is unseen where the pose network is less sure than this of its ankle, heel and toe, or
#: where these are beyond the picture; a moment that breaks that is none.
_UNSEEN = 0.6
_MOMENT_S = 0.2
#: A gait is so many steps in a row, none longer than this after the last.
_FEWEST = 4
_LONGEST_STEP_S = 1.0
#: Who walks goes up and down by 2 to 5 cm (Gard and Childress 2001), 0.015 to 0.035 of the trunk's
#: length as a root mean square; whose arms alone are busy does not.
_LEAST_BOB = 0.01
#: A step that was seen this near is the same.
_SAME_S = 0.25
#: How sure such a step can be.
_MOST_SURE = 0.7


@cache
def bundled_cadence() -> ContactNetwork:
    """The network that ships; one for all, so not to be trained."""
    return load_network(bundled("models") / WEIGHTS, members=MEMBERS, columns=BODY)


def cadence_contacts(
    pose: Pose,
    camera: CameraMotion,
    seen: Sequence[Contact],
    network: ContactNetwork,
    least_confidence: float,
) -> tuple[Contact, ...]:
    """Contacts while neither foot is seen, in time order, none less sure than that; near those that
    were `seen` there are none of these."""
    unseen = _unseen(pose)
    if not unseen.any():
        return ()
    found = [
        landing
        for stretch in body_stretches(pose, camera)
        for landing in landings(stretch, network.read(stretch.features))
        if _MOST_SURE * landing.chance >= least_confidence
        and unseen[min(int(np.searchsorted(pose.times_s, landing.time_s)), len(unseen) - 1)]
    ]
    times_s, swing = bobbing(pose, camera)
    return tuple(
        _contact(pose.person, landing)
        for row in _rows(sorted(found, key=lambda one: one.time_s))
        if _bobs(times_s, swing, row)
        for landing in row
        if all(abs(one.time_s - landing.time_s) >= _SAME_S for one in seen)
    )


def _unseen(pose: Pose) -> NDArray[np.bool_]:
    """Frames (T,) in which neither foot shows."""
    beyond = at_edge(np.nan_to_num(pose.keypoints_px), pose.image_size_px)
    confidence = np.where(beyond, 0.0, pose.confidence)
    feet = [confidence[:, leg[2:]].mean(axis=1) for leg in (LEFT_LEG, RIGHT_LEG)]
    unseen: NDArray[np.bool_] = np.maximum(*feet) < _UNSEEN
    edges = np.flatnonzero(np.diff(np.r_[False, ~unseen, False].astype(np.int8)))
    for first, end in zip(edges[::2], edges[1::2], strict=True):
        within = first > 0 and end < len(unseen)
        if within and pose.times_s[end] - pose.times_s[first] < _MOMENT_S:
            unseen[first:end] = True
    return unseen


def _rows(found: Sequence[Landing]) -> Iterable[Sequence[Landing]]:
    """Landings that go together, in rows."""
    breaks = [
        number
        for number, (one, other) in enumerate(pairwise(found), start=1)
        if other.time_s - one.time_s > _LONGEST_STEP_S
    ]
    for first, end in pairwise([0, *breaks, len(found)]):
        if end - first >= _FEWEST:
            yield found[first:end]


def _bobs(times_s: FloatArray, swing: FloatArray, row: Sequence[Landing]) -> bool:
    """Whether the body goes up and down (N,) at times (N,) while a row of steps is made."""
    during = swing[(times_s >= row[0].time_s) & (times_s <= row[-1].time_s)]
    return bool(len(during) and np.sqrt(np.mean(during**2)) >= _LEAST_BOB)


def _contact(person: int, landing: Landing) -> Contact:
    return Contact(
        person=person,
        time_s=landing.time_s,
        toe_off_s=landing.toe_off_s,
        foot=landing.foot,
        part="heel",
        strength=1.0,
        fall_speed=0.0,
        confidence=round(_MOST_SURE * landing.chance, 3),
        found_by="cadence",
        gait=landing.gait,
    )
