"""OpenTimelineIO (`.otio`): picture clips out of the JSON, footstep tracks into it.

The file is read as byte spans and patched; schema versions, key order and number spelling stay.
`opentimelineio` itself is not used: what it does not know it drops.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from otio_foley.errors import OutputError
from otio_foley.timelines.content import Part
from otio_foley.timelines.dialect import Dialect, Sidecar
from otio_foley.timelines.document import Patch
from otio_foley.timelines.edl.markers import resolve_markers
from otio_foley.timelines.otio.canonical import canonical
from otio_foley.timelines.otio.jsonspans import (
    Value,
    appended,
    parse_json,
    rendered,
    style_of,
    with_member,
)
from otio_foley.timelines.otio.read import (
    Found,
    find_timeline,
    read_timeline,
    speed_of,
    top_origin_s,
)
from otio_foley.timelines.otio.values import schema_of, stated
from otio_foley.timelines.otio.write import foley_tracks, removal_patches, shape_of
from otio_foley.types import StemClip, Timeline


@dataclass(frozen=True, slots=True, kw_only=True)
class OtioText:
    """A parsed OTIO file: its span tree, where in it the timeline stands, and what that says."""

    root: Value
    found: Found
    timeline: Timeline

    @property
    def encoding(self) -> str:
        return "utf-8"

    def insertion(self, stems: Sequence[StemClip], dialect: Dialect) -> tuple[Patch, ...]:
        """One patch that adds a track `FS n` per stem track behind the file's own tracks.

        Raises OutputError where a path is relative, or there is no stack that can take tracks.
        """
        if not stems:
            return ()
        stack = self._stack_for_tracks()
        shape = shape_of(self.root, self.timeline.frame_rate, dialect.host)
        tracks = foley_tracks(stems, shape, top_origin_s(self.found))
        style = style_of(self.root)
        children = stack.get("children")
        if children is None:
            return (with_member(stack, "children", tracks, style),)
        if not stated(children):
            text = rendered(tracks, style).encode()
            return (Patch(children.start, children.end - children.start, text),)
        if children.kind != "array":
            raise OutputError("the stack's children are no list", hint="export the cut again")
        return (appended(children, tracks, style),)

    def _stack_for_tracks(self) -> Value:
        stack = self.found.stack
        if stack is None:
            raise OutputError(
                "this timeline has no stack of tracks", hint="export the cut again, not empty"
            )
        if schema_of(stack) != "Stack":
            raise OutputError(
                f"this cut is a single {schema_of(stack)}, beside which no track can stand",
                hint="put the track into the stack of a timeline and save that",
            )
        if speed_of(stack) != 1:
            raise OutputError(
                "an effect on the stack of tracks retimes the whole cut, and would the footsteps",
                hint="put the retimed stack into a track of a new timeline",
            )
        return stack

    def sidecars(self, stems: Sequence[StemClip], dialect: Dialect) -> tuple[Sidecar, ...]:
        """Resolve drops the markers of clips: for it, they go into a list of their own."""
        if dialect.host != "resolve" or not any(stem.markers for stem in stems):
            return ()
        return (resolve_markers(self.timeline, stems),)

    def removal(self) -> tuple[Patch, ...]:
        """Patches that take out our tracks and clips, found by their metadata."""
        return removal_patches(self.found.stack, style_of(self.root))

    def content(self) -> Part:
        return canonical(self.root)


def parse(raw: bytes, frame_rate: Fraction | None = None) -> OtioText:
    """Read an OTIO file. `frame_rate` counts only where no time in it states one.

    Raises ParseError (line and column) for damaged JSON, a file without a timeline, or one in
    which no picture clip can be read although there are some.
    """
    root = parse_json(raw)
    found = find_timeline(root)
    return OtioText(root=root, found=found, timeline=read_timeline(found, frame_rate))
