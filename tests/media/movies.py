"""Small movies made on the spot: every picture's brightness tells its number."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np


def write_movie(
    path: Path,
    times: Sequence[int],
    *,
    time_base: Fraction,
    codec: str = "libx264",
    size: tuple[int, int] = (64, 48),
    gop: int = 12,
    options: dict[str, str] | None = None,
    timecode: str | None = None,
) -> None:
    """Pictures at `times` (in units of `time_base`); picture n has brightness 10 + 4 n, mod 200."""
    with av.open(str(path), "w", options=options or {}) as container:
        stream = container.add_stream(codec, rate=round(1 / time_base))
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.time_base = time_base
        stream.codec_context.time_base = time_base
        stream.codec_context.gop_size = gop
        if timecode is not None:
            stream.metadata["timecode"] = timecode
        for number, pts in enumerate(times):
            grey = np.full((size[1], size[0], 3), brightness(number), dtype=np.uint8)
            frame = av.VideoFrame.from_ndarray(grey, format="rgb24")
            frame.pts = pts
            frame.time_base = time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def write_sequence(
    path: Path, numbers: Sequence[int], *, codec: str = "png", pix_fmt: str = "rgb24"
) -> None:
    """A picture per number at `path` % number, of brightness 10 + 4 n, mod 200."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        plain = path.parent / f"plain{path.suffix}"  # libavformat would take `%` for a pattern
        with av.open(str(plain), "w", format="image2", options={"update": "1"}) as container:
            stream = container.add_stream(codec, rate=25)
            stream.width, stream.height, stream.pix_fmt = 64, 48, pix_fmt
            grey = np.full((48, 64, 3), brightness(number), dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
            container.mux(stream.encode(None))
        plain.rename(path.parent / (path.name % number))


def brightness(number: int) -> int:
    return 10 + 4 * (number % 50)


def number_of(rgb: np.ndarray) -> int:
    """Number (mod 50) of a decoded picture."""
    return round((float(rgb.mean()) - 10) / 4)
