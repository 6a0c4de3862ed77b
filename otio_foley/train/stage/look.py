"""What film and video do to a rendered picture.

The order is that of the light: the lens, the exposure, the emulsion's tones, the gate, what lies on
the film, its grain, the sensor, the codec. Lens and exposure work in linear light, the rest in
sRGB levels. Each effect draws from a random stream of its own, so that switching one on leaves
the others as they were.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from itertools import islice
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from otio_foley.train.stage.render import Picture
from otio_foley.train.stage.rotation import Array

Levels = NDArray[np.float32]
"""sRGB levels 0 to 255 (H, W, 3), or (H, W, 1) once the colour is gone."""

_MID_GREY = 127.5
"""Level about which the contrast turns and at which grain and noise have their stated size."""
_LUMA = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)
"""ITU-R BT.709, section 3.2."""
_WARM_STOPS = 0.35
"""Red up and blue down at warmth 1: half the stops between red and blue in CIE daylight of 5000 K
(CIE 15) when white is 6500 K."""
_GRAIN_PX = 1.5
"""Full width at half maximum of one grain."""
_WEAVE_KEPT = 0.9
"""Share of a frame's weave left in the next; chosen, a drift over some ten frames."""
_SCRATCH_FRAMES = 6.0
"""Mean life of a scratch; chosen, a quarter of a second."""
_SCRATCH_WANDER = 0.0006
"""Standard deviation of a scratch's step from frame to frame, as a share of the width; chosen."""
_SCRATCH_WIDTH = (0.0003, 0.0008)
"""Standard deviation of a scratch's profile, as a share of the width; chosen."""
_SCRATCH_LEVELS = (25.0, 90.0)
_DUST_RADIUS = (0.0015, 0.006)
"""As a share of the height; chosen."""
_DUST_CORNERS = 9
_SUBPIXEL_BITS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What happened to the picture on its way; the defaults are no look at all."""

    black_and_white: bool = False
    """Rec. 709 luma; grain and noise are then without colour too."""
    contrast: float = 1.0
    """About mid grey."""
    warmth: float = 0.0
    """White balance, -1 cold to 1 warm; the light's amount stays."""
    softness_px: float = 0.0
    """Standard deviation of a Gaussian: old lenses, missed focus."""
    vignette: float = 0.0
    """Share of the light lost in the corners."""
    grain: float = 0.0
    """Standard deviation in 8-bit levels at mid grey, less in black and white; new each frame."""
    noise: float = 0.0
    """Sensor noise by pixel and channel: standard deviation in 8-bit levels at mid grey, half as
    much again in black, half in white."""
    flicker: float = 0.0
    """Standard deviation of a frame's exposure in stops."""
    scratches: float = 0.0
    """Expected vertical scratches a frame; each lives for some frames and wanders a little."""
    dust: float = 0.0
    """Expected specks a frame, each for one frame."""
    weave_px: float = 0.0
    """Standard deviation, along each axis, of the gate's slow shift of the whole frame."""
    jpeg_quality: int | None = None
    """Blocks of a low-quality source, 0 to 100; None for none."""


CLEAN = Look()
VIDEO = Look(noise=1.5)
PHONE = Look(noise=4.0, jpeg_quality=45)
FILM_16MM = Look(warmth=0.35, grain=6.0, weave_px=0.3)
SILENT_FILM = Look(
    black_and_white=True,
    contrast=1.25,
    softness_px=1.0,
    vignette=0.35,
    grain=10.0,
    flicker=0.12,
    scratches=1.0,
    dust=3.0,
    weave_px=0.7,
)
LOOKS: Mapping[str, Look] = MappingProxyType(
    {
        "clean": CLEAN,
        "video": VIDEO,
        "phone": PHONE,
        "film_16mm": FILM_16MM,
        "silent_film": SILENT_FILM,
    }
)


class _Stream(IntEnum):
    WEAVE = 0
    FLICKER = 1
    SCRATCHES = 2
    DUST = 3
    GRAIN = 4
    NOISE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scratch:
    """One scratch in one frame."""

    x: float
    """As a share of the width."""
    width: float
    """Standard deviation of its profile, as a share of the width."""
    strength: float
    """Levels added in the middle; below zero for a dark scratch."""


