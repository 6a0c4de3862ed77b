"""Small cuts to ask controls of."""

from __future__ import annotations

from fractions import Fraction

from otio_foley.time import frames_from_timecode, seconds_from_frames
from otio_foley.types import Clip, Marker, Span, Timeline, TimeMap

PAL = Fraction(25)
FILM = Fraction(24000, 1001)
NTSC = Fraction(30000, 1001)


def clip(
    name: str,
    start_s: Fraction | float,
    end_s: Fraction | float,
    layer: int = 1,
    *,
    enabled: bool = True,
) -> Clip:
    length_s = Fraction(end_s) - Fraction(start_s)
    return Clip(
        clip_id=f"id-{name}",
        name=name,
        reel=None,
        media_path=None,
        media_start_s=None,
        source_rate=None,
        record=Span(start_s=Fraction(start_s), duration_s=length_s),
        time_map=TimeMap(points=((Fraction(0), Fraction(0)), (length_s, length_s))),
        layer=layer,
        enabled=enabled,
    )


def cut(
    *clips: Clip,
    markers: tuple[Marker, ...] = (),
    rate: Fraction = PAL,
    drop_frame: bool = False,
    start: str = "01:00:00:00",
) -> Timeline:
    return Timeline(
        name="reel1",
        frame_rate=rate,
        drop_frame=drop_frame,
        start_s=seconds_from_frames(frames_from_timecode(start, rate, drop_frame), rate),
        clips=clips,
        markers=markers,
    )


def marker(record_s: Fraction | float, name: str, note: str = "") -> Marker:
    return Marker(record_s=Fraction(record_s), name=name, note=note)
