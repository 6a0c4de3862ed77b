"""What the generator and the vocoder are taught, and that they learn it."""

from __future__ import annotations

import numpy as np
import pytest

from otio_foley.synthesis.generator import POSE, UPSAMPLED
from otio_foley.synthesis.spectra import SPEC, log_mel
from otio_foley.train.generator import judge, learn, vocoder
from otio_foley.train.generator.lessons import HELD_PEOPLE, Lesson, Step, sound_of, split
from otio_foley.types import Visuals

_COUNT = 240


def lesson(
    number: int, *, source: str = "somebody", asset: str = "a", pictured: bool = True
) -> Lesson:
    """Steps that the pose, the flow and the picture all show."""
    rng = np.random.default_rng(number)
    times = 2.0 + np.arange(_COUNT) / 60.0
    at = np.sort(rng.uniform(2.3, 5.7, 5))
    steps = tuple(
        Step(
            time_s=float(t),
            toe_off_s=float(t) + 0.5,
            foot="left" if n % 2 else "right",
            gait="walk",
        )
        for n, t in enumerate(at)
        if n == 0 or t - at[n - 1] > 0.35
    )
    pose = rng.normal(0.0, 0.1, (_COUNT, POSE)).astype(np.float32)
    rgb = rng.integers(100, 140, (101, 32, 32, 3)).astype(np.uint8)
    for step in steps:
        pose[:, 3] += np.exp(-(((times - step.time_s) / 0.04) ** 2)).astype(np.float32)
        rgb[round((step.time_s - 2.0) * 25)] = 250
    seen = Visuals(
        times_s=times,
        pose=pose,
        rgb=rgb,
        flow=np.zeros((101, 16, 16, 2), np.int8),
        frame_at=np.arange(_COUNT) * 25 / 60,
    )
    sound = sound_of(steps, "concrete", _COUNT * 800, start_s=2.0, seed=1)
    mel = log_mel(sound)[: _COUNT * UPSAMPLED].astype(np.float16)
    return Lesson(
        name=str(number),
        source=source,
        asset=asset,
        pictured=pictured,
        seen=seen,
        known=np.ones(_COUNT, dtype=bool),
        steps=steps,
        floors=("concrete",),
        mels=mel[None],
    )


def test_it_overfits_one_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    # The adversary, and what is left out at random, make so short a training a matter of luck.
    monkeypatch.setattr(learn, "_ADVERSARY_FROM", 1.0)
    monkeypatch.setattr(learn, "_MISSING", 0.0)
    monkeypatch.setattr(learn, "_SILENT", 1.0)
    lessons = [lesson(number) for number in range(2)]
    network = learn.fit(lessons, steps=150, seed=1, tell=lambda _: None, batch=2)
    mel = network.mel(lessons[0].seen, seed=0)
    truth = lessons[0].mels[0].astype(np.float32)
    silence = float(np.square(truth + 1.0).mean())
    assert float(np.square(mel - truth).mean()) < 0.5 * silence
    assert mel.mean(axis=1)[truth.mean(axis=1) > 0].mean() > mel.mean(axis=1).mean() + 0.1


def test_it_learns_the_same_way_twice() -> None:
    lessons = [lesson(number) for number in range(2)]
    told: list[str] = []
    network = learn.fit(lessons, steps=6, seed=1, tell=told.append, batch=2)
    again = learn.fit(lessons, steps=6, seed=1, tell=told.append, batch=2)
    assert told[0] == told[1]
    mel = network.mel(lessons[0].seen, seed=0)
    assert (again.mel(lessons[0].seen, seed=0) == mel).all()


def test_the_vocoder_learns_and_does_so_the_same_way_twice() -> None:
    sounds = [vocoder.footsteps(number, 0, ["leather"]) for number in range(2)]
    told: list[str] = []
    network = vocoder.fit(sounds, steps=8, seed=1, tell=told.append)
    mel = log_mel(sounds[0])
    made = network.sound(mel)
    assert np.isfinite(made).all() and np.abs(made).max() > 0.0
    vocoder.fit(sounds, steps=8, seed=1, tell=told.append)
    assert told[0] == told[1]


def test_what_is_held_back_is_learned_from_in_no_shape() -> None:
    lessons = [
        lesson(0, source=HELD_PEOPLE[0], asset="a"),
        lesson(1, source="somebody", asset="a"),
        lesson(2, source="somebody", asset="b"),
        lesson(3, source=f"walk, {HELD_PEOPLE[0]}", asset="", pictured=False),
        lesson(4, source="walk, somebody", asset="", pictured=False),
    ]
    learned, judged = split(lessons)
    # The floor's picture of what is judged is not learned from either.
    assert [one.name for one in learned] == ["2", "4"]
    assert [one.name for one in judged] == ["0"]


def test_sound_lies_where_the_steps_are() -> None:
    one = lesson(7)
    true = judge.true_onsets(one)
    tally = judge.judged([one], judge._truth)
    assert tally.true == len(true) and tally.f1(0) == 1.0
    assert max(abs(error) for error in tally.errors_s) < 0.02
    moved = judge.judged([one], lambda each: judge._truth(judge.shuffled(each)))
    assert moved == tally  # the truth does not look at what is seen


def test_shuffling_keeps_what_is_seen_and_loses_when() -> None:
    one = lesson(3)
    other = judge.shuffled(one)
    assert sorted(other.seen.pose[:, 3]) == pytest.approx(sorted(one.seen.pose[:, 3]))
    assert (other.seen.pose[:, 3] != one.seen.pose[:, 3]).any()
    assert (other.seen.times_s == one.seen.times_s).all() and other.steps == one.steps


def test_onsets_are_matched_within_windows_and_counted_once() -> None:
    true = np.array([1.0, 2.0, 3.0])
    found = np.array([1.01, 2.04, 2.5])
    one = judge.tally(true, found, 4.0)
    assert (one.true, one.found, one.hits) == (3, 3, (2, 1))
    assert one.f1(0) == pytest.approx(2 / 3) and one.f1(1) == pytest.approx(1 / 3)
    assert sorted(one.errors_s) == pytest.approx([0.01, 0.04])
    # Beyond what is shown nobody can know: the very ends do not count against anybody.
    assert judge.tally(np.zeros(0), np.array([0.05, 3.95]), 4.0).found == 0
    assert judge.tally(np.array([0.05]), np.zeros(0), 4.0).true == 0
    assert SPEC.frames_hz == 60 * UPSAMPLED
