"""A floor that crumbles: stochastic collisions of grains (PhISEM, Cook 1997).

The force puts energy into a system of grains; the energy decays; grains collide at random, the
more often and the harder the more energy there is; each collision is a short burst in a grain's
resonance. "Physically Informed Sonic Modeling (PhISM): Synthesis of Percussive Sounds", Computer
Music Journal 21(3).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from otio_foley.synthesis import SAMPLE_RATE_HZ
from otio_foley.synthesis.gait import StepForce
from otio_foley.types import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Grains:
    """A crumbling floor.

    `rate_hz` collisions a second at the energy of a heel strike; `system_decay_s` time constant of
    that energy; `grain_decay_s` of one collision; `resonances` are (Hz, Q, dB) and `spread` the
    standard deviation of ln(frequency) from grain to grain; `roll` is how much the slow load
    crumbles compared with the impacts; `size_spread` the standard deviation of ln(loudness).
    """

    rate_hz: float
    system_decay_s: float
    grain_decay_s: float
    resonances: tuple[tuple[float, float, float], ...]
    spread: float
    roll: float
    size_spread: float


_KINDS_PER_RESONANCE: Final = 3
_FIRST_S: Final = 0.0008
_FIRST_HITS: Final = 4
_DIED_AWAY: Final = 12.0  # time constants: -104 dB
_LARGEST: Final = 1.8  # standard deviations
_SHIFTING: Final = 0.08
_RUB_S: Final = 0.1  # by then the sole has pushed aside what it could
_IMPACT_S: Final = 0.006


def crumble(
    grains: Grains, force: StepForce, count: int, detune: float, rng: np.random.Generator
) -> FloatArray:
    """(count,) sound of a step on grains, of no particular level."""
    energy = _energy(grains, force, count)
    at, strengths = _collisions(energy, grains, rng)
    # Nothing sounds after the last collision has died away.
    heard = min(count, int(at.max()) + round(_DIED_AWAY * grains.grain_decay_s * SAMPLE_RATE_HZ))
    noise = rng.standard_normal(heard)
    kinds = [
        (frequency_hz * detune * math.exp(grains.spread * rng.standard_normal()), q, gain_db)
        for frequency_hz, q, gain_db in grains.resonances
        for _ in range(_KINDS_PER_RESONANCE)
    ]
    keep = math.exp(-1 / (grains.grain_decay_s * SAMPLE_RATE_HZ))
    which = rng.integers(len(kinds), size=len(at))
    out = np.zeros(count)
    for kind, (frequency_hz, q, gain_db) in enumerate(kinds):
        hits = np.zeros(heard)
        hits[at[which == kind]] = strengths[which == kind]
        # The 1e-30 keeps the recursive filters out of denormal numbers, which are slow.
        bursts = lfilter([1.0], [1.0, -keep], hits + 1e-30) * noise
        out[:heard] += 10 ** (gain_db / 20) * _grain_filter(bursts, frequency_hz, q)
    return out


def _energy(grains: Grains, force: StepForce, count: int) -> FloatArray:
    """Energy of the grains over time, (count,), about 1 after an ordinary heel strike."""
    blows = np.zeros(count)
    length = round(_IMPACT_S * SAMPLE_RATE_HZ)
    for impact in force.impacts:
        at = round(impact.at * SAMPLE_RATE_HZ)
        stop = min(at + length, count)
        blows[at:stop] += impact.weight / length
    for rub in force.rubs:
        stop_s = min(rub.stop, rub.start + _RUB_S)
        start, stop = round(rub.start * SAMPLE_RATE_HZ), round(stop_s * SAMPLE_RATE_HZ)
        blows[start:stop] += 0.6 * rub.weight / max(1, stop - start)
    # Grains break where the load is higher than it has been (they are compacted for good); going
    # back to an earlier load only shifts them.
    change = np.diff(force.load, prepend=0.0)
    fresh = np.diff(np.maximum.accumulate(force.load), prepend=0.0)
    stop = min(count, len(change))
    blows[:stop] += grains.roll * (fresh + _SHIFTING * np.abs(change))[:stop]
    keep = math.exp(-1 / (grains.system_decay_s * SAMPLE_RATE_HZ))
    energy: FloatArray = lfilter([1.0], [1.0, -keep], blows)
    return energy


def _collisions(
    energy: FloatArray, grains: Grains, rng: np.random.Generator
) -> tuple[NDArray[np.intp], FloatArray]:
    """Sample numbers (K,) and strengths (K,) of a Poisson process of collisions.

    The foot touches the topmost grains first: a few certain hits at the contact, without which
    the onset would be a matter of luck.
    """
    chance = np.minimum(1.0, grains.rate_hz * energy / SAMPLE_RATE_HZ)
    at = np.flatnonzero(rng.random(len(energy)) < chance)
    touched = _FIRST_HITS + round(grains.rate_hz * _FIRST_S)
    first = rng.integers(0, round(_FIRST_S * SAMPLE_RATE_HZ), size=touched)
    # Without a largest grain one in a thousand would stand out as a click.
    sizes = np.exp(grains.size_spread * np.minimum(rng.standard_normal(len(at)), _LARGEST))
    firm = np.exp(
        0.5 * grains.size_spread * np.minimum(np.abs(rng.standard_normal(touched)), _LARGEST)
    )
    return np.concatenate((first, at)), np.concatenate((firm, sizes * np.sqrt(energy[at])))


def _grain_filter(bursts: FloatArray, frequency_hz: float, q: float) -> FloatArray:
    """Two equal two-pole resonances (zeros at 0 Hz and Nyquist), unit gain at their peak."""
    angle = 2 * math.pi * min(frequency_hz, 0.4 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    alpha = math.sin(angle) / (2 * q)
    zeros = np.array([alpha, 0.0, -alpha]) / (1 + alpha)
    poles = np.array([1 + alpha, -2 * math.cos(angle), 1 - alpha]) / (1 + alpha)
    filtered: FloatArray = lfilter(np.convolve(zeros, zeros), np.convolve(poles, poles), bursts)
    return filtered
