"""Lines of any length are read in a time that grows with their length, not with its square.

These find what hangs and measure no speed: its square takes minutes, anything else a blink.
"""

from __future__ import annotations

import json
import time

import pytest

from otio_foley.errors import FoleyError
from otio_foley.timelines.registry import open_bytes

_LENGTH = 200_000
_HANGS_S = 10
_EVENT = "001  A        V     C        01:00:00:00 01:00:01:00 01:00:00:00 01:00:01:00"
_FILLINGS = (" ", "*", "1", "\t", "* ", "A", '"', "'", "\\", ":", "/", "V1", "1 ", " |", "<", "&")


def _seconds(raw: bytes, name: str) -> float:
    begin = time.process_time()
    try:
        document = open_bytes(raw, name=name)
        document.strip()
        document.content()
    except FoleyError:
        pass
    return time.process_time() - begin


@pytest.mark.parametrize("filling", _FILLINGS)
@pytest.mark.parametrize(
    "line",
    [
        "{}x",
        "*{}x",
        "* FROM CLIP NAME{}x",
        "* FROM CLIP NAME: a{}x",
        "COMMENT{}x",
        "COMMENT: {}x",
        "M2 {}x",
        "M2 A {}x",
        "M2 A 024.0{}x",
        "TITLE{}x",
        "TITLE: a{}x",
        "FCM: a{}x",
        "FPS{}x",
        "* FPS 24{}x",
        " |C:ResolveColorBlue{}x",
        " |C:ResolveColorBlue |M:a{}x",
        " |C:ResolveColorBlue |M:a |D:1{}x",
        "FINAL CUT PRO REEL:{}x",
        "FINAL CUT PRO REEL: a{}REPLACED BY:{}",
        "002 A V C {}x",
        "002 {}x 01:00:00:00 01:00:01:00 01:00:01:00 01:00:02:00",
        "002 A V C 01:00:00:00{}x",
        "{} A V C 01:00:00:00 01:00:01:00 01:00:01:00 01:00:02:00",
        "* OTIO-FOLEY com.otio-foley otio-foley-undo:v1;{}",
        "* LOC: {}x",
        "* LOC: 01:00:00:00 {}x",
    ],
)
def test_long_lines_of_a_list(line: str, filling: str) -> None:
    long = (filling * _LENGTH)[:_LENGTH]
    text = "\n".join(["TITLE: t", _EVENT, line.replace("{}", long), _EVENT.replace("001", "003")])
    assert _seconds(text.encode(), "cut.edl") < _HANGS_S


@pytest.mark.parametrize("words", ["FINAL CUT PRO REEL:", "REPLACED BY:", "01:00:00:00 ", "|D:1"])
def test_words_that_a_list_repeats(words: str) -> None:
    text = "\n".join(["TITLE: t", _EVENT, "* " + words * (_LENGTH // len(words)) + "x"])
    assert _seconds(text.encode(), "cut.edl") < _HANGS_S


def test_a_comment_that_goes_on_and_on() -> None:
    lines = ["* " + "a" * 90] * 20_000
    text = "\n".join(["TITLE: t", _EVENT, "* FROM CLIP NAME: " + "a" * 90, *lines])
    assert _seconds(text.encode(), "cut.edl") < _HANGS_S


def test_forged_undo_records_are_not_all_tried() -> None:
    record = f"* otio-foley-undo:v1;{'0' * 64};0;0:0:;\n"
    text = "\n".join(["TITLE: t", _EVENT, record * 20_000])
    assert _seconds(text.encode(), "cut.edl") < _HANGS_S


@pytest.mark.parametrize("filling", _FILLINGS[:10])
def test_long_values_in_xml(filling: str) -> None:
    long = (filling * _LENGTH)[:_LENGTH]
    value = long.replace('"', "'")
    fcpxml = (
        f'<fcpxml version="1.11{value}"><resources><format id="r1" name="{value}"/>'
        f'<asset id="r2" start="{value}" src="{value}" format="r1"><x>{long}</x></asset>'
        f'</resources><project name="{value}"><sequence format="r1" tcStart="0s"><spine>{long}'
        f'<asset-clip ref="r2" lane="{value}" offset="{value}" duration="1s"/>'
        "</spine></sequence></project></fcpxml>"
    )
    assert _seconds(fcpxml.encode(), "cut.fcpxml") < _HANGS_S
    xmeml = (
        f'<xmeml version="{value}"><sequence id="{value}"><name>{long}</name>'
        "<rate><timebase>25</timebase></rate><media><video><track><clipitem>"
        f"<start>{long}</start><end>{long}1</end><file><pathurl>{long}</pathurl>"
        f"<timecode><string>{long}</string></timecode></file>"
        "</clipitem></track></video></media></sequence></xmeml>"
    )
    assert _seconds(xmeml.encode(), "cut.xml") < _HANGS_S
    assert _seconds(f"<?xml {long}".encode(), "cut.xml") < _HANGS_S


@pytest.mark.parametrize("filling", _FILLINGS)
def test_long_values_in_json(filling: str) -> None:
    long = (filling * _LENGTH)[:_LENGTH]
    cut = {
        "OTIO_SCHEMA": "Timeline.1",
        "name": long,
        long: long,
        "tracks": {
            "OTIO_SCHEMA": "Stack.1",
            "children": [{"OTIO_SCHEMA": long, "target_url": long, "name_prefix": long}],
        },
    }
    assert _seconds(json.dumps(cut).encode(), "cut.otio") < _HANGS_S
    for text in ('{{"OTIO_SCHEMA"{}', '{{"OTIO_SCHEMA": "{}', '{{"OTIO_SCHEMA": {}x}}', "{{{}"):
        assert _seconds(text.format(long).encode(), "cut.otio") < _HANGS_S
