"""CMX3600 edit decision lists (`.edl`): picture clips out of the events, footstep events behind.

A list is read as line records and only ever added to at its end. It does not state a frame rate;
see `edl/rate.py` for how one is found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from otio_foley.timelines.content import Part
from otio_foley.timelines.dialect import Dialect, Sidecar
from otio_foley.timelines.document import Patch
from otio_foley.timelines.edl.canonical import canonical
from otio_foley.timelines.edl.lines import read_list
from otio_foley.timelines.edl.markers import resolve_markers
from otio_foley.timelines.edl.rate import Clock
from otio_foley.timelines.edl.read import read_timeline
from otio_foley.timelines.edl.records import List
from otio_foley.timelines.edl.write import (
    insertion_patch,
    removal_patches,
    separate_list,
)
from otio_foley.types import StemClip, Timeline


@dataclass(frozen=True, slots=True, kw_only=True)
class EdlText:
    """A parsed list: its bytes, lines, clock and cut."""

    raw: bytes = field(repr=False)
    found: List = field(repr=False)
    clock: Clock
    timeline: Timeline

    @property
    def encoding(self) -> str:
        return self.found.encoding

    def insertion(self, stems: Sequence[StemClip], dialect: Dialect) -> tuple[Patch, ...]:
        """One patch that adds an event for each footstep clip at the end of the list.

        Raises OutputError where clips overlap on a track.
        """
        if not stems or dialect.separate:
            return ()
        start_s = self.timeline.start_s
        return (insertion_patch(self.found, self.clock, start_s, stems, self.raw),)

    def sidecars(self, stems: Sequence[StemClip], dialect: Dialect) -> tuple[Sidecar, ...]:
        """A list for each footstep track where they are wanted apart, and for Resolve one of the
        markers."""
        tracks = sorted({stem.track for stem in stems}) if dialect.separate else []
        found = [self._list_of(track, stems) for track in tracks]
        if dialect.host == "resolve" and any(stem.markers for stem in stems):
            found.append(resolve_markers(self.timeline, stems))
        return tuple(found)

    def _list_of(self, track: int, stems: Sequence[StemClip]) -> Sidecar:
        own = [stem for stem in stems if stem.track == track]
        content = separate_list(self.found, self.clock, self.timeline.start_s, own)
        return Sidecar(
            suffix=f"_FS{track}.edl", content=content, holds=f"the footsteps of track FS {track}"
        )

    def removal(self) -> tuple[Patch, ...]:
        """Patches that take out our events and comments, found by our mark."""
        return removal_patches(self.found)

    def content(self) -> Part:
        return canonical(self.found)


def parse(raw: bytes, frame_rate: Fraction | None = None) -> EdlText:
    """Read a list; `frame_rate` is the cut's, None where it is not known.

    Raises ParseError, with the line where there is one: no event, or a timecode that the rate does
    not have.
    """
    found = read_list(raw)
    timeline, clock = read_timeline(found, frame_rate)
    return EdlText(raw=raw, found=found, clock=clock, timeline=timeline)
