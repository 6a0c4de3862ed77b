"""Which fifth of the assets is held back when: by asset, so that no crop of a texture that was
learned from is ever asked about. Near-duplicates were removed before (`stage.floors`)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

FOLDS = 5


def folds_of(assets: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], int]:
    """The fold (0 to 4) in which each (floor, asset) is held back: those of one floor in turn, in
    an order that their names alone settle."""
    by_floor: dict[str, set[str]] = {}
    for floor, asset in assets:
        by_floor.setdefault(floor, set()).add(asset)
    return {
        (floor, asset): turn % FOLDS
        for floor, own in by_floor.items()
        for turn, asset in enumerate(sorted(own, key=_shuffled))
    }


def _shuffled(asset: str) -> bytes:
    return hashlib.sha256(asset.encode()).digest()
