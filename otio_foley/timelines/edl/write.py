"""Footstep events in a CMX3600 list: what is added at its end, and how it is found again.

Each event of ours is followed by comments that name the sound file and begin with our mark; the
provenance stands in them as JSON cut into pieces that no system wraps.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from otio_foley.errors import OutputError
from otio_foley.time import frames_from_seconds
from otio_foley.timelines.document import UNDO_PLACEHOLDER, Patch, encoded
from otio_foley.timelines.edl.ours import (
    OWN_MARK,
    OWN_NOTES,
    is_own_locator,
    own_opening,
    own_strays,
)
from otio_foley.timelines.edl.rate import Clock
from otio_foley.timelines.edl.records import END_OF_FILE, Event, Line, List
from otio_foley.timelines.paths import media_path_from, url_from_path
from otio_foley.types import Marker, MarkerColor, Span, StemClip

_PIECE_LENGTH = 140
#: Avid's locators know eight colours; ours are magenta, and yellow where one should look.
_COLORS: Mapping[MarkerColor, str] = {
    "RED": "RED",
    "PINK": "MAGENTA",
    "ORANGE": "YELLOW",
    "YELLOW": "YELLOW",
    "GREEN": "GREEN",
    "CYAN": "CYAN",
    "BLUE": "BLUE",
    "PURPLE": "MAGENTA",
    "MAGENTA": "MAGENTA",
    "BLACK": "BLACK",
    "WHITE": "WHITE",
}

_CHANNEL = re.compile(r"A(\d*)")
_WORD = re.compile(r"\S+")
_BLANKS = re.compile(r"\s+")
_NO_PRINT = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")
#: No blanks: a host may trim a line, and every piece has to come back whole.
_json = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """How the list's own event lines are set: digits of a number, widths of the columns."""

    number_at: int
    digits: int
    number_width: int
    reel_width: int
    channels_width: int
    kind_width: int
    tail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _End:
    """The byte at which events are added; whether a line begins there already."""

    offset: int
    begins_a_line: bool


def insertion_patch(
    found: List, clock: Clock, start_s: Fraction, stems: Sequence[StemClip], raw: bytes
) -> Patch:
    """The events behind the last line of the list, before an end-of-file mark (control-Z).

    Raises OutputError where two clips of a track overlap.
    """
    channels = _free_channels(found, sorted({stem.track for stem in stems}))
    event, *rest = _event_lines(found, clock, start_s, stems, channels)
    lines = [event, f"* {OWN_MARK} UNDO {UNDO_PLACEHOLDER}", *rest]
    end = _end_of_list(found, raw)
    text = ("" if end.begins_a_line else found.newline) + "".join(
        line + found.newline for line in lines
    )
    return Patch(end.offset, 0, _bytes(text, found.encoding))


def separate_list(found: List, clock: Clock, start_s: Fraction, stems: Sequence[StemClip]) -> bytes:
    """A list of its own for the stems of one track, laid out as the cut's own."""
    counts = "DROP FRAME" if clock.record_drop else "NON-DROP FRAME"
    title = f"TITLE: {found.title or 'footsteps'} FS {stems[0].track}"
    head = [title, f"FCM: {counts}", "", f"* {OWN_MARK} FOOTSTEPS ALONE"]
    alone = replace(found, events=(), last_drop=None)
    lines = _event_lines(alone, clock, start_s, stems, {stems[0].track: "A"})
    return _bytes("".join(line + found.newline for line in head + lines), found.encoding)


def _event_lines(
    found: List,
    clock: Clock,
    start_s: Fraction,
    stems: Sequence[StemClip],
    channels: Mapping[int, str],
) -> list[str]:
    ordered = sorted(stems, key=_write_order)
    _refuse_overlaps(ordered)
    layout = _layout(found.events)
    number = max((int(event.number[-9:]) for event in found.events), default=0)
    start = frames_from_seconds(start_s, clock.frame_rate)
    columns = {track: _columns(track, channel, layout) for track, channel in channels.items()}
    lines: list[str] = []
    for index, stem in enumerate(ordered, number + 1):
        event = str(index).zfill(layout.digits) + " "
        times = " ".join(_timecodes(stem, found, clock, start))
        event = " " * layout.number_at + event.ljust(layout.number_width)
        lines.append(event + columns[stem.track] + times + layout.tail)
        lines += _comments(stem, found.encoding)
        lines += [_locator(marker, clock, start) for marker in stem.markers]
    return lines


