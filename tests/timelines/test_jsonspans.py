"""The span scanner: the same values as `json`, exact spans, and insertions in the file's style."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otio_foley.errors import FoleyError, ParseError
from otio_foley.timelines.document import splice
from otio_foley.timelines.otio.jsonspans import (
    Value,
    appended,
    parse_json,
    removed,
    style_of,
    with_member,
)

_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
)
_JSON = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(
        st.characters(exclude_categories=["Cs"])), inner, max_size=4), max_leaves=15
)  # fmt: skip
_LAYOUTS: list[dict[str, Any]] = [
    {},
    {"indent": 4},
    {"indent": "\t"},
    {"indent": 0},
    {"separators": (",", ":")},
    {"separators": (" , ", " : ")},
    {"ensure_ascii": False},
]


def _plain(value: Value) -> Any:
    if value.kind == "object":
        return {key: _plain(item) for key, item in value.members()}
    if value.kind == "array":
        return [_plain(item) for item in value.items]
    return value.text() if value.kind == "string" else json.loads(value.source)


@given(_JSON, st.sampled_from(_LAYOUTS), st.booleans())
@settings(max_examples=200, deadline=None)
def test_reads_what_json_reads_and_spans_are_exact(
    value: Any, layout: dict[str, Any], marked: bool
) -> None:
    raw = (b"\xef\xbb\xbf" if marked else b"") + json.dumps(value, **layout).encode()
    root = parse_json(raw)
    assert _plain(root) == value
    waiting = [root]
    while waiting:
        node = waiting.pop()
        assert json.loads(node.source) == _plain(node)
        waiting += node.items


@given(st.lists(_JSON, max_size=3), _JSON, st.sampled_from(_LAYOUTS))
@settings(max_examples=150, deadline=None)
def test_appending_to_an_array_changes_nothing_else(
    items: list[Any], added: Any, layout: dict[str, Any]
) -> None:
    whole = {"a": 1, "list": items, "z": {}}
    raw = json.dumps(whole, **layout).encode()
    root = parse_json(raw)
    held = root.get("list")
    assert held is not None
    after = splice(raw, [appended(held, [added, added], style_of(root))])
    assert json.loads(after) == {**whole, "list": [*items, added, added]}
    again = parse_json(after).get("list")
    assert again is not None
    shorter = splice(after, removed(again, [len(items), len(items) + 1]))
    assert json.loads(shorter) == whole


@given(st.dictionaries(st.sampled_from("abc"), _JSON), _JSON, st.sampled_from(_LAYOUTS))
@settings(max_examples=100, deadline=None)
def test_adding_a_member(held: dict[str, Any], added: Any, layout: dict[str, Any]) -> None:
    raw = json.dumps({"x": held, "y": 2}, **layout).encode()
    root = parse_json(raw)
    inner = root.get("x")
    assert inner is not None
    after = splice(raw, [with_member(inner, "new", added, style_of(root))])
    assert json.loads(after) == {"x": {**held, "new": added}, "y": 2}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{\n  "a": [\n    1\n  ]\n}', '{\n  "a": [\n    1,\n    {\n      "k": 2\n    }\n  ]\n}'),
        ('{\n  "a": []\n}', '{\n  "a": [\n    {\n      "k": 2\n    }\n  ]\n}'),
        ('{\r\n\t"a": [ ]\r\n}', '{\r\n\t"a": [\r\n\t\t{\r\n\t\t\t"k": 2\r\n\t\t}\r\n\t]\r\n}'),
        ('{"a":[],"b":1}', '{"a":[{"k":2}],"b":1}'),
        ('{"a":[0,1],"b":1}', '{"a":[0,1,{"k":2}],"b":1}'),
        ('{"a": [0], "b": 1}', '{"a": [0, {"k": 2}], "b": 1}'),
    ],
)
def test_appended_text_follows_the_layout(before: str, after: str) -> None:
    root = parse_json(before.encode())
    held = root.get("a")
    assert held is not None
    patch = appended(held, [{"k": 2}], style_of(root))
    assert splice(before.encode(), [patch]).decode() == after


@pytest.mark.parametrize(
    ("gone", "left"),
    [([0], "[ 2, 3]"), ([1], "[1, 3]"), ([2], "[1, 2]"), ([0, 1], "[ 3]"), ([1, 2], "[1]"),
     ([0, 2], "[ 2]"), ([0, 1, 2], "[]"), ([], "[1, 2, 3]")],
)  # fmt: skip
def test_removed_entries_take_their_commas_along(gone: list[int], left: str) -> None:
    raw = b"[1, 2, 3]"
    after = splice(raw, removed(parse_json(raw), gone))
    assert json.loads(after) == json.loads(left)


def test_duplicate_keys_are_kept_and_the_last_one_counts() -> None:
    root = parse_json(b'{"a": 1, "b": 2, "a": 3}')
    assert root.keys == ["a", "b", "a"]
    last = root.get("a")
    assert last is not None and last.number() == 3
    assert root.get("c") is None


@pytest.mark.parametrize(
    ("token", "number"),
    [
        ("23.976", Fraction(2997, 125)),
        ("86400.0", Fraction(86400)),
        ("-0.5e1", Fraction(-5)),
        ("1E2", Fraction(100)),
        ("0", Fraction(0)),
        ("NaN", None),
        ("-Infinity", None),
        ("Inf", None),
        ("null", None),
        ('"24"', None),
        ("9" * 5000, None),
        ("1e999999999", None),
        ("1e" + "9" * 20, None),
    ],
)
def test_numbers_keep_their_spelling(token: str, number: Fraction | None) -> None:
    assert parse_json(token.encode()).number() == number


def test_strings_are_decoded() -> None:
    raw = b'"\\u00e4\\n\\ud83d\\udc63 \\"x\\" \xc3\xa4 \\/ \\ud800 \xff"'
    text = parse_json(raw).text()
    assert text is not None and text.startswith('ä\n👣 "x" ä / ')
    text.encode("utf-8")
    assert parse_json(b"12").text() is None
    assert [parse_json(t).boolean() for t in (b"true", b"false", b"null")] == [True, False, None]


@pytest.mark.parametrize(
    ("raw", "line", "column"),
    [
        (b"", 1, 1),
        (b'{"a": 1,}', 1, 9),
        (b'{\n  "a": [1, 2\n', 3, 1),
        (b'{\r\n  "a" 1}', 2, 3),
        (b"[1] x", 1, 5),
        (b'["open', 1, 2),
        (b"[01x]", 1, 2),
        (b"[1 2]", 1, 4),
        (b"[}", 1, 2),
        (b'{"a": 1]', 1, 8),
        (b"\0", 1, 1),
        ('{"ä": nul}'.encode(), 1, 2),
        (b"\xff\xfe{\x00", 1, 1),
    ],
)
def test_damage_is_located(raw: bytes, line: int, column: int) -> None:
    with pytest.raises(ParseError) as caught:
        parse_json(raw)
    assert (caught.value.line, caught.value.column) == (line, column)


@pytest.mark.parametrize("raw", [b"[" * 10**6, b'{"a":' * 10**6, b"[" * 5000 + b"]" * 5000])
def test_absurd_nesting_is_refused(raw: bytes) -> None:
    with pytest.raises(ParseError, match="nested"):
        parse_json(raw)


@given(st.binary(max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_json_or_a_parse_error(raw: bytes) -> None:
    try:
        parse_json(raw)
    except FoleyError as error:
        assert isinstance(error, ParseError) and error.line is not None
