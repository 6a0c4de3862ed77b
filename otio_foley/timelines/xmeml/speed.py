"""The Time Remap filter of xmeml: which source frame is seen at which frame of a retimed clip."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from otio_foley.timelines.nesting import Curve
from otio_foley.timelines.xmeml.media import is_enabled, is_true, number
from otio_foley.timelines.xml.tree import Node


def retime(
    clipitem: Node, in_frame: Fraction, out_frame: Fraction, media_frames: Fraction | None
) -> Curve | None:
    """Frames of the retimed clip (what `in` and `out` count) to frames from the medium's start.

    None for a clip that plays as shot. A graph is exact where it is straight between its keyframes,
    as all known exports are; curve handles (`inbez`, `outbez`) are read as straight too.
    `media_frames` is the medium's length in the clip's rate, from which reverse play counts.
    Raises ParseError for numbers that are none.
    """
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
    graph = _graph(parameters.get("graphdict"))
    if graph is not None:
        graph = _placed(graph, in_frame, out_frame)
    if graph is None and percent == 0:
        graph = [(in_frame, in_frame), (in_frame + 1, in_frame)]
    if graph is None:
        graph = [(Fraction(0), Fraction(0)), (Fraction(100), abs(percent))]
    if backwards and graph[-1][1] > graph[0][1]:
        length = media_frames if media_frames is not None else graph[-1][1]
        graph = [(when, length - value) for when, value in graph]
    return graph


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


def _graph(parameter: Node | None) -> list[tuple[Fraction, Fraction]] | None:
    points: dict[Fraction, Fraction] = {}
    for keyframe in parameter.children if parameter is not None else ():
        if keyframe.tag == "keyframe":
            when, value = number(keyframe, "when"), number(keyframe, "value")
            if when is not None and value is not None:
                points[when] = value
    return sorted(points.items()) if len(points) > 1 else None


def _placed(
    graph: list[tuple[Fraction, Fraction]], in_frame: Fraction, out_frame: Fraction
) -> list[tuple[Fraction, Fraction]]:
    """The graph in the clip's frames: Premiere lets some count from the clip's in point."""
    first, last = graph[0], graph[-1]
    if in_frame < last[0] and out_frame > first[0]:
        return graph
    return [(when - first[0] + in_frame, value - first[1] + in_frame) for when, value in graph]
