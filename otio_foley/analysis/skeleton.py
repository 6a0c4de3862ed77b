"""The joints of a person, numbered as in BlazePose (Bazarevsky et al. 2020, figure 3)."""

from __future__ import annotations

from typing import Final

from otio_foley.types import Foot

JOINT_COUNT: Final = 33
NOSE: Final = 0
HIPS: Final = (23, 24)
SHOULDERS: Final = (11, 12)

#: hip, knee, ankle, heel, toe (the tip of the foot, `foot_index`)
LEFT_LEG: Final = (23, 25, 27, 29, 31)
RIGHT_LEG: Final = (24, 26, 28, 30, 32)
LEG_OF: Final[dict[Foot, tuple[int, int, int, int, int]]] = {
    "left": LEFT_LEG,
    "right": RIGHT_LEG,
}
