"""Floors: patches lie under the feet, votes are steady, changes within a shot are found."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from otio_foley.analysis.floor import (
    CARD,
    FLOORS,
    WEIGHTS,
    FloorNetwork,
    bundled_network,
    floors_over_time,
    seen_floors,
    vote,
)
from otio_foley.analysis.movie import glances_of_feet, landings_s
from otio_foley.analysis.notes import _MOST_GLANCES, Glance, Notes, Noting
from otio_foley.analysis.skeleton import LEFT_LEG, RIGHT_LEG
from otio_foley.analysis.underfoot import PATCH_PX, PLACES, floor_patches
from otio_foley.playing import floor_under
from otio_foley.resources import bundled
from otio_foley.types import OTHER_FLOOR, Contact, Pose


def standing(x: float, ground_y: float, leg_px: float) -> NDArray[np.float64]:
    keypoints = np.full((33, 2), [x, ground_y - 1.5 * leg_px])
    for leg in (LEFT_LEG, RIGHT_LEG):
        for joint, height in zip(leg, (1.0, 0.5, 0.08, 0.0, 0.0), strict=True):
            keypoints[joint] = [x, ground_y - height * leg_px]
    return keypoints


def test_patches_are_of_the_ground_about_the_feet_at_any_size() -> None:
    for leg_px in (60.0, 200.0):
        picture = np.zeros((720, 1280, 3), np.uint8)
        picture[:, :640] = (10, 200, 30)
        picture[:, 640:] = (200, 10, 10)
        picture[: int(500 - 0.3 * leg_px)] = (255, 255, 255)  # what is above the floor
        left, right, before, about = floor_patches(picture, standing(640.0, 500.0, leg_px))
        assert left.shape == (PATCH_PX, PATCH_PX, 3)
        assert (left == (10, 200, 30)).all() and (right == (200, 10, 10)).all()
        middle = PATCH_PX // 2
        for patch in (before, about):
            lower = patch[PATCH_PX // 3 :]
            assert (lower[:, : middle - 2] == (10, 200, 30)).all()
            assert (lower[:, middle + 2 :] == (200, 10, 10)).all()
        assert (before != 255).all()


def test_a_patch_is_stretched_upright_to_a_square() -> None:
    picture = np.zeros((720, 1280, 3), np.uint8)
    leg_px = 200.0
    # A band a tenth of the leg wide lies across what is before the feet.
    picture[int(500 + 0.27 * leg_px) : int(500 + 0.37 * leg_px)] = 255
    _, _, before, _ = floor_patches(picture, standing(640.0, 500.0, leg_px))
    assert (before[:, 0, 0] > 127).sum() == pytest.approx(2 * PATCH_PX * 0.1 / 0.9, abs=2)
    assert len(PLACES) == 4


def test_a_patch_that_is_mostly_out_of_the_picture_is_left_out() -> None:
    picture = np.zeros((720, 1280, 3), np.uint8)
    assert len(floor_patches(picture, standing(40.0, 500.0, 200.0))) == 2
    assert len(floor_patches(picture, standing(640.0, 715.0, 200.0))) == 0


def test_feet_that_are_not_in_the_picture_have_no_floor() -> None:
    picture = np.zeros((720, 1280, 3), np.uint8)
    assert not len(floor_patches(picture, standing(640.0, 900.0, 200.0)))
    assert not len(floor_patches(picture, standing(640.0, 600.0, 6.0)))
    assert not len(floor_patches(picture, np.full((33, 2), np.nan)))


def said(
    floor: str, count: int, rng: np.random.Generator, sure: float = 2.0
) -> NDArray[np.float32]:
    """Logits of glances of which one in four is wrong."""
    logits = rng.normal(0.0, 0.5, (count, len(FLOORS)))
    for row in logits:
        name = floor if rng.random() < 0.75 else str(rng.choice(FLOORS))
        row[FLOORS.index(name)] += sure
    return logits.astype(np.float32)


def test_glances_that_disagree_are_one_floor() -> None:
    rng = np.random.default_rng(1)
    times = np.arange(20) * 0.4
    (span,) = floors_over_time(times, said("tile", 20, rng, 4.0), 1.0)
    assert span.floor == "tile" and 0.3 < span.chance < 1.0
    assert len(span.runners_up) == 2 and span.runners_up[0][1] < span.chance


def test_a_step_off_the_carpet_onto_wood_is_one_change_at_its_time() -> None:
    rng = np.random.default_rng(2)
    times = np.arange(40) * 0.4
    logits = np.concatenate([said("carpet", 22, rng, 4.0), said("wood", 18, rng, 4.0)])
    before, after = floors_over_time(times, logits, 1.0)
    assert (before.floor, after.floor) == ("carpet", "wood")
    assert before.end_s == after.start_s == pytest.approx(22 * 0.4, abs=1.0)
    assert floor_under((before, after), 1.0) == "carpet"
    assert floor_under((before, after), 15.0) == "wood"
    assert floor_under((before, after), 1e3) == "wood"


def test_a_shadow_that_passes_is_no_floor() -> None:
    rng = np.random.default_rng(3)
    times = np.arange(30) * 0.4
    logits = said("concrete", 30, rng, 4.0)
    logits[14] = said("water", 1, rng, 6.0)[0]
    assert [one.floor for one in floors_over_time(times, logits, 1.0)] == ["concrete"]


def steady(*floors: str) -> tuple[np.ndarray, np.ndarray]:
    """Times and logits of glances that are quite sure."""
    logits = np.zeros((len(floors), len(FLOORS)), np.float32)
    logits[np.arange(len(floors)), [FLOORS.index(floor) for floor in floors]] = 200.0
    return np.arange(len(floors)) * 0.4, logits


def test_what_lies_about_a_stretch_that_is_too_short_is_one_floor() -> None:
    spans = floors_over_time(*steady(*["tile"] * 5, "water", *["tile"] * 5), 1.0)
    assert [(one.floor, one.start_s, one.end_s) for one in spans] == [("tile", 0.0, 4.0)]


def test_a_first_stretch_that_is_too_short_belongs_to_what_follows() -> None:
    spans = floors_over_time(*steady("water", *["tile"] * 5), 1.0)
    assert [(one.floor, one.start_s) for one in spans] == [("tile", 0.0)]
    (alone,) = floors_over_time(*steady("water"), 1.0)
    assert alone.floor == "water"


def test_nothing_seen_is_nothing_said_and_other_is_no_floor_of_ours() -> None:
    assert floors_over_time(np.zeros(0), np.zeros((0, len(FLOORS)), np.float32), 1.0) == ()
    assert floor_under((), 1.0) is None
    logits = np.zeros((1, len(FLOORS)), np.float32)
    logits[0, FLOORS.index(OTHER_FLOOR)] = 9.0
    assert floor_under(floors_over_time(np.zeros(1), logits, 1.0), 0.0) is None


def test_a_temperature_makes_chances_flatter_and_leaves_the_order() -> None:
    logits = np.zeros((3, len(FLOORS)), np.float32)
    logits[:, 2], logits[:, 4] = 5.0, 3.0
    sharp, flat = vote(logits, 1.0), vote(logits, 3.0)
    assert sharp.sum() == pytest.approx(1.0) and flat[2] < sharp[2]
    assert list(np.argsort(-sharp)[:2]) == list(np.argsort(-flat)[:2]) == [2, 4]


def test_a_very_long_shot_keeps_few_glances_spread_over_all_of_it() -> None:
    notes = Notes(Noting(ground=True, legs=False))
    picture = np.full((360, 640, 3), 90, np.uint8)
    keypoints = standing(320.0, 250.0, 100.0)
    for number in range(2 * _MOST_GLANCES + 50):
        notes.take(number * 0.5, picture, None, 0.5, keypoints)
    times = np.array([glance.time_s for glance in notes.glances()])
    assert len(times) <= _MOST_GLANCES + 1
    assert times[0] == 0.0 and times[-1] > _MOST_GLANCES * 0.95
    assert np.diff(times).max() <= 4.0


def test_what_lies_about_feet_that_are_guessed_is_no_floor() -> None:
    times = np.arange(0.0, 6.0, 0.04)
    confidence = np.full((len(times), 33), 0.9)
    feet = list(range(27, 33))
    confidence[np.ix_(times > 3.0, feet)] = 0.1
    confidence[np.ix_(np.abs(times - 5.0) < 0.05, feet)] = 0.9  # sure for a moment
    confidence[np.ix_(times < 1.0, feet[::2])] = 0.1  # one foot is enough
    pose = Pose(
        person=0,
        image_size_px=(640, 360),
        times_s=times,
        keypoints_px=np.zeros((len(times), 33, 2)),
        confidence=confidence,
        silhouette_area=np.full(len(times), np.nan),
    )
    patches = np.zeros((1, PATCH_PX, PATCH_PX, 3), np.uint8)
    glances = [Glance(time_s=time_s, patches=patches) for time_s in (0.5, 2.0, 4.0, 5.0)]
    assert [glance.time_s for glance in glances_of_feet(glances, pose)] == [0.5, 2.0]
    # Somebody who is seen in every third picture alone: their feet are as sure as they are then.
    places, confidence = pose.keypoints_px.copy(), pose.confidence.copy()
    hidden = np.arange(len(times)) % 3 > 0
    places[hidden], confidence[hidden] = np.nan, 0.0
    off_and_on = replace(pose, keypoints_px=places, confidence=confidence)
    assert [glance.time_s for glance in glances_of_feet(glances, off_and_on)] == [0.5, 2.0]


def test_the_weights_are_those_of_the_card_and_tell_a_floor() -> None:
    card = json.loads((bundled("models") / CARD).read_text(encoding="utf-8"))
    weights = bundled("models") / WEIGHTS
    assert hashlib.sha256(weights.read_bytes()).hexdigest() == card["sha256"]
    assert weights.stat().st_size < 20_000_000
    network = bundled_network()
    assert float(network.temperature) == pytest.approx(card["temperature"], abs=1e-3)
    patches = np.random.default_rng(0).integers(0, 255, (3, PATCH_PX, PATCH_PX, 3)).astype(np.uint8)
    logits = network.read(patches)
    assert logits.shape == (3, len(FLOORS)) and np.isfinite(logits).all()
    assert network.read(patches[:1]) == pytest.approx(logits[:1], abs=1e-4)


class Reader(FloorNetwork):
    """Says of a patch the floor whose number its first pixel is."""

    def __init__(self) -> None:
        torch.nn.Module.__init__(self)
        self.register_buffer("temperature", torch.ones(()))

    def read(self, patches: NDArray[np.uint8]) -> NDArray[np.float32]:
        return 3.0 * np.eye(len(FLOORS), dtype=np.float32)[patches[:, 0, 0, 0]]


def test_who_has_landed_from_a_height_stands_on_another_floor_at_once() -> None:
    floors = [2, 2, 2, 2, 2, 2, 2, 2, 2, 4]
    glances = [
        Glance(time_s=0.8 * n, patches=np.full((2, 8, 8, 3), floor, np.uint8))
        for n, floor in enumerate(floors)
    ]
    assert [one.floor for one in seen_floors(glances, Reader())] == ["concrete"]
    before, after = seen_floors(glances, Reader(), [6.5])
    assert (before.floor, after.floor) == ("concrete", "grass")
    assert before.end_s == after.start_s == 6.5
    assert [one.floor for one in seen_floors(glances, Reader(), [9.0])] == ["concrete"]
    assert [one.floor for one in seen_floors(glances[9:], Reader(), [6.5])] == ["grass"]


def test_a_doubtful_glance_after_a_landing_changes_nothing_and_neighbours_are_one() -> None:
    def seen(floors: list[int], landings: list[float]) -> list[str]:
        glances = [
            Glance(time_s=0.8 * n, patches=np.full((2, 8, 8, 3), floor, np.uint8))
            for n, floor in enumerate(floors)
        ]
        return [one.floor for one in seen_floors(glances, Reader(), landings)]

    assert seen([2] * 8, [2.0, 2.9]) == ["concrete"]
    doubtful = Reader()
    doubtful.temperature.fill_(4.0)
    glance = Glance(time_s=7.2, patches=np.full((2, 8, 8, 3), 4, np.uint8))
    before = [Glance(time_s=0.8 * n, patches=np.full((2, 8, 8, 3), 2, np.uint8)) for n in range(9)]
    assert [one.floor for one in seen_floors([*before, glance], doubtful, [6.9])] == ["concrete"]


def test_both_feet_come_down_at_one_landing() -> None:
    def contact(time_s: float, fall_speed: float) -> Contact:
        return Contact(
            person=0, time_s=time_s, toe_off_s=None, foot="left", part="flat", strength=1.0,
            fall_speed=fall_speed, confidence=0.9, found_by="network",
        )  # fmt: skip

    contacts = [contact(1.0, 0.2), contact(2.0, 4.0), contact(2.1, 4.0), contact(5.0, 3.5)]
    assert landings_s(contacts) == pytest.approx((1.85, 4.85))
    assert landings_s([]) == ()
