"""Pan: constant power, slow, never hard to a side."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from otio_foley.mix.meters import short_term_max_lufs
from otio_foley.mix.pan import WIDTH, PanPoint, pan_curve, pan_gains, panned
from otio_foley.types import Audio

RATE = 48_000


def noise(duration_s: float) -> Audio:
    samples = 0.1 * np.random.default_rng(0).standard_normal((round(duration_s * RATE), 1))
    return Audio(samples=samples.astype(np.float32), sample_rate_hz=RATE)


def test_the_law_is_constant_power_with_3_db_down_in_the_middle() -> None:
    gains = pan_gains(np.linspace(-1, 1, 41))
    assert (gains**2).sum(axis=1) == pytest.approx(1.0)
    assert 20 * np.log10(gains[20]) == pytest.approx([-3.01, -3.01], abs=0.001)
    assert gains[0] == pytest.approx([1, 0], abs=1e-12)
    assert gains[-1] == pytest.approx([0, 1], abs=1e-12)
    assert np.all(np.diff(gains[:, 1]) > 0)


def test_walking_through_the_picture_is_followed_between_the_sides() -> None:
    times = np.arange(0, 8, 1 / 25)
    position = np.clip(times / 8 + 0.02 * np.sin(2 * np.pi * 0.9 * times), 0, 1)
    points = pan_curve(times, position)
    heard = np.interp(times, [p.time_s for p in points], [p.pan for p in points])
    inner = slice(25, -25)
    assert heard[inner] == pytest.approx(WIDTH * (2 * times[inner] / 8 - 1), abs=0.04)
    assert len(points) < 10
    assert np.abs(heard).max() <= WIDTH


def test_a_jump_takes_time_and_gaps_are_bridged() -> None:
    times = np.arange(0, 6, 0.04)
    position = np.where(times < 3, 0.0, 1.0)
    position[:10] = np.nan
    position[70:80] = np.nan
    points = pan_curve(times, position)
    heard = np.interp(times, [p.time_s for p in points], [p.pan for p in points])
    assert heard[0] == pytest.approx(-WIDTH, abs=0.03)
    assert heard[-1] == pytest.approx(WIDTH, abs=0.03)
    assert np.abs(np.diff(heard)).max() / 0.04 < 1.2  # of the stage's half-width a second
    assert pan_curve(times, np.full(len(times), np.nan)) == ()
    assert pan_curve([], []) == ()
    assert pan_curve([1.0], [0.5]) == (PanPoint(time_s=1.0, pan=0.0),)
    outside = pan_curve(times, np.full(len(times), 7.0))
    assert [point.pan for point in outside] == pytest.approx([WIDTH])


def test_panned_sound_follows_the_curve_and_keeps_its_loudness() -> None:
    audio = noise(4.0)
    points = [PanPoint(time_s=10.0, pan=-0.6), PanPoint(time_s=14.0, pan=0.6)]
    stereo = panned(audio, points, start_s=10.0)
    assert stereo.samples.shape == (4 * RATE, 2)
    assert (stereo.samples.astype(float) ** 2).sum(axis=1) == pytest.approx(
        audio.samples[:, 0].astype(float) ** 2, rel=1e-5, abs=1e-12
    )
    assert stereo.samples[1, 0] / audio.samples[1, 0] == pytest.approx(pan_gains(-0.6)[0], rel=1e-3)
    middle = 2 * RATE
    assert stereo.samples[middle, 0] == pytest.approx(stereo.samples[middle, 1], rel=1e-6)
    assert short_term_max_lufs(stereo) == pytest.approx(short_term_max_lufs(audio), abs=0.01)
    centred = panned(audio, [], start_s=0.0)
    assert centred.samples[:, 0].tobytes() == centred.samples[:, 1].tobytes()


def test_mono_only_and_silence_costs_nothing() -> None:
    with pytest.raises(ValueError, match="mono"):
        panned(panned(noise(0.1), [], start_s=0.0), [], start_s=0.0)
    long = Audio(samples=np.zeros((600 * RATE, 1), np.float32), sample_rate_hz=RATE)
    long.samples[RATE : 2 * RATE] = noise(1.0).samples
    tracemalloc.start()
    stereo = panned(long, [], start_s=0.0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1.1 * stereo.samples.nbytes
    assert not stereo.samples[2 * RATE :].any() and stereo.samples[RATE : 2 * RATE].any()
