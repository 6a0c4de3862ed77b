"""One step: determinism, variety, and sounding like its floor."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import correlate

from otio_foley.synthesis import SAMPLE_RATE_HZ
from otio_foley.synthesis.attack import attack_sample, smoothed_magnitude
from otio_foley.synthesis.gait import STANCES, step_force
from otio_foley.synthesis.grounds import GROUNDS, ground
from otio_foley.synthesis.physical import StepSound, render_step
from otio_foley.synthesis.seeding import step_generator, take_generator
from otio_foley.synthesis.shoes import SHOES, shoe
from otio_foley.synthesis.takes import KINDS, Kind
from otio_foley.types import FloatArray

VARIANTS = 6


@cache
def step_sound(
    floor: str, index: int = 0, shoe_name: str = "leather", kind: Kind = "walk"
) -> StepSound:
    rng = take_generator(floor, shoe_name, kind, index)
    return render_step(kind, ground(floor), shoe(shoe_name), rng)


def power_spectrum(samples: NDArray[np.float32]) -> tuple[FloatArray, FloatArray]:
    count = 2**17
    power = np.abs(np.fft.rfft(samples.astype(np.float64), count)) ** 2
    return np.fft.rfftfreq(count, 1 / SAMPLE_RATE_HZ), np.asarray(power, dtype=np.float64)


def centroid_hz(samples: NDArray[np.float32]) -> float:
    frequency, power = power_spectrum(samples)
    return float((frequency * power).sum() / power.sum())


def share(samples: NDArray[np.float32], low_hz: float, high_hz: float) -> float:
    frequency, power = power_spectrum(samples)
    return float(power[(frequency >= low_hz) & (frequency < high_hz)].sum() / power.sum())


def energy_time_s(samples: NDArray[np.float32], part: float = 0.9) -> float:
    """Time until a share of the energy has come."""
    total = np.cumsum(samples.astype(np.float64) ** 2)
    return float(np.argmax(total >= part * total[-1])) / SAMPLE_RATE_HZ


def flatness(samples: NDArray[np.float32]) -> float:
    """Spectral flatness of 100 Hz to 10 kHz in 100 Hz bands."""
    frequency, power = power_spectrum(samples)
    band = np.add.reduceat(power, np.searchsorted(frequency, np.arange(100, 10_100, 100)))[:-1]
    return float(np.exp(np.log(band).mean()) / band.mean())


def median_of(
    measure: Callable[[NDArray[np.float32]], float], floor: str, shoe_name: str = "leather"
) -> float:
    return float(
        np.median([
            measure(step_sound(floor, n, shoe_name=shoe_name).samples) for n in range(VARIANTS)
        ])
    )  # fmt: skip


def test_same_key_gives_the_same_bytes() -> None:
    for floor in GROUNDS:
        first, second = step_sound(floor, 3), step_sound.__wrapped__(floor, 3)
        assert first.samples.tobytes() == second.samples.tobytes(), floor
        assert first.attack_sample == second.attack_sample


def test_generator_depends_on_every_part_of_the_key() -> None:
    keys = [(1, "a", 0, 5), (2, "a", 0, 5), (1, "b", 0, 5), (1, "a", 1, 5), (1, "a", 0, 6)]
    draws = [step_generator(*key).random() for key in keys]
    draws += [step_generator(1, "a", 0, 5, foot="left").random()]
    draws += [step_generator(1, "a", 0, 5, foot="right").random()]
    # ("1", "2a") and ("12", "a") must not run together.
    draws += [step_generator(1, "2a", 0, 5).random(), step_generator(12, "a", 0, 5).random()]
    assert len(set(draws)) == len(draws)


def test_generator_is_pinned() -> None:
    """A change here changes every sound ever made: bump the version when it is meant."""
    assert step_generator(7, "fingerprint", 2, 48_000).integers(2**32) == 849643169


@pytest.mark.parametrize("floor", ["concrete", "gravel", "water"])
def test_twelve_steps_running_are_all_different(floor: str) -> None:
    steps = [step_sound(floor, n) for n in range(12)]
    for one, other in combinations(steps, 2):
        a, b = (s.samples.astype(np.float64) for s in (one, other))
        best = np.abs(correlate(a, b, method="fft")).max()
        assert best / np.sqrt((a @ a) * (b @ b)) < 0.95


def test_floors_are_told_apart_by_their_centroid() -> None:
    centroid = {floor: median_of(centroid_hz, floor) for floor in GROUNDS}
    assert centroid["carpet"] < centroid["wood"] < centroid["concrete"] < centroid["tile"]
    assert centroid["tile"] < centroid["gravel"] < centroid["leaves"]
    assert centroid["snow"] < centroid["sand"] < centroid["gravel"]
    assert centroid["marble"] < centroid["tile"]
    assert centroid["dirt"] < centroid["grass"]


def test_floors_have_the_body_and_length_of_their_kind() -> None:
    def body(samples: NDArray[np.float32]) -> float:
        return share(samples, 80, 400)

    def first_decay_s(samples: NDArray[np.float32]) -> float:
        return energy_time_s(samples[: round(0.07 * SAMPLE_RATE_HZ)])

    assert median_of(body, "wood") > 1.5 * median_of(body, "tile")
    assert median_of(first_decay_s, "wood") > median_of(first_decay_s, "concrete")
    assert median_of(first_decay_s, "metal") > 1.5 * median_of(first_decay_s, "tile")
    assert median_of(energy_time_s, "gravel") > 1.4 * median_of(energy_time_s, "concrete")
    assert median_of(energy_time_s, "snow") > 1.4 * median_of(energy_time_s, "concrete")
    assert median_of(energy_time_s, "water") > 2 * median_of(energy_time_s, "gravel")
    assert median_of(flatness, "gravel") > 3 * median_of(flatness, "concrete")


def test_carpet_is_darker_and_shorter_than_tile() -> None:
    def bright_length_s(samples: NDArray[np.float32]) -> float:
        """How long the part above 400 Hz stays within 30 dB of tile's peak."""
        frequency = np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE_HZ)
        spectrum = np.fft.rfft(samples.astype(np.float64))
        spectrum[frequency < 400] = 0
        smooth = smoothed_magnitude(np.fft.irfft(spectrum, len(samples)))
        return float(np.count_nonzero(smooth > 0.1 * tile_peak)) / SAMPLE_RATE_HZ

    tile_peak = smoothed_magnitude(step_sound("tile").samples).max()
    assert median_of(centroid_hz, "carpet") < 0.5 * median_of(centroid_hz, "tile")
    assert median_of(bright_length_s, "carpet") < 0.5 * median_of(bright_length_s, "tile")


