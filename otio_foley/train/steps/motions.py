"""Detectors of contacts against force plates, and beside motions that have none.

Cameras of the stage look at measured people; the pose network's measured noise is added. Without
plates it is agreement with another rule and no claim of truth: the network was trained on
performances of the same captures.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from otio_foley.analysis.contacts import find_contacts
from otio_foley.analysis.network import CARD, bundled_network, load_network
from otio_foley.resources import bundled
from otio_foley.train.stage.actions import Action
from otio_foley.train.steps.baselines import BASELINES, Detector
from otio_foley.train.steps.detectors import by_body, without_feet
from otio_foley.train.steps.dips import even_dips
from otio_foley.train.steps.figures import performed_figures
from otio_foley.train.steps.noise import NoiseModel
from otio_foley.train.steps.samples import OF_BODIES, Sample, plated_figures, samples, whole_figures
from otio_foley.train.steps.scores import (
    TOLERANCES,
    Interval,
    Judged,
    Score,
    Summary,
    absolute_s,
    by_subject,
    miscounted,
    score,
    signed_s,
    summary,
)
from otio_foley.types import CameraMotion, Contact, Pose

#: Gaits and jumps without plates.
_WITHOUT_PLATES: tuple[Action, ...] = ("run", "jump", "stairs")
_TAKE_S = 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrant:
    """A line of the table. `without(subject)` is the detector for one who was left out: what has
    been learned from everybody else; a rule is the same for all."""

    name: str
    without: Callable[[str], Detector]


def entrants(learned: Path | None, subjects: Collection[str]) -> tuple[Entrant, ...]:
    """The rules, and the networks that `learn` left in a folder: one that saw every plated subject
    but the judged one, and one that saw no plate at all. Without a folder the one that ships, if it
    has seen none of the subjects."""
    rules = tuple(_rule(name, detector) for name, detector in BASELINES.items())
    if learned is None:
        if seen_subjects() & set(subjects):
            return rules
        return (*rules, Entrant(name="network", without=lambda subject: _shipped))
    base = learned / "base.safetensors"

    def without(subject: str) -> Detector:
        own = learned / f"without {subject}.safetensors"
        return _network(own if own.exists() else base)

    return (
        *rules,
        Entrant(name="network, no plates", without=lambda subject: _network(base)),
        Entrant(name="network", without=without),
    )


def seen_subjects() -> frozenset[str]:
    """Whose plates the shipped network was trained on, by its card."""
    card = bundled("models") / CARD
    return frozenset(json.loads(card.read_text(encoding="utf-8"))["subjects"])


def _shipped(pose: Pose, camera: CameraMotion) -> tuple[Contact, ...]:
    return find_contacts(pose, camera, bundled_network())


@cache
def _network(path: Path) -> Detector:
    network = load_network(path)
    return lambda pose, camera: find_contacts(pose, camera, network)


def _rule(name: str, detector: Detector) -> Entrant:
    return Entrant(name=name, without=lambda subject: detector)


def judge(
    shown: Iterable[Sample], competing: Sequence[Entrant]
) -> dict[str, dict[str, dict[str, list[Score]]]]:
    """Scores by entrant, subject and trial; every sample is made once and seen by all."""
    found: dict[str, dict[str, dict[str, list[Score]]]] = {one.name: {} for one in competing}
    for sample in shown:
        for one in competing:
            contacts = one.without(sample.subject)(sample.view.pose, sample.view.camera)
            held = found[one.name].setdefault(sample.subject, {}).setdefault(sample.name, [])
            held.append(score(sample.truth, contacts, 1.0 / sample.view.frame_rate))
    return found


# ---- tables


def summary_table(judged: dict[str, Judged], seed: int) -> list[str]:
    """A line per detector: means over subjects with bootstrap 95 % intervals."""
    lines = [
        "| detector | n | " + " | ".join(f"F1 ±{name}" for name in TOLERANCES) + " "
        "| F1 ±40 ms, foot right | left / right foot | error ms | worst subject ms | signed ms "
        "| count error % |",
        "| --- |" + " --- |" * 10,
    ]
    for name, one in judged.items():
        lines.append(f"| {name} | " + " | ".join(_cells(summary(one, seed))) + " |")
    return lines


def _cells(one: Summary) -> list[str]:
    return [
        str(one.true),
        *(_interval(one.f1[name], "{:.3f}", 1.0) for name in TOLERANCES),
        f"{one.f1_right_foot:.3f}",
        f"{one.f1_feet['left']:.3f} / {one.f1_feet['right']:.3f}",
        _interval(one.absolute_s, "{:.1f}", 1e3),
        f"{one.worst_s * 1e3:.1f}",
        _interval(one.signed_s, "{:+.1f}", 1e3),
        f"{one.miscounted * 100:.1f}",
    ]


def _interval(one: Interval, form: str, scale: float) -> str:
    value, low, high = (form.format(part * scale) for part in (one.value, one.low, one.high))
    return f"{value} [{low}, {high}]"


def subject_table(judged: dict[str, Judged]) -> list[str]:
    """A line per subject; per detector F1 at 40 ms, median absolute and signed error, wrong
    counts."""
    names = list(judged)
    lines = [
        "| subject | n | " + " | ".join(f"{name}: F1 ±40 ms, error, signed ms, count %"
                                        for name in names) + " |",
        "| --- |" + " --- |" * (len(names) + 1),
    ]  # fmt: skip
    totals = {name: by_subject(one) for name, one in judged.items()}
    for subject in totals[names[0]]:
        cells = []
        for name in names:
            own = totals[name][subject]
            cells.append(
                f"{own.tallies['40 ms'].f1:.3f}, {absolute_s(own) * 1e3:.1f}, "
                f"{signed_s(own) * 1e3:+.1f}, {miscounted(own) * 100:.0f}"
            )
        true = totals[names[0]][subject].true
        lines.append(f"| {subject} | {true} | " + " | ".join(cells) + " |")
    return lines


def report(
    material: Path,
    *,
    frame_rates: Sequence[float],
    views: int,
    seed: int,
    noise: NoiseModel | None,
    takes: int,
    learned: Path | None,
) -> list[str]:
    """The groups' tables; `takes` 0 leaves the motions without plates out. Whose head and arms were
    measured is looked at once more with their feet hidden."""
    source = "none, keypoints are exact" if noise is None else noise.source
    lines = [f"Noise: {source}. Frame rates: {', '.join(f'{f:g}' for f in frame_rates)}."]
    plated = plated_figures(material)
    competing = entrants(learned, {figure.subject for figure in plated})
    if len(competing) == len(BASELINES):
        lines.append("The shipped network has seen some of these people and is left out.")
    groups = [("Force plates", plated)]
    if takes:
        without = performed_figures(material, _WITHOUT_PLATES, takes, _TAKE_S, seed)
        groups.append(("Without plates: agreement with the stage's rule, no truth", without))
    for title, figures in groups:
        shown = samples(figures, views=views, frame_rates=frame_rates, noise=noise, seed=seed)
        lines += _group(title, judge(shown, competing), seed)
    shown = samples(
        whole_figures(material),
        views=views,
        frame_rates=frame_rates,
        noise=noise,
        seed=seed,
        shots=OF_BODIES,
    )
    blind = [_rule("even dips", even_dips), _rule("body alone", without_feet(by_body))]
    return lines + _group("Force plates, feet not seen", judge(shown, blind), seed)


def _group(title: str, judged: Mapping[str, Judged], seed: int) -> list[str]:
    held = dict(judged)
    return ["", f"## {title}", "", *summary_table(held, seed), "", *subject_table(held)]
