"""Texts to rules: the TOML beside a cut, `--set`, and markers.

The TOML, with sections in any number and order:

    [cut]
    floor = "wood"

    [track.1]               # the footstep track FS 1
    shoe = "boot"

    [clip."A003*"]          # a clip's name, its id, or a pattern of names
    mute = true

    [[step]]                # the step nearest to a time, at most 2 frames from it
    at = "01:00:03:12"      # record timecode, or a number: seconds from the cut's first frame
    track = 1               # these three where they are needed to tell steps apart
    clip = "A003C012"
    foot = "left"
    level_db = -3

`--set` takes one control: `floor=wood`, `track.1.shoe=boot`, `clip.A003*.mute=true`,
`step.01:00:03:12.level_db=-3`, `step.12.5.mute=true`.

A marker is meant for us where a line of its name or note begins with `foley` or `fs` and says whom
it means before a colon, in any case: `foley: floor=gravel shoe=boot` the clips that are seen there,
`foley cut: floor=wood`, `foley track 2: shoe=heel`, `foley step: mute` the step nearest to it. A
bare `mute` or `lock` is true; what has blanks stands in quotes: `floor="red carpet"`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from fractions import Fraction

from otio_foley.controls.places import record_time, record_time_of_text, timecode
from otio_foley.controls.rules import NEAR_FRAMES, Rule, Target
from otio_foley.controls.values import (
    ANY_WORD,
    FLAGS,
    NAMES,
    Control,
    Known,
    Origin,
    Source,
    control_of,
    refuse_unknown,
)
from otio_foley.errors import InputError
from otio_foley.time import frames_from_seconds, seconds_from_frames
from otio_foley.timelines.visible import visible_spans
from otio_foley.types import Foot, Marker, Timeline

_TARGETS = ("cut", "track", "clip", "step")
_STEP_FIELDS = ("at", "track", "clip", "foot")
_TRACK = re.compile(r"[1-9][0-9]{0,3}")
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_DECIMAL = re.compile(r"[+-]?[0-9]{0,18}\.?[0-9]{1,18}")
_FLAG_WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
#: Some systems make quotes round while one types.
_PART = re.compile(r'(?:"[^"]*"|“[^”]*”|[^\s,;])+')
_QUOTED = re.compile(r'^["“](.*)["”]$')
_FOR_US = re.compile(r"\s*(?:foley|fs)\b([^:=]*):(.*)", re.IGNORECASE)

_SET_HINT = (
    "write --set floor=wood, track.1.shoe=boot, clip.NAME.mute=true or step.01:00:03:12.level_db=-3"
)
_MARKER_HINT = "write `foley: floor=gravel shoe=boot`, or foley cut:, foley track 2:, foley step:"


# ---- the TOML beside the cut


def parse_toml(
    text: str, name: str, timeline: Timeline, known: Known = ANY_WORD
) -> tuple[Rule, ...]:
    """Rules of a TOML in its order; `name` is the file's, for errors.

    Raises InputError that says file and field.
    """
    try:
        sections = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"controls {name} are not TOML: {error}") from error
    rules: list[Rule] = []
    for section, value in sections.items():
        refuse_unknown(section, _TARGETS, name, "section")
        rules += _READ_SECTION[section](value, name, timeline, known)
    return tuple(rule for rule in rules if rule.control != Control())


def _cut(value: object, name: str, timeline: Timeline, known: Known) -> Iterator[Rule]:
    table = _table(value, f"{name} [cut]")
    yield _toml_rule(Target(), control_of(table, known, f"{name} [cut]"), "[cut]")


def _tracks(value: object, name: str, timeline: Timeline, known: Known) -> Iterator[Rule]:
    for number, one in _table(value, f"{name} [track]").items():
        head = f"[track.{number}]"
        where = f"{name} {head}"
        target = Target(track=_track(number, where))
        yield _toml_rule(target, control_of(_table(one, where), known, where), head)


def _clips(value: object, name: str, timeline: Timeline, known: Known) -> Iterator[Rule]:
    for pattern, one in _table(value, f"{name} [clip]").items():
        head = f'[clip."{pattern}"]'
        where = f"{name} {head}"
        table = _table(one, where)
        for key, inner in table.items():
            if isinstance(inner, dict):
                raise InputError(
                    f"{where}: {key} is no control",
                    hint=f'a name with a dot needs quotes: [clip."{pattern}.{key}"]',
                )
        yield _toml_rule(Target(clips=(pattern,)), control_of(table, known, where), head)


def _steps(value: object, name: str, timeline: Timeline, known: Known) -> Iterator[Rule]:
    if not isinstance(value, list):
        raise InputError(f"{name}: each step has a section of its own", hint="write [[step]]")
    for number, one in enumerate(value, 1):
        where = f"{name} [[step]] number {number}"
        table = _table(one, where)
        for key in table:
            refuse_unknown(key, (*_STEP_FIELDS, *NAMES), where, "control")
        if "at" not in table:
            raise InputError(f"{where}: at is missing", hint='write at = "01:00:03:12"')
        target = Target(
            track=_step_track(table.get("track"), where),
            clips=_step_clip(table.get("clip"), where),
            at_s=record_time(table["at"], timeline, where),
            within_s=_near_s(timeline),
            foot=_foot(table.get("foot"), where),
        )
        asked = {key: value for key, value in table.items() if key not in _STEP_FIELDS}
        control = control_of(asked, known, where)
        yield _toml_rule(target, control, f"[[step]] at {table['at']}")


_READ_SECTION: dict[str, Callable[[object, str, Timeline, Known], Iterator[Rule]]] = {
    "cut": _cut,
    "track": _tracks,
    "clip": _clips,
    "step": _steps,
}


def _table(value: object, where: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise InputError(
            f"{where} has to be a section",
            hint='write [cut], [track.1], [clip."NAME"] or [[step]]',
        )
    return value


def _step_track(value: object, where: str) -> int | None:
    return None if value is None else _track(str(value), where)


def _step_clip(value: object, where: str) -> tuple[str, ...] | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise InputError(f"{where}: clip has to be a clip's name, id or pattern")
    return (value,)


def _foot(value: object, where: str) -> Foot | None:
    if value is None or value == "left" or value == "right":
        return value
    raise InputError(f"{where}: foot has to be left or right")


def _toml_rule(target: Target, control: Control, head: str) -> Rule:
    origin = Origin(source=Source.TOML, words=f"TOML {head}")
    return Rule(target=target, control=control, origin=origin)


# ---- the command line


def parse_set(text: str, timeline: Timeline, known: Known = ANY_WORD) -> Rule:
    """The rule of one `--set`. Raises InputError with how to write it."""
    where = f"--set {text!r}"
    left, equals, value = (part.strip() for part in text.rpartition("="))
    if not equals or not left or not value:
        raise InputError(f"{where}: no control is set", hint=_SET_HINT)
    kind, whom, name = _split_set(left)
    if kind not in _TARGETS:
        raise InputError(f"{where}: {kind!r} is neither cut, track, clip nor step", hint=_SET_HINT)
    if not whom and kind != "cut":
        raise InputError(f"{where}: which {kind} is not said", hint=_SET_HINT)
    if whom and kind == "cut":
        raise InputError(f"{where}: there is one cut", hint=_SET_HINT)
    target = Target()
    if kind == "track":
        target = Target(track=_track(whom, where))
    elif kind == "clip":
        target = Target(clips=(whom,))
    elif kind == "step":
        target = Target(at_s=record_time_of_text(whom, timeline, where), within_s=_near_s(timeline))
    words = "command line" if kind == "cut" else f"command line {kind}.{whom}"
    return Rule(
        target=target,
        control=control_of({name: _value(name, value)}, known, where),
        origin=Origin(source=Source.COMMAND_LINE, words=words),
    )


def _split_set(left: str) -> tuple[str, str, str]:
    """Whose, which of them and what: `clip.a.mov.mute` -> clip, a.mov, mute."""
    kind, dot, rest = left.partition(".")
    if not dot:
        return "cut", "", left.lower()
    whom, _, name = rest.rpartition(".")
    return kind.lower(), whom, name.lower()


# ---- markers


def parse_markers(timeline: Timeline, known: Known = ANY_WORD) -> tuple[Rule, ...]:
    """Rules of a timeline's own markers, in their order.

    Raises InputError that names the timecode of a marker that is for us and cannot be read.
    """
    rules: list[Rule] = []
    for marker in timeline.markers:
        # Some hosts write the name into the note once more.
        for line in dict.fromkeys((*marker.name.splitlines(), *marker.note.splitlines())):
            match = _FOR_US.match(line)
            if match is not None:
                rules += _marker_rules(marker, match[1].lower().split(), match[2], timeline, known)
    return tuple(rules)


def _marker_rules(
    marker: Marker, whom: list[str], asked: str, timeline: Timeline, known: Known
) -> Iterator[Rule]:
    at = timecode(timeline, timeline.start_s + marker.record_s)
    where = f"marker {at}"
    target = _marker_target(marker, whom, timeline)
    if target is None:
        # `foley notes: ask Anna` is somebody's note, `foley trakc 2: shoe=heel` a slip.
        if "=" in asked:
            raise InputError(f"{where}: {' '.join(whom)!r} says not whom", hint=_MARKER_HINT)
        return
    yield Rule(
        target=target,
        control=control_of(_assignments(asked, where), known, where),
        origin=Origin(source=Source.MARKER, words=" ".join((where, *whom))),
    )


def _marker_target(marker: Marker, whom: list[str], timeline: Timeline) -> Target | None:
    match whom:
        case [] | ["clip"]:
            return Target(clips=_seen_under(marker, timeline))
        case ["cut"]:
            return Target()
        case ["step"]:
            return Target(at_s=marker.record_s, within_s=_near_s(timeline))
        case ["track", number] if _TRACK.fullmatch(number):
            return Target(track=int(number))
    return None


def _seen_under(marker: Marker, timeline: Timeline) -> tuple[str, ...]:
    """Ids of the clips that are seen in the middle of a marker's frame."""
    frame = frames_from_seconds(marker.record_s, timeline.frame_rate)
    at_s = seconds_from_frames(Fraction(2 * frame + 1, 2), timeline.frame_rate)
    return tuple(
        clip.clip_id
        for clip, spans in zip(timeline.clips, visible_spans(timeline.clips), strict=True)
        if any(span.start_s <= at_s < span.end_s for span in spans)
    )


