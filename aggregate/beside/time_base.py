"""Loop readings of whatever intervals on the windows of a camera's readings: vehicles an hour, and how much is known.

loop     |--5'--|--5'--|--5'--| (none) ...      shares of an interval go where its time goes
windows  |---------- 15 min ----------|         an interval wider than a window says nothing of any one of them
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aggregate.tables import LoopTable, Numbers, Times

LEAST_COVERED = 0.75
"""The share of a window that a loop has to have counted for its flow to be told: no less than of a camera's clips."""


@dataclass(frozen=True, eq=False)
class Flow:
    """Of several counters together, [window]: vehicles an hour (NaN where one of them is not known) and the share of
    the window's time that all had counted."""

    per_hour: Numbers
    coverage: Numbers


def flow_on(table: LoopTable, counters: Sequence[str], starts: Times, step_s: int) -> Flow:
    """The flow past `counters` together in windows of `step_s` seconds that begin at `starts` (regular, in order).

    A sum over counters of which one says nothing is not known: the others alone would look like a quieter street.
    """
    per_hour = np.zeros(len(starts))
    coverage = np.ones(len(starts))
    for counter in counters:
        counted, seconds = _of_one(table.take(table.counter == counter), starts, step_s)
        known = seconds >= LEAST_COVERED * step_s
        per_hour += np.where(known, 3600.0 * counted / np.where(known, seconds, 1.0), np.nan)
        coverage = np.minimum(coverage, np.minimum(seconds / step_s, 1.0))
    return Flow(per_hour, coverage)


def _of_one(table: LoopTable, starts: Times, step_s: int) -> tuple[Numbers, Numbers]:
    """(vehicles, seconds counted) in each window."""
    counted, seconds = np.zeros(len(starts)), np.zeros(len(starts))
    begin_s, end_s = (
        (times - starts[0]) / np.timedelta64(1, "s") if len(starts) else np.empty(0)
        for times in (table.start, table.end)
    )
    width_s = end_s - begin_s
    usable = np.flatnonzero(~np.isnan(table.flow) & (width_s > 0) & (width_s <= step_s * (1 + 1e-9)))
    # Of one interval given twice (a publisher's correction has another end) the first that says something counts.
    usable = usable[begin_s[usable] >= np.append(-np.inf, np.maximum.accumulate(end_s[usable]))[: len(usable)]]
    begin_s, width_s, flow = begin_s[usable], width_s[usable], table.flow[usable]
    first = np.floor(begin_s / step_s).astype(np.int64)
    for ahead in (0, 1):  # an interval no wider than a window touches two at most
        window = first + ahead
        overlap = np.minimum(begin_s + width_s, (window + 1) * step_s) - np.maximum(begin_s, window * step_s)
        inside = (overlap > 0) & (window >= 0) & (window < len(starts))
        np.add.at(counted, window[inside], flow[inside] * overlap[inside] / width_s[inside])
        np.add.at(seconds, window[inside], overlap[inside])
    return counted, seconds
