"""A picture of what a network takes for another floor and is surest about."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from scipy.special import softmax

from otio_foley.analysis.floor import FLOORS
from otio_foley.train.floor.judge import Held
from otio_foley.train.floor.stills import Shot

#: How many assets are shown of each floor, and how many patches of each.
_OF_EACH, _PATCHES = 2, 4


def draw(path: Path, judged: Sequence[tuple[Shot, Held]]) -> None:
    """The surest mistakes of each floor's photographs: some patches, and what was said."""
    from matplotlib.figure import Figure

    rows = _surest_mistakes(judged)
    figure = Figure(figsize=(9, 1.5 * max(1, len(rows))))
    axes = figure.subplots(max(1, len(rows)), _PATCHES, squeeze=False)
    for places in axes:
        for place in places:
            place.set_axis_off()
    for places, (title, shot) in zip(axes, rows, strict=False):
        for place, patch in zip(places, shot.patches, strict=False):
            place.imshow(patch)
        places[0].text(-0.1, 0.5, title, transform=places[0].transAxes, ha="right", va="center")
    figure.subplots_adjust(left=0.33, right=0.99, top=0.99, bottom=0.01, wspace=0.03, hspace=0.05)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=60)


def _surest_mistakes(judged: Sequence[tuple[Shot, Held]]) -> list[tuple[str, Shot]]:
    mistakes = []
    for shot, held in judged:
        chances = softmax(held.logits)
        said = FLOORS[int(chances.argmax())]
        if said != held.floor and not held.drawn:
            title = f"{held.asset.partition('/')[2]}\nis {held.floor}, taken for {said}"
            mistakes.append((held.floor, float(chances.max()), held.asset, title, shot))
    shown: dict[str, list[str]] = {}
    rows = []
    for floor, _, asset, title, shot in sorted(mistakes, key=lambda one: (one[0], -one[1])):
        assets = shown.setdefault(floor, [])
        if asset not in assets and len(assets) < _OF_EACH:
            assets.append(asset)
            rows.append((title, shot))
    return rows
