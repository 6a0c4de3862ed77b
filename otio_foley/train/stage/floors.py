"""The stage's floors: photographs and made-up tiles under the product's own floor names.

The photographs are ambientCG's, 128 px, CC0; which of them stands for which floor, and how wide
it is in life, was judged by eye beside a person of 1.7 m. What has no photographs, or next to
none, is drawn (`drawn`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal

import numpy as np

from otio_foley.train.stage.drawn import DRAWN, as_bytes
from otio_foley.train.stage.render import Picture, enlarge_tile, read_tile
from otio_foley.train.stage.rotation import Array

PHOTOGRAPHS: Final = Path("floors") / "ambientcg_128"
"""Where the photographs lie under the shared folder."""

SAME_PATTERN: Final = 0.4
"""Two tiles whose patterns correlate more, or are each other's negative, count as one asset.

Measured over all 386 760 pairs of the square photographs: 99.7 % lie below 0.3. Recolourings and
crops of one sheet lie above 0.4, and so do grids that happen to coincide, which is no loss."""
SAME_LOOK: Final = 4.0
"""Two tiles that differ by less (RMS of 8-bit sRGB, a little blurred) look alike even where there
is no pattern to compare."""

_SCALE = 4
_PRINT_PX = 62
_MEND_PX = 6

_Split = Literal["train", "validation", "test"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """One floor that the stage can lay."""

    name: str
    """The product's name for it, as in ``synthesis.grounds``."""
    asset: str
    """``Planks/Planks_003.png``, or ``sand-2`` for a drawn one."""
    tile_m: float
    """Width and depth of one tile, metres."""
    procedural: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Photographs:
    """Tiles of one class of the collection that stand for one floor."""

    name: str
    folder: str
    tile_m: float
    only: str = ""
    """The numbers that are meant; empty for the whole class."""
    sizes_m: Mapping[float, str] = field(default_factory=dict)
    """Numbers whose tile is wider or narrower than ``tile_m``."""


# fmt: off
_OTHERS: Final = (
    # What people walk on, too, and the product has no sound for.
    _Photographs(name="other", folder="Cork", tile_m=1.0),
    _Photographs(name="other", folder="Rubber", tile_m=1.0),
    _Photographs(name="other", folder="Tatami", tile_m=1.5),
    _Photographs(name="other", folder="WoodChips", tile_m=1.5),
    _Photographs(name="other", folder="Rocks", tile_m=2.0,
                 only="001 003 004 006 007 009 010 011 012 013 015 016 017 018"),
)
_CLASSES: Final = (
    _Photographs(name="asphalt", folder="Asphalt", tile_m=2.0),
    _Photographs(name="carpet", folder="Carpet", tile_m=1.2,
                 sizes_m={1.6: "001 004 006 007", 2.4: "005"}),
    # Woven stuff that is plain enough to lie on a floor; tartans and stripes are clothes.
    _Photographs(name="carpet", folder="Fabric", tile_m=1.0,
                 only="015 016 019 021 022 025 030 033 038 039 043 060 064 065 067 076 077 078"),
    _Photographs(name="concrete", folder="Concrete", tile_m=2.0,
                 sizes_m={1.0: "010 024", 3.0: "006 007 008 009"}),
    # Concrete paving, setts and brick: a step on them sounds as on concrete.
    _Photographs(
        name="concrete", folder="PavingStones", tile_m=1.5,
        only="001 002 004 005 007 008 009 013 016 018 020 021 023 024 025 028 031 032 033 034 036 "
             "037 038 040 044 046 047 048 049 050 056 069 070 072 073 074 075 076 077 080 081 082 "
             "084 085 097 098 106 107 111 113 114 115 117 118 119 120 124 127 128 133 136 137 138 "
             "139 140 149 150",
        sizes_m={0.8: "004 008 009 038 114 115", 1.0: "007 069 117 120 070 072 073 113 119",
                 2.0: "001 016 028 074 076 111 127 128 136 139 046 047 048 049 050"},
    ),
    _Photographs(
        name="dirt", folder="Ground", tile_m=2.0,
        only="003 004 007 011 013 014 030 035 038 042 043 044 045 047 052 069 070 074 075 076 079 "
             "080 086 087 089",
        sizes_m={1.2: "047 074 075 080 086 087"},
    ),
    _Photographs(name="grass", folder="Grass", tile_m=1.5),
    _Photographs(name="grass", folder="Ground", tile_m=2.0, only="012 036 071 077"),
    # Short moss at this resolution is a lawn.
    _Photographs(name="grass", folder="Moss", tile_m=2.0, only="001 002 003"),
    _Photographs(name="gravel", folder="Gravel", tile_m=1.5,
                 sizes_m={0.8: "019 021 022 023 025 033"}),
    _Photographs(name="gravel", folder="Ground", tile_m=1.5, only="021 027 037 065 072"),
    _Photographs(name="gravel", folder="Rocks", tile_m=1.2, only="002 005 008 014 022",
                 sizes_m={0.8: "022"}),
    _Photographs(name="leaves", folder="Ground", tile_m=2.0, only="022 039 040 041"),
    _Photographs(name="leaves", folder="ScatteredLeaves", tile_m=2.0),
    # Polished slabs of any stone.
    _Photographs(name="marble", folder="Granite", tile_m=0.8),
    _Photographs(name="marble", folder="Marble", tile_m=2.0),
    _Photographs(name="marble", folder="Terrazzo", tile_m=0.8),
    _Photographs(name="marble", folder="Travertine", tile_m=1.5),
    _Photographs(name="metal", folder="DiamondPlate", tile_m=0.8),
    # Rust and galvanising only: without reflections a plain grey plate is a plain grey anything.
    _Photographs(name="metal", folder="Metal", tile_m=1.5,
                 only="019 020 021 022 023 024 025 036 039 042 051 052 071 072 078 080 081 096"),
    _Photographs(name="sand", folder="Ground", tile_m=2.0,
                 only="025 026 028 032 033 034 048 049 051 053 055 058 061 062"),
    _Photographs(name="snow", folder="Snow", tile_m=2.0),
    _Photographs(
        name="tile", folder="Tiles", tile_m=1.6,
        only="001 007 008 009 010 013 014 015 016 020 021 022 024 026 028 029 035 038 039 042 044 "
             "045 048 049 050 051 052 054 055 056 057 058 061 063 064 065 067 068 069 071 072 073 "
             "076 077 078 079 080 081 092 094 096 098 099 100 104 105 106 107 108 110 113 114 116 "
             "117 118 119 120 124 129 130 132 137 139 149 150",
        sizes_m={0.8: "020 021 024 067 068 069 072 117 118 119 120 124 129 130", 1.2: "013 132",
                 2.4: "048 049 110 113 114 116"},
    ),
    _Photographs(name="wood", folder="Planks", tile_m=1.5,
                 sizes_m={1.2: "000 001 002 003 007 008", 2.0: "046"}),
    # Laid boards; the rest of the class is veneer.
    _Photographs(name="wood", folder="Wood", tile_m=1.5,
                 only="081 082 083 084 085 086 090 091 092"),
    _Photographs(name="wood", folder="WoodFloor", tile_m=1.5,
                 sizes_m={1.0: "016 017 018 021 022 024 029 030 031 052 056 057 058"}),
)

