"""The command line. Exit codes: 0 all done, 2 usage, 3 some clips skipped, 4 input, 5 output."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from otio_foley._version import __version__
from otio_foley.config import CHOICES
from otio_foley.errors import FoleyError
from otio_foley.terminal import floor_line, only_our_words, progress_shown, say, step_line
from otio_foley.train.commands import evaluate, train

if TYPE_CHECKING:
    from otio_foley.config import Settings

_PATH = click.Path(path_type=Path, readable=False)
_CUT = click.argument("cut", type=_PATH)
_OUT = click.Path(path_type=Path)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
_FLOOR = click.option(
    "--floor",
    metavar="NAME",
    help="What is walked on, where nothing narrower is said; default auto, what the picture shows.",
)
_SET = click.option(
    "--set",
    "controls",
    multiple=True,
    metavar="CONTROL",
    help="floor=wood, track.1.shoe=boot, clip.A003*.mute=true, step.01:00:03:12.level_db=-3; may "
    "be given several times. What is said of a clip or step wins over what is said of the cut, "
    "wherever it is said.",
)
_RATE = click.option(
    "--rate", "frame_rate", metavar="FPS", help="Frame rate of an EDL: 25, 23.976, 30000/1001."
)
_ROOTS = click.option(
    "--media-root",
    "media_roots",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder in which to look for media; may be given several times.",
)
#: Options that override one setting each; the parameter is named after the setting.
_OVERRIDES = (
    click.option(
        "--layers",
        "analysis__layers",
        type=click.Choice(CHOICES["analysis.layers"]),
        help="Of several pictures at a time, the topmost (default) or all.",
    ),
    click.option(
        "--for",
        "output__host",
        type=click.Choice(CHOICES["output.host"]),
        help="Write for this program, where programs disagree; default generic.",
    ),
    click.option(
        "--level-rides",
        "output__level_rides",
        type=click.Choice(CHOICES["output.level_rides"]),
        help="Level over time in the host's automation or baked into the sound; default what the "
        "host keeps.",
    ),
    click.option(
        "--separate",
        "output__separate",
        flag_value=True,
        default=None,
        help="EDL: footsteps in lists of their own beside the cut.",
    ),
    click.option(
        "--engine",
        "sound__engine",
        type=click.Choice(CHOICES["sound.engine"]),
        help="contacts (default): the detector's steps, library sound; method: steps found in the "
        "generator's sound, library sound; generator: its own sound.",
    ),
    click.option(
        "--shoe", "sound__shoe", metavar="NAME", help="What is on the feet; default leather."
    ),
    click.option(
        "--space",
        "sound__space",
        type=click.Choice(CHOICES["sound.space"]),
        help="Room in which steps are heard; default none.",
    ),
    click.option(
        "--library",
        "sound__library",
        metavar="DIR",
        type=click.Path(exists=True, file_okay=False),
        help="Folder of your own recordings, which come before ours.",
    ),
    click.option(
        "--lufs",
        "output__track_lufs",
        type=click.FloatRange(-70, -5),
        metavar="LUFS",
        help="Loudest three seconds of each track; default -38.",
    ),
    click.option(
        "--pan", "output__pan", flag_value=True, default=None, help="Stereo, from the picture."
    ),
    click.option(
        "--step-files",
        "output__step_files",
        flag_value=True,
        default=None,
        help="Also a file for each step.",
    ),
    click.option(
        "--track-stems",
        "output__track_stems",
        flag_value=True,
        default=None,
        help="Also a file for each track, as long as the cut.",
    ),
    click.option(
        "--preview",
        "output__preview",
        flag_value=True,
        default=None,
        help="Also a mix with the sound that the cut has.",
    ),
)
_SETTINGS = click.option("--settings", "settings_file", type=_PATH, help="TOML file of settings.")


def _overriding(command: Any) -> Any:
    for option in reversed(_OVERRIDES):
        command = option(command)
    return command


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    try:
        code = commands.main(args=argv, prog_name="otio-foley", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except FoleyError as error:
        say(f"otio-foley: {error}", err=True)
        if error.hint:
            say(f"  {error.hint}", err=True)
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        click.echo("otio-foley: stopped; nothing was written", err=True)
        return 130


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="otio-foley")
def commands() -> None:
    """Footsteps for picture edits: a cut in, the same cut out with footsteps on it.

    Exit codes: 0 all done, 2 usage, 3 some clips skipped, 4 input, 5 output.
    """


@commands.command()
@_CUT
@_FLOOR
@_RATE
@_SET
@click.option("--settings", "settings_file", type=_PATH, help="TOML file of settings.")
@_JSON
def inspect(
    cut: Path,
    floor: str | None,
    frame_rate: str | None,
    controls: tuple[str, ...],
    settings_file: Path | None,
    as_json: bool,
) -> None:
    """List the picture clips of a CUT, and what is asked of their footsteps."""
    from otio_foley.asking import asked_of
    from otio_foley.inspection import clip_lines, cut_json
    from otio_foley.timelines.registry import open_document

    document = open_document(cut, _rate(frame_rate))
    asked = asked_of(
        cut,
        document.strip().document.timeline(),
        _settings(settings_file),
        controls=controls,
        floor=floor,
    )
    if as_json:
        _print_json(cut_json(document, asked))
    else:
        for line in clip_lines(document, asked):
            say(line)


@commands.command()
@click.argument("movie", type=_PATH)
@_FLOOR
@_SETTINGS
@_JSON
def analyse(movie: Path, floor: str | None, settings_file: Path | None, as_json: bool) -> None:
    """Find the footsteps in a MOVIE."""
    from otio_foley import pipeline

    with progress_shown(quiet=as_json) as progress:
        report = pipeline.analyse(
            movie, floor=floor, settings=_settings(settings_file), progress=progress
        )
    if as_json:
        _print_json(report.as_json())
        return
    for step in report.steps:
        click.echo(step_line(step))
    for seen in report.floors:
        click.echo(floor_line(seen))
    click.echo(f"{len(report.steps)} steps, {report.people} people, {report.pictures} pictures")


@commands.command()
@_CUT
@click.option("-o", "--output", type=_OUT, help="Result; default <name>_foley.<ext> beside CUT.")
@_ROOTS
@click.option(
    "--audio-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the sound; default <result's name>_media beside the result.",
)
@_FLOOR
@_SET
@_RATE
@click.option(
    "--picture",
    type=_PATH,
    metavar="MOVIE",
    help="One movie of the whole cut, looked at instead of the clips' own media.",
)
@click.option(
    "--picture-start",
    metavar="TIMECODE",
    help="Record timecode of that movie's first frame; default its own, else the cut's.",
)
@_overriding
@_SETTINGS
@click.option("--dry-run", is_flag=True, help="Analyse and report, write nothing.")
@click.option("--overwrite", is_flag=True, help="Replace an earlier result.")
@click.option(
    "--jobs",
    type=click.IntRange(1, 61),
    default=1,
    metavar="N",
    help="Clips looked at at a time, each in a process of some 1.3 GB; default 1. The result is "
    "the same.",
)
@_JSON
def run(
    cut: Path,
    output: Path | None,
    media_roots: tuple[Path, ...],
    audio_dir: Path | None,
    floor: str | None,
    controls: tuple[str, ...],
    frame_rate: str | None,
    picture: Path | None,
    picture_start: str | None,
    settings_file: Path | None,
    dry_run: bool,
    overwrite: bool,
    jobs: int,
    as_json: bool,
    **overrides: str | bool | float | None,
) -> int:
    """Make the footsteps of a CUT and write the same cut with them on it."""
    from otio_foley import pipeline

    with progress_shown(quiet=as_json) as progress:
        result = pipeline.run(
            cut,
            output,
            media_roots=media_roots,
            audio_dir=audio_dir,
            picture=picture,
            picture_start=picture_start,
            floor=floor,
            controls=controls,
            settings=_settings(settings_file, overrides),
            frame_rate=_rate(frame_rate),
            dry_run=dry_run,
            overwrite=overwrite,
            jobs=jobs,
            progress=progress,
        )
    if as_json:
        _print_json(result.as_json())
        return result.exit_code
    for clip in result.clips:
        outcome = clip.reason
        if clip.status == "done":
            outcome = f"{len(clip.steps)} steps" + (f" ({clip.reason})" if clip.reason else "")
        say(f"{clip.status:8} {clip.name}: {outcome}")
    if result.output is not None:
        click.echo(f"written: {result.output}")
    for note in result.notes:
        say(f"note: {note}")
    if result.files:
        click.echo(f"beside the clips' sound: {len(result.files)} files")
    for sidecar in result.sidecars:
        click.echo(f"beside it: {sidecar.path} ({sidecar.holds})")
    return result.exit_code


@commands.command()
@_CUT
@click.option("-o", "--output", type=_OUT, required=True, help="Where the stripped cut goes.")
@click.option("--overwrite", is_flag=True, help="Replace what lies there.")
def strip(cut: Path, output: Path, overwrite: bool) -> None:
    """Take our footsteps out of a CUT."""
    from otio_foley.delivery import write_copy
    from otio_foley.timelines.registry import open_document

    stripped = open_document(cut).strip()
    write_copy(output, stripped.document, source=cut, overwrite=overwrite)
    if not stripped.removed:
        click.echo("nothing of ours was in it; copied as it is")
    elif stripped.exact:
        click.echo("the original, byte for byte")
    else:
        click.echo(
            "another program has saved this cut since: ours is out, the rest is as it was there "
            "(equal in content, not in bytes)"
        )


@commands.command()
@click.argument("original", type=_PATH)
@click.argument("result", type=_PATH)
@_JSON
def verify(original: Path, result: Path, as_json: bool) -> int:
    """Prove that RESULT is ORIGINAL and nothing but our footsteps beside it."""
    from otio_foley.timelines.verify import verify as compare

    verdict = compare(original, result)
    if as_json:
        _print_json(
            {
                "version": __version__,
                "identical": verdict.identical,
                "equal_content": verdict.equal_content,
                "footsteps_found": verdict.stems_found,
                "differences": list(verdict.differences),
            }
        )
    elif verdict.identical:
        click.echo("identical: without ours, the original byte for byte")
    elif verdict.equal_content:
        click.echo("equal in content, not in bytes: another program has saved it since")
    else:
        click.echo("different:")
        for difference in verdict.differences:
            say(f"  {difference}")
    return 0 if verdict.equal_content else 5


@commands.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
def library(folder: Path) -> None:
    """Say what is understood of a FOLDER of your own recordings."""
    from otio_foley.library.recordings import read_recordings, report_lines

    for line in report_lines(read_recordings(folder)):
        say(line)


@commands.command()
@_JSON
def formats(as_json: bool) -> None:
    """List the timeline formats."""
    from otio_foley.timelines.registry import FORMATS

    if as_json:
        _print_json(
            {
                "version": __version__,
                "formats": [
                    {"name": f.name, "title": f.title, "suffixes": list(f.suffixes)}
                    for f in FORMATS.values()
                ],
            }
        )
        return
    for one in FORMATS.values():
        click.echo(f"{one.name:8} {' '.join(one.suffixes):10} {one.title}")


@commands.command()
@_JSON
def doctor(as_json: bool) -> int:
    """Check that everything the work needs is here."""
    from otio_foley.checkup import check_up

    with only_our_words():
        findings = check_up()
    if as_json:
        _print_json(
            {
                "version": __version__,
                "checks": [
                    {"name": f.name, "ok": f.ok, "detail": f.detail, "hint": f.hint}
                    for f in findings
                ],
            }
        )
    else:
        for finding in findings:
            click.echo(f"{'ok' if finding.ok else 'MISSING':8} {finding.name}: {finding.detail}")
            if not finding.ok:
                click.echo(f"         {finding.hint}")
    return 0 if all(finding.ok for finding in findings) else 1


@commands.command()
@click.option(
    "--output-dir",
    type=click.Path(path_type=Path, file_okay=False),
    default="otio-foley-demo",
    show_default=True,
    help="Folder for the demo's cut, shots and result.",
)
@click.option(
    "--engine",
    type=click.Choice(CHOICES["sound.engine"]),
    default="contacts",
    show_default=True,
    help="Where steps come from, as for run.",
)
def demo(output_dir: Path, engine: str) -> int:
    """Run the shipped demo cut and score it against the truth of its rendered shots."""
    from otio_foley.demo import run_demo, table

    with progress_shown(quiet=False) as progress:
        result, scores = run_demo(output_dir, progress, engine)
    for line in table(scores):
        click.echo(line)
    click.echo(f"the cut with its footsteps: {result.output}")
    if result.stems:
        click.echo(f"their sound: {result.stems[0].path.parent}")
    return result.exit_code


commands.add_command(train)
commands.add_command(evaluate)


def _rate(text: str | None) -> Fraction | None:
    from otio_foley.time import rate_from_float

    if text is None:
        return None
    try:
        rate = Fraction(text) if "/" in text else rate_from_float(float(text))
        if not 1 <= rate <= 1000:
            raise ValueError(text)
        return rate
    except (ValueError, ZeroDivisionError) as error:
        raise click.BadParameter(f"{text!r} is not a frame rate", param_hint="--rate") from error


def _settings(
    path: Path | None, overrides: Mapping[str, str | bool | float | None] | None = None
) -> Settings:
    from otio_foley.config import Settings, load, replaced

    given = {name.replace("__", "."): v for name, v in (overrides or {}).items() if v is not None}
    return replaced(Settings() if path is None else load(path), given)


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def entry() -> None:
    """The `otio-foley` console script."""
    sys.exit(main())


if __name__ == "__main__":
    entry()
