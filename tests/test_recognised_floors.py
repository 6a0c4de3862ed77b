"""What becomes of a floor that was recognised: heard, reported, and weaker than what is asked."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import canned
import numpy as np
import pytest
from click.testing import CliRunner

import otio_foley
from otio_foley import jobs
from otio_foley.analysis.movie import MovieSteps
from otio_foley.cli import commands
from otio_foley.lending import Shot, lend
from otio_foley.library.shelf import shelf
from otio_foley.remarks import _Names, _unseen, remarks
from otio_foley.report import ClipReport
from otio_foley.sounding import Session
from otio_foley.types import FloorSpan, LentFloor

#: Off the carpet onto wood between the third and the fourth step, and the wood is unsure.
CARPET = FloorSpan(
    start_s=0.0, end_s=2.0, floor="carpet", chance=0.9, runners_up=(("grass", 0.05), ("wood", 0.01))
)
WOOD = FloorSpan(
    start_s=2.0, end_s=3.0, floor="wood", chance=0.4, runners_up=(("tile", 0.35), ("marble", 0.1))
)
OTHER = replace(WOOD, start_s=0.0, floor="other")


@pytest.fixture
def asked_for_floors() -> list[bool]:
    """For each movie that was looked at, whether its floors were wanted."""
    return []


@pytest.fixture(autouse=True)
def seen(monkeypatch: pytest.MonkeyPatch, asked_for_floors: list[bool]) -> list[FloorSpan]:
    """The floors that are recognised where they are asked for; a test may say others."""
    spans = [CARPET, WOOD]

    def find_steps(
        pictures: Iterable[tuple[float, np.ndarray]], *, floors: bool, **settings: object
    ) -> MovieSteps:
        asked_for_floors.append(floors)
        found = canned.find_steps(pictures, **settings)
        steppers = [replace(one, floors=tuple(spans) if floors else ()) for one in found.steppers]
        return replace(found, steppers=tuple(steppers))

    monkeypatch.setattr(jobs, "find_steps", find_steps)
    return spans


@pytest.fixture
def cut(tmp_path: Path) -> Path:
    canned.movie(tmp_path / "walk.mov")
    span = ("00:00:00:00", "00:00:03:00", "01:00:00:00", "01:00:03:00")
    return canned.edl(tmp_path / "cut.edl", ("walk.mov", *span))


def floors_heard(cut: Path, **settings: object) -> list[str]:
    result = otio_foley.run(cut, overwrite=True, **settings)  # type: ignore[arg-type]
    return [step.floor for step in result.clips[0].steps]


def test_each_step_is_on_the_floor_that_was_recognised_there(
    cut: Path, asked_for_floors: list[bool]
) -> None:
    assert floors_heard(cut) == ["carpet"] * 3 + ["wood"] * 2
    assert asked_for_floors == [True]


def test_what_is_asked_is_stronger_and_nothing_is_then_looked_at(
    cut: Path, asked_for_floors: list[bool]
) -> None:
    assert floors_heard(cut, floor="gravel") == ["gravel"] * 5
    assert asked_for_floors == [False]
    assert floors_heard(cut, controls=["clip.walk*.floor=tile"]) == ["tile"] * 5
    assert asked_for_floors == [False, False]


def test_a_clip_may_be_recognised_in_a_cut_that_is_not(cut: Path) -> None:
    asked = ["cut.floor=tile", "clip.walk*.floor=auto"]
    assert floors_heard(cut, controls=asked) == ["carpet"] * 3 + ["wood"] * 2


def test_what_is_none_of_our_floors_or_not_seen_is_concrete(
    cut: Path, seen: list[FloorSpan]
) -> None:
    for floors in ([replace(OTHER, chance=0.9)], []):
        seen[:] = floors
        result = otio_foley.run(cut, overwrite=True)
        heard = {(step.floor, step.floor_from) for step in result.clips[0].steps}
        assert heard == {("concrete", "nowhere")}
        (note,) = result.notes
        assert "no floor that is known is seen" in note and "concrete is heard" in note


@pytest.fixture
def three_shots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A medium shot without a floor, a wide one of another medium on carpet, and the first medium
    again."""
    for name in ("medium.mov", "wide.mov"):
        canned.movie(tmp_path / name)

    def find_steps(
        pictures: Iterable[tuple[float, np.ndarray]], *, floors: bool, **settings: object
    ) -> MovieSteps:
        found = canned.find_steps(pictures, **settings)
        # With a second about it, the wide clip alone reaches the end of its movie.
        wide = found.last_s is not None and found.last_s > 3.5
        spans = (replace(CARPET, end_s=9.0),) if wide and floors else ()
        return replace(found, steppers=tuple(replace(one, floors=spans) for one in found.steppers))

    monkeypatch.setattr(jobs, "find_steps", find_steps)
    return canned.edl(
        tmp_path / "cut.edl",
        ("medium.mov", "00:00:00:00", "00:00:02:00", "01:00:00:00", "01:00:02:00"),
        ("wide.mov", "00:00:01:00", "00:00:03:00", "01:00:02:00", "01:00:04:00"),
        ("medium.mov", "00:00:00:12", "00:00:02:00", "01:00:04:00", "01:00:05:13"),
    )


