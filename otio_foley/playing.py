"""The contacts of a clip as it plays them: which are seen, when, how fast, and how loud."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

import numpy as np

from otio_foley.analysis.movie import Stepper
from otio_foley.mix.loudness import simplified
from otio_foley.mix.pan import PanPoint, pan_curve
from otio_foley.mix.space import DistancePoint
from otio_foley.mix.stem import Levels, person_levels
from otio_foley.time import playings
from otio_foley.types import (
    OTHER_FLOOR,
    Action,
    Clip,
    Contact,
    FloatArray,
    FloorSpan,
    Part,
    Span,
    TimeMap,
    Visuals,
)

#: A foot that rolls off toe last comes down toe first when the clip plays backwards.
_REVERSED_PART: dict[Part, Part] = {"heel": "toe", "toe": "heel", "flat": "flat"}

_DISTANCE_TOLERANCE = 1 / 6  # doublings of distance: 1 dB


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A clip as it is seen: `spans` of the record in which its picture shows, and the medium, whose
    first presentation time is `media_start_s` in the clip's source clock."""

    clip: Clip
    spans: tuple[Span, ...]
    media_start_s: Fraction
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """A contact as the clip plays it: `offset_s` from the clip's first frame, at a speed.

    `seen` is False in a handle: it is heard where an editor trims the clip longer, not before.
    """

    contact: Contact
    action: Action
    offset_s: Fraction
    speed: Fraction
    seen: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """One person in one clip: what is played, in its handles too, and over the clip's time both
    loudness layers, the distance and the place across the picture. `nearness` is the median area of
    their silhouette, NaN where unknown: who is small is in the background. `floors` and `visuals`
    are the stepper's, in the movie's clock."""

    person: int
    played: tuple[Played, ...]
    levels: Levels
    distance: tuple[DistancePoint, ...]
    pan: tuple[PanPoint, ...]
    nearness: float
    floors: tuple[FloorSpan, ...] = ()
    visuals: tuple[Visuals, ...] = ()

    @property
    def there_s(self) -> tuple[float, float]:
        """From when to when they are there, in the clip's time; steps in its handles count."""
        times_s = [float(one.offset_s) for one in self.played]
        times_s += [point.time_s for point in self.levels.curve]
        return min(times_s), max(times_s)


def floor_under(floors: Sequence[FloorSpan], source_s: float) -> str | None:
    """What was recognised at a time of the movie; None where nothing was, or something of which
    there is no sound."""
    if not floors:
        return None
    # Beyond the first and last glance it is the same floor.
    span = next((one for one in floors if source_s < one.end_s), floors[-1])
    return None if span.floor == OTHER_FLOOR else span.floor


def voice_of(stepper: Stepper, shown: Shown, handle_s: Fraction = Fraction(0)) -> Voice:
    """One person's steps as a clip and its handles play them; those under a higher layer are left
    out."""
    clip = shown.clip
    length_s = clip.record.duration_s
    with_handles = replace(clip, time_map=longer(clip.time_map, handle_s))
    played = []
    for contact, action in zip(stepper.contacts, stepper.actions, strict=True):
        for one in _playings(contact, action, with_handles, shown.media_start_s):
            if 0 <= one.offset_s < length_s:
                if _is_seen(clip.record.start_s + one.offset_s, shown.spans):
                    played.append(one)
            elif -handle_s <= one.offset_s < length_s + handle_s:
                played.append(replace(one, seen=False))
    played.sort(key=lambda one: one.offset_s)
    offsets_s, areas = _played_curve(
        stepper.times_s, stepper.silhouette_area, clip.time_map, shown.media_start_s
    )
    levels = person_levels(
        offsets_s,
        areas,
        [float(one.offset_s) for one in played],
        [one.action for one in played],
        [one.contact.strength for one in played],
    )
    return Voice(
        person=stepper.person,
        played=tuple(played),
        levels=levels,
        distance=_distance(stepper, shown),
        pan=_pan(stepper, shown),
        nearness=float(np.nanmedian(areas)) if np.isfinite(areas).any() else math.nan,
        floors=stepper.floors,
        visuals=stepper.visuals,
    )


