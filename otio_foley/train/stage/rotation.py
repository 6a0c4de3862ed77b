"""Unit quaternions (w, x, y, z) and rotation matrices over leading batch axes.

Right-handed, y up, z forward, +x the person's left. Matrices act on column vectors.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def normalise(vectors: Array) -> Array:
    """Scale vectors (..., N) to unit length; a null vector stays null."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    scaled: Array = vectors / np.maximum(length, 1e-12)
    return scaled


def angle(opposite: Array, adjacent: Array) -> Array:
    """`arctan2`, the same on every call.

    NumPy 1.26 takes columns of a table through its vector unit or not, depending on where in memory
    the result comes to lie, and the two differ in the last bit.
    """
    return np.asarray(np.arctan2(np.ascontiguousarray(opposite), np.ascontiguousarray(adjacent)))


def axis_angle(axis: Array, angle_rad: Array) -> Array:
    """Quaternions (..., 4) turning by ``angle_rad`` (...) about ``axis`` (..., 3)."""
    half = np.asarray(angle_rad, dtype=np.float64)[..., None] / 2.0
    return np.concatenate([np.cos(half), np.sin(half) * normalise(axis)], axis=-1)


def multiply(left: Array, right: Array) -> Array:
    """Hamilton product (..., 4): turn by ``right`` first, then by ``left``."""
    lw, lx, ly, lz = np.moveaxis(left, -1, 0)
    rw, rx, ry, rz = np.moveaxis(right, -1, 0)
    return np.stack(
        [
            lw * rw - lx * rx - ly * ry - lz * rz,
            lw * rx + lx * rw + ly * rz - lz * ry,
            lw * ry - lx * rz + ly * rw + lz * rx,
            lw * rz + lx * ry - ly * rx + lz * rw,
        ],
        axis=-1,
    )


def conjugate(quaternions: Array) -> Array:
    """Inverse turns (..., 4) of unit quaternions."""
    inverse: Array = quaternions * np.array([1.0, -1.0, -1.0, -1.0])
    return inverse


def rotate(quaternions: Array, vectors: Array) -> Array:
    """Turn vectors (..., 3) by quaternions (..., 4); the batch axes broadcast."""
    scalar = quaternions[..., :1]
    vector = quaternions[..., 1:]
    twice = 2.0 * np.asarray(np.cross(vector, vectors), dtype=np.float64)
    turned: Array = vectors + scalar * twice + np.cross(vector, twice)
    return turned


def to_matrices(quaternions: Array) -> Array:
    """Rotation matrices (..., 3, 3) of unit quaternions (..., 4)."""
    return np.stack(
        [rotate(quaternions, np.eye(3)[column]) for column in range(3)],
        axis=-1,
    )


def from_matrices(matrices: Array) -> Array:
    """Quaternions (..., 4) of rotation matrices (..., 3, 3), after Bar-Itzhack (2000).

    The quaternion is the leading eigenvector of a symmetric 4x4 matrix: no branches, and also
    the nearest rotation where the input is slightly skewed.
    """
    m = np.asarray(matrices, dtype=np.float64)
    k = np.empty((*m.shape[:-2], 4, 4))
    k[..., 0, 0] = m[..., 0, 0] + m[..., 1, 1] + m[..., 2, 2]
    k[..., 0, 1] = m[..., 2, 1] - m[..., 1, 2]
    k[..., 0, 2] = m[..., 0, 2] - m[..., 2, 0]
    k[..., 0, 3] = m[..., 1, 0] - m[..., 0, 1]
    k[..., 1, 1] = m[..., 0, 0] - m[..., 1, 1] - m[..., 2, 2]
    k[..., 1, 2] = m[..., 0, 1] + m[..., 1, 0]
    k[..., 1, 3] = m[..., 0, 2] + m[..., 2, 0]
    k[..., 2, 2] = m[..., 1, 1] - m[..., 0, 0] - m[..., 2, 2]
    k[..., 2, 3] = m[..., 1, 2] + m[..., 2, 1]
    k[..., 3, 3] = m[..., 2, 2] - m[..., 0, 0] - m[..., 1, 1]
    # eigh reads the lower triangle unless told otherwise; only the upper one was filled.
    leading: Array = np.linalg.eigh(k, UPLO="U")[1][..., -1]
    return np.where(leading[..., :1] < 0.0, -leading, leading)


def from_euler_deg(angles_deg: Array, axes: str) -> Array:
    """Quaternions (..., 4) of turns (..., N) about fixed ``axes``, the first named first."""
    total = np.zeros((*angles_deg.shape[:-1], 4))
    total[..., 0] = 1.0
    for index, name in enumerate(axes):
        unit = np.eye(3)["xyz".index(name.lower())]
        turn = axis_angle(unit, np.radians(angles_deg[..., index]))
        total = multiply(turn, total)
    return total


def frames(primary: Array, secondary: Array) -> Array:
    """Right-handed frames (..., 3, 3): columns primary, secondary made square to it, third."""
    first = normalise(primary)
    second = secondary - np.sum(first * secondary, axis=-1, keepdims=True) * first
    second = normalise(second)
    return np.stack([first, second, np.cross(first, second)], axis=-1)


def continuous(quaternions: Array) -> Array:
    """Flip signs along the first axis (T, ..., 4) so that neighbours lie in one half-space."""
    dots = np.sum(quaternions[1:] * quaternions[:-1], axis=-1)
    signs = np.cumprod(np.where(dots < 0.0, -1.0, 1.0), axis=0)
    out = quaternions.copy()
    out[1:] *= signs[..., None]
    return out


def slerp(first: Array, second: Array, share: Array) -> Array:
    """Spherical blend (..., 4) from ``first`` (share 0) to ``second`` (share 1), Shoemake 1985."""
    dots = np.sum(first * second, axis=-1)
    near = np.where(dots[..., None] < 0.0, -second, second)
    angle = np.arccos(np.clip(np.abs(dots), 0.0, 1.0))
    sine = np.sin(angle)
    small = sine < 1e-6
    safe = np.where(small, 1.0, sine)
    weight_first = np.where(small, 1.0 - share, np.sin((1.0 - share) * angle) / safe)
    weight_second = np.where(small, share, np.sin(share * angle) / safe)
    return normalise(weight_first[..., None] * first + weight_second[..., None] * near)
