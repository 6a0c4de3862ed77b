"""What people on the stage do: walk, run, jump, stand, turn, start, stop, shuffle, climb, tiptoe.

Each action is made from captured motion by `shaping`, held to the floor by `feet.lock_feet`, and
its truth is read from the finished soles by `contacts`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np

from otio_foley.train.stage import shaping
from otio_foley.train.stage.body import Body
from otio_foley.train.stage.bvh import load_bvh
from otio_foley.train.stage.contacts import (
    TRUTH_RATE_HZ,
    Footing,
    SoleContact,
    body_contacts,
    measure_footing,
)
from otio_foley.train.stage.deepmimic import load_deepmimic
from otio_foley.train.stage.feet import Footfall, Steps, footfalls, lock_feet
from otio_foley.train.stage.motion import Capture, load_capture
from otio_foley.train.stage.retarget import (
    BodyMotion,
    BodyPose,
    best_loop,
    cut,
    heading_forward,
    linger,
    loop,
    resample,
    retarget,
)
from otio_foley.train.stage.rotation import Array

Action: TypeAlias = Literal[
    "walk", "run", "jump", "stand", "turn", "start", "stop", "shuffle", "stairs", "tiptoe"
]
#: Along a line, round a circle, on the spot, or as the long captures go.
Way: TypeAlias = Literal["line", "circle", "spot", "free"]
ACTIONS: tuple[Action, ...] = (
    *("walk", "run", "jump", "stand", "turn"),
    *("start", "stop", "shuffle", "stairs", "tiptoe"),
)

_RATE_HZ = 120.0
#: A tread's height: between what building codes allow for stairs (about 0.13 to 0.19 m).
_RISE_M = 0.16
#: Small steps made from a walk lift the feet too little for anything but a shuffle.
_SMALL_LIFT_GAIN = 2.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Someone does one thing for a while; half-open, seconds of the motion."""

    start_s: float
    end_s: float
    action: Action


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """A finished motion with its truth. `source` names the captures that it is made of."""

    motion: BodyMotion
    contacts: tuple[SoleContact, ...]
    intervals: tuple[Interval, ...]
    footing: Footing
    source: str
    planned: tuple[Footfall, ...]
    """When feet came to stand before they were locked: to compare with, never the truth."""
    steps: Steps | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """A motion before its feet are locked."""

    motion: BodyMotion
    intervals: tuple[Interval, ...]
    source: str
    heel_up_rad: float = 0.0
    lift_gain: float = 1.0
    steps: Steps | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Studio:
    """What an action is made with."""

    body: Body
    gait: Path
    rng: np.random.Generator
    duration_s: float
    way: Way | None

    def captured(self, name: str) -> BodyMotion:
        return retarget(self.body, _capture(self.gait, name))

    def pose(self) -> BodyPose:
        """A relaxed stand that faces +z."""
        stand = self.captured("cmu/02_04")
        turned = shaping.placed(stand, 0.0, 0.0, -shaping.heading_rad(stand, 5))
        return turned.at(np.array([5 / stand.rate_hz]))


def perform(
    action: Action,
    body: Body,
    shared: Path,
    rng: np.random.Generator,
    duration_s: float,
    way: Way | None = None,
) -> Performance:
    """Someone with this body does this for at least `duration_s`, from the origin towards +z.

    `shared` is the folder of the material (`gait/`); `way` counts for walking, running and jumping.
    Deterministic for a generator's state.
    """
    studio = _Studio(body=body, gait=shared / "gait", rng=rng, duration_s=duration_s + 0.2, way=way)
    draft = _MAKERS[action](studio)
    if rng.random() < 0.5:
        draft = replace(draft, motion=shaping.mirrored(draft.motion))
    return _finished(body, draft)


def _finished(body: Body, draft: _Draft) -> Performance:
    fine = resample(draft.motion, TRUTH_RATE_HZ)
    motion = lock_feet(
        body,
        fine,
        heel_up_rad=draft.heel_up_rad,
        lift_gain=draft.lift_gain,
        steps=draft.steps,
    )
    return Performance(
        motion=motion,
        contacts=body_contacts(body, motion),
        intervals=draft.intervals,
        footing=measure_footing(body, motion),
        source=draft.source,
        planned=footfalls(body, fine, draft.lift_gain),
        steps=draft.steps,
    )


