"""From the disk and the command line to what `inspect` shows."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import canned
import pytest
from controls.cuts import clip, cut, marker

from otio_foley.config import Settings, SoundSettings
from otio_foley.controls.gather import gather
from otio_foley.controls.rules import PlacedStep, StepPlace
from otio_foley.controls.values import Known
from otio_foley.errors import InputError
from otio_foley.inspection import clip_lines, cut_json
from otio_foley.timelines.document import Document
from otio_foley.timelines.registry import open_document

CUT = cut(clip("a", 0, 10))


def floor(cut_path: Path) -> str:
    return gather(cut_path, CUT, Settings()).for_clip(None, CUT.clips[0]).floor


def test_the_more_exactly_named_file_is_read_alone(tmp_path: Path) -> None:
    path = tmp_path / "reel1.fcpxml"
    assert floor(path) == "auto"
    (tmp_path / "reel1.foley.toml").write_text("[cut]\nfloor = 'wood'\nshoe = 'boot'\n")
    assert floor(path) == "wood"
    (tmp_path / "reel1.fcpxml.foley.toml").write_text("[cut]\nfloor = 'tile'\n")
    assert floor(path) == "tile"
    assert gather(path, CUT, Settings()).for_clip(None, CUT.clips[0]).shoe == "leather"
    assert floor(tmp_path / "reel1.edl") == "wood"


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    (tmp_path / "reel1.foley.toml").write_text("[cut]\nfloor = 'wood'\n", encoding="utf-8-sig")
    assert floor(tmp_path / "reel1.edl") == "wood"


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    beside = tmp_path / "reel1.foley.toml"
    beside.write_bytes(b"[cut]\nfloor = '\xff'\n")
    with pytest.raises(InputError, match=r"reel1\.foley\.toml are not TOML"):
        floor(tmp_path / "reel1.edl")
    beside.write_text("[cut]\nflor = 'wood'\n")
    with pytest.raises(InputError, match=r"reel1.foley.toml \[cut\]: unknown control 'flor'"):
        floor(tmp_path / "reel1.edl")


def test_a_name_that_the_system_refuses_has_no_file(tmp_path: Path) -> None:
    assert floor(tmp_path / f"{'x' * 250}.edl") == "auto"


def test_words_are_checked_wherever_they_come_from(tmp_path: Path) -> None:
    known = Known(floors=("wood",), shoes=("boot",))
    with pytest.raises(InputError, match="unknown shoe 'clog'"):
        gather(tmp_path / "reel1.edl", CUT, Settings(), ["shoe=clog"], known=known)
    (tmp_path / "reel1.foley.toml").write_text("[cut]\nfloor = 'mud'\n")
    with pytest.raises(InputError, match="unknown floor 'mud'"):
        gather(tmp_path / "reel1.edl", CUT, Settings(), known=known)


def test_steps_are_asked_together_or_alone(tmp_path: Path) -> None:
    timeline = cut(clip("a", 0, 10), markers=(marker(2, "foley step: mute"),))
    controls = gather(tmp_path / "reel1.edl", timeline, Settings())
    (street,) = timeline.clips
    places = [StepPlace(record_s=Fraction(n, 100), foot="left") for n in (199, 203)]
    steps = [PlacedStep(track=1, clip=street, step=place) for place in places]
    assert [controls.for_steps([one])[0].mute for one in steps] == [True, True]
    assert [one.mute for one in controls.for_steps(steps)] == [True, False]
    assert controls.unused(steps) == []
    assert controls.unused([]) == ["marker 01:00:02:00 step: no such step within 2 frames"]


@pytest.fixture
def document(tmp_path: Path) -> Document:
    path = canned.edl(
        tmp_path / "reel1.edl",
        ("a.mov", "00:00:00:00", "00:00:03:00", "10:00:00:00", "10:00:03:00"),
        ("b.mov", "00:00:00:00", "00:00:03:00", "10:00:03:00", "10:00:06:00"),
    )
    with path.open("a") as file:
        file.write("* LOC: 10:00:04:00 RED     FOLEY: SHOE=BOOT\r\n")
    return open_document(path, Fraction(25))


def test_inspect_says_what_is_asked_and_where_from(tmp_path: Path, document: Document) -> None:
    (tmp_path / "reel1.foley.toml").write_text(
        "[cut]\nfloor = 'wood'\n[clip.'c*']\nmute = true\n[track.2]\nweight = 90\n"
    )
    controls = gather(
        tmp_path / "reel1.edl",
        document.timeline(),
        Settings(sound=SoundSettings(seed=7)),
        ["step.10:00:01:00.level_db=-3", "clip.a.mov.mute=true"],
    )
    plain = clip_lines(document)
    lines = clip_lines(document, controls)
    assert lines == [
        plain[0],
        plain[1],
        "      floor wood (TOML [cut]), seed 7 (settings), mute yes (command line clip.a.mov)",
        plain[2],
        "      floor wood (TOML [cut]), shoe boot (marker 10:00:04:00), seed 7 (settings)",
        "  TOML [track.2]: weight 90",
        "  command line step.10:00:01:00: level_db -3",
        "  controls: step over clip over track over cut; at the same one: command line over TOML "
        "over marker over settings",
        '  unused: TOML [clip."c*"]: no clip has that name or id',
    ]


def test_inspect_as_json_holds_all_controls_of_a_clip(tmp_path: Path, document: Document) -> None:
    controls = gather(
        tmp_path / "reel1.edl",
        document.timeline(),
        Settings(),
        ["clip.a.mov.mute=true", "track.2.weight=90", "clip.c.lock=true"],
    )
    described = cut_json(document, controls)
    first, second = described["clips"]  # type: ignore[misc]
    assert first["controls"]["mute"] == {"value": True, "from": "command line clip.a.mov"}
    assert second["controls"]["mute"] == {"value": False, "from": "default"}
    assert second["controls"]["shoe"] == {"value": "boot", "from": "marker 10:00:04:00"}
    assert len(first["controls"]) == 10
    assert described["rules"] == [
        {"from": "command line track.2", "controls": {"weight": 90.0}},
    ]
    assert described["unused"] == ["command line clip.c: no clip has that name or id"]


def test_inspect_without_controls_is_as_it_was(document: Document) -> None:
    assert len(clip_lines(document)) == 3
    assert "controls" not in cut_json(document)["clips"][0]  # type: ignore[index, operator]
    assert "unused" not in cut_json(document)
