"""How fast the DuckDB store takes counts in and answers from them: `make bench-store`.

A day of a city is stored an hour at a time, as a backfill does; its last hour then arrives as live counts do, in small
batches, each durable with the readings of all five windows before the next. References: storing the same batches in
another file without deriving anything; pandas reading the very same rows from Parquet in memory. Quote the ratios.
"""

from __future__ import annotations

import io
import json
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

from aggregate.aggregator import Aggregator
from aggregate.answers import Answers, ReadingQuery
from aggregate.duckdb_store import DuckDBStore
from aggregate.policy import AggregatePolicy
from core.clock import SystemClock
from core.figures import CLASSES, PEOPLE, Figures
from core.records import Camera, CountObservation, Status, Window, observation_id

CAMERAS = tuple(Camera(id=f"c{number}", name=f"c{number}", lat=51.5, lon=0, cadence_s=900) for number in range(300))
CLIPS_PER_HOUR = 4 * len(CAMERAS)
MIDNIGHT = datetime(2017, 3, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
BATCH = 50
MODEL = "lowres-2@0123456789ab"


def main() -> None:
    random = np.random.default_rng(5)
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "day.duckdb"
        store, alone = DuckDBStore.open(file), DuckDBStore.open(Path(scratch) / "alone.duckdb")
        store.save_cameras(CAMERAS)
        aggregator = Aggregator(store, AggregatePolicy(), SystemClock())
        *hours, last = (MIDNIGHT + number * HOUR for number in range(24))
        for hour in hours:
            observations = hour_of_city(hour, random)
            store.upsert_observations(observations)
            aggregator.rebuild(hour, hour + HOUR)
            alone.upsert_observations(observations)
        observations = hour_of_city(last, random)
        batches = [observations[first : first + BATCH] for first in range(0, len(observations), BATCH)]
        timed = [(seconds(aggregator.accept, batch), seconds(alone.upsert_observations, batch)) for batch in batches]
        accept_s, alone_s = (median(column) for column in zip(*timed, strict=True))
        figures = {
            "accepted_per_s": round(BATCH / accept_s, 1),
            "stored_alone_per_s": round(BATCH / alone_s, 1),
            "accept_ratio": round(alone_s / accept_s, 3),
            **answer_of_day(Answers(store, SystemClock())),
        }
        store.close()
        alone.close()
        figures["bytes_per_observation"] = round(file.stat().st_size / (24 * CLIPS_PER_HOUR))
    print(json.dumps({"name": "store", "figures": figures}))


def hour_of_city(start: datetime, random: np.random.Generator) -> list[CountObservation]:
    """Every clip of every camera in [start, start + 1 h), by event time; the cameras take turns, as a city's do."""
    step = HOUR / CLIPS_PER_HOUR
    return [counted(CAMERAS[n % len(CAMERAS)], start + n * step, random) for n in range(CLIPS_PER_HOUR)]


def counted(camera: Camera, event_time: datetime, random: np.random.Generator) -> CountObservation:
    """A counted clip, with figures as uneven as a network's: nothing for a compressor to find."""
    zone = camera.counted_zones[0].id
    mean = random.gamma(0.6, 2.0, len(CLASSES))
    present, peak, spread, stationary = (
        Figures.of([*values, values[: len(PEOPLE)].sum(), values[len(PEOPLE) :].sum()])
        for values in (mean, *(mean * random.uniform(least, least + 1, len(CLASSES)) for least in (1, 0, 0)))
    )
    return CountObservation(
        id=observation_id(camera.id, zone, event_time, MODEL),
        camera=camera.id,
        zone=zone,
        event_time=event_time,
        duration_s=10,
        status=Status.OK,
        frames=6,
        present=present,
        peak=peak,
        spread=spread,
        stationary=stationary,
        model=MODEL,
        counted_at=event_time + timedelta(seconds=90),
    )


def answer_of_day(answers: Answers) -> dict[str, float]:
    """One class of the whole day, by turns with the reference; the best of each."""
    query = ReadingQuery(series=("people",), window=Window.QUARTER, start=MIDNIGHT, end=MIDNIGHT + 24 * HOUR)
    parquet = io.BytesIO()
    answers.readings(query).to_parquet(parquet)
    turns = [(seconds(answers.readings, query), seconds(pd.read_parquet, parquet)) for _ in range(9)]
    answer_s, parquet_s = (min(column) for column in zip(*turns, strict=True))
    return {
        "answer_s": round(answer_s, 4),
        "parquet_s": round(parquet_s, 4),
        "answer_ratio": round(answer_s / parquet_s, 2),
    }


def seconds(work: Callable[[Any], object], given: object) -> float:
    began = time.perf_counter()
    work(given)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
