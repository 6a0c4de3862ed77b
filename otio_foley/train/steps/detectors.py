"""The product's detectors as a job hears them, to be judged: what is less sure than a job's default
asks for is left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from otio_foley.analysis.cadence import bundled_cadence, cadence_contacts
from otio_foley.analysis.movie import heard_contacts
from otio_foley.analysis.network import ContactNetwork
from otio_foley.analysis.skeleton import LEFT_LEG, RIGHT_LEG
from otio_foley.config import Settings
from otio_foley.train.steps.baselines import Detector
from otio_foley.types import CameraMotion, Contact, Pose

_FEET = [*LEFT_LEG[2:], *RIGHT_LEG[2:]]


def by_network(network: ContactNetwork) -> Detector:
    """Contacts of feet that are seen."""
    return partial(_heard, network=network, unseen_feet=False)


def by_both(network: ContactNetwork) -> Detector:
    """All that a job hears."""
    return partial(_heard, network=network, unseen_feet=True)


def by_body(pose: Pose, camera: CameraMotion) -> tuple[Contact, ...]:
    """Contacts of feet that are not seen, by the network that ships."""
    least = Settings().analysis.least_confidence
    return cadence_contacts(pose, camera, (), bundled_cadence(), least)


def _heard(
    pose: Pose, camera: CameraMotion, network: ContactNetwork, unseen_feet: bool
) -> tuple[Contact, ...]:
    least = Settings().analysis.least_confidence
    return heard_contacts(pose, camera, network, least_confidence=least, unseen_feet=unseen_feet)


def without_feet(detector: Detector) -> Detector:
    """A detector that is given people whose feet are hidden from it."""

    def blind(pose: Pose, camera: CameraMotion) -> Sequence[Contact]:
        confidence = pose.confidence.copy()
        confidence[:, _FEET] = 0.0
        return detector(replace(pose, confidence=confidence), camera)

    return blind
