from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import canned
import pytest

import otio_foley
from otio_foley.cli import main
from otio_foley.errors import OutputError, ParseError, TargetExists

pytestmark = pytest.mark.usefixtures("canned_analysis")

SPAN = ("00:00:00:00", "00:00:03:00", "10:00:00:00", "10:00:03:00")


@pytest.fixture
def cut(tmp_path: Path) -> Path:
    canned.movie(tmp_path / "walk.mov")
    return canned.edl(tmp_path / "cut.edl", ("walk.mov", *SPAN))


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_overwriting_replaces_the_sounds_that_the_result_named_and_no_other(cut: Path) -> None:
    first = otio_foley.run(cut)
    mine = first.stems[0].path.with_name("FOLYFeet_Walk Gravel_ME_my own.wav")
    mine.write_bytes(b"a person's own recording")
    second = otio_foley.run(cut, floor="wood", overwrite=True)
    assert not first.stems[0].path.exists()
    assert second.stems[0].path.exists()
    assert mine.read_bytes() == b"a person's own recording"
    assert len(list(mine.parent.iterdir())) == 2


def test_results_of_two_formats_and_two_cuts_share_a_folder(cut: Path) -> None:
    other = cut.with_name("other.edl")
    other.write_bytes(cut.read_bytes())
    shared = cut.parent / "sound"
    one = otio_foley.run(cut, audio_dir=shared)
    two = otio_foley.run(other, audio_dir=shared)
    assert one.stems[0].path != two.stems[0].path
    assert one.stems[0].path.exists()


def test_sounds_of_a_result_that_is_gone_are_not_replaced(cut: Path) -> None:
    first = otio_foley.run(cut)
    assert first.output is not None
    first.output.unlink()
    before = files(cut.parent)
    with pytest.raises(TargetExists, match="FOLYFeet_Walk"):
        otio_foley.run(cut, overwrite=True)
    assert files(cut.parent) == before


def test_a_name_is_never_shortened_to_another_s(tmp_path: Path) -> None:
    canned.movie(tmp_path / "walk.mov")
    long = "long name of an episode with a scene and a version number 01, and then some more of it"
    events = [
        ("walk.mov", f"00:00:0{n}:00", "00:00:03:00", f"10:0{n}:00:00", f"10:0{n}:0{3 - n}:00")
        for n in range(3)
    ]
    result = otio_foley.run(canned.edl(tmp_path / f"{long}.edl", *events))
    names = [stem.path.name for stem in result.stems]
    assert len(set(names)) == 3
    for stem in result.stems:
        assert stem.path.name.endswith(f"{stem.clip_id}.wav")
        assert len(stem.path.name) < 200


def test_what_appears_meanwhile_is_not_written_over(
    cut: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = cut.with_name("cut_foley.edl")

    def meanwhile(*args: object, **kwargs: object) -> object:
        result.write_text("someone else's")
        return canned.find_steps(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr("otio_foley.jobs.find_steps", meanwhile)
    with pytest.raises(TargetExists):
        otio_foley.run(cut)
    assert result.read_text() == "someone else's"
    assert not cut.with_name("cut_foley_media").exists()


def test_a_cut_that_cannot_be_written_leaves_no_sound(cut: Path) -> None:
    before = files(cut.parent)
    with pytest.raises(OutputError):
        otio_foley.run(cut, cut.with_name("x" * 252 + ".edl"))
    folder = cut.with_name("folder.edl")
    folder.mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        otio_foley.run(cut, folder, overwrite=True)
    assert files(cut.parent) == before
    assert [path for path in cut.parent.iterdir() if path.is_dir()] == [folder]


@pytest.mark.parametrize(
    "error", [OutputError("no room"), ParseError("cut short"), KeyboardInterrupt()]
)
def test_a_failed_replacement_puts_the_earlier_sounds_back(
    cut: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    otio_foley.run(cut)
    before = files(cut.parent)

    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("otio_foley.delivery.write_whole", fails)
    with pytest.raises(type(error)):
        otio_foley.run(cut, overwrite=True, floor="tile")
    assert files(cut.parent) == before


@pytest.mark.parametrize("name", ["result.otio", "walk.mov", "result"])
def test_a_result_has_the_cut_s_own_format(cut: Path, name: str) -> None:
    before = files(cut.parent)
    with pytest.raises(OutputError, match=r"format \(\.edl\)"):
        otio_foley.run(cut, cut.with_name(name), overwrite=True)
    assert main(["strip", str(cut), "-o", str(cut.with_name(name)), "--overwrite"]) == 5
    assert files(cut.parent) == before


def test_a_dry_run_finds_targets_in_the_way(cut: Path) -> None:
    otio_foley.run(cut)
    with pytest.raises(TargetExists):
        otio_foley.run(cut, dry_run=True)


def test_nothing_lies_before_midnight(tmp_path: Path) -> None:
    canned.movie(tmp_path / "walk.mov")
    cut = tmp_path / "cut.otio"
    cut.write_text(
        """{"OTIO_SCHEMA": "Timeline.1", "name": "t",
        "global_start_time": {"OTIO_SCHEMA": "RationalTime.1", "rate": 25, "value": -1000},
        "tracks": {"OTIO_SCHEMA": "Stack.1", "children": [{"OTIO_SCHEMA": "Track.1", "kind":
        "Video", "children": [{"OTIO_SCHEMA": "Clip.1", "name": "w", "media_reference":
        {"OTIO_SCHEMA": "ExternalReference.1", "target_url": "walk.mov"}, "source_range":
        {"OTIO_SCHEMA": "TimeRange.1", "start_time": {"OTIO_SCHEMA": "RationalTime.1", "rate": 25,
        "value": 0}, "duration":
        {"OTIO_SCHEMA": "RationalTime.1", "rate": 25, "value": 75}}}]}]}}"""
    )
    (clip,) = otio_foley.run(cut).clips
    assert clip.status == "skipped"
    assert "before timecode 00:00:00:00" in clip.reason


def test_a_movie_that_ends_too_early_is_not_called_done(tmp_path: Path) -> None:
    canned.movie(tmp_path / "walk.mkv", seconds=2)
    raw = (tmp_path / "walk.mkv").read_bytes()
    # A file still being written states no duration, so that any clip would seem to fit.
    stated = raw.find(b"\x44\x89\x88")
    (tmp_path / "walk.mkv").write_bytes(raw[:stated] + b"\xec\x89" + raw[stated + 2 :])
    (clip,) = otio_foley.run(canned.edl(tmp_path / "cut.edl", ("walk.mkv", *SPAN))).clips
    assert clip.status == "skipped"
    assert "walk.mkv" in clip.reason


def test_control_characters_do_not_reach_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cut = canned.edl(tmp_path / "cut.edl", ("evil\x1b]0;title\x07.mov", *SPAN))
    main(["inspect", str(cut)])
    main(["run", str(cut)])
    printed = capsys.readouterr()
    assert "\x1b" not in printed.out + printed.err
    assert "evil\\x1b" in printed.out


def test_slack_at_the_end_of_a_movie_is_rounding(tmp_path: Path) -> None:
    """A clip one frame longer than its movie is done all the same."""
    canned.movie(tmp_path / "walk.mov", seconds=3)
    span = ("00:00:00:00", "00:00:03:01", "10:00:00:00", "10:00:03:01")
    (clip,) = otio_foley.run(canned.edl(tmp_path / "cut.edl", ("walk.mov", *span))).clips
    assert clip.status == "done"
    assert clip.record is not None
    assert clip.record.duration_s == Fraction(76, 25)
