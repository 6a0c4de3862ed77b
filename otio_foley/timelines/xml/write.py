"""XML that is inserted: built as values, written in the style of the file around it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from otio_foley.timelines.document import Patch
from otio_foley.timelines.xml.tree import Node, XmlText, attributes, text


class Element(NamedTuple):
    """An element to be written; `content` is its text or its children, of which one alone is a
    tuple too: `(child,)`. Being a tuple itself, a bare child would be taken for its own fields
    (which mypy sees).

    A named tuple, for a footstep clip takes ten of them.
    """

    tag: str
    attributes: tuple[tuple[str, str], ...] = ()
    content: str | tuple[Element, ...] = ()


@dataclass(frozen=True, slots=True)
class Style:
    """Where inserted elements stand: `indent` is that of the elements themselves.

    A minified file has no `newline`, and then nothing is indented.
    """

    newline: str
    indent: str
    unit: str

    @property
    def leads(self) -> tuple[str, str, str]:
        """What precedes these elements, what is in them, and what is in that."""
        lead = self.newline + self.indent
        return lead, lead + self.unit, lead + 2 * self.unit


_MINIFIED = Style("", "", "")
_LONGEST_INDENT = 2000


def rendered(element: Element, style: Style) -> str:
    """The element, preceded by its line break and indentation."""
    return _rendered(element, style.newline + style.indent, style.unit)


def _rendered(element: Element, lead: str, unit: str) -> str:
    tag, pairs, content = element
    written = attributes(pairs) if pairs else ""
    if not content:
        return f"{lead}<{tag}{written}/>"
    if isinstance(content, str):
        return f"{lead}<{tag}{written}>{text(content)}</{tag}>"
    deeper = lead + unit
    inside = "".join([_rendered(child, deeper, unit) for child in content])
    return f"{lead}<{tag}{written}>{inside}{lead}</{tag}>"


class Writer:
    """Makes the patches for one file, in its encoding and layout."""

    def __init__(self, xml: XmlText) -> None:
        self.xml = xml
        self.newline = xml.newline
        self.line_feed = "\n".encode(xml.encoding)
        self.empty_tag_end = "/>".encode(xml.encoding)
        self.unit = self._indentation_unit()

    def _indentation_unit(self) -> str:
        for outer in (self.xml.root, *self.xml.root.children):
            if outer.children:
                inner = self._lead(outer.children[0]) or ""
                own = self._lead(outer) or ""
                if inner.startswith(own) and len(inner) > len(own):
                    return inner.removeprefix(own)
        return "    "

    def style_within(self, parent: Node) -> Style:
        """Layout for further children of `parent`."""
        if parent.children:
            indent = self._lead(parent.children[0])
        else:
            outer = self._lead(parent)
            indent = None if outer is None else outer + self.unit
        return _MINIFIED if indent is None else Style(self.newline, indent, self.unit)

    def _lead(self, node: Node) -> str | None:
        """White space between the start of a node's line and the node; None if text precedes."""
        raw, broken = self.xml.raw, self.line_feed
        floor = max(0, node.start - _LONGEST_INDENT)  # a minified file is one long line
        at = raw.rfind(broken, floor, node.start)
        while at >= 0 and (node.start - at) % len(broken):  # half of another UTF-16 character
            at = raw.rfind(broken, floor, at)
        if at < 0:
            return None
        lead = raw[at + len(broken) : node.start].decode(self.xml.encoding, "replace")
        return None if lead.strip(" \t") else lead

    def insert(self, parent: Node, after: Node | None, elements: Sequence[Element]) -> Patch:
        """Put elements into `parent` behind its child `after` (None: before all its children)."""
        style = self.style_within(parent)
        written = "".join([rendered(element, style) for element in elements])
        return self.insert_written(parent, after, written, style)

    def insert_written(self, parent: Node, after: Node | None, written: str, style: Style) -> Patch:
        """The same with elements that are written already, in the style within `parent`."""
        if after is not None:
            return Patch(after.end, 0, self.xml.patch_bytes(written))
        closing = style.newline + (self._lead(parent) or "") if style.newline else ""
        if parent.is_empty_tag:
            opened = f">{written}{closing}</{parent.tag}>"
            width = len(self.empty_tag_end)
            return Patch(parent.inner - width, width, self.xml.patch_bytes(opened))
        if parent.children or parent.text.strip():
            return Patch(parent.inner, 0, self.xml.patch_bytes(written))
        # Nothing inside but perhaps a line break, which then stands before the end tag.
        broken = parent.text.strip(" \t") != ""
        return Patch(parent.inner, 0, self.xml.patch_bytes(written + ("" if broken else closing)))


def removal_patches(xml: XmlText, nodes: Sequence[Node]) -> tuple[Patch, ...]:
    """Take elements out, each with the white space before it.

    A parent that is left without children loses the white space inside it as well. Nodes inside
    other nodes of the list go with these.
    """
    chosen = {id(node) for node in nodes}
    parents = {id(node.parent): node.parent for node in nodes if not _inside(node, chosen)}
    return tuple(
        patch
        for parent in parents.values()
        if parent is not None
        for patch in _without(xml, parent, chosen)
    )


def _inside(node: Node, chosen: set[int]) -> bool:
    outer = node.parent
    while outer is not None:
        if id(outer) in chosen:
            return True
        outer = outer.parent
    return False


def _without(xml: XmlText, parent: Node, chosen: set[int]) -> Iterator[Patch]:
    floor = parent.inner
    left_empty = all(id(child) in chosen for child in parent.children)
    for child in parent.children:
        if id(child) in chosen:
            start = _blank_before(xml, floor, child.start)
            end = child.end
            if left_empty and child is parent.children[-1]:
                end = _blank_after(xml, end, parent.close)
            yield Patch(start, end - start, b"")
        floor = child.end


def _blank_before(xml: XmlText, floor: int, at: int) -> int:
    """Where the white space that ends at byte `at` begins, not before `floor`."""
    between = xml.raw[floor:at].decode(xml.encoding, "replace")
    return floor + len(between.rstrip(" \t\r\n").encode(xml.encoding))


def _blank_after(xml: XmlText, at: int, ceiling: int) -> int:
    """The end of the parent's content, if there is only white space up to it; else `at`."""
    rest = xml.raw[at:ceiling].decode(xml.encoding, "replace")
    return ceiling if not rest.strip() else at
