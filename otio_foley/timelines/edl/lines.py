"""A CMX3600 list as lines: what each one is, where its bytes stand, and to which event it belongs.

Nothing is rejected here: a line that is no event, speed or known comment is kept as it is. What
stands below an event is its *block*, which ends at the next line that is an event or looks like
one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from otio_foley.errors import ParseError
from otio_foley.timelines.document import NAMESPACE

#: How each comment line of ours begins, behind `* `.
OWN_MARK = f"OTIO-FOLEY {NAMESPACE}"

#: Control-Z, with which old systems end a text.
END_OF_FILE = "\x1a"

TIMECODE = r"\d{1,2}[:;.]\d{2}[:;.]\d{2}[:;.,]\d{2,3}"
_FOUR_TIMECODES = re.compile(rf"(?<!\S)({TIMECODE})\s+({TIMECODE})\s+({TIMECODE})\s+({TIMECODE})")
_LIKE_AN_EVENT = re.compile(rf"^\s*\d+\s+\S.*?(?<!\S){TIMECODE}")
_CHANNELS = re.compile(
    r"^(?:NONE|B|(?:A\d{0,4}|V\d{0,2})(?:[/+,]?(?:A\d{0,4}|V\d{0,2}))*)$", re.IGNORECASE
)
_KIND = re.compile(r"^(?:C|D|W\d{0,3}|K[BO]?)$", re.IGNORECASE)
_ONE_TIMECODE = re.compile(TIMECODE)
_SPEED = re.compile(r"^[-+]?\d{1,6}(?:\.\d{0,6})?$")
# These match lines without blanks at their ends. No two parts of a pattern that stand side by side
# may match the same characters: on a long line that would take forever.
_NOTE = re.compile(
    r"^(?:COMMENT\s*:\s*)?(?:\*\s*)?(FROM CLIP NAME|TO CLIP NAME|KEY CLIP NAME|CLIP NAME"
    r"|SOURCE FILE|FROM FILE|TO FILE|FROM CLIP|TO CLIP|REEL NAME|REEL|LOC)\s*:(.*)$",
    re.IGNORECASE,
)
_FREEZE = re.compile(r"^\*[\s*]*FREEZE FRAME", re.IGNORECASE)
_RESOLVE_DURATION = re.compile(r"\|D:\d+$")
_TITLE = re.compile(r"^TITLE\s*:(.*)$", re.IGNORECASE)
_FCM = re.compile(r"^FCM\s*:(.*)$", re.IGNORECASE)
_FULL_REEL = re.compile(r"FINAL CUT PRO REEL:", re.IGNORECASE)
_SHORT_REEL = re.compile(r"\sREPLACED BY:\s*(\S+)", re.IGNORECASE)
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+\Z")
_COMMENT = re.compile(r"^\s*\*")
_OWN_REEL = re.compile(r"^FS\d+$", re.IGNORECASE)
#: What we write behind each event of ours, in this order.
OWN_NOTES = ("FROM CLIP NAME", "SOURCE FILE", "FROM CLIP")
#: Of locators ours have a step's name; a person's own may stand there, too.
_OWN_LOCATOR = re.compile(r"^\S+\s+(?:MAGENTA|YELLOW)\s+\w+\s+(?:left|right)$", re.IGNORECASE)
_CLIP_NAMES = frozenset(("FROM CLIP NAME", "TO CLIP NAME", "KEY CLIP NAME", "CLIP NAME"))
#: From this length on a comment may go on in the next one (Avid breaks at 80 characters).
_WRAPPED_FROM = 79
#: No path or name is longer: what goes on beyond it is none.
_LONGEST_NOTE = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of the file; `number` from 1, `offset` and `end` (behind its newline) in bytes.

    `text` is without its newline and without an end-of-file mark.
    """

    number: int
    text: str
    offset: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Where the fields of an event line begin; -1 for one that is missing."""

    number: int
    reel: int
    channels: int
    kind: int
    timecodes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """An M2 line: source frames a second, negative in reverse, and the source time it begins at."""

    reel: str
    frames_per_second: str
    timecode: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A comment that says something known: `key` in capitals ("FROM CLIP NAME").

    `lines` are more than one where a program has broken a long comment.
    """

    key: str
    value: str
    lines: tuple[Line, ...]


