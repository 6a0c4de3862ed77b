"""The span tree: every offset has to be that of the byte it names."""

from __future__ import annotations

import pytest

from otio_foley.errors import ParseError
from otio_foley.timelines.xml.tree import Node, attributes, parse_xml, text

SAMPLE = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE r>
<!-- a > comment -->
<r a="1 &gt; &#x9;" b='"é">'>
  <empty/><spaced x="/>"
     y='>' />
  <open></open >
  <![CDATA[<no>]]> text &amp; more <deep><er>ä</er></deep>
  <?pi >?>
</r>
"""


def nodes(root: Node) -> list[Node]:
    return [root, *root.descendants()]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "iso-8859-1"]
)
def test_spans_are_exact(encoding: str) -> None:
    declared = encoding.removesuffix("-sig").removesuffix("-le").removesuffix("-be")
    sample = SAMPLE.replace("UTF-8", declared)
    raw = sample.encode(encoding)
    xml = parse_xml(raw)
    spans = [
        (
            node.tag,
            raw[node.start : node.inner].decode(xml.encoding),
            raw[node.close : node.end].decode(xml.encoding),
        )
        for node in nodes(xml.root)
    ]
    assert spans == [
        ("r", '<r a="1 &gt; &#x9;" b=\'"é">\'>', "</r>"),
        ("empty", "<empty/>", ""),
        ("spaced", "<spaced x=\"/>\"\n     y='>' />", ""),
        ("open", "<open>", "</open >"),
        ("deep", "<deep>", "</deep>"),
        ("er", "<er>", "</er>"),
    ]
    assert [node.is_empty_tag for node in nodes(xml.root)] == [
        *(False, True, True),
        *(False, False, False),
    ]
    assert xml.root.text.split() == ["<no>", "text", "&", "more"]
    assert xml.root.children[-1].children[0].text == "ä"
    assert [(node.line, node.column) for node in nodes(xml.root)][1] == (5, 3)


def test_navigation() -> None:
    root = parse_xml(b"<a><b>1</b><c><b> </b></c><b>3</b></a>").root
    assert [node.text for node in root.find_all("b")] == ["1", " ", "3"]
    assert root.child_text("b") == "1"
    assert root.children[1].child_text("b") is None
    assert root.child("x") is None


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"<a>",
        b"<a></b>",
        b"<a b=1/>",
        b"<a>\xff</a>",
        b'<?xml version="1.0" encoding="nonsense"?><a/>',
        b'<?xml version="1.0" encoding="utf-7"?><a/>',
        b'<?xml version="1.0" encoding="base64"?><a/>',
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b"<a>" * 1001,
    ],
)
def test_bad_text_raises_a_parse_error(raw: bytes) -> None:
    with pytest.raises(ParseError):
        parse_xml(raw)


def test_error_says_where() -> None:
    with pytest.raises(ParseError) as caught:
        parse_xml(b"<a>\n <b></c></a>")
    assert (caught.value.line, caught.value.column) == (2, 7)


def test_written_values_read_back() -> None:
    value = "a \"b\" 'c' <d> & \n\t é"
    written = f"<a{attributes([('x', value)])}>{text(value)}</a>"
    node = parse_xml(written.encode()).root
    assert node.get("x") == value
    assert node.text == value
