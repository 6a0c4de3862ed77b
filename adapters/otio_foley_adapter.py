"""OpenTimelineIO adapter: reads every cut that otio-foley reads. It claims no suffix; ask for it by
name (`adapter_name="otio_foley"`)."""

from otio_foley.plugin import read_from_file

__all__ = ["read_from_file"]
