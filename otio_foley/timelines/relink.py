"""Finding the movie that a clip was cut from, and where in it the clip lies.

Order: the path as written (a relative one from the cut's folder), then every media root by the tail
of that path, by file name, and by clip or reel name; the cut's own folder is the last root. Two
files that fit equally are refused, both named.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import cached_property
from pathlib import Path, PurePosixPath

from otio_foley.errors import MediaMissing, MediaUnreadable, ParseError
from otio_foley.media.picture import MovieInfo
from otio_foley.time import frames_from_timecode, seconds_from_frames, source_extent
from otio_foley.types import Clip

_PICTURE_SUFFIXES = (".mov", ".mp4", ".m4v", ".mxf", ".avi", ".mkv", ".mpg", ".ts", ".mts", ".webm")


class MediaFinder:
    """Knows where to look; the folders are listed once, when first needed."""

    def __init__(self, cut_folder: Path, roots: Sequence[Path]) -> None:
        self.cut_folder = cut_folder
        self.roots = tuple(roots)

    @cached_property
    def _files(self) -> dict[str, list[Path]]:
        """Files below the roots by case-folded name."""
        files: dict[str, list[Path]] = {}
        for root in self.roots:
            for folder, folders, names in os.walk(root):
                folders.sort()
                for name in sorted(names):
                    files.setdefault(name.casefold(), []).append(Path(folder, name))
        return files

    def candidates(self, clip: Clip) -> tuple[Path, ...]:
        """Files that may be the clip's medium: those of the first way of looking that finds any."""
        for found in self._ways(clip):
            distinct = {path.resolve(): path for path in found if path.is_file()}
            if distinct:
                return tuple(sorted(distinct.values()))
        return ()

    def _ways(self, clip: Clip) -> Iterator[list[Path]]:
        if clip.media_path is not None:
            written = PurePosixPath(clip.media_path.replace("\\", "/"))
            yield [self.cut_folder / written]
            for depth in range(len(written.parts) - 1, 1, -1):
                yield [root.joinpath(*written.parts[-depth:]) for root in self.roots]
            yield self._files.get(written.name.casefold(), [])
            yield [self.cut_folder / written.name]
        for name in (clip.name, clip.reel):
            if name:
                yield self._files.get(name.casefold(), [])
                yield [self.cut_folder / name]
                yield self._by_stem(name)

    def _by_stem(self, name: str) -> list[Path]:
        wanted = name.casefold()
        beside = self.cut_folder.iterdir() if self.cut_folder.is_dir() else ()
        everywhere = [path for paths in self._files.values() for path in paths]
        return [
            path
            for path in (*everywhere, *sorted(beside))
            if path.suffix.lower() in _PICTURE_SUFFIXES and path.stem.casefold() == wanted
        ]


def relink(
    clip: Clip, finder: MediaFinder, probe: Callable[[Path], MovieInfo]
) -> tuple[MovieInfo, Fraction]:
    """The clip's movie, and what the clip's source clock reads at its first frame.

    Raises MediaMissing if nothing or more than one thing fits, MediaUnreadable if what fits cannot
    be decoded.
    """
    paths = finder.candidates(clip)
    if not paths:
        sought = clip.media_path or clip.name or clip.reel
        raise MediaMissing(f"medium not found: {sought}", hint="name its folder with --media-root")
    fits: list[tuple[MovieInfo, Fraction]] = []
    misfit = ""
    unreadable: MediaUnreadable | None = None
    for path in paths:
        try:
            info = probe(path)
        except MediaUnreadable as error:
            unreadable = error
            continue
        start_s = media_start_s(clip, info)
        if start_s is None:
            misfit = f"{path} does not hold the part of it that the clip shows"
        else:
            fits.append((info, start_s))
    if len(fits) == 1:
        return fits[0]
    if len(fits) > 1:
        names = " and ".join(str(info.path) for info, _ in fits)
        raise MediaMissing(
            f"two media fit equally: {names}", hint="narrow --media-root to the right one's folder"
        )
    if unreadable is not None:
        raise unreadable
    raise MediaMissing(misfit, hint="check that this is the clip's medium and its timecode")


def media_start_s(clip: Clip, info: MovieInfo) -> Fraction | None:
    """Source clock at the medium's first frame, such that the clip lies in the medium.

    What the cut states comes first, then the medium's own timecode, then zero. None: nothing fits.
    """
    readings = [clip.media_start_s, timecode_s(info), Fraction(0)]
    low, high = source_extent(clip.time_map)
    frame_s = 1 / info.frame_rate
    for start_s in readings:
        if start_s is None:
            continue
        # Rounding to frames of another rate may reach past either end by a frame.
        inside = info.duration_s is None or high - start_s <= info.duration_s + 2 * frame_s
        if low - start_s >= -2 * frame_s and (inside or info.is_still):
            return start_s
    return None


def timecode_s(info: MovieInfo) -> Fraction | None:
    """The movie's start timecode in true seconds, None where it has none."""
    if info.timecode is None:
        return None
    try:
        frame = frames_from_timecode(info.timecode, info.frame_rate)
    except ParseError:
        return None  # a tag in some other notation says nothing
    return seconds_from_frames(frame, info.frame_rate)
