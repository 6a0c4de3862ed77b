"""A walker on paper: legs that swing and stand after a rule, so that every contact is known."""

from __future__ import annotations

import numpy as np

from otio_foley.analysis.skeleton import JOINT_COUNT, LEG_OF
from otio_foley.types import CameraMotion, Pose

LEG_PX = 200.0


def swing(u: np.ndarray) -> np.ndarray:
    """Way of a swinging foot, 0..1 over u in 0..1, at rest at both ends (minimum jerk)."""
    u = np.clip(u, 0, 1)
    return 10 * u**3 - 15 * u**4 + 6 * u**5


def foot_path(
    times_s: np.ndarray, landings_s: np.ndarray, swing_s: float, step: float, start: float
) -> tuple[np.ndarray, np.ndarray]:
    """Position along the way and height (leg lengths) of a foot that lands at the given times."""
    x = np.full_like(times_s, start)
    height = np.zeros_like(times_s)
    for landing_s in landings_s:
        u = (times_s - (landing_s - swing_s)) / swing_s
        x += step * swing(u)
        inside = (u > 0) & (u < 1)
        height[inside] = 0.15 * np.sin(np.pi * u[inside]) ** 2
    return x, height


def walker(
    *,
    frame_rate: float = 25.0,
    duration_s: float = 5.0,
    cadence_hz: float = 1.8,
    direction: int = 1,
    noise: float = 0.005,
    seed: int = 1,
    first_s: float = 0.4,
) -> tuple[Pose, list[tuple[float, str]]]:
    """A walk across the picture and its contacts as (time_s, foot)."""
    rng = np.random.default_rng(seed)
    times_s = np.arange(0, duration_s, 1 / frame_rate)
    landings = np.arange(first_s, duration_s - 0.3, 1 / cadence_hz)
    step = 1.4
    keypoints = np.zeros((len(times_s), JOINT_COUNT, 2))
    hips_x = (times_s - first_s) * cadence_hz * step / 2
    keypoints[:, :, 0] = hips_x[:, None]
    keypoints[:, :, 1] = 1.0
    for number, foot in enumerate(("left", "right")):
        mine = landings[number::2]
        begin = (mine[0] - first_s) * cadence_hz * step / 2 - step + 0.35
        x, height = foot_path(times_s, mine, 0.42, step, begin)
        hip, knee, ankle, heel, toe = LEG_OF[foot]
        keypoints[:, knee] = np.stack([(hips_x + x) / 2, 0.5 + height / 2], axis=1)
        keypoints[:, ankle] = np.stack([x, 0.08 + height], axis=1)
        keypoints[:, heel] = np.stack([x - 0.05, height], axis=1)
        keypoints[:, toe] = np.stack([x + 0.2, height * 0.8], axis=1)
        keypoints[:, hip] = np.stack([hips_x, np.ones_like(hips_x)], axis=1)
    keypoints += rng.normal(scale=noise, size=keypoints.shape)
    keypoints[:, :, 0] *= direction
    keypoints[:, :, 1] *= -1
    contacts = [(float(t), ("left", "right")[n % 2]) for n, t in enumerate(landings)]
    return pose_of(times_s, keypoints * LEG_PX + (640, 600)), contacts


def pose_of(times_s: np.ndarray, keypoints_px: np.ndarray, confidence: float = 0.95) -> Pose:
    return Pose(
        person=0,
        image_size_px=(1280, 720),
        times_s=times_s,
        keypoints_px=keypoints_px,
        confidence=np.full(keypoints_px.shape[:2], confidence),
        silhouette_area=np.full(len(times_s), 0.05),
    )


def still_camera(pose: Pose) -> CameraMotion:
    maps = np.tile(np.eye(3)[:2], (len(pose.times_s), 1, 1))
    return CameraMotion(times_s=pose.times_s, to_first=maps)
