from __future__ import annotations

import multiprocessing
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import otio_foley
from otio_foley.analysis.movie import MovieSteps
from otio_foley.config import Settings
from otio_foley.errors import InputError, MediaUnreadable
from otio_foley.jobs import Stretch, ahead, look, look_at_all
from otio_foley.media.picture import probe
from otio_foley.resources import bundled


def stretch(name: str, length_s: float = 0.5) -> Stretch:
    movie = probe(bundled("samples") / "demo" / name)
    return Stretch(movie=movie, start_s=0.0, end_s=length_s, floors=False)


class Deadly(Settings):
    """Settings that end whatever process receives them."""

    def __reduce__(self) -> tuple[object, tuple[int]]:  # type: ignore[override]
        return os._exit, (1,)


def test_processes_give_what_was_asked_in_order_and_errors_among_it(tmp_path: Path) -> None:
    shutil.copy(bundled("samples") / "demo" / "run.mov", tmp_path / "gone.mov")
    gone = replace(stretch("run.mov"), movie=probe(tmp_path / "gone.mov"))
    (tmp_path / "gone.mov").write_bytes(b"no movie any more")
    asked = [stretch("walk.mov", 0.8), gone, stretch("empty.mov", 0.3)]
    told: list[tuple[int, float]] = []
    seen = list(look_at_all(asked, Settings(), jobs=2, looking=lambda n, of: told.append((n, of))))
    assert told == [(0, 0.0), (0, 1.0), (1, 0.0), (1, 1.0), (2, 0.0), (2, 1.0)]
    assert isinstance(seen[1], MediaUnreadable)
    assert "gone.mov" in str(seen[1])
    alone = list(look_at_all(asked, Settings(), jobs=1, looking=lambda n, of: None))
    assert str(alone[1]) == str(seen[1])
    for one, other in zip(seen[::2], alone[::2], strict=True):
        assert not isinstance(one, Exception)
        assert not isinstance(other, Exception)
        assert (one.pictures, one.last_s, one.people) == (
            other.pictures,
            other.last_s,
            other.people,
        )
    assert seen[0].people == 1  # type: ignore[union-attr]
    assert seen[2].people == 0  # type: ignore[union-attr]


def test_the_next_item_is_made_while_one_is_in_use() -> None:
    made = [threading.Event() for _ in range(3)]

    def items() -> Iterator[int]:
        for number, event in enumerate(made):
            event.set()
            yield number

    seen = []
    for number in ahead(items()):
        seen.append(number)
        assert all(event.wait(10.0) for event in made[: number + 2])
    assert seen == [0, 1, 2]
    assert list(ahead([])) == []


def test_reading_ahead_ends_where_the_source_fails_or_nobody_asks_any_more() -> None:
    closed = []

    def items() -> Iterator[int]:
        try:
            yield 1
            yield 2
            raise MediaUnreadable("damaged", hint="convert it")
        finally:
            closed.append(True)

    seen = []
    with pytest.raises(MediaUnreadable, match="damaged"):
        for number in ahead(items()):
            seen.append(number)
    assert seen == [1, 2] and closed == [True]

    threads = threading.active_count()
    reading = ahead(items())
    assert next(reading) == 1
    reading.close()
    assert closed == [True, True] and threading.active_count() == threads


def test_one_process_looks_only_when_asked_to() -> None:
    told: list[int] = []
    asked = [stretch("empty.mov", 0.2), stretch("empty.mov", 0.2)]
    looked = look_at_all(asked, Settings(), jobs=1, looking=lambda n, of: told.append(n))
    assert told == []
    next(looked)
    assert set(told) == {0}


def test_a_process_that_dies_is_named_with_what_to_do() -> None:
    asked = [stretch("empty.mov"), stretch("empty.mov")]
    with pytest.raises(InputError, match=r"process died that looked at .*empty\.mov") as raised:
        list(look_at_all(asked, Deadly(), jobs=2, looking=lambda n, of: None))
    assert "--jobs" in raised.value.hint


def test_who_looks_ends_when_nobody_waits_for_it_any_more() -> None:
    asked = [stretch("empty.mov", 0.1), *[stretch("walk.mov", 30.0)] * 3]
    looked = look_at_all(asked, Settings(), jobs=2, looking=lambda n, of: None)
    next(looked)
    workers = multiprocessing.active_children()
    assert len(workers) == 2
    looked.close()
    # Not 0, as it would be had they finished what they looked at.
    assert {worker.exitcode for worker in workers} == {1}


_DIES = """
import multiprocessing, os
from test_jobs import Settings, look_at_all, stretch
if __name__ == "__main__":
    asked = [stretch("empty.mov", 0.1), *[stretch("walk.mov", 30.0)] * 3]
    looked = look_at_all(asked, Settings(), jobs=2, looking=lambda n, of: None)
    next(looked)
    print(*[worker.pid for worker in multiprocessing.active_children()], flush=True)
    os.kill(os.getpid(), 9)
"""


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_who_looks_does_not_outlive_a_parent_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "dies.py"
    script.write_text(_DIES)
    done = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    pids = [int(pid) for pid in done.stdout.split()]
    assert len(pids) == 2
    for _ in range(300):
        if not any(map(is_alive, pids)):
            return
        time.sleep(0.1)
    raise AssertionError(f"still there: {[pid for pid in pids if is_alive(pid)]}")


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # Where nobody takes in orphans, they stay as names without a process.
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def test_looking_does_not_depend_on_how_many_threads_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    threads: list[int] = []

    def find_nobody(pictures: object, **_: object) -> MovieSteps:
        threads.append(torch.get_num_threads())
        return MovieSteps(pictures=0, last_s=None, people=0, steppers=())

    monkeypatch.setattr("otio_foley.jobs.find_steps", find_nobody)
    usual = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        look(stretch("empty.mov"), Settings(), lambda done: None)
        assert threads == [1]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(usual)


def test_the_result_is_the_same_whatever_the_jobs(tmp_path: Path) -> None:
    for name in ("one", "two"):
        shutil.copytree(bundled("samples") / "demo", tmp_path / name)
    one = otio_foley.run(tmp_path / "one" / "demo.edl")
    two = otio_foley.run(tmp_path / "two" / "demo.edl", jobs=2)
    assert [clip.steps for clip in one.clips] == [clip.steps for clip in two.clips]
    assert len(one.stems) == len(two.stems) > 0
    for stem, other in zip(one.stems, two.stems, strict=True):
        assert stem.path.name == other.path.name
        assert stem.path.read_bytes() == other.path.read_bytes()
