"""Train the network that sees legs without a body.

    python -m otio_foley.train.legs.stills STILLS --scenes 400 --seed 1
    python -m otio_foley.train.legs.learn STILLS --work WORK [--out models/legs.safetensors]

It begins with the weights of mediapipe's "full" BlazePose, which saw photographs of a great many
people, and keeps what these see first as it is: rendered legs teach what is made of it, not what an
edge or a shoe's shine is. Every tenth scene, that is its people, is held back, and says how good
the network is on the stage; of real picture that says nothing (`models/legs.md` does).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from otio_foley.analysis.legs import LEG_JOINTS, LEGS_PX, LegsNetwork, load_legs
from otio_foley.train.fitting import descend, save, write_card
from otio_foley.train.legs.blazepose import begin
from otio_foley.train.legs.lessons import OTHER_LEG, Lesson, lesson
from otio_foley.train.legs.normalising import fold, normalise
from otio_foley.train.legs.stills import Still, read_scene
from otio_foley.train.stage.scenes import scene_paths

CARD = "legs.json"
#: Lessons of every still, and scenes of which the last is held back.
_ROUNDS, _HELD = 6, 10
#: The round that is judged on: none of those learned from.
_JUDGED = 100
_BATCH, _RATE, _DECAY, _KEPT = 32, 2e-3, 0.01, 0.99
STEPS = 5000
#: So many lessons tell the normalisations what there is to normalise.
_SETTLING = 256
#: Errors (leg lengths) below this count by their square.
_SMALL = 0.02
#: What a joint counts for that is hidden, and one beyond the picture.
_HIDDEN, _BEYOND = 0.4, 0.15
#: What the chances count for beside the places.
_SEEN, _THERE = 0.02, 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Lessons:
    """What the eye sees of N lessons, features (N, 88, 16, 16) float16, and their truth: places
    (N, 10, 2) in the network's pixels, seen (N, 10), there (N,)."""

    features: Tensor
    places: Tensor
    seen: Tensor
    there: Tensor


def seen_by(eye: nn.Module, lessons: Sequence[Lesson]) -> Lessons:
    """Lessons as the eye, which does not learn, sees them."""
    parts = []
    with torch.inference_mode():
        for first in range(0, len(lessons), _BATCH):
            batch = np.stack([one.picture for one in lessons[first : first + _BATCH]])
            parts.append(eye(torch.from_numpy(batch).permute(0, 3, 1, 2).float() / 255.0).half())
    return Lessons(
        features=torch.cat(parts).clone(),
        places=torch.from_numpy(np.stack([one.places_px for one in lessons])),
        seen=torch.from_numpy(np.stack([one.seen for one in lessons])),
        there=torch.tensor([one.there for one in lessons]),
    )


def drawn(stills: Sequence[Still], seed: int, number: int) -> list[Lesson]:
    """One lesson of each still; another for another number."""

    def one(index: int) -> Lesson:
        return lesson(stills[index], stills, np.random.default_rng([seed, number, index]))

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(one, range(len(stills))))


def loss(network: LegsNetwork, lessons: Lessons, rows: Tensor) -> Tensor:
    """How wrong a network is of some lessons. Which leg is the left one a picture of legs hardly
    tells: the nearer of both readings counts, for the mean of them would be no leg at all."""
    places, seen, there = network.told(lessons.features[rows].float())
    truth, is_seen, is_there = lessons.places[rows], lessons.seen[rows], lessons.there[rows]
    as_named = _off(places, truth, is_seen)
    swapped = _off(places, truth[:, OTHER_LEG], is_seen[:, OTHER_LEG])
    swaps = swapped < as_named
    is_seen = torch.where(swaps[:, None], is_seen[:, OTHER_LEG], is_seen).float()
    chances = functional.binary_cross_entropy_with_logits(seen, is_seen, reduction="none")
    total: Tensor = (
        (torch.minimum(as_named, swapped) * is_there).sum() / is_there.sum().clamp(min=1.0)
        + _SEEN * (chances * is_there[:, None]).mean()
        + _THERE * functional.binary_cross_entropy_with_logits(there, is_there.float())
    )
    return total


def _off(places: Tensor, truth: Tensor, is_seen: Tensor) -> Tensor:
    """The weighted mean error (N,) of places, in leg lengths."""
    within = ((truth >= 0.0) & (truth < LEGS_PX)).all(dim=2)
    weight = torch.where(is_seen, 1.0, torch.where(within, _HIDDEN, _BEYOND))
    errors = errors_of(places, truth)
    off = functional.smooth_l1_loss(errors, torch.zeros_like(errors), reduction="none", beta=_SMALL)
    mean: Tensor = (off.mean(dim=2) * weight).sum(dim=1) / weight.sum(dim=1)
    return mean


