"""The contact network: a bidirectional LSTM from leg features to contacts, toe-offs and stance.

The method's visual encoder is a bidirectional LSTM, too; this one reads keypoints instead of
pictures. `otio_foley.train.steps.learn` trains it. No job uses it yet: it has to be shown to be
better than the rules (`kinematics`) first.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn

from otio_foley.analysis.features import FEATURES
from otio_foley.resources import bundled
from otio_foley.types import FloatArray

#: The weights that ship, among the bundled models.
WEIGHTS: Final = "contacts.safetensors"

_HIDDEN: Final = 128
_WIDE: Final = 5

#: What comes out at each time: chances of a contact, a toe-off and of standing (logits), and how
#: much later (s, in units of OFFSET_S) the contact is.
OUTPUTS: Final = 4
OFFSET_S: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """One foot, sample by sample (N,): chances 0..1, and seconds until the nearest contact."""

    contact: FloatArray
    toe_off: FloatArray
    stance: FloatArray
    until_s: FloatArray


class ContactNetwork(nn.Module):
    """(B, N, FEATURES) -> (B, N, OUTPUTS)."""

    mean: Tensor
    scale: Tensor

    def __init__(self, hidden: int = _HIDDEN) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(FEATURES))
        self.register_buffer("scale", torch.ones(FEATURES))
        self.front = nn.Conv1d(FEATURES, hidden, _WIDE, padding=_WIDE // 2)
        self.lstm = nn.LSTM(hidden, hidden, num_layers=2, batch_first=True, bidirectional=True)
        self.head = nn.Linear(2 * hidden, OUTPUTS)

    def forward(self, features: Tensor) -> Tensor:
        scaled = (features - self.mean) / self.scale
        seen = torch.relu(self.front(scaled.transpose(1, 2))).transpose(1, 2)
        return self.head(self.lstm(seen)[0])  # type: ignore[no-any-return]

    def read(self, features: NDArray[np.float32]) -> tuple[Readings, ...]:
        """Readings of each row of features (B, N, FEATURES)."""
        self.eval()
        with torch.inference_mode():
            out = self(torch.from_numpy(np.ascontiguousarray(features)))
        chances = torch.sigmoid(out[..., :3]).double().numpy()
        until = out[..., 3].double().numpy() * OFFSET_S
        return tuple(
            Readings(contact=one[:, 0], toe_off=one[:, 1], stance=one[:, 2], until_s=late)
            for one, late in zip(chances, until, strict=True)
        )


def load_network(path: Path) -> ContactNetwork:
    """A network with the weights of a safetensors file."""
    network = ContactNetwork()
    network.load_state_dict(load_file(path))
    return network


@cache
def bundled_network() -> ContactNetwork:
    """The network that ships; one for all, so not to be trained."""
    return load_network(bundled("models") / WEIGHTS)
