"""Our steps beside real recordings: a table per floor, and whether a simple classifier knows them.

    otio-foley evaluate sounds ../shared/footsteps

The classifier is a linear discriminant over `measures.fingerprint`. On ours it is cross-validated
over takes (no take in training and test, twelve of each floor and shoe); then, trained on ours
alone, it names the real recordings.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import gcd
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from otio_foley.errors import InputError
from otio_foley.library.own import OwnLibrary, default_library
from otio_foley.library.rendering import VARIANTS
from otio_foley.synthesis import SAMPLE_RATE_HZ
from otio_foley.synthesis.grounds import GROUNDS
from otio_foley.synthesis.performance import Cue, Walker, play, score
from otio_foley.synthesis.shoes import SHOES
from otio_foley.synthesis.takes import Kind, Take
from otio_foley.train.sounds.measures import fingerprint, measures
from otio_foley.types import Contact, FloatArray, Foot, Footstep

#: Files of the material that hold one step, and the floor of ours that they ought to be.
_REAL: Final = re.compile(r"default_([a-z]+)_footstep\.\d+\.ogg$")
_OURS_FOR: Final[Mapping[str, str]] = {"hard": "concrete"}

_FOLDS: Final = 4
_LENGTH_S: Final = 1.6
_LEAD_S: Final = 0.05
_STANCES_S: Final = (0.55, 0.70)


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A step with its floor; `variant` is which of our takes it was made of."""

    floor: str
    variant: int
    sound: FloatArray


def our_steps(
    library: OwnLibrary, floors: Iterable[str] = tuple(GROUNDS), seed: int = 0
) -> tuple[Named, ...]:
    """A walking step of every floor, shoe and take, its heel and toe of the same number."""
    found: list[Named] = []
    for floor in floors:
        for shoe in SHOES:
            for variant in range(VARIANTS):
                rng = np.random.default_rng([seed, len(found)])
                sound = _step(_only(library, variant), floor, shoe, variant, rng)
                found.append(Named(floor=floor, variant=variant, sound=sound))
    return tuple(found)


def _only(library: OwnLibrary, variant: int) -> Callable[[str, str, Kind], Sequence[Take]]:
    def takes(floor: str, shoe: str, kind: Kind) -> Sequence[Take]:
        return library(floor, shoe, kind)[variant : variant + 1]

    return takes


def _step(
    takes: Callable[[str, str, Kind], Sequence[Take]],
    floor: str,
    shoe: str,
    number: int,
    rng: np.random.Generator,
) -> FloatArray:
    foot: Foot = "left" if number % 2 else "right"
    time_s = float(rng.uniform(1.0, 1000.0))
    contact = Contact(
        person=0, time_s=time_s, toe_off_s=time_s + float(rng.uniform(*_STANCES_S)), foot=foot,
        part="heel", strength=float(rng.uniform(0.7, 1.4)), fall_speed=0.0, confidence=1.0,
        found_by="compare",
    )  # fmt: skip
    cue = Cue(
        # Loud, for a floor of single precision far below.
        footstep=Footstep(contact=contact, action="walk", floor=floor, gain_db=20.0),
        attack_sample=round(_LEAD_S * SAMPLE_RATE_HZ),
        walker=Walker(shoe=shoe),
    )
    notes = score([cue], takes, media_fingerprint="compare")
    audio = play(notes, round(_LENGTH_S * SAMPLE_RATE_HZ))
    return audio.samples[:, 0].astype(np.float64)