def test_where_no_floor_is_seen_that_of_a_clip_near_by_is_heard(three_shots: Path) -> None:
    result = otio_foley.run(three_shots)
    assert {step.floor for clip in result.clips for step in clip.steps} == {"carpet"}
    whence = [{step.floor_from for step in clip.steps} for clip in result.clips]
    assert whence == [{"nearby"}, {"picture"}, {"nearby"}]
    wide = result.clips[1].clip_id
    assert [clip.as_json()["floor_lent_by"] for clip in result.clips] == [wide, None, wide]
    assert len(result.notes) == 2
    assert all("carpet as below wide.mov is heard" in note for note in result.notes)
    # Two clips have that name, so that each is called by its id.
    assert all(
        f"--set clip.{clip.clip_id}.floor=NAME" in note
        for clip, note in zip(result.clips[::2], result.notes, strict=True)
    )
    # The first has waited for the second, and comes before it all the same.
    starts = [stem.record.start_s for stem in result.stems]
    assert starts == sorted(starts) and len(starts) == 3
    assert [clip.name for clip in result.clips] == ["medium.mov", "wide.mov", "medium.mov"]


def test_a_floor_that_is_asked_for_one_clip_is_lent_too(three_shots: Path) -> None:
    result = otio_foley.run(three_shots, controls=["clip.wide*.floor=gravel"])
    heard = [{(step.floor, step.floor_from) for step in clip.steps} for clip in result.clips]
    assert heard == [{("gravel", "nearby")}, {("gravel", "asked")}, {("gravel", "nearby")}]


def test_a_floor_that_is_asked_for_a_track_is_lent_as_it_is_heard(three_shots: Path) -> None:
    asked = ["track.1.floor=gravel", "clip.medium*.floor=auto"]
    result = otio_foley.run(three_shots, controls=asked)
    heard = [{(step.floor, step.floor_from) for step in clip.steps} for clip in result.clips]
    assert heard == [{("gravel", "nearby")}, {("gravel", "asked")}, {("gravel", "nearby")}]


@pytest.mark.parametrize("muted", ["false", "true"])
def test_a_floor_that_is_asked_for_one_step_is_nobody_elses(three_shots: Path, muted: str) -> None:
    """Who steps on a manhole's cover does not walk on metal, and nor does the rest of the cut."""
    place = "01:00:01:01"
    asked = [f"step.{place}.floor=metal", f"step.{place}.mute={muted}"]
    result = otio_foley.run(three_shots, controls=[*asked, "clip.wide*.mute=true"])
    heard = Counter((step.floor, step.floor_from) for clip in result.clips for step in clip.steps)
    assert heard.pop(("metal", "asked"), 0) == (1 if muted == "false" else 0)
    assert set(heard) == {("concrete", "nowhere")}


def test_who_is_not_heard_lends_no_floor_and_waits_for_none(three_shots: Path) -> None:
    muted = ["clip.wide*.mute=true", "clip.wide*.floor=gravel"]
    result = otio_foley.run(three_shots, controls=muted)
    assert [clip.status for clip in result.clips] == ["done", "silent", "done"]
    heard = {(step.floor, step.floor_from) for clip in result.clips for step in clip.steps}
    assert heard == {("concrete", "nowhere")}


