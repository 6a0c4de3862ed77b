"""The joints of a person, numbered as in BlazePose (Bazarevsky et al. 2020, figure 3)."""

from __future__ import annotations

from typing import Final

import numpy as np

from otio_foley.types import FloatArray, Foot

JOINT_COUNT: Final = 33
NOSE: Final = 0
HIPS: Final = (23, 24)
SHOULDERS: Final = (11, 12)
ELBOWS: Final = (13, 14)
WRISTS: Final = (15, 16)

#: hip, knee, ankle, heel, toe (the tip of the foot, `foot_index`)
LEFT_LEG: Final = (23, 25, 27, 29, 31)
RIGHT_LEG: Final = (24, 26, 28, 30, 32)
LEG_OF: Final[dict[Foot, tuple[int, int, int, int, int]]] = {
    "left": LEFT_LEG,
    "right": RIGHT_LEG,
}

#: shoulder, elbow, wrist, hip, knee
LEFT_SIDE: Final = (11, 13, 15, 23, 25)
RIGHT_SIDE: Final = (12, 14, 16, 24, 26)

#: Parts of the body's height (Winter 2009, figure 4.1): shoulders over hips; hip to ankle; and the
#: nose over the shoulders (0.93 less 0.818).
TRUNK: Final = 0.288
LEG: Final = 0.491
NECK: Final = 0.112
#: A standing figure covers its height, a quarter of that in width, three quarters of that box: as
#: `mix.displacement.REFERENCE_AREA` has it. Of its height's square:
FILLED: Final = 0.25 * 0.75


def legs_of(keypoints: FloatArray) -> tuple[FloatArray, float]:
    """Both legs (2, 5, D) of a person's keypoints (33, D), and how long the longer one is from hip
    to heel, along the joints: seen from the side or in front, a measure of how large they are."""
    legs = keypoints[[*LEFT_LEG, *RIGHT_LEG]].reshape(2, 5, -1)
    bones = np.linalg.norm(np.diff(legs[:, :4], axis=1), axis=2)
    return legs, float(bones.sum(axis=1).max())
