from __future__ import annotations

import json
from pathlib import Path

import canned
import pytest

from otio_foley import __version__
from otio_foley.cli import main

pytestmark = pytest.mark.usefixtures("canned_analysis")

STEP_KEYS = {
    "record_time_s", "source_time_s", "person", "foot", "part", "action", "floor", "gain_db",
    "confidence", "found_by", "floor_from",
}  # fmt: skip


@pytest.fixture
def cut(tmp_path: Path) -> Path:
    canned.movie(tmp_path / "walk.mov")
    return canned.edl(
        tmp_path / "cut.edl",
        ("walk.mov", "00:00:00:00", "00:00:03:00", "10:00:00:00", "10:00:03:00"),
    )


def test_run_json_is_one_object(cut: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(cut), "--json", "--floor", "wood"]) == 0
    printed = capsys.readouterr()
    report = json.loads(printed.out)
    assert report["version"] == __version__
    assert Path(report["output"]) == cut.with_name("cut_foley.edl")
    (clip,) = report["clips"]
    assert {"clip_id", "name", "status", "reason", "steps"} <= clip.keys()
    assert clip["status"] == "done"
    assert all(step.keys() == STEP_KEYS for step in clip["steps"])
    assert {step["floor"] for step in clip["steps"]} == {"wood"}
    (stem,) = report["stems"]
    assert Path(stem["path"]).is_file()
    assert stem["track"] == "FS 1"
    assert printed.err == ""


def test_analyse_json_has_no_record_times(cut: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyse", str(cut.with_name("walk.mov")), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["version"] == __version__
    assert len(report["steps"]) == len(canned.CONTACTS_S)
    assert all(step.keys() == STEP_KEYS - {"record_time_s"} for step in report["steps"])


def test_what_goes_beside_the_result_is_said(cut: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(cut), "--for", "resolve", "--separate"]) == 0
    printed = capsys.readouterr().out
    for suffix in ("_FS1.edl", "_markers.edl"):
        assert f"beside it: {cut.with_name('cut_foley' + suffix)}" in printed
        assert cut.with_name(f"cut_foley{suffix}").is_file()
    assert cut.with_name("cut_foley.edl").read_bytes() == cut.read_bytes()
    assert main(["run", str(cut), "--for", "resolve", "--separate"]) == 5
    assert main(["run", str(cut), "--for", "resolve", "--overwrite", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [Path(one["path"]).name for one in report["sidecars"]] == ["cut_foley_markers.edl"]


def test_a_reference_picture_from_the_command_line(
    cut: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    movie = cut.with_name("walk.mov").rename(cut.with_name("reference.mov"))
    given = ["--picture", str(movie), "--picture-start", "10:00:00:00", "--json"]
    assert main(["run", str(cut), *given]) == 0
    (clip,) = json.loads(capsys.readouterr().out)["clips"]
    assert clip["status"] == "done"


def test_automation_in_a_list_is_refused(cut: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(cut), "--level-rides", "automation"]) == 5
    assert "edl holds no level automation" in capsys.readouterr().err


def test_strip_and_verify(cut: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result, back = cut.with_name("cut_foley.edl"), cut.with_name("back.edl")
    assert main(["run", str(cut)]) == 0
    assert main(["verify", str(cut), str(result)]) == 0
    assert "identical" in capsys.readouterr().out
    assert main(["strip", str(result), "-o", str(back)]) == 0
    assert back.read_bytes() == cut.read_bytes()
    assert main(["strip", str(result), "-o", str(back)]) == 5
    result.write_bytes(result.read_bytes().replace(b"10:00:03:00", b"10:00:02:00"))
    capsys.readouterr()
    assert main(["verify", str(cut), str(result)]) == 5
    assert "different" in capsys.readouterr().out


def test_exit_codes(cut: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run"]) == 2
    assert main(["run", str(cut), "--rate", "fast"]) == 2
    assert main(["run", str(tmp_path / "nothing.edl")]) == 4
    (tmp_path / "x.txt").write_text("a shopping list")
    assert main(["run", str(tmp_path / "x.txt")]) == 4
    assert main(["run", str(cut), "-o", str(cut)]) == 5
    cut.with_name("walk.mov").unlink()
    assert main(["run", str(cut)]) == 3
    assert "walk.mov" in capsys.readouterr().out


def test_a_damaged_cut_says_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.fcpxml").write_text('<?xml version="1.0"?>\n<fcpxml version="1.10">\n<oops')
    assert main(["run", str(tmp_path / "bad.fcpxml")]) == 4
    assert "line 3" in capsys.readouterr().err


@pytest.mark.parametrize(
    "bomb",
    [
        '<!DOCTYPE fcpxml [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><fcpxml>&b;</fcpxml>',
        '<!DOCTYPE xmeml [<!ENTITY a SYSTEM "file:///etc/passwd">]><xmeml>&a;</xmeml>',
    ],
)
def test_entities_are_refused(
    tmp_path: Path, bomb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bomb.xml").write_text(bomb)
    assert main(["inspect", str(tmp_path / "bomb.xml")]) == 4
    assert "entity" in capsys.readouterr().err


def test_inspect_and_formats(cut: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(cut), "--rate", "25"]) == 0
    assert "10:00:00:00 - 10:00:03:00" in capsys.readouterr().out
    assert main(["inspect", str(cut), "--json"]) == 0
    described = json.loads(capsys.readouterr().out)
    assert described["format"] == "edl"
    assert described["frame_rate_assumed"] is True
    assert described["clips"][0]["record_duration_s"] == "3"
    assert main(["formats", "--json"]) == 0
    names = {one["name"] for one in json.loads(capsys.readouterr().out)["formats"]}
    assert names == {*("fcpxml", "xmeml", "otio", "edl", "aaf"), *("fcpxmld", "otiod", "otioz")}


def test_settings_file(cut: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = tmp_path / "s.toml"
    settings.write_text('[sound]\nfloor = "tile"\n[output]\nhandle_frames = 5\n')
    assert main(["run", str(cut), "--settings", str(settings), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["clips"][0]["steps"][0]["floor"] == "tile"
    assert report["stems"][0]["handle_s"] == 0.2
    settings.write_text("[sound]\nflor = 1\n")
    assert main(["run", str(cut), "--settings", str(settings)]) == 4
    assert "floor" in capsys.readouterr().err
