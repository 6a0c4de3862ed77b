"""Ours in an AAF: marked under our namespace, found by it, and taken out."""

from __future__ import annotations

from typing import Any

from aaf2 import components, mobs
from aaf2.mobslots import EventMobSlot, TimelineMobSlot

from otio_foley.timelines.document import NAMESPACE


def is_ours(item: Any) -> bool:
    """Whether a mob or an event bears our mark in its user comments."""
    if "UserComments" not in item:
        return False
    return any(str(tag.name or "").startswith(NAMESPACE) for tag in item["UserComments"].value)


def holds_ours(file: Any) -> bool:
    return any(is_ours(mob) for mob in file.content.mobs)


def remove_ours(file: Any) -> int:
    """Take out our mobs, what lies of them on tracks, our tracks left empty, our markers and our
    definitions. Returns how many places that were."""
    own = {mob.mob_id for mob in file.content.mobs if is_ours(mob)}
    removed = 0
    for mob in list(file.content.mobs):
        if isinstance(mob, mobs.CompositionMob):
            removed += _clean(mob, own)
    for mob_id in own:
        _pop(file.content.mobs, mob_id)
    _remove_definitions(file)
    return removed + len(own)


def _clean(composition: Any, own: set[Any]) -> int:
    removed = 0
    for slot in list(composition.slots):
        if isinstance(slot, TimelineMobSlot):
            found = _empty_out(slot.segment, own)
            if found and _is_empty(slot.segment):
                _drop(composition.slots, slot)
        elif isinstance(slot, EventMobSlot):
            found = _take_events(slot.segment)
            if found and not list(slot.segment.components):
                _drop(composition.slots, slot)
        else:
            found = 0
        removed += found
    return removed


def _empty_out(segment: Any, own: set[Any]) -> int:
    """Put fillers where our clips lie; how many there were."""
    if not isinstance(segment, components.Sequence):
        return 0
    count = 0
    for index, part in enumerate(list(segment.components)):
        source = _source_of(part)
        if source is not None and source.mob_id in own:
            filler = segment.root.create.Filler(segment.media_kind, part.length)
            _pop(segment.components, index)
            segment.components.insert(index, filler)
            count += 1
    return count


def _source_of(part: Any) -> Any:
    """The source clip that a component is, or that a gain lies around."""
    while isinstance(part, components.OperationGroup):
        part = next(iter(part.segments), None)
    return part if isinstance(part, components.SourceClip) else None


def _is_empty(sequence: Any) -> bool:
    return all(isinstance(part, components.Filler) for part in sequence.components)


def _take_events(segment: Any) -> int:
    if not isinstance(segment, components.Sequence):
        return 0
    ours = [n for n, event in enumerate(segment.components) if is_ours(event)]
    for index in reversed(ours):
        _pop(segment.components, index)
    return len(ours)


def _drop(slots: Any, gone: Any) -> None:
    index = next(n for n, slot in enumerate(slots) if slot.slot_id == gone.slot_id)
    _pop(slots, index)


def _pop(references: Any, key: Any) -> None:
    """Take an object out of its owner and its storage out of the file."""
    gone = references[key]
    storage = gone.dir
    references.pop(key)
    gone.root.cfb.rmtree(storage)


def _remove_definitions(file: Any) -> None:
    """Operations that we defined, unless someone uses them by now; then their parameters."""
    used = {
        item.operation.auid
        for mob in file.content.mobs
        for item, _ in mob.walk_references()
        if isinstance(item, components.OperationGroup)
    }
    for name in (
        *("OperationDefinitions", "ParameterDefinitions", "InterpolationDefinitions"),
        "DataDefinitions",
    ):
        if name not in file.dictionary:
            continue
        definitions = file.dictionary[name]
        for key, one in list(definitions.items()):
            if one.getvalue("Description") == NAMESPACE and one.auid not in used:
                _pop(definitions, key)
