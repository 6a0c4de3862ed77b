"""Who is in the picture: people are found in tiles, then each is looked at at a place of their own.

At every *look* (once a second) squares of two sizes are searched wherever the picture changes:
someone in front of whom nothing moves makes no steps. Someone new is followed back to the look
before, too, so that the steps on the way in are there.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from otio_foley.analysis.closeups import CloseUps
from otio_foley.analysis.flow import FLOW_WIDTH_PX, CameraFollower, Motion
from otio_foley.analysis.following import (
    LOST_AFTER_S,
    Picture,
    Track,
    joined,
    same,
    same_legs,
    settled,
)
from otio_foley.analysis.legs import have_stirred, see_legs, stirs
from otio_foley.analysis.notes import NOTHING, Glance, Notes, Noting
from otio_foley.analysis.pose import Person, PoseNetwork
from otio_foley.analysis.repeats import Repeats
from otio_foley.analysis.search import (
    LEAST_CONFIDENCE,
    LIVELY,
    another_reading,
    change_between,
    is_legs,
    is_person,
    liveliness,
    new_places,
    part_of,
    still,
    tiles_of,
)
from otio_foley.types import CameraMotion, FloatArray, Pose

Asked = TypeVar("Asked")
Told = TypeVar("Told")

#: Seconds from one search of the whole picture to the next; sooner where the first one finds what
#: may be legs alone, for one picture does not tell whether they move.
_LOOK_EVERY_S = 1.0
_LOOK_AGAIN_S = 0.3
#: What moves now has moved since about so long ago.
_JUST_NOW_S = 0.2

#: The networks run outside Python's lock, one to a core.
_THREADS = max(1, min(4, os.cpu_count() or 1))

#: Legs that a search found are looked at so often again, each time where they were.
_LOOKED_AT_AGAIN = 2

#: Shorter sightings are not people, or make no step.
_SHORTEST_S = 0.4

#: What is seen in fewer of the pictures from first to last is none, nor is what mostly leans more.
_LEAST_SEEN = 0.4
_LEANS_RAD = 0.8
#: Who is there for less than this is seen in nearly all of the pictures: in grain a shadow, or a
#: place beside somebody, is now and then taken for one more person, off and on for half a second.
_BRIEF_S = 1.0
_LEAST_SEEN_IF_BRIEF = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What a stretch of picture shows: its frame times (T,), the people, the camera's motion, and
    for each of the people what was noted: the ground under them, and close-ups of their legs."""

    times_s: FloatArray
    image_size_px: tuple[int, int]
    people: tuple[Pose, ...]
    camera: CameraMotion
    glances: tuple[tuple[Glance, ...], ...]
    closeups: tuple[CloseUps, ...]


def sight(
    pictures: Iterable[tuple[float, NDArray[np.uint8]]],
    *,
    most_people: int,
    noting: Noting = NOTHING,
) -> Sighting:
    """Find and follow the people in pictures given as (time_s, (H, W, 3) uint8 RGB), times rising.

    Of those who are there at a time the `most_people` who fill most of the picture for longest are
    kept; all are numbered from 0 in that order. Pictures that only repeat are passed over. `noting`
    says what is kept of the picture about them. Deterministic. No picture at all gives an empty
    sighting.
    """
    camera = CameraFollower()
    repeats = Repeats()
    shown: list[float] = []
    times: list[float] = []
    size = (0, 0)
    with _Crowd(most_people, noting) as crowd:
        for time_s, rgb in _rising(pictures):
            shown.append(time_s)
            grey = _grey(rgb)
            if repeats.repeats(time_s, grey):
                camera.hold(time_s)
                continue
            size = (rgb.shape[1], rgb.shape[0])
            flow = camera.flow(grey)
            elapsed_s = time_s - times[-1] if times else 0.0
            times.append(time_s)
            picture = Picture(time_s, rgb, flow, elapsed_s)
            crowd.follow(picture)
            motion = camera.see(time_s, grey, flow, crowd.boxes(), size[0] / FLOW_WIDTH_PX)
            crowd.look(picture, grey, motion)
        every = np.array(times)
        tracks = crowd.people(every)
    return Sighting(
        times_s=np.array(shown),
        image_size_px=size,
        people=tuple(_pose(number, track, every, size) for number, track in enumerate(tracks)),
        camera=camera.motion(),
        glances=tuple(track.notes.glances() for track in tracks),
        closeups=tuple(track.notes.closeups() for track in tracks),
    )


