"""Cuts that come with their media: folders (.fcpxmld, .otiod) and zip files (.otioz)."""
