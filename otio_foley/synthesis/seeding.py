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
    key = ("step", run_seed, media_fingerprint, person, source_sample, foot or "")
    # A unit separator keeps ("1", "23") and ("12", "3") apart; PCG64 by name, because
    # `default_rng` is free to become another algorithm.
    digest = hashlib.sha256("\x1f".join(map(str, key)).encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest, "big")))
