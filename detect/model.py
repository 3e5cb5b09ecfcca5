"""The port of every counting model: frames in, a density map per class out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ingest.frame import Frame

Density = NDArray[np.float32]
"""Objects per cell: float32 [frame, class, row, column], class in the order of `core.figures.CLASSES`.

The sum over rows and columns is the number present. A cell covers the same share of the picture whatever the
frame's size: row r of R covers the heights [r / R, (r + 1) / R) of the picture, likewise columns.
"""


class CountingModel(Protocol):
    """Counts what is present in frames, without telling who or following anyone.

    Adapters of box detectors drop each box inside the adapter: its ground-contact point becomes one unit in one
    cell of the density map.
    """

    @property
    def name(self) -> str:
        """Name and content hash, as stored with every observation: `lowres-2@0123456789ab`."""
        ...

    def density(self, frames: Sequence[Frame]) -> Density:
        """The density maps of frames of one size. An empty sequence gives an array of shape [0, class, row, column]."""
        ...