def _write_order(stem: StemClip) -> tuple[float, Fraction, int]:
    """By record start, then track; the float settles nearly all, as in `record_order`."""
    start_s = stem.record.start_s
    return float(start_s), start_s, stem.track


def _refuse_overlaps(ordered: Sequence[StemClip]) -> None:
    last: dict[int, StemClip] = {}
    for stem in ordered:
        before = last.get(stem.track)
        if before is not None and _runs_into(before.record, stem.record):
            raise OutputError(
                f"{before.name} and {stem.name} overlap on track FS {stem.track}",
                hint="give clips that sound at the same time different tracks",
            )
        last[stem.track] = stem


def _runs_into(first: Span, second: Span) -> bool:
    """`first.end_s > second.start_s` in integers."""
    start, of_start = first.start_s.as_integer_ratio()
    duration, of_duration = first.duration_s.as_integer_ratio()
    other, of_other = second.start_s.as_integer_ratio()
    end = start * of_duration + duration * of_start
    return end * of_other > other * of_start * of_duration


def _end_of_list(found: List, raw: bytes) -> _End:
    """Behind the last line, but before an end-of-file mark that only blank lines follow."""
    for line in reversed(found.lines):
        content = raw[line.offset : line.end].decode(found.encoding).rstrip(" \t\r\n\0")
        if content.endswith(END_OF_FILE):
            # The mark may stand alone or behind the last words of a line.
            words = content.rstrip(END_OF_FILE + " \t\0")
            offset = line.offset + len(_bytes(words, found.encoding))
            return _End(offset=offset, begins_a_line=not words)
        if content:
            break
    text = raw[found.lines[-1].offset :].decode(found.encoding) if found.lines else "\n"
    return _End(offset=len(raw), begins_a_line=text.endswith(("\n", "\r")))


def _layout(events: Sequence[Event]) -> _Layout:
    """From the last plain cut of the list whose columns are all there."""
    whole = [event for event in events if min(event.fields) >= 0]
    if not whole:
        digits = len(events[-1].number) if events else 3
        return _Layout(
            number_at=0, digits=digits, number_width=digits + 2, reel_width=9, channels_width=6,
            kind_width=9, tail="",
        )  # fmt: skip
    event = next((e for e in reversed(whole) if e.kind == "C" and e.has_picture), whole[-1])
    text = event.line.text
    words = [word.start() for word in _WORD.finditer(text, 0, event.times_at)]
    number, reel, channels, kind = (words[field] for field in (0, *event.fields))
    return _Layout(
        number_at=number,
        digits=len(event.number),
        number_width=reel - number,
        reel_width=channels - reel,
        channels_width=kind - channels,
        kind_width=event.times_at - kind,
        tail=text[len(text.rstrip(" ")) :],
    )


def _columns(track: int, channel: str, layout: _Layout) -> str:
    """What stands in an event line between its number and its timecodes."""
    fields = (
        (f"FS{track}", layout.reel_width),
        (channel, layout.channels_width),
        ("C", layout.kind_width),
    )
    return "".join((text + " ").ljust(width) for text, width in fields)


def _free_channels(found: List, tracks: Sequence[int]) -> dict[int, str]:
    """For each footstep track the next sound channel that the list does not use."""
    used: set[int] = set()
    numbered = False
    for name in {event.channels.upper() for event in found.events}:
        digits = _CHANNEL.findall(name)
        numbered = numbered or "1" in digits
        if name == "B":
            used.add(1)
        elif "AA" in name:
            used |= {1, 2}
        else:
            used |= {int(one or 1) for one in digits}
    if "AUD" in found.text:
        for event in found.events:
            used |= _channels_below(event)
    free = (n for n in range(1, 10_000 + len(tracks)) if n not in used)
    chosen = dict(zip(tracks, free, strict=False))
    return {t: "A" if n == 1 and not numbered else f"A{n}" for t, n in chosen.items()}


def _channels_below(event: Event) -> set[int]:
    """The sound channels of `AUD  3  4` in an event's block."""
    words = [line.text.split() for line in event.block]
    named = [word for line in words if line[:1] == ["AUD"] for word in line[1:]]
    return {int(word) for word in named if word.isdecimal() and len(word) < 4}


