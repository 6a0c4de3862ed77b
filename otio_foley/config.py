"""All settings: one frozen tree, the defaults here and nowhere else.

A TOML file may override any of them, by section and name:

    [sound]
    floor = "wood"
"""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from otio_foley.errors import InputError
from otio_foley.types import Host, LevelRides

#: The floor that stands for the one that is recognised.
AUTO_FLOOR = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisSettings:
    """`long_side_px`: pictures are scaled down to this before people are looked for.
    `context_s`: picture seen before and after what a clip shows, so that a step at the very cut is
    known. `most_people`: followed at a time. `least_confidence`: contacts below are left out.
    `layers`: of several pictures at a time the topmost alone is looked at, or all of them.
    `unseen_feet`: steps of feet that are not seen are told from how head, arms and trunk move."""

    long_side_px: int = 1280
    context_s: float = 1.0
    most_people: int = 4
    least_confidence: float = 0.35
    layers: str = "top"
    unseen_feet: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundSettings:
    """`floor` is what is walked on, auto what is recognised in the picture; `shoe` what is on the
    feet; `space` the room in which it is heard; `seed` starts all randomness. `library`: a folder
    of the user's own recordings, empty for none. `engine`: where steps come from and what they
    sound of (`otio_foley.engines`)."""

    floor: str = AUTO_FLOOR
    engine: str = "contacts"
    shoe: str = "leather"
    space: str = "none"
    seed: int = 0
    library: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputSettings:
    """`handle_frames`: sound kept before and after each clip, for the editor to trim into.
    `host`: for which program the cut is written, where programs disagree. `level_rides`: the level
    over time as the host's automation or baked into the sound; auto takes what the host keeps.
    `separate`: footsteps into lists of their own beside the cut (EDL).
    `track_lufs`: what each track is brought to, the loudest three seconds of it (short-term
    maximum); `background_lu` how much less the people in the background get. `principals`: people
    of a clip with a track each, shared by who comes when they have gone; the rest share one.
    `pan`: stereo from the place in the picture.
    `offset_ms`: all sound later (or, negative, earlier); `distance_delay`: as much later as sound
    needs from there. Beside the clips' files: `step_files` one for each step, `track_stems` one
    for each track from the first frame to the last, `preview` a mix with the production sound."""

    handle_frames: int = 12
    true_peak_dbtp: float = -6.0
    track_lufs: float = -38.0
    background_lu: float = -8.0
    principals: int = 3
    pan: bool = False
    offset_ms: float = 0.0
    distance_delay: bool = False
    step_files: bool = False
    track_stems: bool = False
    preview: bool = False
    host: str = "generic"
    level_rides: str = "auto"
    separate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    analysis: AnalysisSettings = field(default_factory=AnalysisSettings)
    sound: SoundSettings = field(default_factory=SoundSettings)
    output: OutputSettings = field(default_factory=OutputSettings)

    def as_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @property
    def digest(self) -> str:
        """Short hash of all settings in force: two results with the same one were made alike."""
        text = json.dumps(self.as_dict(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


_RANGES: dict[str, tuple[float, float]] = {
    "analysis.long_side_px": (160, 4096),
    "analysis.context_s": (0, 10),
    "analysis.most_people": (1, 16),
    "analysis.least_confidence": (0, 1),
    "sound.seed": (0, 2**63 - 1),
    "output.handle_frames": (0, 1000),
    "output.true_peak_dbtp": (-40, 0),
    "output.track_lufs": (-70, -5),
    "output.background_lu": (-40, 0),
    "output.principals": (1, 16),
    "output.offset_ms": (-500, 500),
}

#: What settings that are words may be.
CHOICES: dict[str, tuple[str, ...]] = {
    "sound.engine": ("contacts", "method", "generator"),
    "sound.space": ("none", "exterior", "small-room", "hall"),
    "analysis.layers": ("top", "all"),
    "output.host": get_args(Host),
    "output.level_rides": ("auto", *get_args(LevelRides)),
}


def load(path: Path) -> Settings:
    """Settings from a TOML file over the defaults.

    Raises InputError for an unknown name (with the nearest known one), a wrong type or a value out
    of range.
    """
    try:
        sections = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read settings {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"settings {path} are not TOML: {error}") from error
    settings = Settings()
    for section, values in sections.items():
        _known(section, [f.name for f in dataclasses.fields(settings)], path)
        if not isinstance(values, dict):
            raise InputError(f"{path}: {section} is a section: write [{section}]")
        settings = dataclasses.replace(
            settings, **{section: _section(getattr(settings, section), section, values, path)}
        )
    return settings


def replaced(settings: Settings, values: Mapping[str, str | bool | float]) -> Settings:
    """Settings with some of them ("output.host") replaced by known good values."""
    for name, value in values.items():
        section, field_name = name.split(".")
        changed = dataclasses.replace(getattr(settings, section), **{field_name: value})
        settings = dataclasses.replace(settings, **{section: changed})
    return settings


def _section(current: Any, section: str, values: dict[str, Any], path: Path) -> Any:
    names = [f.name for f in dataclasses.fields(current)]
    for name, value in values.items():
        _known(name, names, path)
        wanted = type(getattr(current, name))
        if wanted is float and type(value) is int:
            values = {**values, name: float(value)}
        elif type(value) is not wanted:
            raise InputError(f"{path}: {section}.{name} has to be of type {wanted.__name__}")
        choices = CHOICES.get(f"{section}.{name}", (value,))
        if value not in choices:
            raise InputError(f"{path}: {section}.{name} has to be one of {', '.join(choices)}")
        low, high = _RANGES.get(f"{section}.{name}", (-float("inf"), float("inf")))
        if isinstance(value, (int, float)) and not low <= value <= high:
            raise InputError(f"{path}: {section}.{name} has to lie in {low} to {high}")
    return dataclasses.replace(current, **values)


def _known(name: str, names: list[str], path: Path) -> None:
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.0)
        raise InputError(f"{path}: unknown setting {name!r}", hint=f"did you mean {near[0]!r}?")
