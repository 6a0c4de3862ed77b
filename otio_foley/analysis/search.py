"""Where somebody new is looked for: tiles in which something moves that is nobody known."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from otio_foley.analysis.legs import SURE_FEET
from otio_foley.analysis.pose import Crop, Detection, Person
from otio_foley.analysis.skeleton import legs_of

#: Searched squares, as shares of the short side, half overlapping.
_TILE_SHARES = (1.0, 0.6)

#: Who lies or stands on their head makes no steps; most such finds are nobody.
_UPRIGHT_RAD = 1.2

#: Detections so near each other (of their side), and so alike in size, are of one person.
_NEAR = 0.12
_ALIKE = 1.3

#: The smallest person looked for, as a share of the picture's short side.
_LEAST_SIZE = 0.08

#: Certainty (mean confidence of what of them is in the picture) below which a find is no person.
LEAST_CONFIDENCE = 0.5

#: Legs without a body are no find where they are smaller (a leg over the short side): who is that
#: small has a body in the picture.
_LEAST_LEG = 0.5

#: So much of a find within the box of somebody larger is them, or behind them.
_WITHIN = 0.8

#: What is within somebody's box and larger than this share of them is no part of theirs.
_AS_LARGE = 0.75

#: What moves about a person by this share of their size is them: hair, clothes, a shadow.
_ABOUT = 0.15

#: Brightness change (of 255) in a tile's liveliest hundredth that counts as something moving.
LIVELY = 10.0


def tiles_of(width: int, height: int, shares: Sequence[float] = _TILE_SHARES) -> list[Crop]:
    """The whole picture (letterboxed) and half-overlapping squares of each size, given as shares of
    the short side."""
    tiles = []
    if width != height:
        longer = max(width, height)
        tiles.append(Crop(centre_x_px=width / 2, centre_y_px=height / 2, side_px=longer))
    for share in shares:
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


def change_between(before: NDArray[np.uint8], now: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Brightness change (H, W) since a picture; all of it where that was of another size."""
    if before.shape != now.shape:
        return np.full_like(now, 255)
    difference = cv2.absdiff(cv2.GaussianBlur(now, (5, 5), 0), cv2.GaussianBlur(before, (5, 5), 0))
    return np.asarray(difference, dtype=np.uint8)


def still(
    change: NDArray[np.uint8], boxes_px: Sequence[tuple[float, float, float, float]], scale: float
) -> None:
    """Take out of a change what moves because those who are followed do: they are known."""
    for left, top, right, bottom in boxes_px:
        margin = _ABOUT * max(right - left, bottom - top)
        rows = slice(max(0, int((top - margin) * scale)), max(0, int((bottom + margin) * scale)))
        across = slice(max(0, int((left - margin) * scale)), max(0, int((right + margin) * scale)))
        change[rows, across] = 0


def liveliness(change: NDArray[np.uint8], crop: Crop, width_px: int) -> float:
    """How much moves in a crop: the change (of 255) in its liveliest hundredth."""
    scale = change.shape[1] / width_px
    half = crop.side_px / 2
    left, right = (round((crop.centre_x_px + d) * scale) for d in (-half, half))
    top, bottom = (round((crop.centre_y_px + d) * scale) for d in (-half, half))
    part = change[max(0, top) : max(0, bottom), max(0, left) : max(0, right)]
    return float(np.percentile(part, 99)) if part.size else 0.0


def new_places(detections: Sequence[Detection], known: Sequence[Crop]) -> list[Crop]:
    """Where to look for somebody new: places of people about upright, each once, the detector's
    surest first, and none of those who are known."""
    by_score = sorted(
        (one for one in detections if abs(one.place.turn_rad) < _UPRIGHT_RAD),
        key=lambda one: (-one.score, one.place.centre_x_px, one.place.centre_y_px),
    )
    new: list[Crop] = []
    for one in by_score:
        if not any(_same_place(one.place, other) for other in (*known, *new)):
            new.append(one.place)
    return new


def _same_place(one: Crop, other: Crop) -> bool:
    larger, smaller = max(one.side_px, other.side_px), min(one.side_px, other.side_px)
    apart = np.hypot(one.centre_x_px - other.centre_x_px, one.centre_y_px - other.centre_y_px)
    return bool(apart < _NEAR * larger and larger < _ALIKE * smaller)


def is_person(person: Person, short_side_px: float) -> bool:
    """Whether a find is sure and large enough for a person."""
    return person.certainty >= LEAST_CONFIDENCE and person.size_px >= _LEAST_SIZE * short_side_px


def is_legs(legs: Person, short_side_px: float) -> bool:
    """Whether legs without a body are sure enough, and large enough for a picture that leaves the
    body out."""
    _, leg_px = legs_of(legs.keypoints_px)
    return legs.certainty >= SURE_FEET and leg_px >= _LEAST_LEG * short_side_px


def part_of(person: Person, other: Person) -> bool:
    """Legs, a shoe or a shadow taken for someone small, or a body for another one: a find mostly
    within another's box, not larger. Who really is behind them is found when they come out."""
    margin = 0.1 * other.size_px
    left, top, right, bottom = other.box_px
    own_left, own_top, own_right, own_bottom = person.box_px
    across = min(own_right, right + margin) - max(own_left, left - margin)
    down = min(own_bottom, bottom + margin) - max(own_top, top - margin)
    own_area = (own_right - own_left) * (own_bottom - own_top)
    return bool(
        person.size_px < other.size_px
        and min(across, down) > 0
        and across * down > _WITHIN * own_area
    )


def another_reading(person: Person, surer: Person) -> bool:
    """Whether a find is a part of a surer one, or the same people read worse: where several stand
    side by side, the detector gives places between them, too, and one trunk's joints are then put
    on two bodies."""
    return part_of(person, surer) or (
        part_of(surer, person) and surer.size_px > _AS_LARGE * person.size_px
    )
