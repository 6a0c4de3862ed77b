"""Who is in the picture: people are found in tiles, then each is followed in a crop of their own.

At every *look* (once a second) squares of two sizes are searched wherever the picture changes:
someone in front of whom nothing moves makes no steps. Someone new is followed back to the look
before, too, so that the steps on the way in are there.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from otio_foley.analysis.flow import FLOW_WIDTH_PX, CameraFollower
from otio_foley.analysis.pose import Crop, Person, PoseNetwork
from otio_foley.types import CameraMotion, FloatArray, Pose

#: Seconds from one search of the whole picture to the next.
_LOOK_EVERY_S = 1.0

#: The networks run outside Python's lock, one to a core.
_THREADS = max(1, min(4, os.cpu_count() or 1))

#: Searched squares, as shares of the short side, half overlapping.
_TILE_SHARES = (1.0, 0.6)

#: Crop side over the person's size. The network finds fewer people in tighter crops: of the stage's
#: before a static camera 80 % at 1.3, 92 % at 1.6, 91 % at 2 (`train.stage.poses`).
CROP_MARGIN = 1.75

#: Someone unseen for so long is lost, someone known for longer than `_HIDDEN_S` only after that.
#: Who is found within `_RETURN_S` may be the same one; what people usually look like is what they
#: looked like for `_USUAL_S`.
_LOST_AFTER_S = 0.3
_HIDDEN_S = 0.8
_RETURN_S = 1.0
_USUAL_S = 2.0

#: Colours (L*a*b*, of trunk and thighs together) so far apart are of other clothes, and how fast
#: what is known of somebody's colour follows the light.
_OTHER_COLOUR = 30.0
_COLOUR_SHARE = 0.1
#: A find is somebody else's if it looks more like them by so much (`_Track.unlike`).
_MORE_LIKE = 0.3

#: Mean confidence of the keypoints below which a find in a tile is no person.
_LEAST_CONFIDENCE = 0.5

#: Shorter sightings are not people, or make no step.
_SHORTEST_S = 0.4

#: Nobody behind somebody is found who is smaller than this share of them.
_PART = 0.75

#: What moves about a person by this share of their size is them: hair, clothes, a shadow.
_ABOUT = 0.15

#: Brightness change (of 255) in a tile's liveliest hundredth that counts as something moving.
_CHANGE = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What a stretch of picture shows: its frame times (T,), the people, the camera's motion."""

    times_s: FloatArray
    image_size_px: tuple[int, int]
    people: tuple[Pose, ...]
    camera: CameraMotion


@dataclass(frozen=True, slots=True)
class _Picture:
    time_s: float
    rgb: NDArray[np.uint8]


