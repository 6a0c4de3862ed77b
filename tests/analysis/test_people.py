"""Who is who where people pass in front of each other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import pytest

from otio_foley.analysis import people
from otio_foley.analysis.flow import Motion
from otio_foley.analysis.following import Picture, Track, joined, settled
from otio_foley.analysis.notes import NOTHING, Notes
from otio_foley.analysis.people import sight
from otio_foley.analysis.pose import Crop, Detection, Person, PoseNetwork, _certainty
from otio_foley.analysis.search import (
    LIVELY,
    another_reading,
    liveliness,
    new_places,
    part_of,
    still,
)
from otio_foley.analysis.skeleton import JOINT_COUNT
from otio_foley.media.picture import frames, probe

_RED = np.array([50.0, 60.0, 40.0, 30.0, 0.0, 0.0])
_BLUE = np.array([40.0, 10.0, -50.0, 60.0, 0.0, 0.0])
_DARKER = np.array([-28.0, 0.0, 0.0, -28.0, 0.0, 0.0])


def person(x_px: float, colour: np.ndarray, size_px: float = 200.0) -> Person:
    rng = np.random.default_rng(0)
    shape = rng.uniform(-0.5, 0.5, (JOINT_COUNT, 2)) * [0.4, 1.0]
    shape[:2] = [[0.0, -0.5], [0.0, 0.5]]
    return Person(
        keypoints_px=shape * size_px + [x_px, 300.0],
        confidence=np.ones(JOINT_COUNT),
        certainty=1.0,
        silhouette_px2=np.nan,
        colour=colour,
        place=Crop(centre_x_px=x_px, centre_y_px=300.0, side_px=1.25 * size_px),
    )


def track(x_px: float, colour: np.ndarray, at_s: float = 0.0, size_px: float = 200.0) -> Track:
    picture = Picture(at_s, np.zeros((1, 1, 3), dtype=np.uint8))
    return Track.of(person(x_px, colour, size_px), picture, Notes())


def test_who_is_framed_from_the_hips_up_is_no_less_there() -> None:
    places = np.zeros((JOINT_COUNT, 2))
    places[:, 1] = np.linspace(10.0, 170.0, JOINT_COUNT)  # nose first, feet last
    confidence = np.where(places[:, 1] < 90.0, 0.95, 0.05)
    assert _certainty(places, confidence, (100, 90)) == pytest.approx(0.95)
    assert _certainty(places, confidence, (100, 200)) == pytest.approx(confidence.mean())
    # Of feet in the picture nobody has to be there.
    assert _certainty(places - [0.0, 90.0], confidence, (100, 90)) == confidence.mean()


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
        (track(350, _RED + _DARKER, 1.6), True),  # in the shade now
        (track(350, _BLUE, 1.6), False),
        (track(350, _RED, 1.6, size_px=500.0), False),
        (track(900, _RED, 1.6), False),
        (track(490, _RED, 1.4), True),  # who jumps off a wall goes far in 0.4 s
        (track(490, _RED, 1.1), False),
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


def place(x_px: float, side_px: float = 100.0, turn_rad: float = 0.0) -> Crop:
    return Crop(centre_x_px=x_px, centre_y_px=200.0, side_px=side_px, turn_rad=turn_rad)


def test_everyone_new_is_looked_at_once_the_surest_find_first() -> None:
    sure, double, other, smaller, lying = (
        Detection(score=0.9, place=place(300)),
        Detection(score=0.6, place=place(308, 105)),
        Detection(score=0.7, place=place(340)),
        Detection(score=0.5, place=place(300, 50)),
        Detection(score=0.8, place=place(500, turn_rad=2.8)),
    )
    every = [double, lying, smaller, other, sure]
    assert new_places(every, []) == [sure.place, other.place, smaller.place]
    assert new_places(every, [place(345, 95)]) == [sure.place, smaller.place]


def test_a_body_within_somebodys_box_is_no_one_else() -> None:
    somebody = person(300, _RED, 200)
    assert part_of(person(305, _RED, 150), somebody)
    assert not part_of(person(305, _RED, 250), somebody), "who is in front is larger"
    assert not part_of(person(360, _RED, 190), somebody), "beside them"


def test_who_stands_beside_somebody_is_not_lost_to_a_reading_of_both() -> None:
    sure, blend, shoe = person(300, _RED, 180), person(305, _RED, 200), person(300, _RED, 60)
    assert another_reading(blend, sure), "one trunk on two bodies"
    assert another_reading(shoe, sure)
    assert not another_reading(sure, shoe), "a shoe taken for somebody hides nobody"
    assert not another_reading(person(400, _RED, 190), sure), "beside them"


def test_somebody_new_may_come_where_somebody_known_was_at_the_last_look() -> None:
    rng = np.random.default_rng(0)
    lawn = rng.integers(60, 80, (540, 960, 3)).astype(np.uint8)

    def shown(*at_px: int) -> np.ndarray:
        picture = lawn.copy()
        for x_px in at_px:
            picture[200:400, x_px - 20 : x_px + 20] = 230
        return picture

    with people._Crowd(4, NOTHING) as crowd:
        moments = [(0.0, shown(300)), (0.8, shown(450, 270)), (1.0, shown(500, 300))]
        crowd.recent.extend(Picture(time_s, picture) for time_s, picture in moments)
        known = track(300, _RED, 0.0)
        for time_s, x_px in ((0.8, 450), (1.0, 500)):
            known.take(person(x_px, _RED), Picture(time_s, moments[0][1]))
        crowd.active.append(known)
        change = crowd._unknown_change(crowd.recent[-1], people._grey(moments[-1][1]))
        there, behind = (
            Crop(centre_x_px=300.0, centre_y_px=300.0, side_px=120.0),
            Crop(centre_x_px=500.0, centre_y_px=300.0, side_px=120.0),
        )
        assert liveliness(change, there, 960) >= LIVELY
        assert liveliness(change, behind, 960) < LIVELY, "that is somebody known"


def test_as_many_are_kept_as_are_asked_for_at_a_time() -> None:
    def passing(first_s: float, last_s: float, x_px: float, size_px: float) -> Track:
        times_s = np.arange(first_s, last_s, 0.1).tolist()
        passer_by = track(x_px, _RED, times_s[0], size_px)
        for time_s in times_s[1:]:
            seen = Picture(time_s, np.zeros((1, 1, 3), dtype=np.uint8))
            passer_by.take(person(x_px, _RED, size_px), seen)
        return passer_by

    one_by_one = [passing(2.0 * n, 2.0 * n + 1.5, 400.0 * n, 200.0) for n in range(5)]
    behind = passing(0.0, 9.0, 9000.0, 20.0)
    every = np.unique(np.concatenate([list(one.seen) for one in (*one_by_one, behind)]))
    for most, kept in ((1, one_by_one), (2, [*one_by_one, behind])):
        with people._Crowd(most, NOTHING) as crowd:
            crowd.gone = [replace(one, seen=dict(one.seen)) for one in (behind, *one_by_one)]
            found = crowd.people(every)
        assert [min(one.seen) for one in found] == [min(one.seen) for one in kept]


def test_pictures_that_repeat_are_told_of_and_not_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked_at_s: list[float] = []
    monkeypatch.setattr(
        people._Crowd, "follow", lambda _, picture: looked_at_s.append(picture.time_s)
    )
    rng = np.random.default_rng(0)
    shot = [rng.integers(0, 255, (90, 160, 3)).astype(np.uint8) for _ in range(12)]
    held = [(number / 24, shot[number // 2]) for number in range(24)]
    seen = sight(held, most_people=1)
    assert looked_at_s == [time_s for time_s, _ in held[::2]]
    assert seen.times_s.tolist() == [time_s for time_s, _ in held]
    # Whoever has places of people at such times can ask where the camera was.
    assert seen.camera.times_s.tolist() == seen.times_s.tolist()
    assert (seen.camera.to_first[1::2] == seen.camera.to_first[::2]).all()


class Network:
    """A pose network that sees one person at any place, and some about it."""

    def __init__(self, there: Person | None, about: list[Person]) -> None:
        self.there, self.about = there, about

    def see(self, rgb: np.ndarray, place: Crop) -> Person | None:
        return self.there

    def people(self, rgb: np.ndarray, crop: Crop) -> list[Person]:
        return self.about


def test_who_is_not_at_their_place_is_looked_for_about_it() -> None:
    picture = Picture(0.1, np.zeros((1, 1, 3), dtype=np.uint8))
    here, near, far = person(302, _RED), person(330, _RED), person(900, _RED)
    for there, about, found in (
        (here, [near], here),
        (far, [near], near),
        (None, [person(310, _BLUE), near], near),
        (None, [far], None),
    ):
        network = cast(PoseNetwork, Network(there, about))
        assert track(300, _RED).find(picture, network) is found


def test_who_was_lost_has_to_look_like_themselves() -> None:
    picture = Picture(0.1, np.zeros((1, 1, 3), dtype=np.uint8))
    passer_by = person(302, _RED + np.array([20.0, 0.0, 0.0, 40.0, 0.0, 0.0]))
    network = cast(PoseNetwork, Network(passer_by, [passer_by]))
    lost = track(300, _RED)
    assert lost.find(picture, network) is passer_by, "their coat may have opened"
    lost.miss()
    assert lost.find(picture, network) is None


@pytest.mark.parametrize("turn_rad", [0.0, 1.0])
def test_who_steps_in_front_in_other_clothes_is_somebody_else(turn_rad: float) -> None:
    picture = Picture(0.1, np.zeros((1, 1, 3), dtype=np.uint8))
    other = person(302, _BLUE)
    other = replace(other, place=replace(other.place, turn_rad=turn_rad))
    network = cast(PoseNetwork, Network(other, []))
    # Who turns over comes into other light: that is no reason to lose them.
    assert track(300, _RED).find(picture, network) is (other if turn_rad else None)


def test_the_place_goes_on_as_the_hips_went() -> None:
    walker = track(300, _RED)
    for number in range(1, 20):
        seen = Picture(number / 25, np.zeros((1, 1, 3), dtype=np.uint8), elapsed_s=1 / 25)
        walker.take(person(300 + 4 * number, _RED), seen)
    assert walker.place.centre_x_px == pytest.approx(300 + 4 * 20, abs=0.1)
    walker.miss()
    walker.miss()
    assert walker.place.centre_x_px == pytest.approx(300 + 4 * 22, abs=0.2)


@pytest.mark.parametrize(
    ("lasts_s", "missed", "somebody"),
    [(0.3, 0, False), (0.8, 0, True), (0.8, 2, False), (1.6, 2, True), (1.6, 12, False)],
)
def test_who_is_there_briefly_has_to_be_seen_all_the_time(
    lasts_s: float, missed: int, somebody: bool
) -> None:
    times = np.arange(0.0, 2.0, 0.1)
    there = [float(time_s) for time_s in times if time_s <= lasts_s + 1e-9]
    seen = {time_s: person(300, _RED) for time_s in [there[0], *there[1 + missed :]]}
    assert people._is_somebody(seen, times) == somebody


def motion(right_px: float) -> Motion:
    """A small picture, all of which but the background has moved to the left."""
    flow = np.full((90, 160, 2), [right_px, 0.0], dtype=np.float32)
    return Motion(flow=flow, step=np.eye(3), scale=8.0, elapsed_s=1 / 25)


def test_legs_that_do_not_stir_are_given_up_and_whoever_is_whole_is_not() -> None:
    walker = track(300, _RED)
    legs = track(300, _RED)
    legs.seen[0.0] = replace(legs.seen[0.0], legs_alone=True)
    for one in (walker, legs):
        one.watch(motion(10.0))
        assert not one.stands_still
        for _ in range(15):  # 0.6 s: both feet on the ground, say
            one.watch(motion(0.0))
        assert not one.stands_still
        for _ in range(5):
            one.watch(motion(0.0))
    assert legs.stands_still and not walker.stands_still
    legs.miss()
    was = legs.stir
    legs.watch(motion(10.0))
    assert legs.stir == was, "what moves where they are not seen are not they"
    for number, legs_alone in enumerate((False, True), 1):
        seen = Picture(10.0 * number, np.zeros((1, 1, 3), dtype=np.uint8))
        legs.take(replace(person(300, _RED), legs_alone=legs_alone), seen)
    assert not legs.stands_still, "how they stood before they were whole does not count"


def test_what_passed_before_legs_were_there_does_not_stir_them() -> None:
    legs = replace(person(300, _RED), legs_alone=True)
    # Something goes by for half a second; the legs are seen in its last pictures, or all along.
    times = [number / 25 for number in range(25)]
    with people._Crowd(4, NOTHING) as crowd:
        crowd.motions = {time_s: motion(10.0 if time_s < 0.5 else 0.0) for time_s in times}
        for first_s, stirred in ((0.48, False), (0.0, True)):
            followed = track(300, _RED)
            followed.seen = {time_s: legs for time_s in times if time_s >= first_s}
            assert crowd._stirred(followed) == stirred


def test_where_the_first_look_may_see_legs_there_is_a_second_soon(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One picture does not tell whether they move."""
    legs = replace(person(300, _RED), legs_alone=True)
    monkeypatch.setattr(people._Crowd, "_found", lambda *_: [])
    looks_s: list[float] = []

    def legs_found(crowd: people._Crowd, picture: Picture, _: object) -> list[Person]:
        looks_s.append(picture.time_s)
        return [legs]

    monkeypatch.setattr(people._Crowd, "_legs_found", legs_found)
    still = np.zeros((90, 160, 3), dtype=np.uint8)
    with people._Crowd(4, NOTHING) as crowd:
        for number in range(38):
            seen = Picture(number / 25, still)
            crowd.look(seen, people._grey(still), motion(0.0) if number else None)
        assert not crowd.active, "they stand still"
    assert looks_s == pytest.approx([0.0, 0.32, 1.32])


