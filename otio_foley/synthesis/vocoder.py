"""From a log-mel to sound: a small network after Vocos (Siuzdak 2023), or Griffin-Lim.

ConvNeXt blocks at the mel's own rate, then one inverse Fourier transform: no upsampling, so that it
is cheap and no seam is anywhere. `otio_foley.train.generator.vocoder` trains it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from otio_foley.resources import bundled
from otio_foley.synthesis.spectra import SPEC, Mel, StftSpec
from otio_foley.types import SampleArray
from otio_foley.weights import with_weights

#: Sound ((T - 1) x hop,) of a log-mel (T, mels).
Vocoder: TypeAlias = Callable[[Mel], SampleArray]

WEIGHTS: Final = "vocoder.safetensors"

_WIDTH, _BLOCKS, _REACH = 160, 6, 7
#: Frames that are made at a time, and those beside them that their sound depends on.
_AT_ONCE = 2400
_BESIDE: Final = (_BLOCKS + 1) * (_REACH // 2) + 4
#: Logarithm of the largest magnitude that may come out.
_LOUDEST = 6.0


class VocoderNetwork(nn.Module):
    """Log-mel (B, T, mels) -> samples (B, (T - 1) x hop)."""

    window: Tensor

    def __init__(self, spec: StftSpec = SPEC) -> None:
        super().__init__()
        self.spec = spec
        self.register_buffer("window", torch.hann_window(spec.window), persistent=False)
        self.front = nn.Conv1d(spec.mels, _WIDTH, _REACH, padding=_REACH // 2)
        self.blocks = nn.ModuleList(_Block(_WIDTH) for _ in range(_BLOCKS))
        self.norm = nn.LayerNorm(_WIDTH)
        self.head = nn.Linear(_WIDTH, 2 * spec.bins)

    def forward(self, mel: Tensor) -> Tensor:
        hidden = self.front(mel.transpose(1, 2)).transpose(1, 2)
        for block in self.blocks:
            hidden = block(hidden)
        size, phase = self.head(self.norm(hidden)).chunk(2, dim=2)
        size = torch.exp(size.clamp(max=_LOUDEST))
        spectrum = torch.complex(size * torch.cos(phase), size * torch.sin(phase))
        return torch.istft(
            spectrum.transpose(1, 2),
            self.spec.window,
            self.spec.hop,
            window=self.window,
            center=True,
            length=(mel.shape[1] - 1) * self.spec.hop,
        )

    def sound(self, mel: Mel) -> SampleArray:
        """Samples of a log-mel of any length, made in parts that meet without a seam."""
        self.eval()
        count, hop = len(mel), self.spec.hop
        samples = np.zeros(max(0, count - 1) * hop, dtype=np.float32)
        with torch.inference_mode():
            for first in range(0, count - 1, _AT_ONCE):
                end = min(first + _AT_ONCE, count - 1)
                start, stop = max(0, first - _BESIDE), min(count, end + _BESIDE)
                made = self(torch.from_numpy(mel[None, start:stop]))[0].numpy()
                own = slice((first - start) * hop, (end - start) * hop)
                samples[first * hop : end * hop] = made[own]
        return samples


class _Block(nn.Module):
    """ConvNeXt in one dimension (Liu et al. 2022): (B, T, width) -> the same."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.across = nn.Conv1d(width, width, _REACH, padding=_REACH // 2, groups=width)
        self.norm = nn.LayerNorm(width)
        self.mix = nn.Sequential(
            nn.Linear(width, 3 * width), nn.GELU(), nn.Linear(3 * width, width)
        )
        self.scale = nn.Parameter(torch.full((width,), 1.0 / _BLOCKS))

    def forward(self, hidden: Tensor) -> Tensor:
        across = self.across(hidden.transpose(1, 2)).transpose(1, 2)
        return hidden + self.scale * self.mix(self.norm(across))  # type: ignore[no-any-return]


def load_vocoder(path: Path) -> VocoderNetwork:
    """A vocoder with the weights of a safetensors file."""
    return with_weights(VocoderNetwork(), path)


@cache
def bundled_vocoder() -> VocoderNetwork:
    """The vocoder that ships; one for all, so not to be trained."""
    return load_vocoder(bundled("models") / WEIGHTS)
