"""What trainings share: the descent, the running average that ships, arithmetic that does not
stall, and how weights and what they were made from are written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias, TypeVar

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler
from torch.optim.swa_utils import AveragedModel

from otio_foley.types import JsonValue

_Weights: TypeAlias = "tuple[Tensor, ...] | list[Tensor]"
_Network = TypeVar("_Network", bound=nn.Module)

#: Steps from one word about a training to the next.
_TOLD_EVERY = 50


def descend(
    network: _Network,
    loss: Callable[[int], Tensor],
    schedule: LRScheduler,
    *,
    steps: int,
    kept: float,
    tell: Callable[[str], None],
) -> _Network:
    """Follow a loss, of the step (1 to `steps`), down with a schedule's optimiser; the
    `running_average` of the network on its way, ready for use."""
    averaged = running_average(network, kept)
    losses = []
    with denormals_flushed():
        for step in range(1, steps + 1):
            off = loss(step)
            schedule.optimizer.zero_grad()
            off.backward()  # type: ignore[no-untyped-call]
            schedule.optimizer.step()
            schedule.step()
            averaged.update_parameters(network)
            losses.append(float(off.detach()))
            if step % _TOLD_EVERY == 0 or step == steps:
                tell(f"step {step} of {steps}: loss {np.mean(losses[-_TOLD_EVERY:]):.4f}")
    learned = averaged.module
    assert isinstance(learned, type(network))
    return learned.eval()


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


def save(network: nn.Module, path: Path) -> None:
    """Weights as safetensors."""
    save_file({name: value.contiguous() for name, value in network.state_dict().items()}, path)


def write_card(weights: Path, name: str, **facts: JsonValue) -> None:
    """What weights were made from, for machines, as `name` beside them: their checksum first."""
    told = {"sha256": hashlib.sha256(weights.read_bytes()).hexdigest(), **facts}
    text = json.dumps(told, indent=1) + "\n"
    weights.with_name(name).write_text(text, encoding="utf-8")
