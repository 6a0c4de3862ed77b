"""Which leg is which, from frame to frame.

The pose network now and then takes the left leg for the right one, the network of legs alone has no
names for them at all; a leg that goes on as it went tells. Where legs cross they lie on each other
for some frames, so several readings are kept until what comes after settles it: multiple hypothesis
tracking (Reid 1979), each leg followed by Kalman filters of constant velocity.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from otio_foley.analysis.skeleton import LEFT_LEG, RIGHT_LEG, SHOULDERS
from otio_foley.types import FloatArray

#: Readings kept from frame to frame.
_KEPT: Final = 64

#: How much a joint's velocity changes (leg lengths per s^2), how exact a joint is (leg lengths),
#: and how fast it may be when it is first seen (leg lengths per s). Half and twice as much told the
#: legs of a real walker apart alike.
_ACCELERATION: Final = 20.0
_NOISE: Final = 0.035
_SPEED: Final = 2.0

#: Errors have heavy tails: Student's t of so many degrees of freedom.
_FREEDOM: Final = 3.0

#: What a frame costs (nats) in which legs of somebody whole are not as the network named them. It
#: is right more often than not, and where legs cross as good as any guess.
_RENAMED: Final = 4.0


def misnamed(points: FloatArray, confidence: FloatArray, times_s: FloatArray) -> NDArray[np.bool_]:
    """Frames (T,) in which a person's left leg is named right and the right one left.

    points (T, 33, 2) in leg lengths, confidence (T, 33), times_s (T,) rising. Where nothing of the
    body was seen but the legs, as with legs alone, names tell nothing and motion decides.
    """
    legs = np.stack([points[:, LEFT_LEG], points[:, RIGHT_LEG]], axis=1)  # (T, 2, 5, 2)
    options = np.stack([legs, legs[:, ::-1]], axis=1)  # (T, choice, leg, joint, xy)
    price = np.where(confidence[:, SHOULDERS].any(axis=1), _RENAMED, 0.0)
    place, velocity = options[0], np.zeros_like(options[0])
    cost = np.array([0.0, price[0]])
    # How unsure a joint's place and velocity are does not depend on what is seen: one for all.
    unsure = np.diag([_NOISE**2, _SPEED**2])
    came_from, chosen = [np.arange(2)], [np.arange(2)]
    for now in range(1, len(points)):
        step_s = times_s[now] - times_s[now - 1]
        unsure = _moved(unsure, step_s)
        spread = unsure[0, 0] + _NOISE**2
        gain = unsure[:, 0] / spread
        unsure = unsure - np.outer(gain, unsure[0])
        expected = place + step_s * velocity
        off = options[now] - expected[:, None]  # (kept, choice, leg, joint, xy)
        unlikely = np.log1p((off**2).sum(axis=4) / (spread * _FREEDOM)).sum(axis=(2, 3))
        every = cost[:, None] + 0.5 * (_FREEDOM + 2.0) * unlikely + [0.0, price[now]]
        best = np.argsort(every, axis=None, kind="stable")[:_KEPT]
        before, choice = np.divmod(best, 2)
        came_from.append(before)
        chosen.append(choice)
        cost = every[before, choice]
        place = expected[before] + gain[0] * off[before, choice]
        velocity = velocity[before] + gain[1] * off[before, choice]
    return _traced(came_from, chosen)


def _moved(unsure: FloatArray, step_s: float) -> FloatArray:
    """Covariance (2, 2) of place and velocity after a time in which the acceleration is unknown."""
    move = np.array([[1.0, step_s], [0.0, 1.0]])
    push = _ACCELERATION * np.array([step_s**2 / 2.0, step_s])
    return np.asarray(move @ unsure @ move.T + np.outer(push, push))


def _traced(came_from: list[NDArray[np.intp]], chosen: list[NDArray[np.intp]]) -> NDArray[np.bool_]:
    """The choices of the reading that is best in the end, which is the first of the last frame."""
    swapped = np.zeros(len(chosen), dtype=np.bool_)
    reading = 0
    for now in range(len(chosen) - 1, -1, -1):
        swapped[now] = bool(chosen[now][reading])
        reading = int(came_from[now][reading])
    return swapped
