"""What the command line writes to a terminal: names without control characters, steps and floors as
lines, progress, and none of what C++ libraries say."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from otio_foley.pipeline import Progress
    from otio_foley.report import FloorSeen, Step


def say(text: str, *, err: bool = False) -> None:
    click.echo(printable(text), err=err)


def printable(text: str) -> str:
    """Names come from files: no control character of theirs reaches the terminal."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


@contextmanager
def only_our_words() -> Iterator[None]:
    """Keep what C++ libraries write to file descriptor 2 (mediapipe, on every start) off it.

    Python's `sys.stderr` goes on to where it went; OTIO_FOLEY_VERBOSE=1 lets everything through.
    """
    usual = sys.__stderr__
    if usual is None or sys.stderr is not usual or os.environ.get("OTIO_FOLEY_VERBOSE"):
        yield
        return
    usual.flush()
    ours = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        with os.fdopen(os.dup(ours), "w", buffering=1, errors="backslashreplace") as sys.stderr:
            yield
    finally:
        sys.stderr = usual
        os.dup2(ours, 2)
        os.close(ours)
        os.close(nowhere)


@contextmanager
def progress_shown(*, quiet: bool) -> Iterator[Progress | None]:
    """A bar on a terminal, a line for each clip elsewhere; on stderr: stdout stays clean."""
    with only_our_words(), _bar_or_lines(quiet=quiet) as progress:
        yield progress


@contextmanager
def _bar_or_lines(*, quiet: bool) -> Iterator[Progress | None]:
    if quiet:
        yield None
    elif sys.stderr.isatty():
        bar: Any
        with click.progressbar(
            length=1000, file=sys.stderr, item_show_func=lambda name: printable(name or "")
        ) as bar:
            yield lambda name, done: bar.update(max(0, int(1000 * done) - bar.pos), name)
    else:
        yield _plain_lines()


def _plain_lines() -> Progress:
    last = ""

    def tell(name: str, done: float) -> None:
        nonlocal last
        if name != last:
            say(f"{done:4.0%}  {name}", err=True)
            last = name

    return tell


def floor_line(seen: FloorSeen) -> str:
    span = seen.span
    others = ", ".join(f"{floor} {chance:.0%}" for floor, chance in span.runners_up)
    return (
        f"person {seen.person} from {span.start_s:.1f} to {span.end_s:.1f} s on {span.floor}, "
        f"{span.chance:.0%} (else {others})"
    )


def step_line(step: Step) -> str:
    return (
        f"{step.source_time_s:9.3f} s  person {step.person}  {step.foot:5}  {step.action:5}"
        f"  {step.floor}  {step.gain_db:+5.1f} dB  confidence {step.confidence:.2f}"
    )
