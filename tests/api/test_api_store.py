"""The API over a real store and a real server: what an analyst's tools get when they ask for an address."""

from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx
import numpy as np
import pandas as pd
import pytest
import uvicorn
from prometheus_client import CollectorRegistry

from aggregate.aggregator import Aggregator
from aggregate.answers import Answers
from aggregate.duckdb_store import DuckDBStore
from aggregate.feed import ReadingFeed
from aggregate.policy import AggregatePolicy
from api import live
from api.app import About, create_app
from core.figures import SERIES, Figures
from core.records import Camera, CountObservation, Status, Zone, observation_id

DAY = datetime(2017, 3, 9, tzinfo=UTC)
CAMERAS = (
    Camera(id="06710", name="Tower Bridge Rd", lat=51.5036, lon=-0.078),
    Camera(id="09800", name="High St", lat=51.6, lon=0.01, zones=(Zone(id="09800:road", name="Road"),)),
)


class DayClock:
    """Two hours into the day."""

    def now(self):
        return DAY + timedelta(hours=2)

    def sleep(self, seconds):
        raise AssertionError("nothing here waits by the clock of the events")


class PassingClock(DayClock):
    """As late as a test says."""

    def __init__(self, passed=timedelta()):
        self.passed = passed

    def now(self):
        return super().now() + self.passed


def observation(camera, minute, people):
    """A clip of `camera` with `people` on foot, or the placeholder card where `people` is None."""
    zone = camera.counted_zones[0].id
    event_time = DAY + timedelta(minutes=minute)
    counted = people is not None
    figures = (
        Figures.of([float(people) if name in ("pedestrian", "people") else 0.0 for name in SERIES]) if counted else None
    )
    return CountObservation(
        id=observation_id(camera.id, zone, event_time, "m"),
        camera=camera.id,
        zone=zone,
        event_time=event_time,
        duration_s=10,
        status=Status.OK if counted else Status.PLACEHOLDER,
        reason=None if counted else "the feed shows its card",
        frames=8,
        present=figures,
        peak=figures,
        spread=figures,
        stationary=figures,
        model="m",
        counted_at=event_time + timedelta(seconds=20),
    )


