"""What a cut holds, for a person and for a script."""

from __future__ import annotations

from collections.abc import Iterable

from otio_foley._version import __version__
from otio_foley.controls.gather import Controls
from otio_foley.controls.places import timecode
from otio_foley.controls.rules import PRECEDENCE, Kind, Rule
from otio_foley.controls.values import Resolved, Value
from otio_foley.timelines.document import Document
from otio_foley.timelines.visible import visible_spans
from otio_foley.types import Clip, JsonValue

#: Whose controls are no clip's: they hold across clips or inside of one.
_NOT_A_CLIPS = (Kind.TRACK, Kind.STEP)


def clip_lines(document: Document, controls: Controls | None = None) -> list[str]:
    """A readable table: record in and out as timecode, source in, media. With controls, what each
    clip has of them and where from, so far as it is not the default."""
    timeline = document.timeline()
    assumed = " (assumed; give --rate)" if timeline.frame_rate_assumed else ""
    lines = [
        f"{document.format_name}: {timeline.name or 'unnamed'}, "
        f"{float(timeline.frame_rate):.6g} frames/s{assumed}"
        f"{', drop frame' if timeline.drop_frame else ''}, {len(timeline.clips)} picture clips"
    ]
    for clip, spans in zip(timeline.clips, visible_spans(timeline.clips), strict=True):
        start, end = (
            timecode(timeline, timeline.start_s + edge)
            for edge in (clip.record.start_s, clip.record.end_s)
        )
        off = "" if clip.enabled else "  (disabled)"
        if clip.enabled and not spans:
            off = "  (hidden behind a higher layer)"
        source = timecode(timeline, clip.time_map.points[0][1])
        medium = clip.media_path or clip.reel or "no medium named"
        lines.append(
            f"  V{clip.layer}  {start} - {end}  from {source}  {clip.name}  [{medium}]{off}"
        )
        if controls is not None and (asked := _asked(controls.for_clip(None, clip))):
            lines.append(f"      {asked}")
    lines += [f"  skipped: {item.name}: {item.reason}" for item in timeline.skipped]
    return lines if controls is None else lines + _control_lines(controls)


def _control_lines(controls: Controls) -> list[str]:
    lines = [
        f"  {rule.origin.words}: {_values(rule.control.given().items())}"
        for rule in _not_a_clips(controls)
    ]
    lines.append(f"  controls: {PRECEDENCE}")
    return lines + [f"  unused: {one}" for one in controls.unused()]


def _not_a_clips(controls: Controls) -> list[Rule]:
    return [rule for rule in controls.rules if rule.target.kind in _NOT_A_CLIPS]


def _asked(resolved: Resolved) -> str:
    return ", ".join(
        f"{_values([(name, value)])} ({origin.words})"
        for name, (value, origin) in resolved.asked().items()
    )


def _values(values: Iterable[tuple[str, Value]]) -> str:
    return ", ".join(f"{name} {_word(value)}" for name, value in values)


def _word(value: Value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def cut_json(document: Document, controls: Controls | None = None) -> dict[str, JsonValue]:
    """Everything in exact seconds ("1001/24") beside decimal ones. With controls, all that each
    clip has and where from; `rules` are those of tracks and steps."""
    timeline = document.timeline()
    described: dict[str, JsonValue] = {
        "version": __version__,
        "format": document.format_name,
        "name": timeline.name,
        "frame_rate": str(timeline.frame_rate),
        "frame_rate_assumed": timeline.frame_rate_assumed,
        "drop_frame": timeline.drop_frame,
        "start_s": str(timeline.start_s),
        "clips": [
            _clip_json(clip, controls, visible=bool(spans))
            for clip, spans in zip(timeline.clips, visible_spans(timeline.clips), strict=True)
        ],
        "skipped": [{"name": item.name, "reason": item.reason} for item in timeline.skipped],
    }
    if controls is None:
        return described
    return {
        **described,
        "precedence": PRECEDENCE,
        "rules": [
            {"from": rule.origin.words, "controls": rule.control.given()}
            for rule in _not_a_clips(controls)
        ],
        "unused": [*controls.unused()],
    }


def _clip_json(clip: Clip, controls: Controls | None, *, visible: bool) -> dict[str, JsonValue]:
    asked = {} if controls is None else {"controls": controls.for_clip(None, clip).as_json()}
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
        **asked,
    }
