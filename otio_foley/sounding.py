"""The steps of a clip made into sound: which contacts are seen to happen, how loud, where in the
file, and what the timeline is told about it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np

from otio_foley._version import __version__
from otio_foley.analysis.movie import MovieSteps, Stepper
from otio_foley.config import Settings
from otio_foley.delivery import sound_name
from otio_foley.errors import InputError
from otio_foley.media.sound import BroadcastWave
from otio_foley.mix.meters import integrated_lufs, short_term_max_lufs, true_peak_dbtp
from otio_foley.mix.stem import Levels, mix_down, person_levels
from otio_foley.report import Step
from otio_foley.synthesis import SAMPLE_RATE_HZ
from otio_foley.synthesis.placement import Cue, place
from otio_foley.synthesis.shoes import shoe
from otio_foley.time import (
    frames_from_seconds,
    playings,
    samples_from_seconds,
    seconds_from_frames,
)
from otio_foley.timelines.document import NAMESPACE
from otio_foley.types import (
    Action,
    Audio,
    Clip,
    Contact,
    FloatArray,
    Footstep,
    JsonValue,
    Marker,
    Part,
    Span,
    StemClip,
    Timeline,
    TimeMap,
)

#: A foot that rolls off toe last comes down toe first when the clip plays backwards.
_REVERSED_PART: dict[Part, Part] = {"heel": "toe", "toe": "heel", "flat": "flat"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundedClip:
    """A clip's steps, its sound and the clip that holds it on the timeline."""

    steps: tuple[Step, ...]
    audio: Audio
    wave: BroadcastWave
    stem: StemClip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Played:
    """A contact as the clip plays it: `offset_s` from the clip's first frame, at a speed."""

    contact: Contact
    action: Action
    offset_s: Fraction
    speed: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class _Voice:
    """One person in one clip: what is played, and both loudness layers over the clip's time."""

    played: tuple[_Played, ...]
    levels: Levels


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where the file and the clip lie; samples count from midnight."""

    record: Span
    first_sample: int
    length: int
    clip_start_s: Fraction

    def sample_at(self, offset_s: Fraction) -> int:
        """Sample in the file of an offset in the clip."""
        return (
            samples_from_seconds(self.clip_start_s + offset_s, SAMPLE_RATE_HZ) - self.first_sample
        )


def sound_clip(
    clip: Clip,
    seen: MovieSteps,
    *,
    timeline: Timeline,
    media_start_s: Fraction,
    fingerprint: str,
    cut: Path,
    folder: Path,
    track: int,
    settings: Settings,
) -> SoundedClip | None:
    """Sound of the steps that a clip shows; None if it shows none.

    `seen` is timed from the medium's first presentation time, where the cut's source clock reads
    `media_start_s`. The file has handles on both sides and begins on a whole sample.
    """
    voices = [
        voice for stepper in seen.steppers if (voice := _voice(stepper, clip, media_start_s)).played
    ]
    if not voices:
        return None
    where = _place(clip, timeline, settings.output.handle_frames)
    audio = _render(voices, where, fingerprint, settings)
    steps = _steps(voices, clip, settings)
    usual = Counter(step.action for step in steps).most_common(1)[0][0]
    name = sound_name(f"{usual} {settings.sound.floor}".title(), cut, clip.clip_id)
    wave = _wave(audio, where, timeline, cut.stem, clip, track)
    stem = StemClip(
        clip_id=clip.clip_id,
        name=name,
        track=track,
        record=where.record,
        path=folder / name,
        file_start_s=Fraction(where.first_sample, SAMPLE_RATE_HZ),
        file_duration_s=Fraction(where.length, SAMPLE_RATE_HZ),
        in_s=timeline.start_s + where.record.start_s - Fraction(where.first_sample, SAMPLE_RATE_HZ),
        sample_rate_hz=SAMPLE_RATE_HZ,
        channels=audio.samples.shape[1],
        markers=tuple(_marker(step, where.record, timeline.frame_rate) for step in steps),
        provenance=_provenance(clip, steps, voices, fingerprint, settings),
    )
    return SoundedClip(steps=steps, audio=audio, wave=wave, stem=stem)


def sounded_steps(seen: MovieSteps, settings: Settings) -> tuple[Step, ...]:
    """The steps of a whole movie with their levels, in time order; no record times."""
    steps = []
    for stepper in seen.steppers:
        times_s = [contact.time_s for contact in stepper.contacts]
        levels = person_levels(
            stepper.times_s,
            stepper.silhouette_area,
            times_s,
            stepper.actions,
            [contact.strength for contact in stepper.contacts],
        )
        steps += [
            _step(contact, action, None, level, settings)
            for contact, action, level in zip(
                stepper.contacts, stepper.actions, levels.step_db, strict=True
            )
        ]
    return tuple(sorted(steps, key=lambda step: step.source_time_s))


def _voice(stepper: Stepper, clip: Clip, media_start_s: Fraction) -> _Voice:
    played = [
        one
        for contact, action in zip(stepper.contacts, stepper.actions, strict=True)
        for one in _playings(contact, action, clip, media_start_s)
    ]
    played.sort(key=lambda one: one.offset_s)
    offsets_s, areas = _played_curve(
        stepper.times_s, stepper.silhouette_area, clip.time_map, media_start_s
    )
    levels = person_levels(
        offsets_s,
        areas,
        [float(one.offset_s) for one in played],
        [one.action for one in played],
        [one.contact.strength for one in played],
    )
    return _Voice(played=tuple(played), levels=levels)


def _playings(
    contact: Contact, action: Action, clip: Clip, media_start_s: Fraction
) -> list[_Played]:
    """Every time that a clip shows a contact. Backwards, a foot lands where it had lifted off."""
    forwards = [
        _Played(contact=contact, action=action, offset_s=offset_s, speed=speed)
        for offset_s, speed in playings(clip.time_map, media_start_s + Fraction(contact.time_s))
        if speed > 0 and offset_s < clip.record.duration_s
    ]
    if contact.toe_off_s is None:
        return forwards
    turned = replace(
        contact,
        time_s=contact.toe_off_s,
        toe_off_s=contact.time_s,
        part=_REVERSED_PART[contact.part],
    )
    backwards = [
        _Played(contact=turned, action=action, offset_s=offset_s, speed=speed)
        for offset_s, speed in playings(clip.time_map, media_start_s + Fraction(turned.time_s))
        if speed < 0 and offset_s < clip.record.duration_s
    ]
    return forwards + backwards


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


def _place(clip: Clip, timeline: Timeline, handle_frames: int) -> _Place:
    """Handles on both sides, but nothing before midnight; a clip begins and ends on frames.

    Raises InputError for a clip before midnight, where a sound file has no time.
    """
    rate = timeline.frame_rate
    if timeline.start_s + clip.record.start_s < 0:
        raise InputError(
            "the clip lies before timecode 00:00:00:00",
            hint="let the timeline start later",
        )
    first, end = (
        frames_from_seconds(edge, rate) for edge in (clip.record.start_s, clip.record.end_s)
    )
    record = Span(
        start_s=seconds_from_frames(first, rate),
        duration_s=seconds_from_frames(max(1, end - first), rate),
    )
    handle_s = seconds_from_frames(handle_frames, rate)
    start_s = max(Fraction(0), timeline.start_s + record.start_s - handle_s)
    first_sample = samples_from_seconds(start_s, SAMPLE_RATE_HZ)
    end_sample = samples_from_seconds(timeline.start_s + record.end_s + handle_s, SAMPLE_RATE_HZ)
    return _Place(
        record=record,
        first_sample=first_sample,
        length=end_sample - first_sample,
        clip_start_s=timeline.start_s + clip.record.start_s,
    )


def _render(voices: list[_Voice], where: _Place, fingerprint: str, settings: Settings) -> Audio:
    """The mix of all voices; one is rendered at a time, for a clip may last for hours."""
    file_offset_s = Fraction(where.first_sample, SAMPLE_RATE_HZ) - where.clip_start_s
    sounds = ((_voice_sound(v, where, fingerprint, settings), v.levels.curve) for v in voices)
    return mix_down(
        sounds, start_s=float(file_offset_s), true_peak_dbtp=settings.output.true_peak_dbtp
    )


def _voice_sound(voice: _Voice, where: _Place, fingerprint: str, settings: Settings) -> Audio:
    cues = [
        Cue(
            footstep=Footstep(
                contact=one.contact,
                action=one.action,
                floor=settings.sound.floor,
                gain_db=action_db,
            ),
            attack_sample=where.sample_at(one.offset_s),
            speed=float(one.speed),
        )
        for one, action_db in zip(voice.played, voice.levels.action_db, strict=True)
    ]
    return place(
        cues,
        where.length,
        run_seed=settings.sound.seed,
        media_fingerprint=fingerprint,
        shoe=shoe(settings.sound.shoe),
    )


def _steps(voices: list[_Voice], clip: Clip, settings: Settings) -> tuple[Step, ...]:
    steps = [
        _step(one.contact, one.action, clip.record.start_s + one.offset_s, level, settings)
        for voice in voices
        for one, level in zip(voice.played, voice.levels.step_db, strict=True)
    ]
    return tuple(sorted(steps, key=lambda step: (step.record_time_s, step.person)))


def _step(
    contact: Contact, action: Action, record_s: Fraction | None, gain_db: float, settings: Settings
) -> Step:
    return Step(
        record_time_s=None if record_s is None else float(record_s),
        source_time_s=contact.time_s,
        person=contact.person,
        foot=contact.foot,
        part=contact.part,
        action=action,
        floor=settings.sound.floor,
        gain_db=gain_db,
        confidence=contact.confidence,
    )


def _marker(step: Step, record: Span, frame_rate: Fraction) -> Marker:
    """A marker on the frame that is nearest to the contact, for hosts know no finer; the exact
    time is in the provenance."""
    assert step.record_time_s is not None
    nearest = frames_from_seconds(Fraction(step.record_time_s), frame_rate)
    last = frames_from_seconds(record.end_s, frame_rate) - 1
    return Marker(
        record_s=seconds_from_frames(min(nearest, last), frame_rate),
        name=f"{step.action} {step.foot}",
        note=f"person {step.person}, {step.part}, {step.floor}, {step.gain_db:+.1f} dB, "
        f"confidence {step.confidence:.2f}",
    )


def _wave(
    audio: Audio, where: _Place, timeline: Timeline, title: str, clip: Clip, track: int
) -> BroadcastWave:
    return BroadcastWave(
        track_name=f"FS {track}",
        time_reference=where.first_sample,
        description=f"Generated footsteps for {clip.name}",
        originator_reference=clip.clip_id,
        project=timeline.name or title,
        timecode_rate=f"{timeline.frame_rate.numerator}/{timeline.frame_rate.denominator}",
        timecode_drop_frame=timeline.drop_frame,
        integrated_lufs=_finite(integrated_lufs(audio)),
        short_term_max_lufs=_finite(short_term_max_lufs(audio)),
        true_peak_dbtp=_finite(true_peak_dbtp(audio)),
    )


def _finite(level: float) -> float | None:
    return level if np.isfinite(level) else None


def _provenance(
    clip: Clip, steps: tuple[Step, ...], voices: list[_Voice], fingerprint: str, settings: Settings
) -> dict[str, JsonValue]:
    """Everything that made the sound, for the timeline's metadata; `level` is the displacement
    layer of each person, as [seconds from the clip's first frame, dB]."""
    return {
        "namespace": NAMESPACE,
        "version": __version__,
        "generated": True,
        "clip_id": clip.clip_id,
        "media_fingerprint": fingerprint,
        "settings": settings.digest,
        "seed": settings.sound.seed,
        "floor": settings.sound.floor,
        "shoe": settings.sound.shoe,
        "level_rides": "baked",
        "level": [
            {
                "person": voice.played[0].contact.person,
                "points": [
                    [round(point.time_s, 3), round(point.level_db, 2)]
                    for point in voice.levels.curve
                ],
            }
            for voice in voices
        ],
        "steps": [step.as_json() for step in steps],
    }
