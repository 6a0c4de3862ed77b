"""Measured people: plates, windows, belts and joints, and the recordings of the material."""

from __future__ import annotations

import csv
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from otio_foley.train.steps.belt import belt_velocity, off_belt
from otio_foley.train.steps.joints import hip_centres
from otio_foley.train.steps.material import read_trials
from otio_foley.train.steps.plates import comes_down, loads
from otio_foley.train.steps.recording import Plate
from otio_foley.train.steps.trials import (
    HEEL,
    TOE,
    Trial,
    TrueContact,
    Truth,
    Window,
    clipped,
    windows_around,
    with_labels,
    without,
)

SHARED = Path(__file__).resolve().parents[3] / "shared"
needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the folder 'shared' is not beside the project"
)
CORNERS = np.array([[0.0, 0, 0], [0.5, 0, 0], [0.5, 0.9, 0], [0, 0.9, 0]])


def plate(up_n: np.ndarray) -> Plate:
    return Plate(corners_m=CORNERS, rate_hz=1000.0, up_n=up_n)


def test_a_plate_that_shows_weight_while_empty_is_loaded_when_somebody_steps_on_it() -> None:
    rng = np.random.default_rng(0)
    up = np.full(3000, 33.0) + rng.normal(0.0, 8.0, 3000)
    up[1000:1600] += 700.0
    (load,) = loads([plate(up)])
    assert load.on_s == pytest.approx(1.0, abs=0.002)
    assert load.off_s == pytest.approx(1.6, abs=0.002)


def test_a_knock_and_a_load_that_the_end_cuts_off_are_none() -> None:
    up = np.zeros(3000)
    up[500:560] = 400.0
    up[2800:] = 700.0
    assert loads([plate(up)]) == ()


def test_labels_fill_what_plates_did_not_feel_and_come_as_late_as_plates_do() -> None:
    plates = Truth(
        source="plate",
        contacts=(TrueContact(foot="left", time_s=1.01, toe_off_s=1.7),),
        windows=(Window(start_s=0.76, end_s=1.26),),
    )
    labels = Truth(
        source="label",
        contacts=(
            TrueContact(foot="right", time_s=0.5, toe_off_s=1.1),
            TrueContact(foot="left", time_s=1.0, toe_off_s=1.72),
            TrueContact(foot="right", time_s=1.6, toe_off_s=None),
        ),
        windows=(Window(start_s=0.25, end_s=1.85),),
    )
    both = with_labels(plates, labels)
    assert [one.foot for one in both.contacts] == ["right", "left", "right"]
    assert [one.time_s for one in both.contacts] == pytest.approx([0.51, 1.01, 1.61])
    first, felt, last = both.contacts
    assert first.toe_off_s == pytest.approx(1.11) and last.toe_off_s is None
    assert felt == plates.contacts[0] and both.source == "plate"
    assert both.windows == (Window(start_s=0.25, end_s=1.85),)


def test_windows_join_steps_that_nothing_fits_between() -> None:
    contacts = [
        TrueContact(foot="left", time_s=1.0, toe_off_s=1.7),
        TrueContact(foot="right", time_s=1.6, toe_off_s=2.3),
        TrueContact(foot="right", time_s=3.0, toe_off_s=None),
    ]
    first, second = windows_around(contacts)
    assert (first.start_s, first.end_s) == (pytest.approx(0.75), pytest.approx(1.85))
    assert (second.start_s, second.end_s) == (pytest.approx(2.75), pytest.approx(3.25))
    assert clipped([first, second], 1.0, 2.0) == (Window(start_s=1.0, end_s=first.end_s),)
    assert [(one.start_s, one.end_s) for one in without([Window(start_s=1, end_s=4)], 2, 3)] == [
        (1, 2),
        (3, 4),
    ]


def on_a_belt(speed_m_s: float) -> tuple[np.ndarray, np.ndarray, list[TrueContact]]:
    """Both feet stand by turns for half a second and go with the belt."""
    times = np.arange(0.0, 5.0, 0.01)
    joints = np.zeros((len(times), 2, 5, 3))
    contacts = []
    for side, foot in ((0, "left"), (1, "right")):
        phase = (times + 0.5 * side) % 1.0
        along = np.where(phase < 0.5, -speed_m_s * phase, speed_m_s * (phase - 1.0))
        joints[:, side, :, 0] = along[:, None]
        for start in np.arange(1.0 - 0.5 * side, 4.4, 1.0):
            contacts.append(
                TrueContact(foot=foot, time_s=float(start), toe_off_s=float(start) + 0.5)
            )
    return times, joints, contacts


