"""Floor tiles that are drawn, of what has no photographs or next to none: sand, snow, water, leaves
and grass from periodic noise and shapes that wrap round.

Lengths are in metres and become pixels of a 512 px tile.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
from numpy.random import Generator

from otio_foley.train.stage.render import Picture
from otio_foley.train.stage.rotation import Array

_TILE_PX = 512
_EDGE_PX = 8
"""How far a canvas reaches beyond its tile: OpenCV's smooth polygons err at a picture's edge."""

_Colour = tuple[int, int, int]


def as_bytes(picture: Array) -> Picture:
    """Values 0 to 255, rounded and held to that range."""
    return np.ascontiguousarray(np.clip(np.rint(picture), 0, 255), dtype=np.uint8)


def _noise(
    rng: Generator, coarse: float, fine: float, slope: float = 1.0, stretch: float = 1.0
) -> Array:
    """Periodic noise (512, 512), mean 0, deviation 1.

    ``coarse`` and ``fine`` bound it in cycles a tile, the amplitude falls with frequency to the
    power ``slope``; ``stretch`` above 1 draws it out sideways.
    """
    across = np.fft.rfftfreq(_TILE_PX, 1.0 / _TILE_PX)[None, :] * stretch
    down = np.fft.fftfreq(_TILE_PX, 1.0 / _TILE_PX)[:, None]
    frequency = np.maximum(np.hypot(across, down), 1e-6)
    # Soft limits, so that no wavelength stands out as a grid.
    weight = frequency**-slope * np.exp(-((coarse / frequency) ** 4) - (frequency / fine) ** 4)
    white = np.fft.rfft2(rng.standard_normal((_TILE_PX, _TILE_PX)))
    made = np.fft.irfft2(white * weight, s=(_TILE_PX, _TILE_PX))
    return np.asarray((made - made.mean()) / made.std(), dtype=np.float64)


def _slope(height: Array) -> tuple[Array, Array]:
    """Rise per pixel of a periodic height (512, 512), to the right and downwards."""
    right = (np.roll(height, -1, axis=1) - np.roll(height, 1, axis=1)) / 2.0
    down = (np.roll(height, -1, axis=0) - np.roll(height, 1, axis=0)) / 2.0
    return right, down


def _step(value: Array, low: float, high: float) -> Array:
    """0 below ``low``, 1 above ``high``, smooth between."""
    share = np.clip((value - low) / (high - low), 0.0, 1.0)
    return share * share * (3.0 - 2.0 * share)


def _mix(first: Array | _Colour, second: Array | _Colour, share: Array) -> Array:
    """Colours (512, 512, 3), ``share`` (512, 512) of them the second."""
    part = share[..., None]
    return np.asarray(np.array(first) * (1.0 - part) + np.array(second) * part)


def _ripples(rng: Generator, waves: tuple[int, int], warp: float) -> Array:
    """Wandering parallel ridges (512, 512), -1 to 1, so many whole ``waves`` right and down."""
    down, right = np.mgrid[0:_TILE_PX, 0:_TILE_PX] / _TILE_PX
    wander = warp * _noise(rng, 1, 6, slope=1.5)
    return np.asarray(np.sin(2.0 * np.pi * (waves[0] * right + waves[1] * down) + wander))


def _dents(rng: Generator, count: int, tile_m: float) -> Array:
    """Soles pressed into something soft (512, 512): 0 where untouched, 1 at the bottom."""
    mask = _canvas(np.zeros((_TILE_PX, _TILE_PX), dtype=np.uint8))
    a_metre = _TILE_PX / tile_m
    turn = np.linspace(0.0, 2.0 * np.pi, 32, endpoint=False)
    # A sole of 28 cm by 10 cm, narrower at the heel.
    length, width = 0.14 * np.cos(turn), 0.05 * np.sin(turn) * (1.0 + 0.2 * np.cos(turn))
    sole = np.stack([length, width], axis=1) * a_metre
    for _ in range(count):
        outline = _turned(sole, rng.uniform(0.0, 2.0 * np.pi)) + rng.uniform(0, _TILE_PX, 2)
        _fill(mask, outline, 255)
    soft = _wrapped_blur(_uncovered(mask).astype(np.float64) / 255.0, 0.012 * a_metre)
    return np.asarray(soft * (0.8 + 0.2 * np.tanh(_noise(rng, 8, 60))))


def _wrapped_blur(values: Array, sigma_px: float) -> Array:
    import cv2

    edge = int(4 * sigma_px) + 1
    padded = np.pad(values, edge, mode="wrap")
    blurred = cv2.GaussianBlur(padded, (0, 0), sigma_px)
    return np.asarray(blurred[edge:-edge, edge:-edge], dtype=np.float64)


def _turned(points: Array, angle: float) -> Array:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.asarray(points @ np.array([[cos, sin], [-sin, cos]]))


def _canvas(picture: Picture) -> Picture:
    """A tile (512, 512, ...) with a rim, to draw on with ``_fill``."""
    rim = [(_EDGE_PX, _EDGE_PX)] * 2 + [(0, 0)] * (picture.ndim - 2)
    return np.pad(picture, rim, mode="wrap")


def _uncovered(canvas: Picture) -> Picture:
    """The tile of a canvas, without the rim."""
    return canvas[_EDGE_PX:-_EDGE_PX, _EDGE_PX:-_EDGE_PX]


def _fill(canvas: Picture, outline: Array, colour: int | Sequence[int]) -> None:
    """Fill a polygon (P, 2), pixels of the tile; what leaves by one edge comes in by the other.

    A shape longer than the tile is not closed.
    """
    import cv2

    low, high = outline.min(axis=0) - 2.0, outline.max(axis=0) + 2.0
    shade = (colour,) if isinstance(colour, int) else tuple(colour)
    near, far = -_EDGE_PX, _TILE_PX + _EDGE_PX
    for right in (-_TILE_PX, 0, _TILE_PX):
        if high[0] + right < near or low[0] + right > far:
            continue
        for down in (-_TILE_PX, 0, _TILE_PX):
            if high[1] + down < near or low[1] + down > far:
                continue
            # Sixteenths of a pixel.
            place = np.array([right, down]) + _EDGE_PX
            corners = np.rint((outline + place) * 16.0).astype(np.int32)
            cv2.fillPoly(canvas, [corners], shade, cv2.LINE_AA, 4)


def _draw_sand(
    rng: Generator,
    *,
    colour: _Colour,
    wet: float = 0.0,
    waves: tuple[int, int] | None = None,
    soles: int = 0,
) -> Picture:
    """Sand: ``wet`` of its area is damp, ``waves`` ripples run over it, ``soles`` trod on it."""
    height = 5.0 * _noise(rng, 1, 40, slope=1.8)
    if waves is not None:
        ridge = _ripples(rng, waves, 2.2)
        # Ripples fade here and there, and their crests are sharper than their troughs.
        height += (ridge - 0.3 * ridge**2) * (2.6 + 0.8 * _noise(rng, 1, 4))
    if soles:
        height -= 9.0 * _dents(rng, soles, 1.5)
    right, down = _slope(height)
    damp = np.zeros_like(height)
    if wet > 0.0:
        field = _noise(rng, 1, 12, slope=1.6) - 0.5 * height / height.std()
        edge = float(np.quantile(field, 1.0 - wet))
        damp = _step(field, edge - 1.2, edge + 1.2)
    light = 1.0 - 0.30 * np.tanh(0.9 * right + 0.9 * down)
    grain = (0.050 - 0.025 * damp) * _noise(rng, 60, 250, slope=0.2)
    tone = 0.03 * _noise(rng, 1, 8)
    picture = np.array(colour) * (light + grain + tone)[..., None]
    # Water between the grains swallows light, the blue most of all.
    picture *= 1.0 - damp[..., None] * np.array([0.36, 0.38, 0.40])
    specks = _noise(rng, 40, 200, slope=0.2) > 3.3
    picture[specks] *= 0.6
    return as_bytes(picture)


def _draw_snow(
    rng: Generator, *, hollows: float, stretch: float = 1.0, soles: int = 0, slush: float = 0.0
) -> Picture:
    """Snow: ``hollows`` deep (pixels), drawn out by wind, trodden, ``slush`` of it brown."""
    height = hollows * _noise(rng, 1, 9, slope=1.2, stretch=stretch)
    height += 0.6 * _noise(rng, 10, 80, slope=1.2, stretch=stretch)
    pressed = _dents(rng, soles, 2.0) if soles else np.zeros_like(height)
    height -= 11.0 * pressed
    right, down = _slope(height)
    shade = np.tanh(0.9 * right + 0.9 * down)
    # What faces away from the light is lit by the blue of the sky.
    picture = _mix((238, 242, 246), (168, 186, 212), np.clip(0.22 + 0.55 * shade, 0.0, 1.0))
    picture -= 16.0 * pressed[..., None]
    if slush > 0.0:
        field = _noise(rng, 1, 30, slope=1.4) + 1.2 * pressed
        edge = float(np.quantile(field, 1.0 - slush))
        picture = _mix(picture, (150, 140, 128), 0.6 * _step(field, edge - 1.0, edge + 1.0))
    picture += 3.5 * _noise(rng, 80, 250, slope=0.0)[..., None]
    return as_bytes(picture)


def _draw_water(
    rng: Generator,
    *,
    bed: _Colour,
    sky: _Colour,
    waves: float,
    stretch: float = 2.0,
    drops: int = 0,
) -> Picture:
    """A shallow puddle: the bed shows where the surface does not turn a bright sky to the eye."""
    # Capillary waves of a decimetre or more; anything finer dies out at once.
    height = waves * _noise(rng, 3, 15, slope=1.5, stretch=stretch)
    height += 2.0 * waves * _noise(rng, 1, 4, slope=1.5)
    rows, columns = np.mgrid[0:_TILE_PX, 0:_TILE_PX]
    for _ in range(drops):
        centre, reach = rng.uniform(0, _TILE_PX, 2), rng.uniform(18.0, 60.0)
        gap_x = np.abs(columns - centre[0])
        gap_y = np.abs(rows - centre[1])
        away = np.hypot(np.minimum(gap_x, _TILE_PX - gap_x), np.minimum(gap_y, _TILE_PX - gap_y))
        fade = 24.0 / reach * np.exp(-(((away - reach) / 8.0) ** 2))
        height += 1.1 * fade * np.cos((away - reach) * 0.55)
    right, down = _slope(height)
    # Stones and silt of the bed, shifted by the refraction at the surface.
    floor = 0.10 * _noise(rng, 2, 40, slope=1.4)
    at_row = (rows + np.rint(6.0 * down).astype(int)) % _TILE_PX
    at_column = (columns + np.rint(6.0 * right).astype(int)) % _TILE_PX
    ground = np.array(bed) * (1.0 + floor[at_row, at_column])[..., None]
    # From 1.5 m up and 6 m off a level surface returns a good third of the sky (Fresnel at 76
    # degrees is 0.27, and the sky outshines the bed); a wave that leans away returns less.
    returned = np.clip(0.46 + 0.44 * np.tanh(2.0 * down + 0.7 * right), 0.0, 1.0)
    # Clouds, large against the tile.
    cloud = 1.0 + 0.06 * _noise(rng, 1, 4)
    picture = _mix(ground, np.array(sky) * cloud[..., None], returned)
    tilt = down + 0.35 * right
    glint = _step(tilt / tilt.std(), 1.7, 2.6)
    return as_bytes(_mix(picture, (250, 252, 255), 0.85 * glint))


_AUTUMN: Final[tuple[_Colour, ...]] = (
    (176, 112, 42), (150, 84, 34), (196, 146, 58), (120, 72, 38), (164, 62, 30), (134, 104, 58),
    (206, 168, 82), (104, 64, 40),
)  # fmt: skip
_BROWN: Final[tuple[_Colour, ...]] = (
    (122, 88, 56), (98, 70, 46), (142, 108, 72), (84, 60, 42), (156, 122, 84), (110, 86, 64),
)  # fmt: skip
_YELLOW: Final[tuple[_Colour, ...]] = (
    (208, 172, 60), (194, 150, 48), (216, 186, 92), (168, 132, 54), (148, 150, 66), (176, 120, 46),
)  # fmt: skip


def _draw_leaves(
    rng: Generator,
    *,
    colours: tuple[_Colour, ...],
    count: int,
    soil: _Colour = (70, 54, 42),
    lobed: float = 0.3,
) -> Picture:
    """Fallen leaves of 5 to 10 cm on a tile of 1.5 m, ``lobed`` of them like a maple's."""
    a_metre = _TILE_PX / 1.5
    ground = 1.0 + 0.22 * _noise(rng, 4, 150, slope=0.9)
    picture = _canvas(as_bytes(np.array(soil) * ground[..., None]))
    turn = np.linspace(-np.pi, np.pi, 49)
    for _ in range(count):
        length = rng.uniform(0.05, 0.10) * a_metre
        if rng.random() < lobed:
            radius = 0.5 * length * (0.62 + 0.38 * np.abs(np.cos(2.5 * turn)) ** 1.5)
            shape = np.stack([radius * np.cos(turn), radius * np.sin(turn)], axis=1)
        else:
            along = np.cos(turn)
            breadth = rng.uniform(0.22, 0.34) * length
            bulge = np.sign(np.sin(turn)) * (1.0 - along**2) ** 0.8
            shape = np.stack([0.5 * length * along, breadth * bulge], axis=1)
        # Curled leaves show less of their width.
        shape[:, 1] *= rng.uniform(0.55, 1.0)
        angle, place = rng.uniform(0.0, 2.0 * np.pi), rng.uniform(0, _TILE_PX, 2)
        outline = _turned(shape, angle) + place
        base = np.array(colours[rng.integers(len(colours))]) * rng.uniform(0.72, 1.12)
        base = base + rng.normal(0.0, 5.0, 3)
        _fill(picture, outline + np.array([1.6, 2.2]), [int(value * 0.45) for value in soil])
        _fill(picture, outline, _shade(base))
        # The half beyond the midrib leans away from the light.
        half = np.concatenate([shape[24:], shape[24:25]])
        _fill(picture, _turned(half, angle) + place, _shade(base * rng.uniform(0.74, 0.92)))
    soft = 1.0 + 0.035 * _noise(rng, 60, 250, slope=0.3) + 0.05 * _noise(rng, 2, 20)
    return as_bytes(_uncovered(picture) * soft[..., None])


