"""What is measured against: people's lower limbs in metres, and when their feet came down.

World: metres, x and y over the floor, z up, floor at 0. Times: seconds from a file's first frame.
Joints are (T, 2, 5, 3): left and right; hip, knee, ankle, heel and toe tip, as BlazePose means
them (Bazarevsky et al. 2020, figure 3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final, Literal, TypeAlias

import numpy as np

from otio_foley.analysis.skeleton import LEG
from otio_foley.types import FloatArray, Foot, Gait

#: What a truth rests on: a plate that feels weight, somebody's labels, or a rule over positions.
Source: TypeAlias = Literal["plate", "label", "rule"]
SOURCES: Final[tuple[Source, ...]] = ("plate", "label", "rule")

SIDES: Final[tuple[Foot, Foot]] = ("left", "right")
JOINTS: Final = ("hip", "knee", "ankle", "heel", "toe")
HIP, KNEE, ANKLE, HEEL, TOE = range(5)

#: In walking nobody's feet come down closer together than this: 2.7 steps a second, which nobody
#: exceeds in a walk, are 0.37 s apart. Around a known contact all is known for so long.
KNOWN_AROUND_S: Final = 0.25
#: Closer together, a plate's and a label's contact of the same foot are one.
_SAME_S: Final = 0.15
#: Two labelled contacts of opposite feet further apart than this may have one between them.
_LONGEST_STEP_S: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Time [start_s, end_s] in which every contact of both feet is known."""

    start_s: float
    end_s: float

    def holds(self, time_s: float) -> bool:
        return self.start_s <= time_s <= self.end_s


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueContact:
    """A foot coming down; `toe_off_s` is None where it is not known."""

    foot: Foot
    time_s: float
    toe_off_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Doing:
    """What somebody does in [start_s, end_s), by the network's names (`GAITS`)."""

    start_s: float
    end_s: float
    gait: Gait


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """Known contacts in time order, and the windows (in order, apart) outside of which more steps
    may have been taken: what is found there is neither right nor wrong. `doing` is in order, and
    empty where nobody says."""

    source: Source
    contacts: tuple[TrueContact, ...]
    windows: tuple[Window, ...]
    doing: tuple[Doing, ...] = ()

    @property
    def stands(self) -> bool:
        """Whether somebody only stands."""
        return bool(self.doing) and all(part.gait == "stand" for part in self.doing)

    def knows(self, time_s: float) -> bool:
        return any(window.holds(time_s) for window in self.windows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One recording of one person.

    times_s (T,) even at `rate_hz`; joints_m (T, 2, 5, 3); upper_m (T, 7, 3) of `joints.UPPER`, of
    those whose head and arms were measured, too; `belt_m_s` (2,) is the treadmill's
    velocity that was taken off (0 over ground); `height_m` the person's, from the legs.
    """

    subject: str
    file: str
    rate_hz: float
    times_s: FloatArray
    joints_m: FloatArray
    upper_m: FloatArray | None
    belt_m_s: FloatArray
    height_m: float
    truths: tuple[Truth, ...]


def windows_around(contacts: Sequence[TrueContact]) -> tuple[Window, ...]:
    """When a walk's contacts are all known, if only some steps met a plate or were labelled.

    Around each contact, and from one to the next of the other foot where the first foot still
    stands (or, its toe-off unknown, where no step fits between).
    """
    spans = [
        (contact.time_s - KNOWN_AROUND_S, contact.time_s + KNOWN_AROUND_S) for contact in contacts
    ]
    for before, after in pairwise(contacts):
        until = before.time_s + _LONGEST_STEP_S if before.toe_off_s is None else before.toe_off_s
        if before.foot != after.foot and after.time_s <= until:
            spans.append((before.time_s, after.time_s))
    return _joined(spans)


def with_labels(plates: Truth, labels: Truth) -> Truth:
    """What plates felt, and where they felt nothing what somebody labelled: labels come as much
    later as those of the same recording are earlier than its plates (median; n is 2 to 45)."""
    lags = [
        felt.time_s - one.time_s
        for felt in plates.contacts
        for one in labels.contacts
        if _same(felt, one)
    ]
    lag_s = float(np.median(lags)) if lags else 0.0
    added = [
        replace(
            one,
            time_s=one.time_s + lag_s,
            toe_off_s=None if one.toe_off_s is None else one.toe_off_s + lag_s,
        )
        for one in labels.contacts
        if not any(_same(felt, one) for felt in plates.contacts)
    ]
    contacts = tuple(sorted([*plates.contacts, *added], key=lambda one: one.time_s))
    spans = [(one.start_s, one.end_s) for one in (*plates.windows, *labels.windows)]
    return replace(plates, contacts=contacts, windows=_joined(spans))


def _same(felt: TrueContact, labelled: TrueContact) -> bool:
    return felt.foot == labelled.foot and abs(felt.time_s - labelled.time_s) < _SAME_S


def window_over(contacts: Sequence[TrueContact]) -> tuple[Window, ...]:
    """One window over all contacts, where no step can be missing between (a plate under each
    foot, all the time)."""
    if not contacts:
        return ()
    first, last = contacts[0].time_s, contacts[-1].time_s
    return (Window(start_s=first - KNOWN_AROUND_S, end_s=last + KNOWN_AROUND_S),)


def clipped(windows: Sequence[Window], start_s: float, end_s: float) -> tuple[Window, ...]:
    """What of the windows lies in a stretch of time."""
    cut = [(max(one.start_s, start_s), min(one.end_s, end_s)) for one in windows]
    return _joined([span for span in cut if span[0] < span[1]])


def without(windows: Sequence[Window], start_s: float, end_s: float) -> tuple[Window, ...]:
    """What of the windows lies outside a stretch of time."""
    left = [(one.start_s, min(one.end_s, start_s)) for one in windows]
    left += [(max(one.start_s, end_s), one.end_s) for one in windows]
    return _joined([span for span in left if span[0] < span[1]])


def _joined(spans: Sequence[tuple[float, float]]) -> tuple[Window, ...]:
    joined: list[tuple[float, float]] = []
    for start_s, end_s in sorted(spans):
        if joined and start_s <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end_s, joined[-1][1]))
        else:
            joined.append((start_s, end_s))
    return tuple(Window(start_s=start_s, end_s=end_s) for start_s, end_s in joined)


def height_from_legs_m(joints_m: FloatArray) -> float:
    """A person's height from thigh and shank, which are `LEG` of it."""
    thigh, shank = (
        np.linalg.norm(joints_m[:, :, upper] - joints_m[:, :, upper + 1], axis=2)
        for upper in (HIP, KNEE)
    )
    return float(np.median(thigh + shank)) / LEG