def errors_of(places: Tensor, truth: Tensor) -> Tensor:
    """Errors (N, 10, 2) in leg lengths: those of the longer leg, hip to heel along the joints."""
    chain = truth[:, :8].reshape(-1, 4, 2, 2)
    legs = (chain[:, 1:] - chain[:, :-1]).norm(dim=3).sum(dim=1).amax(dim=1)
    errors: Tensor = (places - truth) / legs.clamp(min=1.0)[:, None, None]
    return errors


def fit(lessons: Lessons, *, steps: int, seed: int, tell: Callable[[str], None]) -> LegsNetwork:
    """A network that has learned from lessons; the same one for the same seed and lessons."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    network = begin(LegsNetwork())
    _normalise(network, lessons.features[:_SETTLING].float())
    learning = [value for value in network.parameters() if value.requires_grad]
    optimiser = torch.optim.AdamW(learning, lr=_RATE, weight_decay=_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _RATE, steps, pct_start=0.1)
    order = np.zeros(0, dtype=np.intp)

    def next_loss(_: int) -> Tensor:
        nonlocal order
        if len(order) < _BATCH:
            order = rng.permutation(len(lessons.there))
        rows, order = torch.from_numpy(order[:_BATCH]), order[_BATCH:]
        return loss(network, lessons, rows)

    learned = descend(network, next_loss, schedule, steps=steps, kept=_KEPT, tell=tell)
    for part in _taught(learned):
        fold(part)
    return learned


def _taught(network: LegsNetwork) -> tuple[nn.Module, ...]:
    return network.near, network.far, network.both, network.mind


def _normalise(network: LegsNetwork, example: Tensor) -> None:
    for part in _taught(network):
        normalise(part, keeps=part in (network.near, network.far))
    network.train()
    with torch.no_grad():
        network.told(example)


def judged(network: LegsNetwork, lessons: Lessons) -> dict[str, float]:
    """How good a network is on lessons: the median error of joints seen in leg lengths, of hips,
    knees, ankles, heels and toes, whichever leg it calls left; how many of the feet that are there
    it finds at a chance of a half, and how many of those that are not."""
    with torch.inference_mode():
        parts = [
            network.told(lessons.features[first : first + _BATCH].float())
            for first in range(0, len(lessons.there), _BATCH)
        ]
    places, _, there = (torch.cat([part[index] for part in parts]) for index in range(3))
    errors = errors_of(places, lessons.places).norm(dim=2)
    swapped = errors_of(places[:, OTHER_LEG], lessons.places).norm(dim=2)
    swaps = (swapped * lessons.seen).sum(dim=1) < (errors * lessons.seen).sum(dim=1)
    errors = torch.where(swaps[:, None], swapped, errors)
    told = {
        name: round(float(errors[:, pair][lessons.seen[:, pair]].median()), 4)
        for name, pair in zip(
            ("hip", "knee", "ankle", "heel", "toe"),
            (slice(first, first + 2) for first in range(0, len(LEG_JOINTS), 2)),
            strict=True,
        )
    }
    found = there > 0.0
    told["found"] = round(float(found[lessons.there].float().mean()), 4)
    told["found_of_nobody"] = round(float(found[~lessons.there].float().mean()), 4)
    return told


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("stills", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    given.work.mkdir(parents=True, exist_ok=True)
    scenes = scene_paths(given.stills)
    held_back = scenes[_HELD - 1 :: _HELD]
    eye = begin(LegsNetwork()).eye.eval()
    path = given.work / "lessons.pt"
    if not path.exists():
        stills = _read(one for one in scenes if one not in held_back)
        rounds = []
        for number in range(_ROUNDS):
            rounds.append(seen_by(eye, drawn(stills, given.seed, number)))
            print(f"lessons: {number + 1} of {_ROUNDS} rounds", flush=True)
        joined = {
            name: torch.cat([getattr(one, name) for one in rounds])
            for name in ("features", "places", "seen", "there")
        }
        torch.save(joined, path)
    lessons = Lessons(**torch.load(path, weights_only=True))
    weights = given.work / "legs.safetensors"
    if not weights.exists():
        network = fit(
            lessons, steps=given.steps, seed=given.seed, tell=lambda text: print(text, flush=True)
        )
        save(network.half(), weights)
    network = load_legs(weights).float()
    figures = judged(network, seen_by(eye, drawn(_read(held_back), given.seed, _JUDGED)))
    print(figures)
    if given.out is not None:
        save(load_legs(weights).half(), given.out)
        write_card(
            given.out,
            CARD,
            seed=given.seed,
            steps=given.steps,
            scenes=len(scenes),
            held_back=figures,
            command="python -m otio_foley.train.legs.learn STILLS --work WORK "
            f"--steps {given.steps} --seed {given.seed} --out models/legs.safetensors",
        )
    return 0


def _read(scenes: Iterable[Path]) -> list[Still]:
    return [still for path in scenes for still in read_scene(path)]


if __name__ == "__main__":
    sys.exit(main())
