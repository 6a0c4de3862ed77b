"""OpenTimelineIO hook: footsteps on a timeline before it is written, where they are asked for."""

from otio_foley.plugin import hook_function

__all__ = ["hook_function"]
