"""Which picture is on top when."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from otio_foley.timelines.visible import seen_once, visible_spans
from otio_foley.types import Clip, Span, TimeMap


def clip(start: int, end: int, layer: int = 1, *, enabled: bool = True) -> Clip:
    length_s = Fraction(end - start)
    return Clip(
        clip_id=f"{start}-{end}-{layer}",
        name="",
        reel=None,
        media_path=None,
        media_start_s=None,
        source_rate=None,
        record=Span(start_s=Fraction(start), duration_s=length_s),
        time_map=TimeMap(points=((Fraction(0), Fraction(0)), (length_s, length_s))),
        layer=layer,
        enabled=enabled,
    )


def ranges(spans: tuple[Span, ...]) -> list[tuple[Fraction, Fraction]]:
    return [(span.start_s, span.end_s) for span in spans]


def test_a_higher_clip_hides_what_lies_below() -> None:
    lower, upper = clip(0, 10), clip(4, 6, 2)
    assert [ranges(spans) for spans in visible_spans([lower, upper])] == [
        [(0, 4), (6, 10)],
        [(4, 6)],
    ]


def test_a_disabled_clip_hides_nothing_and_is_not_seen() -> None:
    lower, upper = clip(0, 10), clip(4, 6, 2, enabled=False)
    assert [ranges(spans) for spans in visible_spans([lower, upper])] == [[(0, 10)], []]


def test_a_clip_that_is_covered_by_several_is_not_seen() -> None:
    spans = visible_spans([clip(0, 10), clip(0, 6, 2), clip(5, 10, 3)])
    assert [ranges(one) for one in spans] == [[], [(0, 5)], [(5, 10)]]


def test_both_sides_of_a_transition_are_seen_but_in_one_picture_only_once() -> None:
    clips = [clip(0, 10), clip(8, 20)]
    seen = visible_spans(clips)
    assert [ranges(spans) for spans in seen] == [[(0, 10)], [(8, 20)]]
    assert [ranges(spans) for spans in seen_once(clips, seen)] == [[(0, 9)], [(9, 20)]]


cuts = st.lists(
    st.builds(
        lambda start, length, layer, enabled: clip(start, start + length, layer, enabled=enabled),
        st.integers(0, 20),
        st.integers(1, 10),
        st.integers(1, 4),
        st.booleans(),
    ),
    max_size=8,
)


@given(cuts)
def test_visible_is_what_a_second_by_second_look_finds(clips: list[Clip]) -> None:
    seen = visible_spans(clips)
    for second in range(31):
        at = second + Fraction(1, 2)
        there = [c for c in clips if c.enabled and c.record.start_s <= at < c.record.end_s]
        top = max((c.layer for c in there), default=None)
        for one, spans in zip(clips, seen, strict=True):
            shown = any(span.start_s <= at < span.end_s for span in spans)
            assert shown == (one in there and one.layer == top)


@given(cuts)
def test_the_order_of_the_clips_does_not_count(clips: list[Clip]) -> None:
    clips = [replace(c, clip_id=str(number)) for number, c in enumerate(clips)]
    forwards = dict(zip([c.clip_id for c in clips], visible_spans(clips), strict=True))
    backwards = dict(zip([c.clip_id for c in clips[::-1]], visible_spans(clips[::-1]), strict=True))
    assert forwards == backwards
