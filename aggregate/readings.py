"""Readings from stored observations: a pure function, the same for live, replay and backfill."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import pandas as pd

from aggregate.density import covered_m2
from aggregate.intervals import counter_error, counter_reach, joined, mean_interval
from aggregate.policy import AggregatePolicy
from aggregate.tables import GROUND, Clips, Integers, Mask, Numbers, ReadingTable, Spans, Text, Times, text
from core.records import INTERVAL_LEVEL, OF_PEOPLE, SERIES, Camera, Status, TrustState

_OF_PEOPLE = np.array(OF_PEOPLE)
_STATUSES = tuple(Status)

_DECIMALS = 6
"""Figures are rounded, so that the same counts give the same reading to the last bit on every machine."""

NOT_RECEIVED = "no clip received"
_NONE_HERE = "no clip in this window"


def expected_clips(width_s: Numbers, cadence_s: Numbers) -> Integers:
    """How many clips a window of this width is held against: floor(width / cadence), at least 1.

    Rounding up or to the nearest would blame the camera: of clips every 10 minutes a quarter holds one or two, and
    no clip is missing where it holds one. A window narrower than the cadence holds one clip or none, and where it
    holds none perhaps none was due: `not_due` words it so.
    """
    return np.maximum(1, np.floor(width_s / cadence_s + 1e-9)).astype(np.int64)


def not_due(cadence_s: float) -> str:
    """Why a window without any clip has no figures, where it is narrower than the camera's cadence."""
    return f"{_NONE_HERE}: the camera gives one every {_duration(cadence_s)}"


def _duration(seconds: float) -> str:
    for unit_s, unit in ((3600, "h"), (60, "min")):
        if seconds % unit_s == 0:
            return f"{seconds / unit_s:g} {unit}"
    return f"{seconds:g} s"


def derive(
    spans: Spans, clips: Clips, camera_of: Mapping[str, Camera], policy: AggregatePolicy, derived_at: np.datetime64
) -> ReadingTable:
    """The readings of those `spans` that hold at least one of `clips`, all `SERIES`, revision 1.

    `camera_of` gives the camera of every zone in `spans`; clips of the zone that another camera sent, before the zone
    was given to this one, are left out. Which clips are given in which order, how often, and
    what lies outside the spans does not matter. Of several counts of one zone and event time (another model, a
    recount) only the newest is used, whatever it says: ties go to the larger id.
    """
    kept = _newest_counts(clips, camera_of)
    first, last = _rows_of_spans(spans, clips.zone[kept], clips.event_time[kept])
    held = last > first
    spans, first, last = spans.take(held), first[held], last[held]
    cameras = [camera_of[zone] for zone in spans.zone]
    cadence_s = np.array([camera.cadence_s for camera in cameras], dtype=np.float64)
    expected = expected_clips((spans.end - spans.start) / np.timedelta64(1, "s"), cadence_s)

    # Clips of each status before each row: turns a range of clips into how many it holds of each.
    before = _tallies(clips.status[kept])
    ok = _STATUSES.index(Status.OK)
    first_counted, last_counted = before[first, ok], before[last, ok]
    of_counted = clips.take(kept[np.diff(before[:, ok]) > 0])
    figures = _figures(of_counted, first_counted, last_counted)
    counted = last_counted - first_counted
    coverage = np.minimum(1.0, counted / expected).round(_DECIMALS)
    state = np.where(coverage >= policy.observed_coverage, TrustState.OBSERVED.value, TrustState.PARTIAL.value)
    state = np.where(counted == 0, TrustState.MISSING.value, state).astype(object)
    rows = len(spans)
    return ReadingTable(
        series=SERIES,
        zone=spans.zone,
        camera=text([camera.id for camera in cameras]),
        window=spans.window,
        start=spans.start,
        end=spans.end,
        **figures,
        **_ground(of_counted, first_counted, last_counted, figures["mean"]),
        coverage=coverage,
        clips_counted=counted.astype(np.int64),
        clips_expected=expected,
        state=state,
        reason=_reasons(before[last] - before[first], counted, expected),
        revision=np.ones(rows, dtype=np.int64),
        derived_at=np.full(rows, derived_at, dtype="datetime64[us]"),
    )


