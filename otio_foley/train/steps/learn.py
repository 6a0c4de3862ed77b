"""Train the contact network on people seen by many cameras, with the measured noise.

    python -m otio_foley.train.steps.learn --material DIR --noise FILE --work DIR
        [--out models/contacts.safetensors] [--fast]

First on performed motion (the stage's, without plates: contacts by its geometry), then, from those
weights on, on the people with force plates: once on all but one subject for each of them, which
`evaluate --learned DIR` judges, and once on all of them for the weights that ship. Each member of
the network does all of this, from another beginning, in one thread, so that the weights do not
depend on how many there are. Everything is drawn from `--seed`; what is finished lies in `--work`
and is not done again.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from otio_foley.analysis.features import GRID_HZ, OTHER_LEG, Columns
from otio_foley.analysis.network import (
    CARD,
    EVENTS,
    MEMBERS,
    ContactNetwork,
    Member,
    load_network,
)
from otio_foley.train.fitting import save, write_card
from otio_foley.train.steps.lessons import (
    TAKE_S,
    TAKES,
    Example,
    filmed,
    keep,
    performed,
    read_kept,
)
from otio_foley.train.steps.noise import NoiseModel, read_noise
from otio_foley.train.steps.samples import learned_figures, plated_figures

#: Late is better than early (ITU-R BT.1359): an error early costs so much more.
_LATE_QUANTILE = 0.55

_WINDOW = int(4.0 * GRID_HZ)
_BATCH = 32
RATE, _FINE_RATE = 2e-3, 5e-4
#: Bumps are rare: the chance of a contact or toe-off weighs this much where there is one.
_RARE = 6.0


def fit(
    network: ContactNetwork,
    held: Sequence[Example],
    *,
    steps: int,
    rate: float,
    seed: int,
    tell: Callable[[str], None],
    spoil: Callable[[NDArray[np.float32], np.random.Generator], None] | None = None,
) -> ContactNetwork:
    """Adam with a warm start and a cosine's end; the same for the same seed and threads. `spoil`
    takes from each window (N, F), in place, what the network shall learn to do without."""
    rng = np.random.default_rng(seed)
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, rate, total_steps=steps, pct_start=0.1
    )
    network.train()
    recent: list[float] = []
    every = max(1, steps // 20)
    for step in range(steps):
        features, targets, weights = _batch(held, rng, network.columns)
        if spoil is not None:
            for row in features.numpy():
                spoil(row, rng)
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


def _batch(
    held: Sequence[Example], rng: np.random.Generator, columns: Columns
) -> tuple[Tensor, Tensor, Tensor]:
    """Windows of either foot, mirrored half of the time, padded where a stretch is shorter."""
    features = np.zeros((_BATCH, _WINDOW, columns.count), dtype=np.float32)
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
            features[row][:, columns.across] *= -1.0
    return torch.from_numpy(features), torch.from_numpy(targets), torch.from_numpy(weights)


def uneven(row: NDArray[np.float32], rng: np.random.Generator) -> None:
    """Move the other leg's motion in a window (N, F) in time, in place: when it lifts off differs
    from person to person, and says less of this foot than this foot does."""
    late = round(float(np.clip(rng.normal(0.0, _UNEVEN_S), -0.1, 0.1)) * GRID_HZ)
    source = np.clip(np.arange(len(row)) - late, 0, len(row) - 1)
    row[:, OTHER_LEG] = row[source][:, OTHER_LEG]


#: So much (standard deviation): both feet stand for 0.1 to 0.2 s of walks (`walkers`).
_UNEVEN_S = 0.04


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
    """Mean and spread (F,) of the features, by which the network scales them."""
    rows = np.concatenate([one.features.reshape(-1, one.features.shape[2])[::7] for one in held])
    return torch.from_numpy(rows.mean(axis=0)), torch.from_numpy(rows.std(axis=0) + 0.02)


# ---- the command


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """How much: performances a kind of action and views of each; views of each plated piece; steps
    of training on either."""

    takes: int = TAKES
    take_s: float = TAKE_S
    views: int = 6
    plated_views: int = 10
    steps: int = 2400
    plated_steps: int = 150
    jobs: int = 2


FAST = Amounts(takes=2, views=2, plated_views=2, steps=40, plated_steps=40)

_PERFORMED, _PLATED = "performed", "plated "
_BASE, _FINAL = "base", "final"
#: Seeds of two members are so far apart.
SEEDS = 10


def learn(
    material: Path,
    noise: NoiseModel,
    work: Path,
    amounts: Amounts,
    seed: int,
    tell: Callable[[str], None],
) -> ContactNetwork:
    """All of the training; every network is kept in `work`, members in folders of their own."""
    work.mkdir(parents=True, exist_ok=True)

    def performances() -> Iterator[Example]:
        figures = performed(
            material,
            work,
            takes=amounts.takes,
            take_s=amounts.take_s,
            jobs=amounts.jobs,
            seed=seed + 1000,
        )
        return filmed(figures, amounts.views, noise, seed, tell)

    keep(work / f"{_PERFORMED}.npz", performances)
    figures = learned_figures(material)
    subjects = sorted({figure.subject for figure in figures})
    for subject in subjects:
        own = [one for one in figures if one.subject == subject]
        keep(
            work / f"{_PLATED}{subject}.npz",
            partial(filmed, own, amounts.plated_views, noise, seed + 1, tell),
        )
    left_out = (*subjects, None)
    with ProcessPoolExecutor(
        amounts.jobs, initializer=torch.set_num_threads, initargs=(1,)
    ) as pool:
        begun = [
            pool.submit(_begin, work, member, amounts.steps, seed + SEEDS * member)
            for member in range(MEMBERS)
        ]
        ended = [
            pool.submit(_end, work, one.result(), who, amounts.plated_steps, seed)
            for one in as_completed(begun)
            for who in left_out
        ]
        for done in as_completed(ended):
            tell(f"done: {done.result()}")
    for name in (_BASE, *(_ending(who) for who in left_out)):
        files = [_folder(work, member) / f"{name}.safetensors" for member in range(MEMBERS)]
        save(joined([load_network(path, members=1) for path in files]), work / files[0].name)
    return load_network(work / f"{_FINAL}.safetensors")


def joined(networks: Sequence[ContactNetwork]) -> ContactNetwork:
    """One network of all their members, which scale alike: they learned from the same."""
    every = [member for one in networks for member in one.members]
    whole = ContactNetwork(*every, columns=networks[0].columns)
    whole.mean, whole.scale = networks[0].mean, networks[0].scale
    return whole


@cache
def _performed(work: Path) -> list[Example]:
    return read_kept(work / f"{_PERFORMED}.npz")


@cache
def _plated(work: Path) -> dict[str, list[Example]]:
    return {
        path.stem.removeprefix(_PLATED): read_kept(path)
        for path in sorted(work.glob(f"{_PLATED}*.npz"))
    }


def _begin(work: Path, member: int, steps: int, seed: int) -> int:
    """A member's first part: performed motion alone."""
    path = _folder(work, member) / f"{_BASE}.safetensors"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        torch.manual_seed(seed)
        network = ContactNetwork(Member())
        network.mean, network.scale = measured(_performed(work))
        tell = partial(say, f"member {member}")
        fit(
            network,
            _performed(work),
            steps=steps,
            rate=RATE,
            seed=seed,
            tell=tell,
            spoil=uneven,
        )
        save(network, path)
    return member


