"""How well steps are found in real picture, where somebody has labelled strikes by eye.

`labels.tsv` in the folder: file, fps, event (heel_strike, jump_landing; others are passed over),
frame, tol_frames (how sure the labeller was), and person where several people are labelled in one
file. Who of those that the product follows is meant is not labelled: it is whoever's contacts agree
best with the labels. Between the first and the last label of a person every step of theirs is taken
to be labelled.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from otio_foley.analysis.people import sight
from otio_foley.analysis.skeleton import HIPS, LEFT_LEG, RIGHT_LEG, SHOULDERS
from otio_foley.analysis.tracks import leg_length_px
from otio_foley.config import Settings
from otio_foley.errors import InputError
from otio_foley.media.picture import frames, probe
from otio_foley.train.steps.baselines import Detector
from otio_foley.types import Contact, FloatArray, Pose

LABELS = "labels.tsv"
_CONTACTS = ("heel_strike", "jump_landing")
_COLUMNS = ("file", "fps", "event", "frame", "tol_frames")
#: A label and a contact further apart than this have nothing to do with each other.
_NEAR_S = 0.15
#: An insert is so many legs high and reaches so far below the feet, a medium shot so many trunks,
#: and so far below the hips. Both are shown at this size.
_INSERT_LEGS, _BELOW_LEGS = 1.15, 0.2
_MEDIUM_TRUNKS, _BELOW_TRUNKS = 2.0, 0.1
_SHOWN_PX = (1280, 720)
_STEADY_S = 0.25


#: (time_s, (H, W, 3) uint8 RGB), times rising.
Pictures: TypeAlias = Iterator[tuple[float, NDArray[np.uint8]]]
#: What somebody looks like in another framing.
Framing: TypeAlias = Callable[[Pictures, Pose], Pictures]


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """One labelled contact: when, and how sure that is, on the movie's own clock."""

    time_s: float
    tolerance_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """What one person does in one movie."""

    file: str
    event: str
    person: str
    frame_s: float
    labels: tuple[Label, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """A detector beside one person's labels; error_s of each label is NaN where none was near."""

    labelled: Labelled
    detector: str
    error_s: tuple[float, ...]
    extra: int

    @property
    def within(self) -> int:
        """Labels that were met within what the labeller was sure of."""
        pairs = zip(self.error_s, self.labelled.labels, strict=True)
        return sum(abs(error) <= label.tolerance_s for error, label in pairs)


def read_labels(folder: Path) -> tuple[Labelled, ...]:
    """The labels of a folder, by file, event and person. Raises InputError for what is no table of
    labels."""
    path = folder / LABELS
    with path.open(encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table, delimiter="\t"))
    missing = [name for name in _COLUMNS if not rows or rows[0].get(name) is None]
    if missing:
        raise InputError(f"{path} has no column {', '.join(missing)}")

    def whose(row: Mapping[str, str]) -> tuple[str, str, str]:
        return row["file"], row["event"], row.get("person") or ""

    found = []
    kept = sorted((row for row in rows if row["event"] in _CONTACTS), key=whose)
    for (file, event, person), own in groupby(kept, key=whose):
        labels = []
        for row in own:
            frame_s = 1.0 / float(row["fps"])
            labels.append(
                Label(
                    time_s=float(row["frame"]) * frame_s,
                    # A label names a whole frame, so half of one is no error.
                    tolerance_s=(float(row["tol_frames"]) + 0.5) * frame_s,
                )
            )
        labels.sort(key=lambda label: label.time_s)
        found.append(
            Labelled(file=file, event=event, person=person, frame_s=frame_s, labels=tuple(labels))
        )
    return tuple(found)


def judged_folder(
    folder: Path,
    detectors: Mapping[str, Detector],
    of_parts: Mapping[str, tuple[Framing, Detector]],
) -> Iterator[Agreement]:
    """Every detector beside every label; each movie is looked at once, and for the detectors
    `of_parts` once more for every person, framed so that only a part of them is seen."""
    settings = Settings().analysis
    for file, own in groupby(read_labels(folder), key=lambda one: one.file):
        labels = tuple(own)
        sighting = sight(_pictures(folder / file), most_people=settings.most_people)
        for name, detector in detectors.items():
            people = [detector(pose, sighting.camera) for pose in sighting.people]
            yield from agreements(labels, name, people)
        for name, (framing, detector) in of_parts.items():
            parts = [
                sight(framing(_pictures(folder / file), pose), most_people=settings.most_people)
                for pose in sighting.people
            ]
            told = [detector(pose, one.camera) for one in parts for pose in one.people]
            yield from agreements(labels, name, told)


def _pictures(path: Path) -> Pictures:
    long_side_px = Settings().analysis.long_side_px
    for frame in frames(probe(path), start_s=0.0, end_s=np.inf, long_side_px=long_side_px):
        yield frame.time_s, frame.rgb


