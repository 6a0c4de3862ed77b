"""A plain shoe lofted round a bare foot: toes vanish inside it and the sole is flat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otio_foley.train.stage.rotation import Array

_SECTIONS = 29
_AROUND = 28
_UPPER_M = 0.006
_SOLE_FLAT_M = 0.012
# Share of the shoe's length from heel to the line of the metatarsal heads (about 0.72 of the
# foot in anthropometry: NASA-STD-3000, ball-of-foot length over foot length).
_BALL_SHARE = 0.72
_BEND_M = 0.018


@dataclass(frozen=True, slots=True, kw_only=True)
class Shoe:
    """A closed mesh in the body's rest frame."""

    vertices_m: Array
    triangles: NDArray[np.int64]
    toe_share: Array
    """(V,) how much a vertex follows the toes instead of the foot."""
    sole: NDArray[np.bool_]
    """(V,) True for the vertices that can touch the floor."""
    ball_z_m: float


def loft_shoe(foot_m: Array) -> Shoe:
    """Loft a shoe about the vertices (N, 3) of a foot that stands on y = 0 and points to +z."""
    low, high = foot_m[:, 2].min() - 0.004, foot_m[:, 2].max() + 0.006
    # Denser towards both ends, where the outline turns quickly.
    stations = low + (high - low) * (1.0 - np.cos(np.linspace(0.0, np.pi, _SECTIONS))) / 2.0
    angles = np.linspace(0.0, 2.0 * np.pi, _AROUND, endpoint=False)
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    inner = np.clip(stations, low + 0.012, high - 0.018)
    rings = np.stack([_section(foot_m, z, directions) for z in inner])
    rings = _smooth_along(rings)
    shrink = _cap(stations, low, high)
    centre = rings.mean(axis=1, keepdims=True)
    centre[:, :, 1] = np.minimum(centre[:, :, 1], 0.035)
    rings = centre + (rings - centre) * shrink[:, None, None]
    vertices = np.empty((_SECTIONS, _AROUND, 3))
    vertices[:, :, :2] = rings
    vertices[:, :, 2] = stations[:, None]
    flat = vertices[:, :, 1] < _SOLE_FLAT_M
    # The rim of the sole is rounded only where a cap lifts it.
    lift = 0.010 * (1.0 - shrink) ** 2
    vertices[:, :, 1] = np.where(flat, lift[:, None], vertices[:, :, 1])
    mesh = vertices.reshape(-1, 3)
    ball = low + _BALL_SHARE * (high - low)
    share = np.clip((mesh[:, 2] - ball) / (2.0 * _BEND_M) + 0.5, 0.0, 1.0)
    ends = mesh.reshape(_SECTIONS, _AROUND, 3)[[0, -1]].mean(axis=1)
    return Shoe(
        vertices_m=np.concatenate([mesh, ends]),
        triangles=_tube_triangles(),
        toe_share=np.concatenate([share * share * (3.0 - 2.0 * share), [0.0, 1.0]]),
        sole=np.concatenate([flat.ravel(), [False, False]]),
        ball_z_m=float(ball),
    )


def _section(foot: Array, z: float, directions: Array) -> Array:
    """Convex outline (A, 2) of the foot near ``z``, as seen from the section's middle."""
    near = foot[np.abs(foot[:, 2] - z) < 0.014][:, :2]
    middle = (near.min(axis=0) + near.max(axis=0)) / 2.0
    supports = (near - middle) @ directions.T
    reach = supports.max(axis=0) + _UPPER_M
    # The outline along a ray is where the tightest of the supporting lines is met.
    cosines = directions @ directions.T
    with np.errstate(divide="ignore"):
        limits = np.where(cosines > 0.05, reach[None, :] / cosines, np.inf)
    outline: Array = middle + directions * limits.min(axis=1)[:, None]
    outline[:, 1] = np.maximum(outline[:, 1], 0.0)
    return outline


def _smooth_along(rings: Array) -> Array:
    for _ in range(3):
        padded = np.concatenate([rings[:1], rings, rings[-1:]])
        rings = (padded[:-2] + 2.0 * padded[1:-1] + padded[2:]) / 4.0
    return rings


def _cap(stations: Array, low: float, high: float) -> Array:
    """Elliptic closing of both ends (S,)."""
    heel = np.clip((stations - low) / 0.020, 0.0, 1.0)
    toe = np.clip((high - stations) / 0.045, 0.0, 1.0)
    shrink: Array = np.sqrt(1.0 - (1.0 - np.minimum(heel, toe)) ** 2)
    return np.maximum(shrink, 0.15)


def _tube_triangles() -> NDArray[np.int64]:
    triangles = []
    for ring in range(_SECTIONS - 1):
        for step in range(_AROUND):
            a = ring * _AROUND + step
            b = ring * _AROUND + (step + 1) % _AROUND
            triangles += [[a, b, b + _AROUND], [a, b + _AROUND, a + _AROUND]]
    heel, toe = _SECTIONS * _AROUND, _SECTIONS * _AROUND + 1
    last = (_SECTIONS - 1) * _AROUND
    for step in range(_AROUND):
        following = (step + 1) % _AROUND
        triangles += [[heel, following, step], [toe, last + step, last + following]]
    return np.array(triangles, dtype=np.int64)
