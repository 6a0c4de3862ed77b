"""How good a floor network is: accuracy, runners-up, calibration, confusion."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from otio_foley.analysis.floor import FLOORS, FloorNetwork, load_network, seen_floors
from otio_foley.analysis.movie import glances_of_feet
from otio_foley.analysis.notes import Noting
from otio_foley.analysis.people import sight
from otio_foley.errors import InputError
from otio_foley.media.picture import frames, probe
from otio_foley.train.floor.folds import FOLDS, folds_of
from otio_foley.train.floor.stills import Shot, assets_in, read_scenes
from otio_foley.train.generator.lessons import HELD_PEOPLE
from otio_foley.train.stage.clip import CLIP, PICTURE
from otio_foley.train.stage.dataset import CLIPS
from otio_foley.types import OTHER_FLOOR, FloatArray

#: The floors of the article.
METHOD_FLOORS = ("carpet", "concrete", "tile", "wood")
#: Floors of fewer photographed assets are shown with their number, and nothing is claimed of them.
FEWEST = 15
_BINS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A shot that a network had not seen: the logits of its vote (len(FLOORS),), in colour and in
    black and white, and of its first patch alone."""

    floor: str
    asset: str
    fold: int
    logits: FloatArray
    grey: FloatArray
    single: FloatArray

    @property
    def drawn(self) -> bool:
        """Whether the asset is no photograph."""
        return "/" not in self.asset


def voted(network: FloorNetwork, shots: Sequence[Shot], fold: int) -> list[Held]:
    """What a network says of shots."""
    found = []
    for shot in shots:
        colour = network.read(shot.patches).astype(np.float64)
        grey = network.read(_grey(shot.patches)).astype(np.float64)
        found.append(
            Held(
                floor=shot.floor,
                asset=shot.asset,
                fold=fold,
                logits=colour.mean(axis=0),
                grey=grey.mean(axis=0),
                single=colour[0],
            )
        )
    return found


def _grey(patches: NDArray[np.uint8]) -> NDArray[np.uint8]:
    luma = patches @ np.array([0.2126, 0.7152, 0.0722])
    return np.repeat(np.round(luma).astype(np.uint8)[..., None], 3, axis=-1)


def fitted_temperature(held: Sequence[Held]) -> float:
    """What logits are to be divided by so that their chances are as good as they say: least
    negative log likelihood (Guo et al. 2017)."""
    logits, labels = _logits(held), _labels(held)

    def cost(log_temperature: float) -> float:
        said = log_softmax(logits / np.exp(log_temperature), axis=1)
        return float(-said[np.arange(len(labels)), labels].mean())

    return float(np.exp(minimize_scalar(cost, bounds=(-2.0, 3.0), method="bounded").x))


def _logits(held: Sequence[Held]) -> FloatArray:
    return np.array([one.logits for one in held])


def _labels(held: Sequence[Held]) -> NDArray[np.intp]:
    return np.array([FLOORS.index(one.floor) for one in held])


def judged(stills: Path, work: Path, tell: Callable[[str], None]) -> list[tuple[Shot, Held]]:
    """Every scene's shots, and what the network of the five says that has not seen their assets.
    Raises InputError where `work` lacks one of them."""
    scenes, held_in = read_scenes(stills), folds_of(assets_in(stills))
    found: list[tuple[Shot, Held]] = []
    for fold, network in enumerate(_networks(work)):
        own = [shot for shot in scenes if held_in[shot.floor, shot.asset] == fold]
        found += zip(own, voted(network, own, fold), strict=True)
        tell(f"fold {fold}: {len(own)} shots")
    return found


def report_on_clips(
    dataset: Path, stills: Path, work: Path, tell: Callable[[str], None]
) -> list[str]:
    """How many clips of a rendered data set have their floor named right where the product finds
    the people itself and the network has not seen the floor's asset; those by themselves of whom
    the generator has not learned. Raises InputError like `judged`."""
    networks, held_in = _networks(work), folds_of(assets_in(stills))
    right: list[bool] = []
    unheard: list[bool] = []
    wrong = []
    for folder in sorted((dataset / CLIPS).glob("[0-9]*")):
        told: dict[str, Any] = json.loads((folder / CLIP).read_text(encoding="utf-8"))
        network = networks[held_in[told["floor"], told["floor_asset"]]]
        said = _said_of(folder / PICTURE, network)
        right.append(said == told["floor"])
        if any(held in person["source"] for person in told["people"] for held in HELD_PEOPLE):
            unheard.append(right[-1])
        if not right[-1]:
            wrong.append(f"{told['floor_asset']} ({told['floor']}) taken for {said}")
        tell(f"{folder.name}: {told['floor']}, taken for {said}")
    return [
        f"Floors of clips: {sum(right)} of {len(right)} right; of those of somebody of "
        f"whom the generator has learned nothing, {sum(unheard)} of {len(unheard)}.",
        *(["Wrong: " + "; ".join(wrong) + "."] if wrong else []),
    ]