def test_shoes_go_from_dull_to_bright() -> None:
    order = ("barefoot", "sneaker", "leather", "heel")
    for floor in ("concrete", "wood"):
        centroids = [median_of(centroid_hz, floor, name) for name in order]
        assert centroids == sorted(centroids), floor
    thump = [median_of(lambda s: share(s, 20, 120), "concrete", name) for name in ("heel", "boot")]
    assert thump[0] < thump[1]


def test_step_begins_at_once_and_ends_in_silence() -> None:
    for floor in GROUNDS:
        for name in SHOES:
            sound = step_sound(floor, 1, shoe_name=name)
            assert sound.attack_sample < 0.004 * SAMPLE_RATE_HZ, (floor, name)
            assert sound.samples.dtype == np.float32
            peak = np.abs(sound.samples).max()
            assert peak < 1.0
            assert np.abs(sound.samples[-20:]).max() < 1e-3 * peak


def test_attack_is_measured_at_the_first_sample_above_a_tenth_of_the_peak() -> None:
    samples = np.zeros(4800)
    samples[1000:1100] = 0.5
    # The moving average of 25 samples reaches 0.1 of its peak when 3 of them are in.
    assert attack_sample(samples) == 1000 - 12 + 2
    samples[100] = 0.5 * 25 * 0.09  # a tick below the threshold after smoothing
    assert attack_sample(samples) == 990
    assert attack_sample(samples, stop=500) == 100 - 12
    with pytest.raises(ValueError, match="silence"):
        attack_sample(np.zeros(100))


def test_force_follows_gait() -> None:
    rng = np.random.default_rng(0)
    walk = step_force("walk", rng)
    assert walk.impacts[0].at == 0.0
    assert 0.05 < walk.impacts[1].at < 0.12
    peak_at = int(walk.load.argmax()) / len(walk.load)
    assert 1.0 < walk.load.max() < 1.45
    assert abs(peak_at - 0.22) < 0.08 or abs(peak_at - 0.76) < 0.08
    assert step_force("run", rng).load.max() > 2.0
    assert step_force("land", rng).load.max() > 3.0
    heel, toe = step_force("heel", rng), step_force("toe", rng)
    assert heel.duration_s < toe.duration_s
    assert not heel.rubs and toe.rubs
    assert set(STANCES) == set(KINDS)


def test_what_creaks_creaks_now_and_then_and_after_the_strike() -> None:
    def creaking(floor: str) -> list[float]:
        """Share of each step's energy in the squeak's band, from 50 ms on."""
        shares = []
        for n in range(30):
            sound = step_sound(floor, n, kind="toe").samples
            shares.append(share(sound[round(0.05 * SAMPLE_RATE_HZ) :], 1300, 2700))
        return sorted(shares)

    plain, squeaking = creaking("wood"), creaking("parquet")
    assert squeaking[-8] > 3 * plain[-8]  # most steps squeak,
    assert squeaking[5] < 0.5 * squeaking[-5]  # not all of them
    for n in range(12):
        assert step_sound("parquet", n).attack_sample < 0.004 * SAMPLE_RATE_HZ


def test_a_floor_of_grains_rolls_louder_than_one_that_rings() -> None:
    assert ground("tile").roll_db < -6.0 < ground("gravel").roll_db < 0.5


def test_unknown_names_are_refused_with_those_that_exist() -> None:
    with pytest.raises(ValueError, match=r"lava.*concrete"):
        ground("lava")
    with pytest.raises(ValueError, match=r"clog.*sneaker"):
        shoe("clog")
