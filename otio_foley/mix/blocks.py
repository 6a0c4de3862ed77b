"""Long sound a piece at a time: a reel of two hours must not be held in double precision."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from otio_foley.types import Audio, SampleArray

#: What is short enough to stay near the processor, and long enough to be worth a call.
_BLOCK_S: Final = 0.5


def blocks(audio: Audio, block_s: float = _BLOCK_S) -> Iterator[tuple[int, SampleArray]]:
    """Views of so many seconds each (the last one shorter), with the number of their first
    sample."""
    size = max(1, round(block_s * audio.sample_rate_hz))
    for first in range(0, len(audio.samples), size):
        yield first, audio.samples[first : first + size]


def largest_magnitude(samples: SampleArray) -> float:
    """max |x| of (N, C), 0 where there is nothing; takes no memory."""
    return max(float(samples.max(initial=0.0)), -float(samples.min(initial=0.0)))
