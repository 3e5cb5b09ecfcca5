"""The counting network: the trunk and feature pyramid of YOLOX-nano, and a decoder of our own to a density map.

    frames [n, 3, 288, 352]  RGB 0..1
      stem 6 x 6, stride 2       16 channels
      to_4 ---------------------------------------------.
      to_8 ------------------.                           |
      to_16 ------.          |                           |
      to_32  -> fuse_16 -> fuse_8  (64 channels)         |
                                |   twice as large ----- + -- fuse, fuse -- head   [n, 2, 72, 88] people, vehicles
                                classes  [n, 7, 36, 44]      their shares of each

Trunk and pyramid are those of Ge et al. 2021 (YOLOX: Exceeding YOLO Series in 2021, arXiv 2107.08430), nano size, so
that training starts from weights that have seen many cities: the few cameras of ours cannot teach that. Three things
differ. Batch normalisation is folded away, for the statistics of small mixed batches do not hold in use. The four
slices of the focus stem are one convolution of 6 x 6 (the same function, faster). And no boxes come out: the decoder
gives two maps, people and vehicles, and shares each out among its classes, for sums must be right before classes are.

`sure` turns doubts into decisions (see `Sure`); it acts in use, not in training.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from contract import CLASSES, HEIGHT_PX, PEOPLE, VEHICLES
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn import functional as F

EMPTY_CELL_LOGIT = -6.0  # softplus(-6) * 6336 cells is about 16 objects, soon unlearnt
DECODER_CHANNELS = 32
# Of the channels that the decoder sees, in training: few cameras are labelled, and it learns them by heart.
DROPPED = 0.1
LARGEST_LOGIT = 20.0  # exp stays finite


@dataclass(frozen=True)
class Outputs:
    """What training needs; the exported network gives `density` alone."""

    groups: Tensor  # [n, 2, 72, 88] people and vehicles per cell, >= 0
    class_logits: Tensor  # [n, 7, 72, 88]; softmax within people and within vehicles


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


class Trunk(nn.Module):
    """Frames to features at stride 4 [n, 32, 72, 88], 8 [n, 64, 36, 44] and 16 [n, 128, 18, 22].

    The modules stand in the order in which YOLOX's file lists its convolutions: `start_from` relies on it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 6, 2, 2)
        self.to_4 = nn.Sequential(Separable(16, 32, 2), CrossStage(32, 32, 1))
        self.to_8 = nn.Sequential(Separable(32, 64, 2), CrossStage(64, 64, 3))
        self.to_16 = nn.Sequential(Separable(64, 128, 2), CrossStage(128, 128, 3))
        self.to_32 = nn.Sequential(Separable(128, 256, 2), SpatialPyramid(256), CrossStage(256, 256, 1, False))
        self.lateral_16, self.fuse_16 = Conv(256, 128), CrossStage(256, 128, 1, False)
        self.lateral_8, self.fuse_8 = Conv(128, 64), CrossStage(128, 64, 1, False)

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        at_4 = self.to_4(F.silu(self.stem(frames)))
        at_8 = self.to_8(at_4)
        at_16 = self.to_16(at_8)
        up = double(self.lateral_16(self.to_32(at_16)))
        coarse = self.fuse_16(torch.cat((up, at_16), dim=1))
        return at_4, self.fuse_8(torch.cat((double(self.lateral_8(coarse)), at_8), dim=1)), coarse


@dataclass(frozen=True)
class Doubt:
    """From which mass on something is there, by day, by night, and the gain after it: people, vehicles. See `Sure`."""

    day: tuple[float, float] = (0.0, 0.0)
    night: tuple[float, float] = (0.0, 0.0)
    gain: tuple[float, float] = (1.0, 1.0)


