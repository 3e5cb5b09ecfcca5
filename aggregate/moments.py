"""What the clips of windows add up to: all that a reading is made of.

Sums of whole numbers, of figures in millionths, which is how counts are written. So neither the order in which clips
come nor the parts in which they are added makes a difference, not in the last bit: a day is what the clips of its past
hours added up to (`aggregate/day_so_far.py`) and those of the hour that goes on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Self

import numpy as np
import pandas as pd

from aggregate.intervals import counter_error
from aggregate.tables import Clips, Integers, Mask, Numbers, Rows, Spans, Text, Times, text
from core.figures import OF_PEOPLE, SERIES
from core.records import Camera, Status

MILLIONTHS = 1e6
"""Of one: what figures are added up in; a counter's error, which is no count, in thousandths of it (`ERROR_UNIT`)."""

ERROR_UNIT = 1e9

_OF_PEOPLE = np.array(OF_PEOPLE)
_STATUSES = tuple(Status)
_LEAST_AREA_M2, _MOST_AREA_M2 = 1e-6, 1e6
"""No zone of a picture shows less ground, or more: who says so is calibrated wrongly, and the ground is not known."""
_WORST_AREA_ERROR = 100.0
"""As a share of the area: long before it nothing is known of it."""

_WIDTHS = {
    "clips": len(_STATUSES),  # how many there are of each `Status`, in its order; all below is of those counted
    "present": len(SERIES),
    "squares": len(SERIES),  # of present
    "still": len(SERIES),  # of clips that can tell who stood still: how many did, and how many were present
    "among": len(SERIES),
    "error": len(SERIES),  # the counter's, of clips that know it; how many do; and what of it clips share
    "erring": len(SERIES),
    "shared": len(SERIES),
    "area": 1,  # of clips that know their ground; how many do; its error times the area
    "grounded": 1,
    "area_error": 1,
    "crowded": 1,  # of clips that know what share of it was crowded; how many do
    "crowding": 1,
}
_PLACES = {
    name: slice(*edges) for name, edges in zip(_WIDTHS, pairwise(accumulate(_WIDTHS.values(), initial=0)), strict=True)
}
_SUMS = sum(_WIDTHS.values())
NUMBERS = _SUMS + len(SERIES)
"""How many whole numbers the moments of a window are. Stores keep them in this order (`aggregate/day_so_far.py`): who
changes it, or what one of them is, empties the stores' `days_so_far` in a migration."""


@dataclass(frozen=True, eq=False)
class Moments(Rows):
    """Of windows, or parts of them: `sums` [window, sum], and the greatest `peak` [window, series], 0 where none is."""

    sums: Integers
    peak: Integers

    @classmethod
    def of_numbers(cls, numbers: Integers) -> Self:
        """From [window, `NUMBERS`]."""
        return cls(numbers[:, :_SUMS], numbers[:, _SUMS:])

    @property
    def numbers(self) -> Integers:
        """All of them, [window, `NUMBERS`]: for keeping."""
        return np.concatenate([self.sums, self.peak], axis=1)

    def __add__(self, other: Self) -> Self:
        """Of windows that have the clips of both, none of which is in both."""
        return type(self)(self.sums + other.sums, np.maximum(self.peak, other.peak))

    def sum_of(self, name: str) -> Integers:
        """[window, series] (or status); of what has one figure a clip, [window]."""
        columns = self.sums[:, _PLACES[name]]
        return columns[:, 0] if _WIDTHS[name] == 1 else columns

    def figure_of(self, name: str) -> Numbers:
        """As `sum_of`, of figures that are added up in millionths."""
        return self.sum_of(name) / MILLIONTHS

    def of_status(self, status: Status) -> Integers:
        """How many clips have this status: [window]."""
        return self.sum_of("clips")[:, _STATUSES.index(status)]


def nothing(windows: int) -> Moments:
    """The moments of windows without a clip."""
    return Moments.of_numbers(np.zeros((windows, NUMBERS), dtype=np.int64))


def newest_counts(clips: Clips, camera_of: Mapping[str, Camera]) -> Clips:
    """One clip per zone and event time, by both, of the cameras that have the zones now.

    Of several counts of one zone and event time (another model, a recount) only the newest is used, whatever it says:
    ties go to the larger id.
    """
    zone, names = pd.factorize(clips.zone)
    owners = text([camera_of[name].id if name in camera_of else None for name in names])
    rows = np.flatnonzero(np.asarray(owners[zone] == clips.camera, dtype=bool))
    zone, event_time = zone[rows], clips.event_time[rows]
    order = np.lexsort((event_time, zone))
    followed = _followed(zone[order], event_time[order])
    if followed.any():  # ids take long to compare, and are compared of counts of the same clip alone
        order = np.lexsort((clips.id[rows].astype(str), clips.counted_at[rows], event_time, zone))
        followed = _followed(zone[order], event_time[order])
    return clips.take(rows[order[~followed]])