def test_a_clip_in_which_nobody_steps_lends_no_floor(
    three_shots: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = jobs.find_steps

    def nobody_in_the_wide(
        pictures: Iterable[tuple[float, np.ndarray]], **settings: bool
    ) -> MovieSteps:
        seen = found(pictures, **settings)
        wide = seen.last_s is not None and seen.last_s > 3.5
        return replace(seen, steppers=()) if wide else seen

    monkeypatch.setattr(jobs, "find_steps", nobody_in_the_wide)
    result = otio_foley.run(three_shots, controls=["clip.wide*.floor=gravel"])
    assert [clip.status for clip in result.clips] == ["done", "silent", "done"]
    heard = {(step.floor, step.floor_from) for clip in result.clips for step in clip.steps}
    assert heard == {("concrete", "nowhere")}


@pytest.mark.parametrize(
    ("reels", "names"),
    [
        (("AX", "AX", "AX"), ("one.mov", "two.mov", "one.mov")),
        (("R1", "R2", "R1"), ("Shot 10", "Shot 11", "Shot 12")),
        (("R1", "R2", "R1"), ("take 1", "take 1", "take 2")),
    ],
)
def test_in_a_movie_of_the_whole_cut_the_same_take_lends_first(
    reels: tuple[str, ...],
    names: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def find_steps(
        pictures: Iterable[tuple[float, np.ndarray]], *, floors: bool, **settings: object
    ) -> MovieSteps:
        """A second of carpet, one of wood, and one in which no floor is seen."""
        found = canned.find_steps(pictures, **settings)
        assert found.last_s is not None
        second = int(found.last_s)
        spans = ((CARPET,), (replace(WOOD, start_s=0.0, chance=0.9),), ())[second]
        return replace(found, steppers=tuple(replace(one, floors=spans) for one in found.steppers))

    monkeypatch.setattr(jobs, "find_steps", find_steps)
    cut = canned.edl(
        tmp_path / "cut.edl",
        (names[0], "00:00:00:00", "00:00:01:00", "01:00:00:00", "01:00:01:00"),
        (names[1], "00:00:00:00", "00:00:01:00", "01:00:01:00", "01:00:02:00"),
        (names[2], "00:00:01:00", "00:00:02:00", "01:00:02:00", "01:00:03:00"),
    )
    for reel in reels:
        cut.write_text(cut.read_text().replace("  AX  ", f"  {reel}  ", 1))
    result = otio_foley.run(cut, picture=canned.movie(tmp_path / "reference.mov"))
    heard = [{(step.floor, step.floor_from) for step in clip.steps} for clip in result.clips]
    assert heard == [{("carpet", "picture")}, {("wood", "picture")}, {("carpet", "nearby")}]


def test_somebody_else_in_the_clip_lends_first(cut: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def find_steps(
        pictures: Iterable[tuple[float, np.ndarray]], *, floors: bool, **settings: object
    ) -> MovieSteps:
        found = canned.find_steps(pictures, **settings)
        first, *_ = found.steppers
        seen = replace(first, floors=(replace(CARPET, end_s=9.0),))
        behind = replace(
            first, person=1, contacts=tuple(replace(one, person=1) for one in first.contacts)
        )
        return replace(found, people=2, steppers=(seen, behind))

    monkeypatch.setattr(jobs, "find_steps", find_steps)
    result = otio_foley.run(cut)
    (clip,) = result.clips
    heard = {(step.person, step.floor, step.floor_from) for step in clip.steps}
    assert heard == {(0, "carpet", "picture"), (1, "carpet", "nearby")}
    assert clip.as_json()["floor_lent_by"] == clip.clip_id
    (note,) = result.notes
    assert "carpet as below somebody else is heard" in note


def test_the_generators_own_sound_is_of_no_floor(three_shots: Path) -> None:
    result = otio_foley.run(three_shots)
    session = SimpleNamespace(
        library=shelf(), voicebox=None, controls=SimpleNamespace(unused=lambda _: []), placed=[]
    )
    assert len(remarks(cast(Session, session), result.clips)) == 2
    session.voicebox = object()
    assert remarks(cast(Session, session), result.clips) == ()


def shot(name: str, medium: str, floor: str | None) -> Shot[str]:
    return Shot(
        looked=name, clip_id=name, name=name, medium=medium, floor=floor, borrows=floor is None
    )


def test_a_note_can_be_pasted_and_calls_clips_what_no_other_is_called() -> None:
    def report(clip_id: str, name: str) -> ClipReport:
        step = SimpleNamespace(floor="carpet", floor_from="nearby")
        lender = LentFloor(floor="carpet", clip_id="b", clip_name="take 1")
        made = SimpleNamespace(clip_id=clip_id, name=name, steps=(step,), floors=(), lent=lender)
        return cast(ClipReport, made)

    reports = [report("a", "Shot 12"), report("b", "take 1"), report("c", "take 1")]
    notes = list(_unseen(reports, _Names(reports)))
    assert "as below b is heard; --set 'clip.Shot 12.floor=NAME' says which" in notes[0]
    assert "as below somebody else is heard; --set clip.b.floor=NAME says which" in notes[1]


def test_the_same_medium_lends_before_the_clip_before() -> None:
    shots = [
        *(shot("1", "a", None), shot("2", "a", "wood"), shot("3", "b", "grass")),
        *(shot("4", "a", None), shot("5", "c", None), shot("6", "b", "snow"), shot("7", "b", None)),
    ]
    lent = [(looked, floor.floor) for looked, floor in lend(shots) if floor is not None]
    assert lent == [
        *(("1", "wood"), ("2", "wood"), ("3", "grass"), ("4", "wood"), ("5", "grass")),
        *(("6", "snow"), ("7", "snow")),
    ]
    assert [floor for _, floor in lend([shot("1", "a", None), shot("2", "b", None)])] == [None] * 2


def test_who_borrows_before_the_first_floor_waits_for_it_and_nobody_else_does() -> None:
    told: list[str] = []

    def looked_at() -> Iterator[Shot[str]]:
        for one in (
            replace(shot("silent", "a", None), borrows=False),
            shot("medium", "a", None),
            replace(shot("insert", "a", None), borrows=False),
            shot("wide", "b", "wood"),
        ):
            told.append(one.looked)
            yield one

    looks = [(looked, len(told)) for looked, _ in lend(looked_at())]
    assert looks == [("silent", 1), ("medium", 4), ("insert", 4), ("wide", 4)]


def test_the_report_has_the_floors_and_a_note_where_one_is_unsure(cut: Path) -> None:
    result = otio_foley.run(cut)
    told = result.as_json()["clips"][0]["floors"]  # type: ignore[call-overload,index]
    assert [(one["floor"], one["chance"]) for one in told] == [("carpet", 0.9), ("wood", 0.4)]
    assert told[1]["runners_up"][0] == {"floor": "tile", "chance": 0.35}
    (note,) = result.notes
    assert "wood (40%) or tile (35%)" in note and "clip.walk.mov.floor" in note
    asked = note.partition("--set ")[2].partition("=")[0]
    assert floors_heard(cut, controls=[f"{asked}=tile"]) == ["tile"] * 5


def test_the_result_carries_what_was_seen_and_gives_the_cut_back(cut: Path) -> None:
    result = otio_foley.run(cut, cut.with_name("out.edl"))
    assert result.output is not None
    provenance = result.output.read_text()
    assert "floors_seen" in provenance
    assert otio_foley.verify(cut, result.output).identical


def test_analyse_says_what_is_walked_on(cut: Path) -> None:
    movie = str(cut.with_name("walk.mov"))
    said = CliRunner().invoke(commands, ["analyse", movie])
    assert "on carpet, 90% (else grass 5%, wood 1%)" in said.output
    told = json.loads(CliRunner().invoke(commands, ["analyse", movie, "--json"]).stdout)
    assert [one["floor"] for one in told["floors"]] == ["carpet", "wood"]
    assert [one["floor"] for one in told["steps"]] == ["carpet"] * 3 + ["wood"] * 2
