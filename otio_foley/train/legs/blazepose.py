"""The weights of mediapipe's "full" BlazePose, read from the model in its wheel (Apache-2.0)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from otio_foley.analysis.legs import LegsNetwork

_MODEL = "modules/pose_landmark/pose_landmark_full.tflite"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layer:
    """A convolution: weight (out, in, h, w), bias (out,), and the tensors that it reads and
    makes."""

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    reads: int
    makes: int


def begin(network: LegsNetwork) -> LegsNetwork:
    """The network itself with BlazePose's weights in the layers that are BlazePose's. Its eye
    learns no more."""
    own = [
        part
        for half in (network.eye, network.near, network.far)
        for part in half.modules()
        if isinstance(part, nn.Conv2d)
    ]
    layers, makers = _model()
    # The keypoints' layer is the largest of those with a kernel of two; what leads there comes
    # first, in order, and then what is BlazePose's alone.
    marks = max(
        (one for one in layers if one.weight.shape[2] == 2), key=lambda one: one.weight.size
    )
    on_the_way = _before(marks.reads, makers)
    for layer, one in zip(own, (one for one in layers if one.makes in on_the_way), strict=False):
        _fill(layer, one.weight, one.bias)
    network.eye.requires_grad_(False)
    return network


def _fill(layer: nn.Conv2d, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> None:
    assert layer.bias is not None and layer.weight.shape == weight.shape
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weight))
        layer.bias.copy_(torch.from_numpy(bias))


def _before(tensor: int, makers: dict[int, list[int]]) -> set[int]:
    """A tensor and every one that it is made from."""
    found: set[int] = set()
    asked = [tensor]
    while asked:
        one = asked.pop()
        if one in makers and one not in found:
            found.add(one)
            asked += makers[one]
    return found


def _model() -> tuple[list[_Layer], dict[int, list[int]]]:
    """All convolutions in their order, and what each tensor is made from."""
    import mediapipe
    import tflite

    kinds = tflite.BuiltinOperator
    data = (Path(mediapipe.__file__).parent / _MODEL).read_bytes()
    model = tflite.Model.GetRootAsModel(data, 0)
    graph = model.Subgraphs(0)
    makers: dict[int, list[int]] = {}
    layers = []

    def constant(number: int) -> NDArray[np.float32]:
        # Weights are stored as halves and made whole by an operator of their own.
        tensor = graph.Tensors(makers[number][0] if number in makers else number)
        values = model.Buffers(tensor.Buffer()).DataAsNumpy().view(np.float16)
        return np.asarray(values.reshape(tensor.ShapeAsNumpy()), dtype=np.float32)

    for number in range(graph.OperatorsLength()):
        operator = graph.Operators(number)
        reads = [int(one) for one in operator.InputsAsNumpy()]
        makes = int(operator.OutputsAsNumpy()[0])
        makers[makes] = reads
        kind = model.OperatorCodes(operator.OpcodeIndex()).BuiltinCode()
        if kind not in (kinds.CONV_2D, kinds.DEPTHWISE_CONV_2D):
            continue
        order = (0, 3, 1, 2) if kind == kinds.CONV_2D else (3, 0, 1, 2)
        layers.append(
            _Layer(
                weight=np.ascontiguousarray(constant(reads[1]).transpose(order)),
                bias=constant(reads[2]),
                reads=reads[0],
                makes=makes,
            )
        )
    return layers, makers
