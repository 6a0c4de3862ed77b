"""Work in processes of its own: crashes, errors, and what ends when its starter is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from otio_foley.errors import OutputError
from otio_foley.train.stage import crew


def write(folder: Path, number: int) -> None:
    (folder / str(number)).write_text(str(os.getpid()))


def crash_at_first(folder: Path, number: int) -> None:
    if not (folder / f"tried {number}").exists():
        (folder / f"tried {number}").touch()
        os.kill(os.getpid(), signal.SIGSEGV)
    write(folder, number)


def crash(folder: Path, number: int) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def fail_at_one(folder: Path, number: int) -> None:
    if number == 1:
        raise ValueError("one is wrong")
    if number > 1:
        time.sleep(60)


def test_each_number_has_a_process_of_its_own(tmp_path: Path) -> None:
    assert sorted(crew.done(partial(write, tmp_path), [3, 1, 2], 2)) == [1, 2, 3]
    workers = {(tmp_path / str(number)).read_text() for number in (1, 2, 3)}
    assert len(workers) == 3
    assert str(os.getpid()) not in workers


def test_a_crash_is_tried_once_more(tmp_path: Path) -> None:
    assert list(crew.done(partial(crash_at_first, tmp_path), [7], 1)) == [7]
    assert (tmp_path / "7").exists()
    with pytest.raises(OutputError, match="number 7"):
        list(crew.done(partial(crash, tmp_path), [7], 1))


def test_what_cannot_be_done_is_said_before_all_else_is(tmp_path: Path) -> None:
    begun = time.monotonic()
    with pytest.raises(OutputError, match="number 1"):
        list(crew.done(partial(fail_at_one, tmp_path), [1, 2, 3, 4], 2))
    assert time.monotonic() - begun < 50  # the others would sleep for a minute each


def test_nothing_goes_on_when_its_starter_was_killed(tmp_path: Path) -> None:
    text = (
        "from functools import partial; from pathlib import Path\n"
        "from train.test_crew import linger; from otio_foley.train.stage import crew\n"
        "if __name__ == '__main__':\n"
        f"    list(crew.done(partial(linger, Path({str(tmp_path)!r})), [1], 1))\n"
    )
    script = tmp_path / "starter.py"
    script.write_text(text)
    tests = str(Path(__file__).resolve().parents[1])
    starter = subprocess.Popen(
        [sys.executable, str(script)], env={**os.environ, "PYTHONPATH": tests}
    )
    worker = tmp_path / "1"
    assert _comes_true(worker.exists)
    starter.kill()
    starter.wait()
    pid = int(worker.read_text())
    assert _comes_true(lambda: not Path(f"/proc/{pid}").exists() or _is_zombie(pid))


def linger(folder: Path, number: int) -> None:
    (folder / "part").write_text(str(os.getpid()))
    (folder / "part").rename(folder / str(number))
    time.sleep(120)


def _is_zombie(pid: int) -> bool:
    try:
        return ") Z" in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return True


def _comes_true(true: Callable[[], bool]) -> bool:
    """Waits for what comes in a second; a minute is for machines that are busy."""
    for _ in range(600):
        if true():
            return True
        time.sleep(0.1)
    return False