@dataclass(slots=True)
class Event:
    """An event line and what belongs to it. `drop` is the FCM in force there, None before any.

    `timecodes` are source in, source out, record in, record out, as written. `length` is how many
    frames a dissolve, wipe or key takes. `above` and `block` are the lines on either side, up to
    the next line that is an event or looks like one. `marker` is (name, note).
    """

    line: Line
    number: str
    reel: str
    channels: str
    kind: str
    length: int
    timecodes: tuple[str, str, str, str]
    columns: Columns
    drop: bool | None
    above: list[Line] = field(default_factory=list)
    block: list[Line] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    speeds: list[Speed] = field(default_factory=list)
    freeze: bool = False
    marker: tuple[str, str] | None = None

    @property
    def is_ours(self) -> bool:
        """Whether we wrote this event: sound, by its reel and by what its block begins with.

        A comment of ours alone does not tell: a host that drops an event of ours and keeps its
        comments puts them under an event of the cut.
        """
        named = _OWN_REEL.match(self.reel) is not None and not self.has_picture
        return named and bool(own_opening(self.block))

    @property
    def has_picture(self) -> bool:
        return "V" in self.channels.upper() or self.channels.upper() == "B"


@dataclass(frozen=True, slots=True, kw_only=True)
class List:
    """A whole list. `broken` are lines that look like events and cannot be read as one."""

    encoding: str
    newline: str
    lines: tuple[Line, ...]
    title: str
    events: tuple[Event, ...]
    broken: tuple[Line, ...]
    reels: dict[str, str]
    last_drop: bool | None


def is_own_comment(line: Line) -> bool:
    return OWN_MARK in line.text and _COMMENT.match(line.text) is not None


def own_opening(block: Sequence[Line]) -> Sequence[Line]:
    """What a block begins with, up to its last comment with our mark before anything not ours."""
    length = 0
    previous = ""
    for count, line in enumerate(block, 1):
        words = line.text.strip()
        note = _NOTE.match(words)
        if is_own_comment(line):
            length = count
        elif not (
            not words
            or (note is not None and note[1].upper() in OWN_NOTES)
            or continues(previous, line.text)
        ):
            break
        previous = line.text
    return block[:length]


def own_strays(lines: Sequence[Line]) -> list[Line]:
    """Comments that bear our mark, and what of ours stands around them: the notes of the sound file
    before, the locators and what a program broke off behind."""
    own: list[Line] = []
    previous = ""
    for index, line in enumerate(lines):
        if is_own_comment(line):
            if f"{OWN_MARK} STEM 1/" in line.text:
                own += _sound_file_notes(lines[max(0, index - len(OWN_NOTES)) : index])
        elif not previous or not (continues(previous, line.text) or _is_own_locator(line)):
            previous = ""
            continue
        own.append(line)
        previous = line.text
    return own


def is_own_locator(key: str, value: str) -> bool:
    return key == "LOC" and _OWN_LOCATOR.match(value) is not None


def _is_own_locator(line: Line) -> bool:
    note = _NOTE.match(line.text.strip())
    return note is not None and is_own_locator(note[1].upper(), note[2].strip())


def _sound_file_notes(lines: Sequence[Line]) -> Sequence[Line]:
    """The lines, if they are our notes of one sound file: no picture clip is a WAV."""
    notes = [match for line in lines if (match := _NOTE.match(line.text.strip()))]
    if tuple(note[1].upper() for note in notes) != OWN_NOTES:
        return ()
    name, source, path = (note[2].strip() for note in notes)
    ours = name == source and name.lower().endswith(".wav") and path.lower().endswith(".wav")
    return lines if ours else ()


