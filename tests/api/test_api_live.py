"""The live stream: what is sent, to whom, and that nothing stays behind when a client leaves."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import pytest

from aggregate.feed import ReadingFeed
from api import live
from api.rows import READINGS_SCHEMA
from core.records import Window


@pytest.fixture(autouse=True)
def _look_often(monkeypatch):
    monkeypatch.setattr(live, "LOOK_EVERY_S", 0.002)


class Client:
    """One browser on /v1/live: the events it has been sent."""

    def __init__(self):
        self.left = asyncio.Event()
        self.reads = asyncio.Event()
        self.reads.set()
        self.status = None
        self.text = ""

    async def receive(self):
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        await self.reads.wait()
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            self.text += message.get("body", b"").decode()

    @property
    def events(self):
        found = []
        for block in self.text.split("\n\n"):
            fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
            if "event" in fields:
                found.append((fields["event"], json.loads(fields["data"])))
        return found


@asynccontextmanager
async def watching(street, query=""):
    """A client that is listening, and leaves as a browser does: by closing the connection."""
    client = Client()
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/v1/live",
        "raw_path": b"/v1/live",
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(b"host", b"street.test"), (b"accept-encoding", b"gzip")],
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 1),
    }
    request = asyncio.create_task(street.app(scope, client.receive, client.send))
    await until(lambda: ": listening" in client.text or request.done())
    try:
        yield client
    finally:
        client.left.set()
        await asyncio.wait_for(request, 20)


async def until(condition):
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.002)


def test_a_changed_reading_arrives_as_a_row_like_those_of_latest(street, reading):
    async def scene():
        async with watching(street) as client:
            street.feed.publish([reading()])
            await until(lambda: client.events)
            return client

    client = asyncio.run(scene())
    assert client.status == 200
    assert client.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert "content-encoding" not in client.headers
    assert client.headers["cache-control"] == "no-cache"
    ((event, data),) = client.events
    assert event == "readings"
    assert list(data) == ["readings"]
    assert list(data["readings"][0]) == list(street.get("/v1/latest").json()["readings"][0])
    assert data["readings"][0]["start"] == "2017-03-09T08:00:00Z"
    assert data["readings"][0]["class"] == "people"


def test_a_changed_reading_of_a_calibrated_zone_arrives_with_its_ground(street, reading):
    """As the zone is now: a pavement, 40 m by 2.5 m clear, of 150 m2."""
    ground = {"area_m2": 150.0, "calibration_error": 0.04, "vehicles_m2": 7.9, "crowded_share": 0.02}

    async def scene():
        async with watching(street) as client:
            street.feed.publish([reading(**ground), reading(**ground, series="vehicles"), reading(zone="06710:road")])
            await until(lambda: client.events)
            return client.events

    ((_, data),) = asyncio.run(scene())
    people, vehicles, road = data["readings"]
    assert list(people) == READINGS_SCHEMA.names
    assert (people["area_m2"], people["crowded_share"]) == (150, 0.02)
    assert people["density_per_100m2"] == pytest.approx(6.5 / 1.5)
    assert people["density_low"] < people["density_per_100m2"] < people["density_high"]
    assert (people["comfort_fruin"], people["comfort_tfl"]) == ("A", "A")
    assert vehicles["density_per_100m2"] == people["density_per_100m2"]
    assert vehicles["crowded_share"] is vehicles["occupancy_share"] is vehicles["comfort_tfl"] is None
    assert road["density_per_100m2"] is road["area_m2"] is None


def test_only_what_was_asked_for_is_sent_and_only_its_newest_revision(street, reading):
    async def scene():
        async with watching(street, "window=5m&class=car,bus&camera=06710") as client:
            asked = {"window": Window.FIVE_MINUTES, "series": "car"}
            street.feed.publish([reading(), reading(window=Window.FIVE_MINUTES), reading(series="car")])
            street.feed.publish([reading(**asked, camera="04254", zone="04254:view")])
            street.feed.publish([reading(**asked), reading(**asked, revision=2)])
            await until(lambda: client.events)
            return client.events

    ((_, data),) = asyncio.run(scene())
    assert [(row["zone"], row["class"], row["revision"]) for row in data["readings"]] == [("06710:north", "car", 2)]


def test_several_clients_each_get_everything(street, reading):
    async def scene():
        async with watching(street) as one, watching(street) as two, watching(street, "class=car") as three:
            assert street.feed.subscribers == 3
            street.feed.publish([reading()])
            await until(lambda: one.events and two.events)
            return one.events, two.events, three.events

    one, two, three = asyncio.run(scene())
    assert one == two
    assert three == []


def test_a_client_that_leaves_gives_its_place_back(street, reading):
    async def scene():
        async with watching(street):
            assert street.feed.subscribers == 1
        assert street.feed.subscribers == 0

    asyncio.run(scene())


def test_a_client_that_leaves_while_it_is_not_reading_gives_its_place_back_too(street, reading):
    async def scene():
        async with watching(street) as client:
            client.reads.clear()
            for revision in range(1, 6):
                street.feed.publish([reading(revision=revision)])
                await asyncio.sleep(0.01)
        assert street.feed.subscribers == 0

    asyncio.run(scene())


def test_a_client_that_does_not_keep_up_is_told_what_it_lost(make_street, reading):
    street = make_street(feed=ReadingFeed(capacity=2))

    async def scene():
        async with watching(street) as client:
            street.feed.publish([reading(series=series) for series in ("people", "vehicles", "people", "vehicles")])
            await until(lambda: len(client.events) == 2)
            return client.events

    (event, data), (then, _) = asyncio.run(scene())
    assert (event, data, then) == ("dropped", {"count": 2}, "readings")


def test_a_quiet_stream_stays_open_with_comments(street, monkeypatch):
    monkeypatch.setattr(live, "HEARTBEAT_S", 0.01)

    async def scene():
        async with watching(street) as client:
            await until(lambda: client.text.count(": ping") >= 2)
            return client.events

    assert asyncio.run(scene()) == []


def test_closing_the_feed_ends_every_stream_so_that_the_server_can_stop(street):
    async def scene():
        async with watching(street) as client, watching(street):
            street.feed.close()
            await until(lambda: street.feed.subscribers == 0)
            return client

    assert ": listening" in asyncio.run(scene()).text


def test_watching_takes_no_thread_so_that_more_clients_than_threads_leave_the_rest_answering(street, monkeypatch):
    monkeypatch.setattr(live, "LOOK_EVERY_S", 0.1)

    async def scene():
        async with AsyncExitStack() as clients:
            for _ in range(50):
                await clients.enter_async_context(watching(street))
            assert street.feed.subscribers == 50
            transport = httpx.ASGITransport(street.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://street.test") as client:
                return await asyncio.wait_for(client.get("/v1/latest"), 20)

    assert asyncio.run(scene()).status_code == 200
    assert street.feed.subscribers == 0
