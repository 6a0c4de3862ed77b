"""Footstep clips into an FCPXML text, and out of it again by name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import count
from pathlib import Path
from typing import NamedTuple

from otio_foley.errors import NotReversible, OutputError, WouldLoseData
from otio_foley.timelines.automation import within
from otio_foley.timelines.dialect import Dialect
from otio_foley.timelines.document import NAMESPACE, UNDO_PLACEHOLDER, Patch
from otio_foley.timelines.fcpxml.media import Resources, has_picture
from otio_foley.timelines.fcpxml.story import (
    ID_PREFIX,
    STORY,
    Anchor,
    is_contained,
    is_ours,
    lane_of,
)
from otio_foley.timelines.fcpxml.time import time_text
from otio_foley.timelines.paths import url_from_path
from otio_foley.timelines.xml.stems import provenance_text, rows
from otio_foley.timelines.xml.tree import Node, XmlText, quoted, text
from otio_foley.timelines.xml.write import Element, Style, Writer, removal_patches, rendered
from otio_foley.types import StemClip, Timeline

ROLE = "effects.footsteps"

#: What the DTDs put behind anchored items in a story element.
_MARKERS = (
    *("marker", "chapter-marker", "rating", "keyword"),
    *("shot-marker", "analysis-marker", "hidden-clip-marker"),
)
_SOUND_SOURCES = (
    *("audio-channel-source", "audio-role-source", "sync-source"),
    *("audio-source", "audio-aux-source"),
)
_FILTERS = ("filter", "filter-video", "filter-video-mask", "filter-audio")
_BEHIND_ANCHORS = frozenset((*_MARKERS, *_SOUND_SOURCES, *_FILTERS, "metadata", "reserved"))


class Version:
    """What the file's own version of FCPXML allows."""

    def __init__(self, xml: XmlText) -> None:
        match = re.match(r"\s*(\d{1,3})\.(\d{1,3})", xml.root.get("version") or "")
        if match:
            version = int(match[1]), int(match[2])
        else:  # no version is no FCPXML that a host reads; go by what stands in it
            version = (1, 9) if xml.all("media-rep") else (1, 8)
        self.number = version
        self.has_media_rep = version >= (1, 9)
        self.has_asset_clip = version >= (1, 6)
        self.has_metadata = version >= (1, 2)
        self.has_marker_note = version >= (1, 1)
        self.has_keyframes = version >= (1, 4)
        self.has_keyframe_curve = version >= (1, 5)

    def behind_anchors(self, node: Node) -> frozenset[str]:
        """Tags that follow anchored items in this element."""
        if node.tag == "title" and self.number <= (1, 2):
            return _BEHIND_ANCHORS | {"text"}
        if node.tag == "mc-clip" and self.number <= (1, 3):
            return _BEHIND_ANCHORS - {"filter-audio"}
        return _BEHIND_ANCHORS


def insertion_patches(
    xml: XmlText,
    timeline: Timeline,
    anchors: Mapping[str, Anchor],
    stems: Sequence[StemClip],
    dialect: Dialect,
) -> tuple[Patch, ...]:
    """Patches that add an asset for each sound file and a connected clip for each stem.

    Raises OutputError for a stem whose clip is not in this cut, WouldLoseData for automation in a
    version that has none.
    """
    version = Version(xml)
    if not version.has_keyframes and any(stem.automation for stem in stems):
        raise WouldLoseData(
            f"FCPXML {xml.root.get('version')} holds no keyframes",
            hint="leave the level in the sound (--level-rides baked), or export 1.4 or later",
        )
    by_node: dict[int, tuple[Node, list[StemClip]]] = {}
    for stem in stems:
        anchor = anchors.get(stem.clip_id)
        if anchor is None:
            raise OutputError(
                f"the cut has no clip {stem.clip_id!r} for {stem.name!r}",
                hint="the footsteps were made for another version of the cut: conform them first",
            )
        by_node.setdefault(id(anchor.node), (anchor.node, []))[1].append(stem)
    writer = Writer(xml)
    sounds = _sounds(xml, stems)
    patches = [_resources_patch(xml, writer, version, sounds.values())]
    form = _ClipForm(version, timeline, dialect)
    for node, connected in by_node.values():
        style = writer.style_within(node)
        written = [
            form.filled(stem, sounds[stem.path].identity, lane, anchors[stem.clip_id], style)
            for lane, stem in _with_lanes(node, connected)
        ]
        behind = version.behind_anchors(node)
        before = next((child for child in reversed(node.children) if child.tag not in behind), None)
        patches.append(writer.insert_written(node, before, "".join(written), style))
    return tuple(patches)