FALSE_COLOUR: Final[Mapping[str, str]] = {
    "Asphalt": "005 040 042",
    "Carpet": "009",
    "Concrete": "010 017 037 057",
    "DiamondPlate": "004 005 006 008 009 010 013 014",
    "Gravel": "007 024 026",
    "Marble": "002 011",
    "Planks": "006 009 021 024 036 037",
    "Travertine": "005 007 009 010 012",
    "WoodFloor": "012 027 028 037",
}
"""Assets of the classes taken whole that came out in colours their material does not have."""

NO_FLOOR: Final[Mapping[str, str]] = {
    # Layered rock; almost black.
    "Asphalt": "015 016 017 018 030",
    # Corrugated; without any mark; bare reinforcement, which is a ruined wall.
    "Concrete": "003 012 041 043 045 046 049 050 051",
    # Smooth or sooty; wet crust; undergrowth.
    "Gravel": "008 009 011 017 028 035",
    # Without any mark.
    "Marble": "014 020 023 024",
    # Black.
    "Planks": "030",
    # Thawing patches on rock.
    "Snow": "018 019",
    # Basketwork, end grain and trellis.
    "WoodFloor": "019 023 054 059",
}
"""Assets of the classes taken whole that nobody walks on, or that nothing tells from another."""
# fmt: on


def floors(shared: Path) -> tuple[Floor, ...]:
    """Every floor there is, by name, then asset, near-duplicates removed.

    Of photographs that are alike by ``SAME_PATTERN`` or ``SAME_LOOK`` the first in the order of
    the assets stays. Tiles that are not square are left out: the stage lays squares.
    """
    return _floors(shared.resolve())


def others(shared: Path) -> tuple[Floor, ...]:
    """What lies on the ground that is none of the product's floors, all named ``other``."""
    return _others(shared.resolve())


def floors_of(name: str, shared: Path) -> tuple[Floor, ...]:
    """The floors of one of the product's names; raises ValueError naming those that exist."""
    every = floors(shared)
    found = tuple(floor for floor in every if floor.name == name)
    if not found:
        names = ", ".join(sorted({floor.name for floor in every}))
        raise ValueError(f"the stage has no floor {name!r}; there are {names}")
    return found


def tile(floor: Floor, shared: Path) -> Picture:
    """The floor's tile (H, W, 3), sRGB, which repeats without a seam."""
    if floor.procedural:
        return DRAWN[floor.asset].draw(np.random.default_rng(_number(floor.asset)))
    return enlarge_tile(mend(read_tile(shared / PHOTOGRAPHS / floor.asset)), _SCALE)


