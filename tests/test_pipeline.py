from __future__ import annotations

import hashlib
from fractions import Fraction
from pathlib import Path

import canned
import numpy as np
import opentimelineio as otio
import pytest
import soundfile
from wavinfo import WavInfoReader

import otio_foley
from otio_foley.config import AnalysisSettings, OutputSettings, Settings
from otio_foley.errors import InputError, OutputError, TargetExists, WouldLoseData
from otio_foley.report import Result
from otio_foley.synthesis.attack import attack_sample
from otio_foley.timelines.registry import open_document

pytestmark = pytest.mark.usefixtures("canned_analysis")


@pytest.fixture
def cut(tmp_path: Path) -> Path:
    """Two clips of one movie, the second from 1 s on, at 10:00:00:00."""
    canned.movie(tmp_path / "walk.mov")
    return canned.edl(
        tmp_path / "cut.edl",
        ("walk.mov", "00:00:00:00", "00:00:03:00", "10:00:00:00", "10:00:03:00"),
        ("walk.mov", "00:00:01:00", "00:00:02:12", "10:00:03:00", "10:00:04:12"),
    )


def digest_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def tree(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_steps_have_their_record_and_source_times(cut: Path) -> None:
    result = otio_foley.run(cut)
    first, second = result.clips
    assert [step.source_time_s for step in first.steps] == pytest.approx(canned.CONTACTS_S)
    assert [step.record_time_s for step in first.steps] == pytest.approx(canned.CONTACTS_S)
    assert [step.source_time_s for step in second.steps] == pytest.approx([1.04, 1.61, 2.2])
    assert [step.record_time_s for step in second.steps] == pytest.approx([3.04, 3.61, 4.2])
    assert result.exit_code == 0


def test_each_attack_lies_on_its_contact_to_the_sample(cut: Path) -> None:
    result = otio_foley.run(cut)
    for clip, stem in zip(result.clips, result.stems, strict=True):
        samples, rate = soundfile.read(stem.path)
        assert rate == 48000
        reference = WavInfoReader(stem.path).bext.time_reference
        assert Fraction(reference, 48000) == stem.file_start_s
        for step in clip.steps:
            at = round((36000 + step.record_time_s) * 48000) - reference
            found = attack_sample(
                samples.astype(np.float32), 48000, start=at - 4000, stop=at + 2000
            )
            assert abs(found - at) <= 1


def test_markers_stand_on_the_nearest_frames(cut: Path) -> None:
    result = otio_foley.run(cut)
    for clip, stem in zip(result.clips, result.stems, strict=True):
        assert len(stem.markers) == len(clip.steps)
        for step, marker in zip(clip.steps, stem.markers, strict=True):
            assert (marker.record_s * 25).denominator == 1
            assert abs(marker.record_s - Fraction(step.record_time_s)) <= Fraction(1, 50)
            assert marker.name == f"walk {step.foot}"


def test_files_and_tracks_fit_the_cut(cut: Path) -> None:
    result = otio_foley.run(cut)
    for stem, clip in zip(result.stems, result.clips, strict=True):
        info = WavInfoReader(stem.path)
        assert (info.fmt.sample_rate, info.fmt.bits_per_sample) == (48000, 24)
        assert stem.track == 1
        assert stem.record == clip.record
        handle_s = Fraction(12, 25)
        assert stem.in_s == handle_s
        assert stem.file_duration_s == clip.record.duration_s + 2 * handle_s
        assert "generated" in info.bext.coding_history
    names = [stem.path.name for stem in result.stems]
    assert len(set(names)) == 2
    assert all(name.startswith("FOLYFeet_Walk Concrete_OTFOLEY_cut-edl-") for name in names)


def test_the_result_is_the_cut_with_footsteps_and_back(cut: Path) -> None:
    before = digest_of(cut)
    result = otio_foley.run(cut)
    assert result.output == cut.with_name("cut_foley.edl")
    assert digest_of(cut) == before
    verdict = otio_foley.verify(cut, result.output)
    assert verdict.identical
    assert verdict.stems_found
    again = otio_foley.open(result.output).timeline()
    assert again.clips == open_document(cut).timeline().clips


def test_the_same_run_gives_the_same_bytes_and_a_run_on_a_result_replaces(cut: Path) -> None:
    first = otio_foley.run(cut)
    sums = [digest_of(stem.path) for stem in first.stems]
    text = first.output.read_bytes()
    second = otio_foley.run(cut, overwrite=True)
    assert [digest_of(stem.path) for stem in second.stems] == sums
    assert second.output.read_bytes() == text
    third = otio_foley.run(
        first.output,
        cut.with_name("third.edl"),
        audio_dir=cut.with_name("cut_foley_media"),
        overwrite=True,
    )
    assert otio_foley.verify(cut, third.output).identical
    assert len(third.stems) == 2


def test_a_dry_run_writes_nothing(cut: Path) -> None:
    before = tree(cut.parent)
    result = otio_foley.run(cut, dry_run=True)
    assert result.output is None
    assert len(result.clips[0].steps) == 5
    assert tree(cut.parent) == before


def test_nothing_is_written_over(cut: Path) -> None:
    otio_foley.run(cut)
    before = {path: digest_of(path) for path in cut.parent.rglob("*") if path.is_file()}
    with pytest.raises(TargetExists, match=r"cut_foley\.edl"):
        otio_foley.run(cut)
    with pytest.raises(TargetExists, match="the cut itself"):
        otio_foley.run(cut, cut, overwrite=True)
    with pytest.raises(OutputError, match="not there"):
        otio_foley.run(cut, cut.parent / "no" / "such.edl")
    assert {path: digest_of(path) for path in cut.parent.rglob("*") if path.is_file()} == before


def test_a_failure_half_way_leaves_nothing_half_written(
    cut: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tree(cut.parent)
    calls = []

    def fails_at_second(*args: object, **kwargs: object) -> object:
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return canned.find_steps(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr("otio_foley.jobs.find_steps", fails_at_second)
    with pytest.raises(KeyboardInterrupt):
        otio_foley.run(cut)
    assert tree(cut.parent) == before


def run_with(tmp_path: Path, *events: tuple[str, str, str, str, str]) -> Result:
    return otio_foley.run(canned.edl(tmp_path / "bad.edl", *events))


def test_a_clip_that_cannot_be_done_does_not_take_the_others_down(tmp_path: Path) -> None:
    canned.movie(tmp_path / "good.mov")
    (tmp_path / "damaged.mov").write_bytes(b"not a movie" * 100)
    span = ("00:00:00:00", "00:00:01:00")
    result = run_with(
        tmp_path,
        ("missing.mov", *span, "01:00:00:00", "01:00:01:00"),
        ("damaged.mov", *span, "01:00:01:00", "01:00:02:00"),
        ("good.mov", *span, "01:00:02:00", "01:00:03:00"),
        ("good.mov", "00:10:00:00", "00:10:01:00", "01:00:03:00", "01:00:04:00"),
    )
    assert [clip.status for clip in result.clips] == ["skipped", "skipped", "done", "skipped"]
    assert "missing.mov" in result.clips[0].reason
    assert "--media-root" in result.clips[0].reason
    assert "damaged.mov" in result.clips[1].reason
    assert "does not hold" in result.clips[3].reason
    assert result.exit_code == 3
    assert len(result.stems) == 1


def test_an_empty_picture_is_silent_and_the_cut_comes_out_as_it_was(
    cut: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("otio_foley.jobs.find_steps", canned.find_nobody)
    result = otio_foley.run(cut)
    assert [(clip.status, clip.reason) for clip in result.clips] == [
        ("silent", "nobody is in the picture")
    ] * 2
    assert result.exit_code == 0
    assert result.stems == ()
    assert result.output.read_bytes() == cut.read_bytes()
    assert not cut.with_name("cut_foley_media").exists()


def test_an_edl_is_read_at_its_media_s_rate(tmp_path: Path) -> None:
    canned.movie(tmp_path / "walk.mov", rate=30)
    cut = canned.edl(
        tmp_path / "cut.edl",
        ("walk.mov", "00:00:00:15", "00:00:02:00", "10:00:00:00", "10:00:01:15"),
    )
    result = otio_foley.run(cut)
    assert result.clips[0].record.duration_s == Fraction(3, 2)
    assert result.clips[0].steps[0].source_time_s == pytest.approx(0.5)
    assert result.clips[0].steps[0].record_time_s == pytest.approx(0.0)


def test_slow_motion_and_reverse_play_the_steps_where_they_are_seen(tmp_path: Path) -> None:
    canned.movie(tmp_path / "walk.mov")
    lines = [
        "TITLE: speed",
        "001  AX       V     C        00:00:00:00 00:00:02:00 01:00:00:00 01:00:04:00",
        "M2   AX       012.5                00:00:00:00",
        "* FROM CLIP NAME: walk.mov",
    ]
    (tmp_path / "slow.edl").write_text("\n".join(lines) + "\n")
    slow = otio_foley.run(tmp_path / "slow.edl").clips[0]
    assert [step.record_time_s for step in slow.steps] == pytest.approx([1.0, 2.08, 3.22])
    lines[2] = "M2   AX       -025.0               00:00:03:00"
    lines[1] = "001  AX       V     C        00:00:00:00 00:00:03:00 01:00:00:00 01:00:03:00"
    (tmp_path / "back.edl").write_text("\n".join(lines) + "\n")
    back = otio_foley.run(tmp_path / "back.edl").clips[0]
    # Backwards a foot lands where it had lifted off, 0.6 s after its contact.
    lifted = [time_s + 0.6 for time_s in canned.CONTACTS_S if time_s + 0.6 < 3]
    assert [step.source_time_s for step in back.steps] == pytest.approx(lifted[::-1])
    assert [step.record_time_s for step in back.steps] == pytest.approx(
        [3 - time_s for time_s in lifted[::-1]]
    )
    assert {step.part for step in back.steps} == {"toe"}


def test_a_cut_at_midnight_has_a_shorter_handle(tmp_path: Path) -> None:
    canned.movie(tmp_path / "walk.mov")
    cut = canned.edl(
        tmp_path / "cut.edl",
        ("walk.mov", "00:00:00:00", "00:00:02:00", "00:00:00:00", "00:00:02:00"),
    )
    (stem,) = otio_foley.run(cut).stems
    assert stem.file_start_s == 0
    assert stem.in_s == 0


def test_unknown_floors_and_roots_are_refused_by_name(cut: Path) -> None:
    with pytest.raises(InputError, match="cheese") as caught:
        otio_foley.run(cut, floor="cheese")
    assert "concrete" in caught.value.hint
    with pytest.raises(InputError, match="not a folder"):
        otio_foley.run(cut, media_roots=[cut])


def test_layered_clips_get_tracks_of_their_own(tmp_path: Path) -> None:
    canned.movie(tmp_path / "walk.mov")
    span = ("00:00:00:00", "00:00:03:00", "01:00:00:00", "01:00:03:00")
    cut = canned.edl(tmp_path / "cut.edl", ("walk.mov", *span), ("walk.mov", *span))
    result = otio_foley.run(cut)
    assert [stem.track for stem in result.stems] == [1, 2]


def layered(folder: Path, start: int = 1, seconds: int = 1) -> Path:
    """An OTIO cut at 25: walk.mov for 3 s, over its middle second top.mov on a second track."""
    canned.movie(folder / "walk.mov")
    canned.movie(folder / "top.mov")
    tracks = []
    for name, begin, length in (("walk.mov", 0, 3), ("top.mov", start, seconds)):
        clip = otio.schema.Clip(
            name=name,
            media_reference=otio.schema.ExternalReference(target_url=name),
            source_range=_range(begin, length),
        )
        gap = otio.schema.Gap(source_range=_range(0, begin))
        tracks.append(otio.schema.Track(children=[gap, clip] if begin else [clip]))
    timeline = otio.schema.Timeline(name="layers", tracks=tracks)
    path = folder / "layers.otio"
    otio.adapters.write_to_file(timeline, str(path))
    return path


def _range(start_s: int, length_s: int) -> otio.opentime.TimeRange:
    return otio.opentime.TimeRange(
        otio.opentime.RationalTime(start_s * 25, 25), otio.opentime.RationalTime(length_s * 25, 25)
    )


def _record_times(result: Result) -> dict[str, list[float]]:
    return {clip.name: [step.record_time_s for step in clip.steps] for clip in result.clips}


def test_of_two_layers_the_topmost_is_heard(tmp_path: Path) -> None:
    result = otio_foley.run(layered(tmp_path))
    times = _record_times(result)
    assert times["walk.mov"] == pytest.approx([0.5, 2.2, 2.77])
    assert times["top.mov"] == pytest.approx([1.04, 1.61])


def test_all_layers_are_heard_where_asked_for(tmp_path: Path) -> None:
    everything = Settings(analysis=AnalysisSettings(layers="all"))
    times = _record_times(otio_foley.run(layered(tmp_path), settings=everything))
    assert times["walk.mov"] == pytest.approx(canned.CONTACTS_S)
    assert times["top.mov"] == pytest.approx([1.04, 1.61])


def test_a_hidden_clip_is_silent_and_says_why(tmp_path: Path) -> None:
    cut = layered(tmp_path, start=0, seconds=3)
    below, above = sorted(otio_foley.run(cut).clips, key=lambda clip: clip.name, reverse=True)
    assert (below.status, below.reason) == ("silent", "hidden behind a higher layer")
    assert above.status == "done"


def test_level_as_automation_or_baked_but_never_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("otio_foley.jobs.find_steps", canned.find_someone_nearing)
    cut = layered(tmp_path)
    rendered = {}
    for rides in ("baked", "automation"):
        settings = Settings(output=OutputSettings(level_rides=rides))
        result = otio_foley.run(cut, settings=settings, overwrite=True)
        stem = result.stems[0]
        assert bool(stem.automation) == (rides == "automation")
        samples, rate = soundfile.read(stem.path)
        rendered[rides] = samples
    points = stem.automation
    assert max(level_db for _, level_db in points) == 0.0
    at_s = np.arange(len(samples)) / rate - float(stem.in_s)
    ridden = samples * 10 ** (np.interp(at_s, *zip(*map(_floats, points), strict=True)) / 20)
    assert np.abs(ridden - rendered["baked"]).max() < 0.02 * np.abs(ridden).max()
    assert np.abs(samples - rendered["baked"]).max() > 0.1 * np.abs(ridden).max()


def _floats(point: tuple[Fraction, float]) -> tuple[float, float]:
    return float(point[0]), point[1]


def test_an_edl_holds_no_automation(cut: Path) -> None:
    settings = Settings(output=OutputSettings(level_rides="automation"))
    with pytest.raises(WouldLoseData, match="edl holds no level automation"):
        otio_foley.run(cut, settings=settings)


def test_only_an_edl_gets_a_list_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="list of their own"):
        otio_foley.run(layered(tmp_path), settings=Settings(output=OutputSettings(separate=True)))


def test_sounds_that_no_result_names_are_not_replaced(cut: Path) -> None:
    """Overwriting was asked for already: the hint must not ask for it again."""
    first = otio_foley.run(cut)
    first.output.unlink()
    with pytest.raises(TargetExists, match="no result") as caught:
        otio_foley.run(cut, overwrite=True)
    assert "--audio-dir" in caught.value.hint
    assert all(stem.path.is_file() for stem in first.stems)