def _newest_counts(clips: Clips, camera_of: Mapping[str, Camera]) -> Integers:
    """The rows of one clip per zone and event time, sorted by both, of the cameras that have the zones now."""
    zone, names = pd.factorize(clips.zone)
    owners = text([camera_of[name].id if name in camera_of else None for name in names])
    rows = np.flatnonzero(np.asarray(owners[zone] == clips.camera, dtype=bool))
    zone, event_time = zone[rows], clips.event_time[rows]
    order = np.lexsort((event_time, zone))
    followed = _followed(zone[order], event_time[order])
    if followed.any():  # ids take long to compare, and are compared of counts of the same clip alone
        order = np.lexsort((clips.id[rows].astype(str), clips.counted_at[rows], event_time, zone))
        followed = _followed(zone[order], event_time[order])
    newest: Integers = rows[order[~followed]]
    return newest


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


def _figures(counted: Clips, first: Integers, last: Integers) -> dict[str, Numbers]:
    """mean, low, high, peak, stationary_share: [span, series], NaN where no clip of the span was counted."""
    shape = (len(first), len(SERIES))
    figures = {name: np.full(shape, np.nan) for name in ("mean", "low", "high", "peak", "stationary_share")}
    some = last > first
    if not some.any():
        return figures
    n = (last - first)[some]
    rows, begins = _laid_out(first[some], n)

    present = counted.present[rows]
    count = n[:, None].astype(np.float64)
    total = np.add.reduceat(present, begins, axis=0)
    mean = total / count
    deviation = np.add.reduceat((present - np.repeat(mean, n, axis=0)) ** 2, begins, axis=0)
    variance = deviation / np.maximum(count - 1, 1)
    error = counter_error(counted.present, counted.high)
    shared = (_shares(counted) * error)[rows]
    alone = begins[n == 1]  # a single clip's error counts as a whole
    shared[alone] = error[rows[alone]]
    reach = counter_reach(mean, _mean_of_known(shared, begins))
    low, high = joined(mean, mean_interval(mean, variance, count, INTERVAL_LEVEL), reach)

    # A clip that cannot tell who stood still (a single frame) says nothing about the share, in neither sum.
    known = ~np.isnan(counted.stationary)
    still = np.add.reduceat(np.where(known, counted.stationary, 0.0)[rows], begins, axis=0)
    among = np.add.reduceat(np.where(known, counted.present, 0.0)[rows], begins, axis=0)
    share = np.divide(still, among, out=np.full_like(still, np.nan), where=among > 0)

    figures["mean"][some] = mean
    figures["low"][some] = low
    figures["high"][some] = high
    figures["peak"][some] = np.maximum.reduceat(counted.peak[rows], begins, axis=0)
    figures["stationary_share"][some] = np.clip(share, 0.0, 1.0)
    return {name: values.round(_DECIMALS) for name, values in figures.items()}


def _ground(counted: Clips, first: Integers, last: Integers, mean: Numbers) -> dict[str, Numbers]:
    """area_m2, calibration_error, vehicles_m2, crowded_share: [span], NaN where a clip of the span has no ground.

    A density of half of the clips would mislead, for which half it is depends on when the camera was calibrated. Where
    the area changed within the span (it was calibrated anew), it is the mean over the clips: divided by it, `mean` is
    all who were present over all square metres looked at, the ratio estimator (Cochran, Sampling Techniques, 3rd ed.
    1977, chapter 6), and the same area serves every series. The errors of one calibration are shared by its clips, and
    those of two may be: they are added as they stand, weighted by area, and never averaged away.
    """
    ground = {name: np.full(len(first), np.nan) for name in GROUND}
    some = last > first
    if not some.any() or np.isnan(counted.area_m2).all():
        return ground
    n = (last - first)[some]
    rows, begins = _laid_out(first[some], n)
    area = counted.area_m2[rows]
    total = np.add.reduceat(area, begins)
    error = np.add.reduceat(area * counted.area_error[rows], begins) / total
    crowded = _mean_of_known(counted.crowded_share[rows], begins)
    ground["area_m2"][some] = total / n
    ground["calibration_error"][some] = error
    ground["vehicles_m2"][some] = np.where(np.isnan(total), np.nan, covered_m2(SERIES, mean[some]))
    ground["crowded_share"][some] = np.where(np.isnan(total), np.nan, crowded)
    return {name: values.round(_DECIMALS) for name, values in ground.items()}


