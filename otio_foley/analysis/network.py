"""The contact network: bidirectional LSTMs from features to contacts, toe-offs and stance.

The method's visual encoder is a bidirectional LSTM, too; this one reads keypoints instead of
pictures. `otio_foley.train.steps.learn` trains it; `models/contacts.md` is its card.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit, softmax
from torch import Tensor, nn

from otio_foley.analysis.features import LEGS, Columns
from otio_foley.resources import bundled
from otio_foley.types import FloatArray, Gait
from otio_foley.weights import with_weights

#: The weights that ship, among the bundled models.
WEIGHTS: Final = "contacts.safetensors"
#: What they were made from, beside them.
CARD: Final = "contacts.json"

#: So many learned apart and are asked together.
MEMBERS: Final = 3

_HIDDEN: Final = 128
_WIDE: Final = 5

#: Samples that are read at a time, and those beside them that it takes to know what they are.
_AT_ONCE: Final = 3600
_BESIDE: Final = 240

GAITS: Final[tuple[Gait, ...]] = get_args(Gait)

#: What comes out at each time: chances of a contact, a toe-off and of standing (logits), how much
#: later (s, in units of OFFSET_S) the contact is, and what is being done (logits, as `GAITS`).
EVENTS: Final = 4
OUTPUTS: Final = EVENTS + len(GAITS)
OFFSET_S: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """One foot, sample by sample (N,): chances 0..1, seconds until the nearest contact, and the
    chances (N, len(GAITS)) of what is being done."""

    contact: FloatArray
    toe_off: FloatArray
    stance: FloatArray
    until_s: FloatArray
    gaits: FloatArray


class Member(nn.Module):
    """Scaled features (B, N, F) -> (B, N, OUTPUTS)."""

    def __init__(self, columns: Columns = LEGS, hidden: int = _HIDDEN) -> None:
        super().__init__()
        self.front = nn.Conv1d(columns.count, hidden, _WIDE, padding=_WIDE // 2)
        self.lstm = nn.LSTM(hidden, hidden, num_layers=2, batch_first=True, bidirectional=True)
        self.head = nn.Linear(2 * hidden, OUTPUTS)

    def forward(self, scaled: Tensor) -> Tensor:
        seen = torch.relu(self.front(scaled.transpose(1, 2))).transpose(1, 2)
        return self.head(self.lstm(seen)[0])  # type: ignore[no-any-return]


class ContactNetwork(nn.Module):
    """(B, N, F) -> (B, N, OUTPUTS): the mean of what members say that learned from the same,
    each from another beginning (Lakshminarayanan et al. 2017, deep ensembles)."""

    mean: Tensor
    scale: Tensor

    def __init__(self, *members: nn.Module, columns: Columns = LEGS) -> None:
        super().__init__()
        self.columns = columns
        self.register_buffer("mean", torch.zeros(columns.count))
        self.register_buffer("scale", torch.ones(columns.count))
        self.members = nn.ModuleList(members)

    def forward(self, features: Tensor) -> Tensor:
        scaled = (features - self.mean) / self.scale
        return torch.stack([member(scaled) for member in self.members]).mean(dim=0)

    def read(self, features: NDArray[np.float32]) -> tuple[Readings, ...]:
        """Readings of each row of features (B, N, F): the mean of what it says of them and
        of their mirror image. Memory grows with N only by what is given and what comes back.
        """
        self.eval()
        count = features.shape[1]
        out = np.empty((*features.shape[:2], OUTPUTS))
        with torch.inference_mode():
            for first in range(0, count, _AT_ONCE):
                start = max(0, first - _BESIDE)
                part = features[:, start : first + _AT_ONCE + _BESIDE]
                mirrored = part.copy()
                mirrored[..., self.columns.across] *= -1.0
                both = self(torch.from_numpy(np.concatenate([part, mirrored]))).double().numpy()
                told = (both[: len(part)] + both[len(part) :]) / 2.0
                until = min(first + _AT_ONCE, count)
                out[:, first:until] = told[:, first - start : until - start]
        chances, gaits = expit(out[..., :3]), softmax(out[..., EVENTS:], axis=2)
        return tuple(
            Readings(
                contact=chances[row, :, 0],
                toe_off=chances[row, :, 1],
                stance=chances[row, :, 2],
                until_s=out[row, :, 3] * OFFSET_S,
                gaits=gaits[row],
            )
            for row in range(len(features))
        )


def load_network(path: Path, members: int = MEMBERS, columns: Columns = LEGS) -> ContactNetwork:
    """A network of so many members with the weights of a safetensors file."""
    every = [Member(columns) for _ in range(members)]
    return with_weights(ContactNetwork(*every, columns=columns), path)


@cache
def bundled_network() -> ContactNetwork:
    """The network that ships; one for all, so not to be trained."""
    return load_network(bundled("models") / WEIGHTS)
