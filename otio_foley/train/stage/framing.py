"""Where the camera stands so that the whole person stays in the picture."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from otio_foley.train.stage.body import Body, index, place_joints
from otio_foley.train.stage.pinhole import Camera
from otio_foley.train.stage.retarget import BodyMotion
from otio_foley.train.stage.rotation import Array

_MARGIN = 0.95


def extent_points(body: Body, motion: BodyMotion, times_s: Array) -> Array:
    """Points (N, 3) that bound the person over ``times_s``: crown, feet and hands, with room."""
    pose = motion.at(times_s)
    joints = place_joints(body, pose.rotations, pose.pelvis_m)
    crown = joints[:, index("head")] + [0.0, 0.20, 0.0]
    points = [crown]
    for side in ("left", "right"):
        foot = joints[:, index(f"foot_{side}")]
        # Half a shoe's length to every side, and the ankle's height down.
        points += [foot + np.array([x, -0.10, z]) for x in (-0.22, 0.22) for z in (-0.22, 0.22)]
        points.append(joints[:, index(f"hand_{side}")])
    return np.concatenate(points)


def fit_camera(
    points_m: Array,
    azimuth_deg: float,
    distance_m: float,
    eye_height_m: float,
    size_px: tuple[int, int],
) -> Camera:
    """Aim and zoom a standing camera so that all points (N, 3) fill the picture.

    Azimuth 0 looks against +z (at the face of a person who walks ahead), -90 sees that person's
    right side.
    """
    middle = (points_m.min(axis=0) + points_m.max(axis=0)) / 2.0
    azimuth = np.radians(azimuth_deg)
    eye = middle + distance_m * np.array([np.sin(azimuth), 0.0, np.cos(azimuth)])
    eye[1] = eye_height_m
    width, height = size_px
    camera = Camera(
        eye_m=eye, target_m=middle, vertical_view_deg=40.0, width_px=width, height_px=height
    )
    # Aiming changes the outline a little, so it is repeated.
    for _ in range(8):
        seen = camera.project(points_m)
        centre = (seen.min(axis=0) + seen.max(axis=0)) / 2.0 - [width / 2.0, height / 2.0]
        away = float(np.linalg.norm(camera.target_m - eye))
        metre = 2.0 * away * np.tan(np.radians(camera.vertical_view_deg) / 2.0) / height
        forward = (camera.target_m - eye) / away
        right = np.cross(forward, [0.0, 1.0, 0.0])
        shift = centre[0] * metre * right - centre[1] * metre * np.array([0.0, 1.0, 0.0])
        camera = replace(camera, target_m=camera.target_m + shift)
        seen = camera.project(points_m)
        fill = np.abs(seen / [width, height] * 2.0 - 1.0).max() / _MARGIN
        half = np.tan(np.radians(camera.vertical_view_deg) / 2.0) * fill
        camera = replace(camera, vertical_view_deg=float(np.degrees(2.0 * np.arctan(half))))
    return camera


def pan(camera: Camera, targets_m: Array) -> list[Camera]:
    """The same camera aimed at each of the targets (N, 3)."""
    return [replace(camera, target_m=target) for target in targets_m]
