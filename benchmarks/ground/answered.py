"""What is answered of watched cameras, through store, readings and answers, beside the truth."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from ground.watching import EACH, Watched

from aggregate.aggregator import Aggregator
from aggregate.answers import Answers, ReadingQuery
from aggregate.density import DRIVEN_ON, density_per_100m2
from aggregate.duckdb_store import DuckDBStore
from aggregate.policy import AggregatePolicy
from core.clock import SystemClock
from core.records import CountObservation, Window
from detect.crowding import WALKED

WINDOWS = {Window.QUARTER: "15min", Window.HOUR: "60min"}


def answered(watched: Sequence[Watched], *, calibrated: bool) -> pd.DataFrame:
    """The readings of people in every zone, and of vehicles where they drive: `READING_COLUMNS` and

    kind, true_m2, true_mean, seen_mean (present in the window, and those who could be seen), true_density,
    seen_density (per 100 m2 of `true_m2`) and true_crowded (of the walked zones, else NaN).
    """
    clock = SystemClock()
    counted = [seen for one in watched for seen in (one.calibrated if calibrated else one.uncalibrated)]
    first, last = min(one.event_time for one in counted), max(one.event_time for one in counted)
    with tempfile.TemporaryDirectory() as scratch:
        store = DuckDBStore.open(Path(scratch) / "noon.duckdb")
        store.save_cameras([one.camera for one in watched])
        store.upsert_observations(counted)
        Aggregator(store, AggregatePolicy(), clock).rebuild(first, last)
        asked = Answers(store, clock)
        frames = [
            asked.readings(ReadingQuery(window=window, start=first, end=last + EACH, limit=1_000_000))
            for window in WINDOWS
        ]
        store.close()
    return pd.concat([_beside_truth(frame[frame["clips_counted"] > 0], watched) for frame in frames])


def of_clips(watched: Sequence[Watched], *, calibrated: bool) -> pd.DataFrame:
    """The densities of single clips, of people in every zone and of vehicles where they drive, beside the truth:

    zone, class, density_per_100m2, density_low, density_high (counting error and calibration error, and no other) and
    true_density.
    """
    rows = [
        (one.zone, one.event_time, series, *_limits(one, series), ground.area_m2, ground.area_error)
        for camera in watched
        for one in (camera.calibrated if calibrated else camera.uncalibrated)
        for series in ("people", "vehicles")
        if (ground := one.ground) is not None
    ]
    told = pd.DataFrame(rows, columns=["zone", "at", "class", "mean", "low", "high", "area_m2", "area_error"])
    figures = ("mean", "low", "high", "area_m2", "area_error")
    densities = density_per_100m2(*(told[name].to_numpy() for name in figures))
    told["density_per_100m2"], told["density_low"], told["density_high"] = densities
    there = pd.concat(one.truth_of_clips for one in watched).melt(
        ["zone", "at"], ["people", "vehicles"], var_name="class", value_name="true_mean"
    )
    rows_of_all = told.merge(there, on=["zone", "at", "class"], validate="one_to_one").merge(_zones(watched), on="zone")
    rows_of_all["true_density"] = 100 * rows_of_all["true_mean"] / rows_of_all["true_m2"]
    return rows_of_all[(rows_of_all["class"] == "people") | rows_of_all["kind"].isin(DRIVEN_ON)]


def _limits(observation: CountObservation, series: str) -> list[float]:
    """present, low, high."""
    counts = (observation.present, observation.low, observation.high)
    return [np.nan if count is None else count.get(series) for count in counts]


def _zones(watched: Sequence[Watched]) -> pd.DataFrame:
    return pd.DataFrame(
        {"zone": zone.id, "kind": zone.kind, "true_m2": one.true_area_m2[zone.id]}
        for one in watched
        for zone in one.camera.zones
    )


def _beside_truth(readings: pd.DataFrame, watched: Sequence[Watched]) -> pd.DataFrame:
    minutes = pd.concat(one.truth for one in watched)
    minutes["start"] = minutes["at"].dt.floor(WINDOWS[Window(readings["window"].iloc[0])])
    means = minutes.groupby(["zone", "start"]).mean(numeric_only=True).reset_index()
    truth = pd.concat(
        means.assign(**{"class": series, "true_mean": means[series], "seen_mean": means[f"{series}_seen"]})
        for series in ("people", "vehicles")
    )[["zone", "start", "class", "true_mean", "seen_mean", "crowded"]]
    truth["start"] = truth["start"].astype(readings["start"].dtype)
    rows = readings.merge(truth, on=["zone", "start", "class"], validate="one_to_one").merge(_zones(watched), on="zone")
    rows["true_density"] = 100 * rows["true_mean"] / rows["true_m2"]
    rows["seen_density"] = 100 * rows["seen_mean"] / rows["true_m2"]
    walked = rows["kind"].isin(WALKED) & (rows["class"] == "people")
    rows["true_crowded"] = rows.pop("crowded").where(walked)
    return rows[(rows["class"] == "people") | rows["kind"].isin(DRIVEN_ON)]
