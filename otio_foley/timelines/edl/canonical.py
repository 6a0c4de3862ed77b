"""A CMX3600 list in canonical form: line ends, blank lines and column widths do not count."""

from __future__ import annotations

from otio_foley.timelines.content import Part, part
from otio_foley.timelines.edl.records import END_OF_FILE, Event, Line, List

_NOTHING = " \t\v\f\0" + END_OF_FILE


def canonical(found: List) -> Part:
    """The content of a list: its events, each with the lines behind it."""
    events = {event.line.number: event for event in found.events}
    in_blocks = {line.number for event in found.events for line in event.block}
    return part(
        "list",
        (),
        [
            _event(events[line.number]) if line.number in events else _line(line)
            for line in found.lines
            if line.text.strip(_NOTHING) and line.number not in in_blocks
        ],
    )


def _event(event: Event) -> Part:
    # Blanks only set the columns of an event line, while in a comment they are part of the words.
    text = " ".join(event.line.text.split())
    reel = f"{event.reel}, " if event.reel else ""
    return part(
        "event",
        [("line", text)],
        [_line(line) for line in event.block if line.text.strip(_NOTHING)],
        name=event.number,
        note=f"{reel}{event.channels}",
        identity=f"{event.number} {event.reel} {event.channels} {event.timecodes[2]}",
    )


def _line(line: Line) -> Part:
    text = line.text.rstrip(_NOTHING)
    return part("line", [("text", text)], name=text)
