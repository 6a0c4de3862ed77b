"""Steps of somebody whose feet are not seen: what the cadence network reads from head, arms and
trunk (`body`).

Every step lowers the body and lifts it again, and arms swing against the legs (Gard and Childress
2001; Elftman 1939). Such steps are less sure than seen ones, and none stands alone: a nod or a
gesture may look like one, several in a row do not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from otio_foley.analysis.body import body_stretches
from otio_foley.analysis.contacts import Landing, landings
from otio_foley.analysis.network import ContactNetwork
from otio_foley.analysis.skeleton import LEFT_LEG, RIGHT_LEG
from otio_foley.analysis.tracks import at_edge
from otio_foley.types import CameraMotion, Contact, Pose

#: A foot is unseen where the pose network is less sure than this of its ankle, heel and toe, or
#: where these are beyond the picture; a moment that breaks that is none.
_UNSEEN = 0.6
_MOMENT_S = 0.2
#: A gait is so many steps in a row, none longer than this after the last.
_FEWEST = 4
_LONGEST_STEP_S = 1.0
#: A step that was seen this near is the same.
_SAME_S = 0.25
#: How sure such a step can be.
_MOST_SURE = 0.7


def cadence_contacts(
    pose: Pose, camera: CameraMotion, seen: Sequence[Contact], network: ContactNetwork
) -> tuple[Contact, ...]:
    """Contacts while neither foot is seen, in time order; near those that were `seen` there are
    none of these."""
    unseen = _unseen(pose)
    if not unseen.any():
        return ()
    found = [
        landing
        for stretch in body_stretches(pose, camera)
        for landing in landings(stretch, network.read(stretch.features))
        if unseen[min(int(np.searchsorted(pose.times_s, landing.time_s)), len(unseen) - 1)]
    ]
    return tuple(
        _contact(pose.person, landing)
        for landing in _in_a_row(sorted(found, key=lambda one: one.time_s))
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


def _in_a_row(found: Sequence[Landing]) -> Iterable[Landing]:
    """Those that several others go with."""
    breaks = [
        number
        for number, (one, other) in enumerate(pairwise(found), start=1)
        if other.time_s - one.time_s > _LONGEST_STEP_S
    ]
    for first, end in pairwise([0, *breaks, len(found)]):
        if end - first >= _FEWEST:
            yield from found[first:end]


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
