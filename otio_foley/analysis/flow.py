"""The camera's motion from dense optical flow (DIS: Kroeger et al. 2016, OpenCV's).

Between two pictures the flow of everything but the people is fitted with a similarity (shift, turn,
zoom). Leaps of a hand-held camera, in grain above all, leave no flow that can be trusted: there the
shift of the whole picture (phase correlation, Kuglin and Hines 1975) is taken where it fits better.
Chained, the fits bring every picture's pixels back to the first one's: there a foot that stands on
the ground stands still, whatever the camera does.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from otio_foley.types import CameraMotion, FloatArray

#: Width of the pictures between which flow is computed.
FLOW_WIDTH_PX = 320

#: One flow vector in so many pixels is fitted.
_GRID_PX = 8

#: Motion below this many flow pixels per picture is noise of a camera that stands still.
_STILL_PX = 0.08

#: A fit that moves the picture's middle as the shift does, within so many flow pixels, is kept.
_ALIKE_PX = 0.5
#: Grain of this size (flow pixels) is evened out before pictures are compared.
_GRAIN_PX = 1.5
#: A shift has to leave less than this share of the difference that the flow's fit leaves.
_CLEARLY = 0.8
#: Fewer pixels of background that both pictures show tell nothing.
_FEWEST_PX = 400

Box = tuple[float, float, float, float]


class CameraFollower:
    """Takes pictures one by one, gives the motion of the camera over all of them."""

    def __init__(self) -> None:
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        self._last: NDArray[np.uint8] | None = None
        self._before: NDArray[np.uint8] | None = None
        self._times_s: list[float] = []
        self._to_first: list[FloatArray] = []

    def flow(self, grey: NDArray[np.uint8]) -> NDArray[np.float32] | None:
        """The flow (h, FLOW_WIDTH_PX, 2) of a picture (h, FLOW_WIDTH_PX) uint8 to the one before
        it; None of the first, or of one of another size."""
        last, self._before, self._last = self._last, self._last, grey
        if last is None or last.shape != grey.shape:
            return None
        empty = np.zeros((*grey.shape, 2), dtype=np.float32)
        return np.asarray(self._flow.calc(grey, last, empty), dtype=np.float32)

    def see(
        self,
        time_s: float,
        flow: NDArray[np.float32] | None,
        people: Sequence[Box],
        scale: float,
    ) -> None:
        """One picture's `flow`, with the boxes of the people in it (full pixels).

        `scale` is full pixels per flow pixel.
        """
        step = np.eye(3)
        if flow is not None:
            assert self._before is not None and self._last is not None
            step = _similarity(flow.astype(np.float64), people, scale)
            step = _better(step, self._before, self._last, people, scale)
        before = self._to_first[-1] if self._to_first else np.eye(3)
        self._to_first.append(before @ step)
        self._times_s.append(time_s)

    def motion(self) -> CameraMotion:
        return CameraMotion(
            times_s=np.array(self._times_s),
            to_first=np.array(self._to_first).reshape(-1, 3, 3)[:, :2, :],
        )


def _similarity(flow: FloatArray, people: Sequence[Box], scale: float) -> FloatArray:
    """3x3 similarity in full pixels that follows the background's flow; identity if unsure."""
    height, width = flow.shape[:2]
    ys, xs = np.mgrid[_GRID_PX // 2 : height : _GRID_PX, _GRID_PX // 2 : width : _GRID_PX]
    background = np.ones(xs.shape, dtype=bool)
    for left, top, right, bottom in people:
        margin = 0.1 * (bottom - top)
        background &= ~(
            (xs * scale > left - margin)
            & (xs * scale < right + margin)
            & (ys * scale > top - margin)
            & (ys * scale < bottom + margin)
        )
    if background.sum() < 30:
        return np.eye(3)
    here = np.stack([xs[background], ys[background]], axis=1).astype(np.float64)
    moved = flow[ys[background], xs[background]]
    if np.median(np.hypot(moved[:, 0], moved[:, 1])) < _STILL_PX:
        return np.eye(3)
    fitted, inliers = cv2.estimateAffinePartial2D(
        here * scale, (here + moved) * scale, ransacReprojThreshold=1.5 * scale, refineIters=10
    )
    if fitted is None or inliers.mean() < 0.3:
        return np.eye(3)
    return np.vstack([fitted, [0.0, 0.0, 1.0]])


def _better(
    step: FloatArray,
    before: NDArray[np.uint8],
    now: NDArray[np.uint8],
    people: Sequence[Box],
    scale: float,
) -> FloatArray:
    """The shift of the whole picture, if that covers the background clearly better than `step`."""
    size = (now.shape[1], now.shape[0])
    across_px, down_px = cv2.phaseCorrelate(
        now.astype(np.float32), before.astype(np.float32), _window(size)
    )[0]
    shift = np.eye(3)
    shift[:2, 2] = across_px * scale, down_px * scale
    middle = np.array([size[0] / 2, size[1] / 2, 1.0]) * [scale, scale, 1.0]
    if np.hypot(*((shift - step) @ middle)[:2]) < _ALIKE_PX * scale:
        return step
    background = np.full(now.shape, 255, dtype=np.uint8)
    for box in people:
        margin = 0.1 * (box[3] - box[1])
        left, top = (max(0, int((edge - margin) / scale)) for edge in box[:2])
        right, bottom = (max(0, int((edge + margin) / scale) + 1) for edge in box[2:])
        background[top:bottom, left:right] = 0
    even, even_before = (cv2.GaussianBlur(one, (0, 0), _GRAIN_PX) for one in (now, before))

    def left_over(one: FloatArray) -> float:
        """Mean difference of what both show of the background, one laid over the other."""
        placed = one[:2] / [1.0, 1.0, scale]
        shown = cv2.min(cv2.warpAffine(background, placed, size), background)
        if cv2.countNonZero(shown) < _FEWEST_PX:
            return float("inf")
        apart = cv2.absdiff(cv2.warpAffine(even, placed, size), even_before)
        return float(cv2.mean(apart, shown)[0])

    return shift if left_over(shift) < _CLEARLY * left_over(step) else step


@cache
def _window(size: tuple[int, int]) -> NDArray[np.float32]:
    return np.asarray(cv2.createHanningWindow(size, cv2.CV_32F), dtype=np.float32)


def to_ground(points_px: FloatArray, times_s: FloatArray, camera: CameraMotion) -> FloatArray:
    """Points (T, J, 2) of pictures at `times_s` (T,) in the first picture's pixels (T, J, 2).

    Every time has to be one of the camera's times.
    """
    index = np.searchsorted(camera.times_s, times_s - 1e-9)
    maps = camera.to_first[index]
    turned = np.einsum("tij,tkj->tki", maps[:, :, :2], points_px)
    return np.asarray(turned + maps[:, None, :, 2], dtype=np.float64)
