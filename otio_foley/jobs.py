"""Where the looking is done: in this process, or in several of their own.

Looking at picture takes nearly all of a run's time. What is seen of a stretch depends on the
stretch and the settings alone, so that it is the same whoever looks and in whatever order.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from multiprocessing.connection import Connection
from typing import Final, TypeAlias, TypeVar, cast

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from otio_foley.analysis.movie import MovieSteps, find_steps
from otio_foley.config import Settings
from otio_foley.engines import heard_steps, voicebox_of
from otio_foley.errors import FoleyError, InputError
from otio_foley.media.picture import MovieInfo, frames

#: Called with which stretch is being looked at and how much of it is done (0..1).
Looking: TypeAlias = Callable[[int, float], None]

Item = TypeVar("Item")

_MOST_PROCESSES: Final = 61  # Windows waits for no more


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Picture to be looked at, in seconds from the movie's first frame; with `floors`, what is
    walked on is recognised too."""

    movie: MovieInfo
    start_s: float
    end_s: float
    floors: bool


def look(stretch: Stretch, settings: Settings, looking: Callable[[float], None]) -> MovieSteps:
    """Analyse a stretch of a movie; where the generator has a say, the steps are those of its
    sound. Raises MediaUnreadable."""
    movie, start_s = stretch.movie, max(0.0, stretch.start_s)
    known_end_s = stretch.end_s
    if movie.duration_s is not None:
        known_end_s = min(known_end_s, float(movie.duration_s))
    length_s = max(1e-3, known_end_s - start_s)
    analysis = settings.analysis

    def pictures() -> Iterator[tuple[float, NDArray[np.uint8]]]:
        shown = frames(
            movie, start_s=start_s, end_s=stretch.end_s, long_side_px=analysis.long_side_px
        )
        for frame in ahead(shown):
            # The frame that shows at start_s may begin before it.
            looking(min(1.0, max(0.0, (frame.time_s - start_s) / length_s)))
            yield frame.time_s, frame.rgb

    voicebox = voicebox_of(settings)
    with same_arithmetic():
        seen = find_steps(
            pictures(),
            most_people=analysis.most_people,
            least_confidence=analysis.least_confidence,
            unseen_feet=analysis.unseen_feet,
            floors=stretch.floors,
            closeups=voicebox is not None,
        )
        if voicebox is None:
            return seen
        heard = heard_steps(seen, voicebox, least_confidence=analysis.least_confidence)
    if settings.sound.engine == "generator":
        return heard
    # What the generator has read is large, and of no more use.
    return replace(heard, steppers=tuple(replace(one, visuals=()) for one in heard.steppers))


def ahead(items: Iterable[Item]) -> Iterator[Item]:
    """The same items, each made by another thread while the one before it is in use."""
    nothing = object()
    waiting = iter(items)
    with ThreadPoolExecutor(1) as reader:
        following = reader.submit(next, waiting, nothing)
        while (item := following.result()) is not nothing:
            following = reader.submit(next, waiting, nothing)
            yield cast(Item, item)


def look_at_all(
    stretches: Sequence[Stretch], settings: Settings, *, jobs: int, looking: Looking
) -> Generator[MovieSteps | FoleyError, None, None]:
    """What each stretch shows, or why it cannot be looked at, in their order.

    One after the other as they are asked for; with several `jobs` in so many processes, a few
    ahead. Raises InputError where one of the processes dies.
    """
    jobs = min(jobs, len(stretches), _MOST_PROCESSES)
    if jobs < 2:
        for number, stretch in enumerate(stretches):
            yield _looked_at(stretch, settings, partial(looking, number))
        return
    # A copy of a process that runs threads of C++ libraries may stand still for ever.
    context = multiprocessing.get_context("spawn")
    watched, alive = context.Pipe(duplex=False)
    workers = ProcessPoolExecutor(
        jobs,
        mp_context=context,
        initializer=_begin,
        initargs=(watched, max(1, (os.cpu_count() or 1) // jobs)),
    )
    ahead: deque[Future[MovieSteps | FoleyError]] = deque()
    waiting = iter(stretches)
    try:
        for number, stretch in enumerate(stretches):
            looking(number, 0.0)
            try:
                for one in islice(waiting, 2 * jobs - len(ahead)):
                    ahead.append(workers.submit(_looked_at, one, settings))
                seen = ahead.popleft().result()
            except BrokenProcessPool as error:
                raise InputError(
                    f"a process died that looked at {stretch.movie.path}, or at a clip near it",
                    hint="short of memory? take fewer --jobs; from a script, call it under "
                    'if __name__ == "__main__"',
                ) from error
            looking(number, 1.0)
            yield seen
    finally:
        alive.close()
        workers.shutdown(cancel_futures=True)
        watched.close()


def _begin(watched: Connection, threads: int) -> None:
    """Of a process that looks: it shares the processor with the others, and ends as soon as nobody
    waits for what it sees, whether its parent was stopped or killed."""

    def watch() -> None:
        with suppress(EOFError, OSError):
            watched.recv_bytes()
        os._exit(1)

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to hear
    threading.Thread(target=watch, daemon=True).start()
    cv2.setNumThreads(threads)


def _looked_at(
    stretch: Stretch, settings: Settings, looking: Callable[[float], None] = lambda done: None
) -> MovieSteps | FoleyError:
    try:
        return look(stretch, settings, looking)
    except FoleyError as error:
        return error


@contextmanager
def same_arithmetic() -> Iterator[None]:
    """With another number of threads, sums are added up in another order: the last bits differ.

    Also, OpenBLAS's threads wait by asking over and over: after products of two numbers by two, for
    each picture, they took a third of all processor time from whoever looks.
    """
    usual = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(limits=1, user_api="blas"):
            yield
    finally:
        torch.set_num_threads(usual)
