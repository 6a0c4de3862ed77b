"""Finding the movie that a clip was cut from, and where in it the clip lies.

Order: the path as written (a relative one from the cut's folder), then every media root by the tail
of that path, by file, clip or reel name, and by these without their suffix (a proxy, an EDL); the
cut's own folder is the last root. Two files that fit equally are refused, both named.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path, PurePosixPath

from otio_foley.errors import MediaMissing, MediaUnreadable, ParseError
from otio_foley.files import is_file
from otio_foley.media.picture import MovieInfo
from otio_foley.time import frames_from_timecode, seconds_from_frames, source_extent
from otio_foley.types import Clip

_PICTURE_SUFFIXES = (".mov", ".mp4", ".m4v", ".mxf", ".avi", ".mkv", ".mpg", ".ts", ".mts", ".webm")


class MediaFinder:
    """Knows where to look; the folders are listed once, when first needed."""

    def __init__(
        self, cut_folder: Path, roots: Sequence[Path], probe: Callable[[Path], MovieInfo]
    ) -> None:
        self.cut_folder = cut_folder
        self.roots = tuple(roots)
        self.probe = probe

    @cached_property
    def _by_name(self) -> dict[str, list[Path]]:
        """Files below the roots by case-folded name."""
        files: dict[str, list[Path]] = {}
        for root in self.roots:
            for folder, folders, names in os.walk(root):
                folders.sort()
                for name in sorted(names):
                    files.setdefault(name.casefold(), []).append(Path(folder, name))
        return files

    @cached_property
    def _by_stem(self) -> dict[str, list[Path]]:
        """Movies below the roots and beside the cut by case-folded name without suffix."""
        beside = sorted(self.cut_folder.iterdir()) if self.cut_folder.is_dir() else []
        movies: dict[str, list[Path]] = {}
        for path in (*(path for paths in self._by_name.values() for path in paths), *beside):
            if path.suffix.lower() in _PICTURE_SUFFIXES:
                movies.setdefault(path.stem.casefold(), []).append(path)
        return movies

    def candidates(self, clip: Clip) -> tuple[Path, ...]:
        """Files that may be the clip's medium: those of the first way of looking that finds any."""
        for found in self._ways(clip):
            distinct = {path.resolve(): path for path in found if is_file(path)}
            if distinct:
                return tuple(sorted(distinct.values()))
        return ()

    def _ways(self, clip: Clip) -> Iterator[list[Path]]:
        names = [name for name in (clip.name, clip.reel) if name]
        if clip.media_path is not None:
            written = PurePosixPath(clip.media_path.replace("\\", "/"))
            yield [self.cut_folder / written]
            for depth in range(len(written.parts) - 1, 1, -1):
                yield [root.joinpath(*written.parts[-depth:]) for root in self.roots]
            names = [written.name, written.stem, *names]
        for name in names:
            yield self._by_name.get(name.casefold(), [])
            yield [self.cut_folder / name]
        for name in names:
            yield self._by_stem.get(name.casefold(), [])


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A clip's movie, what the clip's source clock reads at its first frame, and what the person
    should know about how that was settled ("" if it was as the cut says)."""

    info: MovieInfo
    media_start_s: Fraction
    note: str


def relink(clip: Clip, finder: MediaFinder) -> Found:
    """The clip's movie.

    Raises MediaMissing if nothing or more than one thing fits, MediaUnreadable if what fits cannot
    be decoded.
    """
    paths = finder.candidates(clip)
    if not paths:
        sought = clip.media_path or clip.name or clip.reel
        raise MediaMissing(f"medium not found: {sought}", hint="name its folder with --media-root")
    fits: list[Found] = []
    misfit = ""
    unreadable: MediaUnreadable | None = None
    for path in paths:
        try:
            info = finder.probe(path)
        except MediaUnreadable as error:
            unreadable = error
            continue
        found = _placed(clip, info)
        if found is None:
            misfit = f"{path} does not hold the part of it that the clip shows"
        else:
            fits.append(found)
    if len(fits) == 1:
        return fits[0]
    if len(fits) > 1:
        names = " and ".join(str(found.info.path) for found in fits)
        raise MediaMissing(
            f"two media fit equally: {names}", hint="narrow --media-root to the right one's folder"
        )
    if unreadable is not None:
        raise unreadable
    raise MediaMissing(misfit, hint="check that this is the clip's medium and its timecode")


def _placed(clip: Clip, info: MovieInfo) -> Found | None:
    """The clip in this medium, by the first clock under which the medium holds it: what the cut
    states, then the medium's own timecode, then zero."""
    readings = [
        (clip.media_start_s, ""),
        (timecode_s(info), "placed by the medium's timecode, not by the cut's"),
        (Fraction(0), "placed from the medium's first frame, not by timecode"),
    ]
    for start_s, note in readings:
        if start_s is not None and _holds(clip, info, start_s):
            said = clip.media_start_s is not None and start_s != clip.media_start_s
            return Found(info=info, media_start_s=start_s, note=note if said else "")
    return None


def _holds(clip: Clip, info: MovieInfo, start_s: Fraction) -> bool:
    low, high = source_extent(clip.time_map)
    # Rounding to frames of another rate may reach past either end by a frame or two.
    slack_s = 2 / info.frame_rate
    if low - start_s < -slack_s:
        return False
    return info.is_still or info.duration_s is None or high - start_s <= info.duration_s + slack_s


def timecode_s(info: MovieInfo) -> Fraction | None:
    """The movie's start timecode in true seconds, None where it has none."""
    if info.timecode is None:
        return None
    try:
        frame = frames_from_timecode(info.timecode, info.frame_rate)
    except ParseError:
        return None  # a tag in some other notation says nothing
    return seconds_from_frames(frame, info.frame_rate)
