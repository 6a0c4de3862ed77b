"""One person's keypoints in one picture, from mediapipe's BlazePose and its bundled models.

mediapipe follows one person and chooses whom. To choose ourselves, each person gets a network of
their own that only ever sees a square crop around them; the crop follows the person, so that in it
they hardly move.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from otio_foley.analysis.skeleton import HIPS, JOINT_COUNT, LEFT_LEG, RIGHT_LEG, SHOULDERS
from otio_foley.types import FloatArray

# The network's C++ log says on every start that it found no GPU.
os.environ.setdefault("GLOG_minloglevel", "2")

#: Finds less certain than this are none. At 0.5, half of the people in grainy or small picture are
#: never found; what is nobody falls to the tests of `people`.
_LEAST_DETECTION = 0.3

#: The network looks at 256 px of the person's surroundings; the crop keeps a margin on that.
_CROP_PX = 384


@dataclass(frozen=True, slots=True, kw_only=True)
class Crop:
    """A square of the picture: its centre and side in the picture's pixels."""

    centre_x_px: float
    centre_y_px: float
    side_px: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Someone in one picture: keypoints_px (33, 2), confidence (33,) 0..1, the silhouette's area in
    square pixels (NaN where it was not asked for), and the clothes' colour (6,): CIE L*a*b* between
    shoulders and hips, and on the thighs."""

    keypoints_px: FloatArray
    confidence: FloatArray
    silhouette_px2: float
    colour: FloatArray

    @property
    def box_px(self) -> tuple[float, float, float, float]:
        """left, top, right, bottom of the keypoints."""
        low, high = self.keypoints_px.min(axis=0), self.keypoints_px.max(axis=0)
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])

    @property
    def size_px(self) -> float:
        left, top, right, bottom = self.box_px
        return max(right - left, bottom - top)

    @property
    def centre_px(self) -> FloatArray:
        left, top, right, bottom = self.box_px
        return np.array([(left + right) / 2, (top + bottom) / 2])


class PoseNetwork:
    """BlazePose "full" (33 keypoints), without its own smoothing, which would delay the feet.

    `follow` keeps to the person of the last call and asks for consecutive pictures; without it
    every picture is searched anew. Results are the same on every run.
    """

    def __init__(self, *, follow: bool, silhouette: bool) -> None:
        import mediapipe

        self._network = mediapipe.solutions.pose.Pose(
            static_image_mode=not follow,
            model_complexity=1,
            smooth_landmarks=False,
            enable_segmentation=silhouette,
            smooth_segmentation=False,
            min_detection_confidence=_LEAST_DETECTION,
            min_tracking_confidence=0.5,
        )

    def __enter__(self) -> PoseNetwork:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._network.close()

    def see(self, rgb: NDArray[np.uint8], crop: Crop) -> Person | None:
        """The person in a crop of a picture (H, W, 3) uint8 RGB, or None."""
        scale = _CROP_PX / crop.side_px
        to_crop = np.array(
            [
                [scale, 0.0, _CROP_PX / 2 - scale * crop.centre_x_px],
                [0.0, scale, _CROP_PX / 2 - scale * crop.centre_y_px],
            ]
        )
        cropped = cv2.warpAffine(rgb, to_crop, (_CROP_PX, _CROP_PX))
        seen = self._network.process(cropped)
        if seen.pose_landmarks is None:
            return None
        landmarks = np.array(
            [[mark.x, mark.y, mark.visibility] for mark in seen.pose_landmarks.landmark]
        )
        assert landmarks.shape == (JOINT_COUNT, 3)
        in_crop = np.asarray(landmarks[:, :2] * _CROP_PX, dtype=np.float64)
        keypoints = (in_crop - to_crop[:, 2]) / scale
        silhouette = np.nan
        if seen.segmentation_mask is not None:
            silhouette = float((seen.segmentation_mask > 0.5).sum()) / scale**2
        return Person(
            keypoints_px=keypoints,
            confidence=np.clip(landmarks[:, 2], 0.0, 1.0),
            silhouette_px2=silhouette,
            colour=_clothes(cropped, in_crop),
        )

    def forget(self) -> None:
        """Look for the person anew in the next picture."""
        self._network.reset()


def _clothes(rgb: NDArray[Any], keypoints_px: FloatArray) -> FloatArray:
    """The middle colour of trunk and thighs (6,), L*a*b* each; beyond the border, the border's."""
    shoulders, hips = keypoints_px[list(SHOULDERS)], keypoints_px[list(HIPS)]
    across = np.linspace(0.2, 0.8, 7)[:, None, None]
    down = np.linspace(0.15, 0.9, 9)[None, :, None]
    upper, lower = (ends[0] + across * (ends[1] - ends[0]) for ends in (shoulders, hips))
    trunk = upper + down * (lower - upper)
    knees = keypoints_px[[LEFT_LEG[1], RIGHT_LEG[1]]]
    thighs = hips[:, None] + down * (knees - hips)[:, None]
    colours = []
    for points in (trunk, thighs):
        at = np.clip(np.rint(points.reshape(-1, 2)), 0, _CROP_PX - 1).astype(np.intp)
        colours.append(np.median(rgb[at[:, 1], at[:, 0]], axis=0))
    shares = (np.array([colours]) / 255.0).astype(np.float32)
    return np.asarray(cv2.cvtColor(shares, cv2.COLOR_RGB2LAB).reshape(6), dtype=np.float64)
