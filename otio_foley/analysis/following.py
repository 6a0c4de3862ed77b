"""Following one person from picture to picture, and telling whose a find is.

Where people pass in front of each other, place, size and the clothes' colour say who is who; who
was lost and is found again near by is joined to themselves at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from otio_foley.analysis.flow import Motion
from otio_foley.analysis.legs import (
    MOST_STIR,
    STIRRING,
    SURE_FEET,
    legs_place,
    see_legs,
    stirs,
)
from otio_foley.analysis.notes import Notes
from otio_foley.analysis.pose import Crop, Person, PoseNetwork
from otio_foley.analysis.skeleton import legs_of
from otio_foley.types import FloatArray

#: Side of the crop that is searched for somebody who is not at their place, over their size. The
#: detector finds fewer people in tighter ones: of the stage's before a static camera 80 % at 1.3,
#: 92 % at 1.6, 91 % at 2 (`train.stage.poses`).
CROP_MARGIN = 1.75

#: Someone unseen for so long is lost, someone known for longer than `_HIDDEN_S` only after that.
#: Who is found within `_RETURN_S` may be the same one; what people usually look like is what they
#: looked like for `_USUAL_S`.
LOST_AFTER_S = 0.3
_HIDDEN_S = 0.8
_RETURN_S = 1.0
_USUAL_S = 2.0
#: How far off, in sizes, who comes back may be: at once, more for each second, and at most.
_BESIDE = 0.6
_FASTEST = 1.2
_FARTHEST = 1.0

#: Colours (L*a*b*, of trunk and thighs together) so far apart are of other clothes, and how fast
#: what is known of somebody's colour follows the light.
_OTHER_COLOUR = 30.0
_COLOUR_SHARE = 0.1
#: Who comes back may stand in another light (a jumper before the sun, then on the lawn): lightness
#: says half as much of them then.
_ELSEWHERE = np.array([0.5, 1.0, 1.0, 0.5, 1.0, 1.0])

#: A find is somebody else's if it looks more like them by so much (`Track.unlike`).
_MORE_LIKE = 0.3

#: Legs that are not at their place are looked for in a square so much larger.
_WIDER = 1.6
#: What their square keeps of its size from picture to picture, where they ask for a smaller one.
_NARROWS = 0.95

#: Over how long the stir of legs alone is averaged: who has left, and is seen in the wall behind
#: them, is given up after 0.7 s.
_STIR_S = 0.5

#: Who is followed may for a moment be as little certain as this.
_LEAST_CERTAIN = 0.3

#: So unlike somebody is no sight of them once they were lost.
_STRANGE = 1.0

#: Whose trunk and thighs are both of colours (L*a*b*) farther off than this from those of who is
#: followed has stepped in front of them; of 7100 true sights on the stage 0.4 % are.
_CHANGED = 25.0
_ACROBATIC_RAD = 0.3

#: Over how long a velocity is averaged.
_VELOCITY_S = 0.12
_STANDING = np.zeros(2)
_STANDING.flags.writeable = False


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture (H, W, 3) uint8 RGB and its time; its flow (h, w, 2) to the one before it, in
    the flow's own pixels, and how long before that was."""

    time_s: float
    rgb: NDArray[np.uint8]
    flow: NDArray[np.float32] | None = None
    elapsed_s: float = 0.0


