"""A rule to compare with: every dip of head and shoulders is a step.

Every step lets the body down and lifts it again (Gard and Childress 2001: the trunk is lowest in
double support). A dip alone may be a nod; several of them, evenly spaced and alike, are a gait.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import cycle

import numpy as np
from scipy.signal import find_peaks

from otio_foley.analysis.body import STEPS_HZ, bobbing
from otio_foley.analysis.features import GRID_HZ
from otio_foley.types import CameraMotion, Contact, FloatArray, Foot, Pose

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


def even_dips(pose: Pose, camera: CameraMotion) -> tuple[Contact, ...]:
    """Contacts (5 and more in a row) of somebody whose head and shoulders are seen; feet take
    turns."""
    feet: cycle[Foot] = cycle(("left", "right"))
    return tuple(
        Contact(
            person=pose.person,
            time_s=time_s,
            toe_off_s=None,
            foot=foot,
            part="heel",
            strength=1.0,
            fall_speed=0.0,
            confidence=1.0,
            found_by="even_dips",
        )
        for time_s, foot in zip(_beats(*bobbing(pose, camera)), feet, strict=False)
    )


def _beats(grid: FloatArray, swing: FloatArray) -> Iterable[float]:
    """When feet came down (s), from how low the body is (N,) at times (N,)."""
    dips, told = find_peaks(swing, prominence=_LEAST_DIP, distance=GRID_HZ / STEPS_HZ[1])
    for run in _even_runs(grid[dips], told["prominences"]):
        steps_hz = 1.0 / float(np.median(np.diff(run)))
        lag_s = _RUN_LAG_S if steps_hz > _RUN_HZ else _WALK_LAG_S
        yield from (float(time_s) - lag_s for time_s in run if time_s - lag_s >= grid[0])


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
