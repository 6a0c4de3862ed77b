"""The force between foot and floor during one stance.

Two time scales, as a force plate sees them: impacts of a few milliseconds (heel strike, forefoot
slap) and the slow load of body weight, which for walking has two humps of about 1.1 body weights
at 22 % and 76 % of stance and for running one of about 2.4 (Winter, "Biomechanics and Motor
Control of Human Movement"; Nilsson & Thorstensson 1989). Impacts drive resonances, the change of
the load drives crumbling and rubbing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from otio_foley.synthesis import SAMPLE_RATE_HZ
from otio_foley.synthesis.takes import Kind
from otio_foley.types import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """One part of the foot meeting the floor `at` (share of stance, or seconds once timed).

    `weight` is its momentum relative to an ordinary heel strike; `softness` stretches its contact
    time (the ball of the foot is softer than the heel).
    """

    at: float
    weight: float
    softness: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rub:
    """A sliding contact from `start` to `stop` (share of stance, or seconds once timed)."""

    start: float
    stop: float
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stance:
    """The force of one kind of step; `humps` are (centre, width, body weights) in stance shares."""

    duration_s: float
    impacts: tuple[Impact, ...]
    humps: tuple[tuple[float, float, float], ...]
    rubs: tuple[Rub, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepForce:
    """The force of one step in time: impacts and rubs in seconds, load (N,) in body weights."""

    duration_s: float
    impacts: tuple[Impact, ...]
    rubs: tuple[Rub, ...]
    load: FloatArray


STANCES: Final[Mapping[Kind, Stance]] = MappingProxyType({
    "walk": Stance(
        duration_s=0.62,
        impacts=(
            Impact(at=0.0, weight=1.0, softness=1.0),
            Impact(at=0.13, weight=0.4, softness=1.5),
        ),
        humps=((0.22, 0.10, 1.10), (0.50, 0.18, 0.55), (0.76, 0.11, 1.05)),
        rubs=(Rub(start=0.84, stop=1.0, weight=0.10),),
    ),
    # The first fifth of a walk's stance: the heel takes the weight.
    "heel": Stance(
        duration_s=0.20,
        impacts=(Impact(at=0.0, weight=1.0, softness=1.0),),
        humps=((0.45, 0.25, 1.10),), rubs=(),
    ),
    # The rest of it: the forefoot comes down, the weight rolls over it, the toes push off.
    "toe": Stance(
        duration_s=0.46,
        impacts=(Impact(at=0.0, weight=0.4, softness=1.4),),
        humps=((0.30, 0.18, 0.60), (0.68, 0.14, 1.05)),
        rubs=(Rub(start=0.82, stop=1.0, weight=0.08),),
    ),
    "run": Stance(
        duration_s=0.24,
        impacts=(
            Impact(at=0.0, weight=1.0, softness=0.9),
            Impact(at=0.10, weight=0.5, softness=1.1),
        ),
        humps=((0.43, 0.17, 2.4),), rubs=(Rub(start=0.72, stop=1.0, weight=0.14),),
    ),
    "land": Stance(
        duration_s=0.50,
        impacts=(
            Impact(at=0.0, weight=0.9, softness=1.0),
            Impact(at=0.05, weight=1.0, softness=1.1),
        ),
        humps=((0.12, 0.06, 3.8), (0.35, 0.15, 1.3)),
        rubs=(Rub(start=0.08, stop=0.4, weight=0.12),),
    ),
    "scuff": Stance(
        duration_s=0.30,
        impacts=(Impact(at=0.0, weight=0.25, softness=1.4),),
        humps=((0.45, 0.25, 0.5),), rubs=(Rub(start=0.0, stop=0.7, weight=1.0),),
    ),
})  # fmt: skip

_LOAD_KNOTS: Final = 256  # the load changes slowly
_TIMING_JITTER: Final = 0.06
_WEIGHT_JITTER_DB: Final = 1.5


def step_force(kind: Kind, rng: np.random.Generator) -> StepForce:
    """The force of one step, with a person's ordinary unsteadiness drawn from `rng`.

    The first impact is always at 0 s.
    """
    one = STANCES[kind]
    duration_s = one.duration_s * (1 + _TIMING_JITTER * rng.standard_normal())
    impacts = tuple(
        Impact(
            at=part.at * duration_s,
            weight=part.weight * 10 ** (_WEIGHT_JITTER_DB * rng.standard_normal() / 20),
            softness=part.softness * (1 + 0.05 * rng.standard_normal()),
        )
        for part in one.impacts
    )
    rubs = tuple(
        Rub(
            start=part.start * duration_s,
            stop=part.stop * duration_s,
            weight=part.weight * 10 ** (2 * _WEIGHT_JITTER_DB * rng.standard_normal() / 20),
        )
        for part in one.rubs
    )
    load = _load(one.humps, duration_s, rng)
    return StepForce(duration_s=duration_s, impacts=impacts, rubs=rubs, load=load)


def _load(
    humps: tuple[tuple[float, float, float], ...], duration_s: float, rng: np.random.Generator
) -> FloatArray:
    """Slow load in body weights, (N,) over the stance, zero at both ends."""
    share = np.linspace(0.0, 1.0, _LOAD_KNOTS)
    load = np.zeros_like(share)
    for centre, width, height in humps:
        moved = centre + 0.02 * rng.standard_normal()
        load += (
            height
            * (1 + 0.05 * rng.standard_normal())
            * np.exp(-0.5 * ((share - moved) / width) ** 2)
        )
    ends = np.minimum(1.0, np.minimum(share, 1.0 - share) / 0.08)
    load *= np.sin(0.5 * np.pi * ends) ** 2
    fine = np.linspace(0.0, 1.0, max(2, round(duration_s * SAMPLE_RATE_HZ)))
    return np.asarray(np.interp(fine, share, load))
