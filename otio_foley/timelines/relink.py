"""Finding the movie that a clip was cut from, and where in it the clip lies.

Order: the path as written (a relative one from the cut's folder), then every media root by the tail
of that path, by file, clip or reel name, by these without their suffix (a proxy, an EDL), and by
the beginning of a name or a folder's name that is the reel, where the movie's own timecode proves
it; the cut's own folder is the last root. Upper and lower case and the form of accents (macOS) are
not told apart unless the disk has both. What is found but cannot be it is passed over; two files
that fit equally are refused, both named.
"""

from __future__ import annotations

import os
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache, cached_property
from pathlib import Path, PurePath, PurePosixPath

from otio_foley.errors import InputError, MediaMissing, MediaUnreadable, ParseError
from otio_foley.files import is_file
from otio_foley.media.picture import MovieInfo, at_rate
from otio_foley.media.sequence import ImageSequence, pattern_in, sequence_at, sequences_in
from otio_foley.time import (
    frames_from_seconds,
    frames_from_timecode,
    seconds_from_frames,
    source_extent,
)
from otio_foley.types import Clip

_MOVIE_SUFFIXES = frozenset(
    (
        *(".mov", ".mp4", ".m4v", ".mxf", ".avi", ".mkv", ".mpg", ".mpeg", ".m2v"),
        *(".ts", ".mts", ".m2ts", ".webm", ".dv"),
    )
)

#: A path of more parts is none that a system knows; it is sought as written and by its end.
_MOST_PARTS = 64


class MediaFinder:
    """Knows where to look; folders are listed once, when first needed.

    `cut_folder` is what relative paths begin at: the cut's own folder or, for a bundle, that of its
    media; `beside` is then where the bundle lies.
    """

    def __init__(
        self,
        cut_folder: Path,
        roots: Sequence[Path],
        probe: Callable[[Path], MovieInfo],
        beside: Path | None = None,
    ) -> None:
        self.cut_folder = cut_folder
        self.own_folders = tuple(dict.fromkeys((cut_folder, beside or cut_folder)))
        self.roots = tuple(roots)
        self.probe = probe
        self.sequences_in = cache(sequences_in)
        self._listing = cache(_listing)

    @cached_property
    def _indices(self) -> tuple[_Index, _Index]:
        """All that lies below the roots, and what lies beside the cut."""
        below: dict[Path, list[str]] = {}
        for root in self.roots:
            for folder, folders, names in os.walk(root):
                folders.sort()
                below[Path(folder)] = sorted(names)
        own = {
            folder: sorted(name for names in self._listing(folder).values() for name in names)
            for folder in self.own_folders
        }
        return _Index(below), _Index(own)

    def candidates(self, clip: Clip) -> tuple[Path, ...]:
        """Files that may be the clip's medium: those of the first way of looking that finds any."""
        return next(self.ways(clip), ())

    def ways(self, clip: Clip) -> Iterator[tuple[Path, ...]]:
        """What each way of looking finds, in their order; nothing empty, nothing twice."""
        seen: set[Path] = set()
        for paths in self._ways(clip):
            distinct = {_identity(path): path for path in paths}
            new = tuple(sorted(path for real, path in distinct.items() if real not in seen))
            seen.update(distinct)
            if new:
                yield new

    def _ways(self, clip: Clip) -> Iterator[list[Path]]:
        names = [name for name in (clip.name, clip.reel) if name]
        written = PurePosixPath((clip.media_path or "").replace("\\", "/"))
        if written.name:
            yield self._there(self.cut_folder / written)
            longest = len(written.parts) - written.is_absolute()
            for depth in range(min(_MOST_PARTS, longest), 1, -1):
                tail = written.parts[-depth:]
                for places in (self.roots, self.own_folders):
                    yield [path for place in places for path in self._there(place.joinpath(*tail))]
            names = [written.name, written.stem, *names]
        for name in names:
            for index in self._indices:
                yield index.named(name)
        for name in names:
            for index in self._indices:
                yield index.with_stem(name)

    def of_reel(self, reel: str) -> tuple[Path, ...]:
        """Movies whose names begin with a reel's, or that lie in a folder of its name."""
        return tuple(path for index in self._indices for path in index.of_reel(reel))

    def _there(self, path: Path) -> list[Path]:
        """What lies at a path, else at those that are spelt otherwise (case, accents)."""
        exact = self._at(path)
        if exact or len(path.parts) > 2 * _MOST_PARTS:
            return exact
        places = [Path(path.anchor)]
        for part in path.parts[bool(path.anchor) :]:
            # A pattern is no name in a folder, nor is "..".
            places = [
                place / name
                for place in places
                for name in self._listing(place).get(_key(part), (part,))
            ]
        return [found for place in places for found in self._at(place)]

    def _at(self, path: Path) -> list[Path]:
        """The file, the image sequence by its pattern, or all sequences in the folder."""
        if is_file(path):
            return [path]
        named = sequence_at(path)
        return [one.path for one in ([named] if named else self.sequences_in(path))]


