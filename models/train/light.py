"""Day or night, by the colour of street lamps, as `detect/lighting.py` tells it.

Not by brightness: a street camera turns up its gain, and a night of the feed is as bright as its days (mean grey level
91 to 142 against 83 to 171).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

WARMTH = (0.6684, -0.0875, -0.5810)  # Cr - Cb of R, G, B (ITU-R BT.601), levels of 0..255
NIGHT_WARMTH = 5.5
TOP, BOTTOM = 0.12, 0.92  # of the height: rows without the feed's banners
DARK = 70.0  # mean grey level of what is dark whatever its colour


def by_night(image: NDArray[np.uint8]) -> bool:
    """Whether an RGB picture [y, x, 3] of any size was taken under street lamps, or is dark."""
    scene = image[round(TOP * len(image)) : round(BOTTOM * len(image))]
    colour = scene.mean(axis=(0, 1))
    return bool(colour @ np.array(WARMTH) > NIGHT_WARMTH or colour.mean() < DARK)