def _end(work: Path, member: int, left_out: str | None, steps: int, seed: int) -> str:
    """A member's second part: people on plates, all but one (None for all), half of the time."""
    path = _folder(work, member) / f"{_ending(left_out)}.safetensors"
    if not path.exists():
        plated = [held for subject, held in _plated(work).items() if subject != left_out]
        network = load_network(path.with_name(f"{_BASE}.safetensors"), members=1)
        fit(
            network,
            _Evenly(_performed(work), _Evenly(*plated)),
            steps=steps,
            rate=_FINE_RATE,
            seed=seed + SEEDS * member + 2,
            tell=lambda _: None,
            spoil=uneven,
        )
        save(network, path)
    return f"{path.parent.name}, {path.stem}"


def _ending(left_out: str | None) -> str:
    return _FINAL if left_out is None else f"without {left_out}"


def _folder(work: Path, member: int) -> Path:
    return work / f"member {member}"


def say(who: str, line: str) -> None:
    """A word about one of several trainings."""
    print(f"{who}: {line}", file=sys.stderr, flush=True)


class _Evenly(Sequence[Example]):
    """Groups of examples, each as often as any other, however many it holds."""

    def __init__(self, *groups: Sequence[Example]) -> None:
        self._groups = groups

    def __len__(self) -> int:
        return len(self._groups) * max(len(group) for group in self._groups)

    def __getitem__(self, index: int) -> Example:  # type: ignore[override]
        group = self._groups[index % len(self._groups)]
        return group[index // len(self._groups) % len(group)]


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
    noise = read_noise(given.noise)
    network = learn(given.material, noise, given.work, amounts, given.seed, tell)
    if given.out is not None:
        save(network, given.out)
        write_card(
            given.out,
            CARD,
            version=1,
            command="python -m otio_foley.train.steps.learn --material DIR --noise FILE --work DIR "
            f"--out FILE --seed {given.seed}" + (" --fast" if given.fast else ""),
            seed=given.seed,
            noise=noise.source,
            members=MEMBERS,
            amounts=asdict(amounts),
            subjects=[*sorted({one.subject for one in plated_figures(given.material)})],
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
