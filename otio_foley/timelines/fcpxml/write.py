"""Footstep clips into an FCPXML text, and out of it again by name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path

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
from otio_foley.timelines.xml.tree import Node, XmlText
from otio_foley.timelines.xml.write import Element, Style, Writer, removal_patches, rendered
from otio_foley.types import Marker, StemClip, Timeline

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

    def __init__(self, root: Node) -> None:
        match = re.match(r"\s*(\d{1,3})\.(\d{1,3})", root.get("version") or "")
        if match:
            version = int(match[1]), int(match[2])
        else:  # no version is no FCPXML that a host reads; go by what stands in it
            version = (1, 9) if next(root.find_all("media-rep"), None) is not None else (1, 8)
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
    version = Version(xml.root)
    if not version.has_keyframes and any(stem.automation for stem in stems):
        raise WouldLoseData(
            f"FCPXML {xml.root.get('version')} holds no keyframes",
            hint="leave the level in the sound (--level-rides baked), or export 1.4 or later",
        )
    writer = Writer(xml)
    by_node: dict[int, list[StemClip]] = {}
    for stem in stems:
        if stem.clip_id not in anchors:
            raise OutputError(
                f"the cut has no clip {stem.clip_id!r} for {stem.name!r}",
                hint="the footsteps were made for another version of the cut: conform them first",
            )
        by_node.setdefault(id(anchors[stem.clip_id].node), []).append(stem)
    asset_ids = _asset_ids(xml.root, stems)
    patches = [_resources_patch(xml, writer, version, asset_ids, stems)]
    undo = "" if version.has_metadata else UNDO_PLACEHOLDER
    for connected in by_node.values():
        node = anchors[connected[0].clip_id].node
        elements = []
        for lane, stem in _with_lanes(node, connected):
            placing = _placing(anchors[stem.clip_id], stem, lane)
            asset_id = asset_ids[stem.path]
            level = _level(stem, version, dialect)
            elements.append(_clip_element(version, timeline, stem, asset_id, placing, undo, level))
            undo = ""
        behind = version.behind_anchors(node)
        before = [child for child in node.children if child.tag not in behind]
        patches.append(writer.insert(node, before[-1] if before else None, elements))
    return tuple(patches)


def _with_lanes(node: Node, stems: Sequence[StemClip]) -> Iterator[tuple[int, StemClip]]:
    """Each stem of an element with its lane: below all in use in it, a lane a track.

    Stems that overlap one another on a track go below all tracks.
    """
    lowest = lowest_lane(node)
    overflow = max(stem.track for stem in stems)
    seen: set[int] = set()
    for track, row in rows(stems):
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


def _asset_ids(root: Node, stems: Iterable[StemClip]) -> dict[Path, str]:
    """An unused id for each sound file."""
    taken = {root.get("id")} | {node.get("id") for node in root.descendants()}
    ids: dict[Path, str] = {}
    number = 0
    for stem in stems:
        if stem.path in ids:
            continue
        number += 1
        while f"{ID_PREFIX}{number}" in taken:
            number += 1
        ids[stem.path] = f"{ID_PREFIX}{number}"
    return ids


def _resources_patch(
    xml: XmlText,
    writer: Writer,
    version: Version,
    asset_ids: Mapping[Path, str],
    stems: Sequence[StemClip],
) -> Patch:
    resources = next(xml.root.find_all("resources"), None)
    if resources is None:  # a cut with clips has one, for their assets lie in it
        raise OutputError("the file has no <resources> that sound could be added to")
    firsts: dict[Path, StemClip] = {}
    for stem in stems:
        firsts.setdefault(stem.path, stem)
    assets = []
    for number, (path, stem) in enumerate(firsts.items()):
        entries = [(f"{NAMESPACE}.asset", "1")]
        if number == 0:
            entries.append((f"{NAMESPACE}.undo", UNDO_PLACEHOLDER))
        assets.append(_asset_element(version, asset_ids[path], stem, entries))
    return writer.insert(resources, resources.children[-1] if resources.children else None, assets)


def _asset_element(
    version: Version, identity: str, stem: StemClip, entries: Sequence[tuple[str, str]]
) -> Element:
    url = url_from_path(stem.path)
    attributes = [("id", identity), ("name", stem.path.stem)]
    if not version.has_media_rep:
        attributes.append(("src", url))
    attributes += [
        ("start", time_text(stem.file_start_s)),
        ("duration", time_text(stem.file_duration_s)),
        ("hasAudio", "1"),
        ("audioSources", "1"),
        ("audioChannels", str(stem.channels)),
        ("audioRate", str(stem.sample_rate_hz)),
    ]
    content = []
    if version.has_media_rep:
        content.append(Element("media-rep", (("kind", "original-media"), ("src", url))))
    if version.has_metadata:
        content.append(_metadata(entries))
    return Element("asset", tuple(attributes), tuple(content))


def _placing(anchor: Anchor, stem: StemClip, lane: int) -> tuple[tuple[str, str], ...]:
    return (
        ("lane", str(lane)),
        ("offset", time_text(anchor.clip_time(stem.record.start_s))),
        ("name", stem.name),
    )


def _clip_element(
    version: Version,
    timeline: Timeline,
    stem: StemClip,
    asset_id: str,
    placing: tuple[tuple[str, str], ...],
    undo: str,
    level: tuple[Element, ...],
) -> Element:
    start_s = stem.file_start_s + stem.in_s
    span = (("start", time_text(start_s)), ("duration", time_text(stem.record.duration_s)))
    notes = _provenance(version, stem, undo)
    markers = [
        _marker_element(version, timeline, marker, start_s - stem.record.start_s)
        for marker in stem.markers
    ]
    trailing = [note for note in notes if note.tag == "metadata"]
    leading = [note for note in notes if note.tag == "note"]
    if version.has_asset_clip:
        attributes = (("ref", asset_id), *placing, *span, ("audioRole", ROLE))
        return Element("asset-clip", attributes, (*leading, *level, *markers, *trailing))
    channels = ", ".join(str(channel + 1) for channel in range(stem.channels))
    sound = Element(
        "audio",
        (
            ("ref", asset_id),
            ("offset", time_text(start_s)),
            *span,
            ("role", ROLE),
            ("srcCh", channels),
        ),
    )
    return Element("clip", (*placing, *span), (*leading, *level, sound, *markers, *trailing))


def _level(stem: StemClip, version: Version, dialect: Dialect) -> tuple[Element, ...]:
    """The automation as volume keyframes in the clip's own time, between its start and its end.

    Final Cut Pro writes decibels with their unit; Resolve reads them only without.
    """
    if not stem.automation:
        return ()
    unit = "" if dialect.host == "resolve" else "dB"
    straight = (("curve", "linear"),) if version.has_keyframe_curve else ()
    first_s = stem.file_start_s + stem.in_s
    points = within(stem.automation, stem.record.duration_s)
    keyframes = tuple(
        Element(
            "keyframe",
            (("time", time_text(first_s + at_s)), ("value", f"{level:.2f}{unit}"), *straight),
        )
        for at_s, level in points
    )
    animation = Element("keyframeAnimation", (), keyframes)
    parameter = Element("param", (("name", "amount"),), (animation,))
    return (Element("adjust-volume", (), (parameter,)),)


def _marker_element(
    version: Version, timeline: Timeline, marker: Marker, record_to_clip_s: Fraction
) -> Element:
    value = marker.name or "footstep"
    note = marker.note
    if note and not version.has_marker_note:
        value, note = f"{value}: {note}", ""
    attributes = [
        ("start", time_text(marker.record_s + record_to_clip_s)),
        ("duration", time_text(1 / timeline.frame_rate)),
        ("value", value),
    ]
    if note:
        attributes.append(("note", note))
    return Element("marker", tuple(attributes))


def _provenance(version: Version, stem: StemClip, undo: str) -> tuple[Element, ...]:
    """What made the clip, in its metadata; versions 1.0 and 1.1 have only a note."""
    record = provenance_text(stem)
    if not version.has_metadata:
        return (Element("note", (), f"{NAMESPACE} {stem.clip_id} {record} {undo}".rstrip()),)
    entries = [
        (f"{NAMESPACE}.clip-id", stem.clip_id),
        (f"{NAMESPACE}.track", str(stem.track)),
        (f"{NAMESPACE}.provenance", record),
    ]
    return (_metadata(entries),)


def _metadata(entries: Iterable[tuple[str, str]]) -> Element:
    return Element(
        "metadata", (), tuple(Element("md", (("key", k), ("value", v))) for k, v in entries)
    )


# ---- finding ours again


def extraction_patches(xml: XmlText) -> tuple[Patch, ...]:
    """Patches that take out everything of ours, also in a file that a host has saved since.

    A person may have moved a footstep clip into a storyline: there a gap takes its place, if
    something comes behind it. Raises NotReversible if something of the user's hangs on a clip.
    """
    nodes = _our_nodes(xml.root)
    gaps = list(_holding_places(nodes))
    gone = {id(part) for gap in gaps for part in (gap, *gap.descendants())}
    return (
        *removal_patches(xml, [node for node in nodes if id(node) not in gone]),
        *(Patch(gap.start, gap.end - gap.start, _gap_bytes(xml, gap)) for gap in gaps),
    )


def _our_nodes(root: Node) -> tuple[Node, ...]:
    """Every element that otio-foley added.

    Ours is sound that bears our mark: a clip, or an asset. Hosts renumber assets and drop marks:
    so ours is also an asset without a mark that none but our clips use, and a clip without a mark
    that uses an asset of ours. What shows picture is never ours, whatever stands in its notes.
    """
    resources = Resources(root)
    items = [node for node in root.descendants() if node.tag in STORY]
    clips = [node for node in items if is_ours(node) and _is_sound(node, resources)]
    parts = {id(part): part for clip in clips for part in _parts(clip)}
    only_by_ours = {part.get("ref") for part in parts.values()}
    only_by_ours -= {node.get("ref") for node in items if id(node) not in parts}
    assets = [
        node
        for list_ in root.find_all("resources")
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
