"""The recordings of the material folder as trials."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from otio_foley.errors import InputError
from otio_foley.train.steps.belt import belt_velocity, off_belt
from otio_foley.train.steps.joints import limbs
from otio_foley.train.steps.plates import comes_down, plate_contacts
from otio_foley.train.steps.recording import Event, read_c3d
from otio_foley.train.steps.trials import (
    Trial,
    TrueContact,
    Truth,
    Window,
    clipped,
    height_from_legs_m,
    window_over,
    windows_around,
    without,
)
from otio_foley.types import FloatArray

#: Who is seen in files whose folders do not say so. biomechzoo's folders name the subject.
_SUBJECTS = {
    "Gait.c3d": "BMC",
    "test_small.c3d": "gaitalytics",
    "fukuchi_WBDS42walkT03.c3d": "Fukuchi 42",
    "vanderzee_p10_trial3.c3d": "van der Zee 10",
    "walk.c3d": "kineticstoolkit",
}

#: A stance is longer than a foot's label may be wrong.
_LONGEST_STANCE_S = 1.5
#: What is not known about a foot that stood before its plate felt it: so long before and after.
_DOUBT_S = (0.2, 0.1)


def read_trials(material: Path) -> tuple[Trial, ...]:
    """Every C3D below `material`/gait that has plates or events, by path."""
    gait = material / "gait"
    paths = sorted(gait.rglob("*.c3d"))
    if not paths:
        raise InputError(f"no C3D file below {gait}", hint="name the material with --material")
    return tuple(read_trial(path, str(path.relative_to(gait))) for path in paths)


def read_trial(path: Path, name: str) -> Trial:
    """One C3D file, belts taken off, with what its plates and its labels say."""
    recording = read_c3d(path)
    body = limbs(recording.markers_m, recording.rate_hz)
    times_s = (body.first + np.arange(len(body.joints_m))) / recording.rate_hz
    felt = plate_contacts(recording.plates, times_s, body.joints_m)
    belt = belt_velocity(times_s, body.joints_m, felt)
    joints = off_belt(times_s, body.joints_m, belt)
    doubtful = [contact for contact in felt if not comes_down(times_s, joints, contact)]
    felt = tuple(contact for contact in felt if contact not in doubtful)
    labelled = labelled_contacts(recording.events)
    # On a treadmill every step meets a plate, so that nothing is missing between two of them.
    windows = window_over(felt) if belt.any() else windows_around(felt)
    for contact in doubtful:
        # When that foot came down is not known: some time before the plate felt it.
        windows = without(windows, contact.time_s - _DOUBT_S[0], contact.time_s + _DOUBT_S[1])
    truths = [Truth(source="plate", contacts=felt, windows=_within(windows, times_s))]
    windows = windows_around(labelled)
    truths.append(Truth(source="label", contacts=labelled, windows=_within(windows, times_s)))
    return Trial(
        subject=_subject(path),
        file=name,
        rate_hz=recording.rate_hz,
        times_s=times_s,
        joints_m=joints,
        upper_m=body.upper_m,
        belt_m_s=belt,
        height_m=height_from_legs_m(joints),
        truths=tuple(truth for truth in truths if truth.contacts),
    )


def labelled_contacts(events: Sequence[Event]) -> tuple[TrueContact, ...]:
    """Labelled strikes with the same foot's next toe-off, in time order."""
    found = []
    for event in events:
        if event.what != "strike":
            continue
        later = [
            other
            for other in events
            if other.foot == event.foot and 0 < other.time_s - event.time_s < _LONGEST_STANCE_S
        ]
        leaves = later[0].time_s if later and later[0].what == "off" else None
        found.append(TrueContact(foot=event.foot, time_s=event.time_s, toe_off_s=leaves))
    return tuple(found)


def _within(windows: Sequence[Window], times_s: FloatArray) -> tuple[Window, ...]:
    return clipped(windows, float(times_s[0]), float(times_s[-1]))


def _subject(path: Path) -> str:
    if path.name in _SUBJECTS:
        return _SUBJECTS[path.name]
    # .../HC002D/Straight/HC002D06.c3d
    return path.parent.parent.name
