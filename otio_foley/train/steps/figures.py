"""People in the world as BlazePose's joints, with what is known of their contacts.

World: metres, y up, and whoever goes somewhere goes along +z, as on the stage. Measured people have
lower limbs alone: shoulders and nose are put over their hips (the product takes a frame without a
nose for one without a person), and `placed` names them, for no measure may rest on them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from otio_foley.analysis.skeleton import HIPS, JOINT_COUNT, LEFT_LEG, RIGHT_LEG, SHOULDERS
from otio_foley.train.stage.actions import Action, Performance, Way, perform
from otio_foley.train.stage.body import Body, load_body
from otio_foley.train.stage.film import Take
from otio_foley.train.stage.keypoints import keypoints_m
from otio_foley.train.steps.joints import UPPER
from otio_foley.train.steps.trials import (
    Doing,
    Source,
    Trial,
    TrueContact,
    Truth,
    Window,
    clipped,
)
from otio_foley.types import FloatArray, Gait

_NOSE = 0
#: Heights over the hips and half the shoulders' width, in body heights (Winter 2009, figure 4.1:
#: hip 0.530, shoulder 0.818, shoulders 0.259 wide; the nose at 0.93 and before the neck).
_SHOULDER_UP, _SHOULDER_OUT = 0.288, 0.129
_NOSE_UP, _NOSE_AHEAD = 0.40, 0.06

#: Longer recordings are cut, for no shot is that long; each piece is filmed with so much before
#: and after it as an editor's handles would have.
PIECE_S = 8.0
HANDLE_S = 0.75

#: Performed motions are sampled at this rate; their first and last moments are not judged.
_PERFORMED_HZ = 120.0
_ENDS_S = 0.3
#: Who sets off or comes to a halt walks.
_GAIT_OF: Mapping[Action, Gait] = {
    "walk": "walk",
    "start": "walk",
    "stop": "walk",
    "run": "run",
    "jump": "jump",
    "stand": "stand",
    "turn": "turn",
    "shuffle": "shuffle",
    "stairs": "stairs",
    "tiptoe": "tiptoe",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One person over time.

    times_s (T,) even; points_m (T, 33, 3), NaN where there is none; ground_m (T,) the floor's
    height beneath. `placed`: joints that nobody measured.
    """

    subject: str
    name: str
    times_s: FloatArray
    points_m: FloatArray
    ground_m: FloatArray
    height_m: float
    placed: tuple[int, ...]
    truth: Truth

    def at(self, times_s: FloatArray) -> FloatArray:
        """Joints (N, 33, 3) at times (N,), on straight lines between samples."""
        step_s = float(self.times_s[1] - self.times_s[0])
        place = np.clip((times_s - self.times_s[0]) / step_s, 0.0, len(self.times_s) - 1.0)
        first = np.minimum(place.astype(np.intp), len(self.times_s) - 2)
        share = (place - first)[:, None, None]
        return np.asarray(self.points_m[first] * (1.0 - share) + self.points_m[first + 1] * share)


def figure_of_trial(trial: Trial, source: Source = "plate") -> Figure | None:
    """A measured person's legs, y up and on the way along +z; None without a truth of that
    source."""
    legs = _ahead(trial, trial.joints_m)
    points = np.full((len(legs), JOINT_COUNT, 3), np.nan)
    points[:, LEFT_LEG] = legs[:, 0]
    points[:, RIGHT_LEG] = legs[:, 1]
    hips = points[:, HIPS].mean(axis=1)
    out = points[:, HIPS[0]] - points[:, HIPS[1]]
    out[:, 1] = 0.0
    out /= np.linalg.norm(out, axis=1, keepdims=True)
    up = np.array([0.0, trial.height_m, 0.0])
    for joint, side in zip(SHOULDERS, (1.0, -1.0), strict=True):
        points[:, joint] = hips + _SHOULDER_UP * up + side * _SHOULDER_OUT * trial.height_m * out
    ahead = np.cross(out, [0.0, 1.0, 0.0])
    points[:, _NOSE] = hips + _NOSE_UP * up + _NOSE_AHEAD * trial.height_m * ahead
    return _figure(trial, source, points, placed=(_NOSE, *SHOULDERS))


def whole_figure(trial: Trial, source: Source = "plate") -> Figure | None:
    """A measured person with head and arms; None where these have no markers."""
    if trial.upper_m is None:
        return None
    legs, upper = _ahead(trial, trial.joints_m), _ahead(trial, trial.upper_m)
    points = np.full((len(legs), JOINT_COUNT, 3), np.nan)
    points[:, LEFT_LEG] = legs[:, 0]
    points[:, RIGHT_LEG] = legs[:, 1]
    points[:, UPPER] = upper
    return _figure(trial, source, points, placed=())


def _figure(
    trial: Trial, source: Source, points: FloatArray, placed: tuple[int, ...]
) -> Figure | None:
    truths = [truth for truth in trial.truths if truth.source == source]
    if not truths:
        return None
    return Figure(
        subject=trial.subject,
        name=trial.file,
        times_s=trial.times_s,
        points_m=points,
        ground_m=np.zeros(len(points)),
        height_m=trial.height_m,
        placed=placed,
        truth=truths[0],
    )


