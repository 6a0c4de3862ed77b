"""The commands for developers: data sets and models are made, and what is found is measured."""

from __future__ import annotations

from pathlib import Path

import click

from otio_foley.terminal import progress_shown

_PATH = click.Path(path_type=Path, readable=False)
_FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)
_LEARNED = click.option(
    "--learned", type=_FOLDER, required=True, help="Folder that the training left (its --work)."
)


@click.group()
def train() -> None:
    """Make data sets and models; for developers, needs the extra `train`."""


@train.command()
@click.argument("out", type=click.Path(path_type=Path, file_okay=False))
@click.option("--clips", type=click.IntRange(1), default=20, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True)
@click.option(
    "--recipe",
    type=click.Choice(["method", "floors", "steps", "standing", "demo"]),
    default="method",
    show_default=True,
    help="What is shown; demo makes the shipped cut, whatever --clips says.",
)
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True)
@click.option(
    "--material",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default="../shared",
    show_default=True,
    help="Folder with body/, gait/ and floors/.",
)
def stage(out: Path, clips: int, seed: int, recipe: str, jobs: int, material: Path) -> None:
    """Render clips with exactly known footfalls into OUT; goes on where it was stopped."""
    from otio_foley.train.stage import dataset

    with progress_shown(quiet=False) as progress:
        dataset.make(
            out, material, recipe=recipe, clips=clips, seed=seed, jobs=jobs, report=progress
        )
    click.echo(str(out))


@train.command()
@click.argument("out", type=click.Path(path_type=Path, file_okay=False))
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True)
def samples(out: Path, jobs: int) -> None:
    """Make our own library of footsteps from its seeds into OUT."""
    from otio_foley.train.sounds.takes import make

    with progress_shown(quiet=False) as progress:
        count = make(out, jobs=jobs, report=progress)
    click.echo(f"{count} takes in {out}")


@click.group()
def evaluate() -> None:
    """Measure what is found against the truth; for developers, needs the extra `train`."""


@evaluate.command(name="sounds")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
def evaluate_sounds(folder: Path) -> None:
    """Set our steps beside the real recordings in FOLDER, and have them told apart."""
    from otio_foley.train.sounds.compare import report

    for line in report(folder, lambda text: click.echo(text, err=True)):
        click.echo(line)


@train.command()
@click.argument("out", type=click.Path(path_type=Path, file_okay=False))
def sheets(out: Path) -> None:
    """Draw spectrograms of every floor and shoe of ours into OUT."""
    from otio_foley.train.sounds.sheets import draw

    for path in draw(out):
        click.echo(str(path))


@evaluate.command(name="steps")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--learned",
    type=click.Path(path_type=Path, exists=True),
    help="Weights of the contact network; for motions the folder that its training left, with a "
    "network for each person left out. Default the ones that ship.",
)
@click.option("--fps", type=float, multiple=True, default=(24.0, 25.0, 30.0), show_default=True)
@click.option("--views", type=click.IntRange(1), default=8, show_default=True)
@click.option("--takes", type=click.IntRange(0), default=3, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--noise", type=_PATH, help="Measured noise of keypoints; default the shipped one.")
@click.option("--exact", is_flag=True, help="Keypoints without noise.")
def evaluate_steps(
    folder: Path,
    learned: Path | None,
    fps: tuple[float, ...],
    views: int,
    takes: int,
    seed: int,
    noise: Path | None,
    exact: bool,
) -> None:
    """Judge the steps found in FOLDER: a rendered data set, movies with labels.tsv, or recorded
    motions below gait/, of which --fps, --views, --takes and the noise speak."""
    from otio_foley.train.steps.evaluate import Terms, evaluated, shipped_noise

    terms = Terms(
        frame_rates=fps,
        views=views,
        takes=takes,
        noise=None if exact else noise or shipped_noise(),
        learned=learned,
        seed=seed,
    )
    for line in evaluated(folder, terms, lambda text: click.echo(text, err=True)):
        click.echo(line)


@evaluate.command(name="floor")
@click.argument("stills", type=_FOLDER)
@_LEARNED
@click.option("--clips", type=_FOLDER, help="Also count right floors in a rendered data set.")
@click.option("--sheet", type=_PATH, help="Also a picture of the surest mistakes.")
def evaluate_floor(stills: Path, learned: Path, clips: Path | None, sheet: Path | None) -> None:
    """Judge floors recognised in STILLS by networks that have not seen their assets."""
    from otio_foley.train.floor.judge import judged, report_on_clips, tables
    from otio_foley.train.floor.sheet import draw

    def tell(text: str) -> None:
        click.echo(text, err=True)

    found = judged(stills, learned, tell)
    for line in tables([held for _, held in found]):
        click.echo(line)
    if sheet is not None:
        draw(sheet, found)
    if clips is not None:
        for line in report_on_clips(clips, stills, learned, tell):
            click.echo(line)


@evaluate.command(name="generator")
@click.argument("clips", type=_FOLDER)
@_LEARNED
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True)
@click.option("--sheet", type=_PATH, help="Also a picture of true and made spectra.")
def evaluate_generator(clips: Path, learned: Path, jobs: int, sheet: Path | None) -> None:
    """Judge the generator on the clips of a rendered data set whose person was held back."""
    from otio_foley.train.generator.judge import held_lessons, report
    from otio_foley.train.generator.sheet import draw

    lessons = held_lessons(clips, jobs)
    if sheet is not None:
        draw(sheet, lessons)
    for line in report(lessons, learned, lambda text: click.echo(text, err=True)):
        click.echo(line)
