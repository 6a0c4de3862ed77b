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
from otio_foley.types import Action, FloatArray, Part


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


_WALK_HUMPS = ((0.22, 0.10, 1.10), (0.50, 0.18, 0.55), (0.76, 0.11, 1.05))
_TOE_OFF = Rub(start=0.84, stop=1.0, weight=0.10)

STANCES: Final[Mapping[tuple[Action, Part], Stance]] = MappingProxyType({
    ("walk", "heel"): Stance(
        duration_s=0.62,
        impacts=(
            Impact(at=0.0, weight=1.0, softness=1.0),
            Impact(at=0.13, weight=0.4, softness=1.5),
        ),
        humps=_WALK_HUMPS, rubs=(_TOE_OFF,),
    ),
    ("walk", "toe"): Stance(
        duration_s=0.55,
        impacts=(
            Impact(at=0.0, weight=0.9, softness=1.5),
            Impact(at=0.20, weight=0.35, softness=1.3),
        ),
        humps=((0.30, 0.15, 0.95), (0.70, 0.14, 1.10)), rubs=(_TOE_OFF,),
    ),
    ("walk", "flat"): Stance(
        duration_s=0.60,
        impacts=(
            Impact(at=0.0, weight=1.0, softness=1.2),
            Impact(at=0.02, weight=0.6, softness=1.4),
        ),
        humps=_WALK_HUMPS, rubs=(_TOE_OFF,),
    ),
    ("run", "heel"): Stance(
        duration_s=0.25,
        impacts=(
            Impact(at=0.0, weight=1.0, softness=0.85),
            Impact(at=0.16, weight=0.5, softness=1.2),
        ),
        humps=((0.42, 0.17, 2.4),), rubs=(Rub(start=0.75, stop=1.0, weight=0.14),),
    ),
    ("run", "toe"): Stance(
        duration_s=0.22,
        impacts=(Impact(at=0.0, weight=1.0, softness=1.05),),
        humps=((0.45, 0.17, 2.5),), rubs=(Rub(start=0.70, stop=1.0, weight=0.16),),
    ),
    ("jump", "toe"): Stance(
        duration_s=0.35,
        impacts=(Impact(at=0.0, weight=0.8, softness=1.2),),
        humps=((0.55, 0.20, 2.2),), rubs=(Rub(start=0.55, stop=1.0, weight=0.30),),
    ),
    ("land", "flat"): Stance(
        duration_s=0.50,
        impacts=(
            Impact(at=0.0, weight=0.9, softness=1.0),
            Impact(at=0.05, weight=1.0, softness=1.1),
        ),
        humps=((0.12, 0.06, 3.8), (0.35, 0.15, 1.3)),
        rubs=(Rub(start=0.08, stop=0.4, weight=0.12),),
    ),
    ("scuff", "toe"): Stance(
        duration_s=0.30,
        impacts=(Impact(at=0.0, weight=0.25, softness=1.4),),
        humps=((0.45, 0.25, 0.5),), rubs=(Rub(start=0.0, stop=0.7, weight=1.0),),
    ),
    ("stairs", "toe"): Stance(
        duration_s=0.65,
        impacts=(
            Impact(at=0.0, weight=0.95, softness=1.4),
            Impact(at=0.12, weight=0.5, softness=1.2),
        ),
        humps=((0.25, 0.12, 1.15), (0.70, 0.14, 1.20)), rubs=(_TOE_OFF,),
    ),
    ("turn", "flat"): Stance(
        duration_s=0.50,
        impacts=(Impact(at=0.0, weight=0.7, softness=1.4),),
        humps=((0.45, 0.22, 0.95),), rubs=(Rub(start=0.25, stop=0.85, weight=0.35),),
    ),
    ("tiptoe", "toe"): Stance(
        duration_s=0.65,
        impacts=(Impact(at=0.0, weight=0.5, softness=1.8),),
        humps=((0.45, 0.25, 1.0),), rubs=(Rub(start=0.88, stop=1.0, weight=0.05),),
    ),
})  # fmt: skip
"""Where a step's part is not listed for its action, `_USUAL_PART` of the action stands in."""

_USUAL_PART: Final[Mapping[Action, Part]] = MappingProxyType(
    {
        "walk": "heel",
        "run": "toe",
        "jump": "toe",
        "land": "flat",
        "scuff": "toe",
        "stairs": "toe",
        "turn": "flat",
        "tiptoe": "toe",
    }
)
_SHORTEST_STANCE_S: Final = 0.08
_LONGEST_STANCE_S: Final = 1.2
_LOAD_KNOTS: Final = 256  # the load changes slowly
_TIMING_JITTER: Final = 0.06
_WEIGHT_JITTER_DB: Final = 1.5


def stance(action: Action, part: Part) -> Stance:
    """The kind of stance for an action and the part of the foot that comes first."""
    return STANCES.get((action, part)) or STANCES[action, _USUAL_PART[action]]


def step_force(
    action: Action, part: Part, stance_s: float | None, rng: np.random.Generator
) -> StepForce:
    """The force of one step, with a person's ordinary unsteadiness drawn from `rng`.

    `stance_s` is the time from contact to toe-off where it is known; durations outside
    0.08..1.2 s (standing still, a missed toe-off) are brought back inside. The first impact is
    always at 0 s.
    """
    kind = stance(action, part)
    duration_s = kind.duration_s if stance_s is None else stance_s
    duration_s = min(max(duration_s, _SHORTEST_STANCE_S), _LONGEST_STANCE_S)
    impacts = tuple(
        Impact(
            # The forefoot comes down within about 0.1 s even where the foot then stays (a
            # long stance is standing, not a slower slap).
            at=min(one.at * duration_s, one.at * 1.5 * kind.duration_s)
            * (1 + _TIMING_JITTER * rng.standard_normal()),
            weight=one.weight * 10 ** (_WEIGHT_JITTER_DB * rng.standard_normal() / 20),
            softness=one.softness * (1 + 0.05 * rng.standard_normal()),
        )
        for one in kind.impacts
    )
    rubs = tuple(
        Rub(
            start=one.start * duration_s,
            stop=one.stop * duration_s,
            weight=one.weight * 10 ** (2 * _WEIGHT_JITTER_DB * rng.standard_normal() / 20),
        )
        for one in kind.rubs
    )
    load = _load(kind.humps, duration_s, rng)
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
