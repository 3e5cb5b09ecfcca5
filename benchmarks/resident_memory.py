"""How resident memory moved while something ran."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def slope_mb_per_h(looks: Sequence[tuple[float, float]], *, of_last: float) -> float | None:
    """Least squares over the last part of the looks, in MB an hour of their clock; None of less than three looks.

    `looks` are (hours, MB), in order; `of_last` is the part that is looked at, 0 to 1.
    """
    late = looks[len(looks) - round(len(looks) * of_last) :]
    if len(late) < 3:
        return None
    at_h, mb = np.array(late).T
    return round(float(np.polyfit(at_h, mb, 1)[0]), 2)
