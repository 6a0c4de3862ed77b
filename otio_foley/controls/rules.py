"""Rules (who is meant, what is asked, who asks) and which of them wins.

The narrower target wins: a step over its clip, a clip over its track, a track over the cut. At the
same target the stronger source wins: the command line over the TOML beside the cut, that over the
timeline's markers, those over settings. So what the command line asks of the whole cut does not
overrule a marker over one clip. From one source, a clip's full name wins over a pattern,
and else what is said later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from fnmatch import fnmatchcase
from fractions import Fraction
from typing import Final

from otio_foley.controls.values import Control, Origin, Resolved
from otio_foley.types import Clip, Foot

PRECEDENCE: Final = (
    "step over clip over track over cut; at the same one: command line over TOML over marker "
    "over settings"
)

#: A step is meant by a time that is this many frames off, at most.
NEAR_FRAMES: Final = 2


class Kind(IntEnum):
    """Who is meant, the widest first."""

    CUT = 0
    TRACK = 1
    CLIP = 2
    STEP = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Who is meant: whatever fits all that is not None.

    `track` is the footstep track from 1 (FS 1). `clips` are clips' names, ids or patterns
    (`A003*`) of names; () is no clip. `at_s` is a time of the record, from the timeline's first
    frame, of a step that is `within_s` of it.
    """

    track: int | None = None
    clips: tuple[str, ...] | None = None
    at_s: Fraction | None = None
    within_s: Fraction = Fraction(0)
    foot: Foot | None = None

    @property
    def kind(self) -> Kind:
        if self.at_s is not None:
            return Kind.STEP
        if self.clips is not None:
            return Kind.CLIP
        return Kind.CUT if self.track is None else Kind.TRACK


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    target: Target
    control: Control
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class StepPlace:
    """When a step is heard, seconds from the timeline's first frame, and which foot makes it."""

    record_s: Fraction
    foot: Foot


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedStep:
    """A step with the footstep track (from 1) and the picture clip that it belongs to."""

    track: int
    clip: Clip
    step: StepPlace


def resolve(
    rules: Sequence[Rule],
    base: Resolved,
    *,
    track: int | None,
    clip: Clip,
    step: StepPlace | None,
) -> Resolved:
    """What is in force for a step, or without one for a clip on a track.

    Where the track is None (not known yet), rules that name one do not hold. Of several steps that
    are near a rule's time all are taken to be meant: `resolve_steps` takes the nearest alone.
    """
    holding = [rule for rule in rules if _means(rule.target, track, clip, step)]
    holding.sort(
        key=lambda rule: (rule.target.kind, rule.origin.source, _in_full(rule.target, clip))
    )
    for rule in holding:
        base = base.overlaid(rule.control, rule.origin)
    return base


def resolve_steps(
    rules: Sequence[Rule], base: Resolved, steps: Sequence[PlacedStep]
) -> tuple[Resolved, ...]:
    """What is in force for each of these steps. A step's rule holds for the nearest of them that
    it fits; of equally near ones for the one given first."""
    meant = [_nearest(rule.target, steps) for rule in rules]
    return tuple(
        resolve(
            [
                rule
                for rule, nearest in zip(rules, meant, strict=True)
                if rule.target.kind is not Kind.STEP or nearest == number
            ],
            base,
            track=one.track,
            clip=one.clip,
            step=one.step,
        )
        for number, one in enumerate(steps)
    )


def unused(
    rules: Sequence[Rule], clips: Sequence[Clip], steps: Sequence[PlacedStep] | None
) -> list[str]:
    """In words, the rules that mean nobody in a cut of these clips and steps.

    Where steps are not known (None), a step's rule is judged by whether a clip lies there, and
    tracks are not judged.
    """
    found = ((rule.origin.words, _why_unused(rule.target, clips, steps)) for rule in rules)
    return [f"{words}: {why}" for words, why in found if why]


def _why_unused(
    target: Target, clips: Sequence[Clip], steps: Sequence[PlacedStep] | None
) -> str | None:
    named = [clip for clip in clips if _names(target, clip)]
    if target.kind is Kind.CUT:
        return None
    if not named and target.clips is not None:
        return "no clip has that name or id" if target.clips else "no picture is seen there"
    if steps is None:
        if target.at_s is None or any(_reaches(target, target.at_s, clip) for clip in named):
            return None
        return "no picture lies there"
    if target.kind is Kind.STEP:
        near = _nearest(target, steps) is not None
        return None if near else f"no such step within {NEAR_FRAMES} frames"
    if target.kind is Kind.TRACK and all(one.track != target.track for one in steps):
        return f"there are no footsteps on track {target.track}"
    return None


def _reaches(target: Target, at_s: Fraction, clip: Clip) -> bool:
    return (
        clip.enabled
        and clip.record.start_s <= at_s + target.within_s
        and at_s - target.within_s < clip.record.end_s
    )


def _nearest(target: Target, steps: Sequence[PlacedStep]) -> int | None:
    """Number of the step that a step's rule means."""
    at_s = target.at_s
    if at_s is None:
        return None
    return min(
        (n for n, one in enumerate(steps) if _means(target, one.track, one.clip, one.step)),
        key=lambda n: abs(steps[n].step.record_s - at_s),
        default=None,
    )


def _means(target: Target, track: int | None, clip: Clip, step: StepPlace | None) -> bool:
    if target.track not in (None, track):
        return False
    if target.at_s is not None and (
        step is None
        or abs(step.record_s - target.at_s) > target.within_s
        or target.foot not in (None, step.foot)
    ):
        return False
    return _names(target, clip)


def _names(target: Target, clip: Clip) -> bool:
    return (
        target.clips is None
        or _in_full(target, clip)
        or any(fnmatchcase(clip.name, pattern) for pattern in target.clips)
    )


def _in_full(target: Target, clip: Clip) -> bool:
    return target.clips is not None and (clip.name in target.clips or clip.clip_id in target.clips)
