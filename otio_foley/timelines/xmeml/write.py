"""Footstep clips into an xmeml text."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from otio_foley.errors import OutputError, WouldLoseData
from otio_foley.time import frames_from_seconds, nominal_rate, timecode_from_frames
from otio_foley.timelines.dialect import Dialect
from otio_foley.timelines.document import NAMESPACE, UNDO_PLACEHOLDER, Patch
from otio_foley.timelines.paths import url_from_path
from otio_foley.timelines.xmeml.level import level_filter
from otio_foley.timelines.xmeml.markers import marker_element
from otio_foley.timelines.xmeml.media import TICKS_HZ, exact_rate, rate_of
from otio_foley.timelines.xmeml.remove import ID_PREFIX, MADE_AUDIO, mentions
from otio_foley.timelines.xml.stems import provenance_text, rows
from otio_foley.timelines.xml.tree import Node, XmlText
from otio_foley.timelines.xml.write import Element, Writer
from otio_foley.types import Host, StemClip, Timeline

_BIT_DEPTH = 24

#: Apple's DTD knows none of Premiere's names, so that a generic cut only gets them if it has some.
_PREMIERE_NAMES = ("<pproTicksIn>", " MZ.", " premiereTrackType=")

_ON = Element("enabled", (), "TRUE")
_FIRST_SOUND_TRACK = Element(
    "sourcetrack", (), (Element("mediatype", (), "audio"), Element("trackindex", (), "1"))
)


def insertion_patches(
    xml: XmlText, timeline: Timeline, sequence: Node, stems: Sequence[StemClip], dialect: Dialect
) -> tuple[Patch, ...]:
    """One patch: the tracks, behind the audio tracks that there are.

    Raises OutputError for a stem whose clip is not in this cut, WouldLoseData for what xmeml or
    the host does not hold.
    """
    _check_stems(timeline, stems)
    media = sequence.child("media")
    if media is None:
        raise OutputError(
            "the sequence holds no media that sound could be added to",
            hint="export the sequence again",
        )
    if dialect.host == "resolve":
        _check_for_resolve(sequence, media)
    audio = media.child("audio")
    builder = _Builder(xml, timeline, stems, dialect.host, makes_audio=audio is None)
    writer = Writer(xml)
    if audio is None:
        made = Element("audio", (), (_sound_format(stems[0].sample_rate_hz), *builder.tracks()))
        return (writer.insert(media, media.children[-1] if media.children else None, [made]),)
    tracks = [node for node in audio.children if node.tag == "track"]
    last = tracks[-1] if tracks else audio.children[-1] if audio.children else None
    return (writer.insert(audio, last, builder.tracks()),)


def _check_stems(timeline: Timeline, stems: Sequence[StemClip]) -> None:
    known = {clip.clip_id for clip in timeline.clips}
    for stem in stems:
        if stem.clip_id not in known:
            raise OutputError(
                f"the cut has no clip {stem.clip_id!r} for {stem.name!r}",
                hint="the footsteps were made for another version of the cut: conform them first",
            )
        if stem.channels != 1:
            raise WouldLoseData(
                f"{stem.name!r} has {stem.channels} channels, and an xmeml clip plays one",
                hint="give it as mono files",
            )


def _check_for_resolve(sequence: Node, media: Node) -> None:
    """Resolve imports nothing of such a sequence, and does not say so."""
    video = media.child("video")
    has_format = video is not None and video.child("format") is not None
    missing = [
        name
        for name, is_there in (("<rate>", rate_of(sequence) is not None), ("<format>", has_format))
        if not is_there
    ]
    if missing:
        raise OutputError(
            f"Resolve would import nothing: the sequence has no {' and no '.join(missing)}",
            hint="export the cut again from the program that it was cut in, or leave out --for",
        )


class _Builder:
    """Builds tracks; remembers which files and ids are given out."""

    def __init__(
        self,
        xml: XmlText,
        timeline: Timeline,
        stems: Sequence[StemClip],
        host: Host,
        *,
        makes_audio: bool,
    ) -> None:
        self.rate = timeline.frame_rate
        self.rate_element = _rate_element(timeline.frame_rate)
        self.drop_frame = timeline.drop_frame
        self.rows = rows(stems)
        self.undo_holder = self.rows[0][1][0]
        self.host = host
        self.makes_audio = makes_audio
        self.taken = _taken_ids(xml)
        # Version 1 counts a file's tracks; channelcount came with version 2.
        self.channels_tag = "trackcount" if xml.root.get("version") == "1" else "channelcount"
        self.for_premiere = host == "premiere" or (
            host != "resolve" and any(mentions(xml, name) for name in _PREMIERE_NAMES)
        )
        self.file_ids: dict[Path, str] = {}
        self.numbers: dict[str, int] = {}

    def tracks(self) -> tuple[Element, ...]:
        built = []
        seen: dict[int, int] = {}
        for track, row in self.rows:
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
                _ON,
                Element("locked", (), "FALSE"),
                Element("outputchannelindex", (), "1"),
            ),
        )

    def _clipitem(self, stem: StemClip, track_name: str) -> Element:
        in_frame = self._frames(stem.in_s)
        start = self._frames(stem.record.start_s)
        end = max(start + 1, self._frames(stem.record.end_s))
        out_frame = in_frame + end - start
        content = [
            Element("name", (), stem.name),
            _ON,
            Element("duration", (), str(self._frames(stem.file_duration_s))),
            self.rate_element,
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
        content += [self._file(stem), _FIRST_SOUND_TRACK]
        if stem.automation:
            content.append(level_filter(stem, in_frame, end - start, self.rate, self.host))
        content += [
            *(
                marker_element(
                    marker,
                    in_frame + self._frames(marker.record_s - stem.record.start_s),
                    coloured=self.for_premiere,
                )
                for marker in stem.markers
            ),
            _logging(stem),
            self._comments(stem, track_name),
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
            self.rate_element,
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
                self.rate_element,
                Element("string", (), timecode_from_frames(frame, self.rate, self.drop_frame)),
                Element("frame", (), str(frame)),
                Element("displayformat", (), "DF" if self.drop_frame else "NDF"),
            ),
        )

    def _comments(self, stem: StemClip, track_name: str) -> Element:
        """The track's name, for which xmeml has no other place; in the first clip of the first
        track the undo record too."""
        fields = [Element("mastercomment1", (), track_name)]
        if stem is self.undo_holder:
            fields.append(Element("mastercomment3", (), f"{NAMESPACE} {UNDO_PLACEHOLDER}"))
            if self.makes_audio:
                fields.append(Element("mastercomment4", (), MADE_AUDIO))
        return Element("comments", (), tuple(fields))

    def _frames(self, time_s: Fraction) -> int:
        return frames_from_seconds(time_s, self.rate)

    def _ticks(self, frame: int) -> int:
        return round(frame * TICKS_HZ / self.rate)

    def _fresh(self, kind: str) -> str:
        number = self.numbers.get(kind, 0) + 1
        while f"{ID_PREFIX}{kind}-{number}" in self.taken:
            number += 1
        self.numbers[kind] = number
        return f"{ID_PREFIX}{kind}-{number}"


def _taken_ids(xml: XmlText) -> frozenset[str | None]:
    if not mentions(xml, ID_PREFIX):
        return frozenset()
    return frozenset(node.get("id") for node in xml.root.descendants())


def _rate_element(rate: Fraction) -> Element:
    """Raises WouldLoseData for a rate that is neither whole nor an NTSC rate, as 12.5: there is no
    timecode at it either."""
    timebase, ntsc = nominal_rate(rate), rate.denominator == 1001
    if exact_rate(Fraction(timebase), ntsc=ntsc) != rate:
        raise WouldLoseData(
            f"xmeml and timecode have no place for {float(rate):g} frames a second",
            hint="cut at a whole or NTSC frame rate, or export the cut in another format",
        )
    written = (
        Element("timebase", (), str(timebase)),
        Element("ntsc", (), "TRUE" if ntsc else "FALSE"),
    )
    return Element("rate", (), written)


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
