"""What is usual in any zone at any time, from the baselines that are stored.

A window is compared with the baseline that was in force when it began: no past window is judged by what was only learnt
later, and its index does not change when a newer baseline is built.

    built from what was before   U1               U2               U3
                                 |--- in force ---|--- in force ---|--- in force ...
    windows asked for         x  x    x    x    x    x    x    x
                              ^ before the first a later one stands in: `borrowed`, for it knows what came after
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, time, timedelta
from threading import Lock

import numpy as np

from aggregate.grid import ZoneOfCamera, Zones
from aggregate.history import History
from aggregate.query import near
from aggregate.store import Store
from aggregate.tables import Integers, Mask, Text, Times, aware, moment, text
from aggregate.usual.baseline import expect
from aggregate.usual.baselines import ROLLING, BaselineState, BaselineTable, Expectation
from aggregate.usual.calendar import Calendar
from aggregate.usual.policy import Period, UsualPolicy
from core.errors import NotFound, QueryError
from core.records import Window

COMPARED = (Window.QUARTER, Window.HOUR, Window.DAY)
"""The widths of window that have a baseline: a minute or five are too short to be usual or not."""

NEVER_BUILT = "no baseline has been built of it yet: that is done every night, of the classes under usual.classes"
_POLICY = UsualPolicy()
_KEPT, _MOST_STARTS, _MANY_ZONES = 64, 16, 200


@dataclass(frozen=True, eq=False)
class Usual:
    """What is usual in windows: `expectation` [zone, start], in the order of the zones and of the `starts` asked for.

    `state` and `reason` [zone] are those of the last start: whether there is something to compare with, and why not, or
    what it is borrowed from; the reason is None where the state is `ok`. Where the starts reach over several baselines,
    `segment` [start] says in which of them each lies; `states` and `reasons` [zone, segment] are theirs.
    """

    starts: Times
    expectation: Expectation
    segment: Integers
    states: Text
    reasons: Text

    @property
    def state(self) -> Text:
        """Of the last start, [zone]: a `BaselineState`."""
        return self.states[:, -1]

    @property
    def reason(self) -> Text:
        """Of the last start, [zone]."""
        return self.reasons[:, -1]


@dataclass(frozen=True, eq=False)
class Field:
    """What was counted in zones and what is usual there, on one time base: `history.value` and the arrays of
    `usual.expectation` are [zone, step]."""

    history: History
    usual: Usual


class UsualAnswers:
    """Tells what is usual. Keeps what it read and reckoned last until other baselines are saved; threads may share it.

    `periods` are the named ones that can be compared with beside the usual; `policy` is that of the installation.
    """

    def __init__(
        self, store: Store, calendar: Calendar, periods: Sequence[Period] = (), policy: UsualPolicy = _POLICY
    ) -> None:
        self.calendar = calendar
        self.periods = tuple(periods)
        self.policy = policy
        self._store = store
        self._version: int | None = None
        self._newest: dict[tuple[str, str], BaselineTable] = {}
        self._kept: OrderedDict[tuple[object, ...], Usual] = OrderedDict()
        self._changing = Lock()

    @property
    def references(self) -> tuple[str, ...]:
        """The names of what can be compared with: the usual, then the named periods."""
        return (ROLLING, *(period.name for period in self.periods))

    def expect_reference(self, reference: str) -> None:
        """Raises `NotFound` for the name of no reference."""
        if reference not in self.references:
            raise NotFound(
                f"there is no reference {reference[:80]!r} to compare with",
                remedy=f"{near(reference, self.references)}/v1/references lists them; periods: in the configuration "
                "names more",
            )

    def expectation(
        self, zones: Sequence[ZoneOfCamera], series: str, window: Window, starts: Times, reference: str = ROLLING
    ) -> Usual:
        """What is usual of one series in the windows of `zones` that begin at `starts` (sorted, each once).

        Days begin where those of the zone's own time zone do. Windows that are not `COMPARED` have state `none`. Raises
        `NotFound` for a reference that there is not.
        """
        return self.expectations(zones, (series,), window, starts, reference)[0]

    def expectations(
        self, zones: Sequence[ZoneOfCamera], classes: Sequence[str], window: Window, starts: Times, reference: str
    ) -> list[Usual]:
        """`expectation` of each of several series."""
        self.expect_reference(reference)
        starts = starts.astype("datetime64[us]")
        if window not in COMPARED or len(starts) == 0 or len(zones) == 0:
            reason = _too_short(window) if window not in COMPARED else NEVER_BUILT
            return [_unknown(len(zones), starts, reason) for _ in classes]
        self._forget_if_changed()
        known = Zones.of(zones)
        return [self._remembered(known, one, window, starts, reference) for one in classes]

    def _remembered(self, zones: Zones, series: str, window: Window, starts: Times, reference: str) -> Usual:
        """What is usual, as it was reckoned before where the same was asked of the same baselines."""
        if len(starts) > _MOST_STARTS:
            return self._expected(zones, series, window, starts, reference)
        asked = (reference, series, window, starts.tobytes(), zones.ids, zones.timezones)
        with self._changing:
            version, kept = self._version, self._kept.get(asked)
            if kept is not None:
                self._kept.move_to_end(asked)
                return kept
        usual = _sealed(self._expected(zones, series, window, starts, reference))
        with self._changing:
            if version == self._version:
                self._kept[asked] = usual
                if len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
        return usual

    def field(
        self,
        zones: Sequence[ZoneOfCamera],
        series: str,
        window: Window,
        start: datetime,
        end: datetime,
        *,
        reference: str = ROLLING,
    ) -> Field:
        """What was counted, and what is usual, in the windows that begin in [start, end); `start` is that of a window.

        Of quarters and hours, which all zones share. Costs 45 bytes a zone and step. Raises `NotFound` for a reference
        that there is not, `QueryError` for another width of window.
        """
        if window not in (Window.QUARTER, Window.HOUR):
            raise QueryError(f"windows of {window} have no common time base", remedy="ask for 15m or 60m")
        timezone = zones[0].camera.timezone if zones else "UTC"
        ids = [one.zone.id for one in zones]
        history = self._store.history(window=window, series=series, start=start, end=end, zones=ids, timezone=timezone)
        return Field(history, self.expectation(zones, series, window, history.starts, reference))

    def baselines(self, zones: Sequence[ZoneOfCamera], series: str, at: datetime) -> BaselineTable | None:
        """The usual baselines in force at a moment, a row for each of the zones: one of state `none`, whose parameters
        are NaN, where there is none. None where no zone has one."""
        ids = [one.zone.id for one in zones]
        then = np.array([moment(at)])
        table = self._table(ids, series, then, ROLLING)
        rows = _in_force(table, ids, then[0])
        if not (rows >= 0).any():
            return None
        held, none = table.take(np.maximum(rows, 0)), rows < 0
        held.state[none], held.reason[none], held.parameters[none] = BaselineState.NONE.value, NEVER_BUILT, np.nan
        return replace(held, zone=text(ids))

    def newest(self, series: str, reference: str = ROLLING) -> BaselineTable:
        """The newest baselines of a class, by zone: of all zones that have one. Raises `NotFound` as others do."""
        self.expect_reference(reference)
        self._forget_if_changed()
        with self._changing:
            version, kept = self._version, self._newest.get((reference, series))
        if kept is not None:
            return kept
        newest = self._store.baselines(reference, at=self._ended(reference), series=[series])
        with self._changing:
            if version == self._version:
                self._newest[reference, series] = newest
        return newest

    def _forget_if_changed(self) -> None:
        version = self._store.baselines_version()
        with self._changing:
            if version != self._version:
                self._version = version
                self._newest.clear()
                self._kept.clear()

    def _table(self, ids: Sequence[str], series: str, starts: Times, reference: str) -> BaselineTable:
        """The baselines in force at any of `starts`, by zone and `until`; perhaps those of other zones too."""
        newest = self.newest(series, reference)
        if reference != ROLLING or len(newest) == 0 or newest.until.max() <= starts[0]:
            return newest
        wanted = ids if len(ids) <= _MANY_ZONES else None
        return self._store.baselines(
            reference, at=aware(starts[-1]), since=aware(starts[0]), zones=wanted, series=[series]
        )

    def _ended(self, reference: str) -> datetime | None:
        """When a named period was over everywhere: one that was longer once may have a baseline of later."""
        ends = {period.name: period.end for period in self.periods}
        return datetime.combine(ends[reference], time(), UTC) + timedelta(days=2) if reference in ends else None

    def _expected(self, zones: Zones, series: str, window: Window, starts: Times, reference: str) -> Usual:
        ids = zones.ids
        table, newest = self._table(ids, series, starts, reference), self.newest(series, reference)
        edges = np.unique(table.until[(table.until > starts[0]) & (table.until <= starts[-1])])
        segment = np.searchsorted(edges, starts, side="right")
        usual = _unknown(len(zones), starts, NEVER_BUILT, segments=len(edges) + 1)
        timezones = text(zones.timezones)
        for part, begin in enumerate([starts[0], *edges]):
            rows = _in_force(table, ids, begin)
            there, fitted = rows >= 0, _fitted(table, rows)
            usual.states[there, part], usual.reasons[there, part] = table.state[rows[there]], table.reason[rows[there]]
            within = np.flatnonzero(segment == part)
            sources = [(table, rows, fitted)]
            if table is not newest:
                later = _in_force(newest, ids, begin)
                sources.append((newest, later, ~fitted & _fitted(newest, later)))
            for source, places, told in sources:
                known = np.flatnonzero(told)
                for timezone in dict.fromkeys(timezones[known]):
                    mine = known[timezones[known] == timezone]
                    level = expect(source.take(places[mine]), window, starts[within], timezone, self.calendar)
                    for figure in fields(Expectation):
                        getattr(usual.expectation, figure.name)[np.ix_(mine, within)] = getattr(level, figure.name)
                if reference == ROLLING:
                    late = known[source.until[places[known]] > begin]
                    usual.states[late, part] = BaselineState.BORROWED.value
                    usual.reasons[late, part] = [_later(until) for until in source.until[places[late]]]
        return Usual(starts, usual.expectation, segment, usual.states, usual.reasons)


def _fitted(table: BaselineTable, rows: Integers) -> Mask:
    """Of each zone, whether its row (-1: none) was fitted."""
    fitted = np.append(np.isin(table.state.astype(str), [BaselineState.OK, BaselineState.BORROWED]), False)
    told: Mask = fitted[rows]
    return told


def _later(until: np.datetime64) -> str:
    return (
        f"its own later past: nothing was known then, so it is compared with what was counted until {str(until)[:10]}"
    )


def _in_force(table: BaselineTable, ids: Sequence[str], at: np.datetime64) -> Integers:
    """For each zone its row in the table (by zone and `until`) that is in force at a moment; -1 where it has none."""
    rows = np.full(len(ids), -1, dtype=np.int64)
    if len(table) == 0:
        return rows
    first = np.flatnonzero(np.append(True, table.zone[1:] != table.zone[:-1]))
    begun = np.add.reduceat((table.until <= at).astype(np.int64), first)
    newest = first + np.maximum(begun - 1, 0)
    row_of = dict(zip(table.zone[first], newest.tolist(), strict=True))
    rows[:] = [row_of.get(zone, -1) for zone in ids]
    return rows


def _sealed(usual: Usual) -> Usual:
    """The same, which nobody can change: many share it."""
    for array in (usual.states, usual.reasons, *(getattr(usual.expectation, one.name) for one in fields(Expectation))):
        array.setflags(write=False)
    return usual


def _too_short(window: Window) -> str:
    return f"a window of {window} is too short to be usual or not: ask for {', '.join(COMPARED)}"


def _unknown(zones: int, starts: Times, reason: str, segments: int = 1) -> Usual:
    """Nothing is known of any window, which can be filled in."""
    states, reasons = (np.empty((zones, segments), dtype=object) for _ in range(2))
    states[:], reasons[:] = BaselineState.NONE.value, reason
    nothing = {figure.name: np.full((zones, len(starts)), np.nan) for figure in fields(Expectation)}
    return Usual(starts, Expectation(**nothing), np.zeros(len(starts), dtype=np.int64), states, reasons)
