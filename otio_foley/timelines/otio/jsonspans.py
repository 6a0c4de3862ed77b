"""JSON as a tree of byte spans: what an OTIO file is read from and patched by.

Numbers keep their spelling, strings are decoded when asked for, duplicate keys are kept, and the
tokens NaN, Infinity and Inf of OTIO's dialect are read. Scanning is a loop over regular
expressions with a stack of its own, so that no nesting exhausts Python's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal, TypeAlias

from otio_foley.errors import ParseError
from otio_foley.timelines.document import Patch

Kind: TypeAlias = Literal["object", "array", "string", "number", "literal"]

#: What can be rendered into a file; a key order is kept.
Plain: TypeAlias = "str | int | float | bool | Sequence[Plain] | Mapping[str, Plain] | None"

_MAX_DEPTH = 1000
_MAX_NUMBER_LENGTH = 64
_MAX_EXPONENT = 30
_BOM = b"\xef\xbb\xbf"

_STRING = rb'"[^"\\\x00-\x08\x0a-\x1f]*(?:\\.[^"\\\x00-\x08\x0a-\x1f]*)*"'
_SCALAR = (
    _STRING + rb"|[\[{]"
    rb"|-?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?(?![\w.])"
    rb"|(?:true|false|null|NaN|-?Inf(?:inity)?)(?!\w)"
)
_SPACE = rb"[ \t\r\n]*"
_VALUE = re.compile(_SPACE + rb"(?P<value>" + _SCALAR + rb")" + _SPACE)
_MEMBER = re.compile(
    _SPACE
    + rb"(?P<key>"
    + _STRING
    + rb")"
    + _SPACE
    + rb":"
    + _SPACE
    + rb"(?P<value>"
    + _SCALAR
    + rb")"
    + _SPACE
)
_BLANK = re.compile(_SPACE)
_KINDS: Mapping[int, Kind] = {
    **dict.fromkeys(b"-0123456789", "number"),
    ord('"'): "string",
    ord("{"): "object",
    ord("["): "array",
}
#: Shared by all scalars and never filled: a list for each would double the memory of a tree.
_NO_KEYS: list[str] = []
_NO_ITEMS: list[Value] = []


@dataclass(slots=True, eq=False)
class Value:
    """A JSON value; `start` and `end` are its bytes in `raw`.

    `keys` (objects only) and `items` run in parallel; an array has items only. `key_start` is
    where the key of an object's member begins, -1 elsewhere.
    """

    raw: bytes = field(repr=False)
    kind: Kind
    start: int
    end: int
    key_start: int
    keys: list[str] = field(repr=False)
    items: list[Value] = field(repr=False)

    def get(self, key: str) -> Value | None:
        """The member of that key; of duplicates the last, as OTIO reads it. None elsewhere."""
        for index in range(len(self.keys) - 1, -1, -1):
            if self.keys[index] == key:
                return self.items[index]
        return None

    def members(self) -> Iterator[tuple[str, Value]]:
        return zip(self.keys, self.items, strict=True) if self.keys else iter(())

    @property
    def is_null(self) -> bool:
        return self.kind == "literal" and self.source == b"null"

    @property
    def source(self) -> bytes:
        return self.raw[self.start : self.end]

    def text(self) -> str | None:
        """A decoded string; None for any other kind."""
        return _decoded(self.source) if self.kind == "string" else None

    def boolean(self) -> bool | None:
        if self.kind != "literal":
            return None
        return {b"true": True, b"false": False}.get(self.source)

    def number(self) -> Fraction | None:
        """The exact value of a number as spelt; None for NaN, absurd sizes and other kinds."""
        if self.kind != "number" or self.end - self.start > _MAX_NUMBER_LENGTH:
            return None
        spelling = self.source.decode("ascii")
        mantissa, _, exponent = spelling.lower().partition("e")
        if exponent and (len(exponent) > 4 or abs(int(exponent)) > _MAX_EXPONENT):
            # 0e-400 is harmless, yet no writer spells a time so
            return None
        return Fraction(mantissa.rstrip(".")) * Fraction(10) ** int(exponent or 0)

    def error(self, message: str, hint: str = "") -> ParseError:
        """A ParseError that points at this value."""
        return _error(self.raw, self.start, message, hint)


def parse_json(raw: bytes) -> Value:
    """Read one JSON value (UTF-8, with or without a byte order mark). Raises ParseError."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ParseError(
            "the JSON text is in UTF-16", line=1, column=1, hint="OTIO files are UTF-8: save it so"
        )
    start = len(_BOM) if raw.startswith(_BOM) else 0
    match = _VALUE.match(raw, start)
    if match is None:
        raise _unexpected(raw, start, "a JSON value")
    root = _value(raw, match, -1)
    position = match.end()
    if root.kind in ("object", "array"):
        position = _scan_containers(raw, root)
    end = _end(_BLANK.match(raw, position))
    if end != len(raw):
        raise _error(raw, end, "something follows the end of the JSON value")
    return root


