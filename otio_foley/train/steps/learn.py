"""Train the contact network on people seen by many cameras, with the measured noise.

    python -m otio_foley.train.steps.learn --material DIR --noise FILE --work DIR
        [--out models/contacts.safetensors] [--fast]

First on performed motion (the stage's, without plates: contacts by its geometry), then, from those
weights on, on the people with force plates: once on all but one subject for each of them, which
`evaluate --learned DIR` judges, and once on all of them for the weights that ship. Everything is
drawn from `--seed`; what is finished lies in `--work` and is not done again.
"""

from __future__ import annotations

import argparse
import pickle
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from otio_foley.analysis.features import ACROSS, FEATURES, GRID_HZ, Stretch, stretches
from otio_foley.analysis.network import (
    CARD,
    EVENTS,
    GAITS,
    OFFSET_S,
    ContactNetwork,
    load_network,
)
from otio_foley.train.fitting import save, write_card
from otio_foley.train.stage.actions import ACTIONS, Action, Way
from otio_foley.train.steps.figures import Figure, paced, performed_figures
from otio_foley.train.steps.noise import NoiseModel, read_noise
from otio_foley.train.steps.samples import Sample, plated_figures, samples
from otio_foley.train.steps.trials import SIDES, Truth
from otio_foley.types import FloatArray

#: Frame rates that are filmed; drawn anew for each view.
FRAME_RATES = (12.0, 15.0, 16.0, 18.0, 24.0, 25.0, 30.0, 50.0, 60.0)

#: Each view is of somebody this much slower (log-uniform): captures are of brisk walks, and the
#: world has slow ones and slow motion.
PACES = (0.8, 1.8)

#: A contact is a bump of this width (s) in the chance of one.
_BUMP_S = 0.025
#: The time until the contact is learned this near to it (s).
_NEAR_S = 0.08
#: Late is better than early (ITU-R BT.1359): an error early costs so much more.
_LATE_QUANTILE = 0.55

