"""The counting network: what the trunk sees (`trunk.py`), and a decoder of our own to a density map.

    frames [n, 3, 288, 352]  RGB 0..1
      trunk               at_4 [n, 32, 72, 88]   at_8 [n, 128, 36, 44]   at_16 [n, 128, 18, 22]   at_32 [n, 128, 9, 11]
      decoder, coarse to fine: each level narrowed, doubled, added to the next finer; three branches side by side
        people, vehicles  3 x 3 at stride 8, then at stride 4, then [n, 2, 72, 88]
        classes           3 x 3 at stride 8, then                   [n, 7, 36, 44]  the shares of each

The two maps say how many; the classes only share them out, for sums must be right before classes are. `sure` turns
doubts into decisions (see `Sure`); it acts in use, not in training.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from contract import CLASSES, HEIGHT_PX, PEOPLE, VEHICLES
from torch import Tensor, nn
from torch.nn import functional as F
from trunk import Conv, Features, Trunk, double

from detect.lighting import NIGHT_WARMTH
from detect.quality_measures import BANNERS

EMPTY_CELL_LOGIT = -6.0  # softplus(-6) * 6336 cells is about 16 objects, soon unlearnt
WIDTH = 16  # channels of a branch of the decoder
PEOPLE_BRANCH, CLASSES_BRANCH = 0, 2  # of people, vehicles, classes
CHANNELS = Features(32, 128, 128, 128)
# Of the channels that the decoder sees, in training: few cameras are labelled, and it learns them by heart.
DROPPED = Features(0.1, 0.1, 0.1, 0.1)
LEAST_SPREAD = 0.02  # of a channel, for one that hardly ever says anything
LARGEST_LOGIT = 20.0  # exp stays finite


@dataclass(frozen=True)
class Outputs:
    """What training needs; the exported network gives `density` alone."""

    groups: Tensor  # [n, 2, 72, 88] people and vehicles per cell, >= 0
    class_logits: Tensor  # [n, 7, 36, 44]; softmax within people and within vehicles


@dataclass(frozen=True)
class Doubt:
    """From which mass on something is there, by day and by night: people, vehicles. See `Sure`."""

    day: tuple[float, float] = (0.0, 0.0)
    night: tuple[float, float] = (0.0, 0.0)


class Sure(nn.Module):
    """Turns doubts into decisions: a cell counts by how much mass there is around it.

    The likelihood's best answer to a post that may be a person is a third of a person, and a street has many posts.
    What a count is held against is nearer to a median: nobody. So a cell's density d becomes d sigmoid(k (m - t)),
    with m the mass within 5 x 5 cells (20 x 20 px) and t the least mass of something; t = 0 leaves a group as it is.
    Night differs, when streets are empty and lamps look like people; it is told as `detect/lighting.py` tells it, by
    the colour of street lamps.
    """

    SIDE, STEEPNESS = 5, 10.0
    WARMTH = (0.6684, -0.0875, -0.5810)  # Cr - Cb of R, G, B (ITU-R BT.601), levels of 0..255
    PER_LEVEL = 2.0
    SCENE = slice(*(round(share * HEIGHT_PX) for share in BANNERS))
    NEVER = -1e3  # a least mass that everything has

    def __init__(self, doubt: Doubt) -> None:
        super().__init__()
        self.on = doubt != Doubt()
        for name, least in (("day", doubt.day), ("night", doubt.night)):
            from_on = torch.tensor([value if value > 0 else self.NEVER for value in least])
            self.register_buffer(name, from_on.reshape(1, 2, 1, 1), persistent=False)
        self.register_buffer("warmth", torch.tensor(self.WARMTH).reshape(1, 3, 1, 1) * 255.0, persistent=False)

    def forward(self, groups: Tensor, frames: Tensor) -> Tensor:
        if not self.on:
            return groups
        colour = frames.mean(dim=3, keepdim=True)[:, :, self.SCENE].mean(dim=2, keepdim=True)  # no copy of the scene
        warmth = (colour * self.warmth).sum(dim=1, keepdim=True)
        dark = torch.sigmoid(self.PER_LEVEL * (warmth - NIGHT_WARMTH))
        around = F.avg_pool2d(groups, self.SIDE, 1, self.SIDE // 2) * self.SIDE**2
        by_day, by_night = (torch.sigmoid(self.STEEPNESS * (around - least)) for least in (self.day, self.night))
        return groups * (by_day + dark * (by_night - by_day))


class Lateral(nn.Module):
    """A feature narrowed to what the branches take of it, [n, branches x WIDTH, y, x].

    Channels of the trunk differ a hundredfold in size, so each is brought to mean 0 and spread 1 first (`measure`).
    What people's branch takes is then centred in every frame: a haze of lamps and headlights lifts all of a night
    frame's features, and where the network had not learnt that camera's nights it saw people everywhere. People are
    few and small, so their own share of a frame's mean is little; queues fill a street, so vehicles keep theirs.
    The classes teach the trunk nothing: how many there are comes first.
    """

    def __init__(self, channels: int, branches: int, dropped: float) -> None:
        super().__init__()
        self.narrow, self.dropped = nn.Conv2d(channels, branches * WIDTH, 1), dropped
        self.register_buffer("mean", torch.zeros(1, channels, 1, 1))
        self.register_buffer("per_spread", torch.ones(1, channels, 1, 1))
        centred = (torch.arange(branches * WIDTH) // WIDTH == PEOPLE_BRANCH).float()
        self.register_buffer("centred", centred.reshape(1, -1, 1, 1), persistent=False)

    @torch.no_grad()
    def measure(self, feature: Tensor) -> None:
        self.mean.copy_(feature.mean(dim=(0, 2, 3), keepdim=True))
        self.per_spread.copy_(1 / (feature.std(dim=(0, 2, 3), keepdim=True) + LEAST_SPREAD))

    def forward(self, feature: Tensor) -> Tensor:
        weight, bias = self.narrow.weight, self.narrow.bias
        if self.training:
            usual = F.dropout2d((feature - self.mean) * self.per_spread, self.dropped)
            given = [usual.detach() if branch == CLASSES_BRANCH else usual for branch in range(len(bias) // WIDTH)]
            parts = zip(given, weight.split(WIDTH), bias.split(WIDTH), strict=True)
            narrow = torch.cat([F.conv2d(x, part_weight, part_bias) for x, part_weight, part_bias in parts], dim=1)
        else:  # one convolution does all of it
            scaled = weight * self.per_spread
            narrow = F.conv2d(feature, scaled, bias - (scaled * self.mean).sum(dim=(1, 2, 3)))
        return narrow - self.centred * (F.adaptive_avg_pool2d(narrow, 1) - bias.reshape(1, -1, 1, 1))


class Decoder(nn.Module):
    """Features of the trunk to logits: [n, 2, 72, 88] of people and vehicles, [n, 7, 36, 44] of the classes.

    Three branches side by side, people, vehicles and classes. People are also told what the vehicles' branch sees, and
    teach it nothing: a queue of headlights is no crowd, and many more vehicles than people are labelled by night.
    """

    def __init__(self) -> None:
        super().__init__()
        branches = Features(2, 3, 3, 3)  # the classes need nothing finer than stride 8
        self.laterals = nn.ModuleDict(
            {
                name: Lateral(getattr(CHANNELS, name), getattr(branches, name), getattr(DROPPED, name))
                for name in Features._fields
            }
        )
        self.fuse_8, self.fuse_4 = Conv(3 * WIDTH, 3 * WIDTH, 3, groups=3), Conv(2 * WIDTH, 2 * WIDTH, 3, groups=2)
        self.told, self.classes = nn.Conv2d(WIDTH, WIDTH, 1), nn.Conv2d(WIDTH, len(CLASSES), 1)
        self.people, self.vehicles = nn.Conv2d(2 * WIDTH, 1, 1), nn.Conv2d(WIDTH, 1, 1)
        for head in (self.people, self.vehicles):
            nn.init.normal_(head.weight, std=0.01)
            nn.init.constant_(head.bias, EMPTY_CELL_LOGIT)

    def measure(self, features: Features) -> None:
        """Take means and spreads of the trunk's channels from these frames; before training."""
        for name, lateral in self.laterals.items():
            lateral.measure(getattr(features, name))

    def forward(self, features: Features) -> tuple[Tensor, Tensor]:
        narrow = {name: lateral(getattr(features, name)) for name, lateral in self.laterals.items()}
        at_8 = narrow["at_8"] + double(narrow["at_16"] + double(narrow["at_32"]))
        people, vehicles, classes = self.fuse_8(F.silu(at_8)).split(WIDTH, dim=1)
        groups = torch.cat((people + self.told(vehicles.detach()), vehicles), dim=1)
        people, vehicles = self.fuse_4(F.silu(double(groups) + narrow["at_4"])).split(WIDTH, dim=1)
        logits = self.people(torch.cat((people, vehicles.detach()), dim=1)), self.vehicles(vehicles)
        return torch.cat(logits, dim=1), self.classes(classes)

    def outputs(self, features: Features) -> Outputs:
        groups, classes = self(features)
        return Outputs(groups=F.softplus(groups), class_logits=classes)


class CountingNetwork(nn.Module):
    def __init__(self, trunk: Trunk, decoder: Decoder, doubt: Doubt = Doubt()) -> None:
        super().__init__()
        self.trunk, self.decoder, self.sure = trunk, decoder, Sure(doubt)

    def forward(self, frames: Tensor) -> Tensor:
        """[n, 3, 288, 352] RGB 0..1 -> [n, 7, 72, 88] objects per cell.

        Softplus and both softmaxes from exponentials: ONNX Runtime is slow at either over seven channels.
        """
        raw, logits = self.decoder(self.trunk(frames))
        groups = self.sure(torch.log1p(raw.clamp(-LARGEST_LOGIT, LARGEST_LOGIT).exp()), frames)
        powers = logits.clamp(-LARGEST_LOGIT, LARGEST_LOGIT).exp()
        shares = (x / x.sum(dim=1, keepdim=True) for x in (powers[:, PEOPLE], powers[:, VEHICLES]))
        return torch.cat([groups[:, i : i + 1] * double(share) for i, share in enumerate(shares)], dim=1)
