"""What two stores hold, row for row: what a cluster has to end with is what one process ends with.

Left out are the two moments that a machine's clock has written, `counted_at` and `derived_at`: of the same count, made
again, they differ, and nothing else may.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from aggregate.store import Store
from aggregate.tables import ReadingTable
from core.figures import SERIES
from core.records import Window

_EVER = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
_OF_THE_CLOCK = ("counted_at", "derived_at")

Rows = Mapping[tuple[Any, ...], Any]


@dataclass(frozen=True)
class Tables:
    """Rows by key: observations by id, readings by (zone, window, start), health by (camera, since)."""

    observations: Rows
    readings: Rows
    health: Rows

    @classmethod
    def of(cls, store: Store) -> Tables:
        """Everything that is stored."""
        zones = [zone.id for camera in store.cameras() for zone in camera.counted_zones]
        observations = {
            (one.id,): one.model_dump(exclude=set(_OF_THE_CLOCK))
            for zone in zones
            for one in store.observations(zone, *_EVER)
        }
        readings: dict[tuple[Any, ...], Any] = {}
        for window in Window:
            readings |= _readings(store.readings(window=window, series=SERIES, start=_EVER[0], end=_EVER[1]))
        health = {(one.camera, one.since): one for one in store.health(*_EVER)}
        return cls(observations, readings, health)

    def different(self, other: Tables) -> dict[str, list[tuple[Any, ...]]]:
        """The keys, by table, of rows that only one of the two has, or that are not the same in both."""
        pairs = {name: (getattr(self, name), getattr(other, name)) for name in ("observations", "readings", "health")}
        return {
            name: [key for key in mine.keys() | theirs.keys() if mine.get(key) != theirs.get(key)]
            for name, (mine, theirs) in pairs.items()
        }


def _readings(table: ReadingTable) -> dict[tuple[Any, ...], Any]:
    columns = {name: _plain(column) for name, column in table._columns().items() if name not in _OF_THE_CLOCK}
    rows = (dict(zip(columns, one, strict=True)) for one in zip(*columns.values(), strict=True))
    return {(row["zone"], row["window"], row["start"]): row for row in rows}


def _plain(column: np.ndarray[Any, Any]) -> list[Any]:
    """Values that compare as they are stored: NaN, which is null there, is None, to the last bit otherwise."""
    if column.ndim == 2:
        return [tuple(None if value != value else value for value in row) for row in column.tolist()]  # noqa: PLR0124 - NaN alone
    return [None if value != value else value for value in column.tolist()]  # noqa: PLR0124 - NaN alone
