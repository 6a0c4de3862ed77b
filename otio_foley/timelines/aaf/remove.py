"""Ours in an AAF: marked under our namespace, found by it, and taken out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from aaf2 import components, mobs, properties
from aaf2.misc import Parameter
from aaf2.mobslots import EventMobSlot

from otio_foley.errors import NotReversible
from otio_foley.timelines.aaf.write import GAIN
from otio_foley.timelines.document import NAMESPACE

_OUR_TRACK = re.compile(r"FS \d+")
_DEFINITIONS = (
    *("OperationDefinitions", "ParameterDefinitions", "InterpolationDefinitions"),
    "DataDefinitions",
)


def is_ours(item: Any) -> bool:
    """Whether a mob or an event bears our mark in its user comments."""
    if "UserComments" not in item:
        return False
    return any(str(tag.name or "").startswith(NAMESPACE) for tag in item["UserComments"].value)


def events_of(slot: Any) -> list[Any]:
    """The events of a mob's slot; none where it holds something else."""
    if not isinstance(slot, EventMobSlot):
        return []
    segment = slot.segment
    if isinstance(segment, components.Sequence):
        return list(segment.components)
    return [] if segment is None else [segment]


def holds_ours(file: Any) -> bool:
    """Whether a mob or a marker is ours; a program may keep the mark on one of them only."""
    events = (
        event
        for mob in file.content.mobs
        if isinstance(mob, mobs.CompositionMob)
        for slot in mob.slots
        for event in events_of(slot)
    )
    return any(is_ours(mob) for mob in file.content.mobs) or any(is_ours(one) for one in events)


def remove_ours(file: Any) -> int:
    """Take out our mobs, what lies of them on tracks, our tracks left empty, our markers and our
    definitions. Returns how many places that were.

    Raises NotReversible where something that is not ours still shows our clips.
    """
    own = {mob.mob_id for mob in file.content.mobs if is_ours(mob)}
    others = [mob for mob in file.content.mobs if mob.mob_id not in own]
    removed = sum(_clean(mob, own) for mob in others if isinstance(mob, mobs.CompositionMob))
    for mob in others:
        if any(_refers_to(item, own) for item, _ in mob.walk_references()):
            raise NotReversible(
                f"{mob.name or mob.mob_id} uses a sound of otio-foley where it cannot be taken out",
                hint="the file was changed by another program; remove the FS clips there",
            )
    for mob_id in own:
        _pop(file.content.mobs, mob_id)
    _remove_definitions(file)
    return removed + len(own)


def _refers_to(item: Any, own: set[Any]) -> bool:
    return isinstance(item, components.SourceReference) and item.mob_id in own


def _clean(composition: Any, own: set[Any]) -> int:
    removed = 0
    for slot in list(composition.slots):
        if isinstance(slot, EventMobSlot):
            found = _take_events(slot)
            emptied = not events_of(slot)
        else:
            found = _empty_out(slot, own)
            # Anyone's track may have held nothing but a copy of ours: theirs stays.
            emptied = bool(_OUR_TRACK.fullmatch(slot.name or "")) and _is_silent(slot.segment)
        if found and emptied:
            _drop(composition.slots, slot)
        removed += found
    return removed


def _empty_out(owner: Any, own: set[Any]) -> int:
    """Put fillers where our clips lie in an object, however deep; how many there were."""
    count = 0
    for held in list(owner.properties()):
        if isinstance(held, properties.StrongRefProperty):
            inner = held.value
            if _is_our_clip(inner, own) and _takes_filler(held.typedef.ref_classdef, inner):
                _replace(held, _filler(inner))
                count += 1
            elif inner is not None:
                count += _empty_out(inner, own)
        elif isinstance(held, properties.StrongRefVectorProperty):
            for index, inner in enumerate(list(held.value)):
                if _is_our_clip(inner, own) and _takes_filler(held.ref_classdef, inner):
                    filler = _filler(inner)
                    _pop(held, index)
                    held.insert(index, filler)
                    count += 1
                else:
                    count += _empty_out(inner, own)
    return count


def _is_our_clip(part: Any, own: set[Any]) -> bool:
    """Our clip, alone or within the gain that rides its level; other effects are an editor's."""
    while isinstance(part, components.OperationGroup) and part.operation.auid == GAIN:
        part = next(iter(part.segments), None)
    return isinstance(part, components.SourceClip) and part.mob_id in own


def _takes_filler(wanted: Any, part: Any) -> bool:
    """A rendering, for one, has to be a source clip."""
    return bool(wanted.isinstance(part.root.metadict.lookup_classdef("Filler")))


def _filler(part: Any) -> Any:
    return part.root.create.Filler(part.media_kind, part.length)


def _is_silent(segment: Any) -> bool:
    parts = segment.components if isinstance(segment, components.Sequence) else [segment]
    return all(isinstance(part, components.Filler) for part in parts)


def _take_events(slot: Any) -> int:
    ours = [n for n, event in enumerate(events_of(slot)) if is_ours(event)]
    if not isinstance(slot.segment, components.Sequence):
        return 0  # what we write lies in a sequence
    for index in reversed(ours):
        _pop(slot.segment.components, index)
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


def _replace(reference: Any, new: Any) -> None:
    """Put another object into a property, and the storage of the earlier one out of the file."""
    gone = reference.value
    storage = gone.dir
    gone.detach()
    reference.object = None
    gone.root.cfb.rmtree(storage)
    reference.value = new


def _remove_definitions(file: Any) -> None:
    """What we defined; all of it stays where any of it is used by now, for they need each other."""
    ours = [
        (file.dictionary[name], key, one)
        for name in _DEFINITIONS
        if name in file.dictionary
        for key, one in file.dictionary[name].items()
        if one.getvalue("Description") == NAMESPACE
    ]
    identities = {one.auid for _, _, one in ours}
    for item, _ in file.header.walk_references():
        if item.getvalue("Description") == NAMESPACE:
            continue
        if not identities.isdisjoint(_definitions_of(item)):
            return
    for definitions, key, _ in ours:
        _pop(definitions, key)


def _definitions_of(item: Any) -> Iterator[Any]:
    for held in item.properties():
        if isinstance(held, properties.WeakRefProperty):
            yield held.ref
        elif isinstance(held, properties.WeakRefArrayProperty):
            yield from held.references
    if isinstance(item, Parameter):
        yield item.auid