def _said_of(movie: Path, network: FloorNetwork) -> str:
    """The floor that whoever fills the picture most is on for longest."""
    pictures = frames(probe(movie), start_s=0.0, end_s=np.inf, long_side_px=1280)
    sighting = sight(
        ((frame.time_s, frame.rgb) for frame in pictures),
        most_people=1,
        noting=Noting(ground=True, legs=False),
    )
    if not sighting.people:
        return "nothing"
    spans = seen_floors(glances_of_feet(sighting.glances[0], sighting.people[0]), network)
    return max(spans, key=lambda span: span.end_s - span.start_s).floor if spans else "nothing"


def _networks(work: Path) -> list[FloorNetwork]:
    paths = [work / f"fold{fold}.safetensors" for fold in range(FOLDS)]
    for path in paths:
        if not path.is_file():
            raise InputError(f"{path} is missing", hint="train with otio_foley.train.floor.learn")
    return [load_network(path) for path in paths]


def tables(held: Sequence[Held]) -> list[str]:
    """By floor, over the article's four, and over all that have assets enough."""
    photographed = [one for one in held if not one.drawn]
    temperatures = {
        fold: fitted_temperature([one for one in held if one.fold != fold])
        for fold in {one.fold for one in held}
    }
    assets = {
        floor: len({one.asset for one in photographed if one.floor == floor}) for floor in FLOORS
    }
    lines = [
        "| floor | photographed assets | shots | shot right | or second | one patch right "
        "| black and white right |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for floor in FLOORS:
        own = [one for one in photographed if one.floor == floor]
        if own:
            cells = " | ".join(
                f"{share:.0%}"
                for share in (
                    _right(own),
                    _right(own, first=2),
                    _right(own, by="single"),
                    _right(own, by="grey"),
                )
            )
            lines.append(f"| {floor} | {assets[floor]} | {len(own)} | {cells} |")
    enough = [floor for floor in FLOORS if assets[floor] >= FEWEST and floor != OTHER_FLOOR]
    lines += ["", "| macro accuracy | floors | shots | or second | black and white |",
              "| --- | --- | --- | --- | --- |"]  # fmt: skip
    for title, names, among in (
        ("of the article's four", METHOD_FLOORS, METHOD_FLOORS),
        ("of the four, among all", METHOD_FLOORS, FLOORS),
        (f"of those with {FEWEST} assets or more, among all", tuple(enough), FLOORS),
    ):
        if not names:
            continue
        cells = " | ".join(
            f"{_macro(photographed, names, among, **how):.1%}"
            for how in ({}, {"first": 2}, {"by": "grey"})
        )
        lines.append(f"| {title} | {len(names)} | {cells} |")
    chances = np.array([softmax(one.logits / temperatures[one.fold]) for one in photographed])
    labels = _labels(photographed)
    lines += [
        "",
        f"Expected calibration error {calibration_error(chances, labels):.3f} (ten bins; each "
        "fold's temperature is fitted on the others), "
        f"{len(photographed)} shots of {len({one.asset for one in photographed})} photographs.",
        "",
        *_confusions(photographed),
    ]
    return lines


def _right(held: Sequence[Held], *, by: str = "logits", first: int = 1) -> float:
    logits = np.array([getattr(one, by) for one in held])
    best = np.argsort(-logits, axis=1)[:, :first]
    return float((best == _labels(held)[:, None]).any(axis=1).mean())


def _macro(
    held: Sequence[Held],
    names: Sequence[str],
    among: Sequence[str],
    *,
    by: str = "logits",
    first: int = 1,
) -> float:
    """Mean over floors of the share that is right where only `among` may be said."""
    columns = [FLOORS.index(name) for name in among]
    shares = []
    for name in names:
        own = [one for one in held if one.floor == name]
        logits = np.array([getattr(one, by) for one in own])[:, columns]
        best = np.argsort(-logits, axis=1)[:, :first]
        shares.append(float((best == list(among).index(name)).any(axis=1).mean()))
    return float(np.mean(shares))


def calibration_error(chances: FloatArray, labels: NDArray[np.intp]) -> float:
    """Expected calibration error (Guo et al. 2017) of chances (N, K) in ten bins."""
    said, right = chances.max(axis=1), chances.argmax(axis=1) == labels
    bins = np.minimum((said * _BINS).astype(np.intp), _BINS - 1)
    return float(
        sum(
            abs(right[bins == number].mean() - said[bins == number].mean())
            * (bins == number).mean()
            for number in np.unique(bins)
        )
    )


def _confusions(held: Sequence[Held]) -> list[str]:
    """The confusion matrix, in shots."""
    names = [floor for floor in FLOORS if any(one.floor == floor for one in held)]
    said = np.array([one.logits for one in held]).argmax(axis=1)
    labels = _labels(held)
    lines = ["| is \\ said | " + " | ".join(FLOORS) + " |", "| --- |" + " --- |" * len(FLOORS)]
    for name in names:
        own = said[labels == FLOORS.index(name)]
        counts = np.bincount(own, minlength=len(FLOORS))
        lines.append(f"| {name} | " + " | ".join(str(count or "") for count in counts) + " |")
    return lines
