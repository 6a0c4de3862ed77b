"""The method's two layers of level, and how they are laid on a sound.

A layer is a curve in dB over time. It multiplies the sound, so the fine structure stays and the
envelope follows the layer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from otio_foley.mix.blocks import blocks
from otio_foley.types import Action, Audio, FloatArray, SampleArray


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelPoint:
    """A corner of a level curve: straight in dB between points, level before and after."""

    time_s: float
    level_db: float


ACTION_DB: Final[Mapping[Action, float]] = MappingProxyType(
    {
        "walk": 0.0,
        "run": 6.0,
        "jump": 1.5,
        "land": 9.0,
        "scuff": -8.0,
        "stairs": 1.0,
        "turn": -3.0,
        "tiptoe": -8.0,
    }
)
"""Starting values of the craft (temp mixes); a jump's take-off is 0 to +3."""

STRENGTH_LIMIT_DB: Final = 4.0
_TOLERANCE_DB: Final = 0.25
_GAIN_STEP: Final = 32  # samples


def action_levels(
    actions: Sequence[Action], strengths: ArrayLike, *, across_shots: bool = False
) -> FloatArray:
    """Action layer: the level of each step, (N,) dB, from what the person does and how hard.

    `strengths` (N,) are relative (1 = an ordinary step) and come from the foot's acceleration;
    as an amplitude they move the level by at most 4 dB around the shot's median. With one action
    only the action changes nothing, as in the article; `across_shots` keeps its level all the
    same, for shots of one cut that shall match each other. Raises ValueError for a strength <= 0.
    """
    values = np.asarray(strengths, dtype=np.float64)
    if values.shape != (len(actions),) or not np.all(values > 0):
        raise ValueError("one strength above 0 for each action expected")
    if not len(actions):
        return np.zeros(0)
    strength_db = 20 * np.log10(values / np.median(values))
    levels: FloatArray = np.clip(strength_db, -STRENGTH_LIMIT_DB, STRENGTH_LIMIT_DB)
    if across_shots or len(set(actions)) > 1:
        levels = levels + np.array([ACTION_DB[action] for action in actions])
    return levels


def levelled_blocks(
    audio: Audio, points: Sequence[LevelPoint], *, start_s: float, silence: bool = False
) -> Iterator[tuple[int, SampleArray]]:
    """The sound times the curve in pieces (M, C), each with the number of its first sample.

    The sound's first sample lies at `start_s` of the curve's clock. Pieces of silence are left out
    unless `silence` asks for them.
    """
    for first, block in blocks(audio):
        if not block.any():
            if silence:
                yield first, block
            continue
        if not points:
            yield first, block
        else:
            begin_s = start_s + first / audio.sample_rate_hz
            yield first, block * _gains(points, begin_s, len(block), audio.sample_rate_hz)[:, None]


def ride(audio: Audio, points: Sequence[LevelPoint], *, start_s: float) -> None:
    """Lay a curve on a sound in place; `start_s` as in `levelled_blocks`."""
    if not points:
        return
    for first, block in blocks(audio):
        if block.any():
            begin_s = start_s + first / audio.sample_rate_hz
            block *= _gains(points, begin_s, len(block), audio.sample_rate_hz)[:, None]


def _gains(
    points: Sequence[LevelPoint], begin_s: float, count: int, sample_rate_hz: int
) -> SampleArray:
    """A curve as gains (count,) from a time on: exact every 32 samples, straight between, which is
    within 0.01 dB where the level changes by 1000 dB a second."""
    steps = -(-count // _GAIN_STEP)
    times_s = begin_s + _GAIN_STEP * np.arange(steps + 1) / sample_rate_hz
    gains = 10 ** (level_at(points, times_s) / 20)
    share = np.arange(_GAIN_STEP, dtype=np.float32) / _GAIN_STEP
    begins, rises = gains[:-1].astype(np.float32), np.diff(gains).astype(np.float32)
    dense: SampleArray = rises[:, None] * share
    dense += begins[:, None]
    return dense.reshape(-1)[:count]


def level_at(points: Sequence[LevelPoint], times_s: ArrayLike) -> FloatArray:
    """Level of a curve at times (T,), in dB; 0 where the curve has no points."""
    times = np.asarray(times_s, dtype=np.float64)
    if not points:
        return np.zeros_like(times)
    levels: FloatArray = np.interp(
        times, [one.time_s for one in points], [one.level_db for one in points]
    )
    return levels


def simplified(
    times_s: ArrayLike, levels_db: ArrayLike, tolerance_db: float = _TOLERANCE_DB
) -> tuple[LevelPoint, ...]:
    """A curve (T,), (T,) in few points, nowhere further off than the tolerance.

    Douglas & Peucker 1973 with the distance measured in dB at equal time, which is what is heard.
    """
    times = np.asarray(times_s, dtype=np.float64)
    levels = np.asarray(levels_db, dtype=np.float64)
    if not len(times):
        return ()
    keep = {0, len(times) - 1}
    open_spans = [(0, len(times) - 1)]
    while open_spans:
        first, last = open_spans.pop()
        if last - first < 2:
            continue
        inner = slice(first + 1, last)
        line = np.interp(times[inner], times[[first, last]], levels[[first, last]])
        off = np.abs(levels[inner] - line)
        worst = int(off.argmax())
        if off[worst] > tolerance_db:
            split = first + 1 + worst
            keep.add(split)
            open_spans += [(first, split), (split, last)]
    if len(keep) == 2 and np.ptp(levels) <= tolerance_db:
        keep = {0}  # a level curve is one number
    return tuple(
        LevelPoint(time_s=float(times[i]), level_db=float(levels[i])) for i in sorted(keep)
    )
