"""The whole way over rendered picture: network, contacts, sound, cut. Slow, so run once."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

import otio_foley
from otio_foley.demo import Score, match, run_demo, table
from otio_foley.errors import TargetExists
from otio_foley.report import Result
from otio_foley.resources import bundled


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
