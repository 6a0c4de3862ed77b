"""Words that name a floor, a shoe, a kind of step or a foot, as tables.

English first, with the German and French words that recordings are called by. Written without
accents and in small letters, because that is how names are compared (`names.tokens`). A word of
several candidates means the first of them that exists; where none does, the first stays as a name
of its own, so that `--floor cork` finds recordings of cork.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

Aspect: TypeAlias = Literal["floor", "shoe", "kind", "foot", "nothing"]

#: Meaning -> the phrases for it; `a/b` means a where we have it, else b.
_FLOORS: Final = {
    "concrete": "concrete, cement, pavement, sidewalk, kerb, curb, screed, beton, betonboden, "
                "zement, gehweg, burgersteig, ciment, trottoir",
    "wood": "wood, wooden, plank, floorboard, board, boardwalk, decking, deck, dock, pier, jetty, "
            "plywood, timber, holz, holzboden, dielen, bretter, bois, plancher",
    "parquet/wood": "parquet, hardwood, hard wood, laminate, parkett",
    "stage/wood": "stage, hollow wood, wooden stage, buhne, buehne",
    "tile": "tile, tiled, tiling, ceramic, porcelain, stone tile, fliese, fliesen, "
            "fliesenboden, kachel, kacheln, carrelage",
    "carpet": "carpet, carpeted, carpeting, teppich, teppichboden, moquette",
    "rug/carpet": "rug, tapis",
    "gravel": "gravel, shingle, pebble, chippings, ballast, kies, kiesweg, schotter, gravier, "
              "gravillon",
    "grass": "grass, lawn, turf, meadow, gras, rasen, wiese, herbe, pelouse, gazon",
    "sand": "sand, beach, dune, strand, sable, plage",
    "snow": "snow, snowy, schnee, neige",
    "metal": "metal, steel, iron, grate, grating, catwalk, gangway, metall, stahl, blech, acier, "
             "metallique",
    "asphalt": "asphalt, tarmac, bitumen, blacktop, street, strasse, bitume, goudron, asphalte",
    "marble": "marble, stone, granite, slate, terrazzo, flagstone, cobble, cobblestone, rock, "
              "marble tile, marmor, stein, steinboden, granit, pflaster, kopfsteinpflaster, "
              "marbre, pierre, pave",
    "dirt": "dirt, mud, muddy, soil, earth, clay, erde, erdboden, schlamm, matsch, terre, boue, "
            "dirt road",
    "leaves/dirt": "leaf, leaves, foliage, undergrowth, twig, forest, forest floor, laub, blatter, "
                   "feuille, feuilles, feuilles mortes",
    "water": "water, splash, splashing, wading, deep water, stream, creek, wasser, eau",
    "puddle/water": "puddle, shallow water, pfutze, pfuetze, flaque",
    "ice": "ice, icy, frozen, eis, glace",
    "cork": "cork",
    "glass": "glass, broken glass",
    "linoleum": "linoleum, lino, vinyl",
    "rubber": "rubber",
    "straw": "straw, hay",
}  # fmt: skip

_SHOES: Final = {
    "sneaker": "sneaker, trainer, runner, running shoe, tennis shoe, gym shoe, sports shoe, "
               "sport shoe, rubber sole, rubber soled, soft sole, soft soled, plimsoll, turnschuh, "
               "turnschuhe, sportschuhe, baskets, tennis",
    "leather": "dress shoe, leather shoe, leather sole, leather soled, hard sole, hard soled, "
               "hard shoe, mens shoe, oxford, brogue, loafer, derby, business shoe, lederschuh, "
               "lederschuhe, halbschuhe, chaussures en cuir, chaussures de ville, leather, leder, "
               "cuir",
    "heel": "high heel, highheel, heels, heeled, high heeled, stiletto, pump, court shoe, "
            "womens shoe, ladies shoe, ladies heel, female heel, stockelschuh, stockelschuhe, "
            "stoeckelschuh, stoeckelschuhe, absatze, absaetze, talons, talons hauts, "
            "talons aiguilles, heel shoe",
    "boot": "boot, hiking boot, walking boot, running boot, work boot, snow boot, rain boot, "
            "rubber boot, leather boot, cowboy boot, combat boot, army boot, hiking shoe, hiking, "
            "hiker, wellington, wellies, stiefel, gummistiefel, wanderschuhe, lederstiefel, botte, "
            "bottes",
    "barefoot": "barefoot, bare foot, bare feet, barefeet, naked feet, sock, stocking, barfuss, "
                "socken, pieds nus",
    "sandal": "sandal, flip flop, flipflop, sandale",
    "slipper": "slipper, hausschuhe, pantoufle",
    "clog": "clog, wooden clog",
}  # fmt: skip

_KINDS: Final = {
    "walk": "walk, walking, walks, stroll, strolling, pace, pacing, tiptoe, tip toe, sneaking, "
            "creeping, heel toe, heel and toe, heel to toe, gehen, marche, marcher",
    "run": "run, running, jog, jogging, sprint, sprinting, rennen, laufen, course, courir",
    "land": "land, landing, jump, jumping, stomp, stomping, landung, sprung, saut",
    "scuff": "scuff, scuffing, scuffle, shuffle, shuffling, drag, dragging, scrape, scraping, "
             "slide, sliding, pivot, schlurfen, frottement",
    "heel": "heel strike, heel hit, heel only, heel down, heelstrike, ferse",
    "toe": "toe, toe slap, toe only, toe down, toe off, forefoot",
}  # fmt: skip

_FEET: Final = {"left": "left, links, gauche, l", "right": "right, rechts, droite, r"}

# What stands in names of recordings and tells nothing of these.
_NOTHING: Final = (
    "footstep, footsteps, foot step, step, steps, foot, feet, fs, foley, foley stage, sound stage, "
    "sound, sfx, fx, sample, library, lib, audio, wav, wave, flac, aiff, ogg, mp, recording, "
    "take, track, floor, ground, surface, shoe, shoes, the, a, an, and, on, in, of, with, from, "
    "for, to, at, single, oneshot, one shot, loop, long, short, slow, fast, medium, normal, "
    "heavy, light, soft, hard, loud, quiet, close, far, mono, stereo, left right, lr, male, "
    "female, man, men, mens, woman, women, womens, child, kid, person, people, various, misc, "
    "other, mixed, default, user, my, own, new, old, raw, edit, edited, final, clean, master, mix, "
    "up, down, stair, stairs, interior, exterior, int, ext, indoor, outdoor, inside, outside, "
    "dry, wet, khz, hz, bit, mic, boom, lav, mkh, mixpre, zoom, schritt, schritte, boden, "
    "schuh, schuhe, pas, sol, chaussure, chaussures, sur, auf, und, et, de, le, la, les, "
    "snowboots, take one, day, session, s, b, c, d, e, v, ver, version, test, temp, tmp, data, "
    "sounds, recordings, takes, media, files, untitled, tape"
)


def _table() -> Mapping[str, tuple[Aspect, tuple[str, ...]]]:
    families: tuple[tuple[Aspect, Mapping[str, str]], ...] = (
        ("nothing", {"": _NOTHING}),
        ("floor", _FLOORS),
        ("shoe", _SHOES),
        ("kind", _KINDS),
        ("foot", _FEET),
    )
    return MappingProxyType({
        phrase.strip(): (aspect, tuple(meaning.split("/")))
        for aspect, family in families
        for meaning, phrases in family.items()
        for phrase in phrases.split(",")
    })  # fmt: skip


#: Phrase -> what it speaks of and its candidates, the best first.
MEANINGS: Final = _table()
FLOOR_WORDS: Final = tuple(phrase for phrase, (aspect, _) in MEANINGS.items() if aspect == "floor")
LONGEST_PHRASE: Final = max(len(phrase.split()) for phrase in MEANINGS)
