"""The shipped cut, run and scored against the true contact times of its rendered shots."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TypeAlias

from otio_foley.config import Settings, SoundSettings
from otio_foley.files import target_exists, unwritable
from otio_foley.pipeline import Progress, run
from otio_foley.report import ClipReport, Result
from otio_foley.resources import bundled
from otio_foley.timelines.registry import open_document

#: By shot; of each, `contacts` with their `time_s`.
Truth: TypeAlias = dict[str, dict[str, list[dict[str, float]]]]

#: A step further from every true contact than this is not that contact's.
_WINDOW_S = 0.15


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One clip against its truth: `errors_s` (signed, late is positive) of the contacts found,
    how many true contacts were missed, how many steps have none."""

    clip: ClipReport
    errors_s: tuple[float, ...]
    missed: int
    extra: int


def run_demo(
    output_dir: Path, progress: Progress | None = None, engine: str = SoundSettings().engine
) -> tuple[Result, list[Score]]:
    """Copy the demo's cut and shots to a folder, run it there, score it.

    Raises FoleyError as `run` does.
    """
    source = bundled("samples") / "demo"
    cut = output_dir / "demo.fcpxml"
    try:
        output_dir.mkdir(parents=True, exist_ok=True)
        for path in (source / cut.name, *sorted(source.glob("*.mov"))):
            _copy(path, output_dir / path.name)
    except OSError as error:
        raise unwritable(output_dir, error) from error
    settings = Settings(sound=SoundSettings(engine=engine))
    result = run(cut, overwrite=True, progress=progress, settings=settings)
    truth = json.loads((source / "truth.json").read_text(encoding="utf-8"))["shots"]
    return result, [_score(clip, truth, cut) for clip in result.clips]


def _copy(path: Path, target: Path) -> None:
    """Copy a file of the demo; one of another content that lies there is someone's own."""
    if target.exists() and target.read_bytes() != path.read_bytes():
        raise target_exists(target)
    shutil.copyfile(path, target)


def _score(clip: ClipReport, truth: Truth, cut: Path) -> Score:
    """Truth counts from the shot's first picture, as `source_time_s` does."""
    shown = next(one for one in open_document(cut).timeline().clips if one.clip_id == clip.clip_id)
    shot = truth[Path(shown.media_path or shown.name).name]
    start_s = float(shown.time_map.points[0][1] - (shown.media_start_s or 0))
    end_s = start_s + float(shown.record.duration_s)
    contacts = [
        contact["time_s"] for contact in shot["contacts"] if start_s <= contact["time_s"] < end_s
    ]
    errors, missed, extra = match(contacts, [step.source_time_s for step in clip.steps])
    return Score(clip=clip, errors_s=tuple(errors), missed=missed, extra=extra)


def match(
    contacts_s: Sequence[float], steps_s: Sequence[float], window_s: float = _WINDOW_S
) -> tuple[list[float], int, int]:
    """Pair true contacts with steps, nearest pairs first, each used once.

    Returns the signed errors of the pairs (step minus contact, in the contacts' order), how many
    contacts have no step and how many steps no contact.
    """
    pairs = sorted(
        (abs(step - contact), i, j)
        for i, contact in enumerate(contacts_s)
        for j, step in enumerate(steps_s)
        if abs(step - contact) <= window_s
    )
    taken: dict[int, int] = {}
    for _, i, j in pairs:
        if i not in taken and j not in taken.values():
            taken[i] = j
    errors = [steps_s[j] - contacts_s[i] for i, j in sorted(taken.items())]
    return errors, len(contacts_s) - len(taken), len(steps_s) - len(taken)


def table(scores: Sequence[Score]) -> list[str]:
    """Clip, steps, floor, action, median error; a last line over all contacts."""
    lines = [
        f"{'clip':12} {'status':8} {'steps':>5} {'floor':10} {'action':8} "
        f"{'found':>7} {'extra':>5} {'median error':>12}"
    ]
    for score in scores:
        steps = score.clip.steps
        floor = steps[0].floor if steps else "-"
        action = Counter(step.action for step in steps).most_common(1)[0][0] if steps else "-"
        true = len(score.errors_s) + score.missed
        lines.append(
            f"{score.clip.name:12} {score.clip.status:8} {len(steps):5} {floor:10} {action:8} "
            f"{len(score.errors_s):3}/{true:<3} {score.extra:5} {_milliseconds(score.errors_s):>12}"
        )
    together = [error for score in scores for error in score.errors_s]
    true = len(together) + sum(score.missed for score in scores)
    lines.append(
        f"all: {len(together)} of {true} true contacts found, "
        f"{sum(score.extra for score in scores)} extra, "
        f"median error {_milliseconds(together)}, F1 within 50 ms {f1(scores):.2f}"
    )
    return lines


def f1(scores: Sequence[Score], window_s: float = 0.05) -> float:
    """Harmonic mean of how many true contacts were found within a window and how many steps are
    such a contact's."""
    hits = sum(abs(error) <= window_s for score in scores for error in score.errors_s)
    true = sum(len(score.errors_s) + score.missed for score in scores)
    found = sum(len(score.errors_s) + score.extra for score in scores)
    return 2.0 * hits / max(true + found, 1)


def _milliseconds(errors_s: Sequence[float]) -> str:
    """Median absolute error."""
    return f"{1000 * median(abs(error) for error in errors_s):.1f} ms" if errors_s else "-"
