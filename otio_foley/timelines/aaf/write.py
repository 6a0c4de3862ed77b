"""Footstep clips into an AAF: a sound track for each of ours, and the mobs that name the files.

Mob ids and times are made from what is written, not drawn: the same run gives the same bytes.
"""

from __future__ import annotations

import json
import struct
import uuid
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from aaf2 import rational
from aaf2.auid import AUID
from aaf2.components import DescriptiveMarker
from aaf2.misc import LinearInterp
from aaf2.mobid import MobID
from aaf2.mobslots import TimelineMobSlot

from otio_foley.errors import OutputError
from otio_foley.media.sound import BITS
from otio_foley.time import frames_from_seconds, nominal_rate, samples_from_seconds
from otio_foley.timelines.automation import densified, within
from otio_foley.timelines.document import NAMESPACE
from otio_foley.timelines.paths import url_from_path
from otio_foley.types import Marker, StemClip, Timeline

#: Mono Audio Gain and its amplitude, linear (AAF Association, Edit Protocol 1.1).
GAIN = AUID("9d2ea894-0968-11d3-8a38-0050040ef7d2")
_AMPLITUDE = AUID("e4962321-2267-11d3-8a4c-0050040ef7d2")

_DESCRIPTIVE = AUID("01030201-1000-0000-060e-2b3404010101")

_MOB_NAMESPACE = uuid.UUID("0b8f2d5e-7f0a-5c1e-9a56-3d1f6f0e7a11")

#: A property holds 64 KiB at most, and text takes two bytes a letter.
_PIECE = 12_000


def insert(file: Any, composition: Any, timeline: Timeline, stems: Sequence[StemClip]) -> None:
    """Add tracks with the stems. Raises OutputError where two overlap on a track."""
    for track in sorted({stem.track for stem in stems}):
        own = sorted(
            (stem for stem in stems if stem.track == track), key=lambda one: one.record.start_s
        )
        slot = _sound_slot(composition, timeline.frame_rate, f"FS {track}")
        _fill(file, composition, slot, timeline, own)
        _add_markers(file, composition, slot, timeline, [m for one in own for m in one.markers])


def _sound_slot(composition: Any, rate: Fraction, name: str) -> Any:
    """A sound track behind the composition's own."""
    numbers = [
        slot.getvalue("PhysicalTrackNumber", 0) or 0
        for slot in composition.slots
        if isinstance(slot, TimelineMobSlot) and "Sound" in str(slot.media_kind or "")
    ]
    slot = composition.create_timeline_slot(_rational(rate), _free_slot_id(composition))
    slot.name = name
    slot["PhysicalTrackNumber"].value = max(numbers, default=0) + 1
    slot.segment = composition.root.create.Sequence(media_kind="sound")
    return slot


def _free_slot_id(mob: Any) -> int:
    return max((slot.slot_id for slot in mob.slots), default=0) + 1


def _fill(
    file: Any, composition: Any, slot: Any, timeline: Timeline, stems: Sequence[StemClip]
) -> None:
    sequence = slot.segment
    parts = []
    at = 0
    for stem in stems:
        first, end = (
            frames_from_seconds(edge, timeline.frame_rate)
            for edge in (stem.record.start_s, stem.record.end_s)
        )
        if first < at:
            raise OutputError(
                f"{stem.name} overlaps another clip on track FS {stem.track}",
                hint="give clips that sound at the same time different tracks",
            )
        if first > at:
            parts.append(file.create.Filler("sound", first - at))
        parts.append(_clip(file, composition, timeline, stem, end - first))
        at = end
    for part in parts:
        sequence.components.append(part)
    sequence.length = at


def _clip(file: Any, composition: Any, timeline: Timeline, stem: StemClip, length: int) -> Any:
    """The source clip, within its gain where the host has to ride the level."""
    master = _master_mob(file, composition, timeline, stem)
    clip = file.create.SourceClip(
        start=frames_from_seconds(stem.in_s, timeline.frame_rate),
        length=length,
        mob_id=master.mob_id,
        slot_id=1,
        media_kind="sound",
    )
    return _ridden(file, clip, stem) if stem.automation else clip


def _master_mob(file: Any, composition: Any, timeline: Timeline, stem: StemClip) -> Any:
    """The clip that a bin shows, and behind it the file."""
    rate = stem.sample_rate_hz
    samples = samples_from_seconds(stem.file_duration_s, stem.sample_rate_hz)
    source = file.create.SourceMob(f"{stem.name}.PHYS")
    _identify(source, composition, "file", stem)
    source.descriptor = _descriptor(file, stem, samples)
    sound = source.create_timeline_slot(rate, 1)
    sound.segment = file.create.SourceClip(length=samples, media_kind="sound")
    clock = source.create_timeline_slot(_rational(timeline.frame_rate), 2)
    timecode = file.create.Timecode(nominal_rate(timeline.frame_rate), drop=timeline.drop_frame)
    timecode.start = frames_from_seconds(stem.file_start_s, timeline.frame_rate)
    clock.segment = timecode
    file.content.mobs.append(source)

    master = file.create.MasterMob(stem.name)
    _identify(master, composition, "clip", stem)
    shown = master.create_timeline_slot(rate, 1)
    shown.name = f"FS {stem.track}"
    shown["PhysicalTrackNumber"].value = 1
    shown.segment = file.create.SourceClip(
        length=samples, mob_id=source.mob_id, slot_id=1, media_kind="sound"
    )
    file.content.mobs.append(master)
    return master


