"""What people on the stage do: walk, run, jump, stand, turn, start, stop, shuffle, climb, tiptoe.

Each action is made from captured motion by `shaping`, held to the floor by `feet.lock_feet`, and
its truth is read from the finished soles by `contacts`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
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
from otio_foley.train.stage.feet import (
    Footfall,
    Stances,
    Steps,
    footfalls,
    lock_feet,
    plan_stances,
    runs,
)
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
#: How long it takes to walk at full tempo and size, or to stand: about two steps.
_CHANGE_S = 0.9
#: Longer than any stride of `_WALKS`, two-stride loops included.
_LONGEST_STRIDE_S = 2.6
#: Seconds from one foot's contact to the other's, as the captures and their tempos allow.
_GAPS_S: Mapping[Action, tuple[float, float]] = {
    "walk": (0.35, 1.0),
    "run": (0.25, 0.6),
    "turn": (0.35, 1.0),
    "start": (0.35, 1.4),
    "stop": (0.35, 1.4),
    "shuffle": (0.35, 1.1),
    "stairs": (0.35, 1.1),
    "tiptoe": (0.45, 1.3),
}
_DRAWS = 8
_EDGE_S = 0.1
#: Further from its footfall's plan than this no contact comes.
_SAME_S = 0.03


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
    captured: BodyMotion
    """The motion before its feet were held to the floor."""
    planned: tuple[Footfall, ...]
    """When feet were planned to stand: what `what_is_wrong` compares with, never the truth."""
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
    judged: BodyMotion | None = None
    """What it was made of, as captured, where it was made small, bent or put on the spot: feet
    stand when they stand in it."""
    judged_s: Array | None = None
    """(T,) time in `judged` of each sample; None where they run alike."""


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
    Deterministic for a generator's state: what does not step as its action does is drawn again.
    Raises ValueError if nothing that was drawn does.
    """
    studio = _Studio(body=body, gait=shared / "gait", rng=rng, duration_s=duration_s + 0.2, way=way)
    wrong = ""
    for _ in range(_DRAWS):
        draft = _MAKERS[action](studio)
        if rng.random() < 0.5:
            judged = None if draft.judged is None else shaping.mirrored(draft.judged)
            draft = replace(draft, motion=shaping.mirrored(draft.motion), judged=judged)
        done = _finished(body, draft)
        wrong = what_is_wrong(action, done)
        if not wrong:
            return done
    raise ValueError(f"{action}, way {way}: {_DRAWS} draws failed, the last because {wrong}")


def what_is_wrong(action: Action, done: Performance) -> str:
    """Why the contacts are not those of the action; empty where they are.

    Every planned footfall must be told and nothing else; feet must alternate, at gaps of the
    action's cadence, from when it begins to when it ends.
    """
    told = [(contact.foot, contact.time_s) for contact in done.contacts]
    planned = [(fall.foot, fall.time_s) for fall in done.planned if fall.time_s > 0.0]
    for first, second in ((told, planned), (planned, told)):
        for foot, at_s in first:
            # The first and last moments of a motion are too short to tell a stay by.
            if not _EDGE_S < at_s < done.motion.duration_s - _EDGE_S:
                continue
            if not any(foot == other and abs(at_s - s) < _SAME_S for other, s in second):
                return f"the {foot} foot's step at {at_s:.3f} s is told or planned alone"
    if action not in _GAPS_S:
        return ""
    shortest_s, longest_s = _GAPS_S[action]
    for (foot, first_s), (other, second_s) in pairwise(told):
        if foot == other:
            return f"the {foot} foot steps twice, at {first_s:.3f} and {second_s:.3f} s"
        if not shortest_s <= second_s - first_s <= longest_s:
            return f"{second_s - first_s:.3f} s lie between the steps at {first_s:.3f} s and next"
    moving = [part for part in done.intervals if part.action != "stand"]
    edges_s = [moving[0].start_s, *(at_s for _, at_s in told), moving[-1].end_s]
    widest_s = max(b - a for a, b in pairwise(edges_s))
    return f"there is no step for {widest_s:.3f} s" if widest_s > longest_s else ""


