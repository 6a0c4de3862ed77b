"""What names say: the Universal Category System, folders, free words, `foley.toml`."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from otio_foley.errors import InputError
from otio_foley.library.names import (
    ANY_SHOE,
    Label,
    file_places,
    floor_name,
    folder_place,
    no_steps,
    read_label,
    shoe_name,
    tokens,
)
from otio_foley.library.statements import read_statements
from otio_foley.library.words import MEANINGS
from otio_foley.synthesis.grounds import GROUNDS
from otio_foley.synthesis.shoes import SHOES
from otio_foley.synthesis.takes import KINDS


def label(path: str) -> Label:
    one = PurePosixPath(path)
    folders = [folder_place(name) for name in reversed(one.parent.parts)]
    return read_label([*file_places(one), *folders], no_steps(one))


def said(path: str) -> tuple[str | None, str, str]:
    one = label(path)
    return (one.floor.value if one.floor else None, one.shoe.value, one.kind.value)


@pytest.mark.parametrize(
    ("path", "floor", "shoe", "kind"),
    [
        ("FOLYFeet_Gravel Boots Run_JS_MyLib.wav", "gravel", "boot", "run"),
        ("FOLYFeet_GravelBootsScuff_JS_MyLib_Take 2.wav", "gravel", "boot", "scuff"),
        # A vendor's category in front; Wood and Stone are people.
        ("FOLYFeet-Heel_WALK-ConcreteHighHeels_Wood_Stone_L 01.wav", "concrete", "heel", "walk"),
        ("FEETHmn_Sneakers On Sand Jog_BB_Lib_RIGHT.wav", "sand", "sneaker", "run"),
        ("FOLYFeet_Steps_JS_Lib_Marble Jump.wav", "marble", ANY_SHOE, "land"),
        ("Gravel/Boots/run_03.wav", "gravel", "boot", "run"),
        ("concrete - leather shoes/01.wav", "concrete", "leather", "walk"),
        ("gravel/wood_03.wav", "wood", ANY_SHOE, "walk"),
        ("wood/runners/01.wav", "wood", "sneaker", "walk"),
        ("sidewalk running shoes 2.wav", "concrete", "sneaker", "walk"),
        ("sidewalk/Sneakers running.wav", "concrete", "sneaker", "run"),
        ("snow boots on wood.wav", "wood", "boot", "walk"),
        ("SnowBoots/1.wav", "snow", "boot", "walk"),
        ("dirt road, hiking.wav", "dirt", "boot", "walk"),
        ("mud/Bare feet.wav", "dirt", "barefoot", "walk"),
        ("ceramic_oxfords_12.wav", "tile", "leather", "walk"),
        ("Leather boots stone.wav", "marble", "boot", "walk"),
        ("pumps/stone.wav", "marble", "heel", "walk"),
        ("Barfuß/Holzboden_04.wav", "wood", "barefoot", "walk"),
        ("Stöckelschuhe auf Beton.wav", "concrete", "heel", "walk"),
        ("pieds nus/béton.wav", "concrete", "barefoot", "walk"),
        ("wood/heel_01.wav", "wood", ANY_SHOE, "heel"),
        ("wood/toe_01.wav", "wood", ANY_SHOE, "toe"),
        ("wood/heel/walk_01.wav", "wood", "heel", "walk"),
        ("wood/heel-toe.wav", "wood", ANY_SHOE, "walk"),
        ("wood/stilettos/01.wav", "wood", "heel", "walk"),
        ("Female heel tile.wav", "tile", "heel", "walk"),
        ("cork/boots/x_03.wav", "cork", "boot", "walk"),
        ("Bubble Wrap/sneakers.wav", "bubble wrap", "sneaker", "walk"),
        ("default_obsidian_footstep.1.ogg", "obsidian", ANY_SHOE, "walk"),
        ("FOLYFeet_Obsidian Boots_JS_Lib.wav", "obsidian", "boot", "walk"),
        ("default_hard_footstep.1.ogg", None, ANY_SHOE, "walk"),
        ("walking.ogg", None, ANY_SHOE, "walk"),
    ],
)
def test_a_path_is_read(path: str, floor: str | None, shoe: str, kind: str) -> None:
    assert said(path) == (floor, shoe, kind)


@pytest.mark.parametrize("floor", GROUNDS)
def test_our_own_names_mean_themselves(floor: str) -> None:
    assert said(f"{floor}/01.wav")[0] == floor
    assert said(f"{floor.capitalize()} steps.wav")[0] == floor
    assert floor_name(floor) == floor


@pytest.mark.parametrize("shoe", SHOES)
def test_our_own_shoes_mean_themselves(shoe: str) -> None:
    assert shoe_name(shoe) == shoe
    assert said(f"wood/{shoe}/run_1.wav")[1] == shoe


def test_synonyms_lead_to_floors_that_exist() -> None:
    assert floor_name("hardwood") == ("parquet" if "parquet" in GROUNDS else "wood")
    assert floor_name("shallow water") == ("puddle" if "puddle" in GROUNDS else "water")
    assert floor_name("Planks") == "wood"
    assert floor_name("Bubble Wrap") == "bubble wrap"
    assert shoe_name("High Heels") == "heel"


def test_the_table_of_words_is_written_as_names_are_compared() -> None:
    for phrase, (aspect, candidates) in MEANINGS.items():
        assert " ".join(tokens(phrase)) == phrase
        if aspect == "kind":
            assert candidates[0] in KINDS


def test_it_is_said_where_each_was_read() -> None:
    one = label("Gravel/FOLYFeet_Boots_JS_Lib_LEFT.wav")
    assert one.floor is not None
    assert (one.floor.source, one.shoe.source, one.kind.source) == (
        "folder", "UCS name", "default",
    )  # fmt: skip
    assert one.foot == "left"
    assert not one.floor.guessed
    assert one.kind.guessed
    obsidian = label("obsidian/1.wav")
    assert obsidian.floor is not None
    assert obsidian.floor.guessed
    assert label("step_L_01.wav").foot == "left"
    assert any("wood" in note for note in label("sand on wood.wav").notes)


@pytest.mark.parametrize("name", ["FEETHors_Gallop Gravel_JS_Lib", "DOORWood_Slam_JS_Lib"])
def test_other_categories_are_no_footsteps(name: str) -> None:
    assert name.partition("_")[0] in label(f"{name}.wav").not_steps


def test_names_that_only_look_like_the_system_are_free_words() -> None:
    assert label("BOOTs_gravel_1.wav").not_steps == ""
    assert said("BOOTs_gravel_1.wav") == ("gravel", "boot", "walk")


def written(folder: Path, text: str) -> Path:
    path = folder / "foley.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_statements_are_read(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        '[defaults]\nfloor = "Hardwood"\n'
        '[[files]]\nmatch = "a/*.wav"\nshoe = "oxfords"\nkind = "run"\n'
        '[[files]]\nmatch = "*_bad.wav"\nskip = true\n'
        '[[files]]\nmatch = "a/**/x?.wav"\nkind = "land"\n',
    )
    one = read_statements(path)
    assert one.defaults.floor == floor_name("parquet")
    place = one.place(PurePosixPath("a/1.wav"))
    assert (place.shoe, place.kind) == ("leather", "run")
    assert one.place(PurePosixPath("a/b/1.wav")).shoe is None  # `*` stops at folders
    assert one.place(PurePosixPath("a/x1.wav")).kind == "land"  # the later entry wins
    assert one.place(PurePosixPath("a/b/c/x1.wav")).kind == "land"
    assert one.skips(PurePosixPath("deep/down/take_bad.wav"))
    assert not one.skips(PurePosixPath("bad.wav"))


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ('[default]\nfloor = "wood"', "unknown name 'default'", "defaults"),
        ('[defaults]\nflor = "wood"', r"\[defaults\]: unknown name 'flor'", "floor"),
        ('[[files]]\nmatch = "*"\nshoes = "boot"', "number 1: unknown name 'shoes'", "shoe"),
        ('[[files]]\nmatch = "*"\n[[files]]\nfloor = "wood"', "number 2 has no match", "match"),
        ('[defaults]\nkind = "runn"', "kind has to be one of .*'runn'", "run"),
        ("[defaults]\nfloor = 3", "floor has to be a text", ""),
        ('[[files]]\nmatch = "*"\nskip = "yes"', "skip has to be true or false", ""),
        ("[defaults]\nfloor = wood\n", "line 2", ""),
        ('[files]\nmatch = "*"', r"write \[\[files\]\]", ""),
    ],
)
def test_what_is_wrong_in_statements_is_said(
    tmp_path: Path, text: str, message: str, hint: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read_statements(written(tmp_path, text))
    assert "foley.toml" in str(caught.value)
    assert hint in caught.value.hint