def _draw_grass(
    rng: Generator, *, colours: tuple[_Colour, ...], blade_m: float, soil: _Colour = (52, 52, 30)
) -> Picture:
    """Blades from above on a tile of 1.2 m, the lower ones darker."""
    a_metre, count = _TILE_PX / 1.2, 9000
    ground = 1.0 + 0.2 * _noise(rng, 4, 150)
    picture = _canvas(as_bytes(np.array(soil) * ground[..., None]))
    patch = _noise(rng, 1, 8)
    for index in range(count):
        length = rng.uniform(0.5, 1.0) * blade_m * a_metre
        width = rng.uniform(0.9, 1.7)
        angle, place = rng.uniform(0.0, 2.0 * np.pi), rng.uniform(0, _TILE_PX, 2)
        bend = rng.normal(0.0, 0.2) * length
        blade = np.array([[0.0, -width], [0.6 * length, bend * 0.4], [length, bend], [0.0, width]])
        lean = patch[int(place[1]) % _TILE_PX, int(place[0]) % _TILE_PX]
        base = np.array(colours[rng.integers(len(colours))]) * (0.55 + 0.45 * index / count)
        _fill(
            picture,
            _turned(blade, angle) + place,
            _shade(base * (1.0 + 0.08 * lean + rng.normal(0.0, 0.07))),
        )
    return np.ascontiguousarray(_uncovered(picture))


