"""What a single story element of FCPXML says: its lane, its clocks, its active parts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from otio_foley.errors import ParseError
from otio_foley.timelines.document import NAMESPACE
from otio_foley.timelines.fcpxml.media import Resources, optional_seconds
from otio_foley.timelines.fcpxml.time import conform_speed, seconds, source_rate_from_text
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

_LANE = re.compile(r"^[+-]?[0-9]{1,6}$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """The element on the main timeline that a clip's sound can be anchored to.

    Its first frame lies at `record_s`, where its own clock reads `local_s`; that clock runs
    `speed` seconds in a second of the timeline.
    """

    node: Node
    record_s: Fraction
    local_s: Fraction
    speed: Fraction

    def local_at(self, record_s: Fraction) -> Fraction:
        """The host's own time at a time of the record."""
        ahead_s = record_s - self.record_s
        return self.local_s + (ahead_s if self.speed == 1 else ahead_s * self.speed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """An element's clocks: parent time `at_s` is local `start_s`, then `speed`, then `curve`."""

    at_s: Fraction
    duration_s: Fraction
    start_s: Fraction
    speed: Fraction
    curve: Curve | None

    def windows(self, window: Window) -> tuple[Window, ...]:
        """What is seen of the element, as windows on its unretimed local time."""
        straight = self._straight(window)
        if straight is not None:
            return (straight,)
        found = []
        for piece in restricted(window, self.at_s, self.at_s + self.duration_s):
            local = shifted(piece, self.at_s, self.start_s, self.speed)
            found.append(local if self.curve is None else through(local, self.curve))
        return tuple(found)

    def _straight(self, window: Window) -> Window | None:
        """The one window of an element that plays straight within one that does, by far the most
        common case; None for all others."""
        (record_s, local_s), (record_end_s, local_end_s) = window[0], window[-1]
        if len(window) != 2 or self.curve is not None or self.speed != 1:
            return None
        end_s = self.at_s + self.duration_s
        if not local_s <= self.at_s < end_s <= local_end_s:
            return None
        shift_s = record_s - local_s
        if record_end_s - local_end_s != shift_s:
            return None
        first_s = self.at_s + shift_s
        return (
            (first_s, self.start_s),
            (first_s + self.duration_s, self.start_s + self.duration_s),
        )

    def ahead_of_start(self, local_s: Fraction) -> Fraction:
        """Seconds of the parent's time from the element's first frame to a local time."""
        ahead_s = local_s - self.start_s
        return ahead_s if self.speed == 1 else ahead_s / self.speed

    def parent_time(self, local_s: Fraction) -> Fraction:
        return self.at_s + self.ahead_of_start(local_s)


def timing_of(item: Node, at_s: Fraction, rate: Fraction, resources: Resources) -> Timing:
    """Raises ParseError for times that are none, or a duration that is not to be found."""
    start_s = local_start(item, resources)
    return Timing(
        at_s=at_s,
        duration_s=duration(item, start_s, resources),
        start_s=start_s,
        speed=_speed(item, rate, resources),
        curve=_time_map(item),
    )


def local_start(item: Node, resources: Resources) -> Fraction:
    """Local time at the element's first frame; without `start` that of what it refers to."""
    start_s = optional_seconds(item, "start")
    if start_s is not None:
        return start_s
    node = resources.nodes.get(item.get("ref") or "")
    if node is None:
        return Fraction(0)
    if node.tag == "asset" and item.tag in ("asset-clip", "video"):
        return optional_seconds(node, "start") or Fraction(0)
    inner = node.children[0] if node.tag == "media" and node.children else None
    return (optional_seconds(inner, "tcStart") if inner is not None else None) or Fraction(0)


def duration(item: Node, start_s: Fraction, resources: Resources) -> Fraction:
    """Seconds in the parent's time; without `duration` those of what it refers to."""
    duration_s = optional_seconds(item, "duration")
    if duration_s is not None:
        return duration_s
    node = resources.nodes.get(item.get("ref") or "")
    if node is not None and node.tag == "asset":
        asset_start_s = optional_seconds(node, "start") or Fraction(0)
        whole_s = optional_seconds(node, "duration")
        if whole_s is not None:
            return whole_s - (start_s - asset_start_s)
    if node is not None and node.tag == "media" and node.children:
        whole_s = optional_seconds(node.children[0], "duration")
        if whole_s is not None:
            return whole_s
    raise ParseError("it has no duration", line=item.line, column=item.column)


def _speed(item: Node, timeline_rate: Fraction, resources: Resources) -> Fraction:
    conform = item.child("conform-rate")
    if conform is None or conform.get("scaleEnabled") == "0":
        return Fraction(1)
    stated = conform.get("srcFrameRate")
    media_rate = source_rate_from_text(stated) if stated else None
    if media_rate is None and resources.tag(item.get("ref")) == "asset":
        media_rate = resources.asset(item.get("ref") or "").rate
    return conform_speed(media_rate, timeline_rate) if media_rate else Fraction(1)


def lane_of(node: Node) -> int:
    """The element's lane relative to its parent; 0 (contained) if it states none."""
    text = (node.get("lane") or "0").strip()
    return int(text) if _LANE.match(text) else 0


def active_pick(audition: Node) -> Node | None:
    return next((node for node in audition.children if node.tag in STORY), None)


def video_angle(clip: Node, multicam: Node) -> Node | None:
    """The angle that is seen: `mc-source` (1.2 on), `videoAngleID` (1.1), else the first one."""
    wanted = clip.get("videoAngleID")
    sources = [node for node in clip.children if node.tag == "mc-source"]
    for source in sources:
        if source.get("srcEnable") in (None, "all", "video"):
            wanted = source.get("angleID")
            break
    angles = [node for node in multicam.children if node.tag == "mc-angle"]
    if wanted is None:
        return angles[0] if angles and not sources else None
    return next((node for node in angles if node.get("angleID") == wanted), None)


def _time_map(item: Node) -> Curve | None:
    """A retime as (local time, unretimed local time); smooth transitions are taken as straight."""
    node = item.child("timeMap")
    if node is None:
        return None
    knots: dict[Fraction, Fraction] = {}
    for point in node.children:
        time, value = point.get("time"), point.get("value")
        if point.tag == "timept" and time is not None and value is not None:
            knots[seconds(time)] = seconds(value)
    curve = sorted(knots.items())
    if len(curve) == 1:  # a lone point is a hold
        (time_s, value_s) = curve[0]
        curve.append((time_s + 1, value_s))
    return curve or None


def may_hold_picture(item: Node) -> bool:
    return item.tag in _PICTURE_STORY


def is_ours(node: Node) -> bool:
    """Whether otio-foley has put its mark on this element."""
    if node.tag == "asset" and (node.get("id") or "").startswith(ID_PREFIX):
        return True
    for child in node.children:
        if child.tag == "note" and NAMESPACE in child.text:
            return True
        if child.tag == "metadata" and any(
            (entry.get("key") or "").startswith(NAMESPACE) for entry in child.children
        ):
            return True
    return False
