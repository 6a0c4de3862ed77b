"""Published weights made fit to learn on.

BlazePose's normalisations were multiplied into its convolutions when it was published: weights of
one layer are thousands of times as large as those of the next, and whatever rate teaches the one
tears the other apart. Here every convolution gets a normalisation again (Ioffe and Szegedy 2015),
which at first gives back what it takes; when all is learned they are multiplied in as before.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


class _Normalised(nn.Module):
    """A convolution and its normalisation; of one that keeps what it says, the weights have length
    1 for each output from the first batch on."""

    def __init__(self, convolution: nn.Conv2d, keeps: bool) -> None:
        super().__init__()
        self.convolution = convolution
        self.norm = nn.BatchNorm2d(convolution.out_channels, eps=1e-10)
        self.settled = not keeps

    def forward(self, seen: Tensor) -> Tensor:
        if not self.settled:
            self._settle(seen)
        normed: Tensor = self.norm(self.convolution(seen))
        return normed

    @torch.no_grad()
    def _settle(self, seen: Tensor) -> None:
        """On the first batch: the normalisation gives back what it takes of it."""
        weight, bias = self.convolution.weight, self.convolution.bias
        assert bias is not None
        length = weight.flatten(1).norm(dim=1).clamp(min=1e-8)
        weight /= length[:, None, None, None]
        made = self.convolution(seen) - bias[:, None, None]
        spread = made.std(dim=(0, 2, 3))
        middle = made.mean(dim=(0, 2, 3))
        self.norm.running_mean.copy_(middle + bias)  # type: ignore[union-attr]
        self.norm.running_var.copy_(spread**2)  # type: ignore[union-attr]
        self.norm.weight.copy_(length * spread)
        self.norm.bias.copy_(bias + length * middle)
        self.settled = True


def normalise(part: nn.Module, *, keeps: bool) -> None:
    """Put a normalisation behind every convolution of a network's part. Where it keeps what it says
    they settle on the first batch that it is given; else it begins as if it had them."""
    for parent, name, child in list(_children(part)):
        if isinstance(child, nn.Conv2d):
            setattr(parent, name, _Normalised(child, keeps))


@torch.no_grad()
def fold(part: nn.Module) -> None:
    """Multiply the normalisations into their convolutions: the same answers, and the part is as it
    was made."""
    part.eval()
    for parent, name, child in list(_children(part)):
        if isinstance(child, _Normalised):
            setattr(parent, name, fuse_conv_bn_eval(child.convolution, child.norm))


def _children(part: nn.Module) -> Iterator[tuple[nn.Module, str, nn.Module]]:
    for parent in part.modules():
        if not isinstance(parent, _Normalised):
            for name, child in parent.named_children():
                yield parent, name, child
