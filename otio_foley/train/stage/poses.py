"""How well the bundled pose network sees the stage: detection and keypoint error.

    python -m otio_foley.train.stage.poses DATASET [--noise FILE] [--real MOVIE ...]

The network looks at whom the detector is surest of in a crop about each person (the product does
so where somebody is not at their place), at two frames in so many that follow each other, which
tells how much of an error stays from one to the next. Errors are in per cent of the body's height
in the picture, and count where the truth says that the joint is seen. Of real shots no truth is at
hand: what can be set beside is how often the network finds anybody in the whole picture, and how
sure it is of each joint.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from otio_foley.analysis.following import CROP_MARGIN
from otio_foley.analysis.pose import Crop, Person, PoseNetwork
from otio_foley.train.stage.clip import CLIP, FRAMES, PICTURE
from otio_foley.train.stage.dataset import CLIPS
from otio_foley.train.stage.rotation import Array

JOINTS: Mapping[str, tuple[int, int]] = {
    "hip": (23, 24),
    "knee": (25, 26),
    "ankle": (27, 28),
    "heel": (29, 30),
    "toe": (31, 32),
}
_EVERY = 8
#: Errors beyond this share of the body's height are another person, or left for right.
_OUTLIER = 0.10
#: From 150 px on a person fills what the network looks at (256 px), and errors stay what they are.
_SIZES_PX = (0, 60, 100, 150, 100_000)
#: Whoever shows less of their keypoints is not counted in the noise model: somebody cut off by the
#: picture or behind another is a case of its own.
_SHOWN = 0.75
#: Legs are taken for each other where that makes the error smaller by this, and they are apart by
#: this share of the body's height.
_SWAPPED = 0.5
_LEGS_APART = 0.04
_FEWEST_PAIRS = 5
_LEGS = ([23, 25, 27, 29, 31], [24, 26, 28, 30, 32])


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One person in one frame: the truth, and what the network says (None: nobody)."""

    who: tuple[str, int]
    """The clip and the person."""
    camera: str
    time_s: float
    height_px: float
    truth_px: Array
    seen: NDArray[np.bool_]
    found: Person | None
    alone: bool
    """Whether the network finds somebody in the whole picture."""


def sightings(dataset: Path, every: int = _EVERY) -> Iterator[Sighting]:
    """Every person in two frames in `every` of a data set's clips, which follow each other."""
    with PoseNetwork() as network:
        for folder in sorted((dataset / CLIPS).glob("[0-9]*")):
            told = json.loads((folder / CLIP).read_text(encoding="utf-8"))
            with np.load(folder / FRAMES) as held:
                truth, seen = held["keypoints_px"].astype(np.float64), held["seen"]
                times_s = held["time_s"]
                focal = told["size_px"][1] / 2.0 / np.tan(np.radians(held["vertical_view_deg"]) / 2)
                height = focal[:, None] / held["distance_m"]
            height = height * [person["height_m"] for person in told["people"]]
            for frame, picture in _pictures(folder / PICTURE, every):
                whole = bool(network.people(picture, _whole(picture)))
                for who in range(truth.shape[1]):
                    if not seen[frame, who].any():
                        continue
                    yield Sighting(
                        who=(folder.name, who),
                        camera=told["camera"],
                        time_s=float(times_s[frame]),
                        height_px=float(height[frame, who]),
                        truth_px=truth[frame, who],
                        seen=seen[frame, who],
                        found=_surest(network.people(picture, _crop(truth[frame, who]))),
                        alone=whole,
                    )


