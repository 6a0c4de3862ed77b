"""A bundle as a document: one text of it is the cut, the rest goes through as it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Protocol

from otio_foley.errors import InputError, UnknownFormat
from otio_foley.timelines.content import Part, part
from otio_foley.timelines.dialect import GENERIC, Dialect, Sidecar
from otio_foley.timelines.document import Document, Stripped, TextDocument
from otio_foley.timelines.registry import open_bytes
from otio_foley.types import StemClip, Timeline

#: A cut is a list of clips, not a movie: a larger text is something else.
LARGEST_TEXT = 512 * 1024**2


class Container(Protocol):
    """What holds the text and the media."""

    @property
    def media_folder(self) -> Path:
        """Where relative media paths of the cut begin."""
        ...

    def save(self, path: Path, text: bytes) -> None:
        """Write all of it, with this text for the cut's; without a change where it is the same.

        Raises OSError, OutputError, or InputError where the bundle is damaged by now (ParseError)
        or its text is not the one that was read.
        """
        ...

    def rest(self) -> dict[str, str]:
        """What lies beside the cut's text: a digest or checksum by name. Raises as `save`."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class BundleDocument:
    """A cut in a container."""

    format_name: str
    container: Container
    inner: TextDocument

    @property
    def media_folder(self) -> Path | None:
        return self.container.media_folder

    def timeline(self) -> Timeline:
        return self.inner.timeline()

    def content(self) -> Part:
        """The cut's content, and each file beside it by its digest."""
        beside = [
            part("file", [("content", summary)], name=name)
            for name, summary in sorted(self.container.rest().items())
        ]
        return part("bundle", (), [self.inner.content(), *beside])

    def with_frame_rate(self, frame_rate: Fraction) -> BundleDocument:
        return replace(self, inner=self.inner.with_frame_rate(frame_rate))

    def add(self, stems: Sequence[StemClip], dialect: Dialect = GENERIC) -> BundleDocument:
        return replace(self, inner=self.inner.add(stems, dialect))

    def sidecars(self, stems: Sequence[StemClip], dialect: Dialect) -> tuple[Sidecar, ...]:
        return self.inner.sidecars(stems, dialect)

    def strip(self) -> Stripped:
        stripped = self.inner.strip()
        assert isinstance(stripped.document, TextDocument)
        return Stripped(
            document=replace(self, inner=stripped.document),
            exact=stripped.exact,
            removed=stripped.removed,
        )

    def is_identical(self, other: Document) -> bool:
        """Every byte of the text, and of everything beside it."""
        if not isinstance(other, BundleDocument) or not self.inner.is_identical(other.inner):
            return False
        return self.container is other.container or self.container.rest() == other.container.rest()

    def mentions(self, file_name: str) -> bool:
        return self.inner.mentions(file_name)

    def save(self, path: Path) -> None:
        self.container.save(path, self.inner.raw)


def changed_meanwhile(root: Path) -> InputError:
    return InputError(f"{root} was changed after it was read", hint="start again")


def open_inner(text: bytes, name: str, wanted: str, frame_rate: Fraction | None) -> TextDocument:
    """The cut's text. Raises UnknownFormat where it is in another format than the bundle says."""
    inner = open_bytes(text, name=name, frame_rate=frame_rate)
    if inner.format_name != wanted:
        raise UnknownFormat(
            f"{name} is {inner.format_name}, not {wanted}", hint="export the bundle again"
        )
    return inner