class _Index:
    """The files in some folders, by what they are sought by."""

    def __init__(self, folders: Mapping[Path, Sequence[str]]) -> None:
        self._folders = folders

    @cached_property
    def _by_name(self) -> dict[str, list[Path]]:
        files: dict[str, list[Path]] = defaultdict(list)
        for folder, names in self._folders.items():
            for name in names:
                files[_key(name)].append(folder / name)
        return files

    @cached_property
    def _sequences(self) -> dict[tuple[str, str], list[ImageSequence]]:
        """Image sequences by what stands before and behind their numbers."""
        found: dict[tuple[str, str], list[ImageSequence]] = defaultdict(list)
        for folder, names in self._folders.items():
            for sequence in sequences_in(folder, names):
                found[_key(sequence.pattern.head), _key(sequence.pattern.tail)].append(sequence)
        return found

    @cached_property
    def _by_stem(self) -> dict[str, list[Path]]:
        """Movies by their name without suffix, image sequences by theirs without number too."""
        movies: dict[str, list[Path]] = defaultdict(list)
        for name, paths in self._by_name.items():
            if PurePath(name).suffix in _MOVIE_SUFFIXES:
                movies[PurePath(name).stem] += paths
        for (head, _), sequences in self._sequences.items():
            movies[_without_end(head)] += [sequence.path for sequence in sequences]
        return movies

    def named(self, name: str) -> list[Path]:
        """Files and image sequences of a name."""
        found = [path for path in self._by_name.get(_key(name), ()) if is_file(path)]
        pattern = pattern_in(name)
        if found or pattern is None:
            return found
        alike = self._sequences.get((_key(pattern.head), _key(pattern.tail)), ())
        # Under the name that the cut gives them, which may state a range.
        return [(sequence_at(one.path.parent / name) or one).path for one in alike]

    def with_stem(self, name: str) -> list[Path]:
        """Movies and image sequences of a name without suffix and number."""
        pattern = pattern_in(name)
        stem = name if pattern is None else _without_end(pattern.head)
        return self._by_stem.get(_key(stem), [])

    def of_reel(self, reel: str) -> Iterator[Path]:
        key = _key(reel)
        for stem, paths in sorted(self._by_stem.items()):
            for path in paths:
                if stem.startswith(key) or _key(path.parent.name) == key:
                    yield path


def _identity(path: Path) -> Path:
    """The same for all names of a file, or of the image sequence that a pattern names."""
    pattern = None if is_file(path) else pattern_in(path.name)
    if pattern is None:
        return path.resolve()
    return path.parent.resolve() / _key(f"{pattern.head}%{pattern.tail}")


def _without_end(head: str) -> str:
    """A sequence's name of what stands before its number: `shot` of `shot.`."""
    return head.rstrip(" ._-")


def _key(name: str) -> str:
    """The same for all spellings of a name."""
    return unicodedata.normalize("NFC", name).casefold()


