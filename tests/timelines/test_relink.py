from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio
import pytest
from media.movies import write_sequence

import otio_foley
from otio_foley.errors import MediaMissing, MediaUnreadable
from otio_foley.media.picture import MovieInfo, probe
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


def test_what_lies_beside_a_bundle_is_found(tmp_path: Path) -> None:
    beside = touch(tmp_path / "day 1/shot.mov")
    bundle = tmp_path / "reel.fcpxmld"
    bundle.mkdir()
    assert relink(CLIP, MediaFinder(bundle, [], info, tmp_path)).info.path == beside
    inside = touch(bundle / "shot.mov")
    named = replace(CLIP, media_path="shot.mov")
    assert relink(named, MediaFinder(bundle, [], info, tmp_path)).info.path == inside
    with pytest.raises(MediaMissing, match="not found"):
        relink(CLIP, MediaFinder(tmp_path / "elsewhere", [], info))


def test_what_cannot_be_it_is_passed_over_and_said(tmp_path: Path) -> None:
    short = touch(tmp_path / "a/day 1/shot.mov")
    long = touch(tmp_path / "b/shot.mov")
    finder = MediaFinder(tmp_path, [tmp_path / "a", tmp_path / "b"], lambda path: info(path, 1))
    with pytest.raises(MediaMissing, match=r"day 1.shot\.mov does not hold"):
        relink(CLIP, finder)
    finder.probe = lambda path: info(path, 10 if path == long else 1)
    found = relink(CLIP, finder)
    assert found.info.path == long
    assert str(short) in found.note


def test_a_root_comes_before_what_lies_beside_the_cut(tmp_path: Path) -> None:
    touch(tmp_path / "cut/shot.mov")
    there = touch(tmp_path / "root/shot.mov")
    finder = MediaFinder(tmp_path / "cut", [tmp_path / "root"], info)
    assert relink(CLIP, finder).info.path == there
    assert relink(CLIP, MediaFinder(tmp_path / "cut", [], info)).info.path != there


@pytest.mark.parametrize(
    ("written", "on_disk"),
    [
        ("/Volumes/Card/Büro/naïve.mov", "büro/NAÏVE.mov"),
        ("C:\\Media\\Büro\\naïve.mov", "Büro/naïve.mov"),
        ("//server/share/Büro/naïve.mov", "Büro/naïve.mov"),
        ("Büro/naïve.mov", "Büro/naïve.mov"),
        ("Büro/100%41 naïve.mov", "Büro/100%41 naïve.mov"),
    ],
)
@pytest.mark.parametrize("forms", [("NFC", "NFD"), ("NFD", "NFC")])
def test_accents_case_and_foreign_paths(
    tmp_path: Path, written: str, on_disk: str, forms: tuple[str, str]
) -> None:
    path = unicodedata.normalize(forms[1], on_disk)
    right = touch(tmp_path / "root" / path)
    touch(tmp_path / "root" / "other" / Path(path).name)  # found by its name alone
    clip = replace(CLIP, media_path=unicodedata.normalize(forms[0], written))
    assert relink(clip, MediaFinder(tmp_path, [tmp_path / "root"], info)).info.path == right
    assert relink(clip, MediaFinder(tmp_path / "root", [], info)).info.path == right


def test_two_spellings_on_disk_are_two_files(tmp_path: Path) -> None:
    touch(tmp_path / "SHOT.mov")
    touch(tmp_path / "Shot.MOV")
    clip = replace(CLIP, media_path="shot.mov")
    with pytest.raises(MediaMissing, match="two media"):
        relink(clip, MediaFinder(tmp_path, [], info))
    assert relink(replace(clip, media_path="SHOT.mov"), MediaFinder(tmp_path, [], info))


def test_a_path_without_end_is_not_sought_without_end(tmp_path: Path) -> None:
    clip = replace(CLIP, media_path="a/" * 200_000 + "shot.mov")
    there = touch(tmp_path / "root/shot.mov")
    assert relink(clip, MediaFinder(tmp_path, [tmp_path / "root"], info)).info.path == there


