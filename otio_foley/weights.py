"""The weights that ship, read into the networks that they belong to."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from safetensors.torch import load_file
from torch import nn

from otio_foley.errors import InputError

Network = TypeVar("Network", bound=nn.Module)


def with_weights(network: Network, path: Path) -> Network:
    """The network itself, filled from a safetensors file. Raises InputError where there is none."""
    if not path.is_file():
        raise InputError(f"the weights {path} are missing", hint="install otio-foley again")
    network.load_state_dict(load_file(path))
    return network
