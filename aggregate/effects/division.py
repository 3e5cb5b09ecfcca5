"""Division where there is something to divide by."""

from __future__ import annotations

import numpy as np

from aggregate.tables import Mask, Numbers


def divided(top: Numbers, bottom: Numbers, *, otherwise: float, where: Mask | None = None) -> Numbers:
    """`top / bottom` where `bottom` is above 0 (and where `where`, if it is given); elsewhere `otherwise`."""
    usable = bottom > 0 if where is None else (bottom > 0) & where
    shape = np.broadcast_shapes(np.shape(top), np.shape(bottom))
    quotient: Numbers = np.full(shape, otherwise, dtype=np.float64)
    np.divide(top, bottom, out=quotient, where=usable)
    return quotient
