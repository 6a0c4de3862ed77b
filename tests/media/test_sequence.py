"""Image sequences: which names are one, and that they are read like a movie."""

from __future__ import annotations

import shutil
import unicodedata
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from media.movies import brightness, number_of, write_sequence

from otio_foley.errors import MediaMissing, MediaUnreadable
from otio_foley.media.picture import at_rate, fingerprint, frames, probe
from otio_foley.media.sequence import sequence_at, sequences_in


def touch(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()


def read(path: Path, start_s: float = 0.0, end_s: float = 1e9) -> list[tuple[float, int]]:
    info = at_rate(probe(path), Fraction(25))
    found = frames(info, start_s=start_s, end_s=end_s, long_side_px=1000)
    return [(frame.time_s, number_of(frame.rgb)) for frame in found]


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("shot.%04d.png", (998, 999, 1000, 12000)),
        ("shot.%4d.png", (998, 999, 1000, 12000)),
        ("shot.####.png", (998, 999, 1000, 12000)),
        ("shot.[0998-1000].png", (998, 999, 1000)),
        ("shot.[0999-2000].png", (999, 1000)),
        ("shot.%d.png", (7, 1000, 12000)),
        ("shot.%05d.png", (3, 12000)),
        ("shot.%03d.png", (1000, 12000)),
    ],
)
def test_patterns(tmp_path: Path, name: str, numbers: tuple[int, ...]) -> None:
    touch(tmp_path, "shot.0998.png", "shot.0999.png", "shot.1000.png", "shot.12000.png")
    touch(tmp_path, "shot.7.png", "shot.00003.png", "shot.0998.jpg", "other.0998.png")
    sequence = sequence_at(tmp_path / name)
    assert sequence is not None
    assert sequence.numbers == numbers


@pytest.mark.parametrize("name", ["shot.png", "shot.%06d.png", "shot.[2000-1000].png", "%", "##"])
def test_what_names_no_sequence(tmp_path: Path, name: str) -> None:
    touch(tmp_path, "shot.0998.png", "shot.0999.png")
    assert sequence_at(tmp_path / name) is None


def test_percent_signs_and_accents_in_names(tmp_path: Path) -> None:
    name = "100%02d_über"
    folder = tmp_path / unicodedata.normalize("NFC", name)
    touch(folder, *(f"{unicodedata.normalize('NFD', name)}.{n}.png" for n in range(101, 104)))
    doubled = str(folder / name).replace("%", "%%")  # as OpenTimelineIO's references give it
    for path in (folder / f"{name}.###.png", Path(f"{doubled}.%03d.png")):
        sequence = sequence_at(path)
        assert sequence is not None
        assert [file.exists() for _, file in sequence.files(0, 999)] == [True] * 3
    (found,) = sequences_in(folder)
    assert sequence_at(found.path) == found


def test_all_sequences_of_a_folder(tmp_path: Path) -> None:
    touch(tmp_path, "a.09.png", "a.10.png", "a.100.png", "a_v2.1001.exr", "a_v2.1002.exr")
    touch(tmp_path, "single.1.png", "notes.1.txt", "notes.2.txt", "1.mov", "2.mov")
    assert [(one.path.name, one.numbers) for one in sequences_in(tmp_path)] == [
        ("a.%02d.png", (9, 10, 100)),
        ("a_v2.%04d.exr", (1001, 1002)),
    ]


def test_gaps_are_named() -> None:
    folder = Path("nowhere")
    (sequence,) = sequences_in(folder, [f"a.{n:04}.png" for n in (1, 2, 4, 8, 9)])
    assert sequence.missing(1, 9) == "3, 5-7"
    assert sequence.missing(8, 12) == "10-12"
    assert sequence.missing(8, 9) == ""


