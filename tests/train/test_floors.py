"""The stage's floors: names, seams, copies, sameness from run to run."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from otio_foley.synthesis.grounds import GROUNDS
from otio_foley.train.stage import floors as stage
from otio_foley.train.stage.floors import Floor
from otio_foley.train.stage.render import Picture, read_tile

pytestmark = pytest.mark.filterwarnings("error")

SHARED = Path(__file__).resolve().parents[3] / "shared"
needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the folder 'shared' is not beside the project"
)

DRAWN = [
    f"{name}-{number}"
    for name in ("grass", "leaves", "sand", "snow", "water")
    for number in (1, 2, 3)
]


def drawn(asset: str) -> Floor:
    return Floor(name=asset.rpartition("-")[0], asset=asset, tile_m=1.5, procedural=True)


def seam_and_inner(picture: Picture) -> list[tuple[float, float]]:
    """Mean step over the border and the largest mean step inside, both ways."""
    pairs = []
    for turned in (picture, picture.swapaxes(0, 1)):
        rows = turned.astype(np.float64)
        steps = np.abs(np.roll(rows, -1, axis=0) - rows).mean(axis=(1, 2))
        pairs.append((float(steps[-1]), float(steps[:-1].max())))
    return pairs


def ramp() -> Picture:
    down, right = np.mgrid[0:64, 0:64]
    return np.stack([down * 3, right * 3, down + right], axis=-1).astype(np.uint8)


@pytest.mark.parametrize("asset", DRAWN)
def test_a_drawn_tile_closes_and_stays_the_same(asset: str) -> None:
    picture = stage.tile(drawn(asset), Path("nowhere"))
    assert picture.shape == (512, 512, 3)
    assert picture.dtype == np.uint8
    assert picture.std() > 3.0, "an even surface shows no floor"
    for seam, inner in seam_and_inner(picture):
        assert seam <= inner
    np.testing.assert_array_equal(picture, stage.tile(drawn(asset), Path("elsewhere")))


def test_mending_closes_what_did_not_close_and_leaves_the_middle() -> None:
    open_ = ramp()
    assert any(seam > inner for seam, inner in seam_and_inner(open_))
    closed = stage.mend(open_)
    for seam, _ in seam_and_inner(closed):
        assert seam <= 1.0
    np.testing.assert_array_equal(closed[8:-8, 8:-8], open_[8:-8, 8:-8])


def test_a_recolouring_a_negative_and_a_vignette_are_copies() -> None:
    rng = np.random.default_rng(1)
    one, other = (
        np.kron(rng.integers(60, 180, (16, 16, 1)), np.ones((8, 8, 3))).astype(np.uint8)
        for _ in range(2)
    )
    red = (one * [1.0, 0.5, 0.4]).astype(np.uint8)
    shaded = (one * np.linspace(0.6, 1.0, 128)[:, None, None]).astype(np.uint8)
    pattern, look = stage.likeness([one, red, (255 - one), shaded, other])
    assert (pattern[0, 1:4] > stage.SAME_PATTERN).all()
    assert pattern[0, 4] < stage.SAME_PATTERN
    assert look[0, 0] == pytest.approx(0.0, abs=1e-3)
    assert look[0, 4] > stage.SAME_LOOK


def test_the_share_of_an_asset_is_its_own() -> None:
    shares = [stage.split(drawn(f"made-up-{number}")) for number in range(4000)]
    assert shares.count("train") / 4000 == pytest.approx(0.70, abs=0.03)
    assert shares.count("validation") / 4000 == pytest.approx(0.15, abs=0.03)
    assert shares.count("test") / 4000 == pytest.approx(0.15, abs=0.03)
    # A change here would move assets between what was trained on and what is tested on.
    wanted = {"Planks/Planks_003.png": "train", "sand-1": "train"}
    for asset in wanted:
        first = int(hashlib.sha256(asset.encode()).hexdigest()[:8], 16) / 16**8
        wanted[asset] = "train" if first < 0.7 else "validation" if first < 0.85 else "test"
    assert {asset: stage.split(drawn(asset)) for asset in wanted} == wanted


@needs_shared
def test_every_floor_of_the_product_can_be_shown() -> None:
    every = stage.floors(SHARED)
    shown = {floor.name for floor in every}
    # What stands on these sounds different and looks the same, or there is no picture of it.
    assert set(GROUNDS) - shown == {"puddle", "ice", "stage", "parquet", "rug"}
    assert shown <= set(GROUNDS)
    for name in shown:
        assert len(stage.floors_of(name, SHARED)) >= 3, name
    assert set(DRAWN) <= {floor.asset for floor in every}
    with pytest.raises(ValueError, match="no floor 'lava'; there are asphalt, carpet"):
        stage.floors_of("lava", SHARED)


@needs_shared
def test_the_list_is_sorted_sized_and_the_same_every_time() -> None:
    every = stage.floors(SHARED)
    assert list(every) == sorted(every, key=lambda floor: (floor.name, floor.asset))
    assert len({floor.asset for floor in every}) == len(every)
    assert all(0.5 <= floor.tile_m <= 3.0 for floor in every)
    stage._floors.cache_clear()
    assert stage.floors(SHARED) == every


@needs_shared
def test_no_two_photographs_are_copies_and_false_colours_are_out() -> None:
    photographs = [floor for floor in stage.floors(SHARED) if not floor.procedural]
    folder = SHARED / stage.PHOTOGRAPHS
    pattern, look = stage.likeness([read_tile(folder / floor.asset) for floor in photographs])
    apart = ~np.eye(len(photographs), dtype=bool)
    assert pattern[apart].max() <= stage.SAME_PATTERN
    assert look[apart].min() >= stage.SAME_LOOK
    assets = {floor.asset for floor in photographs}
    # One sheet of boards in two crops, one slab of granite twice.
    for pair in (("Planks/Planks_047.png", "Planks/Planks_048.png"),
                 ("Granite/Granite_000.png", "Granite/Granite_001.png")):  # fmt: skip
        assert sum(asset in assets for asset in pair) == 1
    for out in (stage.FALSE_COLOUR, stage.NO_FLOOR):
        for name, numbers in out.items():
            for number in numbers.split():
                assert (folder / name / f"{name}_{number}.png").is_file(), "a slip in the list"
                assert f"{name}/{name}_{number}.png" not in assets


@needs_shared
def test_photographed_tiles_close() -> None:
    photographs = [floor for floor in stage.floors(SHARED) if not floor.procedural]
    for floor in photographs[::12]:
        picture = stage.tile(floor, SHARED)
        assert picture.shape[0] == picture.shape[1] > 400
        for seam, inner in seam_and_inner(picture):
            assert seam <= inner, floor.asset


@needs_shared
def test_a_class_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="Asphalt"):
        stage.floors(tmp_path)