@dataclass(slots=True, eq=False)
class _Track:
    """One person while being followed, forwards; `seen` maps frame time to what was seen, `colour`
    is how their clothes have looked."""

    network: PoseNetwork
    crop: Crop
    seen: dict[float, Person] = field(default_factory=dict)
    colour: FloatArray = field(default_factory=lambda: np.zeros(6))
    velocity_px: FloatArray = field(default_factory=lambda: np.zeros(2))
    last_seen_s: float = -np.inf
    missed: int = 0
    """Pictures since they were last seen."""

    @property
    def last(self) -> Person:
        return self.seen[self.last_seen_s]

    @property
    def patience_s(self) -> float:
        """How long they are looked for where they ought to be: someone known for long comes out
        again from behind whoever passes in front of them."""
        known_s = self.last_seen_s - min(self.seen)
        return _LOST_AFTER_S if known_s < _HIDDEN_S else _HIDDEN_S

    def find(self, picture: _Picture) -> Person | None:
        """Who is where this person ought to be."""
        person = self.network.see(picture.rgb, self.crop)
        return person if person is not None and _plausible(person, self.crop) else None

    def take(self, person: Person, picture: _Picture) -> None:
        """It is them."""
        if self.seen:
            moved = (person.centre_px - self.last.centre_px) / (1 + self.missed)
            self.velocity_px = 0.7 * self.velocity_px + 0.3 * moved
            self.colour = self.colour + _COLOUR_SHARE * (person.colour - self.colour)
        else:
            self.colour = person.colour
        self.seen[picture.time_s] = person
        self.last_seen_s = picture.time_s
        self.missed = 0
        self.crop = _crop_around(person, self.velocity_px, self.crop)

    def miss(self, astray: bool) -> None:
        """They are not seen; `astray` if the network is about to go on with somebody else."""
        if astray:
            self.network.forget()
        self.missed += 1
        x, y = self.velocity_px
        self.crop = replace(
            self.crop, centre_x_px=self.crop.centre_x_px + x, centre_y_px=self.crop.centre_y_px + y
        )

    def is_near(self, person: Person) -> bool:
        """Whether a find is about where they are, and about as large."""
        apart = float(np.hypot(*(person.centre_px - self.last.centre_px)))
        ratio = person.size_px / self.last.size_px
        return apart < 0.8 * max(person.size_px, self.last.size_px) and 0.6 < ratio < 1.7

    def unlike(self, person: Person) -> float:
        """How little a find looks like this person: their place in their sizes, and their clothes
        over what is another colour."""
        here = np.array([self.crop.centre_x_px, self.crop.centre_y_px])
        place = float(np.hypot(*(person.centre_px - here))) / self.last.size_px
        size = abs(float(np.log(person.size_px / self.last.size_px)))
        colour = float(np.linalg.norm(person.colour - self.colour)) / _OTHER_COLOUR
        return place + size + colour


def sight(pictures: Iterable[tuple[float, NDArray[np.uint8]]], *, most_people: int) -> Sighting:
    """Find and follow the people in pictures given as (time_s, (H, W, 3) uint8 RGB), times rising.

    The `most_people` who fill most of the picture for longest are kept, numbered from 0 in that
    order. Deterministic. No picture at all gives an empty sighting.
    """
    camera = CameraFollower()
    times: list[float] = []
    size = (0, 0)
    with _Crowd(most_people) as crowd:
        for picture in _rising(pictures):
            times.append(picture.time_s)
            size = (picture.rgb.shape[1], picture.rgb.shape[0])
            scale = size[0] / FLOW_WIDTH_PX
            grey = _grey(picture.rgb)
            crowd.see(picture, grey)
            camera.see(picture.time_s, grey, crowd.boxes(), scale)
        people = crowd.poses(np.array(times), size)
    return Sighting(
        times_s=np.array(times), image_size_px=size, people=people, camera=camera.motion()
    )


def _rising(pictures: Iterable[tuple[float, NDArray[np.uint8]]]) -> Iterator[_Picture]:
    """Broken streams repeat or turn back times; such pictures are passed over."""
    last_s = -np.inf
    for time_s, rgb in pictures:
        if time_s > last_s:
            last_s = time_s
            yield _Picture(time_s, rgb)


