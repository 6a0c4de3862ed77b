"""How well found contacts match the true ones: FOLEY.md's yardsticks for contacts.

Hits are `mir_eval.util.match_events`, the matching of `mir_eval.onset.f_measure`. What is known is
known in the truth's windows: found contacts are matched with all true ones, and then those outside
of the windows, true or found, count for nothing. The instant's error is that of a true contact and
the found one that are each other's nearest, up to `_SAME_S` apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from mir_eval.util import match_events

from otio_foley.train.steps.trials import SIDES, TrueContact, Truth
from otio_foley.types import Contact, FloatArray, Foot

#: Further apart than this a found contact is of another step: a sprinter's are 0.2 s apart.
_SAME_S = 0.15
TOLERANCES: tuple[str, str, str] = ("20 ms", "40 ms", "1 frame")
_RESAMPLED = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Hits, and how many were true and found; sums of tallies are tallies."""

    hits: int = 0
    true: int = 0
    found: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            hits=self.hits + other.hits,
            true=self.true + other.true,
            found=self.found + other.found,
        )

    @property
    def f1(self) -> float:
        """NaN where nothing was true nor found."""
        both = self.true + self.found
        return 2.0 * self.hits / both if both else np.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One view, or many added up. `tallies` by tolerance, feet aside; `right_foot` at 40 ms where
    the foot has to be right; `feet` the same of each foot; errors_s signed, negative is early;
    `miscounted` the sum over views of how many too many or too few were found."""

    tallies: Mapping[str, Tally]
    right_foot: Tally
    feet: Mapping[Foot, Tally]
    errors_s: FloatArray
    miscounted: int

    @property
    def true(self) -> int:
        return self.tallies[TOLERANCES[0]].true


def score(truth: Truth, found: Sequence[Contact], frame_s: float) -> Score:
    """Judge one view's contacts; times of both in the same clock."""
    true = truth.contacts
    per_foot = {foot: _one_foot(truth, found, foot) for foot in SIDES}
    limits = dict(zip(TOLERANCES, (0.020, 0.040, frame_s), strict=True))
    tallies = {name: _tally(truth, true, found, limit) for name, limit in limits.items()}
    counted = tallies[TOLERANCES[0]]
    return Score(
        tallies=tallies,
        right_foot=per_foot["left"] + per_foot["right"],
        feet=per_foot,
        errors_s=_errors_s(truth, found),
        miscounted=abs(counted.found - counted.true),
    )


def total(scores: Sequence[Score]) -> Score:
    """Views added up."""
    return Score(
        tallies={name: _sum([one.tallies[name] for one in scores]) for name in TOLERANCES},
        right_foot=_sum([one.right_foot for one in scores]),
        feet={foot: _sum([one.feet[foot] for one in scores]) for foot in SIDES},
        errors_s=np.concatenate([one.errors_s for one in scores] or [np.zeros(0)]),
        miscounted=sum(one.miscounted for one in scores),
    )


def _sum(tallies: Sequence[Tally]) -> Tally:
    return sum(tallies, Tally())


def _one_foot(truth: Truth, found: Sequence[Contact], foot: Foot) -> Tally:
    own = [one for one in truth.contacts if one.foot == foot]
    return _tally(truth, own, [one for one in found if one.foot == foot], 0.040)


def _tally(
    truth: Truth, true: Sequence[TrueContact], found: Sequence[Contact], limit_s: float
) -> Tally:
    real = np.sort([one.time_s for one in true])
    claimed = np.sort([one.time_s for one in found])
    pairs = match_events(real, claimed, limit_s) if len(real) and len(claimed) else []
    partner = {int(there): int(here) for here, there in pairs}
    known = [truth.knows(float(time_s)) for time_s in real]
    hits = sum(known[here] for here in partner.values())
    extra = sum(
        truth.knows(float(time_s)) for number, time_s in enumerate(claimed) if number not in partner
    )
    return Tally(hits=hits, true=sum(known), found=hits + extra)


