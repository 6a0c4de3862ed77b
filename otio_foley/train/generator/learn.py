"""Train the generator against a discriminator.

    otio-foley train stage CLIPS --recipe method --clips 36 --seed 11
    python -m otio_foley.train.generator.learn CLIPS --material ../shared --work WORK
        [--out models/generator.safetensors] [--steps 2500] [--kinds rgb,flow,pose]

Lessons come from `lessons`; who is held back is never learned from, and `evaluate
generator` judges on them. Everything is drawn from `--seed`; what is finished lies in WORK.
"""

from __future__ import annotations

import argparse
import pickle
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from otio_foley.analysis.features import ACROSS
from otio_foley.synthesis.generator import (
    CARD,
    HEARD,
    KINDS,
    NOISE,
    POSE,
    UPSAMPLED,
    Generator,
    flow_tensor,
    rgb_tensor,
)
from otio_foley.synthesis.spectra import SPEC
from otio_foley.train.fitting import denormals_flushed, running_average, save, write_card
from otio_foley.train.generator.lessons import (
    Lesson,
    dataset_lessons,
    split,
    unpictured_lessons,
)
from otio_foley.train.steps.evaluate import shipped_noise
from otio_foley.train.steps.lessons import TAKE_S, TAKES, performed
from otio_foley.train.steps.noise import read_noise
from otio_foley.train.steps.samples import plated_figures
from otio_foley.types import SampleArray

#: Seconds of a lesson that are learned from at a time, in visuals, and how many of them.
_WINDOW, _BATCH = 240, 12
_RATE, _CRITIC_RATE = 1.5e-3, 4e-4
#: How much the adversary counts beside L2, from which share of the steps on: first it has to be
#: about right for there to be anything to tell.
_ADVERSARY, _ADVERSARY_FROM = 0.02, 0.3
#: How often the audio encoder is silent, as it is when nothing is heard, and a kind of visual
#: is missing where there are others.
_SILENT, _MISSING = 0.5, 0.25
#: Share of the batches that have pictures.
_PICTURED = 0.5
_KEPT = 0.995
#: The performances that the contact network learns from, too.
_PERFORMED_SEED = 1000
STEPS = 2500