def _with_lanes(node: Node, stems: Sequence[StemClip]) -> Iterator[tuple[int, StemClip]]:
    """Each stem of an element with its lane: below all in use in it, a lane a track.

    Stems that overlap one another on a track go below all tracks.
    """
    lowest = lowest_lane(node)
    overflow = max([stem.track for stem in stems])
    seen: set[int] = set()
    for track, row in rows(stems) if len(stems) > 1 else [(overflow, stems)]:
        depth = track
        if track in seen:
            overflow += 1
            depth = overflow
        seen.add(track)
        for stem in row:
            yield lowest - depth, stem


def lowest_lane(node: Node) -> int:
    """The lowest lane in use in an element, nested lanes added up; 0 if none is below it."""
    lowest = 0
    stack = [(child, 0) for child in node.children]
    while stack:
        inner, above = stack.pop()
        if inner.tag not in STORY:
            continue
        lane = above + lane_of(inner)
        lowest = min(lowest, lane)
        stack += [(child, lane) for child in inner.children]
    return lowest


# ---- elements


class _Sound(NamedTuple):
    """A sound file: the id of its asset, and the first stem that plays it."""

    identity: str
    stem: StemClip


def _sounds(xml: XmlText, stems: Iterable[StemClip]) -> dict[Path, _Sound]:
    """Each sound file with an unused id."""
    taken = {node.get("id") for nodes in xml.by_tag.values() for node in nodes}
    unused = (name for n in count(1) if (name := f"{ID_PREFIX}{n}") not in taken)
    sounds: dict[Path, _Sound] = {}
    for stem in stems:
        if stem.path not in sounds:
            sounds[stem.path] = _Sound(next(unused), stem)
    return sounds


def _resources_patch(
    xml: XmlText, writer: Writer, version: Version, sounds: Iterable[_Sound]
) -> Patch:
    resources = next(iter(xml.all("resources")), None)
    if resources is None:  # a cut with clips has one, for their assets lie in it
        raise OutputError("the file has no <resources> that sound could be added to")
    style = writer.style_within(resources)
    written = []
    undo = UNDO_PLACEHOLDER
    for sound in sounds:
        written.append(_asset_text(version, sound, undo, style))
        undo = ""
    last = resources.children[-1] if resources.children else None
    return writer.insert_written(resources, last, "".join(written), style)


# A cut takes thousands of the two that follow. So they are written right away, without an `Element`
# for each tag; nothing but `quoted` and `text` values could hold what has to be escaped.


def _asset_text(version: Version, sound: _Sound, undo: str, style: Style) -> str:
    lead, inner, deep = style.leads
    stem = sound.stem
    src = f'src="{url_from_path(stem.path)}"'
    opening = (
        f'{lead}<asset id="{sound.identity}" name={quoted(stem.path.stem)}'
        f"{'' if version.has_media_rep else ' ' + src}"
        f' start="{time_text(stem.file_start_s)}" duration="{time_text(stem.file_duration_s)}"'
        f' hasAudio="1" audioSources="1" audioChannels="{stem.channels}"'
        f' audioRate="{stem.sample_rate_hz}"'
    )
    content = ""
    if version.has_media_rep:
        content = f'{inner}<media-rep kind="original-media" {src}/>'
    if version.has_metadata:
        record = f'{deep}<md key="{NAMESPACE}.undo" value="{undo}"/>' if undo else ""
        mark = f'{deep}<md key="{NAMESPACE}.asset" value="1"/>'
        content += f"{inner}<metadata>{mark}{record}{inner}</metadata>"
    return f"{opening}>{content}{lead}</asset>" if content else f"{opening}/>"


