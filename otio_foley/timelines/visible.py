"""What of each picture clip is seen: of several layers at a time, the topmost."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import pairwise

from otio_foley.types import Clip, Span

#: [start, end) in record seconds.
_Range = tuple[Fraction, Fraction]


def visible_spans(clips: Sequence[Clip]) -> tuple[tuple[Span, ...], ...]:
    """For each clip the stretches of the record in which no enabled clip of a higher layer lies.

    A clip is taken to fill the frame: a picture in picture or a mask is not known here. Clips that
    overlap on one layer (transitions) are both seen. A disabled clip is seen nowhere.
    """
    by_layer: dict[int, list[int]] = defaultdict(list)
    for number, clip in enumerate(clips):
        if clip.enabled:
            by_layer[clip.layer].append(number)
    seen: list[tuple[Span, ...]] = [()] * len(clips)
    covered: list[_Range] = []
    for layer in sorted(by_layer, reverse=True):
        for number in by_layer[layer]:
            seen[number] = tuple(_uncovered(clips[number].record, covered))
        own = [(clips[n].record.start_s, clips[n].record.end_s) for n in by_layer[layer]]
        covered = _merged([*covered, *own])
    return tuple(seen)


def seen_once(
    clips: Sequence[Clip], seen: Sequence[tuple[Span, ...]]
) -> tuple[tuple[Span, ...], ...]:
    """Visible spans of which no two overlap: in a transition the middle is where one picture goes
    over into the other. For a picture that holds the whole cut, where each step is seen once."""
    layers: dict[int, list[int]] = defaultdict(list)
    for number, clip in enumerate(clips):
        if clip.enabled:
            layers[clip.layer].append(number)
    limits = {
        number: (clips[number].record.start_s, clips[number].record.end_s)
        for numbers in layers.values()
        for number in numbers
    }
    for numbers in layers.values():
        numbers.sort(key=lambda number: limits[number])
        for before, after in pairwise(numbers):
            (start, end), (next_start, next_end) = limits[before], limits[after]
            if next_start < end:
                middle = (next_start + min(end, next_end)) / 2
                limits[before], limits[after] = (start, middle), (middle, next_end)
    return tuple(
        tuple(_clipped(spans, *limits[number])) if number in limits else ()
        for number, spans in enumerate(seen)
    )


def _clipped(spans: Iterable[Span], low: Fraction, high: Fraction) -> Iterable[Span]:
    for span in spans:
        start, end = max(low, span.start_s), min(high, span.end_s)
        if start < end:
            yield Span(start_s=start, duration_s=end - start)


def _uncovered(record: Span, covered: Sequence[_Range]) -> Iterable[Span]:
    """A record range without what is covered (disjoint, in order)."""
    at = record.start_s
    first = max(0, bisect_right(covered, at, key=lambda span: span[0]) - 1)
    last = bisect_left(covered, record.end_s, key=lambda span: span[0])
    for start, end in covered[first:last]:
        if end <= at:
            continue
        if start > at:
            yield Span(start_s=at, duration_s=start - at)
        at = end
    if at < record.end_s:
        yield Span(start_s=at, duration_s=record.end_s - at)


def _merged(ranges: Iterable[_Range]) -> list[_Range]:
    merged: list[_Range] = []
    for start, end in sorted(ranges):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