def applied(look: Look, pictures: Iterable[Picture], seed: int) -> Iterator[Picture]:
    """Give the pictures, one in and one out, with the look; the same for the same ``seed``."""
    if look == CLEAN:
        yield from pictures
        return
    dust, grain, noise = (
        _random(seed, stream) for stream in (_Stream.DUST, _Stream.GRAIN, _Stream.NOISE)
    )
    # The pictures come first in the zip: nothing is drawn for a frame that is not there.
    for picture, shift_px, stops, scratches in zip(
        pictures, _shifts(look, seed), _exposures(look, seed), _scratches(look, seed), strict=False
    ):
        levels = _tone(look, _expose(look, picture, stops))
        # Whatever lies on the film weaves with it, but random marks look the same unmoved, and
        # grain keeps its size when it is not interpolated.
        levels = _shift(levels, shift_px)
        levels = _scratch(levels, scratches)
        levels = _strew(levels, look.dust, dust)
        levels = _grain(levels, look.grain, grain)
        levels = _noise(levels, look.noise, noise)
        yield _compress(_picture(levels), look.jpeg_quality)


def weave(look: Look, count: int, seed: int) -> Array:
    """Shift (``count``, 2) in pixels, right and down, of each frame that ``applied`` gives.

    A point of the rendered picture lies at its place plus the shift.
    """
    return np.array(list(islice(_shifts(look, seed), count))).reshape(count, 2)


def _random(seed: int, stream: _Stream) -> np.random.Generator:
    return np.random.default_rng([seed, stream])


def _shifts(look: Look, seed: int) -> Iterator[Array]:
    """Shifts (2,) without end: a first-order autoregression that starts in its steady state."""
    random = _random(seed, _Stream.WEAVE)
    fresh = np.sqrt(1.0 - _WEAVE_KEPT**2)
    place = random.standard_normal(2)
    while True:
        yield look.weave_px * place
        place = _WEAVE_KEPT * place + fresh * random.standard_normal(2)


def _exposures(look: Look, seed: int) -> Iterator[float]:
    """Stops by which each frame is over-exposed, without end."""
    random = _random(seed, _Stream.FLICKER)
    while True:
        yield look.flicker * float(random.standard_normal())


def _scratches(look: Look, seed: int) -> Iterator[list[_Scratch]]:
    """Scratches of each frame, without end.

    Births are Poisson and lives geometric, so the expected number is the same in every frame.
    """
    random = _random(seed, _Stream.SCRATCHES)
    present = [_new_scratch(random) for _ in range(random.poisson(look.scratches))]
    while True:
        yield present
        born = random.poisson(look.scratches / _SCRATCH_FRAMES)
        present = [
            _Scratch(
                x=scratch.x + _SCRATCH_WANDER * float(random.standard_normal()),
                width=scratch.width,
                strength=scratch.strength,
            )
            for scratch in present
            if random.random() >= 1.0 / _SCRATCH_FRAMES
        ] + [_new_scratch(random) for _ in range(born)]


def _new_scratch(random: np.random.Generator) -> _Scratch:
    return _Scratch(
        x=float(random.random()),
        width=float(random.uniform(*_SCRATCH_WIDTH)),
        strength=float(random.choice([-1.0, 1.0]) * random.uniform(*_SCRATCH_LEVELS)),
    )


def _expose(look: Look, picture: Picture, stops: float) -> Levels:
    """Softness, vignette, white balance and exposure, in linear light."""
    if not (look.softness_px or look.vignette or look.warmth or stops):
        return picture.astype(np.float32)
    import cv2

    light = np.asarray(cv2.LUT(picture, _LINEAR), dtype=np.float32)
    if look.softness_px:
        light = np.asarray(cv2.GaussianBlur(light, (0, 0), look.softness_px), dtype=np.float32)
    if look.vignette:
        height, width, _ = picture.shape
        light = light * _falloff(height, width, look.vignette)[..., None]
    light = light * (_balance(look.warmth) * np.float32(2.0**stops))
    return _coded(light)


