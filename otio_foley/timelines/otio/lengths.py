"""How long the items of a composition last in it, and which range of its own each of them shows."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TypeAlias

from otio_foley.timelines.otio.jsonspans import Value
from otio_foley.timelines.otio.values import Range, active_reference, range_of, schema_of, stated

#: Seconds in the parent for each item below some composition; None where that cannot be read.
Lengths: TypeAlias = Mapping[Value, Fraction | None]


def children(value: Value, key: str = "children") -> list[Value]:
    held = value.get(key)
    if held is None or held.kind != "array":
        return []
    return [item for item in held.items if item.kind == "object"]


def lengths_below(top: Value) -> Lengths:
    order = [top]
    for item in order:  # grows while it is walked; an item always comes behind its parent
        order += children(item)
    lengths: dict[Value, Fraction | None] = {}
    for item in reversed(order):
        lengths[item] = _length(item, lengths)
    return lengths


def _length(item: Value, lengths: Lengths) -> Fraction | None:
    schema = schema_of(item)
    if schema == "Transition":
        return Fraction(0)
    if schema == "Clip" or stated(item.get("source_range")):
        written = written_range(item)
        return written.duration_s if written is not None else None
    return content_length(item, lengths) if schema in ("Stack", "Track", "Sequence") else None


def written_range(item: Value) -> Range | None:
    """An item's source range, else all of a clip's medium; None where it cannot be read."""
    written = item.get("source_range")
    if stated(written):
        return range_of(written)
    reference = active_reference(item)
    return range_of(reference.get("available_range")) if reference is not None else None


def content_length(composition: Value, lengths: Lengths) -> Fraction | None:
    """How long a composition lasts untrimmed; None where one of its items has no length."""
    held = [lengths[child] for child in children(composition)]
    known = [length for length in held if length is not None]
    if len(known) != len(held):
        return None
    if schema_of(composition) == "Stack":
        return max(known, default=Fraction(0))
    return sum(known, Fraction(0))
