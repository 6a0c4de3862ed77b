"""Air and room: right by the standard, and attacks stay where they were."""

from __future__ import annotations

import math
import time
import tracemalloc

import numpy as np
import pytest
from scipy.signal import butter, freqz, group_delay, sosfilt

from otio_foley.mix.space import (
    MAX_SEND_DB,
    SPACES,
    DistancePoint,
    Space,
    absorb_air,
    add_reflections,
    air_absorption_db_per_m,
    air_filter,
    delay_samples,
    impulse_response,
    send_db,
)
from otio_foley.synthesis.attack import attack_sample
from otio_foley.types import Audio

RATE = 48_000
ROOMS = ("exterior", "small-room", "hall")


def mono(samples: np.ndarray) -> Audio:  # type: ignore[type-arg]
    return Audio(samples=samples.astype(np.float32).reshape(-1, 1), sample_rate_hz=RATE)


def at_distance(distance_m: float) -> list[DistancePoint]:
    return [DistancePoint(time_s=0.0, distance_m=distance_m)]


def step(seed: int, at: int = 20_000, length: int = 3 * RATE) -> Audio:
    """A click with a decaying body of noise that has more bass than treble."""
    rng = np.random.default_rng(seed)
    count = RATE // 4
    rise = np.minimum(1.0, np.arange(count) / rng.integers(1, 120))
    body = np.cumsum(rng.standard_normal(count)) * 0.05 + rng.standard_normal(count)
    out = np.zeros(length)
    decay_s = rng.uniform(0.01, 0.05)
    out[at : at + count] = 0.1 * rise * body * np.exp(-np.arange(count) / (decay_s * RATE))
    return mono(out)