class Critic(nn.Module):
    """Tells real from made, given what was seen: mel (B, T, mels), seen (B, N, width) -> logits
    (B, T / 8)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.given = nn.Conv1d(width, 32, 1)
        layers: list[nn.Module] = []
        channels = SPEC.mels + 32
        for wide in (128, 128, 128):
            layers += [
                nn.utils.parametrizations.spectral_norm(
                    nn.Conv1d(channels, wide, 7, stride=2, padding=3)
                ),
                nn.LeakyReLU(0.2),
            ]
            channels = wide
        self.layers = nn.Sequential(*layers, nn.Conv1d(channels, 1, 3, padding=1))

    def forward(self, mel: Tensor, seen: Tensor) -> Tensor:
        given = self.given(seen.transpose(1, 2)).repeat_interleave(UPSAMPLED, dim=2)
        return self.layers(torch.cat([mel.transpose(1, 2), given], 1))[:, 0]  # type: ignore[no-any-return]


class Batch:
    """Windows of lessons as tensors."""

    def __init__(
        self, lessons: Sequence[Lesson], rng: np.random.Generator, kinds: Sequence[str]
    ) -> None:
        own = [_window(lesson, rng) for lesson in lessons]
        pictured = lessons[0].pictured
        frames = max(len(one["rgb"]) for one in own)
        mirrored = rng.random(len(own)) < 0.5
        self.pose = torch.from_numpy(
            np.stack([_turned(one["pose"], turn) for one, turn in zip(own, mirrored, strict=True)])
        )
        pictures = [
            (one["rgb"][:, :, ::-1], one["flow"][:, :, ::-1] * np.array([-1, 1], np.int8))
            if turn
            else (one["rgb"], one["flow"])
            for one, turn in zip(own, mirrored, strict=True)
        ]
        self.rgb = rgb_tensor(_padded([rgb for rgb, _ in pictures], frames))
        if pictured:  # another light
            gain = torch.from_numpy(np.exp(rng.normal(0.0, 0.15, (len(own), 1, 3, 1, 1)))).float()
            shift = torch.from_numpy(rng.normal(0.0, 0.2, (len(own), 1, 1, 1, 1))).float()
            self.rgb = self.rgb * gain + shift
        self.flow = flow_tensor(_padded([flow for _, flow in pictures], frames))
        self.frame_at = torch.from_numpy(np.stack([one["frame_at"] for one in own])).float()
        self.known = torch.from_numpy(np.stack([one["known"] for one in own])).float()
        self.known = self.known.repeat_interleave(UPSAMPLED, dim=1)[..., None]
        self.mel = torch.from_numpy(np.stack([one["mel"] for one in own])).float()
        there = np.array([[pictured and "rgb" in kinds, pictured and "flow" in kinds,
                           "pose" in kinds]] * len(own), dtype=np.float32)  # fmt: skip
        for row in there:
            if row.sum() > 1:
                row[rng.random(3) < _MISSING] = 0.0
        self.shown = torch.from_numpy(there)


def _window(lesson: Lesson, rng: np.random.Generator) -> dict[str, Any]:
    """A window of `_WINDOW` visuals; of a shorter lesson what there is, drawn out at its end."""
    count = len(lesson.known)
    first = int(rng.integers(max(1, count - _WINDOW + 1)))
    at = np.minimum(np.arange(first, first + _WINDOW), count - 1)
    frame_at = lesson.seen.frame_at[at]
    low, high = int(frame_at.min()), int(np.ceil(frame_at.max())) + 1
    known = lesson.known[at].copy()
    known[np.arange(first, first + _WINDOW) >= count] = False
    mels = lesson.mels[int(rng.integers(len(lesson.mels)))]
    frames = np.minimum(np.arange(first * UPSAMPLED, (first + _WINDOW) * UPSAMPLED), len(mels) - 1)
    return {
        "pose": lesson.seen.pose[at],
        "rgb": lesson.seen.rgb[low:high],
        "flow": lesson.seen.flow[low:high],
        "frame_at": frame_at - low,
        "known": known,
        "mel": mels[frames],
    }


def _padded(pictures: list[NDArray[Any]], frames: int) -> NDArray[Any]:
    """Stacked, the last picture of each drawn out."""
    return np.stack([one[np.minimum(np.arange(frames), len(one) - 1)] for one in pictures])


def _turned(pose: SampleArray, turn: bool) -> SampleArray:
    """A mirrored pose: left goes right."""
    if not turn:
        return pose
    mirrored = pose.copy()
    mirrored[:, ACROSS] *= -1.0
    return mirrored


@denormals_flushed()
def fit(
    lessons: Sequence[Lesson],
    *,
    steps: int,
    seed: int,
    tell: Callable[[str], None],
    kinds: Sequence[str] = KINDS,
    batch: int = _BATCH,
) -> Generator:
    """A generator that has learned from lessons; the same one for the same seed and lessons."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    network = Generator()
    rows = np.concatenate([one.seen.pose[::7] for one in lessons])
    network.eyes.mean.copy_(torch.from_numpy(rows.mean(axis=0)))
    network.eyes.scale.copy_(torch.from_numpy(rows.std(axis=0) + 0.02))
    assert rows.shape[1] == POSE
    critic = Critic(2 * network.eyes.lstm.hidden_size)
    averaged = running_average(network, _KEPT)
    optimiser = torch.optim.AdamW(network.parameters(), lr=_RATE, betas=(0.8, 0.99))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _RATE, total_steps=steps)
    critics = torch.optim.AdamW(critic.parameters(), lr=_CRITIC_RATE, betas=(0.5, 0.9))
    pictured = [one for one in lessons if one.pictured]
    unpictured = [one for one in lessons if not one.pictured] if "pose" in kinds else []
    losses: list[float] = []
    network.train()
    for step in range(1, steps + 1):
        some = pictured if not unpictured or rng.random() < _PICTURED else unpictured
        some = some or unpictured
        chosen = rng.integers(len(some), size=batch)
        given = Batch([some[number] for number in chosen], rng, kinds)
        seen = network.eyes(given.pose, given.rgb, given.flow, given.frame_at, given.shown)
        heard = network.ears(given.mel)
        listening = torch.from_numpy(rng.random((batch, 1, 1)) >= _SILENT).float()
        noise = torch.from_numpy(rng.standard_normal((batch, _WINDOW, NOISE)).astype(np.float32))
        assert heard.shape[2] == HEARD
        made = network.voice(seen, heard * listening, noise)
        square = ((made - given.mel).square() * given.known).sum()
        loss = square / (given.known.sum() * SPEC.mels).clamp(min=1.0)
        losses.append(float(loss.detach()))
        if step > _ADVERSARY_FROM * steps:
            known = given.known[:, ::8, 0]
            critics.zero_grad()
            real = critic(given.mel, seen.detach())
            fake = critic(made.detach(), seen.detach())
            cost = ((real - 1.0).square() + fake.square()) * known
            (cost.sum() / known.sum().clamp(min=1.0)).backward()
            critics.step()
            fooled = (critic(made, seen.detach()) - 1.0).square() * known
            loss = loss + _ADVERSARY * fooled.sum() / known.sum().clamp(min=1.0)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        averaged.update_parameters(network)
        if step % 100 == 0 or step == steps:
            tell(f"step {step} of {steps}: L2 {np.mean(losses[-100:]):.4f}")
    learned = averaged.module
    assert isinstance(learned, Generator)
    return learned.eval()


