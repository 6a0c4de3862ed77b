"""How true the stage's truth is: feet that stand, and contacts against the source's own times.

    python -m otio_foley.train.stage.truth [--material ../shared] [--takes 6]

Per action: the speed of the standing part of a sole, how far it slides in one stance, how deep it
sinks, and by how much the contacts read from the finished motion differ from when the same foot
came low and slow in the captured motion, before it was held to the floor.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from otio_foley.train.stage.actions import ACTIONS, Action, Performance, perform
from otio_foley.train.stage.body import Body, load_body
from otio_foley.train.stage.contacts import sole_path
from otio_foley.train.stage.rotation import Array

_TAKE_S = 8.0
#: A contact further from every planned one than this has none.
_SAME_S = 0.12
#: The foot comes and goes within the first and last moments of a stance.
_SETTLE_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One take: speeds (m/s) of standing soles at 1 ms, errors (s) against the source's times."""

    contacts: int
    speeds_m_s: Array
    slide_m: float
    sinking_m: float
    errors_s: Array


def measure(body: Body, done: Performance) -> Measured:
    speeds = [np.zeros(0)]
    for foot in ("left", "right"):
        path = sole_path(body, done.motion, foot)
        for contact in done.contacts:
            if contact.foot != foot:
                continue
            off_s = contact.toe_off_s or done.motion.duration_s
            first, last = contact.time_s + _SETTLE_S, off_s - _SETTLE_S
            speeds.append(path.speed_m_s[round(first * 1000) : round(last * 1000)])
    errors = []
    for contact in done.contacts:
        gaps = [contact.time_s - fall.time_s for fall in done.planned if fall.foot == contact.foot]
        nearest = min(gaps, key=abs, default=np.inf)
        if abs(nearest) < _SAME_S:
            errors.append(nearest)
    return Measured(
        contacts=len(done.contacts),
        speeds_m_s=np.concatenate(speeds),
        slide_m=done.footing.slide_m,
        sinking_m=done.footing.sinking_m,
        errors_s=np.array(errors),
    )


def table(measured: dict[Action, list[Measured]]) -> list[str]:
    """The figures per action, as Markdown."""
    lines = [
        "| action | takes | contacts | sole speed, median / 95 % mm/s | longest slide mm "
        "| deepest mm | with a source time | late, median / 5 % / 95 % ms |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for action, takes in measured.items():
        count = sum(take.contacts for take in takes)
        cells = [action, str(len(takes)), str(count)]
        speeds = np.concatenate([take.speeds_m_s for take in takes]) * 1e3
        errors = np.concatenate([take.errors_s for take in takes]) * 1e3
        if count:
            cells.append(f"{np.median(speeds):.1f} / {np.quantile(speeds, 0.95):.1f}")
        else:
            cells.append("-")
        cells.append(f"{max(take.slide_m for take in takes) * 1e3:.1f}")
        cells.append(f"{max(take.sinking_m for take in takes) * 1e3:.2f}")
        cells.append(f"{len(errors)} of {count}")
        if len(errors):
            low, middle, high = np.quantile(errors, [0.05, 0.5, 0.95])
            cells.append(f"{middle:+.0f} / {low:+.0f} / {high:+.0f}")
        else:
            cells.append("-")
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def main(argv: Sequence[str] | None = None) -> int:
    """Command line of this module."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--material", type=Path, default=Path("../shared"))
    parser.add_argument("--takes", type=int, default=6)
    given = parser.parse_args(argv)
    body = load_body(given.material / "body")
    measured: dict[Action, list[Measured]] = {}
    for number, action in enumerate(ACTIONS):
        for take in range(given.takes):
            rng = np.random.default_rng([take, number])
            done = perform(action, body, given.material, rng, _TAKE_S)
            measured.setdefault(action, []).append(measure(body, done))
    print("\n".join(table(measured)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
