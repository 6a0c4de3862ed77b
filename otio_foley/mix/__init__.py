"""How loud it is: envelope, displacement and action layers, meters, peak limit.

Pure functions but for the mix and its limit, which work in place: a clip may last for hours.
"""
