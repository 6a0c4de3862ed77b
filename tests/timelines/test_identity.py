"""A clip's id: what it survives and what it tells apart."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from fractions import Fraction

from otio_foley.timelines.identity import base_name, clip_id, with_ids
from otio_foley.types import Clip, Span, TimeMap


def clip(name: str, start_s: int, source_s: Fraction, path: str | None = "/a/M.mov") -> Clip:
    return Clip(
        clip_id="",
        name=name,
        reel=None,
        media_path=path,
        media_start_s=Fraction(0),
        source_rate=Fraction(25),
        record=Span(start_s=Fraction(start_s), duration_s=Fraction(2)),
        time_map=TimeMap(points=((Fraction(0), source_s), (Fraction(2), source_s + 2))),
        layer=1,
        enabled=True,
    )


def test_id_is_the_hash_of_what_is_shown() -> None:
    expected = hashlib.sha1(b"m.mov\x0010500\x002000\x000").hexdigest()[:12]
    assert clip_id("/a/M.mov", Fraction(21, 2), Fraction(2), 0) == expected
    assert clip_id("C:\\x\\m.MOV", Fraction(105004, 10000), Fraction(2), 0) == expected


def test_id_survives_rename_move_and_another_folder() -> None:
    first = with_ids([clip("a", 0, Fraction(5))])[0]
    moved = with_ids([clip("b", 7, Fraction(5), "D:/b/m.mov"), clip("c", 0, Fraction(9))])[1]
    assert moved.clip_id == first.clip_id


def test_equal_clips_are_counted_in_record_order() -> None:
    late, early = clip("late", 4, Fraction(5)), clip("early", 0, Fraction(5))
    named = with_ids([late, early])
    assert [c.name for c in named] == ["early", "late"]
    assert [c.clip_id for c in named] == [
        clip_id("m.mov", Fraction(5), Fraction(2), number) for number in (0, 1)
    ]
    assert len({c.clip_id for c in with_ids([replace(late, layer=2), late])}) == 2


def test_medium_without_a_path_goes_by_reel_then_name() -> None:
    unnamed = clip("shot", 0, Fraction(5), None)
    assert with_ids([unnamed])[0].clip_id == clip_id("SHOT", Fraction(5), Fraction(2), 0)
    reel = replace(unnamed, reel="A001")
    assert with_ids([reel])[0].clip_id == clip_id("a001", Fraction(5), Fraction(2), 0)


def test_base_name() -> None:
    assert base_name("//server/share/x.mov") == "x.mov"
    assert base_name("x.mov") == "x.mov"
    assert base_name("/") == "/"
