"""Where the bundled models, samples and adapters lie: inside an installed wheel, or beside the
package in a checkout."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from otio_foley.errors import InputError

_PACKAGE = Path(__file__).resolve().parent


def bundled(family: Literal["adapters", "models", "samples"]) -> Path:
    """Folder of one family of bundled files. Raises InputError if it was not installed."""
    for folder in (_PACKAGE / "_bundled" / family, _PACKAGE.parent / family):
        if folder.is_dir():
            return folder
    raise InputError(f"the bundled {family} are missing", hint="install otio-foley again")
