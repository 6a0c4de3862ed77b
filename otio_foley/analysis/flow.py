"""The camera's motion from dense optical flow (DIS: Kroeger et al. 2016, OpenCV's).

Between two pictures the flow of everything but the people is fitted with a similarity (shift, turn,
zoom). Leaps of a hand-held camera, in grain above all, leave no flow that can be trusted: there the
shift of the whole picture (phase correlation, Kuglin and Hines 1975) is taken where it fits better.
Chained, the fits bring every picture's pixels back to the first one's: there a foot that stands on
the ground stands still, whatever the camera does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from otio_foley.types import CameraMotion, FloatArray

#: Width of the pictures between which flow is computed.
FLOW_WIDTH_PX = 320

#: One flow vector in so many pixels is fitted.
_GRID_PX = 8
#: Fewer of them tell nothing.
_FEWEST_VECTORS = 30

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Motion:
    """From a picture to the one before it: the flow (h, w, 2), how the background goes (3, 3, full
    pixels), full pixels per flow pixel, and the time between them."""

    flow: NDArray[np.float32]
    step: FloatArray
    scale: float
    elapsed_s: float

    def back(self, points_px: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Where what shows at points (N, 2) of the picture was in the one before, and how far it
        has moved over the background since, both (N, 2) in full pixels. Beyond the border, the
        border's flow."""
        last = (self.flow.shape[1] - 1, self.flow.shape[0] - 1)
        across, down = np.clip(np.rint(points_px / self.scale), 0, last).astype(np.intp).T
        before = points_px + self.scale * self.flow[down, across].astype(np.float64)
        ground = points_px @ self.step[:2, :2].T + self.step[:2, 2]
        return before, ground - before


class CameraFollower:
    """Takes pictures one by one, gives the motion of the camera over all of them."""

    def __init__(self) -> None:
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        self._last: NDArray[np.uint8] | None = None
        self._last_s = 0.0
        self._times_s: list[float] = []
        self._to_first: list[FloatArray] = []

    def flow(self, grey: NDArray[np.uint8]) -> NDArray[np.float32] | None:
        """The flow (h, FLOW_WIDTH_PX, 2) of a picture (h, FLOW_WIDTH_PX) uint8 to the last one
        seen; None if there is none, or of another size."""
        if self._last is None or self._last.shape != grey.shape:
            return None
        empty = np.zeros((*grey.shape, 2), dtype=np.float32)
        return np.asarray(self._flow.calc(grey, self._last, empty), dtype=np.float32)

    def see(
        self,
        time_s: float,
        grey: NDArray[np.uint8],
        flow: NDArray[np.float32] | None,
        people: Sequence[Box],
        scale: float,
    ) -> Motion | None:
        """The next picture, its `flow`, and the boxes of the people in it (full pixels); how it has
        moved since the last one, if there is a flow.

        `scale` is full pixels per flow pixel.
        """
        motion = None
        step = np.eye(3)
        if flow is not None and self._last is not None:
            background = _background(grey.shape, people, scale)
            step = _similarity(flow.astype(np.float64), background, scale)
            step = _better(step, self._last, grey, background, scale)
            motion = Motion(flow=flow, step=step, scale=scale, elapsed_s=time_s - self._last_s)
        self._last, self._last_s = grey, time_s
        before = self._to_first[-1] if self._to_first else np.eye(3)
        self._to_first.append(before @ step)
        self._times_s.append(time_s)
        return motion

    def hold(self, time_s: float) -> None:
        """A picture that repeats the last one seen."""
        self._to_first.append(self._to_first[-1])
        self._times_s.append(time_s)

    def motion(self) -> CameraMotion:
        return CameraMotion(
            times_s=np.array(self._times_s),
            to_first=np.array(self._to_first).reshape(-1, 3, 3)[:, :2, :],
        )


def _background(size: tuple[int, ...], people: Sequence[Box], scale: float) -> NDArray[np.uint8]:
    """255 where nobody is, 0 where somebody is, with a margin (h, w)."""
    background = np.full(size, 255, dtype=np.uint8)
    ys, xs = (np.arange(length) * scale for length in size)
    for left, top, right, bottom in people:
        margin = 0.1 * (bottom - top)
        rows = (ys > top - margin) & (ys < bottom + margin)
        columns = (xs > left - margin) & (xs < right + margin)
        background[np.ix_(rows, columns)] = 0
    return background


def _similarity(flow: FloatArray, background: NDArray[np.uint8], scale: float) -> FloatArray:
    """3x3 similarity in full pixels that follows the background's flow; identity if unsure."""
    some = slice(_GRID_PX // 2, None, _GRID_PX)
    ys, xs = (at * _GRID_PX + _GRID_PX // 2 for at in np.nonzero(background[some, some]))
    if len(xs) < _FEWEST_VECTORS:
        return np.eye(3)
    here = np.stack([xs, ys], axis=1).astype(np.float64)
    moved = flow[ys, xs]
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
    background: NDArray[np.uint8],
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
