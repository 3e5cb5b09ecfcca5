"""How far from usual: on the scale on which counts vary alike, in standard deviations of single windows.

    z = (sqrt(observed + 3/8) - sqrt(expected + 3/8)) / spread

with `expected` and `spread` as `aggregate.usual.baselines.Expectation` has them: in usual times z is about standard
normal, and beyond 1.645 on either side in one window of ten.
"""

from __future__ import annotations

import numpy as np

from aggregate.tables import Numbers
from core.root_scale import stabilised


def exceedance(observed: Numbers, expected: Numbers, spread: Numbers) -> Numbers:
    """z of arrays of one shape; NaN where one of them is, and where there is no spread."""
    known = spread > 0
    z: Numbers = (stabilised(observed) - stabilised(expected)) / np.where(known, spread, np.nan)
    return z