def knock(seed: int) -> Audio:
    """A hard heel: damped modes of 150 Hz to 9 kHz that begin at once."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(RATE // 4) / RATE
    out = np.zeros(2 * RATE)
    for _ in range(16):
        hz = 150 * 60 ** rng.random()
        mode = np.sin(2 * np.pi * hz * time_s) * np.exp(-time_s / rng.uniform(0.002, 0.02))
        out[20_000 : 20_000 + len(mode)] += mode / math.sqrt(hz)
    return mono(out)


@pytest.mark.parametrize(
    ("temperature_c", "humidity_percent", "db_per_km"),
    [
        (20, 70, (0.3, 1.1, 2.8, 5.0, 9.0, 22.9, 76.6)),
        (15, 50, (0.5, 1.2, 2.2, 4.2, 10.8, 36.2, 129)),
        (10, 70, (0.4, 1.0, 1.9, 3.7, 9.7, 32.8, 117)),
    ],
)
def test_absorption_is_the_table_of_iso_9613(
    temperature_c: float, humidity_percent: float, db_per_km: tuple[float, ...]
) -> None:
    """ISO 9613-2:1996, table 2, at the exact midband frequencies of octaves from 125 Hz."""
    octaves = 1000 * 10 ** (0.3 * np.arange(-3, 4))
    found = 1000 * air_absorption_db_per_m(
        octaves, temperature_c=temperature_c, humidity_percent=humidity_percent
    )
    assert found == pytest.approx(db_per_km, rel=0.02, abs=0.06)


@pytest.mark.parametrize("distance_m", [10, 17, 33, 60, 100])
def test_air_takes_what_the_standard_says(distance_m: float) -> None:
    impulse = np.zeros(RATE)
    impulse[1000] = 1.0
    audio = mono(impulse)
    absorb_air(audio, at_distance(distance_m), start_s=0.0)
    frequency_hz = np.array([250.0, 1000, 4000, 8000])
    _, response = freqz(audio.samples[1000:, 0], worN=frequency_hz, fs=RATE)
    expected = -(distance_m - 3) * air_absorption_db_per_m(frequency_hz)
    assert 20 * np.log10(np.abs(response)) == pytest.approx(expected, abs=0.5)
    assert not audio.samples[:1000].any()
    _, delay = group_delay((air_filter(distance_m, RATE), [1.0]), w=frequency_hz, fs=RATE)
    assert np.abs(delay).max() < 0.0001 * RATE


def test_air_does_nothing_near_by() -> None:
    audio = step(1)
    before = audio.samples.tobytes()
    for points in (at_distance(3.0), at_distance(0.5), []):
        absorb_air(audio, points, start_s=0.0)
        assert audio.samples.tobytes() == before


@pytest.mark.parametrize("distance_m", [5, 20, 100])
def test_air_leaves_attacks_within_a_tenth_of_a_millisecond(distance_m: float) -> None:
    for seed in range(20):
        audio = knock(seed)
        before = attack_sample(audio.samples[:, 0])
        absorb_air(audio, at_distance(distance_m), start_s=0.0)
        assert abs(attack_sample(audio.samples[:, 0]) - before) < 0.0001 * RATE


def test_walking_away_gets_duller_step_by_step() -> None:
    """White noise under a growing distance: each second has what its own distance takes."""
    rng = np.random.default_rng(4)
    noise = 0.1 * rng.standard_normal(8 * RATE)
    audio = mono(noise)
    away = [DistancePoint(time_s=10.0, distance_m=3.0), DistancePoint(time_s=18.0, distance_m=83.0)]
    absorb_air(audio, away, start_s=10.0)
    for second in range(8):
        part = slice(second * RATE, (second + 1) * RATE)
        power = [np.abs(np.fft.rfft(x[part])) ** 2 for x in (audio.samples[:, 0], noise)]
        near_8_khz = slice(7900, 8100)
        taken_db = 10 * math.log10(power[0][near_8_khz].sum() / power[1][near_8_khz].sum())
        beyond_m = 10.0 * second + 5.0
        assert taken_db == pytest.approx(-beyond_m * float(air_absorption_db_per_m(8000)), abs=0.6)


def test_no_space_is_dry() -> None:
    audio = step(2)
    before = audio.samples.tobytes()
    add_reflections(audio, SPACES["none"], at_distance(50.0), start_s=0.0)
    assert audio.samples.tobytes() == before


@pytest.mark.parametrize("name", ROOMS)
def test_the_direct_sound_and_its_attack_stay(name: str) -> None:
    for seed in range(12):
        for distance_m in (3.0, 15.0, 100.0):
            dry, wet = step(seed), step(seed)
            add_reflections(wet, SPACES[name], at_distance(distance_m), start_s=0.0)
            untouched = 20_000 + RATE // 1000
            assert np.array_equal(wet.samples[:untouched], dry.samples[:untouched])
            assert len(wet.samples) == len(dry.samples)
            moved = attack_sample(wet.samples[:, 0]) - attack_sample(dry.samples[:, 0])
            assert abs(moved) < 0.001 * RATE


@pytest.mark.parametrize("name", ROOMS)
def test_the_share_of_reflections_grows_by_6_db_a_doubling_up_to_the_direct_sound(
    name: str,
) -> None:
    space = SPACES[name]
    critical_m = 2 * space.critical_distance_m  # the microphone hangs halfway
    assert send_db(space, [critical_m / 4, critical_m / 2, critical_m, 9 * critical_m]) == (
        pytest.approx([-12.04, -6.02, MAX_SEND_DB, MAX_SEND_DB], abs=0.01)
    )
    levels = []
    for distance_m in (critical_m / 4, critical_m / 2):
        dry, wet = step(3, length=5 * RATE), step(3, length=5 * RATE)
        add_reflections(wet, space, at_distance(distance_m), start_s=0.0)
        levels.append(10 * math.log10(float(np.sum((wet.samples - dry.samples) ** 2))))
    assert levels[1] - levels[0] == pytest.approx(6.02, abs=0.05)


@pytest.mark.parametrize("name", ROOMS)
def test_at_the_critical_distance_both_are_equally_loud(name: str) -> None:
    """Pink noise from 50 Hz to 10 kHz, made from its spectrum."""
    rng = np.random.default_rng(8)
    count = 2**19
    frequency_hz = np.fft.rfftfreq(count, 1 / RATE)
    inside = (frequency_hz > 50) & (frequency_hz < 10_000)
    spectrum = np.zeros(len(frequency_hz), complex)
    phase = rng.uniform(0, 2 * np.pi, int(inside.sum()))
    spectrum[inside] = np.exp(1j * phase) / np.sqrt(frequency_hz[inside])
    noise = np.fft.irfft(spectrum, count)
    response = impulse_response(SPACES[name], RATE)
    reflected = np.fft.irfft(np.fft.rfft(noise) * np.fft.rfft(response, count), count)
    assert 10 * math.log10(np.mean(reflected**2) / np.mean(noise**2)) == pytest.approx(0, abs=0.2)


def decay_time_s(response: np.ndarray, low_hz: float, high_hz: float) -> float:  # type: ignore[type-arg]
    """T20 after Schroeder (from -5 to -25 dB, times 3) of a band."""
    band = butter(4, (low_hz, high_hz), "bandpass", fs=RATE, output="sos")
    filtered = sosfilt(band, response)
    left = np.cumsum(filtered[::-1] ** 2)[::-1]
    level_db = 10 * np.log10(left / left[0])
    return 3 * float(np.argmax(level_db < -25) - np.argmax(level_db < -5)) / RATE


def test_rooms_ring_as_long_as_rooms_of_their_size() -> None:
    hall, room, street = (
        impulse_response(SPACES[name], RATE) for name in ("hall", "small-room", "exterior")
    )
    assert decay_time_s(hall, 700, 1400) == pytest.approx(1.8, rel=0.2)
    assert decay_time_s(hall, 6000, 10_000) == pytest.approx(0.7, rel=0.3)
    assert decay_time_s(room, 700, 1400) == pytest.approx(0.4, rel=0.3)
    for one in (hall, room, street):
        first = int(np.argmax(np.abs(one) > 0))
        assert 0.001 * RATE <= first < 0.05 * RATE
        assert one.tobytes() == one.copy().tobytes() and not one.flags.writeable


def test_reflections_in_pieces_are_the_convolution() -> None:
    rng = np.random.default_rng(6)
    samples = np.zeros(7 * RATE)
    for at_s in (0.2, 0.95, 1.9, 5.0):
        samples[round(at_s * RATE) :][:4000] += rng.standard_normal(4000)
    space, distance_m = SPACES["hall"], 4.0
    audio = mono(samples)
    dry = audio.samples[:, 0].astype(float)
    add_reflections(audio, space, at_distance(distance_m), start_s=0.0)
    send = 10 ** (float(send_db(space, [distance_m])[0]) / 20)
    response = impulse_response(space, RATE)
    size = 2**20
    whole = np.fft.irfft(np.fft.rfft(dry * send, size) * np.fft.rfft(response, size), size)
    before_fade = len(dry) - RATE // 20
    np.testing.assert_allclose(
        audio.samples[:before_fade, 0], (dry + whole[: len(dry)])[:before_fade], atol=1e-6
    )


def test_the_tail_that_rings_over_the_end_is_faded() -> None:
    wet = step(5, at=RATE, length=RATE + RATE // 2)
    add_reflections(wet, SPACES["hall"], at_distance(30.0), start_s=0.0)
    tail = np.abs(wet.samples[-RATE // 20 :, 0])
    assert tail[:480].max() > 1e-4 > 1e-5 > tail[-10:].max()


def test_only_mono_and_spaces_that_reflect() -> None:
    stereo = Audio(samples=np.zeros((RATE, 2), np.float32), sample_rate_hz=RATE)
    with pytest.raises(ValueError, match="mono"):
        add_reflections(stereo, SPACES["hall"], [], start_s=0.0)
    with pytest.raises(ValueError, match="mono"):
        absorb_air(stereo, at_distance(10.0), start_s=0.0)
    with pytest.raises(ValueError, match="nothing back"):
        impulse_response(Space(name="open", decay_s=(), critical_distance_m=5.0), RATE)
    empty = mono(np.zeros(0))
    add_reflections(empty, SPACES["hall"], [], start_s=0.0)
    assert len(empty.samples) == 0


def test_delay_is_the_speed_of_sound() -> None:
    assert delay_samples(0.0, RATE) == delay_samples(-1.0, RATE) == 0
    assert delay_samples(100.0, RATE) == pytest.approx(100 / 343.2 * RATE, rel=0.01)


def test_an_hour_of_mostly_silence_is_quick_and_takes_no_copy() -> None:
    samples = np.zeros((3600 * RATE, 1), np.float32)
    for at_s in (3.0, 1800.5, 3590.0):
        samples[round(at_s * RATE) :][:RATE] = step(1, at=0, length=RATE).samples
    audio = Audio(samples=samples, sample_rate_hz=RATE)
    impulse_response(SPACES["hall"], RATE)
    tracemalloc.start()
    begun = time.process_time()
    add_reflections(audio, SPACES["hall"], at_distance(20.0), start_s=0.0)
    absorb_air(audio, at_distance(20.0), start_s=0.0)
    took_s = time.process_time() - begun
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 0.05 * samples.nbytes
    assert took_s < 5
    # Where nothing rings, not a bit is set.
    assert not samples[100 * RATE : 1800 * RATE].any()