@pytest.mark.parametrize("speed_px", [0.0, 6.0])
def test_nobodys_legs_are_in_a_garden(shared: Path, speed_px: float) -> None:
    """A real lawn before a real house without anybody: the middle of what each pixel shows. The
    network takes parts of it for legs, which have to move over the background."""
    shot = shared / "picture/davidpagnon+Sports2D/Sports2D/Demo/demo.mp4"
    if not shot.is_file():
        pytest.skip("the real shot is not there")
    shown = frames(probe(shot), start_s=0.0, end_s=np.inf, long_side_px=1280)
    every = [frame.rgb for number, frame in enumerate(shown) if number % 8 == 0]
    garden = cv2.resize(np.median(every, axis=0).astype(np.uint8), None, fx=1.6, fy=1.6)
    rng = np.random.default_rng(0)
    pictures = []
    for number in range(40):
        across = round(speed_px * number)
        part = garden[400:1120, 200 + across : 1480 + across].astype(np.int16)
        grain = rng.normal(0.0, 3.0, (*part.shape[:2], 1)).astype(np.int16)
        pictures.append((number / 24, np.clip(part + grain, 0, 255).astype(np.uint8)))
    assert not sight(pictures, most_people=4).people


def test_three_people_in_a_narrow_aisle(shared: Path) -> None:
    """Two with their backs to the camera, and one who comes in before them, 480 pixels wide."""
    shot = shared / "picture/intel-iot-devkit+sample-videos/preview/store-aisle-detection.gif"
    if not shot.is_file():
        pytest.skip("the real shot is not there")
    shown = frames(probe(shot), start_s=0.0, end_s=np.inf, long_side_px=1280)
    seen = sight(((frame.time_s, frame.rgb) for frame in shown), most_people=4)

    def near(x_px: float, at_s: float) -> set[int]:
        """Who is at most 40 pixels beside a place."""
        return {
            pose.person
            for pose in seen.people
            for time_s, points in zip(pose.times_s, pose.keypoints_px, strict=True)
            if abs(time_s - at_s) < 0.02 and abs(points[11:25, 0].mean() - x_px) < 40.0
        }

    man, woman = near(280.0, 1.0), near(370.0, 1.0)
    assert len(man) == len(woman) == 1 and man != woman
    assert near(360.0, 3.0) - man - woman, "who came in between them"
    assert len(seen.people) <= 4
