"""The whole way over rendered picture: network, contacts, sound, cut. Slow, so run once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

import otio_foley
from otio_foley.demo import Score, f1, match, run_demo, table
from otio_foley.errors import TargetExists
from otio_foley.media.picture import frames, probe
from otio_foley.report import Result
from otio_foley.resources import bundled
from otio_foley.time import source_extent
from otio_foley.types import Clip


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Result, list[Score]]]:
    folder = tmp_path_factory.mktemp("demo")
    yield folder, *run_demo(folder)


def test_every_true_contact_is_found_and_few_others(
    outcome: tuple[Path, Result, list[Score]],
) -> None:
    _, _, scores = outcome
    found = [error for score in scores for error in score.errors_s]
    assert sum(score.missed for score in scores) <= 1
    assert sum(score.extra for score in scores) <= 1
    assert sorted(abs(error) for error in found)[len(found) // 2] < 0.025
    assert max(abs(error) for error in found) < 0.08


@pytest.mark.parametrize("engine", ["method", "generator"])
def test_the_other_engines_give_a_playable_cut_in_time(engine: str, tmp_path: Path) -> None:
    result, scores = run_demo(tmp_path, engine=engine)
    assert result.output is not None
    assert otio_foley.verify(tmp_path / "demo.fcpxml", result.output).identical
    assert f1(scores) > 0.9
    assert {step.found_by for clip in result.clips for step in clip.steps} <= {
        "generator",
        "generator+network",
        "generator+rules",
    }
    assert {clip.name for clip in result.clips if clip.status == "silent"} == {"empty.mov"}
    for stem in result.stems:
        samples, rate_hz = soundfile.read(stem.path, dtype="float32")
        assert rate_hz == 48_000 and len(samples) == stem.file_duration_s * 48_000
        # Steps are heard where their markers are, and not between them.
        loud = np.abs(samples).max()
        assert 0.01 < loud < 1.0
        for marker in stem.markers:
            at = round(float(stem.in_s + marker.record_s - stem.record.start_s) * rate_hz)
            assert np.abs(samples[max(0, at - 2400) : at + 4800]).max() > 0.03 * loud


def test_feet_actions_and_silence(outcome: tuple[Path, Result, list[Score]]) -> None:
    _, result, _ = outcome
    by_name = {clip.name: clip for clip in result.clips}
    assert by_name["empty.mov"].status == "silent"
    walk = [step.foot for step in by_name["walk.mov"].steps]
    assert all(before != after for before, after in pairwise(walk))
    assert {step.action for step in by_name["walk.mov"].steps} == {"walk"}
    assert {step.action for step in by_name["run.mov"].steps} == {"run"}
    assert {step.action for step in by_name["jump.mov"].steps} == {"land"}


def test_the_demo_s_cut_comes_back(outcome: tuple[Path, Result, list[Score]]) -> None:
    folder, result, _ = outcome
    assert result.output is not None
    assert otio_foley.verify(folder / "demo.fcpxml", result.output).identical


def test_one_movie_of_the_whole_cut_gives_the_same_steps(
    outcome: tuple[Path, Result, list[Score]], tmp_path: Path
) -> None:
    folder, with_media, _ = outcome
    shutil.copy(folder / "demo.fcpxml", tmp_path)
    reference = conformed(folder / "demo.fcpxml", tmp_path / "reference.mov")
    from_reference = otio_foley.run(tmp_path / "demo.fcpxml", picture=reference)
    for clip, other in zip(with_media.clips, from_reference.clips, strict=True):
        assert (clip.name, clip.status) == (other.name, other.status)
        # By foot: which of two that land together is first is not the same in every encoding.
        steps, others = (
            sorted(one.steps, key=lambda s: (s.foot, s.record_time_s)) for one in (clip, other)
        )
        assert [(s.foot, s.action) for s in steps] == [(s.foot, s.action) for s in others]
        for step, same in zip(steps, others, strict=True):
            assert abs(step.record_time_s - same.record_time_s) < 1 / 24


def conformed(cut: Path, movie: Path) -> Path:
    """The pictures that a cut of one layer shows, in record order, as one movie."""
    timeline = otio_foley.open(cut).timeline()
    rate = timeline.frame_rate
    with av.open(str(movie), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"crf": "12"})
        stream.pix_fmt = "yuv420p"
        pictures = (picture for clip in timeline.clips for picture in shown(clip, cut.parent))
        for number, picture in enumerate(pictures):
            if not number:
                stream.height, stream.width = picture.shape[:2]
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, 1 / rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return movie


def shown(clip: Clip, folder: Path) -> Iterator[np.ndarray]:
    low, high = (float(edge - clip.media_start_s) for edge in source_extent(clip.time_map))
    info = probe(folder / Path(clip.media_path).name)
    for frame in frames(info, start_s=low, end_s=high, long_side_px=4096):
        yield frame.rgb


def test_all_four_cuts_are_the_same_edit() -> None:
    folder = bundled("samples") / "demo"
    timelines = [otio_foley.open(path).timeline() for path in sorted(folder.glob("demo.*"))]
    assert len(timelines) == 4
    edits = {
        tuple((clip.clip_id, clip.record, clip.time_map) for clip in timeline.clips)
        for timeline in timelines
    }
    assert len(edits) == 1
    assert {timeline.start_s for timeline in timelines} == {3600}


def test_a_file_of_one_s_own_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "walk.mov").write_bytes(b"my own movie")
    with pytest.raises(TargetExists):
        run_demo(tmp_path)
    assert (tmp_path / "walk.mov").read_bytes() == b"my own movie"


def test_the_table_tells_a_clip_a_line(outcome: tuple[Path, Result, list[Score]]) -> None:
    _, result, scores = outcome
    lines = table(scores)
    assert len(lines) == len(result.clips) + 2
    assert lines[-1].startswith("all: ")


def test_matching_uses_each_step_once_nearest_first() -> None:
    errors, missed, extra = match([1.0, 2.0, 3.0], [1.02, 1.05, 2.9, 7.0])
    assert errors == pytest.approx([0.02, -0.1])
    assert (missed, extra) == (1, 2)
