"""Values that travel between stages: frozen, keyword-only, units in their names.

Exact rationals (`fractions.Fraction`, seconds) live on a timeline; floats (seconds from a movie's
first presentation time) live inside one clip's media; integers (samples) live in audio.
`otio_foley.time` is the only place where one becomes another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Foot: TypeAlias = Literal["left", "right"]
Part: TypeAlias = Literal["heel", "toe", "flat"]
Action: TypeAlias = Literal["walk", "run", "jump", "land", "scuff", "stairs", "turn", "tiptoe"]
#: What somebody does over a while; an action is what one step of it is.
Gait: TypeAlias = Literal["stand", "walk", "run", "jump", "turn", "shuffle", "stairs", "tiptoe"]
#: The marker colours of OTIO 0.18, of which other formats use the nearest that they have.
MarkerColor: TypeAlias = Literal[
    "RED",
    "PINK",
    "ORANGE",
    "YELLOW",
    "GREEN",
    "CYAN",
    "BLUE",
    "PURPLE",
    "MAGENTA",
    "BLACK",
    "WHITE",
]
#: For which program a cut is written, where programs disagree about one format.
Host: TypeAlias = Literal["generic", "resolve", "premiere", "finalcut", "protools"]
#: Where the level over time goes: into the host's automation, or into the sound.
LevelRides: TypeAlias = Literal["automation", "baked"]
JsonValue: TypeAlias = "str | int | float | bool | list[JsonValue] | Mapping[str, JsonValue] | None"
FloatArray: TypeAlias = NDArray[np.float64]
SampleArray: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Half-open interval [start_s, end_s) in exact seconds."""

    start_s: Fraction
    duration_s: Fraction

    @property
    def end_s(self) -> Fraction:
        return self.start_s + self.duration_s


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeMap:
    """Record time to source time, exact and piecewise linear.

    `points` are (record offset from the clip's first frame, source time in the cut's source
    clock), both in seconds, with strictly rising record offsets; at least two. A rising source is
    forward play, a falling one reverse, a level one a freeze.
    """

    points: tuple[tuple[Fraction, Fraction], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A picture clip of a cut, as the cut describes it.

    `media_start_s` is what the cut's source clock reads at the medium's first frame; None where
    the cut does not say (an EDL), which leaves it to the medium's own timecode.
    `record.start_s` counts from the timeline's first frame. `layer` 1 is the lowest video track.
    """

    clip_id: str
    name: str
    reel: str | None
    media_path: str | None
    media_start_s: Fraction | None
    source_rate: Fraction | None
    record: Span
    time_map: TimeMap
    layer: int
    enabled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """A point on the timeline, seconds from the timeline's first frame."""

    record_s: Fraction
    name: str
    note: str = ""
    color: MarkerColor = "PURPLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """Something in the picture of a cut for which no footsteps can be made, and why."""

    clip_id: str
    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """What a cut says: its clock and its picture clips in record order.

    `start_s` is the timecode of the first frame in true seconds (01:00:00:00 at 24000/1001 is
    3603.6 s). `frame_rate_assumed` is set where the file does not state a rate (an EDL).
    `skipped` names picture items that hold no movie (titles, generators) or cannot be read yet.
    """

    name: str
    frame_rate: Fraction
    drop_frame: bool
    start_s: Fraction
    clips: tuple[Clip, ...]
    markers: tuple[Marker, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    frame_rate_assumed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StemClip:
    """A footstep clip as a timeline holds it: which part of which sound file lies where.

    `record` is what is heard (whole frames, from the timeline's first frame). The file starts at
    timecode `file_start_s` (samples since midnight / rate) and lasts `file_duration_s`; the
    audible part begins `in_s` after the file's start, so that handles lie on both sides.
    `clip_id` is the picture clip that it belongs to, `track` counts from 1 (`FS 1`).
    `automation` is the level that the host has to ride: (seconds from `record.start_s`, dB) with
    rising times, linear in dB between them and level beyond them; empty where the level is in the
    sound already.
    """

    clip_id: str
    name: str
    track: int
    record: Span
    path: Path
    file_start_s: Fraction
    file_duration_s: Fraction
    in_s: Fraction
    sample_rate_hz: int
    channels: int
    markers: tuple[Marker, ...] = ()
    automation: tuple[tuple[Fraction, float], ...] = ()
    provenance: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pose:
    """One person's keypoints over time.

    times_s (T,) seconds from the movie's first presentation time, rising; keypoints_px (T, 33, 2)
    in the pixels of the picture (x right, y down), NaN where nothing was found; confidence
    (T, 33) in 0..1, 0 where nothing was found; silhouette_area (T,) share of the picture, NaN
    where unknown. Joints are numbered as in BlazePose (Bazarevsky et al. 2020).
    """

    person: int
    image_size_px: tuple[int, int]
    times_s: FloatArray
    keypoints_px: FloatArray
    confidence: FloatArray
    silhouette_area: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraMotion:
    """How the ground moves through the picture because the camera moves.

    times_s (T,) seconds from the movie's first presentation time; to_first (T, 2, 3) affine maps
    from the pixels of each picture to those of the first, so that what stands still in the world
    stands still there.
    """

    times_s: FloatArray
    to_first: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Visuals:
    """All that is seen of one person without a long hole: what sound can be made from.

    times_s (N,) an even grid; pose (N, 41) float32 features of the legs on it; at the movie's own
    frames rgb (F, 32, 32, 3) uint8 and flow (F, 16, 16, 2) int8 of the legs (`analysis.closeups`);
    frame_at (N,) the number of the frame, with a fraction, that shows at each time of the grid.
    """

    times_s: FloatArray
    pose: SampleArray
    rgb: NDArray[np.uint8]
    flow: NDArray[np.int8]
    frame_at: FloatArray


#: What a recognised floor is called that is none of the product's.
OTHER_FLOOR: Final = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorSpan:
    """What is walked on from start_s to end_s (seconds of the movie): its calibrated chance, 0..1,
    and the other floors that it may be, the likeliest first."""

    start_s: float
    end_s: float
    floor: str
    chance: float
    runners_up: tuple[tuple[str, float], ...]


#: Whence the floor of a step is known: somebody says so, it was recognised in the picture, it is
#: that of a clip near by, or nobody knows and an ordinary one is heard.
FloorFrom: TypeAlias = Literal["asked", "picture", "nearby", "nowhere"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LentFloor:
    """What is walked on where none is seen, and the clip in which it is."""

    floor: str
    clip_id: str
    clip_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A foot meeting the floor, seconds from the movie's first presentation time.

    `strength` is relative (1 = an ordinary step of this person); `fall_speed` is how fast the hips
    were falling, in leg lengths per second; `confidence` 0..1; `found_by` names the detector;
    `gait` is what the person does around it, None where nothing says.
    """

    person: int
    time_s: float
    toe_off_s: float | None
    foot: Foot
    part: Part
    strength: float
    fall_speed: float
    confidence: float
    found_by: str
    gait: Gait | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Footstep:
    """A contact with what is done there, on which floor, and how loud (0 dB: an ordinary step)."""

    contact: Contact
    action: Action
    floor: str
    gain_db: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Audio:
    """Sound: samples (N, C) float32, full scale 1.0."""

    samples: SampleArray
    sample_rate_hz: int