@cache
def _capture(gait: Path, name: str) -> Capture:
    family, _, trial = name.partition("/")
    if family == "cmu" and trial == "01_01":
        return load_bvh(gait / "facebookresearch+fairmotion" / "tests" / "data" / "01_01.bvh")
    if family == "cmu":
        folder = gait / "cyun9601+CMU-MOCAP-Data"
        return load_capture(folder / "02.asf", folder / f"{trial}.amc")
    folder = gait / "xbpeng+DeepMimic" / "data" / "motions"
    if trial.startswith("long"):
        folder = folder / "long"
    return load_deepmimic(folder / f"humanoid3d_{trial}.txt")


# ---- cycles


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cycle:
    """A stretch of a capture that can be repeated: samples between which an end is sought (None:
    the whole clip repeats as it is), and how many samples melt."""

    capture: str
    lengths: tuple[int, int] | None
    fade: int


_WALKS = (
    _Cycle(capture="cmu/02_01", lengths=(245, 300), fade=30),
    _Cycle(capture="deepmimic/walk", lengths=None, fade=0),
)
#: With small steps, this one alone gives a swing that stays one.
_SMALL_WALKS = _WALKS[1:]
_RUNS = (
    _Cycle(capture="cmu/02_03", lengths=(80, 120), fade=20),
    _Cycle(capture="deepmimic/jog", lengths=None, fade=0),
    _Cycle(capture="deepmimic/run", lengths=None, fade=0),
)


def _repeated(studio: _Studio, cycle: _Cycle, duration_s: float) -> BodyMotion:
    """The cycle along +z, for at least `duration_s`, from a random phase on."""
    raw = studio.captured(cycle.capture)
    first, last = 0, len(raw.pelvis_m) - 1
    if cycle.lengths is not None:
        first, last = best_loop(raw, *cycle.lengths, cycle.fade)
    ahead = heading_forward(raw, first, last)
    repeats = int(np.ceil((duration_s + 0.1) * raw.rate_hz / (last - first))) + 1
    whole = loop(ahead, first, last, cycle.fade, repeats)
    skip = int(studio.rng.integers(last - first))
    part = cut(whole, skip, skip + int(np.ceil(duration_s * raw.rate_hz)))
    return _from_origin(resample(part, _RATE_HZ))


def _from_origin(motion: BodyMotion) -> BodyMotion:
    return replace(motion, pelvis_m=motion.pelvis_m - motion.pelvis_m[0] * [1.0, 0.0, 1.0])


def _gait(
    studio: _Studio, cycles: tuple[_Cycle, ...], tempo: tuple[float, float]
) -> tuple[BodyMotion, str]:
    """A gait at another tempo; its source's name."""
    cycle = cycles[int(studio.rng.integers(len(cycles)))]
    factor = studio.rng.uniform(*tempo)
    motion = _repeated(studio, cycle, studio.duration_s * factor + 0.1)
    return shaping.faster(motion, factor), cycle.capture


def _whole(motion: BodyMotion, action: Action) -> tuple[Interval, ...]:
    return (Interval(start_s=0.0, end_s=motion.duration_s, action=action),)


# ---- actions


def _walk(studio: _Studio) -> _Draft:
    """Along a line, round a circle, or freely as in the long captures."""
    way = studio.way or str(studio.rng.choice(["line", "circle", "free"], p=[0.5, 0.3, 0.2]))
    if way == "free":
        return _free(studio, f"deepmimic/long_walk{studio.rng.integers(1, 4)}")
    if way == "spot":
        return _marching(studio, "walk", _SMALL_WALKS, 0.45)
    motion, source = _gait(studio, _WALKS, (0.85, 1.2))
    if way == "circle":
        motion = _circling(studio, motion, (2.0, 5.0))
    return _Draft(motion=motion, intervals=_whole(motion, "walk"), source=source)


