"""Three real camera-days: every clip has one end, faults are null with a reason, and the API answers."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fabricated_day import serving

from aggregate.aggregator import Aggregator
from aggregate.answers import Answers
from aggregate.duckdb_store import DuckDBStore
from busyness.keeping import open_store
from busyness.wiring import about
from core.clock import SystemClock
from core.records import Status

if TYPE_CHECKING:
    from conftest import ReplayedDays

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_every_clip_is_accounted_for(real_days: ReplayedDays) -> None:
    tally = real_days.replayed.tally
    assert real_days.replayed.clips == len(tally.status_of) == 576
    assert {camera: counts.total() for camera, counts in tally.by_camera().items()} == {
        "04254": 144,
        "06710": 288,
        "09800": 144,
    }
    assert real_days.replayed.skipped == ()


def test_a_clip_that_was_not_counted_has_null_figures_and_a_reason(real_days: ReplayedDays) -> None:
    store = open_store(real_days.config, read_only=True)
    try:
        begin, end = datetime(2017, 3, 9, tzinfo=UTC), datetime(2017, 3, 10, tzinfo=UTC)
        for camera in store.cameras():
            (zone,) = camera.counted_zones
            observations = store.observations(zone.id, begin, end)
            for observation in observations:
                assert (observation.status is Status.OK) == (observation.present is not None)
                assert observation.reason or observation.status is Status.OK
        statuses = Counter(real_days.replayed.tally.status_of.values())
        assert statuses == {Status.OK: 478, Status.PLACEHOLDER: 43, Status.MOVED_VIEW: 28, Status.FROZEN: 27}
    finally:
        store.close()


def test_the_api_answers_for_the_day(real_days: ReplayedDays) -> None:
    store, clock = open_store(real_days.config, read_only=True), SystemClock()
    with closing(store), serving(store, Answers(store, clock), about(real_days.config), clock) as service:

        def ask(**question: str) -> list[dict[str, Any]]:
            answer = httpx.get(f"{service.address}v1/readings", params=question, timeout=30)
            rows: list[dict[str, Any]] = answer.json()["readings"]
            return rows

        rows = ask(**{"class": "people"}, window="15m")
        assert Counter(row["camera"] for row in rows) == {"04254": 96, "06710": 96, "09800": 96}
        for row in rows:
            assert (row["state"] == "missing") == (row["mean"] is None)
            assert row["mean"] is None or row["low"] <= row["mean"] <= row["high"]
        kew = {row["start"][11:16]: row for row in rows if row["camera"] == "06710"}
        assert kew["08:45"]["mean"] is None
        assert kew["08:45"]["reason"] == "placeholder (3 of 3 clips)"
        (day,) = ask(**{"class": "people"}, camera="06710", window="1d")
        assert (day["clips_counted"], day["clips_expected"]) == (192, 288)
        assert "43 placeholder" in day["reason"]
        assert "27 frozen" in day["reason"]
        assert "26 moved view" in day["reason"]
        (day,) = ask(**{"class": "vehicles"}, camera="09800", window="1d")
        assert day["clips_counted"] == day["clips_expected"] == 144
        mean = {row["start"][11:13]: row["mean"] for row in ask(**{"class": "people"}, camera="09800", window="60m")}
        assert mean["03"] < mean["12"], "the small hours are quieter than noon"


def test_deriving_the_day_anew_changes_nothing(real_days: ReplayedDays, tmp_path: Path) -> None:
    """Backfill over the replayed store agrees with the replay row for row: nothing is revised."""
    path = tmp_path / "again.duckdb"
    assert real_days.config.store.path is not None
    path.write_bytes(real_days.config.store.path.read_bytes())
    store = DuckDBStore.open(path)
    try:
        aggregator = Aggregator(store, real_days.config.aggregate, SystemClock())
        assert aggregator.rebuild(datetime(2017, 3, 9, tzinfo=UTC), datetime(2017, 3, 10, tzinfo=UTC)) == 0
    finally:
        store.close()