def _distance(stepper: Stepper, shown: Shown) -> tuple[DistancePoint, ...]:
    offsets_s, metres = _played_curve(
        stepper.times_s, stepper.distance_m, shown.clip.time_map, shown.media_start_s
    )
    known = np.isfinite(metres)
    if not known.any():
        return ()
    # Doublings of distance are what is heard; the tolerance is a sixth of one.
    curve = simplified(offsets_s[known], np.log2(metres[known]), _DISTANCE_TOLERANCE)
    return tuple(
        DistancePoint(time_s=point.time_s, distance_m=2.0**point.level_db) for point in curve
    )


def _pan(stepper: Stepper, shown: Shown) -> tuple[PanPoint, ...]:
    offsets_s, places = _played_curve(
        stepper.times_s, stepper.across, shown.clip.time_map, shown.media_start_s
    )
    return pan_curve(offsets_s, places)


def _is_seen(record_s: Fraction, spans: Sequence[Span]) -> bool:
    return any(span.start_s <= record_s < span.end_s for span in spans)


def _playings(
    contact: Contact, action: Action, clip: Clip, media_start_s: Fraction
) -> list[Played]:
    """Every time that a clip shows a contact. Backwards, a foot lands where it had lifted off."""
    forwards = [
        Played(contact=contact, action=action, offset_s=offset_s, speed=speed)
        for offset_s, speed in playings(clip.time_map, media_start_s + Fraction(contact.time_s))
        if speed > 0
    ]
    if contact.toe_off_s is None or not _plays_backwards(clip.time_map):
        return forwards
    turned = replace(
        contact,
        time_s=contact.toe_off_s,
        toe_off_s=contact.time_s,
        part=_REVERSED_PART[contact.part],
    )
    backwards = [
        Played(contact=turned, action=action, offset_s=offset_s, speed=speed)
        for offset_s, speed in playings(clip.time_map, media_start_s + Fraction(turned.time_s))
        if speed < 0
    ]
    return forwards + backwards


def longer(time_map: TimeMap, handle_s: Fraction) -> TimeMap:
    """Played on at the speed that it begins and ends with; record offsets below 0 lie before."""
    if not handle_s:
        return time_map
    (r0, s0), (r1, s1) = time_map.points[:2]
    (r2, s2), (r3, s3) = time_map.points[-2:]
    before = (r0 - handle_s, s0 - handle_s * (s1 - s0) / (r1 - r0))
    after = (r3 + handle_s, s3 + handle_s * (s3 - s2) / (r3 - r2))
    return TimeMap(points=(before, *time_map.points, after))


def _plays_backwards(time_map: TimeMap) -> bool:
    return any(after_s < before_s for (_, before_s), (_, after_s) in pairwise(time_map.points))


def _played_curve(
    times_s: FloatArray, values: FloatArray, time_map: TimeMap, media_start_s: Fraction
) -> tuple[FloatArray, FloatArray]:
    """A curve over source time (T,) as a curve over the clip's own time (N,), rising."""
    corners = [
        (float(record_s), float(source_s - media_start_s)) for record_s, source_s in time_map.points
    ]
    offsets, played = [], []
    for (r0, s0), (r1, s1) in pairwise(corners):
        if s0 == s1:
            continue
        inside = (times_s >= min(s0, s1)) & (times_s <= max(s0, s1))
        offsets.append(r0 + (times_s[inside] - s0) * (r1 - r0) / (s1 - s0))
        played.append(values[inside])
    if not offsets:
        return np.zeros(0), np.zeros(0)
    offsets_s, curve = np.concatenate(offsets), np.concatenate(played)
    _, order = np.unique(offsets_s, return_index=True)
    return offsets_s[order], curve[order]