def _assignments(text: str, where: str) -> dict[str, object]:
    """`floor="red carpet", mute` by name; blanks about `=` do not count."""
    joined = "=".join(part.strip() for part in text.split("="))
    given: dict[str, object] = {}
    for part in _PART.findall(joined):
        name, equals, value = part.partition("=")
        value = _QUOTED.sub(r"\1", value)
        name = name.lower()
        if not equals and name not in FLAGS:
            raise InputError(f"{where}: {part!r} sets nothing", hint=_MARKER_HINT)
        if name in given:
            raise InputError(f"{where}: {name} is given twice")
        given[name] = _value(name, value) if equals else True
    if not given:
        raise InputError(f"{where}: no control is set", hint=_MARKER_HINT)
    return given


# ---- all of them


def _near_s(timeline: Timeline) -> Fraction:
    return seconds_from_frames(NEAR_FRAMES, timeline.frame_rate)


def _track(number: str, where: str) -> int:
    if not _TRACK.fullmatch(number):
        raise InputError(f"{where}: {number!r} is no track", hint="1 stands for the track FS 1")
    return int(number)


def _value(name: str, text: str) -> object:
    """What a text says, as the control wants it; a text that does not is left for the check."""
    if name in FLAGS:
        return _FLAG_WORDS.get(text.lower(), text)
    if name in ("floor", "shoe", "space"):
        return text
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text
