"""Speed effects: which frame of its input an effect shows when.

Avid's Motion Control holds the source frame over the record frame in one of two maps; other systems
hold one ratio. Times in results are edit units from the effect's first, source positions edit units
from its input's first.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import Any

from aaf2.auid import AUID
from aaf2.misc import (
    ConstantInterp,
    ConstantValue,
    CubicInterpolator,
    LinearInterp,
    VaryingValue,
)

from otio_foley.timelines.nesting import Curve

#: VideoSpeedControl in the standard, Motion Control in Avid; and one picture, repeated.
_SPEED_CONTROL = AUID("9d2ea890-0968-11d3-8a38-0050040ef7d2")
_REPEAT = AUID("9d2ea891-0968-11d3-8a38-0050040ef7d2")
_SPEED_RATIO = AUID("72559a80-24d7-11d3-8a50-0050040ef7d2")

#: PARAM_SPEED_OFFSET_MAP_U: times in edit units. PARAM_OFFSET_MAP_U: 0..1 from the effect's first
#: edit unit to its last (not to its end).
_OFFSETS = AUID("8d56827d-847e-11d5-935a-50f857c10000")
_RELATIVE_OFFSETS = AUID("8d56827a-847e-11d5-935a-50f857c10000")

#: Curves that are not straight are taken at so many points to an edit unit: between them the error
#: is far below half a frame.
_POINTS_PER_UNIT = 2
_MOST_POINTS = 20_000

#: Edit units: no picture is seen in so short a time.
_JUMP = Fraction(1, 1000)


def is_speed(operation: Any) -> bool:
    """Whether an operation definition is that of a speed effect."""
    return operation.auid in (_SPEED_CONTROL, _REPEAT) or bool(
        operation.getvalue("IsTimeWarp", False)
    )


class UnknownSpeed(Exception):
    """How an effect plays its input cannot be told; the message says why."""


def speed_curve(effect: Any) -> Curve | None:
    """Record time to source position, exact where the effect's own map is linear.

    None where the effect names neither a map nor a ratio. Raises UnknownSpeed.
    """
    if effect.operation.auid == _REPEAT:
        return _rising([(Fraction(0), Fraction(0))])
    found = {}
    if "Parameters" in effect:
        found = {parameter.auid: parameter for parameter in effect.parameters.value}
    for identity, per_time in ((_OFFSETS, 1), (_RELATIVE_OFFSETS, max(1, effect.length - 1))):
        points = _points(found.get(identity), per_time)
        if points:
            return _rising(points)
    ratios = {value for _, value in _keyframes(found.get(_SPEED_RATIO))}
    if len(ratios) > 1:
        raise UnknownSpeed("its speed changes, and which picture is seen when is not in the file")
    if over := next(iter(ratios), None):
        # Output over input: 2 is half speed; negative plays backwards from the input's last unit.
        first = Fraction(0) if over > 0 else Fraction(effect.length) / -over - 1
        return ((Fraction(0), first), (Fraction(1), first + 1 / over))
    return None


def _points(parameter: Any, per_time: int) -> list[tuple[Fraction, Fraction]]:
    """A map's points, straight between one another, in edit units; `per_time`: how many of these
    the map's own unit of time is."""
    own = _keyframes(parameter)
    scaled = [(time * per_time, place) for time, place in own]
    kind = None if len(own) < 2 else parameter.interpolationdef.auid
    if kind in (None, LinearInterp) or (len(own) == 2 and kind == CubicInterpolator):
        # Avid writes constant speeds as cubic maps of two points, and plays them straight.
        return scaled
    if kind == ConstantInterp:
        return _stairs(scaled)
    start, end = own[0][0], own[-1][0]
    count = min(_MOST_POINTS, max(2, int((end - start) * per_time * _POINTS_PER_UNIT) + 1))
    times = [start + (end - start) * n / (count - 1) for n in range(count)]
    try:
        values = [float(parameter.value_at(float(time))) for time in times]
    except NotImplementedError as error:
        raise UnknownSpeed("its speed follows a curve of an unknown kind") from error
    return [
        (time * per_time, Fraction(value).limit_denominator(1_000_000))
        for time, value in zip(times, values, strict=True)
    ]


def _keyframes(parameter: Any) -> list[tuple[Fraction, Fraction]]:
    """(time, value) as they stand; a constant is a single one, and nothing none."""
    if parameter is None:
        return []
    if isinstance(parameter, ConstantValue):
        return [(Fraction(0), _fraction(parameter.value))]
    if not isinstance(parameter, VaryingValue):
        raise UnknownSpeed("its speed is given in an unknown way")
    return [
        (_fraction(point["Time"].value), _fraction(point["Value"].value))
        for point in parameter.pointlist
    ]


def _stairs(points: list[tuple[Fraction, Fraction]]) -> list[tuple[Fraction, Fraction]]:
    """Each picture stands until the next; curves have no gaps, so that a jump takes a moment."""
    stairs = []
    for (time, place), (end, _) in pairwise(points):
        stairs += [(time, place), (end - _JUMP, place)]
    time, place = points[-1]
    return [*stairs, (time, place), (time + 1, place)]


def _rising(points: list[tuple[Fraction, Fraction]]) -> Curve:
    """At least two points with rising times; a single one is a standing picture."""
    rising = points[:1]
    for time, place in points[1:]:
        if time > rising[-1][0]:
            rising.append((time, place))
    if len(rising) == 1:
        rising.append((rising[0][0] + 1, rising[0][1]))
    return rising


def _fraction(value: Any) -> Fraction:
    """pyaaf2's rationals may have a zero denominator."""
    if getattr(value, "denominator", 1) == 0:
        return Fraction(0)
    return Fraction(value)