def real_steps(folder: Path) -> dict[str, list[FloatArray]]:
    """Real recordings (N,) at 48 kHz by what their names say they are."""
    import soundfile

    found: dict[str, list[FloatArray]] = {}
    for path in sorted(folder.rglob("*.ogg")):
        named = _REAL.search(path.name)
        if named is None:
            continue
        samples, rate = soundfile.read(path, always_2d=True)
        sound = samples.mean(axis=1)
        if rate != SAMPLE_RATE_HZ:
            shared = gcd(SAMPLE_RATE_HZ, rate)
            sound = resample_poly(sound, SAMPLE_RATE_HZ // shared, rate // shared)
        lead = np.zeros(round(_LEAD_S * SAMPLE_RATE_HZ))
        found.setdefault(named.group(1), []).append(np.concatenate([lead, sound]))
    if not found:
        raise InputError(
            f"no recordings named default_FLOOR_footstep.N.ogg in {folder}",
            hint="give the material's folder of footsteps",
        )
    return found


# ---- the classifier


@cache
def _classifier() -> Callable[[], object]:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return lambda: make_pipeline(
        StandardScaler(), LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
    )


def cross_validated(steps: Sequence[Named]) -> tuple[float, NDArray[np.intp], list[str]]:
    """Share of our steps whose floor is named right, and the confusion (true, named) with its
    floors; takes are split, so that none is in training and test."""
    floors = sorted({step.floor for step in steps})
    truth = np.array([floors.index(step.floor) for step in steps])
    features = np.stack([fingerprint(step.sound) for step in steps])
    fold = np.array([step.variant % _FOLDS for step in steps])
    confusion = np.zeros((len(floors), len(floors)), dtype=np.intp)
    for held_back in range(_FOLDS):
        model = _classifier()()
        model.fit(features[fold != held_back], truth[fold != held_back])  # type: ignore[attr-defined]
        named = model.predict(features[fold == held_back])  # type: ignore[attr-defined]
        np.add.at(confusion, (truth[fold == held_back], named), 1)
    return float(np.trace(confusion) / confusion.sum()), confusion, floors


def naming(
    steps: Sequence[Named], real: Mapping[str, Sequence[FloatArray]]
) -> dict[str, tuple[int, int, list[str]]]:
    """What a classifier trained on our steps of some floors calls real recordings: by their name
    how many are called right, of how many, and what each was called."""
    floors = np.array([step.floor for step in steps])
    model = _classifier()()
    model.fit(np.stack([fingerprint(step.sound) for step in steps]), floors)  # type: ignore[attr-defined]
    found = {}
    for name, sounds in real.items():
        called = model.predict(np.stack([fingerprint(sound) for sound in sounds]))  # type: ignore[attr-defined]
        wanted = _OURS_FOR.get(name, name)
        found[name] = (int((called == wanted).sum()), len(sounds), [str(one) for one in called])
    return found


# ---- the report


def report(folder: Path, tell: Callable[[str], None]) -> list[str]:
    """Tables as Markdown."""
    library = default_library()
    tell("playing our steps")
    steps = our_steps(library)
    real = real_steps(folder)
    lines = [*_floor_table(steps, real), ""]
    tell("cross-validating")
    share, confusion, floors = cross_validated(steps)
    lines += [
        f"Cross-validated on ours: {share:.1%} of {len(steps)} steps on {len(floors)} floors named "
        "right.",
        "",
        "| floor | named right | most often taken for |",
        "| --- | --- | --- |",
    ]
    for row, floor in enumerate(floors):
        others = confusion[row].copy()
        others[row] = 0
        wrong = f"{floors[int(others.argmax())]} ({others.max()})" if others.any() else "-"
        lines.append(f"| {floor} | {confusion[row, row]} of {confusion[row].sum()} | {wrong} |")
    same = {_OURS_FOR.get(name, name) for name in real}
    for title, chosen in (
        (f"among the {len(same)} floors that real recordings are of", same),
        (f"among all {len(floors)} floors", set(floors)),
    ):
        lines += ["", *_naming_table(title, [s for s in steps if s.floor in chosen], real)]
    return lines


def _floor_table(steps: Sequence[Named], real: Mapping[str, Sequence[FloatArray]]) -> list[str]:
    lines = [
        "| floor | n | centroid Hz | decay ms | crest dB | modulation |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for floor in GROUNDS:
        lines.append(_row(floor, [step.sound for step in steps if step.floor == floor]))
        for name, sounds in real.items():
            if _OURS_FOR.get(name, name) == floor:
                lines.append(_row(f"*real: {name}*", sounds))
    return lines


def _row(name: str, sounds: Sequence[FloatArray]) -> str:
    own = [measures(sound) for sound in sounds]
    cells = []
    for measure, form in (
        ("centroid_hz", "{:.0f}"),
        ("decay_ms", "{:.0f}"),
        ("crest_db", "{:.1f}"),
        ("modulation", "{:.2f}"),
    ):
        values = [getattr(one, measure) for one in own]
        middle, low, high = (
            form.format(value) for value in (np.median(values), min(values), max(values))
        )
        cells.append(f"{middle} [{low}, {high}]")
    return f"| {name} | {len(sounds)} | " + " | ".join(cells) + " |"


def _naming_table(
    title: str, steps: Sequence[Named], real: Mapping[str, Sequence[FloatArray]]
) -> list[str]:
    called = naming(steps, real)
    right, count = sum(one[0] for one in called.values()), sum(one[1] for one in called.values())
    chance = 1 / len({step.floor for step in steps})
    lines = [
        f"Trained on ours, {title}: {right} of {count} real recordings named right "
        f"(chance {chance:.0%}).",
        "",
        "| recordings | named right | called |",
        "| --- | --- | --- |",
    ]
    for name, (good, all_of_it, names) in called.items():
        lines.append(f"| {name} | {good} of {all_of_it} | {', '.join(names)} |")
    return lines
