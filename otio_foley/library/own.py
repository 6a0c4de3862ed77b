"""The library that comes with the program: the first takes lie in `samples/`, the rest are made
from their seeds when they are first wanted, and kept."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Final

import numpy as np
import platformdirs
from numpy.typing import NDArray

from otio_foley.errors import InputError, OutputError
from otio_foley.files import write_whole
from otio_foley.library.rendering import (
    OWN_KINDS,
    SHIPPED,
    VARIANTS,
    TakeId,
    rendered,
    take_of,
    voicing,
)
from otio_foley.resources import bundled
from otio_foley.synthesis import SAMPLE_RATE_HZ
from otio_foley.synthesis.grounds import GROUNDS
from otio_foley.synthesis.shoes import SHOES
from otio_foley.synthesis.takes import Kind, Take

#: Where our takes lie below `samples/`, and what is said of each.
FOLDER: Final = "footsteps"
INDEX: Final = "samples.toml"

_MOST_HELD: Final = 64


class OwnLibrary:
    """Twelve takes, or fewer, for every floor, shoe and kind of ours (`Takes`).

    `folder` holds the shipped ones; `kept` is where those made on first use are kept, None to keep
    them in memory alone. A folder that cannot be written to does no harm. Raises InputError for a
    shipped file that is damaged.
    """

    def __init__(
        self, folder: Path | None = None, kept: Path | None = None, variants: int = VARIANTS
    ) -> None:
        self._given = folder
        self._kept = kept
        self._variants = variants
        self._held = lru_cache(maxsize=_MOST_HELD)(self._takes)

    @cached_property
    def _folder(self) -> Path:
        return bundled("samples") / FOLDER if self._given is None else self._given

    def __call__(self, floor: str, shoe: str, kind: Kind) -> Sequence[Take]:
        if floor not in GROUNDS or shoe not in SHOES or kind not in OWN_KINDS:
            return ()
        return self._held(floor, shoe, kind)

    def _takes(self, floor: str, shoe: str, kind: Kind) -> tuple[Take, ...]:
        ids = [
            TakeId(floor=floor, shoe=shoe, kind=kind, variant=variant)
            for variant in range(self._variants)
        ]
        return tuple(take_of(one, self._pcm(one)) for one in ids)

    def _pcm(self, one: TakeId) -> NDArray[np.int16]:
        shipped = self._folder / one.file
        if one.variant < SHIPPED and shipped.exists():
            return read_take(shipped)
        if self._kept is None:
            return rendered(one)
        path = self._kept / one.file
        # What was kept may have been cut short by a full disk: then it is made again.
        with contextlib.suppress(InputError):
            if path.exists():
                return read_take(path)
        pcm = rendered(one)
        with contextlib.suppress(OSError, OutputError):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_take(path, pcm)
        return pcm


def default_library() -> OwnLibrary:
    """The library that ships, with takes kept in the user's cache folder."""
    return OwnLibrary(kept=Path(platformdirs.user_cache_dir("otio-foley")) / f"takes-{voicing()}")


def write_take(path: Path, pcm: NDArray[np.int16]) -> None:
    """A take's file, whole or not at all; what lies there is replaced. Raises OutputError."""
    import soundfile

    def write(beside: Path) -> None:
        try:
            soundfile.write(beside, pcm, SAMPLE_RATE_HZ, format="FLAC", subtype="PCM_16")
        except soundfile.LibsndfileError as error:
            raise OSError(str(error)) from error

    write_whole(path, write, overwrite=True)


def read_take(path: Path) -> NDArray[np.int16]:
    """Samples (N,) of a take's file; raises InputError where it is none."""
    import soundfile

    try:
        pcm, rate = soundfile.read(path, dtype="int16")
    except (OSError, soundfile.LibsndfileError) as error:
        raise InputError(f"{path} is damaged: {error}", hint="install otio-foley again") from error
    if rate != SAMPLE_RATE_HZ or pcm.ndim != 1 or not len(pcm):
        raise InputError(f"{path} is no take of ours", hint="install otio-foley again")
    return np.asarray(pcm, dtype=np.int16)
