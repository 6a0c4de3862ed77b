"""Pictures that only repeat are passed over, and nothing else is."""

from __future__ import annotations

import numpy as np
import pytest

from otio_foley.analysis.repeats import Repeats

_COUNT = 48


def walking(picture: int, seed: int = 0) -> np.ndarray:
    """A bar that goes 4 pixels a picture over an uneven ground."""
    ground = np.random.default_rng(seed).integers(60, 140, (90, 160)).astype(np.uint8)
    drawn = np.kron(ground, np.ones((2, 2), dtype=np.uint8))
    drawn[40:140, 20 + 4 * picture : 36 + 4 * picture] = 230
    return drawn


def coded(picture: np.ndarray, seed: int, strength: float) -> np.ndarray:
    noise = np.random.default_rng(1000 + seed).normal(0.0, strength, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def kept(pictures: list[np.ndarray], fps: float) -> list[int]:
    repeats = Repeats()
    return [
        number
        for number, picture in enumerate(pictures)
        if not repeats.repeats(number / fps, picture)
    ]


@pytest.mark.parametrize(("shot_fps", "shown_fps"), [(12, 24), (16, 25), (18, 24), (24, 60)])
@pytest.mark.parametrize("strength", [0.0, 0.7])
def test_each_picture_that_was_shot_is_looked_at_once(
    shot_fps: int, shown_fps: int, strength: float
) -> None:
    shot = [number * shot_fps // shown_fps for number in range(_COUNT)]
    first = [number for number, one in enumerate(shot) if one not in shot[:number]]
    pictures = [coded(walking(one), number, strength) for number, one in enumerate(shot)]
    # What coding leaves is known from the first pictures that are new.
    known = 0 if strength == 0.0 else 2 * shown_fps // shot_fps
    looked_at = kept(pictures, shown_fps)
    assert [number for number in looked_at if number >= known] == [
        number for number in first if number >= known
    ]


@pytest.mark.parametrize("every", [3, 4, 8])
def test_beside_a_lamp_that_blinks_somebody_in_the_haze_moves(every: int) -> None:
    pictures = [np.full((180, 320), 120, dtype=np.uint8) for _ in range(_COUNT)]
    for number, picture in enumerate(pictures):
        picture[60:120, 20 + 2 * number : 30 + 2 * number] = 135
        picture[10:17, 300:307] = 250 if number % every == 0 else 80
    assert kept(pictures, 24.0) == list(range(_COUNT))


@pytest.mark.parametrize("fps", [24.0, 60.0])
def test_where_something_moves_nothing_is_passed_over(fps: float) -> None:
    pictures = [coded(walking(number), number, 0.7) for number in range(_COUNT)]
    assert kept(pictures, fps) == list(range(_COUNT))


def test_what_moves_slower_than_usual_is_no_repetition() -> None:
    pictures = [walking(number) for number in range(24)]
    pictures += [np.roll(pictures[-1], number // 4, axis=1) for number in range(24)]
    passed = set(range(_COUNT)) - set(kept(pictures, 24.0))
    assert passed <= {24, *(number for number in range(24, _COUNT) if number % 4)}


def test_a_freeze_is_looked_at_now_and_then() -> None:
    times = np.array(kept([walking(3)] * _COUNT, 24.0)) / 24.0
    assert np.diff(times).max() < 0.09 and len(times) == _COUNT / 2


@pytest.mark.parametrize("fps", [12.0, 15.0])
def test_of_few_pictures_a_second_all_are_looked_at(fps: float) -> None:
    assert kept([walking(3)] * 12, fps) == list(range(12))


def test_pictures_of_another_size_repeat_nothing() -> None:
    repeats = Repeats()
    assert not repeats.repeats(0.0, walking(0))
    assert not repeats.repeats(0.04, walking(0)[::2, ::2])
