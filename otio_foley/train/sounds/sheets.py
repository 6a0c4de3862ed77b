"""Spectrogram sheets: every floor in every shoe, to be looked at.

otio-foley train sheets docs/sounds
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy.signal import ShortTimeFFT
from scipy.signal.windows import hann

from otio_foley.library.own import OwnLibrary
from otio_foley.library.rendering import OWN_KINDS, SHIPPED
from otio_foley.synthesis import SAMPLE_RATE_HZ
from otio_foley.synthesis.grounds import GROUNDS
from otio_foley.synthesis.shoes import SHOES
from otio_foley.synthesis.takes import Take
from otio_foley.types import FloatArray

_WINDOW: Final = 512
_HOP: Final = 96
_SHOWN_S: Final = 0.7
_LOWEST_DB: Final = -70.0


def draw(out: Path) -> list[Path]:
    """A PNG for each floor (shoes down, kinds across, the first take of each); their paths."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    out.mkdir(parents=True, exist_ok=True)
    library = OwnLibrary(variants=SHIPPED)
    paths = []
    for floor in GROUNDS:
        figure, axes = plt.subplots(
            len(SHOES), len(OWN_KINDS), figsize=(11, 9), sharex=True, sharey=True
        )
        for row, shoe in enumerate(SHOES):
            for column, kind in enumerate(OWN_KINDS):
                _panel(axes[row, column], library(floor, shoe, kind)[0])
                if row == 0:
                    axes[row, column].set_title(kind, fontsize=9)
                if column == 0:
                    axes[row, column].set_ylabel(f"{shoe}\nkHz", fontsize=8)
        figure.suptitle(floor)
        figure.supxlabel("ms after the contact", fontsize=8)
        figure.tight_layout()
        path = out / f"{floor}.png"
        figure.savefig(path, dpi=60)
        plt.close(figure)
        paths.append(path)
    return paths


def _panel(axes: Any, take: Take) -> None:
    levels_db, start_s = spectrogram(take)
    end_s = start_s + levels_db.shape[1] * _HOP / SAMPLE_RATE_HZ
    axes.imshow(
        levels_db, origin="lower", aspect="auto", vmin=_LOWEST_DB, vmax=0, cmap="magma",
        extent=(1000 * start_s, 1000 * end_s, 0, SAMPLE_RATE_HZ / 2000),
    )  # fmt: skip
    axes.set_xlim(-20, 1000 * _SHOWN_S)
    axes.set_ylim(0, 16)
    axes.tick_params(labelsize=6)


def spectrogram(take: Take) -> tuple[FloatArray, float]:
    """Levels (257, T) in dB below the take's greatest, and the first column's time from the
    contact in seconds."""
    transform = ShortTimeFFT(hann(_WINDOW, sym=False), _HOP, SAMPLE_RATE_HZ)
    power = np.abs(transform.stft(take.samples.astype(np.float64))) ** 2
    levels_db = 10 * np.log10(power / power.max() + 1e-12)
    first_s = float(transform.p_min) * _HOP / SAMPLE_RATE_HZ
    return np.asarray(levels_db), first_s - take.attack_sample / SAMPLE_RATE_HZ
