"""From pictures to footsteps' timing: all of the analysis of one stretch of a movie."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from otio_foley.analysis.action import label_actions
from otio_foley.analysis.cadence import bundled_cadence, cadence_contacts
from otio_foley.analysis.closeups import visuals
from otio_foley.analysis.contacts import FREE_FALL, find_contacts
from otio_foley.analysis.distance import across, body_height, distance_m, nearness_area
from otio_foley.analysis.network import ContactNetwork, bundled_network
from otio_foley.analysis.notes import Glance, Noting
from otio_foley.analysis.people import sight
from otio_foley.analysis.skeleton import LEFT_LEG, RIGHT_LEG
from otio_foley.types import (
    Action,
    CameraMotion,
    Contact,
    FloatArray,
    FloorSpan,
    Pose,
    Visuals,
)

#: Where the pose network is less sure of both feet than this (mean over so long before and after),
#: it guesses them, in a medium shot somewhere in the picture (0.1 there, 0.4 to 0.6 below long
#: skirts), and what lies about them is no floor.
_FEET_SEEN = 0.35
_ABOUT_S = 0.4

#: Both feet of somebody who lands come down within this.
_BOTH_FEET_S = 0.15


@dataclass(frozen=True, slots=True, kw_only=True)
class Stepper:
    """One person's contacts in time order, what they do at each, and how large they are.

    Over times_s (T,): silhouette_area (T,) as a share of the picture (where the picture cuts the
    body off, of the whole body), distance_m (T,) from the camera as far as a picture tells, and
    across (T,) from the left edge (0) to the right (1); NaN where unknown. What they walk on and
    what the generator reads are there where they were asked for.
    """

    person: int
    contacts: tuple[Contact, ...]
    actions: tuple[Action, ...]
    times_s: FloatArray
    silhouette_area: FloatArray
    distance_m: FloatArray
    across: FloatArray
    floors: tuple[FloorSpan, ...] = ()
    visuals: tuple[Visuals, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MovieSteps:
    """What was seen in a stretch of a movie: how many pictures, the last one's time (None if
    there was none), how many people, and who stepped."""

    pictures: int
    last_s: float | None
    people: int
    steppers: tuple[Stepper, ...]


def find_steps(
    pictures: Iterable[tuple[float, NDArray[np.uint8]]],
    *,
    most_people: int,
    least_confidence: float,
    unseen_feet: bool,
    floors: bool = False,
    closeups: bool = False,
) -> MovieSteps:
    """Everybody's steps in pictures given as (time_s, (H, W, 3) uint8 RGB), times rising.

    Times in the result are on the clock of the pictures' times. Contacts below `least_confidence`
    are left out; with `unseen_feet`, those of feet that are not seen are told from the body. With
    `floors` what is walked on is recognised; with `closeups` what the generator reads is kept, of
    whoever may be heard, steps or not.
    """
    noting = Noting(ground=floors, legs=closeups)
    sighting = sight(pictures, most_people=most_people, noting=noting)
    network = bundled_network()
    steppers = []
    for pose, glances, legs in zip(
        sighting.people, sighting.glances, sighting.closeups, strict=True
    ):
        contacts = heard_contacts(
            pose,
            sighting.camera,
            network,
            least_confidence=least_confidence,
            unseen_feet=unseen_feet,
        )
        if contacts or closeups:
            steppers.append(
                Stepper(
                    person=pose.person,
                    contacts=contacts,
                    actions=label_actions(contacts),
                    times_s=pose.times_s,
                    silhouette_area=nearness_area(pose),
                    distance_m=distance_m(body_height(pose)),
                    across=across(pose),
                    floors=_floors(glances_of_feet(glances, pose), contacts),
                    visuals=visuals(pose, sighting.camera, legs) if closeups else (),
                )
            )
    return MovieSteps(
        pictures=len(sighting.times_s),
        last_s=float(sighting.times_s[-1]) if len(sighting.times_s) else None,
        people=len(sighting.people),
        steppers=tuple(steppers),
    )


def heard_contacts(
    pose: Pose,
    camera: CameraMotion,
    network: ContactNetwork,
    *,
    least_confidence: float,
    unseen_feet: bool,
) -> tuple[Contact, ...]:
    """One person's contacts that are sure enough, in time order: of feet that are seen and, if
    asked for, of those that are not."""
    found = find_contacts(pose, camera, network)
    seen = tuple(one for one in found if one.confidence >= least_confidence)
    if not unseen_feet:
        return seen
    told = cadence_contacts(pose, camera, seen, bundled_cadence(), least_confidence)
    return tuple(sorted((*seen, *told), key=lambda contact: contact.time_s))


def glances_of_feet(glances: Sequence[Glance], pose: Pose) -> tuple[Glance, ...]:
    """The glances at the ground about feet that were seen, not guessed."""
    there = np.isfinite(pose.keypoints_px[:, 0, 0])
    feet = [pose.confidence[there][:, leg[2:]].mean(axis=1) for leg in (LEFT_LEG, RIGHT_LEG)]
    seen, times_s = np.maximum(*feet), pose.times_s[there]
    return tuple(
        glance
        for glance in glances
        if seen[np.abs(times_s - glance.time_s) <= _ABOUT_S].mean() >= _FEET_SEEN
    )


def _floors(glances: tuple[Glance, ...], contacts: tuple[Contact, ...]) -> tuple[FloorSpan, ...]:
    if not glances:
        return ()
    # The network's library takes seconds to import: whoever names their floors does not wait.
    from otio_foley.analysis.floor import bundled_network, seen_floors

    return seen_floors(glances, bundled_network(), landings_s(contacts))


def landings_s(contacts: Iterable[Contact]) -> tuple[float, ...]:
    """Just before when somebody landed from a height, given contacts in time order: both feet's
    contacts are one landing, and lie behind it."""
    falls_s = [one.time_s for one in contacts if one.fall_speed >= FREE_FALL]
    return tuple(
        time_s - _BOTH_FEET_S
        for before_s, time_s in pairwise([-np.inf, *falls_s])
        if time_s - before_s > 2 * _BOTH_FEET_S
    )
