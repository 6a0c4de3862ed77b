from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import otio_foley
from otio_foley.config import Settings
from otio_foley.errors import InputError, MediaUnreadable
from otio_foley.jobs import Stretch, look_at_all
from otio_foley.media.picture import probe
from otio_foley.resources import bundled


def stretch(name: str, length_s: float = 0.5) -> Stretch:
    movie = probe(bundled("samples") / "demo" / name)
    return Stretch(movie=movie, start_s=0.0, end_s=length_s, floors=False)


class Deadly(Settings):
    """Settings that end whatever process receives them."""

    def __reduce__(self) -> tuple[object, tuple[int]]:  # type: ignore[override]
        return os._exit, (1,)


def test_processes_give_what_was_asked_in_order_and_errors_among_it(tmp_path: Path) -> None:
    shutil.copy(bundled("samples") / "demo" / "run.mov", tmp_path / "gone.mov")
    gone = replace(stretch("run.mov"), movie=probe(tmp_path / "gone.mov"))
    (tmp_path / "gone.mov").write_bytes(b"no movie any more")
    asked = [stretch("walk.mov", 0.8), gone, stretch("empty.mov", 0.3)]
    told: list[tuple[int, float]] = []
    seen = list(look_at_all(asked, Settings(), jobs=2, looking=lambda n, of: told.append((n, of))))
    assert told == [(0, 1.0), (1, 1.0), (2, 1.0)]
    assert isinstance(seen[1], MediaUnreadable)
    assert "gone.mov" in str(seen[1])
    alone = list(look_at_all(asked, Settings(), jobs=1, looking=lambda n, of: None))
    assert str(alone[1]) == str(seen[1])
    for one, other in zip(seen[::2], alone[::2], strict=True):
        assert not isinstance(one, Exception)
        assert not isinstance(other, Exception)
        assert (one.pictures, one.last_s, one.people) == (
            other.pictures,
            other.last_s,
            other.people,
        )
    assert seen[0].people == 1  # type: ignore[union-attr]
    assert seen[2].people == 0  # type: ignore[union-attr]


def test_one_process_looks_only_when_asked_to() -> None:
    told: list[int] = []
    asked = [stretch("empty.mov", 0.2), stretch("empty.mov", 0.2)]
    looked = look_at_all(asked, Settings(), jobs=1, looking=lambda n, of: told.append(n))
    assert told == []
    next(looked)
    assert set(told) == {0}


def test_a_process_that_dies_is_named_with_what_to_do() -> None:
    asked = [stretch("empty.mov"), stretch("empty.mov")]
    with pytest.raises(InputError, match=r"process died that looked at .*empty\.mov") as raised:
        list(look_at_all(asked, Deadly(), jobs=2, looking=lambda n, of: None))
    assert "--jobs" in raised.value.hint


def test_the_result_is_the_same_whatever_the_jobs(tmp_path: Path) -> None:
    for name in ("one", "two"):
        shutil.copytree(bundled("samples") / "demo", tmp_path / name)
    one = otio_foley.run(tmp_path / "one" / "demo.edl")
    two = otio_foley.run(tmp_path / "two" / "demo.edl", jobs=2)
    assert [clip.steps for clip in one.clips] == [clip.steps for clip in two.clips]
    assert len(one.stems) == len(two.stems) > 0
    for stem, other in zip(one.stems, two.stems, strict=True):
        assert stem.path.name == other.path.name
        assert stem.path.read_bytes() == other.path.read_bytes()
