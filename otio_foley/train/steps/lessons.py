"""What the contact network learns from: what is seen of people, and when their feet came down.

Performed motion and people on force plates are seen by many cameras (`samples`), with the pose
network's measured noise, everybody at several paces.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from otio_foley.analysis.features import Stretch, stretches
from otio_foley.analysis.network import EVENTS, GAITS, OFFSET_S
from otio_foley.train.stage.actions import ACTIONS, Way
from otio_foley.train.steps.figures import Figure, paced, performed_figures
from otio_foley.train.steps.noise import NoiseModel
from otio_foley.train.steps.samples import samples
from otio_foley.train.steps.trials import SIDES, Truth
from otio_foley.train.steps.walkers import flattened, slower, strided
from otio_foley.types import CameraMotion, FloatArray, Pose

#: Frame rates that are filmed; drawn anew for each view.
FRAME_RATES = (12.0, 15.0, 16.0, 18.0, 24.0, 25.0, 30.0, 50.0, 60.0)

#: Half of the views are this much slower (log-uniform), as in slow motion. In the others steps are
#: such a share as long, toes raised by such a share (half of the time as they were), and all is,
#: most of it while both feet stand, this much slower: captures are of brisk walks (`walkers`).
PACES = (0.8, 1.8)
_STRIDES, _RAISED, _WALKS = (0.5, 1.05), (0.0, 1.0), (0.9, 1.5)

#: So many performances of each action, of so many seconds.
TAKES, TAKE_S = 24, 8.0

#: A contact is a bump of this width (s) in the chance of one.
_BUMP_S = 0.025
#: The time until the contact is learned this near to it (s).
_NEAR_S = 0.08


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One stretch of one view: features (2, N, F), targets and weights (2, N, EVENTS + 1),
    the last one a number of `GAITS`."""

    features: NDArray[np.float32]
    targets: NDArray[np.float32]
    weights: NDArray[np.float32]


_PARTS = ("features", "targets", "weights")


def examples(pose: Pose, camera: CameraMotion, truth: Truth) -> Iterator[Example]:
    """What the network sees of a person, and what it ought to say where that is known."""
    for stretch in stretches(pose, camera):
        made = example(stretch, truth)
        if made.weights.any():
            yield made


def example(stretch: Stretch, truth: Truth) -> Example:
    """One stretch with its truth; weights are 0 where that is not known."""
    times = stretch.times_s
    targets = np.zeros((2, len(times), EVENTS + 1), dtype=np.float32)
    weights = np.zeros_like(targets)
    known = np.zeros(len(times), dtype=bool)
    for window in truth.windows:
        known |= (times >= window.start_s) & (times <= window.end_s)
    for part in truth.doing:
        during = known & (times >= part.start_s) & (times < part.end_s)
        targets[:, during, EVENTS] = GAITS.index(part.gait)
        weights[:, during, EVENTS] = 1.0
    for side, foot in enumerate(SIDES):
        own = [one for one in truth.contacts if one.foot == foot]
        weights[side, :, :2] = known[:, None]
        targets[side, :, 0] = _bumps(times, [one.time_s for one in own])
        left = [one.toe_off_s for one in own if one.toe_off_s is not None]
        targets[side, :, 1] = _bumps(times, left)
        for one in own:
            until = one.time_s - times
            near = known & (np.abs(until) < _NEAR_S)
            targets[side, near, 3] = until[near] / OFFSET_S
            weights[side, near, 3] = 1.0
            if one.toe_off_s is not None:
                standing = (times >= one.time_s) & (times < one.toe_off_s)
                targets[side, standing, 2] = 1.0
                around = (times >= one.time_s - 0.2) & (times < one.toe_off_s + 0.2)
                weights[side, around & known, 2] = 1.0
            else:
                weights[side, times > one.time_s, 1] = 0.0
    return Example(features=stretch.features, targets=targets, weights=weights)


def _bumps(times: FloatArray, at_s: Sequence[float]) -> NDArray[np.float32]:
    bumps = np.zeros(len(times))
    for one in at_s:
        bumps = np.maximum(bumps, np.exp(-0.5 * ((times - one) / _BUMP_S) ** 2))
    return bumps.astype(np.float32)


def performed(
    material: Path, work: Path, *, takes: int, take_s: float, jobs: int, seed: int
) -> list[Figure]:
    """Performances of every action, by several processes; the same for any number of them."""
    path = work / "figures.pickle"
    if not path.exists():
        with ProcessPoolExecutor(jobs) as pool:
            each = pool.map(
                partial(_performed_action, material, takes, take_s, seed), range(len(ACTIONS))
            )
            made = [figure for figures in each for figure in figures]
        part = path.with_suffix(".part")
        part.write_bytes(pickle.dumps(made))
        part.rename(path)
    found: list[Figure] = pickle.loads(path.read_bytes())
    return found


def _performed_action(
    material: Path, takes: int, take_s: float, seed: int, number: int
) -> tuple[Figure, ...]:
    ways: tuple[Way, ...] = ("line", "circle", "spot", "line")
    return performed_figures(material, [ACTIONS[number]], takes, take_s, seed + number, ways)


def filmed(
    figures: Sequence[Figure], views: int, noise: NoiseModel, seed: int, tell: Callable[[str], None]
) -> Iterator[Example]:
    """Figures before `views` cameras each, with the measured noise."""
    for number, figure in enumerate(figures):
        rng = np.random.default_rng([seed, number])
        rates = rng.permutation(FRAME_RATES)
        for view in range(views):
            rate = float(rates[view % len(rates)])
            shown = [_slowed(figure, rng) if view % 2 else _other(figure, rng)]
            for sample in samples(
                shown, views=1, frame_rates=[rate], noise=noise, seed=seed + 31 * view
            ):
                yield from examples(sample.view.pose, sample.view.camera, sample.truth)
        if (number + 1) % 20 == 0:
            tell(f"filmed {number + 1} of {len(figures)}")


def _slowed(figure: Figure, rng: np.random.Generator) -> Figure:
    return paced(figure, float(np.exp(rng.uniform(*np.log(PACES)))))


def _other(figure: Figure, rng: np.random.Generator) -> Figure:
    made = strided(figure, float(rng.uniform(*_STRIDES)))
    if rng.random() < 0.5:
        made = flattened(made, float(rng.uniform(*_RAISED)))
    return slower(made, float(np.exp(rng.uniform(*np.log(_WALKS)))))


def keep(path: Path, make: Callable[[], Iterable[Example]]) -> None:
    """Write examples into a file, unless they are there."""
    if path.exists():
        return
    made = list(make())
    counts = np.array([one.features.shape[1] for one in made])
    joined = {
        name: np.concatenate([getattr(one, name) for one in made], axis=1).astype(np.float16)
        for name in _PARTS
    }
    part = path.with_suffix(".part.npz")
    np.savez(part, counts=counts, **joined)
    part.rename(path)


def read_kept(path: Path) -> list[Example]:
    """The examples of a file, in half precision."""
    with np.load(path) as held:
        ends = np.cumsum(held["counts"])[:-1]
        parts = [np.split(held[name].astype(np.float32), ends, axis=1) for name in _PARTS]
    return [Example(features=f, targets=t, weights=w) for f, t, w in zip(*parts, strict=True)]
