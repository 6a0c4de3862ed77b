"""The product's detectors as a job hears them, to be judged: what is less sure than a job's default
asks for is left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from otio_foley.analysis.body import bundled_cadence
from otio_foley.analysis.cadence import cadence_contacts
from otio_foley.analysis.contacts import find_contacts
from otio_foley.analysis.network import ContactNetwork
from otio_foley.analysis.skeleton import LEFT_LEG, RIGHT_LEG
from otio_foley.config import Settings
from otio_foley.train.steps.baselines import Detector
from otio_foley.types import CameraMotion, Contact, Pose

_FEET = [*LEFT_LEG[2:], *RIGHT_LEG[2:]]


def by_network(network: ContactNetwork) -> Detector:
    """Contacts of feet that are seen."""
    return lambda pose, camera: _heard(find_contacts(pose, camera, network))


def by_body(pose: Pose, camera: CameraMotion) -> tuple[Contact, ...]:
    """Contacts of feet that are not."""
    return _heard(cadence_contacts(pose, camera, (), bundled_cadence()))


def by_both(network: ContactNetwork) -> Detector:
    """All that a job hears."""

    def both(pose: Pose, camera: CameraMotion) -> tuple[Contact, ...]:
        seen = _heard(find_contacts(pose, camera, network))
        told = _heard(cadence_contacts(pose, camera, seen, bundled_cadence()))
        return tuple(sorted((*seen, *told), key=lambda one: one.time_s))

    return both


def without_feet(detector: Detector) -> Detector:
    """A detector that is given people whose feet are hidden from it."""

    def blind(pose: Pose, camera: CameraMotion) -> Sequence[Contact]:
        confidence = pose.confidence.copy()
        confidence[:, _FEET] = 0.0
        return detector(replace(pose, confidence=confidence), camera)

    return blind


def _heard(contacts: Sequence[Contact]) -> tuple[Contact, ...]:
    least = Settings().analysis.least_confidence
    return tuple(one for one in contacts if one.confidence >= least)
