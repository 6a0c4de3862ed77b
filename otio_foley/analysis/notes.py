"""What is kept of the picture about somebody while they are followed, for no picture is kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from otio_foley.analysis.closeups import CloseUp, CloseUps, close_up, gathered
from otio_foley.analysis.underfoot import floor_patches
from otio_foley.types import FloatArray

#: The ground is looked at so often (s); in a very long shot less and less often, so that no more
#: glances are kept of anybody than this.
_GLANCE_EVERY_S = 0.8
_MOST_GLANCES = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Noting:
    """Whether the ground under people, and close-ups of their legs in every picture, are kept."""

    ground: bool
    legs: bool


NOTHING: Final = Noting(ground=False, legs=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """The ground about somebody's feet: patches (N, PATCH_PX, PATCH_PX, 3) uint8 RGB, N > 0."""

    time_s: float
    patches: NDArray[np.uint8]


@dataclass(slots=True)
class Notes:
    """Notes of one person, taken in any order."""

    noting: Noting = NOTHING
    ground: dict[float, NDArray[np.uint8]] = field(default_factory=dict)
    legs: dict[float, CloseUp] = field(default_factory=dict)
    every_s: float = _GLANCE_EVERY_S
    last_s: float = np.inf

    def take(
        self,
        time_s: float,
        rgb: NDArray[np.uint8],
        flow: NDArray[np.float32] | None,
        elapsed_s: float,
        keypoints_px: FloatArray,
    ) -> None:
        """Note what is wanted of one picture (H, W, 3) with its flow to the one before it."""
        if self.noting.legs:
            self.legs[time_s] = close_up(rgb, flow, elapsed_s, keypoints_px)
        if self.noting.ground and not abs(time_s - self.last_s) < self.every_s:
            patches = floor_patches(rgb, keypoints_px)
            if len(patches):
                self.ground[time_s] = patches
                self.last_s = time_s
                self._thin()

    def _thin(self) -> None:
        if len(self.ground) > _MOST_GLANCES:
            self.ground = {time_s: self.ground[time_s] for time_s in sorted(self.ground)[::2]}
            self.every_s *= 2.0

    def add(self, other: Notes) -> None:
        """Notes of the same person from another time."""
        self.ground |= other.ground
        self.legs |= other.legs
        self._thin()

    def glances(self) -> tuple[Glance, ...]:
        return tuple(
            Glance(time_s=time_s, patches=self.ground[time_s]) for time_s in sorted(self.ground)
        )

    def closeups(self) -> CloseUps:
        return gathered(self.legs)
