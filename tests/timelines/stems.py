"""Made-up footstep clips for the tests of the timeline formats."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from otio_foley.time import frames_from_seconds
from otio_foley.types import Clip, Marker, Span, StemClip, Timeline

#: Blanks, a percent sign, and letters outside ASCII and Latin-1: what file URLs have to survive.
FOLDER = Path("/Volumes/Foley Stems/100 % Lärm/足音")
_HANDLE_FRAMES = 12
_SAMPLE_RATE_HZ = 48000


def stem_for(clip: Clip, timeline: Timeline, track: int = 1) -> StemClip:
    """A footstep clip as long as its picture, with 12 frame handles and two markers."""
    rate = timeline.frame_rate
    first = frames_from_seconds(clip.record.start_s, rate)
    last = max(first + 1, frames_from_seconds(clip.record.start_s + clip.record.duration_s, rate))
    record = Span(start_s=first / rate, duration_s=(last - first) / rate)
    handle_s = _HANDLE_FRAMES / rate
    return StemClip(
        clip_id=clip.clip_id,
        name=f"FS {track} {clip.clip_id} <Schritte & Steps>",
        track=track,
        record=record,
        path=FOLDER / f"FOLYFeet_Walk Concrete_{clip.clip_id}_{track}.wav",
        file_start_s=max(Fraction(0), timeline.start_s + record.start_s),
        file_duration_s=record.duration_s + 2 * handle_s,
        in_s=handle_s,
        sample_rate_hz=_SAMPLE_RATE_HZ,
        channels=1,
        markers=(
            Marker(record_s=record.start_s, name="heel left", note='floor "concrete" & <wet>'),
            Marker(record_s=record.start_s + 1 / (2 * rate), name="toe left"),
        ),
        provenance={
            "tool": 'otio-foley "0"',
            "text": "a < b & c > d\nsecond line",
            "steps": [1, 2.5, None, True],
        },
    )


def stems_for(timeline: Timeline, tracks: Iterable[int] = (1,)) -> list[StemClip]:
    """A stem on every clip, on each of the tracks."""
    return [stem_for(clip, timeline, track) for track in tracks for clip in timeline.clips]


def stem_with_control_characters(timeline: Timeline) -> StemClip:
    """A stem whose texts hold what JSON and EDL can bring and XML 1.0 cannot hold."""
    bad = "bell\x07nul\x00 \ufffe\x1f\ud800"
    stem = stem_for(timeline.clips[0], timeline)
    markers = tuple(replace(marker, name=bad, note=bad) for marker in stem.markers)
    provenance = {"clip": bad, bad: bad}
    path = FOLDER / "bell\x07.wav"
    return replace(stem, name=bad, path=path, markers=markers, provenance=provenance)
