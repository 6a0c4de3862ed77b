"""Numbered scenes on the disk: each a file that depends on its seed and number alone; what is there
is not made again."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeAlias

from otio_foley.train.stage import crew

#: Makes one scene: out, the material's folder, seed, number. To be found at `scene_path`, whole.
Maker: TypeAlias = Callable[[Path, Path, int, int], None]

#: Scenes that one process makes: it takes as long as one of them to start.
_AT_ONCE = 10


def scene_path(out: Path, number: int) -> Path:
    return out / f"{number:05}.npz"


def scene_paths(out: Path) -> list[Path]:
    """Every scene in a folder, in order."""
    return sorted(out.glob("[0-9]*.npz"))


def make_scenes(
    maker: Maker, out: Path, shared: Path, *, scenes: int, seed: int, jobs: int
) -> Iterator[int]:
    """Make the scenes that are missing, and give how many there are, as they are done. `maker` has
    to be picklable."""
    out.mkdir(parents=True, exist_ok=True)
    missing = _missing(out, range(scenes))
    blocks = sorted({number // _AT_ONCE for number in missing})
    for block in crew.done(partial(_make_block, maker, out, shared, seed, scenes), blocks, jobs):
        missing -= set(_block(block, scenes))
        yield scenes - len(missing)


def _make_block(maker: Maker, out: Path, shared: Path, seed: int, scenes: int, block: int) -> None:
    for number in sorted(_missing(out, _block(block, scenes))):
        maker(out, shared, seed, number)


def _block(block: int, scenes: int) -> range:
    return range(block * _AT_ONCE, min(scenes, (block + 1) * _AT_ONCE))


def _missing(out: Path, numbers: range) -> set[int]:
    return {number for number in numbers if not scene_path(out, number).exists()}


def asked(about: str | None, scenes: int, arguments: list[str] | None) -> argparse.Namespace:
    """What a command that makes scenes is asked: out, material, scenes, seed, jobs."""
    parser = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--material", type=Path, default=Path("../shared"))
    parser.add_argument("--scenes", type=int, default=scenes)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    return parser.parse_args(arguments)


def tell_scenes(maker: Maker, given: argparse.Namespace) -> None:
    """Make the scenes that were `asked` for, and print how many there are."""
    done = make_scenes(
        maker, given.out, given.material, scenes=given.scenes, seed=given.seed, jobs=given.jobs
    )
    for ready in done:
        print(f"{ready} of {given.scenes} scenes", flush=True)
