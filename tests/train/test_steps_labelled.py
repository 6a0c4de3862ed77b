"""Labelled strikes of real picture beside what was found."""

from __future__ import annotations

from pathlib import Path

import pytest

from otio_foley.errors import InputError
from otio_foley.train.steps.labelled import agreements, read_labels, tables
from otio_foley.types import Contact, Foot

_HEAD = "file\tfps\tevent\tframe\ttime_s\ttol_frames\tnote\n"


def labels(folder: Path) -> None:
    rows = [
        *(f"a.mp4\t25\theel_strike\t{frame}\t\t1\t\n" for frame in (50, 25, 75)),
        "a.mp4\t25\ttake_off\t90\t\t1\t\n",
        "a.mp4\t25\tjump_landing\t100\t\t0\t\n",
    ]
    (folder / "labels.tsv").write_text(_HEAD + "".join(rows))


def step(time_s: float, foot: Foot = "left") -> Contact:
    return Contact(
        person=0,
        time_s=time_s,
        toe_off_s=None,
        foot=foot,
        part="heel",
        strength=1.0,
        fall_speed=0.0,
        confidence=1.0,
        found_by="test",
    )


def test_the_person_who_agrees_is_meant(tmp_path: Path) -> None:
    labels(tmp_path)
    labelled = read_labels(tmp_path)
    walker = [step(1.02), step(1.5), step(2.05), step(3.5), step(4.0)]
    jumper = [step(4.01), step(4.03, "right")]
    found, jump = agreements(labelled, "d", [[step(2.5)], walker, jumper])
    assert [label.time_s for label in found.labelled.labels] == [1.0, 2.0, 3.0]
    # A frame of 40 ms and a half: 60 ms; the third label has nothing near it.
    assert found.within == 2 and found.extra == 1
    assert found.error_s[:2] == pytest.approx((0.02, 0.05))
    # The walker is taken, though a step of theirs is nearer to the landing.
    assert jump.within == 1 and jump.extra == 0 and jump.error_s == pytest.approx((0.01,))
    (line,) = tables([found])[2:]
    assert "| 3 | 2 | 1 | 35.0 | +35.0 | +0.5 +1.2 missed |" in line


def test_nobody_found_misses_all(tmp_path: Path) -> None:
    labels(tmp_path)
    for one in agreements(read_labels(tmp_path), "d", []):
        assert one.within == 0 and len(one.error_s) == len(one.labelled.labels)


def test_a_table_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "labels.tsv").write_text("file\tframe\na.mp4\t3\n")
    with pytest.raises(InputError, match="fps, event, tol_frames"):
        read_labels(tmp_path)
