"""Cuts as lossless documents: bytes, what they say, and the patches that add footsteps to them."""