@pytest.fixture(scope="module")
def served():
    """A server on loopback over a store of two hours: (address, aggregator, feed)."""
    store = DuckDBStore.open(None)
    store.save_cameras(CAMERAS)
    aggregator = Aggregator(store, AggregatePolicy(), DayClock())
    aggregator.accept(
        [
            observation(camera, minute, None if camera.id == "09800" and minute >= 60 else minute / 5)
            for camera in CAMERAS
            for minute in range(0, 120, 5)
        ]
    )
    feed = ReadingFeed()
    app = create_app(
        Answers(store, DayClock()),
        feed,
        About(name="two hours"),
        DayClock(),
        CollectorRegistry(),
        ready=lambda: None,
        web_dist=None,
    )
    server = uvicorn.Server(
        uvicorn.Config(app, log_level="warning", ws="none", lifespan="off", timeout_graceful_shutdown=5)
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", aggregator, feed
        finally:
            feed.close()
            server.should_exit = True
            thread.join(10)
            store.close()
    assert not thread.is_alive()


def test_pandas_loads_the_same_readings_from_every_address(served):
    address, _, _ = served
    question = f"{address}/v1/readings?class=people&window=15m"
    parquet = pd.read_parquet(f"{question}&format=parquet")
    table = pd.read_csv(
        f"{question}&format=csv", dtype={"camera": "str"}, parse_dates=["start", "end", "derived_at"], na_values=[""]
    )
    rows = pd.DataFrame(httpx.get(question).json()["readings"])
    assert len(parquet) == 8 * 2
    for other in (table, rows):
        assert list(other.columns) == list(parquet.columns)
        assert (pd.to_datetime(other["start"]) == parquet["start"]).all()
        np.testing.assert_allclose(other["mean"].astype(float), parquet["mean"])
        assert (other["reason"].fillna("") == parquet["reason"].fillna("")).all()
    assert parquet["start"].dt.tz is not None
    assert str(table["start"].dt.tz) == "UTC"


def test_a_placeholder_hour_is_null_with_its_reason_in_every_dialect(served):
    address, _, _ = served
    question = f"{address}/v1/readings?camera=09800&class=people&from=2017-03-09T01:00:00Z&to=2017-03-09T02:00:00Z"
    rows = httpx.get(question).json()["readings"]
    assert [row["mean"] for row in rows] == [None] * 4
    assert all("card" in row["reason"] or "placeholder" in row["reason"] for row in rows)
    assert pd.read_csv(f"{question}&format=csv")["mean"].isna().all()
    features = httpx.get(f"{question}&format=geojson").json()["features"]
    assert [feature["properties"]["mean"] for feature in features] == [None] * 4


@pytest.mark.parametrize("window", ["1m", "5m", "15m", "60m", "1d"])
def test_every_window_answers_and_pages_join_without_a_seam(served, window):
    address, _, _ = served
    question = f"{address}/v1/readings?window={window}&class=people,car"
    with httpx.Client() as analyst:
        whole = analyst.get(question).json()["readings"]
        paged, following = [], f"{question}&limit={len(whole) // 3 + 1}"
        while following:
            response = analyst.get(following)
            paged += response.json()["readings"]
            following = response.json()["next"] and response.url.join(response.json()["next"])
    assert paged == whole != []


@pytest.mark.parametrize("window", ["5m", "1d"])
def test_no_row_changes_its_page_when_clips_arrive_before_and_after_what_was_stored(make_street, window):
    store = DuckDBStore.open(None)
    store.save_cameras(CAMERAS)
    clock = PassingClock(timedelta(days=9))
    aggregator = Aggregator(store, AggregatePolicy(), clock)
    street = make_street(answers=Answers(store, clock))
    aggregator.accept([observation(CAMERAS[0], minute, 1) for minute in (0, 5, 10, 1440)])
    question = f"/v1/readings?window={window}&class=people"
    whole = [(row["zone"], row["start"]) for row in street.get(question).json()["readings"]]
    page = street.get(f"{question}&limit=1").json()
    aggregator.accept([observation(CAMERAS[0], minute, 2) for minute in (-3 * 1440, 15, 3 * 1440)])
    walked = page["readings"]
    while page["next"]:
        page = street.get(page["next"].replace("limit=1&", "limit=100&")).json()
        walked += page["readings"]
    assert [(row["zone"], row["start"]) for row in walked] == whole
    assert len(whole) > 2
    store.close()


def test_head_over_a_real_connection_leaves_it_usable(served):
    address, _, _ = served
    with httpx.Client(base_url=address, limits=httpx.Limits(max_connections=1)) as client:
        for path in ("/v1/extent", "/v1/readings?format=parquet", "/v1/cameras?format=csv", "/v1/nothing"):
            bare, whole = client.head(path), client.get(path)
            assert (bare.status_code, bare.content) == (whole.status_code, b"")
            for name in ("content-type", "content-length", "content-encoding"):
                assert bare.headers.get(name) == whole.headers.get(name)


def test_nothing_present_is_zero_and_its_stationary_share_null(served):
    address, _, _ = served
    rows = httpx.get(f"{address}/v1/readings?camera=06710&class=car&to=2017-03-09T01:00:00Z").json()["readings"]
    assert {(row["state"], row["mean"], row["stationary_share"]) for row in rows} == {("observed", 0.0, None)}


def test_an_open_window_changes_under_the_same_revision_and_derived_at_tells_the_versions_apart(make_street):
    store, clock = DuckDBStore.open(None), PassingClock()
    store.save_cameras(CAMERAS)
    aggregator = Aggregator(store, AggregatePolicy(), clock)
    street = make_street(answers=Answers(store, clock))
    versions = []
    for minute in (0, 5):
        aggregator.accept([observation(CAMERAS[0], minute, 1 + minute)])
        clock.passed += timedelta(minutes=5)
        (row,) = street.get("/v1/latest?camera=06710&class=people").json()["readings"]
        versions.append((row["revision"], row["derived_at"], row["mean"]))
    assert versions == [(1, "2017-03-09T02:00:00Z", 1.0), (1, "2017-03-09T02:05:00Z", 3.5)]
    store.close()


def test_unknown_names_and_the_rest_of_time_cost_nothing(served):
    address, _, _ = served
    assert httpx.get(f"{address}/v1/readings?zone=09800:rood").json()["remedy"].startswith("did you mean 09800:road")
    began = time.perf_counter()
    long = httpx.get(f"{address}/v1/readings?window=1m&from=1970-01-01T00:00Z&to=2199-01-01T00:00Z&limit=10")
    far = httpx.get(f"{address}/v1/readings?window=1d&offset=1000000000")
    assert (long.status_code, far.status_code) == (200, 200)
    assert long.json()["count"] == 10
    assert time.perf_counter() - began < 10


def test_cameras_and_extent_come_from_the_store(served):
    address, _, _ = served
    cameras = {row["id"]: row for row in httpx.get(f"{address}/v1/cameras").json()["cameras"]}
    assert cameras["09800"]["last_status"] == "placeholder"
    assert cameras["09800"]["last_event_time"] == "2017-03-09T01:55:00Z"
    assert cameras["09800"]["last_counted"] == "2017-03-09T00:55:00Z"
    assert httpx.get(f"{address}/v1/extent").json() == {"start": "2017-03-09T00:00:00Z", "end": "2017-03-09T01:55:00Z"}
    assert httpx.get(f"{address}/readyz").status_code == 200
    assert 'busyness_camera_up{camera="09800"} 0.0' in httpx.get(f"{address}/metrics").text


def test_many_threads_may_ask_while_the_pipeline_writes(served):
    address, aggregator, _ = served
    questions = ["readings", "latest", "cameras", "extent", "readings?window=1m&limit=100"] * 3
    with ThreadPoolExecutor(8) as pool, httpx.Client(base_url=f"{address}/v1/") as client:
        answers = [pool.submit(client.get, question) for question in questions]
        for minute in range(1, 4):
            aggregator.accept([observation(CAMERAS[0], minute, 3)])
        assert {answer.result().status_code for answer in answers} == {200}


def test_a_watcher_of_the_real_server_hears_a_change_and_gives_its_place_back(served, monkeypatch):
    monkeypatch.setattr(live, "LOOK_EVERY_S", 0.02)
    address, aggregator, feed = served
    with httpx.stream("GET", f"{address}/v1/live?class=people", timeout=20) as response:
        lines = response.iter_lines()
        assert next(lines) == ": listening"
        assert feed.subscribers == 1
        feed.publish(aggregator.accept([observation(CAMERAS[0], 118, 30)]))
        assert "event: readings" in (line for line in lines)
    give_up = time.monotonic() + 20
    while feed.subscribers and time.monotonic() < give_up:
        time.sleep(0.01)
    assert feed.subscribers == 0


@pytest.mark.parametrize("cameras", [(), CAMERAS], ids=["no cameras", "cameras that sent nothing"])
def test_a_store_without_observations_answers_with_what_there_is(make_street, cameras):
    store = DuckDBStore.open(None)
    store.save_cameras(cameras)
    street = make_street(answers=Answers(store, DayClock()))
    for path in ("cameras", "zones", "latest", "readings"):
        for dialect in ("json", "csv", "parquet", "geojson"):
            assert street.get(f"/v1/{path}?format={dialect}").status_code == 200, (path, dialect)
    assert street.get("/v1/extent").json() == {"start": None, "end": None}
    assert street.get("/metrics").status_code == street.get("/readyz").status_code == 200
    assert [row["last_status"] for row in street.get("/v1/cameras").json()["cameras"]] == [None] * len(cameras)
    store.close()


def test_a_closed_store_is_a_503_and_never_a_500(make_street, assert_problem, caplog):
    store = DuckDBStore.open(None)
    store.save_cameras(CAMERAS)
    street = make_street(answers=Answers(store, DayClock()))
    store.close()
    for path in ("/readyz", "/v1/extent", "/v1/readings", "/v1/latest", "/v1/cameras"):
        assert_problem(street.get(path), 503)
    assert "busyness_store_up 0.0" in street.get("/metrics").text
