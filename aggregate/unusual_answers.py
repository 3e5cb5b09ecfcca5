"""What the store can be asked of what is not usual: hotspots, anomalies, priorities, lasting changes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from aggregate.anomaly_answers import CELL_RESOLUTION, AnomalyAnswers
from aggregate.change_answers import change_rows
from aggregate.grid import ZoneOfCamera
from aggregate.hotspot_answers import hotspot_rows
from aggregate.priority_answers import priority_rows
from aggregate.query import expect_hours
from aggregate.store import Store
from aggregate.unusual.found import Found, Outline
from aggregate.unusual.verdicts import Places
from aggregate.usual_answers import UsualAnswers
from aggregate.windows import WIDTH_S, WindowBounds, window_at
from core.errors import QueryError
from core.records import Window

MOST_HOURS = 12
"""How far back anomalies are looked for."""

QUARTERS_UP_TO_H = 3
"""Up to so many hours anomalies are looked for by quarters, beyond by hours."""

PRIORITIES_PERIOD, LONGEST_PRIORITIES = timedelta(weeks=4), timedelta(days=92)
CHANGES_PERIOD, LONGEST_CHANGES = timedelta(weeks=13), timedelta(days=366)


@dataclass(frozen=True)
class UnusualAnswer:
    """Rows, in the half-open period they are of. `looked` tells of each series how many places could be judged, for
    nothing unusual is not the same as nothing known; `outlines` has the ground of hexagons and regions by id."""

    frame: pd.DataFrame
    start: datetime
    end: datetime
    looked: tuple[Mapping[str, Any], ...]
    outlines: Mapping[str, Outline] = field(default_factory=dict)


class UnusualAnswers:
    """Answers from a store and from what is `usual`. Keeps only what a scan is calibrated by; threads may share it."""

    def __init__(self, store: Store, usual: UsualAnswers, present: Callable[[], datetime]) -> None:
        self._store = store
        self._usual = usual
        self._present = present
        self._anomalies = AnomalyAnswers(usual)

    def hotspots(
        self,
        zones: Sequence[ZoneOfCamera],
        series: Sequence[str],
        *,
        at: datetime | None = None,
        window: Window = Window.QUARTER,
        places: Places = Places.ZONES,
        resolution: int = CELL_RESOLUTION,
    ) -> UnusualAnswer:
        """Each of these zones, or each hexagon with some of them in it, in the window that holds `at`, the least likely
        to be chance first (`HOTSPOT_COLUMNS`). They are compared with each other: ask for a city, not for a street.

        Without `at` the newest window that is over. Raises `QueryError` for one that has not begun, or of another width
        than 15m and 60m.
        """
        span = self._window(at, window)
        found = [
            hotspot_rows(self._store, self._usual, zones, one, span, places=places, resolution=resolution)
            for one in series
        ]
        return _answer(found, span.start, span.end)

    def anomalies(
        self,
        zones: Sequence[ZoneOfCamera],
        series: Sequence[str],
        *,
        at: datetime | None = None,
        hours: int = 3,
        touching: Collection[str] | None = None,
    ) -> UnusualAnswer:
        """The regions of these zones that have been unusual for some time within the last `hours` and are so still at
        `at` (`ANOMALY_COLUMNS`), the least likely to be chance first; only those with a zone of `touching` in them.

        Without `at` at the end of the newest window that is over. Raises `QueryError` as `hotspots` does.
        """
        if not 1 <= hours <= MOST_HOURS:
            raise QueryError(f"hours is {hours}, expected 1 to {MOST_HOURS}", remedy="look back less far")
        window = Window.QUARTER if hours <= QUARTERS_UP_TO_H else Window.HOUR
        end = self._window(at, window).end
        start = end - timedelta(hours=hours)
        found = [self._anomalies.rows(zones, one, window, start=start, end=end, touching=touching) for one in series]
        return _answer(found, start, end)

    def priorities(
        self,
        zones: Sequence[ZoneOfCamera],
        series: Sequence[str],
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        limit: int = 20,
    ) -> UnusualAnswer:
        """Those of these zones that are too busy again and again, where to act first (`PRIORITY_COLUMNS`); then those
        of which nothing can be said. At most `limit` rows of each series. Raises `QueryError`.

        Without them the period ends at the newest hour that is over, and is four weeks long.
        """
        start, end = self._period(start, end, PRIORITIES_PERIOD, LONGEST_PRIORITIES)
        found = [priority_rows(self._usual, zones, one, start=start, end=end, limit=limit) for one in series]
        return _answer(found, start, end)

    def changes(
        self,
        zones: Sequence[ZoneOfCamera],
        series: Sequence[str],
        *,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> UnusualAnswer:
        """The levels of these zones that changed and stayed so (`CHANGE_COLUMNS`), the largest change first; then the
        zones of which nothing can be said. Raises `QueryError`.

        Without them the period ends at the newest hour that is over, and is thirteen weeks long.
        """
        start, end = self._period(start, end, CHANGES_PERIOD, LONGEST_CHANGES)
        found = [change_rows(self._store, zones, one, start, end) for one in series]
        return _answer(found, start, end)

    # -- what a question comes down to ----------------------------------------------------------------------------

    def _window(self, at: datetime | None, window: Window) -> WindowBounds:
        """The window that holds `at`; the newest that is over without it."""
        if window not in (Window.QUARTER, Window.HOUR):
            raise QueryError(
                f"windows of {window} are not compared with each other", remedy="ask for window=15m or window=60m"
            )
        present = self._present()
        if at is None:
            at = present - timedelta(seconds=WIDTH_S[window])
        elif at > present:
            raise QueryError(
                f"at ({at:%Y-%m-%dT%H:%M:%SZ}) is after the present ({present:%Y-%m-%dT%H:%M:%SZ})",
                remedy="leave `at` out for the newest window; what is expected of later ones is at /v1/forecasts",
            )
        return window_at(window, at, "UTC")

    def _period(
        self, start: datetime | None, end: datetime | None, usual: timedelta, longest: timedelta
    ) -> tuple[datetime, datetime]:
        """Whole hours, up to the newest one that is over."""
        present = window_at(Window.HOUR, self._present(), "UTC").start
        end = present if end is None else min(present, window_at(Window.HOUR, end, "UTC").start)
        start = end - usual if start is None else window_at(Window.HOUR, start, "UTC").start
        expect_hours(start, end)
        if end - start > longest:
            raise QueryError(
                f"the period from {start:%Y-%m-%d} to {end:%Y-%m-%d} has more than {longest.days} days",
                remedy="ask for a part of it",
            )
        return start, end


def _answer(found: Sequence[Found], start: datetime, end: datetime) -> UnusualAnswer:
    frame = pd.concat([one.frame for one in found], ignore_index=True)
    outlines = {name: outline for one in found for name, outline in one.outlines.items()}
    return UnusualAnswer(frame, start, end, tuple(one.looked for one in found), outlines)