@pytest.mark.parametrize("name", ["deep/A001C002_240517_R0XY.mov", "A001C002/clip 7.mov"])
def test_a_reel_is_proven_by_timecode(tmp_path: Path, name: str) -> None:
    there = touch(tmp_path / "root" / name)
    touch(tmp_path / "root" / "A001C003_240517_R0XY.mov")
    clip = replace(
        CLIP,
        media_path=None,
        media_start_s=None,
        time_map=linear_map(Fraction(3603), Fraction(2), Fraction(1)),
    )
    timecodes = {there: "01:00:00:00"}
    finder = MediaFinder(
        tmp_path, [tmp_path / "root"], lambda path: info(path, 10, timecodes.get(path))
    )
    found = relink(clip, finder)
    assert (found.info.path, found.media_start_s) == (there, 3600)
    assert "reel A001C002" in found.note
    for wrong in (None, "02:00:00:00"):
        timecodes[there] = wrong
        with pytest.raises(MediaMissing, match="not found"):
            relink(clip, finder)
    timecodes[there] = "01:00:00:00"
    twin = touch(tmp_path / "root" / "A001C002_copy.mov")
    timecodes[twin] = "00:59:58:00"
    fresh = MediaFinder(tmp_path, [tmp_path / "root"], finder.probe)
    with pytest.raises(MediaMissing, match="two media"):
        relink(clip, fresh)


def frames_of(folder: Path, numbers: Sequence[int] = range(1001, 1101)) -> Path:
    """The sequence `shot.%04d.png` of single pixels' worth: what is in the files does not count."""
    write_sequence(folder / "shot.%04d.png", [0])
    picture = (folder / "shot.0000.png").read_bytes()
    (folder / "shot.0000.png").unlink()
    for number in numbers:
        (folder / f"shot.{number:04}.png").write_bytes(picture)
    return folder / "shot.%04d.png"


def shown(media_path: str | None, first_frame: int, start_frame: int | None = None) -> Clip:
    """50 frames at 25, from a frame of the source clock; the medium begins at `start_frame`."""
    return replace(
        CLIP,
        media_path=media_path,
        reel=None,
        media_start_s=None if start_frame is None else Fraction(start_frame, 25),
        time_map=linear_map(Fraction(first_frame, 25), Fraction(2), Fraction(1)),
    )


@pytest.mark.parametrize(
    "name",
    [
        "shot.%04d.png",
        "shot.####.png",
        "shot.[1001-1100].png",
        "shot.1001.png",
        "D:\\plates\\shot\\shot.%04d.png",
        "/elsewhere/shot/shot.[1001-1100].png",
        "/elsewhere/shot.####.png",
        "/elsewhere/shot.1001.png",
        "/elsewhere/SHOT.%04d.PNG",
    ],
)
def test_a_sequence_is_found_by_every_name(tmp_path: Path, name: str) -> None:
    frames_of(tmp_path / "shot")
    finder = MediaFinder(tmp_path / "shot", [tmp_path], probe)
    found = relink(shown(name, 1021, 1001), finder)
    assert found.info.sequence is not None
    assert found.info.sequence.numbers[0] == 1001
    assert (found.info.frame_rate, found.info.duration_s) == (25, 4)
    assert found.media_start_s == Fraction(1001, 25)


def test_a_sequence_is_found_by_its_folder_and_by_the_clips_name(tmp_path: Path) -> None:
    path = frames_of(tmp_path / "root" / "sh010")
    finder = MediaFinder(tmp_path, [tmp_path / "root"], probe)
    assert relink(shown("/vol/root/sh010", 0, 0), finder).info.path == path
    assert relink(replace(shown(None, 0, 0), name="Shot"), finder).info.path == path
    named = replace(shown(None, 1021), name="shot.[1001-1100].png", source_rate=None)
    found = relink(named, finder, Fraction(25))
    assert (found.info.frame_rate, found.media_start_s) == (25, Fraction(1001, 25))


def test_two_sequences_that_fit_are_refused(tmp_path: Path) -> None:
    frames_of(tmp_path / "root" / "v1")
    frames_of(tmp_path / "root" / "v2")
    with pytest.raises(MediaMissing, match=r"v1.shot\.%04d\.png and .*v2.shot\.%04d\.png"):
        relink(shown("shot.%04d.png", 0, 0), MediaFinder(tmp_path, [tmp_path / "root"], probe))


