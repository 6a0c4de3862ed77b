from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from otio_foley.errors import InputError
from otio_foley.weights import with_weights


def test_a_network_is_filled_with_its_weights(tmp_path: Path) -> None:
    held = torch.nn.Linear(3, 2)
    save_file(held.state_dict(), tmp_path / "held.safetensors")
    network = torch.nn.Linear(3, 2)
    assert with_weights(network, tmp_path / "held.safetensors") is network
    assert torch.equal(network.weight, held.weight) and torch.equal(network.bias, held.bias)


def test_missing_weights_are_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.safetensors are missing") as raised:
        with_weights(torch.nn.Linear(3, 2), tmp_path / "gone.safetensors")
    assert "install" in raised.value.hint
