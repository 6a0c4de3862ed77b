"""One movie of the whole cut in place of the clips' own media, looked at by record time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from otio_foley.media.picture import MovieInfo
from otio_foley.time import frames_from_timecode, seconds_from_frames
from otio_foley.timelines.relink import Found, timecode_s
from otio_foley.types import Clip, Timeline, TimeMap


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """`start_s` is the record timecode of the movie's first frame in true seconds."""

    info: MovieInfo
    start_s: Fraction


def placed(info: MovieInfo, start: str | None, timeline: Timeline) -> Reference:
    """Where a reference movie lies: at the timecode given, else at the movie's own, else (or where
    that is nowhere in the cut) at the timeline's first frame.

    Raises ParseError if `start` is no timecode of the timeline's rate.
    """
    if start is not None:
        frame = frames_from_timecode(start, timeline.frame_rate, timeline.drop_frame)
        return Reference(info=info, start_s=seconds_from_frames(frame, timeline.frame_rate))
    own_s = timecode_s(info)
    if own_s is not None and _overlaps(own_s, info, timeline):
        return Reference(info=info, start_s=own_s)
    return Reference(info=info, start_s=timeline.start_s)


def _overlaps(start_s: Fraction, info: MovieInfo, timeline: Timeline) -> bool:
    end_s = timeline.start_s + max((clip.record.end_s for clip in timeline.clips), default=0)
    has_begun = start_s < end_s
    return has_begun and (info.duration_s is None or start_s + info.duration_s > timeline.start_s)


def seen_in(clip: Clip, reference: Reference, timeline: Timeline) -> tuple[Clip, Found]:
    """The clip as the reference shows it: by record time, its retimes done already."""
    start_s = timeline.start_s + clip.record.start_s
    length_s = clip.record.duration_s
    shown = replace(
        clip, time_map=TimeMap(points=((Fraction(0), start_s), (length_s, start_s + length_s)))
    )
    return shown, Found(info=reference.info, media_start_s=reference.start_s, note="")
