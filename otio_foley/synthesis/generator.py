"""Sound straight from the picture: the method's visual encoder, audio encoder and generator.

Pose, flow and RGB of one person are each projected, joined and read by a bidirectional LSTM; what
it says, with what the audio encoder heard (training alone; silent otherwise) and noise, becomes a
log-mel (`spectra`), a vocoder makes sound of that. `otio_foley.train.generator` trains it against a
discriminator; `models/generator.md` is its card.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from otio_foley.resources import bundled
from otio_foley.synthesis.spectra import SPEC, Mel
from otio_foley.types import Visuals
from otio_foley.weights import with_weights

WEIGHTS: Final = "generator.safetensors"
CARD: Final = "generator.json"

#: Visuals come so many times a second; the mel has `UPSAMPLED` frames for each.
VISUAL_HZ: Final = 60.0
UPSAMPLED: Final = 4
assert SPEC.frames_hz == UPSAMPLED * VISUAL_HZ

#: Features of a pose, and how wide each kind of visual is when they are joined: 256 together.
POSE: Final = 41
_WIDE_RGB, _WIDE_FLOW, _WIDE_POSE = 80, 64, 112
_JOINED = _WIDE_RGB + _WIDE_FLOW + _WIDE_POSE
_HIDDEN = 128
#: What the audio encoder may tell (a bottleneck, so that timing has to come from the picture), over
#: how many visuals it is the same, and how much noise there is.
HEARD: Final = 8
_HEARD_OVER = 60
NOISE: Final = 8
#: Visuals read at a time, those beside them that they depend on, and those over which two
#: neighbouring parts are faded into each other.
_AT_ONCE, _BESIDE, _FADED = 1800, 240, 60

#: The kinds of visual, in the order of their flags.
KINDS: Final = ("rgb", "flow", "pose")


class VisualEncoder(nn.Module):
    """What is seen, (B, N, 2 x hidden) at `VISUAL_HZ`.

    pose (B, N, POSE); rgb (B, F, 3, 32, 32) and flow (B, F, 2, 16, 16) at the movie's own frames,
    of which `frame_at` (B, N) says which one (with a fraction) shows at each time; shown (B, 3) is
    1 where a kind of `KINDS` is there, 0 where it is not.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(POSE))
        self.register_buffer("scale", torch.ones(POSE))
        self.rgb = _pictures(3, (24, 48, 64), _WIDE_RGB)
        self.flow = _pictures(2, (24, 48), _WIDE_FLOW)
        self.pose = nn.Conv1d(POSE, _WIDE_POSE, 5, padding=2)
        self.absent = nn.Parameter(torch.zeros(_JOINED))
        self.norm = nn.LayerNorm(_JOINED)
        self.lstm = nn.LSTM(_JOINED, _HIDDEN, num_layers=2, batch_first=True, bidirectional=True)

    def forward(
        self, pose: Tensor, rgb: Tensor, flow: Tensor, frame_at: Tensor, shown: Tensor
    ) -> Tensor:
        placed = (pose - self.mean) / self.scale
        parts = (
            _at(_each(self.rgb, rgb), frame_at),
            _at(_each(self.flow, flow), frame_at),
            self.pose(placed.transpose(1, 2)).transpose(1, 2),
        )
        widths = torch.tensor([part.shape[2] for part in parts])
        there = shown.repeat_interleave(widths, dim=1)[:, None]
        joined = torch.cat(parts, dim=2) * there + self.absent * (1.0 - there)
        return self.lstm(torch.relu(self.norm(joined)))[0]  # type: ignore[no-any-return]


def _pictures(channels: int, widths: tuple[int, ...], out: int) -> nn.Sequential:
    """Halves the picture for each width; what is left keeps its place, for feet are low in it."""
    layers: list[nn.Module] = []
    for width in widths:
        layers += [nn.Conv2d(channels, width, 3, stride=2, padding=1), nn.GroupNorm(8, width)]
        layers.append(nn.ReLU())
        channels = width
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels * 4 * 4, out))


def _each(encoder: nn.Module, pictures: Tensor) -> Tensor:
    """(B, F, ...) -> (B, F, width)."""
    return encoder(pictures.flatten(0, 1)).unflatten(0, pictures.shape[:2])  # type: ignore[no-any-return]


def _at(encoded: Tensor, frame_at: Tensor) -> Tensor:
    """Encodings (B, F, width) on straight lines between frames, (B, N, width)."""
    last = encoded.shape[1] - 1
    first = frame_at.floor().clamp(0, max(last - 1, 0)).long()
    share = (frame_at - first).clamp(0.0, 1.0)[..., None]
    wide = encoded.shape[2]
    before = encoded.gather(1, first[..., None].expand(-1, -1, wide))
    after = encoded.gather(1, (first + 1).clamp(max=last)[..., None].expand(-1, -1, wide))
    return before * (1.0 - share) + after * share