def _rising(
    pictures: Iterable[tuple[float, NDArray[np.uint8]]],
) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """Broken streams repeat or turn back times; such pictures are passed over."""
    last_s = -np.inf
    for time_s, rgb in pictures:
        if time_s > last_s:
            last_s = time_s
            yield time_s, rgb


class _Crowd:
    """Everyone who is being followed, and the pictures since the last look."""

    def __init__(self, most_people: int, noting: Noting) -> None:
        self.most_people = most_people
        self.noting = noting
        self.closing = ExitStack()
        self.networks: list[PoseNetwork] = []
        self.active: list[Track] = []
        self.gone: list[Track] = []
        self.recent: deque[Picture] = deque()
        self.motions: dict[float, Motion] = {}
        self.last_look_s = -np.inf
        self.pause_s = _LOOK_EVERY_S

    def __enter__(self) -> _Crowd:
        with ExitStack() as opened:
            self.networks = [opened.enter_context(PoseNetwork()) for _ in range(_THREADS)]
            self.pool = opened.enter_context(ThreadPoolExecutor(max_workers=_THREADS))
            self.closing = opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.close()

    def _each(
        self, ask: Callable[[PoseNetwork, Asked], Told], every: Sequence[Asked]
    ) -> list[Told]:
        """Ask the networks about each of some things, side by side; answers in their order."""

        def part(first: int) -> list[Told]:
            return [ask(self.networks[first], one) for one in every[first::_THREADS]]

        told = list(self.pool.map(part, range(min(_THREADS, len(every)))))
        return [told[number % _THREADS][number // _THREADS] for number in range(len(every))]

    def boxes(self) -> list[tuple[float, float, float, float]]:
        return [track.last.box_px for track in self.active]

    def follow(self, picture: Picture) -> None:
        """Look for everybody known in the next picture."""
        found = self._each(lambda network, track: track.find(picture, network), self.active)
        for track, person in zip(self.active, settled(self.active, found), strict=True):
            if person is not None:
                track.take(person, picture)
            else:
                track.miss()

    def look(self, picture: Picture, grey: NDArray[np.uint8], motion: Motion | None) -> None:
        """Let go of who is lost in it, given how it has moved; now and then look for others."""
        if motion is not None:
            self.motions[picture.time_s] = motion
            for track in self.active:
                track.watch(motion)
        self._let_go(picture.time_s)
        self.recent.append(picture)
        if picture.time_s - self.last_look_s >= self.pause_s:
            self.pause_s = _LOOK_EVERY_S
            self._look(picture, grey)
            self.last_look_s = picture.time_s
            self.recent.clear()
            self.recent.append(picture)
            self.motions.clear()

    def _let_go(self, now_s: float) -> None:
        """End the tracks of those who are lost, and of legs that stand still: they are found again
        when they move."""
        lost = [
            track
            for track in self.active
            if now_s - track.last_seen_s > track.patience_s or track.stands_still
        ]
        self.active = [track for track in self.active if track not in lost]
        self.gone += lost

    def _look(self, picture: Picture, grey: NDArray[np.uint8]) -> None:
        change = self._unknown_change(picture, grey)
        found = self._found(picture, change)
        if not any(_is_whole(one) for one in (*found, *(track.last for track in self.active))):
            legs_found = self._legs_found(picture, change)
            if legs_found and not self.motions:
                self.pause_s = _LOOK_AGAIN_S
            found += [legs for legs in legs_found if self._stirred_there(legs)]
        for person in found:
            legs = next((track for track in self.active if _is_above(person, track.last)), None)
            if legs is not None:
                legs.take(person, picture)
                continue
            if any(_is_known(person, track) for track in self.active):
                continue
            if len(self.active) >= 2 * self.most_people:
                continue
            self._take_on(person, picture)

    def _unknown_change(self, picture: Picture, grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """How much each place of a picture (h, w) has changed that nobody known was at: since the
        last look, or just now, for somebody new may come where somebody known was then."""
        before = list(self.recent)[:-1]
        if not before:  # the first picture: everything is new
            return np.full_like(grey, 255)
        just_now = min(before, key=lambda one: abs(picture.time_s - _JUST_NOW_S - one.time_s))
        # A change is where somebody was as well as where they are now. Who leans is often nobody:
        # what moves there may be somebody's legs.
        known = [track for track in self.active if not track.missed and not _leans(track.last)]
        changes = []
        for earlier in (before[0], just_now):
            change = change_between(_grey(earlier.rgb), grey)
            boxes = [
                track.seen[at_s].box_px
                for track in known
                for at_s in (earlier.time_s, picture.time_s)
                if at_s in track.seen
            ]
            still(change, boxes, grey.shape[1] / picture.rgb.shape[1])
            changes.append(change)
        return np.maximum(*changes)

    def _found(self, picture: Picture, change: NDArray[np.uint8]) -> list[Person]:
        """People in the tiles where something moves, the most certain first, no one twice."""
        height, width = picture.rgb.shape[:2]
        tiles = [
            crop for crop in tiles_of(width, height) if liveliness(change, crop, width) >= LIVELY
        ]
        detected = self._each(lambda network, crop: network.detect(picture.rgb, crop), tiles)
        known = [track.last.place for track in self.active if not track.missed]
        places = new_places([one for part in detected for one in part], known)
        seen = self._each(lambda network, place: network.see(picture.rgb, place), places)
        found = [
            person
            for person in seen
            if person is not None and is_person(person, min(width, height))
        ]
        # Equal certainty is settled by place.
        found.sort(key=lambda person: (-person.certainty, person.box_px))
        single: list[Person] = []
        for person in found:
            if not any(same(person, one) or another_reading(person, one) for one in single):
                single = [one for one in single if not part_of(one, person)]
                single.append(person)
        return single

    def _legs_found(self, picture: Picture, change: NDArray[np.uint8]) -> list[Person]:
        """Legs without a body where something moves in a picture in which there is nobody whole."""
        height, width = picture.rgb.shape[:2]
        tiles = [
            crop
            for crop in tiles_of(width, height, shares=(1.0,))
            if liveliness(change, crop, width) >= LIVELY
        ]
        found = self._each(lambda _, crop: see_legs(picture.rgb, crop), tiles)
        for _ in range(_LOOKED_AT_AGAIN):
            places = [legs.place for legs in found if legs is not None]
            found = self._each(lambda _, place: see_legs(picture.rgb, place), places)
        sure = [legs for legs in found if legs is not None and is_legs(legs, min(width, height))]
        sure.sort(key=lambda legs: (-legs.certainty, legs.box_px))
        single: list[Person] = []
        for legs in sure:
            if not any(same_legs(legs, one) for one in single):
                single.append(legs)
        return single

    def _take_on(self, person: Person, picture: Picture) -> None:
        """Follow someone new from here, and back through the pictures since the last look; legs
        alone if they were seen to stir in these."""
        if self._followed(person, picture.time_s):
            return
        back = Track.of(person, picture, Notes(self.noting))
        velocity_px = back.velocity_px
        for earlier in list(self.recent)[-2::-1]:
            before = back.find(earlier, self.networks[0])
            if before is not None and not self._followed(before, earlier.time_s):
                back.take(before, earlier)
                if len(back.seen) == 2:
                    velocity_px = -back.velocity_px
            else:
                back.miss()
            if earlier.time_s < back.last_seen_s - LOST_AFTER_S:
                break
        track = Track.of(person, picture, Notes(self.noting), velocity_px)
        track.seen = {**dict(sorted(back.seen.items())), **track.seen}
        track.notes.add(back.notes)
        if not person.legs_alone or self._stirred(track):
            self.active.append(track)

    def _stirred_there(self, legs: Person) -> bool:
        """Whether what shows where legs are has moved since the last look; something may have
        passed before them."""
        motions = list(self.motions.values())
        return have_stirred(stirs(legs, motions), [motion.elapsed_s for motion in motions])

    def _stirred(self, legs: Track) -> bool:
        """Whether legs were seen to stir since the last look."""
        speeds = [
            float(stirs(legs.seen[time_s], [motion])[0]) if time_s in legs.seen else 0.0
            for time_s, motion in self.motions.items()
        ]
        return have_stirred(speeds, [motion.elapsed_s for motion in self.motions.values()])

    def _followed(self, person: Person, time_s: float) -> bool:
        """Whether somebody's track has this sight of them already."""
        return any(
            time_s in track.seen and same(track.seen[time_s], person)
            for track in self.active + self.gone
        )

    def people(self, times_s: FloatArray) -> list[Track]:
        """Whoever matters of those in pictures at times_s, the most important first; of as many as
        are asked for at a time, for people come and go."""
        tracks = [
            track for track in joined(self.gone + self.active) if _is_somebody(track.seen, times_s)
        ]
        tracks.sort(key=lambda track: (-_presence(track), min(track.seen)))
        kept: list[Track] = []
        for track in tracks:
            if _most_at_a_time(track, kept) < self.most_people:
                kept.append(track)
        return kept


def _leans(person: Person) -> bool:
    """Whether this is nobody about upright: legs alone are now and then taken for arms, of somebody
    upside down."""
    return abs(person.place.turn_rad) >= _LEANS_RAD


def _is_whole(person: Person) -> bool:
    return not person.legs_alone and not _leans(person)


def _is_known(person: Person, track: Track) -> bool:
    """Whether a find is somebody who is followed, or a part of them while they are seen."""
    followed = track.last
    within = part_of(person, followed) and not (person.legs_alone and _leans(followed))
    return (within and not track.missed) or same(followed, person)


def _is_above(person: Person, legs: Person) -> bool:
    """Whether somebody whole stands on legs that were seen alone."""
    return _is_whole(person) and legs.legs_alone and same_legs(legs, person)


def _is_somebody(seen: Mapping[float, Person], times_s: FloatArray) -> bool:
    """Whether what was followed is somebody who may step: there for a while, seen surely and most
    of that time, and about upright."""
    first_s, last_s = min(seen), max(seen)
    pictures = int(((times_s >= first_s) & (times_s <= last_s)).sum())
    confidence = np.mean([person.certainty for person in seen.values()])
    least_seen = _LEAST_SEEN if last_s - first_s >= _BRIEF_S else _LEAST_SEEN_IF_BRIEF
    turn_rad = np.median([abs(person.place.turn_rad) for person in seen.values()])
    return bool(
        last_s - first_s >= _SHORTEST_S
        and len(seen) >= least_seen * pictures
        and confidence >= LEAST_CONFIDENCE
        and turn_rad < _LEANS_RAD
    )


def _most_at_a_time(track: Track, others: Sequence[Track]) -> int:
    """How many others are there with somebody at once, at most."""
    spans = [(min(one.seen), max(one.seen)) for one in (track, *others)]
    first_s, last_s = spans[0]
    # The most are there when one of them comes.
    comings_s = [start_s for start_s, _ in spans if first_s <= start_s <= last_s]
    return max(sum(start_s <= at_s <= end_s for start_s, end_s in spans[1:]) for at_s in comings_s)


def _pose(number: int, track: Track, times_s: FloatArray, size: tuple[int, int]) -> Pose:
    """What was seen of a person on the movie's own frame times, from first to last sight."""
    seen = track.seen
    span = times_s[(times_s >= min(seen)) & (times_s <= max(seen))]
    people = [seen.get(float(time_s)) for time_s in span]
    nowhere = np.full((33, 2), np.nan)
    picture_px2 = size[0] * size[1]
    return Pose(
        person=number,
        image_size_px=size,
        times_s=span,
        keypoints_px=np.array([nowhere if p is None else p.keypoints_px for p in people]),
        confidence=np.array([np.zeros(33) if p is None else p.confidence for p in people]),
        silhouette_area=np.array(
            [np.nan if p is None else p.silhouette_px2 / picture_px2 for p in people]
        ),
    )


def _presence(track: Track) -> float:
    """Size x time: who matters most in the picture."""
    return float(sum(person.size_px for person in track.seen.values()))


def _grey(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height = max(2, round(rgb.shape[0] * FLOW_WIDTH_PX / rgb.shape[1]))
    small = cv2.resize(rgb, (FLOW_WIDTH_PX, height), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


__all__: Sequence[str] = ("Sighting", "sight")
