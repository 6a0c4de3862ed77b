"""OpenTimelineIO files, any schema version."""
