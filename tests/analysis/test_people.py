"""Who is who where people pass in front of each other."""

from __future__ import annotations

from unittest.mock import Mock

import numpy as np

from otio_foley.analysis.following import Picture, Track, crop_around, joined, settled
from otio_foley.analysis.pose import Person
from otio_foley.analysis.search import still
from otio_foley.analysis.skeleton import JOINT_COUNT

_RED = np.array([50.0, 60.0, 40.0, 30.0, 0.0, 0.0])
_BLUE = np.array([40.0, 10.0, -50.0, 60.0, 0.0, 0.0])


def person(x_px: float, colour: np.ndarray, size_px: float = 200.0) -> Person:
    rng = np.random.default_rng(0)
    shape = rng.uniform(-0.5, 0.5, (JOINT_COUNT, 2)) * [0.4, 1.0]
    shape[:2] = [[0.0, -0.5], [0.0, 0.5]]
    return Person(
        keypoints_px=shape * size_px + [x_px, 300.0],
        confidence=np.ones(JOINT_COUNT),
        silhouette_px2=np.nan,
        colour=colour,
    )


def track(x_px: float, colour: np.ndarray, at_s: float = 0.0, size_px: float = 200.0) -> Track:
    picture = Picture(at_s, np.zeros((1, 1, 3), dtype=np.uint8))
    here = person(x_px, colour, size_px)
    made = Track(network=Mock(), crop=crop_around(here, np.zeros(2), None))
    made.take(here, picture)
    return made


def test_everyone_keeps_their_own() -> None:
    tracks = [track(300, _RED), track(360, _BLUE)]
    found = [person(302, _RED), person(358, _BLUE)]
    assert settled(tracks, found) == found


def test_who_is_hidden_is_not_whoever_hides_them() -> None:
    for tracks in ([track(300, _RED), track(310, _BLUE)], [track(310, _BLUE), track(300, _RED)]):
        in_front = person(306, _BLUE)
        mine = settled(tracks, [in_front, in_front])
        blue = next(number for number, one in enumerate(tracks) if (one.colour == _BLUE).all())
        assert mine[blue] is in_front and mine[1 - blue] is None


def test_two_who_changed_places_are_seen_to_have() -> None:
    tracks = [track(300, _RED), track(330, _BLUE)]
    assert settled(tracks, [person(328, _BLUE), person(302, _RED)]) == [None, None]


def test_two_tracks_of_one_person_leave_them_to_the_elder() -> None:
    found = person(300, _RED)
    assert settled([track(300, _RED), track(301, _RED)], [found, found]) == [found, None]


def test_a_light_that_changes_for_all_changes_nobody() -> None:
    tracks = [track(300, _RED), track(900, _BLUE)]
    found = [person(302, _RED + 25.0), person(905, _BLUE + 25.0)]
    assert settled(tracks, found) == found


def test_who_comes_back_near_by_as_they_were_is_the_same_person() -> None:
    left = track(300, _RED, 1.0)
    for back, same in (
        (track(350, _RED, 1.6), True),
        (track(350, _RED, 0.7), True),  # followed back further than they were lost
        (track(350, _BLUE, 1.6), False),
        (track(350, _RED, 1.6, size_px=500.0), False),
        (track(900, _RED, 1.6), False),
        (track(350, _RED, 3.0), False),
    ):
        seen = dict(left.seen)
        people = joined([back, left])
        assert len(people) == (1 if same else 2)
        if same:
            assert people[0].seen.keys() == {1.0, back.last_seen_s}
        left.seen = seen


def test_what_moves_about_somebody_known_is_no_reason_to_search() -> None:
    change = np.full((90, 160), 200, dtype=np.uint8)
    still(change, [(400.0, 160.0, 480.0, 320.0)], 0.125)
    # The box and 0.15 of its 160 px on every side, at an eighth of the size.
    assert not change[17:43, 47:63].any()
    assert (np.delete(change, np.s_[17:43], axis=0) == 200).all()
    assert (change[:, :47] == 200).all() and (change[:, 63:] == 200).all()
