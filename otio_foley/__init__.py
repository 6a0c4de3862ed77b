"""Footsteps for picture edits: a cut in, the same cut out with footsteps on it.

import otio_foley

cut = otio_foley.open("reel_3.fcpxml")
for clip in cut.timeline().clips:
    print(clip.name, clip.record.start_s)

result = otio_foley.run("reel_3.fcpxml", media_roots=["/Volumes/Media"], floor="wood")
for clip in result.clips:
    print(clip.name, clip.status, len(clip.steps))
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otio_foley._version import __version__

if TYPE_CHECKING:
    from otio_foley.config import Settings as Settings
    from otio_foley.errors import FoleyError as FoleyError
    from otio_foley.pipeline import analyse as analyse
    from otio_foley.pipeline import run as run
    from otio_foley.timelines.registry import open_document as open
    from otio_foley.timelines.verify import verify as verify

#: What is public, and where it lives; loaded when first asked for, so that reading a cut does not
#: pay for the analysis.
_PUBLIC = {
    "FoleyError": "otio_foley.errors:FoleyError",
    "Settings": "otio_foley.config:Settings",
    "analyse": "otio_foley.pipeline:analyse",
    "open": "otio_foley.timelines.registry:open_document",
    "run": "otio_foley.pipeline:run",
    "verify": "otio_foley.timelines.verify:verify",
}

__all__ = ["FoleyError", "Settings", "__version__", "analyse", "open", "run", "verify"]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    module, attribute = _PUBLIC[name].split(":")
    return getattr(importlib.import_module(module), attribute)