def split(floor: Floor) -> _Split:
    """Which share of the data the asset belongs to: 70, 15 and 15 % of the hash's range.

    It depends on the asset alone. A name with few assets can miss a share altogether.
    """
    share = _number(floor.asset) / 2**32
    if share < 0.70:
        return "train"
    return "validation" if share < 0.85 else "test"


def likeness(pictures: Sequence[Picture]) -> tuple[Array, Array]:
    """Correlation of the patterns, unsigned, and difference of the looks, both (N, N).

    The pattern is the lightness between fine grain and broad shading, so neither a recolouring
    nor a vignette hides a copy.
    """
    import cv2

    looks, patterns = [], []
    for picture in pictures:
        size = (_PRINT_PX, _PRINT_PX)
        blurred = cv2.GaussianBlur(picture, (0, 0), 1.0, borderType=cv2.BORDER_REFLECT)
        looks.append(cv2.resize(blurred, size, interpolation=cv2.INTER_AREA).reshape(-1))
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2LAB)[..., 0].astype(np.float64)
        band = cv2.GaussianBlur(grey, (0, 0), 1.0) - cv2.GaussianBlur(grey, (0, 0), 12.0)
        pattern = cv2.resize(band, size, interpolation=cv2.INTER_AREA).reshape(-1)
        pattern = pattern - pattern.mean()
        patterns.append(pattern / max(float(np.linalg.norm(pattern)), 1e-9))
    seen, shape = np.array(looks, dtype=np.float64), np.array(patterns)
    power = (seen**2).sum(axis=1)
    squares = power[:, None] + power[None, :] - 2.0 * seen @ seen.T
    return np.abs(shape @ shape.T), np.sqrt(np.maximum(squares, 0.0) / seen.shape[1])


def mend(picture: Picture) -> Picture:
    """Make opposite edges of a tile (H, W, 3) meet.

    ``read_tile`` takes two pixels off each edge, so that the photographs no longer close. Half
    of the step is taken from either side and runs out over a few pixels.
    """
    mended = picture.astype(np.float64)
    fade = np.linspace(0.5, 0.0, _MEND_PX, endpoint=False)[:, None, None]
    for _ in range(2):
        step = mended[-1] - mended[0]
        mended[:_MEND_PX] += fade * step
        mended[-_MEND_PX:] -= fade[::-1] * step
        mended = mended.swapaxes(0, 1)
    return as_bytes(mended)


@lru_cache(maxsize=2)
def _floors(shared: Path) -> tuple[Floor, ...]:
    photographed = _single(_CLASSES, shared)
    drawn = [
        Floor(name=asset.rpartition("-")[0], asset=asset, tile_m=recipe.tile_m, procedural=True)
        for asset, recipe in DRAWN.items()
    ]
    every = [*photographed, *drawn]
    return tuple(sorted(every, key=lambda floor: (floor.name, floor.asset)))


@lru_cache(maxsize=2)
def _others(shared: Path) -> tuple[Floor, ...]:
    found = _single((*_CLASSES, *_OTHERS), shared)
    return tuple(floor for floor in found if floor.name == "other")


def _single(sources: Sequence[_Photographs], shared: Path) -> list[Floor]:
    """Square photographs in the order of their assets, near-duplicates left out."""
    pictures = {}
    for source in sources:
        for floor in _photographs(source, shared):
            picture = read_tile(shared / PHOTOGRAPHS / floor.asset)
            if picture.shape[0] == picture.shape[1]:
                pictures[floor] = picture
    ordered = sorted(pictures, key=lambda floor: floor.asset)
    pattern, look = likeness([pictures[floor] for floor in ordered])
    same = (pattern > SAME_PATTERN) | (look < SAME_LOOK)
    kept: list[int] = []
    for index in range(len(ordered)):
        if not same[index, kept].any():
            kept.append(index)
    return [ordered[index] for index in kept]


def _photographs(source: _Photographs, shared: Path) -> list[Floor]:
    folder = shared / PHOTOGRAPHS / source.folder
    if not folder.is_dir():
        raise FileNotFoundError(folder)
    out = f"{FALSE_COLOUR.get(source.folder, '')} {NO_FLOOR.get(source.folder, '')}".split()
    sizes = {number: size for size, some in source.sizes_m.items() for number in some.split()}
    return [
        Floor(
            name=source.name,
            asset=f"{source.folder}/{path.name}",
            tile_m=sizes.get(number, source.tile_m),
            procedural=False,
        )
        for path in sorted(folder.glob("*.png"))
        if (number := path.stem.rpartition("_")[2]) not in out
        and (not source.only or number in source.only.split())
    ]


def _number(asset: str) -> int:
    """A number below 2**32 that stays with the asset."""
    return int.from_bytes(hashlib.sha256(asset.encode()).digest()[:4], "big")
