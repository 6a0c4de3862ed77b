"""Loudness of a track that consists of many clips, without putting it together.

Each clip is measured once, as energies of 10 ms that lie on the track's own grid, and can be
forgotten: an hour of sound is 360,000 numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

import numpy as np

from otio_foley.mix.loudness import LevelPoint, levelled_blocks
from otio_foley.mix.meters import (
    GATING_HOP_S,
    HOP_S,
    HOPS_PER_BLOCK,
    SHORT_TERM_S,
    energies_before,
    gated_lufs,
    lufs_of_power,
)
from otio_foley.types import Audio, FloatArray

_RING_S: Final = 0.05  # what the meter's 38 Hz high-pass takes to fall by 100 dB after a cut


@dataclass(frozen=True, slots=True, kw_only=True)
class Energies:
    """K-weighted energy of a clip, summed over its channels, in each 10 ms of the track, (H,).

    `first_hop` counts hops of 10 ms from the record's first sample; a clip that begins inside a
    hop has its part of it.
    """

    first_hop: int
    energy: FloatArray
    sample_rate_hz: int


def clip_energies(
    audio: Audio,
    *,
    start_sample: int,
    first: int = 0,
    count: int | None = None,
    levels: Sequence[LevelPoint] = (),
    levels_start_s: float = 0.0,
) -> Energies:
    """Energies of what is heard of a sound (N, C): `count` samples from sample `first` on.

    They lie at `start_sample` of the record. `levels` are applied; the first sample that is heard
    lies at `levels_start_s` of their clock. Raises ValueError where that much sound is not there,
    or it is neither mono nor stereo.
    """
    samples, rate = audio.samples, audio.sample_rate_hz
    if samples.ndim != 2 or samples.shape[1] not in (1, 2):
        raise ValueError(f"mono or stereo as (N, C) expected, got shape {samples.shape}")
    length = len(samples) - first if count is None else count
    if first < 0 or length < 0 or first + length > len(samples):
        raise ValueError(f"samples {first} to {first + length} outside 0..{len(samples)}")
    heard = Audio(samples=samples[first : first + length], sample_rate_hz=rate)
    hop = round(HOP_S * rate)
    first_hop = start_sample // hop
    ring = round(_RING_S * rate)
    hops = -(-(start_sample + length + ring) // hop) - first_hop
    edges = (first_hop + 1 + np.arange(hops)) * hop - start_sample
    after = (length, np.zeros((ring, samples.shape[1]), dtype=np.float32))
    before = energies_before(
        chain(levelled_blocks(heard, levels, start_s=levels_start_s, silence=True), [after]),
        edges,
        channels=samples.shape[1],
        sample_rate_hz=rate,
    )
    energy = np.maximum(np.diff(before, prepend=0.0), 0.0)
    energy.flags.writeable = False
    return Energies(first_hop=first_hop, energy=energy, sample_rate_hz=rate)


def heard_part(energies: Energies, start_sample: int, end_sample: int) -> Energies:
    """Of a file's energies those of a span of the record, in whole hops."""
    hop = round(HOP_S * energies.sample_rate_hz)
    first = max(energies.first_hop, start_sample // hop)
    end = -(-end_sample // hop)
    part = energies.energy[first - energies.first_hop : end - energies.first_hop]
    return Energies(first_hop=first, energy=part, sample_rate_hz=energies.sample_rate_hz)


def integrated_lufs_of(energies: Energies) -> float:
    """Gated loudness of a clip from its energies (`meters.integrated_lufs`)."""
    hops = round(GATING_HOP_S / HOP_S)
    count = max(HOPS_PER_BLOCK, -(-len(energies.energy) // hops))
    whole = np.zeros(count * hops)
    whole[: len(energies.energy)] = energies.energy
    power = whole.reshape(count, hops).sum(axis=1) / (GATING_HOP_S * energies.sample_rate_hz)
    return gated_lufs(power)


def track_short_term_max_lufs(clips: Sequence[Energies]) -> float:
    """Largest loudness of any 3 s of the track (EBU Tech 3341), -inf for silence.

    As `meters.short_term_max_lufs` of the track put together, within 0.005 LU: where clips meet,
    what a filter rings on adds as energy and not as sound. Raises ValueError where clips have
    different rates.
    """
    if len({clip.sample_rate_hz for clip in clips}) > 1:
        raise ValueError("clips of one sample rate expected")
    clips = [clip for clip in clips if clip.energy.any()]
    if not clips:
        return -np.inf
    rate = clips[0].sample_rate_hz
    window = round(SHORT_TERM_S / HOP_S)
    begin = min(clip.first_hop for clip in clips)
    end = max(clip.first_hop + len(clip.energy) for clip in clips)
    # Windows that reach over either end hold less than the one that ends there.
    track = np.zeros(max(end - begin, window))
    for clip in clips:
        at = clip.first_hop - begin
        track[at : at + len(clip.energy)] += clip.energy
    total = np.concatenate(([0.0], np.cumsum(track)))
    loudest = float(np.max(total[window:] - total[:-window])) / round(SHORT_TERM_S * rate)
    return float(lufs_of_power(np.array([loudest]))[0])


def gain_to_target(clips: Sequence[Energies], target_lufs: float) -> float:
    """By how many dB to raise a whole track, so that its loudest 3 s reach the target.

    0 for a silent track, which no gain makes louder.
    """
    loudness = track_short_term_max_lufs(clips)
    return target_lufs - loudness if np.isfinite(loudness) else 0.0
