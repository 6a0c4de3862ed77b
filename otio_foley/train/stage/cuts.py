"""One edit of the demo's shots written as FCPXML, xmeml, OpenTimelineIO and CMX3600.

Written from templates, not through the package's own writers: the demo must not depend on what
it is there to show.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One clip of the cut; all figures in whole frames."""

    file_name: str
    timecode_start: int
    """Timecode of the medium's first frame."""
    media_frames: int
    source_in: int
    """First frame used, counted from the medium's first."""
    source_out: int
    """First frame no longer used."""

    @property
    def frames(self) -> int:
        """Length in the cut."""
        return self.source_out - self.source_in

    @property
    def url(self) -> str:
        """Relative address of the medium."""
        return "./" + quote(self.file_name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A sequence of events without gaps."""

    name: str
    frame_rate: int
    start: int
    """Timecode of the sequence's first frame, in frames."""
    width_px: int
    height_px: int
    events: Sequence[Event]

    @property
    def frames(self) -> int:
        """Length of the sequence."""
        return sum(event.frames for event in self.events)

    def placed(self) -> list[tuple[int, Event]]:
        """Events with the frame, from the sequence's first, on which each begins."""
        at, out = 0, []
        for event in self.events:
            out.append((at, event))
            at += event.frames
        return out


def timecode(frames: int, frame_rate: int) -> str:
    """Non-drop timecode HH:MM:SS:FF."""
    seconds, frame = divmod(frames, frame_rate)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}:{frame:02d}"


def fcpxml(cut: Cut) -> str:
    """FCPXML 1.10 text."""

    def time(frames: int) -> str:
        return f"{frames * 100}/{cut.frame_rate * 100}s"

    assets, clips = [], []
    for number, (at, event) in enumerate(cut.placed(), start=2):
        name = quoteattr(event.file_name)
        assets.append(
            f'    <asset id="r{number}" name={name} start="{time(event.timecode_start)}"'
            f' duration="{time(event.media_frames)}" hasVideo="1" format="r1" videoSources="1">\n'
            f'      <media-rep kind="original-media" src={quoteattr(event.url)}/>\n'
            "    </asset>"
        )
        clips.append(
            f'            <asset-clip ref="r{number}" name={name} offset="{time(cut.start + at)}"'
            f' start="{time(event.timecode_start + event.source_in)}"'
            f' duration="{time(event.frames)}" format="r1" tcFormat="NDF"/>'
        )
    name = quoteattr(cut.name)
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE fcpxml>
<fcpxml version="1.10">
  <resources>
    <format id="r1" name="FFVideoFormat{cut.height_px}p{cut.frame_rate}" frameDuration="{time(1)}" \
width="{cut.width_px}" height="{cut.height_px}" colorSpace="1-1-1 (Rec. 709)"/>
{chr(10).join(assets)}
  </resources>
  <library>
    <event name={name}>
      <project name={name}>
        <sequence format="r1" duration="{time(cut.frames)}" tcStart="{time(cut.start)}" \
tcFormat="NDF" audioLayout="stereo" audioRate="48k">
          <spine>
{chr(10).join(clips)}
          </spine>
        </sequence>
      </project>
    </event>
  </library>
