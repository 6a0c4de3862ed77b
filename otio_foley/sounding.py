"""The steps of a clip made into sound: which contacts are seen to happen, how loud, and where in
the file and on the timeline."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from otio_foley.analysis.movie import MovieSteps
from otio_foley.casting import Group, groups_of
from otio_foley.config import Settings
from otio_foley.controls.gather import Controls
from otio_foley.controls.rules import PlacedStep, StepPlace
from otio_foley.controls.values import Resolved
from otio_foley.delivery import sound_name
from otio_foley.engines import Voicebox, change_levels, heard_as_it_is
from otio_foley.errors import InputError
from otio_foley.lending import usual_floor
from otio_foley.library.shelf import Shelf
from otio_foley.media.sound import BroadcastWave
from otio_foley.mix.loudness import LevelPoint
from otio_foley.mix.pan import panned
from otio_foley.mix.space import SPACES, absorb_air, add_reflections, delay_samples, distance_at
from otio_foley.mix.stem import mix_down
from otio_foley.playing import Shown, Voice, voice_of
from otio_foley.report import FloorSeen, Step
from otio_foley.synthesis import SAMPLE_RATE_HZ
from otio_foley.synthesis.performance import FADE_SAMPLES, Cue, Note, Walker, play, score
from otio_foley.telling import AskedStep, marker_of, provenance_of, steps_of, title_of
from otio_foley.time import (
    frames_from_seconds,
    samples_from_seconds,
    seconds_from_frames,
)
from otio_foley.types import (
    Audio,
    Clip,
    Footstep,
    LentFloor,
    LevelRides,
    Span,
    StemClip,
    Timeline,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What is the same for all clips of a cut. `take_track` gives a track that is free in a span
    of the record, the wanted one if it can, and takes it; `voicebox` is there where the generator
    is heard as it is; `placed` gathers every step that anything could be asked of, muted too."""

    timeline: Timeline
    cut: Path
    folder: Path
    settings: Settings
    level_rides: LevelRides
    library: Shelf
    controls: Controls
    voicebox: Voicebox | None
    take_track: Callable[[Span, int], int]
    placed: list[PlacedStep]


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundedClip:
    """Steps of a clip, their sound and the clip that holds it on the timeline.

    The sound has its level beside the other sounds of its track, not yet the track's own; `notes`
    are what its seen steps were played from, by person. `background`: of people who have no track
    of their own. `level_db` is what is asked of the whole file, over its track's loudness.
    """

    steps: tuple[Step, ...]
    audio: Audio
    notes: tuple[tuple[Note, ...], ...]
    wave: BroadcastWave
    stem: StemClip
    background: bool
    level_db: float


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

    @property
    def clip_sample(self) -> int:
        """The sample at which the clip begins."""
        return self.sample_at(Fraction(0))

    @property
    def start_s(self) -> float:
        """The file's first sample in the clock of the clip's curves."""
        return float(Fraction(self.first_sample, SAMPLE_RATE_HZ) - self.clip_start_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """The people of a clip on their tracks, and each group's steps with what is asked of them, in
    time order: all that there is to know before they are heard."""

    shown: Shown
    where: _Place
    groups: tuple[Group, ...]
    asked: tuple[tuple[AskedStep, ...], ...]

    @property
    def floor(self) -> str | None:
        """What is asked for or recognised under most of the steps that are seen and heard."""
        lent = (one.lends for own in self.asked for one in own)
        return usual_floor(floor for floor in lent if floor is not None)

    @property
    def may_borrow(self) -> bool:
        """Whether a step is heard on a floor that is lent, if there is one."""
        return any(one.may_borrow for own in self.asked for one in own)

    @property
    def floors(self) -> tuple[FloorSeen, ...]:
        """Those recognised under each of the people."""
        voices = [voice for group in self.groups for voice in group.voices]
        return tuple(
            FloorSeen(person=voice.person, span=span)
            for voice in sorted(voices, key=lambda one: one.person)
            for span in voice.floors
        )


def cast_clip(shown: Shown, seen: MovieSteps, session: Session) -> Cast | None:
    """Who steps in a clip; None if it shows no step. Takes their tracks.

    `seen` is timed from the medium's first presentation time. Whoever is in front has a file and a
    track of their own, or shares it with those who come when they have gone; the background shares
    one. Raises InputError for a clip that no sound file can have the time of.
    """
    handle_frames = session.settings.output.handle_frames
    handle_s = seconds_from_frames(handle_frames, session.timeline.frame_rate)
    voices = [voice_of(stepper, shown, handle_s) for stepper in seen.steppers]
    voices = [voice for voice in voices if any(one.seen for one in voice.played)]
    if not voices:
        return None
    where = _place(shown.clip, session.timeline, handle_frames)
    groups = [
        replace(group, track=session.take_track(where.record, group.track))
        for group in groups_of(voices, session.settings.output.principals)
    ]
    return Cast(
        shown=shown,
        where=where,
        groups=tuple(groups),
        asked=tuple(map(tuple, _asked(groups, shown.clip, session))),
    )


def sound_clip(
    cast: Cast, session: Session, lent: LentFloor | None = None
) -> tuple[SoundedClip, ...]:
    """Sound of the steps that a clip shows; nothing where all of them are muted. Each file has
    handles on both sides and begins on a whole sample. `lent` is heard below whom no floor is
    seen."""
    made = (
        _sounded(group, [replace(one, lent=lent) for one in own], cast.shown, cast.where, session)
        for group, own in zip(cast.groups, cast.asked, strict=True)
    )
    return tuple(one for one in made if one is not None)


def _sounded(
    group: Group, asked: Sequence[AskedStep], shown: Shown, where: _Place, session: Session
) -> SoundedClip | None:
    """A file of some people's steps; None where all of them are muted."""
    track = group.track
    heard = [one for one in asked if not one.asked.mute]
    if not any(one.played.seen for one in heard):
        return None
    of_clip = session.controls.for_clip(track, shown.clip)
    rides = session.level_rides == "automation" and not group.background
    voices = [voice for voice in group.voices if any(one.voice is voice for one in heard)]
    notes, audio = _render(voices, heard, where, shown, session, rides=rides, of_clip=of_clip)
    steps = steps_of(heard, shown.clip)
    name = sound_name(title_of(steps, group.name), session.cut, shown.clip.clip_id)
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
        markers=tuple(marker_of(step, where.record, timeline.frame_rate) for step in steps),
        automation=_automation(voices, shown.clip, where.record) if rides else (),
        provenance=provenance_of(shown, heard, of_clip, rides, session.settings),
    )
    return SoundedClip(
        steps=steps,
        audio=audio,
        notes=notes,
        wave=_wave(where, session, shown.clip, track),
        stem=stem,
        background=group.background,
        level_db=of_clip.level_db,
    )


