"""The method's envelope follower."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from otio_foley.types import FloatArray

RISING: Final = 0.8
FALLING: Final = 0.995
_REFERENCE_RATE_HZ: Final = 48_000
_ROWS: Final = 2048
_FORGOTTEN: Final = 1e-12


def envelope(samples: ArrayLike, sample_rate_hz: int) -> FloatArray:
    """e(n) = b e(n-1) + (1-b) |x(n)| of (N,) samples, b = 0.8 while |x| > e, else 0.995.

    From Liu et al., "Fine-grained footstep synthesis with audio-visual synchrony" (Advanced
    Motion Picture Technology 12/2023), equation 3. The article names no rate; the values are
    taken for 48 kHz and converted so that the time constants stay (b ** (48000 / rate)).

    The recursion is not linear, so no filter routine does it; but both branches shrink any
    difference in the starting value by at least b = 0.995 a sample. So the sound is cut into rows
    that run side by side, each begun early enough to have forgotten where it began (1e-12).
    """
    magnitude = np.abs(np.asarray(samples, dtype=np.float64))
    rising, falling = (b ** (_REFERENCE_RATE_HZ / sample_rate_hz) for b in (RISING, FALLING))
    run_in = int(np.ceil(np.log(_FORGOTTEN) / np.log(falling)))
    # Rows much shorter than the run-in would mostly compute what is thrown away.
    row = max(-(-len(magnitude) // _ROWS), run_in)
    rows = max(1, -(-len(magnitude) // row))
    padded = np.zeros(run_in + rows * row)
    padded[run_in : run_in + len(magnitude)] = magnitude
    windows = np.lib.stride_tricks.sliding_window_view(padded, run_in + row)[::row]
    out = np.empty((row, rows))
    state = np.zeros(rows)
    for n, now in enumerate(np.ascontiguousarray(windows.T)):
        state = now + np.where(now > state, rising, falling) * (state - now)
        if n >= run_in:
            out[n - run_in] = state
    return np.ascontiguousarray(out.T).reshape(-1)[: len(magnitude)]
