"""Points of a picture matched with points of the map, as numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from core.ground import LocalFrame
from core.site import Site
from detect.ground.plane import Numbers, Points, straightened, straightening


@dataclass(frozen=True, eq=False)
class Matches:
    """`number` [n] counts from 1 as a reader of the site's file does. `seen_px` [n, 2] is the picture's, `ideal_px`
    [n, 2] that of a lens that does not bend, with covariance `spread_px2` [n, 2, 2]; `ground_m` [n, 2] is on the map,
    with the standard error `error_m` [n] both east and north."""

    number: tuple[int, ...]
    what: tuple[str, ...]
    seen_px: Points
    ideal_px: Points
    spread_px2: Numbers
    ground_m: Points
    error_m: Numbers

    @classmethod
    def of(cls, site: Site) -> Self:
        frame, size_px, k1 = LocalFrame(site.lat, site.lon), (site.width, site.height), site.lens.k1
        seen_px = np.array([point.px for point in site.map_points], np.float64).reshape(-1, 2)
        through_lens = straightening(seen_px, k1, size_px) * site.lens.error_px
        return cls(
            number=tuple(range(1, len(site.map_points) + 1)),
            what=tuple(point.what for point in site.map_points),
            seen_px=seen_px,
            ideal_px=straightened(seen_px, k1, size_px),
            spread_px2=through_lens @ np.swapaxes(through_lens, -1, -2),
            ground_m=np.array([frame.metres(point.lat, point.lon) for point in site.map_points]).reshape(-1, 2),
            error_m=np.array([point.error_m for point in site.map_points]),
        )

    def __len__(self) -> int:
        return len(self.number)

    def only(self, which: Sequence[int]) -> Self:
        """Those with these indices, in this order."""
        index = list(which)
        return type(self)(
            number=tuple(self.number[i] for i in index),
            what=tuple(self.what[i] for i in index),
            seen_px=self.seen_px[index],
            ideal_px=self.ideal_px[index],
            spread_px2=self.spread_px2[index],
            ground_m=self.ground_m[index],
            error_m=self.error_m[index],
        )

    def without(self, index: int) -> Self:
        return self.only([other for other in range(len(self)) if other != index])

    def swapped(self, first: int, second: int) -> Self:
        """With the places of two points on the map exchanged."""
        order = list(range(len(self)))
        order[first], order[second] = second, first
        return type(self)(
            self.number,
            self.what,
            self.seen_px,
            self.ideal_px,
            self.spread_px2,
            self.ground_m[order],
            self.error_m[order],
        )

    def name(self, index: int) -> str:
        """What a message calls a point: `point 3 'north corner of the island'`."""
        return f"point {self.number[index]} {self.what[index]!r}"

    def names(self, which: Sequence[int]) -> str:
        """`point 1 'kerb', point 2 'lamp' and point 4 'hatch'`."""
        *first, last = [self.name(index) for index in which]
        return f"{', '.join(first)} and {last}" if first else last
