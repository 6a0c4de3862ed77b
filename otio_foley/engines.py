"""Where steps come from and what they sound of.

contacts    the contact detector says when, the library how it sounds
method      the article's way: the generator makes sound of the picture, onsets are found in it by
            spectral flux, and each is given a take of the floor from the library
generator   as `method`, and the generator's sound is heard as it is
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import Final

import numpy as np

from otio_foley.analysis.action import label_actions
from otio_foley.analysis.movie import MovieSteps, Stepper
from otio_foley.config import Settings
from otio_foley.errors import InputError
from otio_foley.playing import Shown, longer
from otio_foley.synthesis import SAMPLE_RATE_HZ
from otio_foley.synthesis.generator import Generator, bundled_generator
from otio_foley.synthesis.onsets import sound_onsets
from otio_foley.synthesis.vocoder import Vocoder, bundled_vocoder
from otio_foley.types import Audio, Contact, FloatArray, Foot, SampleArray, Visuals

#: An onset this near to a contact is that contact (s).
_SAME_S: Final = 0.06
#: How sure the strongest of the generator's onsets are by themselves.
_SUREST: Final = 0.6
#: Columns of a pose's features that are velocities (`analysis.features`).
_VELOCITIES: Final = slice(18, 32)
_EDGE_S: Final = 0.005


@dataclass(frozen=True, slots=True)
class Voicebox:
    """The generator with its vocoder; `seed` starts its noise."""

    generator: Generator
    vocoder: Vocoder
    seed: int = 0

    def sound(self, seen: Visuals) -> SampleArray:
        """Mono samples (N,) at 48 kHz; the first one lies at the first of its times."""
        return self.vocoder(self.generator.mel(seen, seed=self.seed))


def voicebox_of(settings: Settings) -> Voicebox | None:
    """What the generator speaks with, where it has a say. Raises InputError for sounds that it
    cannot give."""
    if settings.sound.engine == "contacts":
        return None
    if settings.sound.engine == "generator" and settings.output.step_files:
        raise InputError(
            "the generator's sound is of one piece: there are no files of single steps",
            hint="leave --step-files out, or choose another engine",
        )
    return Voicebox(bundled_generator(), bundled_vocoder().sound, settings.sound.seed)


def heard_steps(
    seen: MovieSteps, voicebox: Voicebox, *, least_confidence: float = 0.0
) -> MovieSteps:
    """Everybody's steps as the generator's sound has them.

    Each onset is a step; what a step is (which foot, how hard) is taken from the contact that the
    detector found there, whose confidence the agreement raises, or from those beside it. Steps
    below `least_confidence` are left out.
    """
    steppers = []
    for stepper in seen.steppers:
        found = [
            (float(part.times_s[0]) + onset.time_s, onset.strength)
            for part in stepper.visuals
            for onset in sound_onsets(voicebox.sound(part))
        ]
        contacts = tuple(
            one for one in _contacts(stepper, found) if one.confidence >= least_confidence
        )
        if contacts:
            steppers.append(replace(stepper, contacts=contacts, actions=label_actions(contacts)))
    return replace(seen, steppers=tuple(steppers))


def _contacts(stepper: Stepper, onsets: Sequence[tuple[float, float]]) -> tuple[Contact, ...]:
    """Contacts of one person at onsets (time_s, strength 0..1), in time order."""
    left = list(stepper.contacts)
    made: list[Contact] = []
    for time_s, strength in onsets:
        near = [one for one in left if abs(one.time_s - time_s) <= _SAME_S]
        alone = _SUREST * strength
        if not near:
            made.append(_unknown(stepper, made, time_s, alone))
            continue
        # Both feet of a landing are one onset: they stay as far apart as they were seen.
        nearest = min(near, key=lambda one: abs(one.time_s - time_s))
        left = [one for one in left if one not in near]
        made += [
            replace(
                one,
                time_s=time_s + one.time_s - nearest.time_s,
                confidence=round(1.0 - (1.0 - one.confidence) * (1.0 - alone), 3),
                found_by=f"generator+{one.found_by}",
            )
            for one in sorted(near, key=lambda one: one.time_s)
        ]
    return tuple(made)


def _unknown(
    stepper: Stepper, before: Sequence[Contact], time_s: float, confidence: float
) -> Contact:
    """A step of which nothing but its time is known: the other foot than the last one, in the gait
    of whatever contact is nearest."""
    foot: Foot = "right" if before and before[-1].foot == "left" else "left"
    nearest = min(stepper.contacts, key=lambda one: abs(one.time_s - time_s), default=None)
    return Contact(
        person=stepper.person,
        time_s=time_s,
        toe_off_s=None,
        foot=foot,
        part="heel" if nearest is None else nearest.part,
        strength=1.0,
        fall_speed=0.0,
        confidence=round(confidence, 3),
        found_by="generator",
        gait=None if nearest is None else nearest.gait,
    )


def heard_as_it_is(
    stretches: Sequence[Visuals],
    shown: Shown,
    voicebox: Voicebox,
    *,
    length: int,
    first_s: float,
) -> Audio:
    """The generator's own sound of a person while a clip shows them: samples (length, 1) at 48 kHz
    of which the first lies at `first_s` (0 or less) from the clip's first frame. A clip that is not
    played as it was shot is seen by the generator as it is played."""
    samples = np.zeros((length, 1), dtype=np.float32)
    for offset_s, seen in played_visuals(stretches, shown, -first_s):
        made = voicebox.sound(seen)
        fade = min(round(_EDGE_S * SAMPLE_RATE_HZ), len(made) // 2)
        if not fade:
            continue
        ramp = np.linspace(0.0, 1.0, fade, dtype=np.float32)
        made[:fade] *= ramp
        made[-fade:] *= ramp[::-1]
        first = round((offset_s - first_s) * SAMPLE_RATE_HZ)
        low, high = max(0, first), min(length, first + len(made))
        if low < high:
            samples[low:high, 0] += made[low - first : high - first]
    return Audio(samples=samples, sample_rate_hz=SAMPLE_RATE_HZ)


def change_levels(audio: Audio, changes: Sequence[tuple[int, float]]) -> None:
    """Make a sound in place louder or softer by a factor from each of some samples on; what lies
    before the first stays. A change is over shortly before its sample, where a step begins."""
    samples = audio.samples
    ramp = round(_EDGE_S * SAMPLE_RATE_HZ)
    factor = 1.0
    ordered = [*sorted(changes), (len(samples) + ramp, 1.0)]
    for (at, wanted), (until, _) in pairwise(ordered):
        first, last = max(0, at - ramp), min(len(samples), max(0, until - ramp))
        if first < last and (factor, wanted) != (1.0, 1.0):
            gain = np.full(last - first, wanted, dtype=np.float32)
            rise = np.linspace(factor, wanted, ramp, dtype=np.float32)[: last - first]
            gain[: len(rise)] = rise
            samples[first:last] *= gain[:, None]
        factor = wanted


def played_visuals(
    stretches: Sequence[Visuals], shown: Shown, handle_s: float
) -> list[tuple[float, Visuals]]:
    """What is seen of a person as a clip and its handles play it: (seconds from the clip's first
    frame, what is seen from there on)."""
    points = [
        (float(record_s), float(source_s - shown.media_start_s))
        for record_s, source_s in longer(shown.clip.time_map, Fraction(handle_s)).points
    ]
    found = []
    for (r0, s0), (r1, s1) in pairwise(points):
        speed = (s1 - s0) / (r1 - r0)
        if not speed:
            continue
        for seen in stretches:
            low, high = sorted((at - s0) / speed + r0 for at in (seen.times_s[0], seen.times_s[-1]))
            low, high = max(low, r0), min(high, r1)
            step_s = float(seen.times_s[1] - seen.times_s[0])
            offsets = np.arange(low, high, step_s)
            if len(offsets) > 1:
                source = s0 + (offsets - r0) * speed
                found.append((low, _resampled(seen, offsets, source, speed)))
    return found


def _resampled(seen: Visuals, offsets_s: FloatArray, source_s: FloatArray, speed: float) -> Visuals:
    at = np.clip((source_s - seen.times_s[0]) / (seen.times_s[1] - seen.times_s[0]), 0, None)
    first = np.minimum(at.astype(np.intp), len(seen.times_s) - 2)
    share = (at - first).clip(0.0, 1.0)[:, None].astype(np.float32)
    pose = seen.pose[first] * (1.0 - share) + seen.pose[first + 1] * share
    pose[:, _VELOCITIES] *= speed
    flow = seen.flow
    if speed != 1.0:
        flow = np.clip(np.round(flow * speed), -127, 127).astype(np.int8)
    return Visuals(
        times_s=offsets_s,
        pose=pose,
        rgb=seen.rgb,
        flow=flow,
        frame_at=np.interp(source_s, seen.times_s, seen.frame_at),
    )
