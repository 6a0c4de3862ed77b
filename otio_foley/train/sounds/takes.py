"""Make the takes that ship: FLAC files and what is said of each.

    otio-foley train samples samples/footsteps [--jobs 2]

Every take has a seed of its own, so that the same files come out whatever the order.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from otio_foley.files import write_whole
from otio_foley.library.own import INDEX, write_take
from otio_foley.library.rendering import SHIPPED, TakeId, gain_db, own_takes, rendered, voicing
from otio_foley.pipeline import Progress
from otio_foley.synthesis import SAMPLE_RATE_HZ
from otio_foley.synthesis.attack import attack_sample
from otio_foley.synthesis.seeding import take_seed


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What the index says of a take: `attack_s` in its file, `peak_dbfs`, and `gain_db`, by which
    it is turned down to be as loud as a walking step on its floor."""

    take: TakeId
    seconds: float
    attack_s: float
    peak_dbfs: float
    gain_db: float


def make(out: Path, *, jobs: int, variants: int = SHIPPED, report: Progress | None = None) -> int:
    """Write all takes and their index; returns how many. Raises OutputError."""
    ids = own_takes(variants)
    lines: list[Line] = []
    out.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(jobs) as pool:
        for line in pool.map(partial(_made, out), ids, chunksize=10):
            lines.append(line)
            if report is not None:
                report(line.take.file, len(lines) / len(ids))
    text = index(lines)
    write_whole(out / INDEX, lambda path: path.write_text(text, encoding="utf-8"), overwrite=True)
    return len(lines)


def _made(out: Path, one: TakeId) -> Line:
    pcm = rendered(one)
    path = out / one.file
    path.parent.mkdir(parents=True, exist_ok=True)
    write_take(path, pcm)
    return Line(
        take=one,
        seconds=len(pcm) / SAMPLE_RATE_HZ,
        attack_s=attack_sample(pcm) / SAMPLE_RATE_HZ,
        peak_dbfs=20 * float(np.log10(np.abs(pcm.astype(np.float64)).max() / 2**15)),
        gain_db=gain_db(one, pcm),
    )


def index(lines: Iterable[Line]) -> str:
    """The index as TOML."""
    text = [
        "# Made by `otio-foley train samples`; all of it is synthetic. Apache-2.0, as the program.",
        f'voicing = "{voicing()}"',
        f"sample_rate_hz = {SAMPLE_RATE_HZ}",
    ]
    for line in lines:
        one = line.take
        seed = take_seed(one.floor, one.shoe, one.kind, one.variant)
        text += [
            "",
            "[[take]]",
            f'file = "{one.file}"',
            f'floor = "{one.floor}"',
            f'shoe = "{one.shoe}"',
            f'kind = "{one.kind}"',
            f"seed = {seed}",
            f"seconds = {line.seconds:.4f}",
            f"attack_s = {line.attack_s:.6f}",
            f"peak_dbfs = {line.peak_dbfs:.2f}",
            f"gain_db = {line.gain_db:.2f}",
        ]
    return "\n".join(text) + "\n"
