"""The level over time of a clip, as the Audio Levels filter of xmeml: linear gain at keyframes."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from fractions import Fraction

from otio_foley.errors import WouldLoseData
from otio_foley.timelines.automation import Points, densified, within
from otio_foley.timelines.xml.write import Element
from otio_foley.types import Host, StemClip

#: (least, greatest) gain of the parameter: +12 dB is Final Cut Pro 7's and Premiere's, +30 dB
#: Resolve's, whose least is -100 dB.
_RANGE = ("0", "3.98109")
_RANGE_OF: dict[Host, tuple[str, str]] = {"resolve": ("1e-05", "31.6228")}


def level_filter(
    stem: StemClip, in_frame: int, length_frames: int, rate: Fraction, host: Host
) -> Element:
    """The filter that rides a stem's `automation`. Raises WouldLoseData above the greatest gain."""
    low, high = _RANGE_OF.get(host, _RANGE)
    top_db = max(level_db for _, level_db in stem.automation)
    if _gain(top_db) > float(high):
        raise WouldLoseData(
            f"{stem.name!r} asks for {top_db:+.1f} dB, more than the host's volume can give",
            hint="leave the level in the sound (--level-rides baked)",
        )
    levels = [
        (frame, f"{max(_gain(level_db), float(low)):.6f}")
        for frame, level_db in _at_frames(stem.automation, length_frames, rate)
    ]
    is_constant = len({gain for _, gain in levels}) == 1
    keyframes = () if is_constant else tuple(_keyframe(in_frame + at, gain) for at, gain in levels)
    parameter = (
        Element("parameterid", (), "level"),
        Element("name", (), "Level"),
        Element("valuemin", (), low),
        Element("valuemax", (), high),
        Element("value", (), levels[0][1]),
        *keyframes,
    )
    effect = (
        Element("name", (), "Audio Levels"),
        Element("effectid", (), "audiolevels"),
        Element("effectcategory", (), "audiolevels"),
        Element("effecttype", (), "audiolevels"),
        Element("mediatype", (), "audio"),
        Element("parameter", (), parameter),
    )
    return Element("filter", (), (Element("enabled", (), "TRUE"), Element("effect", (), effect)))


def _keyframe(when: int, gain: str) -> Element:
    """`when` counts like the clip's `in`, in frames from the medium's start: the Time Remap graphs
    of Premiere's and Resolve's exports have their inner keyframes at `in` and `out`."""
    return Element("keyframe", (), (Element("when", (), str(when)), Element("value", (), gain)))


def _at_frames(
    automation: Points, length_frames: int, rate: Fraction
) -> Iterator[tuple[int, float]]:
    """(frame of the clip, dB) at whole frames, close enough to be read as straight in gain.

    Where the curve bends between two frames, or falls by a step of `densified`, both have a
    keyframe. So it is within 0.5 dB at every frame, and between two frames too unless it bends
    there or moves more than 5.9 dB: there a line is the best that whole frames can hold.
    """
    dense = densified(within(automation, length_frames / rate))
    times = [time_s * rate for time_s, _ in dense]
    levels = [level_db for _, level_db in dense]
    for at in sorted({edge for time in times for edge in (time.__floor__(), time.__ceil__())}):
        after = bisect_left(times, at, 1, len(times) - 1)
        share = float((at - times[after - 1]) / (times[after] - times[after - 1]))
        yield at, levels[after - 1] + (levels[after] - levels[after - 1]) * share


def _gain(level_db: float) -> float:
    return float(10.0 ** (level_db / 20))
