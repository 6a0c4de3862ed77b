"""A folder of recordings becomes takes; what cannot be used is said, never raised."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from otio_foley.errors import InputError
from otio_foley.library import recordings as module
from otio_foley.library.recordings import (
    ANY_SHOE,
    UNKNOWN_CALIBRATION_DB,
    Recordings,
    Understood,
    read_recordings,
    report_lines,
)
from otio_foley.synthesis import SAMPLE_RATE_HZ
from otio_foley.synthesis.attack import attack_sample
from otio_foley.synthesis.grounds import GROUNDS, ground
from otio_foley.synthesis.physical import NOMINAL_DB, render_step
from otio_foley.synthesis.shoes import shoe
from otio_foley.synthesis.takes import Takes, step_energy
from otio_foley.types import FloatArray

ROOT = Path(__file__).resolve().parents[2]
FOOTSTEPS = ROOT.parent / "shared" / "footsteps"
LUANTI = FOOTSTEPS / "luanti-org+minetest_game" / "mods" / "default" / "sounds"
KENNEY = FOOTSTEPS / "KenneyNL+Starter-Kit-3D-Platformer" / "sounds"


def one_step(floor: str = "wood", seed: int = 0) -> FloatArray:
    step = render_step("walk", ground(floor), shoe("leather"), np.random.default_rng(seed))
    sound = np.concatenate((np.zeros(2400), step.samples, np.zeros(2400)))
    return 0.4 * sound / np.abs(sound).max()


def several(floor: str, count: int, gap_s: float = 0.9) -> FloatArray:
    sound = np.zeros(round((count + 1) * gap_s * SAMPLE_RATE_HZ))
    for number in range(count):
        step = one_step(floor, number)
        first = round((0.1 + number * gap_s) * SAMPLE_RATE_HZ)
        sound[first : first + len(step)] += step
    return sound + 3e-4 * np.random.default_rng(9).standard_normal(len(sound))


def write(path: Path, sound: FloatArray, rate_hz: int = SAMPLE_RATE_HZ, **how: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, sound, rate_hz, **how)
    return path


def of(recordings: Recordings, path: str) -> Understood:
    return next(one for one in recordings.understood if one.path == path)


@pytest.mark.parametrize(
    ("name", "rate_hz", "how"),
    [
        ("1.wav", 48_000, {"subtype": "PCM_24"}),
        ("1.WAV", 96_000, {"subtype": "FLOAT"}),
        ("1.flac", 44_100, {}),
        ("1.aiff", 48_000, {}),
        ("1.ogg", 44_100, {}),
        ("1.mp3", 44_100, {}),
    ],
)
def test_formats_are_read(tmp_path: Path, name: str, rate_hz: int, how: dict[str, str]) -> None:
    from scipy.signal import resample_poly

    write(tmp_path / "wood" / name, resample_poly(one_step(), rate_hz, 48_000), rate_hz, **how)
    (take,) = read_recordings(tmp_path)("wood", "boot", "walk")
    original = one_step()[attack_sample(one_step()) :][:4800]
    ours = take.samples[take.attack_sample :][:4800].astype(np.float64)
    # The same sound, its attack where it was to a fraction of a millisecond.
    lags = [float(np.corrcoef(np.roll(original, lag)[50:-50], ours[50:-50])[0, 1])
            for lag in range(-24, 25)]  # fmt: skip
    assert max(lags) > 0.97


@pytest.mark.parametrize("floor", ["wood", "grass", "cork"])
def test_takes_are_as_loud_as_a_walking_step(tmp_path: Path, floor: str) -> None:
    for number, gain in enumerate((0.02, 0.3, 1.0)):
        write(tmp_path / floor / f"{number}.wav", gain * one_step("grass"), subtype="FLOAT")
    takes = read_recordings(tmp_path)(floor, "heel", "walk")
    assert len(takes) == 3
    calibration_db = GROUNDS[floor].calibration_db if floor in GROUNDS else UNKNOWN_CALIBRATION_DB
    for take in takes:
        level_db = 10 * np.log10(step_energy(take.samples.astype(np.float64)))
        assert level_db == pytest.approx(NOMINAL_DB + calibration_db, abs=0.01)
        assert take.samples.dtype == np.float32
        assert take.attack_sample == attack_sample(take.samples)
        with pytest.raises(ValueError, match="read-only"):
            take.samples[0] = 1


def test_a_long_take_gives_a_take_a_step(tmp_path: Path) -> None:
    write(tmp_path / "Gravel" / "Boots" / "FOLYFeet_Walk_JS_Lib.wav", several("gravel", 6))
    result = read_recordings(tmp_path)
    library: Takes = result
    names = [take.name for take in library("gravel", "boot", "walk")]
    assert names == [f"user/Gravel/Boots/FOLYFeet_Walk_JS_Lib.wav#{n}" for n in range(1, 7)]
    (one,) = result.understood
    assert one.steps == 6
    assert one.seconds == pytest.approx(7 * 0.9)
    assert one.floor is not None
    assert (one.floor.source, one.shoe.source, one.kind.source) == (
        "folder", "folder", "UCS name",
    )  # fmt: skip


def test_a_named_shoe_comes_before_any(tmp_path: Path) -> None:
    write(tmp_path / "wood" / "boots" / "1.wav", one_step(seed=1))
    write(tmp_path / "wood" / "2.wav", one_step(seed=2))
    result = read_recordings(tmp_path)
    assert [take.name for take in result("wood", "boot", "walk")] == ["user/wood/boots/1.wav#1"]
    assert [take.name for take in result("wood", "heel", "walk")] == ["user/wood/2.wav#1"]
    assert result("wood", "boot", "run") == ()
    assert result("tile", "boot", "walk") == ()
    assert set(result.takes) == {("wood", "boot", "walk"), ("wood", ANY_SHOE, "walk")}
    assert result.floors == ("wood",)


def test_statements_speak_for_the_files_below_them(tmp_path: Path) -> None:
    for name in ("a/1.wav", "a/run2.wav", "a/b/3.wav", "a/gravel 4.wav", "a/broken.wav"):
        write(tmp_path / name, one_step())
    (tmp_path / "a" / "foley.toml").write_text(
        '[defaults]\nfloor = "cork"\nshoe = "pumps"\n[[files]]\nmatch = "run*"\nkind = "run"\n'
        '[[files]]\nmatch = "broken.wav"\nskip = true\n'
    )
    (tmp_path / "a" / "b" / "foley.toml").write_text('[defaults]\nfloor = "tile"\n')
    result = read_recordings(tmp_path)
    assert {key: len(takes) for key, takes in result.takes.items()} == {
        ("cork", "heel", "walk"): 1,
        ("cork", "heel", "run"): 1,
        ("tile", "heel", "walk"): 1,
        ("gravel", "heel", "walk"): 1,  # the file's own name is nearer than a default
    }
    assert "foley.toml" in of(result, "a/broken.wav").skipped
    assert of(result, "a/run2.wav").kind.source == "foley.toml"


def test_what_cannot_be_used_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "wood"
    good = write(folder / "good.wav", one_step())
    write(folder / "silent.wav", np.zeros(48_000))
    write(folder / "hum.wav", 0.1 * np.sin(np.arange(96_000) / 150))
    write(folder / "clipped.wav", np.clip(200 * several("sand", 2), -1, 1))
    write(folder / "empty.wav", np.zeros(0))
    write(folder / "FEETHors_Gallop_JS_Lib.wav", one_step())
    (folder / "text.wav").write_text("no sound at all")
    (folder / "nothing.ogg").write_bytes(b"")
    (folder / "cut.wav").write_bytes(good.read_bytes()[:9000])
    flac = write(folder / "cut.flac", several("wood", 3)).read_bytes()
    (folder / "cut.flac").write_bytes(flac[: len(flac) // 2])
    write(tmp_path / "IMG 0012" / "a.wav", one_step())
    write(tmp_path / "x.wav", one_step())
    result = read_recordings(tmp_path)
    reasons = {one.path.removeprefix("wood/"): one.skipped for one in result.understood}
    assert reasons.pop("good.wav") == ""
    assert reasons["silent.wav"] == "silent"
    assert "hum" in reasons["hum.wav"]
    assert "clipped" in reasons["clipped.wav"]
    assert "holds no sound" in reasons["empty.wav"]
    assert "FEETHors" in reasons["FEETHors_Gallop_JS_Lib.wav"]
    assert "cannot be read" in reasons["text.wav"]
    assert "cannot be read" in reasons["nothing.ogg"]
    assert "ends early" in reasons["cut.wav"]
    assert reasons["cut.flac"]
    assert "nothing names its floor" in reasons["x.wav"]
    assert sum(map(len, result.takes.values())) == 1 + (reasons["IMG 0012/a.wav"] == "")


def test_hidden_files_loops_and_other_things_are_left_alone(tmp_path: Path) -> None:
    write(tmp_path / "wood" / "1.wav", one_step())
    write(tmp_path / "wood" / "._1.wav", one_step())
    write(tmp_path / ".trash" / "wood.wav", one_step())
    (tmp_path / "wood" / ".DS_Store").write_bytes(b"x")
    (tmp_path / "wood" / "notes.txt").write_text("x")
    (tmp_path / "wood" / "again").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "wood" / "lost.wav").symlink_to(tmp_path / "gone.wav")
    result = read_recordings(tmp_path)
    assert [one.path for one in result.understood] == ["wood/1.wav"]


def test_channels_are_mixed_unless_they_cancel(tmp_path: Path) -> None:
    step = one_step()
    write(tmp_path / "wood" / "same.wav", np.stack((step, step), axis=1))
    write(tmp_path / "wood" / "out of phase.wav", np.stack((0.9 * step, -step), axis=1))
    write(tmp_path / "wood" / "dc.wav", 0.3 + 0.5 * step)
    result = read_recordings(tmp_path)
    takes = result("wood", "boot", "walk")
    assert [one.steps for one in result.understood] == [1, 1, 1]
    assert any("channel 2" in note for note in of(result, "wood/out of phase.wav").notes)
    assert of(result, "wood/same.wav").notes == ()
    for take in takes:
        assert abs(float(take.samples.mean())) < 1e-2 * float(np.abs(take.samples).max())


def test_too_long_and_too_many_are_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "wood" / "1.wav", several("wood", 4))
    write(tmp_path / "wood" / "2.wav", several("wood", 4))
    monkeypatch.setattr(module, "MOST_TAKES", 4)
    result = read_recordings(tmp_path)
    assert len(result("wood", "boot", "walk")) == 4
    assert "are there already" in of(result, "wood/2.wav").skipped
    monkeypatch.setattr("otio_foley.library.sounds.LONGEST_S", 1.0)
    assert "longer than" in of(read_recordings(tmp_path), "wood/1.wav").skipped


def test_no_folder_no_sound_and_wrong_statements_are_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no folder of recordings"):
        read_recordings(tmp_path / "gone")
    (tmp_path / "readme.txt").write_text("x")
    with pytest.raises(InputError, match="no sound file"):
        read_recordings(tmp_path)
    (tmp_path / "foley.toml").write_text("[defaults]\nflor = 'x'\n")
    with pytest.raises(InputError, match="'flor'"):
        read_recordings(tmp_path)


def test_the_report_says_what_there_is_what_was_skipped_and_what_was_guessed(
    tmp_path: Path,
) -> None:
    write(tmp_path / "Gravel" / "boots run.wav", several("gravel", 3))
    write(tmp_path / "obsidian" / "1.wav", one_step())
    write(tmp_path / "wood" / "silent.wav", np.zeros(48_000))
    text = "\n".join(report_lines(read_recordings(tmp_path)))
    assert "4 steps from 2 files, 1 file skipped" in text
    assert "gravel, boot, run: 3" in text
    assert "obsidian, any shoe, walk: 1 (a floor of your own)" in text
    assert "wood/silent.wav: silent" in text
    assert "floor obsidian, by a word of its folder" in text


@pytest.mark.skipif(not LUANTI.is_dir(), reason="the folder 'shared' is not beside the project")
def test_real_recordings_are_understood_and_counted(tmp_path: Path) -> None:
    for path in sorted(LUANTI.glob("*_footstep.*.ogg")):
        shutil.copy(path, tmp_path)
    (tmp_path / "Sand" / "Runners").mkdir(parents=True)
    for number in (1, 2, 3):
        named = f"FOLYFeet_SnowBootsWalk_Ryding_Luanti_{number}.ogg"
        (tmp_path / f"default_snow_footstep.{number}.ogg").rename(tmp_path / named)
        sand = tmp_path / f"default_sand_footstep.{number}.ogg"
        sand.rename(tmp_path / "Sand" / "Runners" / f"run_{number}.ogg")
    parts = []
    for number in (1, 2, 3, 2, 1, 3):
        sound, rate_hz = soundfile.read(LUANTI / f"default_metal_footstep.{number}.ogg")
        assert rate_hz == 44_100
        parts += [sound, np.zeros(round(0.4 * rate_hz))]
    joined = np.concatenate(parts) + 2e-4 * np.random.default_rng(4).standard_normal(
        sum(map(len, parts))
    )
    write(tmp_path / "metal catwalk, heels.flac", joined, 44_100)
    write(tmp_path / "Game" / "tile" / "loop.wav", soundfile.read(KENNEY / "walking.ogg")[0])
    result = read_recordings(tmp_path)
    counts = {key: len(takes) for key, takes in result.takes.items()}
    assert counts.pop(("tile", ANY_SHOE, "walk")) == 4
    assert counts == {
        ("ice", ANY_SHOE, "walk"): 3,
        ("metal", ANY_SHOE, "walk"): 3,
        ("metal", "heel", "walk"): 6,
        ("sand", "sneaker", "run"): 3,
        ("snow", "boot", "walk"): 3,
        ("snow", ANY_SHOE, "walk"): 2,
        ("water", ANY_SHOE, "walk"): 3,  # each one long slosh without a clear second step
    }
    skipped = [one.path for one in result.understood if one.skipped]
    assert skipped == [f"default_hard_footstep.{number}.ogg" for number in (1, 2, 3)]
    again = read_recordings(tmp_path)
    assert again.understood == result.understood
    assert [
        (take.name, take.samples.tobytes()) for takes in again.takes.values() for take in takes
    ] == [(take.name, take.samples.tobytes()) for takes in result.takes.values() for take in takes]
