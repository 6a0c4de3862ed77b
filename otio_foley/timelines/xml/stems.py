"""What FCPXML and xmeml say alike about the footstep clips that they hold."""

from __future__ import annotations

import json
from collections.abc import Iterable
from fractions import Fraction

from otio_foley.types import StemClip

_COMPACT = json.JSONEncoder(separators=(",", ":"), default=dict)


def rows(stems: Iterable[StemClip]) -> list[tuple[int, list[StemClip]]]:
    """Stems by track, each row free of overlaps; (track, stems in record order).

    Sound of clips that overlap in the record (layers, transitions) cannot share a track: hosts
    drop one of the two without a word. A track that holds such is followed by overflow rows.
    """
    by_track: dict[int, list[tuple[Fraction, list[StemClip]]]] = {}
    for stem in sorted(stems, key=lambda stem: (stem.track, stem.record.start_s)):
        lanes = by_track.setdefault(stem.track, [])
        for number, (free_from_s, lane) in enumerate(lanes):
            if free_from_s <= stem.record.start_s:
                lane.append(stem)
                lanes[number] = (stem.record.end_s, lane)
                break
        else:
            lanes.append((stem.record.end_s, [stem]))
    return [(track, lane) for track, lanes in sorted(by_track.items()) for _, lane in lanes]


def provenance_text(stem: StemClip) -> str:
    """Compact ASCII JSON of a stem's provenance."""
    return _COMPACT.encode(stem.provenance)
