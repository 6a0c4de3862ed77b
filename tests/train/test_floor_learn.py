"""What the floor network is taught, that it learns it, and how it is judged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import softmax

from otio_foley.analysis.floor import FLOORS
from otio_foley.analysis.underfoot import PATCH_PX
from otio_foley.train.floor import judge, learn, sheet
from otio_foley.train.floor.folds import FOLDS, folds_of
from otio_foley.train.floor.judge import Held, calibration_error, fitted_temperature
from otio_foley.train.floor.stills import Shot, make_views, read_scenes, read_views

_SHARED = Path(__file__).parents[2] / ".." / "shared"


def striped(floor: str, number: int, horizontal: bool) -> Shot:
    """Two floors that differ in nothing but which way their stripes go."""
    rng = np.random.default_rng(number)
    wave = np.sin(np.arange(PATCH_PX) * rng.uniform(0.5, 0.9) + rng.uniform(0, 6))
    field = np.tile(
        wave[:, None] if horizontal else wave[None], (1, PATCH_PX) if horizontal else (PATCH_PX, 1)
    )
    picture = np.clip(
        120 + 70 * field[..., None] + rng.normal(0, 8, (PATCH_PX, PATCH_PX, 3)), 0, 255
    )
    return Shot(floor=floor, asset=f"{floor}/{number}", patches=picture[None].astype(np.uint8))


def stripes() -> list[Shot]:
    return [
        striped("wood" if number % 2 else "tile", number, bool(number % 2)) for number in range(12)
    ]


def test_it_overfits_a_few_pictures() -> None:
    network = learn.fit(stripes(), steps=30, seed=3, tell=lambda _: None, batch=12)
    held = judge.voted(network, stripes(), 0)
    right = [FLOORS[int(one.logits.argmax())] == one.floor for one in held]
    assert np.mean(right) >= 0.9


def test_it_learns_the_same_way_twice() -> None:
    told: list[str] = []
    network = learn.fit(stripes(), steps=6, seed=3, tell=told.append, batch=4)
    again = learn.fit(stripes(), steps=6, seed=3, tell=told.append, batch=4)
    for one, other in zip(network.parameters(), again.parameters(), strict=True):
        assert (one == other).all()
    assert told[0] == told[1]


def test_augmenting_changes_the_picture_and_not_its_shape() -> None:
    shot = striped("wood", 0, True)
    rng = np.random.default_rng(0)
    hard = [learn.augmented(shot.patches[0], rng, 1.0) for _ in range(40)]
    assert {one.shape for one in hard} == {(PATCH_PX, PATCH_PX, 3)}
    assert {one.dtype.name for one in hard} == {"uint8"}
    colourless = [one for one in hard if (one.max(axis=2).astype(int) - one.min(axis=2) <= 2).all()]
    assert 4 <= len(colourless) <= 25


def test_an_asset_is_held_back_once_and_floors_are_dealt_evenly() -> None:
    assets = [(floor, f"{floor}/{number}") for floor in ("a", "b") for number in range(13)]
    folds = folds_of(assets)
    assert folds == folds_of(reversed(assets))
    for floor in ("a", "b"):
        counts = np.bincount([folds[floor, asset] for name, asset in assets if name == floor])
        assert len(counts) == FOLDS and counts.max() - counts.min() <= 1


def held(floor: str, said: str, size: float, fold: int = 0) -> Held:
    logits = np.zeros(len(FLOORS))
    logits[FLOORS.index(said)] += size
    return Held(
        floor=floor,
        asset=f"X/{floor}{fold}.png",
        fold=fold,
        logits=logits,
        grey=logits,
        single=logits,
    )


def test_a_temperature_makes_the_chances_true() -> None:
    # Right three times in four, and always as sure: the chance has to come out as 3/4.
    shots = [held("wood", "wood" if n % 4 else "tile", 12.0) for n in range(200)]
    temperature = fitted_temperature(shots)
    chance = softmax(shots[1].logits / temperature).max()
    assert chance == pytest.approx(0.75, abs=0.02)
    chances = np.array([softmax(one.logits / temperature) for one in shots])
    labels = np.array([FLOORS.index(one.floor) for one in shots])
    assert calibration_error(chances, labels) < 0.02
    sure = np.array([softmax(one.logits) for one in shots])
    assert calibration_error(sure, labels) == pytest.approx(0.25, abs=0.02)


def test_the_tables_count_what_was_said() -> None:
    shots = [
        held(floor, said, 3.0, fold)
        for fold in range(FOLDS)
        for floor in ("carpet", "concrete", "tile", "wood")
        for said in (floor, floor, floor, "wood")
    ]
    lines = judge.tables(shots)
    # Three in four right but for wood, which is always right.
    assert "| of the article's four | 4 | 81.2%" in "\n".join(lines)
    assert any(line.startswith("| carpet | 5 | 20 | 75%") for line in lines)


def test_the_sheet_has_the_surest_mistakes_and_no_asset_twice(tmp_path: Path) -> None:
    patches = np.zeros((2, PATCH_PX, PATCH_PX, 3), dtype=np.uint8)
    judged = [
        (Shot(floor="wood", asset=f"Planks/{name}.png", patches=patches), one)
        for name, said, size in (
            ("a", "tile", 1.0), ("a", "tile", 3.0), ("b", "carpet", 2.0), ("c", "wood", 9.0),
            ("d", "tile", 0.5),
        )
        for one in [replace(held("wood", said, size), asset=f"Planks/{name}.png")]
    ]  # fmt: skip
    rows = sheet._surest_mistakes(judged)
    assert [title.split("\n")[0] for title, _ in rows] == ["a.png", "b.png"]
    assert rows[0][1] is judged[1][0] and rows[0][0].endswith("taken for tile")
    sheet.draw(tmp_path / "sheet.png", judged)
    assert (tmp_path / "sheet.png").stat().st_size > 1000


@pytest.mark.skipif(not _SHARED.is_dir(), reason="../shared is not there")
def test_a_scene_is_made_again_as_it_was(tmp_path: Path) -> None:
    pytest.importorskip("moderngl")
    from otio_foley.train.floor.stills import make_scene

    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        make_scene(tmp_path / name, _SHARED.resolve(), 5, 2)
    first, second = (read_scenes(tmp_path / name) for name in ("a", "b"))
    assert first and len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        assert one.asset == other.asset and (one.patches == other.patches).all()
        assert one.patches.std() > 2.0


@pytest.mark.skipif(not _SHARED.is_dir(), reason="../shared is not there")
def test_views_of_a_floor_differ_and_are_made_again_as_they_were(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        make_views(tmp_path / name, _SHARED.resolve(), 5, 40)
    (first,), (second,) = (read_views(tmp_path / name) for name in ("a", "b"))
    assert (first.patches == second.patches).all()
    assert len({patch.tobytes() for patch in first.patches}) == len(first.patches) > 9