def _circling(studio: _Studio, motion: BodyMotion, radii_m: tuple[float, float]) -> BodyMotion:
    radius = studio.rng.uniform(*radii_m) * studio.rng.choice([-1.0, 1.0])
    return shaping.bent(motion, 1.0 / radius)


def _marching(studio: _Studio, action: Action, cycles: tuple[_Cycle, ...], share: float) -> _Draft:
    """A gait on the spot: shorter swings, feet lifted all the same."""
    motion, source = _gait(studio, cycles, (0.9, 1.1))
    spot = shaping.on_the_spot(shaping.toned(motion, studio.pose(), np.array(share)))
    return _Draft(
        motion=spot, intervals=_whole(spot, action), source=source, lift_gain=_SMALL_LIFT_GAIN
    )


def _free(studio: _Studio, name: str) -> _Draft:
    raw = resample(studio.captured(name), _RATE_HZ)
    count = int(np.ceil(studio.duration_s * _RATE_HZ))
    first = int(studio.rng.integers(max(1, len(raw.pelvis_m) - count)))
    part = cut(raw, first, first + count)
    motion = _from_origin(shaping.placed(part, 0.0, 0.0, -shaping.heading_rad(part, 0)))
    return _Draft(motion=motion, intervals=_whole(motion, "walk"), source=name)


def _run(studio: _Studio) -> _Draft:
    way = studio.way or str(studio.rng.choice(["line", "circle"], p=[0.6, 0.4]))
    if way == "spot":
        return _marching(studio, "run", _RUNS[1:2], 0.6)
    motion, source = _gait(studio, _RUNS, (0.9, 1.1))
    if way == "circle":
        motion = _circling(studio, motion, (4.0, 8.0))
    return _Draft(motion=motion, intervals=_whole(motion, "run"), source=source)


def _jump(studio: _Studio) -> _Draft:
    """One jump after another, with a little standing between."""
    name = str(studio.rng.choice(["cmu/02_04", "deepmimic/jump", "cmu/01_01"]))
    if name == "cmu/01_01":
        raw = studio.captured(name)
        whole = cut(raw, 1, 1100)  # four jumps ahead; then the man turns and walks away
    else:
        raw = resample(studio.captured(name), _RATE_HZ)
        whole = cut(raw, 0, 282) if name == "cmu/02_04" else raw
        sway = round(0.15 * whole.rate_hz)
        pause = int(studio.rng.integers(20, 80))
        whole = linger(whole, pause, pause, sway)
    once = _from_origin(shaping.placed(whole, 0.0, 0.0, -shaping.heading_rad(whole, 0)))
    motion = once
    while motion.duration_s < studio.duration_s:
        motion = shaping.joined(motion, once, 0.4)
    if studio.way == "circle":
        motion = _circling(studio, motion, (2.0, 4.0))
    elif studio.way == "spot":
        motion = _without_way(motion)
    return _Draft(motion=motion, intervals=_whole(motion, "jump"), source=name)


def _without_way(motion: BodyMotion) -> BodyMotion:
    """Jumps without the way that each of them makes: the hips stay above one place."""
    way = shaping.slow_way(motion, 1.2)
    return replace(motion, pelvis_m=motion.pelvis_m - way)


def _stand(studio: _Studio) -> _Draft:
    motion = shaping.swaying(studio.pose(), studio.duration_s, _RATE_HZ, studio.rng)
    return _Draft(motion=motion, intervals=_whole(motion, "stand"), source="cmu/02_04")


def _from_stand(studio: _Studio, share: Callable[[Array], Array]) -> tuple[BodyMotion, str]:
    """A walk of which only a share, over time, comes through: its tempo and its size."""
    cycle = _WALKS[int(studio.rng.integers(len(_WALKS)))]
    whole = _repeated(studio, cycle, studio.duration_s)
    times = np.arange(int(studio.duration_s * _RATE_HZ)) / _RATE_HZ
    weight = share(times)
    played = shaping.warped(whole, np.cumsum(weight) / _RATE_HZ, _RATE_HZ)
    # The size goes ahead of the tempo, or the first steps would slide along.
    return shaping.toned(played, studio.pose(), np.sqrt(weight)), cycle.capture


