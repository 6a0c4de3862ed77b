"""What a single story element of FCPXML says: its lane, its clocks, its active parts."""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from otio_foley.errors import ParseError
from otio_foley.timelines.document import NAMESPACE
from otio_foley.timelines.fcpxml.media import Resources, media_content, optional_seconds
from otio_foley.timelines.fcpxml.time import conform_speed, source_rate_from_text
from otio_foley.timelines.nesting import Curve, Window, restricted, shifted, through
from otio_foley.timelines.xml.tree import Node

#: Elements that take up time in a storyline or are anchored to one that does.
_PICTURE_STORY = ("asset-clip", "clip", "mc-clip", "ref-clip", "sync-clip", "video")
STORY = frozenset(
    (*_PICTURE_STORY, "audio", "audition", "caption", "gap", "live-drawing", "spine", "title")
)
CONTAINERS = ("clip", "sync-clip")

#: What the ids of our assets begin with.
ID_PREFIX = "otio-foley-"
_OUR_ID = re.compile(rf"{re.escape(ID_PREFIX)}[0-9]+")
_OUR_KEY = f"{NAMESPACE}."
#: Versions without metadata have a note instead: the namespace and the id of the picture clip.
_OUR_NOTE = re.compile(rf"{re.escape(NAMESPACE)} [0-9a-f]{{12}}(?!\S)")

_LANE = re.compile(r"^[+-]?[0-9]{1,6}$")
_ONE = Fraction(1)
#: Beyond what an FCPXML time can say.
_FAR_S = Fraction(10**20)

#: Stretches of clip time [from, to), each with its curve from clip time to content time.
Retime: TypeAlias = tuple[tuple[Fraction, Fraction, Curve], ...]


class Anchor(NamedTuple):
    """An element that sound can be connected to.

    It is seen for `duration_s` from `record_s`, where its clip time is `clip_s`; that clock runs
    `speed` seconds in a second of the timeline.
    """

    node: Node
    record_s: Fraction
    duration_s: Fraction
    clip_s: Fraction
    speed: Fraction

    def clip_time(self, record_s: Fraction) -> Fraction:
        ahead_s = record_s - self.record_s
        return self.clip_s + (ahead_s if self.speed == 1 else ahead_s * self.speed)

    def covers(self, record_s: Fraction) -> bool:
        return self.record_s <= record_s < self.record_s + self.duration_s


class Timing(NamedTuple):
    """An element's three clocks.

    Parent time is what `offset` and `duration` count in; the element is first seen at `at_s`. Clip
    time reads `start_s` there and runs `speed` seconds in a second of parent time (conform-rate);
    in it stand the offsets of anchored items and the markers. Content time is clip time through
    the timeMap, and in it stand the offsets of contained items. Apple, on `timeMap`: it "affects
    only an element's own duration and the offsets of the element's anchored items; it doesn't
    modify the offsets of the element's contained items (such as items with lane=0)"
    (developer.apple.com/documentation/professional-video-applications/timemap).
    """

    at_s: Fraction
    duration_s: Fraction
    start_s: Fraction
    speed: Fraction
    retime: Retime

    def plays_whole(self, window: Window) -> bool:
        """Whether all of the element is seen, at the pace of its parent: by far the most common."""
        return (
            not self.retime
            and self.speed == 1
            and self.duration_s.numerator > 0
            and window[0][1] <= self.at_s
            and self.at_s + self.duration_s <= window[-1][1]
        )

    def windows(self, window: Window) -> tuple[Window, ...]:
        """What is seen of the element, as windows on its content time."""
        found = []
        for piece in restricted(window, self.at_s, self.at_s + self.duration_s):
            clip_time = shifted(piece, self.at_s, self.start_s, self.speed)
            if not self.retime:
                found.append(clip_time)
            for low_s, high_s, curve in self.retime:
                stretches = restricted(clip_time, low_s, high_s)
                found += [through(stretch, curve) for stretch in stretches]
        return tuple(found)

    def ahead_of_start(self, clip_time_s: Fraction) -> Fraction:
        """Seconds of parent time from the element's first frame to a clip time."""
        ahead_s = clip_time_s - self.start_s
        return ahead_s if self.speed == 1 else ahead_s / self.speed

    def parent_time(self, clip_time_s: Fraction) -> Fraction:
        return self.at_s + self.ahead_of_start(clip_time_s)


def timing_of(item: Node, at_s: Fraction, rate: Fraction, resources: Resources) -> Timing:
    """Raises ParseError for times that are none, or a duration that is not to be found."""
    start_s = optional_seconds(item, "start")
    if start_s is None:
        start_s = _medium_span(item, resources)[0]
    speed = _speed(item, rate, resources)
    duration_s = optional_seconds(item, "duration")
    if duration_s is None:
        duration_s = (_clip_end(item, resources) - start_s) / speed
        if duration_s <= 0:
            raise ParseError(
                "it starts behind the end of what it shows", line=item.line, column=item.column
            )
    return Timing(at_s, duration_s, start_s, speed, _retime(item))


