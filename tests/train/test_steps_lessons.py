"""What the contact network learns from."""

from __future__ import annotations

import numpy as np
import pytest

from otio_foley.analysis.features import FEATURES, GRID_HZ, Stretch
from otio_foley.analysis.network import EVENTS, GAITS, OFFSET_S
from otio_foley.train.steps import lessons
from otio_foley.train.steps.figures import Figure, paced
from otio_foley.train.steps.trials import Doing, TrueContact, Truth, Window


def stretch(count: int = 240) -> Stretch:
    return Stretch(
        times_s=np.arange(count) / GRID_HZ,
        features=np.zeros((2, count, FEATURES), dtype=np.float32),
        sure=np.ones((2, count)),
    )


def truth(*contacts: tuple[str, float, float | None]) -> Truth:
    return Truth(
        source="rule",
        contacts=tuple(
            TrueContact(
                foot="left" if foot == "left" else "right", time_s=time_s, toe_off_s=toe_off_s
            )
            for foot, time_s, toe_off_s in contacts
        ),
        windows=(Window(start_s=0.5, end_s=3.0),),
        doing=(Doing(start_s=0.0, end_s=2.5, gait="run"),),
    )


def test_targets_are_of_the_foot_and_known_only_in_windows() -> None:
    example = lessons.example(stretch(), truth(("left", 1.008, 1.6), ("right", 1.5, None)))
    left, right = example.targets
    assert left[:, 0].argmax() == round(1.008 * GRID_HZ)
    assert right[:, 0].argmax() == round(1.5 * GRID_HZ)
    assert left[:, 1].argmax() == round(1.6 * GRID_HZ)
    assert right[:, 1].max() == 0.0
    assert left[round(1.3 * GRID_HZ), 2] == 1.0 and left[round(1.9 * GRID_HZ), 2] == 0.0
    outside = np.r_[0 : round(0.5 * GRID_HZ), round(3.0 * GRID_HZ) + 1 : 240]
    assert not example.weights[:, outside].any()
    # When a foot leaves is not known where its toe-off is not.
    assert not example.weights[1, round(1.6 * GRID_HZ) :, 1].any()
    # What is being done is told for the known time of what was told, to both feet.
    assert (example.targets[:, 60, EVENTS] == GAITS.index("run")).all()
    assert example.weights[:, 60, EVENTS].all() and not example.weights[:, 150:, EVENTS].any()
    at = left[:, 0].argmax()
    assert abs(left[at, 3] * OFFSET_S + at / GRID_HZ - 1.008) < 1e-6


def test_a_slower_figure_steps_where_it_stepped() -> None:
    """Whatever lay at a contact lies at it still."""
    times = np.arange(0.0, 8.0, 0.01)
    points = np.zeros((len(times), 33, 3))
    points[:, 0, 0] = times  # a joint that tells its own time
    figure = Figure(
        subject="somebody",
        name="walk",
        times_s=times,
        points_m=points,
        ground_m=np.zeros(len(times)),
        height_m=1.7,
        placed=(),
        truth=truth(("left", 1.008, 1.6), ("right", 2.5, None)),
    )
    slow = paced(figure, 1.5)
    assert slow.times_s[-1] == pytest.approx(1.5 * times[-1])
    for before, after in zip(figure.truth.contacts, slow.truth.contacts, strict=True):
        assert slow.at(np.array([after.time_s]))[0, 0, 0] == pytest.approx(before.time_s, abs=1e-6)
    left, right = slow.truth.contacts
    assert left.toe_off_s == pytest.approx(2.4) and right.toe_off_s is None
    assert slow.truth.windows[0] == Window(start_s=0.75, end_s=4.5)
    assert slow.truth.doing[0].end_s == 3.75
