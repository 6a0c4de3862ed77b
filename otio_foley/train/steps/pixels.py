"""How well steps are found in pixels alone: the whole analysis on a rendered data set.

Everybody whom the product follows is matched with the true person whose keypoints they lie on;
contacts of somebody who is nobody are all wrong. Contacts count while the person's feet are in the
picture, seen or hidden (skirts, clutter, others in front); of feet out of it, in a line apart.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otio_foley.analysis.people import sight
from otio_foley.analysis.skeleton import LEFT_LEG, NOSE, RIGHT_LEG, SHOULDERS
from otio_foley.media.picture import frames, probe
from otio_foley.train.stage.clip import CLIP, FRAMES, PICTURE
from otio_foley.train.steps.baselines import Detector
from otio_foley.train.steps.motions import summary_table
from otio_foley.train.steps.scores import Score, score, total
from otio_foley.train.steps.trials import TrueContact, Truth, Window
from otio_foley.types import Contact, FloatArray, Pose

_LEGS = [*LEFT_LEG, *RIGHT_LEG]
_FEET = [*LEFT_LEG[2:], *RIGHT_LEG[2:]]
_HEAD = [NOSE, *SHOULDERS]
#: Who is followed is a true person if their hips are this near, in the true one's leg lengths.
_SAME = 0.5
#: Feet that come into the picture later than this before a contact do not show it.
_SHOWN_S = 0.15
#: Nobody's contacts: those of a person who is not there.
_NOBODY = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One person of a clip (`_NOBODY` for who is not there) with a detector's score."""

    detector: str
    clip: str
    action: str
    camera: str
    look: str
    pace: str
    score: Score


def judged_clip(
    folder: Path,
    detectors: Mapping[str, Detector],
    exact: Mapping[str, Detector],
    unseen: Mapping[str, Detector],
) -> Iterator[Judged]:
    """Scores of everybody in one clip: of detectors that are given whom the product follows; of
    others that are given everybody's true keypoints, so that the rest of their misses is their own;
    and of some that are judged while feet are out of the picture and the head is in it."""
    told: dict[str, Any] = json.loads((folder / CLIP).read_text(encoding="utf-8"))
    with np.load(folder / FRAMES) as held:
        times, places = held["time_s"], held["keypoints_px"].astype(np.float64)
    info = probe(folder / PICTURE)
    pictures = (
        (frame.time_s, frame.rgb)
        for frame in frames(info, start_s=0.0, end_s=np.inf, long_side_px=max(told["size_px"]))
    )
    sighting = sight(pictures, most_people=max(4, len(told["people"])))
    owners = [owner(pose, times, places) for pose in sighting.people]
    numerator, _, denominator = told["frame_rate"].partition("/")
    frame_s = int(denominator) / int(numerator)
    end_s = float(times[-1])
    shot = {
        "camera": told["camera"],
        "look": told["look"],
        "pace": "slow motion" if told["slow_motion"] > 1.0 else "real time",
    }
    followed = list(zip(sighting.people, owners, strict=True))
    true = list(_true_poses(times, places, told["size_px"]))
    entrants = [(*one, followed, _feet_shown) for one in detectors.items()]
    entrants += [(*one, true, _feet_shown) for one in exact.items()]
    entrants += [(*one, followed, _head_alone_shown) for one in unseen.items()]
    for name, detector, people, known in entrants:
        found: dict[int, list[Contact]] = {}
        for pose, who in people:
            found.setdefault(who, []).extend(detector(pose, sighting.camera))
        for who, person in enumerate(told["people"]):
            shown = known(places[:, who], told["size_px"])
            truth = _truth(person["contacts"], times, shown)
            own = sorted(found.get(who, []), key=lambda one: one.time_s)
            yield Judged(
                detector=name,
                clip=folder.name,
                action=person["action"],
                **shot,
                score=score(truth, own, frame_s),
            )
        nothing = Truth(
            source="rule", contacts=(), windows=(Window(start_s=-1.0, end_s=end_s + 1.0),)
        )
        yield Judged(
            detector=name,
            clip=folder.name,
            action="(nobody)",
            **shot,
            score=score(nothing, found.get(_NOBODY, []), frame_s),
        )


