from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from otio_foley.errors import MediaMissing
from otio_foley.media.picture import MovieInfo
from otio_foley.time import linear_map
from otio_foley.timelines.relink import MediaFinder, relink
from otio_foley.types import Clip, Span

CLIP = Clip(
    clip_id="c",
    name="Shot 12",
    reel="A001C002",
    media_path="/Volumes/Card/day 1/shot.mov",
    media_start_s=Fraction(0),
    source_rate=Fraction(25),
    record=Span(start_s=Fraction(0), duration_s=Fraction(2)),
    time_map=linear_map(Fraction(1), Fraction(2), Fraction(1)),
    layer=1,
    enabled=True,
)


def info(path: Path, duration_s: int = 10, timecode: str | None = None) -> MovieInfo:
    return MovieInfo(
        path=path,
        width_px=64,
        height_px=48,
        frame_rate=Fraction(25),
        first_pts_s=Fraction(0),
        duration_s=Fraction(duration_s),
        timecode=timecode,
        is_still=False,
    )


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_the_written_path_comes_first(tmp_path: Path) -> None:
    there = touch(tmp_path / "elsewhere/shot.mov")
    touch(tmp_path / "root/shot.mov")
    clip = replace(CLIP, media_path=str(there))
    assert relink(clip, MediaFinder(tmp_path, [tmp_path / "root"], info)).info.path == there
    beside = replace(CLIP, media_path="elsewhere/shot.mov")
    assert relink(beside, MediaFinder(tmp_path, [], info)).info.path == there


def test_the_longest_tail_of_the_path_wins_over_the_bare_name(tmp_path: Path) -> None:
    right = touch(tmp_path / "root/day 1/shot.mov")
    touch(tmp_path / "root/day 2/shot.mov")
    assert relink(CLIP, MediaFinder(tmp_path, [tmp_path / "root"], info)).info.path == right


def test_two_that_fit_are_refused_and_both_named(tmp_path: Path) -> None:
    touch(tmp_path / "root/a/shot.mov")
    touch(tmp_path / "root/b/shot.mov")
    with pytest.raises(MediaMissing, match=r"a.shot\.mov and .*b.shot\.mov"):
        relink(CLIP, MediaFinder(tmp_path, [tmp_path / "root"], info))


def test_of_two_only_the_one_that_holds_the_part_fits(tmp_path: Path) -> None:
    touch(tmp_path / "root/a/shot.mov")
    long = touch(tmp_path / "root/b/shot.mov")
    finder = MediaFinder(
        tmp_path, [tmp_path / "root"], lambda path: info(path, 10 if path == long else 1)
    )
    assert relink(CLIP, finder).info.path == long


@pytest.mark.parametrize("name", ["Shot 12.mov", "a001c002.mxf", "shot 12.MP4"])
def test_clip_and_reel_names_find_a_movie(tmp_path: Path, name: str) -> None:
    there = touch(tmp_path / "root/deep/er" / name)
    clip = replace(CLIP, media_path=None)
    assert relink(clip, MediaFinder(tmp_path, [tmp_path / "root"], info)).info.path == there


def test_windows_paths_are_found_by_their_tail(tmp_path: Path) -> None:
    there = touch(tmp_path / "root/media/shot.mov")
    clip = replace(CLIP, media_path="D:\\show\\media\\shot.mov")
    assert relink(clip, MediaFinder(tmp_path, [tmp_path / "root"], info)).info.path == there


def test_nothing_found_names_what_was_sought(tmp_path: Path) -> None:
    with pytest.raises(MediaMissing, match=r"shot\.mov") as caught:
        relink(CLIP, MediaFinder(tmp_path, [], info))
    assert "--media-root" in caught.value.hint


@pytest.mark.parametrize(
    ("stated", "source", "timecode", "start", "noted"),
    [
        (Fraction(0), 1, None, 0, False),  # the cut says it
        (Fraction(3600), 3601, None, 3600, False),
        (None, 3601, "01:00:00:00", 3600, False),  # an EDL: the medium's own timecode
        (None, 1, None, 0, False),
        (None, 1, "01:00:00:00", 0, False),  # a list that counts from zero all the same
        (Fraction(0), 3601, "01:00:00:00", 3600, True),  # the cut is wrong about it
    ],
)
def test_where_the_source_clock_starts(
    tmp_path: Path,
    stated: Fraction | None,
    source: int,
    timecode: str | None,
    start: int,
    noted: bool,
) -> None:
    touch(tmp_path / "shot.mov")
    clip = replace(
        CLIP,
        media_start_s=stated,
        time_map=linear_map(Fraction(source), Fraction(2), Fraction(1)),
    )
    found = relink(clip, MediaFinder(tmp_path, [], lambda p: info(p, 10, timecode)))
    assert found.media_start_s == start
    assert bool(found.note) == noted


def test_a_part_beyond_the_medium_is_refused(tmp_path: Path) -> None:
    touch(tmp_path / "shot.mov")
    clip = replace(CLIP, time_map=linear_map(Fraction(50), Fraction(2), Fraction(1)))
    with pytest.raises(MediaMissing, match="does not hold"):
        relink(clip, MediaFinder(tmp_path, [], info))


def test_a_name_that_the_system_refuses_is_not_found(tmp_path: Path) -> None:
    clip = replace(CLIP, media_path="x" * 3000 + ".mov")
    with pytest.raises(MediaMissing):
        relink(clip, MediaFinder(tmp_path, [tmp_path], info))
