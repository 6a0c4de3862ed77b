"""Markers of xmeml, and the colours that Premiere gives them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from otio_foley.errors import ParseError
from otio_foley.timelines.xmeml.media import number
from otio_foley.timelines.xml.tree import Node
from otio_foley.timelines.xml.write import Element
from otio_foley.types import Marker, MarkerColor, Skipped

#: `pproColor` of Premiere's eight marker colours, as ABGR.
_COLOURS: dict[MarkerColor, str] = {
    "RED": "4281740498",
    "ORANGE": "4280578025",
    "YELLOW": "4281049552",
    "GREEN": "4281828977",
    "CYAN": "4292277273",
    "BLUE": "4294741314",
    "PURPLE": "4289825711",
    "WHITE": "4294967295",
}
_NAMES = {number: name for name, number in _COLOURS.items()}

#: The nearest of the colours that Premiere does not have.
_NEAREST: dict[MarkerColor, MarkerColor] = {
    "PINK": "PURPLE",
    "MAGENTA": "PURPLE",
    "BLACK": "BLUE",
}


def markers_of(sequence: Node, rate: Fraction) -> tuple[list[Marker], list[Skipped]]:
    """A sequence's own markers, and those that cannot be read."""
    markers: list[Marker] = []
    skipped: list[Skipped] = []
    for node in sequence.children:
        if node.tag != "marker":
            continue
        name = node.child_text("name") or ""
        try:
            frame = number(node, "in")
        except ParseError as error:
            skipped.append(Skipped(clip_id="", name=name or "<marker>", reason=str(error)))
            continue
        if frame is not None and frame >= 0:
            note = node.child_text("comment") or ""
            marker = Marker(record_s=frame / rate, name=name, note=note)
            colour = _NAMES.get(node.child_text("pproColor") or "")
            markers.append(marker if colour is None else replace(marker, color=colour))
    return markers, skipped


def marker_element(marker: Marker, frame: int, *, coloured: bool) -> Element:
    """A marker at a frame of its clip's medium; only Premiere knows colours."""
    content = [
        Element("comment", (), marker.note),
        Element("name", (), marker.name),
        Element("in", (), str(frame)),
        Element("out", (), "-1"),
    ]
    if coloured:
        colour = _NEAREST.get(marker.color, marker.color)
        content.append(Element("pproColor", (), _COLOURS[colour]))
    return Element("marker", (), tuple(content))
