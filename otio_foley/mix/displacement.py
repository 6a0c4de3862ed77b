"""Displacement layer: a person who comes nearer grows in the picture and gets louder."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import solveh_banded

from otio_foley.mix.loudness import LevelPoint, simplified
from otio_foley.types import FloatArray

REFERENCE_AREA: Final = 0.04
"""Share of a 16:9 picture that a full figure at mid-distance covers: 60 % of the picture's height
tall, a quarter as wide as tall, three quarters of that box filled:
0.6 * 0.6 * 0.25 * 0.75 / (16 / 9) = 0.038."""

FLOOR_DB: Final = -18.0
CEILING_DB: Final = 9.0
_SLOWEST_S: Final = 2.0  # swings faster than this are limbs (a stride lasts about 1.1 s), not way
_KNOT_S: Final = 0.1
_ROBUST_PASSES: Final = 12
_SETTLED: Final = 1e-4  # of ln(area): 0.0004 dB
_HUBER: Final = 1.5  # residuals above 1.5 robust standard deviations lose weight
_LEAST_SCALE: Final = 0.02  # of ln(area): without it a perfect fit would divide by zero


def displacement_curve(
    times_s: ArrayLike, area: ArrayLike, *, reference_area: float = REFERENCE_AREA
) -> tuple[LevelPoint, ...]:
    """Level over time in few points (within 0.25 dB), from silhouette area.

    `times_s` (T,) rising, seconds; `area` (T,) share of the picture, NaN or 0 where unknown.
    Nothing known gives no points, which is 0 dB throughout.
    """
    times = np.asarray(times_s, dtype=np.float64)
    levels = displacement_levels(times, area, reference_area=reference_area)
    return simplified(times, levels) if np.any(_known(area)) else ()


def displacement_levels(
    times_s: ArrayLike, area: ArrayLike, *, reference_area: float = REFERENCE_AREA
) -> FloatArray:
    """Level at each time, (T,) dB in -18..+9.

    Sound pressure falls as 1 / distance and area as 1 / distance^2, so the level is
    10 log10(area / reference). The logarithm of the area is fitted by a penalised spline
    (Eilers & Marx 1996) that passes what is slower than 2 s, with Huber weights against frames
    where the silhouette fails; gaps are bridged, ends held.
    """
    times = np.asarray(times_s, dtype=np.float64)
    known = _known(area)
    if not known.any():
        return np.zeros_like(times)
    at, log_area = times[known], np.log(np.asarray(area, dtype=np.float64)[known])
    knots_s, fitted = _robust_spline(at - at[0], log_area)
    smooth = np.interp(times - at[0], knots_s, fitted)
    levels = 10 / math.log(10) * (smooth - math.log(reference_area))
    clipped: FloatArray = np.clip(levels, FLOOR_DB, CEILING_DB)
    return clipped


def _known(area: ArrayLike) -> NDArray[np.bool_]:
    values = np.asarray(area, dtype=np.float64)
    return np.isfinite(values) & (values > 0)


def _robust_spline(times_s: FloatArray, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Knots (K,) every 0.1 s from 0 and the fitted values there, reweighted until settled."""
    count = max(3, math.ceil(times_s[-1] / _KNOT_S) + 1)
    knots_s = _KNOT_S * np.arange(count)
    left = np.minimum((times_s / _KNOT_S).astype(np.intp), count - 2)
    right_share = times_s / _KNOT_S - left
    density = len(values) / count
    # A Whittaker smoother halves the swing whose angular frequency w obeys penalty * w^4 = density.
    penalty = density * (_SLOWEST_S / (2 * math.pi * _KNOT_S)) ** 4
    weights = np.ones_like(values)
    fitted = np.full(count, float(np.median(values)))
    for _ in range(_ROBUST_PASSES):
        before, fitted = fitted, _penalised_fit(left, right_share, values, weights, penalty, count)
        if np.abs(fitted - before).max() < _SETTLED:
            break
        residual = np.abs(values - np.interp(times_s, knots_s, fitted))
        scale = max(1.4826 * float(np.median(residual)), _LEAST_SCALE)
        weights = np.minimum(1.0, _HUBER * scale / np.maximum(residual, 1e-12)) ** 2
    # Beyond the last value there is nothing to fit, and a spline runs on: hold.
    inside = np.minimum(knots_s, times_s[-1])
    return inside, np.asarray(np.interp(inside, knots_s, fitted))


def _penalised_fit(
    left: NDArray[np.intp],
    right_share: FloatArray,
    values: FloatArray,
    weights: FloatArray,
    penalty: float,
    count: int,
) -> FloatArray:
    """Least squares of a piecewise linear curve (count,) with second differences penalised."""
    left_share = 1 - right_share
    bands = np.zeros((3, count))  # upper form: diagonal last
    bands[2] = np.bincount(left, weights * left_share**2, count)
    bands[2] += np.bincount(left + 1, weights * right_share**2, count)
    bands[1] = np.bincount(left + 1, weights * left_share * right_share, count)
    target = np.bincount(left, weights * left_share * values, count)
    target += np.bincount(left + 1, weights * right_share * values, count)
    for row, coefficient in enumerate((1.0, -2.0, 1.0)):
        for column in range(row, 3):
            other = (1.0, -2.0, 1.0)[column]
            bands[2 - (column - row), column : count - 2 + column] += penalty * coefficient * other
    bands[2] += 1e-9
    solution: FloatArray = solveh_banded(bands, target)
    return solution
