"""Our own takes: made from their seeds, and as they lie in files.

A file holds 16 bits at nearly full scale; what its sound is turned down by to be a walking step
stands in the index. Whether a take comes from a file or straight from its seed makes no
difference to a single sample: both go through the same 16 bits.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from otio_foley._version import __version__
from otio_foley.synthesis.attack import attack_sample
from otio_foley.synthesis.gait import STANCES
from otio_foley.synthesis.grounds import GROUNDS, ground
from otio_foley.synthesis.physical import render_step, step_level_db
from otio_foley.synthesis.seeding import take_generator
from otio_foley.synthesis.shoes import SHOES, shoe
from otio_foley.synthesis.takes import Kind, Take, step_energy

#: The kinds that our own library holds: its walking steps are heel and toe.
OWN_KINDS: Final[tuple[Kind, ...]] = ("heel", "toe", "run", "land", "scuff")
#: Takes of each floor, shoe and kind; the first of them ship.
VARIANTS: Final = 12
SHIPPED: Final = 4

_PEAK: Final = 10 ** (-1 / 20)
_FULL: Final = 2**15


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeId:
    """Which take of our own."""

    floor: str
    shoe: str
    kind: Kind
    variant: int

    @property
    def file(self) -> str:
        """Its file below the library's folder."""
        return f"{self.floor}/{self.shoe}/{self.kind}_{self.variant + 1:02d}.flac"


def own_takes(variants: int = VARIANTS) -> tuple[TakeId, ...]:
    """All of ours, or the first of each."""
    return tuple(
        TakeId(floor=floor, shoe=shoe_name, kind=kind, variant=variant)
        for floor in GROUNDS
        for shoe_name in SHOES
        for kind in OWN_KINDS
        for variant in range(variants)
    )


def voicing() -> str:
    """Short name of what our takes sound like now: takes kept by another voicing are not ours."""
    tables = repr((__version__, GROUNDS, SHOES, STANCES))
    return hashlib.sha256(tables.encode()).hexdigest()[:12]


def rendered(one: TakeId) -> NDArray[np.int16]:
    """Samples (N,) of a take from its seed, its peak at -1 dBFS."""
    rng = take_generator(one.floor, one.shoe, one.kind, one.variant)
    sound = render_step(one.kind, ground(one.floor), shoe(one.shoe), rng).samples
    scale = _PEAK * _FULL / float(np.abs(sound).max())
    return np.asarray(np.rint(sound * np.float64(scale)), dtype=np.int16)


def take_of(one: TakeId, pcm: NDArray[np.int16]) -> Take:
    """A take from its file's samples (N,), as loud as a walking step on its floor."""
    samples = (pcm * (10 ** (gain_db(one, pcm) / 20) / _FULL)).astype(np.float32)
    samples.flags.writeable = False
    return Take(name=f"ours/{one.file}", samples=samples, attack_sample=attack_sample(samples))


def gain_db(one: TakeId, pcm: NDArray[np.int16]) -> float:
    """What a take's file is turned down by to be as loud as a walking step on its floor."""
    own_db = 10 * math.log10(step_energy(pcm.astype(np.float64) / _FULL))
    return step_level_db(ground(one.floor)) - own_db
