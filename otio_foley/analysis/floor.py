"""What somebody walks on, from the picture under their feet: EfficientNet (Tan and Le 2019).

Patches (`underfoot`) are looked at some times a second, each on its own; over a shot they vote, and
a floor changes only where many of them say so (`floors_over_time`). `otio_foley.train.floor`
trains the network; `models/floor.md` is its card.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import log_softmax, softmax
from torch import Tensor, nn

from otio_foley.analysis.underfoot import PATCH_PX
from otio_foley.resources import bundled
from otio_foley.types import OTHER_FLOOR, FloatArray, FloorSpan
from otio_foley.weights import with_weights

if TYPE_CHECKING:
    from otio_foley.analysis.notes import Glance

#: The weights that ship, among the bundled models, and what they were made from.
WEIGHTS: Final = "floor.safetensors"
CARD: Final = "floor.json"

#: The last is what none of the others is: cork, rubber, matting, rocks.
FLOORS: Final = (
    *("asphalt", "carpet", "concrete", "dirt", "grass", "gravel", "leaves", "marble"),
    *("metal", "sand", "snow", "tile", "water", "wood", OTHER_FLOOR),
)

#: Levels of sRGB that the network takes for 0, and for 1 above it.
_MIDDLE, _SPREAD = 127.0, 128.0
_FEATURES = 1280
_AT_ONCE = 32

#: Glances see nearly the same picture: so many of them count as one that is on its own.
_ALIKE = 4.0
#: How unlikely it is that somebody steps onto another floor between two glances.
_CHANGE = 0.002
#: A floor under somebody for less than this is a shadow, or something in front.
_SHORTEST_S = 0.8
#: The chance from which one glance after a landing tells the floor.
_SURE_ALONE = 0.5


class FloorNetwork(nn.Module):
    """Patches (B, 3, H, W), normalised, -> logits (B, len(FLOORS)), of any size of 64 px or more.

    EfficientNet-Lite0: B0 without squeeze and excitation and with ReLU6, which a laptop's processor
    is quick at. `temperature` divides the logits of a shot: what makes the chances as good as they
    say.
    """

    temperature: Tensor

    def __init__(self) -> None:
        # A second and a half to import, and needed for floors alone.
        from transformers import EfficientNetConfig, EfficientNetModel

        super().__init__()
        config: Any = EfficientNetConfig(
            image_size=PATCH_PX,
            width_coefficient=1.0,
            depth_coefficient=1.0,
            hidden_dim=_FEATURES,
            hidden_act="relu6",
            drop_connect_rate=0.0,
        )
        self.register_buffer("temperature", torch.ones(()))
        body: Any = EfficientNetModel(config)
        for block in body.encoder.blocks:
            block.squeeze_excite = nn.Identity()
        # Channels last: a fifth faster where there is no GPU.
        self.body: nn.Module = body.to(memory_format=torch.channels_last)
        self.drop = nn.Dropout(0.2)
        self.head = nn.Linear(_FEATURES, len(FLOORS))

    def forward(self, patches: Tensor) -> Tensor:
        seen = self.body(patches.contiguous(memory_format=torch.channels_last)).pooler_output
        return self.head(self.drop(seen))  # type: ignore[no-any-return]

    def read(self, patches: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Logits (N, len(FLOORS)) of patches (N, H, W, 3) uint8 RGB."""
        self.eval()
        out = np.zeros((len(patches), len(FLOORS)), dtype=np.float32)
        with torch.inference_mode():
            for first in range(0, len(patches), _AT_ONCE):
                own = normalised(patches[first : first + _AT_ONCE])
                out[first : first + len(own)] = self(own).numpy()
        return out


def normalised(patches: NDArray[np.uint8]) -> Tensor:
    """(N, H, W, 3) sRGB levels as the network takes them, (N, 3, H, W)."""
    levels = torch.from_numpy(np.ascontiguousarray(patches)).permute(0, 3, 1, 2)
    return (levels.float() - _MIDDLE) / _SPREAD


def load_network(path: Path) -> FloorNetwork:
    """A network with the weights of a safetensors file."""
    return with_weights(FloorNetwork(), path)


@cache
def bundled_network() -> FloorNetwork:
    """The network that ships; one for all, so not to be trained."""
    return load_network(bundled("models") / WEIGHTS)


