"""Footstep tracks in an OTIO file: what is added to the top stack, and how it is found again.

Everything is written in the file's own shape: clip and marker schema versions, whole or decimal
numbers, bare paths or `file:` URIs.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path, PureWindowsPath

from otio_foley.errors import OutputError
from otio_foley.time import rate_from_float, samples_from_seconds
from otio_foley.timelines.document import NAMESPACE, UNDO_PLACEHOLDER, Patch
from otio_foley.timelines.otio.jsonspans import Plain, Style, Value, removed, rendered
from otio_foley.timelines.otio.level import level_effects
from otio_foley.timelines.otio.values import (
    METADATA_KEY,
    active_reference,
    is_url,
    schema_of,
    stated,
)
from otio_foley.timelines.paths import url_from_path
from otio_foley.timelines.xml.stems import rows
from otio_foley.types import Host, Marker, MarkerColor, StemClip

#: OTIO's marker colours (red, green, blue), for Marker.3, which spells them out.
_COLORS: Mapping[MarkerColor, tuple[float, float, float]] = {
    "RED": (1.0, 0.0, 0.0),
    "PINK": (1.0, 0.0, 1.0),
    "ORANGE": (1.0, 0.5, 0.0),
    "YELLOW": (1.0, 1.0, 0.0),
    "GREEN": (0.0, 1.0, 0.0),
    "CYAN": (0.0, 1.0, 1.0),
    "BLUE": (0.0, 0.0, 1.0),
    "PURPLE": (0.5, 0.0, 0.5),
    "MAGENTA": (1.0, 0.0, 1.0),
    "BLACK": (0.0, 0.0, 0.0),
    "WHITE": (1.0, 1.0, 1.0),
}
_RANGE_TOKEN = "@range@"
_OWN_TRACK_NAME = re.compile(r"^FS \d+( \(\d+\))?$")
_TARGETS = re.compile(rb'"target_url"\s*:\s*"((?:[^"\\]|\\.)+)"')
_RATE = re.compile(rb'"rate"\s*:\s*(\d{1,9}(?:\.\d{1,20})?)\s*[,}]')
_WHOLE_VALUE = re.compile(rb'"value"\s*:\s*-?\d+\s*[,}]')
_DECIMAL_VALUE = re.compile(rb'"value"\s*:\s*-?\d+\.\d')


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How a file spells what we write. `rate` is the timeline's, as the file spells it.

    `resolve_metadata`: ours carries what Resolve's own exports carry, since the file comes from
    Resolve or goes there; `host` is only where it goes.
    """

    frame_rate: Fraction
    rate: int | float
    whole_numbers: bool
    clip_version: int
    marker_version: int
    with_enabled: bool
    bare_paths: bool
    resolve_metadata: bool
    host: Host


def shape_of(root: Value, frame_rate: Fraction, host: Host) -> Shape:
    """The shape of a file, from the spellings that are in it and what the host wants."""
    raw = root.raw
    clips = _versions(raw, b"Clip")
    markers = _versions(raw, b"Marker")
    metadata = root.get("metadata")
    exported = metadata is not None and metadata.get("Resolve_OTIO") is not None
    resolve = host == "resolve" or (host == "generic" and exported)
    urls = [url.decode("utf-8", "replace") for url in _TARGETS.findall(raw)]
    bare = not any(is_url(url) for url in urls) if urls else resolve
    if host in ("resolve", "premiere"):  # each reads only its own spelling
        bare = host == "resolve"
    clip_version = 1 if clips and clips <= {1} else 2
    return Shape(
        frame_rate=frame_rate,
        rate=_spelt_rate(raw, frame_rate),
        whole_numbers=_WHOLE_VALUE.search(raw) is not None and _DECIMAL_VALUE.search(raw) is None,
        clip_version=clip_version,
        marker_version=max(markers) if markers and max(markers) in (1, 3) else 2,
        with_enabled=clip_version == 2 or b'"enabled"' in raw,
        bare_paths=bare,
        resolve_metadata=resolve,
        host=host,
    )


def _versions(raw: bytes, schema: bytes) -> set[int]:
    return {int(found) for found in re.findall(b'"' + schema + rb'\.(\d{1,4})"', raw)}


def _spelt_rate(raw: bytes, frame_rate: Fraction) -> int | float:
    """The file's commonest spelling of its frame rate, else the shortest exact one."""
    for spelling, _ in Counter(_RATE.findall(raw)).most_common():
        number = float(spelling)
        if 0 < number < 1000 and rate_from_float(number) == frame_rate:
            return number if b"." in spelling else int(spelling)
    return float(frame_rate)


