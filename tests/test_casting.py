"""Who of a clip shares a track with whom."""

from __future__ import annotations

import pytest

from otio_foley.casting import groups_of
from otio_foley.mix.loudness import LevelPoint
from otio_foley.mix.stem import Levels
from otio_foley.playing import Voice


def voice(person: int, first_s: float, last_s: float, nearness: float = 0.1) -> Voice:
    curve = tuple(LevelPoint(time_s=at_s, level_db=0.0) for at_s in (first_s, last_s))
    return Voice(
        person=person,
        played=(),
        levels=Levels(curve=curve, action_db=(), step_db=()),
        distance=(),
        pan=(),
        nearness=nearness,
    )


def cast(voices: list[Voice], principals: int) -> list[tuple[int, str, list[int], bool]]:
    return [
        (one.track, one.name, [each.person for each in one.voices], one.background)
        for one in groups_of(voices, principals)
    ]


def test_somebody_alone_needs_no_name() -> None:
    assert cast([voice(0, 0.0, 9.0)], 3) == [(1, "", [0], False)]


def test_who_comes_when_another_has_gone_shares_their_track() -> None:
    one_by_one = [voice(number, 2.0 * number, 2.0 * number + 1.4) for number in range(5)]
    assert cast(one_by_one, 2) == [
        (1, "P0 and others", [0, 2, 3, 4], False),
        (2, "P1", [1], False),
    ]


@pytest.mark.parametrize("pause_s", [-0.5, 0.4])
def test_who_is_there_at_the_same_time_does_not(pause_s: float) -> None:
    two = [voice(0, 0.0, 3.0), voice(1, 3.0 + pause_s, 6.0)]
    assert cast(two, 1) == [(1, "P0", [0], False), (2, "BG", [1], True)]


def test_who_is_small_is_in_the_background_whenever_they_come() -> None:
    two = [voice(0, 0.0, 3.0), voice(1, 5.0, 6.0, nearness=0.01)]
    assert cast(two, 1) == [(1, "P0", [0], False), (2, "BG", [1], True)]
