"""Other walkers than those who were captured: shorter steps, flat feet, slow ones.

Captures and recordings are of few people, most of them brisk and coming down on their heels. Played
slowly all of their gait is slow; who walks slowly takes shorter steps, and stands on both feet
longer, while the legs swing hardly slower.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.ndimage import gaussian_filter1d

from otio_foley.analysis.skeleton import HIPS, LEFT_LEG, RIGHT_LEG
from otio_foley.train.steps.figures import Figure, retimed
from otio_foley.types import FloatArray

#: Where somebody heads is the hips' line over about so long (s); rises are as smooth as this.
_HEADING_S, _RISE_S = 0.4, 0.03
#: A foot stands whose slower end moves less than this over the floor (m/s).
_STANDS_M_S = 0.4
#: A cycle's length to these powers is what single and double support take: of 46 people at 1.6, 0.9
#: and 0.4 m/s a cycle took 0.97, 1.23 and 1.94 s, and both feet stood for 27, 31 and 46 % of it
#: (supplemental table 5 of a study of patients' gait at slow, own and fast speed).
_SINGLE, _DOUBLE = 0.56, 1.8
_LEGS = (LEFT_LEG, RIGHT_LEG)
_UP, _FLAT = np.array([0.0, 1.0, 0.0]), np.array([1.0, 0.0, 1.0])


def strided(figure: Figure, share: float) -> Figure:
    """Steps `share` as long at the same cadence.

    Ways over the floor shrink, so that standing feet stand still; heights of feet stay and with
    them the contacts; hips rise by what less spread legs leave, and knees bend as that asks.
    """
    points = figure.points_m.copy()
    rate = 1.0 / float(figure.times_s[1] - figure.times_s[0])
    middle = points[:, HIPS].mean(axis=1)
    left = gaussian_filter1d(
        (points[:, HIPS[0]] - points[:, HIPS[1]]) * _FLAT, _HEADING_S * rate, axis=0, mode="nearest"
    )
    moved = (share - 1.0) * middle * _FLAT
    ankles, rises = [], []
    for side, leg in zip((0.5, -0.5), _LEGS, strict=True):
        hip = points[:, leg[0]] + moved
        ankle = points[:, leg[2]]
        # Feet stay as far to the side of the way as they were.
        ankle = ankle + (share - 1.0) * (ankle - side * left) * _FLAT
        reach = np.linalg.norm(points[:, leg[2]] - points[:, leg[0]], axis=1)
        across = np.hypot(*((ankle - hip)[:, [0, 2]].T))
        high = np.sqrt(np.maximum(reach**2 - across**2, 0.0))
        rises.append(high - (hip - ankle)[:, 1])
        ankles.append(ankle)
    rise = gaussian_filter1d(np.minimum(*rises), _RISE_S * rate, mode="nearest")
    lifted = moved + rise[:, None] * _UP
    ahead = np.cross(left, _UP)
    for leg, ankle in zip(_LEGS, ankles, strict=True):
        knee = _knee(points[:, leg], points[:, leg[0]] + lifted, ankle, ahead)
        points[:, leg[3:]] += (ankle - points[:, leg[2]])[:, None]
        points[:, leg[1]], points[:, leg[2]] = knee, ankle
    above = [
        joint for joint in range(points.shape[1]) if joint not in {*LEFT_LEG[1:], *RIGHT_LEG[1:]}
    ]
    points[:, above] += lifted[:, None]
    return replace(figure, points_m=points)


def flattened(figure: Figure, share: float) -> Figure:
    """Toes are raised by only a `share` of what they were while a foot comes forward and down: with
    0 it lands flat. Heels go where they went, and so the contacts stay; knees bend as that asks."""
    points = figure.points_m.copy()
    for leg in _LEGS:
        old = points[:, leg].copy()
        foot = old[:, 4] - old[:, 3]
        ahead = foot * _FLAT
        ahead /= np.linalg.norm(ahead, axis=1, keepdims=True)
        pitch = np.arctan2(foot[:, 1], (foot * ahead).sum(axis=1))
        # A foot that stands is level, and stands most of the time.
        turn = (share - 1.0) * np.maximum(pitch - np.median(pitch), 0.0)
        ankle, toe = (old[:, 3] + _pitched(old[:, end] - old[:, 3], ahead, turn) for end in (2, 4))
        points[:, leg[1]] = _knee(old, old[:, 0], ankle, ahead)
        points[:, leg[2]], points[:, leg[4]] = ankle, toe
    return replace(figure, points_m=points)


def _pitched(arm: FloatArray, ahead: FloatArray, turn_rad: FloatArray) -> FloatArray:
    """Arms (T, 3) turned in the plane of up and `ahead` (T, 3), by positive angles (T,) upwards."""
    along, up = (arm * ahead).sum(axis=1), arm[:, 1]
    cosine, sine = np.cos(turn_rad), np.sin(turn_rad)
    rest = arm - along[:, None] * ahead - up[:, None] * _UP
    return np.asarray(
        rest
        + (cosine * along - sine * up)[:, None] * ahead
        + (sine * along + cosine * up)[:, None] * _UP
    )


def _knee(leg: FloatArray, hip: FloatArray, ankle: FloatArray, ahead: FloatArray) -> FloatArray:
    """Where the knee (T, 3) of a leg (T, 5, 3) is between other places of hip and ankle."""
    thigh = np.linalg.norm(leg[:, 1] - leg[:, 0], axis=1, keepdims=True)
    shank = np.linalg.norm(leg[:, 2] - leg[:, 1], axis=1, keepdims=True)
    way = ankle - hip
    reach = np.linalg.norm(way, axis=1, keepdims=True)
    way = way / reach
    out = leg[:, 1] - (leg[:, 0] + leg[:, 2]) / 2.0
    # A straight leg does not say where its knee points.
    out = out + 1e-3 * ahead
    out -= (out * way).sum(axis=1, keepdims=True) * way
    out /= np.linalg.norm(out, axis=1, keepdims=True)
    reach = np.clip(reach, np.abs(thigh - shank), thigh + shank)
    along = (thigh**2 - shank**2 + reach**2) / (2.0 * reach)
    return np.asarray(hip + along * way + np.sqrt(np.maximum(thigh**2 - along**2, 0.0)) * out)


def slower(figure: Figure, pace: float) -> Figure:
    """Somebody whose gait takes about `pace` times as long, most of it while both feet stand."""
    times = figure.times_s
    step_s = float(times[1] - times[0])
    both = (_speeds(figure, LEFT_LEG) < _STANDS_M_S) & (_speeds(figure, RIGHT_LEG) < _STANDS_M_S)
    power = gaussian_filter1d(np.where(both, _DOUBLE, _SINGLE), _RISE_S / step_s, mode="nearest")
    taken = np.concatenate([[0.0], np.cumsum(pace ** ((power[1:] + power[:-1]) / 2.0))]) * step_s
    later = np.arange(0.0, taken[-1], step_s)
    source = np.interp(later, taken, times)

    def moved(time_s: float) -> float:
        return float(times[0] + np.interp(time_s, times, taken))

    return replace(
        retimed(figure, moved),
        times_s=times[0] + later,
        points_m=figure.at(source),
        ground_m=np.interp(source, times, figure.ground_m),
    )


def _speeds(figure: Figure, leg: tuple[int, ...]) -> FloatArray:
    """Speed (T,) over the floor of a foot's slower end, m/s."""
    ends = figure.points_m[:, leg[3:]][..., [0, 2]]
    steps = np.gradient(ends, figure.times_s, axis=0)
    return np.asarray(np.linalg.norm(steps, axis=2).min(axis=1))