def foley_tracks(
    stems: Sequence[StemClip], shape: Shape, origin_s: Fraction
) -> list[Mapping[str, Plain]]:
    """An audio track per `StemClip.track`, each clip at its record position; a further one
    (`FS 1 (2)`) where clips of a track overlap.

    `origin_s` is the top stack's own time at the timeline's first frame. Raises OutputError where
    a clip begins before the stack does or a path is relative.
    """
    tracks: list[Mapping[str, Plain]] = []
    used: Counter[int] = Counter()
    for number, row in rows(stems):
        used[number] += 1
        name = f"FS {number}" if used[number] == 1 else f"FS {number} ({used[number]})"
        tracks.append(_track(name, row, shape, origin_s, holds_undo=not tracks))
    return tracks


def _track(
    name: str,
    stems: Sequence[StemClip],
    shape: Shape,
    origin_s: Fraction,
    *,
    holds_undo: bool,
) -> Mapping[str, Plain]:
    children: list[Plain] = []
    position_s = Fraction(0)
    for stem in stems:
        start_s = origin_s + stem.record.start_s
        if start_s < position_s:
            raise OutputError(f"{stem.name} begins before the timeline does")
        if start_s > position_s:
            children.append(_gap(start_s - position_s, shape))
        children.append(_clip(stem, shape))
        position_s = start_s + stem.record.duration_s
    ours: dict[str, Plain] = {"namespace": NAMESPACE}
    if holds_undo:
        ours["undo"] = UNDO_PLACEHOLDER
    metadata: dict[str, Plain] = {METADATA_KEY: ours}
    if shape.resolve_metadata:
        kinds = {1: "Mono", 2: "Stereo"}
        kind = kinds.get(stems[0].channels, "Adaptive")
        metadata["Resolve_OTIO"] = {"Audio Type": kind, "Locked": False, "SoloOn": False}
    return {
        **_item("Track.1", name, metadata, None, shape),
        "children": children,
        "kind": "Audio",
    }


def _item(
    schema: str,
    name: str,
    metadata: Mapping[str, Plain],
    source_range: Plain,
    shape: Shape,
    markers: Sequence[Plain] = (),
) -> dict[str, Plain]:
    """The members that every item has, in the order in which OTIO writes them."""
    item: dict[str, Plain] = {
        "OTIO_SCHEMA": schema,
        "metadata": metadata,
        "name": name,
        "source_range": source_range,
        "effects": [],
        "markers": list(markers),
    }
    if shape.with_enabled:
        item["enabled"] = True
    return item


def _gap(duration_s: Fraction, shape: Shape) -> Mapping[str, Plain]:
    zero, length = _time(Fraction(0), shape), _time(duration_s, shape)
    return _item("Gap.1", "", {}, _range(zero, length), shape)


def _clip(stem: StemClip, shape: Shape) -> Mapping[str, Plain]:
    """A footstep clip.

    A start within the sound file is written at the timeline's rate where it falls on a frame,
    else in samples, since a rounded start would move the sound. The clip's own duration is always
    at the timeline's rate: the lengths of a track's items add up to record positions.
    """
    rate_hz = stem.sample_rate_hz
    available = _range(*_same_clock((stem.file_start_s, stem.file_duration_s), rate_hz, shape))
    start_s = stem.file_start_s + stem.in_s
    (start,) = _same_clock((start_s,), rate_hz, shape)
    reference: dict[str, Plain] = {
        "OTIO_SCHEMA": "ExternalReference.1",
        "metadata": {},
        "name": stem.name,
        "available_range": available,
        "target_url": target_url(stem.path, bare=shape.bare_paths),
    }
    if shape.clip_version == 2:
        reference["available_image_bounds"] = None
    metadata: dict[str, Plain] = {
        METADATA_KEY: {
            "namespace": NAMESPACE,
            "clip_id": stem.clip_id,
            "provenance": dict(stem.provenance),
        }
    }
    if shape.resolve_metadata:
        metadata["Resolve_OTIO"] = {}
    markers = [_marker(marker, stem, shape) for marker in stem.markers]
    source = _range(start, _time(stem.record.duration_s, shape))
    schema = f"Clip.{shape.clip_version}"
    clip = _item(schema, stem.name, metadata, source, shape, markers)
    clip["effects"] = level_effects(stem, shape.frame_rate, shape.host)
    if shape.clip_version == 1:
        return {**clip, "media_reference": reference}
    return {
        **clip,
        "media_references": {"DEFAULT_MEDIA": reference},
        "active_media_reference_key": "DEFAULT_MEDIA",
    }


def _marker(marker: Marker, stem: StemClip, shape: Shape) -> Mapping[str, Plain]:
    """A marker in its clip's source time."""
    at_s = stem.file_start_s + stem.in_s + marker.record_s - stem.record.start_s
    (at,) = _same_clock((at_s,), stem.sample_rate_hz, shape)
    written: dict[str, Plain] = {
        "OTIO_SCHEMA": f"Marker.{shape.marker_version}",
        "metadata": {METADATA_KEY: {"namespace": NAMESPACE, "note": marker.note}},
        "name": marker.name,
        "color": _color(marker.color) if shape.marker_version == 3 else marker.color,
        "range" if shape.marker_version == 1 else "marked_range": _range(
            at, _time(Fraction(0), shape)
        ),
    }
    if shape.marker_version > 1:
        written["comment"] = marker.note
    return written


