"""Floors as a camera sees them, without anybody on them: cheap, so that no two are the same.

A tile is laid out endlessly and looked at through a pinhole from a film camera's heights and
distances, in flat light with a shadow over a part of it; what comes out is a patch as the product
cuts it (`otio_foley.analysis.underfoot`).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from otio_foley.analysis.underfoot import FLATTENED, PATCH_PX, PLACES
from otio_foley.types import FloatArray

#: A leg is so long, hip to heel (m): what turns the patches' sizes into widths of floor.
_LEG_M = 0.87
#: Pixels are gathered from so many times as many in either direction, so that what is small and
#: far away is averaged as a lens and a sensor average it.
_FINER = 2


def view(tile: NDArray[np.uint8], tile_m: float, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A patch (PATCH_PX, PATCH_PX, 3) of a floor of a tile (H, W, 3) sRGB, tile_m wide."""
    widths = sorted({place.width for place in PLACES})
    near = rng.random() < 0.7
    wide_m = _LEG_M * (widths[0] if near else widths[-1]) * float(np.exp(rng.normal(0.0, 0.15)))
    across_px = float(np.exp(rng.uniform(np.log(36.0), np.log(300.0))))
    if not near:
        across_px = min(2.6 * across_px, 700.0)
    steep = np.radians(rng.uniform(8.0, 65.0) if rng.random() < 0.8 else rng.uniform(6.0, 25.0))
    away_m = float(np.exp(rng.uniform(np.log(2.5), np.log(14.0))))
    width, height = round(across_px), max(8, round(across_px / FLATTENED))
    ground_to_raw = _projection(wide_m, across_px, height, steep, away_m, rng)
    tile_to_ground = _laid(tile, tile_m * float(rng.uniform(0.8, 1.25)), rng)
    finer = np.diag([_FINER, _FINER, 1.0])
    raw = _warped(tile, finer @ ground_to_raw @ tile_to_ground, width * _FINER, height * _FINER)
    raw = np.asarray(cv2.resize(raw, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    lit = _lit(raw, rng)
    down = cv2.INTER_AREA if width > PATCH_PX else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(lit, (PATCH_PX, PATCH_PX), interpolation=down), np.uint8)


def _projection(
    wide_m: float,
    across_px: float,
    height: int,
    steep: float,
    away_m: float,
    rng: np.random.Generator,
) -> FloatArray:
    """Homography (3, 3) from the ground (m, about the patch's middle) to pixels of the patch."""
    focal = across_px * away_m / wide_m
    turn = float(rng.normal(0.0, np.radians(3.0)))
    forward = np.array([0.0, np.cos(steep), -np.sin(steep)])
    right = np.array([1.0, 0.0, 0.0])
    down = np.array([0.0, -np.sin(steep), -np.cos(steep)])
    right, down = (
        np.cos(turn) * right + np.sin(turn) * down,
        np.cos(turn) * down - np.sin(turn) * right,
    )
    eye = -away_m * forward
    axes = np.stack([right, down, forward])
    seen = np.column_stack([axes[:, 0], axes[:, 1], -axes @ eye])
    inner = np.array([[focal, 0.0, across_px / 2], [0.0, focal, height / 2], [0.0, 0.0, 1.0]])
    return np.asarray(inner @ seen, dtype=np.float64)


def _laid(tile: NDArray[np.uint8], tile_m: float, rng: np.random.Generator) -> FloatArray:
    """Similarity (3, 3) from the tile's pixels to the ground."""
    angle, scale = rng.uniform(0.0, 2.0 * np.pi), tile_m / tile.shape[1]
    cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
    shift = rng.uniform(0.0, tile_m, 2)
    return np.array([[cosine, -sine, shift[0]], [sine, cosine, shift[1]], [0.0, 0.0, 1.0]])


def _warped(
    tile: NDArray[np.uint8], tile_to_raw: FloatArray, width: int, height: int
) -> NDArray[np.uint8]:
    """The endless tile seen through a homography; its far parts from smaller copies of it."""
    back = np.linalg.inv(tile_to_raw)
    corner = np.array([[0, 0], [width, 0], [0, height], [width, height]], dtype=np.float64)
    points = np.column_stack([corner, np.ones(4)]) @ back.T
    spread = np.linalg.norm(points[1, :2] / points[1, 2] - points[0, :2] / points[0, 2]) / width
    times = float(np.clip(spread, 1.0, 16.0))
    small = tile
    if times > 1.2:
        side = max(8, round(tile.shape[0] / times))
        small = np.asarray(cv2.resize(tile, (side, side), interpolation=cv2.INTER_AREA), np.uint8)
    back = np.diag([small.shape[1] / tile.shape[1], small.shape[0] / tile.shape[0], 1.0]) @ back
    xs, ys = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    deep = back[2, 0] * xs + back[2, 1] * ys + back[2, 2]
    us = ((back[0, 0] * xs + back[0, 1] * ys + back[0, 2]) / deep) % small.shape[1]
    vs = ((back[1, 0] * xs + back[1, 1] * ys + back[1, 2]) / deep) % small.shape[0]
    edged = cv2.copyMakeBorder(small, 0, 1, 0, 1, cv2.BORDER_WRAP)
    found = cv2.remap(edged, us.astype(np.float32), vs.astype(np.float32), cv2.INTER_LINEAR)
    return np.asarray(found, dtype=np.uint8)


def _lit(picture: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Light that falls off to one side, and often the edge of a soft shadow."""
    height, width = picture.shape[:2]
    xs, ys = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
    angle = rng.uniform(0.0, 2.0 * np.pi)
    light = 1.0 + float(rng.uniform(0.0, 0.3)) * (xs * np.cos(angle) + ys * np.sin(angle))
    if rng.random() < 0.4:
        angle, place = rng.uniform(0.0, 2.0 * np.pi), rng.uniform(-0.8, 0.8)
        edge = (xs * np.cos(angle) + ys * np.sin(angle) - place) / rng.uniform(0.02, 0.4)
        if rng.random() < 0.5:  # a leg's, not a wall's
            edge = rng.uniform(1.0, 4.0) - np.abs(edge)
        light *= 1.0 - float(rng.uniform(0.2, 0.6)) / (1.0 + np.exp(-np.clip(edge, -30, 30)))
    return np.asarray(np.clip(picture * light[..., None], 0, 255), dtype=np.uint8)
