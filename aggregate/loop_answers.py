"""What the store can be asked of loops and counters."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pandas as pd

from aggregate.query import MAX_ROWS, BoundingBox, expect_box, expect_known, expect_series
from aggregate.store import Store
from core.errors import QueryError
from core.loops import LoopCounter

LOOP_READING_COLUMNS = ("counter", "class", "start", "end", "flow", "occupancy", "reason")
"""Order of every frame of loop readings: times datetime64[us, UTC], figures float64 (NaN for null), the rest str."""

_INSTANT = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class LoopAnswers:
    """Answers from a store. Keeps nothing, so any number of threads may ask."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def counters(self, bbox: BoundingBox | None = None) -> list[LoopCounter]:
        """Every counter, or those in `bbox`, by id; one without a position is in no box. Raises `QueryError`."""
        counters = self._store.counters()
        if bbox is None:
            return counters
        expect_box(bbox)
        west, south, east, north = bbox
        return [
            counter
            for counter in counters
            if counter.lon is not None
            and counter.lat is not None
            and west <= counter.lon <= east
            and south <= counter.lat <= north
        ]

    def period(self, start: datetime | None, end: datetime | None) -> tuple[datetime, datetime]:
        """The half-open period asked for; where an edge is left open, that of what is stored."""
        first, newest = self._store.loop_extent() or (_EPOCH, _EPOCH)
        return start or first, end or newest + _INSTANT

    def readings(
        self,
        start: datetime,
        end: datetime,
        *,
        counters: Sequence[str] | None = None,
        series: Sequence[str] | None = None,
        limit: int = 100_000,
        offset: int = 0,
    ) -> pd.DataFrame:
        """Readings that begin in [start, end) (`LOOP_READING_COLUMNS`), by start, counter and class.

        What is not stored is no row: loops have no cadence that it could be missed by. Raises `NotFound` for an unknown
        counter, `QueryError` for a malformed question.
        """
        if not 1 <= limit <= MAX_ROWS:
            raise QueryError(f"limit is {limit}, expected 1 to {MAX_ROWS}", remedy="ask for less and page with offset")
        if counters is not None:
            expect_known("loop", counters, {counter.id for counter in self._store.counters()})
        if series is not None:
            expect_series(series)
        table = self._store.loops(start, end, counters=counters, series=series, limit=limit, offset=offset)
        return pd.DataFrame(
            {
                "counter": pd.Series(table.counter, dtype=object),
                "class": pd.Series(table.series, dtype=object),
                "start": pd.DatetimeIndex(table.start).tz_localize("UTC"),
                "end": pd.DatetimeIndex(table.end).tz_localize("UTC"),
                "flow": table.flow,
                "occupancy": table.occupancy,
                "reason": pd.Series(table.reason, dtype=object),
            },
            columns=list(LOOP_READING_COLUMNS),
        )
