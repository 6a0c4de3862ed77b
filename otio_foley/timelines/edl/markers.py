"""The list in which DaVinci Resolve exports and imports timeline markers: a one-frame event for
each, and under it its note, colour, name and length."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from otio_foley.time import frames_from_seconds, timecode_from_frames
from otio_foley.timelines.dialect import Sidecar
from otio_foley.types import MarkerColor, StemClip, Timeline

#: Resolve's nearest; its palette has no orange, black or white.
_COLORS: Mapping[MarkerColor, str] = {
    "RED": "Red",
    "PINK": "Pink",
    "ORANGE": "Sand",
    "YELLOW": "Yellow",
    "GREEN": "Green",
    "CYAN": "Cyan",
    "BLUE": "Blue",
    "PURPLE": "Purple",
    "MAGENTA": "Fuchsia",
    "BLACK": "Cocoa",
    "WHITE": "Cream",
}


def marker_list(timeline: Timeline, stems: Sequence[StemClip]) -> bytes:
    """All step markers in record order, at the timeline's rate and timecode."""
    markers = sorted(
        (marker for stem in stems for marker in stem.markers), key=lambda marker: marker.record_s
    )
    counts = "DROP FRAME" if timeline.drop_frame else "NON-DROP FRAME"
    lines = [f"TITLE: {_plain(timeline.name) or 'footsteps'}", f"FCM: {counts}", ""]
    for number, marker in enumerate(markers, 1):
        at = frames_from_seconds(timeline.start_s + marker.record_s, timeline.frame_rate)
        span = " ".join(
            timecode_from_frames(max(0, frame), timeline.frame_rate, timeline.drop_frame)
            for frame in (at, at + 1, at, at + 1)
        )
        lines += [
            f"{number:03}  001      V     C        {span}  ",
            f"{_plain(marker.note)} |C:ResolveColor{_COLORS[marker.color]} "
            f"|M:{_plain(marker.name)} |D:1",
            "",
        ]
    return "\r\n".join([*lines, ""]).encode()


def resolve_markers(timeline: Timeline, stems: Sequence[StemClip]) -> Sidecar:
    """The list as a file beside a result of any format, for Resolve takes no markers from them."""
    return Sidecar(
        suffix="_markers.edl",
        content=marker_list(timeline, stems),
        holds="the step markers; in Resolve: Timelines > Import > Timeline Markers from EDL",
    )


def _plain(text: str) -> str:
    """One line without the strokes that part the fields."""
    return re.sub(r"[|\s]+", " ", text).strip()