def _end(match: re.Match[bytes] | None) -> int:
    assert match is not None  # the pattern matches nothing, too
    return match.end()


def _scan_containers(raw: bytes, root: Value) -> int:
    """Fill the tree below an opening bracket; the position after its closing one."""
    stack = [root]
    position = root.start + 1
    fresh = True
    while stack:
        container = stack[-1]
        is_object = container.kind == "object"
        if fresh:
            fresh = False
            after = _end(_BLANK.match(raw, position))
            if raw[after : after + 1] == (b"}" if is_object else b"]"):
                container.end = after + 1
                stack.pop()
                position = _after_value(raw, after + 1, stack)
                continue
        match = (_MEMBER if is_object else _VALUE).match(raw, position)
        if match is None:
            raise _unexpected(raw, position, "a key and a value" if is_object else "a value")
        value = _value(raw, match, match.start("key") if is_object else -1)
        if is_object:
            container.keys.append(_decoded(match["key"]))
        container.items.append(value)
        if value.kind == "object" or value.kind == "array":
            if len(stack) >= _MAX_DEPTH:
                raise value.error(f"values nested more than {_MAX_DEPTH} deep")
            position = value.start + 1
            stack.append(value)
            fresh = True
        else:
            position = _after_value(raw, match.end(), stack)
    return position


def _after_value(raw: bytes, position: int, stack: list[Value]) -> int:
    """The position behind the comma after a value; closes all containers that end here."""
    while stack:
        position = _end(_BLANK.match(raw, position))
        byte = raw[position] if position < len(raw) else -1
        if byte == 0x2C:  # a comma
            return position + 1
        if byte != (0x7D if stack[-1].kind == "object" else 0x5D):
            raise _unexpected(raw, position, "a comma or a closing bracket")
        position += 1
        stack.pop().end = position
    return position


def _value(raw: bytes, match: re.Match[bytes], key_start: int) -> Value:
    start, end = match.span("value")
    kind = _KINDS.get(raw[start], "literal")
    if kind == "object":
        return Value(raw, kind, start, end, key_start, [], [])
    if kind == "array":
        return Value(raw, kind, start, end, key_start, _NO_KEYS, [])
    if kind == "number" and raw[end - 1] > 0x39:  # -Infinity
        kind = "literal"
    return Value(raw, kind, start, end, key_start, _NO_KEYS, _NO_ITEMS)


def _decoded(token: bytes) -> str:
    """A JSON string token as text; broken UTF-8 and lone surrogates become U+FFFD."""
    inner = token[1:-1].decode("utf-8", "replace")
    if "\\" not in inner:
        return inner
    try:
        value = json.loads(f'"{inner}"', strict=False)
    except ValueError:
        return inner
    return str(value).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _unexpected(raw: bytes, position: int, expected: str) -> ParseError:
    at = _end(_BLANK.match(raw, position))
    if at >= len(raw):
        return _error(
            raw, at, f"the file ends where {expected} should stand", "is it cut off? export again"
        )
    found = raw[at : at + 12].decode("utf-8", "replace")
    return _error(raw, at, f"expected {expected}, found {found!r}")


