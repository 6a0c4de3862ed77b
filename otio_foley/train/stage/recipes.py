"""What is to be made: one plan a clip, drawn from the seed and the clip's number alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Literal, TypeAlias, TypeVar

import numpy as np

from otio_foley.train.stage.actions import ACTIONS, Action, Way
from otio_foley.train.stage.cameras import KINDS, Kind
from otio_foley.train.stage.cast import Garment
from otio_foley.train.stage.floors import Floor, floors, floors_of
from otio_foley.train.stage.look import LOOKS

Recipe: TypeAlias = Literal["method", "floors", "steps", "standing"]
Item = TypeVar("Item")

#: Frame rates of film and video, old film included.
_RATES = (
    *(Fraction(rate) for rate in (12, 16, 18, 24, 25, 30, 50, 60)),
    Fraction(24000, 1001),
    Fraction(30000, 1001),
)
#: What the method's own recordings show: three actions, three ways, four floors, 700 of about 10 s.
_METHOD_ACTIONS: tuple[Action, ...] = ("walk", "run", "jump")
_METHOD_WAYS: tuple[Way, ...] = ("line", "circle", "spot")
_METHOD_FLOORS = ("carpet", "concrete", "wood", "tile")

_OUTDOORS = frozenset(("grass", "gravel", "dirt", "sand", "snow", "leaves", "asphalt", "water"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one person of a clip does; the first is the principal whom the camera follows."""

    action: Action
    garment: Garment | None
    way: Way | None = None
    """None for any that suits the action."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that a clip is made of, but for what its own random numbers settle."""

    recipe: Recipe
    number: int
    seed: int
    floor: Floor
    parts: tuple[Part, ...]
    camera: Kind
    azimuth_deg: float
    frame_rate: Fraction
    duration_s: float
    size_px: tuple[int, int]
    look: str
    slow_motion: float
    """1 for real time, 3 for a third of the speed."""
    exposures: int
    """Instants averaged a frame; 1 for no motion blur."""
    shutter: float
    """Share of a frame for which the shutter is open."""
    clutter: bool
    crf: int
    """H.264's constant rate factor."""

    @property
    def outdoors(self) -> bool:
        return self.floor.name in _OUTDOORS

    @property
    def frames(self) -> int:
        return round(self.duration_s * self.frame_rate)

    def rng(self, purpose: int) -> np.random.Generator:
        """Random numbers of one purpose; the same whatever the others draw."""
        return np.random.default_rng([self.seed, self.number, purpose])


def _drawing(seed: int, number: int, recipe: int) -> np.random.Generator:
    """Random numbers of a plan, apart from those that its clip draws (`Plan.rng`)."""
    return np.random.default_rng([seed, number, 0, recipe])


def plan(recipe: Recipe, number: int, seed: int, shared: Path) -> Plan:
    """The plan of clip `number` of a recipe. Raises KeyError for a recipe that is none."""
    return RECIPES[recipe](number, seed, shared)