class Sure(nn.Module):
    """Turns doubts into decisions: a cell counts by how much mass there is around it.

    The likelihood's best answer to a post that may be a person is a third of a person, and a street has many posts.
    What a count is held against is nearer to a median: nobody. So a cell's density d becomes d * sigmoid(k * (m - t)),
    with m the mass within 5 x 5 cells (20 x 20 px) and t the least mass of something; t = 0 leaves a group as it is.
    `gain` gives back what the doubts that were right had added. At night, when streets are empty and lamps look like
    people, t may be larger; night is told as `detect/lighting.py` tells it, by the colour of street lamps (Cr - Cb).
    """

    SIDE, STEEPNESS = 5, 10.0
    WARMTH = (0.6684, -0.0875, -0.5810)  # Cr - Cb of R, G, B (ITU-R BT.601), levels of 0..255
    NIGHT_WARMTH, PER_LEVEL = 5.5, 2.0
    SCENE = slice(round(0.12 * HEIGHT_PX), round(0.92 * HEIGHT_PX))  # rows without the feed's banners
    NEVER = -1e3  # a least mass that everything has

    def __init__(self, doubt: Doubt) -> None:
        super().__init__()
        self.on = doubt != Doubt()
        for name, values in (("day", doubt.day), ("night", doubt.night)):
            least = torch.tensor([value if value > 0 else self.NEVER for value in values])
            self.register_buffer(name, least.reshape(1, 2, 1, 1), persistent=False)
        self.register_buffer("gain", torch.tensor(doubt.gain).reshape(1, 2, 1, 1), persistent=False)
        self.register_buffer("warmth", torch.tensor(self.WARMTH).reshape(1, 3, 1, 1) * 255.0, persistent=False)

    def forward(self, groups: Tensor, frames: Tensor) -> Tensor:
        if not self.on:
            return groups
        warmth = (frames[:, :, self.SCENE].mean(dim=(2, 3), keepdim=True) * self.warmth).sum(dim=1, keepdim=True)
        dark = torch.sigmoid(self.PER_LEVEL * (warmth - self.NIGHT_WARMTH))
        around = F.avg_pool2d(groups, self.SIDE, 1, self.SIDE // 2) * self.SIDE**2
        by_day, by_night = (torch.sigmoid(self.STEEPNESS * (around - least)) for least in (self.day, self.night))
        return self.gain * groups * (by_day + dark * (by_night - by_day))


class Classes(nn.Module):
    """Logits of the classes at stride 8; what a bus is shows at stride 16."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fine, self.coarse = nn.Conv2d(64, width, 1), nn.Conv2d(128, width, 1)
        self.fuse, self.logits = Conv(width, width, 3), nn.Conv2d(width, len(CLASSES), 1)

    def forward(self, at_8: Tensor, at_16: Tensor) -> Tensor:
        return self.logits(self.fuse(F.silu(self.fine(at_8) + double(self.coarse(at_16)))))


class CountingNetwork(nn.Module):
    def __init__(self, doubt: Doubt = Doubt()) -> None:
        super().__init__()
        width = DECODER_CHANNELS
        self.trunk = Trunk()
        self.reduce, self.lateral = nn.Conv2d(64, width, 1), nn.Conv2d(32, width, 1)
        self.fuse = nn.Sequential(Conv(width, width, 3), Conv(width, width, 3))
        self.head = nn.Conv2d(width, 2, 1)
        # Beside the decoder and not in its last layer: there it learnt no class at all (decision 17).
        self.classes = Classes(width)
        self.sure = Sure(doubt)
        nn.init.normal_(self.head.weight, std=0.01)
        nn.init.zeros_(self.head.bias)
        with torch.no_grad():
            self.head.bias[:] = EMPTY_CELL_LOGIT

    def raw(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Before softplus and softmax: [n, 2, 72, 88] of people and vehicles, [n, 7, 36, 44] of the classes."""
        at_4, at_8, at_16 = (F.dropout2d(x, DROPPED, self.training) for x in self.trunk(frames))
        groups = self.head(self.fuse(F.silu(double(self.reduce(at_8)) + self.lateral(at_4))))
        return groups, self.classes(at_8, at_16)

    def outputs(self, frames: Tensor) -> Outputs:
        groups, classes = self.raw(frames)
        return Outputs(groups=F.softplus(groups), class_logits=double(classes))

    def forward(self, frames: Tensor) -> Tensor:
        """[n, 3, 288, 352] RGB 0..1 -> [n, 7, 72, 88] objects per cell.

        Softplus and both softmaxes from exponentials: ONNX Runtime is slow at either over seven channels.
        """
        raw, logits = self.raw(frames)
        groups = self.sure(torch.log1p(raw.clamp(-LARGEST_LOGIT, LARGEST_LOGIT).exp()), frames)
        powers = logits.clamp(-LARGEST_LOGIT, LARGEST_LOGIT).exp()
        shares = (x / x.sum(dim=1, keepdim=True) for x in (powers[:, PEOPLE], powers[:, VEHICLES]))
        return torch.cat([groups[:, i : i + 1] * double(share) for i, share in enumerate(shares)], dim=1)


def double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


def start_from(trunk: Trunk, weights: Path) -> None:
    """Load the trunk and pyramid of YOLOX-nano's ONNX file (BGR, 0..255, batch normalisation folded in)."""
    graph = onnx.load(str(weights)).graph
    stored = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    theirs = [(stored[node.input[1]], stored[node.input[2]]) for node in graph.node if node.op_type == "Conv"]
    ours = [layer for layer in trunk.modules() if isinstance(layer, nn.Conv2d)]
    with torch.no_grad():
        for layer, (kernel, bias) in zip(ours, theirs, strict=False):  # theirs goes on with YOLOX's heads
            weight = six_by_six(kernel) if layer is trunk.stem else kernel.copy()
            if tuple(layer.weight.shape) != weight.shape:
                raise ValueError(f"{weights} is not YOLOX-nano: {weight.shape} where {tuple(layer.weight.shape)} goes")
            layer.weight.copy_(torch.from_numpy(weight))
            layer.bias.copy_(torch.from_numpy(bias.copy()))


def six_by_six(focus: np.ndarray) -> np.ndarray:
    """[16, 12, 3, 3] over four interleaved slices of BGR 0..255 -> [16, 3, 6, 6], stride 2, over RGB 0..1."""
    slices = focus.reshape(len(focus), 4, 3, 3, 3)[:, :, ::-1] * 255.0
    kernel = np.zeros((len(focus), 3, 6, 6), np.float32)
    for index, (row, column) in enumerate(((0, 0), (1, 0), (0, 1), (1, 1))):
        kernel[:, :, row::2, column::2] = slices[:, index]
    return kernel