def _color(name: MarkerColor) -> Mapping[str, Plain]:
    red, green, blue = _COLORS[name]
    return {"OTIO_SCHEMA": "Color.1", "r": red, "g": green, "b": blue, "a": 1.0, "name": name}


def _range(start: Plain, duration: Plain) -> Mapping[str, Plain]:
    return {"OTIO_SCHEMA": "TimeRange.1", "duration": duration, "start_time": start}


def _time(time_s: Fraction, shape: Shape) -> Mapping[str, Plain]:
    return _rational(time_s * shape.frame_rate, shape.rate, shape)


def _same_clock(
    times_s: Sequence[Fraction], sample_rate_hz: int, shape: Shape
) -> list[Mapping[str, Plain]]:
    """Times in frames of the timeline if all are whole frames, else all in samples."""
    if all((time_s * shape.frame_rate).denominator == 1 for time_s in times_s):
        return [_time(time_s, shape) for time_s in times_s]
    rate: int | float = sample_rate_hz if shape.whole_numbers else float(sample_rate_hz)
    samples = [Fraction(samples_from_seconds(time_s, sample_rate_hz)) for time_s in times_s]
    return [_rational(sample, rate, shape) for sample in samples]


def _rational(value: Fraction, rate: int | float, shape: Shape) -> Mapping[str, Plain]:
    whole = shape.whole_numbers and value.denominator == 1
    return {
        "OTIO_SCHEMA": "RationalTime.1",
        "rate": rate,
        "value": int(value) if whole else float(value),
    }


def target_url(path: Path, *, bare: bool) -> str:
    """An absolute path as a file names media. Raises OutputError for a relative one."""
    text = path.as_posix()
    drive = PureWindowsPath(text).drive
    if not (path.is_absolute() or drive):
        raise OutputError(
            f"{text} is a relative path; a cut has to name its media by absolute ones"
        )
    return text if bare else url_from_path(path)


# --- what of ours is in a file ---------------------------------------------------------------


def removal_patches(stack: Value | None, style: Style) -> tuple[Patch, ...]:
    """Patches that take our tracks and clips out; what a person put beside them stays in place."""
    patches: list[Patch] = []
    waiting = [stack] if stack is not None else []
    while waiting:
        parent = waiting.pop()
        children = parent.get("children")
        if children is None or children.kind != "array":
            continue
        whole = [index for index, child in enumerate(children.items) if _is_our_track(child)]
        patches += removed(children, whole)
        for index, child in enumerate(children.items):
            if index in whole:
                continue
            if is_ours(child) and schema_of(child) == "Clip":
                patches.append(_replaced_by_gap(child, style))
                continue
            patches += _without_our_metadata(child)
            waiting.append(child)
    return tuple(sorted(patches, key=lambda patch: patch.offset))


def is_ours(value: Value) -> bool:
    ours = _our_metadata(value)
    named = ours.get("namespace") if ours is not None else None
    return named is not None and named.text() == NAMESPACE


def _our_metadata(value: Value) -> Value | None:
    metadata = value.get("metadata")
    return metadata.get(METADATA_KEY) if metadata is not None else None


def _is_our_track(value: Value) -> bool:
    """A track of ours in which nothing but gaps and our clips are left."""
    if schema_of(value) != "Track":
        return False
    items = list(_items(value))
    ours = [item for item in items if is_ours(item)]
    if any(schema_of(item) not in ("Gap", "Clip") for item in items):
        return False
    if any(schema_of(item) == "Clip" for item in items if not is_ours(item)):
        return False
    name = value.get("name")
    named = name is not None and _OWN_TRACK_NAME.match(name.text() or "") is not None
    return is_ours(value) or (named and bool(ours))


def _items(value: Value) -> Iterator[Value]:
    children = value.get("children")
    return iter(children.items if children is not None else ())


def _without_our_metadata(value: Value) -> tuple[Patch, ...]:
    metadata = value.get("metadata")
    if metadata is None or not is_ours(value):
        return ()
    indices = [index for index, key in enumerate(metadata.keys) if key == METADATA_KEY]
    return removed(metadata, indices)


def _replaced_by_gap(clip: Value, style: Style) -> Patch:
    """A gap of the same length in a clip's place, so that nothing behind it moves.

    Without a source range (a host may drop it) a clip lasts as long as its medium.
    """
    span = clip.get("source_range")
    if not stated(span):
        reference = active_reference(clip)
        span = reference.get("available_range") if reference is not None else None
    gap: Mapping[str, Plain] = {
        "OTIO_SCHEMA": "Gap.1",
        "metadata": {},
        "name": "",
        "source_range": _RANGE_TOKEN,
        "effects": [],
        "markers": [],
    }
    source = span.source if span is not None else b"null"
    text = rendered(gap, style).encode().replace(f'"{_RANGE_TOKEN}"'.encode(), source)
    return Patch(clip.start, clip.end - clip.start, text)
