"""From each laboratory's markers to the joints that BlazePose names.

Its hips are hip joint centres, heel and toe tip the ends of the foot near the sole. Markers lie on
the skin: knee and ankle are taken on their lateral markers, but where a medial one is there in the
middle of both (a few centimetres off, which for contacts counts only in the leg's length).

| set | found by | hip from | heel | toe tip from |
| --- | --- | --- | --- | --- |
| Oxford foot (biomechzoo) | LHLX | ASIS, SACR | HEE | HLX, on the big toe |
| Plug-in Gait (gaitalytics, kineticstoolkit, BMC) | LTOE | ASIS, SACR/VSAC/PSIs | HEE | TOE |
| IOR (Fukuchi) | L.MT1 | ASIS, PSIS | Heel | between first and fifth metatarsal head |
| van der Zee | L5TH | ASIS, SACR | CAL | fifth metatarsal head |

No set has a marker on the tip of the foot: it is put on the line from heel to ball, as much further
as feet are longer (the ball lies at about 0.73 of a foot's length on the inside, 0.63 on the
outside), and never under the floor, for toes bend.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from otio_foley.analysis.skeleton import ELBOWS, NOSE, SHOULDERS, WRISTS
from otio_foley.errors import InputError
from otio_foley.train.steps.trials import HEEL, TOE
from otio_foley.types import FloatArray

Markers = Mapping[str, FloatArray]

#: Longer holes in a marker's track are not bridged.
_LONGEST_HOLE_S = 0.1
#: How low a toe tip may come (m), and how high above the floor a heel or ball marker rests.
_TIP_LOWEST_M = 0.01
_MARKER_RESTS_M = 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkerSet:
    """Names of markers with `{}` for the side's letter; several names mean their middle.

    `toe_stretch`: from heel to toe tip over heel to ball. `toe_inward_m`: how far the ball's marker
    lies beside the foot's line, where it is on one edge.
    """

    name: str
    told_by: str
    letters: tuple[str, str]
    front: str
    back: tuple[str, ...]
    knee: tuple[str, ...]
    ankle: tuple[str, ...]
    heel: str
    ball: tuple[str, ...]
    toe_stretch: float
    toe_inward_m: float = 0.0


def _plug_in_gait(name: str, told_by: str, back: tuple[str, ...]) -> MarkerSet:
    return MarkerSet(
        name=name,
        told_by=told_by,
        letters=("L", "R"),
        front="{}ASI",
        back=back,
        knee=("{}KNE",),
        ankle=("{}ANK",),
        heel="{}HEE",
        ball=("{}TOE",),
        toe_stretch=1.35,
    )


#: The first set whose telling marker is there is meant.
MARKER_SETS: tuple[MarkerSet, ...] = (
    MarkerSet(
        name="Oxford foot",
        told_by="LHLX",
        letters=("L", "R"),
        front="{}ASI",
        back=("SACR",),
        knee=("{}KNE",),
        ankle=("{}ANK",),
        heel="{}HEE",
        ball=("{}HLX",),
        toe_stretch=1.1,
    ),
    _plug_in_gait("Plug-in Gait, PSIs", "LPSI", ("LPSI", "RPSI")),
    _plug_in_gait("Plug-in Gait, VSAC", "VSAC", ("VSAC",)),
    _plug_in_gait("Plug-in Gait, SACR", "LTOE", ("SACR",)),
    MarkerSet(
        name="IOR",
        told_by="L.MT1",
        letters=("L", "R"),
        front="{}.ASIS",
        back=("L.PSIS", "R.PSIS"),
        knee=("{}.Knee",),
        ankle=("{}.Ankle",),
        heel="{}.Heel",
        ball=("{}.MT1", "{}.MT5"),
        toe_stretch=1.45,
    ),
    MarkerSet(
        name="van der Zee",
        told_by="L5TH",
        letters=("L", "R"),
        front="{}ASI",
        back=("SACR",),
        knee=("{}LEP", "{}MEP"),
        ankle=("{}LML", "{}MML"),
        heel="{}CAL",
        ball=("{}5TH",),
        toe_stretch=1.3,
        toe_inward_m=0.04,
    ),
)


#: Nose, shoulders, elbows and wrists, left and right in turn. Each lies between its markers, and so
#: far below them (m): the nose below the forehead, the shoulder's joint below the skin over it.
UPPER: tuple[int, ...] = (NOSE, *SHOULDERS, *ELBOWS, *WRISTS)
_UPPER_MARKERS: tuple[tuple[tuple[str, ...], float], ...] = (
    (("LFHD", "RFHD"), 0.09),
    *((("LSHO",), 0.05), (("RSHO",), 0.05)),
    *((("LELB",), 0.0), (("RELB",), 0.0)),
    *((("LWRA", "LWRB"), 0.0), (("RWRA", "RWRB"), 0.0)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limbs:
    """Joints (T, 2, 5, 3) in metres, floor at 0; `first` is the file's frame of the first one;
    upper_m (T, 7, 3) of `UPPER` where they have markers, NaN where unseen."""

    first: int
    joints_m: FloatArray
    upper_m: FloatArray | None


def marker_set(markers: Markers) -> MarkerSet:
    """The set that a file's markers belong to."""
    for known in MARKER_SETS:
        if known.told_by in markers:
            return known
    raise InputError("no known marker set", hint=f"markers: {', '.join(sorted(markers)[:12])} ...")


