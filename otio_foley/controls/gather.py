"""Everything that is asked of a cut's footsteps, from wherever it is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from otio_foley.config import AUTO_FLOOR, Settings
from otio_foley.controls.parse import parse_markers, parse_set, parse_toml
from otio_foley.controls.rules import (
    PlacedStep,
    Rule,
    resolve,
    resolve_steps,
    unused,
)
from otio_foley.controls.values import ANY_WORD, Known, Resolved, resolved_settings
from otio_foley.errors import InputError
from otio_foley.files import is_file
from otio_foley.types import Clip, Timeline

_SUFFIX = ".foley.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Controls:
    """What is asked of a cut: `base` where no rule holds. `clips` are the cut's."""

    base: Resolved
    rules: tuple[Rule, ...]
    clips: tuple[Clip, ...]

    def for_clip(self, track: int | None, clip: Clip) -> Resolved:
        """For a clip's sound on a footstep track (from 1); None while that is not known."""
        return resolve(self.rules, self.base, track=track, clip=clip, step=None)

    def for_steps(self, steps: Sequence[PlacedStep]) -> tuple[Resolved, ...]:
        """For each of the steps of a clip or cut; what is asked of a step, the nearest gets."""
        return resolve_steps(self.rules, self.base, steps)

    def may_be_recognised(self, clip: Clip) -> bool:
        """Whether the floor of any step of a clip may have to be recognised in the picture."""
        asked = [rule.control.floor for rule in self.rules]
        return AUTO_FLOOR in (self.for_clip(None, clip).floor, *asked)

    def unused(self, steps: Sequence[PlacedStep] | None = None) -> list[str]:
        """In words, what is asked of nobody who is there; None: the steps are not known."""
        return unused(self.rules, self.clips, steps)


def gather(
    cut_path: Path,
    timeline: Timeline,
    settings: Settings,
    sets: Sequence[str] = (),
    *,
    known: Known = ANY_WORD,
) -> Controls:
    """What settings, a cut's markers, the TOML beside it and `--set` texts ask, weakest first.

    `timeline` is to be without what we wrote ourselves. `known` are the words that floors, shoes
    and spaces may be. The TOML of `reel1.fcpxml` is `reel1.fcpxml.foley.toml`, else
    `reel1.foley.toml`. Raises InputError for what cannot be read.
    """
    path = _toml_beside(cut_path)
    from_toml = () if path is None else parse_toml(_text(path), str(path), timeline, known)
    return Controls(
        base=resolved_settings(settings.sound),
        rules=(
            *parse_markers(timeline, known),
            *from_toml,
            *(parse_set(text, timeline, known) for text in sets),
        ),
        clips=timeline.clips,
    )


def _toml_beside(cut_path: Path) -> Path | None:
    for name in (cut_path.name, cut_path.stem):
        path = cut_path.with_name(f"{name}{_SUFFIX}")
        if is_file(path):
            return path
    return None


def _text(path: Path) -> str:
    """The text, without the mark that some editors put before it."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot read controls {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"controls {path} are not TOML: {error}") from error
