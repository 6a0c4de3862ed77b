"""An XML text as a tree of byte spans: what FCPXML and xmeml are read from and patched by.

expat's `CurrentByteIndex` gives where each tag stands in the bytes, in any encoding that expat
reads. DTD-internal entities, external ones and absurd nesting are refused: a cut needs none.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from otio_foley.errors import ParseError

_MAX_DEPTH = 1000

#: Values that need no escaping: most, and worth a short cut in a cut of 20,000 clips.
_PLAIN = re.compile(r"[A-Za-z0-9 ./:;,+=%#@_-]*")
#: What XML 1.0 cannot hold, not even as a character reference.
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DECLARED_ENCODING = re.compile(rb"^<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")


class _Source:
    """The bytes that nodes stand in, and what delimits a tag in their encoding."""

    def __init__(self, raw: bytes, encoding: str) -> None:
        self.raw = raw
        self.encoding = encoding
        self.empty_tag_end = "/>".encode(encoding)
        self.tag_end = ">".encode(encoding)
        self.start_tag = _start_tag_pattern(encoding)


@dataclass(slots=True, eq=False)
class Node:
    """An element. Offsets are bytes: `start` of `<tag`, `inner` just after its start tag's `>`,
    `close` of `</tag`, `end` after the element. For `<tag/>` inner == close == end.

    Only where its two tags stand is noted when it is read: `inner`, `close` and `end` are asked of
    few elements, and each asking scans the bytes of a tag; `line` and `column` scan all before it.
    """

    tag: str
    attributes: dict[str, str]
    start: int
    parent: Node | None = field(repr=False)
    source: _Source = field(repr=False)
    # Where the end tag begins; for `<tag/>` where it ends.
    mark: int = -1
    text: str = ""
    # An empty tuple until there is a child: a list for each leaf costs a third of the reading time.
    children: Sequence[Node] = field(default=(), repr=False)

    @property
    def inner(self) -> int:
        match = self.source.start_tag.match(self.source.raw, self.start)
        if match is None:  # expat has accepted the tag, so that it has an end
            raise ParseError("a tag that cannot be delimited", line=self.line, column=self.column)
        return match.end()

    @property
    def is_empty_tag(self) -> bool:
        source = self.source
        if self.children:
            return False
        return source.raw.endswith(source.empty_tag_end, self.start, self.inner)

    @property
    def close(self) -> int:
        return self.inner if self.is_empty_tag else self.mark

    @property
    def end(self) -> int:
        if self.is_empty_tag:
            return self.inner
        return self.source.raw.index(self.source.tag_end, self.mark) + len(self.source.tag_end)

    @property
    def line(self) -> int:
        """From 1, as expat counts: every line feed ends one."""
        return self._before().count("\n") + 1

    @property
    def column(self) -> int:
        before = self._before()
        return len(before) - before.rfind("\n")

    def _before(self) -> str:
        text = self.source.raw[: self.start].decode(self.source.encoding, "replace")
        return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")

    def get(self, name: str) -> str | None:
        return self.attributes.get(name)

    def child(self, tag: str) -> Node | None:
        """First child of that tag."""
        for node in self.children:
            if node.tag == tag:
                return node
        return None

    def child_text(self, tag: str) -> str | None:
        """Stripped text of the first child of that tag; None if there is none or it is empty."""
        node = self.child(tag)
        return (node.text.strip() or None) if node is not None else None

    def descendants(self) -> Iterator[Node]:
        """Every element inside, in document order."""
        stack = list(reversed(self.children))
        while stack:
            node = stack.pop()
            yield node
            if node.children:
                stack.extend(reversed(node.children))

    def find_all(self, tag: str) -> Iterator[Node]:
        """Every descendant of that tag in document order."""
        return (node for node in self.descendants() if node.tag == tag)


@dataclass(frozen=True, slots=True, kw_only=True)
class XmlText:
    """A parsed XML text: its bytes, root and the codec for what is inserted.

    `by_tag` holds every element in document order, the root too.
    """

    raw: bytes
    root: Node
    by_tag: Mapping[str, Sequence[Node]]
    encoding: str

    def all(self, tag: str) -> Sequence[Node]:
        """Every element of that tag, at no cost where there is none."""
        return self.by_tag.get(tag, ())

    @property
    def newline(self) -> str:
        head = self.raw[:4000].decode(self.encoding, "replace")
        return "\r\n" if "\r\n" in head else "\n"

    def patch_bytes(self, inserted: str) -> bytes:
        """Text in the file's codec; what the codec cannot hold becomes a character reference."""
        return inserted.encode(self.encoding, "xmlcharrefreplace")


