"""Day or night of a training picture, by the colour of street lamps, as `detect/lighting.py` tells it (and why)."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from detect.lighting import NIGHT_WARMTH
from detect.quality_measures import scene, warmth

DARK = 70.0  # mean level of a scene that is dark whatever its colour; none of the feed is


def by_night(image: NDArray[np.uint8]) -> bool:
    """Whether an RGB picture [y, x, 3] of any size was taken under street lamps, or is dark."""
    tint = warmth(np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb), np.uint8))
    return tint > NIGHT_WARMTH or float(scene(image).mean()) < DARK
