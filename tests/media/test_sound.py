"""Broadcast WAV: written, and read by others."""

from __future__ import annotations

import struct
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from wavinfo import WavInfoReader

from otio_foley.errors import OutputError, TargetExists
from otio_foley.media.sound import BroadcastWave, ucs_name, write_sound
from otio_foley.types import Audio

LSB = 2.0**-23
# 23:59:59 at 48 kHz is beyond 32 bits.
LATE = 86_399 * 48_000
INFO = BroadcastWave(
    track_name="FS 1 Ann & Bob",
    time_reference=LATE,
    description="Footsteps <walk>, concrete",
    originator_reference="0123456789abcdef",
    origination_date="2026-11-20",
    origination_time="12:34:56",
    project="Das Märchen 电影",
    scene="12A",
    take="3",
    timecode_rate="24000/1001",
    integrated_lufs=-41.237,
    momentary_max_lufs=-33.1,
    short_term_max_lufs=-38.0,
    true_peak_dbtp=-14.555,
)


def noise(channels: int = 1, count: int = 1001) -> Audio:
    samples = np.random.default_rng(0).uniform(-1, 1, (count, channels)).astype(np.float32)
    return Audio(samples=samples, sample_rate_hz=48_000)


def written(folder: Path, audio: Audio | None = None, info: BroadcastWave = INFO) -> Path:
    path = folder / "steps.wav"
    write_sound(path, audio or noise(), info, overwrite=True)
    return path


def ixml(path: Path) -> Any:
    return WavInfoReader(str(path)).ixml.raw_xml


def test_wavinfo_reads_every_bext_field_back(tmp_path: Path) -> None:
    bext = WavInfoReader(str(written(tmp_path)), bext_encoding="ascii").bext
    assert bext.time_reference == LATE
    assert bext.version == 2
    assert bext.description == INFO.description
    assert bext.originator == "otio-foley"
    assert bext.originator_ref == INFO.originator_reference
    assert (bext.originator_date, bext.originator_time) == ("2026-11-20", "12:34:56")
    assert "generated" in bext.coding_history
    assert bext.coding_history.startswith("A=PCM,F=48000,W=24,M=mono,T=otio-foley")
    assert bext.coding_history.endswith("\r\n")
    assert bext.loudness_value == -41.24
    assert bext.max_true_peak == -14.55 or bext.max_true_peak == -14.56
    assert bext.max_momentary_loudness == -33.1
    assert bext.max_shortterm_loudness == -38.0
    assert bext.loudness_range == 327.67  # not used


def test_wavinfo_reads_ixml_that_agrees_with_bext(tmp_path: Path) -> None:
    path = written(tmp_path, noise(2))
    info = WavInfoReader(str(path))
    assert info.ixml.project == INFO.project
    assert (info.ixml.scene, info.ixml.take) == ("12A", "3")
    tracks = list(info.ixml.track_list)
    named = [(track.channel_index, track.name) for track in tracks]
    assert named == [("1", "FS 1 Ann & Bob"), ("2", "FS 1 Ann & Bob")]
    root = info.ixml.raw_xml
    for high, low in (
        ("SPEED/TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI", "SPEED/TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO"),
        ("BEXT/BWF_TIME_REFERENCE_HIGH", "BEXT/BWF_TIME_REFERENCE_LOW"),
    ):
        assert (int(root.findtext(high)) << 32) + int(root.findtext(low)) == LATE
    assert root.findtext("SPEED/TIMECODE_RATE") == "24000/1001"
    assert root.findtext("SPEED/TIMECODE_FLAG") == "NDF"
    assert root.findtext("SPEED/FILE_SAMPLE_RATE") == "48000"
    assert root.findtext("ASWG/isGenerated") == "true"
    assert root.findtext("ASWG/catId") == "FOLYFeet"
    assert root.findtext("BEXT/BWF_DESCRIPTION") == INFO.description


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("count", [0, 1, 1001])
def test_soundfile_reads_the_samples_back(tmp_path: Path, channels: int, count: int) -> None:
    audio = noise(channels, count)
    path = written(tmp_path, audio)
    samples, rate = soundfile.read(path, dtype="float64", always_2d=True)
    assert (rate, soundfile.info(path).subtype) == (48_000, "PCM_24")
    assert samples.shape == (count, channels)
    assert np.abs(samples - audio.samples).max(initial=0.0) <= LSB / 2


def test_riff_is_well_formed(tmp_path: Path) -> None:
    data = written(tmp_path, noise(1, 333)).read_bytes()
    assert struct.unpack("<I", data[4:8])[0] == len(data) - 8
    names, at = [], 12
    while at < len(data):
        name, size = data[at : at + 4], struct.unpack("<I", data[at + 4 : at + 8])[0]
        names.append(name)
        at += 8 + size + size % 2
    assert names == [b"bext", b"fmt ", b"iXML", b"data"]
    assert at == len(data)


def test_a_long_sound_is_written_piece_by_piece(tmp_path: Path) -> None:
    count = 10 * 60 * 48_000
    samples = np.zeros((count, 1), np.float32)
    samples[::997, 0] = noise(1, len(samples[::997])).samples[:, 0]
    audio = Audio(samples=samples, sample_rate_hz=48_000)
    tracemalloc.start()
    path = written(tmp_path, audio)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 0.2 * samples.nbytes
    with soundfile.SoundFile(path) as read:
        assert read.frames == count
        for first, block in enumerate(read.blocks(2**20, dtype="float32", always_2d=True)):
            there = samples[first * 2**20 :][: len(block)]
            assert np.abs(block - there).max() <= LSB


