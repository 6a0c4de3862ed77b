"""What people's feet do when a force plate feels them, to set the stage's landings beside.

    python -m otio_foley.train.steps.landings [--material ../shared]

How long after the foot's fastest fall the contact comes, and which share of its swing's greatest
speed is left over the floor, by person: the two that `stage.truth` prints of performances.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from otio_foley.train.stage.contacts import TRUTH_RATE_HZ
from otio_foley.train.stage.truth import Landings, joined, landing_cells, landings
from otio_foley.train.steps.material import read_trials
from otio_foley.train.steps.trials import HEEL, SIDES, TOE


def plated_landings(material: Path) -> dict[str, Landings]:
    """What measured people's feet do when a plate feels them, by subject."""
    found: dict[str, list[Landings]] = {}
    for trial in read_trials(material):
        times = np.arange(trial.times_s[0], trial.times_s[-1], 1.0 / TRUTH_RATE_HZ)
        for truth in trial.truths:
            if truth.source != "plate":
                continue
            for side, foot in enumerate(SIDES):
                heel, toe = (
                    np.stack(
                        [
                            np.interp(times, trial.times_s, trial.joints_m[:, side, joint, axis])
                            for axis in (0, 2, 1)
                        ],
                        axis=1,
                    )
                    for joint in (HEEL, TOE)
                )
                own = [one.time_s - times[0] for one in truth.contacts if one.foot == foot]
                part = landings((heel + toe) / 2.0, heel, own)
                found.setdefault(trial.subject, []).append(part)
    return {subject: joined(parts) for subject, parts in found.items()}


def plated_table(people: dict[str, Landings]) -> list[str]:
    """What plates say, as Markdown."""
    lines = [
        "| person | contacts | after the fastest fall, median / 5 % / 95 % ms "
        "| of the swing's speed |",
        "| --- | --- | --- | --- |",
    ]
    for subject, own in people.items():
        cells = [subject, str(len(own.share)), *landing_cells(own)]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def main(argv: Sequence[str] | None = None) -> int:
    """Command line of this module."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--material", type=Path, default=Path("../shared"))
    given = parser.parse_args(argv)
    print("\n".join(plated_table(plated_landings(given.material))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