class AudioEncoder(nn.Module):
    """What is heard, told in `HEARD` numbers a second: log-mel (B, N x UPSAMPLED, mels) ->
    (B, N, HEARD)."""

    def __init__(self) -> None:
        super().__init__()
        self.front = nn.Conv1d(SPEC.mels, 64, 2 * UPSAMPLED, stride=UPSAMPLED, padding=2)
        self.lstm = nn.LSTM(64, 32, batch_first=True, bidirectional=True)
        self.head = nn.Linear(64, HEARD)

    def forward(self, mel: Tensor) -> Tensor:
        count = mel.shape[1] // UPSAMPLED
        seen = torch.relu(self.front(mel.transpose(1, 2))).transpose(1, 2)
        told = torch.tanh(self.head(self.lstm(seen)[0])).transpose(1, 2)
        slow = functional.avg_pool1d(told, _HEARD_OVER, ceil_mode=True)
        return slow.repeat_interleave(_HEARD_OVER, dim=2)[:, :, :count].transpose(1, 2)


class MelGenerator(nn.Module):
    """seen (B, N, 2 x hidden), heard (B, N, HEARD), noise (B, N, NOISE) -> log-mel
    (B, N x UPSAMPLED, mels)."""

    def __init__(self) -> None:
        super().__init__()
        given = 2 * _HIDDEN + HEARD + NOISE
        self.layers = nn.Sequential(
            nn.Conv1d(given, 192, 3, padding=1),
            nn.LeakyReLU(0.1),
            nn.ConvTranspose1d(192, 160, 4, stride=2, padding=1),
            nn.LeakyReLU(0.1),
            nn.Conv1d(160, 160, 5, padding=2),
            nn.LeakyReLU(0.1),
            nn.ConvTranspose1d(160, 128, 4, stride=2, padding=1),
            nn.LeakyReLU(0.1),
            nn.Conv1d(128, 128, 5, padding=2),
            nn.LeakyReLU(0.1),
            nn.Conv1d(128, SPEC.mels, 3, padding=1),
        )

    def forward(self, seen: Tensor, heard: Tensor, noise: Tensor) -> Tensor:
        return self.layers(torch.cat([seen, heard, noise], 2).transpose(1, 2)).transpose(1, 2)  # type: ignore[no-any-return]


class Generator(nn.Module):
    """All that makes sound of what is seen, and the audio encoder that it learned with."""

    def __init__(self) -> None:
        super().__init__()
        self.eyes = VisualEncoder()
        self.ears = AudioEncoder()
        self.voice = MelGenerator()

    def mel(self, visuals: Visuals, *, seed: int, kinds: tuple[str, ...] = KINDS) -> Mel:
        """Log-mel (N x UPSAMPLED, mels) of one stretch of one person; frame k lies k / 240 s after
        the first of its times. The same for the same seed. `kinds` may leave some of what is seen
        out. Any length: parts are read with what is about them and faded into each other.
        """
        self.eval()
        count = len(visuals.times_s)
        rng = np.random.default_rng(seed)
        noise = rng.standard_normal((count, NOISE)).astype(np.float32)
        made = np.zeros((count * UPSAMPLED, SPEC.mels), dtype=np.float32)
        with torch.inference_mode():
            for first in range(0, count, _AT_ONCE):
                start = max(0, first - _BESIDE)
                stop = min(count, first + _AT_ONCE + _BESIDE)
                part = self._part(visuals, start, stop, noise[start:stop], kinds)
                # The first moments are faded in over what the part before said of them.
                begin = max(0, first - _FADED)
                rise = np.ones(stop - begin, dtype=np.float32)
                rise[: first - begin] = np.linspace(0.0, 1.0, first - begin, endpoint=False)
                weight = np.repeat(rise, UPSAMPLED)[:, None]
                into = made[begin * UPSAMPLED : stop * UPSAMPLED]
                new = part[(begin - start) * UPSAMPLED :]
                into[:] = into * (1.0 - weight) + new * weight
        return made

    def _part(
        self,
        visuals: Visuals,
        start: int,
        stop: int,
        noise: NDArray[np.float32],
        kinds: tuple[str, ...],
    ) -> Mel:
        frame_at = visuals.frame_at[start:stop]
        low, high = int(frame_at.min()), int(np.ceil(frame_at.max())) + 1
        seen = self.eyes(
            torch.from_numpy(visuals.pose[None, start:stop]),
            rgb_tensor(visuals.rgb[None, low:high]),
            flow_tensor(visuals.flow[None, low:high]),
            torch.from_numpy((frame_at - low).astype(np.float32))[None],
            torch.tensor([[float(kind in kinds) for kind in KINDS]]),
        )
        heard = torch.zeros(1, stop - start, HEARD)
        return self.voice(seen, heard, torch.from_numpy(noise)[None])[0].numpy()  # type: ignore[no-any-return]


def rgb_tensor(rgb: NDArray[np.uint8]) -> Tensor:
    """(B, F, H, W, 3) levels as the network takes them, (B, F, 3, H, W)."""
    return torch.from_numpy(np.ascontiguousarray(rgb)).permute(0, 1, 4, 2, 3).float() / 64.0 - 2.0


def flow_tensor(flow: NDArray[np.int8]) -> Tensor:
    """(B, F, h, w, 2) units of flow as the network takes them, (B, F, 2, h, w)."""
    return torch.from_numpy(np.ascontiguousarray(flow)).permute(0, 1, 4, 2, 3).float() / 16.0


def load_generator(path: Path) -> Generator:
    """A generator with the weights of a safetensors file."""
    return with_weights(Generator(), path)


@cache
def bundled_generator() -> Generator:
    """The generator that ships; one for all, so not to be trained."""
    return load_generator(bundled("models") / WEIGHTS)
