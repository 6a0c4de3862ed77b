"""The steps of a clip made into sound: which contacts are seen to happen, how loud, where in the
file, and what the timeline is told about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from otio_foley._version import __version__
from otio_foley.analysis.movie import MovieSteps
from otio_foley.config import Settings
from otio_foley.delivery import sound_name
from otio_foley.errors import InputError
from otio_foley.media.sound import BroadcastWave
from otio_foley.mix.loudness import LevelPoint
from otio_foley.mix.meters import integrated_lufs, short_term_max_lufs, true_peak_dbtp
from otio_foley.mix.stem import mix_down, person_levels
from otio_foley.playing import Shown, Voice, voice_of
from otio_foley.report import Step
from otio_foley.synthesis import SAMPLE_RATE_HZ
from otio_foley.synthesis.placement import Cue, place
from otio_foley.synthesis.shoes import shoe
from otio_foley.time import (
    frames_from_seconds,
    samples_from_seconds,
    seconds_from_frames,
)
from otio_foley.timelines.document import NAMESPACE
from otio_foley.types import (
    Action,
    Audio,
    Clip,
    Contact,
    Footstep,
    JsonValue,
    LevelRides,
    Marker,
    Span,
    StemClip,
    Timeline,
)

#: Steps below this confidence have markers of another colour: look at these first.
_SURE = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What is the same for all clips of a cut. `take_track` gives a track that is free in a span
    of the record, and takes it."""

    timeline: Timeline
    cut: Path
    folder: Path
    settings: Settings
    level_rides: LevelRides
    take_track: Callable[[Span], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundedClip:
    """Steps of a clip, their sound and the clip that holds it on the timeline."""

    steps: tuple[Step, ...]
    audio: Audio
    wave: BroadcastWave
    stem: StemClip


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


def sound_clip(shown: Shown, seen: MovieSteps, session: Session) -> tuple[SoundedClip, ...]:
    """Sound of the steps that a clip shows; nothing if it shows none.

    `seen` is timed from the medium's first presentation time. Each file has handles on both sides
    and begins on a whole sample. Where the level is baked, all people are in one file; where it is
    automation, each has a file and a curve of their own.
    """
    voices = [voice for stepper in seen.steppers if (voice := voice_of(stepper, shown)).played]
    if not voices:
        return ()
    where = _place(shown.clip, session.timeline, session.settings.output.handle_frames)
    if session.level_rides == "baked":
        return (_sounded(voices, shown, where, session),)
    return tuple(_sounded([voice], shown, where, session) for voice in voices)


def _sounded(voices: list[Voice], shown: Shown, where: _Place, session: Session) -> SoundedClip:
    settings = session.settings
    rides = session.level_rides == "automation"
    automation = _automation(voices[0], shown.clip, where.record) if rides else ()
    audio = _render(voices, where, shown.fingerprint, session)
    steps = _steps(voices, shown.clip, settings)
    name = sound_name(_title(steps, voices, session), session.cut, shown.clip.clip_id)
    track = session.take_track(where.record)
    wave = _wave(audio, where, session, shown.clip, track)
    first_s = Fraction(where.first_sample, SAMPLE_RATE_HZ)
    timeline = session.timeline
    stem = StemClip(
        clip_id=shown.clip.clip_id,
        name=name,
        track=track,
        record=where.record,
        path=session.folder / name,
        file_start_s=first_s,
        file_duration_s=Fraction(where.length, SAMPLE_RATE_HZ),
        in_s=timeline.start_s + where.record.start_s - first_s,
        sample_rate_hz=SAMPLE_RATE_HZ,
        channels=audio.samples.shape[1],
        markers=tuple(_marker(step, where.record, timeline.frame_rate) for step in steps),
        automation=automation,
        provenance=_provenance(shown, steps, voices, session),
    )
    return SoundedClip(steps=steps, audio=audio, wave=wave, stem=stem)


def _title(steps: tuple[Step, ...], voices: list[Voice], session: Session) -> str:
    """What the sound is: `Walk Concrete`, and whose where each person has a file."""
    usual = Counter(step.action for step in steps).most_common(1)[0][0]
    title = f"{usual} {session.settings.sound.floor}".title()
    if session.level_rides == "baked":
        return title
    return f"{title} P{voices[0].played[0].contact.person}"


def _automation(voice: Voice, clip: Clip, record: Span) -> tuple[tuple[Fraction, float], ...]:
    """A displacement curve from the footstep clip's first frame on, at most 0 dB: what lies above
    is in the sound, whose true-peak ceiling so holds after the automation too."""
    curve = voice.levels.curve
    top_db = _top_db(curve)
    ahead_s = clip.record.start_s - record.start_s
    points = [(Fraction(point.time_s) + ahead_s, point.level_db - top_db) for point in curve]
    return tuple(points) if len(points) > 1 else ()


def _top_db(curve: Sequence[LevelPoint]) -> float:
    return max((point.level_db for point in curve), default=0.0)


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


def _render(voices: list[Voice], where: _Place, fingerprint: str, session: Session) -> Audio:
    """The mix of all voices; one is rendered at a time, for a clip may last for hours."""
    settings = session.settings
    file_offset_s = Fraction(where.first_sample, SAMPLE_RATE_HZ) - where.clip_start_s
    sounds = (
        (_voice_sound(voice, where, fingerprint, settings), _baked(voice, session.level_rides))
        for voice in voices
    )
    return mix_down(
        sounds, start_s=float(file_offset_s), true_peak_dbtp=settings.output.true_peak_dbtp
    )


def _baked(voice: Voice, rides: LevelRides) -> tuple[LevelPoint, ...]:
    """What of the displacement curve is in the sound: all of it, or what automation leaves."""
    curve = voice.levels.curve
    if rides == "baked" or len(curve) < 2:
        return curve
    return (LevelPoint(time_s=0.0, level_db=_top_db(curve)),)


def _voice_sound(voice: Voice, where: _Place, fingerprint: str, settings: Settings) -> Audio:
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


def _steps(voices: list[Voice], clip: Clip, settings: Settings) -> tuple[Step, ...]:
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
        color="PURPLE" if step.confidence >= _SURE else "ORANGE",
    )


