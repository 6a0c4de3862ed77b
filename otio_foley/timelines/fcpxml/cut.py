"""Final Cut Pro XML 1.0 to 1.14: the first project with picture is read and written to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from otio_foley.errors import ParseError
from otio_foley.timelines.content import Part
from otio_foley.timelines.dialect import Dialect, Sidecar
from otio_foley.timelines.document import Patch
from otio_foley.timelines.edl.markers import resolve_markers
from otio_foley.timelines.fcpxml.media import Resources, optional_seconds
from otio_foley.timelines.fcpxml.read import Lanes, SequenceReader
from otio_foley.timelines.fcpxml.story import Anchor
from otio_foley.timelines.fcpxml.time import plain_value
from otio_foley.timelines.fcpxml.write import extraction_patches, insertion_patches
from otio_foley.timelines.identity import clip_ids, record_order
from otio_foley.timelines.xml.canonical import canonical
from otio_foley.timelines.xml.tree import Node, XmlText, parse_xml
from otio_foley.types import Skipped, StemClip, Timeline

_NO_PROJECT_HINT = (
    "in Final Cut Pro select the project (not clips in the browser) and choose File > Export XML"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedFcpxml:
    """An FCPXML text as read; `anchors` says by clip_id what sound is connected to."""

    xml: XmlText
    timeline: Timeline
    sequence: Node
    anchors: dict[str, Anchor]

    @property
    def encoding(self) -> str:
        return self.xml.encoding

    def insertion(self, stems: Sequence[StemClip], dialect: Dialect) -> tuple[Patch, ...]:
        """Patches that add the stems. Raises OutputError for a stem of a clip not in this cut."""
        return insertion_patches(self.xml, self.timeline, self.anchors, stems, dialect)

    def sidecars(self, stems: Sequence[StemClip], dialect: Dialect) -> tuple[Sidecar, ...]:
        """Resolve drops the markers of clips: for it, they go into a list of their own."""
        if dialect.host != "resolve" or not any(stem.markers for stem in stems):
            return ()
        return (resolve_markers(self.timeline, stems),)

    def removal(self) -> tuple[Patch, ...]:
        """Patches that take out everything of ours, wherever it stands.

        Raises NotReversible if something of the user's is connected to it.
        """
        return extraction_patches(self.xml)

    def content(self) -> Part:
        return canonical(self.xml, plain_value)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    name: str
    sequence: Node
    reader: SequenceReader
    rate: Fraction
    rate_assumed: bool


def parse(raw: bytes, frame_rate: Fraction | None = None) -> ParsedFcpxml:
    """Read an FCPXML text. `frame_rate` counts only where the file states none.

    Raises ParseError: damaged, no sequence in it, or no picture clip of it can be understood.
    """
    xml = parse_xml(raw)
    if xml.root.tag != "fcpxml":
        raise ParseError(f"not FCPXML: its root element is <{xml.root.tag}>")
    resources = Resources(xml)
    candidates, others = [], []
    for name, sequence in _sequences(xml):
        try:
            candidates.append(_read_sequence(name, sequence, resources, frame_rate))
        except ParseError as error:  # another project may be sound
            others.append((Skipped(clip_id="", name=name, reason=str(error)), error))
    if not candidates:
        if others:
            raise others[0][1]
        raise ParseError("this FCPXML holds no project", hint=_NO_PROJECT_HINT)
    chosen = next((c for c in candidates if c.reader.placed), None)
    if chosen is None:
        _refuse_unread_picture(candidates)
        chosen = candidates[0]
    unused = [
        Skipped(
            clip_id="",
            name=c.name,
            reason=f"no picture clip of this project can be understood ({_reasons(c)})"
            if c.reader.failures and not c.reader.placed
            else "another project: only one is worked on",
        )
        for c in candidates
        if c is not chosen
    ]
    return _parsed(xml, chosen, [*unused, *(skipped for skipped, _ in others)])


def _refuse_unread_picture(candidates: Sequence[_Candidate]) -> None:
    for candidate in candidates:
        if candidate.reader.failures:
            raise ParseError(
                f"no picture clip of {candidate.name!r} can be understood ({_reasons(candidate)})",
                hint="export it again with its media and compound clips, or report the file",
            )


def _reasons(candidate: _Candidate) -> str:
    return "; ".join(f"{s.name}: {s.reason}" for s in candidate.reader.skipped[:3])


def _sequences(xml: XmlText) -> Iterator[tuple[str, Node]]:
    """Projects; in a file without one, the compound clips that it holds on their own."""
    found = False
    for project in xml.all("project"):
        for sequence in project.children:
            if sequence.tag == "sequence":
                found = True
                yield project.get("name") or "", sequence
    if found:
        return
    for clip in xml.all("ref-clip"):
        if clip.parent is not None and clip.parent.tag in ("fcpxml", "event", "project"):
            for media in xml.all("media"):
                sequence_node = media.child("sequence")
                if media.get("id") == clip.get("ref") and sequence_node is not None:
                    yield clip.get("name") or media.get("name") or "", sequence_node


def _read_sequence(
    name: str, sequence: Node, resources: Resources, frame_rate: Fraction | None
) -> _Candidate:
    stated = resources.rate(sequence.get("format")) or frame_rate
    rate = stated or resources.usual_rate()
    if rate is None:
        raise ParseError(
            f"sequence {name!r} states no frame rate",
            line=sequence.line,
            column=sequence.column,
            hint="give the frame rate of the cut",
        )
    reader = SequenceReader(resources, rate)
    reader.read(sequence)
    return _Candidate(
        name=name, sequence=sequence, reader=reader, rate=rate, rate_assumed=stated is None
    )


def _parsed(xml: XmlText, chosen: _Candidate, others: list[Skipped]) -> ParsedFcpxml:
    reader = chosen.reader
    layers = _layers(placed.lanes for placed in reader.placed)
    ordered = sorted(
        reader.placed, key=lambda one: record_order(one.record.start_s, layers[one.lanes])
    )
    ids = clip_ids(
        (one.medium, one.time_map.points[0][1], one.record.duration_s) for one in ordered
    )
    named = list(zip(ids, ordered, strict=True))
    timeline = Timeline(
        name=chosen.name,
        frame_rate=chosen.rate,
        drop_frame=chosen.sequence.get("tcFormat") == "DF",
        start_s=optional_seconds(chosen.sequence, "tcStart") or Fraction(0),
        clips=tuple(one.clip(name, layers[one.lanes]) for name, one in named),
        markers=tuple(sorted(reader.markers, key=lambda marker: marker.record_s)),
        skipped=(*reader.skipped, *others),
        frame_rate_assumed=chosen.rate_assumed,
    )
    anchors = {name: one.anchor for name, one in named}
    return ParsedFcpxml(xml=xml, timeline=timeline, sequence=chosen.sequence, anchors=anchors)


def _layers(found: Iterable[Lanes]) -> dict[Lanes, int]:
    """The layer of each path of lanes, in their order.

    The main storyline is 1 and lane 2 is 3, if no picture lies below or in nested lanes between.
    """
    paths = set(found)
    depth = max((len(lanes) for lanes in paths), default=0) or 1
    # What lies inside of something, in lane 0 all the way, is in the layer of that.
    full = {lanes: lanes + (0,) * (depth - len(lanes)) for lanes in paths}
    numbers: dict[Lanes, int] = {}
    layer, below = 1, 0
    for lanes in sorted(set(full.values())):
        step = lanes[0] - below
        layer += max(step, 1) if numbers else max(step, 0)
        below = lanes[0]
        numbers[lanes] = layer
    return {lanes: numbers[full[lanes]] for lanes in paths}
