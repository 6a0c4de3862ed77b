"""One footstep: force, floor and shoe become sound."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.signal import butter, lfilter, sosfilt

from otio_foley.synthesis import SAMPLE_RATE_HZ, energy
from otio_foley.synthesis.aggregate import crumble
from otio_foley.synthesis.attack import attack_sample
from otio_foley.synthesis.gait import StepForce, step_force
from otio_foley.synthesis.grounds import Ground
from otio_foley.synthesis.liquid import splash
from otio_foley.synthesis.shoes import Shoe
from otio_foley.synthesis.solid import ring
from otio_foley.types import Action, FloatArray, Foot, Part, SampleArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What a step is, as far as its sound goes.

    `stance_s` is the time from contact to toe-off, None where unknown; `strength` relative to an
    ordinary walking step of this person. Strength changes the timbre (harder is brighter), not
    the level: levels are the mix's.
    """

    action: Action
    part: Part
    foot: Foot
    stance_s: float | None = None
    strength: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSound:
    """Sound of one step: samples (N,) float32 at 48 kHz, its attack at `attack_sample`."""

    samples: SampleArray
    attack_sample: int


# Energy (sum of squares, dB) of a walking step before its floor's own constant; it only keeps
# those constants near zero.
_NOMINAL_DB: Final = 4.0
_LEVEL_JITTER_DB: Final = 0.8
_RIGHT_FOOT_DETUNE: Final = 1.025  # no two shoes of a pair are equal
_RIGHT_FOOT_DB: Final = -0.4
_SHELF_HZ: Final = 1700.0
_SHELF_DB: Final = 4.0
_HIGHPASS: Final = butter(2, 35.0, "highpass", fs=SAMPLE_RATE_HZ, output="sos")
_LEAD: Final = 16
_SILENCE: Final = 10 ** (-75 / 20)
_FADE_S: Final = 0.008


def render_step(step: Step, ground: Ground, shoe: Shoe, rng: np.random.Generator) -> StepSound:
    """Sound of one step; all that differs from step to step is drawn from `rng`.

    Its level is that of a walking step at gain 0 dB whatever the action (the mix knows how much
    louder running is), give or take 0.8 dB.
    """
    force = step_force(step.action, step.part, step.stance_s, rng)
    force = _with_strength(force, step.strength)
    right = step.foot == "right"
    detune = (_RIGHT_FOOT_DETUNE if right else 1.0) * math.exp(0.006 * rng.standard_normal())
    level_db = _NOMINAL_DB + ground.calibration_db + _LEVEL_JITTER_DB * rng.standard_normal()
    level_db += _RIGHT_FOOT_DB if right else 0.0
    count = round((force.duration_s + ground.tail_s) * SAMPLE_RATE_HZ)
    sound = _mixture(ground, shoe, force, count, detune, rng)
    # The centred smoothing of the attack's measure needs silence to look back into.
    sound = np.concatenate((np.zeros(_LEAD), _highpassed(sound)))
    sound = _equally_loud(sound) * 10 ** (level_db / 20)
    samples = _trimmed(sound).astype(np.float32)
    return StepSound(samples=samples, attack_sample=attack_sample(samples))


def _mixture(
    ground: Ground,
    shoe: Shoe,
    force: StepForce,
    count: int,
    detune: float,
    rng: np.random.Generator,
) -> FloatArray:
    """Solid, grains and liquid in the floor's proportions of energy, (count,)."""
    out = np.zeros(count)
    if ground.solid is not None:
        part = ring(ground.solid, shoe, force, count, detune, rng)
        out += _unit_energy(part) * 10 ** (ground.solid_db / 20)
    if ground.grains is not None:
        part = crumble(ground.grains, force, count, detune, rng)
        out += _unit_energy(part) * 10 ** (ground.grains_db / 20)
    if ground.liquid is not None:
        part = splash(ground.liquid, force, count, detune, rng)
        out += _unit_energy(part) * 10 ** (ground.liquid_db / 20)
    return out


def _with_strength(force: StepForce, strength: float) -> StepForce:
    """Contact time goes with impact speed to the power -1/5 (Hertz): harder is brighter."""
    factor = min(max(strength, 0.1), 10.0) ** -0.2
    impacts = tuple(
        type(one)(at=one.at, weight=one.weight, softness=one.softness * factor)
        for one in force.impacts
    )
    return StepForce(duration_s=force.duration_s, impacts=impacts, rubs=force.rubs, load=force.load)


def _highpassed(sound: FloatArray) -> FloatArray:
    """Without what no loudspeaker plays (minimum phase: nothing before the contact)."""
    filtered: FloatArray = sosfilt(_HIGHPASS, sound)
    return filtered


def _unit_energy(sound: FloatArray) -> FloatArray:
    return sound / max(math.sqrt(energy(sound)), 1e-12)


def _equally_loud(sound: FloatArray) -> FloatArray:
    """Scaled to unit energy with what lies above 1.7 kHz counting 4 dB more.

    That is the shelf of BS.1770's K-weighting to first order: a step that happens to ring higher
    is not to read louder.
    """
    pole = math.exp(-2 * math.pi * _SHELF_HZ / SAMPLE_RATE_HZ)
    high = lfilter([(1 + pole) / 2, -(1 + pole) / 2], [1.0, -pole], sound)
    loud = sound + (10 ** (_SHELF_DB / 20) - 1) * high
    return sound / max(math.sqrt(energy(loud)), 1e-12)


def _trimmed(sound: FloatArray) -> FloatArray:
    """Without the part below -75 dB of the peak at the end, faded over 8 ms."""
    audible = np.flatnonzero(np.abs(sound) > _SILENCE * np.abs(sound).max(initial=0.0))
    fade = round(_FADE_S * SAMPLE_RATE_HZ)
    kept = sound[: min(len(sound), int(audible[-1]) + 1 + fade)].copy()
    fade = min(fade, len(kept))
    kept[len(kept) - fade :] *= np.cos(0.5 * np.pi * np.arange(1, fade + 1) / fade) ** 2
    return kept
