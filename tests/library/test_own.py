"""Our own library: what ships is what its seeds give, and the rest is kept."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest

from otio_foley.errors import InputError
from otio_foley.library.own import FOLDER, INDEX, OwnLibrary, read_take
from otio_foley.library.rendering import (
    OWN_KINDS,
    SHIPPED,
    VARIANTS,
    TakeId,
    own_takes,
    rendered,
    take_of,
    voicing,
)
from otio_foley.resources import bundled
from otio_foley.synthesis.attack import attack_sample
from otio_foley.synthesis.grounds import GROUNDS, ground
from otio_foley.synthesis.physical import step_level_db
from otio_foley.synthesis.seeding import take_seed
from otio_foley.synthesis.shoes import SHOES
from otio_foley.synthesis.takes import step_energy

SAMPLES = bundled("samples") / FOLDER


def test_four_takes_of_everything_ship_within_sixty_megabytes() -> None:
    files = {str(path.relative_to(SAMPLES)) for path in SAMPLES.rglob("*.flac")}
    assert files == {one.file for one in own_takes(SHIPPED)}
    assert len(files) == len(GROUNDS) * len(SHOES) * len(OWN_KINDS) * 4
    assert len(GROUNDS) >= 14 and len(SHOES) >= 5 and VARIANTS >= 12
    assert sum(path.stat().st_size for path in SAMPLES.rglob("*")) < 60e6


def test_the_index_is_true_of_the_files() -> None:
    index = tomllib.loads((SAMPLES / INDEX).read_text(encoding="utf-8"))
    assert index["voicing"] == voicing(), "run `otio-foley train samples samples/footsteps`"
    lines = {line["file"]: line for line in index["take"]}
    ids = own_takes(SHIPPED)
    assert set(lines) == {one.file for one in ids}
    for one in ids[::37]:
        line, pcm = lines[one.file], read_take(SAMPLES / one.file)
        assert (line["floor"], line["shoe"], line["kind"]) == (one.floor, one.shoe, one.kind)
        assert line["seed"] == take_seed(one.floor, one.shoe, one.kind, one.variant)
        assert line["attack_s"] == pytest.approx(attack_sample(pcm) / 48_000, abs=1e-6)
        assert line["seconds"] == pytest.approx(len(pcm) / 48_000, abs=1e-4)
        assert np.abs(pcm.astype(float)).max() / 2**15 == pytest.approx(
            10 ** (line["peak_dbfs"] / 20), abs=1e-3
        )


@pytest.mark.parametrize("one", own_takes(SHIPPED)[::97])
def test_what_ships_is_what_its_seed_gives(one: TakeId) -> None:
    assert np.array_equal(read_take(SAMPLES / one.file), rendered(one))


def test_a_take_is_as_loud_as_a_step_on_its_floor() -> None:
    for one in own_takes(1)[::11]:
        take = take_of(one, read_take(SAMPLES / one.file))
        level_db = 10 * np.log10(step_energy(take.samples.astype(float)))
        assert level_db == pytest.approx(step_level_db(ground(one.floor)), abs=0.01)
        assert take.attack_sample == attack_sample(take.samples)
        assert np.abs(take.samples).max() < 1.0


def test_what_is_made_on_first_use_is_kept_and_the_same(tmp_path: Path) -> None:
    first = OwnLibrary(kept=tmp_path)("tile", "heel", "run")
    kept = sorted(path.name for path in tmp_path.rglob("*.flac"))
    assert kept == [f"run_{n:02}.flac" for n in range(SHIPPED + 1, VARIANTS + 1)]
    again = OwnLibrary(kept=tmp_path)("tile", "heel", "run")
    alone = OwnLibrary()("tile", "heel", "run")
    assert len(first) == len({take.name for take in first}) == VARIANTS
    for one, other, third in zip(first, again, alone, strict=True):
        assert one.samples.tobytes() == other.samples.tobytes() == third.samples.tobytes()


def test_a_kept_take_that_is_damaged_is_made_again(tmp_path: Path) -> None:
    before = OwnLibrary(kept=tmp_path)("tile", "heel", "run")
    (tmp_path / "tile/heel/run_07.flac").write_bytes(b"fLaC and nothing more")
    after = OwnLibrary(kept=tmp_path)("tile", "heel", "run")
    assert [take.samples.tobytes() for take in after] == [t.samples.tobytes() for t in before]
    assert len(read_take(tmp_path / "tile/heel/run_07.flac"))


def test_a_folder_that_cannot_be_written_to_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("a file where the folder would be")
    assert len(OwnLibrary(kept=tmp_path / "kept")("tile", "heel", "run")) == VARIANTS


def test_a_damaged_shipped_take_is_named(tmp_path: Path) -> None:
    path = tmp_path / TakeId(floor="tile", shoe="heel", kind="run", variant=0).file
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no sound")
    with pytest.raises(InputError, match=r"run_01\.flac is damaged"):
        OwnLibrary(tmp_path)("tile", "heel", "run")


def test_what_we_have_not_is_empty() -> None:
    library = OwnLibrary(variants=1)
    assert library("lava", "leather", "heel") == ()
    assert library("tile", "clog", "heel") == ()
    assert library("tile", "leather", "walk") == ()
