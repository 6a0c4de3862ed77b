"""Rendering and training: what makes the data that jobs use; never part of a job."""
