"""What the network of legs learns from: stills cut, framed and spoiled as shots are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from otio_foley.analysis.legs import LEG_JOINTS, LEGS_PX, legs_place
from otio_foley.train.legs.stills import Still
from otio_foley.train.spoiling import spoiled
from otio_foley.train.stage.rotation import Array

#: So many lessons have no feet at all.
_NOBODY = 0.12
#: Feet are there if so many joints of one foot are seen.
_OF_A_FOOT = 2
#: Where a network that follows legs looks is about right; one that searches looks far about.
_FOLLOWING = 0.65
_NEAR, _FAR = (0.75, 1.5), (1.2, 3.5)
_TURN_RAD = 0.12
#: How often something lies before the picture, or the picture ends early.
_HIDDEN, _CUT = 0.2, 0.25
_STRENGTH = (0.2, 1.0)

_FEET = np.array([[27, 29, 31], [28, 30, 32]])
#: Left for right, in the order of `LEG_JOINTS`.
OTHER_LEG = (1, 0, 3, 2, 5, 4, 7, 6, 9, 8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """A picture (LEGS_PX, LEGS_PX, 3) uint8 RGB; where the joints are, places_px (10, 2), which are
    seen (10,), and whether there are feet at all (the rest means nothing otherwise)."""

    picture: NDArray[np.uint8]
    places_px: NDArray[np.float32]
    seen: NDArray[np.bool_]
    there: bool


def lesson(still: Still, others: Sequence[Still], rng: np.random.Generator) -> Lesson:
    """Something to learn from a still; `others` may lie before it."""
    picture, seen = _covered(still, others, rng)
    picture = spoiled(picture, rng, float(rng.uniform(*_STRENGTH)))
    shown = _shown(picture.shape[0], rng)
    inside = (still.keypoints_px >= shown[:2]) & (still.keypoints_px < shown[2:])
    seen = seen & inside.all(axis=2)
    mask = np.zeros(picture.shape[:2], dtype=bool)
    mask[shown[1] : shown[3], shown[0] : shown[2]] = True
    picture = np.where(mask[..., None], picture, 0).astype(np.uint8)
    feet = seen[:, _FEET].sum(axis=2).max(axis=1) >= _OF_A_FOOT
    if rng.random() < _NOBODY or not feet.any():
        return _without(picture, still.keypoints_px, seen, shown, rng)
    following = bool(rng.random() < _FOLLOWING)
    who = _who(still, feet, following, rng)
    points = still.keypoints_px[who].astype(np.float64)
    # The square that a network would follow is about what it knows: here, about the truth.
    size_px = (int(shown[2] - shown[0]), int(shown[3] - shown[1]))
    place = legs_place(points - shown[:2], size_px)
    centre = np.array([place.centre_x_px, place.centre_y_px]) + shown[:2]
    side = place.side_px
    factor = float(np.exp(rng.uniform(*np.log(_NEAR if following else _FAR))))
    off = rng.normal(0.0, 0.08, 2) if following else rng.uniform(-0.5, 0.5, 2) * (factor - 0.8)
    centre = centre + off * side
    places, cut = _cut(picture, points[list(LEG_JOINTS)], centre, side * factor, rng)
    own = seen[who][list(LEG_JOINTS)]
    within = ((places >= 0.0) & (places < LEGS_PX)).all(axis=1)
    if rng.random() < 0.5:
        cut = cut[:, ::-1]
        places = (np.array([LEGS_PX - 1.0, 0.0]) + places * [-1.0, 1.0])[list(OTHER_LEG)]
        own, within = own[list(OTHER_LEG)], within[list(OTHER_LEG)]
    return Lesson(
        picture=np.ascontiguousarray(cut),
        places_px=places.astype(np.float32),
        seen=own & within,
        there=True,
    )


def _who(still: Still, feet: NDArray[np.bool_], following: bool, rng: np.random.Generator) -> int:
    """Anybody may be followed; a search finds who is largest."""
    if following:
        return int(rng.choice(np.flatnonzero(feet)))
    legs = still.keypoints_px[:, list(LEG_JOINTS)]
    tall = np.ptp(legs, axis=1).max(axis=1)
    return int(np.where(feet, tall, -1.0).argmax())


def _shown(side: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """What of a still the picture is taken to show: left, top, right, bottom."""
    if rng.random() >= _CUT:
        return np.array([0, 0, side, side])
    low = rng.uniform(0.0, 0.3, 2) * (rng.random(2) < 0.5)
    high = 1.0 - rng.uniform(0.0, 0.3, 2) * (rng.random(2) < 0.5)
    return np.array(np.r_[low, high] * side, dtype=np.intp)


def _covered(
    still: Still, others: Sequence[Still], rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """A still with now and then a piece of another one before it."""
    if rng.random() >= _HIDDEN:
        return still.picture, still.seen
    other = others[int(rng.integers(len(others)))].picture
    side = still.picture.shape[0]
    wide, high = (rng.uniform(0.08, 0.35, 2) * side).astype(int)
    left, top = int(rng.integers(side - wide)), int(rng.integers(side - high))
    from_left, from_top = int(rng.integers(side - wide)), int(rng.integers(side - high))
    picture = still.picture.copy()
    picture[top : top + high, left : left + wide] = other[
        from_top : from_top + high, from_left : from_left + wide
    ]
    x, y = np.moveaxis(still.keypoints_px, -1, 0)
    hidden = (x >= left) & (x < left + wide) & (y >= top) & (y < top + high)
    return picture, still.seen & ~hidden


def _without(
    picture: NDArray[np.uint8],
    keypoints_px: NDArray[np.float32],
    seen: NDArray[np.bool_],
    shown: NDArray[np.intp],
    rng: np.random.Generator,
) -> Lesson:
    """A square in which no foot is seen; one that shows a foot after all shows nothing."""
    feet = keypoints_px[:, _FEET.ravel()][seen[:, _FEET.ravel()]]
    places = np.zeros((len(LEG_JOINTS), 2))
    for _ in range(20):
        side = float(np.exp(rng.uniform(*np.log((0.25, 1.3))))) * picture.shape[0]
        centre = rng.uniform(shown[:2], shown[2:])
        if not (np.abs(feet - centre) < 0.62 * side).all(axis=1).any():
            break
    else:
        centre, side = np.array([-1e4, -1e4]), 100.0
    _, cut = _cut(picture, places, centre, side, rng)
    return Lesson(
        picture=cut,
        places_px=places.astype(np.float32),
        seen=np.zeros(len(LEG_JOINTS), dtype=np.bool_),
        there=False,
    )


def _cut(
    picture: NDArray[np.uint8],
    points: Array,
    centre: Array,
    side: float,
    rng: np.random.Generator,
) -> tuple[Array, NDArray[np.uint8]]:
    """A square of a picture, a little turned, and where points of the picture are in it."""
    turn = float(rng.normal(0.0, _TURN_RAD))
    scale = LEGS_PX / side
    cos, sin = scale * np.cos(turn), scale * np.sin(turn)
    turned = np.array([[cos, sin], [-sin, cos]])
    matrix = np.column_stack([turned, LEGS_PX / 2.0 - turned @ centre])
    cut = cv2.warpAffine(picture, matrix, (LEGS_PX, LEGS_PX))
    return points @ turned.T + matrix[:, 2], np.asarray(cut, dtype=np.uint8)