_WINDOW = int(4.0 * GRID_HZ)
_BATCH = 32
_RATE, _FINE_RATE = 2e-3, 5e-4
#: Bumps are rare: the chance of a contact or toe-off weighs this much where there is one.
_RARE = 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One stretch of one view: features (2, N, FEATURES), targets and weights (2, N, EVENTS + 1),
    the last one a number of `GAITS`."""

    features: NDArray[np.float32]
    targets: NDArray[np.float32]
    weights: NDArray[np.float32]


def examples(shown: Iterable[Sample]) -> Iterator[Example]:
    """What the network sees of samples, and what it ought to say."""
    for sample in shown:
        for stretch in stretches(sample.view.pose, sample.view.camera):
            example = _example(stretch, sample.truth)
            if example.weights.any():
                yield example


def _example(stretch: Stretch, truth: Truth) -> Example:
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


# ---- training


def fit(
    network: ContactNetwork,
    held: Sequence[Example],
    *,
    steps: int,
    rate: float,
    seed: int,
    tell: Callable[[str], None],
) -> ContactNetwork:
    """Adam with a warm start and a cosine's end; the same for the same seed and threads."""
    rng = np.random.default_rng(seed)
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, rate, total_steps=steps, pct_start=0.1
    )
    network.train()
    recent: list[float] = []
    every = max(1, steps // 20)
    for step in range(steps):
        features, targets, weights = _batch(held, rng)
        loss = _loss(network(features), targets, weights)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        recent.append(float(loss.detach()))
        if (step + 1) % every == 0:
            tell(f"step {step + 1} of {steps}, loss {np.mean(recent[-every:]):.4f}")
    return network


def _batch(held: Sequence[Example], rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Windows of either foot, mirrored half of the time, padded where a stretch is shorter."""
    features = np.zeros((_BATCH, _WINDOW, FEATURES), dtype=np.float32)
    targets = np.zeros((_BATCH, _WINDOW, EVENTS + 1), dtype=np.float32)
    weights = np.zeros_like(targets)
    for row in range(_BATCH):
        one = held[int(rng.integers(len(held)))]
        side = int(rng.integers(2))
        count = one.features.shape[1]
        first = int(rng.integers(max(1, count - _WINDOW + 1)))
        part = slice(first, min(first + _WINDOW, count))
        length = part.stop - part.start
        features[row, :length] = one.features[side, part]
        targets[row, :length] = one.targets[side, part]
        weights[row, :length] = one.weights[side, part]
        if rng.random() < 0.5:
            features[row][:, ACROSS] *= -1.0
    return torch.from_numpy(features), torch.from_numpy(targets), torch.from_numpy(weights)


def _loss(out: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    chances = functional.binary_cross_entropy_with_logits(
        out[..., :3], targets[..., :3], reduction="none"
    )
    rare = weights[..., :3] * (1.0 + _RARE * targets[..., :3] * _IS_BUMP)
    early = targets[..., 3] - out[..., 3]
    pinball = torch.maximum(_LATE_QUANTILE * early, (_LATE_QUANTILE - 1.0) * early)
    offset = (pinball * weights[..., 3]).sum() / weights[..., 3].sum().clamp(min=1.0)
    gaits = functional.cross_entropy(
        out[..., EVENTS:].flatten(0, 1), targets[..., EVENTS].flatten().long(), reduction="none"
    )
    known = weights[..., EVENTS].flatten()
    gait = (gaits * known).sum() / known.sum().clamp(min=1.0)
    return (chances * rare).sum() / rare.sum().clamp(min=1.0) + 0.3 * offset + _GAIT_SHARE * gait


#: What is being done counts for so much of the loss: when comes first.
_GAIT_SHARE = 0.05

_IS_BUMP = torch.tensor([1.0, 1.0, 0.0])


def measured(held: Sequence[Example]) -> tuple[Tensor, Tensor]:
    """Mean and spread (FEATURES,) of the features, by which the network scales them."""
    rows = np.concatenate([one.features.reshape(-1, FEATURES)[::7] for one in held])
    return torch.from_numpy(rows.mean(axis=0)), torch.from_numpy(rows.std(axis=0) + 0.02)


# ---- the command


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """How much: performances a kind of action and views of each; views of each plated piece; steps
    of training on either."""

    takes: int = 24
    take_s: float = 8.0
    views: int = 6
    plated_views: int = 10
    steps: int = 2400
    plated_steps: int = 150
    jobs: int = 2


FAST = Amounts(takes=2, views=2, plated_views=2, steps=40, plated_steps=40)


def learn(
    material: Path,
    noise: NoiseModel,
    work: Path,
    amounts: Amounts,
    seed: int,
    tell: Callable[[str], None],
) -> ContactNetwork:
    """All of the training; every network is kept in `work`."""
    torch.manual_seed(seed)
    work.mkdir(parents=True, exist_ok=True)
    performed = _kept(
        work / "performed.npz",
        lambda: _filmed(
            performed(material, work, amounts, seed + 1000), amounts.views, noise, seed, tell
        ),
    )
    tell(f"{len(performed)} stretches of performed motion")
    base_path = work / "base.safetensors"
    if not base_path.exists():
        network = ContactNetwork()
        network.mean, network.scale = measured(performed)
        fit(network, performed, steps=amounts.steps, rate=_RATE, seed=seed, tell=tell)
        save(network, base_path)
    figures = plated_figures(material)
    subjects = sorted({figure.subject for figure in figures})
    plated = {
        subject: _kept(
            work / f"plated {subject}.npz",
            lambda subject=subject: _filmed(  # type: ignore[misc]
                [one for one in figures if one.subject == subject],
                amounts.plated_views,
                noise,
                seed + 1,
                tell,
            ),
        )
        for subject in subjects
    }
    for left_out in (*subjects, None):
        path = work / ("final" if left_out is None else f"without {left_out}")
        path = path.with_name(path.name + ".safetensors")
        if path.exists():
            continue
        tell(f"fine-tuning: {path.stem}")
        others = [plated[subject] for subject in subjects if subject != left_out]
        network = load_network(base_path)
        fit(
            network,
            _Mixed(performed, others),
            steps=amounts.plated_steps,
            rate=_FINE_RATE,
            seed=seed + 2,
            tell=tell,
        )
        save(network, path)
    return load_network(work / "final.safetensors")


def performed(material: Path, work: Path, amounts: Amounts, seed: int) -> list[Figure]:
    """Performances of every action, by several processes; the same for any number of them."""
    path = work / "figures.pickle"
    if not path.exists():
        with ProcessPoolExecutor(amounts.jobs) as pool:
            each = pool.map(
                _performed_action,
                *zip(*((material, action, amounts, seed) for action in ACTIONS), strict=True),
            )
            made = [figure for figures in each for figure in figures]
        part = path.with_suffix(".part")
        part.write_bytes(pickle.dumps(made))
        part.rename(path)
    found: list[Figure] = pickle.loads(path.read_bytes())
    return found


def _performed_action(
    material: Path, action: Action, amounts: Amounts, seed: int
) -> tuple[Figure, ...]:
    ways: tuple[Way, ...] = ("line", "circle", "spot", "line")
    own = seed + ACTIONS.index(action)
    return performed_figures(material, [action], amounts.takes, amounts.take_s, own, ways)


class _Mixed(Sequence[Example]):
    """Performed motion and plated subjects by halves, every subject as often as any other."""

    def __init__(self, performed: Sequence[Example], plated: Sequence[Sequence[Example]]) -> None:
        most = max(len(one) for one in plated)
        self._all = [
            *(
                one
                for subject in plated
                for one in (list(subject) * (most // len(subject) + 1))[:most]
            )
        ]
        self._performed = performed

    def __len__(self) -> int:
        return 2 * len(self._all)

    def __getitem__(self, index: int) -> Example:  # type: ignore[override]
        if index < len(self._all):
            return self._all[index]
        return self._performed[(index * 7919) % len(self._performed)]


def _filmed(
    figures: Sequence[Figure], views: int, noise: NoiseModel, seed: int, tell: Callable[[str], None]
) -> Iterator[Example]:
    for number, figure in enumerate(figures):
        rng = np.random.default_rng([seed, number])
        rates = rng.permutation(FRAME_RATES)
        paces = np.exp(rng.uniform(np.log(PACES[0]), np.log(PACES[1]), views))
        for view in range(views):
            rate = float(rates[view % len(rates)])
            shown = [paced(figure, float(paces[view]))]
            yield from examples(
                samples(shown, views=1, frame_rates=[rate], noise=noise, seed=seed + 31 * view)
            )
        if (number + 1) % 20 == 0:
            tell(f"filmed {number + 1} of {len(figures)}")


def _kept(path: Path, make: Callable[[], Iterable[Example]]) -> list[Example]:
    """Examples from a file, which is made if it is not there."""
    if not path.exists():
        made = list(make())
        counts = np.array([one.features.shape[1] for one in made])
        joined = [
            np.concatenate([getattr(one, name) for one in made], axis=1).astype(np.float16)
            for name in ("features", "targets", "weights")
        ]
        part = path.with_suffix(".part.npz")
        np.savez(part, counts=counts, features=joined[0], targets=joined[1], weights=joined[2])
        part.rename(path)
    with np.load(path) as held:
        ends = np.cumsum(held["counts"])[:-1]
        parts = [np.split(held[name].astype(np.float32), ends, axis=1) for name in
                 ("features", "targets", "weights")]  # fmt: skip
    return [Example(features=f, targets=t, weights=w) for f, t, w in zip(*parts, strict=True)]


def main(argv: Sequence[str] | None = None) -> int:
    """Command line of this module."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--material", type=Path, required=True, help="folder with gait/ and body/")
    parser.add_argument("--noise", type=Path, required=True, help="file of stage.poses")
    parser.add_argument("--work", type=Path, required=True, help="folder for what is half-way")
    parser.add_argument("--out", type=Path, help="where the weights go")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fast", action="store_true", help="a few minutes, to see that it runs")
    given = parser.parse_args(argv)

    def tell(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    amounts = FAST if given.fast else Amounts()
    network = learn(given.material, read_noise(given.noise), given.work, amounts, given.seed, tell)
    if given.out is not None:
        save(network, given.out)
        write_card(
            given.out,
            CARD,
            version=1,
            command="python -m otio_foley.train.steps.learn --material DIR --noise FILE --work DIR "
            f"--out FILE --seed {given.seed}" + (" --fast" if given.fast else ""),
            seed=given.seed,
            noise=read_noise(given.noise).source,
            amounts=asdict(amounts),
            subjects=[*sorted({one.subject for one in plated_figures(given.material)})],
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
