"""What others learnt: YOLOX-nano up to the features from which it would draw its boxes.

    frames [n, 3, 288, 352]  RGB 0..1
      stem, to_4, to_8, to_16, to_32                   backbone
      fuse_16, fuse_8                                  feature pyramid, from coarse to fine
      join_16, join_32                                 and back from fine to coarse
      head_8, head_16, head_32                         features [n, 64 + 64, y, x] of what a thing is and where it ends

Ge et al. 2021 (YOLOX: Exceeding YOLO Series in 2021, arXiv 2107.08430). It has seen many cities (COCO), by day and by
night: more than the few cameras with labels can teach. Its last features tell persons from posts better than those of
its pyramid do (the ladder in the model's card), so the decoder of `network.py` reads them.

Two things differ from the original. Batch normalisation is folded away, and the four slices of the focus stem are one
convolution of 6 x 6 (the same function, faster).
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn import functional as F


class Features(NamedTuple):
    """What the decoder sees of frames."""

    at_4: Tensor  # [n, 32, 72, 88] edges and textures
    at_8: Tensor  # [n, 128, 36, 44] what and where, of small things
    at_16: Tensor  # [n, 128, 18, 22] of larger ones
    at_32: Tensor  # [n, 128, 9, 11] of those that fill much of the frame


class Conv(nn.Conv2d):
    """Convolution and SiLU."""

    def __init__(self, inputs: int, outputs: int, size: int = 1, stride: int = 1, groups: int = 1) -> None:
        super().__init__(inputs, outputs, size, stride, size // 2, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        return F.silu(super().forward(x), inplace=True)


class Separable(nn.Sequential):
    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__(Conv(inputs, inputs, 3, stride, inputs), Conv(inputs, outputs))


class Bottleneck(nn.Module):
    def __init__(self, channels: int, shortcut: bool) -> None:
        super().__init__()
        self.first, self.second, self.shortcut = Conv(channels, channels), Separable(channels, channels), shortcut

    def forward(self, x: Tensor) -> Tensor:
        y = self.second(self.first(x))
        return x + y if self.shortcut else y


class CrossStage(nn.Module):
    """A cross-stage partial block: half of the channels pass the bottlenecks, half go by."""

    def __init__(self, inputs: int, outputs: int, depth: int, shortcut: bool = True) -> None:
        super().__init__()
        half = outputs // 2
        self.through, self.past = Conv(inputs, half), Conv(inputs, half)
        self.blocks = nn.Sequential(*(Bottleneck(half, shortcut) for _ in range(depth)))
        self.join = Conv(2 * half, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.join(torch.cat((self.blocks(self.through(x)), self.past(x)), dim=1))


class SpatialPyramid(nn.Module):
    """Maxima over 5, 9 and 13 cells, side by side (three in a row of 5 are the same)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.narrow, self.join = Conv(channels, channels // 2), Conv(channels * 2, channels)

    def forward(self, x: Tensor) -> Tensor:
        levels = [self.narrow(x)]
        for _ in range(3):
            levels.append(F.max_pool2d(levels[-1], 5, 1, 2))
        return self.join(torch.cat(levels, dim=1))


class Head(nn.Module):
    """The two branches of YOLOX's decoupled head without their last layers: what it is, and where it ends."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.stem = Conv(channels, 64)
        self.what = nn.Sequential(Separable(64, 64), Separable(64, 64))
        self.where = nn.Sequential(Separable(64, 64), Separable(64, 64))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        return torch.cat((self.what(x), self.where(x)), dim=1)


class Trunk(nn.Module):
    """The modules stand in the order in which YOLOX's file lists its convolutions: `start_from` relies on it."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 6, 2, 2)
        self.to_4 = nn.Sequential(Separable(16, 32, 2), CrossStage(32, 32, 1))
        self.to_8 = nn.Sequential(Separable(32, 64, 2), CrossStage(64, 64, 3))
        self.to_16 = nn.Sequential(Separable(64, 128, 2), CrossStage(128, 128, 3))
        self.to_32 = nn.Sequential(Separable(128, 256, 2), SpatialPyramid(256), CrossStage(256, 256, 1, False))
        self.lateral_16, self.fuse_16 = Conv(256, 128), CrossStage(256, 128, 1, False)
        self.lateral_8, self.fuse_8 = Conv(128, 64), CrossStage(128, 64, 1, False)
        self.down_16, self.join_16 = Separable(64, 64, 2), CrossStage(128, 128, 1, False)
        self.down_32, self.join_32 = Separable(128, 128, 2), CrossStage(256, 256, 1, False)
        self.head_8, self.head_16, self.head_32 = Head(64), Head(128), Head(256)

    def forward(self, frames: Tensor) -> Features:
        at_4 = self.to_4(F.silu(self.stem(frames)))
        at_8 = self.to_8(at_4)
        at_16 = self.to_16(at_8)
        narrow_16 = self.lateral_16(self.to_32(at_16))
        narrow_8 = self.lateral_8(self.fuse_16(torch.cat((double(narrow_16), at_16), dim=1)))
        fine = self.fuse_8(torch.cat((double(narrow_8), at_8), dim=1))
        middle = self.join_16(torch.cat((self.down_16(fine), narrow_8), dim=1))
        coarse = self.join_32(torch.cat((self.down_32(middle), narrow_16), dim=1))
        return Features(at_4, self.head_8(fine), self.head_16(middle), self.head_32(coarse))


def double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


def load_trunk(weights: Path) -> Trunk:
    """The trunk with the weights of YOLOX-nano's ONNX file (BGR, 0..255, batch normalisation folded in)."""
    graph = onnx.load(str(weights)).graph
    stored = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    theirs = [
        (stored[node.input[1]], stored[node.input[2]])
        for node in graph.node
        if node.op_type == "Conv" and "_preds." not in node.input[1]  # the last layers of its heads
    ]
    trunk = Trunk()
    ours = [layer for layer in trunk.modules() if isinstance(layer, nn.Conv2d)]
    if len(ours) != len(theirs):
        raise ValueError(f"{weights} is not YOLOX-nano: {len(theirs)} convolutions where {len(ours)} go")
    with torch.no_grad():
        for layer, (kernel, bias) in zip(ours, theirs, strict=True):
            weight = six_by_six(kernel) if layer is trunk.stem else kernel.copy()
            if tuple(layer.weight.shape) != weight.shape:
                raise ValueError(f"{weights} is not YOLOX-nano: {weight.shape} where {tuple(layer.weight.shape)} goes")
            layer.weight.copy_(torch.from_numpy(weight))
            layer.bias.copy_(torch.from_numpy(bias.copy()))
    return trunk.eval().requires_grad_(False)


def six_by_six(focus: np.ndarray) -> np.ndarray:
    """[16, 12, 3, 3] over four interleaved slices of BGR 0..255 -> [16, 3, 6, 6], stride 2, over RGB 0..1."""
    slices = focus.reshape(len(focus), 4, 3, 3, 3)[:, :, ::-1] * 255.0
    kernel = np.zeros((len(focus), 3, 6, 6), np.float32)
    for index, (row, column) in enumerate(((0, 0), (1, 0), (0, 1), (1, 1))):
        kernel[:, :, row::2, column::2] = slices[:, index]
    return kernel
