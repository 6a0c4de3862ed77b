"""Tracks at their target, people on tracks of their own, controls that are heard, and files beside
the clips'."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import canned
import numpy as np
import opentimelineio as otio
import pytest
import soundfile
from wavinfo import WavInfoReader

import otio_foley
from otio_foley.analysis.movie import MovieSteps
from otio_foley.config import OutputSettings, Settings, SoundSettings
from otio_foley.errors import InputError
from otio_foley.mix.meters import short_term_max_lufs, true_peak_dbtp
from otio_foley.report import Result
from otio_foley.sounding import SoundedClip
from otio_foley.synthesis.attack import attack_sample
from otio_foley.tracks import Delivered, Tracks
from otio_foley.types import Audio, StemClip

RATE = 48_000


@pytest.fixture
def cut(tmp_path: Path, canned_analysis: None) -> Path:
    canned.movie(tmp_path / "walk.mov")
    return canned.edl(
        tmp_path / "cut.edl",
        ("walk.mov", "00:00:00:00", "00:00:03:00", "01:00:00:00", "01:00:03:00"),
        ("walk.mov", "00:00:01:00", "00:00:03:12", "01:00:04:00", "01:00:06:12"),
    )


def of(**output: object) -> Settings:
    return Settings(output=OutputSettings(**output))  # type: ignore[arg-type]


def heard(stem: StemClip) -> np.ndarray:  # type: ignore[type-arg]
    """What the timeline plays of a file, (N, C)."""
    samples, _ = soundfile.read(stem.path, dtype="float32", always_2d=True)
    first = round(stem.in_s * RATE)
    return np.asarray(samples[first : first + round(stem.record.duration_s * RATE)])


def track(result: Result, number: int) -> Audio:
    """A track put together."""
    own = [stem for stem in result.stems if stem.track == number]
    end_s = max(stem.record.end_s for stem in own)
    samples = np.zeros((round(end_s * RATE) + RATE, own[0].channels), np.float32)
    for stem in own:
        part = heard(stem)
        at = round(stem.record.start_s * RATE)
        samples[at : at + len(part)] += part
    return Audio(samples=samples, sample_rate_hz=RATE)


def several(*areas: float) -> canned.Finder:
    """People of these sizes who walk in step, each a little later than the one before."""

    def find(pictures: Iterable[tuple[float, np.ndarray]], **settings: object) -> MovieSteps:  # type: ignore[type-arg]
        seen = canned.find_steps(pictures, **settings)
        (walker,) = seen.steppers
        steppers = tuple(
            replace(
                walker,
                person=number,
                contacts=tuple(
                    replace(one, person=number, time_s=one.time_s + 0.02 * number)
                    for one in walker.contacts
                ),
                silhouette_area=np.full(len(walker.times_s), area),
            )
            for number, area in enumerate(areas)
        )
        return replace(seen, people=len(areas), steppers=steppers)

    return find


def test_sounds_that_wait_on_the_disk_leave_memory(
    cut: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[weakref.ref[np.ndarray]] = []  # type: ignore[type-arg]
    kept: list[bool] = []
    add, deliver = Tracks.add, Tracks.deliver

    def adding(tracks: Tracks, sounded: SoundedClip) -> None:
        samples = sounded.audio.samples
        held.append(weakref.ref(samples if samples.base is None else samples.base))
        add(tracks, sounded)

    def delivering(tracks: Tracks) -> Delivered:
        kept.extend(one() is not None for one in held)
        return deliver(tracks)

    monkeypatch.setattr(Tracks, "add", adding)
    monkeypatch.setattr(Tracks, "deliver", delivering)
    otio_foley.run(cut)
    # The last one may still be at hand.
    assert len(kept) == 2 and not any(kept[:-1])


@pytest.mark.parametrize("floor", ["concrete", "carpet", "water"])
@pytest.mark.parametrize("target", [-38.0, -34.0])
def test_a_track_is_as_loud_as_it_is_asked_to_be(cut: Path, floor: str, target: float) -> None:
    result = otio_foley.run(cut, floor=floor, settings=of(track_lufs=target))
    whole = track(result, 1)
    assert short_term_max_lufs(whole) == pytest.approx(target, abs=0.5)
    assert true_peak_dbtp(whole) <= -6.0


def test_a_low_ceiling_holds_where_the_target_would_break_it(cut: Path) -> None:
    result = otio_foley.run(cut, settings=of(track_lufs=-15.0, true_peak_dbtp=-12.0))
    for stem in result.stems:
        samples, _ = soundfile.read(stem.path, dtype="float32", always_2d=True)
        assert true_peak_dbtp(Audio(samples=samples, sample_rate_hz=RATE)) <= -12.0
    assert any("below -12 dBTP" in note for note in result.notes)


def test_a_file_says_how_loud_it_is(cut: Path) -> None:
    for stem in otio_foley.run(cut).stems:
        samples, _ = soundfile.read(stem.path, dtype="float32", always_2d=True)
        audio = Audio(samples=samples, sample_rate_hz=RATE)
        bext = WavInfoReader(stem.path).bext
        assert bext.max_shortterm_loudness == pytest.approx(short_term_max_lufs(audio), abs=0.02)
        assert bext.max_true_peak == pytest.approx(true_peak_dbtp(audio), abs=0.02)


def walk_in_a_timeline(folder: Path) -> Path:
    """A cut of one clip, in a format that holds automation."""
    clip = otio.schema.Clip(
        name="walk.mov",
        media_reference=otio.schema.ExternalReference(
            target_url=str(canned.movie(folder / "walk.mov")),
            available_range=otio.opentime.TimeRange(
                otio.opentime.RationalTime(0, 25), otio.opentime.RationalTime(100, 25)
            ),
        ),
        source_range=otio.opentime.TimeRange(
            otio.opentime.RationalTime(0, 25), otio.opentime.RationalTime(75, 25)
        ),
    )
    track_of = otio.schema.Track(kind="Video", children=[clip])
    source = folder / "cut.otio"
    otio.schema.Timeline(name="cut", tracks=[track_of]).to_json_file(str(source))
    return source


def test_automation_counts_as_it_is_heard(
    tmp_path: Path, canned_analysis: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The level rides of the host are part of the track's loudness, and of what lies beside."""
    monkeypatch.setattr("otio_foley.jobs.find_steps", canned.find_someone_nearing)
    source = walk_in_a_timeline(tmp_path)
    result = otio_foley.run(source, settings=of(level_rides="automation", track_stems=True))
    (stem,) = result.stems
    assert len(stem.automation) > 1
    times_s = np.arange(len(heard(stem))) / RATE
    corners = np.array([(float(time_s), level_db) for time_s, level_db in stem.automation])
    levels_db = np.interp(times_s, corners[:, 0], corners[:, 1])
    assert np.ptp(levels_db) > 3.0
    ridden = heard(stem) * 10 ** (levels_db[:, None] / 20)
    audio = Audio(samples=ridden.astype(np.float32), sample_rate_hz=RATE)
    assert short_term_max_lufs(audio) == pytest.approx(-38.0, abs=0.2)
    (whole,) = [one.path for one in result.files]
    samples, _ = soundfile.read(whole, dtype="float32", always_2d=True)
    inside = slice(480, len(ridden) - 480)  # edges are faded there
    np.testing.assert_allclose(samples[inside], ridden[inside], atol=1e-5)


