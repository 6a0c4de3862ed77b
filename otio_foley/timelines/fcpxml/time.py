"""Times and rates as FCPXML spells them."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

from otio_foley.errors import ParseError
from otio_foley.time import rate_from_float

_TIME = re.compile(r"^([+-]?\d{1,19}(?:\.\d{1,12})?)(?:/(\d{1,19}))?s?$")
_FORMAT_NAME = re.compile(r"([ip])(2398|24|25|2997|30|50|5994|60|120)(?:_16x9)?$")

#: Attributes that hold a time; a `value` is one in a `timept` only.
_TIMES = frozenset(
    (
        *("start", "duration", "offset", "tcStart", "time", "frameDuration"),
        *("audioStart", "audioDuration", "videoStart", "videoDuration", "renderDuration"),
    )
)

#: Rates as format names abbreviate them.
_ABBREVIATED = {
    "2398": Fraction(24000, 1001),
    "2997": Fraction(30000, 1001),
    "5994": Fraction(60000, 1001),
}

_NTSC = Fraction(1001, 1000)

#: Frames of media to frames of timeline that count as fitting, and the change of speed that Final
#: Cut Pro makes for it: one to one, halves and doubles up to 4.3 %; pulldown only the NTSC 0.1 %.
_RATIOS = (
    ((Fraction(1), Fraction(2), Fraction(1, 2)), Fraction(1, 20)),
    ((Fraction(4, 5), Fraction(5, 4), Fraction(2, 5), Fraction(5, 2)), Fraction(1, 500)),
)

#: FCPXML holds a 64-bit numerator and a 32-bit denominator.
_LARGEST_DENOMINATOR = 2**31 - 1


@lru_cache(maxsize=4096)
def seconds(text: str) -> Fraction:
    """Exact seconds of `1001/24000s`, `5s` or `0.5s`. Raises ParseError."""
    match = _TIME.match(text.strip())
    if match is None or (match[2] is not None and int(match[2]) == 0):
        raise ParseError(
            f"not an FCPXML time: {text[:60]!r}", hint="expected e.g. 1001/24000s or 5s"
        )
    numerator, denominator = match.groups(default="1")
    if "." in numerator:
        return Fraction(numerator) / int(denominator)
    return Fraction(int(numerator), int(denominator))


def time_text(time_s: Fraction) -> str:
    """FCPXML spelling of exact seconds."""
    numerator, denominator = time_s.as_integer_ratio()
    if denominator > _LARGEST_DENOMINATOR:
        nearest_s = time_s.limit_denominator(_LARGEST_DENOMINATOR)
        numerator, denominator = nearest_s.as_integer_ratio()
    return f"{numerator}s" if denominator == 1 else f"{numerator}/{denominator}s"


def plain_value(tag: str, attribute: str, value: str) -> str:
    """An attribute's value in the spelling in which it is compared: 48/24s is 2s."""
    is_time = attribute in _TIMES or (tag, attribute) == ("timept", "value")
    if not is_time or not value.endswith("s"):
        return value
    try:
        return f"{seconds(value)}s"
    except ParseError:
        return value


def rate_from_format_name(name: str) -> Fraction | None:
    """Frame rate in a name like FFVideoFormat1080i5994 (fields, hence half); None without one."""
    match = _FORMAT_NAME.search(name)
    if match is None:
        return None
    rate = _ABBREVIATED.get(match[2]) or Fraction(match[2])
    return rate / 2 if match[1] == "i" and rate > 31 else rate


def source_rate_from_text(text: str) -> Fraction | None:
    """`srcFrameRate` of a conform-rate: 23.98 -> 24000/1001."""
    try:
        return rate_from_float(float(text))
    except (ValueError, OverflowError):
        return None


def conform_speed(media_rate: Fraction, timeline_rate: Fraction) -> Fraction:
    """Media seconds played in a timeline second where Final Cut Pro conforms the rate.

    It plays frame for frame wherever that needs a small change of speed only: 25 on 23.98, 24 on
    23.98, 29.97 on 30, 50 on 24 (as 48); else at the medium's own speed. So Apple's table
    (developer.apple.com/documentation/professional-video-applications/conform-rate), but for one
    cell: it has no change for 23.98 on 29.97 and 59.94. The seven 23.98 clips of a project at
    59.94 (OpenFCPXMLKit's sample 59.94.fcpxml) bear a conform-rate all the same, and their
    anchored items stand on frames only if film rates run at 24 and video rates at 30 (factor
    1.001). That is followed for the picture too, of which no export tells.
    """
    film, video = (24, 48), (30, 60, 120)
    ntsc_media = media_rate.denominator == 1001
    if ntsc_media and timeline_rate.denominator == 1001:
        nominal = round(media_rate), round(timeline_rate)
        if nominal[0] in film and nominal[1] in video:
            return _NTSC
        return 1 / _NTSC if nominal[0] in video and nominal[1] in film else Fraction(1)
    for ratios, largest_change in _RATIOS:
        speeds = [timeline_rate * ratio / media_rate for ratio in ratios]
        nearest = min(speeds, key=lambda speed: abs(speed - 1))
        if abs(nearest - 1) <= largest_change:
            return nearest
    return Fraction(1)