def _error(raw: bytes, position: int, message: str, hint: str = "") -> ParseError:
    line_start = max(raw.rfind(b"\n", 0, position), raw.rfind(b"\r", 0, position)) + 1
    before = raw[:position]
    lines = before.count(b"\n") + before.count(b"\r") - before.count(b"\r\n")
    column = len(raw[line_start:position].decode("utf-8", "replace")) + 1
    return ParseError(message, line=lines + 1, column=column, hint=hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How a file spells its JSON; `indent` None is all on one line."""

    indent: str | None
    newline: str
    item_separator: str
    key_separator: str


def style_of(root: Value) -> Style:
    """The style of the file, taken from the outermost object and its first two members."""
    raw = root.raw
    if not root.items:
        return Style(indent="    ", newline="\n", item_separator=",", key_separator=": ")
    first = root.items[0]
    begin = first.key_start if first.key_start >= 0 else first.start
    lead = raw[root.start + 1 : begin].decode("ascii", "replace")
    key_separator = ": "
    if first.key_start >= 0:
        gap = raw[first.key_start : first.start]
        key_separator = gap[gap.rindex(b'"') + 1 :].decode("ascii")
    if "\n" in lead or "\r" in lead:
        newline = "\r\n" if "\r\n" in lead else "\n" if "\n" in lead else "\r"
        indent = re.split(r"[\r\n]", lead)[-1]
        return Style(
            indent=indent, newline=newline, item_separator=",", key_separator=key_separator
        )
    separator = ","
    if len(root.items) > 1:
        second = root.items[1]
        begin = second.key_start if second.key_start >= 0 else second.start
        separator = raw[first.end : begin].decode("ascii", "replace")
        separator = separator if not separator.strip(", \t") else ","
    return Style(indent=None, newline="", item_separator=separator, key_separator=key_separator)


def rendered(value: Plain, style: Style, lead: str = "") -> str:
    """JSON text in a style; `lead` stands before every line but the first."""
    separators = (style.item_separator, style.key_separator)
    text = json.dumps(value, indent=style.indent, separators=separators)
    if style.indent is None:
        return text
    return text.replace("\n", style.newline + lead)


def appended(array: Value, values: Sequence[Plain], style: Style) -> Patch:
    """The patch that adds values at the end of an array, in the way the file is laid out."""
    return _added(array, [(None, value) for value in values], style)


def with_member(container: Value, key: str, value: Plain, style: Style) -> Patch:
    """The patch that adds a member at the end of an object."""
    return _added(container, [(key, value)], style)


def _added(container: Value, entries: Sequence[tuple[str | None, Plain]], style: Style) -> Patch:
    raw = container.raw
    if container.items:
        last = container.items[-1]
        lead, between = _lead_of_last(container, style)
        texts = [_entry(key, value, style, lead) for key, value in entries]
        insert = "".join(f",{between}{text}" for text in texts)
        return Patch(last.end, 0, insert.encode())
    inner = (container.start + 1, container.end - 1 - (container.start + 1))
    if style.indent is None:
        texts = [_entry(key, value, style, "") for key, value in entries]
        return Patch(*inner, style.item_separator.join(texts).encode())
    outer = _line_lead(raw, container.start)
    lead = outer + style.indent
    texts = [_entry(key, value, style, lead) for key, value in entries]
    body = ("," + style.newline + lead).join(texts)
    return Patch(*inner, f"{style.newline}{lead}{body}{style.newline}{outer}".encode())


def _entry(key: str | None, value: Plain, style: Style, lead: str) -> str:
    text = rendered(value, style, lead)
    return text if key is None else f"{json.dumps(key)}{style.key_separator}{text}"


def _lead_of_last(container: Value, style: Style) -> tuple[str, str]:
    """(indentation of the last entry's line, white space that precedes that entry)."""
    begin = _begin(container.items[-1])
    before = container.raw[container.start : begin]
    between = before[len(before.rstrip(b" \t\r\n")) :].decode("ascii")
    if "\n" in between or "\r" in between:
        return re.split(r"[\r\n]", between)[-1], between
    if len(container.items) == 1 and style.indent is None:
        between = style.item_separator.partition(",")[2]
    return _line_lead(container.raw, begin), between


def _line_lead(raw: bytes, position: int) -> str:
    """The indentation of the line on which a byte stands."""
    start = max(raw.rfind(b"\n", 0, position), raw.rfind(b"\r", 0, position)) + 1
    match = re.compile(rb"[ \t]*").match(raw, start, position)
    return match[0].decode("ascii") if match else ""


def removed(container: Value, indices: Sequence[int]) -> tuple[Patch, ...]:
    """Patches that take entries out of an array or object, with their commas."""
    gone = sorted(set(indices))
    patches = []
    position = 0
    while position < len(gone):
        first = last = gone[position]
        while position + 1 < len(gone) and gone[position + 1] == last + 1:
            position += 1
            last = gone[position]
        position += 1
        patches.append(_removed_run(container, first, last))
    return tuple(patches)


def _removed_run(container: Value, first: int, last: int) -> Patch:
    items = container.items
    if first > 0:
        start, end = items[first - 1].end, items[last].end
    elif last + 1 < len(items):
        start, end = _begin(items[first]), _begin(items[last + 1])
    else:
        start, end = container.start + 1, container.end - 1
    return Patch(start, end - start, b"")


def _begin(item: Value) -> int:
    return item.key_start if item.key_start >= 0 else item.start
