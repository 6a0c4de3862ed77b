"""The user's recordings over ours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from otio_foley.library.own import OwnLibrary
from otio_foley.library.recordings import read_recordings
from otio_foley.library.shelf import Shelf, shelf
from otio_foley.synthesis.takes import Take

OURS = OwnLibrary(variants=1)


def recording(path: Path, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    sound = np.zeros(24_000)
    sound[2_000:] = rng.standard_normal(22_000) * np.exp(-np.arange(22_000) / 2_000)
    soundfile.write(path, 0.3 * sound, 48_000)
    return path


@pytest.fixture
def stocked(tmp_path: Path) -> Shelf:
    recording(tmp_path / "Gravel" / "boots" / "walk_01.wav")
    recording(tmp_path / "Cork" / "step_01.wav", 1)
    return Shelf(own=OURS, recordings=read_recordings(tmp_path))


def whose(takes: object) -> set[str]:
    assert isinstance(takes, tuple | list)
    return {take.name.split("/")[0] for take in takes if isinstance(take, Take)}


def test_the_users_floor_is_heard_whatever_the_shoe(stocked: Shelf) -> None:
    for shoe in ("boot", "heel", "clog"):
        assert whose(stocked("gravel", shoe, "walk")) == {"user"}
        assert stocked("gravel", shoe, "heel") == ()  # none of ours is mixed in
    assert whose(stocked("tile", "boot", "heel")) == {"ours"}


def test_a_floor_of_the_users_own_is_a_floor(stocked: Shelf) -> None:
    assert "cork" in stocked.floors
    assert stocked.stand_in("cork") == "cork"
    assert whose(stocked("cork", "leather", "walk")) == {"user"}


def test_the_nearest_stands_in_for_a_floor_nobody_has() -> None:
    ours = Shelf(own=OURS)
    assert ours.stand_in("hardwood") == "parquet"
    assert ours.knows("hardwood") and not ours.knows("lava")
    assert ours.stand_in("lava") == "concrete"
    assert ours("hardwood", "boot", "heel") == ours("parquet", "boot", "heel") != ()
    assert whose(ours("tile", "clog", "heel")) == {"ours"}


def test_without_a_folder_it_is_ours() -> None:
    assert shelf().recordings is None
    assert "leather" in shelf().shoes
