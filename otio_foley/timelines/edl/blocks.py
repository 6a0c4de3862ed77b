"""What the lines around each event of a CMX3600 list say of it: names, speeds, markers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from otio_foley.timelines.edl.ours import (
    NOTE,
    WRAPPED_FROM,
    continues,
    is_own_event,
    own_strays,
)
from otio_foley.timelines.edl.records import Event, Line, Note, Speed

TIMECODE = r"\d{1,2}[:;.]\d{2}[:;.]\d{2}[:;.,]\d{2,3}"
_ONE_TIMECODE = re.compile(TIMECODE)
_SPEED = re.compile(r"^[-+]?\d{1,6}(?:\.\d{0,6})?$")
_FREEZE = re.compile(r"^\*[\s*]*FREEZE FRAME", re.IGNORECASE)
_RESOLVE_DURATION = re.compile(r"\|D:\d+$")
_CLIP_NAMES = frozenset(("FROM CLIP NAME", "TO CLIP NAME", "KEY CLIP NAME", "CLIP NAME"))
#: No path or name is longer: what goes on beyond it is none.
_LONGEST_NOTE = 10_000


def read_blocks(events: Sequence[Event], marked: bool) -> None:
    """Read what the lines around each event say of it. Speeds and markers always stand below.

    `marked`: whether our mark stands anywhere in the list.
    """
    if marked:
        for event in events:
            event.is_ours = is_own_event(event)
    foreign = [event for event in events if not event.is_ours]
    precede = _comments_precede(foreign)
    for event in events:
        if event.is_ours:
            _read_notes(event, event.block)
        else:
            lines = event.above if precede else event.block
            _read_notes(event, _without_ours(lines) if marked else lines)
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
    note = NOTE.match(line.text.strip())
    return note is not None and note[1].upper() in _CLIP_NAMES


def _without_ours(lines: Sequence[Line]) -> Sequence[Line]:
    own = {line.number for line in own_strays(lines)}
    return [line for line in lines if line.number not in own] if own else lines


def _read_speeds(event: Event) -> None:
    for line in event.block:
        words = line.text.strip()
        if words[:2] in ("M2", "m2") and (speed := _speed_of(words)):
            event.speeds.append(speed)
        elif "|C:" in words and (marker := _marker_of(words)):
            event.marker = marker


def _read_notes(event: Event, lines: Sequence[Line]) -> None:
    open_note = False
    previous = ""
    for line in lines:
        words = line.text.strip()
        match = NOTE.match(words)
        if match is not None:
            event.notes.append(Note(match[1].upper(), match[2].strip(), (line,)))
            open_note = True
        elif open_note and continues(previous, line.text):
            note = event.notes[-1]
            value = note.value + line.text[2:].rstrip()
            event.notes[-1] = Note(note.key, value, (*note.lines, line))
            open_note = max(len(value), len(note.lines) * WRAPPED_FROM) < _LONGEST_NOTE
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