def _asked(groups: Sequence[Group], clip: Clip, session: Session) -> list[list[AskedStep]]:
    """Every step of each group with what is asked of it, in time order; of one in a handle what
    is asked of the clip. All people together, for a step is meant by its time alone."""
    each = [
        (group, voice, one, level_db, action_db)
        for group in groups
        for voice in group.voices
        for one, level_db, action_db in zip(
            voice.played, voice.levels.step_db, voice.levels.action_db, strict=True
        )
    ]
    each.sort(key=lambda one: (one[2].offset_s, one[1].person))
    places = [
        PlacedStep(
            track=group.track,
            clip=clip,
            step=StepPlace(record_s=clip.record.start_s + one.offset_s, foot=one.contact.foot),
        )
        for group, _, one, _, _ in each
        if one.seen
    ]
    session.placed.extend(places)
    of_steps = iter(session.controls.for_steps(places))
    found: dict[int, list[AskedStep]] = {group.track: [] for group in groups}
    for group, voice, one, level_db, action_db in each:
        of_clip = session.controls.for_clip(group.track, clip)
        asked = next(of_steps) if one.seen else of_clip
        found[group.track].append(
            AskedStep(
                voice=voice,
                played=one,
                level_db=level_db + asked.level_db,
                # What the whole file is made louder by comes after its track's loudness.
                action_db=action_db + asked.level_db - of_clip.level_db,
                asked=asked,
                of_clip=of_clip,
            )
        )
    return [found[group.track] for group in groups]


def _automation(
    voices: Sequence[Voice], clip: Clip, record: Span
) -> tuple[tuple[Fraction, float], ...]:
    """The displacement curves of people who are there one after the other, from the footstep clip's
    first frame on, at most 0 dB: what lies above is in the sound, whose true-peak ceiling so holds
    after the automation too."""
    ahead_s = clip.record.start_s - record.start_s
    points: list[tuple[Fraction, float]] = []
    for voice in sorted(voices, key=lambda one: one.there_s):
        curve = voice.levels.curve
        if len(curve) > 1:
            top_db = _top_db(curve)
            own = [(point.time_s, point.level_db - top_db) for point in curve]
        elif len(voices) > 1:  # all of theirs is in the sound
            own = [(time_s, 0.0) for time_s in voice.there_s]
        else:
            own = []
        points += [(Fraction(time_s) + ahead_s, level_db) for time_s, level_db in own]
    return tuple(points)


def _top_db(curve: Sequence[LevelPoint]) -> float:
    return max((point.level_db for point in curve), default=0.0)


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


