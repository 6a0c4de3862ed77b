"""A track measured clip by clip reads as the track put together."""

from __future__ import annotations

import math

import numpy as np
import pytest

from otio_foley.mix.loudness import LevelPoint, level_at
from otio_foley.mix.meters import short_term_max_lufs
from otio_foley.mix.track import (
    Energies,
    clip_energies,
    gain_to_target,
    track_short_term_max_lufs,
)
from otio_foley.types import Audio

RATE = 48_000


def walk(rng: np.random.Generator, duration_s: float, rate: int, channels: int) -> Audio:
    """Steps of noise at uneven times and levels, or none; now and then over a steady hum."""
    count = round(duration_s * rate)
    samples = np.zeros((count, channels))
    at_s = rng.uniform(0, 2)
    while at_s < duration_s:
        burst = min(round(0.2 * rate), count - int(at_s * rate))
        shape = np.exp(-np.arange(burst) / (0.03 * rate))[:, None] * 10 ** rng.uniform(-2.5, -0.5)
        samples[int(at_s * rate) :][:burst] += shape * rng.standard_normal((burst, channels))
        at_s += rng.uniform(0.3, 1.2)
    if rng.random() < 0.3:
        hum = 0.02 * np.sin(2 * np.pi * 90 * np.arange(count) / rate + rng.uniform(0, 6))
        samples += hum[:, None]
    return Audio(samples=samples.astype(np.float32), sample_rate_hz=rate)


@pytest.mark.parametrize("rate", [48_000, 44_100])
@pytest.mark.parametrize("channels", [1, 2])
def test_random_cuts_read_as_the_track_put_together(rate: int, channels: int) -> None:
    for seed in range(12):
        rng = np.random.default_rng([seed, rate, channels])
        at = int(rng.integers(0, 5 * rate))
        pieces, clips = [], []
        for _ in range(int(rng.integers(1, 7))):
            sound = walk(rng, rng.uniform(0.5, 6), rate, channels)
            first = int(rng.integers(0, len(sound.samples) // 2))
            count = int(rng.integers(1, len(sound.samples) - first))
            levels = [
                LevelPoint(time_s=float(time_s), level_db=float(rng.uniform(-12, 6)))
                for time_s in np.sort(rng.uniform(0, 4, int(rng.integers(0, 4))))
            ]
            clips.append(
                clip_energies(
                    sound,
                    start_sample=at,
                    first=first,
                    count=count,
                    levels=levels,
                    levels_start_s=0.5,
                )
            )
            gain = 10 ** (level_at(levels, 0.5 + np.arange(count) / rate) / 20)
            pieces.append((at, sound.samples[first : first + count] * gain[:, None]))
            # The next one follows at once, soon, or after a pause longer than a window.
            at += count + int(rng.choice([0, rng.integers(1, rate), rng.integers(4, 9) * rate]))
        track = np.zeros((at + int(rng.integers(0, 2 * rate)), channels), np.float32)
        for start, samples in pieces:
            track[start : start + len(samples)] = samples
        expected = short_term_max_lufs(Audio(samples=track, sample_rate_hz=rate))
        assert track_short_term_max_lufs(clips) == pytest.approx(expected, abs=0.005)


def test_a_window_reaches_over_neighbours_and_silence() -> None:
    """Two clips of 1 s, 1 s apart: one window of 3 s holds both."""
    sound = walk(np.random.default_rng(5), 1.0, RATE, 1)
    sound.samples[: RATE // 2, 0] += np.hanning(RATE // 2) * np.sin(0.1 * np.arange(RATE // 2))
    one = clip_energies(sound, start_sample=0)
    near, far = (clip_energies(sound, start_sample=gap * RATE) for gap in (2, 9))
    alone = track_short_term_max_lufs([one])
    assert track_short_term_max_lufs([one, near]) == pytest.approx(alone + 3.01, abs=0.01)
    assert track_short_term_max_lufs([one, far]) == pytest.approx(alone, abs=0.01)
    assert track_short_term_max_lufs([far, one]) == pytest.approx(alone, abs=0.01)


def test_gain_brings_the_track_to_the_target() -> None:
    sound = walk(np.random.default_rng(7), 8.0, RATE, 1)
    gain_db = gain_to_target([clip_energies(sound, start_sample=123_457)], -38.0)
    louder = Audio(
        samples=(sound.samples * 10 ** (gain_db / 20)).astype(np.float32), sample_rate_hz=RATE
    )
    assert short_term_max_lufs(louder) == pytest.approx(-38.0, abs=0.05)
    assert abs(gain_db) > 1


def test_silence_and_nothing_have_no_loudness_and_want_no_gain() -> None:
    silence = Audio(samples=np.zeros((RATE, 1), np.float32), sample_rate_hz=RATE)
    for clips in ([], [clip_energies(silence, start_sample=5)]):
        assert track_short_term_max_lufs(clips) == -math.inf
        assert gain_to_target(clips, -38.0) == 0.0
    nothing = clip_energies(silence, start_sample=480, count=0)
    assert not nothing.energy.any()


def test_an_hour_is_measured_without_being_held() -> None:
    sound = walk(np.random.default_rng(1), 4.0, RATE, 1)
    clips = [clip_energies(sound, start_sample=minute * 60 * RATE) for minute in range(0, 60, 20)]
    assert sum(one.energy.nbytes for one in clips) < 20_000
    assert track_short_term_max_lufs(clips) == pytest.approx(short_term_max_lufs(sound), abs=0.05)


def test_what_does_not_fit_is_refused() -> None:
    sound = walk(np.random.default_rng(1), 1.0, RATE, 1)
    for first, count in ((0, RATE + 1), (-1, 5), (RATE, 1)):
        with pytest.raises(ValueError, match="outside"):
            clip_energies(sound, start_sample=0, first=first, count=count)
    many = Audio(samples=np.zeros((10, 6), np.float32), sample_rate_hz=RATE)
    with pytest.raises(ValueError, match="mono or stereo"):
        clip_energies(many, start_sample=0)
    other = Energies(first_hop=0, energy=np.ones(3), sample_rate_hz=44_100)
    with pytest.raises(ValueError, match="one sample rate"):
        track_short_term_max_lufs([other, clip_energies(sound, start_sample=0)])


@pytest.mark.parametrize("end_s", [0.5, 0.75, 1.0])
def test_a_sound_that_ends_on_a_block_s_edge_rings_on_all_the_same(end_s: float) -> None:
    count = round(end_s * RATE)
    samples = np.zeros((count, 1), dtype=np.float32)
    samples[-1440:, 0] = 0.5 * np.sin(2 * np.pi * 60 * np.arange(1440) / RATE)
    longer = np.concatenate((samples, np.zeros((1, 1), dtype=np.float32)))
    whole, with_silence = (
        clip_energies(Audio(samples=one, sample_rate_hz=RATE), start_sample=0).energy.sum()
        for one in (samples, longer)
    )
    assert 10 * math.log10(with_silence / whole) == pytest.approx(0.0, abs=1e-6)
