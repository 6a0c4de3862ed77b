"""Who is in a crop of a picture, and one person's keypoints: mediapipe's BlazePose, bundled models.

mediapipe's own solution follows one person and chooses whom. To choose ourselves its two networks
are run apart: the detector gives everybody's *place*, a square about the hips turned as the trunk
is, and the pose network looks at one place and tells the place to look at in the next picture.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from otio_foley.analysis.skeleton import (
    HIPS,
    JOINT_COUNT,
    LEFT_LEG,
    NOSE,
    RIGHT_LEG,
    SHOULDERS,
)
from otio_foley.types import FloatArray

# The network's C++ log says on every start that it found no GPU.
os.environ.setdefault("GLOG_minloglevel", "2")

#: Detections less certain than this are none. At 0.5, half of the people in grainy or small picture
#: are never found; what is nobody falls to the pose network and to the tests of `people`.
_LEAST_DETECTION = 0.3

#: Sides of what the networks look at.
_DETECTOR_PX = 224
_POSE_PX = 256

#: Side of a person's place over the radius of the circle about them (BlazePose's own margin, 1.25).
_PLACE_PER_RADIUS = 2.5

#: mediapipe's graphs, by its registered names.
_DETECTOR = """
    input_stream: "picture"
    output_stream: "detections"
    node {
      calculator: "PoseDetectionCpu"
      input_stream: "IMAGE:picture"
      output_stream: "DETECTIONS:detections"
    }
"""
_LANDMARKS = """
    input_stream: "picture"
    input_stream: "place"
    input_side_packet: "silhouette"
    output_stream: "landmarks"
    output_stream: "circle"
    output_stream: "mask"
    node {
      calculator: "PoseLandmarkByRoiCpu"
      input_side_packet: "ENABLE_SEGMENTATION:silhouette"
      input_stream: "IMAGE:picture"
      input_stream: "ROI:place"
      output_stream: "LANDMARKS:landmarks"
      output_stream: "AUXILIARY_LANDMARKS:circle"
      output_stream: "SEGMENTATION_MASK:mask"
    }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crop:
    """A square of the picture: its centre and side in the picture's pixels, and how far it is
    turned, clockwise."""

    centre_x_px: float
    centre_y_px: float
    side_px: float
    turn_rad: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """Somebody's place, not looked at yet, and how sure the detector is (0..1)."""

    score: float
    place: Crop


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Someone in one picture: keypoints_px (33, 2), confidence (33,) 0..1, how sure it is that this
    is somebody (0..1), the silhouette's area in square pixels, the clothes' colour (6,): CIE L*a*b*
    between shoulders and hips, and on the thighs; and their place, to look at in the next picture.
    `legs_alone`: legs without a body (`legs`)."""

    keypoints_px: FloatArray
    confidence: FloatArray
    silhouette_px2: float
    colour: FloatArray
    place: Crop
    certainty: float
    legs_alone: bool = False

    @property
    def box_px(self) -> tuple[float, float, float, float]:
        """left, top, right, bottom of the keypoints."""
        low, high = self.keypoints_px.min(axis=0), self.keypoints_px.max(axis=0)
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])

    @property
    def size_px(self) -> float:
        left, top, right, bottom = self.box_px
        return max(right - left, bottom - top, 1.0)

    @property
    def centre_px(self) -> FloatArray:
        left, top, right, bottom = self.box_px
        return np.array([(left + right) / 2, (top + bottom) / 2])


class PoseNetwork:
    """BlazePose's detector and its "full" pose network (33 keypoints), without mediapipe's
    smoothing, which would delay the feet. Nothing is kept from call to call. Not for two threads
    at once."""

    def __init__(self) -> None:
        from mediapipe.framework.formats.rect_pb2 import NormalizedRect
        from mediapipe.python.solution_base import SolutionBase

        certain = "posedetectioncpu__TensorsToDetectionsCalculator.min_score_thresh"
        with ExitStack() as opened:
            self._detector = opened.enter_context(
                SolutionBase(graph_config=_DETECTOR, calculator_params={certain: _LEAST_DETECTION})
            )
            self._landmarks = opened.enter_context(
                SolutionBase(graph_config=_LANDMARKS, side_inputs={"silhouette": True})
            )
            self._closing = opened.pop_all()
        self._all = NormalizedRect(x_center=0.5, y_center=0.5, width=1.0, height=1.0)

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
        """May be called again."""
        self._closing.close()

    def detect(self, rgb: NDArray[np.uint8], crop: Crop) -> list[Detection]:
        """Everybody in a crop of a picture (H, W, 3) uint8 RGB, the most certain first."""
        cropped, to_crop = cut(rgb, crop, _DETECTOR_PX)
        found = []
        for one in self._detector.process({"picture": cropped}).detections or ():
            hips, rim = one.location_data.relative_keypoints[:2]
            circle = np.array([[hips.x, hips.y], [rim.x, rim.y]], dtype=np.float64)
            found.append(
                Detection(score=one.score[0], place=_place(back(circle * _DETECTOR_PX, to_crop)))
            )
        return sorted(found, key=lambda one: -one.score)

    def see(self, rgb: NDArray[np.uint8], place: Crop) -> Person | None:
        """The person at a place in a picture (H, W, 3) uint8 RGB, or None if there is nobody."""
        cropped, to_crop = cut(rgb, place, _POSE_PX)
        seen = self._landmarks.process({"picture": cropped, "place": self._all})
        if seen.landmarks is None:
            return None
        landmarks = np.array(
            [[mark.x, mark.y, mark.visibility] for mark in seen.landmarks.landmark]
        )
        assert landmarks.shape == (JOINT_COUNT, 3)
        in_crop = np.asarray(landmarks[:, :2] * _POSE_PX, dtype=np.float64)
        rim = [[mark.x, mark.y] for mark in seen.circle.landmark[:2]]
        circle = np.array(rim, dtype=np.float64) * _POSE_PX
        keypoints = back(in_crop, to_crop)
        confidence = np.clip(landmarks[:, 2], 0.0, 1.0)
        return Person(
            keypoints_px=keypoints,
            confidence=confidence,
            certainty=_certainty(keypoints, confidence, (rgb.shape[1], rgb.shape[0])),
            silhouette_px2=float((seen.mask > 0.5).sum()) * (place.side_px / _POSE_PX) ** 2,
            colour=_clothes(rgb, keypoints),
            place=_place(back(circle, to_crop)),
        )

    def people(self, rgb: NDArray[np.uint8], crop: Crop) -> list[Person]:
        """Everybody in a crop of a picture (H, W, 3) uint8 RGB, the most certain first."""
        seen = [self.see(rgb, found.place) for found in self.detect(rgb, crop)]
        return [person for person in seen if person is not None]


def _certainty(keypoints_px: FloatArray, confidence: FloatArray, size_px: tuple[int, int]) -> float:
    """The mean confidence of what of somebody is in the picture, if their head is: nobody is less
    there for being framed from the hips up. Of a body without a head all of it counts."""
    inside = ((keypoints_px >= 0.0) & (keypoints_px < np.array(size_px))).all(axis=1)
    return float(confidence[inside].mean() if inside[NOSE] else confidence.mean())


def cut(rgb: NDArray[np.uint8], crop: Crop, size: int) -> tuple[NDArray[np.uint8], FloatArray]:
    """A crop as (size, size, 3), black beyond the picture, and the map (2, 3) from the picture."""
    scale = size / max(crop.side_px, 1.0)
    cos, sin = scale * np.cos(crop.turn_rad), scale * np.sin(crop.turn_rad)
    turned = np.array([[cos, sin], [-sin, cos]])
    centre = np.array([crop.centre_x_px, crop.centre_y_px])
    to_crop = np.column_stack([turned, size / 2 - turned @ centre])
    return np.asarray(cv2.warpAffine(rgb, to_crop, (size, size)), dtype=np.uint8), to_crop


def back(points: FloatArray, to_crop: FloatArray) -> FloatArray:
    """Points (N, 2) in a crop, in the picture's pixels."""
    return np.asarray(np.linalg.solve(to_crop[:, :2], (points - to_crop[:, 2]).T).T)


