"""What a source clip shows: the chain of mobs behind it, down to a file and a timecode."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from aaf2 import components, essence, mobs

from otio_foley.errors import ParseError
from otio_foley.time import rate_from_float, seconds_from_frames
from otio_foley.timelines.paths import media_path_from

_LONGEST_CHAIN = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Medium:
    """What is behind a master mob's slot.

    `path` is the file that was imported, else the one that holds the essence; `start_s` is what the
    source clock (tape or file timecode, else zero) reads where the slot has its zero.
    """

    name: str
    path: str | None
    reel: str | None
    start_s: Fraction | None
    rate: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class _Link:
    """A mob on the way down; the slot that the way began at has its zero at `at_s` in this one."""

    mob: Any
    slot: Any
    at_s: Fraction


def medium_of(mob: Any, slot_id: int) -> Medium:
    """Follow a mob's slot to its file and tape. What cannot be followed ends the chain."""
    chain = list(_chain(mob, slot_id))
    paths = {kind: path for link in reversed(chain) for kind, path in _paths(link.mob)}
    tapes = [link.mob for link in chain if _describes(link.mob, essence.TapeDescriptor)]
    clocks = [clock for link in chain if (clock := _timecode_s(link)) is not None]
    files = [link for link in chain if isinstance(link.mob, mobs.SourceMob)]
    rates = [rate_of(link.slot) for link in (files or chain) if link.slot is not None]
    return Medium(
        name=mob.name or "",
        path=paths.get("import") or paths.get("essence"),
        reel=tapes[-1].name if tapes else None,
        start_s=clocks[-1] if clocks else None,
        rate=rates[0] if rates else Fraction(0),
    )


def _chain(mob: Any, slot_id: int) -> Iterator[_Link]:
    at_s = Fraction(0)
    seen: set[Any] = set()
    while mob is not None and mob.mob_id not in seen and len(seen) < _LONGEST_CHAIN:
        seen.add(mob.mob_id)
        slot = next((one for one in mob.slots if one.slot_id == slot_id), None)
        yield _Link(mob=mob, slot=slot, at_s=at_s)
        clip = None if slot is None else first_source(slot.segment)
        if slot is None or clip is None or clip.mob is None:
            return
        at_s += Fraction(clip.start) / rate_of(slot)
        mob, slot_id = clip.mob, clip.slot_id


def first_source(segment: Any) -> Any:
    """The source clip that a segment begins with, through groups and effects; None if there is
    none."""
    for _ in range(_LONGEST_CHAIN):
        if isinstance(segment, components.SourceClip) or segment is None:
            return segment
        segment = next(iter(_within(segment)), None)
    return None


def rate_of(slot: Any) -> Fraction:
    """A slot's edit rate; 23976/1000 and its like are the NTSC rates that they round.

    Raises ParseError for what is no rate.
    """
    written = slot.edit_rate
    try:
        rate = Fraction(written.numerator, written.denominator)
        return rate_from_float(float(rate)) if rate.denominator not in (1, 1001) else rate
    except (ValueError, ZeroDivisionError) as error:
        raise ParseError(f"slot {slot.slot_id} has the edit rate {written}") from error


def _within(segment: Any) -> list[Any]:
    if isinstance(segment, components.Sequence):
        return list(segment.components)
    if isinstance(segment, components.OperationGroup):
        return list(segment.segments)
    if isinstance(segment, components.EssenceGroup):
        return list(segment["Choices"])
    if isinstance(segment, components.Selector):
        return [segment["Selected"].value]
    if isinstance(segment, components.Pulldown):
        return [segment["InputSegment"].value]
    return []


def _describes(mob: Any, kind: type) -> bool:
    return isinstance(mob, mobs.SourceMob) and isinstance(mob.descriptor, kind)


def _paths(mob: Any) -> Iterator[tuple[str, str]]:
    """(import or essence, path) of each locator of a mob."""
    if not isinstance(mob, mobs.SourceMob) or mob.descriptor is None:
        return
    kind = "import" if isinstance(mob.descriptor, essence.ImportDescriptor) else "essence"
    for locator in mob.descriptor.locator:
        url = locator.getvalue("URLString")
        path = media_path_from(url) if url else None
        if path:
            yield kind, path


def _timecode_s(link: _Link) -> Fraction | None:
    """What the mob's timecode reads where the chain's first slot has its zero."""
    if not isinstance(link.mob, mobs.SourceMob):
        return None
    for slot in link.mob.slots:
        timecode = first_timecode(slot.segment)
        if timecode is not None:
            return seconds_from_frames(timecode.start, rate_of(slot)) + link.at_s
    return None


def first_timecode(segment: Any) -> Any:
    """A timecode segment, or the first in a sequence of them; None if it is something else."""
    if isinstance(segment, components.Sequence):
        segment = next(iter(segment.components), None)
    return segment if isinstance(segment, components.Timecode) else None
