"""Readings as they change, as server-sent events.

Each client has its own bounded subscription to the feed, looked at twice a second: no thread waits for a client,
what changes within half a second travels together, and a client that does not keep up is told what it lost.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

import anyio
import anyio.to_thread
from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response
from fastapi.sse import KEEPALIVE_COMMENT, EventSourceResponse, format_sse_event

from aggregate.answers import Answers
from aggregate.feed import FeedSubscription
from aggregate.grid import ZoneOfCamera
from aggregate.query import expect_known
from api.parameters import once
from api.problems import Responses, documented
from api.questions import LiveQuestion
from api.room import InRoom
from api.rows import reading_rows
from core.records import Reading

router = APIRouter(prefix="/v1")

LOOK_EVERY_S = 0.5
HEARTBEAT_S = 15.0
RECONNECT_MS = 3_000


@dataclass(frozen=True)
class Watch:
    """What one client asked to be told of, and its place in the feed."""

    question: LiveQuestion
    subscription: FeedSubscription
    answers: Answers


def _watch(question: Annotated[LiveQuestion, Query()], room: InRoom) -> Iterator[Watch]:
    """A place in the feed for as long as the request lasts, however it ends."""
    expect_known("camera", question.camera or (), {camera.id for camera in room.answers.cameras()})
    with room.feed.subscribe() as subscription:
        yield Watch(question, subscription, room.answers)


_STREAM: Responses = {
    200: {
        "description": "Event `readings`: data is an object `{readings: [row, ...]}` with rows as in /v1/latest; "
        "(`revision`, `derived_at`) is the version of a row. Event `dropped`: data is `{count: n}`, the readings that "
        "this client was too slow for; ask /v1/latest again. A comment comes every 15 s when nothing else does.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


@router.get(
    "/live",
    operation_id="live",
    tags=["operator", "planner"],
    summary="Readings as they change (server-sent events)",
    dependencies=[once],
    response_class=Response,
    responses=_STREAM
    | documented(HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE),
)
async def live(watch: Annotated[Watch, Depends(_watch)]) -> EventSourceResponse:
    """Stays open until either side leaves. A reading that changes again is sent again, as a newer version.

    The version is (`revision`, `derived_at`): while its window is open a reading changes under the same revision.
    """
    # Not a generator route of FastAPI's: a client that leaves while it is not reading ends that one in an error.
    return EventSourceResponse(_events(watch), headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})


async def _events(watch: Watch) -> AsyncIterator[bytes]:
    yield format_sse_event(comment="listening", retry=RECONNECT_MS)
    spoke = time.monotonic()
    while not watch.subscription.closed:
        for event in await _news(watch):
            yield event
            spoke = time.monotonic()
        if time.monotonic() - spoke >= HEARTBEAT_S:
            yield KEEPALIVE_COMMENT
            spoke = time.monotonic()
        await anyio.sleep(LOOK_EVERY_S)


async def _news(watch: Watch) -> list[bytes]:
    """The events since the last look."""
    events = []
    dropped = watch.subscription.take_dropped()
    if dropped:
        events.append(format_sse_event(event="dropped", data_str=json.dumps({"count": dropped})))
    changed = watch.subscription.get(0)
    if changed:
        payload = await anyio.to_thread.run_sync(_payload, changed, watch)
        if payload is not None:
            events.append(format_sse_event(event="readings", data_str=payload))
    return events


def _payload(changed: Sequence[Reading], watch: Watch) -> str | None:
    """The readings that were asked for, each in its newest version; None where there is none."""
    question = watch.question
    newest = {
        (reading.zone, reading.series, reading.start): reading
        for reading in changed
        if reading.window is question.window
        and reading.series in question.classes
        and (question.camera is None or reading.camera in question.camera)
    }
    if not newest:
        return None
    zones = {zone.id: ZoneOfCamera(zone, one) for one in watch.answers.cameras() for zone in one.counted_zones}
    rows = reading_rows(list(newest.values()), zones, watch.answers.usual)
    return json.dumps({"readings": rows}, separators=(",", ":"))
