"""What the names of a recording and of its folders say: floor, shoe, kind of step, foot.

File names after the Universal Category System 8.2 (`FOLYFeet-UserCategory_FXName_CreatorID_
SourceID_UserData`, universalcategorysystem.com) are read by their fields, all others as free
words. What stands nearest to the file wins over folders further out; a floor that we know
anywhere in a path wins over a word that nobody knows.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final, Literal, TypeAlias, cast

from otio_foley.library.words import LONGEST_PHRASE, MEANINGS, Aspect
from otio_foley.synthesis.grounds import GROUNDS
from otio_foley.synthesis.shoes import SHOES
from otio_foley.synthesis.takes import KINDS, Kind
from otio_foley.types import Foot

#: Where something was read; in the order in which an equal distance from the file decides.
Source: TypeAlias = Literal["foley.toml", "UCS name", "file name", "folder", "default"]

#: The shoe of recordings that nobody named one for; they serve every shoe.
ANY_SHOE: Final = "any"

# `FEETHmn`, `FOLYFeet`: a category in capitals, a subcategory that begins with one.
_UCS_CATEGORY: Final = re.compile(r"[A-Z]{3,5}[a-z]{2,6}")
_UCS_STEPS: Final = ("FOLYFEET", "FEETHMN", "FEETMISC")
_UCS_FIELDS: Final = 4
_OURS: Final = "OTFOLEY"  # the creator in the names of what we deliver
_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2})")
_LETTERS: Final = re.compile(r"[^\W\d_]+")
# Words in front of or behind which an unknown word in a file's name is a floor.
_STEP_WORDS: Final = ("footstep", "footsteps", "step", "steps", "floor", "boden", "schritte")
_LONGEST_OWN: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One thing that was read, where, and whether it is no more than a guess."""

    value: str
    source: Source
    guessed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What is known of one recording. `floor` is None where nothing names one; `kind` holds a
    `Kind`. `not_steps` says why this is no recording of a person's steps, empty where it may be.
    `notes` are for the reader: what was ambiguous."""

    floor: Said | None
    shoe: Said
    kind: Said
    foot: Foot | None
    not_steps: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Something near a file that speaks of it: a text (its name, a folder's), or what a
    `foley.toml` states outright (`floor`, `shoe`, `kind`; None where it is silent).

    `own_words`: an unknown word in it may be a floor's own name. `aspects`: what it is asked for.
    """

    source: Source
    text: str = ""
    floor: str | None = None
    shoe: str | None = None
    kind: Kind | None = None
    own_words: bool = False
    aspects: Collection[Aspect] = ("floor", "shoe", "kind", "foot")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """What a text says, each in the order of mention. `rest`: words that nobody knows;
    `beside_step`: those of them in front of `footstep`; `in_shoe`: floors inside a shoe's name;
    `lone_heel`: it says `heel`, which is a shoe or a part of a step."""

    found: dict[Aspect, list[str]] = field(default_factory=dict)
    rest: tuple[str, ...] = ()
    beside_step: tuple[str, ...] = ()
    in_shoe: tuple[str, ...] = ()
    lone_heel: bool = False


def tokens(text: str) -> list[str]:
    """Words of a name in small letters without accents: `HighHeels_02 Béton` is `high`, `heels`,
    `beton`."""
    bare = unicodedata.normalize("NFKD", _CAMEL.sub(" ", unicodedata.normalize("NFC", text)))
    bare = "".join(c for c in bare if not unicodedata.combining(c))
    return _LETTERS.findall(bare.replace("'", "").replace("’", "").casefold())


def floor_name(text: str) -> str:
    """The floor that somebody means by a text: one of ours, or the text's own word."""
    return _plain_name(text, "floor", GROUNDS)


def shoe_name(text: str) -> str:
    """The shoe that somebody means by a text: one of ours, `any`, or the text's own word."""
    return _plain_name(text, "shoe", (*SHOES, ANY_SHOE))