def read_list(raw: bytes) -> List:
    """Sort the lines of a list. Raises ParseError for bytes that no codec of lists fits."""
    text, encoding, offset = _decoded(raw)
    lines = _lines(text, encoding, offset)
    events: list[Event] = []
    broken: list[Line] = []
    reels: dict[str, str] = {}
    title = ""
    drop: bool | None = None
    block: list[Line] = []
    for line in lines:
        event = event_of(line, drop)
        if event is not None:
            event.above, block = block, event.block
            events.append(event)
        elif _LIKE_AN_EVENT.match(line.text):
            broken.append(line)
            block = []  # what follows speaks of this line, not of the event before it
        elif match := _FCM.match(line.text.strip()):
            mode = match[1].upper()
            drop = "NON" not in mode and "NDF" not in mode and "D" in mode
        elif match := _TITLE.match(line.text.strip()):
            title = title or match[1].strip()
        else:
            block.append(line)
            if names := _reel_names(line.text):
                reels[names[0].upper()] = names[1]
    _read_blocks(events)
    return List(
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
    match = re.search(r"\r\n|\n|\r", text)
    return match[0] if match else "\n"


def _lines(text: str, encoding: str, offset: int) -> tuple[Line, ...]:
    lines = []
    for number, match in enumerate(_LINE.finditer(text), 1):
        end = offset + len(match[0].encode(encoding))
        content = match[0].rstrip("\r\n").rstrip(END_OF_FILE + "\0")
        lines.append(Line(number=number, text=content, offset=offset, end=end))
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
    tokens = [(m[0], m.start()) for m in re.finditer(r"\S+", line.text[: times.start()])]
    if not tokens or not (tokens[0][0].isascii() and tokens[0][0].isdigit()):
        return None
    number, number_at = tokens.pop(0)
    kind, kind_at, length = _take_kind(tokens)
    channels, channels_at = "V", -1
    if tokens and _CHANNELS.match(tokens[-1][0]):
        channels, channels_at = tokens.pop()
    reel = ""
    if tokens:
        end = tokens[-1][1] + len(tokens[-1][0])
        reel = line.text[tokens[0][1] : end]
    return Event(
        line=line,
        number=number,
        reel=reel,
        channels=channels,
        kind=kind,
        length=length,
        timecodes=(times[1], times[2], times[3], times[4]),
        columns=Columns(
            number=number_at,
            reel=tokens[0][1] if tokens else -1,
            channels=channels_at,
            kind=kind_at,
            timecodes=times.start(),
        ),
        drop=drop,
    )


def _take_kind(tokens: list[tuple[str, int]]) -> tuple[str, int, int]:
    """Take the transition off the end: its letter, column and length (0 where none is given)."""
    length = ""
    if len(tokens) > 1 and re.match(r"^\d{1,4}$", tokens[-1][0]):
        previous = tokens[-2][0]
        if _KIND.match(previous) or _CHANNELS.match(previous) or previous.upper() in ("O", "(F)"):
            length, _ = tokens.pop()
    frames = int(length or 0)
    if tokens and tokens[-1][0].upper() == "(F)":
        tokens.pop()
    if len(tokens) > 1 and tokens[-1][0].upper() in ("B", "O") and tokens[-2][0].upper() == "K":
        letter, _ = tokens.pop()
        _, at = tokens.pop()
        return "K" + letter.upper(), at, frames
    if tokens and _KIND.match(tokens[-1][0]):
        kind, at = tokens.pop()
        return kind.upper(), at, frames
    return ("D" if length else "C"), -1, frames


def _read_blocks(events: Sequence[Event]) -> None:
    """Read what the lines around each event say of it. Speeds and markers always stand below."""
    foreign = [event for event in events if not event.is_ours]
    precede = _comments_precede(foreign)
    for event in foreign:
        _read_notes(event, _without_ours(event.above if precede else event.block))
    for event in events:
        if event.is_ours:
            _read_notes(event, event.block)
        _read_speeds(event)


def _comments_precede(events: Sequence[Event]) -> bool:
    """Whether the list is written with its comments above the events, as in

        * FROM CLIP NAME: one
        001  A  V  C  ...
        * FROM CLIP NAME: two
        002  B  V  C  ...

    It is if a clip is named above the first event and none below the last.
    """
    return (
        bool(events)
        and any(_names_a_clip(line) for line in events[0].above)
        and not any(_names_a_clip(line) for line in events[-1].block)
    )


def _names_a_clip(line: Line) -> bool:
    note = _NOTE.match(line.text.strip())
    return note is not None and note[1].upper() in _CLIP_NAMES


def _without_ours(lines: Sequence[Line]) -> Sequence[Line]:
    own = {line.number for line in own_strays(lines)}
    return [line for line in lines if line.number not in own] if own else lines


def _read_speeds(event: Event) -> None:
    for line in event.block:
        words = line.text.strip()
        if speed := _speed_of(words):
            event.speeds.append(speed)
        elif marker := _marker_of(words):
            event.marker = marker


def _read_notes(event: Event, lines: Sequence[Line]) -> None:
    open_note = False
    previous = ""
    for line in lines:
        words = line.text.strip()
        match = _NOTE.match(words)
        if match is not None:
            note = Note(key=match[1].upper(), value=match[2].strip(), lines=(line,))
            event.notes.append(note)
            open_note = True
        elif open_note and continues(previous, line.text):
            note = event.notes[-1]
            value = note.value + line.text[2:].rstrip()
            event.notes[-1] = Note(key=note.key, value=value, lines=(*note.lines, line))
            open_note = max(len(value), len(note.lines) * _WRAPPED_FROM) < _LONGEST_NOTE
        else:
            open_note = False
            event.freeze = event.freeze or _FREEZE.match(words) is not None
        previous = line.text


def _speed_of(words: str) -> Speed | None:
    """`M2 <reel> <frames a second> [<timecode>]`; the reel may be missing or hold blanks."""
    fields = words.split(None, 1)
    if len(fields) < 2 or fields[0].upper() != "M2":
        return None
    timecode: str | None = None
    rest, last = _last_word(fields[1])
    if _ONE_TIMECODE.fullmatch(last):
        timecode = last
        rest, last = _last_word(rest)
    if not _SPEED.match(last):
        return None
    return Speed(reel=rest, frames_per_second=last, timecode=timecode)


def _marker_of(words: str) -> tuple[str, str] | None:
    """(name, note) of Resolve's `<note> |C:<colour> |M:<name> |D:<frames>`."""
    note, colour, rest = words.partition("|C:")
    _, mark, name = rest.partition("|M:")
    if not (colour and mark):
        return None
    return _RESOLVE_DURATION.sub("", name).strip(), note.strip()


def _last_word(text: str) -> tuple[str, str]:
    """(what stands before the last word, that word)."""
    parts = text.rsplit(None, 1)
    return (parts[0], parts[1]) if len(parts) > 1 else ("", text.strip())


def _reel_names(text: str) -> tuple[str, str] | None:
    """(short, full) name of `FINAL CUT PRO REEL: <full> REPLACED BY: <short>`; None elsewhere."""
    begin = _FULL_REEL.search(text)
    end = _SHORT_REEL.search(text, begin.end()) if begin is not None else None
    if begin is None or end is None:
        return None
    full = text[begin.end() : end.start()].strip()
    return (end[1], full) if full else None


def continues(previous: str, text: str) -> bool:
    """Whether a comment is the rest of the one before, which was too long for its line."""
    return (
        len(previous) >= _WRAPPED_FROM
        and text.startswith("* ")
        and _NOTE.match(text.strip()) is None
        and OWN_MARK not in text
        and not text.startswith(("* *", "* ASC_", "* PATCH"))
    )