def _identify(mob: Any, composition: Any, what: str, stem: StemClip) -> None:
    """An id and times that do not depend on when this is run, and our mark with what made it."""
    facts = {"clip_id": stem.clip_id, "track": stem.track, "provenance": dict(stem.provenance)}
    text = json.dumps(facts, sort_keys=True, default=dict)
    composed = f"{composition.mob_id} {what} {stem.path} {stem.record.start_s} {text}"
    identity = MobID.new()
    identity.material = AUID(uuid.uuid5(_MOB_NAMESPACE, composed))
    mob.mob_id = identity
    for key in ("CreationTime", "LastModified"):
        mob[key].value = composition["CreationTime"].value
    for number, at in enumerate(range(0, len(text), _PIECE)):
        key = NAMESPACE if not number else f"{NAMESPACE}.{number + 1}"
        mob.comments[key] = text[at : at + _PIECE]


def _descriptor(file: Any, stem: StemClip, samples: int) -> Any:
    descriptor = file.create.WAVEDescriptor()
    descriptor["SampleRate"].value = stem.sample_rate_hz
    descriptor["Length"].value = samples
    descriptor["Summary"].value = _wave_header(stem, samples)
    locator = file.create.NetworkLocator()
    locator["URLString"].value = url_from_path(stem.path)
    descriptor["Locator"].append(locator)
    return descriptor


def _wave_header(stem: StemClip, samples: int) -> bytes:
    """The RIFF header of the file that is named: format, and how much sound there is."""
    frame = stem.channels * BITS // 8
    size = min(samples * frame, 0xFFFFFFFF - 36)
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", size + 36, b"WAVE", b"fmt ", 16, 1, stem.channels, stem.sample_rate_hz),
        *(stem.sample_rate_hz * frame, frame, BITS, b"data", size),
    )


# ---- level


def _ridden(file: Any, clip: Any, stem: StemClip) -> Any:
    """The clip within a gain that follows the automation; times run from 0 to 1 over the clip."""
    operation = _gain_definition(file)
    group = file.create.OperationGroup(operation, length=clip.length, media_kind="sound")
    group.segments.append(clip)
    level = file.create.VaryingValue()
    level.parameterdef = file.dictionary.lookup_parameterdef(_AMPLITUDE)
    level.interpolationdef = file.dictionary.lookup_interperlationdef(LinearInterp)
    for time_s, level_db in densified(within(stem.automation, stem.record.duration_s)):
        share = time_s / stem.record.duration_s
        gain = Fraction(10 ** (level_db / 20)).limit_denominator(1_000_000)
        level.add_keyframe(_rational(share.limit_denominator(10_000_000)), _rational(gain))
    group.parameters.append(level)
    return group


def _gain_definition(file: Any) -> Any:
    """The gain's definition; what the file lacks of it is added and bears our mark."""
    dictionary = file.dictionary
    if dictionary.lookup_interperlationdef(LinearInterp) is None:
        dictionary.register_def(
            file.create.InterpolationDef(LinearInterp, "LinearInterp", NAMESPACE)
        )
    parameter = dictionary.lookup_parameterdef(_AMPLITUDE)
    if parameter is None:
        typedef = dictionary.lookup_typedef("Rational")
        parameter = file.create.ParameterDef(_AMPLITUDE, "Amplitude", NAMESPACE, typedef)
        dictionary.register_def(parameter)
    operation = dictionary.lookup_operationdef(GAIN)
    if operation is None:
        operation = file.create.OperationDef(GAIN, "Mono Audio Gain", NAMESPACE)
        operation.media_kind = "sound"
        operation["NumberInputs"].value = 1
        operation["IsTimeWarp"].value = False
        operation["OperationCategory"].value = "OperationCategory_Effect"
        dictionary.register_def(operation)
        operation.parameters.append(parameter)
    return operation


# ---- markers


def _add_markers(
    file: Any, composition: Any, slot: Any, timeline: Timeline, markers: Sequence[Marker]
) -> None:
    """Each step as a descriptive marker on an event track that belongs to the sound track."""
    if not markers:
        return
    events = file.create.EventMobSlot(_free_slot_id(composition))
    events.name = f"{slot.name} steps"
    events.edit_rate = _rational(timeline.frame_rate)
    events["PhysicalTrackNumber"].value = slot["PhysicalTrackNumber"].value
    kind = _marker_kind(file)
    sequence = file.create.Sequence(media_kind=kind)
    for marker in sorted(markers, key=lambda one: one.record_s):
        # Not through `create`, which looks the kind up by a name that Avid spells otherwise.
        event = DescriptiveMarker.__new__(DescriptiveMarker)
        event.root = file
        event.datadef = kind
        event["Position"].value = frames_from_seconds(marker.record_s, timeline.frame_rate)
        event["Comment"].value = f"{marker.name}: {marker.note}" if marker.note else marker.name
        event["DescribedSlots"].value = {slot.slot_id}
        tag = file.create.TaggedValue()
        tag.name = NAMESPACE
        tag.value = "step"
        event["UserComments"].append(tag)
        sequence.components.append(event)
    events.segment = sequence
    composition.slots.append(events)


def _marker_kind(file: Any) -> Any:
    """The data definition of descriptive metadata; added with our mark where the file has none."""
    kind = file.dictionary.lookup_datadef(_DESCRIPTIVE)
    if kind is None:
        kind = file.create.DataDef(_DESCRIPTIVE, "DataDef_DescriptiveMetadata", NAMESPACE)
        file.dictionary.register_def(kind)
    return kind


def _rational(value: Fraction) -> Any:
    return rational.AAFRational(value.numerator, value.denominator)
