"""What the layers promise, on many random shots: level, automation, ceiling."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d
from scipy.signal import resample_poly

from otio_foley.mix.displacement import (
    CEILING_DB,
    FLOOR_DB,
    REFERENCE_AREA,
    displacement_curve,
    displacement_levels,
)
from otio_foley.mix.limit import limit_true_peak
from otio_foley.mix.loudness import LevelPoint, level_at, simplified
from otio_foley.mix.meters import short_term_max_lufs, true_peak_dbtp
from otio_foley.mix.stem import mix_down
from otio_foley.types import Audio

RATE = 48_000


def wandering(rng: np.random.Generator, count: int, slowness: float) -> np.ndarray:  # type: ignore[type-arg]
    """A smooth random curve (count,) of standard deviation 1."""
    curve = gaussian_filter1d(rng.standard_normal(count + 200), slowness)[100:-100]
    return np.asarray(curve / max(float(curve.std()), 1e-9))


def test_twice_the_silhouette_is_3_db_more() -> None:
    """Area goes with 1/distance^2 and power too: 10 log10(2) = 3.01 dB."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        times = np.arange(0, 6, 1 / 25)
        area = REFERENCE_AREA * 10 ** (0.2 * np.clip(wandering(rng, len(times), 25.0), -2, 2) - 0.1)
        once, twice = (displacement_levels(times, scale * area) for scale in (1, 2))
        inside = (once > FLOOR_DB) & (twice < CEILING_DB)
        assert inside.any()
        assert (twice - once)[inside] == pytest.approx(10 * math.log10(2), abs=0.01)


def test_twice_the_silhouette_is_heard_as_3_db_more() -> None:
    times = np.arange(0, 4, 1 / 25)
    rng = np.random.default_rng(1)
    noise = (0.01 * rng.standard_normal((4 * RATE, 1))).astype(np.float32)
    loudness = []
    for area in (REFERENCE_AREA, 2 * REFERENCE_AREA):
        curve = displacement_curve(times, np.full(len(times), area))
        voice = Audio(samples=noise.copy(), sample_rate_hz=RATE)
        mix = mix_down([(voice, curve)], start_s=0.0)
        loudness.append(short_term_max_lufs(mix))
    assert loudness[1] - loudness[0] == pytest.approx(3.01, abs=0.02)


def test_automation_from_its_breakpoints_is_the_curve_within_half_a_db() -> None:
    """200 random shots; a host draws straight lines in dB between the points it is given."""
    points_a_second = []
    for seed in range(200):
        rng = np.random.default_rng([200, seed])
        duration_s = rng.uniform(1, 20)
        times = np.arange(0, duration_s, 1 / float(rng.choice([18, 24, 25, 30, 60])))
        levels = np.clip(rng.uniform(1, 6) * wandering(rng, len(times), rng.uniform(3, 40)), -18, 9)
        points = simplified(times, levels)
        dense = np.linspace(times[0], times[-1], 20 * len(times))
        drawn = level_at(points, dense)
        assert np.abs(drawn - np.interp(dense, times, levels)).max() <= 0.5
        assert all(a.time_s < b.time_s for a, b in pairwise(points))
        points_a_second.append(len(points) / duration_s)
    assert np.median(points_a_second) < 6


def test_a_shot_s_automation_is_its_displacement_within_half_a_db() -> None:
    for seed in range(60):
        rng = np.random.default_rng([60, seed])
        times = np.arange(0, rng.uniform(2, 12), 1 / 25)
        way = 10 ** (0.25 * wandering(rng, len(times), 20.0))
        area = REFERENCE_AREA * way * (1 + 0.08 * rng.standard_normal(len(times)))
        area[rng.random(len(times)) < 0.1] = np.nan
        levels = displacement_levels(times, area)
        assert np.abs(level_at(displacement_curve(times, area), times) - levels).max() <= 0.5


def random_mix(rng: np.random.Generator) -> Audio:
    """Half a second of steps, clicks, tones and noise; some far over full scale, some silent."""
    count = int(rng.integers(500, RATE // 2))
    samples = np.zeros((count, int(rng.choice([1, 2]))))
    for _ in range(int(rng.integers(1, 6))):
        at, length = int(rng.integers(0, count)), int(rng.integers(1, 6000))
        length = min(length, count - at)
        time_s = np.arange(length) / RATE
        wave = rng.standard_normal(length)
        if rng.random() < 0.4:
            wave = np.sin(2 * np.pi * rng.uniform(50, 20_000) * time_s + rng.uniform(0, 7))
        shape = np.exp(-time_s / rng.uniform(0.0005, 0.1)) * 10 ** rng.uniform(-2, 0.6)
        samples[at : at + length] += (wave * shape)[:, None] * rng.uniform(0, 1, samples.shape[1])
    return Audio(samples=samples.astype(np.float32), sample_rate_hz=RATE)


def test_the_ceiling_holds_on_random_mixes() -> None:
    limited = 0
    for seed in range(200):
        rng = np.random.default_rng([7, seed])
        audio, ceiling = random_mix(rng), float(rng.uniform(-12, -1))
        before = audio.samples.copy()
        over_db = true_peak_dbtp(audio) - ceiling
        reduction_db = limit_true_peak(audio, ceiling)
        assert true_peak_dbtp(audio) <= ceiling
        if over_db <= 0:
            assert reduction_db == 0.0 and audio.samples.tobytes() == before.tobytes()
            continue
        limited += 1
        assert reduction_db == pytest.approx(over_db, abs=0.03)
        assert true_peak_dbtp(audio) > ceiling - 0.5
        assert np.all(np.abs(audio.samples) <= np.abs(before))
        # Another interpolator, twice as fine, agrees but for what four-fold may miss (0.7 dB at
        # the top of the band, BS.1770-4 annex 2).
        fine = np.abs(resample_poly(audio.samples.astype(float), 8, 1, axis=0)).max()
        assert 20 * math.log10(fine) <= ceiling + 0.7
    assert 50 < limited < 200


def test_the_ceiling_holds_on_mixes_of_levelled_voices() -> None:
    for seed in range(40):
        rng = np.random.default_rng([9, seed])
        voices = []
        for _ in range(int(rng.integers(1, 4))):
            samples = np.zeros((RATE // 4, 1), np.float32)
            steps = random_mix(rng).samples[: len(samples), :1]
            samples[: len(steps)] = steps
            points = [
                LevelPoint(time_s=float(time_s), level_db=float(rng.uniform(-18, 9)))
                for time_s in np.sort(rng.uniform(-1, 1, int(rng.integers(0, 4))))
            ]
            voices.append((Audio(samples=samples, sample_rate_hz=RATE), tuple(points)))
        mix = mix_down(voices, start_s=0.0)
        limit_true_peak(mix, -6.0)
        assert true_peak_dbtp(mix) <= -6.0
