"""Steps into a buffer, each attack on its contact to the sample."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from otio_foley.synthesis import SAMPLE_RATE_HZ
from otio_foley.synthesis.grounds import ground
from otio_foley.synthesis.physical import Step, StepSound, render_step
from otio_foley.synthesis.seeding import step_generator
from otio_foley.synthesis.shoes import Shoe
from otio_foley.time import samples_from_seconds
from otio_foley.types import Audio, FloatArray, Footstep, SampleArray

_FADE_OUT_S: Final = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """A footstep and where in the buffer its contact lies.

    `speed` is how fast the clip plays there (1/2 in slow motion): the stance lasts as long as it
    is seen to.
    """

    footstep: Footstep
    attack_sample: int
    speed: float = 1.0


def place(
    cues: Sequence[Cue],
    length: int,
    *,
    run_seed: int,
    media_fingerprint: str,
    shoe: Shoe,
) -> Audio:
    """Sound of one person's steps in one clip: (length, 1) at 48 kHz.

    Steps are simply added: an isolated step keeps its attack exactly, and two feet landing within
    some 30 ms make one flam with the first foot's attack, since nothing is stretched, ducked or
    shifted. `gain_db` of each footstep is applied. What would lie before the buffer is cut and
    the rest of the lead-in faded; what lies beyond its end is faded out over 5 ms.
    Raises ValueError for an unknown floor, or a contact outside the buffer.
    """
    # The system hands out zeros without storing them until they are written to: what a person in
    # a clip of hours takes is what their steps take.
    samples = np.zeros((length, 1), dtype=np.float32)
    for cue in cues:
        if not 0 <= cue.attack_sample < length:
            raise ValueError(f"contact at sample {cue.attack_sample} outside 0..{length}")
        sound = sound_of(cue, run_seed=run_seed, media_fingerprint=media_fingerprint, shoe=shoe)
        overlap_add(samples[:, 0], sound, cue.attack_sample, gain_db=cue.footstep.gain_db)
    return Audio(samples=samples, sample_rate_hz=SAMPLE_RATE_HZ)


def sound_of(cue: Cue, *, run_seed: int, media_fingerprint: str, shoe: Shoe) -> StepSound:
    """Sound of one cue before its gain; depends on the step alone, not on its place."""
    contact = cue.footstep.contact
    rng = step_generator(
        run_seed,
        media_fingerprint,
        contact.person,
        samples_from_seconds(contact.time_s, SAMPLE_RATE_HZ),
        foot=contact.foot,
    )
    step = Step(
        action=cue.footstep.action,
        part=contact.part,
        foot=contact.foot,
        stance_s=_stance_s(cue),
        strength=contact.strength,
    )
    return render_step(step, ground(cue.footstep.floor), shoe, rng)


def _stance_s(cue: Cue) -> float | None:
    contact = cue.footstep.contact
    if contact.toe_off_s is None or contact.toe_off_s <= contact.time_s or cue.speed == 0:
        return None
    return (contact.toe_off_s - contact.time_s) / abs(cue.speed)


def overlap_add(out: SampleArray, sound: StepSound, at: int, *, gain_db: float) -> None:
    """Add a step to `out` (N,) in place, its attack at sample `at`."""
    start = at - sound.attack_sample
    part = sound.samples.astype(np.float64) * 10 ** (gain_db / 20)
    if start < 0:
        part = part[-start:]
        part[:at] *= _ramp(at)
        start = 0
    room = len(out) - start
    if len(part) > room:
        part = part[:room]
        # The fade never reaches back over the attack.
        fade = min(round(_FADE_OUT_S * SAMPLE_RATE_HZ), len(out) - at)
        part[room - fade :] *= _ramp(fade)[::-1]
    out[start : start + len(part)] += part


def _ramp(count: int) -> FloatArray:
    """Raised cosine from above 0 to below 1, (count,)."""
    ramp: FloatArray = 0.5 - 0.5 * np.cos(math.pi * np.arange(1, count + 1) / (count + 1))
    return ramp
