"""What a step sounds like: physically informed footsteps, placed to the sample.

Pure functions from values to samples: no disk, no clock, no global random state. All sound is
mono float at `SAMPLE_RATE_HZ`.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from otio_foley.types import FloatArray

SAMPLE_RATE_HZ: Final = 48_000
"""The one rate at which sound is made (film and television practice; EBU R 128 s1)."""


def energy(sound: FloatArray) -> float:
    """Sum of squares of (N,) samples; without BLAS, whose sums depend on the number of threads."""
    return float(np.sum(np.square(sound)))
