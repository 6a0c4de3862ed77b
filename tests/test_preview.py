"""Previews: every sound on its sample, at its level, nothing clipped, no ffmpeg."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from otio_foley.errors import MediaMissing, MediaUnreadable, OutputError, TargetExists
from otio_foley.media.sound import BroadcastWave, write_sound
from otio_foley.preview import MONO_DB, PlacedSound, write_preview
from otio_foley.types import Audio

RATE = 48_000
MONO = 10 ** (MONO_DB / 20)


def stem(path: Path, duration_s: float = 4.0, *, channels: int = 1, level: float = 0.25) -> Path:
    """A 24-bit broadcast WAV with a click at each whole second: at n s it is (n + 1) / 10 of the
    level, so that every one is known by its height."""
    samples = np.zeros((round(duration_s * RATE), channels), np.float32)
    for second in range(int(duration_s)):
        samples[second * RATE] = level * (second + 1) / 10
    audio = Audio(samples=samples, sample_rate_hz=RATE)
    write_sound(path, audio, BroadcastWave(track_name="FS 1", time_reference=0))
    return path


def heard(path: Path) -> np.ndarray:  # type: ignore[type-arg]
    info = soundfile.info(path)
    assert (info.samplerate, info.channels, info.subtype) == (RATE, 2, "PCM_16")
    return np.asarray(soundfile.read(path)[0])


def clicks(samples: np.ndarray) -> dict[int, float]:  # type: ignore[type-arg]
    """Where the left side sounds and how loud (two steps of 16 bits are rounding)."""
    return {int(n): float(samples[n, 0]) for n in np.flatnonzero(np.abs(samples[:, 0]) > 2**-14)}


def movie(path: Path, *, tone_from_s: float, picture: bool = True) -> Path:
    """A movie at 25 fps with 44.1 kHz stereo PCM that is silent and then holds a 1 kHz tone."""
    count = 6 * 44_100
    time_s = np.arange(count) / 44_100
    tone = 0.2 * np.sin(2 * np.pi * 1000 * time_s) * (time_s >= tone_from_s)
    samples = np.ascontiguousarray(np.stack((tone, 0.5 * tone)).astype(np.float32))
    with av.open(str(path), "w") as container:
        if picture:
            video = container.add_stream("mpeg4", rate=25)
            video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        sound = container.add_stream("pcm_s16le", rate=44_100)
        sound.layout = "stereo"
        if picture:
            for _ in range(150):
                frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), "rgb24")
                container.mux(video.encode(frame))
            container.mux(video.encode(None))
        for first in range(0, count, 4410):
            part = samples[:, first : first + 4410]
            heard = av.AudioFrame.from_ndarray(np.ascontiguousarray(part), "fltp", "stereo")
            heard.sample_rate, heard.pts = 44_100, first
            container.mux(sound.encode(heard))
        container.mux(sound.encode(None))
    return path


def whole(path: Path) -> PlacedSound:
    """A movie from record time 0 on."""
    return PlacedSound(path=path, start_s=0.0, in_s=0.0, duration_s=1000.0)


def test_every_clip_lies_on_its_sample(tmp_path: Path) -> None:
    file, out = stem(tmp_path / "stem.wav"), tmp_path / "out.wav"
    odd_s = 1234 / RATE
    placed = [
        # The clicks at 1 s and 2 s of the file, on a piece's edge at 10 s, and before the span.
        PlacedSound(path=file, start_s=101.0 + odd_s, in_s=0.5, duration_s=2.0),
        PlacedSound(path=file, start_s=109.5, in_s=2.5, duration_s=1.5, gain_db=-6.0),
        PlacedSound(path=file, start_s=99.0, in_s=0.0, duration_s=1.5, gain_db=6.0),
        PlacedSound(path=file, start_s=111.0, in_s=0.0, duration_s=4.0),
        PlacedSound(path=file, start_s=50.0, in_s=0.0, duration_s=4.0),
    ]
    lowered = write_preview([], placed, out, start_s=100.0, duration_s=12.5)
    samples = heard(out)
    assert lowered.lowered_db == 0.0
    assert len(samples) == round(12.5 * RATE)
    expected = {
        round(1.5 * RATE) + 1234: 0.05,
        round(2.5 * RATE) + 1234: 0.075,
        10 * RATE: 0.1 * 10**-0.3,
        0: 0.05 * 10**0.3,
        11 * RATE: 0.025,
        12 * RATE: 0.05,
    }
    found = clicks(samples)
    assert set(found) == set(expected)
    for sample, level in expected.items():
        assert found[sample] == pytest.approx(MONO * level, abs=2**-14)
    assert np.array_equal(samples[:, 0], samples[:, 1])


def test_stereo_stems_stay_as_they_are(tmp_path: Path) -> None:
    file = stem(tmp_path / "stem.wav", channels=2)
    one = PlacedSound(path=file, start_s=0.0, in_s=1.0, duration_s=1.0)
    write_preview([], [one], tmp_path / "out.wav", start_s=0.0, duration_s=2.0)
    assert clicks(heard(tmp_path / "out.wav")) == {0: pytest.approx(0.05, abs=2**-14)}


def test_the_whole_is_lowered_where_the_sum_would_clip(tmp_path: Path) -> None:
    file, out = stem(tmp_path / "stem.wav", channels=2, level=1.0), tmp_path / "out.wav"
    placed = [
        PlacedSound(path=file, start_s=0.0, in_s=0.0, duration_s=4.0, gain_db=12.0),
        PlacedSound(path=file, start_s=0.0, in_s=0.0, duration_s=4.0, gain_db=12.0),
    ]
    lowered = write_preview([], placed, out, start_s=0.0, duration_s=4.0)
    total = 2 * 10 ** (12 / 20)
    assert lowered.lowered_db == pytest.approx(20 * math.log10(0.4 * total), abs=0.01)
    found = clicks(heard(out))
    # The loudest just fits, and the others keep their distance from it.
    assert found[3 * RATE] == pytest.approx(1.0, abs=2**-13)
    for second in range(3):
        ratio = found[second * RATE] / found[3 * RATE]
        assert ratio == pytest.approx((second + 1) / 4, abs=2**-12)


@pytest.mark.parametrize("picture", [True, False])
@pytest.mark.parametrize("start_s", [0.0, 2.0, 3.3])
def test_production_sound_lies_where_the_picture_has_it(
    tmp_path: Path, picture: bool, start_s: float
) -> None:
    name = "cut.mov" if picture else "cut.wav"
    production = movie(tmp_path / name, tone_from_s=3.5, picture=picture)
    file, out = stem(tmp_path / "stem.wav", level=0.5), tmp_path / "out.wav"
    step = PlacedSound(path=file, start_s=3.35, in_s=0.0, duration_s=0.5)
    assert (
        write_preview([whole(production)], [step], out, start_s=start_s, duration_s=2.0).lowered_db
        == 0.0
    )
    samples = heard(out)
    assert len(samples) == 2 * RATE
    click = round((3.35 - start_s) * RATE)
    if click < len(samples):
        assert samples[click, 0] == pytest.approx(MONO * 0.05, abs=1e-3)
        samples[click] = 0.0
    begin = round((3.5 - start_s) * RATE)
    assert np.abs(samples[: max(0, begin - 50)]).max(initial=0.0) < 1e-3
    if begin + 4800 < len(samples):
        tone = samples[begin + 480 : begin + 480 + 4800]
        assert np.abs(tone).max(axis=0) == pytest.approx([0.2, 0.1], abs=0.003)
        time_s = np.arange(begin, begin + 5280)[480:] / RATE + start_s
        expected = 0.2 * np.sin(2 * np.pi * 1000 * time_s)
        assert np.abs(tone[:, 0] - expected).max() < 0.01  # a sample off would be 0.026


def test_production_sound_that_ends_early_is_followed_by_silence(tmp_path: Path) -> None:
    production = movie(tmp_path / "cut.mov", tone_from_s=0.0)
    write_preview([whole(production)], [], tmp_path / "out.wav", start_s=5.0, duration_s=3.0)
    samples = heard(tmp_path / "out.wav")
    assert np.abs(samples[: RATE - 100]).max() == pytest.approx(0.2, abs=0.003)
    assert not samples[round(1.1 * RATE) :].any()


def test_what_cannot_be_read_or_written_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    file, out = stem(tmp_path / "stem.wav"), tmp_path / "out.wav"
    one = PlacedSound(path=file, start_s=0.0, in_s=0.0, duration_s=1.0)
    gone = PlacedSound(path=tmp_path / "gone.wav", start_s=0.0, in_s=0.0, duration_s=1.0)
    (tmp_path / "text.wav").write_text("no sound at all")
    text = PlacedSound(path=tmp_path / "text.wav", start_s=0.0, in_s=0.0, duration_s=1.0)
    soundfile.write(tmp_path / "slow.wav", np.zeros(100), 44_100)
    slow = PlacedSound(path=tmp_path / "slow.wav", start_s=0.0, in_s=0.0, duration_s=1.0)
    silent = tmp_path / "silent.mp4"
    with av.open(str(silent), "w") as container:
        video = container.add_stream("mpeg4", rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), "rgb24")
        container.mux(video.encode(frame))
        container.mux(video.encode(None))
    for production, placed, error in (
        ([], gone, MediaMissing),
        ([], text, MediaUnreadable),
        ([], slow, MediaUnreadable),
    ):
        with pytest.raises(error):
            write_preview(production, [placed], out, start_s=0.0, duration_s=1.0)
        assert not out.exists()
    with pytest.raises(ValueError, match="holds nothing"):
        write_preview([], [one], out, start_s=0.0, duration_s=0.0)
    with pytest.raises(OutputError):
        write_preview([], [one], tmp_path / "no" / "out.wav", start_s=0.0, duration_s=1.0)
    out.write_text("mine")
    with pytest.raises(TargetExists):
        write_preview([], [one], out, start_s=0.0, duration_s=1.0)
    assert out.read_text() == "mine"
    for name in ("gone.mov", "text.wav"):
        mixed = write_preview(
            [whole(tmp_path / name)], [one], out, start_s=0.0, duration_s=1.0, overwrite=True
        )
        assert len(mixed.unheard) == 1 and name in mixed.unheard[0]
    # A movie without sound is none that is missing.
    write_preview([whole(silent)], [one], out, start_s=0.0, duration_s=1.0, overwrite=True)
    assert len(heard(out)) == RATE
    assert not list(tmp_path.glob(".otio-foley-*"))


def test_silence_is_written_as_silence(tmp_path: Path) -> None:
    assert (
        write_preview([], [], tmp_path / "out.wav", start_s=0.0, duration_s=1.5).lowered_db == 0.0
    )
    assert not heard(tmp_path / "out.wav").any()


def test_nothing_warns_where_there_is_no_ffmpeg(tmp_path: Path) -> None:
    file = stem(tmp_path / "stem.wav")
    code = (
        "import sys; from pathlib import Path; from otio_foley.preview import *\n"
        "one = PlacedSound(path=Path(sys.argv[1]), start_s=0, in_s=0, duration_s=1)\n"
        "write_preview([], [one], Path(sys.argv[2]), start_s=0, duration_s=1)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, file, tmp_path / "out.wav"],
        env={"PATH": ""},
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
