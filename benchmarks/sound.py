"""What sound costs: synthesis and mix of a ten-minute cut with three people, beside real time.

    python benchmarks/sound.py [--minutes 10] [--clip-s 10] [--space none]

Contacts and sizes are made up; everything after the analysis is the product's own: which take for
which step, playing, levels, tracks at their target, limit, meters, and the files. It runs on one
core; its time is the processor's, files included. Memory is the peak, beside that of a quarter of
the cut.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from memory import peak_mib

from otio_foley.analysis.movie import MovieSteps, Stepper
from otio_foley.config import Settings
from otio_foley.controls.gather import Controls
from otio_foley.controls.values import resolved_settings
from otio_foley.delivery import Delivery
from otio_foley.library.shelf import Shelf, shelf
from otio_foley.playing import Shown
from otio_foley.sounding import Session, cast_clip, sound_clip
from otio_foley.tracks import Tracks
from otio_foley.types import Clip, Contact, Span, Timeline, TimeMap

_PEOPLE = 3
_CADENCE_HZ = 1.9


def made_clip(number: int, length_s: int) -> Clip:
    record = Span(start_s=Fraction(number * length_s), duration_s=Fraction(length_s))
    points = ((Fraction(0), Fraction(0)), (Fraction(length_s), Fraction(length_s)))
    return Clip(
        clip_id=f"{number:012}", name=f"clip {number}", reel=None, media_path=None,
        media_start_s=Fraction(0), source_rate=None, record=record, time_map=TimeMap(points=points),
        layer=1, enabled=True,
    )  # fmt: skip


def made_up(length_s: int, number: int, people: int = _PEOPLE) -> MovieSteps:
    rng = np.random.default_rng(number)
    times = np.arange(0.0, length_s, 0.04)
    steppers = []
    for person in range(people):
        at = np.arange(0.3 + 0.1 * person, length_s - 0.2, 1 / _CADENCE_HZ)
        at = at + rng.normal(0, 0.02, len(at))
        contacts = tuple(
            Contact(
                person=person, time_s=float(time_s), toe_off_s=float(time_s) + 0.6,
                foot=("left", "right")[n % 2], part="heel",
                strength=float(np.exp(rng.normal(0, 0.2))), fall_speed=0.0, confidence=0.9,
                found_by="benchmark",
            )
            for n, time_s in enumerate(at)
        )  # fmt: skip
        steppers.append(
            Stepper(
                person=person,
                contacts=contacts,
                actions=("walk",) * len(contacts),
                times_s=times,
                silhouette_area=np.linspace(0.01, 0.06, len(times)) * (1 + 0.2 * person),
                distance_m=np.linspace(12.0, 4.0, len(times)),
                across=np.linspace(0.0, 1.0, len(times)),
            )
        )
    return MovieSteps(
        pictures=len(times), last_s=float(times[-1]), people=people, steppers=tuple(steppers)
    )


def timeline_of(clips: tuple[Clip, ...]) -> Timeline:
    return Timeline(
        name="made up",
        frame_rate=Fraction(24),
        drop_frame=False,
        start_s=Fraction(3600),
        clips=clips,
    )


def session_of(cut: Path, timeline: Timeline, library: Shelf, **asked: str) -> Session:
    """A session of a made-up cut, its sound beside it; `asked` are controls of the whole cut."""
    settings = Settings()
    return Session(
        timeline=timeline,
        cut=cut,
        folder=cut.with_name("sound"),
        settings=settings,
        level_rides="baked",
        library=library,
        controls=Controls(
            base=replace(resolved_settings(settings.sound), **asked),
            rules=(),
            clips=timeline.clips,
        ),
        voicebox=None,
        take_track=lambda record, wanted: wanted,
        placed=[],
    )


@contextmanager
def delivery_of_nothing() -> Iterator[tuple[Path, Delivery]]:
    """An empty cut and where its sounds go, both gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        cut = Path(folder, "cut.otio")
        cut.write_text("{}")
        output, sounds = Path(folder, "out.otio"), Path(folder, "sound")
        with Delivery(output, sounds, source=cut, overwrite=False) as delivery:
            yield cut, delivery


def run(minutes: float, clip_s: int, space: str) -> tuple[float, int]:
    """Seconds that the sound of such a cut takes, and how many steps it has."""
    settings = Settings()
    clips = tuple(made_clip(n, clip_s) for n in range(round(60 * minutes / clip_s)))
    seen = [made_up(clip_s, n) for n in range(len(clips))]
    timeline = timeline_of(clips)
    library = shelf()
    for kind in ("heel", "toe"):  # made on first use, once for all cuts
        library("concrete", "leather", kind)
    with delivery_of_nothing() as (cut, delivery):
        session = session_of(cut, timeline, library, space=space)
        start = time.process_time()
        tracks = Tracks(timeline=timeline, cut=cut, settings=settings.output, delivery=delivery)
        for clip, one in zip(clips, seen, strict=True):
            shown = Shown(
                clip=clip, spans=(clip.record,), media_start_s=Fraction(0),
                fingerprint=clip.clip_id,
            )  # fmt: skip
            cast = cast_clip(shown, one, session)
            assert cast is not None
            for sounded in sound_clip(cast, session):
                tracks.add(sounded)
        tracks.deliver()
        took_s = time.process_time() - start
    return took_s, len(session.placed)


def memory_mib(arguments: list[str]) -> float:
    """Peak memory of a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, *arguments, "--peak"], capture_output=True, text=True, check=True
    )
    return float(done.stdout.split()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--clip-s", type=int, default=10)
    parser.add_argument("--space", default="none")
    parser.add_argument("--peak", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    took_s, steps = run(given.minutes, given.clip_s, given.space)
    if given.peak:
        print(peak_mib())
        return
    short, whole = (
        memory_mib(
            ["--minutes", str(minutes), "--clip-s", str(given.clip_s), "--space", given.space]
        )
        for minutes in (given.minutes / 4, given.minutes)
    )
    print(
        "| minutes | people | steps | seconds | times real time | peak MiB | of a quarter of it |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    print(
        f"| {given.minutes:g} | {_PEOPLE} | {steps} | {took_s:.2f} "
        f"| {60 * given.minutes / took_s:.0f} | {whole:.0f} | {short:.0f} |"
    )


if __name__ == "__main__":
    main()
