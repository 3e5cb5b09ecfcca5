"""The room of answers: routes, formats and pages, put together."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES

from aggregate.answers import Answers
from aggregate.effects.effect_answers import EffectAnswers
from aggregate.feed import ReadingFeed
from api import (
    beside,
    calibration,
    camera_health,
    cameras,
    health,
    interventions,
    live,
    loops,
    metrics,
    pages,
    problems,
    readings,
    reports,
    totals,
    unusual,
    usual,
)
from api.compression import Compression
from api.formats import MEDIA_TYPES
from api.head import HeadRequests
from api.headers import ResponseHeaders, page_policy
from api.parameters import Format
from api.room import About, Room
from core.clock import Clock

__all__ = ["About", "create_app"]

DESCRIPTION = """How busy is this street, and how sure are we of it?

Figures are numbers of people and vehicles **present**, counted from public cameras without knowing who was there.
Where a camera is calibrated they are densities too, per 100 m2 of ground, which can be compared between streets; where
it is not, those are null, and a zone can be compared with itself alone. Every interval is a 90 % one.
A missing figure is null with a reason, never zero. Times are UTC; periods and windows are half-open, [from, to).
Tables come as JSON, CSV, Parquet or GeoJSON (`format`, or the Accept header); errors are problem+json with a remedy.
HEAD is answered wherever GET is, except by the live stream and where an operator calibrates.
"""

TAGS = [
    {"name": "analyst", "description": "For the transport analyst: tables for pandas, QGIS, Power BI, Grafana."},
    {"name": "planner", "description": "For the intervention planner: what the map shows."},
    {"name": "operator", "description": "For the operator: which camera is lying, is the service well."},
]


def create_app(
    answers: Answers,
    feed: ReadingFeed,
    about: About,
    clock: Clock,
    registry: CollectorRegistry,
    *,
    ready: Callable[[], str | None],
    web_dist: Path | None,
    source_of: Callable[[str], str | None] = lambda _: None,
    desk: calibration.CalibrationDesk | calibration.NoDesk = calibration.NOTHING_COUNTED,
    effects: EffectAnswers | None = None,
) -> FastAPI:
    """The application that answers from `answers` and tells `feed` live.

    `ready` says why the pipeline is not alive, or None; `web_dist` is the folder of the built page, where it is.
    `source_of` names the source of a camera as the configuration does, or None: metrics tell sources apart by it.
    `desk` is where operators calibrate, `effects` what knows of interventions. Metrics are added to
    `registry`, which takes them once.
    """
    app = FastAPI(
        title=f"busyness: {about.name}",
        summary="How busy a city's streets are",
        description=DESCRIPTION,
        version=version("busyness"),
        license_info={"name": "Apache License 2.0", "identifier": "Apache-2.0"},
        openapi_tags=TAGS,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.room = Room(answers=answers, feed=feed, about=about, clock=clock, ready=ready)
    app.state.registry = registry
    app.state.desk = desk
    app.state.effects = effects
    for room in (
        cameras,
        readings,
        usual,
        unusual,
        live,
        camera_health,
        loops,
        beside,
        totals,
        reports,
        health,
        metrics,
        calibration,
    ):
        app.include_router(room.router)
    app.include_router(interventions.router)
    app.include_router(interventions.registering)
    pages.add_pages(app, web_dist)
    metrics.watch(registry, answers, feed, clock, source_of)

    # The last one added is the outermost: metrics see what is sent, headers are on every answer, 500s included.
    problems.install(app)
    app.add_middleware(
        Compression,
        minimum_size=1_000,
        exclude_content_types=(*DEFAULT_EXCLUDED_CONTENT_TYPES, MEDIA_TYPES[Format.PARQUET]),
    )
    app.add_middleware(HeadRequests, streams=(app.url_path_for("live"),), once=calibration.PREFIX)
    app.add_middleware(ResponseHeaders, policy=page_policy(about.basemap_origin))
    app.add_middleware(metrics.RequestMetrics, registry=registry)
    problems.describe_problems(app)
    return app
