"""Where the floors' calibration constants come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from statistics import median
from typing import Final

from otio_foley.synthesis import SAMPLE_RATE_HZ
from otio_foley.synthesis.grounds import Ground
from otio_foley.synthesis.performance import Cue, Walker, play, score
from otio_foley.synthesis.physical import render_step
from otio_foley.synthesis.seeding import take_generator
from otio_foley.synthesis.shoes import SHOES
from otio_foley.synthesis.takes import Kind, Take, Takes
from otio_foley.types import Audio, Contact, Foot, Footstep

WALK_LUFS: Final = -38.0
"""Short-term maximum of a walk on an ordinary hard floor (temp mix under -27 LKFS dialogue)."""

CADENCE_HZ: Final = 1.9
_DURATION_S: Final = 10.0
_SHOE: Final = "leather"  # what the floors' constants were found with
_VARIANTS: Final = 12
_WALKS: Final = 7  # other takes are chosen in each; they lie within about 1 dB


def calibration_walk(ground: Ground, takes: Takes, seed: int) -> Audio:
    """Ten seconds of walking at 1.9 steps a second and gain 0 dB, (N, 1)."""
    cues = []
    for index in range(int((_DURATION_S - 0.5) * CADENCE_HZ)):
        time_s = 0.25 + index / CADENCE_HZ
        foot: Foot = "right" if index % 2 else "left"
        contact = Contact(
            person=0, time_s=time_s, toe_off_s=None, foot=foot, part="heel", strength=1.0,
            fall_speed=0.0, confidence=1.0, found_by="calibration",
        )  # fmt: skip
        step = Footstep(contact=contact, action="walk", floor=ground.name, gain_db=0.0)
        at = round(time_s * SAMPLE_RATE_HZ)
        cues.append(Cue(footstep=step, attack_sample=at, walker=Walker(shoe=_SHOE, seed=seed)))
    notes = score(cues, takes, media_fingerprint="calibration")
    return play(notes, round(_DURATION_S * SAMPLE_RATE_HZ))


def rendered(ground: Ground) -> Takes:
    """Takes of one floor straight from the synthesis."""

    @cache
    def takes(floor: str, shoe: str, kind: Kind) -> tuple[Take, ...]:
        if kind == "walk":
            return ()  # ours come in parts
        made = []
        for variant in range(_VARIANTS):
            rng = take_generator(floor, shoe, kind, variant)
            sound = render_step(kind, ground, SHOES[shoe], rng)
            made.append(
                Take(
                    name=f"{floor}/{shoe}/{kind}/{variant}",
                    samples=sound.samples,
                    attack_sample=sound.attack_sample,
                )
            )
        return tuple(made)

    return takes


def calibrate(ground: Ground, short_term_max_lufs: Callable[[Audio], float]) -> float:
    """The constant that brings a walk on this floor to -38 LUFS + `ground.level_db`.

    The meter is passed in, because measuring loudness belongs to the mix. The present constant
    does not matter: it is taken out first.
    """
    bare = replace(ground, calibration_db=0.0)
    takes = rendered(bare)
    walks = [calibration_walk(bare, takes, seed) for seed in range(_WALKS)]
    return WALK_LUFS + ground.level_db - median(short_term_max_lufs(walk) for walk in walks)
