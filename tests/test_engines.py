"""Three engines: whose steps they are, what they sound of, and that the picture's speed counts."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import otio_foley
from otio_foley.analysis.movie import MovieSteps, Stepper
from otio_foley.config import OutputSettings, Settings, SoundSettings
from otio_foley.engines import (
    Voicebox,
    change_levels,
    heard_as_it_is,
    heard_steps,
    played_visuals,
)
from otio_foley.errors import InputError
from otio_foley.playing import Shown
from otio_foley.resources import bundled
from otio_foley.synthesis import SAMPLE_RATE_HZ
from otio_foley.synthesis.generator import POSE, UPSAMPLED
from otio_foley.synthesis.spectra import SPEC, Mel
from otio_foley.types import Audio, Clip, Contact, SampleArray, Span, TimeMap, Visuals

_COUNT = 300  # five seconds


class Clicker:
    """Stands in for the generator: a mel of which the first band says where steps are, as the
    first feature of the pose does."""

    def mel(self, visuals: Visuals, *, seed: int) -> Mel:
        mel = np.full((len(visuals.pose) * UPSAMPLED, SPEC.mels), -1.0, np.float32)
        mel[::UPSAMPLED, 0] = visuals.pose[:, 0]
        return mel


def clicking(mel: Mel) -> SampleArray:
    samples = np.zeros((len(mel) - 1) * SPEC.hop, np.float32)
    rng = np.random.default_rng(0)
    burst = (rng.normal(size=2400) * np.exp(-np.arange(2400) / 400.0)).astype(np.float32)
    for frame in np.flatnonzero(mel[:, 0] > 0.5):
        first = frame * SPEC.hop
        part = samples[first : first + len(burst)]
        part += 0.3 * burst[: len(part)]
    return samples


VOICEBOX = Voicebox(Clicker(), clicking)  # type: ignore[arg-type]


def seen(*steps_s: float, start_s: float = 1.0) -> Visuals:
    pose = np.zeros((_COUNT, POSE), np.float32)
    for step_s in steps_s:
        pose[round((step_s - start_s) * 60), 0] = 1.0
    pose[:, 20] = 0.5  # a velocity
    return Visuals(
        times_s=start_s + np.arange(_COUNT) / 60.0,
        pose=pose,
        rgb=np.zeros((126, 32, 32, 3), np.uint8),
        flow=np.full((126, 16, 16, 2), 10, np.int8),
        frame_at=np.arange(_COUNT) * 25.0 / 60.0,
    )


def contact(time_s: float, foot: str, confidence: float = 0.5) -> Contact:
    return Contact(
        person=0,
        time_s=time_s,
        toe_off_s=time_s + 0.6,
        foot="left" if foot == "left" else "right",
        part="toe",
        strength=1.3,
        fall_speed=0.0,
        confidence=confidence,
        found_by="network",
        gait="run",
    )


def stepper(visuals: tuple[Visuals, ...], *contacts: Contact) -> MovieSteps:
    times = np.arange(0.0, 6.0, 0.04)
    one = Stepper(
        person=0,
        contacts=contacts,
        actions=tuple("run" for _ in contacts),
        times_s=times,
        silhouette_area=np.full(len(times), 0.1),
        distance_m=np.full(len(times), 4.0),
        across=np.full(len(times), 0.5),
        visuals=visuals,
    )
    return MovieSteps(pictures=150, last_s=6.0, people=1, steppers=(one,))


def test_the_method_s_steps_are_the_onsets_of_the_generator_s_sound() -> None:
    found = heard_steps(
        stepper(
            (seen(2.0, 3.0, 4.0),),
            contact(2.03, "right"),
            contact(4.0, "left"),
            contact(5.5, "left"),
        ),
        VOICEBOX,
    )
    (one,) = found.steppers
    assert [round(each.time_s, 1) for each in one.contacts] == [2.0, 3.0, 4.0]
    assert all(
        abs(each.time_s - want) < 0.01 for each, want in zip(one.contacts, (2, 3, 4), strict=True)
    )
    # Where the detector agrees it says what the step is, and both are surer together.
    assert one.contacts[0].foot == "right" and one.contacts[0].strength == 1.3
    assert one.contacts[0].found_by == "generator+network"
    assert one.contacts[0].confidence > 0.7
    # Where it does not, it is the other foot than before.
    assert one.contacts[1].found_by == "generator" and one.contacts[1].foot == "left"
    assert one.contacts[1].confidence <= 0.6 and one.contacts[1].gait == "run"
    assert len(one.actions) == 3


def test_both_feet_of_a_landing_are_one_onset_and_two_steps() -> None:
    found = heard_steps(
        stepper((seen(3.0),), contact(3.01, "left"), contact(3.03, "right")), VOICEBOX
    )
    left, right = found.steppers[0].contacts
    assert (left.foot, right.foot) == ("left", "right")
    assert right.time_s - left.time_s == pytest.approx(0.02)
    assert left.time_s == pytest.approx(3.0, abs=0.01)


def test_onsets_that_nobody_is_sure_of_are_left_out() -> None:
    movie = stepper((seen(2.0, 3.0),), contact(3.0, "left", 0.8))
    (one,) = heard_steps(movie, VOICEBOX, least_confidence=0.7).steppers
    assert [round(each.time_s) for each in one.contacts] == [3]


def test_what_the_generator_cannot_give_is_refused_before_any_work(tmp_path: Path) -> None:
    cut = bundled("samples") / "demo" / "demo.fcpxml"
    for settings, said in (
        (
            Settings(
                sound=SoundSettings(engine="generator"), output=OutputSettings(step_files=True)
            ),
            "of one piece",
        ),
        (Settings(sound=SoundSettings(engine="wavenet")), "unknown engine"),
    ):
        with pytest.raises(InputError, match=said):
            otio_foley.run(cut, tmp_path / "x.fcpxml", settings=settings)
    assert not list(tmp_path.iterdir())


def test_somebody_without_a_sound_makes_no_step() -> None:
    assert heard_steps(stepper((), contact(2.0, "left")), VOICEBOX).steppers == ()
    assert heard_steps(stepper((seen(),), contact(2.0, "left")), VOICEBOX).steppers == ()


def shown(*points: tuple[float, float]) -> Shown:
    length = Fraction(points[-1][0])
    record = Span(start_s=Fraction(0), duration_s=length)
    clip = Clip(
        clip_id="a",
        name="a",
        reel=None,
        media_path=None,
        media_start_s=Fraction(0),
        source_rate=None,
        record=record,
        time_map=TimeMap(points=tuple((Fraction(r), Fraction(s)) for r, s in points)),
        layer=1,
        enabled=True,
    )
    return Shown(clip=clip, spans=(record,), media_start_s=Fraction(0), fingerprint="x")


def strikes_s(samples: np.ndarray, first_s: float) -> list[float]:
    loud = np.flatnonzero(np.abs(samples[:, 0]) > 0.1)
    firsts = loud[np.flatnonzero(np.diff(loud, prepend=-SAMPLE_RATE_HZ) > 4800)]
    return [first / SAMPLE_RATE_HZ + first_s for first in firsts]


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        (((0, 1), (5, 6)), [1.0, 3.0]),  # as it was shot, from 1 s of the movie on
        (((0, 1), (2.5, 6)), [0.5, 1.5]),  # twice as fast
        (((0, 6), (5, 1)), [2.0, 4.0]),  # backwards
        (((0, 3), (2, 3), (4, 5)), [3.0]),  # a frozen frame, then on
    ],
)
def test_the_generator_sees_a_clip_as_it_is_played(
    points: tuple[tuple[float, float], ...], expected: list[float]
) -> None:
    audio = heard_as_it_is(
        (seen(2.0, 4.0),),
        shown(*points),
        VOICEBOX,
        length=6 * SAMPLE_RATE_HZ,
        first_s=0.0,
    )
    assert audio.samples.shape == (6 * SAMPLE_RATE_HZ, 1)
    assert strikes_s(audio.samples, 0.0) == pytest.approx(expected, abs=0.02)


def test_faster_play_is_faster_motion() -> None:
    ((offset_s, fast),) = played_visuals((seen(2.0),), shown((0, 1), (2.5, 6)), 0.0)
    assert offset_s == 0.0 and len(fast.times_s) == pytest.approx(150, abs=2)
    assert fast.pose[10, 20] == pytest.approx(1.0) and fast.flow[0, 0, 0, 0] == 20
    ((_, back),) = played_visuals((seen(2.0),), shown((0, 6), (5, 1)), 0.0)
    assert back.pose[10, 20] == pytest.approx(-0.5)
    assert back.frame_at[0] > back.frame_at[-1]


def test_a_step_s_level_holds_until_the_next_step() -> None:
    audio = Audio(samples=np.ones((48000, 1), np.float32), sample_rate_hz=SAMPLE_RATE_HZ)
    change_levels(audio, [(30000, 2.0), (10000, 0.0), (20000, 1.0)])
    flat = audio.samples[:, 0]
    assert (flat[:9700] == 1.0).all() and (flat[10000:19700] == 0.0).all()
    assert (flat[20000:29700] == 1.0).all() and (flat[30000:] == 2.0).all()
    # No click: nothing jumps.
    assert np.abs(np.diff(flat)).max() < 0.01


def test_nothing_asked_changes_nothing() -> None:
    rng = np.random.default_rng(0)
    samples = rng.normal(size=(48000, 1)).astype(np.float32)
    audio = Audio(samples=samples.copy(), sample_rate_hz=SAMPLE_RATE_HZ)
    change_levels(audio, [(at, 1.0) for at in range(-2000, 60000, 7000)])
    change_levels(audio, [])
    assert (audio.samples == samples).all()
