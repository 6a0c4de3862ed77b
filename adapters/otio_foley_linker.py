"""OpenTimelineIO media linker: finds a clip's movie as otio-foley does."""

from otio_foley.plugin import link_media_reference

__all__ = ["link_media_reference"]
