"""What a source clip shows: the chain of mobs behind it, down to a file and a timecode."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from aaf2 import components, essence, mobs

from otio_foley.errors import ParseError
from otio_foley.time import rate_from_float, seconds_from_frames
from otio_foley.timelines.paths import media_path_from

_LONGEST_CHAIN = 40

#: Pulldowns in which a second of the input stays a second.
_KEEP_SPEED = frozenset({"TwoThreePD", "PALPD", "TwentyFourToSixtyPD", "TwoToOnePD"})


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """A source clip, how far behind the first of the segment it begins, and what it counts at."""

    clip: Any
    at_s: Fraction
    rate: Fraction


def _chain(mob: Any, slot_id: int) -> Iterator[_Link]:
    at_s = Fraction(0)
    seen: set[Any] = set()
    while mob is not None and mob.mob_id not in seen and len(seen) < _LONGEST_CHAIN:
        seen.add(mob.mob_id)
        slot = slot_of(mob, slot_id)
        yield _Link(mob=mob, slot=slot, at_s=at_s)
        source = None if slot is None else _first_source(slot.segment, rate_of(slot))
        if source is None:
            return
        clip = source.clip
        at_s += origin_s(slot) - source.at_s + Fraction(clip.start) / source.rate
        mob, slot_id = clip.mob, clip.slot_id


def _first_source(segment: Any, rate: Fraction) -> _Source | None:
    """The first source clip in a segment that names a mob, through groups and effects."""
    if isinstance(segment, components.SourceClip):
        named = segment.mob_id is not None and segment.mob_id.int
        return _Source(clip=segment, at_s=Fraction(0), rate=rate) if named else None
    if isinstance(segment, components.Pulldown):
        source = _first_source(segment["InputSegment"].value, Fraction(1))
        inner_rate = _input_rate(segment, source)
        if source is None or inner_rate is None:
            return None
        return replace(source, at_s=source.at_s * source.rate / inner_rate, rate=inner_rate)
    at_s = Fraction(0)
    for part in _within(segment):
        if isinstance(part, components.Transition):
            at_s -= length_of(part) / rate
            continue
        source = _first_source(part, rate)
        if source is not None:
            return replace(source, at_s=source.at_s + at_s)
        if isinstance(segment, components.Sequence):  # elsewhere the parts begin together
            at_s += length_of(part) / rate
    return None


def input_rate(pulldown: Any) -> Fraction | None:
    """What a pulldown's input counts at: the rate of the slot that it refers to.

    None where that is not in the file, and for pulldowns that show picture for picture at another
    rate and so change the speed.
    """
    return _input_rate(pulldown, _first_source(pulldown["InputSegment"].value, Fraction(1)))


def _input_rate(pulldown: Any, source: _Source | None) -> Fraction | None:
    kind = str(pulldown.getvalue("PulldownKind")).removeprefix("k")
    slot = None if source is None else slot_of(source.clip.mob, source.clip.slot_id)
    return rate_of(slot) if slot is not None and kind in _KEEP_SPEED else None


def name_of(segment: Any) -> str:
    """The name of the first medium that a segment shows; empty where it shows none."""
    source = _first_source(segment, Fraction(1))
    mob = None if source is None else source.clip.mob
    return "" if mob is None else mob.name or ""


def slot_of(mob: Any, slot_id: int) -> Any:
    """None where the mob or the slot is not there."""
    slots = () if mob is None else mob.slots
    return next((one for one in slots if one.slot_id == slot_id), None)


def origin_s(slot: Any) -> Fraction:
    """Where in its segment a slot has its zero, to which clips and timecode refer."""
    origin = slot.getvalue("Origin", 0) or 0
    return Fraction(origin) / rate_of(slot) if origin else Fraction(0)


def length_of(component: Any) -> int:
    return int(component.getvalue("Length", 0) or 0)


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
            start_s = seconds_from_frames(timecode.start, rate_of(slot))
            return start_s + origin_s(slot) + link.at_s
    return None


def first_timecode(segment: Any) -> Any:
    """A timecode segment, or the first in a sequence of them; None if it is something else."""
    if isinstance(segment, components.Sequence):
        segment = next(iter(segment.components), None)
    return segment if isinstance(segment, components.Timecode) else None
