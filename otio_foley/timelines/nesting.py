"""Nested timelines, resolved exactly: which part of one is seen when in the record.

A *window* is a piecewise-linear map from record time to the local time of some timeline: points
(record seconds, local seconds) with strictly rising record times, as in `TimeMap`. A compound
clip's window is restricted to the range that it shows, shifted to the compound's own clock, and
handed to what lies inside.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import TypeAlias

Window: TypeAlias = tuple[tuple[Fraction, Fraction], ...]
Curve: TypeAlias = Sequence[tuple[Fraction, Fraction]]

#: Beyond any cut: what "no limit" is to a window (31 years).
_FAR_S = Fraction(10**9)


def unlimited(local_start_s: Fraction) -> Window:
    """Record zero is local `local_start_s`; no ends."""
    return ((-_FAR_S, local_start_s - _FAR_S), (_FAR_S, local_start_s + _FAR_S))


def straight_shift(window: Window) -> Fraction | None:
    """What makes record time of local time in a window that plays straight all the way; None for
    any other."""
    (record_s, local_s), (record_end_s, local_end_s) = window[0], window[-1]
    shift_s = record_s - local_s
    return shift_s if len(window) == 2 and record_end_s - local_end_s == shift_s else None


def restricted(window: Window, low_s: Fraction, high_s: Fraction) -> tuple[Window, ...]:
    """The stretches of a window whose local time lies in [low_s, high_s).

    One stretch for a timeline that plays straight; none if it is not seen; several where a retime
    plays a range more than once.
    """
    found: list[list[tuple[Fraction, Fraction]]] = []
    for start, end in pairwise(window):
        piece = _piece_within(start, end, low_s, high_s)
        if piece is None:
            continue
        if found and found[-1][-1] == piece[0]:
            found[-1].append(piece[1])
        else:
            found.append(list(piece))
    return tuple(tuple(points) for points in found)


def _piece_within(
    start: tuple[Fraction, Fraction],
    end: tuple[Fraction, Fraction],
    low_s: Fraction,
    high_s: Fraction,
) -> tuple[tuple[Fraction, Fraction], tuple[Fraction, Fraction]] | None:
    (r0, x0), (r1, x1) = start, end
    if x0 == x1:
        return (start, end) if low_s <= x0 < high_s else None
    lower, upper = max(low_s, min(x0, x1)), min(high_s, max(x0, x1))
    if lower >= upper:
        return None
    if r1 - r0 == x1 - x0:  # straight play, by far the most common
        shift_s = r0 - x0
        return (lower + shift_s, lower), (upper + shift_s, upper)
    seconds_per_local = (r1 - r0) / (x1 - x0)
    first, last = (lower, upper) if x1 > x0 else (upper, lower)
    return (
        (r0 + (first - x0) * seconds_per_local, first),
        (r0 + (last - x0) * seconds_per_local, last),
    )


def shifted(window: Window, from_s: Fraction, to_s: Fraction, rate: Fraction) -> Window:
    """Local time `from_s` becomes `to_s`, and each local second `rate` seconds."""
    if rate == 1:
        return tuple((record, local + (to_s - from_s)) for record, local in window)
    return tuple((record, to_s + (local - from_s) * rate) for record, local in window)


def through(window: Window, curve: Curve) -> Window:
    """A window followed by a piecewise-linear curve (at least two knots, strictly rising in x).

    Beyond its ends the curve goes on with its end slopes.
    """
    points: list[tuple[Fraction, Fraction]] = []
    for (r0, x0), (r1, x1) in pairwise(window):
        knots = [x for x, _ in curve[1:-1] if min(x0, x1) < x < max(x0, x1)]
        if x1 < x0:
            knots.reverse()
        inner = [(r0 + (x - x0) * (r1 - r0) / (x1 - x0), x) for x in knots]
        points += [(record, _value(curve, x)) for record, x in [(r0, x0), *inner]]
    last_record, last_x = window[-1]
    points.append((last_record, _value(curve, last_x)))
    return straightened(tuple(points))


def _value(curve: Curve, x: Fraction) -> Fraction:
    segment = bisect_right(curve, x, 1, len(curve) - 1, key=lambda knot: knot[0]) - 1
    (x0, y0), (x1, y1) = curve[segment], curve[segment + 1]
    return y0 + (x - x0) * (y1 - y0) / (x1 - x0)


def straightened(window: Window) -> Window:
    """The same map without points that lie on the line between their neighbours."""
    kept = list(window[:1])
    for point, after in pairwise(window[1:]):
        (r0, x0), (r1, x1), (r2, x2) = kept[-1], point, after
        if (x1 - x0) * (r2 - r1) != (x2 - x1) * (r1 - r0):
            kept.append(point)
    return (*kept, window[-1]) if len(window) > 1 else window