def test_full_scale_and_beyond(tmp_path: Path) -> None:
    edge = Audio(samples=np.array([[1.0], [-1.0]], np.float32), sample_rate_hz=48_000)
    samples, _ = soundfile.read(written(tmp_path, edge))
    assert samples == pytest.approx([1 - LSB, -1.0])
    for bad in (1.1, -1.1, np.nan, np.inf):
        broken = Audio(samples=np.array([[bad]], np.float32), sample_rate_hz=48_000)
        with pytest.raises(OutputError):
            write_sound(tmp_path / "bad.wav", broken, INFO)
        late = Audio(samples=np.zeros((600_000, 1), np.float32), sample_rate_hz=48_000)
        late.samples[-1] = bad
        with pytest.raises(OutputError):
            write_sound(tmp_path / "bad.wav", late, INFO)
    assert [p.name for p in tmp_path.iterdir()] == ["steps.wav"]


def test_same_sound_gives_the_same_bytes(tmp_path: Path) -> None:
    plain = BroadcastWave(track_name="FS 1", time_reference=0)
    first = written(tmp_path, info=plain).read_bytes()
    assert written(tmp_path, info=plain).read_bytes() == first
    assert b"1970-01-01" in first


def test_long_and_foreign_text_is_kept_whole_in_ixml_and_ascii_in_bext(tmp_path: Path) -> None:
    long = "é电" * 200
    info = replace(INFO, description=long, originator_reference="ü" * 40, note="a\x00b\x1fc")
    path = written(tmp_path, info=info)
    bext = WavInfoReader(str(path), bext_encoding="ascii").bext
    assert bext.description == "e_" * 128
    assert bext.originator_ref == "u" * 32
    assert ixml(path).findtext("BEXT/BWF_DESCRIPTION") == long
    assert ixml(path).findtext("NOTE") == "abc"
    assert WavInfoReader(str(path)).bext.time_reference == LATE


def test_unknown_loudness_is_marked_as_not_used(tmp_path: Path) -> None:
    info = BroadcastWave(track_name="FS 1", time_reference=5, integrated_lufs=float("-inf"))
    bext = WavInfoReader(str(written(tmp_path, info=info))).bext
    assert bext.loudness_value == bext.max_true_peak == bext.max_shortterm_loudness == 327.67


def test_nothing_is_overwritten_unless_told(tmp_path: Path) -> None:
    path = tmp_path / "steps.wav"
    path.write_bytes(b"someone's")
    with pytest.raises(TargetExists, match=r"steps\.wav"):
        write_sound(path, noise(), INFO)
    assert path.read_bytes() == b"someone's"
    write_sound(path, noise(), INFO, overwrite=True)
    assert soundfile.info(path).frames == 1001
    assert [p.name for p in tmp_path.iterdir()] == ["steps.wav"]


def test_nothing_is_left_when_writing_fails(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="nowhere"):
        write_sound(tmp_path / "nowhere" / "a.wav", noise(), INFO)
    (tmp_path / "folder.wav").mkdir()
    with pytest.raises(OutputError):
        write_sound(tmp_path / "folder.wav", noise(), INFO, overwrite=True)
    (tmp_path / "file").touch()
    for unwritable in (tmp_path / "file" / "a.wav", tmp_path / ("x" * 300 + ".wav")):
        for overwrite in (False, True):
            with pytest.raises(OutputError):
                write_sound(unwritable, noise(), INFO, overwrite=overwrite)
    (tmp_path / "file").unlink()
    assert [p.name for p in tmp_path.iterdir()] == ["folder.wav"]
    with pytest.raises(OutputError, match="64 bits"):
        write_sound(tmp_path / "a.wav", noise(), replace(INFO, time_reference=-1))


def test_too_long_for_riff_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    endless = Audio(
        samples=np.broadcast_to(np.zeros((1, 1), np.float32), (1_500_000_000, 1)),
        sample_rate_hz=48_000,
    )
    with pytest.raises(OutputError, match="4 GiB"):
        write_sound(tmp_path / "a.wav", endless, INFO)


def test_ucs_names() -> None:
    assert ucs_name("Walk Concrete A", "OTFOLEY", "SHOW-R1-0042") == (
        "FOLYFeet_Walk Concrete A_OTFOLEY_SHOW-R1-0042.wav"
    )
    assert ucs_name('Run/Gravel: "fast"_é', "A_B", "../x") == (
        "FOLYFeet_RunGravel fast e_A B_x.wav"
    )
    long = ucs_name("A very long name of an effect indeed", "OTFOLEY", "S")
    assert len(long.split("_")[1]) <= 25
    for empty in (("", "A", "B"), ("电影?", "A", "B"), ("A", "...", "B")):
        with pytest.raises(ValueError, match="nothing usable"):
            ucs_name(*empty)


def test_a_long_source_keeps_its_end() -> None:
    """There stands the clip's id: two clips of a cut with a long name must not share a file."""
    title = "The Long Walk of the Conformed Assembly, Reel Seven, Version 31 (final).prproj"
    names = [
        ucs_name("Walk Concrete", "OTFOLEY", f"{title}-{clip}")
        for clip in ("0123456789ab", "0123456789ac")
    ]
    assert names[0] != names[1]
    assert names[0].endswith("-0123456789ab.wav")
    longest = ucs_name("x" * 300, "y" * 300, "z" * 300 + "0123456789abcdef")
    assert len(longest.encode()) < 200
    assert longest.endswith("z0123456789abcdef.wav")
    assert ucs_name("A", "B", "é" * 60) == f"FOLYFeet_A_B_{'e' * 60}.wav"
