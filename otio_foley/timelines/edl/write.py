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
from otio_foley.time import frames_from_seconds, timecode_from_frames
from otio_foley.timelines.document import UNDO_PLACEHOLDER, Patch, encoded
from otio_foley.timelines.edl.lines import (
    END_OF_FILE,
    OWN_MARK,
    Event,
    Line,
    List,
    continues,
    is_own_comment,
)
from otio_foley.timelines.edl.rate import Clock
from otio_foley.timelines.paths import url_from_path
from otio_foley.types import Marker, MarkerColor, StemClip

_PIECE_LENGTH = 140
_OWN_KINDS = re.compile(
    r"^\*\s*(?:FROM CLIP NAME|SOURCE FILE|FROM CLIP)\s*:"
    # A person's own locators may stand there, too: of yellow ones only those with a step's name.
    r"|^\*\s*LOC\s*:\s*\S+\s+(?:MAGENTA\b|YELLOW\s+\w+\s+(?:left|right)\s*$)",
    re.IGNORECASE,
)
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


def insertion_patch(
    found: List, clock: Clock, start_s: Fraction, stems: Sequence[StemClip], raw: bytes
) -> Patch:
    """The events behind the last line of the list, before an end-of-file mark (control-Z).

    Raises OutputError where two clips of a track overlap.
    """
    channels = _free_channels(found, sorted({stem.track for stem in stems}))
    lines = _event_lines(found, clock, start_s, stems, channels)
    lines.insert(1, f"* {OWN_MARK} UNDO {UNDO_PLACEHOLDER}")
    offset, begun = _end_of_list(found, raw)
    text = ("" if begun else found.newline) + "".join(line + found.newline for line in lines)
    return Patch(offset, 0, _bytes(text, found.encoding))


def separate_list(found: List, clock: Clock, start_s: Fraction, stems: Sequence[StemClip]) -> bytes:
    """A list of its own for the stems of one track, laid out as the cut's own."""
    counts = "DROP FRAME" if clock.record_drop else "NON-DROP FRAME"
    title = f"TITLE: {found.title or 'footsteps'} FS {stems[0].track}"
    head = [title, f"FCM: {counts}", "", f"* {OWN_MARK} FOOTSTEPS ALONE"]
    lines = _event_lines(replace(found, events=()), clock, start_s, stems, {stems[0].track: "A"})
    return _bytes("".join(line + found.newline for line in head + lines), found.encoding)


def _event_lines(
    found: List,
    clock: Clock,
    start_s: Fraction,
    stems: Sequence[StemClip],
    channels: Mapping[int, str],
) -> list[str]:
    ordered = sorted(stems, key=lambda stem: (stem.record.start_s, stem.track))
    _refuse_overlaps(ordered)
    layout = _layout(found.events)
    number = max((int(event.number[-9:]) for event in found.events), default=0)
    lines: list[str] = []
    for index, stem in enumerate(ordered, number + 1):
        times = _timecodes(stem, found, clock, start_s)
        lines.append(_event_line(index, stem, channels[stem.track], times, layout))
        lines += _comments(stem, found.encoding)
        lines += [_locator(marker, found, clock, start_s) for marker in stem.markers]
    return lines


def _refuse_overlaps(ordered: Sequence[StemClip]) -> None:
    last: dict[int, StemClip] = {}
    for stem in ordered:
        before = last.get(stem.track)
        if before is not None and before.record.end_s > stem.record.start_s:
            raise OutputError(
                f"{before.name} and {stem.name} overlap on track FS {stem.track}",
                hint="give clips that sound at the same time different tracks",
            )
        last[stem.track] = stem


def _end_of_list(found: List, raw: bytes) -> tuple[int, bool]:
    """(byte at which events are added, whether a new line begins there)."""
    if not found.lines:
        return len(raw), True
    last = found.lines[-1]
    text = raw[last.offset : last.end].decode(found.encoding)
    content = text.rstrip(" \t\r\n\0")
    if content.endswith(END_OF_FILE):
        # The mark may stand alone or behind the last words of a line.
        words = content.rstrip(END_OF_FILE + " \t\0")
        return last.offset + len(_bytes(words, found.encoding)), not words
    return len(raw), text.endswith(("\n", "\r"))


def _layout(events: Sequence[Event]) -> _Layout:
    """From the last plain cut of the list whose columns are all there."""
    whole = [e for e in events if min(e.columns.reel, e.columns.channels, e.columns.kind) >= 0]
    if not whole:
        digits = len(events[-1].number) if events else 3
        return _Layout(
            number_at=0, digits=digits, number_width=digits + 2, reel_width=9, channels_width=6,
            kind_width=9, tail="",
        )  # fmt: skip
    event = next((e for e in reversed(whole) if e.kind == "C" and e.has_picture), whole[-1])
    columns = event.columns
    text = event.line.text
    return _Layout(
        number_at=columns.number,
        digits=len(event.number),
        number_width=columns.reel - columns.number,
        reel_width=columns.channels - columns.reel,
        channels_width=columns.kind - columns.channels,
        kind_width=columns.timecodes - columns.kind,
        tail=text[len(text.rstrip(" ")) :],
    )