def _shade(colour: Array) -> list[int]:
    return [int(value) for value in np.clip(colour, 0, 255)]


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnTile:
    """How wide a drawn tile is, metres, and how it is drawn."""

    tile_m: float
    draw: Callable[[Generator], Picture]


def _tiles() -> dict[str, DrawnTile]:
    """Recipes by asset; everything before the hyphen is the floor's name.

    The widths are those that the drawing functions reckon with.
    """
    lawn = ((86, 118, 48), (104, 136, 58), (72, 102, 42), (122, 146, 72))
    dry = ((150, 142, 84), (128, 128, 66), (172, 158, 104), (106, 118, 56))
    deep = ((58, 92, 40), (72, 108, 46), (48, 78, 36), (90, 122, 56))
    every: dict[str, tuple[float, list[Callable[[Generator], Picture]]]] = {
        "grass": (
            1.2,
            [
                partial(_draw_grass, colours=lawn, blade_m=0.05),
                partial(_draw_grass, colours=dry, blade_m=0.08, soil=(84, 72, 48)),
                partial(_draw_grass, colours=deep, blade_m=0.10),
            ],
        ),
        "leaves": (
            1.5,
            [
                partial(_draw_leaves, colours=_AUTUMN, count=900),
                partial(_draw_leaves, colours=_BROWN, count=1200, lobed=0.1),
                partial(_draw_leaves, colours=_YELLOW, count=800, lobed=0.9),
                partial(_draw_leaves, colours=_AUTUMN + _BROWN, count=380, soil=(92, 76, 58)),
                partial(_draw_leaves, colours=_YELLOW + _BROWN, count=420, soil=(74, 82, 46)),
            ],
        ),
        "sand": (
            1.5,
            [
                partial(_draw_sand, colour=(206, 182, 142)),
                partial(_draw_sand, colour=(186, 166, 134), wet=1.0),
                partial(_draw_sand, colour=(212, 190, 148), waves=(2, 14)),
                partial(_draw_sand, colour=(198, 170, 126), soles=14),
                partial(_draw_sand, colour=(190, 172, 142), wet=0.5, waves=(11, 4)),
                partial(_draw_sand, colour=(222, 208, 176), soles=30),
            ],
        ),
        "snow": (
            2.0,
            [
                partial(_draw_snow, hollows=9.0),
                partial(_draw_snow, hollows=6.0, soles=26),
                partial(_draw_snow, hollows=5.0, stretch=3.0),
                partial(_draw_snow, hollows=5.0, soles=70),
                partial(_draw_snow, hollows=5.0, soles=50, slush=0.3),
            ],
        ),
        "water": (
            1.5,
            [
                partial(_draw_water, bed=(84, 80, 74), sky=(206, 216, 226), waves=2.6),
                partial(_draw_water, bed=(98, 82, 60), sky=(214, 218, 220), waves=2.0, drops=12),
                partial(_draw_water, bed=(62, 66, 68), sky=(186, 204, 226), waves=3.0, stretch=0.7),
                partial(_draw_water, bed=(72, 78, 66), sky=(224, 226, 226), waves=1.6, stretch=3.0),
            ],
        ),
    }
    return {
        f"{name}-{number}": DrawnTile(tile_m=tile_m, draw=draw)
        for name, (tile_m, draws) in every.items()
        for number, draw in enumerate(draws, start=1)
    }


DRAWN: Final = _tiles()
"""By asset; the floor's name stands before the hyphen."""
