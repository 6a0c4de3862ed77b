"""How true the stage's truth is: feet that stand, and contacts beside those that plates feel.

    python -m otio_foley.train.stage.truth [--material ../shared] [--takes 6]

Per action: the speed of the standing part of a sole, how far it slides in one stance, how deep it
sinks; and of the captured motion, before its feet were held to the floor, what the foot does when
its contact comes: how long after its fastest fall that is (O'Connor et al. 2007, Gait & Posture 25,
take that trough for the contact, and so do the stage's plans), and how fast it still goes over the
floor, as a share of its swing's greatest speed, of which the plans know nothing.
`steps.landings` says the same two of people whose contacts plates have felt.
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
from otio_foley.train.stage.retarget import SIDES
from otio_foley.train.stage.rotation import Array

_TAKE_S = 8.0
#: The fastest fall is looked for so long before a contact and after it (s), in a mean over this.
_FALL_WITHIN_S = (0.15, 0.08)
_SMOOTHED_S = 0.015
#: A swing's greatest speed lies this long before its end.
_SWING_S = 0.4
#: The foot comes and goes within the first and last moments of a stance.
_SETTLE_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Landings:
    """Contacts of captured feet: after_s (N,) from the fastest fall to the contact, NaN where there
    is none near; share (N,) of the swing's greatest speed that is left."""

    after_s: Array
    share: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One take: speeds (m/s) of standing soles at 1 ms, and its captured feet as `Landings`."""

    contacts: int
    speeds_m_s: Array
    slide_m: float
    sinking_m: float
    landings: Landings


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
    landed = []
    for foot in SIDES:
        sole = sole_points(body, done.captured, foot)
        middle = sole.mean(axis=1)
        for one in done.contacts:
            at = round(one.time_s * TRUTH_RATE_HZ)
            if one.foot == foot and at < len(sole):
                touching = sole[:, sole[at, :, 1].argmin()]
                landed.append(landings(middle, touching, [one.time_s]))
    return Measured(
        contacts=len(done.contacts),
        speeds_m_s=np.concatenate(speeds),
        slide_m=done.footing.slide_m,
        sinking_m=done.footing.sinking_m,
        landings=joined(landed),
    )


def landings(middle_m: Array, touching_m: Array, contacts_s: Sequence[float]) -> Landings:
    """How a foot came down at known contacts: paths (T, 3), y up, at 1 ms, of its middle and of
    what touches the floor first."""
    fall = _smoothed(np.gradient(middle_m[:, 1]) * TRUTH_RATE_HZ)
    over = np.linalg.norm(np.gradient(touching_m[:, [0, 2]], axis=0), axis=1) * TRUTH_RATE_HZ
    over = _smoothed(over)
    after, share = [], []
    for contact_s in contacts_s:
        at = round(contact_s * TRUTH_RATE_HZ)
        swing = over[max(0, at - round(_SWING_S * TRUTH_RATE_HZ)) : at + 1]
        if at < len(over) and len(swing) > 1:
            one = seconds_after_fall(fall, contact_s)
            after.append(np.nan if one is None else one)
            share.append(over[at] / max(float(swing.max()), 1e-9))
    return Landings(after_s=np.array(after), share=np.array(share))


def joined(parts: Sequence[Landings]) -> Landings:
    return Landings(
        after_s=np.concatenate([np.zeros(0), *(one.after_s for one in parts)]),
        share=np.concatenate([np.zeros(0), *(one.share for one in parts)]),
    )


def _smoothed(values: Array) -> Array:
    return np.asarray(uniform_filter1d(values, round(_SMOOTHED_S * TRUTH_RATE_HZ)))


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
        "| deepest mm | after the fastest fall, median / 5 % / 95 % ms | of the swing's speed |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for action, takes in measured.items():
        count = sum(take.contacts for take in takes)
        cells = [action, str(len(takes)), str(count)]
        speeds = np.concatenate([take.speeds_m_s for take in takes]) * 1e3
        if count:
            cells.append(f"{np.median(speeds):.1f} / {np.quantile(speeds, 0.95):.1f}")
        else:
            cells.append("-")
        cells.append(f"{max(take.slide_m for take in takes) * 1e3:.1f}")
        cells.append(f"{max(take.sinking_m for take in takes) * 1e3:.2f}")
        cells += landing_cells(joined([take.landings for take in takes]))
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def landing_cells(own: Landings) -> list[str]:
    """A table's cells for landings: time after the fall, and share of the swing's speed."""
    after = own.after_s[np.isfinite(own.after_s)] * 1e3
    if not len(after):
        return ["-", "-"]
    low, middle, high = np.quantile(after, [0.05, 0.5, 0.95])
    return [f"{middle:+.0f} / {low:+.0f} / {high:+.0f}", f"{np.median(own.share):.0%}"]


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
            # On the spot a captured foot is carried back while it stands.
            done = perform(action, body, given.material, rng, _TAKE_S, "line")
            measured.setdefault(action, []).append(measure(body, done))
    print("\n".join(table(measured)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
