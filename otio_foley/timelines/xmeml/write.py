"""Footstep clips into an xmeml text, and out of it again by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

from otio_foley.errors import OutputError
from otio_foley.time import frames_from_seconds, nominal_rate, timecode_from_frames
from otio_foley.timelines.document import NAMESPACE, UNDO_PLACEHOLDER, Patch
from otio_foley.timelines.paths import url_from_path
from otio_foley.timelines.xmeml.read import TICKS_HZ
from otio_foley.timelines.xml.stems import provenance_text, rows
from otio_foley.timelines.xml.tree import Node, XmlText
from otio_foley.timelines.xml.write import Element, Writer
from otio_foley.types import Marker, StemClip, Timeline

_ID_PREFIX = "otio-foley-"
_MADE_AUDIO = f"{NAMESPACE} made-audio"
_BIT_DEPTH = 24
#: Premiere's yellow, as ABGR.
_MARKER_COLOUR = "4281049552"


def insertion_patches(
    xml: XmlText, timeline: Timeline, sequence: Node, stems: Sequence[StemClip]
) -> tuple[Patch, ...]:
    """One patch: the tracks, behind the audio tracks that there are.

    Raises OutputError for a stem whose clip is not in this cut.
    """
    known = {clip.clip_id for clip in timeline.clips}
    for stem in stems:
        if stem.clip_id not in known:
            raise OutputError(
                f"the cut has no clip {stem.clip_id!r} for {stem.name!r}",
                hint="the footsteps were made for another version of the cut: conform them first",
            )
    media = sequence.child("media")
    if media is None:
        raise OutputError("the sequence holds no media that sound could be added to")
    audio = media.child("audio")
    builder = _Builder(xml, timeline, stems, makes_audio=audio is None)
    writer = Writer(xml)
    if audio is None:
        made = Element("audio", (), (_sound_format(stems[0].sample_rate_hz), *builder.tracks()))
        return (writer.insert(media, media.children[-1] if media.children else None, [made]),)
    tracks = [node for node in audio.children if node.tag == "track"]
    last = tracks[-1] if tracks else audio.children[-1] if audio.children else None
    return (writer.insert(audio, last, builder.tracks()),)


class _Builder:
    """Builds tracks; remembers which files and ids are given out."""

    def __init__(
        self, xml: XmlText, timeline: Timeline, stems: Sequence[StemClip], *, makes_audio: bool
    ) -> None:
        self.rate = timeline.frame_rate
        self.drop_frame = timeline.drop_frame
        self.stems = stems
        self.makes_audio = makes_audio
        self.taken = {node.get("id") for node in xml.root.descendants()}
        # Version 1 counts a file's tracks; channelcount came with version 2.
        self.channels_tag = "trackcount" if xml.root.get("version") == "1" else "channelcount"
        # Apple's DTD knows none of Premiere's names, so only a file that has some gets more.
        self.for_premiere = any(
            node.tag == "pproTicksIn" or node.get("MZ.EditLine") or node.get("premiereTrackType")
            for node in xml.root.descendants()
        )
        self.file_ids: dict[Path, str] = {}
        self.numbers: dict[str, int] = {}
        self.is_first = True

    def tracks(self) -> tuple[Element, ...]:
        built = []
        seen: dict[int, int] = {}
        for track, row in rows(self.stems):
            seen[track] = seen.get(track, 0) + 1
            name = f"FS {track}" if seen[track] == 1 else f"FS {track} ({seen[track]})"
            built.append(self._track(name, row))
        return tuple(built)

    def _track(self, name: str, row: Sequence[StemClip]) -> Element:
        attributes = (
            ("MZ.TrackName", name),
            ("currentExplodedTrackIndex", "0"),
            ("totalExplodedTrackCount", "1"),
            ("premiereTrackType", "Mono"),
        )
        return Element(
            "track",
            attributes if self.for_premiere else (),
            (
                *(self._clipitem(stem, name) for stem in row),
                Element("enabled", (), "TRUE"),
                Element("locked", (), "FALSE"),
                Element("outputchannelindex", (), "1"),
            ),
        )

    def _clipitem(self, stem: StemClip, track_name: str) -> Element:
        in_frame = self._frames(stem.in_s)
        start = self._frames(stem.record.start_s)
        end = self._frames(stem.record.end_s)
        out_frame = in_frame + end - start
        content = [
            Element("name", (), stem.name),
            Element("enabled", (), "TRUE"),
            Element("duration", (), str(self._frames(stem.file_duration_s))),
            rate_element(self.rate),
            Element("start", (), str(start)),
            Element("end", (), str(end)),
            Element("in", (), str(in_frame)),
            Element("out", (), str(out_frame)),
        ]
        if self.for_premiere:
            content += [
                Element("pproTicksIn", (), str(self._ticks(in_frame))),
                Element("pproTicksOut", (), str(self._ticks(out_frame))),
            ]
        content += [
            self._file(stem),
            Element(
                "sourcetrack",
                (),
                (Element("mediatype", (), "audio"), Element("trackindex", (), "1")),
            ),
            *(self._marker(marker, stem, in_frame) for marker in stem.markers),
            _logging(stem),
            self._comments(track_name),
        ]
        identity = ("id", self._fresh("clipitem"))
        mono = (("premiereChannelType", "mono"),) if self.for_premiere else ()
        return Element("clipitem", (identity, *mono), tuple(content))

    def _file(self, stem: StemClip) -> Element:
        known = self.file_ids.get(stem.path)
        if known is not None:
            return Element("file", (("id", known),))
        identity = self.file_ids[stem.path] = self._fresh("file")
        content = (
            Element("name", (), stem.path.name),
            Element("pathurl", (), url_from_path(stem.path, localhost=True)),
            rate_element(self.rate),
            Element("duration", (), str(self._frames(stem.file_duration_s))),
            self._timecode(stem.file_start_s),
            Element(
                "media",
                (),
                (
                    Element(
                        "audio",
                        (),
                        (
                            _sound_characteristics(stem.sample_rate_hz),
                            Element(self.channels_tag, (), str(stem.channels)),
                        ),
                    ),
                ),
            ),
        )
        return Element("file", (("id", identity),), content)

    def _timecode(self, start_s: Fraction) -> Element:
        frame = self._frames(start_s)
        return Element(
            "timecode",
            (),
            (
                rate_element(self.rate),
                Element("string", (), timecode_from_frames(frame, self.rate, self.drop_frame)),
                Element("frame", (), str(frame)),
                Element("displayformat", (), "DF" if self.drop_frame else "NDF"),
            ),
        )

    def _marker(self, marker: Marker, stem: StemClip, in_frame: int) -> Element:
        frame = in_frame + self._frames(marker.record_s - stem.record.start_s)
        content = [
            Element("comment", (), marker.note),
            Element("name", (), marker.name),
            Element("in", (), str(frame)),
            Element("out", (), "-1"),
        ]
        if self.for_premiere:
            content.append(Element("pproColor", (), _MARKER_COLOUR))
        return Element("marker", (), tuple(content))

    def _comments(self, track_name: str) -> Element:
        """The track's name, for which xmeml has no other place, and once the undo record."""
        fields = [Element("mastercomment1", (), track_name)]
        if self.is_first:
            self.is_first = False
            fields.append(Element("mastercomment3", (), f"{NAMESPACE} {UNDO_PLACEHOLDER}"))
            if self.makes_audio:
                fields.append(Element("mastercomment4", (), _MADE_AUDIO))
        return Element("comments", (), tuple(fields))

    def _frames(self, time_s: Fraction) -> int:
        return frames_from_seconds(time_s, self.rate)

    def _ticks(self, frame: int) -> int:
        return round(frame * TICKS_HZ / self.rate)

    def _fresh(self, kind: str) -> str:
        number = self.numbers.get(kind, 0) + 1
        while f"{_ID_PREFIX}{kind}-{number}" in self.taken:
            number += 1
        self.numbers[kind] = number
        return f"{_ID_PREFIX}{kind}-{number}"


