"""Final Cut Pro 7 XML (xmeml 1 to 5), as Premiere, Resolve, Hiero and Kdenlive write it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from otio_foley.errors import ParseError
from otio_foley.timelines.content import Part
from otio_foley.timelines.dialect import Dialect, Sidecar
from otio_foley.timelines.document import Patch
from otio_foley.timelines.edl.markers import resolve_markers
from otio_foley.timelines.identity import with_ids
from otio_foley.timelines.xmeml.markers import markers_of
from otio_foley.timelines.xmeml.media import Library, is_drop_frame, rate_of, timecode_s
from otio_foley.timelines.xmeml.read import SequenceReader, holds
from otio_foley.timelines.xmeml.remove import handed_on, our_nodes
from otio_foley.timelines.xmeml.write import insertion_patches
from otio_foley.timelines.xml.canonical import canonical
from otio_foley.timelines.xml.tree import Node, XmlText, parse_xml
from otio_foley.timelines.xml.write import removal_patches
from otio_foley.types import Skipped, StemClip, Timeline


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedXmeml:
    """An xmeml text as read."""

    xml: XmlText
    timeline: Timeline
    sequence: Node

    @property
    def encoding(self) -> str:
        return self.xml.encoding

    def insertion(self, stems: Sequence[StemClip], dialect: Dialect) -> tuple[Patch, ...]:
        """Patches that add the stems on audio tracks of their own. Raises OutputError."""
        return insertion_patches(self.xml, self.timeline, self.sequence, stems, dialect)

    def sidecars(self, stems: Sequence[StemClip], dialect: Dialect) -> tuple[Sidecar, ...]:
        """Resolve drops the markers of clips: for it, they go into a list of their own."""
        if dialect.host != "resolve" or not any(stem.markers for stem in stems):
            return ()
        return (resolve_markers(self.timeline, stems),)

    def removal(self) -> tuple[Patch, ...]:
        """Patches that take out everything of ours, wherever it stands."""
        ours = our_nodes(self.xml)
        return (*removal_patches(self.xml, ours), *handed_on(self.xml, ours))

    def content(self) -> Part:
        return canonical(self.xml, lambda _, __, value: value)


def parse(raw: bytes, frame_rate: Fraction | None = None) -> ParsedXmeml:
    """Read an xmeml text. `frame_rate` counts only where the file states none.

    Raises ParseError: damaged, no sequence in it, or no picture clip of it can be understood.
    """
    xml = parse_xml(raw)
    if xml.root.tag != "xmeml":
        raise ParseError(f"not xmeml: its root element is <{xml.root.tag}>")
    sequences = list(_top_sequences(xml.root))
    if not sequences:
        raise ParseError(
            "this xmeml holds no sequence",
            hint="select the sequence (not clips in a bin) and export it as Final Cut Pro XML",
        )
    library = Library(xml.root)
    chosen = _meant(sequences, library)
    rate = _sequence_rate(chosen) or frame_rate
    if rate is None:
        raise ParseError(
            f"sequence {_name(chosen)!r} states no frame rate",
            line=chosen.line,
            column=chosen.column,
            hint="give the frame rate of the cut",
        )
    reader = _read(library, chosen, rate)
    others = [
        Skipped(
            clip_id="", name=_name(node), reason="another sequence: only the first is worked on"
        )
        for node in sequences
        if node is not chosen and not reader.has_unfolded(node)
    ]
    markers, unread_markers = markers_of(chosen, rate)
    timeline = Timeline(
        name=_name(chosen),
        frame_rate=rate,
        drop_frame=is_drop_frame(chosen.child("timecode"), rate),
        start_s=timecode_s(chosen, rate),
        clips=with_ids(reader.clips),
        markers=tuple(markers),
        skipped=(*reader.skipped, *unread_markers, *others),
    )
    return ParsedXmeml(xml=xml, timeline=timeline, sequence=chosen)


def _read(library: Library, sequence: Node, rate: Fraction) -> SequenceReader:
    reader = SequenceReader(library)
    reader.read(sequence, rate)
    if reader.failures and not reader.clips:
        reasons = "; ".join(f"{s.name}: {s.reason}" for s in reader.skipped[:3])
        raise ParseError(
            f"no picture clip of {_name(sequence)!r} can be understood ({reasons})",
            hint="export the sequence again, or report the file",
        )
    return reader


def _top_sequences(root: Node) -> Iterator[Node]:
    """Sequences with contents that are not nested in a clip, in document order."""
    stack = list(reversed(root.children))
    while stack:
        node = stack.pop()
        if node.tag == "sequence" and node.children:
            yield node
        elif node.tag in ("project", "children", "bin"):
            stack.extend(reversed(node.children))


def _meant(sequences: Sequence[Node], library: Library) -> Node:
    """The sequence that is worked on: the first with picture that no other one plays."""
    with_picture = [node for node in sequences if holds(node, "clipitem")]
    own = [node for node in with_picture if node.get("id") not in library.played_ids]
    return [*own, *with_picture, *sequences][0]


def _sequence_rate(sequence: Node) -> Fraction | None:
    """The sequence's rate, or where it has none that of its picture or its timecode."""
    media = sequence.child("media")
    video = media.child("video") if media is not None else None
    layout = video.child("format") if video is not None else None
    picture = layout.child("samplecharacteristics") if layout is not None else None
    return rate_of(sequence) or rate_of(picture) or rate_of(sequence.child("timecode"))


def _name(sequence: Node) -> str:
    return sequence.child_text("name") or sequence.get("id") or ""