@dataclass(slots=True, eq=False)
class Track:
    """One person while being followed, forwards: `place` is where to look, `crop` what is about it;
    `seen` maps frame time to what was seen, `colour` is how their clothes have looked."""

    place: Crop
    crop: Crop
    seen: dict[float, Person] = field(default_factory=dict)
    colour: FloatArray = field(default_factory=lambda: np.zeros(6))
    velocity_px: FloatArray = field(default_factory=lambda: _STANDING)
    last_seen_s: float = -np.inf
    missed: int = 0
    """Pictures since they were last seen."""
    were_legs: bool = False
    """Whether legs alone were ever seen of them: who then stands on these may be nobody."""
    stir: float = MOST_STIR
    """How lively legs alone have been of late (`legs.stirs`)."""
    notes: Notes = field(default_factory=Notes)

    @classmethod
    def of(
        cls, person: Person, picture: Picture, notes: Notes, velocity_px: FloatArray = _STANDING
    ) -> Track:
        """Someone who was found just now, and how far they move from picture to picture."""
        crop = crop_around(person, velocity_px, None)
        track = cls(place=person.place, crop=crop, notes=notes, velocity_px=velocity_px)
        track.take(person, picture)
        return track

    @property
    def last(self) -> Person:
        return self.seen[self.last_seen_s]

    @property
    def patience_s(self) -> float:
        """How long they are looked for where they ought to be: someone known for long comes out
        again from behind whoever passes in front of them."""
        known_s = self.last_seen_s - min(self.seen)
        return LOST_AFTER_S if known_s < _HIDDEN_S else _HIDDEN_S

    @property
    def stands_still(self) -> bool:
        """Whether they are legs alone that do not stir: they stand, or are none."""
        return self.last.legs_alone and self.stir < STIRRING

    def find(self, picture: Picture, network: PoseNetwork) -> Person | None:
        """Who is where this person ought to be: at their place, or else about it."""
        if self.last.legs_alone:
            return self._find_legs(picture, self.place)
        person = network.see(picture.rgb, self.place)
        if person is not None and self._may_be(person):
            return person
        about = network.people(picture.rgb, self.crop)
        likely = [person for person in about if self._may_be(person)]
        if not likely and self.were_legs:
            height, width = picture.rgb.shape[:2]
            place = legs_place(self.last.keypoints_px, (width, height))
            return self._find_legs(picture, _moved(place, (1 + self.missed) * self.velocity_px))
        return min(likely, key=self.unlike, default=None)

    def _find_legs(self, picture: Picture, place: Crop) -> Person | None:
        for about in (place, replace(place, side_px=_WIDER * place.side_px)):
            legs = see_legs(picture.rgb, about)
            if legs is not None and self._may_be(legs):
                return legs
        return None

    def _may_be(self, person: Person) -> bool:
        """Whether a find may be them; who comes out again has to look like themselves, and nobody
        changes all of their clothes from one picture to the next."""
        if not _plausible(person, self.crop):
            return False
        if self.missed:
            return self.unlike(person) <= _STRANGE
        return person.legs_alone != self.last.legs_alone or not self._changed_clothes(person)

    def _changed_clothes(self, person: Person) -> bool:
        if max(abs(one.place.turn_rad) for one in (self.last, person)) > _ACROBATIC_RAD:
            return False  # who turns over comes into other light, and is read worse
        trunk, thighs = np.linalg.norm((person.colour - self.colour).reshape(2, 3), axis=1)
        return bool(min(trunk, thighs) > _CHANGED)

    def take(self, person: Person, picture: Picture) -> None:
        """It is them."""
        if self.seen and person.legs_alone == self.last.legs_alone:
            moved = (_hips(person) - _hips(self.last)) / (1 + self.missed)
            # By the picture's own interval: careful after a gap and with somebody new, whose places
            # are the least exact.
            share = 1.0 - float(np.exp(-picture.elapsed_s / _VELOCITY_S))
            self.velocity_px = self.velocity_px + share * (moved - self.velocity_px)
            self.colour = self.colour + _COLOUR_SHARE * (person.colour - self.colour)
        else:  # legs and whole people are placed by other parts of them, and otherwise clothed
            self.colour = person.colour
            self.stir = MOST_STIR
        self.were_legs = self.were_legs or person.legs_alone
        self.seen[picture.time_s] = person
        self.notes.take(
            picture.time_s, picture.rgb, picture.flow, picture.elapsed_s, person.keypoints_px
        )
        self.last_seen_s = picture.time_s
        self.missed = 0
        self.place = _moved(self._steady(person), self.velocity_px)
        self.crop = crop_around(person, self.velocity_px, self.crop)

    def watch(self, motion: Motion) -> None:
        """How lively they are, if they are legs alone that are seen, counts."""
        if self.last.legs_alone and not self.missed:
            share = 1.0 - float(np.exp(-motion.elapsed_s / _STIR_S))
            self.stir += share * (float(stirs(self.last, [motion])[0]) - self.stir)

    def _steady(self, person: Person) -> Crop:
        """Where to look next: the square about legs alone, which are narrow where they cross and
        wide in a stride, gets smaller slowly."""
        if not person.legs_alone:
            return person.place
        side = _NARROWS * self.place.side_px + (1.0 - _NARROWS) * person.place.side_px
        return replace(person.place, side_px=max(side, person.place.side_px))

    def miss(self) -> None:
        """They are not seen."""
        self.missed += 1
        self.crop = _moved(self.crop, self.velocity_px)
        self.place = _moved(self.place, self.velocity_px)

    def is_near(self, person: Person) -> bool:
        """Whether a find is about where they are, and about as large."""
        apart = float(np.hypot(*(person.centre_px - self.last.centre_px)))
        ratio = person.size_px / self.last.size_px
        return apart < 0.8 * max(person.size_px, self.last.size_px) and 0.6 < ratio < 1.7

    def unlike(self, person: Person) -> float:
        """How little a find looks like this person: their place in their sizes (where they were
        seen, or ought to be by now), and their clothes over what is another colour."""
        here = np.array([self.crop.centre_x_px, self.crop.centre_y_px])
        apart = min(np.hypot(*(person.centre_px - at)) for at in (here, self.last.centre_px))
        place = float(apart) / self.last.size_px
        size = abs(float(np.log(person.size_px / self.last.size_px)))
        colour = float(np.linalg.norm(person.colour - self.colour)) / _OTHER_COLOUR
        return place + size + colour