def test_a_belt_is_taken_off_and_a_floor_is_not() -> None:
    times, joints, contacts = on_a_belt(1.2)
    belt = belt_velocity(times, joints, contacts)
    assert belt == pytest.approx([-1.2, 0.0], abs=0.01)
    walked = off_belt(times, joints, belt)
    standing = (times % 1.0 > 0.1) & (times % 1.0 < 0.4)
    speed = np.gradient(walked[:, 0, HEEL, 0], times)
    assert np.abs(speed[standing]).max() < 0.02
    assert belt_velocity(times, np.zeros_like(joints), contacts).tolist() == [0.0, 0.0]


def test_weight_shifted_onto_a_standing_foot_is_no_contact() -> None:
    times = np.arange(0.0, 2.0, 0.01)
    joints = np.zeros((len(times), 2, 5, 3))
    joints[:, 0, [HEEL, TOE], 0] = np.minimum(times, 1.0)[:, None]
    swung, shifted = (TrueContact(foot="left", time_s=t, toe_off_s=None) for t in (1.0, 1.6))
    assert comes_down(times, joints, swung)
    assert not comes_down(times, joints, shifted)


def test_hips_lie_below_and_behind_the_front_of_the_pelvis() -> None:
    left, right = hip_centres(
        np.array([[-0.12, 0.0, 1.0]]), np.array([[0.12, 0.0, 1.0]]), np.array([[0.0, -0.2, 1.0]])
    )
    assert left[0] == pytest.approx([-0.36 * 0.24, -0.19 * 0.24, 1.0 - 0.30 * 0.24])
    assert right[0] == pytest.approx([0.36 * 0.24, -0.19 * 0.24, 1.0 - 0.30 * 0.24])


@pytest.fixture(scope="module")
def trials() -> tuple[Trial, ...]:
    return read_trials(SHARED)


@needs_shared
def test_every_plate_contact_of_the_list_but_one_is_reached(trials: tuple[Trial, ...]) -> None:
    with (SHARED / "gait" / "contacts_forceplate.tsv").open(encoding="utf-8") as lines:
        listed = list(csv.DictReader(lines, delimiter="\t"))
    felt = {
        trial.file: [one.time_s for truth in trial.truths if truth.source == "plate"
                     for one in truth.contacts]
        for trial in trials
    }  # fmt: skip
    # The list takes one plate's offset for weight, and is up to 38 ms off there.
    missing = [
        (Path(row["file"]).name, row["on_s"])
        for row in listed
        if min(abs(t - float(row["on_s"])) for t in felt[row["file"]]) > 0.04
    ]
    assert len(listed) == 188
    assert missing == [("vanderzee_p10_trial3.c3d", "56.1092")]
    assert sum(map(len, felt.values())) == 187
    (hopper,) = [trial for trial in trials if trial.subject == "van der Zee 10"]
    assert [hopper.truths[0].knows(t) for t in (55.83, 56.0, 56.63)] == [True, False, True]


@needs_shared
def test_plates_agree_with_labels_and_feet_take_turns(trials: tuple[Trial, ...]) -> None:
    gaps = []
    for trial in trials:
        truths = {truth.source: truth.contacts for truth in trial.truths}
        for one in truths.get("plate", ()):
            same = [t.time_s - one.time_s for t in truths.get("label", ()) if t.foot == one.foot]
            gaps += [min(same, key=abs)] if same else []
        feet = [one.foot for one in truths.get("plate", ())]
        # Within a treadmill's record the other foot is always next.
        turns = Counter(a != b for a, b in pairwise(feet))
        assert turns[True] >= 0.95 * sum(turns.values())
    assert len(gaps) > 60
    assert np.median(np.abs(gaps)) < 0.010


@needs_shared
def test_standing_feet_stand_once_the_belt_is_off(trials: tuple[Trial, ...]) -> None:
    belts = {trial.subject: float(np.hypot(*trial.belt_m_s)) for trial in trials}
    assert {who for who, speed in belts.items() if speed} == {"Fukuchi 42", "van der Zee 10"}
    for trial in trials:
        for one in trial.truths[0].contacts:
            if one.toe_off_s is None or one.toe_off_s > trial.times_s[-1]:
                continue
            middle = one.time_s + np.array([0.3, 0.5]) * (one.toe_off_s - one.time_s)
            first, last = np.searchsorted(trial.times_s, middle)
            side = 0 if one.foot == "left" else 1
            way = np.diff(trial.joints_m[[first, last], side, HEEL, :2], axis=0)
            assert np.linalg.norm(way) < 0.08, (trial.file, one)
