"""What a run says of itself: values that scripts read, and their JSON.

`record_time_s` counts from the timeline's first frame, `source_time_s` from the medium's first
presentation time; start timecodes are in neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from otio_foley._version import __version__
from otio_foley.types import (
    Action,
    FloorFrom,
    FloorSpan,
    Foot,
    JsonValue,
    LentFloor,
    Part,
    Skipped,
    Span,
    StemClip,
)

Status: TypeAlias = Literal["done", "silent", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One footstep as it sounds; `record_time_s` is None where there is no timeline."""

    record_time_s: float | None
    source_time_s: float
    person: int
    foot: Foot
    part: Part
    action: Action
    floor: str
    floor_from: FloorFrom
    gain_db: float
    confidence: float
    found_by: str

    def as_json(self) -> dict[str, JsonValue]:
        step: dict[str, JsonValue] = {
            "source_time_s": round(self.source_time_s, 6),
            "person": self.person,
            "foot": self.foot,
            "part": self.part,
            "action": self.action,
            "floor": self.floor,
            "floor_from": self.floor_from,
            "gain_db": round(self.gain_db, 2),
            "confidence": round(self.confidence, 3),
            "found_by": self.found_by,
        }
        if self.record_time_s is not None:
            step = {"record_time_s": round(self.record_time_s, 6), **step}
        return step


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorSeen:
    """A floor that was recognised under somebody."""

    person: int
    span: FloorSpan

    def as_json(self) -> dict[str, JsonValue]:
        span = self.span
        return {
            "person": self.person,
            "source_start_s": round(span.start_s, 3),
            "source_end_s": round(span.end_s, 3),
            "floor": span.floor,
            "chance": span.chance,
            "runners_up": [{"floor": floor, "chance": chance} for floor, chance in span.runners_up],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipReport:
    """What became of one clip: `done` (has steps), `silent` (needs none) or `skipped`, and why;
    `floors` are those recognised under each of its people, `lent` the floor that its steps with
    `floor_from` nearby are heard on: of another clip, or of somebody else in this one."""

    clip_id: str
    name: str
    status: Status
    reason: str
    steps: tuple[Step, ...] = ()
    record: Span | None = None
    floors: tuple[FloorSeen, ...] = ()
    lent: LentFloor | None = None

    def as_json(self) -> dict[str, JsonValue]:
        return {
            "clip_id": self.clip_id,
            "name": self.name,
            "status": self.status,
            "reason": self.reason,
            "record_start_s": None if self.record is None else float(self.record.start_s),
            "record_duration_s": None if self.record is None else float(self.record.duration_s),
            "steps": [step.as_json() for step in self.steps],
            "floors": [seen.as_json() for seen in self.floors],
            "floor_lent_by": None if self.lent is None else self.lent.clip_id,
        }


def skipped(item: Skipped) -> ClipReport:
    return ClipReport(clip_id=item.clip_id, name=item.name, status="skipped", reason=item.reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A file written beside the result, and what it holds in words."""

    path: Path
    holds: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A finished run. `output` is None after a dry run; `sidecars` lie beside it and hold what the
    format or the host does not, `files` are sounds beside the clips' own; `notes` are what a person
    ought to know of the whole."""

    output: Path | None
    sidecars: tuple[Beside, ...]
    stems: tuple[StemClip, ...]
    clips: tuple[ClipReport, ...]
    settings_digest: str
    files: tuple[Beside, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0: all done; 3: at least one clip was skipped."""
        return 3 if any(clip.status == "skipped" for clip in self.clips) else 0

    def as_json(self) -> dict[str, JsonValue]:
        return {
            "version": __version__,
            "output": None if self.output is None else str(self.output),
            "sidecars": [{"path": str(one.path), "holds": one.holds} for one in self.sidecars],
            "settings": self.settings_digest,
            "stems": [_stem_json(stem, written=self.output is not None) for stem in self.stems],
            "clips": [clip.as_json() for clip in self.clips],
            "files": [{"path": str(one.path), "holds": one.holds} for one in self.files],
            "notes": list(self.notes),
        }


def _stem_json(stem: StemClip, *, written: bool) -> dict[str, JsonValue]:
    return {
        "clip_id": stem.clip_id,
        "path": str(stem.path) if written else None,
        "track": f"FS {stem.track}",
        "record_start_s": float(stem.record.start_s),
        "record_duration_s": float(stem.record.duration_s),
        "time_reference": int(stem.file_start_s * stem.sample_rate_hz),
        "handle_s": float(stem.in_s),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class MovieReport:
    """The steps of one movie."""

    steps: tuple[Step, ...]
    people: int
    pictures: int
    floors: tuple[FloorSeen, ...] = ()

    def as_json(self) -> dict[str, JsonValue]:
        return {
            "version": __version__,
            "people": self.people,
            "pictures": self.pictures,
            "steps": [step.as_json() for step in self.steps],
            "floors": [seen.as_json() for seen in self.floors],
        }
