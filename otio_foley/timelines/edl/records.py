"""What a CMX3600 list is made of: lines, events, and what the comments around them say."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

#: Control-Z, with which old systems end a text.
END_OF_FILE = "\x1a"


# A list has thousands of lines: as tuples they are made in a third of the time of a dataclass.
class Line(NamedTuple):
    """A line of the file; `number` from 1, `offset` and `end` (behind its newline) in bytes.

    `text` is without its newline and without an end-of-file mark.
    """

    number: int
    text: str
    offset: int
    end: int


class Speed(NamedTuple):
    """An M2 line: source frames a second, negative in reverse, and the source time it begins at."""

    reel: str
    frames_per_second: str
    timecode: str | None


class Note(NamedTuple):
    """A comment that says something known: `key` in capitals ("FROM CLIP NAME").

    `lines` are more than one where a program has broken a long comment.
    """

    key: str
    value: str
    lines: tuple[Line, ...]


class Fields(NamedTuple):
    """Which word of an event line begins a field (the number is word 0); -1 for a missing one."""

    reel: int
    channels: int
    kind: int


@dataclass(slots=True)
class Event:
    """An event line and what belongs to it. `drop` is the FCM in force there, None before any.

    `timecodes` are source in, source out, record in, record out, as written; they begin in column
    `times_at`. `length` is how many frames a dissolve, wipe or key takes. `above` and `block` are
    the lines on either side, up to the next line that is an event or looks like one. `is_ours`:
    whether we wrote it. `marker` is (name, note).
    """

    line: Line
    number: str
    reel: str
    channels: str
    kind: str
    length: int
    timecodes: tuple[str, str, str, str]
    times_at: int
    fields: Fields
    drop: bool | None
    has_picture: bool
    is_ours: bool = False
    above: list[Line] = field(default_factory=list)
    block: list[Line] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    speeds: list[Speed] = field(default_factory=list)
    freeze: bool = False
    marker: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class List:
    """A whole list. `broken` are lines that look like events and cannot be read as one.

    `text` is all of it: what does not stand there at all is not looked for line by line.
    """

    text: str = field(repr=False)
    encoding: str
    newline: str
    lines: tuple[Line, ...]
    title: str
    events: tuple[Event, ...]
    broken: tuple[Line, ...]
    reels: dict[str, str]
    last_drop: bool | None

    def holds(self, *words: str) -> bool:
        """Whether one of these words in capitals stands anywhere, in either case."""
        capitals = self.text.upper()
        return any(word in capitals for word in words)
