"""Meters on the signals of EBU Tech 3341 that can be made from sines.

Not here: case 6 (five channels; we take mono and stereo), cases 7 and 8 (recorded programmes) and
20 to 23 (true peak of signals that are handed out as files).
"""

from __future__ import annotations

import math
import tracemalloc
from collections.abc import Callable

import numpy as np
import pyloudnorm
import pytest
from scipy.signal import resample_poly, sosfilt

from otio_foley.mix.meters import (
    integrated_lufs,
    k_weighting,
    momentary_lufs,
    momentary_max_lufs,
    short_term_lufs,
    short_term_max_lufs,
    true_peak_dbtp,
    true_peaks,
)
from otio_foley.types import Audio

RATE = 48_000


def tone(
    level_dbfs: float, duration_s: float, *, hz: float = 1000, channels: int = 2, phase: float = 0
) -> Audio:
    """A sine whose peak is at `level_dbfs`."""
    time_s = np.arange(round(duration_s * RATE)) / RATE
    wave = 10 ** (level_dbfs / 20) * np.sin(2 * np.pi * hz * time_s + phase)
    return sound(np.repeat(wave[:, None], channels, axis=1))


def sound(samples: np.ndarray, rate: int = RATE) -> Audio:  # type: ignore[type-arg]
    return Audio(samples=samples.astype(np.float32), sample_rate_hz=rate)


def joined(*parts: Audio) -> Audio:
    return sound(np.concatenate([part.samples for part in parts]))


def test_k_weighting_is_the_table_of_bs1770() -> None:
    """ITU-R BS.1770-4, tables 1 and 2."""
    shelf, highpass = k_weighting(RATE)
    assert shelf == pytest.approx(
        [1.53512485958697, -2.69169618940638, 1.19839281085285,
         1.0, -1.69065929318241, 0.73248077421585], abs=1e-9,
    )  # fmt: skip
    assert highpass == pytest.approx(
        [1.0, -2.0, 1.0, 1.0, -1.99004745483398, 0.99007225036621], abs=1e-9
    )


@pytest.mark.parametrize("level", [-23.0, -33.0])
def test_tech_3341_cases_1_and_2(level: float) -> None:
    """A stereo 1000 Hz sine of -23 (-33) dBFS reads -23 (-33) LUFS on M, S and I."""
    audio = tone(level, 20)
    assert momentary_max_lufs(audio) == pytest.approx(level, abs=0.1)
    assert short_term_max_lufs(audio) == pytest.approx(level, abs=0.1)
    assert integrated_lufs(audio) == pytest.approx(level, abs=0.1)


def test_tech_3341_cases_3_to_5_gating() -> None:
    case_3 = joined(tone(-36, 10), tone(-23, 60), tone(-36, 10))
    case_4 = joined(tone(-72, 10), tone(-36, 10), tone(-23, 60), tone(-36, 10), tone(-72, 10))
    case_5 = joined(tone(-26, 20), tone(-20, 20.1), tone(-26, 20))
    for case in (case_3, case_4, case_5):
        assert integrated_lufs(case) == pytest.approx(-23, abs=0.1)


def test_tech_3341_case_9_short_term_is_constant() -> None:
    case = joined(*[part for _ in range(5) for part in (tone(-20, 1.34), tone(-30, 1.66))])
    after_3_s = short_term_lufs(case)
    assert after_3_s == pytest.approx(np.full(len(after_3_s), -23.0), abs=0.1)


@pytest.mark.parametrize("case", range(20))
def test_tech_3341_case_10_maximum_short_term(case: int) -> None:
    silence = sound(np.zeros((round(case * 0.15 * RATE), 2)))
    audio = joined(silence, tone(-23, 3), sound(np.zeros((RATE, 2))))
    assert short_term_max_lufs(audio) == pytest.approx(-23, abs=0.1)


def silence_of(duration_s: float) -> Audio:
    return sound(np.zeros((round(duration_s * RATE), 2)))


def rising_tones(length_s: float, step_s: float) -> Audio:
    """Twenty tones of -38..-19 dBFS in frames of twice their length, each begun later in its own
    by one step more."""
    parts = []
    for n in range(20):
        parts += [silence_of(n * step_s), tone(n - 38, length_s)]
        parts.append(silence_of(length_s - n * step_s))
    return joined(*parts)


def test_tech_3341_case_11_short_term_follows_rising_tones() -> None:
    loudness = short_term_lufs(rising_tones(3, 0.15))
    for n in range(20):
        # Windows that end in this frame of 6 s; a window's number is where it begins, in 10 ms.
        seen = loudness[max(0, 600 * n - 300) : 600 * (n + 1) - 299]
        assert seen.max() == pytest.approx(n - 38, abs=0.1)