def _timecodes(stem: StemClip, found: List, clock: Clock, start: int) -> tuple[str, ...]:
    """Source in and out (the nearest frame), record in and out, as the list writes its own.

    `start`: the timeline's first frame.
    """
    record = stem.record
    record_in = start + frames_from_seconds(record.start_s, clock.frame_rate)
    record_out = start + clock.nearest_frame(record.start_s, record.duration_s)
    frames = max(1, record_out - record_in)
    source_in = max(0, clock.nearest_frame(stem.file_start_s, stem.in_s))
    return (
        clock.source_label(source_in, found.last_drop),
        clock.source_label(source_in + frames, found.last_drop),
        clock.record_label(record_in),
        clock.record_label(record_in + frames),
    )


def _comments(stem: StemClip, encoding: str) -> list[str]:
    name = _one_line(stem.path.name)
    path = stem.path.as_posix()
    # A reader takes blanks off the ends of a comment.
    if path != _one_line(path).strip() or not _fits(path, encoding):
        path = url_from_path(stem.path)
    facts = {
        "clip_id": stem.clip_id,
        "name": stem.name,
        "sample_rate_hz": stem.sample_rate_hz,
        "file_start_s": str(stem.file_start_s),
        "in_s": str(stem.in_s),
        "provenance": dict(stem.provenance),
    }
    text = _json(facts).replace(" ", "\\u0020")
    pieces = [text[at : at + _PIECE_LENGTH] for at in range(0, len(text), _PIECE_LENGTH)]
    return [
        f"* FROM CLIP NAME: {name}",
        f"* SOURCE FILE: {name}",
        f"* FROM CLIP: {path}",
        *(
            f"* {OWN_MARK} STEM {index}/{len(pieces)} {piece}"
            for index, piece in enumerate(pieces, 1)
        ),
    ]


def _locator(marker: Marker, clock: Clock, start: int) -> str:
    frame = max(0, start + frames_from_seconds(marker.record_s, clock.frame_rate))
    timecode = clock.record_label(frame)
    return f"* LOC: {timecode} {_COLORS[marker.color]} {_one_line(marker.name)}".rstrip()


def _one_line(text: str) -> str:
    return text if text.isprintable() else _NO_PRINT.sub(" ", text)


def _fits(text: str, encoding: str) -> bool:
    try:
        encoded(text, encoding)
    except UnicodeEncodeError:
        return False
    return True


def _bytes(text: str, encoding: str) -> bytes:
    """Text in the list's codec, `?` for what that does not hold."""
    try:
        return encoded(text, encoding)
    except UnicodeEncodeError:
        return text.encode(encoding, "replace")


# --- what of ours is in a list ---------------------------------------------------------------


def removal_patches(found: List) -> tuple[Patch, ...]:
    """Patches that take out our events with their comments, and whatever else bears our mark."""
    if OWN_MARK not in found.text:
        return ()
    gone = own_strays(found.lines)
    for event in found.events:
        if event.is_ours:
            gone += [event.line, *_own_lines(event, found.encoding)]
    offsets = {line.offset: line.end - line.offset for line in gone}
    return tuple(Patch(offset, offsets[offset], b"") for offset in sorted(offsets))


def _own_lines(event: Event, encoding: str) -> list[Line]:
    """Our comments behind an event of ours; what a person wrote among and below them stays."""
    own = list(own_opening(event.block))
    opening = {line.number for line in own}
    first = next((note.value for note in event.notes if note.key == "FROM CLIP NAME"), "")
    name = _comparable(first, encoding)
    for note in event.notes:
        value = _comparable(note.value, encoding) if note.key in OWN_NOTES else ""
        # A host may cut either short.
        names_ours = bool(name and value) and (name in value or value in name)
        if names_ours or is_own_locator(note.key, note.value) or note.lines[0].number in opening:
            own += note.lines
    return own


def _comparable(text: str, encoding: str) -> str:
    """A name or path as a list of this codec holds it, without the blanks at which hosts break."""
    plain = _one_line(media_path_from(text) or "")
    return _BLANKS.sub("", _bytes(plain, encoding).decode(encoding, "replace"))
