"""Pictures that only repeat the one before: film of 16 or 18 pictures a second on a video of 24 or
25, animation on twos, 24 shown as 30 or 60.

A foot seems to stand in them, which it does not; without them the rest is what was shot.
"""

from __future__ import annotations

from collections import deque

import cv2
import numpy as np
from numpy.typing import NDArray

#: Where nothing moves pictures repeat, too; one is looked at after so long at the latest, twelve a
#: second: with fewer, a person who is missed in one would be lost. So none is passed over of video
#: of 15 a second.
_LONGEST_S = 0.09

#: A repetition changes by what coding leaves: no pixel of the small picture by more (of 255) than
#: this, or than this share of what the last pictures that were new did, up to so much: beside a
#: lamp that blinks (by 170) somebody in the haze moves, too. Of a real walker some pixel changes
#: by 90, of somebody small in the haze by 5; of repetitions by nothing in ProRes and its like, by 1
#: to 10 in most of H.264, MPEG-2 and MPEG-4 (by 26 in the coarsest of it: that is not told). Where
#: timecode runs in the picture, nothing repeats.
_CODED = 2.0
_CODED_SHARE = 0.2
_MOST_CODED = 12.0
_LAST_NEW = 8


class Repeats:
    """Takes pictures one by one and says which of them only repeat."""

    def __init__(self) -> None:
        self._last: NDArray[np.uint8] | None = None
        self._last_s = self._before_s = -np.inf
        self._changes: deque[float] = deque(maxlen=_LAST_NEW)

    def repeats(self, time_s: float, grey: NDArray[np.uint8]) -> bool:
        """Whether a picture (h, w) uint8, so small that grain is evened out, only repeats the last
        one that did not."""
        next_s = time_s + (time_s - self._before_s)
        self._before_s = time_s
        if self._last is not None and self._last.shape == grey.shape:
            change = float(cv2.absdiff(self._last, grey).max())
            # At first repetitions count as new pictures.
            usual = float(np.quantile(self._changes, 0.75)) if self._changes else 0.0
            alike = change <= max(_CODED, min(_MOST_CODED, _CODED_SHARE * usual))
            if alike and next_s - self._last_s < _LONGEST_S:
                return True
            self._changes.append(change)
        self._last, self._last_s = grey, time_s
        return False
