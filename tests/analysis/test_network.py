"""The network that ships: it is the one of its card, and hears no steps where nobody makes any."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
import torch
from analysis.walker import LEG_PX, pose_of, still_camera
from numpy.typing import NDArray

from otio_foley.analysis.contacts import find_contacts
from otio_foley.analysis.features import ACROSS, FEATURES, GRID_HZ
from otio_foley.analysis.network import (
    CARD,
    EVENTS,
    GAITS,
    OFFSET_S,
    WEIGHTS,
    ContactNetwork,
    Member,
    bundled_network,
)
from otio_foley.analysis.skeleton import HIPS, JOINT_COUNT, LEG_OF, NOSE, SHOULDERS
from otio_foley.resources import bundled


def test_the_weights_are_those_of_the_card() -> None:
    card = json.loads((bundled("models") / CARD).read_text(encoding="utf-8"))
    weights = bundled("models") / WEIGHTS
    assert hashlib.sha256(weights.read_bytes()).hexdigest() == card["sha256"]
    assert weights.stat().st_size < 10_000_000


def drift(
    rng: np.random.Generator, count: int, shape: tuple[int, ...], step_s: float
) -> NDArray[np.float64]:
    """Errors that stay for a tenth of a second, variance 1, as the pose network's do."""
    keep = np.exp(-step_s / 0.1)
    values = rng.standard_normal((count, *shape))
    for at in range(1, count):
        values[at] = keep * values[at - 1] + np.sqrt(1 - keep**2) * values[at]
    return values


@pytest.mark.parametrize("frame_rate", [12.0, 24.0])
@pytest.mark.parametrize("apart", [0.05, 0.25])
def test_somebody_who_stands_for_a_minute_makes_no_step(frame_rate: float, apart: float) -> None:
    times = np.arange(0.0, 60.0, 1.0 / frame_rate)
    rng = np.random.default_rng(7)
    here = np.zeros((JOINT_COUNT, 2))
    here[list(HIPS), 1] = 1.0
    here[list(SHOULDERS), 1] = 1.55
    here[NOSE, 1] = 1.8
    for side, leg in ((-1.0, LEG_OF["left"]), (1.0, LEG_OF["right"])):
        here[list(leg), 0] = side * apart
        here[list(leg), 1] = [1.0, 0.5, 0.08, 0.0, 0.0]
        here[leg[4], 0] += 0.2
    # 1.5 % of the height, as measured for heels and toes, and weight that is shifted slowly.
    noise = 0.03 * drift(rng, len(times), (JOINT_COUNT, 2), 1.0 / frame_rate)
    noise[:, list(HIPS), 0] += 0.05 * np.sin(2 * np.pi * 0.15 * times)[:, None]
    keypoints = (here + noise) * [1.0, -1.0] * LEG_PX + (640, 600)
    pose = pose_of(times, keypoints)
    found = find_contacts(pose, still_camera(pose), bundled_network())
    assert not [one for one in found if one.confidence >= 0.35]


def test_a_long_shot_is_read_in_parts_as_it_is_read_whole() -> None:
    torch.manual_seed(0)
    network = ContactNetwork(Member(hidden=8), Member(hidden=8)).eval()
    rng = np.random.default_rng(0)
    features = rng.normal(size=(2, round(150 * GRID_HZ), FEATURES)).astype(np.float32)
    mirrored = features.copy()
    mirrored[..., ACROSS] *= -1.0
    with torch.inference_mode():
        whole = (network(torch.from_numpy(features)) + network(torch.from_numpy(mirrored))) / 2.0
    whole = whole.numpy()
    for row, readings in enumerate(network.read(features)):
        assert readings.contact == pytest.approx(1 / (1 + np.exp(-whole[row, :, 0])), abs=1e-5)
        assert readings.until_s == pytest.approx(whole[row, :, 3] * OFFSET_S, abs=1e-5)
        assert readings.gaits.shape == (features.shape[1], len(GAITS))
        assert (readings.gaits.argmax(1) == whole[row, :, EVENTS:].argmax(1)).mean() > 0.999
