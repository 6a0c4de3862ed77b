"""The generator and its vocoder: any length without seams, the same again, and the shipped weights
are those of their cards."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
import torch

from otio_foley.resources import bundled
from otio_foley.synthesis import generator as module
from otio_foley.synthesis import vocoder as vocoder_module
from otio_foley.synthesis.generator import (
    CARD,
    POSE,
    UPSAMPLED,
    WEIGHTS,
    Generator,
    bundled_generator,
)
from otio_foley.synthesis.spectra import SPEC, griffin_lim, log_mel
from otio_foley.synthesis.vocoder import VocoderNetwork, bundled_vocoder
from otio_foley.train.generator.vocoder import HELD_SHOE, footsteps
from otio_foley.types import Visuals


def seen(count: int, seed: int = 0) -> Visuals:
    rng = np.random.default_rng(seed)
    frames = count * 25 // 60 + 1
    return Visuals(
        times_s=3.0 + np.arange(count) / 60.0,
        pose=rng.normal(size=(count, POSE)).astype(np.float32),
        rgb=rng.integers(0, 255, (frames, 32, 32, 3)).astype(np.uint8),
        flow=rng.integers(-20, 20, (frames, 16, 16, 2)).astype(np.int8),
        frame_at=np.linspace(0, frames - 1, count),
    )


def clicks(count: int) -> np.ndarray:
    samples = np.zeros(count, np.float32)
    samples[4000::24000] = 0.5
    return np.convolve(samples, np.exp(-np.arange(2000) / 300.0)).astype(np.float32)[:count]


def test_a_mel_has_a_frame_for_every_hop_centred_on_it() -> None:
    samples = np.zeros(24000, np.float32)
    samples[40 * SPEC.hop] = 1.0
    mel = log_mel(samples)
    assert mel.shape == (1 + 24000 // SPEC.hop, SPEC.mels)
    assert mel.mean(axis=1).argmax() == 40
    assert mel.min() == pytest.approx(mel[0, 0]) and mel[0, 0] == pytest.approx(-1.0, abs=0.01)


def test_griffin_lim_gives_the_sound_of_a_mel_back() -> None:
    samples = clicks(48000)
    mel = log_mel(samples)
    again = griffin_lim(mel)
    assert len(again) == (len(mel) - 1) * SPEC.hop
    away = float(np.square(log_mel(again)[: len(mel)] - mel).mean())
    assert away < 0.15 * float(np.square(mel + 1.0).mean())
    assert griffin_lim(mel[:1]).shape == (0,)


def test_the_vocoder_makes_long_sound_as_it_makes_it_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torch.manual_seed(0)
    network = VocoderNetwork()
    mel = log_mel(clicks(3 * 48000))
    whole = network.sound(mel)
    monkeypatch.setattr(vocoder_module, "_AT_ONCE", 150)
    assert network.sound(mel) == pytest.approx(whole, abs=1e-5)
    assert len(whole) == (len(mel) - 1) * SPEC.hop
    assert network.sound(mel[:1]).shape == (0,)


def test_the_generator_reads_a_long_shot_in_parts_as_it_reads_it_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torch.manual_seed(0)
    network = Generator()
    visuals = seen(1200)
    whole = network.mel(visuals, seed=1)
    assert whole.shape == (1200 * UPSAMPLED, SPEC.mels)
    monkeypatch.setattr(module, "_AT_ONCE", 400)
    parts = network.mel(visuals, seed=1)
    assert np.abs(parts - whole).max() < 0.02 * np.abs(whole).max()
    # No step where two parts meet that the whole does not have.
    seam = 400 * UPSAMPLED
    jump = np.abs(np.diff(parts[seam - 8 : seam + 8], axis=0)).max()
    assert jump < np.abs(np.diff(whole, axis=0)).max() * 1.1


def test_it_says_the_same_again_and_its_noise_is_the_seed_s() -> None:
    torch.manual_seed(0)
    network = Generator()
    visuals = seen(120)
    assert (network.mel(visuals, seed=5) == network.mel(visuals, seed=5)).all()
    assert (network.mel(visuals, seed=5) != network.mel(visuals, seed=6)).any()


def test_what_is_left_out_does_not_count() -> None:
    torch.manual_seed(0)
    network = Generator()
    visuals, others = seen(120), seen(120, seed=9)
    mixed = Visuals(
        times_s=visuals.times_s,
        pose=visuals.pose,
        rgb=others.rgb,
        flow=others.flow,
        frame_at=visuals.frame_at,
    )
    alone = network.mel(visuals, seed=1, kinds=("pose",))
    assert alone == pytest.approx(network.mel(mixed, seed=1, kinds=("pose",)), abs=1e-6)
    assert (network.mel(visuals, seed=1) != network.mel(mixed, seed=1)).any()


@pytest.mark.parametrize(
    ("card", "weights"), [(CARD, WEIGHTS), ("vocoder.json", vocoder_module.WEIGHTS)]
)
def test_the_weights_are_those_of_the_card(card: str, weights: str) -> None:
    told = json.loads((bundled("models") / card).read_text(encoding="utf-8"))
    path = bundled("models") / weights
    assert hashlib.sha256(path.read_bytes()).hexdigest() == told["sha256"]
    assert path.stat().st_size < 20_000_000


def test_the_shipped_networks_load_and_the_vocoder_keeps_what_it_is_given() -> None:
    mel = bundled_generator().mel(seen(240), seed=0)
    sound = bundled_vocoder().sound(mel)
    assert np.isfinite(sound).all() and len(sound) == (len(mel) - 1) * SPEC.hop
    # Steps in a shoe that it has not learned from.
    given = log_mel(footsteps(3, 99, [HELD_SHOE]))
    kept = log_mel(bundled_vocoder().sound(given))
    away = float(np.square(kept - given[: len(kept)]).mean())
    assert away < 0.04 * float(np.square(given + 1.0).mean())
