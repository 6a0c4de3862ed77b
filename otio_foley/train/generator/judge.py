"""How well the generator keeps time with the picture, beside baselines: onsets in its raw sound.

Judged are rendered clips whose person, and whose floor's picture, nothing learned from. Truth is
the contacts; those that strike together (both feet of a landing) are one onset.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import mir_eval
import numpy as np

from otio_foley.errors import InputError
from otio_foley.synthesis import SAMPLE_RATE_HZ
from otio_foley.synthesis.generator import (
    KINDS,
    VISUAL_HZ,
    Generator,
    bundled_generator,
    load_generator,
)
from otio_foley.synthesis.onsets import sound_onsets
from otio_foley.synthesis.spectra import SPEC, Mel, griffin_lim, log_mel
from otio_foley.synthesis.vocoder import bundled_vocoder
from otio_foley.train.generator.lessons import Lesson, Step, dataset_lessons, sound_of, split
from otio_foley.types import FloatArray, Foot, SampleArray

#: Contacts nearer than this strike together.
_TOGETHER_S = 0.1
#: Onsets so near to the ends of what is seen are not judged.
_ENDS_S = 0.15
_WINDOWS_S = (0.05, 0.02)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Onsets of some sounds: how many are true, found, and both within each of `_WINDOWS_S`; and
    how far those within 50 ms are off (s)."""

    true: int
    found: int
    hits: tuple[int, ...]
    errors_s: tuple[float, ...]

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            true=self.true + other.true,
            found=self.found + other.found,
            hits=tuple(a + b for a, b in zip(self.hits, other.hits, strict=True)),
            errors_s=self.errors_s + other.errors_s,
        )

    def f1(self, window: int) -> float:
        return 2.0 * self.hits[window] / max(self.true + self.found, 1)


NOTHING = Tally(true=0, found=0, hits=(0, 0), errors_s=())


def true_onsets(lesson: Lesson) -> FloatArray:
    """Onsets (N,) of a lesson in the clock of its sound."""
    start_s, end_s = float(lesson.seen.times_s[0]), float(lesson.seen.times_s[-1])
    onsets: list[float] = []
    for step in sorted(lesson.steps, key=lambda one: one.time_s):
        at = step.time_s - start_s
        if 0.0 <= at <= end_s - start_s and not (onsets and at - onsets[-1] < _TOGETHER_S):
            onsets.append(at)
    return np.array(onsets)


def tally(true: FloatArray, found: FloatArray, length_s: float) -> Tally:
    """Onsets of one sound; what lies at its very ends does not count unless it is matched."""
    hits = []
    errors: tuple[float, ...] = ()
    matched_true: set[int] = set()
    matched_found: set[int] = set()
    for window in _WINDOWS_S:
        pairs = mir_eval.util.match_events(true, found, window) if len(true) and len(found) else []
        hits.append(len(pairs))
        if window == _WINDOWS_S[0]:
            errors = tuple(float(found[j] - true[i]) for i, j in pairs)
            matched_true, matched_found = {i for i, _ in pairs}, {j for _, j in pairs}

    def counted(times: FloatArray, matched: set[int]) -> int:
        inside = (times > _ENDS_S) & (times < length_s - _ENDS_S)
        return sum(1 for n in range(len(times)) if inside[n] or n in matched)

    return Tally(
        true=counted(true, matched_true),
        found=counted(found, matched_found),
        hits=tuple(hits),
        errors_s=errors,
    )


def judged(lessons: Sequence[Lesson], sound: Callable[[Lesson], SampleArray]) -> Tally:
    total = NOTHING
    for lesson in lessons:
        made = sound(lesson)
        found = np.array([onset.time_s for onset in sound_onsets(made)])
        total += tally(true_onsets(lesson), found, len(made) / SAMPLE_RATE_HZ)
    return total