def _finished(body: Body, draft: _Draft) -> Performance:
    fine = resample(draft.motion, TRUTH_RATE_HZ)
    stances = _stances(body, draft, fine)
    motion = lock_feet(
        body,
        fine,
        heel_up_rad=draft.heel_up_rad,
        lift_gain=draft.lift_gain,
        steps=draft.steps,
        stances=stances,
    )
    return Performance(
        motion=motion,
        contacts=body_contacts(body, motion),
        intervals=draft.intervals,
        footing=measure_footing(body, motion),
        source=draft.source,
        planned=footfalls(body, fine, stances),
        captured=draft.motion,
        steps=draft.steps,
    )


def _stances(body: Body, draft: _Draft, fine: BodyMotion) -> Stances:
    if draft.judged is None:
        return plan_stances(body, fine)
    captured = plan_stances(body, resample(draft.judged, TRUTH_RATE_HZ))
    times = fine.times_s
    if draft.judged_s is not None:
        times = np.interp(times, draft.motion.times_s, draft.judged_s)
    at = np.round(times * TRUTH_RATE_HZ).astype(int)
    return {side: flags[np.minimum(at, len(flags) - 1)] for side, flags in captured.items()}


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
    bent = _circling(studio, motion, (2.0, 5.0)) if way == "circle" else motion
    return _Draft(motion=bent, intervals=_whole(bent, "walk"), source=source, judged=motion)


def _circling(studio: _Studio, motion: BodyMotion, radii_m: tuple[float, float]) -> BodyMotion:
    radius = studio.rng.uniform(*radii_m) * studio.rng.choice([-1.0, 1.0])
    return shaping.bent(motion, 1.0 / radius)