def _render(
    voices: Sequence[Voice],
    heard: Sequence[AskedStep],
    where: _Place,
    shown: Shown,
    session: Session,
    *,
    rides: bool,
    of_clip: Resolved,
) -> tuple[tuple[tuple[Note, ...], ...], Audio]:
    """What each voice's seen steps are played from (nothing where the generator is heard), and the
    mix of all; one is rendered at a time, for a clip may last for hours."""
    voicebox = session.voicebox
    scores: list[Sequence[Note]] = []
    seen: list[tuple[Note, ...]] = []
    for voice in voices:
        if voicebox is not None:
            # Its sound is of one piece: it was not played from anything.
            scores.append(())
            continue
        own = [(_cue(one, where, session.settings), one) for one in heard if one.voice is voice]
        own.sort(key=lambda each: each[0].attack_sample)
        notes = score(
            [cue for cue, _ in own],
            session.library,
            media_fingerprint=shown.fingerprint,
        )
        notes = tuple(note for note in notes if 0 <= note.at < where.length)
        unseen = {number for number, (_, one) in enumerate(own) if not one.played.seen}
        early = {number for number, (_, one) in enumerate(own) if one.played.offset_s < 0}
        scores.append(_gone_before(notes, early, where.clip_sample))
        seen.append(tuple(note for note in notes if note.step not in unseen))

    def sounds() -> Iterator[tuple[Audio, tuple[LevelPoint, ...]]]:
        for voice, notes in zip(voices, scores, strict=True):
            if voicebox is None:
                audio = play(notes, where.length)
            else:
                audio = heard_as_it_is(
                    voice.visuals, shown, voicebox, length=where.length, first_s=where.start_s
                )
                change_levels(audio, _changes(voice, heard, where, of_clip.level_db))
            if of_clip.space != "none":
                absorb_air(audio, voice.distance, start_s=where.start_s)
                add_reflections(audio, SPACES[of_clip.space], voice.distance, start_s=where.start_s)
            if session.settings.output.pan:
                audio = panned(audio, voice.pan, start_s=where.start_s)
            yield audio, _baked(voice, rides=rides)

    return tuple(seen), mix_down(sounds(), start_s=where.start_s)


def _changes(
    voice: Voice, heard: Sequence[AskedStep], where: _Place, clip_db: float
) -> list[tuple[int, float]]:
    """From which samples on the generator's sound of somebody is to be louder or softer: from each
    step to the next by what is asked of it, and silent from the clip's first frame to the first
    step that is seen where a step of before would be heard on."""
    own = {id(one.played): one.asked.level_db - clip_db for one in heard if one.voice is voice}
    changes = [
        (where.sample_at(one.offset_s), 10 ** (own[id(one)] / 20) if id(one) in own else 0.0)
        for one in voice.played
    ]
    if any(one.offset_s < 0 for one in voice.played):
        changes.append((where.clip_sample, 0.0))
    return changes


def _gone_before(notes: Sequence[Note], early: Collection[int], in_sample: int) -> list[Note]:
    """Notes of which those of early steps are gone when the clip begins: nobody is to hear the end
    of what they have not seen."""
    last = in_sample - FADE_SAMPLES
    kept = [note for note in notes if note.step not in early or note.at < last]
    return [
        replace(note, length=min(last - note.at, note.length or last))
        if note.step in early
        else note
        for note in kept
    ]


def _baked(voice: Voice, *, rides: bool) -> tuple[LevelPoint, ...]:
    """What of the displacement curve is in the sound: all of it, or what automation leaves."""
    curve = voice.levels.curve
    if not rides or len(curve) < 2:
        return curve
    return (LevelPoint(time_s=0.0, level_db=_top_db(curve)),)


def _cue(one: AskedStep, where: _Place, settings: Settings) -> Cue:
    asked, played = one.asked, one.played
    late = round(settings.output.offset_ms / 1000 * SAMPLE_RATE_HZ)
    if settings.output.distance_delay:
        metres = float(distance_at(one.voice.distance, float(played.offset_s)))
        late += delay_samples(metres, SAMPLE_RATE_HZ)
    return Cue(
        footstep=Footstep(
            contact=played.contact,
            action=played.action,
            floor=one.floor,
            gain_db=one.action_db,
        ),
        attack_sample=where.sample_at(played.offset_s) + late,
        walker=Walker(
            shoe=asked.shoe,
            weight_kg=asked.weight,
            firmness=asked.firmness,
            steadiness=asked.steadiness,
            seed=asked.seed,
        ),
        speed=float(played.speed),
    )


def _wave(where: _Place, session: Session, clip: Clip, track: int) -> BroadcastWave:
    timeline = session.timeline
    return BroadcastWave(
        track_name=f"FS {track}",
        time_reference=where.first_sample,
        description=f"Generated footsteps for {clip.name}",
        originator_reference=clip.clip_id,
        project=timeline.name or session.cut.stem,
        timecode_rate=f"{timeline.frame_rate.numerator}/{timeline.frame_rate.denominator}",
        timecode_drop_frame=timeline.drop_frame,
    )
