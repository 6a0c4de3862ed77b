"""Where the looking is done: in this process, or in several of their own.

Looking at picture takes nearly all of a run's time. What is seen of a stretch depends on the
stretch and the settings alone, so that it is the same whoever looks and in whatever order.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from otio_foley.analysis.movie import MovieSteps, find_steps
from otio_foley.config import Settings
from otio_foley.engines import heard_steps, voicebox_of
from otio_foley.errors import FoleyError, InputError
from otio_foley.media.picture import MovieInfo, frames

#: Called with which stretch is being looked at and how much of it is done (0..1).
Looking: TypeAlias = Callable[[int, float], None]


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
        for frame in frames(
            movie, start_s=start_s, end_s=stretch.end_s, long_side_px=analysis.long_side_px
        ):
            # The frame that shows at start_s may begin before it.
            looking(min(1.0, max(0.0, (frame.time_s - start_s) / length_s)))
            yield frame.time_s, frame.rgb

    voicebox = voicebox_of(settings)
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
    return heard_steps(seen, voicebox, least_confidence=analysis.least_confidence)


def look_at_all(
    stretches: Sequence[Stretch], settings: Settings, *, jobs: int, looking: Looking
) -> Generator[MovieSteps | FoleyError, None, None]:
    """What each stretch shows, or why it cannot be looked at, in their order.

    One after the other as they are asked for; with several `jobs` in so many processes, a few
    ahead. Raises InputError where one of the processes dies.
    """
    jobs = min(jobs, len(stretches))
    if jobs < 2:
        for number, stretch in enumerate(stretches):
            yield _looked_at(stretch, settings, partial(looking, number))
        return
    with ExitStack() as stack:
        workers = ProcessPoolExecutor(
            jobs,
            # A copy of a process that runs threads of C++ libraries may stand still for ever.
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_begin,
            initargs=(max(1, (os.cpu_count() or 1) // jobs),),
        )
        stack.callback(workers.shutdown, cancel_futures=True)
        ahead: deque[Future[MovieSteps | FoleyError]] = deque()
        waiting = iter(stretches)
        for number, stretch in enumerate(stretches):
            try:
                for one in islice(waiting, 2 * jobs - len(ahead)):
                    ahead.append(workers.submit(_looked_at, one, settings))
                seen = ahead.popleft().result()
            except BrokenProcessPool as error:
                raise InputError(
                    f"a process died that looked at {stretch.movie.path}, or at a clip near it",
                    hint="short of memory? take fewer --jobs; with one, the clip shows itself",
                ) from error
            looking(number, 1.0)
            yield seen


def _begin(threads: int) -> None:
    """Of a process that looks: it ends with its parent at Ctrl-C, without a word, and shares the
    processor with the others."""
    import cv2
    import torch

    signal.signal(signal.SIGINT, signal.SIG_DFL)
    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)


def _looked_at(
    stretch: Stretch, settings: Settings, looking: Callable[[float], None] = lambda done: None
) -> MovieSteps | FoleyError:
    try:
        return look(stretch, settings, looking)
    except FoleyError as error:
        return error