class _Crowd:
    """Everyone who is being followed, and the pictures since the last look."""

    def __init__(self, most_people: int) -> None:
        self.most_people = most_people
        self.pool = ThreadPoolExecutor(max_workers=_THREADS)
        self.searchers = [PoseNetwork(follow=False, silhouette=False) for _ in range(_THREADS)]
        self.active: list[_Track] = []
        self.gone: list[_Track] = []
        self.recent: deque[_Picture] = deque()
        self.last_look_s = -np.inf
        self.looked_at: NDArray[np.uint8] | None = None

    def __enter__(self) -> _Crowd:
        return self

    def __exit__(self, *_: object) -> None:
        self.pool.shutdown()
        for network in (*self.searchers, *(track.network for track in self.active)):
            network.close()

    def boxes(self) -> list[tuple[float, float, float, float]]:
        return [track.last.box_px for track in self.active]

    def see(self, picture: _Picture, grey: NDArray[np.uint8]) -> None:
        found = list(self.pool.map(lambda track: track.find(picture), self.active))
        mine = _settled(self.active, found)
        for track, there, person in zip(self.active, found, mine, strict=True):
            if person is not None:
                track.take(person, picture)
            else:
                track.miss(astray=there is not None)
        self._let_go(picture.time_s)
        self.recent.append(picture)
        if picture.time_s - self.last_look_s >= _LOOK_EVERY_S:
            self._look(picture, grey)
            self.last_look_s = picture.time_s
            self.recent.clear()
            self.recent.append(picture)

    def _let_go(self, now_s: float) -> None:
        """End the tracks of those who are lost."""
        lost = [track for track in self.active if now_s - track.last_seen_s > track.patience_s]
        for track in lost:
            track.network.close()
        self.active = [track for track in self.active if track not in lost]
        self.gone += lost

    def _look(self, picture: _Picture, grey: NDArray[np.uint8]) -> None:
        change = _change(self.looked_at, grey)
        self.looked_at = grey
        # A change is where somebody was at the last look as well as where they are now.
        sights = [
            track.seen[at_s]
            for track in self.active
            if not track.missed
            for at_s in (self.last_look_s, track.last_seen_s)
            if at_s in track.seen
        ]
        boxes = [sight.box_px for sight in sights]
        _still(change, boxes, grey.shape[1] / picture.rgb.shape[1])
        for person in self._found(picture, change):
            if any(
                _same(track.last, person) or _part_of(person, track.last) for track in self.active
            ):
                continue
            if len(self.active) >= 2 * self.most_people:
                continue
            self._take_on(person, picture)

    def _found(self, picture: _Picture, change: NDArray[np.uint8]) -> list[Person]:
        """People in the tiles where something moves, the most certain first, no one twice."""
        height, width = picture.rgb.shape[:2]
        tiles = [
            crop for crop in _tiles(width, height) if _liveliness(change, crop, width) >= _CHANGE
        ]

        def search(first: int) -> list[Person]:
            seen = [
                (self.searchers[first].see(picture.rgb, crop), crop)
                for crop in tiles[first::_THREADS]
            ]
            return [
                person for person, crop in seen if person is not None and _is_person(person, crop)
            ]

        found = [person for part in self.pool.map(search, range(_THREADS)) for person in part]
        # Equal certainty is settled by place, so that the number of threads changes nothing.
        found.sort(key=lambda person: (-float(person.confidence.mean()), person.box_px))
        single: list[Person] = []
        for person in found:
            if not any(_same(person, one) or _part_of(person, one) for one in single):
                single = [one for one in single if not _part_of(one, person)]
                single.append(person)
        return single

    def _take_on(self, person: Person, picture: _Picture) -> None:
        """Follow someone new from here, and back through the pictures since the last look."""
        crop = _crop_around(person, np.zeros(2), None)
        track = _Track(network=PoseNetwork(follow=True, silhouette=True), crop=crop)
        now = track.find(picture)
        if now is None or self._followed(now, picture.time_s):
            track.network.close()
            return
        track.take(now, picture)
        back = _Track(network=PoseNetwork(follow=True, silhouette=True), crop=crop)
        for earlier in reversed(self.recent):
            before = back.find(earlier)
            if before is not None and not self._followed(before, earlier.time_s):
                back.take(before, earlier)
            if earlier.time_s < back.last_seen_s - _LOST_AFTER_S:
                break
        back.network.close()
        track.seen = {**dict(sorted(back.seen.items())), **track.seen}
        self.active.append(track)

    def _followed(self, person: Person, time_s: float) -> bool:
        """Whether somebody's track has this sight of them already."""
        return any(
            time_s in track.seen and _same(track.seen[time_s], person)
            for track in self.active + self.gone
        )

    def poses(self, times_s: FloatArray, size: tuple[int, int]) -> tuple[Pose, ...]:
        tracks = [
            track
            for track in _joined(self.gone + self.active)
            if max(track.seen) - min(track.seen) >= _SHORTEST_S
            and np.mean([person.confidence.mean() for person in track.seen.values()])
            >= _LEAST_CONFIDENCE
        ]
        tracks.sort(key=lambda track: (-_presence(track), min(track.seen)))
        return tuple(
            _pose(number, track, times_s, size)
            for number, track in enumerate(tracks[: self.most_people])
        )


