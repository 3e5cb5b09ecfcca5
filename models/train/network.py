"""The counting network: a small dense encoder and a light decoder back to stride 4.

Axes are n, channel, y, x. Input is RGB in 0..1, [n, 3, 288, 352]; output is density, [n, 7, 72, 88], in objects per
cell of 4 x 4 px.

The structure follows two lessons of the probes. Depthwise convolutions are slow to train on a CPU, so all are dense and
narrow. And sums must be robust, so the network predicts two maps (people, vehicles) and only then shares each out among
its classes.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from contract import CLASSES, PEOPLE, VEHICLES
from torch import Tensor, nn
from torch.nn import functional as F

EMPTY_CELL_LOGIT = -7.0  # softplus(-7) * 6336 cells is about 6 objects: an untrained network starts near a usual frame
DROPPED = (
    0.1  # of the channels that the decoder sees, in training; few cameras are labelled, and it learns them by heart
)


@dataclass(frozen=True)
class Outputs:
    """What training needs; the exported network gives `density` alone."""

    groups: Tensor  # [n, 2, 72, 88] people and vehicles per cell, >= 0
    class_logits: Tensor  # [n, 7, 72, 88]; softmax within people and within vehicles


def conv(inputs: int, outputs: int, stride: int = 1, size: int = 3) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )


class Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = conv(channels, channels)
        self.second = nn.Sequential(nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.second(self.first(x)), inplace=True)


class CountingNetwork(nn.Module):
    """`faintest`: people and vehicles a cell, up to which it counts as empty in use (faint.py), not in training."""

    def __init__(self, faintest: tuple[float, float] = (0.0, 0.0)) -> None:
        super().__init__()
        self.register_buffer("faintest", torch.tensor(faintest).reshape(1, 2, 1, 1), persistent=False)
        self.to_2 = conv(3, 16, stride=2)
        self.to_4 = nn.Sequential(conv(16, 32, stride=2), Residual(32))
        self.to_8 = nn.Sequential(conv(32, 64, stride=2), Residual(64), Residual(64))
        self.to_16 = nn.Sequential(conv(64, 96, stride=2), Residual(96), Residual(96))
        self.to_32 = nn.Sequential(conv(96, 128, stride=2), Residual(128))
        self.lateral_16, self.top_32 = conv(96, 64, size=1), conv(128, 64, size=1)
        self.lateral_8, self.lateral_4 = conv(64, 64, size=1), conv(32, 32, size=1)
        self.fuse_16, self.fuse_8 = conv(64, 64), conv(64, 64)
        self.reduce_8 = conv(64, 32, size=1)
        self.fuse_4 = nn.Sequential(conv(32, 32), conv(32, 32))
        self.head = nn.Conv2d(32, 2 + len(CLASSES), 1)
        nn.init.normal_(self.head.weight, std=0.01)
        nn.init.zeros_(self.head.bias)
        with torch.no_grad():
            self.head.bias[:2] = EMPTY_CELL_LOGIT

    def outputs(self, frames: Tensor) -> Outputs:
        at_4 = self.to_4(self.to_2((frames - 0.45) * 4.0))
        at_8 = self.to_8(at_4)
        at_16 = self.to_16(at_8)
        at_32 = F.dropout2d(self.to_32(at_16), DROPPED, self.training)
        at_4, at_8, at_16 = (F.dropout2d(x, DROPPED, self.training) for x in (at_4, at_8, at_16))
        up = self.fuse_16(self.lateral_16(at_16) + double(self.top_32(at_32)))
        up = self.fuse_8(self.lateral_8(at_8) + double(up))
        up = self.fuse_4(self.lateral_4(at_4) + double(self.reduce_8(up)))
        raw = self.head(up).float()
        return Outputs(groups=F.softplus(raw[:, :2]), class_logits=raw[:, 2:])

    def forward(self, frames: Tensor) -> Tensor:
        """[n, 3, 288, 352] RGB 0..1 -> [n, 7, 72, 88] objects per cell."""
        out = self.outputs(frames)
        groups = torch.where(out.groups > self.faintest, out.groups, torch.zeros_like(out.groups))
        people = groups[:, 0:1] * out.class_logits[:, PEOPLE].softmax(dim=1)
        vehicles = groups[:, 1:2] * out.class_logits[:, VEHICLES].softmax(dim=1)
        return torch.cat((people, vehicles), dim=1)


def double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="nearest")
