"""Readings from stored observations: a pure function, the same for live, replay and backfill."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from aggregate.density import covered_m2
from aggregate.intervals import counter_reach, joined, mean_interval
from aggregate.moments import ERROR_UNIT, MILLIONTHS, Moments, moments_of, newest_counts
from aggregate.policy import AggregatePolicy
from aggregate.tables import GROUND, Clips, Integers, Mask, Numbers, ReadingTable, Spans, Text, Times, text
from core.figures import SERIES
from core.records import INTERVAL_LEVEL, Camera, Status, TrustState

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
    what lies outside the spans does not matter.
    """
    return readings_of(spans, moments_of(spans, newest_counts(clips, camera_of)), camera_of, policy, derived_at)


def readings_of(
    spans: Spans, moments: Moments, camera_of: Mapping[str, Camera], policy: AggregatePolicy, derived_at: np.datetime64
) -> ReadingTable:
    """As `derive`, from what the clips of each of `spans` add up to."""
    clips = moments.sum_of("clips")
    held = np.flatnonzero(clips.any(axis=1))
    spans, moments, clips = spans.take(held), moments.take(held), clips[held]
    cameras = [camera_of[zone] for zone in spans.zone]
    cadence_s = np.array([camera.cadence_s for camera in cameras], dtype=np.float64)
    expected = expected_clips((spans.end - spans.start) / np.timedelta64(1, "s"), cadence_s)
    figures = _figures(moments)
    counted = moments.of_status(Status.OK)
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
        **_ground(moments, figures["mean"]),
        coverage=coverage,
        clips_counted=counted,
        clips_expected=expected,
        state=state,
        reason=_reasons(clips, counted, expected),
        revision=np.ones(rows, dtype=np.int64),
        derived_at=np.full(rows, derived_at, dtype="datetime64[us]"),
    )


def _figures(moments: Moments) -> dict[str, Numbers]:
    """mean, low, high, peak, stationary_share: [span, series], NaN where no clip of the span was counted."""
    some = moments.of_status(Status.OK) > 0
    of = moments.take(some)
    clips = of.of_status(Status.OK)[:, None]
    total = of.figure_of("present")
    mean = total / clips
    # Of equal counts the squares, rounded to millionths, may come to less than nothing.
    variance = np.maximum(of.figure_of("squares") - total * mean, 0.0) / np.maximum(clips - 1, 1)
    erred = np.where(clips == 1, of.sum_of("error"), of.sum_of("shared"))  # a single clip's error counts as a whole
    error = _ratio(erred / ERROR_UNIT, of.sum_of("erring"))
    between = mean_interval(mean, variance, np.broadcast_to(clips, mean.shape), INTERVAL_LEVEL)
    low, high = joined(mean, between, counter_reach(mean, error))
    # A clip that cannot tell who stood still (a single frame) says nothing about the share, in neither sum.
    share = np.minimum(_ratio(of.figure_of("still"), of.figure_of("among")), 1.0)
    known = {"mean": mean, "low": low, "high": high, "peak": of.peak / MILLIONTHS, "stationary_share": share}
    figures = {name: np.full((len(moments), len(SERIES)), np.nan) for name in known}
    for name, values in known.items():
        figures[name][some] = values.round(_DECIMALS)
    return figures


def _ground(moments: Moments, mean: Numbers) -> dict[str, Numbers]:
    """area_m2, calibration_error, vehicles_m2, crowded_share: [span], NaN where a clip of the span has no ground.

    A density of half of the clips would mislead, for which half it is depends on when the camera was calibrated. Where
    the area changed within the span (it was calibrated anew), it is the mean over the clips: divided by it, `mean` is
    all who were present over all square metres looked at, the ratio estimator (Cochran, Sampling Techniques, 3rd ed.
    1977, chapter 6), and the same area serves every series. The errors of one calibration are shared by its clips, and
    those of two may be: they are added as they stand, weighted by area, and never averaged away.
    """
    clips = moments.of_status(Status.OK)
    some = (clips > 0) & (moments.sum_of("grounded") == clips)
    of = moments.take(some)
    area = of.figure_of("area")
    known = {
        "area_m2": area / clips[some],
        "calibration_error": of.figure_of("area_error") / area,
        "vehicles_m2": covered_m2(SERIES, mean[some]),
        "crowded_share": _ratio(of.figure_of("crowded"), of.sum_of("crowding")),
    }
    ground = {name: np.full(len(moments), np.nan) for name in GROUND}
    for name, values in known.items():
        ground[name][some] = values.round(_DECIMALS)
    return ground


def _ratio(sums: Numbers, among: Numbers | Integers) -> Numbers:
    """NaN where there is none."""
    return np.divide(sums, among, out=np.full_like(sums, np.nan), where=among > 0)


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
