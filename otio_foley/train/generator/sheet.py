"""True mels and made ones, one above the other: what the generator does well and where it fails."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from otio_foley.synthesis.generator import bundled_generator
from otio_foley.synthesis.spectra import SPEC
from otio_foley.synthesis.vocoder import bundled_vocoder
from otio_foley.train.generator.judge import judged, true_onsets
from otio_foley.train.generator.lessons import Lesson

#: What is shown of each (s).
_SHOWN_S = 5.0


def draw(path: Path, lessons: Sequence[Lesson]) -> None:
    """The best, the middle and the worst of what the shipped generator is judged on, as one
    picture."""
    from matplotlib.figure import Figure

    network, vocoder = bundled_generator(), bundled_vocoder().sound
    scores = [
        judged([lesson], lambda one: vocoder(network.mel(one.seen, seed=0))).f1(0)
        for lesson in lessons
    ]
    order = np.argsort(scores)[::-1]
    chosen = [int(order[0]), int(order[len(order) // 2]), int(order[-1])]
    figure = Figure(figsize=(12, 9), layout="constrained")
    axes = figure.subplots(2 * len(chosen), 1)
    for row, number in enumerate(chosen):
        lesson = lessons[number]
        count = round(_SHOWN_S * SPEC.frames_hz)
        pairs = (
            ("true", lesson.mels[0].astype(np.float32)),
            ("made", network.mel(lesson.seen, seed=0)),
        )
        for axis, (title, mel) in zip(axes[2 * row :], pairs, strict=False):
            axis.imshow(
                mel[:count].T,
                origin="lower",
                aspect="auto",
                vmin=-1.0,
                vmax=1.2,
                extent=(0.0, min(count, len(mel)) / SPEC.frames_hz, 0, SPEC.mels),
            )
            for onset in true_onsets(lesson):
                if onset < _SHOWN_S:
                    axis.axvline(onset, color="white", linewidth=0.6, linestyle=":")
            axis.set_yticks([])
            what = f"{lesson.source}, {lesson.floors[0]}, F1 at 50 ms {scores[number]:.2f}"
            axis.set_title(f"{title}: {what}", fontsize=9)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=80)
