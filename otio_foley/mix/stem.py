"""The level of each step and the finished sound of a clip."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from otio_foley.mix.blocks import blocks
from otio_foley.mix.displacement import displacement_curve
from otio_foley.mix.loudness import LevelPoint, action_levels, level_at, ride
from otio_foley.types import Action, Audio, FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """Both layers for one person: the displacement curve and the action level of each step (N,),
    and their sum at each step, `step_db` (N,); all in dB, times in seconds."""

    curve: tuple[LevelPoint, ...]
    action_db: tuple[float, ...]
    step_db: tuple[float, ...]


def person_levels(
    times_s: FloatArray,
    silhouette_area: FloatArray,
    contact_times_s: Sequence[float],
    actions: Sequence[Action],
    strengths: Sequence[float],
) -> Levels:
    """Levels of one person's steps, from silhouette area (T,) at times (T,) and action (N,)."""
    curve = displacement_curve(times_s, silhouette_area)
    action_db = action_levels(actions, strengths, across_shots=True)
    step_db = action_db + level_at(curve, np.asarray(contact_times_s, dtype=np.float64))
    return Levels(
        curve=curve,
        action_db=tuple(float(level) for level in action_db),
        step_db=tuple(float(level) for level in step_db),
    )


def mix_down(voices: Iterable[tuple[Audio, tuple[LevelPoint, ...]]], *, start_s: float) -> Audio:
    """Everybody's steps, each under their own displacement curve.

    The first sample lies at `start_s` of the curves' clock. All voices have one length and rate
    and share no samples. Curves are laid on their own samples and the first one's become the mix,
    for in a clip of hours a copy is gigabytes; for the same reason the voices may come one by one.
    Raises ValueError where there are none.
    """
    mix: Audio | None = None
    for audio, curve in voices:
        ride(audio, curve, start_s=start_s)
        if mix is None:
            mix = audio
            continue
        for first, block in blocks(audio):
            if block.any():
                mix.samples[first : first + len(block)] += block
    if mix is None:
        raise ValueError("no voices to mix")
    return mix