def all_lessons(dataset: Path, material: Path, work: Path, *, jobs: int) -> list[Lesson]:
    """Every lesson there is; what is made lies in `work`."""
    work.mkdir(parents=True, exist_ok=True)
    kept = work / "unpictured.pickle"
    if not kept.exists():
        noise = read_noise(shipped_noise())
        made = [
            *unpictured_lessons(
                performed(
                    material, work, takes=TAKES, take_s=TAKE_S, jobs=jobs, seed=_PERFORMED_SEED
                ),
                noise,
                views=2,
                seed=100,
            ),
            *unpictured_lessons(plated_figures(material), noise, views=4, seed=5000),
        ]
        kept.write_bytes(pickle.dumps(made))
    return [*dataset_lessons(dataset, work / "pictured", jobs), *pickle.loads(kept.read_bytes())]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--material", type=Path, default=Path("../shared"))
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--kinds", default=",".join(KINDS))
    given = parser.parse_args(arguments)
    lessons = all_lessons(given.dataset, given.material, given.work, jobs=given.jobs)
    learned_from, judged = split(lessons)
    print(f"{len(learned_from)} lessons, {len(judged)} held back", flush=True)
    kinds = given.kinds.split(",")
    network = fit(
        learned_from,
        steps=given.steps,
        seed=given.seed,
        kinds=kinds,
        tell=lambda text: print(text, flush=True),
    )
    name = "generator" if set(kinds) == set(KINDS) else "-".join(kinds)
    save(network, given.work / f"{name}.safetensors")
    if given.out is None:
        return 0
    save(network, given.out)
    pictured = sum(one.pictured for one in learned_from)
    write_card(
        given.out,
        CARD,
        seed=given.seed,
        steps=given.steps,
        lessons={
            "pictured": pictured,
            "unpictured": len(learned_from) - pictured,
            "held_back": len(judged),
        },
        command="python -m otio_foley.train.generator.learn CLIPS --work WORK "
        f"--steps {given.steps} --seed {given.seed} --out models/generator.safetensors",
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
