"""Which yardsticks fit a folder, and their tables.

    otio-foley evaluate steps FOLDER

- a data set that the stage rendered: everybody's steps from pixels alone (`pixels`);
- movies with a `labels.tsv`: labelled strikes (`labelled`);
- recordings of people with force plates below `gait/`, and a body: keypoints as many cameras would
  give them (`motions`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from otio_foley.analysis.kinematics import kinematic_contacts
from otio_foley.analysis.network import ContactNetwork, bundled_network, load_network
from otio_foley.errors import InputError
from otio_foley.resources import bundled
from otio_foley.train.stage.dataset import CLIPS
from otio_foley.train.steps import labelled, motions, pixels
from otio_foley.train.steps.baselines import Detector
from otio_foley.train.steps.detectors import by_body, by_both, by_network, without_feet
from otio_foley.train.steps.dips import even_dips
from otio_foley.train.steps.noise import read_noise

#: All that a job hears.
_ALL = "networks"

#: The measured noise of the pose network, among the bundled models.
NOISE = "pose_noise.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How motions are judged: frame rates and cameras for each recording, the noise file (None for
    exact keypoints), performances an action; `learned` is weights, or for motions the folder of
    `learn`; None are the shipped ones. `seed` also starts the bootstrap."""

    frame_rates: Sequence[float] = (24.0, 25.0, 30.0)
    views: int = 8
    takes: int = 3
    noise: Path | None = None
    learned: Path | None = None
    seed: int = 0


def shipped_noise() -> Path:
    return bundled("models") / NOISE


def evaluated(folder: Path, terms: Terms, tell: Callable[[str], None]) -> list[str]:
    """Tables in Markdown, line by line. Raises InputError where a folder holds no truth."""
    if (folder / CLIPS).is_dir():
        judged: list[pixels.Judged] = []
        network = _network(terms)
        detectors = _detectors(network)
        exact = {"contacts' network, true keypoints": by_network(network)}
        unseen = {"feet out of the picture": detectors[_ALL]}
        for clip in sorted((folder / CLIPS).glob("[0-9]*")):
            judged += pixels.judged_clip(clip, detectors, exact, unseen)
            tell(clip.name)
        return pixels.tables(judged, terms.seed)
    if (folder / labelled.LABELS).is_file():
        detectors = _detectors(_network(terms))
        parts = {
            "legs alone, body cut off": (labelled.insert, detectors[_ALL]),
            "body alone, legs cut off": (labelled.medium, detectors[_ALL]),
        }
        return labelled.tables(list(labelled.judged_folder(folder, detectors, parts)))
    if (folder / "gait").is_dir():
        return motions.report(
            folder,
            frame_rates=terms.frame_rates,
            views=terms.views,
            seed=terms.seed,
            noise=None if terms.noise is None else read_noise(terms.noise),
            takes=terms.takes,
            learned=terms.learned,
        )
    raise InputError(
        f"{folder} holds no truth",
        hint=f"a rendered data set has {CLIPS}/, labelled movies {labelled.LABELS}, motions gait/",
    )


def _network(terms: Terms) -> ContactNetwork:
    return bundled_network() if terms.learned is None else load_network(terms.learned)


def _detectors(network: ContactNetwork) -> dict[str, Detector]:
    """The rules as they are, and the product's as a job hears them by default."""
    return {
        "kinematic rules": kinematic_contacts,
        _ALL: by_both(network),
        "even dips": even_dips,
        "body alone, feet hidden": without_feet(by_body),
    }
