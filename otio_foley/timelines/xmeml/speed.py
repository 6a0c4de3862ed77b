"""The Time Remap filter of xmeml: which source frame is seen at which frame of a retimed clip."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from otio_foley.errors import ParseError
from otio_foley.timelines.nesting import Curve
from otio_foley.timelines.xmeml.media import is_enabled, is_true, number
from otio_foley.timelines.xml.tree import Node

#: (frame of the retimed clip, frame of what it plays), as `Curve`.
_Knots = list[tuple[Fraction, Fraction]]


def retime(
    clipitem: Node, in_frame: Fraction, out_frame: Fraction, length_frames: Fraction | None
) -> Curve | None:
    """Frames of the retimed clip (what `in` and `out` count) to frames of what it plays (medium,
    subclip or nested sequence), both from its beginning; beyond its ends with its end slopes.

    None for a clip that plays as shot. Keyframes are exact where the graph is straight between
    them, as in all known exports; curve handles (`inbez`, `outbez`) are read as straight too.
    `length_frames` is how long what is played lasts, in the clip's rate, where the file says so:
    reverse play counts from its end. Raises ParseError for numbers that are none, and for reverse
    play of what has no length.
    """
    if is_true(clipitem.child_text("stillframe")):
        held = number(clipitem, "stillframeoffset")
        return _freeze(in_frame, in_frame if held is None else held)
    effect = next(_time_remaps(clipitem), None)
    if effect is None:
        return None
    parameters = {
        parameter.child_text("parameterid"): parameter
        for parameter in effect.children
        if parameter.tag == "parameter"
    }
    speed_node = parameters.get("speed")
    percent = number(speed_node, "value") if speed_node is not None else None
    percent = Fraction(100) if percent is None else percent
    backwards = percent < 0 or _flag(parameters.get("reverse"))
    variable = _flag(parameters.get("variablespeed"))
    if percent == 100 and not backwards and not variable:
        return None
    keyframes = _keyframes(parameters.get("graphdict"))
    if keyframes is None and percent == 0:
        return _freeze(in_frame, in_frame)
    if keyframes is None:
        knots = [(Fraction(0), Fraction(0)), (Fraction(100), abs(percent))]
    elif variable and percent:
        knots = _placed(keyframes, in_frame, out_frame)
    else:
        knots = keyframes
    if backwards and knots[-1][1] > knots[0][1]:
        return _reversed(knots, clipitem, percent, length_frames)
    return knots


def _freeze(in_frame: Fraction, held: Fraction) -> _Knots:
    return [(in_frame, held), (in_frame + 1, held)]


def _reversed(
    knots: _Knots, clipitem: Node, percent: Fraction, length_frames: Fraction | None
) -> _Knots:
    """The same from the other end: a clip's own `duration` counts frames of the retimed clip."""
    duration = number(clipitem, "duration")
    if length_frames is None and duration is not None:
        length_frames = duration * abs(percent) / 100
    if length_frames is None:
        raise ParseError(
            "it plays backwards, and the file does not say how long what it plays lasts",
            line=clipitem.line,
            column=clipitem.column,
        )
    return [(when, length_frames - value) for when, value in knots]


def _time_remaps(clipitem: Node) -> Iterator[Node]:
    for node in clipitem.children:
        effect = node.child("effect") if node.tag == "filter" else None
        if (
            effect is not None
            and (effect.child_text("effectid") or "").lower() == "timeremap"
            and is_enabled(node)
        ):
            yield effect


def _flag(parameter: Node | None) -> bool:
    return parameter is not None and is_true(parameter.child_text("value"))


def _keyframes(graphdict: Node | None) -> _Knots | None:
    points: dict[Fraction, Fraction] = {}
    for keyframe in graphdict.children if graphdict is not None else ():
        if keyframe.tag == "keyframe":
            when, value = number(keyframe, "when"), number(keyframe, "value")
            if when is not None and value is not None:
                points[when] = value
    return sorted(points.items()) if len(points) > 1 else None


def _placed(keyframes: _Knots, in_frame: Fraction, out_frame: Fraction) -> _Knots:
    """A variable speed in the clip's frames: Premiere lets some count from the clip's in point,
    frames of the medium too.

    Those are told by their length: they end where the clip ends. Others reach from the medium's
    first frame to its last, and a clip that lies beyond goes on with the end slope.
    """
    (first_when, first_value), (last_when, _) = keyframes[0], keyframes[-1]
    if first_when == in_frame or last_when - first_when != out_frame - in_frame:
        return keyframes
    return [
        (when - first_when + in_frame, value - first_value + in_frame) for when, value in keyframes
    ]
