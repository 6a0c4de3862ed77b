"""Onsets by spectral flux: where takes strike, on every floor of the method."""

from __future__ import annotations

import numpy as np
import pytest
from mir_eval.onset import f_measure

from otio_foley.library.own import default_library
from otio_foley.synthesis import SAMPLE_RATE_HZ
from otio_foley.synthesis.onsets import sound_onsets
from otio_foley.synthesis.performance import Cue, Walker, play, score
from otio_foley.types import Action, Contact, Footstep, SampleArray

_LIBRARY = default_library()


def steps(floor: str, action: Action, times_s: np.ndarray) -> SampleArray:
    cues = [
        Cue(
            footstep=Footstep(
                contact=Contact(
                    person=0,
                    time_s=float(time_s),
                    toe_off_s=float(time_s) + 0.6,
                    foot="left" if number % 2 else "right",
                    part="heel",
                    strength=1.0,
                    fall_speed=0.0,
                    confidence=1.0,
                    found_by="test",
                ),
                action=action,
                floor=floor,
                gain_db=0.0,
            ),
            attack_sample=round(time_s * SAMPLE_RATE_HZ),
            walker=Walker(shoe="leather", seed=1),
        )
        for number, time_s in enumerate(times_s)
    ]
    length = round((times_s[-1] + 1.0) * SAMPLE_RATE_HZ)
    return np.asarray(play(score(cues, _LIBRARY, media_fingerprint="x"), length).samples[:, 0])


@pytest.mark.parametrize("floor", ["carpet", "concrete", "tile", "wood"])
@pytest.mark.parametrize(("action", "apart_s"), [("walk", 0.55), ("run", 0.33)])
def test_every_step_is_found_and_the_forefoot_is_none(
    floor: str, action: Action, apart_s: float
) -> None:
    rng = np.random.default_rng(4)
    times = np.arange(0.5, 9.0, apart_s)
    times = times + rng.normal(0.0, 0.02, len(times))
    found = np.array([one.time_s for one in sound_onsets(steps(floor, action, times))])
    assert f_measure(times, found, window=0.02)[0] > 0.97
    assert abs(np.median([np.abs(found - t).min() for t in times])) < 0.006


def test_softer_steps_are_steps_and_their_strength_says_so() -> None:
    times = np.arange(0.5, 8.0, 0.6)
    sound = steps("concrete", "walk", times)
    half = round(4.0 * SAMPLE_RATE_HZ)
    sound[half:] *= 0.4
    found = sound_onsets(sound)
    assert len(found) == len(times)
    loud = [one.strength for one in found if one.time_s < 3.9]
    soft = [one.strength for one in found if one.time_s > 4.1]
    assert np.mean(soft) < 0.8 * np.mean(loud) and max(loud) <= 1.0


def test_silence_and_next_to_nothing_have_none() -> None:
    assert sound_onsets(np.zeros(SAMPLE_RATE_HZ, np.float32)) == ()
    assert sound_onsets(np.zeros(100, np.float32)) == ()
    assert sound_onsets(np.zeros(0, np.float32)) == ()