def _pictures(path: Path, every: int) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    movie = cv2.VideoCapture(str(path))
    number = 0
    while True:
        read, picture = movie.read()
        if not read:
            break
        if number % every in (every // 2, every // 2 + 1):
            yield number, np.asarray(picture[:, :, ::-1], dtype=np.uint8)
        number += 1
    movie.release()


def _surest(people: Sequence[Person]) -> Person | None:
    return people[0] if people else None


def _crop(keypoints_px: Array) -> Crop:
    low, high = np.nanmin(keypoints_px, axis=0), np.nanmax(keypoints_px, axis=0)
    centre = (low + high) / 2.0
    side = float((high - low).max()) * CROP_MARGIN
    return Crop(centre_x_px=float(centre[0]), centre_y_px=float(centre[1]), side_px=max(side, 8.0))


def _whole(picture: NDArray[np.uint8]) -> Crop:
    height, width = picture.shape[:2]
    return Crop(centre_x_px=width / 2, centre_y_px=height / 2, side_px=float(max(height, width)))


# ---- the table


def table(found: Sequence[Sighting]) -> list[str]:
    """Detection and median errors per kind of camera, as Markdown."""
    lines = [
        "| camera | people | found in crop | somebody else in crop | somebody in picture | "
        + " | ".join(f"{name} %" for name in JOINTS)
        + " |",
        "| --- | --- | --- | --- | --- |" + " --- |" * len(JOINTS),
    ]
    for camera in [*sorted({one.camera for one in found}), "all"]:
        own = [one for one in found if camera in ("all", one.camera)]
        shown = [one for one in own if one.seen.sum() >= 4]
        if not shown:
            continue
        other = np.mean([_is_other(one) for one in shown])
        rate = np.mean([one.found is not None for one in shown]) - other
        alone = np.mean([one.alone for one in shown])
        own = [one for one in shown if not _is_other(one)]
        errors = [_median(own, pair) for pair in JOINTS.values()]
        cells = [f"{value:.1f}" if np.isfinite(value) else "-" for value in errors]
        shares = f"{rate:.0%} | {other:.0%} | {alone:.0%}"
        lines.append(f"| {camera} | {len(shown)} | {shares} | " + " | ".join(cells) + " |")
    return lines


def _median(found: Sequence[Sighting], joints: tuple[int, int]) -> float:
    errors = np.concatenate([_errors(one, joints) for one in found] or [np.zeros((0, 2))])
    return float(np.median(np.linalg.norm(errors, axis=1)) * 100.0) if len(errors) else np.nan


def _is_other(one: Sighting) -> bool:
    """Whether the network found somebody else: most joints are far from where they are."""
    errors = np.linalg.norm(_errors(one, range(len(one.seen))), axis=1)
    return len(errors) > 0 and float(np.median(errors)) > _OUTLIER


def _errors(one: Sighting, joints: Sequence[int]) -> Array:
    """Errors (N, 2) of those of the joints that are seen, as shares of the body's height."""
    if one.found is None:
        return np.zeros((0, 2))
    chosen = [joint for joint in joints if one.seen[joint]]
    wrong = one.found.keypoints_px[chosen] - one.truth_px[chosen]
    return np.asarray(wrong / one.height_px).reshape(-1, 2)


# ---- the noise model


def noise_model(found: Sequence[Sighting], source: str) -> dict[str, Any]:
    """What training adds to true keypoints: per joint and size in the picture the bias and spread
    (robust: of what is no outlier), how many are outliers, how sure the network is of joints that
    are seen and of ones that are hidden; and how often it finds nobody. Of all sizes together: how
    often the legs are taken for each other, and the time after which 1/e of an error is left. Who
    is taken for somebody else is left out: to keep to one person is the tracker's work."""
    sizes = []
    swaps = [_legs_swapped(one) for one in found if _both_legs(one)]
    named = [one for one in map(_with_legs_named, found) if not _is_other(one)]
    for low, high in pairwise(_SIZES_PX):
        own = [one for one in named if low <= one.height_px < high and _shown(one)]
        if not own:
            continue
        sizes.append(
            {
                "from_px": low,
                "to_px": high,
                "people": len(own),
                "found": round(float(np.mean([one.found is not None for one in own])), 4),
                "joints": {name: _noise(own, pair) for name, pair in JOINTS.items()},
            }
        )
    return {
        "version": 1,
        "unit": "share of the body's height in the picture; x to the right, y down",
        "outlier_from": _OUTLIER,
        "source": source,
        "legs_swapped": round(float(np.mean(swaps)), 4) if swaps else 0.0,
        "correlation_s": round(_correlation_s(named), 4),
        "sizes": sizes,
    }


def _shown(one: Sighting) -> bool:
    return bool(one.seen.sum() >= _SHOWN * np.isfinite(one.truth_px).all(axis=-1).sum())


def _both_legs(one: Sighting) -> bool:
    """Whether both legs are seen, and apart, so that they can be taken for each other."""
    left, right = (one.truth_px[leg] for leg in _LEGS)
    apart = np.linalg.norm(left - right, axis=1).mean() > _LEGS_APART * one.height_px
    return one.found is not None and bool(one.seen[_LEGS[0] + _LEGS[1]].all() and apart)


def _legs_swapped(one: Sighting) -> bool:
    if one.found is None or not _both_legs(one):
        return False
    found, (left, right) = one.found.keypoints_px, _LEGS
    as_named = np.linalg.norm(found[left + right] - one.truth_px[left + right], axis=1).mean()
    swapped = np.linalg.norm(found[left + right] - one.truth_px[right + left], axis=1).mean()
    return bool(swapped < _SWAPPED * as_named)


def _with_legs_named(one: Sighting) -> Sighting:
    """The sighting with legs that were taken for each other put right."""
    if one.found is None or not _legs_swapped(one):
        return one
    keypoints, confidence = one.found.keypoints_px.copy(), one.found.confidence.copy()
    left, right = _LEGS
    keypoints[left + right] = keypoints[right + left]
    confidence[left + right] = confidence[right + left]
    return replace(one, found=replace(one.found, keypoints_px=keypoints, confidence=confidence))


def _correlation_s(found: Sequence[Sighting]) -> float:
    """Time after which 1/e of an error is left, from frames that follow each other; an error that
    stays for good (a joint drawn elsewhere than ours) is taken off as each person's mean."""
    errors: dict[tuple[tuple[str, int], int], list[tuple[float, Array]]] = {}
    for one in found:
        for joint in (joint for pair in JOINTS.values() for joint in pair):
            error = _errors(one, [joint])
            if len(error) and np.linalg.norm(error[0]) < _OUTLIER:
                errors.setdefault((one.who, joint), []).append((one.time_s, error[0]))
    decays = []
    for track in errors.values():
        usual = np.mean([error for _, error in track], axis=0)
        steps = [after - before for (before, _), (after, _) in pairwise(track)]
        pairs = [
            (before[1] - usual, after[1] - usual, step)
            for (before, after), step in zip(pairwise(track), steps, strict=True)
            if step < 1.5 * min(steps)
        ]
        if len(pairs) < _FEWEST_PAIRS:
            continue
        left = sum(float(a @ b) for a, b, _ in pairs) / sum(
            (float(a @ a) + float(b @ b)) / 2 for a, b, _ in pairs
        )
        decays.append(pairs[0][2] / -np.log(np.clip(left, 1e-3, 1 - 1e-3)))
    return float(np.median(decays)) if decays else 0.0


def _noise(found: Sequence[Sighting], joints: tuple[int, int]) -> dict[str, Any]:
    errors = np.concatenate([_errors(one, joints) for one in found] or [np.zeros((0, 2))])
    inner = errors[np.linalg.norm(errors, axis=1) < _OUTLIER]
    sure: dict[bool, list[float]] = {True: [], False: []}
    for one in found:
        for joint in joints:
            if one.found is not None and np.isfinite(one.truth_px[joint]).all():
                sure[bool(one.seen[joint])].append(float(one.found.confidence[joint]))

    def quantiles(values: Sequence[float]) -> list[float]:
        return [round(float(v), 3) for v in np.quantile(values, [0.1, 0.5, 0.9])] if values else []

    return {
        "count": len(errors),
        "bias": [round(float(v), 5) for v in np.median(inner, axis=0)] if len(inner) else [0, 0],
        # 1.4826 times the median deviation is a normal distribution's sigma.
        "sigma": [
            round(float(v), 5)
            for v in 1.4826 * np.median(np.abs(inner - np.median(inner, axis=0)), axis=0)
        ]
        if len(inner)
        else [0, 0],
        "outliers": round(1.0 - len(inner) / len(errors), 4) if len(errors) else 0.0,
        "confidence_seen": quantiles(sure[True]),
        "confidence_hidden": quantiles(sure[False]),
    }


# ---- real shots


def real_table(movies: Sequence[Path], every: int) -> list[str]:
    """How often somebody is found in whole pictures of real shots, and how sure of which joint."""
    lines = [
        "| shot | pictures | somebody in picture | "
        + " | ".join(f"sure of {name}" for name in JOINTS)
        + " |",
        "| --- | --- | --- |" + " --- |" * len(JOINTS),
    ]
    with PoseNetwork() as network:
        for path in movies:
            people = [
                _surest(network.people(picture, _whole(picture)))
                for _, picture in _pictures(path, every)
            ]
            there = [person for person in people if person is not None]
            sure = [
                f"{np.median([person.confidence[list(pair)] for person in there]):.2f}"
                if there
                else "-"
                for pair in JOINTS.values()
            ]
            rate = len(there) / max(1, len(people))
            lines.append(f"| {path.name} | {len(people)} | {rate:.0%} | " + " | ".join(sure) + " |")
    return lines


def confidence_line(found: Sequence[Sighting]) -> str:
    """The rendered people's row for the table of real shots."""
    there = [one for one in found if one.found is not None and one.seen.sum() >= 4]
    sure = [
        np.median([one.found.confidence[list(pair)] for one in there if one.found is not None])
        for pair in JOINTS.values()
    ]
    rate = np.mean([one.alone for one in found])
    cells = " | ".join(f"{value:.2f}" for value in sure)
    return f"| rendered (crops) | {len(found)} | {rate:.0%} | {cells} |"


def main(argv: Sequence[str] | None = None) -> int:
    """Command line of this module."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--every", type=int, default=_EVERY, help="one frame in so many")
    parser.add_argument("--noise", type=Path, help="write the noise model here")
    parser.add_argument("--real", type=Path, nargs="*", default=[], help="real shots")
    given = parser.parse_args(argv)
    found = list(sightings(given.dataset, given.every))
    print("\n".join(table(found)))
    if given.real:
        print()
        print("\n".join([*real_table(given.real, given.every), confidence_line(found)]))
    if given.noise is not None:
        about = json.loads((given.dataset / "dataset.json").read_text(encoding="utf-8"))
        clips = len(list((given.dataset / CLIPS).glob("[0-9]*")))
        source = (
            f"BlazePose full of mediapipe 0.10.21 on {clips} rendered clips "
            f"(recipe {about['recipe']}, seed {about['seed']}), one frame in {given.every}"
        )
        text = json.dumps(noise_model(found, source), indent=1)
        given.noise.write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