def shuffled(lesson: Lesson) -> Lesson:
    """The same visuals at other times: cut into quarters of a second, in another order."""
    count, piece = len(lesson.known), 15
    order = np.random.default_rng(0).permutation(-(-count // piece))
    at = np.concatenate([np.arange(n * piece, min((n + 1) * piece, count)) for n in order])
    seen = lesson.seen
    return replace(lesson, seen=replace(seen, pose=seen.pose[at], frame_at=seen.frame_at[at]))


def held_lessons(dataset: Path, jobs: int) -> list[Lesson]:
    """What is judged on, as the product's eyes are now: what they saw when something was trained is
    not asked. Raises InputError where no clip shows a capture that was held back."""
    with tempfile.TemporaryDirectory() as work:
        _, lessons = split(dataset_lessons(dataset, Path(work), jobs))
    if not lessons:
        raise InputError(f"{dataset} has no clip of a capture that was held back")
    return lessons


def report(lessons: Sequence[Lesson], work: Path, tell: Callable[[str], None]) -> list[str]:
    """Tables in Markdown. Raises InputError where the training's baselines are not in `work`."""
    network = bundled_generator()
    vocoder = bundled_vocoder().sound

    def by(generator: Generator, kinds: tuple[str, ...] = KINDS) -> Callable[[Lesson], SampleArray]:
        return lambda lesson: vocoder(generator.mel(lesson.seen, seed=0, kinds=kinds))

    rows: list[tuple[str, Tally]] = [("generator", judged(lessons, by(network)))]
    tell("generator")
    rows.append(
        (
            "its timbre replaced from the library",
            judged(lessons, lambda lesson: replaced(lesson, by(network)(lesson))),
        )
    )
    tell("replaced")
    rows.append(
        (
            "visuals shuffled in time",
            judged(lessons, lambda lesson: by(network)(shuffled(lesson))),
        )
    )
    tell("shuffled")
    only_rgb = work / "rgb.safetensors"
    if not only_rgb.is_file():
        raise InputError(f"{only_rgb} is missing", hint="train with --kinds rgb")
    rows.append(("RGB only, trained so", judged(lessons, by(load_generator(only_rgb), ("rgb",)))))
    for title, kinds in (
        ("without flow", ("rgb", "pose")),
        ("without pose", ("rgb", "flow")),
        ("without RGB", ("flow", "pose")),
        ("pose alone", ("pose",)),
    ):
        rows.append((title, judged(lessons, by(network, kinds))))
        tell(title)
    rows.append(("the true sound's own onsets", judged(lessons, _truth)))
    lines = [
        "| what makes the sound | F1 ±50 ms | F1 ±20 ms | median error ms | true | found |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for title, one in rows:
        off = np.median(np.abs(one.errors_s)) * 1e3 if one.errors_s else float("nan")
        lines.append(
            f"| {title} | {one.f1(0):.3f} | {one.f1(1):.3f} | {off:.1f} "
            f"| {one.true} | {one.found} |"
        )
    return [*lines, "", *_spectra(lessons, network), "", *_speed(lessons, network)]


def replaced(lesson: Lesson, made: SampleArray) -> SampleArray:
    """What `--engine method` makes of a generator's sound: a take of the floor at each onset."""
    start_s = float(lesson.seen.times_s[0])
    feet: tuple[Foot, Foot] = ("left", "right")
    steps = [
        Step(
            time_s=start_s + onset.time_s,
            toe_off_s=None,
            foot=feet[number % 2],
            gait=lesson.steps[0].gait,
        )
        for number, onset in enumerate(sound_onsets(made))
    ]
    return sound_of(steps, lesson.floors[0], len(made), start_s=start_s, seed=2)


def _truth(lesson: Lesson) -> SampleArray:
    length = len(lesson.known) * round(SAMPLE_RATE_HZ / VISUAL_HZ)
    start_s = float(lesson.seen.times_s[0])
    return sound_of(lesson.steps, lesson.floors[0], length, start_s=start_s, seed=1)


def _spectra(lessons: Sequence[Lesson], network: Generator) -> list[str]:
    """Mean squares between log-mels, in the networks' units."""
    vocoder = bundled_vocoder().sound
    made, spoken, plain, silent, other = [], [], [], [], []
    for lesson in lessons:
        mel = lesson.mels[0].astype(np.float32)
        made.append(_square(network.mel(lesson.seen, seed=0), mel))
        spoken.append(_square(log_mel(vocoder(mel)), mel))
        plain.append(_square(log_mel(griffin_lim(mel)), mel))
        silent.append(_square(np.full_like(mel, -1.0), mel))
        other.append(_square(lesson.mels[1].astype(np.float32), mel))
    return [
        "| log-mel against the true one | mean square |",
        "| --- | --- |",
        f"| the generator's | {np.mean(made):.4f} |",
        f"| the same steps of other takes | {np.mean(other):.4f} |",
        f"| silence | {np.mean(silent):.4f} |",
        f"| true mel through the vocoder | {np.mean(spoken):.4f} |",
        f"| true mel through Griffin-Lim | {np.mean(plain):.4f} |",
    ]


def _square(one: Mel, other: Mel) -> float:
    count = min(len(one), len(other))
    return float(np.square(one[:count] - other[:count]).mean())


def _speed(lessons: Sequence[Lesson], network: Generator) -> list[str]:
    """Real-time factor of generator and vocoder together."""
    vocoder = bundled_vocoder().sound
    started, seconds = time.perf_counter(), 0.0
    for lesson in lessons:
        seconds += len(vocoder(network.mel(lesson.seen, seed=0))) / SAMPLE_RATE_HZ
    spent = time.perf_counter() - started
    return [
        f"Real-time factor of generator and vocoder: {spent / seconds:.3f} ({seconds:.0f} s of "
        f"sound; {SPEC.frames_hz:.0f} mel frames a second)."
    ]
