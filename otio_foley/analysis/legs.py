"""Legs without a body: an insert of walking feet, seen by a network of their own.

BlazePose finds people by their faces and trunks, and its pose network knows no leg that hangs from
nothing. This one has BlazePose's first layers (Bazarevsky et al. 2020; mediapipe's "full" model)
and learned from pictures of legs alone (`train/legs`): the joints of both legs, from the hips,
wherever these are, to the toes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from otio_foley.analysis.flow import Motion
from otio_foley.analysis.pose import Crop, Person, back, colour_at, cut
from otio_foley.analysis.skeleton import (
    FILLED,
    HIPS,
    JOINT_COUNT,
    LEFT_LEG,
    LEG,
    NECK,
    RIGHT_LEG,
    SHOULDERS,
    TRUNK,
    legs_of,
)
from otio_foley.resources import bundled
from otio_foley.types import FloatArray
from otio_foley.weights import with_weights

#: The bundled weights in `models/`.
WEIGHTS = "legs.safetensors"

#: Side of what the network looks at.
LEGS_PX = 256
#: hip, knee, ankle, heel, toe, left and right in turn: BlazePose's last ten keypoints.
LEG_JOINTS = tuple(range(23, 33))

#: The network's field, and the unit of how far a cell points.
_CELLS, _WAY_PX = 16, 64.0

#: Side of the square about a pair of legs, over the box about what of them is in the picture; and
#: the least that it is, over a leg's length: where only feet are, they may stand on one spot.
_MARGIN, _LEAST = 1.35, 0.35

#: Feet may be there from this chance on, and are worth another look nearer by; to be found and
#: followed they have to be surer: real ones are at 0.95 and above but where something hides them, a
#: wall that somebody has just left is at 0.3 to 0.9.
_LEAST_CHANCE = 0.3
SURE_FEET = 0.8
#: What is taken for legs and moves over the background less than this (leg lengths a second) is
#: none, or stands. The network sees legs in every fourth square of real lawns, houses and shelves;
#: half a second's mean came up to 0.26 there, before a camera that pans, zooms or shakes, too; of
#: legs that walk it was 0.4 to 2.7, in the middle.
STIRRING = 0.25
#: In one picture no more (leg lengths a second) counts, and legs that were not followed yet stir
#: if they did for so long.
MOST_STIR = 1.0
_STIRRED_S = 0.3
#: One picture says no more than this share of that, however long after the last: of film with
#: twelve a second a single wrong flow is no step.
_MOST_OF_ONE = 0.6
#: Joints less sure than this say nothing of that.
_SEEN = 0.4


def see_legs(rgb: NDArray[np.uint8], place: Crop) -> Person | None:
    """The legs at a place in a picture (H, W, 3) uint8 RGB, or None if there are no feet.

    The rest of the person is where it would be if they stood upright, and not seen at all.
    """
    cropped, to_crop = cut(rgb, place, LEGS_PX)
    # Rows of pixels, as torch's "channels last": the convolutions take two thirds of the time.
    levels = torch.from_numpy(cropped)[None].permute(0, 3, 1, 2).float() / 255.0
    with torch.inference_mode():
        places, seen, there = bundled_legs()(levels)
    chance = float(torch.sigmoid(there))
    if chance < _LEAST_CHANCE:
        return None
    keypoints = _whole(back(places[0].double().numpy(), to_crop))
    confidence = np.zeros(JOINT_COUNT)
    confidence[list(LEG_JOINTS)] = torch.sigmoid(seen[0]).numpy()
    _, leg_px = legs_of(keypoints)
    return Person(
        keypoints_px=keypoints,
        confidence=confidence,
        silhouette_px2=FILLED * (leg_px / LEG) ** 2,
        colour=_shanks(rgb, keypoints),
        place=legs_place(keypoints, (rgb.shape[1], rgb.shape[0])),
        certainty=chance,
        legs_alone=True,
    )


def legs_place(keypoints_px: FloatArray, size_px: tuple[int, int]) -> Crop:
    """Where to look for legs with keypoints (33, 2) in a picture of such a width and height: a
    square about them from the knees down, as far as they are in it."""
    legs, leg_px = legs_of(keypoints_px)
    shown = np.clip(legs[:, 1:].reshape(-1, 2), 0.0, np.array(size_px, dtype=np.float64))
    low, high = shown.min(axis=0), shown.max(axis=0)
    x, y = (low + high) / 2.0
    side = max(_MARGIN * float((high - low).max()), _LEAST * leg_px)
    return Crop(centre_x_px=float(x), centre_y_px=float(y), side_px=side)


def stirs(legs: Person, motions: Sequence[Motion]) -> FloatArray:
    """How fast what shows at the joints of legs, from the knees down, moved over the background in
    the pictures that lead up to theirs (T,), the liveliest joint that is seen, in leg lengths a
    second. What shows at a joint is followed back along the flow."""
    _, leg_px = legs_of(legs.keypoints_px)
    joints = list(LEG_JOINTS[2:])
    points = legs.keypoints_px[joints][legs.confidence[joints] >= _SEEN]
    if motions:
        size_px = motions[-1].scale * np.array(motions[-1].flow.shape[1::-1])
        points = points[((points >= 0.0) & (points < size_px)).all(axis=1)]
    speeds = []
    for motion in reversed(motions):
        points, moved_px = motion.back(points)
        fastest_px = np.linalg.norm(moved_px, axis=1).max(initial=0.0)
        speeds.append(min(MOST_STIR, fastest_px / leg_px / motion.elapsed_s))
    return np.array(speeds[::-1])


def have_stirred(speeds: FloatArray | Sequence[float], elapsed_s: Sequence[float]) -> bool:
    """Whether legs that went so fast over the background (T,), in leg lengths a second, in pictures
    so long after one another (T,), stirred for any `_STIRRED_S` of that: film that repeats its
    pictures stands still in half of them."""
    if not len(speeds):
        return False
    times_s = np.r_[0.0, np.cumsum(elapsed_s)]
    most = _MOST_OF_ONE * STIRRING * _STIRRED_S
    way = np.r_[0.0, np.cumsum(np.minimum(most, np.multiply(speeds, elapsed_s)))]
    span_s = min(_STIRRED_S, times_s[-1])
    ends_s = times_s[times_s >= span_s - 1e-6]
    ways = np.interp(ends_s, times_s, way) - np.interp(ends_s - span_s, times_s, way)
    return bool(ways.max() >= STIRRING * span_s)


def _whole(joints_px: FloatArray) -> FloatArray:
    """Keypoints (33, 2) of somebody upright from the joints of their legs (10, 2)."""
    keypoints = np.zeros((JOINT_COUNT, 2))
    keypoints[list(LEG_JOINTS)] = joints_px
    _, leg_px = legs_of(keypoints)
    up = np.array([0.0, -leg_px])
    keypoints[SHOULDERS[0] : HIPS[0]] = keypoints[list(HIPS)].mean(axis=0) + TRUNK / LEG * up
    keypoints[: SHOULDERS[0]] = keypoints[SHOULDERS[0]] + NECK / LEG * up
    return keypoints


def _shanks(rgb: NDArray[np.uint8], keypoints_px: FloatArray) -> FloatArray:
    """The middle colour of the shanks, CIE L*a*b*, twice (6,): for trunk and thighs."""
    knees, ankles = (keypoints_px[[LEFT_LEG[part], RIGHT_LEG[part]]] for part in (1, 2))
    down = np.linspace(0.1, 0.9, 9)[None, :, None]
    shanks = knees[:, None] + down * (ankles - knees)[:, None]
    return np.tile(colour_at(rgb, shanks), 2)


class _Inverted(nn.Module):
    """An inverted residual (Sandler et al. 2018): widened, looked at, narrowed."""

    def __init__(self, before: int, wide: int, after: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.adds = stride == 1 and before == after
        self.widen = nn.Conv2d(before, wide, 1)
        self.look = nn.Conv2d(wide, wide, kernel, stride, kernel // 2, groups=wide)
        self.narrow = nn.Conv2d(wide, after, 1)

    def forward(self, seen: Tensor) -> Tensor:
        wide = functional.relu6(self.look(functional.relu6(self.widen(seen))))
        narrow: Tensor = self.narrow(wide)
        return narrow + seen if self.adds else narrow


class LegsNetwork(nn.Module):
    """Pictures (B, 3, LEGS_PX, LEGS_PX), RGB 0..1 -> where the joints of a pair of legs are
    (B, 10, 2) in pixels, logits that each is seen (B, 10), and that there are feet at all (B,).

    Every cell of a field of 16 x 16 says how far from it each joint lies, in the picture or not,
    and how much it is to be asked (A2J: Xiong et al. 2019). Which of the legs is called left is a
    guess.
    """

    cells: Tensor

    def __init__(self) -> None:
        super().__init__()
        relu6 = nn.ReLU6()
        # BlazePose's, down to (B, 88, 16, 16), (B, 88, 16, 16) and (B, 144, 8, 8).
        self.eye = nn.Sequential(
            *(nn.Conv2d(3, 24, 3, 2, 1), relu6),
            *(nn.Conv2d(24, 24, 3, 1, 1, groups=24), relu6, nn.Conv2d(24, 16, 1)),
            _Inverted(16, 64, 24, 3, 2),
            _Inverted(24, 144, 24, 3),
            _Inverted(24, 144, 32, 5, 2),
            _Inverted(32, 192, 32, 5),
            _Inverted(32, 192, 64, 3, 2),
            _Inverted(64, 384, 64, 3),
            _Inverted(64, 384, 64, 3),
            _Inverted(64, 384, 88, 5),
        )
        self.near = nn.Sequential(*(_Inverted(88, 528, 88, 5) for _ in range(2)))
        self.far = nn.Sequential(
            _Inverted(88, 528, 144, 5, 2), *(_Inverted(144, 864, 144, 5) for _ in range(3))
        )
        # Ours.
        self.both = nn.ModuleList((nn.Conv2d(88, 128, 1), nn.Conv2d(144, 128, 1)))
        self.mind = nn.Sequential(
            *(nn.ReLU(), nn.Conv2d(128, 128, 5, padding=2, groups=128)),
            *(nn.ReLU(), nn.Conv2d(128, 160, 1)),
            *(nn.ReLU(), nn.Conv2d(160, 160, 5, padding=2, groups=160)),
            *(nn.ReLU(), nn.Conv2d(160, 192, 1), nn.ReLU()),
        )
        count = len(LEG_JOINTS)
        self.ways = nn.Conv2d(192, 2 * count, 1)
        self.asked = nn.Conv2d(192, count, 1)
        self.seen = nn.Conv2d(192, count, 1)
        self.there = nn.Linear(192, 1)
        middles = (torch.arange(_CELLS) + 0.5) * (LEGS_PX / _CELLS)
        self.register_buffer(
            "cells", torch.stack(torch.meshgrid(middles, middles, indexing="xy")).flatten(1)
        )

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.told(self.eye(pictures))

    def told(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The answers from what the eye sees (B, 88, 16, 16)."""
        near = self.near(features)
        far = self.both[1](self.far(near))
        wide = functional.interpolate(far, size=_CELLS, mode="bilinear", align_corners=False)
        known = self.mind(self.both[0](near) + wide)
        share = self.asked(known).flatten(2).softmax(dim=2)
        ways = self.ways(known).flatten(2).unflatten(1, (len(LEG_JOINTS), 2))
        places = ((_WAY_PX * ways + self.cells) * share[:, :, None]).sum(dim=3)
        seen = (self.seen(known).flatten(2) * share).sum(dim=2)
        return places, seen, self.there(known.amax(dim=(2, 3))).flatten()


def load_legs(path: Path) -> LegsNetwork:
    """A network with the weights of a safetensors file."""
    network = with_weights(LegsNetwork(), path).eval()
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


@cache
def bundled_legs() -> LegsNetwork:
    """The network that ships; one for all, so not to be trained."""
    return load_legs(bundled("models") / WEIGHTS)
