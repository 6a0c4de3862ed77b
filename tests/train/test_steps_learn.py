"""What the contact network is taught, and that it learns it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import torch

from otio_foley.analysis import cadence
from otio_foley.analysis.features import ACROSS, FEATURES, LEGS, OTHER_LEG
from otio_foley.analysis.network import (
    EVENTS,
    MEMBERS,
    OUTPUTS,
    ContactNetwork,
    Member,
    load_network,
)
from otio_foley.train.steps import evaluate, learn, learn_cadence, lessons
from otio_foley.train.steps.noise import read_noise


def test_early_costs_more_than_late() -> None:
    targets = torch.zeros(1, 10, EVENTS + 1)
    weights = torch.zeros(1, 10, EVENTS + 1)
    weights[..., 3] = 1.0
    told = torch.zeros(1, 10, OUTPUTS)
    told[..., 3] = -0.5  # sooner than it is
    early = learn._loss(told, targets, weights)
    told[..., 3] = 0.5
    late = learn._loss(told, targets, weights)
    assert float(early) > float(late) > 0.0


def test_a_mirror_turns_what_goes_across() -> None:
    features = np.ones((2, 240, FEATURES), dtype=np.float32)
    example = lessons.Example(
        features=features,
        targets=np.zeros((2, 240, EVENTS + 1), dtype=np.float32),
        weights=np.ones((2, 240, EVENTS + 1), dtype=np.float32),
    )
    batch, _, _ = learn._batch([example], np.random.default_rng(0), LEGS)
    across = batch[:, 0, ACROSS].numpy()
    assert set(np.unique(across)) == {-1.0, 1.0}
    kept = [column for column in range(FEATURES) if column not in ACROSS]
    assert (batch[:, 0, kept].numpy() == 1.0).all()


def test_the_other_leg_moves_in_time_and_nothing_else_does() -> None:
    rng = np.random.default_rng(4)
    times = np.arange(240.0, dtype=np.float32)
    shifts = set()
    for _ in range(60):
        row = np.repeat(times[:, None], FEATURES, axis=1)
        learn.uneven(row, rng)
        own = [column for column in range(FEATURES) if column not in OTHER_LEG]
        assert (row[:, own] == times[:, None]).all()
        late = times[120] - row[120, OTHER_LEG]
        assert np.ptp(late) == 0.0 and (np.diff(row[:, OTHER_LEG], axis=0) >= 0.0).all()
        shifts.add(float(late[0]))
    # Up to a tenth of a second, both ways.
    assert min(shifts) < -2.0 and max(shifts) > 2.0 and max(map(abs, shifts)) <= 6.0


def test_it_learns_and_does_so_the_same_way_twice() -> None:
    rng = np.random.default_rng(1)
    features = rng.normal(size=(2, 240, FEATURES)).astype(np.float32)
    targets = np.zeros((2, 240, EVENTS + 1), dtype=np.float32)
    targets[..., 0] = features[..., 0] > 1.0
    example = lessons.Example(
        features=features, targets=targets, weights=np.ones((2, 240, EVENTS + 1), dtype=np.float32)
    )

    def losses() -> list[str]:
        torch.manual_seed(3)
        network = ContactNetwork(Member(hidden=8))
        told: list[str] = []
        learn.fit(network, [example], steps=60, rate=1e-2, seed=2, tell=told.append)
        return told

    first = losses()
    begun, ended = (float(first[at].rsplit(" ", 1)[1]) for at in (0, -1))
    assert ended < 0.8 * begun
    assert losses() == first


def test_each_group_is_drawn_as_often_as_any_other() -> None:
    def group(size: int, mark: float) -> list[lessons.Example]:
        blank = np.zeros((2, 5, EVENTS + 1), dtype=np.float32)
        features = np.full((2, 5, FEATURES), mark, dtype=np.float32)
        return [lessons.Example(features=features, targets=blank, weights=blank)] * size

    even = learn._Evenly(group(3, 1.0), group(50, 2.0), learn._Evenly(group(7, 3.0)))
    drawn = [float(even[number].features[0, 0, 0]) for number in range(len(even))]
    assert drawn.count(1.0) == drawn.count(2.0) == drawn.count(3.0) == 50


def test_a_rerun_of_the_training_gives_the_same_weights(shared: Path, tmp_path: Path) -> None:
    """And the network is the mean of its members."""
    amounts = learn.Amounts(
        takes=1, take_s=3.0, views=1, plated_views=1, steps=2, plated_steps=1, jobs=2
    )
    noise = read_noise(evaluate.shipped_noise())

    def trained() -> ContactNetwork:
        return learn.learn(shared, noise, tmp_path, amounts, 0, lambda _: None)

    network = trained()
    kept = (tmp_path / "final.safetensors").read_bytes()
    shutil.rmtree(tmp_path / "member 1")
    trained()
    assert (tmp_path / "final.safetensors").read_bytes() == kept

    features = np.random.default_rng(0).normal(size=(1, 60, FEATURES)).astype(np.float32)
    with torch.inference_mode():
        told = torch.from_numpy(features)
        alone = [
            load_network(tmp_path / f"member {member}" / "final.safetensors", members=1)(told)
            for member in range(MEMBERS)
        ]
        assert torch.allclose(network(told), torch.stack(alone).mean(dim=0), atol=1e-6)
        assert not torch.allclose(alone[0], alone[1], atol=1e-2)


def test_a_rerun_of_the_cadence_training_gives_the_same_weights(
    shared: Path, tmp_path: Path
) -> None:
    amounts = learn_cadence.Amounts(takes=1, take_s=3.0, views=1, steps=2, jobs=2)
    noise = read_noise(evaluate.shipped_noise())

    def trained(work: Path) -> dict[str, torch.Tensor]:
        return learn_cadence.learn(shared, noise, work, amounts, 0, lambda _: None).state_dict()

    first, again = trained(tmp_path / "first"), trained(tmp_path / "again")
    assert set(first) == set(again) and len(first) > 3 * cadence.MEMBERS
    assert all(torch.equal(first[name], again[name]) for name in first)
