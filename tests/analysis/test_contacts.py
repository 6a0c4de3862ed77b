"""From the network's readings to contacts; the weights themselves are judged elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from analysis.walker import still_camera, walker
from numpy.typing import NDArray

from otio_foley.analysis.contacts import find_contacts
from otio_foley.analysis.features import GRID_HZ
from otio_foley.analysis.network import GAITS, ContactNetwork, Readings


class Oracle(ContactNetwork):
    """Says that feet come down at given times (s), as sure as it is told."""

    def __init__(
        self, down_s: tuple[list[float], list[float]], up_s: list[float], sure: float = 0.9
    ) -> None:
        super().__init__()
        self.down_s, self.up_s, self.sure = down_s, up_s, sure

    def read(self, features: NDArray[np.float32]) -> tuple[Readings, ...]:
        times = np.arange(features.shape[1]) / GRID_HZ

        def bumps(at_s: list[float]) -> NDArray[np.float64]:
            return self.sure * np.exp(
                -0.5 * np.min([((times - one) / 0.025) ** 2 for one in [*at_s, 99.0]], axis=0)
            )

        return tuple(
            Readings(
                contact=bumps(own),
                toe_off=bumps(self.up_s),
                stance=np.zeros(len(times)),
                until_s=np.array([min((one - t for one in [*own, 99.0]), key=abs) for t in times]),
                gaits=np.eye(len(GAITS))[[GAITS.index("walk")] * len(times)],
            )
            for own in self.down_s
        )


def test_contacts_are_timed_between_samples() -> None:
    pose, _ = walker()
    oracle = Oracle(([0.4137, 1.5], [0.9671]), [1.2])
    found = find_contacts(pose, still_camera(pose), oracle)
    assert [one.foot for one in found] == ["left", "right", "left"]
    assert [one.time_s for one in found] == pytest.approx([0.4137, 0.9671, 1.5], abs=1e-6)
    assert [one.toe_off_s for one in found] == [pytest.approx(1.2), pytest.approx(1.2), None]
    assert {one.found_by for one in found} == {"network"}
    assert min(one.confidence for one in found) > 0.8


def test_an_unlikely_contact_is_none() -> None:
    pose, _ = walker()
    assert find_contacts(pose, still_camera(pose), Oracle(([1.0], []), [], sure=0.3)) == ()


def test_a_foot_that_is_hardly_seen_is_less_sure_but_may_step() -> None:
    pose, _ = walker()
    sure = find_contacts(pose, still_camera(pose), Oracle(([1.0], []), []))[0].confidence
    pose.confidence[:, [27, 29, 31]] = 0.3
    unsure = find_contacts(pose, still_camera(pose), Oracle(([1.0], []), []))[0].confidence
    assert 0.5 * sure < unsure < 0.75 * sure
    pose.confidence[:, [27, 29, 31]] = 0.05
    hardly = find_contacts(pose, still_camera(pose), Oracle(([1.0], []), []))[0].confidence
    assert hardly < 0.3 * sure


def test_strength_is_relative_to_the_persons_own_steps() -> None:
    pose, truth = walker()
    left = [time_s for time_s, foot in truth if foot == "left"]
    found = find_contacts(pose, still_camera(pose), Oracle((left, []), []))
    assert np.median([one.strength for one in found]) == pytest.approx(1.0, abs=0.05)


def test_a_contact_where_the_picture_begins_or_ends_has_to_be_surer() -> None:
    pose, _ = walker()
    end_s = float(pose.times_s[-1])
    oracle = Oracle(([0.03, 1.0, end_s - 0.03], []), [])
    first, middle, last = find_contacts(pose, still_camera(pose), oracle)
    assert first.confidence == pytest.approx(middle.confidence / 2, rel=0.05)
    assert last.confidence == pytest.approx(middle.confidence / 2, rel=0.05)
