"""Image sequences: movies kept as one numbered file per frame, and how they are named.

A sequence is named by a pattern in place of the frame number (`shot.%04d.exr`, `shot.####.exr`),
by its range (`shot.[1001-1100].exr`), or by the folder that holds just that one.
"""

from __future__ import annotations

import os
import re
import unicodedata
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

#: Pictures of which sequences are made; libavcodec reads all of them.
IMAGE_SUFFIXES = frozenset(
    (".bmp", ".dpx", ".exr", ".j2k", ".jp2", ".jpeg", ".jpg", ".png", ".tga", ".tif", ".tiff")
)

_PATTERNS = (
    re.compile(r"(?<!%)(?:%%)*(?P<number>%(?:0?(?P<digits>[0-9]{1,2}))?d)"),
    re.compile(r"(?P<number>(?P<hashes>#+))"),
    re.compile(r"(?P<number>\[(?P<first>[0-9]{1,12})-(?P<last>[0-9]{1,12})\])"),
)

#: The number of a frame is the last one in its name.
_FRAME = re.compile(r"(.*?)([0-9]{1,12})(\.[^.0-9][^.]*)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """What the names of a sequence's frames have in common: what stands before and behind the
    number, how many digits that has at least, and its range, where that is stated."""

    head: str
    tail: str
    digits: int
    ends: tuple[int, int] | None = None

    def name(self) -> str:
        """`shot.%04d.exr`; percent signs are doubled."""
        head, tail = (text.replace("%", "%%") for text in (self.head, self.tail))
        return f"{head}%0{self.digits}d{tail}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSequence:
    """`path` names all of it, `first` and `last` are its ends (of the range in its name, else of
    what is there), `numbers` the frames that are there, in rising order, and `names` their files.
    """

    path: Path
    pattern: Pattern
    first: int
    last: int
    numbers: tuple[int, ...]
    names: tuple[str, ...]

    def files(self, first: int, last: int) -> Iterator[tuple[int, Path]]:
        """(number, file) of the frames that are there from `first` to `last`."""
        for at in range(bisect_left(self.numbers, first), bisect_left(self.numbers, last + 1)):
            yield self.numbers[at], self.path.parent / self.names[at]

    def missing(self, first: int, last: int) -> str:
        """The frames from `first` to `last` that are not there, `1003, 1010-1012`; "" if none."""
        gaps = []
        expected = first
        for number, _ in (*self.files(first, last), (last + 1, None)):
            if number > expected:
                one = number - 1 == expected
                gaps.append(str(expected) if one else f"{expected}-{number - 1}")
            expected = number + 1
        return ", ".join(gaps)


def pattern_in(name: str) -> Pattern | None:
    """The last pattern in a file name; None if it holds none."""
    matches = [match for kind in _PATTERNS for match in kind.finditer(name)]
    if not matches:
        return None
    match = max(matches, key=lambda match: match.end())
    fields, (start, end) = match.groupdict(), match.span("number")
    head, tail = name[:start], name[end:]
    if "first" in fields:
        ends = int(fields["first"]), int(fields["last"])
        return Pattern(head=head, tail=tail, digits=len(fields["first"]), ends=ends)
    if "hashes" in fields:
        return Pattern(head=head, tail=tail, digits=len(fields["hashes"]))
    head, tail = (text.replace("%%", "%") for text in (head, tail))
    return Pattern(head=head, tail=tail, digits=int(fields["digits"] or 1))


def sequence_at(path: Path) -> ImageSequence | None:
    """The sequence that a path names by a pattern; None if it names none or none is there."""
    pattern = pattern_in(path.name)
    if pattern is None:
        return None
    folder, found = path.parent, {}
    if "%%" in str(folder) and not folder.is_dir():
        folder = Path(str(folder).replace("%%", "%"))  # a percent sign, as `printf` writes it
    head, tail = (re.escape(_composed(text)) for text in (pattern.head, pattern.tail))
    number = rf"([0-9]{{{pattern.digits}}}|[1-9][0-9]{{{pattern.digits},}})"
    is_frame = re.compile(head + number + tail)
    for name in _names_in(folder):
        match = is_frame.fullmatch(_composed(name))
        if match and (not pattern.ends or pattern.ends[0] <= int(match[1]) <= pattern.ends[1]):
            found[int(match[1])] = name
    return _sequence(folder / path.name, pattern, found) if found else None


def sequences_in(folder: Path, names: Iterable[str] | None = None) -> tuple[ImageSequence, ...]:
    """All sequences of two frames or more in a folder, whose files have these names."""
    frames: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for name in _names_in(folder) if names is None else names:
        match = _FRAME.fullmatch(name)
        if match is not None and match[3].lower() in IMAGE_SUFFIXES:
            frames[match[1], match[3]].append((match[2], name))
    found = []
    for (head, tail), numbered in sorted(frames.items()):
        digits = min(len(number) for number, _ in numbered)
        # Longer numbers have no leading zeros, or belong to another sequence.
        files = {
            int(number): name
            for number, name in numbered
            if len(number) == digits or not number.startswith("0")
        }
        if len(files) > 1:
            pattern = Pattern(head=head, tail=tail, digits=digits)
            found.append(_sequence(folder / pattern.name(), pattern, files))
    return tuple(found)


def _sequence(path: Path, pattern: Pattern, files: dict[int, str]) -> ImageSequence:
    numbers = tuple(sorted(files))
    first, last = pattern.ends or (numbers[0], numbers[-1])
    return ImageSequence(
        path=path,
        pattern=pattern,
        first=first,
        last=last,
        numbers=numbers,
        names=tuple(files[number] for number in numbers),
    )


def _composed(name: str) -> str:
    """macOS writes accents as characters of their own."""
    return unicodedata.normalize("NFC", name)


def _names_in(folder: Path) -> Sequence[str]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if entry.is_file())
    except (OSError, ValueError):
        return ()
