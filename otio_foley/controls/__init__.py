"""What an editor asks of the footsteps: per cut, track, clip and step, in the terms of foley.

`gather.gather` collects it; everything else here is pure.
"""
