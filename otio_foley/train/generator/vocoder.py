"""Train the vocoder on the library's footsteps.

    python -m otio_foley.train.generator.vocoder [--out models/vocoder.safetensors]

It learns from steps of every floor and action in four of the shoes; takes of the fifth (HELD_SHOE)
are what it is judged on. Spectral losses of four sizes first, then with critics of two sizes on
complex spectra (after Jang et al. 2021, as Vocos has them), fewer and narrower than there.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from otio_foley.library.own import OwnLibrary, default_library
from otio_foley.synthesis import SAMPLE_RATE_HZ
from otio_foley.synthesis.grounds import GROUNDS
from otio_foley.synthesis.shoes import SHOES
from otio_foley.synthesis.spectra import LEAST, NEPER_PER_DB, SPEC, SPREAD, log_mel, mel_filters
from otio_foley.synthesis.takes import KINDS
from otio_foley.synthesis.vocoder import VocoderNetwork
from otio_foley.train.fitting import denormals_flushed, running_average, save, write_card
from otio_foley.types import SampleArray

HELD_SHOE = "boot"
CARD = "vocoder.json"

_LENGTH_S = 3.0
_WINDOW, _BATCH = 72, 8
_RATE, _CRITIC_RATE = 1e-3, 5e-4
_SIZES = (256, 512, 1024, 2048)
_CRITIC_SIZES = (512, 2048)
_ADVERSARY_FROM = 0.75
_MEL, _ADVERSARY, _MATCHED = 10.0, 1.0, 1.0
_KEPT = 0.995
STEPS = 1600


@cache
def _library() -> OwnLibrary:
    return default_library()


def footsteps(number: int, seed: int, shoes: Sequence[str]) -> SampleArray:
    """Three seconds of random steps (N,): takes of one shoe on one floor, louder and softer, now
    and then on top of each other."""
    rng = np.random.default_rng([seed, number])
    floors = tuple(GROUNDS)
    floor, shoe = floors[number % len(floors)], str(rng.choice(list(shoes)))
    samples = np.zeros(round(_LENGTH_S * SAMPLE_RATE_HZ), dtype=np.float32)
    at_s = float(rng.uniform(0.0, 0.4))
    while at_s < _LENGTH_S:
        takes = _library()(floor, shoe, KINDS[int(rng.integers(len(KINDS)))])
        if len(takes):
            take = takes[int(rng.integers(len(takes)))]
            first = round(at_s * SAMPLE_RATE_HZ)
            heard = take.samples[: len(samples) - first]
            samples[first : first + len(heard)] += heard * 10 ** (rng.uniform(-24.0, 9.0) / 20)
        at_s += float(rng.uniform(0.15, 0.7))
    return samples


class Critic(nn.Module):
    """Tells real sound from made by its complex spectrum of one size: (B, N) -> logits and what it
    saw on the way."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        layers, channels = [], 2
        for wide in (12, 16, 16, 16):
            layers.append(
                nn.utils.parametrizations.weight_norm(
                    nn.Conv2d(channels, wide, (7, 3), stride=(3, 1), padding=(3, 1))
                )
            )
            channels = wide
        self.layers = nn.ModuleList(layers)
        self.last = nn.Conv2d(channels, 1, 3, padding=1)

    def forward(self, samples: Tensor) -> tuple[Tensor, list[Tensor]]:
        spectrum = _stft(samples, self.size)
        hidden = torch.stack([spectrum.real, spectrum.imag], dim=1)
        seen = []
        for layer in self.layers:
            hidden = functional.leaky_relu(layer(hidden), 0.1)
            seen.append(hidden)
        return self.last(hidden), seen