def _listing(folder: Path) -> dict[str, list[str]]:
    """What lies in a folder, by key; nothing where it is none."""
    names: dict[str, list[str]] = defaultdict(list)
    try:
        for path in sorted(folder.iterdir()):
            names[_key(path.name)].append(path.name)
    except (OSError, ValueError):
        return {}
    return names


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A clip's movie, what the clip's source clock reads at its first frame, and what the person
    should know about how that was settled ("" if it was as the cut says)."""

    info: MovieInfo
    media_start_s: Fraction
    note: str


def relink(clip: Clip, finder: MediaFinder, frame_rate: Fraction | None = None) -> Found:
    """The clip's movie; `frame_rate` is the timeline's, for image sequences of a clip without one.

    Raises MediaMissing if nothing or more than one thing fits, MediaUnreadable if what fits cannot
    be decoded.
    """
    rate = clip.source_rate or frame_rate
    passed_over: InputError | None = None
    for paths in finder.ways(clip):
        fits: list[Found] = []
        for path in paths:
            try:
                fits.append(_fit(clip, path, finder, rate))
            except (MediaMissing, MediaUnreadable) as error:
                passed_over = passed_over or error
        if fits:
            return _only(fits, passed_over)
    proven = [] if clip.reel is None else list(_by_timecode(clip, clip.reel, finder, rate))
    if proven:
        return _only(proven, passed_over)
    if passed_over is not None:
        raise passed_over
    sought = clip.media_path or clip.name or clip.reel
    raise MediaMissing(f"medium not found: {sought}", hint="name its folder with --media-root")


def _only(fits: Sequence[Found], passed_over: InputError | None) -> Found:
    if len(fits) > 1:
        names = " and ".join(str(found.info.path) for found in fits)
        raise MediaMissing(
            f"two media fit equally: {names}", hint="narrow --media-root to the right one's folder"
        )
    (found,) = fits
    if passed_over is None:
        return found
    notes = (found.note, f"{found.info.path} is taken, because {passed_over}")
    return replace(found, note="; ".join(filter(None, notes)))


def _fit(clip: Clip, path: Path, finder: MediaFinder, rate: Fraction | None) -> Found:
    """The clip in this file or image sequence. Raises MediaMissing or MediaUnreadable."""
    info = _probed(path, finder, rate)
    found = _as_sequence(clip, info, finder, rate) if info.is_still else None
    found = found or _placed(clip, info)
    if found is None:
        raise MediaMissing(
            f"{path} does not hold the part of it that the clip shows",
            hint="check that this is the clip's medium and its timecode",
        )
    lacks = _missing_frames(clip, found)
    if lacks:
        raise MediaUnreadable(
            f"{path} lacks frames that the clip shows: {lacks}", hint="copy or render them again"
        )
    return found


def _probed(path: Path, finder: MediaFinder, rate: Fraction | None) -> MovieInfo:
    info = finder.probe(path)
    return info if rate is None else at_rate(info, rate)


def _by_timecode(
    clip: Clip, reel: str, finder: MediaFinder, rate: Fraction | None
) -> Iterator[Found]:
    """Movies of the reel whose own timecode says that they hold the part."""
    for path in finder.of_reel(reel):
        try:
            info = _probed(path, finder, rate)
        except (MediaMissing, MediaUnreadable):
            continue
        start_s = timecode_s(info)
        if start_s is not None and _holds(clip, info, start_s):
            found = Found(
                info=info, media_start_s=start_s, note=f"found by reel {reel} and timecode"
            )
            if not _missing_frames(clip, found):
                yield found


def _as_sequence(
    clip: Clip, still: MovieInfo, finder: MediaFinder, rate: Fraction | None
) -> Found | None:
    """The image sequence that a picture is a frame of, where the clip moves in it: a cut may name a
    sequence by its first frame. A still that is held is told from it by its neighbours: of a
    sequence, frames for the whole clip follow, or their numbers are the clip's source timecode."""
    low_s, high_s = source_extent(clip.time_map)
    alike = finder.sequences_in(still.path.parent)
    sequence = next((one for one in alike if still.path.name in one.names), None)
    if low_s == high_s or sequence is None:
        return None
    info = _probed(sequence.path, finder, rate)
    found = _placed(clip, info)
    if found is None or _missing_frames(clip, found):
        return None
    first_s = seconds_from_frames(sequence.first, info.frame_rate)
    by_number = 0 < first_s == found.media_start_s <= low_s
    if still.path.name != sequence.names[0] and not by_number:
        return None
    note = f"taken for a frame of the image sequence {sequence.path.name}"
    return replace(found, note="; ".join(filter(None, (found.note, note))))


def _missing_frames(clip: Clip, found: Found) -> str:
    """Which frames of an image sequence the clip shows and are not there; "" if none."""
    sequence = found.info.sequence
    if sequence is None:
        return ""
    low, high = (
        sequence.first + frames_from_seconds(edge_s - found.media_start_s, found.info.frame_rate)
        for edge_s in source_extent(clip.time_map)
    )
    return sequence.missing(max(low, sequence.first), min(max(low, high - 1), sequence.last))


def _placed(clip: Clip, info: MovieInfo) -> Found | None:
    """The clip in this medium, by the first clock under which the medium holds it: what the cut
    states, then the medium's own timecode, then zero. The numbers of an image sequence come before
    what the cut states, unless that is zero: frames may have been removed from its beginning."""
    readings = [
        (clip.media_start_s, ""),
        (timecode_s(info), "placed by the medium's timecode, not by the cut's"),
        (Fraction(0), "placed from the medium's first frame, not by timecode"),
    ]
    if info.sequence is not None and clip.media_start_s:
        readings[:2] = (timecode_s(info), ""), (clip.media_start_s, "")
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