def _falloff(height: int, width: int, lost: float) -> Levels:
    """Light left (H, W): quadratic in the distance from the centre, as cos^4 is near the axis."""
    y = np.arange(height, dtype=np.float32) - (height - 1) / 2.0
    x = np.arange(width, dtype=np.float32) - (width - 1) / 2.0
    corner = max(float(y[0] ** 2 + x[0] ** 2), 1.0)
    return np.asarray(1.0 - lost / corner * (y[:, None] ** 2 + x**2), dtype=np.float32)


def _balance(warmth: float) -> Levels:
    """Gains (3,) of red, green and blue that leave the luminance of white alone."""
    gains = 2.0 ** (np.array([1.0, 0.0, -1.0]) * _WARM_STOPS * warmth)
    return np.asarray(gains / (gains @ _LUMA), dtype=np.float32)


def _linear_levels() -> Levels:
    """Linear light (256,), 0 to 1, of the sRGB levels (IEC 61966-2-1)."""
    srgb = np.arange(256) / 255.0
    light = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return light.astype(np.float32)


_LINEAR = _linear_levels()


def _coded(light: Levels) -> Levels:
    """sRGB levels of linear light (IEC 61966-2-1); what is brighter than white is white."""
    import cv2

    light = np.clip(light, 0.0, 1.0)
    power = np.asarray(cv2.pow(light, 1.0 / 2.4), dtype=np.float32)
    levels = np.where(light <= 0.0031308, 255.0 * 12.92 * light, 255.0 * (1.055 * power - 0.055))
    return np.asarray(levels, dtype=np.float32)


def _tone(look: Look, levels: Levels) -> Levels:
    if look.black_and_white:
        levels = (levels @ _LUMA)[..., None]
    if look.contrast != 1.0:
        levels = np.float32(look.contrast) * (levels - np.float32(_MID_GREY))
        levels = np.clip(levels + np.float32(_MID_GREY), 0.0, 255.0)
    return levels


def _shift(levels: Levels, shift_px: Array) -> Levels:
    """Move the picture right and down; the edge is drawn out."""
    if not shift_px.any():
        return levels
    import cv2

    # A shift is a convolution. cv2.warpAffine would round it to 1/32 px, and its cubic (a = -0.75)
    # does not keep straight ramps straight.
    moved = cv2.sepFilter2D(
        levels,
        -1,
        _shift_kernel(float(shift_px[0])),
        _shift_kernel(float(shift_px[1])),
        borderType=cv2.BORDER_REPLICATE,
    )
    return np.asarray(moved, dtype=np.float32).reshape(levels.shape)


def _shift_kernel(shift_px: float) -> Levels:
    """Weights of the neighbours -n..n of a pixel: Keys' cubic with a = -0.5 (IEEE ASSP, 1981)."""
    reach = int(np.ceil(abs(shift_px))) + 2
    away = np.abs(np.arange(-reach, reach + 1) + shift_px)
    near = (1.5 * away - 2.5) * away**2 + 1.0
    far = ((-0.5 * away + 2.5) * away - 4.0) * away + 2.0
    return np.where(away <= 1.0, near, np.where(away < 2.0, far, 0.0)).astype(np.float32)


def _scratch(levels: Levels, scratches: list[_Scratch]) -> Levels:
    if not scratches:
        return levels
    width = levels.shape[1]
    columns = np.arange(width) + 0.5
    added = np.zeros(width)
    for scratch in scratches:
        # Narrower than half a pixel, a line would come and go with its place between pixels.
        spread = max(scratch.width * width, 0.5)
        added += scratch.strength * np.exp(-0.5 * ((columns - scratch.x * width) / spread) ** 2)
    return np.clip(levels + added.astype(np.float32)[:, None], 0.0, 255.0)


