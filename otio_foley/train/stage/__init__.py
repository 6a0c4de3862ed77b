"""The stage: rendered shots of a walking, running or jumping person with exactly known footfalls.

Motion capture drives a skinned body over a floor, the feet are locked so that they neither slide
nor sink, the truth is read from the moving soles, and a software rasteriser makes the picture.
"""
