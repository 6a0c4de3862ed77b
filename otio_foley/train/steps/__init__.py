"""How well steps are found: measured people as keypoints, the product's own rules, a score.

Optical motion capture with force plates or labelled events is seen by virtual cameras, spoiled as
the pose network spoils it, and given to `otio_foley.analysis` from keypoints on. Nothing here
changes or tunes a rule.
"""
