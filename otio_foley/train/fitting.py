"""What trainings share: the running average that ships, and arithmetic that does not stall."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

_Weights: TypeAlias = "tuple[Tensor, ...] | list[Tensor]"


def running_average(network: nn.Module, kept: float) -> AveragedModel:
    """An average that forgets all but `kept` of itself at each step (Polyak and Juditsky 1992),
    and more at first, so that it never rests on the weights that a training began with."""

    @torch.no_grad()
    def forgetting(averaged: _Weights, current: _Weights, count: Tensor | int) -> None:
        share = 1.0 - min(kept, (1.0 + float(count)) / (10.0 + float(count)))
        for one, other in zip(averaged, current, strict=True):
            if one.is_floating_point():
                one.lerp_(other, share)
            else:
                one.copy_(other)

    return AveragedModel(network, multi_avg_fn=forgetting)


@contextmanager
def denormals_flushed() -> Iterator[None]:
    """The tiniest numbers count as 0 meanwhile: processors take many times as long over them, and
    networks at their beginning have many. It holds for the whole thread, so it is taken back."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
