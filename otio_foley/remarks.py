"""What a person ought to know of a whole result."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Sequence

from otio_foley.library.shelf import Shelf
from otio_foley.report import ClipReport
from otio_foley.sounding import Session

#: A recognised floor that is less likely than this is to be looked at.
_SURE_FLOOR = 0.5


class _Names:
    """How clips are called: by their id where the name is that of others, too."""

    def __init__(self, reports: Sequence[ClipReport]) -> None:
        self._count = Counter(name for name, _ in {(one.name, one.clip_id) for one in reports})

    def call(self, name: str, clip_id: str) -> str:
        return name if self._count[name] < 2 else clip_id

    def says_which(self, report: ClipReport) -> str:
        """How the floor of a clip is told, as a shell takes it."""
        control = f"clip.{self.call(report.name, report.clip_id)}.floor=NAME"
        return f"--set {shlex.quote(control)} says which"


def remarks(session: Session, reports: Sequence[ClipReport]) -> tuple[str, ...]:
    """Floors that others stand in for, floors that nobody can be sure of or that are not seen at
    all, and controls that nothing answers to; each a sentence."""
    unused = session.controls.unused(session.placed)
    if session.voicebox is not None:  # the generator's own sound is of no floor
        return tuple(unused)
    known = _Names(reports)
    return (
        *_instead(session.library, reports),
        *_unsure(reports, known),
        *_unseen(reports, known),
        *unused,
    )


def _instead(library: Shelf, reports: Sequence[ClipReport]) -> Iterator[str]:
    """Floors of which something else is heard."""
    floors = sorted({step.floor for report in reports for step in report.steps})
    for floor in floors:
        if library.stand_in(floor) != floor:
            yield f"no takes for the floor {floor!r}: {library.stand_in(floor)} is heard instead"
    for floor in floors:
        if library.recordings is not None and not library.is_users(floor):
            yield f"no recordings of {floor!r} in the library: ours are heard"


def _unsure(reports: Sequence[ClipReport], known: _Names) -> Iterator[str]:
    """Clips of which the floor may well be another one than is heard."""
    for report in reports:
        for seen in report.floors:
            if seen.span.chance < _SURE_FLOOR:
                words = [f"{seen.span.floor} ({seen.span.chance:.0%})"]
                words += [f"{floor} ({chance:.0%})" for floor, chance in seen.span.runners_up[:1]]
                yield (
                    f"{report.name}: the floor looks like {' or '.join(words)}; "
                    f"{known.says_which(report)}"
                )
                break


def _unseen(reports: Sequence[ClipReport], known: _Names) -> Iterator[str]:
    """Clips in which no floor that we know is seen, and what is heard there."""
    for report in reports:
        nearby = sorted({step.floor for step in report.steps if step.floor_from == "nearby"})
        nowhere = sorted({step.floor for step in report.steps if step.floor_from == "nowhere"})
        lender = report.lent
        if lender is not None and nearby:
            whence = "somebody else"
            if lender.clip_id != report.clip_id:
                whence = known.call(lender.clip_name, lender.clip_id)
            yield (
                f"{report.name}: no floor is seen below somebody; {nearby[0]} as below {whence} is "
                f"heard; {known.says_which(report)}"
            )
        if nowhere:
            yield (
                f"{report.name}: no floor that is known is seen below somebody; {nowhere[0]} is "
                f"heard; {known.says_which(report)}"
            )
