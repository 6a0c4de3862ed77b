"""Train the cadence network: steps of people whose feet are not seen, by head, arms and trunk.

    python -m otio_foley.train.steps.learn_cadence --material DIR --noise FILE --work DIR
        [--out models/cadence.safetensors] [--fast]

It learns from the performances that the contact network learns from (`learn`; a common `--work`
saves making them twice), by other `manners` in every view, through cameras that may cut the legs
off. Each member learns in one thread. Everything is drawn from `--seed`; what is finished lies in
`--work`, which belongs to one seed and one set of amounts, and is not done again.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from otio_foley.analysis.body import BODY, COLUMNS_OF, body_stretches
from otio_foley.analysis.cadence import CARD, MEMBERS
from otio_foley.analysis.network import ContactNetwork, Member, load_network
from otio_foley.train.fitting import save, write_card
from otio_foley.train.steps.figures import Figure, paced
from otio_foley.train.steps.learn import RATE, SEEDS, fit, joined, measured, say
from otio_foley.train.steps.lessons import (
    FRAME_RATES,
    PACES,
    TAKE_S,
    TAKES,
    Example,
    example,
    keep,
    performed,
    read_kept,
)
from otio_foley.train.steps.manners import mannered
from otio_foley.train.steps.noise import NoiseModel, read_noise
from otio_foley.train.steps.samples import OF_BODIES, samples

#: Of who stands so many times as many views: more people stand and talk than walk.
_STANDING = 3

_BODIES = "bodies.npz"

#: How often somebody's wrists and elbows, knees, hips, and head are out of sight.
_ARMS, _ARM, _KNEES, _HIPS, _HEAD = 0.15, 0.1, 0.4, 0.3, 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """Performances a kind of action, views of each, and steps of training."""

    takes: int = TAKES
    take_s: float = TAKE_S
    views: int = 12
    steps: int = 4000
    jobs: int = 2


FAST = Amounts(takes=2, views=2, steps=40)


def learn(
    material: Path,
    noise: NoiseModel,
    work: Path,
    amounts: Amounts,
    seed: int,
    tell: Callable[[str], None],
) -> ContactNetwork:
    """All of the training; what is finished is kept in `work`."""
    work.mkdir(parents=True, exist_ok=True)

    def figures() -> list[Figure]:
        return performed(
            material,
            work,
            takes=amounts.takes,
            take_s=amounts.take_s,
            jobs=amounts.jobs,
            seed=seed + 1000,
        )

    keep(
        work / _BODIES,
        lambda: filmed(figures(), amounts.views, noise, seed, amounts.jobs, tell),
    )
    with ProcessPoolExecutor(
        amounts.jobs, initializer=torch.set_num_threads, initargs=(1,)
    ) as pool:
        begun = [
            pool.submit(_member, work, member, amounts.steps, seed + SEEDS * member)
            for member in range(MEMBERS)
        ]
        files = [one.result() for one in begun]
    return joined([load_network(path, members=1, columns=BODY) for path in files])


def _member(work: Path, member: int, steps: int, seed: int) -> Path:
    path = work / f"cadence {member}.safetensors"
    if not path.exists():
        bodies = read_kept(work / _BODIES)
        torch.manual_seed(seed)
        network = ContactNetwork(Member(BODY), columns=BODY)
        network.mean, network.scale = measured(bodies)
        tell = partial(say, f"member {member}")
        fit(network, bodies, steps=steps, rate=RATE, seed=seed, tell=tell, spoil=out_of_sight)
        save(network, path)
    return path


def filmed(
    figures: Sequence[Figure],
    views: int,
    noise: NoiseModel,
    seed: int,
    jobs: int,
    tell: Callable[[str], None],
) -> Iterator[Example]:
    """Figures before `views` cameras each, by other manners each time, with the measured noise."""
    with ProcessPoolExecutor(jobs) as pool:
        each = pool.map(partial(_filmed, views, noise, seed), enumerate(figures), chunksize=4)
        for number, found in enumerate(each, start=1):
            yield from found
            if number % 20 == 0:
                tell(f"filmed {number} of {len(figures)}")


def _filmed(
    views: int, noise: NoiseModel, seed: int, numbered: tuple[int, Figure]
) -> list[Example]:
    number, figure = numbered
    rng = np.random.default_rng([seed, number])
    if figure.truth.stands:
        views *= _STANDING
    found = []
    for view in range(views):
        pace = float(np.exp(rng.uniform(*np.log(PACES))))
        shown = [paced(mannered(figure, rng), pace)]
        rate = float(rng.choice(FRAME_RATES))
        for sample in samples(
            shown,
            views=1,
            frame_rates=[rate],
            noise=noise,
            seed=seed + 31 * view,
            shots=OF_BODIES,
        ):
            for stretch in body_stretches(sample.view.pose, sample.view.camera):
                made = example(stretch, sample.truth)
                if made.weights.any():
                    found.append(made)
    return found


def out_of_sight(features: NDArray[np.float32], rng: np.random.Generator) -> None:
    """Hide some of the joints from a window (N, F), in place."""
    for chance, joints in (
        (_HEAD, (0,)),
        (_ARMS, (2, 3, 6, 7)),
        (_ARM, (2, 3)),
        (_ARM, (6, 7)),
        (_HIPS, (4, 5, 8, 9)),
        (_KNEES, (5, 9)),
    ):
        if rng.random() < chance:
            for joint in joints:
                features[:, COLUMNS_OF[joint]] = 0.0


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
            command="python -m otio_foley.train.steps.learn_cadence --material DIR --noise FILE "
            f"--work DIR --out FILE --seed {given.seed}" + (" --fast" if given.fast else ""),
            seed=given.seed,
            noise=noise.source,
            members=MEMBERS,
            amounts=asdict(amounts),
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