def settled(tracks: Sequence[Track], found: Sequence[Person | None]) -> list[Person | None]:
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
            twice = rival is not None and same(rival, person)
            more = own - tracks[other].unlike(person)
            # Two who both look right on one person are one, and the elder track is theirs.
            if more > _MORE_LIKE or (twice and other < number and more > -_MORE_LIKE):
                mine[number] = None
    return mine


def joined(tracks: Sequence[Track]) -> list[Track]:
    """Someone who was lost a moment ago near by, as large and in the same clothes, goes on as the
    same person; following back may reach further than they were lost."""
    people: list[Track] = []
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
            track.notes.add(people[number].notes)
            people[number] = track
        else:
            people.append(track)
    return people


def _unlike_before(track: Track, earlier: Track) -> float:
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
    hidden_s = max(0.0, min(track.seen) - lost_s)
    reach_px = min(_FARTHEST, _BESIDE + _FASTEST * hidden_s) * max(sizes_px)
    place = min(float(np.hypot(*way)) for way in ways) / reach_px
    size = abs(float(np.log(sizes_px[1] / sizes_px[0]))) / float(np.log(1.7))
    colour = float(np.linalg.norm(_ELSEWHERE * (colours[1] - colours[0]))) / _OTHER_COLOUR
    return max(place, size, colour)


def _plausible(person: Person, crop: Crop) -> bool:
    """A person who at once is elsewhere or of another size is another, or nobody."""
    offset = person.centre_px - (crop.centre_x_px, crop.centre_y_px)
    size = crop.side_px / CROP_MARGIN
    return bool(
        np.hypot(*offset) < 0.5 * size
        and 0.5 < person.size_px / size < 2.0
        and person.certainty > (SURE_FEET if person.legs_alone else _LEAST_CERTAIN)
    )


def crop_around(person: Person, velocity_px: FloatArray, before: Crop | None) -> Crop:
    """A crop where the person will be next; its size changes slowly, so that limbs may swing."""
    centre = person.centre_px + velocity_px
    side = CROP_MARGIN * max(person.size_px, 24.0)
    if before is not None:
        side = 0.9 * before.side_px + 0.1 * side
    return Crop(centre_x_px=float(centre[0]), centre_y_px=float(centre[1]), side_px=side)


def _hips(person: Person) -> FloatArray:
    return np.array([person.place.centre_x_px, person.place.centre_y_px])


def _moved(crop: Crop, by_px: FloatArray) -> Crop:
    x, y = crop.centre_x_px + by_px[0], crop.centre_y_px + by_px[1]
    return replace(crop, centre_x_px=float(x), centre_y_px=float(y))


def same_legs(one: Person, other: Person) -> bool:
    """The joints of the legs lie on each other to within a quarter of a leg, about as long."""
    (legs, length), (others, theirs) = legs_of(one.keypoints_px), legs_of(other.keypoints_px)
    apart = np.linalg.norm(legs - others, axis=2)
    return float(np.median(apart)) < 0.25 * length and 0.6 * length < theirs < 1.7 * length


def same(one: Person, other: Person) -> bool:
    """Keypoints lie on each other to within a fifth of the size."""
    apart = np.hypot(*(one.keypoints_px - other.keypoints_px).T)
    return float(np.median(apart)) < 0.2 * max(one.size_px, other.size_px)