def _wave(audio: Audio, where: _Place, session: Session, clip: Clip, track: int) -> BroadcastWave:
    timeline = session.timeline
    return BroadcastWave(
        track_name=f"FS {track}",
        time_reference=where.first_sample,
        description=f"Generated footsteps for {clip.name}",
        originator_reference=clip.clip_id,
        project=timeline.name or session.cut.stem,
        timecode_rate=f"{timeline.frame_rate.numerator}/{timeline.frame_rate.denominator}",
        timecode_drop_frame=timeline.drop_frame,
        integrated_lufs=_finite(integrated_lufs(audio)),
        short_term_max_lufs=_finite(short_term_max_lufs(audio)),
        true_peak_dbtp=_finite(true_peak_dbtp(audio)),
    )


def _finite(level: float) -> float | None:
    return level if np.isfinite(level) else None


def _provenance(
    shown: Shown, steps: tuple[Step, ...], voices: list[Voice], session: Session
) -> dict[str, JsonValue]:
    """Everything that made the sound, for the timeline's metadata; `level` is the displacement
    layer of each person, as [seconds from the clip's first frame, dB]."""
    settings = session.settings
    return {
        "namespace": NAMESPACE,
        "version": __version__,
        "generated": True,
        "clip_id": shown.clip.clip_id,
        "media_fingerprint": shown.fingerprint,
        "settings": settings.digest,
        "seed": settings.sound.seed,
        "floor": settings.sound.floor,
        "shoe": settings.sound.shoe,
        "level_rides": session.level_rides,
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