</fcpxml>
"""


def xmeml(cut: Cut) -> str:
    """Final Cut Pro 7 XML text, version 5, as Premiere and Resolve exchange it."""
    rate = f"<rate><timebase>{cut.frame_rate}</timebase><ntsc>FALSE</ntsc></rate>"

    def code(frames: int) -> str:
        return (
            f"<timecode>{rate}<string>{timecode(frames, cut.frame_rate)}</string>"
            f"<frame>{frames}</frame><displayformat>NDF</displayformat></timecode>"
        )

    picture = (
        f"<samplecharacteristics>{rate}<width>{cut.width_px}</width>"
        f"<height>{cut.height_px}</height><anamorphic>FALSE</anamorphic>"
        "<pixelaspectratio>square</pixelaspectratio><fielddominance>none</fielddominance>"
        "</samplecharacteristics>"
    )
    items = []
    for number, (at, event) in enumerate(cut.placed(), start=1):
        name = escape(event.file_name)
        items.append(f"""          <clipitem id="clipitem-{number}">
            <name>{name}</name>
            <enabled>TRUE</enabled>
            <duration>{event.media_frames}</duration>
            {rate}
            <start>{at}</start>
            <end>{at + event.frames}</end>
            <in>{event.source_in}</in>
            <out>{event.source_out}</out>
            <file id="file-{number}">
              <name>{name}</name>
              <pathurl>{escape(event.url)}</pathurl>
              {rate}
              <duration>{event.media_frames}</duration>
              {code(event.timecode_start)}
              <media>
                <video>
                  {picture}
                </video>
              </media>
            </file>
          </clipitem>""")
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE xmeml>
<xmeml version="5">
  <sequence id="sequence-1">
    <name>{escape(cut.name)}</name>
    <duration>{cut.frames}</duration>
    {rate}
    {code(cut.start)}
    <media>
      <video>
        <format>
          {picture}
        </format>
        <track>
{chr(10).join(items)}
        </track>
      </video>
    </media>
  </sequence>
</xmeml>
"""


def otio(cut: Cut) -> str:
    """OpenTimelineIO JSON text in Resolve's shape: sources count in the media's own timecode."""

    def time(frames: int) -> dict[str, object]:
        return {
            "OTIO_SCHEMA": "RationalTime.1",
            "rate": float(cut.frame_rate),
            "value": float(frames),
        }

    def span(start: int, frames: int) -> dict[str, object]:
        return {
            "OTIO_SCHEMA": "TimeRange.1",
            "duration": time(frames),
            "start_time": time(start),
        }

    clips = [
        {
            "OTIO_SCHEMA": "Clip.2",
            "metadata": {},
            "name": event.file_name,
            "source_range": span(event.timecode_start + event.source_in, event.frames),
            "effects": [],
            "markers": [],
            "enabled": True,
            "media_references": {
                "DEFAULT_MEDIA": {
                    "OTIO_SCHEMA": "ExternalReference.1",
                    "metadata": {},
                    "name": event.file_name,
                    "available_range": span(event.timecode_start, event.media_frames),
                    "available_image_bounds": None,
                    "target_url": event.url,
                }
            },
            "active_media_reference_key": "DEFAULT_MEDIA",
        }
        for event in cut.events
    ]
    item: dict[str, object] = {
        "metadata": {},
        "source_range": None,
        "effects": [],
        "markers": [],
        "enabled": True,
    }
    track = {"OTIO_SCHEMA": "Track.1", "name": "V1", **item, "children": clips, "kind": "Video"}
    timeline = {
        "OTIO_SCHEMA": "Timeline.1",
        "metadata": {},
        "name": cut.name,
        "global_start_time": time(cut.start),
        "tracks": {"OTIO_SCHEMA": "Stack.1", "name": "tracks", **item, "children": [track]},
    }
    return json.dumps(timeline, indent=4) + "\n"


def edl(cut: Cut) -> str:
    """CMX3600 text with eight-character reels."""
    lines = [f"TITLE: {cut.name}", "FCM: NON-DROP FRAME", ""]
    for number, (at, event) in enumerate(cut.placed(), start=1):
        source = event.timecode_start + event.source_in
        record = cut.start + at
        codes = (source, source + event.frames, record, record + event.frames)
        reel = Path(event.file_name).stem.upper()[:8]
        lines.append(
            f"{number:03d}  {reel:<8} V     C        "
            + " ".join(timecode(frames, cut.frame_rate) for frames in codes)
        )
        lines += [f"* FROM CLIP NAME: {event.file_name}", ""]
    return "\n".join(lines)


def write_cuts(cut: Cut, folder: Path, stem: str) -> None:
    """Write the same cut in all four formats."""
    for suffix, write in ((".fcpxml", fcpxml), (".xml", xmeml), (".otio", otio), (".edl", edl)):
        (folder / f"{stem}{suffix}").write_text(write(cut), encoding="utf-8", newline="\n")
