"""The level over time of a clip as an OTIO effect, in the shape of the host that reads it.

OTIO's own `Effect` has no parameters: each program keeps its own in the metadata.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from otio_foley.errors import WouldLoseData
from otio_foley.time import frames_from_seconds
from otio_foley.timelines.automation import within
from otio_foley.timelines.document import NAMESPACE
from otio_foley.timelines.otio.jsonspans import Plain
from otio_foley.timelines.otio.values import METADATA_KEY
from otio_foley.types import Host, StemClip

#: The range of Fairlight's clip volume, in dB.
_LEAST_DB, _MOST_DB = -100.0, 30.0


def level_effects(stem: StemClip, frame_rate: Fraction, host: Host) -> list[Plain]:
    """One effect that rides the stem's automation; none where its level is in the sound.

    For Resolve as in its own exports, keyframes in frames from the clip's first (of keyframed
    volume no export was at hand). Otherwise under our own name with exact times, which no program
    plays. Raises WouldLoseData for Premiere, of whose spelling too little is known.
    """
    if not stem.automation:
        return []
    if host == "premiere":
        raise WouldLoseData(
            "how Premiere keeps level automation in OTIO is not known",
            hint="leave the level in the sound (--level-rides baked), or take FCP7 XML",
        )
    points = within(stem.automation, stem.record.duration_s)
    if host == "resolve":
        return [_effect("Resolve Effect", {"Resolve_OTIO": _fairlight(points, frame_rate)})]
    written: list[Plain] = [[str(at_s), round(level_db, 3)] for at_s, level_db in points]
    ours: Mapping[str, Plain] = {"namespace": NAMESPACE, "level_db": written}
    return [_effect("otio-foley level", {METADATA_KEY: ours})]


def _effect(kind: str, metadata: Mapping[str, Plain]) -> Mapping[str, Plain]:
    return {"OTIO_SCHEMA": "Effect.1", "metadata": metadata, "name": "", "effect_name": kind}


def _fairlight(points: list[tuple[Fraction, float]], frame_rate: Fraction) -> Mapping[str, Plain]:
    levels = _by_frame(points, frame_rate)
    keyframes: dict[str, Plain] = {
        str(frame): {"Value": level_db} for frame, level_db in levels.items()
    }
    volume: Mapping[str, Plain] = {
        "Default Parameter Value": 0.0,
        "Key Frames": keyframes,
        "Parameter ID": "volume",
        "Parameter Value": next(iter(levels.values())),
        "Variant Type": "Double",
        "maxValue": _MOST_DB,
        "minValue": _LEAST_DB,
    }
    return {
        "Effect Name": "Fairlight Clip Volume and Fades",
        "Enabled": True,
        "Name": "Volume",
        "Parameters": [volume],
        "Type": 62,
    }


def _by_frame(points: list[tuple[Fraction, float]], frame_rate: Fraction) -> dict[int, float]:
    """Levels by frame, rising. Of two points in a frame the earlier goes one frame back, if that
    is free: a jump stays a jump and does not become a slope from the point before."""
    levels: dict[int, float] = {}
    for at_s, level_db in points:
        frame = frames_from_seconds(at_s, frame_rate)
        if frame in levels:
            earlier_db = levels.pop(frame)
            if frame > 0:
                levels.setdefault(frame - 1, earlier_db)
        levels[frame] = round(min(max(level_db, _LEAST_DB), _MOST_DB), 3)
    return levels
