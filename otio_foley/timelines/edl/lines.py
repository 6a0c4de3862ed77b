"""A CMX3600 list as lines: what each one is, where its bytes stand, and to which event it belongs.

Nothing is rejected here: a line that is no event, speed or known comment is kept as it is. What
stands below an event is its *block*, which ends at the next line that is an event or looks like
one.
"""

from __future__ import annotations

import re

from otio_foley.errors import ParseError
from otio_foley.timelines.edl.blocks import TIMECODE, read_blocks
from otio_foley.timelines.edl.ours import OWN_MARK
from otio_foley.timelines.edl.records import END_OF_FILE, Event, Fields, Line, List

_FOUR_TIMECODES = re.compile(rf"(?<!\S)({TIMECODE})\s+({TIMECODE})\s+({TIMECODE})\s+({TIMECODE})")
_LIKE_AN_EVENT = re.compile(rf"^\s*\d+\s+\S.*?(?<!\S){TIMECODE}")
_CHANNELS = re.compile(
    r"^(?:NONE|B|(?:A\d{0,4}|V\d{0,2})(?:[/+,]?(?:A\d{0,4}|V\d{0,2}))*)$", re.IGNORECASE
)
_KIND = re.compile(r"^(?:C|D|W\d{0,3}|K[BO]?)$", re.IGNORECASE)
_TITLE = re.compile(r"^TITLE\s*:(.*)$", re.IGNORECASE)
_FCM = re.compile(r"^FCM\s*:(.*)$", re.IGNORECASE)
_FULL_REEL = re.compile(r"FINAL CUT PRO REEL:", re.IGNORECASE)
_SHORT_REEL = re.compile(r"\sREPLACED BY:\s*(\S+)", re.IGNORECASE)
_NEWLINE = re.compile(r"\r\n|\n|\r")
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+\Z")


def read_list(raw: bytes) -> List:
    """Sort the lines of a list. Raises ParseError for bytes that no codec of lists fits."""
    text, encoding, offset = _decoded(raw)
    lines = _lines(text, encoding, offset)
    replaces_reels = "REPLACED BY" in text.upper()
    events: list[Event] = []
    broken: list[Line] = []
    reels: dict[str, str] = {}
    title = ""
    drop: bool | None = None
    block: list[Line] = []
    for line in lines:
        words = line.text.strip()
        first = words[:1]
        if first.isdecimal():
            event = event_of(line, drop)
            if event is not None:
                event.above, block = block, event.block
                events.append(event)
                continue
            if _LIKE_AN_EVENT.match(line.text):
                broken.append(line)
                block = []  # what follows speaks of this line, not of the event before it
                continue
        elif first in ("F", "f") and (match := _FCM.match(words)):
            mode = match[1].upper()
            drop = "NON" not in mode and "NDF" not in mode and "D" in mode
            continue
        elif first in ("T", "t") and (match := _TITLE.match(words)):
            title = title or match[1].strip()
            continue
        block.append(line)
        if replaces_reels and (names := _reel_names(line.text)):
            reels[names[0].upper()] = names[1]
    read_blocks(events, marked=OWN_MARK in text)
    return List(
        text=text,
        encoding=encoding,
        newline=_newline(text),
        lines=lines,
        title=title,
        events=tuple(events),
        broken=tuple(broken),
        reels=reels,
        last_drop=drop,
    )


def _decoded(raw: bytes) -> tuple[str, str, int]:
    """(text, codec, length of the byte order mark)."""
    marks = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
    for mark, encoding in marks:
        if raw.startswith(mark):
            try:
                return raw[len(mark) :].decode(encoding), encoding, len(mark)
            except UnicodeDecodeError as error:
                if encoding != "utf-8":
                    raise ParseError(f"the list is damaged UTF-16: {error.reason}") from error
    try:
        return raw.decode("utf-8"), "utf-8", 0
    except UnicodeDecodeError:
        return raw.decode("latin-1"), "latin-1", 0


def _newline(text: str) -> str:
    match = _NEWLINE.search(text)
    return match[0] if match else "\n"


def _lines(text: str, encoding: str, offset: int) -> tuple[Line, ...]:
    a_byte_each = encoding == "utf-8" and text.isascii()
    lines = []
    for number, whole in enumerate(_LINE.findall(text), 1):
        end = offset + len(whole if a_byte_each else whole.encode(encoding))
        content = whole.rstrip("\r\n").rstrip(END_OF_FILE + "\0")
        lines.append(Line(number, content, offset, end))
        offset = end
    return tuple(lines)


def event_of(line: Line, drop: bool | None) -> Event | None:
    """The event that a line is, read from its timecodes to the left; None if it is none.

    `001  TAPE 7   V     D    024 <four timecodes>`: a reel may hold blanks or be missing, and
    some lists leave a dissolve's letter out.
    """
    times = _FOUR_TIMECODES.search(line.text)
    if times is None:
        return None
    head = line.text[: times.start()]
    words = head.split()
    count = len(words)
    if not words or not (words[0].isascii() and words[0].isdigit()):
        return None
    number = words[0]
    kind, kind_at, length = _take_kind(words)
    channels, channels_at = "V", -1
    if len(words) > 1 and _CHANNELS.match(words[-1]):
        channels, channels_at = words.pop(), len(words)
    reel = ""
    if len(words) > 1:
        reel = head.split(None, 1)[1].rsplit(None, count - len(words))[0]
    capitals = channels.upper()
    return Event(
        line=line,
        number=number,
        reel=reel,
        channels=channels,
        kind=kind,
        length=length,
        timecodes=(times[1], times[2], times[3], times[4]),
        times_at=times.start(),
        fields=Fields(1 if len(words) > 1 else -1, channels_at, kind_at),
        drop=drop,
        has_picture="V" in capitals or capitals == "B",
    )


def _take_kind(words: list[str]) -> tuple[str, int, int]:
    """Take the transition off the end: its letter, word and length (0 where none is given)."""
    length = ""
    if len(words) > 2 and len(words[-1]) <= 4 and words[-1].isdecimal():
        previous = words[-2]
        if _KIND.match(previous) or _CHANNELS.match(previous) or previous.upper() in ("O", "(F)"):
            length = words.pop()
    frames = int(length or 0)
    if len(words) > 1 and words[-1].upper() == "(F)":
        words.pop()
    if len(words) > 2 and words[-1].upper() in ("B", "O") and words[-2].upper() == "K":
        letter = words.pop()
        words.pop()
        return "K" + letter.upper(), len(words), frames
    if len(words) > 1 and _KIND.match(words[-1]):
        return words.pop().upper(), len(words), frames
    return ("D" if length else "C"), -1, frames


def _reel_names(text: str) -> tuple[str, str] | None:
    """(short, full) name of `FINAL CUT PRO REEL: <full> REPLACED BY: <short>`; None elsewhere."""
    begin = _FULL_REEL.search(text)
    end = _SHORT_REEL.search(text, begin.end()) if begin is not None else None
    if begin is None or end is None:
        return None
    full = text[begin.end() : end.start()].strip()
    return (end[1], full) if full else None