def limbs(markers: Markers, rate_hz: float) -> Limbs:
    """The joints of the longest stretch in which all of them were seen."""
    known = marker_set(markers)

    def middle(names: tuple[str, ...], letter: str = "") -> FloatArray:
        seen = [_bridged(markers[name.format(letter)], rate_hz) for name in names]
        return np.asarray(np.mean(seen, axis=0))

    fronts = [middle((known.front,), letter) for letter in known.letters]
    hips = hip_centres(fronts[0], fronts[1], middle(known.back))
    joints = np.stack(
        [
            np.stack(
                [
                    hip,
                    middle(known.knee, letter),
                    middle(known.ankle, letter),
                    middle((known.heel,), letter),
                    middle(known.ball, letter),
                ],
                axis=1,
            )
            for hip, letter in zip(hips, known.letters, strict=True)
        ],
        axis=1,
    )
    first, end = _longest_true(np.isfinite(joints).all(axis=(1, 2, 3)))
    joints = joints[first:end].copy()
    floor_m = float(np.percentile(joints[:, :, [HEEL, TOE], 2], 1)) - _MARKER_RESTS_M
    joints[..., 2] -= floor_m
    joints[:, :, TOE] = _toe_tips(joints, known)
    upper = _upper(markers, rate_hz)
    if upper is not None:
        upper = upper[first:end] - [0.0, 0.0, floor_m]
    return Limbs(first=first, joints_m=joints, upper_m=upper)


def _upper(markers: Markers, rate_hz: float) -> FloatArray | None:
    """Head and arms of Plug-in Gait's whole body, or None where not all have a marker."""
    joints = []
    for names, down_m in _UPPER_MARKERS:
        there = [_bridged(markers[name], rate_hz) for name in names if name in markers]
        if not there:
            return None
        seen = np.stack(there)
        known = np.isfinite(seen).all(axis=2).sum(axis=0)
        middle = np.nansum(seen, axis=0) / np.where(known > 0, known, np.nan)[:, None]
        joints.append(middle - [0.0, 0.0, down_m])
    return np.asarray(np.stack(joints, axis=1))


def hip_centres(
    left_front: FloatArray, right_front: FloatArray, back: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Left and right hip joint centres (T, 3) from the pelvis' front (ASIS) and back markers.

    Bell, Pedersen and Brand 1990: of the distance between the fronts 0.36 to the side of their
    middle, 0.19 back and 0.30 down.
    """
    middle = (left_front + right_front) / 2
    across = left_front - right_front
    width = np.linalg.norm(across, axis=1, keepdims=True)
    left = across / width
    forward = middle - back
    forward -= (forward * left).sum(axis=1, keepdims=True) * left
    forward /= np.linalg.norm(forward, axis=1, keepdims=True)
    up = np.cross(forward, left)
    deep = middle + width * (-0.19 * forward - 0.30 * up)
    return deep + 0.36 * width * left, deep - 0.36 * width * left


def _toe_tips(joints_m: FloatArray, known: MarkerSet) -> FloatArray:
    """Tips (T, 2, 3) of the feet whose balls stand in the toes' place."""
    heels, balls = joints_m[:, :, HEEL], joints_m[:, :, TOE]
    ahead = balls - heels
    tips = heels + known.toe_stretch * ahead
    if known.toe_inward_m:
        flat = ahead[..., :2] / np.linalg.norm(ahead[..., :2], axis=-1, keepdims=True)
        # Inward is to the right of the left foot, and to the left of the right one.
        inward = np.stack([flat[..., 1], -flat[..., 0]], axis=-1) * np.array([[1.0], [-1.0]])
        tips[..., :2] += known.toe_inward_m * inward
    tips[..., 2] = np.maximum(tips[..., 2], _TIP_LOWEST_M)
    return np.asarray(tips)


def _bridged(track: FloatArray, rate_hz: float) -> FloatArray:
    """A marker's track (T, 3) with its short holes filled by straight lines."""
    seen = np.flatnonzero(np.isfinite(track).all(axis=1))
    filled = track.copy()
    for before, after in pairwise(seen):
        if 1 < after - before <= _LONGEST_HOLE_S * rate_hz:
            share = (np.arange(before + 1, after) - before)[:, None] / (after - before)
            filled[before + 1 : after] = track[before] + share * (track[after] - track[before])
    return filled


def _longest_true(good: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> tuple[int, int]:
    """Half-open range of the longest run."""
    edges = np.flatnonzero(np.diff(np.r_[False, good, False].astype(np.int8)))
    starts, ends = edges[::2], edges[1::2]
    if not len(starts):
        raise InputError("no frame shows all markers of both legs", hint="look at the marker set")
    longest = int((ends - starts).argmax())
    return int(starts[longest]), int(ends[longest])
