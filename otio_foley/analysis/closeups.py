"""Somebody's legs as a small picture and its motion: what the generator sees beside the pose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from otio_foley.analysis.features import stretches
from otio_foley.analysis.skeleton import legs_of
from otio_foley.types import CameraMotion, FloatArray, Pose, Visuals

#: Sides of the small picture and of the field of flow.
RGB_PX: Final = 32
FLOW_PX: Final = 16
#: Side of what is shown, in leg lengths; its middle lies half-way between hips and feet.
_REACH = 1.6
#: Flow is kept in 8 bits: so many units for one leg length in a tenth of a second.
_FLOW_UNITS = 32.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseUp:
    """rgb (RGB_PX, RGB_PX, 3) uint8, flow (FLOW_PX, FLOW_PX, 2) int8: how fast what is shown moves
    against what is about it."""

    rgb: NDArray[np.uint8]
    flow: NDArray[np.int8]


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseUps:
    """Close-ups of one person at times_s (F,), rising: rgb (F, RGB_PX, RGB_PX, 3) uint8, flow
    (F, FLOW_PX, FLOW_PX, 2) int8."""

    times_s: FloatArray
    rgb: NDArray[np.uint8]
    flow: NDArray[np.int8]


NO_CLOSE_UPS: Final = CloseUps(
    times_s=np.zeros(0),
    rgb=np.zeros((0, RGB_PX, RGB_PX, 3), np.uint8),
    flow=np.zeros((0, FLOW_PX, FLOW_PX, 2), np.int8),
)


def close_up(
    rgb: NDArray[np.uint8],
    flow: NDArray[np.float32] | None,
    elapsed_s: float,
    keypoints_px: FloatArray,
) -> CloseUp:
    """The legs of a person, keypoints_px (33, 2), in a picture (H, W, 3) uint8 RGB.

    `flow` (h, w, 2) is that of the whole picture to the one `elapsed_s` before it, in its own
    pixels (OpenCV's DIS from this picture to that); None of the first picture.
    """
    if flow is None:
        flow = np.zeros((*(max(1, length // 4) for length in rgb.shape[:2]), 2), np.float32)
    legs, leg_px = legs_of(keypoints_px)
    hips, feet = legs[:, 0].mean(axis=0), legs[:, 3:].mean(axis=(0, 1))
    centre, side = (hips + feet) / 2.0, _REACH * max(leg_px, 4.0)
    shown = _cut(rgb, centre, side, RGB_PX)
    scale = flow.shape[1] / rgb.shape[1]
    moved = _cut(flow, centre * scale, side * scale, FLOW_PX)
    border = np.concatenate([moved[0], moved[-1], moved[:, 0], moved[:, -1]])
    # From this picture back to the last: against the motion.
    speed = -(moved - np.median(border, axis=0)) / (leg_px * scale) / max(elapsed_s, 1e-3)
    units = np.clip(np.round(speed * _FLOW_UNITS / 10.0), -127, 127)
    return CloseUp(rgb=shown.astype(np.uint8), flow=units.astype(np.int8))


def _cut(field: NDArray[np.generic], centre: FloatArray, side: float, size: int) -> FloatArray:
    """A square of a picture or field as (size, size, C), its border drawn out."""
    scale = size / side
    shift = size / 2 - scale * centre
    to_cut = np.array([[scale, 0.0, shift[0] - 0.5], [0.0, scale, shift[1] - 0.5]])
    # Averaged over what one pixel of the small picture covers.
    blur = 0.4 / scale
    reach = int(np.ceil(side * 0.75))
    left, top = np.clip(np.floor(centre - reach), 0, None).astype(int)
    right, bottom = np.ceil(centre + reach).astype(int) + 1
    part = np.ascontiguousarray(field[top : max(bottom, top + 1), left : max(right, left + 1)])
    if not part.size:
        return np.zeros((size, size, field.shape[2]))
    if blur > 0.6:
        part = cv2.blur(part, (max(1, round(1 / scale)),) * 2)
    to_cut[:, 2] += scale * np.array([left, top])
    cut = cv2.warpAffine(part, to_cut, (size, size), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cut, dtype=np.float64)


def gathered(seen: Mapping[float, CloseUp]) -> CloseUps:
    """Close-ups of one person by their times, in any order."""
    if not seen:
        return NO_CLOSE_UPS
    times_s = sorted(seen)
    return CloseUps(
        times_s=np.array(times_s),
        rgb=np.stack([seen[time_s].rgb for time_s in times_s]),
        flow=np.stack([seen[time_s].flow for time_s in times_s]),
    )


def visuals(pose: Pose, camera: CameraMotion, seen: CloseUps) -> tuple[Visuals, ...]:
    """What is seen of a person, one entry for each stretch without a long hole; may be none.
    Where no close-up was taken there is one empty picture."""
    if not len(seen.times_s):
        seen = CloseUps(
            times_s=pose.times_s[:1],
            rgb=np.zeros((1, RGB_PX, RGB_PX, 3), np.uint8),
            flow=np.zeros((1, FLOW_PX, FLOW_PX, 2), np.int8),
        )
    found = []
    for stretch in stretches(pose, camera):
        if len(stretch.times_s) < 2:
            continue
        low = int(np.searchsorted(seen.times_s, stretch.times_s[0] - 1e-6))
        low = min(low, len(seen.times_s) - 1)
        high = int(np.searchsorted(seen.times_s, stretch.times_s[-1] + 1e-6))
        own = slice(low, max(high, low + 1))
        times = seen.times_s[own]
        found.append(
            Visuals(
                times_s=stretch.times_s,
                pose=stretch.features[0],
                rgb=seen.rgb[own],
                flow=seen.flow[own],
                frame_at=np.interp(stretch.times_s, times, np.arange(len(times))),
            )
        )
    return tuple(found)
