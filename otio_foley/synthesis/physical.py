"""One footstep: force, floor and shoe become sound."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.signal import butter, sosfilt

from otio_foley.synthesis import SAMPLE_RATE_HZ, energy
from otio_foley.synthesis.aggregate import crumble
from otio_foley.synthesis.attack import attack_sample
from otio_foley.synthesis.friction import creak
from otio_foley.synthesis.gait import StepForce, step_force
from otio_foley.synthesis.grounds import Ground
from otio_foley.synthesis.liquid import splash
from otio_foley.synthesis.shoes import Shoe
from otio_foley.synthesis.solid import ring
from otio_foley.synthesis.takes import Kind, step_energy
from otio_foley.types import FloatArray, SampleArray


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSound:
    """Sound of one step: samples (N,) float32 at 48 kHz, its attack at `attack_sample`."""

    samples: SampleArray
    attack_sample: int


#: Energy (`step_energy`, dB) of a walking step before its floor's own constant; it only keeps
#: those constants near zero.
NOMINAL_DB: Final = 4.0
_DETUNE: Final = 0.006
_HIGHPASS: Final = butter(2, 35.0, "highpass", fs=SAMPLE_RATE_HZ, output="sos")
_LEAD: Final = 16
_SILENCE: Final = 10 ** (-75 / 20)
_FADE_S: Final = 0.008


def step_level_db(ground: Ground) -> float:
    """`step_energy` in dB of an ordinary walking step on a floor at gain 0 dB."""
    return NOMINAL_DB + ground.calibration_db


def render_step(kind: Kind, ground: Ground, shoe: Shoe, rng: np.random.Generator) -> StepSound:
    """Sound of one step; all that differs from step to step is drawn from `rng`.

    Its level is that of a walking step at gain 0 dB whatever the kind (the mix knows how much
    louder running is).
    """
    force = step_force(kind, rng)
    detune = math.exp(_DETUNE * rng.standard_normal())
    count = round((force.duration_s + ground.tail_s) * SAMPLE_RATE_HZ)
    sound = _mixture(ground, shoe, force, count, detune, rng)
    # The centred smoothing of the attack's measure needs silence to look back into.
    sound = np.concatenate((np.zeros(_LEAD), _highpassed(sound)))
    sound *= 10 ** (step_level_db(ground) / 20) / max(math.sqrt(step_energy(sound)), 1e-12)
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
    """Solid, grains and liquid in the floor's proportions of energy, and what creaks, (count,)."""
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
    own = math.sqrt(energy(out))
    for one in (ground.creak, shoe.creak):
        if one is not None:
            out += creak(one, force, count, detune, rng) * own * 10 ** (one.level_db / 20)
    return out


def _highpassed(sound: FloatArray) -> FloatArray:
    """Without what no loudspeaker plays (minimum phase: nothing before the contact)."""
    filtered: FloatArray = sosfilt(_HIGHPASS, sound)
    return filtered


def _unit_energy(sound: FloatArray) -> FloatArray:
    return sound / max(math.sqrt(energy(sound)), 1e-12)


def _trimmed(sound: FloatArray) -> FloatArray:
    """Without the part below -75 dB of the peak at the end, faded over 8 ms."""
    audible = np.flatnonzero(np.abs(sound) > _SILENCE * np.abs(sound).max(initial=0.0))
    fade = round(_FADE_S * SAMPLE_RATE_HZ)
    kept = sound[: min(len(sound), int(audible[-1]) + 1 + fade)].copy()
    fade = min(fade, len(kept))
    kept[len(kept) - fade :] *= np.cos(0.5 * np.pi * np.arange(1, fade + 1) / fade) ** 2
    return kept