def _event_line(
    number: int, stem: StemClip, channel: str, timecodes: Sequence[str], layout: _Layout
) -> str:
    fields = (
        (str(number).zfill(layout.digits), layout.number_width),
        (f"FS{stem.track}", layout.reel_width),
        (channel, layout.channels_width),
        ("C", layout.kind_width),
    )
    columns = "".join((text + " ").ljust(width) for text, width in fields)
    return " " * layout.number_at + columns + " ".join(timecodes) + layout.tail


def _free_channels(found: List, tracks: Sequence[int]) -> dict[int, str]:
    """For each footstep track the next sound channel that the list does not use."""
    used: set[int] = set()
    numbered = False
    for event in found.events:
        name = event.channels.upper()
        numbered = numbered or "A1" in re.findall(r"A\d*", name)
        if name == "B":
            used.add(1)
        elif "AA" in name:
            used |= {1, 2}
        else:
            used |= {int(digits or 1) for digits in _CHANNEL.findall(name)}
        for line in event.block:
            words = line.text.split()
            if words[:1] == ["AUD"]:
                used |= {int(word) for word in words[1:] if word.isdecimal() and len(word) < 4}
    free = (n for n in range(1, 10_000 + len(tracks)) if n not in used)
    chosen = dict(zip(tracks, free, strict=False))
    return {t: "A" if n == 1 and not numbered else f"A{n}" for t, n in chosen.items()}


def _timecodes(stem: StemClip, found: List, clock: Clock, start_s: Fraction) -> tuple[str, ...]:
    """Source in and out (the nearest frame), record in and out, as the list writes its own."""
    rate = clock.frame_rate
    record_in = frames_from_seconds(start_s + stem.record.start_s, rate)
    frames = max(1, frames_from_seconds(start_s + stem.record.end_s, rate) - record_in)
    source_in = max(0, frames_from_seconds(stem.file_start_s + stem.in_s, rate))
    source_drop = clock.source_drop(found.last_drop)
    sources = (source_in, source_in + frames)
    records = (record_in, record_in + frames)
    return tuple(
        [_timecode(frame, clock, source_drop) for frame in sources]
        + [_timecode(frame, clock, clock.record_drop) for frame in records]
    )


def _timecode(frame: int, clock: Clock, drop: bool) -> str:
    text = timecode_from_frames(frame, clock.frame_rate, drop)
    return text if clock.marked else text.replace(";", ":")


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
    # No blanks: a host may trim a line, and every piece has to come back whole.
    text = json.dumps(facts, separators=(",", ":")).replace(" ", "\\u0020")
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


def _locator(marker: Marker, found: List, clock: Clock, start_s: Fraction) -> str:
    frame = max(0, frames_from_seconds(start_s + marker.record_s, clock.frame_rate))
    timecode = _timecode(frame, clock, clock.record_drop)
    return f"* LOC: {timecode} {_COLORS[marker.color]} {_one_line(marker.name)}".rstrip()


def _one_line(text: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f\x85\u2028\u2029]+", " ", text)


def _fits(text: str, encoding: str) -> bool:
    try:
        encoded(text, encoding)
    except UnicodeEncodeError:
        return False
    return True


def _bytes(text: str, encoding: str) -> bytes:
    """Text in the list's codec, `?` for what that does not hold."""
    return encoded(text, encoding) if _fits(text, encoding) else text.encode(encoding, "replace")


# --- what of ours is in a list ---------------------------------------------------------------


def removal_patches(found: List) -> tuple[Patch, ...]:
    """Patches that take out our events with their comments, and whatever else bears our mark."""
    gone: list[Line] = []
    for event in found.events:
        if event.is_ours:
            gone.append(event.line)
            gone += _own_lines(event.block)
    kept = {line.number for line in gone}
    gone += [line for line in found.lines if line.number not in kept and is_own_comment(line)]
    return tuple(
        Patch(line.offset, line.end - line.offset, b"")
        for line in sorted(gone, key=lambda line: line.number)
    )


def _own_lines(block: Sequence[Line]) -> list[Line]:
    """Our comments behind an event of ours; what a person wrote below it stays."""
    own: list[Line] = []
    previous = ""
    for line in block:
        goes_on = bool(own) and bool(previous) and continues(previous, line.text)
        if is_own_comment(line) or _OWN_KINDS.match(line.text) or goes_on:
            own.append(line)
            previous = line.text
        else:
            previous = ""
    return own
