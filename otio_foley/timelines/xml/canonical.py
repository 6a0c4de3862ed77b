"""XML in canonical form: no white space between elements, attributes sorted, no comments."""

from __future__ import annotations

from collections.abc import Callable

from otio_foley.timelines.content import Fact, Part, part
from otio_foley.timelines.xml.tree import Node, XmlText

#: (tag, attribute, value) -> the value in the one spelling that it is compared in.
Spelling = Callable[[str, str, str], str]

_NAMES = ("name", "MZ.TrackName")
_STAND_INS = ("value", "id")
_LANES = ("audio", "video")


def canonical(xml: XmlText, spelling: Spelling) -> Part:
    """The content of an XML text. Comments, processing instructions and the DOCTYPE are none."""
    made: dict[int, Part] = {}
    # Backwards every element comes behind what is in it, so that no nesting needs recursion.
    for node in reversed([xml.root, *xml.root.descendants()]):
        made[id(node)] = _element(xml, node, [made.pop(id(c)) for c in node.children], spelling)
    return made[id(xml.root)]


def _element(xml: XmlText, node: Node, children: list[Part], spelling: Spelling) -> Part:
    facts: list[Fact] = [
        (f"attribute {name}", spelling(node.tag, name, value))
        for name, value in node.attributes.items()
    ]
    if node.text.strip():
        facts.append(("text", _mixed_text(xml, node) if children else node.text.strip()))
    lane = node.tag == "track" and node.parent is not None and node.parent.tag in _LANES
    return part(
        node.tag,
        facts,
        children,
        name=_name(node),
        note=node.parent.tag if lane and node.parent is not None else "",
        identity=node.get("id") or "",
    )


def _mixed_text(xml: XmlText, node: Node) -> str:
    """Text that stands between elements, run by run, as it is written."""
    edges = [node.inner, *(at for c in node.children for at in (c.start, c.end)), node.close]
    runs = zip(edges[::2], edges[1::2], strict=True)
    return " | ".join(xml.raw[a:b].decode(xml.encoding, "replace").strip() for a, b in runs)


def _name(node: Node) -> str:
    """What an element is called: by an attribute, by its `name`, or by that of its effect."""
    named = node.child_text("name")
    if named is None and (effect := node.child("effect")) is not None:
        named = effect.child_text("name")
    own = (node.get(name) for name in _NAMES)
    others = (node.get(name) for name in _STAND_INS)
    return next((name for name in (*own, named, *others) if name), "")
