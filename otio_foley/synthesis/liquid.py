"""A floor that splashes: noise of the sheet of water, then bubbles.

A bubble of radius r (m) rings at 3 / r Hz with damping 0.13 / r + 0.0072 r^-1.5 per second and
rises in pitch as it nears the surface (van den Doel 2005, "Physically based models for liquid
sounds", ACM TAP 2(4)).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.signal import butter, sosfilt

from otio_foley.synthesis import SAMPLE_RATE_HZ, energy
from otio_foley.synthesis.gait import StepForce
from otio_foley.types import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Splash:
    """Shallow water: `sheet_hz` band and `sheet_decay_s` of the splash, `bubbles` per step,
    their `radius_mm` range, `spray_s` time constant of their coming, `bubbles_db` their energy
    against the sheet's.
    """

    sheet_hz: tuple[float, float]
    sheet_decay_s: float
    bubbles: int
    radius_mm: tuple[float, float]
    spray_s: float
    bubbles_db: float


_RISE_OF_PITCH: Final = 0.1  # xi in van den Doel's f(t) = f0 (1 + xi d t)
_SHEET_RISE_S: Final = 0.002
_DROPLETS: Final = 35


def splash(
    water: Splash, force: StepForce, count: int, detune: float, rng: np.random.Generator
) -> FloatArray:
    """(count,) sound of a step into shallow water, of no particular level."""
    sheet = _sheet(water, force, count, rng)
    bubbles = _bubbles(water, force, count, detune, rng)
    return sheet + bubbles * 10 ** (water.bubbles_db / 20) * _ratio(sheet, bubbles)


def _sheet(water: Splash, force: StepForce, count: int, rng: np.random.Generator) -> FloatArray:
    """Noise thrown up by each impact and, a third as strong, by the foot leaving."""
    time_s = np.arange(count) / SAMPLE_RATE_HZ
    envelope = np.full(count, 1e-30)
    blows = [(one.at, one.weight) for one in force.impacts]
    blows += [(rub.start, 0.35) for rub in force.rubs[:1]]
    for at_s, weight in blows:
        at = round(at_s * SAMPLE_RATE_HZ)
        decay_s = water.sheet_decay_s * math.exp(0.2 * rng.standard_normal())
        since = time_s[: count - at]
        envelope[at:] += weight * (np.exp(-since / decay_s) - np.exp(-since / _SHEET_RISE_S))
    # Droplets falling back make it patter instead of hiss.
    knots = max(4, round(_DROPLETS * count / SAMPLE_RATE_HZ))
    patter = np.interp(
        time_s, np.linspace(0, time_s[-1], knots), rng.exponential(1.0, knots) ** 0.7 + 0.15
    )
    band = butter(1, water.sheet_hz, "bandpass", fs=SAMPLE_RATE_HZ, output="sos")
    sheet: FloatArray = sosfilt(band, envelope * patter * rng.standard_normal(count))
    return sheet


def _bubbles(
    water: Splash, force: StepForce, count: int, detune: float, rng: np.random.Generator
) -> FloatArray:
    out = np.zeros(count)
    starts = (0.0, force.rubs[0].start if force.rubs else 0.0)
    low, high = (math.log(r / 1000) for r in water.radius_mm)
    for _ in range(water.bubbles):
        at_s = starts[int(rng.random() < 0.35)] + rng.exponential(water.spray_s)
        radius_m = math.exp(rng.uniform(low, high)) / detune
        damping = 0.13 / radius_m + 0.0072 * radius_m**-1.5
        at = round(at_s * SAMPLE_RATE_HZ)
        length = min(count - at, round(6 / damping * SAMPLE_RATE_HZ))
        depth = rng.random() ** 2
        if length <= 0:
            continue
        time_s = np.arange(length) / SAMPLE_RATE_HZ
        phase = 3 / radius_m * time_s * (1 + 0.5 * _RISE_OF_PITCH * damping * time_s)
        tone = np.sin(2 * np.pi * phase) * np.exp(-damping * time_s)
        out[at : at + length] += depth * math.sqrt(radius_m) * tone
    return out


def _ratio(reference: FloatArray, other: FloatArray) -> float:
    """What `other` is multiplied by to have the energy of `reference`."""
    own = energy(other)
    return math.sqrt(energy(reference) / own) if own > 0 else 0.0
