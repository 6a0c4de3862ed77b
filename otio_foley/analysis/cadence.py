"""Steps of somebody whose feet are out of the picture, from how head and shoulders go up and down.

Every step lets the body down and lifts it again (Gard and Childress 2001: the trunk is lowest in
double support): one dip a step. A dip alone may be a nod; several of them, evenly spaced and alike,
are a gait. The instant is known to about a tenth of a second, the foot not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import make_interp_spline
from scipy.signal import butter, find_peaks, sosfiltfilt

from otio_foley.analysis.flow import to_ground
from otio_foley.analysis.skeleton import HIPS, LEFT_LEG, NOSE, RIGHT_LEG, SHOULDERS
from otio_foley.analysis.tracks import at_edge
from otio_foley.types import CameraMotion, Contact, FloatArray, Foot, Pose

_GRID_HZ = 60.0
#: Steps a second, from a stroll to a sprint.
_STEPS_HZ = (1.2, 4.0)
#: Dips (over the trunk's length, half a metre) less deep than this are the keypoints' own.
_LEAST_DIP = 0.03
#: A gait is so many dips in a row, each as far from the last as the middle one to within this
#: share, and none deeper than another by more than this factor.
_FEWEST = 5
_UNEVEN = 0.2
_UNLIKE = 3.0
#: The body is lowest so long after the foot came down: in walking, and in running, which is at
#: more than so many steps a second (medians of the stage's captured walks and runs).
_WALK_LAG_S, _RUN_LAG_S, _RUN_HZ = 0.085, 0.12, 2.3
#: Feet are unseen where the pose network is less sure of them than this, for so long.
_UNSEEN = 0.5
_LONG_S = 1.2
_LONGEST_HOLE_S = 0.2
#: How sure such a step can be.
_CONFIDENCE = 0.4

_BODY = [NOSE, *SHOULDERS]
_FEET = [*LEFT_LEG[2:], *RIGHT_LEG[2:]]


def cadence_contacts(
    pose: Pose, camera: CameraMotion, seen: Sequence[Contact]
) -> tuple[Contact, ...]:
    """Contacts while neither foot is in the picture; `seen` are those that were seen, near which
    there are none of these. Feet take turns from the last one seen."""
    found: list[Contact] = []
    for part in _unseen(pose):
        for time_s in _beats(pose.times_s[part], _heights(pose, camera, part)):
            if any(abs(one.time_s - time_s) < 1.0 / _STEPS_HZ[1] for one in seen):
                continue
            found.append(_contact(pose.person, time_s, [*seen, *found]))
    return tuple(found)


def _unseen(pose: Pose) -> Iterable[slice]:
    """Stretches of frames in which the body shows, but no foot."""
    shows = np.isfinite(pose.keypoints_px[:, _BODY]).all(axis=(1, 2))
    shows &= (pose.confidence[:, _BODY] > _UNSEEN).all(axis=1)
    beyond = at_edge(np.nan_to_num(pose.keypoints_px), pose.image_size_px)
    feet = (pose.confidence > _UNSEEN) & ~beyond
    held: NDArray[np.bool_] = shows & ~feet[:, _FEET].any(axis=1)
    edges = np.flatnonzero(np.diff(np.r_[False, held, False].astype(np.int8)))
    # A foot that is thought to show for a moment does not.
    spans: list[list[int]] = []
    for first, end in zip(edges[::2], edges[1::2], strict=True):
        if spans and pose.times_s[first] - pose.times_s[spans[-1][1] - 1] < _LONGEST_HOLE_S:
            spans[-1][1] = int(end)
        else:
            spans.append([int(first), int(end)])
    for first, end in spans:
        if pose.times_s[end - 1] - pose.times_s[first] >= _LONG_S:
            yield slice(first, end)


def _heights(pose: Pose, camera: CameraMotion, part: slice) -> FloatArray:
    """How low head and shoulders are (T,), over the trunk's length."""
    points = to_ground(pose.keypoints_px[part], pose.times_s[part], camera)
    trunk = points[:, list(SHOULDERS)].mean(axis=1) - points[:, list(HIPS)].mean(axis=1)
    length = float(np.nanmedian(np.linalg.norm(trunk, axis=1)))
    return np.asarray(points[:, _BODY, 1].mean(axis=1) / max(1.0, length))


def _beats(times_s: FloatArray, low: FloatArray) -> Iterable[float]:
    """When feet came down (s), from how low the body is (T,), larger is lower."""
    here = np.isfinite(low)
    spline = make_interp_spline(times_s[here], low[here], k=1)
    grid = np.arange(times_s[0], times_s[-1], 1.0 / _GRID_HZ)
    band = butter(2, _STEPS_HZ, btype="band", fs=_GRID_HZ, output="sos")
    swing = sosfiltfilt(band, spline(grid), padlen=min(len(grid) - 1, 60))
    dips, told = find_peaks(swing, prominence=_LEAST_DIP, distance=_GRID_HZ / _STEPS_HZ[1])
    for run in _even_runs(grid[dips], told["prominences"]):
        steps_hz = 1.0 / float(np.median(np.diff(run)))
        lag_s = _RUN_LAG_S if steps_hz > _RUN_HZ else _WALK_LAG_S
        yield from (float(time_s) - lag_s for time_s in run if time_s - lag_s >= times_s[0])


def _even_runs(at_s: FloatArray, depth: FloatArray) -> Iterable[FloatArray]:
    """Dips in a row that are evenly spaced and alike."""
    first = 0
    for end in range(1, len(at_s) + 1):
        if end < len(at_s) and _is_even(at_s[first : end + 1], depth[first : end + 1]):
            continue
        if end - first >= _FEWEST:
            yield at_s[first:end]
        first = end if end - first >= _FEWEST else end - 1


def _is_even(at_s: FloatArray, depth: FloatArray) -> bool:
    steps = np.diff(at_s)
    middle = float(np.median(steps))
    return bool(
        (np.abs(steps - middle) <= _UNEVEN * middle).all() and depth.max() <= _UNLIKE * depth.min()
    )


def _contact(person: int, time_s: float, known: Sequence[Contact]) -> Contact:
    before = [one for one in known if one.time_s < time_s]
    last = max(before, key=lambda one: one.time_s, default=None)
    foot: Foot = "right" if last is not None and last.foot == "left" else "left"
    return Contact(
        person=person,
        time_s=time_s,
        toe_off_s=None,
        foot=foot,
        part="heel",
        strength=1.0,
        fall_speed=0.0,
        confidence=_CONFIDENCE,
        found_by="cadence",
    )
