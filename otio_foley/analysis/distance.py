"""How near somebody is: the body's height in the picture, also where the picture cuts it off.

The method takes the silhouette's area for nearness. A close-up cuts most of the silhouette off, so
that who comes nearer would get softer: there the area is what a whole body of that height covers.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from otio_foley.analysis.skeleton import (
    FILLED,
    HIPS,
    LEFT_LEG,
    LEG,
    NECK,
    NOSE,
    RIGHT_LEG,
    SHOULDERS,
    TRUNK,
)
from otio_foley.types import FloatArray, Pose

_SURE: Final = 0.5
_SMOOTHED_S: Final = 0.5

_ADULT_M: Final = 1.7
#: Of a 35 mm lens on Super 35 film; a movie does not say, so distances are plausible, no more.
_VERTICAL_VIEW_DEG: Final = 38.0


def body_height(pose: Pose) -> FloatArray:
    """Height (T,) of the standing body as a share of the picture's, NaN where unknown.

    The largest of what trunk, legs and neck tell, for a part turned towards the camera is
    foreshortened and none is ever lengthened; bent legs do not make anybody smaller.
    """
    points = np.where((pose.confidence >= _SURE)[..., None], pose.keypoints_px, np.nan)
    hips, shoulders = points[:, HIPS].mean(axis=1), points[:, SHOULDERS].mean(axis=1)
    told = [
        np.linalg.norm(shoulders - hips, axis=1) / TRUNK,
        np.linalg.norm(points[:, NOSE] - shoulders, axis=1) / NECK * 0.9,
    ]
    for hip, knee, ankle, _, _ in (LEFT_LEG, RIGHT_LEG):
        upper = np.linalg.norm(points[:, knee] - points[:, hip], axis=1)
        lower = np.linalg.norm(points[:, ankle] - points[:, knee], axis=1)
        told.append((upper + lower) / LEG)
    # fmax leaves NaN only where nothing is known.
    height = np.fmax.reduce(told) / pose.image_size_px[1]
    return _smoothed(pose.times_s, height)


def nearness_area(pose: Pose) -> FloatArray:
    """Silhouette's area (T,) as a share of the picture; where the picture cuts the body off, what
    the whole of it would cover. NaN where neither is known."""
    width, high = pose.image_size_px
    height = body_height(pose)
    whole = FILLED * height**2 * (high / width)
    area = np.where(_cut_off(pose), np.fmax(pose.silhouette_area, whole), pose.silhouette_area)
    return np.asarray(np.where(np.isfinite(area), area, whole))


def distance_m(height: FloatArray) -> FloatArray:
    """Plausible distance (T,) of an adult whose height (T,) is that share of the picture's."""
    half_m_at_1 = math.tan(math.radians(_VERTICAL_VIEW_DEG / 2))
    return np.asarray(_ADULT_M / (2 * half_m_at_1 * np.maximum(height, 0.01)))


def across(pose: Pose) -> FloatArray:
    """Where the body is from the picture's left edge (0) to its right (1), (T,), NaN if unknown."""
    places = pose.keypoints_px[:, [*HIPS, *SHOULDERS], 0]
    known = np.isfinite(places).any(axis=1)
    middle = np.full(len(places), np.nan)
    middle[known] = np.nanmean(places[known], axis=1) / pose.image_size_px[0]
    return np.clip(middle, 0.0, 1.0)


def _cut_off(pose: Pose) -> NDArray[np.bool_]:
    """Frames (T,) in which feet or head are out of the picture or not seen."""
    width, high = pose.image_size_px
    ends = pose.keypoints_px[:, [NOSE, LEFT_LEG[2], RIGHT_LEG[2]]]
    with np.errstate(invalid="ignore"):
        inside = (ends >= 0).all(axis=2) & (ends[..., 0] < width) & (ends[..., 1] < high)
    return np.asarray(~inside.all(axis=1))


def _smoothed(times_s: FloatArray, values: FloatArray) -> FloatArray:
    """A running median over half a second of what is known (T,)."""
    known = np.isfinite(values)
    smooth = np.full(len(values), np.nan)
    if known.sum() < 2:
        return values
    width = 2 * max(1, round(_SMOOTHED_S / 2 / float(np.median(np.diff(times_s))))) + 1
    smooth[known] = median_filter(values[known], width, mode="nearest")
    return smooth