def rate_element(rate: Fraction) -> Element:
    ntsc = "TRUE" if rate.denominator == 1001 else "FALSE"
    return Element(
        "rate",
        (),
        (Element("timebase", (), str(nominal_rate(rate))), Element("ntsc", (), ntsc)),
    )


def _logging(stem: StemClip) -> Element:
    """Provenance in the log note, which hosts keep and editors can read."""
    note = f"{NAMESPACE} {stem.clip_id} {provenance_text(stem)}"
    return Element("logginginfo", (), (Element("lognote", (), note),))


def _sound_characteristics(sample_rate_hz: int) -> Element:
    return Element(
        "samplecharacteristics",
        (),
        (
            Element("depth", (), str(_BIT_DEPTH)),
            Element("samplerate", (), str(sample_rate_hz)),
        ),
    )


def _sound_format(sample_rate_hz: int) -> Element:
    return Element("format", (), (_sound_characteristics(sample_rate_hz),))


# ---- finding ours again


def our_nodes(root: Node) -> tuple[Node, ...]:
    """Every element that otio-foley added, also in a file that a host has saved since."""
    items = [node for node in root.descendants() if node.tag in ("clipitem", "clip")]
    ours = {id(node): node for node in items if _is_marked(node)}
    file_ids = {
        file.get("id") for node in ours.values() for file in node.find_all("file") if file.get("id")
    }
    for node in items:
        file = node.child("file")
        if file is not None and file.get("id") in file_ids:
            ours[id(node)] = node
    found = [*ours.values(), *_containers(ours), *_links(root, ours)]
    return tuple({id(node): node for node in found}.values())


def _is_marked(node: Node) -> bool:
    if (node.get("id") or "").startswith(_ID_PREFIX):
        return True
    return any(
        NAMESPACE in field.text
        for child in node.children
        if child.tag in ("logginginfo", "comments")
        for field in child.children
    )


def _containers(ours: Mapping[int, Node]) -> list[Node]:
    """Tracks that hold nothing but ours, and the `audio` that was made for them."""
    found: dict[int, Node] = {}
    for node in ours.values():
        track = node.parent
        if track is not None and track.tag == "track":
            items = [child for child in track.children if child.tag.endswith("item")]
            if all(id(child) in ours for child in items if child.tag != "transitionitem"):
                found[id(track)] = track
    for node in ours.values():
        track = node.parent
        audio = track.parent if track is not None else None
        made = any(_MADE_AUDIO in field.text for field in node.find_all("mastercomment4"))
        if made and audio is not None and audio.tag == "audio":
            tracks = [child for child in audio.children if child.tag == "track"]
            if all(id(child) in found for child in tracks):
                found[id(audio)] = audio
    return list(found.values())


def _links(root: Node, ours: Mapping[int, Node]) -> list[Node]:
    """Links of other clips to ours, which a host may have made."""
    ids = {node.get("id") for node in ours.values()} - {None}
    return [link for link in root.find_all("link") if link.child_text("linkclipref") in ids]
