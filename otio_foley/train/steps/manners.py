"""Other ways to carry oneself: captures are of few people who walk with free arms.

What is learned from them alone takes their arms' swing for the gait. Here somebody's arms swing
more, less or later, hold something, or gesticulate; the head nods, the trunk leans and sways; who
stands also bounces, as nobody's feet do. From the knees down all stays what it was, and so do the
contacts.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from scipy.ndimage import gaussian_filter1d

from otio_foley.analysis.skeleton import HIPS, LEFT_SIDE, NOSE, RIGHT_SIDE, SHOULDERS
from otio_foley.train.steps.figures import Figure
from otio_foley.types import FloatArray

_ARMS: Final = (LEFT_SIDE[:3], RIGHT_SIDE[:3])
_ABOVE: Final = [NOSE, *LEFT_SIDE[:3], *RIGHT_SIDE[:3]]

#: What is steady, next to a swing, is the mean over about so long (s).
_STEADY_S = 0.8
#: How often an arm holds something, gesticulates (more often who stands), and the head nods.
_HOLDS, _TALKS, _TALKS_STANDING, _NODS = 0.3, 0.3, 0.7, 0.5
#: Motion of people who talk lies between these, in Hz.
_SLOW_HZ, _FAST_HZ = 0.3, 3.0


def mannered(figure: Figure, rng: np.random.Generator) -> Figure:
    """The same legs under somebody who carries themselves in another way."""
    stands = figure.truth.stands
    rate = 1.0 / float(figure.times_s[1] - figure.times_s[0])
    points = figure.points_m.copy()
    turn = _turns(points, rate)
    swing, late_s = rng.uniform(0.2, 1.6), rng.normal(0.0, 0.03)
    for arm in _ARMS:
        own = swing * rng.uniform(0.8, 1.2)
        talks = rng.random() < (_TALKS_STANDING if stands else _TALKS)
        ends = [figure.points_m[:, joint] for joint in arm]
        at = points[:, arm[0]]
        aim = _held(rng) if rng.random() < _HOLDS else None
        for part in (0, 1):
            bone = np.einsum("tij,tj->ti", turn, ends[part + 1] - ends[part])
            length = float(np.median(np.linalg.norm(bone, axis=1)))
            steady = _smooth(bone, _STEADY_S * rate)
            moving = _later(bone - steady, late_s * rate)
            if aim is not None:
                steady, moving = length * aim[part], 0.3 * moving
            bone = steady + own * moving
            if talks:
                bone = bone + length * rng.uniform(0.05, 0.6) * _restless(len(bone), 3, rate, rng)
            bone *= length / np.linalg.norm(bone, axis=1, keepdims=True)
            at = at + np.einsum("tji,tj->ti", turn, bone)
            points[:, arm[part + 1]] = at
    if rng.random() < _NODS:
        points[:, NOSE] += rng.uniform(0.0, 0.03) * _restless(len(points), 3, rate, rng)
    hips = points[:, HIPS].mean(axis=1)
    bob = hips[:, 1] - _smooth(hips[:, 1:2], 0.5 * rate)[:, 0]
    rises = (rng.uniform(0.6, 1.5) - 1.0) * bob
    if stands:
        rises = rng.uniform(0.0, 0.03) * _restless(len(points), 1, rate, rng)[:, 0]
    points[:, [*_ABOVE, *HIPS], 1] += rises[:, None]
    sways = np.radians(rng.uniform(0.0, 10.0 if stands else 3.0))
    lean = np.radians([rng.uniform(-5.0, 20.0), 0.0])
    _lean(points, turn, lean + sways * _restless(len(points), 2, rate, rng, fastest_hz=1.0))
    return replace(figure, points_m=points)


def _turns(points: FloatArray, rate: float) -> FloatArray:
    """Rotations (T, 3, 3) from the world to who is there: left, up, ahead."""
    left = points[:, SHOULDERS[0]] - points[:, SHOULDERS[1]]
    left = _smooth(left * [1.0, 0.0, 1.0], 0.4 * rate)
    left /= np.linalg.norm(left, axis=1, keepdims=True)
    up = np.broadcast_to([0.0, 1.0, 0.0], left.shape)
    return np.stack([left, up, np.cross(left, up)], axis=1)


def _held(rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Directions of an upper arm and a forearm that hold something: pockets to ear."""
    away, round_ = np.radians(rng.uniform(0.0, 60.0)), rng.uniform(-0.5, 1.5) * np.pi
    upper = np.array([np.sin(away) * np.cos(round_), -np.cos(away), np.sin(away) * np.sin(round_)])
    fore = rng.normal(size=3) + np.array([0.0, 0.0, 1.0])
    return upper, fore / np.linalg.norm(fore)


def _restless(
    count: int, axes: int, rate: float, rng: np.random.Generator, fastest_hz: float = _FAST_HZ
) -> FloatArray:
    """Motion (count, axes) of spread 1 that no foot causes: now without any beat, now with one."""
    slowest, fastest = np.log(_SLOW_HZ), np.log(fastest_hz)
    hz = float(np.exp(rng.uniform(slowest, fastest)))
    if rng.random() < 0.3:
        phase = 2.0 * np.pi * (hz * np.arange(count) / rate + rng.random(axes)[:, None])
        strength = _smooth(rng.normal(size=(count, axes)), rate)
        strength /= strength.std(axis=0) + 1e-9
        return np.asarray(strength * np.sin(phase.T) * np.sqrt(2.0))
    wild = _smooth(rng.normal(size=(count, axes)), rate / (2.0 * np.pi * hz))
    return np.asarray((wild - wild.mean(axis=0)) / (wild.std(axis=0) + 1e-9))


def _smooth(values: FloatArray, sigma: float) -> FloatArray:
    return np.asarray(gaussian_filter1d(values, sigma, axis=0, mode="nearest"))


def _later(values: FloatArray, samples: float) -> FloatArray:
    at = np.arange(len(values))
    return np.stack([np.interp(at - samples, at, column) for column in values.T], axis=1)


def _lean(points: FloatArray, turn: FloatArray, angles: FloatArray) -> None:
    """Turn all above the hips by angles (T, 2) forward and to the left, in place."""
    hips = points[:, HIPS].mean(axis=1)
    arm = np.einsum("tij,tkj->tki", turn, points[:, _ABOVE] - hips[:, None])
    for axis, angle in ((2, angles[:, 0]), (0, angles[:, 1])):
        cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
        out, up = arm[..., axis].copy(), arm[..., 1].copy()
        arm[..., axis], arm[..., 1] = cos * out + sin * up, cos * up - sin * out
    points[:, _ABOVE] = hips[:, None] + np.einsum("tji,tkj->tki", turn, arm)
