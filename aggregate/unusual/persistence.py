"""How long it has been so: for how many windows a place has been away from usual, in one direction, up to the last one.

A cumulative sum (Page 1954, Biometrika 41, 100-115) of the exceedances z beyond an allowance, kept between 0 and a cap,

    S_t = min(CAP, max(0, S_(t-1) + sign * z_t - ALLOWANCE))

is above zero as long as it goes on; it began with the first window after its last zero (the maximum-likelihood estimate
of when a cumulative sum's change began, Nishina 1992, Statistics & Probability Letters 13, 121-126):

    z    0.2   1.4   2.8   nan   0.1   1.9   3.0
    S    0     0.4   2     2     1.1   2     2          six windows

One ordinary window in between, or one of which nothing is known, does not end it; two ordinary ones do, for the cap
lets nothing add up that would have to be worked off. By an allowance of one standard deviation usual windows pull it
down as fast as those at two standard deviations push it up.
"""

from __future__ import annotations

import numpy as np

from aggregate.tables import Integers, Numbers

ALLOWANCE = 1.0
CAP = 2.0


def windows_lasting(z: Numbers, sign: Numbers) -> Integers:
    """Per place, how many windows it has lasted, the last one included; 0 where it does not last.

    `z` [place, window] in order of time, NaN where not known; `sign` [place] is 1 where too busy is asked, -1 where too
    quiet, NaN or 0 where neither is.
    """
    level = np.zeros(len(z))
    lasting = np.zeros(len(z), dtype=np.int64)
    for window in range(z.shape[1]):
        step = np.nan_to_num(sign * z[:, window] - ALLOWANCE)
        step[np.isnan(z[:, window])] = 0.0
        level = np.clip(level + step, 0.0, CAP)
        lasting = np.where(level > 0, lasting + 1, 0)
    asked = np.nan_to_num(sign) != 0
    return np.where(asked, lasting, 0)