def _start(studio: _Studio) -> _Draft:
    at_s = float(studio.rng.uniform(0.2, 0.4)) * studio.duration_s
    motion, source = _from_stand(studio, lambda times: _ramp(times, at_s, 0.9))
    return _Draft(motion=motion, intervals=_two(motion, at_s, "stand", "start"), source=source)


def _stop(studio: _Studio) -> _Draft:
    at_s = float(studio.rng.uniform(0.5, 0.7)) * studio.duration_s
    motion, source = _from_stand(studio, lambda times: 1.0 - _ramp(times, at_s, 0.9))
    return _Draft(motion=motion, intervals=_two(motion, at_s + 0.9, "stop", "stand"), source=source)


def _ramp(times_s: Array, at_s: float, length_s: float) -> Array:
    share = np.clip((times_s - at_s) / length_s, 0.0, 1.0)
    ramp: Array = share * share * (3.0 - 2.0 * share)
    return ramp


def _two(motion: BodyMotion, at_s: float, first: Action, then: Action) -> tuple[Interval, ...]:
    return (
        Interval(start_s=0.0, end_s=at_s, action=first),
        Interval(start_s=at_s, end_s=motion.duration_s, action=then),
    )


def _small(studio: _Studio, share: float, tempo: tuple[float, float]) -> tuple[BodyMotion, str]:
    """A walk with small steps."""
    motion, source = _gait(studio, _SMALL_WALKS, tempo)
    return shaping.toned(motion, studio.pose(), np.array(share)), source


def _turn(studio: _Studio) -> _Draft:
    """Round on the spot in small steps, half a turn in two to four seconds."""
    motion, source = _small(studio, 0.35, (0.9, 1.1))
    rate = np.pi / studio.rng.uniform(2.0, 4.0) * studio.rng.choice([-1.0, 1.0])
    spot = shaping.turning(shaping.on_the_spot(motion), rate * motion.times_s)
    return _Draft(
        motion=spot, intervals=_whole(spot, "turn"), source=source, lift_gain=_SMALL_LIFT_GAIN
    )


def _shuffle(studio: _Studio) -> _Draft:
    motion, source = _small(studio, float(studio.rng.uniform(0.35, 0.5)), (0.8, 1.0))
    return _Draft(motion=motion, intervals=_whole(motion, "shuffle"), source=source)


def _tiptoe(studio: _Studio) -> _Draft:
    motion, source = _small(studio, 0.7, (0.65, 0.85))
    heel_up = np.radians(studio.rng.uniform(22.0, 34.0))
    return _Draft(
        motion=motion,
        intervals=_whole(motion, "tiptoe"),
        source=source,
        heel_up_rad=heel_up,
        lift_gain=1.5,
    )


def _stairs(studio: _Studio) -> _Draft:
    """Up or down, each footfall on a tread of its own."""
    motion, source = _small(studio, 0.6, (0.8, 0.95))
    falls = footfalls(studio.body, resample(motion, TRUTH_RATE_HZ), _SMALL_LIFT_GAIN)
    depths = np.sort([fall.z_m for fall in falls])
    # Edges run in the middle between where neighbouring footfalls have their insteps.
    edges = (depths[:-1] + depths[1:]) / 2.0 + 0.06
    up = studio.rng.random() < 0.5
    heights = np.arange(len(depths)) * _RISE_M
    steps = Steps(edges_m=tuple(edges), heights_m=tuple(heights if up else heights[::-1]))
    return _Draft(
        motion=motion,
        intervals=_whole(motion, "stairs"),
        source=source,
        steps=steps,
        lift_gain=_SMALL_LIFT_GAIN,
    )


_MAKERS: Mapping[Action, Callable[[_Studio], _Draft]] = {
    "walk": _walk,
    "run": _run,
    "jump": _jump,
    "stand": _stand,
    "turn": _turn,
    "start": _start,
    "stop": _stop,
    "shuffle": _shuffle,
    "stairs": _stairs,
    "tiptoe": _tiptoe,
}