def _settled(tracks: Sequence[_Track], found: Sequence[Person | None]) -> list[Person | None]:
    """Whose each find is: nobody is two people, and where people pass in front of each other a find
    that looks more like someone else near by is not the one who was looked for."""
    mine = list(found)
    for number, person in enumerate(found):
        if person is None:
            continue
        own = tracks[number].unlike(person)
        for other, rival in enumerate(found):
            if other == number or not tracks[other].is_near(person):
                continue
            twice = rival is not None and _same(rival, person)
            more = own - tracks[other].unlike(person)
            # Two who both look right on one person are one, and the elder track is theirs.
            if more > _MORE_LIKE or (twice and other < number and more > -_MORE_LIKE):
                mine[number] = None
    return mine


def _joined(tracks: Sequence[_Track]) -> list[_Track]:
    """Someone who was lost a moment ago near by, as large and in the same clothes, goes on as the
    same person; following back may reach further than they were lost."""
    people: list[_Track] = []
    for track in sorted(tracks, key=lambda one: min(one.seen)):
        first_s = min(track.seen)
        apart = [
            (_unlike_before(track, earlier), number)
            for number, earlier in enumerate(people)
            if -_HIDDEN_S < first_s - earlier.last_seen_s <= _RETURN_S
        ]
        unlike, number = min(apart, default=(np.inf, 0))
        if unlike < 1.0:
            track.seen = {**people[number].seen, **track.seen}
            people[number] = track
        else:
            people.append(track)
    return people


def _unlike_before(track: _Track, earlier: _Track) -> float:
    """How little someone new is like someone who was lost; from 1 on they are not the same.

    What they usually look like counts, for the last sights before somebody is lost are poor.
    """
    lost_s = earlier.last_seen_s
    nearest_s = min(track.seen, key=lambda time_s: abs(time_s - lost_s))
    before = [one for time_s, one in earlier.seen.items() if lost_s - time_s <= _USUAL_S]
    after = [one for time_s, one in track.seen.items() if time_s - nearest_s <= _USUAL_S]
    sizes_px = [float(np.median([one.size_px for one in sights])) for sights in (before, after)]
    colours = [np.median([one.colour for one in sights], axis=0) for sights in (before, after)]
    there = track.seen[nearest_s].centre_px
    ways = (
        there - earlier.last.centre_px,
        there - (earlier.crop.centre_x_px, earlier.crop.centre_y_px),
    )
    place = min(float(np.hypot(*way)) for way in ways) / (0.8 * max(sizes_px))
    size = abs(float(np.log(sizes_px[1] / sizes_px[0]))) / float(np.log(1.7))
    colour = float(np.linalg.norm(colours[1] - colours[0])) / _OTHER_COLOUR
    return max(place, size, colour)


def _pose(number: int, track: _Track, times_s: FloatArray, size: tuple[int, int]) -> Pose:
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


def _presence(track: _Track) -> float:
    """Size x time: who matters most in the picture."""
    return float(sum(person.size_px for person in track.seen.values()))


