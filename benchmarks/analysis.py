"""What the analysis of 1080p picture costs beside the pose network alone, and the memory it takes.

    python benchmarks/analysis.py [--material ../shared] [--work FOLDER] [--seconds 6]

The stage films one person, and three, at 1920x1080 and 24 fps (kept in `--work`). Then, in one run
and on the same decoded frames: all of the analysis (`find_steps`, floors too), and what cannot be
saved, which is decoding and mediapipe's pose network with segmentation, once a frame and person.
Each is run `--repeats` times in turn; the medians are compared. Memory is the peak of a process
that sees the shot once, and of one that sees it four times over.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from statistics import median

import numpy as np
from memory import peak_mib
from numpy.typing import NDArray

from otio_foley.analysis.movie import find_steps
from otio_foley.config import Settings
from otio_foley.jobs import ahead, same_arithmetic
from otio_foley.media.picture import frames, probe

_RATE = Fraction(24)
_PEOPLE = (1, 3)


def film(path: Path, people: int, seconds: float, material: Path) -> None:
    """A shot of people who walk, before a camera that stands."""
    from otio_foley.train.stage.body import load_body
    from otio_foley.train.stage.clip import PICTURE, make_clip
    from otio_foley.train.stage.recipes import Part, plan

    shot = replace(
        plan("steps", 0, 11, material),
        parts=(Part(action="walk", garment="trousers"),) * people,
        camera="static",
        azimuth_deg=80.0,
        frame_rate=_RATE,
        duration_s=seconds,
        size_px=(1920, 1080),
        look="clean",
        slow_motion=1.0,
        exposures=1,
        clutter=False,
        crf=20,
    )
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        make_clip(shot, load_body(material / "body"), material, Path(folder))
        (Path(folder) / PICTURE).rename(path)


def pictures(path: Path, times: int = 1) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """The shot's frames as a job sees them, over and over."""
    settings = Settings()
    start_s = 0.0
    for _ in range(times):
        for frame in frames(
            probe(path), start_s=0.0, end_s=np.inf, long_side_px=settings.analysis.long_side_px
        ):
            last_s = start_s + frame.time_s
            yield last_s, frame.rgb
        start_s = last_s + float(1 / _RATE)


def analyse(path: Path, times: int = 1) -> tuple[float, int]:
    """Seconds that all of the analysis takes, and how many people it followed."""
    settings = Settings().analysis
    start_s = time.perf_counter()
    with same_arithmetic():
        found = find_steps(
            ahead(pictures(path, times)),
            most_people=settings.most_people,
            least_confidence=settings.least_confidence,
            unseen_feet=settings.unseen_feet,
            floors=True,
        )
    return time.perf_counter() - start_s, found.people


def bare(path: Path, people: int) -> float:
    """Seconds of decoding and of one pose network for each person, on whole frames."""
    import mediapipe

    networks = [
        mediapipe.solutions.pose.Pose(
            model_complexity=1, smooth_landmarks=False, enable_segmentation=True
        )
        for _ in range(people)
    ]
    start_s = time.perf_counter()
    for _, rgb in pictures(path):
        for network in networks:
            network.process(rgb)
    seconds = time.perf_counter() - start_s
    for network in networks:
        network.close()
    return seconds


def memory_mib(path: Path, times: int) -> float:
    """Peak memory of a process of its own that analyses the shot so many times over."""
    told = subprocess.run(
        [sys.executable, __file__, "--only", str(path), "--times", str(times)],
        check=True,
        capture_output=True,
        text=True,
    )
    return float(told.stdout.split()[-1])


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--material", type=Path, default=Path("../shared"))
    parser.add_argument("--work", type=Path, help="where the shots are kept")
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--times", type=int, default=1, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.only is not None:
        analyse(given.only, given.times)
        print(peak_mib())
        return 0
    with tempfile.TemporaryDirectory() as own:
        work = given.work or Path(own)
        work.mkdir(parents=True, exist_ok=True)
        for people in _PEOPLE:
            path = work / f"{people} at 1080p.mov"
            if not path.exists():
                film(path, people, given.seconds, given.material)
            seconds_of_film = given.seconds
            whole, alone, followed = [], [], 0
            for _ in range(given.repeats):
                spent_s, followed = analyse(path)
                whole.append(spent_s)
                alone.append(bare(path, people))
            ratio = median(whole) / median(alone)
            speed = seconds_of_film / median(whole)
            print(f"{people} filmed, {followed} followed: {ratio:.2f} times the bare network")
            print(f"  {speed:.2f} times real time; bare: {seconds_of_film / median(alone):.2f}")
            print(f"  peak memory: {memory_mib(path, 1):.0f} MiB, of four times as much picture:")
            print(f"  {memory_mib(path, 4):.0f} MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
