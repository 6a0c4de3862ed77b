"""What of ours stands in a CMX3600 list: found by our mark, and by what we write around it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from otio_foley.timelines.document import NAMESPACE
from otio_foley.timelines.edl.records import Event, Line

#: How each comment line of ours begins, behind `* `.
OWN_MARK = f"OTIO-FOLEY {NAMESPACE}"
#: What we write behind each event of ours, in this order.
OWN_NOTES = ("FROM CLIP NAME", "SOURCE FILE", "FROM CLIP")

# These match lines without blanks at their ends. No two parts of a pattern that stand side by side
# may match the same characters: on a long line that would take forever.
NOTE = re.compile(
    r"^(?:COMMENT\s*:\s*)?(?:\*\s*)?(FROM CLIP NAME|TO CLIP NAME|KEY CLIP NAME|CLIP NAME"
    r"|SOURCE FILE|FROM FILE|TO FILE|FROM CLIP|TO CLIP|REEL NAME|REEL|LOC)\s*:(.*)$",
    re.IGNORECASE,
)
_COMMENT = re.compile(r"^\s*\*")
_OWN_REEL = re.compile(r"^FS\d+$", re.IGNORECASE)
#: Of locators ours have a step's name; a person's own may stand there, too.
_OWN_LOCATOR = re.compile(r"^\S+\s+(?:MAGENTA|YELLOW)\s+\w+\s+(?:left|right)$", re.IGNORECASE)
#: From this length on a comment may go on in the next one (Avid breaks at 80 characters).
WRAPPED_FROM = 79


def is_own_event(event: Event) -> bool:
    """Whether we wrote an event: sound, by its reel and by what its block begins with.

    A comment of ours alone does not tell: a host that drops an event of ours and keeps its
    comments puts them under an event of the cut.
    """
    named = _OWN_REEL.match(event.reel) is not None and not event.has_picture
    return named and bool(own_opening(event.block))


def is_own_comment(line: Line) -> bool:
    return OWN_MARK in line.text and _COMMENT.match(line.text) is not None


def own_opening(block: Sequence[Line]) -> Sequence[Line]:
    """What a block begins with, up to its last comment with our mark before anything not ours."""
    length = 0
    previous = ""
    for count, line in enumerate(block, 1):
        words = line.text.strip()
        note = NOTE.match(words)
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
    note = NOTE.match(line.text.strip())
    return note is not None and is_own_locator(note[1].upper(), note[2].strip())


def _sound_file_notes(lines: Sequence[Line]) -> Sequence[Line]:
    """The lines, if they are our notes of one sound file: no picture clip is a WAV."""
    notes = [match for line in lines if (match := NOTE.match(line.text.strip()))]
    if tuple(note[1].upper() for note in notes) != OWN_NOTES:
        return ()
    name, source, path = (note[2].strip() for note in notes)
    ours = name == source and name.lower().endswith(".wav") and path.lower().endswith(".wav")
    return lines if ours else ()


def continues(previous: str, text: str) -> bool:
    """Whether a comment is the rest of the one before, which was too long for its line."""
    return (
        len(previous) >= WRAPPED_FROM
        and text.startswith("* ")
        and NOTE.match(text.strip()) is None
        and OWN_MARK not in text
        and not text.startswith(("* *", "* ASC_", "* PATCH"))
    )