class _ClipForm:
    """Writes the clips of one cut; in versions without metadata the first holds the undo record."""

    def __init__(self, version: Version, timeline: Timeline, dialect: Dialect) -> None:
        self.version = version
        self.frame = time_text(1 / timeline.frame_rate)
        # Final Cut Pro writes decibels with their unit; Resolve reads them only without.
        self.decibels = "" if dialect.host == "resolve" else "dB"
        self.undo = "" if version.has_metadata else f" {UNDO_PLACEHOLDER}"

    def filled(self, stem: StemClip, asset_id: str, lane: int, anchor: Anchor, style: Style) -> str:
        lead, inner, deep = style.leads
        start_s = stem.file_start_s + stem.in_s
        start, duration = time_text(start_s), time_text(stem.record.duration_s)
        placing = (
            f'lane="{lane}" offset="{time_text(anchor.clip_time(stem.record.start_s))}"'
            f' name={quoted(stem.name)} start="{start}" duration="{duration}"'
        )
        level = self._level(stem, start_s, style) if stem.automation else ""
        markers = self._markers(stem, start_s, inner) if stem.markers else ""
        notes = self._notes(stem, inner) if not self.version.has_metadata else ""
        metadata = self._metadata(stem, inner, deep) if self.version.has_metadata else ""
        if self.version.has_asset_clip:
            opening = f'asset-clip ref="{asset_id}" {placing} audioRole="{ROLE}"'
            return f"{lead}<{opening}>{level}{markers}{metadata}{lead}</asset-clip>"
        channels = ", ".join(str(channel + 1) for channel in range(stem.channels))
        sound = (
            f'{inner}<audio ref="{asset_id}" offset="{start}" start="{start}"'
            f' duration="{duration}" role="{ROLE}" srcCh="{channels}"/>'
        )
        return f"{lead}<clip {placing}>{notes}{level}{sound}{markers}{metadata}{lead}</clip>"

    def _metadata(self, stem: StemClip, lead: str, inner: str) -> str:
        """What made the clip."""
        return (
            f'{lead}<metadata>{inner}<md key="{NAMESPACE}.clip-id" value="{stem.clip_id}"/>'
            f'{inner}<md key="{NAMESPACE}.track" value="{stem.track}"/>'
            f'{inner}<md key="{NAMESPACE}.provenance" value={quoted(provenance_text(stem))}/>'
            f"{lead}</metadata>"
        )

    def _notes(self, stem: StemClip, lead: str) -> str:
        """The same in versions 1.0 and 1.1, which have only a note."""
        note = f"{NAMESPACE} {stem.clip_id} {provenance_text(stem)}{self.undo}"
        self.undo = ""
        return f"{lead}<note>{text(note)}</note>"

    def _markers(self, stem: StemClip, start_s: Fraction, lead: str) -> str:
        record_to_clip_s = start_s - stem.record.start_s
        written = []
        for marker in stem.markers:
            value, note = marker.name or "footstep", marker.note
            if note and not self.version.has_marker_note:
                value, note = f"{value}: {note}", ""
            at = time_text(marker.record_s + record_to_clip_s)
            written.append(
                f'{lead}<marker start="{at}" duration="{self.frame}" value={quoted(value)}'
                f"{f' note={quoted(note)}' if note else ''}/>"
            )
        return "".join(written)

    def _level(self, stem: StemClip, start_s: Fraction, style: Style) -> str:
        """The automation as volume keyframes in the clip's own time, between its ends."""
        straight = (("curve", "linear"),) if self.version.has_keyframe_curve else ()
        keyframes = tuple(
            Element(
                "keyframe",
                (
                    ("time", time_text(start_s + at_s)),
                    ("value", f"{level:.2f}{self.decibels}"),
                    *straight,
                ),
            )
            for at_s, level in within(stem.automation, stem.record.duration_s)
        )
        animation = Element("keyframeAnimation", (), keyframes)
        parameter = Element("param", (("name", "amount"),), (animation,))
        volume = Element("adjust-volume", (), (parameter,))
        return rendered(volume, replace(style, indent=style.indent + style.unit))


# ---- finding ours again


def extraction_patches(xml: XmlText) -> tuple[Patch, ...]:
    """Patches that take out everything of ours, also in a file that a host has saved since.

    A person may have moved a footstep clip into a storyline: there a gap takes its place, if
    something comes behind it. Raises NotReversible if something of the user's hangs on a clip.
    """
    nodes = _our_nodes(xml)
    gaps = list(_holding_places(nodes))
    gone = {id(part) for gap in gaps for part in (gap, *gap.descendants())}
    return (
        *removal_patches(xml, [node for node in nodes if id(node) not in gone]),
        *(Patch(gap.start, gap.end - gap.start, _gap_bytes(xml, gap)) for gap in gaps),
    )


