"""From forces to contacts: when a plate was loaded, and by whose foot.

A plate is loaded by more than 30 N over what it shows when nobody stands on it, for at least
0.1 s, not cut off by the recording's ends. (`contacts_forceplate.tsv` counts from 0 N: one of van
der Zee's plates shows 33 N unloaded, so that its noise alone crosses that limit.)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from otio_foley.train.steps.recording import Plate
from otio_foley.train.steps.trials import HEEL, SIDES, TOE, TrueContact
from otio_foley.types import FloatArray

_LOADED_N = 30.0
_SHORTEST_S = 0.1
#: Forces smaller than this may be those of an empty plate.
_EMPTY_N = 100.0
#: A running median over so long leaves the instant of a rise where it is.
_QUIET_S = 0.007
#: A plate that forgets its load for less than this rang.
_RINGING_S = 0.004

#: A foot may stand over a plate's edge by this much.
_EDGE_M = 0.05
#: When the foot that came down is looked for, after the onset.
_LOOKED_AT_S = (0.05, 0.15)

#: A foot that leaves has its heel this high above where it stood; one that does not either stands
#: half beside the plate, or another foot stood on the plate after it.
_HEEL_OFF_M = 0.05
#: A foot that came down here moved at least this fast on its way (m/s), this long before.
_SWINGING_M_S = 0.3
_BEFORE_S = (0.10, 0.03)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """A plate feels weight: seconds from the first frame, greatest force in newtons."""

    plate: int
    on_s: float
    off_s: float
    peak_n: float


def loads(plates: Sequence[Plate]) -> tuple[Load, ...]:
    """When each plate was loaded, in time order."""
    found = [load for number, plate in enumerate(plates) for load in _loads(number, plate)]
    return tuple(sorted(found, key=lambda load: load.on_s))


def _loads(number: int, plate: Plate) -> Iterable[Load]:
    near_zero = plate.up_n[np.abs(plate.up_n) < _EMPTY_N]
    empty_n = float(np.median(near_zero)) if len(near_zero) else 0.0
    width = 2 * int(_QUIET_S * plate.rate_hz / 2) + 1
    on = median_filter(plate.up_n, width) - empty_n > _LOADED_N
    edges = np.flatnonzero(np.diff(np.r_[False, on, False].astype(np.int8)))
    spans = [(int(start), int(end)) for start, end in zip(edges[::2], edges[1::2], strict=True)]
    joined: list[tuple[int, int]] = []
    for start, end in spans:
        if joined and start - joined[-1][1] < _RINGING_S * plate.rate_hz:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    for start, end in joined:
        whole = start > 0 and end < len(on)
        if whole and end - start >= _SHORTEST_S * plate.rate_hz:
            yield Load(
                plate=number,
                on_s=start / plate.rate_hz,
                off_s=end / plate.rate_hz,
                peak_n=float(plate.up_n[start:end].max()),
            )


def plate_contacts(
    plates: Sequence[Plate], times_s: FloatArray, joints_m: FloatArray
) -> tuple[TrueContact, ...]:
    """Loads with the foot that made them, in time order.

    times_s (T,) even, joints_m (T, 2, 5, 3) as recorded (belts not taken off). Left out: loads
    outside of the times, and ones under which no foot is found.
    """
    found = []
    for load in loads(plates):
        side = _side(plates[load.plate].corners_m, load, times_s, joints_m)
        if side is None or not times_s[0] <= load.on_s <= times_s[-1]:
            continue
        left = load.off_s <= times_s[-1] and _leaves(times_s, joints_m[:, side], load)
        found.append(
            TrueContact(foot=SIDES[side], time_s=load.on_s, toe_off_s=load.off_s if left else None)
        )
    return tuple(found)


def _side(
    corners_m: FloatArray, load: Load, times_s: FloatArray, joints_m: FloatArray
) -> int | None:
    """Which foot is over the plate after the onset; of two the one that has just moved."""
    start, end = np.searchsorted(times_s, [load.on_s + after for after in _LOOKED_AT_S])
    feet = joints_m[:, :, [HEEL, TOE]].mean(axis=2)
    if end > len(times_s) - 1:
        return None
    over = [float(inside(feet[start:end, side, :2], corners_m).mean()) > 0.5 for side in (0, 1)]
    if not any(over):
        return None
    if not all(over):
        return over.index(True)
    before, until = np.searchsorted(times_s, [load.on_s - ahead for ahead in _BEFORE_S])
    before, until = max(0, int(before)), max(1, int(until))
    way = np.linalg.norm(feet[until] - feet[before], axis=1)
    return int(way.argmax())


def inside(points_m: FloatArray, corners_m: FloatArray) -> NDArray[np.bool_]:
    """Which points (N, 2) over the floor lie on a plate with corners (4, 3), or just beside it."""
    centre = corners_m[:, :2].mean(axis=0)
    good = np.ones(len(points_m), dtype=bool)
    for one, other in zip(corners_m[:, :2], np.roll(corners_m[:, :2], -1, axis=0), strict=True):
        along = (other - one) / np.linalg.norm(other - one)
        outward = np.array([along[1], -along[0]])
        outward *= np.sign(outward @ (one - centre))
        good &= (points_m - one) @ outward <= _EDGE_M
    return good


def _leaves(times_s: FloatArray, foot_m: FloatArray, load: Load) -> bool:
    """Whether the foot (T, 5, 3) is on its toes when the load ends."""
    start, end = (int(np.searchsorted(times_s, time_s)) for time_s in (load.on_s, load.off_s))
    heel = foot_m[start : end + 1, HEEL, 2]
    return bool(heel[-1] > heel.min() + _HEEL_OFF_M)


def comes_down(times_s: FloatArray, joints_m: FloatArray, contact: TrueContact) -> bool:
    """Whether the foot swung just before, over ground or with the belt taken off.

    A load without a swing is weight put onto a foot that already stood, beside the plate or on it
    with next to no weight: when it came down the plate does not say.
    """
    side = SIDES.index(contact.foot)
    before, until = np.searchsorted(times_s, [contact.time_s - ahead for ahead in _BEFORE_S])
    if before >= until:
        return True
    feet = joints_m[:, side, [HEEL, TOE]].mean(axis=1)
    way = float(np.linalg.norm(feet[until] - feet[before]))
    return way >= _SWINGING_M_S * float(times_s[until] - times_s[before])
