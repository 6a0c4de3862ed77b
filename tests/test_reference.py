"""One movie of the whole cut in place of camera media."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import canned
import pytest
from media.movies import write_movie

import otio_foley
from otio_foley.errors import FoleyError, MediaMissing

pytestmark = pytest.mark.usefixtures("canned_analysis")


@pytest.fixture
def cut(tmp_path: Path) -> Path:
    """Two clips of movies that are not there, 3 s from 10:00:00:00 on."""
    return canned.edl(
        tmp_path / "cut.edl",
        ("gone.mov", "00:00:00:00", "00:00:02:00", "10:00:00:00", "10:00:02:00"),
        ("lost.mov", "00:00:40:00", "00:00:41:00", "10:00:02:00", "10:00:03:00"),
    )


def picture(folder: Path, *, seconds: int = 3, timecode: str | None = None) -> Path:
    path = folder / "reference.mov"
    write_movie(path, range(seconds * 25), time_base=Fraction(1, 25), timecode=timecode)
    return path


def _record_times(result: otio_foley.report.Result) -> list[list[float]]:
    return [[step.record_time_s for step in clip.steps] for clip in result.clips]


def test_steps_lie_where_the_reference_shows_them(cut: Path, tmp_path: Path) -> None:
    result = otio_foley.run(cut, picture=picture(tmp_path))
    assert _record_times(result) == [
        pytest.approx([0.5, 1.04, 1.61]),
        pytest.approx([2.2, 2.77]),
    ]
    assert result.exit_code == 0
    assert otio_foley.verify(cut, result.output).identical


def test_the_reference_s_own_timecode_places_it(cut: Path, tmp_path: Path) -> None:
    movie = picture(tmp_path, seconds=5, timecode="09:59:59:00")
    assert _record_times(otio_foley.run(cut, picture=movie))[0] == pytest.approx(
        [0.04, 0.61, 1.2, 1.77]
    )


def test_a_timecode_that_is_nowhere_in_the_cut_says_nothing(cut: Path, tmp_path: Path) -> None:
    movie = picture(tmp_path, timecode="00:00:00:00")
    assert _record_times(otio_foley.run(cut, picture=movie))[0] == pytest.approx([0.5, 1.04, 1.61])


def test_the_start_that_is_given_counts(cut: Path, tmp_path: Path) -> None:
    movie = picture(tmp_path, seconds=5, timecode="09:59:59:00")
    result = otio_foley.run(cut, picture=movie, picture_start="09:59:58:00")
    assert _record_times(result)[0] == pytest.approx([0.2, 0.77])


def test_a_reference_that_is_too_short_leaves_the_others_their_steps(
    cut: Path, tmp_path: Path
) -> None:
    result = otio_foley.run(cut, picture=picture(tmp_path, seconds=2))
    first, second = result.clips
    assert first.status == "done"
    assert second.status == "skipped" and "has picture" in second.reason


def test_what_is_wrong_is_said(cut: Path, tmp_path: Path) -> None:
    with pytest.raises(MediaMissing):
        otio_foley.run(cut, picture=tmp_path / "none.mov")
    with pytest.raises(FoleyError, match="not a timecode"):
        otio_foley.run(cut, picture=picture(tmp_path), picture_start="soon")


def test_an_edl_has_the_reference_s_rate(tmp_path: Path) -> None:
    cut = canned.edl(
        tmp_path / "cut.edl",
        ("gone.mov", "00:00:00:00", "00:00:01:00", "01:00:00:00", "01:00:01:12"),
    )
    result = otio_foley.run(cut, picture=picture(tmp_path))
    assert result.clips[0].record.duration_s == 1 + Fraction(12, 25)
