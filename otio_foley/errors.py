"""Everything that otio-foley raises on purpose.

    FoleyError
    ├── InputError          exit code 4: what was given cannot be used
    │   ├── UnknownFormat   no reader takes this file
    │   ├── ParseError      the file is damaged; carries line and column
    │   ├── MediaMissing    the movie of a clip is not to be found, or two fit
    │   └── MediaUnreadable the movie is there and cannot be decoded
    └── OutputError         exit code 5: a result cannot be written
        ├── TargetExists    something lies where the result should go
        ├── WouldLoseData   the format cannot hold what was asked for
        └── NotReversible   what was added cannot be taken out again

`str(error)` says what and where; `error.hint` says what to do about it.
"""

from __future__ import annotations

from typing import ClassVar


class FoleyError(Exception):
    """Base of all errors; `exit_code` is what the command line returns for it."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class InputError(FoleyError):
    exit_code = 4


class UnknownFormat(InputError):
    pass


class ParseError(InputError):
    """A damaged timeline; `line` and `column` count from 1, None where they make no sense."""

    def __init__(
        self, message: str, *, line: int | None = None, column: int | None = None, hint: str = ""
    ) -> None:
        where = (
            ""
            if line is None
            else f" (line {line}" + (")" if column is None else f", column {column})")
        )
        super().__init__(message + where, hint=hint)
        self.line = line
        self.column = column


class MediaMissing(InputError):
    pass


class MediaUnreadable(InputError):
    pass


class OutputError(FoleyError):
    exit_code = 5


class TargetExists(OutputError):
    pass


class WouldLoseData(OutputError):
    pass


class NotReversible(OutputError):
    pass