@pytest.mark.parametrize(
    ("first", "start", "gap", "lacking"),
    [
        (1021, 1001, (1040, 1041), "1040-1041"),
        (0, 0, (1049,), "1049"),
        (0, 0, (1051,), ""),
        (1021, 1001, (1020, 1071), ""),
    ],
)
def test_a_gap_counts_where_the_clip_shows_it(
    tmp_path: Path, first: int, start: int, gap: tuple[int, ...], lacking: str
) -> None:
    frames_of(tmp_path, [n for n in range(1001, 1101) if n not in gap])
    clip, finder = shown("shot.%04d.png", first, start), MediaFinder(tmp_path, [], probe)
    if lacking:
        with pytest.raises(MediaUnreadable, match=f"lacks frames .*{lacking}"):
            relink(clip, finder)
    else:
        assert relink(clip, finder).info.sequence


def test_frames_removed_from_the_beginning_do_not_shift_the_rest(tmp_path: Path) -> None:
    frames_of(tmp_path, range(1010, 1101))
    finder = MediaFinder(tmp_path, [], probe)
    found = relink(shown("shot.%04d.png", 1021, 1001), finder)
    assert (found.media_start_s, found.note) == (Fraction(1010, 25), "")
    ranged = relink(shown("shot.[1001-1100].png", 20, 0), finder)
    assert (ranged.media_start_s, ranged.note) == (0, "")
    with pytest.raises(MediaUnreadable, match="1001-1009"):
        relink(shown("shot.[1001-1100].png", 0, 0), finder)


@pytest.mark.parametrize(
    ("numbers", "named", "first", "start", "moves"),
    [
        (range(1001, 1101), 1001, 0, 0, True),  # frames for the whole clip follow
        (range(1001, 1101), 1001, 90000, 90000, True),  # the pictures' own timecode
        (range(1001, 1101), 1001, 70, 0, False),  # they do not reach that far
        ([*range(1001, 1031), *range(1040, 1101)], 1001, 0, 0, False),  # there is a gap
        (range(1001, 1101), 1030, 1031, 1030, True),  # the numbers are the source timecode
        (range(1001, 1101), 1030, 0, 0, False),  # a picture among others
        (range(100), 30, 0, 0, False),
        (range(1001, 1101), 1030, 90000, 90000, False),
        ([2000], 2000, 0, 0, False),  # alone
    ],
)
def test_a_still_and_a_sequence_named_by_a_frame(
    tmp_path: Path, numbers: Sequence[int], named: int, first: int, start: int, moves: bool
) -> None:
    frames_of(tmp_path, numbers)
    found = relink(shown(f"shot.{named:04}.png", first, start), MediaFinder(tmp_path, [], probe))
    assert found.info.is_still is not moves
    assert ("image sequence" in found.note) is moves
    frozen = replace(
        shown(f"shot.{named:04}.png", first, start),
        time_map=linear_map(Fraction(first, 25), Fraction(2), Fraction(0)),
    )
    assert relink(frozen, MediaFinder(tmp_path, [], probe)).info.is_still


@pytest.mark.usefixtures("canned_analysis")
@pytest.mark.parametrize("suffix", ["otio", "otiod"])
def test_the_whole_job_on_an_image_sequence(tmp_path: Path, suffix: str) -> None:
    cut = tmp_path / f"reel.{suffix}"
    folder = cut / "media" if suffix == "otiod" else tmp_path / "media"
    write_sequence(folder / "shot.%04d.png", range(1001, 1101))

    def span(first: int, frames: int) -> otio.opentime.TimeRange:
        return otio.opentime.TimeRange(
            otio.opentime.RationalTime(first, 25), otio.opentime.RationalTime(frames, 25)
        )

    reference = otio.schema.ImageSequenceReference(
        target_url_base="media/",
        name_prefix="shot.",
        name_suffix=".png",
        start_frame=1001,
        rate=25,
        frame_zero_padding=4,
        available_range=span(1001, 100),
    )
    clip = otio.schema.Clip(
        name="shot",
        media_reference=reference,
        source_range=span(1026, 50),
    )
    track = otio.schema.Track(name="V1", kind="Video", children=[clip])
    text = cut / "content.otio" if suffix == "otiod" else cut
    otio.adapters.write_to_file(
        otio.schema.Timeline(name="reel", tracks=[track]), str(text), adapter_name="otio_json"
    )
    (report,) = otio_foley.run(cut).clips
    assert (report.status, report.reason) == ("done", "")
    # Seen at 1.04, 1.61, 2.2 and 2.77 s of the medium, of which the clip shows 1 s to 3 s.
    assert [round(float(step.record_time_s), 2) for step in report.steps] == [0.04, 0.61, 1.2, 1.77]