def _laid_out(first: Integers, n: Integers) -> tuple[Integers, Integers]:
    """The rows of every span one after the other, for a clip is in one span of every width; where each span begins."""
    begins = np.cumsum(n) - n
    return np.repeat(first - begins, n) + np.arange(n.sum()), begins


def _shares(clips: Clips) -> Numbers:
    """What of the counter's error clips of an hour share, [clip, series]: all of it where that is not known."""
    shares = np.where(_OF_PEOPLE, clips.shared_by_people[:, None], clips.shared_by_vehicles[:, None])
    return np.where(np.isnan(shares), 1.0, shares)


def _mean_of_known(values: Numbers, begins: Integers) -> Numbers:
    """The mean over each span's clips of the values that are known: [clip, ...] to [span, ...], NaN for none."""
    known = ~np.isnan(values)
    total = np.add.reduceat(np.where(known, values, 0.0), begins, axis=0)
    number = np.add.reduceat(known, begins, axis=0, dtype=np.float64)
    return np.divide(total, number, out=np.full_like(total, np.nan), where=number > 0)


def _tallies(status: Text) -> Integers:
    """How many clips of each status there are before each row, and in all: [row, status]."""
    number, names = pd.factorize(status)
    place = np.array([_STATUSES.index(Status(name)) for name in names], dtype=np.int64)[number]
    tallies = np.zeros((len(status) + 1, len(_STATUSES)), dtype=np.int64)
    np.cumsum(place[:, None] == np.arange(len(_STATUSES)), axis=0, out=tallies[1:])
    return tallies


def _reasons(tallies: Integers, counted: Integers, expected: Integers) -> Text:
    """Why clips of a span are not in its figures; None where all are. `tallies`: [span, status]."""
    reasons = text([None] * len(counted))
    short = np.flatnonzero((counted < expected) | (counted < tallies.sum(axis=1)))
    words = zip(map(tuple, tallies[short].tolist()), expected[short].tolist(), strict=True)
    reasons[short] = [_reason(tally, number) for tally, number in words]
    return reasons


@lru_cache(maxsize=4096)
def _reason(tally: tuple[int, ...], expected: int) -> str:
    """In words, from the number of clips of each `Status`."""
    by_status = dict(zip(_STATUSES, tally, strict=True))
    counted = by_status.pop(Status.OK)
    bad = {status.value.replace("_", " "): number for status, number in by_status.items() if number}
    received = counted + sum(bad.values())
    of = max(expected, received)
    absent = of - received
    if counted == 0 and len(bad) == 1:
        (status, number), *_ = bad.items()
        return f"{status} ({number} of {of} clips)" + (f", {absent} not received" if absent else "")
    parts = [f"{number} {status}" for status, number in sorted(bad.items(), key=lambda item: (-item[1], item[0]))]
    if absent:
        parts.append(f"{absent} not received")
    return f"{counted} of {of} clips counted; " + ", ".join(parts)


_ABSENT = re.compile(r"(; |, )?\d+ not received$")
_HEAD = re.compile(r"^\d+ of \d+ clips counted(; )?")


@lru_cache(maxsize=4096)
def while_open(reason: str | None, counted: int, expected: int) -> str | None:
    """The reason of a window that goes on: clips that are not due yet are not called missing."""
    if reason == NOT_RECEIVED:
        return f"window still open: 0 of {expected} clips so far"
    if reason is not None and reason.startswith(_NONE_HERE):
        return f"window still open: {reason}"
    if reason is None or not _ABSENT.search(reason):
        return reason
    faults = _HEAD.sub("", _ABSENT.sub("", reason))
    so_far = f"window still open: {counted} of {expected} clips so far"
    return f"{so_far}; {faults}" if faults else so_far


def is_open(end: Times, newest: Times | np.datetime64) -> Mask:
    """Whether event time (`newest`: one, or one a window) has not yet reached the end of the windows."""
    return np.asarray(end > newest, dtype=bool)
