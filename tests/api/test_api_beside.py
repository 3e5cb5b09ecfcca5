"""Cameras against their loops, and sums over zones, as an analyst gets them over HTTP."""

from __future__ import annotations

import asyncio
import io

import httpx
import pandas as pd
import pytest
from paired_street import CAMERA, END, HOURS, filled
from prometheus_client import CollectorRegistry

from aggregate.answers import Answers
from aggregate.feed import ReadingFeed
from api.app import About, create_app
from api.beside_rows import LoopChecksAnswer, TrafficAnswer
from api.totals import TotalsAnswer


class AfterAll:
    """The end of the eight weeks."""

    def now(self):
        return END

    def sleep(self, seconds):
        raise AssertionError("nothing here waits")


@pytest.fixture(scope="module")
def get():
    clock, feed = AfterAll(), ReadingFeed()
    store = filled(drifts_from=42, dark=range(HOURS - 3, HOURS))
    app = create_app(
        Answers(store, clock, live=True),
        feed,
        About(name="t"),
        clock,
        CollectorRegistry(),
        ready=lambda: None,
        web_dist=None,
    )

    def ask(address):
        async def once():
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
                return await client.get(address)

        return asyncio.run(once())

    yield ask
    store.close()


def test_a_camera_that_drifts_is_told_in_json_and_parquet(get):
    answer = LoopChecksAnswer.model_validate(get("/v1/loop-checks").json())
    (row,) = answer.loop_checks
    assert (row.state, row.counters) == ("drifting", ["scoot:1"])
    frame = pd.read_parquet(io.BytesIO(get("/v1/loop-checks?format=parquet").content))
    assert frame["drift"].iloc[0] == pytest.approx(row.drift)
    places = get("/v1/loop-checks?format=geojson").json()["features"]
    assert places[0]["geometry"]["coordinates"] == [CAMERA.lon, CAMERA.lat]


def test_traffic_marks_what_is_estimated(get):
    rows = TrafficAnswer.model_validate(get("/v1/traffic?zone=c:view").json()).traffic
    assert [row.present_from for row in rows[-4:]] == ["camera", "loop", "loop", "loop"]
    csv = pd.read_csv(io.BytesIO(get("/v1/traffic?zone=c:view&format=csv").content))
    assert csv["present_from"].tolist() == [str(row.present_from) for row in rows]


def test_an_estimate_never_becomes_a_reading(get):
    rows = get("/v1/readings?zone=c:view&class=vehicles&window=60m&from=2026-04-20T00:00Z").json()["readings"]
    assert [row["state"] for row in rows[-4:-1]] == ["missing"] * 3
    assert [row["mean"] for row in rows[-4:-1]] == [None] * 3


def test_sums_name_what_is_missing(get):
    rows = TotalsAnswer.model_validate(get("/v1/totals?class=vehicles&window=60m").json()).totals
    assert [(row.state, row.counted is None) for row in rows[-2:]] == [("missing", True)] * 2
    assert "c:view: no clip received" in rows[-3].reason
    assert {row.group for row in TotalsAnswer.model_validate(get("/v1/totals?by=camera").json()).totals} == {"c"}


@pytest.mark.parametrize(
    ("address", "status", "words"),
    [
        ("/v1/traffic", 422, "zone is not given"),
        ("/v1/traffic?zone=", 422, "zone is empty"),
        ("/v1/traffic?zone=c:view,x", 422, "one zone at a time"),
        ("/v1/traffic?zone=c:view&zone=x", 422, "one zone at a time"),
        ("/v1/traffic?zone=x", 404, "no zone 'x'"),
        ("/v1/traffic?zone=c:view&window=1m", 422, "15m and 60m"),
        ("/v1/loop-checks?camera=x", 404, "no camera 'x'"),
        ("/v1/loop-checks?from=2020-01-01T00:00Z&to=2026-04-01T00:00Z", 422, "more than 366 days"),
        ("/v1/totals?by=borough", 422, "by"),
        ("/v1/totals?by=kind&by=all", 422, "by is given 2 times"),
    ],
)
def test_a_bad_question_gets_its_remedy(get, address, status, words):
    answer = get(address)
    assert answer.status_code == status
    assert words in answer.text
