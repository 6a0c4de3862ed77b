"""Level curves as hosts take them: cut to the clip, and dense enough where gain is linear."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

#: (seconds from the clip's first frame, dB), as `StemClip.automation`.
Points = Sequence[tuple[Fraction, float]]

#: Between two points that lie this far apart, linear gain differs from a line in dB by 0.13 dB.
_STEP_DB = 3.0


def within(points: Points, duration_s: Fraction) -> list[tuple[Fraction, float]]:
    """The part of a curve that lies in [0, duration_s], with a point at each end."""
    inside = [(at_s, level) for at_s, level in points if 0 < at_s < duration_s]
    ends = [(edge, level_at(points, edge)) for edge in (Fraction(0), duration_s)]
    return [ends[0], *inside, ends[1]]


def level_at(points: Points, at_s: Fraction) -> float:
    """Linear in dB between points, level beyond them."""
    if at_s <= points[0][0]:
        return points[0][1]
    for (t0, l0), (t1, l1) in pairwise(points):
        if at_s <= t1:
            return l0 + (l1 - l0) * float((at_s - t0) / (t1 - t0))
    return points[-1][1]


def densified(points: Points) -> list[tuple[Fraction, float]]:
    """The same curve with points close enough that a host which draws straight lines in linear
    gain between them stays well within 0.5 dB."""
    dense = list(points[:1])
    for (t0, l0), (t1, l1) in pairwise(points):
        count = max(1, math.ceil(abs(l1 - l0) / _STEP_DB))
        dense += [
            (t0 + (t1 - t0) * n / count, l0 + (l1 - l0) * n / count) for n in range(1, count + 1)
        ]
    return dense
