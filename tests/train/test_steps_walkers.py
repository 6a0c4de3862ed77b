"""People made of captured ones: shorter steps, slower walks."""

from __future__ import annotations

import numpy as np
import pytest

from otio_foley.analysis.skeleton import HIPS, LEFT_LEG, NOSE, RIGHT_LEG
from otio_foley.train.steps.figures import Figure
from otio_foley.train.steps.trials import TrueContact, Truth, Window
from otio_foley.train.steps.walkers import flattened, slower, strided
from otio_foley.types import FloatArray

HZ = 100.0
#: A foot stands for 0.6 of a cycle of 1 s, in which somebody goes 1.2 m.
STANDS, WAY_M = 0.6, 1.2


def walker() -> Figure:
    """Somebody who goes along +z on straight thighs and shanks; contacts at whole seconds (left)
    and half seconds (right)."""
    times = np.arange(0.0, 6.0, 1.0 / HZ)
    points = np.full((len(times), 33, 3), np.nan)
    points[:, NOSE] = np.stack([0.0 * times, 0.0 * times + 1.6, WAY_M * times], axis=1)
    for side, leg, late in ((0.1, LEFT_LEG, 0.0), (-0.1, RIGHT_LEG, 0.5)):
        cycle, share = np.divmod(times - late, 1.0)
        swing = np.clip((share - STANDS) / (1.0 - STANDS), 0.0, 1.0)
        ease = swing * swing * (3.0 - 2.0 * swing)
        ankle = np.stack(
            [
                np.full(len(times), side),
                0.08 + 0.1 * np.sin(np.pi * swing),
                WAY_M * (cycle + late + STANDS / 2.0 + ease),
            ],
            axis=1,
        )
        hip = np.stack([np.full(len(times), side), np.full(len(times), 0.85), WAY_M * times], 1)
        way = ankle - hip
        reach = np.linalg.norm(way, axis=1, keepdims=True)
        bend = np.sqrt(0.45**2 - (reach / 2.0) ** 2)
        ahead = np.cross(way / reach, [-1.0, 0.0, 0.0])
        knee = (hip + ankle) / 2.0 + bend * ahead
        for joint, place in zip(leg[:3], (hip, knee, ankle), strict=True):
            points[:, joint] = place
        points[:, leg[3]] = ankle + np.array([0.0, -0.06, -0.05])
        points[:, leg[4]] = ankle + np.array([0.0, -0.07, 0.18])
    contacts = [
        TrueContact(foot=foot, time_s=float(at), toe_off_s=float(at) + STANDS)
        for at in np.arange(1.0, 5.5, 0.5)
        for foot in (("left",) if at % 1.0 == 0.0 else ("right",))
    ]
    return Figure(
        subject="somebody",
        name="walk",
        times_s=times,
        points_m=points,
        ground_m=np.zeros(len(times)),
        height_m=1.7,
        placed=(NOSE,),
        truth=Truth(
            source="rule", contacts=tuple(contacts), windows=(Window(start_s=0.5, end_s=5.5),)
        ),
    )


def bones(figure: Figure, leg: tuple[int, ...]) -> FloatArray:
    joints = figure.points_m[:, leg]
    return np.asarray(np.linalg.norm(np.diff(joints, axis=1), axis=2))


@pytest.mark.parametrize("share", [0.5, 1.05])
def test_steps_are_shorter_and_feet_stand_and_come_down_as_before(share: float) -> None:
    before = walker()
    after = strided(before, share)
    assert after.truth == before.truth
    for leg, late in ((LEFT_LEG, 0.0), (RIGHT_LEG, 0.5)):
        np.testing.assert_allclose(bones(after, leg), bones(before, leg), atol=1e-9)
        heights = [one.points_m[:, leg[2:], 1] for one in (before, after)]
        np.testing.assert_allclose(*heights, atol=1e-12)
        stands = (before.times_s - late) % 1.0 < STANDS - 0.02
        slides = np.linalg.norm(np.diff(after.points_m[:, leg[3]], axis=0), axis=1)
        assert slides[stands[1:] & stands[:-1]].max() < 1e-9
        # As far to the side as ever.
        np.testing.assert_allclose(
            after.points_m[:, leg[2], 0], before.points_m[:, leg[2], 0], atol=1e-9
        )
    gone = [np.ptp(one.points_m[:, HIPS[0], 2]) for one in (before, after)]
    assert gone[1] == pytest.approx(share * gone[0])
    # Legs that spread less carry the hips, and the head on them, higher.
    rise = (after.points_m - before.points_m)[:, [*HIPS, NOSE], 1]
    np.testing.assert_allclose(rise, rise[:, :1] * [1.0, 1.0, 1.0], atol=1e-12)
    assert (rise > 0.0).all() if share < 1.0 else (rise < 0.0).all()


def test_feet_land_flat_on_the_heels_that_came_down() -> None:
    before = walker()
    # Toes up by some 25 degrees in the last quarter of each swing.
    for leg, late in ((LEFT_LEG, 0.0), (RIGHT_LEG, 0.5)):
        share = (before.times_s - late) % 1.0
        up = np.radians(25.0) * np.clip((share - 0.9) / 0.1, 0.0, 1.0)
        foot = before.points_m[:, leg[4]] - before.points_m[:, leg[3]]
        length = np.linalg.norm(foot, axis=1)
        raised = np.stack([0.0 * up, length * np.sin(up), length * np.cos(up)], axis=1)
        before.points_m[:, leg[4]] = before.points_m[:, leg[3]] + raised
    after = flattened(before, 0.0)
    half = flattened(before, 0.5)
    assert after.truth == before.truth
    for leg in (LEFT_LEG, RIGHT_LEG):
        np.testing.assert_allclose(after.points_m[:, leg[3]], before.points_m[:, leg[3]])
        np.testing.assert_allclose(bones(after, leg), bones(before, leg), atol=1e-9)
        toes = [(one.points_m[:, leg[4]] - one.points_m[:, leg[3]])[:, 1] for one in (after, half)]
        assert np.ptp(toes[0]) < 1e-9 and np.ptp(toes[1]) > 0.03
    assert np.isfinite(after.points_m[:, LEFT_LEG + RIGHT_LEG]).all()


def test_who_walks_slowly_stands_longer_and_swings_hardly_slower() -> None:
    before = walker()
    after = slower(before, 1.5)
    lefts = [
        [one for one in figure.truth.contacts if one.foot == "left"] for figure in (before, after)
    ]
    cycles = [own[2].time_s - own[1].time_s for own in lefts]
    swings = [own[2].time_s - (own[1].toe_off_s or np.nan) for own in lefts]
    assert 1.3 < cycles[1] / cycles[0] < 1.6
    assert 1.15 < swings[1] / swings[0] < 1.35
    # Whatever the feet did at a contact they do at it still.
    for old, new in zip(before.truth.contacts, after.truth.contacts, strict=True):
        then, now = (
            figure.at(np.array([one.time_s]))[0, LEFT_LEG + RIGHT_LEG]
            for figure, one in ((before, old), (after, new))
        )
        np.testing.assert_allclose(now, then, atol=0.01)
    assert np.ptp(np.diff(after.times_s)) < 1e-9 and len(after.ground_m) == len(after.times_s)
    assert slower(before, 1.0).times_s == pytest.approx(before.times_s[:-1])
