"""How true the stage's truth is: feet that stand, and contacts against the source's own times.

    python -m otio_foley.train.stage.truth [--material ../shared] [--takes 6]

Per action: the speed of the standing part of a sole, how far it slides in one stance, how deep it
sinks, and how long after the foot's fastest fall in the captured motion, before it was held to the
floor, its contact comes. O'Connor et al. 2007 (Gait & Posture 25) take that trough in the vertical
velocity of the foot's centre for the contact: a rule that the stage itself does not use.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.ndimage import uniform_filter1d

from otio_foley.train.stage.actions import ACTIONS, Action, Performance, perform
from otio_foley.train.stage.body import Body, load_body
from otio_foley.train.stage.contacts import TRUTH_RATE_HZ, sole_path, sole_points
from otio_foley.train.stage.retarget import SIDES, BodyMotion, Side
from otio_foley.train.stage.rotation import Array

_TAKE_S = 8.0
#: The fastest fall is looked for so long before a contact and after it (s), in a mean over this.
_FALL_WITHIN_S = (0.15, 0.08)
_SMOOTHED_S = 0.015
#: The foot comes and goes within the first and last moments of a stance.
_SETTLE_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One take: speeds (m/s) of standing soles at 1 ms; after_s (s) from the captured foot's
    fastest fall to the contact, of those contacts that have one near."""

    contacts: int
    speeds_m_s: Array
    slide_m: float
    sinking_m: float
    after_s: Array


def measure(body: Body, done: Performance) -> Measured:
    speeds = [np.zeros(0)]
    for foot in SIDES:
        path = sole_path(body, done.motion, foot)
        for contact in done.contacts:
            if contact.foot != foot:
                continue
            off_s = contact.toe_off_s or done.motion.duration_s
            first, last = contact.time_s + _SETTLE_S, off_s - _SETTLE_S
            speeds.append(path.speed_m_s[round(first * 1000) : round(last * 1000)])
    falls = {foot: fall_m_s(body, done.captured, foot) for foot in SIDES}
    after = [seconds_after_fall(falls[one.foot], one.time_s) for one in done.contacts]
    return Measured(
        contacts=len(done.contacts),
        speeds_m_s=np.concatenate(speeds),
        slide_m=done.footing.slide_m,
        sinking_m=done.footing.sinking_m,
        after_s=np.array([one for one in after if one is not None]),
    )


def fall_m_s(body: Body, motion: BodyMotion, foot: Side) -> Array:
    """Vertical velocity (T,) of the middle of a sole at 1 ms, upwards."""
    height = sole_points(body, motion, foot)[:, :, 1].mean(axis=1)
    size = round(_SMOOTHED_S * TRUTH_RATE_HZ)
    return np.asarray(uniform_filter1d(np.gradient(height) * TRUTH_RATE_HZ, size))


def seconds_after_fall(fall: Array, contact_s: float) -> float | None:
    """From the fastest fall near a contact to it; None where the foot does not fall there, or
    faster still beyond."""
    first, last = (contact_s + way for way in (-_FALL_WITHIN_S[0], _FALL_WITHIN_S[1]))
    start, end = (max(0, round(at * TRUTH_RATE_HZ)) for at in (first, last))
    near = fall[start:end]
    if len(near) < 3:
        return None
    lowest = int(near.argmin())
    if near[lowest] >= 0.0 or lowest in (0, len(near) - 1):
        return None
    return contact_s - (start + lowest) / TRUTH_RATE_HZ


def table(measured: dict[Action, list[Measured]]) -> list[str]:
    """The figures per action, as Markdown."""
    lines = [
        "| action | takes | contacts | sole speed, median / 95 % mm/s | longest slide mm "
        "| deepest mm | with a fall | after the fastest fall, median / 5 % / 95 % ms |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for action, takes in measured.items():
        count = sum(take.contacts for take in takes)
        cells = [action, str(len(takes)), str(count)]
        speeds = np.concatenate([take.speeds_m_s for take in takes]) * 1e3
        after = np.concatenate([take.after_s for take in takes]) * 1e3
        if count:
            cells.append(f"{np.median(speeds):.1f} / {np.quantile(speeds, 0.95):.1f}")
        else:
            cells.append("-")
        cells.append(f"{max(take.slide_m for take in takes) * 1e3:.1f}")
        cells.append(f"{max(take.sinking_m for take in takes) * 1e3:.2f}")
        cells.append(f"{len(after)} of {count}")
        if len(after):
            low, middle, high = np.quantile(after, [0.05, 0.5, 0.95])
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