def parse_xml(raw: bytes) -> XmlText:
    """Read bytes into a span tree. Raises ParseError with line and column."""
    encoding = _encoding(raw)
    parser = expat.ParserCreate()
    try:
        elements = _collected(parser, _Source(raw, encoding))
        parser.Parse(raw, True)
    except expat.ExpatError as error:
        raise ParseError(
            f"not well-formed XML: {expat.errors.messages[error.code]}",
            line=error.lineno,
            column=error.offset + 1,
            hint="export the cut again, or repair the file at that place",
        ) from error
    except (LookupError, ValueError, UnicodeError) as error:
        raise ParseError(f"XML that cannot be decoded: {error}") from error
    root = next(iter(elements.values()))[0]  # expat reports an empty document as an error
    return XmlText(raw=raw, root=root, by_tag=elements, encoding=encoding)


def _encoding(raw: bytes) -> str:
    if raw.startswith((b"\xff\xfe", b"<\0")):
        return "utf-16-le"
    if raw.startswith((b"\xfe\xff", b"\0<")):
        return "utf-16-be"
    match = _DECLARED_ENCODING.match(raw.removeprefix(b"\xef\xbb\xbf"))
    name = match[1].decode("ascii").lower() if match else "utf-8"
    return "utf-8" if name.startswith("utf-16") else name


def _collected(parser: expat.XMLParserType, source: _Source) -> dict[str, list[Node]]:
    """Where the parser puts every element, by its tag; the first one is the root.

    Each element's place comes from the byte index of its two tags. Functions with variables of
    their own, for expat calls them several times for each element.
    """
    elements: defaultdict[str, list[Node]] = defaultdict(list)
    node: Node | None = None
    texts: list[list[str] | None] = []  # of each element that is open

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal node
        parent = node
        node = Node(tag, attributes, parser.CurrentByteIndex, parent, source)
        elements[tag].append(node)
        texts.append(None)
        if parent is None:
            return
        if parent.children:
            parent.children.append(node)  # type: ignore[attr-defined]
        else:
            parent.children = [node]
            if len(texts) > _MAX_DEPTH:
                raise ParseError(
                    f"elements nested more than {_MAX_DEPTH} deep",
                    line=node.line,
                    column=node.column,
                )

    def finish(_: str) -> None:
        nonlocal node
        assert node is not None  # expat pairs the tags
        node.mark = parser.CurrentByteIndex
        parts = texts.pop()
        if parts:
            node.text = "".join(parts)
        node = node.parent

    def characters(text: str) -> None:
        parts = texts[-1]
        if parts is None:
            texts[-1] = [text]
        else:
            parts.append(text)

    def refuse_entity(name: str, *_: object) -> None:
        raise ParseError(
            f"the file declares an XML entity ({name!r}), which is refused for safety",
            line=parser.CurrentLineNumber,
            column=parser.CurrentColumnNumber + 1,
            hint="a cut needs none: export it again from the editing system",
        )

    # One call for a whole run of text.
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = finish
    parser.CharacterDataHandler = characters
    parser.EntityDeclHandler = refuse_entity
    return elements


def _start_tag_pattern(encoding: str) -> re.Pattern[bytes]:
    """A whole start tag in the file's bytes; a `>` between quotes does not end it."""
    if encoding not in ("utf-16-le", "utf-16-be"):
        return re.compile(rb"[^\"'>]*(?:(?:\"[^\"]*\"|'[^']*')[^\"'>]*)*>")
    double, single, end = (re.escape(character.encode(encoding)) for character in "\"'>")

    def any_but(*units: bytes) -> bytes:
        return b"(?:(?!" + b"|".join(units) + b")..)*"

    plain = any_but(double, single, end)
    quoted = double + any_but(double) + double + b"|" + single + any_but(single) + single
    return re.compile(plain + b"(?:(?:" + quoted + b")" + plain + b")*" + end, re.DOTALL)


def quoted(value: str) -> str:
    """An attribute's value between its quotes, with everything escaped that cannot stand there, and
    without what XML cannot hold."""
    return f'"{value}"' if _PLAIN.fullmatch(value) else quoteattr(legal(value))


def attributes(pairs: Sequence[tuple[str, str]]) -> str:
    """` name="value"` of each, as `quoted` has it."""
    if _PLAIN.fullmatch("".join([value for _, value in pairs])):
        return "".join([f' {name}="{value}"' for name, value in pairs])
    return "".join([f" {name}={quoted(value)}" for name, value in pairs])


def text(value: str) -> str:
    """Escaped character data, without what XML cannot hold."""
    return value if _PLAIN.fullmatch(value) else escape(legal(value))


def legal(value: str) -> str:
    """Text without the characters that XML cannot hold."""
    return _ILLEGAL.sub("\ufffd", value)