def _ahead(trial: Trial, joints_m: FloatArray) -> FloatArray:
    """Joints (T, ..., 3) of a trial, z up, as (T, ..., 3), y up, turned so that the hips' way from
    first to last goes along +z."""
    to_stage, flip = [0, 2, 1], np.array([1.0, 1.0, -1.0])
    points = joints_m[..., to_stage] * flip
    hips = trial.joints_m[:, :, 0].mean(axis=1)[..., to_stage] * flip
    way = hips[-1] - hips[0]
    length = float(np.hypot(way[0], way[2]))
    if length < 1e-6:
        return np.asarray(points)
    sine, cosine = way[0] / length, way[2] / length
    turn = np.array([[cosine, 0.0, -sine], [0.0, 1.0, 0.0], [sine, 0.0, cosine]])
    return np.asarray((points - hips[0] * [1.0, 0.0, 1.0]) @ turn.T)


def performed_figures(
    material: Path,
    actions: Sequence[Action],
    takes: int,
    duration_s: float,
    seed: int,
    ways: Sequence[Way] = ("line",),
) -> tuple[Figure, ...]:
    """The stage's performances of captured motion, which have no plates: contacts by the rule of
    `otio_foley.train.stage.contacts`. The subject is the capture; takes go the `ways` in turn."""
    body = load_body(material / "body")
    found = []
    for number, action in enumerate(actions):
        for take in range(takes):
            rng = np.random.default_rng([seed, number, take])
            way = ways[take % len(ways)]
            done = perform(action, body, material, rng, duration_s, way)
            found.append(figure_of_performance(done, body, action, f"{action} {take + 1}"))
    return tuple(found)


def figure_of_performance(done: Performance, body: Body, action: str, name: str) -> Figure:
    """A performance as a figure; `action` and the capture make its subject."""
    motion = done.motion
    times = np.arange(int(motion.duration_s * _PERFORMED_HZ)) / _PERFORMED_HZ
    ground = np.zeros(len(times))
    if motion.ground_m is not None:
        ground = np.interp(times, motion.times_s, motion.ground_m.mean(axis=1))
    contacts = tuple(
        TrueContact(foot=one.foot, time_s=one.time_s, toe_off_s=one.toe_off_s)
        for one in done.contacts
    )
    return Figure(
        subject=f"{action}, {done.source}",
        name=name,
        times_s=times,
        points_m=keypoints_m(Take(body=body, motion=motion, start_s=0.0), times),
        ground_m=ground,
        height_m=body.height_m,
        placed=(),
        truth=Truth(
            source="rule",
            contacts=contacts,
            windows=(Window(start_s=_ENDS_S, end_s=float(times[-1]) - _ENDS_S),),
            doing=tuple(
                Doing(start_s=one.start_s, end_s=one.end_s, gait=_GAIT_OF[one.action])
                for one in done.intervals
            ),
        ),
    )


def pieces(figure: Figure, longest_s: float = PIECE_S) -> tuple[Figure, ...]:
    """A figure in pieces of equal length, each with handles in which nothing is known."""
    start_s, end_s = float(figure.times_s[0]), float(figure.times_s[-1])
    count = max(1, int(np.ceil((end_s - start_s) / longest_s)))
    if count == 1:
        return (figure,)
    edges = np.linspace(start_s, end_s, count + 1)
    cut = []
    for number, (first_s, last_s) in enumerate(pairwise(edges)):
        first, last = np.searchsorted(figure.times_s, [first_s - HANDLE_S, last_s + HANDLE_S])
        part = slice(int(first), int(last))
        cut.append(
            replace(
                figure,
                name=f"{figure.name} [{number + 1}/{count}]",
                times_s=figure.times_s[part],
                points_m=figure.points_m[part],
                ground_m=figure.ground_m[part],
                truth=within(figure.truth, float(first_s), float(last_s)),
            )
        )
    return tuple(cut)


def paced(figure: Figure, pace: float) -> Figure:
    """A figure that takes `pace` times as long: slow motion."""
    return replace(retimed(figure, lambda time_s: time_s * pace), times_s=figure.times_s * pace)


def retimed(figure: Figure, moved: Callable[[float], float]) -> Figure:
    """A figure whose truth comes when `moved` says of its times (s); its points stay."""
    truth = figure.truth
    return replace(
        figure,
        truth=replace(
            truth,
            contacts=tuple(
                TrueContact(
                    foot=one.foot,
                    time_s=moved(one.time_s),
                    toe_off_s=None if one.toe_off_s is None else moved(one.toe_off_s),
                )
                for one in truth.contacts
            ),
            windows=tuple(
                Window(start_s=moved(one.start_s), end_s=moved(one.end_s)) for one in truth.windows
            ),
            doing=tuple(
                replace(one, start_s=moved(one.start_s), end_s=moved(one.end_s))
                for one in truth.doing
            ),
        ),
    )


def within(truth: Truth, start_s: float, end_s: float) -> Truth:
    """A truth that knows nothing outside a stretch of time."""
    return replace(truth, windows=clipped(truth.windows, start_s, end_s))
