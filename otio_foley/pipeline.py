"""The stages in order for one cut: picture in, footsteps made, the same cut out with them on it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from otio_foley.analysis.movie import MovieSteps, find_steps
from otio_foley.config import Settings
from otio_foley.delivery import Delivery, default_audio_dir, default_output
from otio_foley.errors import FoleyError, InputError, MediaUnreadable, ParseError
from otio_foley.media.picture import MovieInfo, fingerprint, frames, probe
from otio_foley.report import ClipReport, MovieReport, Result, Status, skipped
from otio_foley.sounding import SoundedClip, sound_clip, sounded_steps
from otio_foley.synthesis.grounds import GROUNDS
from otio_foley.synthesis.shoes import SHOES
from otio_foley.time import STANDARD_RATES, rate_from_float, source_extent
from otio_foley.timelines.document import TextDocument
from otio_foley.timelines.registry import open_document
from otio_foley.timelines.relink import Found, MediaFinder, relink
from otio_foley.types import Clip, Span, StemClip, Timeline

PathLike: TypeAlias = "str | os.PathLike[str]"

#: Called with what is being worked on and how much of the whole is done (0..1).
Progress: TypeAlias = Callable[[str, float], None]

#: A clip may outlast its movie by the rounding of frame rates; by more than this it lacks picture.
_MISSING_PICTURE_S = 0.5


def run(
    cut: PathLike,
    output: PathLike | None = None,
    *,
    media_roots: Sequence[PathLike] = (),
    audio_dir: PathLike | None = None,
    floor: str | None = None,
    settings: Settings | None = None,
    frame_rate: Fraction | None = None,
    dry_run: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Result:
    """Make the footsteps of a cut and write the same cut with them on it.

    `output` defaults to `<name>_foley.<ext>` beside the cut, `audio_dir` to a `_media` folder
    beside that; `media_roots` are searched for movies that are not where the cut says. `floor`
    overrides the settings' floor. `frame_rate` is for an EDL whose rate its media do not tell.
    A dry run writes nothing. A clip that cannot be done is reported as skipped and does not take
    the others down. Raises InputError for the cut itself, OutputError for the result.
    """
    source = Path(cut).absolute()
    settings = _with_floor(settings or Settings(), floor)
    document = open_document(source, frame_rate).strip().document
    target = default_output(source) if output is None else Path(output).absolute()
    sounds = default_audio_dir(target) if audio_dir is None else Path(audio_dir)
    finder = MediaFinder(source.parent, [_folder(root) for root in media_roots], cache(probe))
    if frame_rate is None:
        document = at_media_rate(document, finder)
    with Delivery(target, sounds, source=source, overwrite=overwrite) as delivery:
        job = _Job(
            timeline=document.timeline(),
            finder=finder,
            settings=settings,
            cut=source,
            delivery=delivery,
            keeps=not dry_run,
            taken=[],
        )
        reports, stems = _clips(job, progress)
        if job.keeps:
            delivery.finish(document.add(stems).to_bytes())
    return Result(
        output=None if dry_run else target,
        stems=tuple(stems),
        clips=tuple(reports),
        settings_digest=settings.digest,
    )


def analyse(
    movie: PathLike,
    *,
    floor: str | None = None,
    settings: Settings | None = None,
    progress: Progress | None = None,
) -> MovieReport:
    """The footsteps of one movie, without a cut. Raises MediaMissing or MediaUnreadable."""
    settings = _with_floor(settings or Settings(), floor)
    info = probe(Path(movie))
    seen = _seen(info, 0.0, float("inf"), settings, _part(progress, info.path.name, 0.0, 1.0))
    return MovieReport(
        steps=sounded_steps(seen, settings), people=seen.people, pictures=seen.pictures
    )


def at_media_rate(document: TextDocument, finder: MediaFinder) -> TextDocument:
    """A cut that does not state its frame rate, read at the rate that most of its media have.

    Unchanged where the cut states it, or no medium of a usual rate is found.
    """
    timeline = document.timeline()
    if not timeline.frame_rate_assumed:
        return document
    rates: Counter[Fraction] = Counter()
    for clip in timeline.clips:
        for path in finder.candidates(clip):
            try:
                rate = rate_from_float(float(finder.probe(path).frame_rate))
            except FoleyError:
                continue
            if rate in STANDARD_RATES:
                rates[rate] += 1
    for rate, _ in rates.most_common():
        try:
            return document.with_frame_rate(rate)
        except ParseError:
            continue  # a frame number in the list does not exist at that rate
    return document


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """What stays the same for all clips of a run. `keeps`: sounds are kept (no dry run); `taken`
    grows: which track is taken when."""

    timeline: Timeline
    finder: MediaFinder
    settings: Settings
    cut: Path
    delivery: Delivery
    keeps: bool
    taken: list[tuple[int, Span]]


def _clips(job: _Job, progress: Progress | None) -> tuple[list[ClipReport], list[StemClip]]:
    clips = job.timeline.clips
    reports, stems = [], []
    whole_s = float(sum(clip.record.duration_s for clip in clips)) or 1.0
    done_s = 0.0
    for clip in clips:
        share = float(clip.record.duration_s) / whole_s
        report, stem = _clip(job, clip, _part(progress, clip.name, done_s / whole_s, share))
        done_s += float(clip.record.duration_s)
        reports.append(report)
        if stem is not None:
            stems.append(stem)
    reports += [skipped(item) for item in job.timeline.skipped]
    return reports, stems


def _clip(
    job: _Job, clip: Clip, progress: Callable[[float], None]
) -> tuple[ClipReport, StemClip | None]:
    """One clip, whatever comes of it."""
    if not clip.enabled:
        return _report(clip, "skipped", "disabled in the cut"), None
    try:
        found = relink(clip, job.finder)
        sounded = _sounded(job, clip, found, progress)
    except FoleyError as error:
        reason = f"{error}; {error.hint}" if error.hint else str(error)
        return _report(clip, "skipped", reason), None
    if isinstance(sounded, str):
        return _report(clip, "silent", sounded), None
    if job.keeps:
        job.delivery.add_sound(sounded.stem.path.name, sounded.audio, sounded.wave)
    job.taken.append((sounded.stem.track, sounded.stem.record))
    report = ClipReport(
        clip_id=clip.clip_id,
        name=clip.name,
        status="done",
        reason=found.note,
        steps=sounded.steps,
        record=clip.record,
    )
    return report, sounded.stem


def _sounded(
    job: _Job, clip: Clip, found: Found, progress: Callable[[float], None]
) -> SoundedClip | str:
    """The clip's sound, or why it is silent."""
    info = found.info
    low, high = (float(edge - found.media_start_s) for edge in source_extent(clip.time_map))
    if info.is_still or low == high:
        return "the picture stands still"
    context_s = job.settings.analysis.context_s
    seen = _seen(info, low - context_s, high + context_s, job.settings, progress)
    if seen.last_s is None or seen.last_s < high - _MISSING_PICTURE_S:
        end = "nowhere there" if seen.last_s is None else f"only to {seen.last_s:.2f} s"
        raise MediaUnreadable(
            f"{info.path} is shown from {low:.2f} s to {high:.2f} s, but has picture {end}",
            hint="is the movie damaged, or the wrong one?",
        )
    if not seen.steppers:
        return "someone is there but nobody steps" if seen.people else "nobody is in the picture"
    sounded = sound_clip(
        clip,
        seen,
        timeline=job.timeline,
        media_start_s=found.media_start_s,
        fingerprint=fingerprint(info.path),
        cut=job.cut,
        folder=job.delivery.audio_dir,
        track=_free_track(clip.record, job.taken),
        settings=job.settings,
    )
    return sounded if sounded is not None else "nobody steps while the clip is shown"