def _our_nodes(xml: XmlText) -> tuple[Node, ...]:
    """Every element that otio-foley added.

    Ours is sound that bears our mark: a clip, or an asset. Hosts renumber assets and drop marks:
    so ours is also an asset without a mark that none but our clips use, and a clip without a mark
    that uses an asset of ours. What shows picture is never ours, whatever stands in its notes.
    """
    if not _holds_marks(xml):
        return ()
    resources = Resources(xml)
    items = [node for node in xml.root.descendants() if node.tag in STORY]
    clips = [node for node in items if is_ours(node) and _is_sound(node, resources)]
    parts = {id(part): part for clip in clips for part in _parts(clip)}
    only_by_ours = {part.get("ref") for part in parts.values()}
    only_by_ours -= {node.get("ref") for node in items if id(node) not in parts}
    assets = [
        node
        for list_ in xml.all("resources")
        for node in list_.children
        if node.tag == "asset"
        and (is_ours(node) or node.get("id") in only_by_ours)
        and not has_picture(node)
    ]
    identities = {node.get("id") for node in assets} - {None}
    strays = [
        _whole_clip(node)
        for node in items
        if node.tag in ("asset-clip", "audio") and node.get("ref") in identities
    ]
    found = {id(node): node for node in [*clips, *strays]}
    _refuse_what_hangs_on(found)
    return (*found.values(), *assets)


def _holds_marks(xml: XmlText) -> bool:
    """Whether anything bears our mark; most files hold nothing of ours, which is soon seen."""
    bearers = [node.parent for tag in ("note", "metadata") for node in xml.all(tag)]
    return any(node is not None and is_ours(node) for node in (*xml.all("asset"), *bearers))


def _parts(clip: Node) -> tuple[Node, ...]:
    """A clip with what it plays: in versions without `asset-clip` that lies inside of it."""
    return (clip, *(c for c in clip.children if c.tag in STORY and is_contained(c, clip)))


def _is_sound(clip: Node, resources: Resources) -> bool:
    for part in _parts(clip):
        medium = resources.of(part)
        if part.tag not in ("asset-clip", "clip", "audio"):
            return False
        if medium is not None and (medium.tag != "asset" or has_picture(medium)):
            return False
    return True


def _whole_clip(node: Node) -> Node:
    """A sound element, or the clip around it where a host has made one for it alone."""
    parent = node.parent
    if node.tag == "audio" and parent is not None and parent.tag == "clip":
        story = [child for child in parent.children if child.tag in STORY]
        if len(story) == 1:
            return parent
    return node


def _refuse_what_hangs_on(clips: Mapping[int, Node]) -> None:
    parts = {id(part) for clip in clips.values() for part in _parts(clip)}
    for clip in clips.values():
        for node in clip.descendants() if clip.children else ():
            if node.tag in STORY and id(node) not in parts:
                raise NotReversible(
                    f"{node.get('name') or f'<{node.tag}>'!r} (line {node.line}) is connected to "
                    f"the footstep clip {clip.get('name') or ''!r} and would go with it",
                    hint="connect it to the picture clip in the editing system and export again",
                )


def _holding_places(nodes: Sequence[Node]) -> Iterator[Node]:
    """Those of the nodes that keep later items of a storyline where they are."""
    chosen = {id(node) for node in nodes}
    parents = {id(node.parent): node.parent for node in nodes}
    for parent in parents.values():
        if parent is None or parent.tag != "spine":
            continue
        kept = [n for n in parent.children if n.tag in STORY and id(n) not in chosen]
        for node in parent.children if kept else ():
            if id(node) in chosen and node.start < kept[-1].start:
                yield node


def _gap_bytes(xml: XmlText, clip: Node) -> bytes:
    stated = [(name, clip.get(name)) for name in ("offset", "start", "duration")]
    times = tuple((name, value) for name, value in stated if value is not None)
    return xml.patch_bytes(rendered(Element("gap", (("name", "Gap"), *times)), Style("", "", "")))