def insert(pictures: Pictures, pose: Pose) -> Pictures:
    """Pictures as an insert of somebody's legs would show them: from the thighs to the floor."""
    legs = pose.keypoints_px[:, [*LEFT_LEG, *RIGHT_LEG]]
    leg_px = leg_length_px(pose.keypoints_px[np.isfinite(legs).all(axis=(1, 2))])
    below = legs[:, :, 1].max(axis=1) + _BELOW_LEGS * leg_px
    return _window(pictures, pose, legs[:, :, 0].mean(axis=1), below, _INSERT_LEGS * leg_px)


def medium(pictures: Pictures, pose: Pose) -> Pictures:
    """Pictures as a medium shot of somebody would show them: from over the head to the hips."""
    shoulders = pose.keypoints_px[:, list(SHOULDERS)].mean(axis=1)
    hips = pose.keypoints_px[:, list(HIPS)].mean(axis=1)
    trunk_px = float(np.nanmedian(np.linalg.norm(hips - shoulders, axis=1)))
    below = hips[:, 1] + _BELOW_TRUNKS * trunk_px
    return _window(pictures, pose, shoulders[:, 0], below, _MEDIUM_TRUNKS * trunk_px)


def _window(
    pictures: Pictures, pose: Pose, middle_px: FloatArray, below_px: FloatArray, high_px: float
) -> Pictures:
    """An operator's window that follows a person smoothly, enlarged: about its middle (T,), up from
    its lower edge (T,), so high."""
    middle, below = (_smoothed(pose.times_s, values) for values in (middle_px, below_px))
    scale = _SHOWN_PX[1] / high_px
    for time_s, rgb in pictures:
        if not pose.times_s[0] <= time_s <= pose.times_s[-1]:
            continue
        x = float(np.interp(time_s, pose.times_s, middle))
        y = float(np.interp(time_s, pose.times_s, below))
        shift = [_SHOWN_PX[0] / 2 - scale * x, _SHOWN_PX[1] - scale * y]
        window = np.array([[scale, 0.0, shift[0]], [0.0, scale, shift[1]]])
        yield time_s, np.asarray(cv2.warpAffine(rgb, window, _SHOWN_PX, flags=cv2.INTER_CUBIC))


def _smoothed(times_s: FloatArray, values: FloatArray) -> FloatArray:
    """Values (T,) where they are known, as steadily as an operator follows them."""
    known = np.isfinite(values)
    steady = gaussian_filter1d(
        np.interp(times_s, times_s[known], values[known]),
        _STEADY_S / float(np.median(np.diff(times_s))),
        mode="nearest",
    )
    return np.asarray(steady)


def agreements(
    labelled: Sequence[Labelled], detector: str, people: Sequence[Sequence[Contact]]
) -> Iterator[Agreement]:
    """How the people whose contacts agree best meet the labels of one movie; the most labelled
    choose first, and nobody is two."""
    free = list(people)
    for one in sorted(labelled, key=lambda one: -len(one.labels)):
        compared = [_compared(one, detector, contacts) for contacts in free]
        if not compared:
            yield _compared(one, detector, ())
            continue
        best = max(range(len(free)), key=lambda number: _merit(compared[number]))
        yield compared[best]
        free.pop(best)


def _merit(one: Agreement) -> tuple[int, int, int]:
    return one.within, int(np.isfinite(one.error_s).sum()), -one.extra


def _compared(labelled: Labelled, detector: str, contacts: Sequence[Contact]) -> Agreement:
    times = np.array([contact.time_s for contact in contacts])
    free = np.ones(len(times), dtype=bool)
    errors = []
    for label in labelled.labels:
        apart = np.where(free, np.abs(times - label.time_s), np.inf)
        if not len(apart) or apart.min() > _NEAR_S:
            errors.append(np.nan)
            continue
        nearest = int(apart.argmin())
        # Both feet of a landing are one label.
        free &= np.abs(times - times[nearest]) > (1e-6 if labelled.event == "heel_strike" else 0.1)
        errors.append(float(times[nearest] - label.time_s))
    first, last = labelled.labels[0], labelled.labels[-1]
    between = (times >= first.time_s - first.tolerance_s) & (
        times <= last.time_s + last.tolerance_s
    )
    return Agreement(
        labelled=labelled,
        detector=detector,
        error_s=tuple(errors),
        extra=int((between & free).sum()),
    )


def tables(found: Sequence[Agreement]) -> list[str]:
    """A line per detector and labelled person, errors in frames."""
    lines = [
        "| detector | file | event | n | within the label's tolerance | extra | median error ms "
        "| signed ms | errors in frames |",
        "| --- |" + " --- |" * 8,
    ]
    for one in found:
        errors = np.array(one.error_s)
        near = errors[np.isfinite(errors)]
        middle = f"{np.median(np.abs(near)) * 1e3:.1f}" if len(near) else "-"
        signed = f"{np.median(near) * 1e3:+.1f}" if len(near) else "-"
        each = " ".join(
            "missed" if np.isnan(error) else f"{error / one.labelled.frame_s:+.1f}"
            for error in errors
        )
        who = f"{one.labelled.event} {one.labelled.person}".strip()
        lines.append(
            f"| {one.detector} | {Path(one.labelled.file).name} | {who} | {len(errors)} "
            f"| {one.within} | {one.extra} | {middle} | {signed} | {each} |"
        )
    return lines
