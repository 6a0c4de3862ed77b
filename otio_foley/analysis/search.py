"""Where somebody new is looked for: tiles in which something moves that is nobody known."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from otio_foley.analysis.pose import Crop, Person

#: Searched squares, as shares of the short side, half overlapping.
_TILE_SHARES = (1.0, 0.6)

#: Mean confidence of the keypoints below which a find in a tile is no person.
LEAST_CONFIDENCE = 0.5

#: Nobody behind somebody is found who is smaller than this share of them.
_PART = 0.75

#: What moves about a person by this share of their size is them: hair, clothes, a shadow.
_ABOUT = 0.15

#: Brightness change (of 255) in a tile's liveliest hundredth that counts as something moving.
LIVELY = 10.0


def tiles_of(width: int, height: int) -> list[Crop]:
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


def change_between(before: NDArray[np.uint8] | None, now: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Brightness change (H, W) since a picture of the same size; all of it where there is none."""
    if before is None or before.shape != now.shape:
        return np.full_like(now, 255)  # the first picture: everything is new
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


def is_person(person: Person, crop: Crop) -> bool:
    """Whether a find in a tile is sure and large enough for a person."""
    return (
        float(person.confidence.mean()) >= LEAST_CONFIDENCE
        and person.size_px >= 0.12 * crop.side_px
    )


def part_of(person: Person, other: Person) -> bool:
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
