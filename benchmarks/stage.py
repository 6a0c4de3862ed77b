"""How fast the stage makes clips, what of that is what, and the memory that it takes.

    python benchmarks/stage.py [--material ../shared] [--recipe method] [--clips 4]

Seconds a clip for its people's motion, its pictures and the rest; frames a second over all of it,
on one core (Mesa's software driver is told so), so that two jobs on two cores make twice as many.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("LP_NUM_THREADS", "1")

import cv2
import numpy as np
from memory import peak_mib

from otio_foley.train.stage import clip
from otio_foley.train.stage.body import load_body
from otio_foley.train.stage.recipes import RECIPES, plan


def read_back(folder: Path) -> None:
    """Everything that a trainer may want of a clip."""
    movie = cv2.VideoCapture(str(folder / clip.PICTURE))
    while movie.read()[0]:
        pass
    movie.release()
    with np.load(folder / clip.FRAMES) as held:
        for name in held.files:
            _ = held[name]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--material", type=Path, default=Path("../shared"))
    parser.add_argument("--recipe", choices=list(RECIPES), default="method")
    parser.add_argument("--clips", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--of", type=int, default=700, help="clips to project the time for")
    given = parser.parse_args()
    body = load_body(given.material / "body")
    frames, motion_s, whole_s, read_s, size = 0, 0.0, 0.0, 0.0, 0
    for number in range(given.clips):
        # Spread over the recipe's rounds, for clips differ.
        one = plan(given.recipe, number * 7, given.seed, given.material)
        start_s = time.perf_counter()
        clip.cast_players(one, body, given.material)
        motion_s += time.perf_counter() - start_s
        with tempfile.TemporaryDirectory() as folder:
            start_s = time.perf_counter()
            clip.make_clip(one, body, given.material, Path(folder))
            whole_s += time.perf_counter() - start_s
            start_s = time.perf_counter()
            read_back(Path(folder))
            read_s += time.perf_counter() - start_s
            size += sum(path.stat().st_size for path in Path(folder).iterdir())
        frames += one.frames
    print(f"recipe {given.recipe}: {given.clips} clips, {frames} frames, one core")
    print(f"frames a second: {frames / whole_s:.1f}")
    print(f"share of the time for motion: {motion_s / whole_s:.0%}")
    print(f"read back, pictures and truth, frames a second: {frames / read_s:.0f}")
    gigabytes = size / given.clips * given.of / 1e9
    print(f"{given.of} clips take {gigabytes:.1f} GB")
    print(f"peak memory: {peak_mib():.0f} MiB")
    hours = whole_s / given.clips * given.of / 2.0 / 3600.0
    print(f"{given.of} clips on two cores: {hours:.1f} h")
    return 0


if __name__ == "__main__":
    sys.exit(main())
