"""A floor that rings: impacts into a bank of damped resonators."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.signal import butter, sosfilt

from otio_foley.synthesis import SAMPLE_RATE_HZ, energy
from otio_foley.synthesis.gait import Impact, Rub, StepForce
from otio_foley.synthesis.modes import modal_bank
from otio_foley.synthesis.shoes import Shoe
from otio_foley.types import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Solid:
    """A solid floor.

    `contact_ms` is the time a rigid heel would be compressed on it, `brightness_hz` where the
    noise of rough contact falls off, `contact_db` how much of that noise there is, `modes` are
    (frequency in Hz, T60 in s, dB), `thump_db` the body's weight coming down on it below 120 Hz.
    """

    contact_ms: float
    brightness_hz: float
    contact_db: float
    thump_db: float
    modes: tuple[tuple[float, float, float], ...]


_THUMP_HZ: Final = 72.0
_THUMP_T60_S: Final = 0.11
_NOISE_FLOOR_HZ: Final = 120.0
_HEEL_ROLL_S: Final = 0.004
_PARTS_OF_HEEL: Final = 4
_ROUGHNESS: Final = 0.5  # asperities strike the modes too, or only the lowest would ring


def ring(
    solid: Solid, shoe: Shoe, force: StepForce, count: int, detune: float, rng: np.random.Generator
) -> FloatArray:
    """(count,) sound of a step on a solid floor, of no particular level.

    `detune` multiplies every frequency (one foot against the other).
    """
    pulses, noise = _excitation(solid, shoe, force, count, rng)
    # The quadrature puts two springs in series: the softer of shoe and floor decides.
    corner_hz = 1 / math.hypot(1 / shoe.brightness_hz, 1 / solid.brightness_hz)
    contact = coloured(noise, corner_hz * (1 + 0.05 * rng.standard_normal()))
    # What radiates is acceleration, so the modes are driven by the change of the force.
    struck = _with_energy_of(np.diff(pulses, prepend=0.0), pulses) + _ROUGHNESS * contact
    shoe_modes = zip(shoe.modes_hz, shoe.modes_t60_s, shoe.modes_db, strict=True)
    sound = modal_bank(struck, (*solid.modes, *shoe_modes), detune, rng)
    thump = modal_bank(pulses, ((_THUMP_HZ, _THUMP_T60_S, 0.0),), detune, rng)
    sound += shoe.weight * 10 ** (solid.thump_db / 20) * thump
    return sound + 10 ** (solid.contact_db / 20) * contact


def coloured(noise: FloatArray, corner_hz: float) -> FloatArray:
    """White noise (N,) kept between 120 Hz and a corner, its energy in all kept as it was.

    Two poles a side, minimum phase, so that it starts at once.
    """
    corner_hz = min(corner_hz, 0.4 * SAMPLE_RATE_HZ)
    band = butter(2, (_NOISE_FLOOR_HZ, corner_hz), "bandpass", fs=SAMPLE_RATE_HZ, output="sos")
    filtered: FloatArray = sosfilt(band, noise)
    return _with_energy_of(filtered, noise)


def _excitation(
    solid: Solid, shoe: Shoe, force: StepForce, count: int, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Smooth force pulses and the noise of rough contact, (count,) each."""
    # Far below hearing; it keeps the recursive filters out of denormal numbers, which are slow.
    pulses, noise = np.full((2, count), 1e-30)
    contact_s = math.hypot(shoe.contact_ms, solid.contact_ms) / 1000
    for impact in force.impacts:
        _strike(pulses, noise, impact, contact_s * impact.softness, rng)
    for rub in force.rubs:
        _rub(noise, rub, shoe.scuff, rng)
    return pulses, noise


def _strike(
    pulses: FloatArray,
    noise: FloatArray,
    impact: Impact,
    contact_s: float,
    rng: np.random.Generator,
) -> None:
    """Add one impact: pulses that rise faster than they fall, and noise while they last.

    A heel comes down at an angle, its edge first and the rest within some 4 ms. Both parts have
    unit energy times the impact's weight, so that a softer contact is duller, not quieter.
    """
    at = round(impact.at * SAMPLE_RATE_HZ)
    width = max(3, round(contact_s * SAMPLE_RATE_HZ))
    # Force jumps up within a tenth of the contact time and relaxes: -6 dB an octave above the
    # contact's own frequency, where a smooth hump would leave nothing for the upper modes.
    share = np.arange(1, 2 * width + 1) / width
    pulse = (1 - np.exp(-share / 0.06)) * np.exp(-share / 0.35) * (1 - share / 2.01)
    roll = round(_HEEL_ROLL_S * impact.softness * SAMPLE_RATE_HZ)
    later = rng.integers(1, roll, size=_PARTS_OF_HEEL - 1)
    rolled = np.zeros(roll + len(pulse))
    for start, weight in zip((0, *later), rng.uniform(0.6, 1.0, _PARTS_OF_HEEL), strict=True):
        rolled[start : start + len(pulse)] += weight * pulse
    _add(pulses, at, impact.weight * rolled / math.sqrt(energy(rolled)))
    # Sole and floor go on touching anew for a few contact times (tread, sole curling).
    length = 6 * width + 2 * roll
    rough = np.exp(-np.arange(length) / (1.3 * width + 0.5 * roll)) * rng.standard_normal(length)
    _add(noise, at, impact.weight * rough / math.sqrt(energy(rough)))


def _rub(noise: FloatArray, rub: Rub, scuff: float, rng: np.random.Generator) -> None:
    """Add stick-slip noise: amplitude flutters at some 20 to 40 Hz under a hump."""
    at = round(rub.start * SAMPLE_RATE_HZ)
    length = max(3, round((rub.stop - rub.start) * SAMPLE_RATE_HZ))
    share = np.arange(length) / length
    knots = max(3, round(30 * length / SAMPLE_RATE_HZ) + 2)
    flutter = np.interp(share, np.linspace(0, 1, knots), rng.uniform(0.3, 1.0, knots))
    # Quick rise, slow fall: a foot starts to slide abruptly and is braked.
    hump = np.minimum(1.0, share / 0.04) * (1 - share) ** 1.2
    sliding = hump * flutter * rng.standard_normal(length)
    _add(noise, at, scuff * rub.weight * sliding / math.sqrt(energy(sliding)))


def _with_energy_of(sound: FloatArray, reference: FloatArray) -> FloatArray:
    """`sound` scaled to the energy of `reference`."""
    own = energy(sound)
    return sound * math.sqrt(energy(reference) / own) if own else sound


def _add(target: FloatArray, at: int, part: FloatArray) -> None:
    stop = min(at + len(part), len(target))
    if stop > at:
        target[at:stop] += part[: stop - at]
