"""Where randomness comes from: generators keyed by what a step is, never by its place in a list."""

from __future__ import annotations

import hashlib

import numpy as np

from otio_foley.types import Foot


def step_generator(
    run_seed: int,
    media_fingerprint: str,
    person: int,
    source_sample: int,
    *,
    foot: Foot | None = None,
) -> np.random.Generator:
    """Random generator of one step.

    `source_sample` is the contact's time inside its medium in audio samples. The same five values
    give the same numbers on every machine and whatever else is rendered before it. `foot` keeps
    two feet that land on one sample from being one sound.
    """
    return _generator("step", run_seed, media_fingerprint, person, source_sample, foot or "")


def take_seed(floor: str, shoe: str, kind: str, variant: int) -> int:
    """Seed (below 2^63, as TOML holds it) of one take of our own library."""
    return int.from_bytes(_digest("take", floor, shoe, kind, variant)[:8], "big") >> 1


def take_generator(floor: str, shoe: str, kind: str, variant: int) -> np.random.Generator:
    """Random generator of one take of our own library."""
    return np.random.Generator(np.random.PCG64(take_seed(floor, shoe, kind, variant)))


def _generator(*key: object) -> np.random.Generator:
    # PCG64 by name, because `default_rng` is free to become another algorithm.
    return np.random.Generator(np.random.PCG64(int.from_bytes(_digest(*key), "big")))


def _digest(*key: object) -> bytes:
    # A unit separator keeps ("1", "23") and ("12", "3") apart.
    return hashlib.sha256("\x1f".join(map(str, key)).encode()).digest()
