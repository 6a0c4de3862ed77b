"""Takes: single steps ready to be played, whoever made them.

A library is anything that gives takes for a floor, a shoe and a kind of sound; the shipped one and
the user's recordings are in `otio_foley.library`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol, TypeAlias, get_args

from scipy.signal import lfilter

from otio_foley.synthesis import SAMPLE_RATE_HZ, energy
from otio_foley.types import FloatArray, SampleArray

#: What one take holds. `walk` is a whole walking step, as recordings have it; ours come in two
#: parts, `heel` (the strike) and `toe` (forefoot down and off again), so that the foot can roll as
#: slowly as it is seen to. `run`, `land` and `scuff` are whole.
Kind: TypeAlias = Literal["walk", "heel", "toe", "run", "land", "scuff"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

_SHELF_HZ: Final = 1700.0
_SHELF_DB: Final = 4.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Take:
    """One step's sound: samples (N,) float32 at 48 kHz, its attack (`synthesis.attack`) at
    `attack_sample`. `name` is its own among all takes, which are told apart as objects. The level
    is that of an ordinary walking step on its floor, whatever the kind: how much louder running is
    the mix knows."""

    name: str
    samples: SampleArray
    attack_sample: int


class Takes(Protocol):
    """A library: the takes for a floor, a shoe and a kind; empty where it has none."""

    def __call__(self, floor: str, shoe: str, kind: Kind, /) -> Sequence[Take]: ...


def step_energy(sound: FloatArray) -> float:
    """Energy of (N,) samples with what lies above 1.7 kHz counting 4 dB more.

    That is the shelf of BS.1770's K-weighting to first order: a step that happens to ring higher
    is not to read louder.
    """
    pole = math.exp(-2 * math.pi * _SHELF_HZ / SAMPLE_RATE_HZ)
    high = lfilter([(1 + pole) / 2, -(1 + pole) / 2], [1.0, -pole], sound)
    return energy(sound + (10 ** (_SHELF_DB / 20) - 1) * high)
