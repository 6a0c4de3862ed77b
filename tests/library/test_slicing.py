"""Long takes with known steps in them: found, to a few milliseconds, and each whole."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from otio_foley.library.slicing import Cuts, cut_steps
from otio_foley.synthesis import SAMPLE_RATE_HZ
from otio_foley.synthesis.attack import attack_sample
from otio_foley.synthesis.grounds import ground
from otio_foley.synthesis.physical import render_step
from otio_foley.synthesis.shoes import shoe
from otio_foley.synthesis.takes import Kind
from otio_foley.types import SampleArray

MS = SAMPLE_RATE_HZ // 1000


@cache
def long_take(
    floor: str, kind: Kind = "walk", gap_s: float = 0.8, count: int = 8, noise_db: float = -60.0
) -> tuple[SampleArray, tuple[int, ...]]:
    """Steps 2.5 dB apart in level over noise, and the samples at which their attacks lie."""
    rng = np.random.default_rng(3)
    sound = np.zeros(round((1.5 + count * gap_s) * SAMPLE_RATE_HZ))
    onsets = []
    for number in range(count):
        step = render_step(kind, ground(floor), shoe("leather"), rng)
        jitter_s = 0.025 * rng.standard_normal()
        onset = round((0.4 + number * gap_s + jitter_s) * SAMPLE_RATE_HZ)
        first = onset - step.attack_sample
        gain = 10 ** (2.5 * rng.standard_normal() / 20)
        sound[first : first + len(step.samples)] += gain * step.samples
        onsets.append(onset)
    sound *= 0.5 / np.abs(sound).max()
    sound += 10 ** (noise_db / 20) * rng.standard_normal(len(sound))
    return sound.astype(np.float32), tuple(onsets)


def errors_ms(cuts: Cuts, onsets: tuple[int, ...]) -> list[float]:
    found = np.array([cut.onset_sample for cut in cuts.steps])
    return [float(np.abs(found - onset).min()) / MS for onset in onsets]


FLOORS = [
    "concrete",
    "wood",
    "tile",
    "carpet",
    "gravel",
    "grass",
    "sand",
    "snow",
    "metal",
    "leaves",
]


@pytest.mark.parametrize("floor", FLOORS)
@pytest.mark.parametrize("gap_s", [0.8, 1.6])
def test_walking_is_cut_into_its_steps(floor: str, gap_s: float) -> None:
    sound, onsets = long_take(floor, gap_s=gap_s)
    cuts = cut_steps(sound)
    assert len(cuts.steps) == len(onsets)
    assert max(errors_ms(cuts, onsets)) < 4


@pytest.mark.parametrize("floor", ["concrete", "wood", "metal", "carpet", "sand"])
def test_running_is_cut_into_its_steps(floor: str) -> None:
    sound, onsets = long_take(floor, "run", gap_s=0.34)
    cuts = cut_steps(sound)
    assert len(cuts.steps) == len(onsets)
    assert max(errors_ms(cuts, onsets)) < 4


@pytest.mark.parametrize("noise_db", [-90.0, -45.0])
def test_noise_neither_adds_nor_hides_steps(noise_db: float) -> None:
    sound, onsets = long_take("wood", noise_db=noise_db)
    cuts = cut_steps(sound)
    assert len(cuts.steps) == len(onsets)
    assert max(errors_ms(cuts, onsets)) < 4


def test_level_does_not_matter() -> None:
    sound, onsets = long_take("gravel")
    quiet = cut_steps(sound * np.float32(0.01))
    assert [one.onset_sample for one in quiet.steps] == [
        one.onset_sample for one in cut_steps(sound).steps
    ]
    assert len(quiet.steps) == len(onsets)


def test_a_step_ends_before_the_next_and_holds_its_own_attack() -> None:
    sound, _ = long_take("metal", gap_s=0.5)
    steps = cut_steps(sound).steps
    assert len(steps) > 4
    for step, after in pairwise(steps):
        start = step.onset_sample - 3 * MS
        assert start + len(step.samples) <= after.onset_sample
    for step in steps:
        assert abs(attack_sample(step.samples) - 3 * MS) <= 3 * MS
        peak = np.abs(step.samples).max()
        assert abs(step.samples[0]) < 1e-3 * peak
        assert abs(step.samples[-1]) < 1e-3 * peak


def test_a_step_is_left_to_die_away_and_silence_is_cut_off() -> None:
    sound, onsets = long_take("metal", gap_s=3.0, count=2, noise_db=-80)
    step = cut_steps(sound).steps[0]
    start = step.onset_sample - 3 * MS
    assert len(step.samples) < 2 * SAMPLE_RATE_HZ
    whole = float(np.sum(sound[start : onsets[1] - 10 * MS].astype(np.float64) ** 2))
    assert float(np.sum(step.samples.astype(np.float64) ** 2)) > 0.995 * whole


def test_heel_and_toe_are_one_step() -> None:
    rng = np.random.default_rng(5)
    clicks = np.exp(-np.arange(2400) / 300) * rng.standard_normal(2400)
    sound = np.zeros(4 * SAMPLE_RATE_HZ)
    for at_s in (0.3, 1.1, 1.9, 2.7):
        for later_s, gain in ((0.0, 1.0), (0.17, 0.35)):
            first = round((at_s + later_s) * SAMPLE_RATE_HZ)
            sound[first : first + 2400] += 0.3 * gain * clicks
    sound += 1e-4 * rng.standard_normal(len(sound))
    steps = cut_steps(sound.astype(np.float32)).steps
    assert [round(step.onset_sample / SAMPLE_RATE_HZ, 2) for step in steps] == [0.3, 1.1, 1.9, 2.7]
    assert all(len(step.samples) > 0.18 * SAMPLE_RATE_HZ for step in steps)  # the toe is in it


@pytest.mark.parametrize("floor", FLOORS)
def test_one_step_stays_one(floor: str) -> None:
    step = render_step("walk", ground(floor), shoe("boot"), np.random.default_rng(2))
    cuts = cut_steps(step.samples)
    assert len(cuts.steps) == 1
    assert abs(cuts.steps[0].onset_sample - step.attack_sample) < 4 * MS


def test_what_holds_no_step_is_refused_with_the_reason() -> None:
    seconds = np.arange(3 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    rng = np.random.default_rng(1)
    hum = 0.1 * np.sin(2 * np.pi * 50 * seconds)
    noise = 0.05 * rng.standard_normal(len(seconds))
    for sound, reason in (
        (np.zeros(48_000), "silent"),
        (1e-5 * noise, "silent"),
        (hum, "hum"),
        (noise, "noise"),
        (hum + noise, "hum"),
        (np.ones(100), "shorter"),
        (np.zeros(0), "shorter"),
    ):
        cuts = cut_steps(sound.astype(np.float32))
        assert cuts.steps == ()
        assert reason in cuts.reason


def test_hum_under_steps_does_not_hide_them() -> None:
    sound, onsets = long_take("concrete")
    seconds = np.arange(len(sound)) / SAMPLE_RATE_HZ
    hummed = sound + (0.002 * np.sin(2 * np.pi * 100 * seconds)).astype(np.float32)
    assert len(cut_steps(hummed).steps) == len(onsets)


def test_it_is_the_same_again() -> None:
    sound, _ = long_take("leaves")
    once, twice = cut_steps(sound), cut_steps(sound.copy())
    assert [a.samples.tobytes() for a in once.steps] == [b.samples.tobytes() for b in twice.steps]