def _strew(levels: Levels, expected: float, random: np.random.Generator) -> Levels:
    """Cover the picture with specks, white where the negative was dirty, black where the print."""
    count = int(random.poisson(expected))
    if not count:
        return levels
    import cv2

    height, width = levels.shape[:2]
    levels = levels.copy()
    for _ in range(count):
        centre = random.random(2) * (width, height) - 0.5
        radius = max(float(random.uniform(*_DUST_RADIUS)) * height, 0.8)
        corners = centre + _outline(radius, random)
        colour = float(random.choice([15.0, 240.0]))
        left, top = np.maximum(np.floor(corners.min(axis=0)) - 1.0, 0.0).astype(int)
        right, bottom = np.ceil(corners.max(axis=0)).astype(int) + 2
        part = levels[top:bottom, left:right]
        cover = np.zeros(part.shape[:2], dtype=np.uint8)
        fixed = np.round((corners - (left, top)) * 2**_SUBPIXEL_BITS).astype(np.int32)
        cv2.fillPoly(cover, [fixed], (255,), lineType=cv2.LINE_AA, shift=_SUBPIXEL_BITS)
        part += (np.float32(colour) - part) * (cover[..., None] / np.float32(255.0))
    return levels


def _outline(radius_px: float, random: np.random.Generator) -> Array:
    """Corners (N, 2) of a ragged and stretched disc round the origin."""
    angles = np.linspace(0.0, 2.0 * np.pi, _DUST_CORNERS, endpoint=False)
    ragged = radius_px * random.uniform(0.6, 1.4, _DUST_CORNERS)
    disc = np.stack([np.cos(angles), np.sin(angles)], axis=1) * ragged[:, None]
    turn, stretch = random.uniform(0.0, np.pi), random.uniform(1.0, 1.6)
    along = np.array([np.cos(turn), np.sin(turn)])
    return np.asarray(disc + (stretch - 1.0) * (disc @ along)[:, None] * along)


def _grain(levels: Levels, deviation: float, random: np.random.Generator) -> Levels:
    """Add blurred noise, in colour film for each layer by itself.

    Opaque grains that cover a share u of the film have the variance u (1 - u) (Newson et al.,
    "Realistic Film Grain Rendering", IPOL 2017); the root is 1 at mid grey when doubled.
    """
    if not deviation:
        return levels
    import cv2

    kernel = cv2.getGaussianKernel(7, _GRAIN_PX / np.sqrt(8.0 * np.log(2.0)))
    # Unit sum of squares: the blur leaves the standard deviation alone.
    kernel = kernel / np.linalg.norm(kernel)
    white = random.standard_normal(levels.shape, dtype=np.float32)
    blurred = np.asarray(cv2.sepFilter2D(white, -1, kernel, kernel), dtype=np.float32)
    covered = np.clip(levels / np.float32(255.0), 0.0, 1.0)
    size = np.float32(2.0 * deviation) * np.sqrt(covered * (np.float32(1.0) - covered))
    return np.asarray(levels + size * blurred.reshape(levels.shape), dtype=np.float32)


def _noise(levels: Levels, deviation: float, random: np.random.Generator) -> Levels:
    """Add white noise; the tone curve that opens the shadows lifts their noise as well."""
    if not deviation:
        return levels
    white = random.standard_normal(levels.shape, dtype=np.float32)
    tone = np.clip(levels / np.float32(255.0), 0.0, 1.0)
    return levels + np.float32(deviation) * (np.float32(1.5) - tone) * white


def _picture(levels: Levels) -> Picture:
    rounded = np.clip(np.round(levels), 0.0, 255.0).astype(np.uint8)
    return np.repeat(rounded, 3, axis=2) if rounded.shape[2] == 1 else rounded


def _compress(picture: Picture, quality: int | None) -> Picture:
    """There and back through JPEG."""
    if quality is None:
        return picture
    import cv2

    # Red and blue trade places: cv2 takes the last channel for red.
    swapped = np.ascontiguousarray(picture[..., ::-1])
    _, data = cv2.imencode(".jpg", swapped, [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return np.ascontiguousarray(np.asarray(decoded, dtype=np.uint8)[..., ::-1])
