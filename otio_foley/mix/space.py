"""Distance and room: what the air takes away and what the walls give back.

Distance has three parts here. Level is the displacement layer's, which reads it off the picture.
Air takes the treble. Walls add reflections whose level hardly depends on distance: as the direct
sound falls by 6 dB a doubling, their share grows. Both filters begin at the sample itself, so
that an attack stays where the picture has it; the sound's way to the camera can be asked for
(`delay_samples`) but is the mixer's choice, for in films a far step sounds when it is seen.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy import fft
from scipy.signal import butter, lfilter, oaconvolve, sosfilt

from otio_foley.mix.blocks import blocks, largest_magnitude
from otio_foley.types import Audio, FloatArray

REFERENCE_DISTANCE_M: Final = 3.0
"""Up to here a step sounds as it was made: what foley is recorded for."""

FARTHEST_M: Final = 200.0
"""Beyond, the air takes no more: 8 kHz is 20 dB down by then, and a step hardly to be heard."""

MICROPHONE_SHARE: Final = 0.5
"""A boom hangs about halfway between camera and actor, and films sound the way it hears them."""

MAX_SEND_DB: Final = 0.0
"""Reflections are never louder than the direct sound: microphones stay inside the critical
distance, and a step that drowned in its room would have no attack to be in step with."""

SOUND_S_PER_M: Final = 0.0029  # 343.2 m/s at 20 C

_AIR_TAPS: Final = 256
_AIR_GRID: Final = 8192
_MOST_LOSS_DB: Final = 60.0
_STEPS_PER_DOUBLING: Final = 2
_NEAREST_STEP_M: Final = 2.5  # 0.3 dB at 8 kHz
_STEP_BAND_HZ: Final = (50.0, 10_000.0)  # where steps have what is heard of them
_HEARD: Final = 1e-9  # -180 dB: what a transform's rounding leaves in silence is not sound
_END_FADE_S: Final = 0.05
_BANDS_HZ: Final = (125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0)
_LOW_CUT_HZ: Final = 150.0
_FIRST_REFLECTION_S: Final = 0.001  # sooner is the floor under the foot: part of the step
_ORDERS: Final = 6
_RING_S: Final = 1.2  # of the longest decay: 72 dB
_BLOCK_S: Final = 1.0  # what rings on is as long: shorter ones would transform mostly that


@dataclass(frozen=True, slots=True, kw_only=True)
class DistancePoint:
    """A corner of a distance curve: straight in metres between points, level before and after."""

    time_s: float
    distance_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """Where a step is heard: a box with sides that reflect more or less, and its diffuse field.

    `size_m`, `step_m` and `microphone_m` are (x, y, z); `walls` the share of pressure that each
    side gives back (x low, x high, y low, y high, floor, ceiling; 0 = open), `dulling` the share
    of treble that one reflection takes (coefficient of a one-pole low-pass, 0..1); `decay_s` the
    reverberation time in octaves from 125 Hz to 8 kHz (none: no diffuse field);
    `diffuse_from_s` when the field has built up, `diffuse_share` its part of the reflected energy.
    At `critical_distance_m` reflections carry as much energy as the direct sound, for a sound with
    equal energy in every octave, which is nearer to a step than white noise.
    """

    name: str
    size_m: tuple[float, float, float] = (1.0, 1.0, 1.0)
    step_m: tuple[float, float, float] = (0.5, 0.5, 0.0)
    microphone_m: tuple[float, float, float] = (0.5, 0.5, 1.0)
    walls: tuple[float, float, float, float, float, float] = (0.0,) * 6
    dulling: float = 0.0
    decay_s: tuple[float, ...] = ()
    diffuse_from_s: float = 0.0
    diffuse_share: float = 0.0
    critical_distance_m: float = math.inf


SPACES: Final[Mapping[str, Space]] = MappingProxyType(
    {
        space.name: space
        for space in (
            Space(name="none"),
            # A street: a house front 9 m to one side, another one 14 m to the other, no ceiling.
            # Little comes back late (towns decay in about 0.5 s at low level: Picaut & Simon 2001).
            Space(
                name="exterior",
                size_m=(23.0, 60.0, 30.0),
                step_m=(9.0, 30.0, 0.0),
                microphone_m=(9.6, 32.8, 1.6),
                walls=(0.7, 0.6, 0.0, 0.0, 0.9, 0.0),
                dulling=0.35,
                decay_s=(0.5, 0.5, 0.5, 0.45, 0.4, 0.3, 0.2),
                diffuse_from_s=0.02,
                diffuse_share=0.25,
                critical_distance_m=30.0,
            ),
            # A furnished living room: decays of 0.3 to 0.5 s are what is measured in homes
            # (IEC 60268-13 asks for 0.3..0.6).
            # Critical distance 0.057 sqrt(Q V / T) with V = 56 m3, Q = 4 of a boom's
            # hypercardioid (Kuttruff, Room Acoustics): 1.35 m.
            Space(
                name="small-room",
                size_m=(4.2, 5.1, 2.6),
                step_m=(1.3, 1.6, 0.0),
                microphone_m=(2.4, 4.1, 1.5),
                walls=(0.80, 0.75, 0.78, 0.72, 0.85, 0.80),
                dulling=0.30,
                decay_s=(0.50, 0.45, 0.42, 0.40, 0.38, 0.35, 0.28),
                diffuse_from_s=0.012,
                diffuse_share=0.45,
                critical_distance_m=1.35,
            ),
            # A foyer or gymnasium of 3500 m3: 0.057 sqrt(4 * 3456 / 1.8) = 5.0 m. Air alone caps
            # the decay at 8 kHz near 1.4 s (0.161 / 4m), walls take the rest.
            Space(
                name="hall",
                size_m=(24.0, 16.0, 9.0),
                step_m=(9.0, 7.0, 0.0),
                microphone_m=(13.0, 9.2, 1.7),
                walls=(0.90, 0.88, 0.90, 0.87, 0.95, 0.85),
                dulling=0.20,
                decay_s=(2.1, 2.0, 1.9, 1.8, 1.6, 1.2, 0.7),
                diffuse_from_s=0.045,
                diffuse_share=0.65,
                critical_distance_m=5.0,
            ),
        )
    }
)
"""By name; sizes and surfaces are those of ordinary places of each kind, chosen by us."""


def air_absorption_db_per_m(
    frequency_hz: ArrayLike, *, temperature_c: float = 20.0, humidity_percent: float = 50.0
) -> FloatArray:
    """What air takes from a pure tone (F,) Hz in dB a metre, (F,): ISO 9613-1:1993, eq. 3 to 5.

    At sea level (101.325 kPa).
    """
    square = np.asarray(frequency_hz, dtype=np.float64) ** 2
    kelvin = temperature_c + 273.15
    relative = kelvin / 293.15
    saturation = 10 ** (-6.8346 * (273.16 / kelvin) ** 1.261 + 4.6151)
    water = humidity_percent * saturation  # molar concentration of vapour, percent
    oxygen_hz = 24 + 4.04e4 * water * (0.02 + water) / (0.391 + water)
    nitrogen_hz = relative**-0.5 * (9 + 280 * water * math.exp(-4.170 * (relative ** (-1 / 3) - 1)))
    oxygen = 0.01275 * math.exp(-2239.1 / kelvin) / (oxygen_hz + square / oxygen_hz)
    nitrogen = 0.1068 * math.exp(-3352.0 / kelvin) / (nitrogen_hz + square / nitrogen_hz)
    classical = 1.84e-11 * relative**0.5
    loss: FloatArray = 8.686 * square * (classical + relative**-2.5 * (oxygen + nitrogen))
    return loss


def delay_samples(distance_m: float, sample_rate_hz: int) -> int:
    """How much later than seen a sound from that far away is heard (2.9 ms a metre)."""
    return round(max(0.0, distance_m) * SOUND_S_PER_M * sample_rate_hz)


def absorb_air(audio: Audio, distance: Sequence[DistancePoint], *, start_s: float) -> None:
    """Take from mono (N, 1) what the air takes between 3 m and each distance, in place.

    The sound's first sample lies at `start_s` of the curve's clock; no points: nothing changes.
    Minimum phase, so the attack stays. Between the distances for which filters are kept, sound
    goes through both neighbours by shares (within 0.5 dB up to 8 kHz). Raises ValueError where
    there is more than one channel.
    """
    ladder = _ladder_m()

    def filtered(block: FloatArray, times_s: FloatArray) -> FloatArray:
        rung = np.interp(distance_at(distance, times_s), ladder, np.arange(len(ladder)))
        out = np.zeros(len(block) + _AIR_TAPS - 1)
        for number in range(math.floor(rung.min()), math.ceil(rung.max()) + 1):
            sent = block * np.maximum(0.0, 1 - np.abs(rung - number))
            if number == 0:
                out[: len(block)] += sent
            else:
                taps = air_filter(float(ladder[number]), audio.sample_rate_hz)
                out += oaconvolve(sent, taps)
        return out

    farthest = max((point.distance_m for point in distance), default=0.0)
    if farthest > REFERENCE_DISTANCE_M:
        _streamed(audio, filtered, _AIR_TAPS, start_s=start_s, keep=False)


def add_reflections(
    audio: Audio, space: Space, distance: Sequence[DistancePoint], *, start_s: float
) -> None:
    """Add to mono (N, 1) what a space gives back of it, in place; the length stays.

    The direct sound is not touched: up to the first reflection of a step not a bit changes. What
    rings on beyond the end is faded out over the last 50 ms. Distance as in `absorb_air`; without
    points it is the reference distance of 3 m. Raises ValueError where there is more than one
    channel.
    """
    if math.isinf(space.critical_distance_m):
        return
    rate = audio.sample_rate_hz
    response = impulse_response(space, rate)
    block_size = (
        max(len(block) for _, block in blocks(audio, _BLOCK_S)) if len(audio.samples) else 0
    )
    size = fft.next_fast_len(block_size + len(response) - 1, real=True)
    spectrum = fft.rfft(response, size)

    def reflected(block: FloatArray, times_s: FloatArray) -> FloatArray:
        send = 10 ** (send_db(space, distance_at(distance, times_s)) / 20)
        wet: FloatArray = fft.irfft(fft.rfft(block * send, size) * spectrum, size)
        return wet[: len(block) + len(response) - 1]

    _streamed(audio, reflected, len(response), start_s=start_s, keep=True)


def send_db(space: Space, distance_m: ArrayLike) -> FloatArray:
    """Energy of the reflections against the direct sound at distances (T,) m, (T,) dB."""
    metres = np.maximum(np.asarray(distance_m, dtype=np.float64), 0.1)
    level: FloatArray = 20 * np.log10(MICROPHONE_SHARE * metres / space.critical_distance_m)
    return np.minimum(level, MAX_SEND_DB)


@lru_cache(maxsize=64)
def air_filter(distance_m: float, sample_rate_hz: int) -> FloatArray:
    """Taps (256,) that take what air takes beyond 3 m up to `distance_m`; minimum phase.

    The phase comes from the logarithm of the magnitude by folding its cepstrum (Oppenheim &
    Schafer, Discrete-Time Signal Processing, 13.6).
    """
    frequency_hz = fft.rfftfreq(_AIR_GRID, 1 / sample_rate_hz)
    loss_db = (distance_m - REFERENCE_DISTANCE_M) * air_absorption_db_per_m(frequency_hz)
    # 60 dB down nobody hears the difference, and the logarithm stays one that 256 taps can follow.
    soft = loss_db / (1 + (loss_db / _MOST_LOSS_DB) ** 4) ** 0.25
    cepstrum = fft.irfft(-soft * math.log(10) / 20, _AIR_GRID)
    cepstrum[1 : _AIR_GRID // 2] *= 2
    cepstrum[_AIR_GRID // 2 + 1 :] = 0
    taps: FloatArray = fft.irfft(np.exp(fft.rfft(cepstrum)), _AIR_GRID)[:_AIR_TAPS]
    quarter = _AIR_TAPS // 4
    taps[-quarter:] *= 0.5 + 0.5 * np.cos(math.pi * np.arange(1, quarter + 1) / quarter)
    taps.flags.writeable = False
    return taps


@lru_cache(maxsize=8)
def impulse_response(space: Space, sample_rate_hz: int) -> FloatArray:
    """Reflections of a space without the direct sound, (L,); the same on every machine.

    Pink noise from 50 Hz to 10 kHz comes out with the power that went in.
    Raises ValueError for a space that gives nothing back.
    """
    length = round(_RING_S * max(space.decay_s, default=0.0) * sample_rate_hz) + 1
    share = space.diffuse_share
    response = np.zeros(length)
    # All walls push the same way at low pitches: without a low cut, as mixers have it on every
    # reverb, a soft step would swell after its attack.
    low_cut = butter(2, _LOW_CUT_HZ, "highpass", fs=sample_rate_hz, output="sos")
    for part, power in (
        (_images(space, sample_rate_hz, length), 1 - share),
        (_diffuse(space, sample_rate_hz, length), share),
    ):
        if part.any():
            part = sosfilt(low_cut, part)
            response += math.sqrt(power) / _pink_gain(part, sample_rate_hz) * part
    gain = _pink_gain(response, sample_rate_hz) if response.any() else 0.0
    if gain == 0.0:
        raise ValueError(f"the space {space.name!r} gives nothing back")
    response /= gain
    response.flags.writeable = False
    return response


def _pink_gain(taps: FloatArray, rate: int) -> float:
    """By how much taps (L,) change the root mean square of pink noise in the band of steps."""
    frequency_hz = fft.rfftfreq(len(taps), 1 / rate)
    low_hz, high_hz = _STEP_BAND_HZ
    inside = (frequency_hz >= low_hz) & (frequency_hz <= high_hz)
    power = np.abs(fft.rfft(taps)[inside]) ** 2
    return math.sqrt(float(np.average(power, weights=1 / frequency_hz[inside])))


def _images(space: Space, rate: int, length: int) -> FloatArray:
    """Early reflections (length,): image sources of the box (Allen & Berkley 1979)."""
    direct_m = math.dist(space.step_m, space.microphone_m)
    by_order = np.zeros((_ORDERS + 1, length))
    axes = [_axis_images(space, axis) for axis in range(3)]
    for x, x_gain, x_order in axes[0]:
        for y, y_gain, y_order in axes[1]:
            for z, z_gain, z_order in axes[2]:
                order = x_order + y_order + z_order
                gain = x_gain * y_gain * z_gain
                if order > _ORDERS or gain == 0.0:
                    continue
                far_m = math.hypot(x, y, z)
                late_s = (far_m - direct_m) * SOUND_S_PER_M
                at = round(late_s * rate)
                if late_s >= _FIRST_REFLECTION_S and at < length:
                    by_order[order, at] += gain * direct_m / far_m
    # Each reflection takes treble once more than the one before it: from the last order down.
    out = np.zeros(length)
    for arrivals in by_order[::-1]:
        out = arrivals + lfilter([1 - space.dulling], [1.0, -space.dulling], out)
    return out


def _axis_images(space: Space, axis: int) -> list[tuple[float, float, int]]:
    """Along one axis: way from each image to the microphone (m), its gain, how often reflected."""
    size, step = space.size_m[axis], space.step_m[axis]
    low, high = space.walls[2 * axis], space.walls[2 * axis + 1]
    images = []
    for turn in range(-_ORDERS, _ORDERS + 1):
        for mirrored in (0, 1):
            at = 2 * turn * size + (-step if mirrored else step)
            of_low, of_high = abs(turn - mirrored), abs(turn)
            order = of_low + of_high
            if order <= _ORDERS:
                gain = low**of_low * high**of_high
                images.append((at - space.microphone_m[axis], gain, order))
    return images


def _diffuse(space: Space, rate: int, length: int) -> FloatArray:
    """Late field (length,): noise whose octaves die away each in its own time."""
    out = np.zeros(length)
    if not space.decay_s:
        return out
    seed = hashlib.sha256(f"space\x1f{space.name}".encode()).digest()
    noise = np.random.Generator(np.random.PCG64(int.from_bytes(seed, "big")))
    spectrum = fft.rfft(noise.standard_normal(length))
    octave = np.log2(np.maximum(fft.rfftfreq(length, 1 / rate), 1.0) / _BANDS_HZ[0])
    octave = np.clip(octave, 0, len(_BANDS_HZ) - 1)
    time_s = np.arange(length) / rate
    for number, decay_s in enumerate(space.decay_s):
        # Neighbouring octaves share power by a squared cosine.
        near = np.cos(0.5 * math.pi * np.minimum(np.abs(octave - number), 1.0))
        band = fft.irfft(spectrum * near, length)
        # An octave that dies sooner begins as loud: steady noise fills all alike.
        out += band * 10 ** (-3 * time_s / decay_s)
    built_up = np.clip(time_s / space.diffuse_from_s - 0.25, 0.0, 1.0)
    out *= built_up**2
    end = min(length, round(_END_FADE_S * rate))
    out[length - end :] *= np.linspace(1.0, 0.0, end)
    return out


def _ladder_m() -> FloatArray:
    """Distances for which there are air filters, from 3 m up to the farthest, (D,)."""
    doublings = math.log2((FARTHEST_M - REFERENCE_DISTANCE_M) / _NEAREST_STEP_M)
    rungs = np.linspace(0.0, doublings, math.ceil(doublings * _STEPS_PER_DOUBLING) + 1)
    beyond = np.concatenate(([0.0], _NEAREST_STEP_M * 2**rungs))
    ladder: FloatArray = REFERENCE_DISTANCE_M + beyond
    return ladder


def distance_at(distance: Sequence[DistancePoint], times_s: ArrayLike) -> FloatArray:
    """Distance of a curve at times (T,), in metres; 3 m where the curve has no points."""
    times_s = np.asarray(times_s, dtype=np.float64)
    if not distance:
        return np.full(times_s.shape, REFERENCE_DISTANCE_M)
    metres: FloatArray = np.interp(
        times_s,
        [point.time_s for point in distance],
        [point.distance_m for point in distance],
    )
    return metres


def _streamed(
    audio: Audio,
    filtered: Callable[[FloatArray, FloatArray], FloatArray],
    taps: int,
    *,
    start_s: float,
    keep: bool,
) -> None:
    """Lay what a filter of `taps` makes of each second over the sound, in place.

    `filtered` takes a second (M,) and its times (M,) and gives (M + taps - 1,). What rings on
    waits in a buffer, so that a second is read before anything is written to it; seconds of
    silence in which nothing rings are left alone. Only what is added (`keep`) is faded at the end.
    """
    if audio.samples.ndim != 2 or audio.samples.shape[1] != 1:
        raise ValueError(f"mono as (N, 1) expected, got shape {audio.samples.shape}")
    rate, length = audio.sample_rate_hz, len(audio.samples)
    fade = min(round(_END_FADE_S * rate), length)
    waiting = np.zeros(0)
    for first, block in blocks(audio, _BLOCK_S):
        count = len(block)
        if largest_magnitude(block) > 0.0:
            times_s = start_s + np.arange(first, first + count) / rate
            out = filtered(block[:, 0].astype(np.float64), times_s)
            out[np.abs(out) < _HEARD] = 0.0
            out[: len(waiting)] += waiting
        elif waiting.any():
            out = np.pad(waiting, (0, max(0, count + taps - 1 - len(waiting))))
        else:
            continue
        now, waiting = out[:count], out[count:]
        if not keep:
            block[:, 0] = now
            continue
        _fade_out(now, first - (length - fade), fade)
        block[:, 0] += now.astype(np.float32)


def _fade_out(samples: FloatArray, into: int, fade: int) -> None:
    """Fade samples (M,) in place whose first one lies `into` a fade of that many samples."""
    begin = max(0, -into)
    if begin < len(samples):
        position = np.arange(begin + into, len(samples) + into)
        samples[begin:] *= 0.5 + 0.5 * np.cos(math.pi * (position + 1) / fade)
