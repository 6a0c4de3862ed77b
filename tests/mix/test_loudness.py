"""Envelope, layers and limit."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import minimum_filter1d, uniform_filter1d
from scipy.signal import resample_poly

from otio_foley.mix.displacement import (
    CEILING_DB,
    FLOOR_DB,
    REFERENCE_AREA,
    displacement_curve,
    displacement_levels,
)
from otio_foley.mix.envelope import envelope
from otio_foley.mix.limit import limit_true_peak
from otio_foley.mix.loudness import (
    LevelPoint,
    action_levels,
    level_at,
    levelled_blocks,
    simplified,
)
from otio_foley.mix.meters import true_peak_dbtp
from otio_foley.mix.stem import mix_down
from otio_foley.types import Audio

RATE = 48_000


def mono(samples: np.ndarray) -> Audio:  # type: ignore[type-arg]
    return Audio(samples=samples.astype(np.float32)[:, None], sample_rate_hz=RATE)


def levelled(audio: Audio, points: Sequence[LevelPoint], start_s: float = 0.0) -> Audio:
    out = np.zeros_like(audio.samples)
    for first, block in levelled_blocks(audio, points, start_s=start_s):
        out[first : first + len(block)] = block
    return Audio(samples=out, sample_rate_hz=audio.sample_rate_hz)


def steps(duration_s: float = 6.0) -> np.ndarray:  # type: ignore[type-arg]
    """Decaying noise bursts every half second, peaks near 0.2."""
    rng = np.random.default_rng(1)
    out = np.zeros(round(duration_s * RATE))
    burst = np.exp(-np.arange(RATE // 4) / (0.03 * RATE))
    for start in range(RATE // 10, len(out) - len(burst), RATE // 2):
        out[start : start + len(burst)] += 0.06 * burst * rng.standard_normal(len(burst))
    return out


def followed_by_definition(samples: np.ndarray, rate: int) -> list[float]:  # type: ignore[type-arg]
    state, out = 0.0, []
    for value in np.abs(samples.astype(float)):
        b = (0.8 if value > state else 0.995) ** (48_000 / rate)
        state = b * state + (1 - b) * value
        out.append(state)
    return out


@pytest.mark.parametrize("rate", [48_000, 44_100, 96_000])
@pytest.mark.parametrize("count", [1, 7, 20_000])
def test_envelope_is_the_recursion(rate: int, count: int) -> None:
    samples = np.random.default_rng(0).standard_normal(count) * np.linspace(0, 1, count)
    expected = followed_by_definition(samples, rate)
    np.testing.assert_allclose(envelope(samples, rate), expected, atol=1e-11)
    assert len(envelope([], rate)) == 0


def test_envelope_of_many_rows_is_the_recursion() -> None:
    samples = steps(3.0)
    samples[20_000] = 5.0
    expected = followed_by_definition(samples, RATE)
    np.testing.assert_allclose(envelope(samples, RATE), expected, atol=1e-11)


def test_envelope_of_the_output_is_layer_times_envelope_of_the_input() -> None:
    audio = mono(steps())
    points = [LevelPoint(time_s=0.0, level_db=-9.0), LevelPoint(time_s=6.0, level_db=6.0)]
    before, after = (
        envelope(sound.samples[:, 0], RATE) for sound in (audio, levelled(audio, points))
    )
    heard = before > 1e-3 * before.max()
    layer_db = level_at(points, np.arange(len(before)) / RATE)
    gained_db = 20 * np.log10(after[heard] / before[heard])
    assert np.abs(gained_db - layer_db[heard]).max() < 0.1


def test_applying_a_level_keeps_the_fine_structure() -> None:
    audio = mono(steps())
    out = levelled(audio, [LevelPoint(time_s=0.0, level_db=6.0)])
    np.testing.assert_allclose(out.samples, audio.samples * 10 ** (6 / 20), rtol=1e-6)
    assert levelled(audio, []).samples.tobytes() == audio.samples.tobytes()
    late = [LevelPoint(time_s=10.0, level_db=0.0), LevelPoint(time_s=16.0, level_db=-12.0)]
    shifted = levelled(audio, late, start_s=10.0).samples
    peak = int(np.abs(audio.samples).argmax())
    expected = audio.samples[peak, 0] * 10 ** (-12 * (peak / RATE / 6) / 20)
    assert shifted[peak, 0] == pytest.approx(expected, rel=1e-5)


def test_displacement_follows_distance() -> None:
    """Walking up to the camera from 8 m to 2 m: area goes with 1/d^2, level with 1/d."""
    times = np.arange(0, 8, 1 / 25)
    distance = np.linspace(8, 2, len(times))
    area = REFERENCE_AREA * (4 / distance) ** 2
    levels = displacement_levels(times, area)
    assert levels == pytest.approx(20 * np.log10(4 / distance), abs=0.3)
    points = displacement_curve(times, area)
    assert len(points) < 12
    assert np.abs(level_at(points, times) - levels).max() <= 0.25


def test_displacement_ignores_limbs_outliers_and_gaps() -> None:
    rng = np.random.default_rng(0)
    times = np.arange(0, 10, 1 / 25)
    truth = REFERENCE_AREA * np.exp(0.12 * times)
    limbs = 1 + 0.12 * np.sin(2 * np.pi * 1.9 * times)
    area = truth * limbs * (1 + 0.05 * rng.standard_normal(250))
    area[rng.random(250) < 0.08] *= 0.1  # a silhouette torn apart
    area[40:50] = REFERENCE_AREA * 6  # someone passes in front
    area[120:160] = np.nan
    area[200] = 0.0
    off_db = displacement_levels(times, area) - 10 * np.log10(truth / REFERENCE_AREA)
    assert np.abs(off_db).max() < 1.0


def test_displacement_is_clamped_and_empty_changes_nothing() -> None:
    times = np.arange(0, 2, 0.04)
    assert displacement_levels(times, np.full(50, 1e-6)) == pytest.approx(FLOOR_DB)
    assert displacement_levels(times, np.full(50, 0.95)) == pytest.approx(CEILING_DB)
    assert displacement_levels(times, np.full(50, REFERENCE_AREA)) == pytest.approx(0.0, abs=1e-6)
    for area in (np.full(50, np.nan), np.zeros(50)):
        assert not displacement_levels(times, area).any()
        assert displacement_curve(times, area) == ()
    assert displacement_levels([], []).shape == (0,)
    assert len(displacement_curve(times, np.full(50, 0.04))) == 1
    one = np.full(50, np.nan)
    one[30] = 2 * REFERENCE_AREA
    assert displacement_levels(times, one) == pytest.approx(3.01, abs=0.01)
    # A slow start or end is held, not run on.
    half = np.where(times < 1, REFERENCE_AREA * np.exp(times), np.nan)
    assert displacement_levels(times, half)[-1] == pytest.approx(
        displacement_levels(times, half)[24], abs=1e-6
    )


def test_action_layer() -> None:
    assert not action_levels(["run"] * 4, [1.0] * 4).any()
    assert not action_levels(["walk"] * 3, [1.7] * 3).any()
    mixed = action_levels(["walk", "run", "land", "jump", "scuff"], [1.0] * 5)
    assert list(mixed) == [0.0, 6.0, 9.0, 1.5, -8.0]
    assert list(action_levels(["run"] * 2, [1.0] * 2, across_shots=True)) == [6.0, 6.0]
    hard = action_levels(["walk"] * 5, [0.01, 1.0, 1.0, 1.2, 50.0])
    assert hard == pytest.approx([-4.0, 0.0, 0.0, 20 * np.log10(1.2), 4.0])
    assert action_levels([], []).shape == (0,)
    for bad in ([1.0], [1.0, 0.0], [1.0, np.nan]):
        with pytest.raises(ValueError, match="strength"):
            action_levels(["walk", "walk"], bad)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(-18, 9), min_size=1, max_size=60), st.floats(0.05, 2))
def test_simplified_curve_stays_within_tolerance(levels: list[float], tolerance: float) -> None:
    times = np.arange(len(levels)) * 0.1
    points = simplified(times, levels, tolerance)
    assert np.abs(level_at(points, times) - levels).max() <= tolerance + 1e-9
    assert points[0].time_s == 0.0


def limited(audio: Audio, ceiling_dbtp: float) -> tuple[Audio, float]:
    out = Audio(samples=audio.samples.copy(), sample_rate_hz=audio.sample_rate_hz)
    return out, limit_true_peak(out, ceiling_dbtp)


def test_limit_takes_down_the_loud_step_alone_and_keeps_its_shape() -> None:
    samples = steps()
    loud = slice(round(2.05 * RATE), round(2.55 * RATE))  # from 50 ms before the step at 2.1 s
    samples[loud] *= 12
    audio = mono(samples)
    over_db = true_peak_dbtp(audio) + 6
    assert over_db > 3
    out, reduction_db = limited(audio, -6.0)
    assert -6.1 < true_peak_dbtp(out) <= -6.0
    assert reduction_db == pytest.approx(over_db, abs=0.05)
    gain = out.samples[:, 0] / np.where(samples == 0, 1, samples.astype(np.float32))
    # One gain from before the attack until the step has died away.
    body = gain[round(2.1 * RATE) : round(2.3 * RATE)]
    assert body[body > 0].min() == pytest.approx(body.max(), rel=1e-4)
    others = np.r_[0 : round(1.9 * RATE), round(2.6 * RATE) : len(samples)]
    assert out.samples[others, 0].tobytes() == audio.samples[others, 0].tobytes()


def test_limit_leaves_quiet_sound_alone() -> None:
    quiet = mono(steps())
    out, reduction_db = limited(quiet, -6.0)
    assert out.samples.tobytes() == quiet.samples.tobytes() and reduction_db == 0.0
    assert limited(mono(np.zeros(0)), -6.0)[1] == 0.0
    short, _ = limited(mono(np.full(10, 0.9)), -6.0)
    assert true_peak_dbtp(short) <= -6.0


def test_limit_holds_for_stereo_noise() -> None:
    rng = np.random.default_rng(3)
    samples = rng.standard_normal((RATE, 2)).astype(np.float32)
    out, _ = limited(Audio(samples=samples, sample_rate_hz=RATE), -1.0)
    assert true_peak_dbtp(out) <= -1.0


def limited_as_a_whole(audio: Audio, ceiling_dbtp: float) -> np.ndarray:  # type: ignore[type-arg]
    """The limiter's rule over the whole sound at once, (N, C)."""
    dense = np.abs(resample_poly(audio.samples.astype(float), 4, 1, axis=0)).max(axis=1)
    count = -(-len(audio.samples) // 48)
    peaks = np.pad(dense, (0, count * 192 - len(dense))).reshape(count, 192).max(axis=1)
    needed = np.minimum(1.0, 10 ** ((ceiling_dbtp - 0.02) / 20) / np.maximum(peaks, 1e-12))
    # Flat from 60 ms before to 300 ms after, and half a ramp of 40 ms on each side.
    held = minimum_filter1d(needed, 401, mode="nearest", origin=120)
    gains = np.minimum(uniform_filter1d(held, 41, mode="nearest"), needed)
    gain = np.interp(np.arange(len(audio.samples)), (np.arange(count) + 0.5) * 48, gains)
    return (audio.samples * gain[:, None]).astype(np.float32)


@pytest.mark.parametrize("channels", [1, 2])
def test_limiting_in_pieces_is_limiting_as_a_whole(channels: int) -> None:
    samples = np.repeat(steps(9.013)[:, None], channels, axis=1)
    samples[:, -1] *= 0.7
    samples[RATE * 5 : RATE * 7] = 0.0
    for loud_s in (0.0, 0.93, 1.01, 2.9, 4.99, 7.0, 8.7):  # across the pieces' edges too
        loud = slice(round(loud_s * RATE), round((loud_s + 0.3) * RATE))
        samples[loud] *= 6
    audio = Audio(samples=samples.astype(np.float32), sample_rate_hz=RATE)
    out, reduction_db = limited(audio, -6.0)
    assert reduction_db > 3
    assert out.samples.tobytes() == limited_as_a_whole(audio, -6.0).tobytes()


def test_mix_is_the_sum_of_the_levelled_voices() -> None:
    curves = [
        (LevelPoint(time_s=-1.0, level_db=-6.0), LevelPoint(time_s=8.0, level_db=3.0 * n))
        for n in range(3)
    ]
    voices = [mono(np.roll(steps(4.5), 11_111 * n)) for n in range(3)]
    voices[1].samples[: 2 * RATE] = 0.0
    times_s = 0.25 + np.arange(len(voices[0].samples)) / RATE
    together = np.sum(
        [
            voice.samples * 10 ** (level_at(curve, times_s)[:, None] / 20)
            for voice, curve in zip(voices, curves, strict=True)
        ],
        axis=0,
    )
    mix = mix_down(zip(voices, curves, strict=True), start_s=0.25)
    np.testing.assert_allclose(mix.samples, together, atol=1e-7)
    with pytest.raises(ValueError, match="no voices"):
        mix_down([], start_s=0.0)


def test_mixing_a_long_clip_takes_no_copy_of_it() -> None:
    samples = np.zeros((10 * 60 * RATE, 1), np.float32)
    walk = steps(60.0).astype(np.float32)[:, None]
    walk[5 * RATE : 6 * RATE] *= 10
    for minute in (0, 4, 9):
        samples[minute * 60 * RATE :][: len(walk)] = walk
    curve = (LevelPoint(time_s=0.0, level_db=0.0), LevelPoint(time_s=600.0, level_db=3.0))
    audio = Audio(samples=samples, sample_rate_hz=RATE)
    tracemalloc.start()
    mix = mix_down([(audio, curve)], start_s=0.0)
    limit_true_peak(mix, -6.0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 0.3 * samples.nbytes
    assert true_peak_dbtp(mix) <= -6.0
