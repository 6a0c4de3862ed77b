"""Work by number, each in a process of its own.

Mesa's software driver does not survive being set up and taken down many times in one process: one
in some hundred clips ended in a segmentation fault in `malloc`. A fresh process costs two seconds.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import get_context
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from typing import TypeAlias

from otio_foley.errors import OutputError

Work: TypeAlias = Callable[[int], None]


def done(work: Work, numbers: Sequence[int], jobs: int) -> Iterator[int]:
    """Do `work` for each number, `jobs` at a time, and give the numbers as they are done.

    `work` has to be picklable. A process that crashed (by a signal) is started once more. Raises
    OutputError as soon as a number cannot be done; what is under way then ends.
    """
    context = get_context("spawn")  # a GL context does not survive a fork
    waiting = list(reversed(numbers))
    crashed: set[int] = set()
    running: dict[object, tuple[SpawnProcess, int]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                number = waiting.pop()
                process = context.Process(target=_alone, args=(work, number), daemon=True)
                process.start()
                running[process.sentinel] = process, number
            for sentinel in wait([process.sentinel for process, _ in running.values()]):
                process, number = running.pop(sentinel)
                process.join()
                code = process.exitcode or 0
                if code == 0:
                    yield number
                elif code < 0 and number not in crashed:
                    crashed.add(number)
                    waiting.append(number)
                else:
                    raise OutputError(
                        f"number {number} could not be made (exit code {code})",
                        hint="what went wrong stands above; what is done stays done",
                    )
    finally:
        for process, _ in running.values():
            process.terminate()
            process.join()


def _alone(work: Work, number: int) -> None:
    """One core of the software renderer's, for more would only wait for one another; and an end
    when the process that started this one was killed."""
    os.environ["LP_NUM_THREADS"] = "1"
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    work(number)