def vote(logits: NDArray[np.float32], temperature: float) -> FloatArray:
    """Chances (len(FLOORS),) of what patches of one floor, logits (N, len(FLOORS)), show."""
    return np.asarray(softmax(logits.mean(axis=0).astype(np.float64) / temperature))


def floors_over_time(
    times_s: FloatArray, logits: NDArray[np.float32], temperature: float
) -> tuple[FloorSpan, ...]:
    """Floors of one person from glances at times_s (T,), rising, with logits (T, len(FLOORS)).

    The likeliest sequence of floors (Viterbi) where changes are rare; each stretch then votes for
    itself, spans meet half-way, and stretches too short for anybody to have stepped there belong
    to what lies before them, the first to what follows. No glance gives no span.
    """
    if not len(times_s):
        return ()
    said = log_softmax(logits.astype(np.float64) / temperature, axis=1) / _ALIKE
    path = _without_short(_likeliest(said), times_s)
    edges = [0, *_changes(path), len(path)]
    return tuple(
        _span(times_s, first, end, vote(logits[first:end], temperature))
        for first, end in pairwise(edges)
    )


def _without_short(path: NDArray[np.intp], times_s: FloatArray) -> NDArray[np.intp]:
    kept = path.copy()
    for first, end in pairwise([0, *_changes(path), len(path)]):
        lasts_s = times_s[min(end, len(path) - 1)] - times_s[first]
        if lasts_s < _SHORTEST_S:
            kept[first:end] = kept[first - 1] if first else path[min(end, len(path) - 1)]
    return kept


def _changes(path: NDArray[np.intp]) -> list[int]:
    """Where another floor begins."""
    return [int(at) + 1 for at in np.flatnonzero(np.diff(path))]


def _likeliest(said: FloatArray) -> NDArray[np.intp]:
    """The path (T,) through log chances (T, K) of which the sum, less what changes cost, is the
    greatest."""
    count, kinds = said.shape
    change = np.log(_CHANGE / (kinds - 1))
    best = said[0].copy()
    came_from = np.zeros((count, kinds), dtype=np.intp)
    for at in range(1, count):
        leaving = int(best.argmax())
        stays = best >= best[leaving] + change
        came_from[at] = np.where(stays, np.arange(kinds), leaving)
        best = np.where(stays, best, best[leaving] + change) + said[at]
    path = np.zeros(count, dtype=np.intp)
    path[-1] = int(best.argmax())
    for at in range(count - 1, 0, -1):
        path[at - 1] = came_from[at, path[at]]
    return path


def _span(times_s: FloatArray, first: int, end: int, chances: FloatArray) -> FloorSpan:
    order = np.argsort(-chances)
    named = tuple((FLOORS[n], round(float(chances[n]), 3)) for n in order[:3])
    last = len(times_s) - 1
    return FloorSpan(
        start_s=float((times_s[first] + times_s[max(first - 1, 0)]) / 2),
        end_s=float((times_s[min(end, last)] + times_s[end - 1]) / 2),
        floor=named[0][0],
        chance=named[0][1],
        runners_up=named[1:],
    )


def seen_floors(
    glances: Sequence[Glance], network: FloorNetwork, landings_s: Sequence[float] = ()
) -> tuple[FloorSpan, ...]:
    """Floors of one person from all glances at the ground under them.

    Who landed from a height at landings_s, rising, may stand on something else from then on: what
    is seen from there to the next landing votes for itself. One glance alone has to be sure.
    """
    if not glances:
        return ()
    logits = network.read(np.concatenate([glance.patches for glance in glances]))
    ends = np.cumsum([len(glance.patches) for glance in glances])
    means = np.stack([part.mean(axis=0) for part in np.split(logits, ends[:-1])])
    times_s = np.array([glance.time_s for glance in glances])
    found: list[FloorSpan] = []
    parts = np.split(np.arange(len(times_s)), np.searchsorted(times_s, landings_s))
    for part, from_s in zip(parts, (None, *landings_s), strict=True):
        spans = list(floors_over_time(times_s[part], means[part], float(network.temperature)))
        if not spans or (found and len(part) == 1 and spans[0].chance < _SURE_ALONE):
            continue
        if found and spans[0].floor == found[-1].floor:
            found[-1] = replace(found[-1], end_s=spans.pop(0).end_s)
        elif found and from_s is not None:
            found[-1] = replace(found[-1], end_s=from_s)
            spans[0] = replace(spans[0], start_s=from_s)
        found += spans
    return tuple(found)