def _place(circle: FloatArray) -> Crop:
    """The square about a person from the circle about them: its centre, between the hips, and a
    point of its rim, straight up where they stand upright."""
    (x, y), (across, up) = circle[0], circle[1] - circle[0]
    return Crop(
        centre_x_px=float(x),
        centre_y_px=float(y),
        side_px=float(_PLACE_PER_RADIUS * np.hypot(across, up)),
        turn_rad=float(np.arctan2(across, -up)),
    )


def _clothes(rgb: NDArray[Any], keypoints_px: FloatArray) -> FloatArray:
    """The middle colour of trunk and thighs (6,), L*a*b* each."""
    shoulders, hips = keypoints_px[list(SHOULDERS)], keypoints_px[list(HIPS)]
    across = np.linspace(0.2, 0.8, 7)[:, None, None]
    down = np.linspace(0.15, 0.9, 9)[None, :, None]
    upper, lower = (ends[0] + across * (ends[1] - ends[0]) for ends in (shoulders, hips))
    trunk = upper + down * (lower - upper)
    knees = keypoints_px[[LEFT_LEG[1], RIGHT_LEG[1]]]
    thighs = hips[:, None] + down * (knees - hips)[:, None]
    return np.concatenate([colour_at(rgb, trunk), colour_at(rgb, thighs)])


def colour_at(rgb: NDArray[Any], points_px: FloatArray) -> FloatArray:
    """The middle colour (3,), CIE L*a*b*, of a picture at points (..., 2); beyond the border, the
    border's."""
    last = (rgb.shape[1] - 1, rgb.shape[0] - 1)
    at = np.clip(np.rint(points_px.reshape(-1, 2)), 0, last).astype(np.intp)
    middle = np.median(rgb[at[:, 1], at[:, 0]], axis=0)[None, None] / 255.0
    lab = cv2.cvtColor(middle.astype(np.float32), cv2.COLOR_RGB2LAB)
    return np.asarray(lab.ravel(), dtype=np.float64)