def _grey(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height = max(2, round(rgb.shape[0] * FLOW_WIDTH_PX / rgb.shape[1]))
    small = cv2.resize(rgb, (FLOW_WIDTH_PX, height), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def _change(before: NDArray[np.uint8] | None, now: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if before is None or before.shape != now.shape:
        return np.full_like(now, 255)  # the first picture: everything is new
    difference = cv2.absdiff(cv2.GaussianBlur(now, (5, 5), 0), cv2.GaussianBlur(before, (5, 5), 0))
    return np.asarray(difference, dtype=np.uint8)


def _still(
    change: NDArray[np.uint8], boxes_px: Sequence[tuple[float, float, float, float]], scale: float
) -> None:
    """Take out of a change what moves because those who are followed do: they are known."""
    for left, top, right, bottom in boxes_px:
        margin = _ABOUT * max(right - left, bottom - top)
        rows = slice(max(0, int((top - margin) * scale)), max(0, int((bottom + margin) * scale)))
        across = slice(max(0, int((left - margin) * scale)), max(0, int((right + margin) * scale)))
        change[rows, across] = 0


def _liveliness(change: NDArray[np.uint8], crop: Crop, width_px: int) -> float:
    scale = change.shape[1] / width_px
    half = crop.side_px / 2
    left, right = (round((crop.centre_x_px + d) * scale) for d in (-half, half))
    top, bottom = (round((crop.centre_y_px + d) * scale) for d in (-half, half))
    part = change[max(0, top) : max(0, bottom), max(0, left) : max(0, right)]
    return float(np.percentile(part, 99)) if part.size else 0.0


def _tiles(width: int, height: int) -> list[Crop]:
    """The whole picture (letterboxed) and half-overlapping squares of each size."""
    tiles = []
    if width != height:
        longer = max(width, height)
        tiles.append(Crop(centre_x_px=width / 2, centre_y_px=height / 2, side_px=longer))
    for share in _TILE_SHARES:
        side = share * min(width, height)
        tiles += [
            Crop(centre_x_px=x, centre_y_px=y, side_px=side)
            for y in _centres(height, side)
            for x in _centres(width, side)
        ]
    return tiles


def _centres(length: float, side: float) -> list[float]:
    count = 1 + int(np.ceil(max(0.0, length - side) / (side / 2) - 1e-9))
    return [float(c) for c in np.linspace(side / 2, length - side / 2, count)]


def _is_person(person: Person, crop: Crop) -> bool:
    return (
        float(person.confidence.mean()) >= _LEAST_CONFIDENCE
        and person.size_px >= 0.12 * crop.side_px
    )


def _plausible(person: Person, crop: Crop) -> bool:
    """A person who at once is elsewhere or of another size is another, or nobody."""
    offset = person.centre_px - (crop.centre_x_px, crop.centre_y_px)
    size = crop.side_px / CROP_MARGIN
    return bool(
        np.hypot(*offset) < 0.5 * size
        and 0.5 < person.size_px / size < 2.0
        and person.confidence.mean() > 0.3
    )


def _crop_around(person: Person, velocity_px: FloatArray, before: Crop | None) -> Crop:
    """A crop where the person will be next; its size changes slowly, so that limbs may swing."""
    centre = person.centre_px + velocity_px
    side = CROP_MARGIN * max(person.size_px, 24.0)
    if before is not None:
        side = 0.9 * before.side_px + 0.1 * side
    return Crop(centre_x_px=float(centre[0]), centre_y_px=float(centre[1]), side_px=side)


def _same(one: Person, other: Person) -> bool:
    """Keypoints lie on each other to within a fifth of the size."""
    apart = np.hypot(*(one.keypoints_px - other.keypoints_px).T)
    return float(np.median(apart)) < 0.2 * max(one.size_px, other.size_px)


def _part_of(person: Person, other: Person) -> bool:
    """Legs, a shoe or a shadow taken for someone small: a find within another's box, smaller. Who
    really is behind them is found when they come out."""
    margin = 0.1 * other.size_px
    left, top, right, bottom = other.box_px
    own_left, own_top, own_right, own_bottom = person.box_px
    return bool(
        person.size_px < _PART * other.size_px
        and own_left > left - margin
        and own_top > top - margin
        and own_right < right + margin
        and own_bottom < bottom + margin
    )


__all__: Sequence[str] = ("Sighting", "sight")
