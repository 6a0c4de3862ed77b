"""A pinhole camera and its matrices, in OpenGL's clip space."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from otio_foley.train.stage.rotation import Array, normalise

#: What is nearer or further is not drawn.
CLIP_M = (0.1, 150.0)


@dataclass(frozen=True, kw_only=True)
class Camera:
    """A pinhole camera. (No slots: what is computed once is kept.)"""

    eye_m: Array
    target_m: Array
    vertical_view_deg: float
    width_px: int
    height_px: int
    roll_deg: float = 0.0
    """Positive turns the camera clockwise, so that the picture leans to the left."""

    @cached_property
    def matrix(self) -> Array:
        """Projection times view (4, 4), OpenGL clip space."""
        roll = np.radians(self.roll_deg)
        turn = np.eye(4)
        turn[:2, :2] = [[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]]
        view = turn @ look_at(self.eye_m, self.target_m)
        return perspective(self.vertical_view_deg, self.width_px / self.height_px) @ view

    def project(self, points_m: Array) -> Array:
        """Picture positions (..., 2) in pixels, origin top left, of world points (..., 3)."""
        x, y, w = np.moveaxis(self._clip(points_m), -1, 0)[[0, 1, 3]]
        return np.stack(
            [(x / w + 1.0) / 2.0 * self.width_px, (1.0 - y / w) / 2.0 * self.height_px], axis=-1
        )

    def depth_m(self, points_m: Array) -> Array:
        """How far ahead of the camera (...,) points (..., 3) lie; negative behind it."""
        depth: Array = self._clip(points_m)[..., 3]
        return depth

    def _clip(self, points_m: Array) -> Array:
        padded = np.concatenate([points_m, np.ones((*points_m.shape[:-1], 1))], axis=-1)
        clip: Array = padded @ self.matrix.T
        return clip


def perspective(vertical_deg: float, aspect: float) -> Array:
    near, far = CLIP_M
    focal = 1.0 / np.tan(np.radians(vertical_deg) / 2.0)
    matrix = np.zeros((4, 4))
    matrix[0, 0] = focal / aspect
    matrix[1, 1] = focal
    matrix[2, 2] = (far + near) / (near - far)
    matrix[2, 3] = 2.0 * far * near / (near - far)
    matrix[3, 2] = -1.0
    return matrix


def look_at(eye: Array, target: Array) -> Array:
    forward = normalise(np.asarray(target, dtype=np.float64) - eye)
    # NumPy's own cross product takes longer than all else here.
    right = normalise(np.array([-forward[2], 0.0, forward[0]]))
    axes = np.stack([right, _cross(right, forward), -forward])
    matrix = np.eye(4)
    matrix[:3, :3] = axes
    matrix[:3, 3] = -axes @ eye
    return matrix


def _cross(one: Array, other: Array) -> Array:
    (a, b, c), (d, e, f) = one, other
    return np.array([b * f - c * e, c * d - a * f, a * e - b * d])
