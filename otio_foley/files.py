"""Writing files whole or not at all, and asking for files without tripping over the disk."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from otio_foley.errors import OutputError, TargetExists

#: Where the file system has no hard links (exFAT, some network shares).
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


def is_file(path: Path) -> bool:
    """Whether a file is there; a name or folder that the system refuses holds none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def write_whole(path: Path, write: Callable[[Path], object], *, overwrite: bool) -> None:
    """Have a file or folder written beside its place, then move it there.

    `write` is given a path at which nothing lies. Raises TargetExists where something lies at
    `path` and `overwrite` is not set, else OutputError.
    """
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".otio-foley-") as folder:
            beside = Path(folder, path.name)
            write(beside)
            move_into_place(beside, path, overwrite=overwrite)
    except OSError as error:
        raise unwritable(path, error) from error


def move_into_place(beside: Path, path: Path, *, overwrite: bool) -> None:
    """Give a finished file or folder its name, at once; what appeared there meanwhile is not
    written over.

    Raises TargetExists or OSError.
    """
    if beside.is_dir():
        _move_folder(beside, path, overwrite=overwrite)
        return
    if overwrite:
        beside.replace(path)
        return
    try:
        path.hardlink_to(beside)
    except FileExistsError as error:
        raise target_exists(path) from error
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if path.exists():
            raise target_exists(path) from error
        beside.rename(path)
        return
    beside.unlink()


def _move_folder(beside: Path, path: Path, *, overwrite: bool) -> None:
    """A folder cannot be replaced in one step: the one that lies there goes aside first."""
    if not os.path.lexists(path):
        beside.rename(path)
        return
    if not overwrite:
        raise target_exists(path)
    aside = path.rename(beside.with_name(f"{beside.name}.old"))
    try:
        beside.rename(path)
    except OSError:
        aside.rename(path)
        raise


def target_exists(path: Path) -> TargetExists:
    return TargetExists(
        f"{path} is there already",
        hint="remove it, choose another place, or give --overwrite",
    )


def unwritable(path: Path, error: OSError) -> OutputError:
    return OutputError(
        f"cannot write {path}: {error.strerror or error}",
        hint="is there room on the disk, and may you write there?",
    )
