"""The picture beside somebody's feet: what the floor is recognised in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from otio_foley.analysis.skeleton import legs_of
from otio_foley.types import FloatArray

#: Patches are squares of so many pixels.
PATCH_PX: Final = 128
#: A patch of the picture is so many times as wide as high: stretched to a square, a floor seen as
#: films mostly see it (from 15 to 40 degrees above it) is as if seen from steeper, and laid boards
#: and tiles look less alike.
FLATTENED: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a patch lies, in leg lengths (hip to heel, seen as it is): its width, and where its
    middle lies from the feet, which are those of `side` (-1 the left edge of them in the picture,
    0 between both, 1 the right edge), at the height of the lower one."""

    width: float
    side: int
    right: float
    below: float


#: Beside the feet, where no leg hides the floor; before them; and the floor all about.
PLACES: Final = (
    Place(width=0.9, side=-1, right=-0.55, below=0.08),
    Place(width=0.9, side=1, right=0.55, below=0.08),
    Place(width=0.9, side=0, right=0.0, below=0.32),
    Place(width=2.4, side=0, right=0.0, below=0.3),
)

#: Patches that lie outside the picture by more than this share show too little of a floor.
_MOST_OUTSIDE = 0.35
#: Fewer pixels of the picture than this across a patch tell no floor from another.
_LEAST_PX = 20.0


def floor_patches(rgb: NDArray[np.uint8], keypoints_px: FloatArray) -> NDArray[np.uint8]:
    """Patches (N, PATCH_PX, PATCH_PX, 3) of a picture (H, W, 3) uint8 RGB about the feet of a
    person, keypoints_px (33, 2): one for each of PLACES that is large enough and in the picture.

    What of a patch lies outside the picture is the picture's mirror image.
    """
    legs, length = legs_of(keypoints_px)
    feet = legs[:, 2:].reshape(-1, 2)
    cuts = []
    if np.isfinite(feet).all() and np.isfinite(length):
        (left, _), (right, ground) = feet.min(axis=0), feet.max(axis=0)
        for place in PLACES:
            x = (left + right + place.side * (right - left)) / 2.0 + length * place.right
            centre = np.array([x, ground + length * place.below])
            size = length * place.width * np.array([1.0, 1.0 / FLATTENED])
            if size[0] >= _LEAST_PX and not _outside(centre, size, rgb):
                cuts.append(_cut(rgb, centre, size))
    return np.array(cuts, dtype=np.uint8).reshape(-1, PATCH_PX, PATCH_PX, 3)


def _outside(centre: FloatArray, size: FloatArray, rgb: NDArray[np.uint8]) -> bool:
    picture = np.array([rgb.shape[1], rgb.shape[0]], dtype=np.float64)
    shown = np.minimum(centre + size / 2, picture) - np.maximum(centre - size / 2, 0.0)
    return bool(np.prod(np.maximum(shown, 0.0) / size) < 1.0 - _MOST_OUTSIDE)


def _cut(rgb: NDArray[np.uint8], centre: FloatArray, size: FloatArray) -> NDArray[np.uint8]:
    """What lies about a point, (width, height) of it, as a square of PATCH_PX pixels."""
    scale = PATCH_PX / size
    if (scale < 1.0).any():
        # Averaged down first: sampled as it is, fine grain would turn into noise.
        left, top = np.maximum(np.floor(centre - size), 0).astype(int)
        right, bottom = np.ceil(centre + size).astype(int)
        part = np.ascontiguousarray(rgb[top:bottom, left:right])
        less = np.minimum(scale, 1.0)
        width, height = (max(1, round(n * s)) for n, s in zip(part.shape[1::-1], less, strict=True))
        rgb = np.asarray(cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
        exact = np.array([width, height]) / part.shape[1::-1]
        centre = (centre - (left, top) + 0.5) * exact - 0.5
        scale = scale / exact
    shift = PATCH_PX / 2 - 0.5 - scale * centre
    to_patch = np.array([[scale[0], 0.0, shift[0]], [0.0, scale[1], shift[1]]])
    cut = cv2.warpAffine(
        rgb, to_patch, (PATCH_PX, PATCH_PX), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )
    return np.asarray(cut, dtype=np.uint8)