def _marching(studio: _Studio, action: Action, cycles: tuple[_Cycle, ...], share: float) -> _Draft:
    """A gait on the spot: shorter swings, feet lifted all the same."""
    motion, source = _gait(studio, cycles, (0.9, 1.1))
    small = shaping.toned(motion, studio.pose(), np.array(share))
    return _Draft(
        motion=shaping.on_the_spot(small),
        intervals=_whole(small, action),
        source=source,
        lift_gain=_SMALL_LIFT_GAIN,
        judged=motion,
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
    bent = _circling(studio, motion, (4.0, 8.0)) if way == "circle" else motion
    return _Draft(motion=bent, intervals=_whole(bent, "run"), source=source, judged=motion)


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
    ahead = once
    while ahead.duration_s < studio.duration_s:
        ahead = shaping.joined(ahead, once, 0.4)
    motion = ahead
    if studio.way == "circle":
        motion = _circling(studio, ahead, (2.0, 4.0))
    elif studio.way == "spot":
        motion = _without_way(ahead)
    return _Draft(motion=motion, intervals=_whole(motion, "jump"), source=name, judged=ahead)


def _without_way(motion: BodyMotion) -> BodyMotion:
    """Jumps without the way that each of them makes: the hips stay above one place."""
    way = shaping.slow_way(motion, 1.2)
    return replace(motion, pelvis_m=motion.pelvis_m - way)


def _stand(studio: _Studio) -> _Draft:
    motion = shaping.swaying(studio.pose(), studio.duration_s, _RATE_HZ, studio.rng)
    return _Draft(motion=motion, intervals=_whole(motion, "stand"), source="cmu/02_04")


def _changed(
    studio: _Studio,
    share: Callable[[Array], Array],
    stands_s: float,
    actions: tuple[Action, Action, Action],
    at_s: float,
) -> _Draft:
    """A walk of which only a share, over time, comes through: its tempo and its size.

    Where nothing comes through, at `stands_s`, the walk is halted with both feet down.
    """
    cycle = _WALKS[int(studio.rng.integers(len(_WALKS)))]
    whole = _repeated(studio, cycle, studio.duration_s + _LONGEST_STRIDE_S)
    times = np.arange(int(studio.duration_s * _RATE_HZ)) / _RATE_HZ
    weight = share(times)
    played_s = np.cumsum(weight) / _RATE_HZ
    halted_s = float(np.interp(stands_s, times, played_s))
    played_s = played_s - halted_s + _next_both_down_s(studio.body, whole, halted_s)
    played = shaping.warped(whole, played_s, _RATE_HZ)
    # The size goes ahead of the tempo, or the first steps would slide along.
    motion = shaping.toned(played, studio.pose(), np.sqrt(weight))
    return _Draft(
        motion=motion,
        intervals=_changing(motion, actions, at_s),
        source=cycle.capture,
        judged=whole,
        judged_s=np.clip(played_s, 0.0, whole.duration_s),
    )


def _next_both_down_s(body: Body, motion: BodyMotion, after_s: float) -> float:
    """The middle of the first time from `after_s` on at which both feet come to stand."""
    stances = plan_stances(body, resample(motion, TRUTH_RATE_HZ))
    both = runs(stances["left"] & stances["right"])
    return next((a + b) / 2.0 / TRUTH_RATE_HZ for a, b in both if a / TRUTH_RATE_HZ > after_s)


def _start(studio: _Studio) -> _Draft:
    at_s = float(studio.rng.uniform(0.2, 0.4)) * studio.duration_s
    return _changed(
        studio, lambda times: _ramp(times, at_s, _CHANGE_S), 0.0, ("stand", "start", "walk"), at_s
    )


def _stop(studio: _Studio) -> _Draft:
    at_s = float(studio.rng.uniform(0.5, 0.7)) * studio.duration_s
    return _changed(
        studio,
        lambda times: 1.0 - _ramp(times, at_s, _CHANGE_S),
        studio.duration_s,
        ("walk", "stop", "stand"),
        at_s,
    )


def _ramp(times_s: Array, at_s: float, length_s: float) -> Array:
    share = np.clip((times_s - at_s) / length_s, 0.0, 1.0)
    ramp: Array = share * share * (3.0 - 2.0 * share)
    return ramp


def _changing(
    motion: BodyMotion, actions: tuple[Action, Action, Action], at_s: float
) -> tuple[Interval, ...]:
    """What is done before, during and after a change of `_CHANGE_S` that begins at `at_s`."""
    edges = (0.0, at_s, at_s + _CHANGE_S, motion.duration_s)
    return tuple(
        Interval(start_s=start_s, end_s=end_s, action=action)
        for action, (start_s, end_s) in zip(actions, pairwise(edges), strict=True)
    )


def _small(studio: _Studio, share: float, tempo: tuple[float, float]) -> _Draft:
    """A walk with small steps."""
    motion, source = _gait(studio, _SMALL_WALKS, tempo)
    small = shaping.toned(motion, studio.pose(), np.array(share))
    return _Draft(motion=small, intervals=_whole(small, "walk"), source=source, judged=motion)


def _turn(studio: _Studio) -> _Draft:
    """Round on the spot in small steps, half a turn in two to four seconds."""
    small = _small(studio, 0.35, (0.9, 1.1))
    rate = np.pi / studio.rng.uniform(2.0, 4.0) * studio.rng.choice([-1.0, 1.0])
    spot = shaping.turning(shaping.on_the_spot(small.motion), rate * small.motion.times_s)
    return replace(small, motion=spot, intervals=_whole(spot, "turn"), lift_gain=_SMALL_LIFT_GAIN)


def _shuffle(studio: _Studio) -> _Draft:
    small = _small(studio, float(studio.rng.uniform(0.35, 0.5)), (0.8, 1.0))
    return replace(small, intervals=_whole(small.motion, "shuffle"))


def _tiptoe(studio: _Studio) -> _Draft:
    small = _small(studio, 0.7, (0.65, 0.85))
    return replace(
        small,
        intervals=_whole(small.motion, "tiptoe"),
        heel_up_rad=float(np.radians(studio.rng.uniform(22.0, 34.0))),
        lift_gain=1.5,
    )


def _stairs(studio: _Studio) -> _Draft:
    """Up or down, each footfall on a tread of its own."""
    small = _small(studio, 0.6, (0.8, 0.95))
    fine = resample(small.motion, TRUTH_RATE_HZ)
    falls = footfalls(studio.body, fine, _stances(studio.body, small, fine))
    depths = np.sort([fall.z_m for fall in falls])
    # Edges run in the middle between where neighbouring footfalls have their insteps.
    edges = (depths[:-1] + depths[1:]) / 2.0 + 0.06
    up = studio.rng.random() < 0.5
    heights = np.arange(len(depths)) * _RISE_M
    steps = Steps(edges_m=tuple(edges), heights_m=tuple(heights if up else heights[::-1]))
    return replace(
        small,
        intervals=_whole(small.motion, "stairs"),
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
