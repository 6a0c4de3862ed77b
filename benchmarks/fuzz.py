"""Damaged cuts through the whole of reading and writing: nothing but a `FoleyError` may come out.

    python benchmarks/fuzz.py --count 20000 --seed 1 [--jobs N] [--seconds S] DIR...
    python benchmarks/fuzz.py --seed 1 --case 1234 DIR...

Each case is opened from a file, read, given test stems, saved, opened again and stripped. A failure
is any other exception, a changed input, more than 10 s of work, or more than 1 GiB beyond what the
process held at its start. A case depends on seed, number and the files in DIR alone, so that
`--case` shows it again. Exit code 1 if anything failed.
"""

from __future__ import annotations

import argparse
import logging
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from pathlib import Path
from types import FrameType

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))

from corpus import test_stems
from mutations import case, corpus

from otio_foley.errors import FoleyError
from otio_foley.timelines.registry import open_document

_LONGEST_S = 10
_MOST_BYTES = 1024**3
_BATCH = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one case; `failure` is what should not have happened."""

    number: int
    kind: str
    result: str
    failure: str = ""


class HangError(BaseException):
    """Past the time limit; no `Exception`, so that nothing on the way catches it."""


def run(seed: int, number: int, files: list[Path], folder: Path) -> Outcome:
    """One case, in the time and memory that it may take."""
    made = case(seed, number, files)
    path = folder / made.name
    path.write_bytes(made.raw)
    kind = path.suffix[1:]
    signal.signal(signal.SIGPROF, _hang)
    signal.setitimer(signal.ITIMER_PROF, _LONGEST_S)  # of its own work, however busy the machine is
    try:
        _work(path, folder / f"out{path.suffix}")
        result, failure = "read", ""
    except FoleyError:
        result, failure = "refused", ""
    except HangError:
        result, failure = "failed", f"more than {_LONGEST_S} s"
    except Exception as error:  # which is what is looked for
        result = "failed"
        trace = "".join(traceback.format_tb(error.__traceback__)[-3:])
        failure = f"{type(error).__name__}: {error}\n{trace}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    if path.read_bytes() != made.raw:
        result, failure = "failed", "the input was changed"
    path.unlink()
    (folder / f"out{path.suffix}").unlink(missing_ok=True)
    return Outcome(number=number, kind=kind, result=result, failure=failure)


def _work(path: Path, out: Path) -> None:
    document = open_document(path)
    stems = test_stems(document.timeline())
    document.content()
    document.add(stems).save(out)
    added = open_document(out)
    stripped = added.strip()
    if stems and not (stripped.exact and stripped.document.is_identical(document)):
        raise AssertionError("the original did not come back")


def _hang(_signal: int, _frame: FrameType | None) -> None:
    raise HangError


def _batch(seed: int, files: list[Path], numbers: range) -> list[Outcome]:
    logging.disable()
    held = _held_bytes()
    resource.setrlimit(resource.RLIMIT_AS, (held + _MOST_BYTES, resource.RLIM_INFINITY))
    with tempfile.TemporaryDirectory() as folder:
        return [run(seed, number, files, Path(folder)) for number in numbers]


def _held_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * os.sysconf("SC_PAGE_SIZE")


def outcomes(
    seed: int, count: int, files: list[Path], jobs: int, until_s: float
) -> Iterator[Outcome]:
    """All cases of a seed in batches; no new batch is begun after `until_s` (monotonic)."""
    batches = (range(at, min(at + _BATCH, count)) for at in range(0, count, _BATCH))
    with ProcessPoolExecutor(jobs) as pool:
        while time.monotonic() < until_s:
            some = list(islice(batches, 2 * jobs))
            if not some:
                return
            yield from chain.from_iterable(pool.map(partial(_batch, seed, files), some))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--case", type=int, help="this one alone")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    given = parser.parse_args()
    files = corpus(*given.folders)
    if given.case is not None:
        with tempfile.TemporaryDirectory() as folder:
            found = [run(given.seed, given.case, files, Path(folder))]
    else:
        until_s = time.monotonic() + given.seconds
        found = list(outcomes(given.seed, given.count, files, given.jobs, until_s))
    counts = Counter((one.kind, one.result) for one in found)
    for kind in sorted({kind for kind, _ in counts}):
        told = (f"{counts[kind, result]:6} {result}" for result in ("read", "refused", "failed"))
        print(f"{kind:7}" + "".join(told))
    for one in found:
        if one.failure:
            print(f"--seed {given.seed} --case {one.number} ({one.kind}): {one.failure}")
    print(f"{len(found)} cases from {len(files)} files")
    return 1 if any(one.failure for one in found) else 0


if __name__ == "__main__":
    sys.exit(main())