@pytest.mark.parametrize("rate", [Fraction(24), Fraction(24000, 1001), Fraction(60)], ids=str)
def test_a_sequence_is_read_like_a_movie(tmp_path: Path, rate: Fraction) -> None:
    write_sequence(tmp_path / "shot" / "shot.%04d.png", range(1001, 1021))
    (tmp_path / "shot").rename(tmp_path / "100%03d")
    # libavformat would take the folder's name for a pattern too, and read these.
    write_sequence(tmp_path / "100001" / "shot.%04d.png", range(1021, 1022))
    for number in range(1001, 1021):
        shutil.copy(tmp_path / "100001" / "shot.1021.png", tmp_path / f"100001/shot.{number}.png")
    path = tmp_path / "100%03d" / "shot.%04d.png"
    info = at_rate(probe(path), rate)
    assert (info.frame_rate, info.duration_s) == (rate, 20 / rate)
    assert (info.width_px, info.height_px, info.is_still) == (64, 48, False)
    assert info.timecode == {24: "00:00:41:17", 60: "00:00:16:41"}[round(rate)]
    found = list(frames(info, start_s=0.0, end_s=9.0, long_side_px=100))
    assert [number_of(frame.rgb) for frame in found] == list(range(1, 21))
    assert [frame.time_s for frame in found] == pytest.approx([float(n / rate) for n in range(20)])
    part = frames(info, start_s=float(3 / rate), end_s=float(5 / rate), long_side_px=100)
    assert [number_of(frame.rgb) for frame in part] == [4, 5]


@pytest.mark.parametrize(
    ("suffix", "codec", "pix_fmt"),
    [
        ("png", "png", "rgb48be"),
        ("jpg", "mjpeg", "yuvj420p"),
        ("tif", "tiff", "rgb48le"),
        ("dpx", "dpx", "gbrp10be"),
        ("tga", "targa", "bgr24"),
        ("jp2", "jpeg2000", "rgb24"),
    ],
)
def test_kinds_of_pictures(tmp_path: Path, suffix: str, codec: str, pix_fmt: str) -> None:
    write_sequence(tmp_path / f"a.%02d.{suffix}", range(3), codec=codec, pix_fmt=pix_fmt)
    assert [number for _, number in read(tmp_path / f"a.%02d.{suffix}")] == [0, 1, 2]


def test_linear_light_is_shown_as_on_a_display(tmp_path: Path) -> None:
    write_sequence(tmp_path / "a.%02d.exr", [20, 21], codec="exr", pix_fmt="gbrpf32le")
    first = next(frames(probe(tmp_path / "a.%02d.exr"), start_s=0, end_s=9, long_side_px=64))
    linear = brightness(20) / 255
    assert np.mean(first.rgb) == pytest.approx(255 * (1.055 * linear ** (1 / 2.4) - 0.055), abs=1)


def test_a_folder_of_one_sequence_is_that(tmp_path: Path) -> None:
    write_sequence(tmp_path / "shot" / "a.%03d.png", range(3))
    assert probe(tmp_path / "shot").path == tmp_path / "shot" / "a.%03d.png"
    write_sequence(tmp_path / "shot" / "b.%03d.png", range(2))
    with pytest.raises(MediaMissing, match=r"a\.%03d\.png and b\.%03d\.png"):
        probe(tmp_path / "shot")


def test_frames_that_are_not_there_are_passed_over(tmp_path: Path) -> None:
    write_sequence(tmp_path / "a.%03d.png", [1, 2, 5])
    assert [number for _, number in read(tmp_path / "a.%03d.png")] == [1, 2, 5]
    assert read(tmp_path / "a.%03d.png")[2][0] == pytest.approx(4 / 25)
    assert read(tmp_path / "a.[000-009].png")[0][0] == pytest.approx(1 / 25)


def test_a_damaged_frame_is_named(tmp_path: Path) -> None:
    write_sequence(tmp_path / "a.%03d.png", [1, 2, 3])
    (tmp_path / "a.002.png").write_bytes(b"no picture")
    with pytest.raises(MediaUnreadable, match=r"a\.002\.png"):
        read(tmp_path / "a.%03d.png")
    assert [number for _, number in read(tmp_path / "a.%03d.png", 0.07)] == [3]


def test_the_fingerprint_of_a_sequence_is_of_its_frames(tmp_path: Path) -> None:
    write_sequence(tmp_path / "a" / "a.%03d.png", range(4))
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    for path in list((tmp_path / "b").iterdir()):
        path.rename(path.with_name(path.name.replace("a.", "other.")))
    first = fingerprint(tmp_path / "a" / "a.%03d.png")
    assert fingerprint(tmp_path / "b" / "other.###.png") == first
    (tmp_path / "b" / "other.002.png").unlink()
    assert fingerprint(tmp_path / "b" / "other.###.png") != first


def test_one_frame_alone_is_a_still(tmp_path: Path) -> None:
    write_sequence(tmp_path / "a.%03d.png", [1])
    assert probe(tmp_path / "a.%03d.png").is_still
    write_sequence(tmp_path / "a.%03d.png", [2])
    assert probe(tmp_path / "a.001.png").is_still
    assert not probe(tmp_path / "a.%03d.png").is_still