def test_tech_3341_case_12_momentary_is_constant() -> None:
    case = joined(*[part for _ in range(25) for part in (tone(-20, 0.18), tone(-30, 0.22))])
    loudness = momentary_lufs(case)
    assert loudness[100:] == pytest.approx(np.full(len(loudness) - 100, -23.0), abs=0.1)


def test_tech_3341_case_14_momentary_follows_rising_tones() -> None:
    loudness = momentary_lufs(rising_tones(0.4, 0.02))
    for n in range(20):
        seen = loudness[max(0, 80 * n - 40) : 80 * (n + 1) - 39]
        assert seen.max() == pytest.approx(n - 38, abs=0.1)


@pytest.mark.parametrize("case", range(20))
def test_tech_3341_case_13_maximum_momentary(case: int) -> None:
    silence = sound(np.zeros((round(case * 0.02 * RATE), 2)))
    audio = joined(silence, tone(-23, 0.4), sound(np.zeros((RATE, 2))))
    assert momentary_max_lufs(audio) == pytest.approx(-23, abs=0.1)


@pytest.mark.parametrize(
    ("divisor", "phase_degrees", "peak"),
    [(4, 0, -6.0), (4, 45, -6.0), (6, 60, -6.0), (8, 67.5, -6.0), (4, 45, 3.0)],
)
def test_tech_3341_cases_15_to_19_true_peak(
    divisor: int, phase_degrees: float, peak: float
) -> None:
    """Sines at fs/4, fs/6, fs/8 whose samples miss the peak by up to 3 dB; +0.2/-0.4 dB allowed."""
    audio = tone(peak, 0.5, hz=RATE / divisor, phase=math.radians(phase_degrees))
    fade = np.minimum(1, np.minimum(np.arange(RATE // 2), np.arange(RATE // 2)[::-1]) / 4800)
    found = true_peak_dbtp(sound(audio.samples * fade[:, None]))
    assert peak - 0.4 <= found <= peak + 0.2


@pytest.mark.parametrize("rate", [48_000, 44_100])
@pytest.mark.parametrize("channels", [1, 2])
def test_integrated_loudness_is_pyloudnorm_s_of_the_samples(rate: int, channels: int) -> None:
    """On whole 100 ms, for pyloudnorm counts a block half of which lies beyond the end."""
    rng = np.random.default_rng(9)
    meter = pyloudnorm.Meter(rate, filter_class="DeMan")
    for hops in (4, 5, 9, 63, 187):
        count = hops * round(0.1 * rate)
        level = 10 ** rng.uniform(-4.5, -0.3, hops)
        level[rng.random(hops) < 0.3] = 0.0
        steady = np.repeat(level, count // hops)[:, None]
        audio = sound(0.2 * steady * rng.standard_normal((count, channels)), rate)
        expected = meter.integrated_loudness(audio.samples.astype(float))
        assert integrated_lufs(audio) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("duration_s", [0.01, 0.1, 0.25, 0.399, 0.4])
def test_a_sound_shorter_than_a_block_is_followed_by_silence(duration_s: float) -> None:
    burst = tone(-6, duration_s, hz=997, channels=1)
    padded = np.zeros((round(0.4 * RATE), 1))
    padded[: len(burst.samples)] = burst.samples
    assert integrated_lufs(burst) == pytest.approx(integrated_lufs(sound(padded)), abs=0.02)
    expected = -6 - 3.01 + 10 * math.log10(duration_s / 0.4)
    if duration_s > 0.05:  # a shorter tone is a click, not 997 Hz
        assert integrated_lufs(burst) == pytest.approx(expected, abs=0.15)


def test_what_is_below_the_absolute_gate_has_no_loudness() -> None:
    assert integrated_lufs(tone(-75, 2)) == -math.inf
    assert integrated_lufs(tone(-69, 2)) == pytest.approx(-69, abs=0.1)


def test_mono_is_one_channel_and_other_rates_agree() -> None:
    assert short_term_max_lufs(tone(-23, 5, channels=1)) == pytest.approx(-26.01, abs=0.1)
    time_s = np.arange(5 * 44_100) / 44_100
    wave = 10 ** (-23 / 20) * np.sin(2 * np.pi * 1000 * time_s)
    audio = sound(np.stack((wave, wave), axis=1), 44_100)
    assert short_term_max_lufs(audio) == pytest.approx(-23, abs=0.1)


def test_a_sound_shorter_than_the_window_is_followed_by_silence() -> None:
    assert short_term_max_lufs(tone(-23, 1.5)) == pytest.approx(-23 - 3.01, abs=0.1)
    assert len(short_term_lufs(tone(-23, 0.1))) == 1


def test_silence_and_emptiness_have_no_loudness() -> None:
    silence, empty = sound(np.zeros((RATE, 1))), sound(np.zeros((0, 1)))
    for audio in (silence, empty):
        assert short_term_max_lufs(audio) == -math.inf
        assert integrated_lufs(audio) == -math.inf
        assert true_peak_dbtp(audio) == -math.inf
    tail = short_term_lufs(joined(tone(-23, 1), sound(np.zeros((6 * RATE, 2)))))
    assert tail[-1] == -math.inf


def test_more_than_two_channels_are_refused() -> None:
    with pytest.raises(ValueError, match="mono or stereo"):
        short_term_max_lufs(sound(np.zeros((RATE, 6))))


def sparse(duration_s: float, rate: int, channels: int) -> Audio:
    """Bursts of noise in digital silence, some of them across whole seconds."""
    rng = np.random.default_rng(5)
    samples = np.zeros((round(duration_s * rate), channels))
    for start_s, level in ((0.9, 0.1), (1.4, 0.003), (1.99, 0.4), (6.2, 0.2), (6.95, 0.35)):
        count = round(0.3 * rate)
        shape = level * np.exp(-np.arange(count) / (0.05 * rate))[:, None]
        samples[round(start_s * rate) :][:count] += shape * rng.standard_normal((count, channels))
    return sound(samples, rate)


def lufs_as_a_whole(audio: Audio, window_s: float, hop_s: float) -> np.ndarray:  # type: ignore[type-arg]
    """Loudness of every window, filtered and summed over the whole sound at once, (T,)."""
    window, hop = round(window_s * audio.sample_rate_hz), round(hop_s * audio.sample_rate_hz)
    samples = audio.samples.astype(float)
    power = (sosfilt(k_weighting(audio.sample_rate_hz), samples, axis=0) ** 2).sum(axis=1)
    total = np.concatenate(([0.0], np.cumsum(power)))
    starts = np.arange(0, len(power) - window + 1, hop)
    means = (total[starts + window] - total[starts]) / window
    means[means < 1e-15 * total[-1] / window] = 0.0
    with np.errstate(divide="ignore"):
        return np.asarray(-0.691 + 10 * np.log10(means))


@pytest.mark.parametrize("rate", [48_000, 44_100, 8_025])
@pytest.mark.parametrize("channels", [1, 2])
def test_measuring_in_pieces_is_measuring_as_a_whole(rate: int, channels: int) -> None:
    audio = sparse(9.37, rate, channels)
    short_term = lufs_as_a_whole(audio, 3.0, 0.01)
    found, heard = short_term_lufs(audio), short_term > -90.0
    assert 0.5 < heard.mean() < 1.0
    np.testing.assert_allclose(found[heard], short_term[heard], rtol=0, atol=1e-6)
    assert found[~heard].max() < -89.0
    assert short_term_max_lufs(audio) == pytest.approx(short_term.max(), abs=1e-9)
    momentary = lufs_as_a_whole(audio, 0.4, 0.01)
    assert momentary_max_lufs(audio) == pytest.approx(momentary.max(), abs=1e-9)
    dense = np.abs(resample_poly(audio.samples.astype(float), 4, 1, axis=0)).max(axis=1)
    assert true_peak_dbtp(audio) == pytest.approx(20 * math.log10(dense.max()), abs=1e-9)
    peaks = true_peaks(audio, 100, least=0.0)
    each = np.maximum.reduceat(dense, np.arange(0, len(dense), 400))
    np.testing.assert_allclose(peaks[:-1], each[:-1], rtol=1e-9, atol=1e-12)
    assert peaks[-1] >= each[-1] - 1e-12  # here the last sample's ringing into silence counts
    reaching = true_peaks(audio, 100, least=0.2)
    assert 0 < np.count_nonzero(reaching) < np.count_nonzero(peaks)
    np.testing.assert_allclose(np.maximum(reaching, 0.2), np.maximum(peaks, 0.2), rtol=1e-12)


@pytest.mark.parametrize("measure", [integrated_lufs, short_term_max_lufs, true_peak_dbtp])
def test_measuring_a_long_clip_takes_no_copy_of_it(
    measure: Callable[[Audio], float],
) -> None:
    audio = sound(np.zeros((10 * 60 * RATE, 1)))
    for minute in (0, 1, 9):
        audio.samples[minute * 60 * RATE :][: 9 * RATE] = sparse(9, RATE, 1).samples
    tracemalloc.start()
    level = measure(audio)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert math.isfinite(level)
    assert peak < 0.1 * audio.samples.nbytes
