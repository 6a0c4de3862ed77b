"""Writing files whole or not at all, and asking for files without tripping over the disk."""

from __future__ import annotations

import errno
import os
import tempfile
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


def write_whole(path: Path, content: bytes, *, overwrite: bool) -> None:
    """Write a file beside its place, then move it there.

    Raises TargetExists where something lies there and `overwrite` is not set, else OutputError.
    """
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".otio-foley-")
        beside = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                os.fchmod(file.fileno(), 0o666 & ~_umask())
            move_into_place(beside, path, overwrite=overwrite)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(path, error) from error


def move_into_place(beside: Path, path: Path, *, overwrite: bool) -> None:
    """Give a finished file its name, at once; what appeared there meanwhile is not written over.

    Raises TargetExists or OSError.
    """
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


def _umask() -> int:
    """The mask for new files; it can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
