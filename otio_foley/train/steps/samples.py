"""People seen by many cameras: keypoints with their truth, for judging and for training."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from otio_foley.train.stage.cameras import Kind
from otio_foley.train.steps.figures import Figure, figure_of_trial, pieces, whole_figure
from otio_foley.train.steps.material import read_trials
from otio_foley.train.steps.noise import NoiseModel, spoiled
from otio_foley.train.steps.trials import (
    Source,
    TrueContact,
    Truth,
    Window,
    with_labels,
)
from otio_foley.train.steps.views import (
    KINDS,
    View,
    feet_in_picture,
    head_in_picture,
    is_found,
    view,
)

#: Feet that come into the picture later than this before a contact (or leave it sooner after) do
#: not show it.
_SHOWN_S = 0.15


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What one camera saw of one figure, spoiled, and the truth in the clock of `view.pose`."""

    subject: str
    name: str
    number: int
    view: View
    truth: Truth


@dataclass(frozen=True, slots=True, kw_only=True)
class Shots:
    """What kinds of camera look, in which frames (T,) of a view its person is found, and in which
    contacts are known."""

    kinds: Sequence[Kind]
    found: Callable[[View], NDArray[np.bool_]]
    known: Callable[[View], NDArray[np.bool_]]


OF_FEET: Final = Shots(kinds=KINDS, found=is_found, known=feet_in_picture)


#: Of people whose feet may be out of the picture: every other view is a medium shot or a close-up.
OF_BODIES: Final = Shots(
    kinds=(
        *("pan", "close", "dolly", "close", "handheld", "close"),
        *("static", "close", "zoom", "close", "high", "close", "low", "close"),
    ),
    found=head_in_picture,
    known=head_in_picture,
)


def plated_figures(material: Path, source: Source = "plate") -> tuple[Figure, ...]:
    """All measured people with a truth of that source, in pieces as long as shots are."""
    whole = [figure_of_trial(trial, source) for trial in read_trials(material)]
    return tuple(part for one in whole if one is not None for part in pieces(one))


def learned_figures(material: Path) -> tuple[Figure, ...]:
    """Measured people, to learn from: what plates felt, and what was labelled between."""
    found: list[Figure] = []
    for trial in read_trials(material):
        figure = figure_of_trial(trial)
        if figure is None:
            continue
        for truth in trial.truths:
            if truth.source == "label":
                figure = replace(figure, truth=with_labels(figure.truth, truth))
        found += pieces(figure)
    return tuple(found)


def whole_figures(material: Path, source: Source = "plate") -> tuple[Figure, ...]:
    """Measured people with head and arms, where these were measured, whole."""
    whole = [whole_figure(trial, source) for trial in read_trials(material)]
    return tuple(one for one in whole if one is not None)


def samples(
    figures: Sequence[Figure],
    *,
    views: int,
    frame_rates: Sequence[float],
    noise: NoiseModel | None,
    seed: int,
    shots: Shots = OF_FEET,
) -> Iterator[Sample]:
    """Every figure through `views` cameras at every frame rate; None leaves keypoints exact.

    Azimuths are spread evenly all round, kinds of camera in turn; both start anywhere. The same for
    the same seed, whatever other figures there are. Views in which nothing is known are left out.
    """
    for figure in figures:
        key = crc32(f"{figure.subject}/{figure.name}".encode())
        plan = np.random.default_rng([seed, key])
        first, turn = int(plan.integers(len(shots.kinds))), float(plan.random())
        for number in range(views):
            kind = shots.kinds[(first + number) % len(shots.kinds)]
            # Kinds go round while azimuths do: a stride that shares no factor mixes the two.
            azimuth = 360.0 * ((number * _stride(views) + turn) / views % 1.0)
            for frame_rate in frame_rates:
                rng = np.random.default_rng([seed, key, number, round(frame_rate * 1000)])
                seen = view(figure, kind, azimuth, frame_rate, rng)
                truth = shown(figure.truth, seen, shots.known(seen))
                if not truth.windows:
                    continue
                yield Sample(
                    subject=figure.subject,
                    name=figure.name,
                    number=number,
                    view=seen if noise is None else spoiled(seen, noise, rng, shots.found),
                    truth=truth,
                )


def _stride(views: int) -> int:
    """A step through `views` azimuths that meets each of them once, near the golden section."""
    wanted = max(1, round(views * 0.382))
    return next(step for step in range(wanted, wanted + views) if np.gcd(step, views) == 1)


def shown(truth: Truth, seen: View, visible: NDArray[np.bool_]) -> Truth:
    """A figure's truth in a view's clock, known only in visible frames (T,)."""
    times = seen.pose.times_s
    edges = [0, *(np.flatnonzero(np.diff(visible.astype(np.int8))) + 1).tolist(), len(times)]
    spans = []
    for first, end in pairwise(edges):
        if not visible[first]:
            continue
        # The film's own ends hide nothing that the recording's did not.
        start_s = float(times[first]) + (_SHOWN_S if first > 0 else 0.0)
        end_s = float(times[end - 1]) - (_SHOWN_S if end < len(times) else 0.0)
        spans.append((start_s, end_s))
    moved = [
        (window.start_s - seen.start_s, window.end_s - seen.start_s) for window in truth.windows
    ]
    windows = [
        Window(start_s=max(start, low), end_s=min(end, high))
        for start, end in moved
        for low, high in spans
        if max(start, low) < min(end, high)
    ]
    contacts = tuple(
        TrueContact(
            foot=one.foot,
            time_s=one.time_s - seen.start_s,
            toe_off_s=None if one.toe_off_s is None else one.toe_off_s - seen.start_s,
        )
        for one in truth.contacts
    )
    doing = tuple(
        replace(one, start_s=one.start_s - seen.start_s, end_s=one.end_s - seen.start_s)
        for one in truth.doing
    )
    return replace(truth, contacts=contacts, windows=tuple(windows), doing=doing)