def file_places(path: PurePosixPath) -> tuple[Place, ...]:
    """The places that a file's own name has, the most telling first."""
    stem = path.stem
    parts = stem.split("_")
    category, _, user_category = parts[0].partition("-")
    if not _is_ucs(parts):
        return (Place(source="file name", text=stem),)
    told = Place(source="UCS name", text=parts[1], own_words=True)
    more = [user_category, *parts[_UCS_FIELDS:]] if category else []
    # Creators have surnames like Stone and Wood, but none is called Running: names that are not
    # quite after the system put such words into these fields.
    loose = Place(source="UCS name", text=" ".join(parts[2:_UCS_FIELDS]), aspects=("shoe", "kind"))
    return (told, *(Place(source="UCS name", text=text) for text in more), loose)


def folder_place(name: str) -> Place:
    return Place(source="folder", text=name, own_words=True)


def no_steps(path: PurePosixPath) -> str:
    """Why a name rules out a person's footsteps (another category of the UCS); else empty."""
    parts = path.stem.split("_")
    category = parts[0].partition("-")[0]
    if _is_ucs(parts) and category.upper() not in _UCS_STEPS:
        return f"its UCS category {category} is not a person's footsteps"
    if _OURS in parts:
        return "it was made by this program"
    return ""


def read_label(places: Sequence[Place], not_steps: str = "") -> Label:
    """What the places, the nearest to the file first, say together."""
    words = [_read_words(place.text) for place in places]
    notes: list[str] = []
    kind = _kind(places, words, notes)
    shoe = _first(places, words, "shoe", notes)
    if shoe is None and kind.value != "heel":
        shoe = next(
            (
                Said(value="heel", source=place.source)
                for place, said in zip(places, words, strict=True)
                if said.lone_heel and "shoe" in place.aspects
            ),
            None,
        )
    floor = _first(places, words, "floor", notes) or _guessed_floor(places, words)
    foot = _first(places, words, "foot", [])
    return Label(
        floor=floor,
        shoe=shoe or Said(value=ANY_SHOE, source="default", guessed=True),
        kind=kind,
        foot=cast(Foot, foot.value) if foot else None,
        not_steps=not_steps,
        notes=tuple(notes),
    )


def _is_ucs(parts: Sequence[str]) -> bool:
    category = parts[0].partition("-")[0]
    if category.upper() in _UCS_STEPS:
        return len(parts) > 1
    # Anything else has to look like it all through: BOOTsole_1 is no category.
    return len(parts) >= _UCS_FIELDS and _UCS_CATEGORY.fullmatch(category) is not None


def _plain_name(text: str, aspect: Aspect, known: Collection[str]) -> str:
    plain = " ".join(tokens(text))
    if plain in known:
        return plain
    said = _read_words(text).found.get(aspect)
    return said[0] if said else plain or text.strip()


def _first(
    places: Sequence[Place], words: Sequence[_Words], aspect: Aspect, notes: list[str]
) -> Said | None:
    """What the nearest place that says anything says first; what else it says goes to `notes`."""
    for place, said in zip(places, words, strict=True):
        value = {"floor": place.floor, "shoe": place.shoe}.get(aspect)
        if value is not None:
            return Said(value=value, source=place.source)
        found = said.found.get(aspect, []) if aspect in place.aspects else []
        if found:
            others = sorted(set(found) - {found[0]})
            if others:
                notes.append(f"its {place.source} also says {', '.join(others)}")
            return Said(value=found[0], source=place.source)
    return None


