"""What a person ought to know of a whole result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from otio_foley.report import ClipReport
from otio_foley.sounding import Session

#: A recognised floor that is less likely than this is to be looked at.
_SURE_FLOOR = 0.5


def remarks(session: Session, reports: Sequence[ClipReport]) -> tuple[str, ...]:
    """Floors that others stand in for, floors that nobody can be sure of or that are not seen at
    all, and controls that nothing answers to; each a sentence."""
    floors = sorted({step.floor for report in reports for step in report.steps})
    library = session.library
    instead = [
        f"no takes for the floor {floor!r}: {library.stand_in(floor)} is heard instead"
        for floor in floors
        if library.stand_in(floor) != floor
    ]
    instead += [
        f"no recordings of {floor!r} in the library: ours are heard"
        for floor in floors
        if library.recordings is not None and not library.is_users(floor)
    ]
    return (
        *instead,
        *_unsure(reports),
        *_unseen(reports),
        *session.controls.unused(session.placed),
    )


def _unsure(reports: Sequence[ClipReport]) -> Iterator[str]:
    """Clips of which the floor may well be another one than is heard."""
    for report in reports:
        for seen in report.floors:
            if seen.span.chance < _SURE_FLOOR:
                words = [f"{seen.span.floor} ({seen.span.chance:.0%})"]
                words += [f"{floor} ({chance:.0%})" for floor, chance in seen.span.runners_up[:1]]
                yield (
                    f"{report.name}: the floor looks like {' or '.join(words)}; "
                    f"--set clip.{report.name}.floor=NAME says which"
                )
                break


def _unseen(reports: Sequence[ClipReport]) -> Iterator[str]:
    """Clips in which no floor is seen, and what is heard there."""
    for report in reports:
        unknown = [step for step in report.steps if step.floor_from in ("nearby", "nowhere")]
        if not unknown or (report.floors and report.lent is None):
            continue
        heard = unknown[0].floor
        if report.lent is not None and report.lent.clip != report.name:
            heard += f" as in {report.lent.clip}"
        yield (
            f"{report.name}: no floor is seen below somebody; {heard} is heard; "
            f"--set clip.{report.name}.floor=NAME says which"
        )