def _seen(
    info: MovieInfo,
    start_s: float,
    end_s: float,
    settings: Settings,
    progress: Callable[[float], None],
) -> MovieSteps:
    """Analyse a stretch of a movie."""
    start_s = max(0.0, start_s)
    known_end_s = end_s if info.duration_s is None else min(end_s, float(info.duration_s))
    length_s = max(1e-3, known_end_s - start_s)

    def pictures() -> Iterator[tuple[float, NDArray[np.uint8]]]:
        for frame in frames(
            info, start_s=start_s, end_s=end_s, long_side_px=settings.analysis.long_side_px
        ):
            progress(min(1.0, (frame.time_s - start_s) / length_s))
            yield frame.time_s, frame.rgb

    return find_steps(
        pictures(),
        most_people=settings.analysis.most_people,
        least_confidence=settings.analysis.least_confidence,
    )


def _free_track(record: Span, taken: Sequence[tuple[int, Span]]) -> int:
    """The lowest track on which nothing of ours lies there yet."""
    track = 1
    while any(
        track == other and record.start_s < span.end_s and span.start_s < record.end_s
        for other, span in taken
    ):
        track += 1
    return track


def _report(clip: Clip, status: Status, reason: str) -> ClipReport:
    return ClipReport(
        clip_id=clip.clip_id, name=clip.name, status=status, reason=reason, record=clip.record
    )


def _part(
    progress: Progress | None, name: str, start: float, share: float
) -> Callable[[float], None]:
    """Progress of one part as progress of the whole."""
    if progress is None:
        return lambda done: None
    return lambda done: progress(name, start + share * done)


def _with_floor(settings: Settings, floor: str | None) -> Settings:
    """Settings with the floor asked for; raises InputError for a floor or shoe nobody knows."""
    if floor is not None:
        settings = replace(settings, sound=replace(settings.sound, floor=floor))
    for kind, name, known in (
        ("floor", settings.sound.floor, GROUNDS),
        ("shoe", settings.sound.shoe, SHOES),
    ):
        if name not in known:
            raise InputError(f"unknown {kind} {name!r}", hint=f"known are {', '.join(known)}")
    return settings


def _folder(root: PathLike) -> Path:
    folder = Path(root)
    if not folder.is_dir():
        raise InputError(f"media root {folder} is not a folder", hint="check --media-root")
    return folder