def _kind(places: Sequence[Place], words: Sequence[_Words], notes: list[str]) -> Said:
    """`heel` alone is the strike only where nothing says another kind: else it is a shoe."""
    lone: Source | None = None
    shoe_named = any(said.found.get("shoe") for said in words)
    for place, said in zip(places, words, strict=True):
        if place.kind is not None:
            return Said(value=place.kind, source=place.source)
        if "kind" not in place.aspects:
            continue
        found = said.found.get("kind", [])
        if found:
            others = sorted(set(found) - {found[0]})
            if others:
                notes.append(f"its {place.source} also says {', '.join(others)}")
            return Said(value=found[0], source=place.source)
        if said.lone_heel and lone is None:
            lone = place.source
    if lone is not None:
        if not shoe_named:
            notes.append("“heel” is taken for the heel's strike; foley.toml can say shoe = “heel”")
        return Said(value="heel", source=lone, guessed=not shoe_named)
    return Said(value="walk", source="default", guessed=True)


def _guessed_floor(places: Sequence[Place], words: Sequence[_Words]) -> Said | None:
    """A floor where nothing names one plainly: `Snow boots` may be boots in snow; a word that
    nobody knows may be a floor's, in `obsidian_footstep_1` or as a folder's name."""
    for place, said in zip(places, words, strict=True):
        if said.in_shoe and "floor" in place.aspects:
            return Said(value=said.in_shoe[0], source=place.source, guessed=True)
    for place, said in zip(places, words, strict=True):
        if said.beside_step and "floor" in place.aspects:
            return Said(value=said.beside_step[0], source=place.source, guessed=True)
        if place.own_words and 1 <= len(said.rest) <= _LONGEST_OWN:
            return Said(value=" ".join(said.rest), source=place.source, guessed=True)
    return None


def _read_words(text: str) -> _Words:
    """The phrases of a text, the longest first wherever several begin at one word."""
    all_words = tokens(text)
    found: dict[Aspect, list[str]] = {}
    rest: list[str] = []
    beside: list[str] = []
    in_shoe: list[str] = []
    lone_heel = False
    at = 0
    while at < len(all_words):
        word = all_words[at]
        if word == "heel" and _phrase_at(all_words, at)[0] <= 1:
            lone_heel = True
            at += 1
            continue
        length, aspect, value = _phrase_at(all_words, at)
        if length:
            if aspect != "nothing":
                found.setdefault(aspect, []).append(value)
            if aspect == "shoe":
                in_shoe += [one for one in all_words[at : at + length] if one in GROUNDS]
            at += length
            continue
        rest.append(word)
        if at + 1 < len(all_words) and all_words[at + 1] in _STEP_WORDS:
            beside.append(word)
        at += 1
    shoes = found.get("shoe", [])
    if len(set(shoes)) > 1 and "leather" in shoes:
        # Boots, pumps and sneakers are made of leather too.
        found["shoe"] = [shoe for shoe in shoes if shoe != "leather"]
    return _Words(
        found=found,
        rest=tuple(rest),
        beside_step=tuple(beside),
        in_shoe=tuple(in_shoe),
        lone_heel=lone_heel,
    )


def _phrase_at(words: Sequence[str], at: int) -> tuple[int, Aspect, str]:
    """Number of words, aspect and value of the longest known phrase; (0, nothing, "") for none."""
    for length in range(min(LONGEST_PHRASE, len(words) - at), 0, -1):
        phrase = " ".join(words[at : at + length])
        if length == 1 and phrase in GROUNDS:
            return 1, "floor", phrase
        for form in _singulars(phrase):
            if form in MEANINGS:
                aspect, candidates = MEANINGS[form]
                return length, aspect, _existing(aspect, candidates)
        if length == 1 and phrase in SHOES:
            return 1, "shoe", phrase
        if length == 1 and phrase in KINDS:
            return 1, "kind", phrase
    return 0, "nothing", ""


def _singulars(phrase: str) -> tuple[str, ...]:
    if phrase.endswith("es"):
        return phrase, phrase[:-1], phrase[:-2]
    return (phrase, phrase[:-1]) if phrase.endswith("s") and len(phrase) > 2 else (phrase,)


def _existing(aspect: Aspect, candidates: Sequence[str]) -> str:
    known: Collection[str] = {"floor": GROUNDS, "shoe": SHOES}.get(aspect, ())
    return next((one for one in candidates if one in known), candidates[0])
