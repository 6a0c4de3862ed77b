from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from media.movies import number_of, write_movie

from otio_foley.errors import MediaMissing, MediaUnreadable
from otio_foley.media.picture import fingerprint, frames, probe

RATES = [
    Fraction(24000, 1001),
    Fraction(24),
    Fraction(25),
    Fraction(30000, 1001),
    Fraction(50),
    Fraction(60000, 1001),
]


def read(path: Path, start_s: float = 0.0, end_s: float = 1e9) -> list[tuple[float, int]]:
    info = probe(path)
    found = frames(info, start_s=start_s, end_s=end_s, long_side_px=1000)
    return [(frame.time_s, number_of(frame.rgb)) for frame in found]


@pytest.mark.parametrize("rate", RATES, ids=str)
def test_every_frame_has_its_own_time(tmp_path: Path, rate: Fraction) -> None:
    write_movie(tmp_path / "a.mov", range(40), time_base=1 / rate)
    assert probe(tmp_path / "a.mov").frame_rate == rate
    found = read(tmp_path / "a.mov")
    assert [number for _, number in found] == list(range(40))
    assert [time for time, _ in found] == pytest.approx(
        [float(n / rate) for n in range(40)], abs=1e-4
    )


@pytest.mark.parametrize("suffix", [".mov", ".mkv", ".ts"])
def test_a_seek_gives_the_frames_that_decoding_from_the_start_gives(
    tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"long{suffix}"
    write_movie(path, range(400), time_base=Fraction(1, 25), gop=60)
    every = read(path)
    assert len(every) == 400
    for start_s in (0.5, 3.0, 7.96, 8.0, 15.5):
        wanted = [one for one in every if start_s - 1e-6 <= one[0] < start_s + 0.3 - 1e-6]
        assert read(path, start_s, start_s + 0.3) == wanted


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("h264.avi", "libx264"),  # AVI has no presentation times
        ("mpeg2.mpg", "mpeg2video"),
        ("mpeg2.mxf", "mpeg2video"),
        ("vp9.webm", "libvpx-vp9"),
        ("h264.flv", "libx264"),
    ],
)
def test_containers_and_codecs(tmp_path: Path, name: str, codec: str) -> None:
    path = tmp_path / name
    write_movie(path, range(100), time_base=Fraction(1, 25), codec=codec, size=(320, 240))
    wanted = [(pytest.approx(n / 25, abs=1e-3), n % 50) for n in range(100)]
    assert read(path) == wanted
    assert read(path, 2.98, 3.1) == wanted[75:78]


def test_variable_frame_rate_keeps_its_times(tmp_path: Path) -> None:
    ticks = [0, 3, 4, 10, 11, 12, 30, 31, 45, 60]
    write_movie(tmp_path / "vfr.mkv", ticks, time_base=Fraction(1, 60))
    found = read(tmp_path / "vfr.mkv")
    assert [number for _, number in found] == list(range(10))
    assert [time for time, _ in found] == pytest.approx([t / 60 for t in ticks], abs=1.1e-3)


def test_times_count_from_the_first_picture_wherever_the_stream_starts(tmp_path: Path) -> None:
    write_movie(tmp_path / "late.ts", range(250, 300), time_base=Fraction(1, 25))
    assert probe(tmp_path / "late.ts").first_pts_s == 10
    found = read(tmp_path / "late.ts")
    assert found[0] == (0.0, 0)
    ((time_s, number),) = read(tmp_path / "late.ts", 1.0, 1.03)
    assert (time_s, number) == (pytest.approx(1.0, abs=1e-4), 25)


def test_start_timecode(tmp_path: Path) -> None:
    write_movie(tmp_path / "tc.mov", range(5), time_base=Fraction(1, 25), timecode="10:11:12:13")
    assert probe(tmp_path / "tc.mov").timecode == "10:11:12:13"
    write_movie(tmp_path / "no.mov", range(5), time_base=Fraction(1, 25))
    assert probe(tmp_path / "no.mov").timecode is None


def test_large_pictures_are_scaled_and_their_shape_kept(tmp_path: Path) -> None:
    write_movie(tmp_path / "a.mov", range(2), time_base=Fraction(1, 25), size=(640, 360))
    info = probe(tmp_path / "a.mov")
    first = next(frames(info, start_s=0, end_s=1, long_side_px=320))
    assert first.rgb.shape == (180, 320, 3)
    assert first.rgb.dtype == np.uint8


@pytest.mark.parametrize("angle", [90, -90, 180])
def test_a_turned_picture_is_shown_upright(tmp_path: Path, angle: int) -> None:
    path = tmp_path / "turned.mov"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.set_display_rotation(angle)
        picture = np.zeros((64, 96, 3), dtype=np.uint8)
        picture[:20] = 255  # a white strip on top
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with av.open(str(path)) as container:
        told = round(next(container.decode(video=0)).rotation)
    info = probe(path)
    shown = next(frames(info, start_s=0, end_s=1, long_side_px=200)).rgb
    assert shown.shape[:2] == (info.height_px, info.width_px)
    # libavutil's angle is counterclockwise: a quarter turn takes the top to the left.
    strip = {90: shown[:, :8], -90: shown[:, -8:], 180: shown[-8:]}[told if told != -180 else 180]
    assert strip.mean() > 240
    assert shown.mean() < 128


def test_missing_and_unreadable_media_say_so(tmp_path: Path) -> None:
    with pytest.raises(MediaMissing, match="not there"):
        probe(tmp_path / "nothing.mov")
    (tmp_path / "text.mov").write_text("no movie at all")
    with pytest.raises(MediaUnreadable, match=r"text\.mov"):
        probe(tmp_path / "text.mov")
    (tmp_path / "empty.mov").touch()
    with pytest.raises(MediaUnreadable):
        probe(tmp_path / "empty.mov")


def test_sound_alone_is_no_picture(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.wav"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=48000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 480), np.int16), "s16", "mono")
        frame.sample_rate = 48000
        container.mux(stream.encode(frame))
    with pytest.raises(MediaUnreadable, match="no picture"):
        probe(tmp_path / "a.wav")


def test_damage_is_not_passed_over_in_silence(tmp_path: Path) -> None:
    noise = {"movflags": "faststart"}
    write_movie(
        tmp_path / "a.mov", range(100), time_base=Fraction(1, 25), size=(320, 240), options=noise
    )
    raw = bytearray((tmp_path / "a.mov").read_bytes())
    middle = len(raw) // 2
    raw[middle : middle + 300] = b"\xff" * 300
    (tmp_path / "b.mov").write_bytes(raw)
    with pytest.raises(MediaUnreadable, match="damaged"):
        read(tmp_path / "b.mov")


def test_folders_and_odd_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MediaMissing, match="a folder"):
        probe(tmp_path)
    with pytest.raises(MediaUnreadable, match="cannot open"):
        probe(tmp_path / ("x" * 3000))
    write_movie(tmp_path / "a.mov", range(3), time_base=Fraction(1, 25))
    (tmp_path / "a.mov").rename(tmp_path / "12:30.mov")
    monkeypatch.chdir(tmp_path)
    assert probe(Path("12:30.mov")).width_px == 64


def test_fingerprint_is_of_the_content(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 200_000)
    (tmp_path / "b").write_bytes(b"x" * 200_000)
    (tmp_path / "c").write_bytes(b"x" * 199_999 + b"y")
    assert fingerprint(tmp_path / "a") == fingerprint(tmp_path / "b")
    assert fingerprint(tmp_path / "a") != fingerprint(tmp_path / "c")
