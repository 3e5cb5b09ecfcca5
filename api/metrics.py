"""Figures about the service itself, for Prometheus."""

from __future__ import annotations

import logging
import time
from collections import Counter as Counted
from collections.abc import Callable, Iterable

import pandas as pd
from fastapi import APIRouter, Request
from fastapi.responses import Response
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aggregate.answers import Answers
from aggregate.feed import ReadingFeed
from core.clock import Clock
from core.errors import BusynessError
from core.health import CameraState
from core.records import Status

log = logging.getLogger(__name__)

router = APIRouter()

LATENCY_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
UNTOLD = "unknown"
"""What is told of cameras of which no state was ever stored."""
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


@router.get(
    "/metrics",
    operation_id="metrics",
    tags=["operator"],
    summary="Figures for Prometheus",
    response_class=Response,
    responses={
        200: {
            "description": "Prometheus text format, or OpenMetrics where the client accepts it.",
            "content": {"text/plain": {"schema": {"type": "string"}}},
        }
    },
)
def metrics(request: Request) -> Response:
    """Requests and latency by route, cameras and the age of what they last sent, and the pipeline's own figures."""
    registry: CollectorRegistry = request.app.state.registry
    encode, media_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(registry), headers={"Content-Type": media_type})


class RequestMetrics:
    """Counts requests and times them, by route template, so that the number of series stays bounded.

    Live streams are counted and not timed: they last as long as someone watches.
    """

    def __init__(self, app: ASGIApp, registry: CollectorRegistry) -> None:
        self.app = app
        self._requests = Counter(
            "busyness_api_requests", "Requests answered", ("method", "route", "status"), registry=registry
        )
        self._seconds = Histogram(
            "busyness_api_request_seconds",
            "Seconds from request to the end of its response",
            ("route",),
            buckets=LATENCY_BUCKETS_S,
            registry=registry,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        status, live = 500, False

        async def watched(message: Message) -> None:
            nonlocal status, live
            if message["type"] == "http.response.start":
                status = message["status"]
                live = Headers(raw=message["headers"]).get("content-type", "").startswith("text/event-stream")
            await send(message)

        try:
            await self.app(scope, receive, watched)
        finally:
            route = getattr(scope.get("route"), "path", "page" if status < 400 else "none")
            method = scope["method"] if scope["method"] in METHODS else "other"
            self._requests.labels(method, route, status).inc()
            if not live:
                self._seconds.labels(route).observe(time.perf_counter() - began)


class StoreMetrics(Collector):
    """What the store knows of its cameras, asked when Prometheus asks; one series a camera at most, and of calibrated
    ones two a zone."""

    def __init__(self, answers: Answers, clock: Clock, source_of: Callable[[str], str | None]) -> None:
        self._answers = answers
        self._clock = clock
        self._source_of = source_of

    def describe(self) -> Iterable[Metric]:
        """Nothing in advance, so that registering does not ask the store."""
        return ()

    def collect(self) -> Iterable[Metric]:
        up = GaugeMetricFamily("busyness_store_up", "1 where the store answers")
        try:
            states = self._answers.camera_states()
            calibrated = tuple(camera.id for camera in self._answers.cameras() if camera.plane is not None)
            newest = self._answers.latest(cameras=calibrated)
        except BusynessError:
            log.exception("the store did not answer for /metrics")
            up.add_metric((), 0.0)
            yield up
            return
        up.add_metric((), 1.0)
        yield up
        yield GaugeMetricFamily("busyness_cameras", "Cameras known", value=len(states))
        yield GaugeMetricFamily(
            "busyness_cameras_calibrated", "Cameras of which the ground is known", value=len(calibrated)
        )
        yield self._densities(newest)
        last = GaugeMetricFamily(
            "busyness_camera_last_event_timestamp_seconds", "Event time of the camera's newest clip", labels=("camera",)
        )
        counted = GaugeMetricFamily(
            "busyness_camera_up", "1 where the camera's newest clip was counted, 0 where it was not", labels=("camera",)
        )
        seen = states[states["last_event_time"].notna()]
        for camera, event_time, status in zip(
            seen["camera"], seen["last_event_time"], seen["last_status"], strict=True
        ):
            last.add_metric((camera,), event_time.timestamp())
            counted.add_metric((camera,), float(status == Status.OK))
        yield last
        yield counted
        yield from self._states(states["camera"], states["state"])
        if len(seen):
            age = self._clock.now() - seen["last_event_time"].max()
            yield GaugeMetricFamily(
                "busyness_newest_observation_age_seconds",
                "Seconds from the newest event time stored to now",
                value=age.total_seconds(),
            )

    def _densities(self, newest: pd.DataFrame) -> Metric:
        """Of people and vehicles, in the zones whose newest window has one: those of calibrated cameras alone."""
        density = GaugeMetricFamily(
            "busyness_density_per_100m2",
            "Present on 100 m2 of the zone in its newest quarter of an hour",
            labels=("camera", "zone", "class"),
        )
        known = newest[newest["density_per_100m2"].notna()]
        figures = (known[name] for name in ("camera", "zone", "class", "density_per_100m2"))
        for camera, zone, series, figure in zip(*figures, strict=True):
            density.add_metric((camera, zone, series), figure)
        return density

    def _states(self, cameras: Iterable[str], states: Iterable[str | None]) -> Iterable[Metric]:
        """How many cameras are in each state, and of which source: every state is told, that of none as 0."""
        by_source: dict[str | None, Counted[str]] = {}
        for camera, state in zip(cameras, states, strict=True):
            known = state if isinstance(state, str) else UNTOLD  # a null column may hold None or NaN
            by_source.setdefault(self._source_of(camera), Counted())[known] += 1
        whole = sum(by_source.values(), Counted())
        every = GaugeMetricFamily("busyness_cameras_by_state", "Cameras in each state", labels=("state",))
        of_source = GaugeMetricFamily(
            "busyness_source_cameras_by_state", "Cameras of each source in each state", labels=("source", "state")
        )
        for state in (*CameraState, UNTOLD):
            every.add_metric((state,), whole[state])
            for source, counted in by_source.items():
                if source is not None:
                    of_source.add_metric((source, state), counted[state])
        yield every
        yield of_source


def watch(
    registry: CollectorRegistry,
    answers: Answers,
    feed: ReadingFeed,
    clock: Clock,
    source_of: Callable[[str], str | None],
) -> None:
    """Add the store's and the feed's figures to `registry`."""
    registry.register(StoreMetrics(answers, clock, source_of))
    clients = Gauge("busyness_live_clients", "Clients that watch readings live", registry=registry)
    clients.set_function(lambda: feed.subscribers)
