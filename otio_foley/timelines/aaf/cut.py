"""An AAF as a document: the composition with picture is read and written to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aaf2 import components, mobs
from aaf2.mobslots import TimelineMobSlot

from otio_foley.errors import InputError, ParseError
from otio_foley.time import knows_drop_frame, nominal_rate, seconds_from_frames
from otio_foley.timelines.aaf.canonical import canonical
from otio_foley.timelines.aaf.container import edited, opened, sealed, unsealed
from otio_foley.timelines.aaf.media import first_timecode, origin_s, rate_of
from otio_foley.timelines.aaf.read import CompositionReader, picture_slots
from otio_foley.timelines.aaf.remove import events_of, holds_ours, is_ours, remove_ours
from otio_foley.timelines.aaf.write import insert
from otio_foley.timelines.content import Part
from otio_foley.timelines.dialect import GENERIC, Dialect, Sidecar
from otio_foley.timelines.document import Document, Stripped
from otio_foley.timelines.identity import with_ids
from otio_foley.types import Clip, Marker, Skipped, StemClip, Timeline

#: A compound file with 512-byte sectors ends here; essence inside makes AAFs large.
_MAX_BYTES = 2 * 1024**3

#: Of sound in samples without a timecode track, which states none.
_USUAL_RATE = Fraction(25)


@dataclass(frozen=True, kw_only=True, eq=False)
class AafDocument:
    """A cut held as AAF: its bytes, and what pyaaf2 makes of them when first asked."""

    raw: bytes

    @property
    def format_name(self) -> str:
        return "aaf"

    @property
    def media_folder(self) -> Path | None:
        return None

    @cached_property
    def _timeline(self) -> Timeline:
        with opened(self.raw) as file:
            return _read(file)

    def timeline(self) -> Timeline:
        return self._timeline

    def content(self) -> Part:
        with opened(self.raw) as file:
            return canonical(file)

    def with_frame_rate(self, frame_rate: Fraction) -> AafDocument:
        return self

    def add(self, stems: Sequence[StemClip], dialect: Dialect = GENERIC) -> AafDocument:
        """Raises OutputError for stems that overlap on a track."""
        base, _, removed = self._without_ours()
        if not removed:
            base = self
        if not stems:
            return base
        timeline = base.timeline()

        def edit(file: Any) -> None:
            insert(file, chosen(file), timeline, stems)

        changed, _ = edited(base.raw, edit)
        return replace(base, raw=sealed(base.raw, changed))

    def sidecars(self, stems: Sequence[StemClip], dialect: Dialect) -> tuple[Sidecar, ...]:
        return ()

    def strip(self) -> Stripped:
        document, exact, removed = self._without_ours()
        return Stripped(document=document, exact=exact, removed=removed)

    def _without_ours(self) -> tuple[AafDocument, bool, int]:
        original = unsealed(self.raw)
        if original is not None:
            return replace(self, raw=original), True, 1
        with opened(self.raw) as file:
            if not holds_ours(file):
                return self, False, 0
        changed, removed = edited(self.raw, remove_ours)
        return replace(self, raw=changed), False, removed

    def is_identical(self, other: Document) -> bool:
        """By bytes; what was stripped by its undo record is proven so."""
        return isinstance(other, AafDocument) and self.raw == other.raw

    def mentions(self, file_name: str) -> bool:
        spellings = (name.encode("utf-16-le") for name in (file_name, quote(file_name)))
        return any(spelling in self.raw for spelling in spellings)

    def save(self, path: Path) -> None:
        path.write_bytes(self.raw)


def open_aaf(path: Path, frame_rate: Fraction | None = None) -> AafDocument:
    """Read an AAF; it states its frame rate, so `frame_rate` does not count.

    Raises InputError, or ParseError where it is damaged or holds no composition.
    """
    size = path.stat().st_size
    if size > _MAX_BYTES:
        raise InputError(
            f"{path} is too large ({size} bytes)", hint="export it with linked media, not embedded"
        )
    document = AafDocument(raw=path.read_bytes())
    document.timeline()
    return document


def chosen(file: Any) -> Any:
    """The composition that is worked on: the first with picture, else the first.

    Raises ParseError where there is none.
    """
    found = _compositions(file)
    if not found:
        raise ParseError(
            "this AAF holds no sequence", hint="export the sequence, not clips from a bin"
        )
    return next((one for one in found if any(picture_slots(one))), found[0])


def _compositions(file: Any) -> list[Any]:
    """Those at the top level; where none says so, those that no other uses."""
    every = [mob for mob in file.content.mobs if isinstance(mob, mobs.CompositionMob)]
    every.sort(key=lambda mob: (mob.name or "", str(mob.mob_id)))
    top = [mob for mob in every if mob.getvalue("UsageCode") == "Usage_TopLevel"]
    if top:
        return top
    lower = ("Usage_LowerLevel", "Usage_SubClip", "Usage_AdjustedClip", "Usage_Template")
    unmarked = [mob for mob in every if mob.getvalue("UsageCode") not in lower]
    used = {
        item.mob_id
        for mob in every
        for item, _ in mob.walk_references()
        if isinstance(item, components.SourceClip)
    }
    return [mob for mob in unmarked if mob.mob_id not in used] or unmarked


def _read(file: Any) -> Timeline:
    composition = chosen(file)
    clock = _clock(composition)
    reader = CompositionReader()
    reader.read(composition)
    if reader.failures and not reader.clips:
        reasons = "; ".join(f"{one.name}: {one.reason}" for one in reader.skipped[:3])
        raise ParseError(
            f"no picture clip of {composition.name!r} can be understood ({reasons})",
            hint="export it again with its master clips, or report the file",
        )
    clips: tuple[Clip, ...] = with_ids(reader.clips)
    others = [
        Skipped(clip_id="", name=one.name or "", reason="another sequence: only one is worked on")
        for one in _compositions(file)
        if one.mob_id != composition.mob_id
    ]
    return Timeline(
        name=composition.name or "",
        frame_rate=clock.rate,
        frame_rate_assumed=clock.is_assumed,
        drop_frame=clock.drop_frame,
        start_s=clock.start_s,
        clips=clips,
        markers=tuple(sorted(_markers(composition), key=lambda marker: marker.record_s)),
        skipped=(*reader.skipped, *others),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Clock:
    rate: Fraction
    is_assumed: bool = False
    drop_frame: bool = False
    start_s: Fraction = Fraction(0)


def _clock(composition: Any) -> _Clock:
    """The picture's edit rate, and the first timecode track that counts at it."""
    slots = [slot for slot in composition.slots if isinstance(slot, TimelineMobSlot)]
    timecodes = [(slot, first_timecode(slot.segment)) for slot in slots]
    clocks = [(slot, timecode) for slot, timecode in timecodes if timecode is not None]
    clocks.sort(key=lambda pair: pair[0].getvalue("PhysicalTrackNumber", 0) or 0)
    rated = [*picture_slots(composition), *(slot for slot, _ in clocks), *slots]
    if not rated:
        raise ParseError(f"composition {composition.name!r} has no tracks")
    rate = rate_of(rated[0])
    if not 1 <= rate <= 1000:  # sound alone, in samples
        if not clocks:
            return _Clock(rate=_USUAL_RATE, is_assumed=True)
        rate = rate_of(clocks[0][0])
    if not 1 <= rate <= 1000:
        raise ParseError(f"the edit rate {rate} is no frame rate")
    for slot, timecode in clocks:
        if timecode.fps == nominal_rate(rate):
            return _Clock(
                rate=rate,
                drop_frame=bool(timecode.drop) and knows_drop_frame(rate),
                start_s=seconds_from_frames(timecode.start, rate) + origin_s(slot),
            )
    return _Clock(rate=rate)


def _markers(composition: Any) -> list[Marker]:
    found = []
    for slot in composition.slots:
        for event in events_of(slot):
            rate, position = rate_of(slot), event.getvalue("Position")
            if position is None or rate <= 0 or is_ours(event):
                continue
            text = event.getvalue("Comment") or ""
            found.append(Marker(record_s=Fraction(position) / rate, name=text))
    return found
