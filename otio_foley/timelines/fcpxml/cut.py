"""Final Cut Pro XML 1.0 to 1.14: the first project with picture is read and written to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from otio_foley.errors import ParseError
from otio_foley.timelines.content import Part
from otio_foley.timelines.dialect import Dialect, Sidecar
from otio_foley.timelines.document import Patch
from otio_foley.timelines.edl.markers import resolve_markers
from otio_foley.timelines.fcpxml.media import Resources, optional_seconds
from otio_foley.timelines.fcpxml.read import SequenceReader
from otio_foley.timelines.fcpxml.story import Host
from otio_foley.timelines.fcpxml.time import plain_value
from otio_foley.timelines.fcpxml.write import insertion_patches, our_nodes
from otio_foley.timelines.identity import record_order, with_ids
from otio_foley.timelines.xml.canonical import canonical
from otio_foley.timelines.xml.tree import Node, XmlText, parse_xml
from otio_foley.timelines.xml.write import removal_patches
from otio_foley.types import Clip, Skipped, StemClip, Timeline

_NO_PROJECT_HINT = (
    "in Final Cut Pro select the project (not clips in the browser) and choose File > Export XML"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedFcpxml:
    """An FCPXML text as read; `hosts` says by clip_id where sound is anchored."""

    xml: XmlText
    timeline: Timeline
    sequence: Node
    hosts: dict[str, Host]

    @property
    def encoding(self) -> str:
        return self.xml.encoding

    def insertion(self, stems: Sequence[StemClip], dialect: Dialect) -> tuple[Patch, ...]:
        """Patches that add the stems. Raises OutputError for a stem of a clip not in this cut."""
        return insertion_patches(self.xml, self.timeline, self.hosts, stems, dialect)

    def sidecars(self, stems: Sequence[StemClip], dialect: Dialect) -> tuple[Sidecar, ...]:
        """Resolve drops the markers of clips: for it, they go into a list of their own."""
        if dialect.host != "resolve" or not any(stem.markers for stem in stems):
            return ()
        return (resolve_markers(self.timeline, stems),)

    def removal(self) -> tuple[Patch, ...]:
        """Patches that take out everything of ours, wherever it stands."""
        return removal_patches(self.xml, our_nodes(self.xml.root))

    def content(self) -> Part:
        return canonical(self.xml, plain_value)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    name: str
    sequence: Node
    reader: SequenceReader
    rate: Fraction


def parse(raw: bytes, frame_rate: Fraction | None = None) -> ParsedFcpxml:
    """Read an FCPXML text. `frame_rate` counts only where the file states none.

    Raises ParseError: damaged, no sequence in it, or no picture clip of it can be understood.
    """
    xml = parse_xml(raw)
    if xml.root.tag != "fcpxml":
        raise ParseError(f"not FCPXML: its root element is <{xml.root.tag}>")
    resources = Resources(xml.root)
    candidates, others = [], []
    for name, sequence in _sequences(xml.root):
        try:
            candidates.append(_read_sequence(name, sequence, resources, frame_rate))
        except ParseError as error:  # another project may be sound
            others.append((Skipped(clip_id="", name=name, reason=str(error)), error))
    if not candidates:
        if others:
            raise others[0][1]
        raise ParseError("this FCPXML holds no project", hint=_NO_PROJECT_HINT)
    chosen = next((c for c in candidates if c.reader.placed or c.reader.failures), candidates[0])
    _refuse_empty_read(chosen)
    unused = [
        Skipped(clip_id="", name=c.name, reason="another project: only the first is worked on")
        for c in candidates
        if c is not chosen
    ]
    return _parsed(xml, chosen, [*unused, *(skipped for skipped, _ in others)])


def _refuse_empty_read(chosen: _Candidate) -> None:
    if chosen.reader.failures and not chosen.reader.placed:
        reasons = "; ".join(f"{s.name}: {s.reason}" for s in chosen.reader.skipped[:3])
        raise ParseError(
            f"no picture clip of {chosen.name!r} can be understood ({reasons})",
            hint="export it again with its media and compound clips, or report the file",
        )


def _sequences(root: Node) -> Iterator[tuple[str, Node]]:
    """Projects; in a file without one, the compound clips that it holds on their own."""
    found = False
    for project in (root, *root.find_all("project")):
        for sequence in project.children:
            if project.tag == "project" and sequence.tag == "sequence":
                found = True
                yield project.get("name") or "", sequence
    if found:
        return
    for clip in root.find_all("ref-clip"):
        if clip.parent is not None and clip.parent.tag in ("fcpxml", "event", "project"):
            for media in root.find_all("media"):
                sequence_node = media.child("sequence")
                if media.get("id") == clip.get("ref") and sequence_node is not None:
                    yield clip.get("name") or media.get("name") or "", sequence_node


def _read_sequence(
    name: str, sequence: Node, resources: Resources, frame_rate: Fraction | None
) -> _Candidate:
    rate = resources.rate(sequence.get("format")) or frame_rate or resources.usual_rate()
    if rate is None:
        raise ParseError(
            f"sequence {name!r} states no frame rate",
            line=sequence.line,
            column=sequence.column,
            hint="give the frame rate of the cut",
        )
    reader = SequenceReader(resources, rate)
    reader.read(sequence)
    return _Candidate(name=name, sequence=sequence, reader=reader, rate=rate)


def _parsed(xml: XmlText, chosen: _Candidate, others: list[Skipped]) -> ParsedFcpxml:
    reader = chosen.reader
    lowest = min((placed.clip.layer for placed in reader.placed), default=1)
    # Picture below the primary storyline is the lowest layer then, and everything is one up.
    lift = max(0, 1 - lowest)
    clips = [placed.clip for placed in reader.placed]
    lifted = [replace(clip, layer=clip.layer + lift) for clip in clips] if lift else clips
    order = sorted(range(len(lifted)), key=lambda i: record_order(lifted[i]))
    named: tuple[Clip, ...] = with_ids(lifted[i] for i in order)
    hosts = {clip.clip_id: reader.placed[i].host for clip, i in zip(named, order, strict=True)}
    timeline = Timeline(
        name=chosen.name,
        frame_rate=chosen.rate,
        drop_frame=chosen.sequence.get("tcFormat") == "DF",
        start_s=optional_seconds(chosen.sequence, "tcStart") or Fraction(0),
        clips=named,
        markers=tuple(sorted(reader.markers, key=lambda marker: marker.record_s)),
        skipped=(*reader.skipped, *others),
    )
    return ParsedFcpxml(xml=xml, timeline=timeline, sequence=chosen.sequence, hosts=hosts)
