"""Footstep recordings as takes: what a folder of the user's own sounds holds, read from how files
and folders are called, cut into single steps and brought to the level of our own.
"""