def _errors_s(truth: Truth, found: Sequence[Contact]) -> FloatArray:
    real = np.array([one.time_s for one in truth.contacts])
    claimed = np.array([one.time_s for one in found])
    if not len(real) or not len(claimed):
        return np.zeros(0)
    gaps = claimed[None, :] - real[:, None]
    errors = []
    for number, time_s in enumerate(real):
        nearest = int(np.abs(gaps[number]).argmin())
        mutual = int(np.abs(gaps[:, nearest]).argmin()) == number
        if mutual and abs(gaps[number, nearest]) <= _SAME_S and truth.knows(float(time_s)):
            errors.append(gaps[number, nearest])
    return np.array(errors, dtype=np.float64)


# ---- over subjects


#: Scores of views, by subject and then by trial (of a long one its pieces).
Judged = Mapping[str, Mapping[str, Sequence[Score]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A figure with its bootstrap 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Means over subjects of each subject's figure over all of their views; times in seconds.

    `true` is how many contacts were judged (each once per view), `worst_s` the greatest of the
    subjects' median absolute errors (infinite where somebody's contacts were never met; the means
    leave such a subject out), `miscounted` views' wrong counts over true contacts.
    """

    true: int
    f1: Mapping[str, Interval]
    f1_right_foot: float
    f1_feet: Mapping[Foot, float]
    absolute_s: Interval
    worst_s: float
    signed_s: Interval
    miscounted: float


def absolute_s(one: Score) -> float:
    """Median absolute error; NaN where no contact was met."""
    return float(np.median(np.abs(one.errors_s))) if len(one.errors_s) else np.nan


def signed_s(one: Score) -> float:
    """Median error, negative is early; NaN where no contact was met."""
    return float(np.median(one.errors_s)) if len(one.errors_s) else np.nan


def miscounted(one: Score) -> float:
    """Wrong counts per true contact."""
    return one.miscounted / one.true if one.true else np.nan


def by_subject(judged: Judged) -> dict[str, Score]:
    """Each subject's views added up."""
    return {
        subject: total([one for views in trials.values() for one in views])
        for subject, trials in judged.items()
    }


def summary(judged: Judged, seed: int, resampled: int = _RESAMPLED) -> Summary:
    """All yardsticks; intervals from subjects drawn again, and of each subject their trials."""
    per_subject = list(by_subject(judged).values())
    rng = np.random.default_rng(seed)
    # Views are added up within a trial once, for trials are what is drawn.
    trials = [[total(views) for views in held.values()] for held in judged.values()]
    draws = [
        [
            total([own[int(pick)] for pick in rng.integers(len(own), size=len(own))])
            for own in (trials[int(who)] for who in rng.integers(len(trials), size=len(trials)))
        ]
        for _ in range(resampled)
    ]

    def interval(figure: Callable[[Score], float]) -> Interval:
        spread = [_mean([figure(one) for one in draw]) for draw in draws]
        low, high = np.nanpercentile(spread, [2.5, 97.5]) if spread else (np.nan, np.nan)
        value = _mean([figure(one) for one in per_subject])
        return Interval(value=value, low=float(low), high=float(high))

    def f1_at(name: str) -> Callable[[Score], float]:
        return lambda one: one.tallies[name].f1

    return Summary(
        true=sum(one.true for one in per_subject),
        f1={name: interval(f1_at(name)) for name in TOLERANCES},
        f1_right_foot=_mean([one.right_foot.f1 for one in per_subject]),
        f1_feet={foot: _mean([one.feet[foot].f1 for one in per_subject]) for foot in SIDES},
        absolute_s=interval(absolute_s),
        worst_s=max((_or_infinite(absolute_s(one)) for one in per_subject), default=np.nan),
        signed_s=interval(signed_s),
        miscounted=_mean([miscounted(one) for one in per_subject]),
    )


def _or_infinite(value: float) -> float:
    return value if np.isfinite(value) else np.inf


def _mean(values: Sequence[float]) -> float:
    good = [value for value in values if np.isfinite(value)]
    return float(np.mean(good)) if good else np.nan