def _stft(samples: Tensor, size: int) -> Tensor:
    window = torch.hann_window(size)
    return torch.stft(samples, size, size // 4, window=window, return_complex=True)


def spectral_loss(made: Tensor, real: Tensor) -> Tensor:
    """L1 of logarithms, and of magnitudes over the real one's, at four sizes."""
    loss = torch.zeros(())
    for size in _SIZES:
        a, b = _stft(made, size).abs(), _stft(real, size).abs()
        loss = loss + (torch.log(a + 1e-4) - torch.log(b + 1e-4)).abs().mean()
        loss = loss + (a - b).square().mean().sqrt() / b.square().mean().sqrt().clamp(min=1e-2)
    return loss / len(_SIZES)


def mel_loss(made: Tensor, real: Tensor) -> Tensor:
    """L1 of log-mels as the generator has them."""
    filters = torch.from_numpy(mel_filters(SPEC))
    window = torch.hann_window(SPEC.window)

    def mel(samples: Tensor) -> Tensor:
        spectrum = torch.stft(samples, SPEC.window, SPEC.hop, window=window, return_complex=True)
        return torch.log((filters @ spectrum.abs()).clamp(min=LEAST)) / SPREAD

    return (mel(made) - mel(real)).abs().mean()


@denormals_flushed()
def fit(
    sounds: Sequence[SampleArray], *, steps: int, seed: int, tell: Callable[[str], None]
) -> VocoderNetwork:
    """A vocoder that has learned from sounds; the same one for the same seed and sounds."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    network = VocoderNetwork()
    critics = nn.ModuleList(Critic(size) for size in _CRITIC_SIZES)
    averaged = running_average(network, _KEPT)
    optimiser = torch.optim.AdamW(network.parameters(), lr=_RATE, betas=(0.8, 0.99))
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, _RATE, total_steps=steps, pct_start=0.1
    )
    against = torch.optim.AdamW(critics.parameters(), lr=_CRITIC_RATE, betas=(0.8, 0.99))
    mels = [log_mel(sound) for sound in sounds]
    losses: list[float] = []
    network.train()
    for step in range(1, steps + 1):
        mel, real = _batch(sounds, mels, rng)
        made = network(mel)
        loss = spectral_loss(made, real) + _MEL * mel_loss(made, real)
        losses.append(float(loss.detach()))
        if step > _ADVERSARY_FROM * steps:
            against.zero_grad()
            cost = torch.zeros(())
            for critic in critics:
                cost = cost + functional.relu(1.0 - critic(real)[0]).mean()
                cost = cost + functional.relu(1.0 + critic(made.detach())[0]).mean()
            cost.backward()  # type: ignore[no-untyped-call]
            against.step()
            for critic in critics:
                said, seen = critic(made)
                with torch.no_grad():
                    true = critic(real)[1]
                matched = sum(
                    ((a - b).abs().mean() / b.abs().mean().clamp(min=1e-3))
                    for a, b in zip(seen, true, strict=True)
                )
                loss = loss + (_MATCHED * matched - _ADVERSARY * said.mean()) / len(critics)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        schedule.step()
        averaged.update_parameters(network)
        if step % 100 == 0 or step == steps:
            tell(f"step {step} of {steps}: spectral loss {np.mean(losses[-100:]):.4f}")
    learned = averaged.module
    assert isinstance(learned, VocoderNetwork)
    return learned.eval()


def _batch(
    sounds: Sequence[SampleArray], mels: Sequence[NDArray[np.float32]], rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    mel, real = [], []
    for number in rng.integers(len(sounds), size=_BATCH):
        first = int(rng.integers(len(mels[number]) - _WINDOW))
        gain = float(rng.uniform(-12.0, 6.0))
        louder = mels[number][first : first + _WINDOW] + gain * NEPER_PER_DB / SPREAD
        mel.append(np.maximum(louder, -1.0))
        start = first * SPEC.hop
        own = sounds[number][start : start + (_WINDOW - 1) * SPEC.hop]
        real.append(own * 10 ** (gain / 20))
    return torch.from_numpy(np.stack(mel)).float(), torch.from_numpy(np.stack(real)).float()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("models/vocoder.safetensors"))
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--sounds", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    shoes = [shoe for shoe in SHOES if shoe != HELD_SHOE]
    sounds = [footsteps(number, given.seed, shoes) for number in range(given.sounds)]
    network = fit(
        sounds,
        steps=given.steps,
        seed=given.seed,
        tell=lambda text: print(text, flush=True),
    )
    save(network, given.out)
    write_card(
        given.out,
        CARD,
        seed=given.seed,
        steps=given.steps,
        sounds=given.sounds,
        held_shoe=HELD_SHOE,
        command=f"python -m otio_foley.train.generator.vocoder --steps {given.steps} "
        f"--sounds {given.sounds} --seed {given.seed} --out models/vocoder.safetensors",
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
