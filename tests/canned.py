"""A pipeline whose analysis is known: movies of grey pictures and the steps 'seen' in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from media.movies import write_movie

from otio_foley.analysis.movie import MovieSteps, Stepper
from otio_foley.types import Contact

#: Contacts of the person 'seen', seconds from the movie's first picture.
CONTACTS_S = (0.5, 1.04, 1.61, 2.2, 2.77)


def find_steps(pictures: Iterable[tuple[float, np.ndarray]], **_: object) -> MovieSteps:
    """Stands in for `otio_foley.analysis.movie.find_steps`: steps in the pictures' time span."""
    times_s = np.array([time_s for time_s, _ in pictures])
    if not len(times_s):
        return MovieSteps(pictures=0, last_s=None, people=0, steppers=())
    contacts = tuple(
        contact(time_s, number)
        for number, time_s in enumerate(CONTACTS_S)
        if times_s[0] <= time_s <= times_s[-1]
    )
    stepper = Stepper(
        person=0,
        contacts=contacts,
        actions=("walk",) * len(contacts),
        times_s=times_s,
        silhouette_area=np.full(len(times_s), 0.04),
        distance_m=np.full(len(times_s), 4.0),
        across=np.full(len(times_s), 0.5),
    )
    return MovieSteps(
        pictures=len(times_s),
        last_s=float(times_s[-1]),
        people=1,
        steppers=(stepper,) if contacts else (),
    )


def find_nobody(pictures: Iterable[tuple[float, np.ndarray]], **_: object) -> MovieSteps:
    times_s = [time_s for time_s, _ in pictures]
    return MovieSteps(pictures=len(times_s), last_s=times_s[-1], people=0, steppers=())


def contact(time_s: float, number: int) -> Contact:
    return Contact(
        person=0,
        time_s=time_s,
        toe_off_s=time_s + 0.6,
        foot=("left", "right")[number % 2],  # type: ignore[arg-type]
        part="heel",
        strength=1.0,
        fall_speed=0.0,
        confidence=0.9,
        found_by="test",
    )


def edl(path: Path, *events: tuple[str, str, str, str, str]) -> Path:
    """A list at 25 frames a second: (movie, source in, source out, record in, record out)."""
    lines = ["TITLE: canned", "FCM: NON-DROP FRAME", ""]
    for number, (movie, *timecodes) in enumerate(events, 1):
        lines.append(f"{number:03}  AX       V     C        {' '.join(timecodes)}")
        lines.append(f"* FROM CLIP NAME: {movie}")
    path.write_text("\r\n".join(lines) + "\r\n")
    return path


def movie(path: Path, seconds: int = 4, rate: int = 25) -> Path:
    write_movie(path, range(seconds * rate), time_base=Fraction(1, rate))
    return path


Finder = Callable[..., MovieSteps]


def find_someone_nearing(
    pictures: Iterable[tuple[float, np.ndarray]], **settings: object
) -> MovieSteps:
    """The same steps, by someone who fills four times as much of the picture at the end."""
    seen = find_steps(pictures, **settings)
    return replace(
        seen,
        steppers=tuple(
            replace(one, silhouette_area=0.01 * 4 ** np.linspace(0, 2, len(one.times_s)))
            for one in seen.steppers
        ),
    )