def moments_of(spans: Spans, clips: Clips) -> Moments:
    """What the clips in each of `spans` add up to. `clips`: as `newest_counts` gives them."""
    first, last = _rows_of_spans(spans, clips.zone, clips.event_time)
    sums = np.empty((len(spans), _SUMS), dtype=np.int64)
    for name, of_clips in _to_add(clips):
        # What is added up to each clip: sums of whole numbers may be subtracted.
        before = np.zeros((len(clips) + 1, _WIDTHS[name]), dtype=np.int64)
        np.cumsum(of_clips.reshape(len(clips), _WIDTHS[name]), axis=0, out=before[1:])
        sums[:, _PLACES[name]] = before[last] - before[first]
    return Moments(sums, _greatest(_whole(clips.peak), first, last))


def _to_add(clips: Clips) -> Iterator[tuple[str, Integers]]:
    """What each clip adds to every sum, [clip, ...]; a clip that was not counted, or does not know it, adds nothing."""
    status, names = pd.factorize(clips.status)
    place = np.array([_STATUSES.index(Status(name)) for name in names], dtype=np.int64)[status]
    yield "clips", (place[:, None] == np.arange(len(_STATUSES))).astype(np.int64)
    yield "present", _whole(clips.present)
    yield "squares", _whole(clips.present**2)
    known = ~np.isnan(clips.stationary)
    yield "still", _whole(clips.stationary)
    yield "among", _whole(np.where(known, clips.present, 0.0))
    error = counter_error(clips.present, clips.high)
    yield "error", _whole(error, ERROR_UNIT)
    yield "erring", (~np.isnan(error)).astype(np.int64)
    yield "shared", _whole(_shares(clips) * error, ERROR_UNIT)
    grounded = (clips.area_m2 >= _LEAST_AREA_M2) & (clips.area_m2 <= _MOST_AREA_M2)
    area = np.where(grounded, clips.area_m2, np.nan)
    yield "area", _whole(area)
    yield "grounded", grounded.astype(np.int64)
    yield "area_error", _whole(area * np.minimum(clips.area_error, _WORST_AREA_ERROR))
    yield "crowded", _whole(clips.crowded_share)
    yield "crowding", (~np.isnan(clips.crowded_share)).astype(np.int64)


def _whole(figures: Numbers, unit: float = MILLIONTHS) -> Integers:
    """Figures in whole parts of one; 0 for NaN."""
    return np.rint(np.nan_to_num(figures * unit, nan=0.0)).astype(np.int64)


def _shares(clips: Clips) -> Numbers:
    """What of the counter's error clips of an hour share, [clip, series]: all of it where that is not known."""
    shares = np.where(_OF_PEOPLE, clips.shared_by_people[:, None], clips.shared_by_vehicles[:, None])
    return np.where(np.isnan(shares), 1.0, shares)


def _greatest(values: Integers, first: Integers, last: Integers) -> Integers:
    """The greatest of each range of rows, which may overlap; 0 where it is empty."""
    greatest = np.zeros((len(first), values.shape[1]), dtype=np.int64)
    some = np.flatnonzero(last > first)
    if len(some):
        n = (last - first)[some]
        begins = np.cumsum(n) - n
        rows = np.repeat(first[some] - begins, n) + np.arange(n.sum())
        greatest[some] = np.maximum.reduceat(values[rows], begins, axis=0)
    return greatest


def _followed(zone: Integers, event_time: Times) -> Mask:
    """Which rows, sorted by both, another one of the same follows."""
    followed: Mask = np.zeros(len(zone), dtype=bool)
    followed[:-1] = (zone[1:] == zone[:-1]) & (event_time[1:] == event_time[:-1])
    return followed


def _rows_of_spans(spans: Spans, zone: Text, event_time: Times) -> tuple[Integers, Integers]:
    """For each span the half-open range of clips (sorted by zone and event time) that it holds."""
    number, names = pd.factorize(zone)  # from 0 on, in the order of the clips
    edges = np.append(np.searchsorted(number, np.arange(len(names))), len(zone))
    # -1, where the zone has none: from the last edge to the first, between which nothing is.
    of_span = pd.Index(names).get_indexer(pd.Index(spans.zone))
    begins, ends = edges[of_span], edges[of_span + 1]
    return _found(event_time, spans.start, begins, ends), _found(event_time, spans.end, begins, ends)


def _found(event_time: Times, edge: Times, low: Integers, high: Integers) -> Integers:
    """`np.searchsorted` of each edge in a range [low, high) of its own: all halved at once."""
    while (wide := low < high).any():
        middle = (low + high) // 2
        before = event_time[np.where(wide, middle, 0)] < edge
        low = np.where(wide & before, middle + 1, low)
        high = np.where(wide & ~before, middle, high)
    return low