def _clip_end(item: Node, resources: Resources) -> Fraction:
    """Clip time at the end of all that an element could show: for one without a duration."""
    points = _retime_points(item)
    if points:
        return points[-1][0]
    first_s, whole_s = _medium_span(item, resources)
    if whole_s is None:
        raise ParseError("it has no duration", line=item.line, column=item.column)
    return first_s + whole_s


def _medium_span(item: Node, resources: Resources) -> tuple[Fraction, Fraction | None]:
    """What the clock of an element's medium reads at its first frame, and how long it lasts."""
    node, name = resources.of(item), "start"
    if node is not None and node.tag == "media":
        node, name = media_content(node), "tcStart"
    if node is None:
        return Fraction(0), None
    return optional_seconds(node, name) or Fraction(0), optional_seconds(node, "duration")


def _speed(item: Node, timeline_rate: Fraction, resources: Resources) -> Fraction:
    conform = item.child("conform-rate")
    if conform is None or conform.get("scaleEnabled") == "0":
        return _ONE
    stated = conform.get("srcFrameRate")
    media_rate = source_rate_from_text(stated) if stated else None
    if media_rate is None and resources.tag(item.get("ref")) == "asset":
        media_rate = resources.asset(item.get("ref") or "").rate
    return conform_speed(media_rate, timeline_rate) if media_rate else _ONE


def lane_of(node: Node) -> int:
    """The element's lane relative to its parent; 0 (contained) if it states none."""
    stated = node.attributes.get("lane")
    if stated is None:
        return 0
    text = stated.strip()
    return int(text) if _LANE.match(text) else 0


def is_contained(child: Node, parent: Node) -> bool:
    """Whether a story element lies inside its parent, and is not anchored to it.

    Apple's DTD: anchored items "must have a non-zero 'lane' value". So too in a `sync-clip`: what
    Final Cut Pro writes into a lane of one is cut to it already, or was connected to it in the
    project and reaches beyond it.
    """
    return parent.tag in CONTAINERS and lane_of(child) == 0


def active_pick(audition: Node) -> Node | None:
    return next((node for node in audition.children if node.tag in STORY), None)


def video_angle(clip: Node, multicam: Node) -> Node | None:
    """The angle that is seen: `mc-source` (1.2 on), `videoAngleID` (1.1), else the first one.

    None where only sound is used. Raises ParseError if the angle is not in the file.
    """
    wanted = clip.get("videoAngleID")
    sources = [node for node in clip.children if node.tag == "mc-source"]
    if sources:
        seen = [node for node in sources if node.get("srcEnable") in (None, "all", "video")]
        if not seen:
            return None
        wanted = seen[0].get("angleID") or ""
    for angle in multicam.children:
        if angle.tag == "mc-angle" and wanted in (None, angle.get("angleID")):
            return angle
    raise ParseError(
        f"multicam clip {clip.get('ref')!r} has no angle {wanted!r} in the file",
        line=clip.line,
        column=clip.column,
    )


def _retime(item: Node) -> Retime:
    """The timeMap; smooth transitions are taken as straight.

    Two points at one time are a jump, and each side of it a stretch of its own.
    """
    points = _retime_points(item)
    if not points:
        return ()
    runs: list[list[tuple[Fraction, Fraction]]] = []
    for point in points:
        if not runs or (point[0] == runs[-1][-1][0] and point != runs[-1][-1]):
            runs.append([point])
        elif point != runs[-1][-1]:
            runs[-1].append(point)
    for run in runs:
        if len(run) == 1:  # a lone point is a hold
            run.append((run[0][0] + 1, run[0][1]))
    limits = [-_FAR_S, *(run[0][0] for run in runs[1:]), _FAR_S]
    return tuple((*ends, run) for ends, run in zip(pairwise(limits), runs, strict=False))


def _retime_points(item: Node) -> list[tuple[Fraction, Fraction]]:
    """(clip time, content time) in order of time."""
    time_map = item.child("timeMap")
    if time_map is None:
        return []
    points = []
    for point in time_map.children:
        if point.tag == "timept":
            time_s, value_s = optional_seconds(point, "time"), optional_seconds(point, "value")
            if time_s is not None and value_s is not None:
                points.append((time_s, value_s))
    return sorted(points, key=lambda point: point[0])


def may_hold_picture(item: Node) -> bool:
    return item.tag in _PICTURE_STORY


def is_ours(node: Node) -> bool:
    """Whether an element bears the mark of otio-foley: the id of an asset, a key of our metadata,
    or a note that names a clip as ours do."""
    if node.tag == "asset" and _OUR_ID.fullmatch(node.get("id") or ""):
        return True
    for child in node.children:
        if child.tag == "note" and _OUR_NOTE.match(child.text.strip()):
            return True
        if child.tag == "metadata" and any(
            (entry.get("key") or "").startswith(_OUR_KEY) for entry in child.children
        ):
            return True
    return False
