"""otio-foley inside OpenTimelineIO: an adapter, a media linker and a hook.

OTIO finds `plugin_manifest` through the entry point group `opentimelineio.plugins` and loads the
shims in `adapters/`, which call what is here. Everything heavy is imported when it is called: OTIO
loads this module whenever it starts.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import opentimelineio as otio

from otio_foley.errors import InputError
from otio_foley.resources import bundled

if TYPE_CHECKING:
    from otio_foley.config import Settings
    from otio_foley.types import Clip, Timeline, TimeMap

#: Where our facts stand in OTIO's metadata.
METADATA_KEY = "otio_foley"

#: In a hook's arguments: where the sound goes. Without it the hook does nothing.
AUDIO_DIR = "otio_foley_audio_dir"
MEDIA_ROOTS = "otio_foley_media_roots"


def plugin_manifest() -> Any:
    """The manifest, its shims named by absolute paths."""
    folder = bundled("adapters")
    manifest = otio.plugins.manifest.manifest_from_file(str(folder / "plugin_manifest.json"))
    for plugin in (*manifest.adapters, *manifest.media_linkers, *manifest.hook_scripts):
        plugin.filepath = str(folder / plugin.filepath)
    return manifest


# ---- adapter


def read_from_file(filepath: str) -> Any:
    """An OTIO timeline of the picture of a cut in any format that otio-foley reads.

    A track for each layer, and further ones where clips of a layer overlap (transitions). A retime
    that OTIO cannot say is in the metadata as exact points. Raises FoleyError.
    """
    from otio_foley.timelines.registry import open_document

    timeline = open_document(filepath).timeline()
    rate = float(timeline.frame_rate)
    result = otio.schema.Timeline(
        name=timeline.name, global_start_time=_time(timeline.start_s, rate)
    )
    result.metadata[METADATA_KEY] = {
        "frame_rate": str(timeline.frame_rate),
        "drop_frame": timeline.drop_frame,
        "skipped": [{"name": item.name, "reason": item.reason} for item in timeline.skipped],
    }
    for marker in timeline.markers:
        result.tracks.markers.append(
            otio.schema.Marker(
                name=marker.name,
                marked_range=otio.opentime.TimeRange(_time(marker.record_s, rate)),
                color=marker.color,
            )
        )
    for layer in sorted({clip.layer for clip in timeline.clips}):
        rows = _rows(clip for clip in timeline.clips if clip.layer == layer)
        for number, row in enumerate(rows):
            name = f"V{layer}" if not number else f"V{layer}.{number + 1}"
            result.tracks.append(_track(name, row, timeline))
    return result


def _rows(clips: Iterable[Clip]) -> list[list[Clip]]:
    """Clips in record order, in as many rows as it takes for none to overlap."""
    rows: list[list[Clip]] = []
    for clip in clips:
        row = next((one for one in rows if one[-1].record.end_s <= clip.record.start_s), None)
        if row is None:
            rows.append([clip])
        else:
            row.append(clip)
    return rows


def _track(name: str, clips: Sequence[Clip], timeline: Timeline) -> Any:
    rate = float(timeline.frame_rate)
    track = otio.schema.Track(name=name, kind=otio.schema.TrackKind.Video)
    at_s = Fraction(0)
    for clip in clips:
        if clip.record.start_s > at_s:
            length = _time(clip.record.start_s - at_s, rate)
            track.append(otio.schema.Gap(duration=length))
        track.append(_clip(clip, rate))
        at_s = clip.record.end_s
    return track


def _clip(clip: Clip, rate: float) -> Any:
    from otio_foley.timelines.paths import url_from_path

    reference = otio.schema.MissingReference()
    if clip.media_path:
        path = Path(clip.media_path)
        url = url_from_path(path) if path.is_absolute() else clip.media_path
        reference = otio.schema.ExternalReference(target_url=url)
    source_rate = float(clip.source_rate or 0) or rate
    item = otio.schema.Clip(
        name=clip.name,
        media_reference=reference,
        source_range=otio.opentime.TimeRange(
            _time(clip.time_map.points[0][1], source_rate), _time(clip.record.duration_s, rate)
        ),
    )
    item.enabled = clip.enabled
    item.effects.extend(_retime(clip.time_map))
    item.metadata[METADATA_KEY] = {
        "clip_id": clip.clip_id,
        "reel": clip.reel,
        "media_start_s": None if clip.media_start_s is None else str(clip.media_start_s),
        "time_map": [[str(record_s), str(source_s)] for record_s, source_s in clip.time_map.points],
    }
    return item


def _retime(time_map: TimeMap) -> list[Any]:
    """A linear time warp or a freeze; a ramp as its mean speed."""
    (first_s, source_s), (last_s, end_s) = time_map.points[0], time_map.points[-1]
    speed = (end_s - source_s) / (last_s - first_s)
    if speed == 1 and len(time_map.points) == 2:
        return []
    if all(source == source_s for _, source in time_map.points):
        return [otio.schema.FreezeFrame()]
    return [otio.schema.LinearTimeWarp(time_scalar=float(speed))]


def _time(time_s: Fraction, rate: float) -> Any:
    return otio.opentime.RationalTime(float(time_s * Fraction(rate)), rate)


# ---- media linker


def link_media_reference(
    in_clip: Any, media_linker_argument_map: Mapping[str, Any] | None = None
) -> Any:
    """The clip's reference with the movie that otio-foley finds for it; the reference as it is
    where none is found. `otio_foley_media_roots` (a list, or one path) says where to look."""
    from otio_foley.media.picture import probe
    from otio_foley.timelines.registry import open_bytes
    from otio_foley.timelines.relink import MediaFinder

    roots = _roots(media_linker_argument_map or {})
    alone = otio.schema.Timeline(tracks=[otio.schema.Track(children=[in_clip.deepcopy()])])
    text = otio.adapters.write_to_string(alone, "otio_json").encode()
    clips = open_bytes(text, name="clip.otio").timeline().clips
    found = MediaFinder(Path.cwd(), roots, probe).candidates(clips[0]) if clips else ()
    if len(found) != 1:
        return in_clip.media_reference
    reference = otio.schema.ExternalReference(target_url=found[0].absolute().as_uri())
    before = in_clip.media_reference
    if before is not None:
        reference.available_range = before.available_range
        reference.metadata.update(before.metadata)
    return reference


def _roots(arguments: Mapping[str, Any]) -> list[Path]:
    given = arguments.get(MEDIA_ROOTS, [])
    return [Path(root) for root in ([given] if isinstance(given, str) else given)]


# ---- hook


def hook_function(in_timeline: Any, argument_map: Mapping[str, Any] | None = None) -> Any:
    """Footsteps on a timeline before it is written, if `otio_foley_audio_dir` is among the hook's
    arguments; `otio_foley_media_roots` as for the linker."""
    arguments = argument_map or {}
    if AUDIO_DIR not in arguments:
        return in_timeline
    return add_footsteps(in_timeline, arguments[AUDIO_DIR], media_roots=_roots(arguments))


def add_footsteps(
    timeline: Any,
    audio_dir: str | Path,
    *,
    media_roots: Sequence[str | Path] = (),
    settings: Settings | None = None,
) -> Any:
    """A copy of an OTIO timeline with footstep tracks, its sound in `audio_dir` (made if need be).

    Media with relative paths are found through `media_roots` alone: a timeline in memory lies in no
    folder. Raises FoleyError as `otio_foley.run` does.
    """
    from otio_foley.pipeline import run

    sounds = Path(audio_dir).absolute()
    if not sounds.parent.is_dir():
        raise InputError(f"folder {sounds.parent} is not there", hint="create it first")
    with tempfile.TemporaryDirectory(prefix="otio-foley-") as name:
        title = re.sub(r"[^\w.-]+", "_", timeline.name or "").strip("._") or "timeline"
        cut = Path(name, f"{title}.otio")
        otio.adapters.write_to_file(timeline, str(cut), "otio_json")
        result = run(cut, audio_dir=sounds, media_roots=media_roots, settings=settings)
        return otio.adapters.read_from_file(str(result.output), "otio_json")
