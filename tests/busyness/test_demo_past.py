"""The demo begins with a past, stored once."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import numpy as np
from hand_clock import HandClock
from rich.console import Console

from aggregate.aggregator import Aggregator
from aggregate.duckdb_store import DuckDBStore
from aggregate.policy import AggregatePolicy
from aggregate.tables import moment
from busyness.synthetic_past import store_past
from core.records import Window
from ingest.synthetic import SyntheticConfig, SyntheticStreet

START = datetime(2026, 3, 12, 6, tzinfo=UTC)
CONFIG = SyntheticConfig(cameras=1, seed=7, start=START, cadence_s=3600, past_weeks=1)


def test_the_weeks_before_have_readings_and_are_stored_once() -> None:
    console, camera = Console(file=io.StringIO()), SyntheticStreet(CONFIG).cameras[0]
    store = DuckDBStore.open(None)
    store.save_cameras([camera])
    aggregator = Aggregator(store, AggregatePolicy(), HandClock(START))
    zones = [zone.id for zone in camera.counted_zones]
    assert store_past(CONFIG, store, aggregator, console) == 7 * 24 * len(zones)
    found = store.history(
        window=Window.HOUR, series="people", start=START - timedelta(weeks=1), end=START, zones=zones,
        timezone=camera.timezone,
    )  # fmt: skip
    assert found.value.shape == (len(zones), 168)
    assert found.starts[0] == moment(START - timedelta(weeks=1))
    assert np.isfinite(found.value).mean() > 0.9
    assert store_past(CONFIG, store, aggregator, console) == 0, "after a restart it has its past"
    store.close()


def test_without_past_weeks_nothing_is_stored() -> None:
    store = DuckDBStore.open(None)
    none = CONFIG.model_copy(update={"past_weeks": 0})
    assert store_past(none, store, Aggregator(store, AggregatePolicy(), HandClock(START)), Console()) == 0
    assert store.extent() is None
    store.close()
