"""Results onto the disk, whole or not at all.

Everything is written beside its target and renamed at the end: sound first, then the cut, so that a
cut never names a sound that is not there. What was there before is never written over unless asked.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from types import TracebackType

from otio_foley.errors import OutputError, TargetExists
from otio_foley.media.sound import BroadcastWave, write_sound
from otio_foley.types import Audio


def default_output(cut: Path) -> Path:
    """`<name>_foley.<ext>` beside the cut."""
    return cut.with_name(f"{cut.stem}_foley{cut.suffix}")


def default_audio_dir(output: Path) -> Path:
    """`<result's name>_media/` beside the result."""
    return output.with_name(f"{output.stem}_media")


class Delivery:
    """A result on its way to the disk; leaving the `with` block without `finish` leaves nothing.

    Raises TargetExists at once where something lies in the way and `overwrite` is not set, and
    OutputError where a target's folder is not there.
    """

    def __init__(self, output: Path, audio_dir: Path, *, source: Path, overwrite: bool) -> None:
        self.output = output.absolute()
        self.audio_dir = audio_dir.absolute()
        self._overwrite = overwrite
        self._names: list[str] = []
        self._staging: Path | None = None
        if _is_same(self.output, source):
            raise TargetExists(
                f"{output} is the cut itself, which is never written over",
                hint="give another name with -o",
            )
        if not overwrite:
            self._refuse_existing()
        for folder in {self.output.parent, self.audio_dir.parent}:
            if not folder.is_dir():
                raise OutputError(f"folder {folder} is not there", hint="create it first")

    def _refuse_existing(self) -> None:
        hint = "remove it, choose another place, or give --overwrite"
        if self.output.exists():
            raise TargetExists(f"{self.output} is there already", hint=hint)
        if self.audio_dir.exists() and (
            not self.audio_dir.is_dir() or any(self.audio_dir.glob("FOLYFeet_*.wav"))
        ):
            raise TargetExists(f"{self.audio_dir} holds footsteps already", hint=hint)

    def __enter__(self) -> Delivery:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._staging is not None:
            shutil.rmtree(self._staging, ignore_errors=True)

    def sound_path(self, name: str) -> Path:
        """Where a sound of that name will lie."""
        return self.audio_dir / name

    def add_sound(self, name: str, audio: Audio, info: BroadcastWave) -> None:
        """Write a sound beside its target."""
        try:
            if self._staging is None:
                self._staging = Path(
                    tempfile.mkdtemp(dir=self.audio_dir.parent, prefix=f".{self.audio_dir.name}.")
                )
        except OSError as error:
            raise _unwritable(self.audio_dir, error) from error
        write_sound(self._staging / name, audio, info)
        self._names.append(name)

    def finish(self, cut: bytes) -> None:
        """Move the sounds into place, then the cut. Raises OutputError."""
        try:
            if self._staging is not None:
                self.audio_dir.mkdir(exist_ok=True)
                for name in self._names:
                    (self._staging / name).replace(self.audio_dir / name)
            write_whole(self.output, cut)
        except OSError as error:
            raise _unwritable(self.output, error) from error


def write_new(path: Path, content: bytes, *, source: Path, overwrite: bool) -> None:
    """Write a file where none lies yet. Raises TargetExists or OutputError."""
    if _is_same(path, source) or (path.exists() and not overwrite):
        raise TargetExists(f"{path} is there already", hint="choose another name with -o")
    if not path.absolute().parent.is_dir():
        raise OutputError(f"folder {path.absolute().parent} is not there", hint="create it first")
    write_whole(path, content)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file beside its place and rename it there. Raises OutputError."""
    try:
        handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                os.fchmod(file.fileno(), 0o666 & ~_umask())
            Path(beside).replace(path)
        except BaseException:
            Path(beside).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise _unwritable(path, error) from error


def _umask() -> int:
    """The mask for new files; it can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _is_same(target: Path, source: Path) -> bool:
    return target.exists() and source.exists() and target.samefile(source)


def _unwritable(path: Path, error: OSError) -> OutputError:
    return OutputError(
        f"cannot write {path}: {error.strerror or error}",
        hint="is there room on the disk, and may you write there?",
    )