def test_principals_have_tracks_and_the_background_shares_one(
    cut: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("otio_foley.jobs.find_steps", several(0.01, 0.08, 0.002, 0.003))
    result = otio_foley.run(cut)
    first = [stem for stem in result.stems if stem.clip_id == result.clips[0].clip_id]
    assert [stem.track for stem in first] == [1, 2, 4]
    people = [sorted({step["person"] for step in stem.provenance["steps"]}) for stem in first]  # type: ignore[union-attr,index,call-overload]
    assert people == [[1], [0], [2, 3]]
    names = [stem.path.name.split("_")[1] for stem in first]
    assert names == ["Walk Concrete P1", "Walk Concrete P0", "Walk Concrete BG"]
    for number, target in ((1, -38.0), (2, -38.0), (4, -46.0)):
        assert short_term_max_lufs(track(result, number)) == pytest.approx(target, abs=0.5)
    assert len(result.clips[0].steps) == 4 * len(canned.CONTACTS_S)


def test_who_comes_when_another_has_gone_shares_their_track_and_their_level(
    tmp_path: Path, canned_analysis: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def one_after_the_other(
        pictures: Iterable[tuple[float, np.ndarray]],  # type: ignore[type-arg]
        **settings: object,
    ) -> MovieSteps:
        seen = canned.find_someone_nearing(pictures, **settings)
        (walker,) = seen.steppers
        steppers = []
        for number, (first_s, last_s) in enumerate([(0.0, 1.2), (1.9, 9.0)]):
            there = (walker.times_s >= first_s) & (walker.times_s <= last_s)
            contacts = [one for one in walker.contacts if first_s <= one.time_s <= last_s]
            steppers.append(
                replace(
                    walker,
                    person=number,
                    contacts=tuple(replace(one, person=number) for one in contacts),
                    actions=("walk",) * len(contacts),
                    times_s=walker.times_s[there],
                    silhouette_area=walker.silhouette_area[there],
                    distance_m=walker.distance_m[there],
                    across=walker.across[there],
                )
            )
        return replace(seen, people=2, steppers=tuple(steppers))

    monkeypatch.setattr("otio_foley.jobs.find_steps", one_after_the_other)
    settings = of(principals=1, level_rides="automation")
    (stem,) = otio_foley.run(walk_in_a_timeline(tmp_path), settings=settings).stems
    assert stem.track == 1 and "P1 and others" in stem.path.name
    times_s = [float(time_s) for time_s, _ in stem.automation]
    assert times_s == sorted(set(times_s))
    # Each of them comes nearer and ends at their own loudest.
    assert [level_db for _, level_db in stem.automation].count(0.0) == 2
    of_first = [level_db for time_s, level_db in stem.automation if time_s <= 1.2]
    assert of_first[-1] == 0.0 and of_first[0] < -1.0


def test_no_more_principals_than_asked(cut: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otio_foley.jobs.find_steps", several(0.05, 0.06, 0.07))
    result = otio_foley.run(cut, settings=of(principals=1))
    assert {stem.track for stem in result.stems} == {1, 2}


def test_controls_are_heard(cut: Path) -> None:
    plain = otio_foley.run(cut)
    steps = plain.clips[0].steps
    asked = otio_foley.run(
        cut,
        cut.with_name("asked.edl"),
        audio_dir=cut.with_name("asked"),
        controls=[
            "floor=gravel",
            "step.01:00:00:12.mute=true",
            f"clip.{plain.clips[1].clip_id}.mute=true",
        ],
    )
    assert [clip.status for clip in asked.clips] == ["done", "silent"]
    assert asked.clips[1].reason == "all of its steps are muted"
    assert len(asked.clips[0].steps) == len(steps) - 1
    assert {step.floor for step in asked.clips[0].steps} == {"gravel"}
    assert "Gravel" in asked.stems[0].path.name
    assert asked.notes == ()


def test_a_louder_step_is_louder(cut: Path) -> None:
    """Its own level, beside the others of the clip."""

    def peaks(*controls: str) -> np.ndarray:  # type: ignore[type-arg]
        folder = f"out{len(controls)}"
        result = otio_foley.run(
            cut, cut.with_name(f"{folder}.edl"), audio_dir=cut.with_name(folder), controls=controls
        )
        samples = np.abs(heard(result.stems[0])[:, 0])
        return np.array(
            [samples[round(t * RATE) : round((t + 0.2) * RATE)].max() for t in canned.CONTACTS_S]
        )

    plain, asked = peaks(), peaks("step.01:00:01:15.level_db=-12")
    change_db = 20 * np.log10(asked / plain)
    others = np.delete(change_db, 2)
    assert np.ptp(others) < 0.1
    assert change_db[2] - others.mean() == pytest.approx(-12.0, abs=0.5)


def test_a_clip_and_a_cut_are_louder_over_their_tracks_loudness(cut: Path) -> None:
    def levels(*controls: str) -> list[float]:
        name = f"levels{len(controls)}{'-'.join(controls)[:4]}"
        result = otio_foley.run(
            cut, cut.with_name(f"{name}.edl"), audio_dir=cut.with_name(name), controls=controls
        )
        return [
            short_term_max_lufs(Audio(samples=heard(stem), sample_rate_hz=RATE))
            for stem in result.stems
        ]

    plain = levels()
    second = otio_foley.run(cut, dry_run=True).clips[1].clip_id
    one = levels(f"clip.{second}.level_db=-12")
    assert [b - a for a, b in zip(plain, one, strict=True)] == pytest.approx([0, -12], abs=0.05)
    both = levels("level_db=-6", "seed=0")
    assert [b - a for a, b in zip(plain, both, strict=True)] == pytest.approx([-6, -6], abs=0.05)


def test_a_step_is_one_persons_the_nearest(cut: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otio_foley.jobs.find_steps", several(0.05, 0.06))
    result = otio_foley.run(cut, controls=["step.0.52.mute=true"])
    count = 2 * len(canned.CONTACTS_S)
    assert len(result.clips[0].steps) == count - 1
    left = [step.person for step in result.clips[0].steps if step.source_time_s < 0.6]
    assert left == [0]  # 0.52 s is the other's step


def test_a_step_in_the_handle_is_not_heard_in_the_clip(cut: Path) -> None:
    """Its contact at 0.5 s, a half frame and seven frames before the clip begins."""
    for name, begin, in_handle in (("near", "00:00:00:13", False), ("far", "00:00:00:20", True)):
        late = canned.edl(
            cut.with_name(f"{name}.edl"),
            ("walk.mov", begin, "00:00:03:00", "01:00:00:00", "01:00:02:12"),
        )
        (stem,) = otio_foley.run(late).stems
        samples, _ = soundfile.read(stem.path, dtype="float32")
        first = round(stem.in_s * RATE)
        assert (np.abs(samples[:first]).max() > 0.005) == in_handle
        assert not samples[first : first + RATE // 5].any()


def test_a_result_says_what_made_it(cut: Path) -> None:
    controls = ["seed=7", "weight=90", "step.01:00:00:12.lock=true"]
    first = otio_foley.run(cut, controls=controls).stems[0].provenance
    assert first["controls"]["seed"] == 7 and first["controls"]["weight"] == 90.0  # type: ignore[index,call-overload]
    locked = [bool(step.get("controls", {}).get("lock")) for step in first["steps"]]  # type: ignore[union-attr]
    assert locked == [True, False, False, False, False]


def test_the_toml_beside_the_cut_and_what_answers_to_nothing(cut: Path) -> None:
    cut.with_name("cut.foley.toml").write_text(
        '[cut]\nfloor = "snow"\n[clip."nobody*"]\nfloor = "ice"\n[track.7]\nshoe = "boot"\n'
    )
    result = otio_foley.run(cut, floor="wood")
    assert {step.floor for step in result.clips[0].steps} == {"wood"}
    assert len(result.notes) == 2
    assert any("nobody*" in note for note in result.notes)
    assert any("track 7" in note for note in result.notes)


def test_an_unknown_floor_is_refused_and_a_word_for_one_is_stood_in_for(cut: Path) -> None:
    with pytest.raises(InputError, match="unknown floor 'lava'"):
        otio_foley.run(cut, settings=Settings(sound=SoundSettings(floor="lava")))
    result = otio_foley.run(cut, settings=Settings(sound=SoundSettings(floor="pavement")))
    assert any("pavement" in note and "heard instead" in note for note in result.notes)


def test_the_users_own_recordings_are_heard(cut: Path, tmp_path: Path) -> None:
    library = tmp_path / "mine" / "Cork"
    library.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(7):
        sound = np.zeros(24_000)
        sound[1_000:] = rng.standard_normal(23_000) * np.exp(-np.arange(23_000) / 1_500)
        soundfile.write(library / f"step_{number}.wav", 0.3 * sound, RATE)
    settings = Settings(sound=SoundSettings(library=str(tmp_path / "mine")))
    result = otio_foley.run(cut, floor="cork", settings=settings)
    assert result.notes == ()
    samples = heard(result.stems[0])[:, 0]
    for time_s in canned.CONTACTS_S:
        at = round(time_s * RATE)
        assert abs(attack_sample(samples, start=at - 4000, stop=at + 4000) - at) <= 1


def test_files_beside_the_clips_and_gone_with_them(cut: Path) -> None:
    wanted = of(step_files=True, track_stems=True, preview=True)
    result = otio_foley.run(cut, settings=wanted)
    folder = result.stems[0].path.parent
    titles = sorted(path.name.split("_")[1] for path in folder.iterdir())
    count = sum(len(clip.steps) for clip in result.clips)
    assert titles.count("Track FS 1") == titles.count("Preview Mix") == 1
    assert sum(title.startswith("Step") for title in titles) == count
    assert len(titles) == count + 2 + len(result.stems)

    (whole,) = folder.glob("*_Track FS 1_*")
    samples, _ = soundfile.read(whole, dtype="float32", always_2d=True)
    together = track(result, 1).samples
    assert len(samples) == round(6.48 * RATE)
    # But for 5 ms at the clips' edges, which are faded.
    assert np.mean(np.abs(samples - together[: len(samples)]) > 1e-6) < 0.003
    count_of = {one.holds.split(":")[0] for one in result.files}
    assert count_of == {"step of FS 1", "all of FS 1", "a preview with the cut's own sound"}
    assert all(one.path.is_file() for one in result.files)
    info = WavInfoReader(whole)
    assert info.bext.time_reference == 3600 * RATE

    (first,) = [
        path for path in folder.glob("*_Step 001_*") if result.clips[0].clip_id in path.name
    ]
    one, _ = soundfile.read(first, dtype="float32")
    at = WavInfoReader(first).bext.time_reference + attack_sample(one)
    assert abs(at - round((3600 + canned.CONTACTS_S[0]) * RATE)) <= 1

    again = otio_foley.run(cut, settings=of(), overwrite=True)
    assert set(folder.iterdir()) == {stem.path for stem in again.stems}


def test_pan_room_and_delay(cut: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def at_the_right(pictures: Iterable[tuple[float, np.ndarray]], **of: object) -> MovieSteps:  # type: ignore[type-arg]
        seen = canned.find_steps(pictures, **of)
        return replace(
            seen,
            steppers=tuple(
                replace(
                    one,
                    across=np.full(len(one.times_s), 1.0),
                    distance_m=np.full(len(one.times_s), 20.0),
                )
                for one in seen.steppers
            ),
        )

    monkeypatch.setattr("otio_foley.jobs.find_steps", at_the_right)
    result = otio_foley.run(cut, settings=of(pan=True))
    (stem, _) = result.stems
    left, right = (np.square(heard(stem)[:, side]).sum() for side in (0, 1))
    assert stem.channels == 2
    assert right > 4 * left
    late = otio_foley.run(cut, settings=of(distance_delay=True, offset_ms=10.0), overwrite=True)
    samples = heard(late.stems[0])[:, 0]
    at = round((canned.CONTACTS_S[0] + 0.010 + 20.0 * 0.0029) * RATE)
    assert abs(attack_sample(samples, start=at - 4000, stop=at + 4000) - at) <= 1

    dry = otio_foley.run(cut, settings=of(), overwrite=True)
    dry_samples = heard(dry.stems[0])[:, 0]
    hall = otio_foley.run(cut, controls=["space=hall"], overwrite=True)
    wet_samples = heard(hall.stems[0])[:, 0]

    def between(samples: np.ndarray) -> float:  # type: ignore[type-arg]
        """Level just before the second step, against the first's peak."""
        quiet = samples[round(0.95 * RATE) : round(1.03 * RATE)]
        return float(np.sqrt(np.mean(quiet**2)) / np.abs(samples).max())

    assert between(wet_samples) > 10 * between(dry_samples)


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(cut: Path) -> None:
    def sound(name: str, *controls: str) -> list[bytes]:
        result = otio_foley.run(
            cut, cut.with_name(f"{name}.edl"), audio_dir=cut.with_name(name), controls=controls
        )
        return [heard(stem).tobytes() for stem in result.stems]

    assert sound("a") == sound("b")
    assert sound("c", "seed=1") != sound("a2")


def test_handles_hold_the_steps_that_a_trim_would_show(cut: Path) -> None:
    """The second clip shows 1.0 to 3.5 s of the movie: 0.5 s lies in no handle, 3.49 s would."""
    result = otio_foley.run(cut, settings=of(handle_frames=20))
    clip, stem = result.clips[1], result.stems[1]
    assert [step.source_time_s for step in clip.steps] == pytest.approx([1.04, 1.61, 2.2, 2.77])
    narrow = canned.edl(
        cut.with_name("narrow.edl"),
        ("walk.mov", "00:00:01:10", "00:00:02:15", "01:00:00:00", "01:00:01:05"),
    )
    result = otio_foley.run(narrow, settings=of(handle_frames=20))
    (clip,), (stem,) = result.clips, result.stems
    assert [step.source_time_s for step in clip.steps] == pytest.approx([1.61, 2.2])
    assert len(stem.markers) == 2
    samples, _ = soundfile.read(stem.path, dtype="float32")
    for source_s in (1.04, 1.61, 2.2, 2.77):
        at = round((float(stem.in_s) + source_s - 1.4) * RATE)
        assert abs(attack_sample(samples, start=at - 4000, stop=at + 2000) - at) <= 1