def _method(number: int, seed: int, shared: Path) -> Plan:
    """Three actions, three ways, four floors in turn: 36 clips make a round."""
    rng = _drawing(seed, number, 1)
    action = _METHOD_ACTIONS[number % 3]
    way = _METHOD_WAYS[number // 3 % 3]
    floor = _METHOD_FLOORS[number // 9 % 4]
    cameras: dict[Kind, float] = {"dolly": 0.4, "pan": 0.35, "static": 0.25}
    return Plan(
        recipe="method",
        number=number,
        seed=seed,
        floor=_one(rng, floors_of(floor, shared)),
        parts=(Part(action=action, garment=None, way=way),),
        camera=_chosen(rng, cameras),
        azimuth_deg=float(rng.uniform(0.0, 360.0)),
        frame_rate=Fraction(25),
        duration_s=10.0,
        size_px=(480, 270),
        look="video",
        slow_motion=1.0,
        exposures=2,
        shutter=0.5,
        clutter=False,
        crf=20,
    )


def _floors(number: int, seed: int, shared: Path) -> Plan:
    """Every floor in turn, seen from many places, two seconds each: for learning floors."""
    rng = _drawing(seed, number, 2)
    names = sorted({floor.name for floor in floors(shared)})
    cameras: dict[Kind, float] = {
        "static": 0.3,
        "high": 0.2,
        "low": 0.1,
        "feet": 0.2,
        "dolly": 0.2,
    }
    return Plan(
        recipe="floors",
        number=number,
        seed=seed,
        floor=_one(rng, floors_of(names[number % len(names)], shared)),
        parts=(Part(action=_any(rng, ACTIONS), garment=None),),
        camera=_chosen(rng, cameras),
        azimuth_deg=float(rng.uniform(0.0, 360.0)),
        frame_rate=Fraction(25),
        duration_s=2.0,
        size_px=(480, 270),
        look=_look(rng),
        slow_motion=1.0,
        exposures=1,
        shutter=0.5,
        clutter=bool(rng.random() < 0.3),
        crf=int(rng.integers(18, 34)),
    )


def _steps(number: int, seed: int, shared: Path) -> Plan:
    """The hard cases: every action, camera, rate and look, up to four people, things in the way."""
    rng = _drawing(seed, number, 3)
    action = ACTIONS[number % len(ACTIONS)]
    # Ten and nine share no factor: ninety clips show every action before every camera.
    camera = KINDS[number % len(KINDS)]
    alone = action == "stairs"
    others = 0 if alone else int(rng.choice(4, p=[0.55, 0.25, 0.12, 0.08]))
    passing: tuple[Action, ...] = ("walk", "walk", "run", "stand")
    actions = (action, *(_any(rng, passing) for _ in range(others)))
    slow = float(rng.uniform(2.0, 4.0)) if rng.random() < 0.12 else 1.0
    azimuth = float(rng.uniform(0.0, 360.0))
    if action == "stairs":  # from before or behind, the treads would hide the feet
        azimuth = float(rng.choice([90.0, 270.0]) + rng.uniform(-50.0, 50.0))
    return Plan(
        recipe="steps",
        number=number,
        seed=seed,
        floor=_one(rng, floors_of(_any(rng, sorted({f.name for f in floors(shared)})), shared)),
        parts=tuple(Part(action=each, garment=_garment(rng)) for each in actions),
        camera=camera,
        azimuth_deg=azimuth,
        frame_rate=_any(rng, _RATES),
        duration_s=6.0,
        size_px=(480, 270),
        look=_look(rng),
        slow_motion=slow,
        exposures=int(rng.choice([1, 3])),
        shutter=float(rng.uniform(0.2, 0.7)),
        clutter=bool(rng.random() < 0.35),
        crf=int(rng.integers(18, 36)),
    )


def _standing(number: int, seed: int, shared: Path) -> Plan:
    """The hard cases' people and cameras for a minute in which nobody steps, at up to 30 frames a
    second."""
    hard = _steps(number, seed, shared)
    return replace(
        hard,
        recipe="standing",
        parts=tuple(replace(part, action="stand", way=None) for part in hard.parts),
        frame_rate=min(hard.frame_rate, Fraction(30)),
        duration_s=60.0,
        slow_motion=1.0,
    )


def _garment(rng: np.random.Generator) -> Garment:
    shares: dict[Garment, float] = {
        "trousers": 0.35,
        "long_trousers": 0.2,
        "shorts": 0.12,
        "skirt": 0.12,
        "long_skirt": 0.11,
        "coat": 0.1,
    }
    return _chosen(rng, shares)


def _look(rng: np.random.Generator) -> str:
    shares = {"clean": 0.2, "video": 0.3, "phone": 0.2, "film_16mm": 0.15, "silent_film": 0.15}
    assert shares.keys() == LOOKS.keys()
    return _chosen(rng, shares)


def _one(rng: np.random.Generator, found: tuple[Floor, ...]) -> Floor:
    return found[int(rng.integers(len(found)))]


def _any(rng: np.random.Generator, items: Sequence[Item]) -> Item:
    return items[int(rng.integers(len(items)))]


def _chosen(rng: np.random.Generator, shares: Mapping[Item, float]) -> Item:
    weights = np.array(list(shares.values()))
    return list(shares)[int(rng.choice(len(shares), p=weights / weights.sum()))]


RECIPES: Mapping[Recipe, Callable[[int, int, Path], Plan]] = {
    "method": _method,
    "floors": _floors,
    "steps": _steps,
    "standing": _standing,
}
