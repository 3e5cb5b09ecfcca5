"""What was found of one series: rows as a data frame, and of how many places could be spoken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aggregate.tables import Times

Outline = tuple[tuple[float, float], ...]
"""(lon, lat) of corners on the ground."""


@dataclass(frozen=True)
class Found:
    """`frame` of one series; `looked`: how many places were asked for, could be judged, and what that comes to in
    words; `outlines`: the ground of what has a shape of its own, by id."""

    frame: pd.DataFrame
    looked: Mapping[str, Any]
    outlines: Mapping[str, Outline] = field(default_factory=dict)


def words_column(values: Sequence[str | None] | NDArray[Any]) -> pd.Series[Any]:
    """Text, or lists of it; null stays None, of which pandas would make NaN."""
    column = np.empty(len(values), dtype=object)
    for row, value in enumerate(values):
        column[row] = value
    return pd.Series(column, dtype=object)


def times_column(values: Times) -> pd.DatetimeIndex:
    """Times of the tables as aware ones; NaT is null."""
    return pd.DatetimeIndex(values.astype("datetime64[us]")).tz_localize("UTC")


def numbers_column(values: Sequence[float | None] | NDArray[Any]) -> pd.Series[Any]:
    """Whole numbers, null for NaN and None."""
    figures = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    return pd.Series(figures, dtype="float64").astype("Int64")