def _true_poses(
    times_s: FloatArray, places_px: FloatArray, size_px: Sequence[int]
) -> Iterator[tuple[Pose, int]]:
    """Everybody (T, P, 33, 2) as they truly are, with their number; joints out of the picture, of
    which a pose network is never sure, too."""
    for who in range(places_px.shape[1]):
        own = places_px[:, who]
        there = np.isfinite(own[:, _LEGS]).all(axis=(1, 2))
        own = own[there]
        inside = ((own >= 0.0) & (own < np.array(size_px))).all(axis=2)
        yield (
            Pose(
                person=who,
                image_size_px=(size_px[0], size_px[1]),
                times_s=times_s[there],
                keypoints_px=own,
                confidence=np.where(inside, 1.0, 0.0),
                silhouette_area=np.full(len(own), np.nan),
            ),
            who,
        )


def owner(pose: Pose, times_s: FloatArray, places_px: FloatArray) -> int:
    """The true person (of P) whom a followed one is, or `_NOBODY`.

    times_s (T,), places_px (T, P, 33, 2) of the true ones.
    """
    frame = np.clip(np.searchsorted(times_s, pose.times_s - 1e-3), 0, len(times_s) - 1)
    true = places_px[frame]
    hips = pose.keypoints_px[:, [23, 24]].mean(axis=1)
    legs = np.linalg.norm(true[:, :, 23] - true[:, :, 27], axis=-1)
    apart = np.linalg.norm(true[:, :, [23, 24]].mean(axis=2) - hips[:, None], axis=-1)
    with np.errstate(invalid="ignore"):
        share = np.nanmedian(apart / np.maximum(legs, 1.0), axis=0)
    nearest = int(np.nanargmin(share)) if np.isfinite(share).any() else _NOBODY
    return nearest if nearest >= 0 and share[nearest] < _SAME else _NOBODY


def _feet_shown(places_px: FloatArray, size_px: Sequence[int]) -> NDArray[np.bool_]:
    """Frames (T,) in which all of both feet is in the picture."""
    return np.asarray(_inside(places_px[:, _FEET], size_px).all(axis=1))


def _head_alone_shown(places_px: FloatArray, size_px: Sequence[int]) -> NDArray[np.bool_]:
    """Frames (T,) in which head and shoulders are, and no foot."""
    head = _inside(places_px[:, _HEAD], size_px).all(axis=1)
    return np.asarray(head & ~_inside(places_px[:, _FEET], size_px).any(axis=1))


def _inside(places_px: FloatArray, size_px: Sequence[int]) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):
        inside = (places_px >= 0.0) & (places_px < np.array(size_px))
    return np.asarray(inside.all(axis=-1))


def _truth(
    contacts: Sequence[Mapping[str, Any]], times_s: FloatArray, known: NDArray[np.bool_]
) -> Truth:
    """Contacts of one person, in known frames (T,)."""
    edges = np.flatnonzero(np.diff(np.r_[False, known, False].astype(np.int8)))
    last = len(times_s)
    windows = [
        Window(
            start_s=float(times_s[first]) + (_SHOWN_S if first > 0 else 0.0),
            end_s=float(times_s[end - 1]) - (_SHOWN_S if end < last else 0.0),
        )
        for first, end in zip(edges[::2], edges[1::2], strict=True)
    ]
    return Truth(
        source="rule",
        contacts=tuple(
            TrueContact(foot=one["foot"], time_s=one["time_s"], toe_off_s=one["toe_off_s"])
            for one in contacts
        ),
        windows=tuple(window for window in windows if window.start_s < window.end_s),
    )


def tables(found: Sequence[Judged], seed: int) -> list[str]:
    """All together (an action is a subject, a clip a trial), then by action and by shot."""
    names = list(dict.fromkeys(one.detector for one in found))
    grouped: dict[str, dict[str, dict[str, list[Score]]]] = {name: {} for name in names}
    for one in found:
        clips = grouped[one.detector].setdefault(one.action, {})
        clips.setdefault(one.clip, []).append(one.score)
    real = {
        name: {action: clips for action, clips in actions.items() if action != "(nobody)"}
        for name, actions in grouped.items()
    }
    lines = summary_table({**real}, seed)
    for title in ("action", "camera", "look", "pace"):
        lines += [
            "",
            f"| {title} | " + " | ".join(f"{name}: F1 ±40 ms, hits, true, found" for name in names)
            + " |",
            "| --- |" + " --- |" * len(names),
        ]  # fmt: skip
        for value in sorted({getattr(one, title) for one in found}):
            cells = []
            for name in names:
                own = [
                    one.score
                    for one in found
                    if one.detector == name and getattr(one, title) == value
                ]
                tally = total(own).tallies["40 ms"]
                cells.append(f"{tally.f1:.2f}, {tally.hits}, {tally.true}, {tally.found}")
            lines.append(f"| {value} | " + " | ".join(cells) + " |")
    return lines
