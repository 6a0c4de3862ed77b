"""What the pose network makes of exact keypoints, from the file that `stage.poses` measures.

The file holds, per size in the picture and joint, bias and spread, the share of outliers, and how
sure the network is; how often it finds nobody and how often it takes the legs for each other; and
the time after which 1/e of an error is left, `correlation_s`. Here

- errors drift with that time constant (Ornstein-Uhlenbeck, so that the noise is the same at every
  frame rate), each joint by itself, and so does the confidence;
- outliers, swapped legs and lost frames come in runs that last `correlation_s` on average, for the
  file has no times of their own for them; a leg's joints go astray together, half as far again as
  the outliers' limit on average;
- joints hidden by the other leg or beyond the picture's border err `_HIDDEN_FACTOR` times as much,
  which is assumed: the file has errors of seen joints alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from otio_foley.analysis.skeleton import JOINT_COUNT, LEFT_LEG, RIGHT_LEG
from otio_foley.errors import InputError
from otio_foley.train.steps.views import View, is_found
from otio_foley.types import FloatArray

_JOINTS = ("hip", "knee", "ankle", "heel", "toe")
#: What is not in the file errs as hips do.
_NAMES: Mapping[int, str] = {
    **dict.fromkeys(range(JOINT_COUNT), "hip"),
    **dict(zip(LEFT_LEG, _JOINTS, strict=True)),
    **dict(zip(RIGHT_LEG, _JOINTS, strict=True)),
}
_SURE_SEEN, _SURE_HIDDEN = (0.8, 0.95, 0.99), (0.2, 0.5, 0.9)
_HIDDEN_FACTOR = 2.0
#: For files that do not say it.
_CORRELATION_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class JointNoise:
    """Shares of the body's height in the picture; bias, sigma (2,) x right, y down; quantiles
    (3,) 10, 50 and 90 % of the confidence."""

    bias: FloatArray
    sigma: FloatArray
    outliers: float
    confidence_seen: FloatArray
    confidence_hidden: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeNoise:
    """People whose height in the picture is below `to_px` (and not below a smaller size's)."""

    to_px: float
    found: float
    joints: Mapping[str, JointNoise]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseModel:
    """Sizes rising; `legs_swapped` is a share of frames."""

    source: str
    outlier_from: float
    legs_swapped: float
    correlation_s: float
    sizes: tuple[SizeNoise, ...]


def read_noise(path: Path) -> NoiseModel:
    """The file that `python -m otio_foley.train.stage.poses DATASET --noise FILE` writes."""
    told = json.loads(path.read_text(encoding="utf-8"))
    if told.get("version") != 1 or not told.get("sizes"):
        raise InputError(f"{path} is no noise model of version 1", hint="see stage.poses")
    return NoiseModel(
        source=str(told["source"]),
        outlier_from=float(told["outlier_from"]),
        legs_swapped=float(told.get("legs_swapped", 0.0)),
        # No error stays for less than a moment, and none is as long as a walk.
        correlation_s=float(np.clip(told.get("correlation_s", _CORRELATION_S), 0.01, 1.0)),
        sizes=tuple(_size(size) for size in told["sizes"]),
    )


def assumed_noise() -> NoiseModel:
    """Not measured: 1 % of the height, for use until there is a file."""
    joint = JointNoise(
        bias=np.zeros(2),
        sigma=np.full(2, 0.01),
        outliers=0.01,
        confidence_seen=np.array(_SURE_SEEN),
        confidence_hidden=np.array(_SURE_HIDDEN),
    )
    size = SizeNoise(to_px=np.inf, found=0.99, joints=dict.fromkeys(_JOINTS, joint))
    return NoiseModel(
        source="assumed, not measured: 1 % of the height",
        outlier_from=0.10,
        legs_swapped=0.01,
        correlation_s=_CORRELATION_S,
        sizes=(size,),
    )


def _size(told: Mapping[str, Any]) -> SizeNoise:
    return SizeNoise(
        to_px=float(told["to_px"]),
        found=float(told["found"]),
        joints={name: _joint(told["joints"][name]) for name in _JOINTS},
    )


def _joint(told: Mapping[str, Any]) -> JointNoise:
    return JointNoise(
        bias=np.array(told["bias"], dtype=np.float64),
        sigma=np.array(told["sigma"], dtype=np.float64),
        outliers=float(told["outliers"]),
        confidence_seen=np.array(told["confidence_seen"] or _SURE_SEEN),
        confidence_hidden=np.array(told["confidence_hidden"] or _SURE_HIDDEN),
    )


def spoiled(
    seen: View,
    model: NoiseModel,
    rng: np.random.Generator,
    found: Callable[[View], NDArray[np.bool_]] = is_found,
) -> View:
    """The view as the pose network would have given it, if it finds who is `found` at all."""
    pose = seen.pose
    count = len(pose.times_s)
    step = 1.0 / seen.frame_rate / model.correlation_s
    last = len(model.sizes) - 1
    size = np.minimum(
        np.searchsorted([one.to_px for one in model.sizes], seen.height_px, side="right"), last
    )
    per_size = [[one.joints[_NAMES[joint]] for joint in range(JOINT_COUNT)] for one in model.sizes]

    def table(values: Sequence[Sequence[Any]]) -> FloatArray:
        """One value a frame and joint (T, 33, ...) from ones per size and joint."""
        return np.asarray(np.array(values, dtype=np.float64)[size])

    hard = seen.hidden | ~seen.in_picture
    sigma = table([[one.sigma for one in joints] for joints in per_size])
    sigma = sigma * np.where(hard, _HIDDEN_FACTOR, 1.0)[..., None]
    error = table([[one.bias for one in joints] for joints in per_size])
    error = error + sigma * _drift((count, JOINT_COUNT, 2), step, rng)

    outliers = table([[one.outliers for one in joints] for joints in per_size])
    # What is drawn for a leg is drawn once, so that all of it goes astray together.
    draws, turns, reaches = rng.random((3, count, JOINT_COUNT))
    for leg in (LEFT_LEG, RIGHT_LEG):
        for drawn in (draws, turns, reaches):
            drawn[:, leg[1:]] = drawn[:, leg[:1]]
    wrong = np.stack(
        [_runs(rate, step, drawn) for rate, drawn in zip(outliers.T, draws.T, strict=True)], axis=1
    )
    angle = 2.0 * np.pi * _held(turns, wrong)
    far = model.outlier_from * (1.0 - 0.5 * np.log1p(-_held(reaches, wrong)))
    leap = far[..., None] * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    error = error + np.where(wrong[..., None], leap, 0.0)

    keypoints = pose.keypoints_px.copy()
    swapped = _runs(np.full(count, model.legs_swapped), step, rng.random(count))
    keypoints[:, LEFT_LEG + RIGHT_LEG] = np.where(
        swapped[:, None, None],
        pose.keypoints_px[:, RIGHT_LEG + LEFT_LEG],
        pose.keypoints_px[:, LEFT_LEG + RIGHT_LEG],
    )
    keypoints += error * seen.height_px[:, None, None]

    easy = table([[one.confidence_seen for one in joints] for joints in per_size])
    unsure = table([[one.confidence_hidden for one in joints] for joints in per_size])
    chance = ndtr(_drift((count, JOINT_COUNT, 1), step, rng)[..., 0])
    confidence = _from_quantiles(np.where(hard[..., None], unsure, easy), chance)

    missed = 1.0 - np.array([one.found for one in model.sizes])[size]
    lost = _runs(missed, step, rng.random(count)) | ~found(seen)
    keypoints[lost] = np.nan
    confidence[~np.isfinite(keypoints).all(axis=2)] = 0.0
    return replace(seen, pose=replace(pose, keypoints_px=keypoints, confidence=confidence))


def _drift(shape: tuple[int, int, int], step: float, rng: np.random.Generator) -> FloatArray:
    """Ornstein-Uhlenbeck along the first axis, variance 1; `step` in time constants."""
    keep = float(np.exp(-step))
    fresh = rng.standard_normal(shape)
    fresh[1:] *= np.sqrt(1.0 - keep**2)
    for at in range(1, shape[0]):
        fresh[at] += keep * fresh[at - 1]
    return np.asarray(fresh)


def _runs(rate: FloatArray, step: float, draws: FloatArray) -> NDArray[np.bool_]:
    """Frames (T,) of a two-state chain that is on for `rate` (T,) of the time, in runs of 1/step
    frames on average (one at least); `draws` (T,) are uniform."""
    leave = min(1.0, step)
    on = np.zeros(len(rate), dtype=bool)
    now = False
    for at, (share, draw) in enumerate(zip(rate, draws, strict=True)):
        if at == 0:
            now = bool(draw < share)
        elif share >= 1.0:
            now = True
        else:
            # Entered as often as left, if the share is to stay.
            enter = min(1.0, leave * float(share) / (1.0 - float(share)))
            now = bool(draw >= leave) if now else bool(draw < enter)
        on[at] = now
    return on


def _held(values: FloatArray, on: NDArray[np.bool_]) -> FloatArray:
    """Values (T, J) that stay what they were at the start of each run."""
    held = values.copy()
    for at in range(1, len(values)):
        going_on = on[at] & on[at - 1]
        held[at, going_on] = held[at - 1, going_on]
    return held


def _from_quantiles(quantiles: FloatArray, chance: FloatArray) -> FloatArray:
    """Values (...,) at a chance 0..1 (...,) from 10, 50 and 90 % quantiles (..., 3), straight
    lines through them and within 0..1."""
    low, middle, high = (quantiles[..., number] for number in range(3))
    upper = (chance - 0.5) / 0.4 * np.where(chance < 0.5, middle - low, high - middle)
    return np.asarray(np.clip(middle + upper, 0.0, 1.0))
