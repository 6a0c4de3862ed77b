"""The stages in order for one cut: picture in, footsteps made, the same cut out with them on it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache, partial
from itertools import count
from pathlib import Path
from typing import TypeAlias, cast

import numpy as np

from otio_foley.analysis.movie import MovieSteps
from otio_foley.asking import asked_of, refuse_unknown_sound
from otio_foley.config import AUTO_FLOOR, Settings
from otio_foley.delivery import Delivery, default_audio_dir, default_output
from otio_foley.engines import voicebox_of
from otio_foley.errors import FoleyError, InputError, MediaUnreadable, ParseError
from otio_foley.jobs import Looking, Stretch, look, look_at_all
from otio_foley.lending import Shot, lend
from otio_foley.library.shelf import shelf
from otio_foley.media.picture import MovieInfo, at_rate, fingerprint, probe
from otio_foley.playing import Shown
from otio_foley.preview import PlacedSound
from otio_foley.reference import Reference, placed, seen_in
from otio_foley.remarks import remarks
from otio_foley.report import (
    Beside,
    ClipReport,
    FloorSeen,
    MovieReport,
    Result,
    Status,
    skipped,
)
from otio_foley.sounding import Cast, Session, cast_clip, sound_clip
from otio_foley.telling import sounded_steps
from otio_foley.time import STANDARD_RATES, rate_from_float, source_extent
from otio_foley.timelines.dialect import Dialect, level_rides
from otio_foley.timelines.document import Document
from otio_foley.timelines.registry import open_document
from otio_foley.timelines.relink import Found, MediaFinder, relink
from otio_foley.timelines.visible import seen_once, visible_spans
from otio_foley.tracks import Delivered, Tracks
from otio_foley.types import Clip, Host, LentFloor, LevelRides, Span, StemClip

PathLike: TypeAlias = "str | os.PathLike[str]"

#: Called with what is being worked on and how much of the whole is done (0..1).
Progress: TypeAlias = Callable[[str, float], None]

#: A clip may outlast its movie by the rounding of frame rates; by more than this it lacks picture.
_MISSING_PICTURE_S = 0.5

_NOBODY = "nobody is in the picture"


def run(
    cut: PathLike,
    output: PathLike | None = None,
    *,
    media_roots: Sequence[PathLike] = (),
    audio_dir: PathLike | None = None,
    picture: PathLike | None = None,
    picture_start: str | None = None,
    floor: str | None = None,
    controls: Sequence[str] = (),
    settings: Settings | None = None,
    frame_rate: Fraction | None = None,
    dry_run: bool = False,
    overwrite: bool = False,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Result:
    """Make the footsteps of a cut and write the same cut with them on it.

    `output` defaults to `<name>_foley.<ext>` beside the cut, `audio_dir` to a `_media` folder
    beside that; `media_roots` are searched for movies that are not where the cut says. `picture` is
    one movie of the whole cut, looked at by record time in place of the clips' own media; it begins
    at the timecode `picture_start` (default: its own, else the timeline's). `controls` are texts
    as `--set` takes them (`clip.A003*.shoe=boot`), `floor` is the cut's; both come before the TOML
    beside the cut, its markers and the settings. `frame_rate` is for an EDL whose rate its media do
    not tell. A dry run writes nothing. A clip that cannot be done is reported as skipped and does
    not take the others down. The picture is looked at in so many `jobs`, processes of their own
    from two on (a script then needs its `if __name__ == "__main__":`); the result is the same.
    Raises InputError for the cut itself, OutputError for the result.
    """
    source = Path(cut).absolute()
    settings = settings or Settings()
    library = shelf(settings.sound.library)
    refuse_unknown_sound(settings, library)
    document = open_document(source, frame_rate).strip().document
    dialect = _dialect(document, settings)
    rides = _level_rides(document, settings)
    target = default_output(source) if output is None else Path(output).absolute()
    sounds = default_audio_dir(target) if audio_dir is None else Path(audio_dir)
    roots = [_folder(root) for root in media_roots]
    finder = MediaFinder(document.media_folder or source.parent, roots, cache(probe), source.parent)
    voicebox = voicebox_of(settings)
    movie = None if picture is None else probe(Path(picture))
    if frame_rate is None:
        document = at_media_rate(document, finder, movie)
    timeline = document.timeline()
    asked = asked_of(source, timeline, settings, controls=controls, floor=floor, library=library)
    with Delivery(target, sounds, source=source, overwrite=overwrite) as delivery:
        session = Session(
            timeline=timeline,
            cut=source,
            folder=delivery.audio_dir,
            settings=settings,
            level_rides=rides,
            library=library,
            controls=asked,
            voicebox=voicebox if settings.sound.engine == "generator" else None,
            take_track=partial(_take_track, {}),
            placed=[],
        )
        tracks = Tracks(timeline=timeline, cut=source, settings=settings.output, delivery=delivery)
        job = _Job(
            session=session,
            finder=finder,
            reference=None
            if movie is None
            else placed(at_rate(movie, timeline.frame_rate), picture_start, timeline),
            tracks=None if dry_run else tracks,
        )
        reports, stems = _clips(job, jobs, progress)
        delivered: Delivered | None = None
        beside: list[Beside] = []
        if not dry_run:
            delivered = tracks.deliver()
            stems = list(delivered.stems)
            sidecars = document.sidecars(stems, dialect)
            paths = delivery.finish(document.add(stems, dialect), sidecars)
            beside = [
                Beside(path=path, holds=sidecar.holds)
                for path, sidecar in zip(paths, sidecars, strict=True)
            ]
    return Result(
        output=None if dry_run else target,
        sidecars=tuple(beside),
        stems=tuple(stems),
        clips=tuple(reports),
        settings_digest=settings.digest,
        files=() if delivered is None else delivered.files,
        notes=(*remarks(session, reports), *(() if delivered is None else delivered.notes)),
    )


def analyse(
    movie: PathLike,
    *,
    floor: str | None = None,
    settings: Settings | None = None,
    progress: Progress | None = None,
) -> MovieReport:
    """The footsteps of one movie, without a cut. Raises MediaMissing or MediaUnreadable."""
    settings = settings or Settings()
    library = shelf(settings.sound.library)
    if floor is not None:
        settings = replace(settings, sound=replace(settings.sound, floor=floor))
    refuse_unknown_sound(settings, library)
    info = probe(Path(movie))
    whole = Stretch(
        movie=info,
        start_s=0.0,
        end_s=float("inf"),
        floors=settings.sound.floor == AUTO_FLOOR,
    )
    seen = look(whole, settings, partial(progress or _untold, info.path.name))
    return MovieReport(
        steps=sounded_steps(seen, settings),
        people=seen.people,
        pictures=seen.pictures,
        floors=_floors_seen(seen),
    )


def at_media_rate(
    document: Document, finder: MediaFinder, reference: MovieInfo | None = None
) -> Document:
    """A cut that does not state its frame rate, read at that of the reference movie, else at the
    rate that most of its media have.

    Unchanged where the cut states it, or no medium of a usual rate is found.
    """
    timeline = document.timeline()
    if not timeline.frame_rate_assumed:
        return document
    rates: Counter[Fraction] = Counter()
    if reference is None:
        for clip in timeline.clips:
            rates.update(_usual_rates(finder.candidates(clip), finder))
    else:
        rates.update(_usual_rates([reference.path], finder))
    for rate, _ in rates.most_common():
        try:
            return document.with_frame_rate(rate)
        except ParseError:
            continue  # a frame number in the list does not exist at that rate
    return document


def _usual_rates(paths: Iterable[Path], finder: MediaFinder) -> Iterator[Fraction]:
    for path in paths:
        try:
            info = finder.probe(path)
        except FoleyError:
            continue
        if info.is_still or info.sequence is not None:  # neither states a rate
            continue
        rate = rate_from_float(float(info.frame_rate))
        if rate in STANDARD_RATES:
            yield rate


def _dialect(document: Document, settings: Settings) -> Dialect:
    if settings.output.separate and document.format_name != "edl":
        raise InputError(
            f"only an EDL gets its footsteps in a list of their own, not {document.format_name}",
            hint="leave --separate out: this format has tracks for them",
        )
    if settings.output.pan and document.format_name == "xmeml":
        raise InputError(
            "an XML of Final Cut Pro 7 or Premiere holds mono clips alone",
            hint="leave --pan out, or give the cut as FCPXML, OTIO or AAF",
        )
    return Dialect(host=cast(Host, settings.output.host), separate=settings.output.separate)


def _level_rides(document: Document, settings: Settings) -> LevelRides:
    output = settings.output
    asked = None if output.level_rides == "auto" else cast(LevelRides, output.level_rides)
    return level_rides(document.format_name, cast(Host, output.host), asked)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """What stays the same for all clips of a run; `tracks` is None in a dry run."""

    session: Session
    finder: MediaFinder
    reference: Reference | None
    tracks: Tracks | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Planned:
    """A clip as it will be looked at: its medium, the spans of the record in which it shows, and
    from when to when (s, in the medium) it shows it; `stretch` is a little more."""

    clip: Clip
    spans: tuple[Span, ...]
    found: Found
    low_s: float
    high_s: float
    stretch: Stretch


def _clips(
    job: _Job, jobs: int, progress: Progress | None
) -> tuple[list[ClipReport], list[StemClip]]:
    timeline = job.session.timeline
    plans = [
        _plan(job, clip, spans) for clip, spans in zip(timeline.clips, _spans(job), strict=True)
    ]
    planned = [plan for plan in plans if isinstance(plan, _Planned)]
    looked = look_at_all(
        [one.stretch for one in planned],
        job.session.settings,
        jobs=jobs,
        looking=_looking([one.clip for one in planned], progress),
    )
    reports, stems = [], []
    with closing(looked):
        shots = lend(
            _shot(job, plan, _cast(job, plan, seen))
            for plan, seen in zip(planned, looked, strict=True)
        )
        for plan in plans:
            if isinstance(plan, ClipReport):
                reports.append(plan)
                continue
            report, made = _clip(job, plan, *next(shots))
            reports.append(report)
            stems += made
    reports += [skipped(item) for item in timeline.skipped]
    return reports, stems


def _spans(job: _Job) -> tuple[tuple[Span, ...], ...]:
    """What of each clip is looked at."""
    clips = job.session.timeline.clips
    if job.reference is not None:
        return seen_once(clips, visible_spans(clips))
    if job.session.settings.analysis.layers == "all":
        return tuple((clip.record,) for clip in clips)
    return visible_spans(clips)


def _plan(job: _Job, clip: Clip, spans: tuple[Span, ...]) -> _Planned | ClipReport:
    """What is to be looked at for a clip, or why nothing is."""
    if not clip.enabled:
        return _report(clip, "skipped", "disabled in the cut")
    if not spans:
        return _report(clip, "silent", "hidden behind a higher layer")
    settings, timeline = job.session.settings, job.session.timeline
    context_s = settings.analysis.context_s
    try:
        if job.reference is None:
            found = relink(clip, job.finder, timeline.frame_rate)
        else:
            # Beyond the clip's ends, a movie of the whole cut shows another clip.
            clip, found = seen_in(clip, job.reference, timeline)
            context_s = 0.0
    except FoleyError as error:
        return _report(clip, "skipped", _said(error))
    if job.tracks is not None and settings.output.preview:
        job.tracks.production += _own_sound(clip, found)
    low_s, high_s = (float(edge - found.media_start_s) for edge in source_extent(clip.time_map))
    if found.info.is_still or low_s == high_s:
        return _report(clip, "silent", "the picture stands still")
    return _Planned(
        clip=clip,
        spans=spans,
        found=found,
        low_s=low_s,
        high_s=high_s,
        stretch=Stretch(
            movie=found.info,
            start_s=low_s - context_s,
            end_s=high_s + context_s,
            floors=job.session.controls.may_be_recognised(clip),
        ),
    )


def _cast(job: _Job, planned: _Planned, seen: MovieSteps | FoleyError) -> Cast | ClipReport:
    """Who steps in a clip that was looked at, or why it stays as it is."""
    clip, info = planned.clip, planned.found.info
    try:
        if isinstance(seen, FoleyError):
            raise seen
        _refuse_missing_picture(info, seen, planned.low_s, planned.high_s)
        if not seen.steppers:
            reason = "someone is there but nobody steps" if seen.people else _NOBODY
            return _report(clip, "silent", reason)
        shown = Shown(
            clip=clip,
            spans=planned.spans,
            media_start_s=planned.found.media_start_s,
            fingerprint=fingerprint(info.path),
        )
        found = cast_clip(shown, seen, job.session)
    except FoleyError as error:
        return _report(clip, "skipped", _said(error))
    return found or _report(clip, "silent", "nobody steps while the clip is shown")


def _shot(job: _Job, planned: _Planned, looked: Cast | ClipReport) -> Shot[Cast | ClipReport]:
    """A clip that was looked at, with the floor that it may lend to others."""
    clip = planned.clip
    medium = planned.found.info.path if job.reference is None else _take(clip)
    # The generator's own sound has no floor to lend, and none to wait for.
    heard = looked if isinstance(looked, Cast) and job.session.voicebox is None else None
    return Shot(
        looked=looked,
        clip_id=clip.clip_id,
        name=clip.name,
        medium=str(medium),
        floor=None if heard is None else heard.floor,
        borrows=heard is not None and heard.may_borrow,
    )


def _take(clip: Clip) -> str:
    """What a clip is a take of, where a movie of the whole cut is looked at in place of its
    medium; a reel AX is any medium."""
    reel = clip.reel if clip.reel != "AX" else None
    return clip.media_path or reel or clip.name


def _clip(
    job: _Job, planned: _Planned, looked: Cast | ClipReport, lent: LentFloor | None
) -> tuple[ClipReport, list[StemClip]]:
    """One clip that was looked at, whatever comes of it."""
    if isinstance(looked, ClipReport):
        return looked, []
    clip = planned.clip
    try:
        made = sound_clip(looked, job.session, lent)
    except FoleyError as error:
        return _report(clip, "skipped", _said(error)), []
    if not made:
        return _report(clip, "silent", "all of its steps are muted"), []
    if job.tracks is not None:
        for one in made:
            job.tracks.add(one)
    steps = [step for one in made for step in one.steps]
    report = ClipReport(
        clip_id=clip.clip_id,
        name=clip.name,
        status="done",
        reason=planned.found.note,
        steps=tuple(sorted(steps, key=lambda step: (step.record_time_s, step.person))),
        record=clip.record,
        floors=looked.floors,
        lent=lent if any(step.floor_from == "nearby" for step in steps) else None,
    )
    return report, [one.stem for one in made]


def _said(error: FoleyError) -> str:
    return f"{error}; {error.hint}" if error.hint else str(error)


def _floors_seen(seen: MovieSteps) -> tuple[FloorSeen, ...]:
    return tuple(
        FloorSeen(person=stepper.person, span=span)
        for stepper in seen.steppers
        for span in stepper.floors
    )


def _own_sound(clip: Clip, found: Found) -> list[PlacedSound]:
    """The sound that a clip's medium has, where it plays as it was recorded."""
    (begin_s, source_s), (end_s, source_end_s) = clip.time_map.points[0], clip.time_map.points[-1]
    as_recorded = len(clip.time_map.points) == 2 and source_end_s - source_s == end_s - begin_s
    if not as_recorded or found.info.is_still or found.info.sequence is not None:
        return []
    return [
        PlacedSound(
            path=found.info.path,
            start_s=float(clip.record.start_s),
            in_s=max(0.0, float(source_s - found.media_start_s)),
            duration_s=float(clip.record.duration_s),
        )
    ]


def _refuse_missing_picture(info: MovieInfo, seen: MovieSteps, low_s: float, high_s: float) -> None:
    """Raises MediaUnreadable where a clip shows more than its medium holds."""
    begins = low_s >= -_MISSING_PICTURE_S
    if begins and seen.last_s is not None and seen.last_s >= high_s - _MISSING_PICTURE_S:
        return
    there = "nowhere there" if seen.last_s is None else f"only to {seen.last_s:.2f} s"
    if not begins:
        there = "only from 0.00 s on"
    raise MediaUnreadable(
        f"{info.path} is shown from {low_s:.2f} s to {high_s:.2f} s, but has picture {there}",
        hint="is the movie damaged, or the wrong one?",
    )


def _take_track(ends_s: dict[int, Fraction], record: Span, wanted: int) -> int:
    """The wanted track, or the next one that is free in a span; `ends_s` holds up to when each is
    taken.

    Spans come in record order, as a timeline's clips do.
    """
    track = next(n for n in count(wanted) if ends_s.get(n, record.start_s) <= record.start_s)
    ends_s[track] = record.end_s
    return track


def _report(clip: Clip, status: Status, reason: str) -> ClipReport:
    return ClipReport(
        clip_id=clip.clip_id, name=clip.name, status=status, reason=reason, record=clip.record
    )


def _untold(name: str, done: float) -> None:
    pass


def _looking(clips: Sequence[Clip], progress: Progress | None) -> Looking:
    """Progress in each clip as progress of the whole, by how long the clips are."""
    if progress is None:
        return lambda number, done: None
    ends_s = np.cumsum([0.0, *(float(clip.record.duration_s) for clip in clips)])
    whole_s = float(ends_s[-1]) or 1.0

    def looking(number: int, done: float) -> None:
        begun_s, end_s = float(ends_s[number]), float(ends_s[number + 1])
        progress(clips[number].name, (begun_s + (end_s - begun_s) * done) / whole_s)

    return looking


def _folder(root: PathLike) -> Path:
    folder = Path(root)
    if not folder.is_dir():
        raise InputError(f"media root {folder} is not a folder", hint="check --media-root")
    return folder
