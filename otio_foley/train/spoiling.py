"""What cameras, laboratories and codecs do to a picture that a network learns from."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

#: How many pictures have lost their colour where they are as bad as can be.
_COLOURLESS = 0.4


def spoiled(
    picture: NDArray[np.uint8], rng: np.random.Generator, strength: float
) -> NDArray[np.uint8]:
    """A picture (H, W, 3) of another exposure, cast, contrast and colour, softer, grainier and
    compressed; `strength` 0 leaves it nearly as it is, 1 is as bad as it gets."""
    levels = picture.astype(np.float32)
    levels *= np.exp(strength * rng.normal(0.0, 0.2))
    levels *= np.exp(strength * rng.normal(0.0, 0.08, 3)).astype(np.float32)
    levels = (levels - 115.0) * float(np.exp(strength * rng.normal(0.0, 0.2))) + 115.0
    grey = levels @ np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)
    colourless = rng.random() < _COLOURLESS * strength
    colour = 0.0 if colourless else 1.0 + strength * rng.uniform(-0.5, 0.25)
    levels = grey[..., None] + np.float32(colour) * (levels - grey[..., None])
    if rng.random() < 0.3 * strength:
        softness = float(rng.uniform(0.4, 1.5))
        levels = np.asarray(cv2.GaussianBlur(levels, (0, 0), softness), dtype=np.float32)
    if rng.random() < 0.5 * strength:
        grains = (*picture.shape[:2], 1 if colourless else 3)
        grain = rng.standard_normal(grains, dtype=np.float32)
        levels = levels + float(rng.uniform(1.0, 10.0)) * grain
    bad = np.clip(levels, 0.0, 255.0).astype(np.uint8)
    if rng.random() < 0.4 * strength:
        quality = int(rng.integers(20, 80))
        _, data = cv2.imencode(".jpg", bad, [cv2.IMWRITE_JPEG_QUALITY, quality])
        bad = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), dtype=np.uint8)
    return bad
