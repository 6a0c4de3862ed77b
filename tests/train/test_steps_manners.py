"""Other manners of the same walk: what the feet do stays, what arms and trunk do does not."""

from __future__ import annotations

import numpy as np
import pytest

from otio_foley.analysis.body import BODY, COLUMNS_OF
from otio_foley.analysis.skeleton import (
    ELBOWS,
    HIPS,
    JOINT_COUNT,
    LEFT_LEG,
    NOSE,
    RIGHT_LEG,
    SHOULDERS,
    WRISTS,
)
from otio_foley.train.steps.figures import Figure
from otio_foley.train.steps.learn_cadence import out_of_sight
from otio_foley.train.steps.manners import mannered
from otio_foley.train.steps.trials import Doing, Truth, Window
from otio_foley.types import FloatArray, Gait


def figure(gait: Gait) -> Figure:
    times = np.arange(0.0, 6.0, 1 / 120)
    points = np.full((len(times), JOINT_COUNT, 3), np.nan)
    swing = 0.3 * np.sin(2 * np.pi * 0.9 * times)
    points[:, NOSE] = [0.0, 1.55, 0.1]
    for side, way in ((0, 1.0), (1, -1.0)):
        points[:, SHOULDERS[side]] = [0.18 * way, 1.35, 0.0]
        points[:, ELBOWS[side]] = points[:, SHOULDERS[side]] + np.stack(
            [0 * swing, -0.27 * np.cos(way * swing), 0.27 * np.sin(way * swing)], axis=1
        )
        points[:, WRISTS[side]] = points[:, ELBOWS[side]] + [0.0, -0.24, 0.05]
        points[:, HIPS[side]] = [0.1 * way, 0.9, 0.0]
    for leg in (LEFT_LEG, RIGHT_LEG):
        points[:, leg[1:]] = points[:, leg[:1]] - [
            [[0, 0.4, 0], [0, 0.8, 0], [0, 0.9, 0], [0, 0.9, 0]]
        ]
    points[..., 1] += 0.02 * np.sin(2 * np.pi * 1.8 * times)[:, None]
    return Figure(
        subject="a",
        name="b",
        times_s=times,
        points_m=points,
        ground_m=np.zeros(len(times)),
        height_m=1.7,
        placed=(),
        truth=Truth(
            source="rule",
            contacts=(),
            windows=(Window(start_s=0.0, end_s=6.0),),
            doing=(Doing(start_s=0.0, end_s=6.0, gait=gait),),
        ),
    )


def length(points: FloatArray, one: int, other: int) -> FloatArray:
    return np.asarray(np.linalg.norm(points[:, one] - points[:, other], axis=1))


@pytest.mark.parametrize("gait", ["walk", "stand"])
@pytest.mark.parametrize("seed", range(6))
def test_legs_and_bones_stay(gait: Gait, seed: int) -> None:
    before = figure(gait)
    after = mannered(before, np.random.default_rng(seed))
    legs = [*LEFT_LEG[1:], *RIGHT_LEG[1:]]
    assert (after.points_m[:, legs] == before.points_m[:, legs]).all()
    assert after.truth == before.truth
    for shoulder, elbow, wrist in zip(SHOULDERS, ELBOWS, WRISTS, strict=True):
        assert length(after.points_m, shoulder, elbow) == pytest.approx(0.27, abs=1e-6)
        assert np.ptp(length(after.points_m, elbow, wrist)) < 1e-6
    assert length(after.points_m, *SHOULDERS) == pytest.approx(0.36, abs=1e-6)
    assert np.abs(after.points_m[:, HIPS] - before.points_m[:, HIPS]).max() < 0.2


def test_everybody_has_their_own_and_the_same_seed_the_same() -> None:
    one, again, other = (
        mannered(figure("walk"), np.random.default_rng(seed)).points_m[:, WRISTS]
        for seed in (1, 1, 2)
    )
    assert (one == again).all()
    assert np.abs(one - other).max() > 0.05


def test_what_is_out_of_sight_tells_nothing() -> None:
    rng = np.random.default_rng(0)
    shared = [
        column for column in range(BODY.count) if not any(column in own for own in COLUMNS_OF)
    ]
    hidden = np.zeros(len(COLUMNS_OF))
    for _ in range(400):
        features = np.ones((5, BODY.count), dtype=np.float32)
        out_of_sight(features, rng)
        assert (features[:, shared] == 1.0).all()
        for number, own in enumerate(COLUMNS_OF):
            assert np.ptp(features[:, own]) == 0.0
            hidden[number] += features[0, own[0]] == 0.0
    # The shoulders are what everything rests on; the rest is missing now and then.
    assert hidden[1] == 0
    assert (np.delete(hidden, 1) > 5).all() and (hidden < 300).all()
