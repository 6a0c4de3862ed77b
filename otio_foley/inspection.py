"""What a cut holds, for a person and for a script."""

from __future__ import annotations

from fractions import Fraction

from otio_foley._version import __version__
from otio_foley.time import frames_from_seconds, timecode_from_frames
from otio_foley.timelines.document import Document
from otio_foley.timelines.visible import visible_spans
from otio_foley.types import Clip, JsonValue, Timeline


def clip_lines(document: Document) -> list[str]:
    """A readable table: record in and out as timecode, source in, media."""
    timeline = document.timeline()
    assumed = " (assumed; give --rate)" if timeline.frame_rate_assumed else ""
    lines = [
        f"{document.format_name}: {timeline.name or 'unnamed'}, "
        f"{float(timeline.frame_rate):.6g} frames/s{assumed}"
        f"{', drop frame' if timeline.drop_frame else ''}, {len(timeline.clips)} picture clips"
    ]
    for clip, spans in zip(timeline.clips, visible_spans(timeline.clips), strict=True):
        start, end = (
            _timecode(timeline, timeline.start_s + edge)
            for edge in (clip.record.start_s, clip.record.end_s)
        )
        off = "" if clip.enabled else "  (disabled)"
        if clip.enabled and not spans:
            off = "  (hidden behind a higher layer)"
        source = _timecode(timeline, clip.time_map.points[0][1])
        medium = clip.media_path or clip.reel or "no medium named"
        lines.append(
            f"  V{clip.layer}  {start} - {end}  from {source}  {clip.name}  [{medium}]{off}"
        )
    lines += [f"  skipped: {item.name}: {item.reason}" for item in timeline.skipped]
    return lines


def cut_json(document: Document) -> dict[str, JsonValue]:
    """Everything in exact seconds ("1001/24") beside decimal ones."""
    timeline = document.timeline()
    return {
        "version": __version__,
        "format": document.format_name,
        "name": timeline.name,
        "frame_rate": str(timeline.frame_rate),
        "frame_rate_assumed": timeline.frame_rate_assumed,
        "drop_frame": timeline.drop_frame,
        "start_s": str(timeline.start_s),
        "clips": [
            _clip_json(clip, visible=bool(spans))
            for clip, spans in zip(timeline.clips, visible_spans(timeline.clips), strict=True)
        ],
        "skipped": [{"name": item.name, "reason": item.reason} for item in timeline.skipped],
    }


def _clip_json(clip: Clip, *, visible: bool) -> dict[str, JsonValue]:
    return {
        "clip_id": clip.clip_id,
        "name": clip.name,
        "reel": clip.reel,
        "media_path": clip.media_path,
        "media_start_s": None if clip.media_start_s is None else str(clip.media_start_s),
        "source_rate": None if clip.source_rate is None else str(clip.source_rate),
        "record_start_s": str(clip.record.start_s),
        "record_duration_s": str(clip.record.duration_s),
        "time_map": [[str(record_s), str(source_s)] for record_s, source_s in clip.time_map.points],
        "layer": clip.layer,
        "enabled": clip.enabled,
        "visible": visible,
    }


def _timecode(timeline: Timeline, time_s: Fraction) -> str:
    frame = frames_from_seconds(time_s, timeline.frame_rate)
    if frame < 0:
        return f"-{timecode_from_frames(-frame, timeline.frame_rate, timeline.drop_frame)}"
    return timecode_from_frames(frame, timeline.frame_rate, timeline.drop_frame)
