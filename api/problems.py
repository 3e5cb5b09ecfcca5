"""Every error leaves as one shape: application/problem+json (RFC 9457) with the remedy beside the detail."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aggregate.query import near
from core.config import Closed
from core.errors import AlreadyThere, BusynessError, CalibrationRefused, NotFound, QueryError, StoreError
from core.figures import SERIES

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
READ_DOCS = "see /docs for the routes, their parameters and examples"


class NotAcceptable(QueryError):
    """No format of the table asked for is one that the client accepts."""


class NotBuilt(BusynessError):
    """The web page, or the part of it that this route needs, has not been built."""


class NotReady(BusynessError):
    """The process is up and cannot answer yet, or no longer."""


class Forbidden(BusynessError):
    """Who asks is not known to be the operator at this machine."""


class Conflict(BusynessError):
    """It cannot be done as this installation is set up."""


STATUS_OF: Mapping[type[BusynessError], HTTPStatus] = {
    QueryError: HTTPStatus.UNPROCESSABLE_ENTITY,
    CalibrationRefused: HTTPStatus.UNPROCESSABLE_ENTITY,
    NotAcceptable: HTTPStatus.NOT_ACCEPTABLE,
    NotFound: HTTPStatus.NOT_FOUND,
    NotBuilt: HTTPStatus.NOT_FOUND,
    Forbidden: HTTPStatus.FORBIDDEN,
    Conflict: HTTPStatus.CONFLICT,
    AlreadyThere: HTTPStatus.CONFLICT,
    NotReady: HTTPStatus.SERVICE_UNAVAILABLE,
    StoreError: HTTPStatus.SERVICE_UNAVAILABLE,
}
"""The one table from our errors to HTTP; the nearest base class counts, and any other error is a 500."""

TOLD = (QueryError, CalibrationRefused, NotFound, NotBuilt, NotReady, Forbidden, Conflict, AlreadyThere)
"""Errors whose own words go out. The words of others may name files or statements, so they go to the log."""


class Problem(Closed):
    """What went wrong and what to do about it (RFC 9457, with `remedy`)."""

    type: str = Field(
        description="which kind of problem, as a URI that never changes", examples=["urn:busyness:problem:not-found"]
    )
    title: str = Field(description="the kind in words", examples=["Not Found"])
    status: int = Field(description="HTTP status code", examples=[404])
    detail: str = Field(
        description="what is wrong, naming the input", examples=["there is no camera '06711' in this store"]
    )
    remedy: str = Field(description="what to do about it", examples=["did you mean 06710? /v1/cameras lists them"])
    instance: str = Field(description="path of the request", examples=["/v1/readings"])


Responses = dict[int | str, dict[str, Any]]
"""What OpenAPI is told of a route's responses, by status."""


_FAILURES: Mapping[HTTPStatus, tuple[str, str, str]] = {
    HTTPStatus.FORBIDDEN: (
        "The request is not known to be the operator's, at this machine.",
        "the request came through a proxy (it has the header x-forwarded-for)",
        "open /operations/calibrate/CAMERA on the machine that runs busyness, by the host 127.0.0.1 or localhost",
    ),
    HTTPStatus.CONFLICT: (
        "It cannot be done as this installation is set up.",
        "there is no folder for site files",
        "set sites: in the configuration",
    ),
    HTTPStatus.NOT_FOUND: (
        "What was asked for does not exist.",
        "there is no camera '06711'",
        "did you mean 06710? the cameras are listed at /v1/cameras",
    ),
    HTTPStatus.NOT_ACCEPTABLE: (
        "None of the formats that the client accepts is offered.",
        "no format of this table is among those accepted ('image/png')",
        "accept application/json, or say format=json|csv|parquet|geojson",
    ),
    HTTPStatus.UNPROCESSABLE_ENTITY: (
        "A parameter is malformed, out of range or unknown.",
        "class 'peple' is not counted",
        f"did you mean people? use one or more of {', '.join(SERIES)}",
    ),
    HTTPStatus.SERVICE_UNAVAILABLE: (
        "The store or the pipeline cannot answer now.",
        "the store cannot answer now",
        "try again; if it stays, the operator finds the cause in the log under incident 5f0c1d2e",
    ),
}


def documented(*statuses: HTTPStatus) -> Responses:
    """The `responses` of a route that can fail in these ways, for OpenAPI, each with an example."""
    told: Responses = {}
    for status in statuses:
        meaning, detail, remedy = _FAILURES[status]
        example = _problem("/v1/readings", status, detail, remedy).model_dump()
        told[int(status)] = {
            "model": Problem,
            "description": meaning,
            "content": {MEDIA_TYPE: {"example": example}},
        }
    return told


def describe_problems(app: FastAPI) -> None:
    """Let OpenAPI name the media type that errors really have; FastAPI gives their model that of the answers."""
    describe = app.openapi

    def described() -> dict[str, Any]:
        description = describe()
        for path in description["paths"].values():
            for operation in path.values():
                for status, response in operation["responses"].items():
                    if status >= "400":
                        content = response["content"].values()
                        response["content"] = {MEDIA_TYPE: {key: part[key] for part in content for key in part}}
        return description

    app.openapi = described  # type: ignore[method-assign]


def _problem(path: str, status: HTTPStatus, detail: str, remedy: str) -> Problem:
    return Problem(
        type=f"urn:busyness:problem:{status.phrase.lower().replace(' ', '-')}",
        title=status.phrase,
        status=status,
        detail=detail,
        remedy=remedy,
        instance=quote(path, errors="replace"),
    )


def problem_response(
    path: str, status: HTTPStatus, detail: str, remedy: str, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """The response of a problem that happened at `path`."""
    problem = _problem(path, status, detail, remedy)
    return JSONResponse(problem.model_dump(), status_code=status, headers=headers, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Answer every error of `app` with a problem."""
    app.add_exception_handler(BusynessError, _on_busyness_error)
    app.add_exception_handler(RequestValidationError, _on_bad_parameters)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_middleware(UnhandledErrors)


class UnhandledErrors:
    """Turns what nobody handled into a 500 problem that names a log entry and nothing else.

    Starlette's own last resort sits outside every other middleware, where its answer would miss the security
    headers and the metrics; this one is added first and so sits inside them.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception as error:
            if started:
                raise
            await _unforeseen(scope["path"], error)(scope, receive, send)


def _unforeseen(
    path: str,
    error: Exception,
    status: HTTPStatus = HTTPStatus.INTERNAL_SERVER_ERROR,
    detail: str = "the request could not be answered",
) -> JSONResponse:
    incident = secrets.token_hex(4)
    log.error("incident %s at %s", incident, quote(path, errors="replace"), exc_info=error)
    remedy = f"try again; if it stays, the operator finds the cause in the log under incident {incident}"
    return problem_response(path, status, detail, remedy)


def status_of(error: BusynessError) -> HTTPStatus | None:
    """The status of an answer to what raised `error`; None where it is ours alone to know."""
    return next((STATUS_OF[kind] for kind in type(error).__mro__ if kind in STATUS_OF), None)


async def _on_busyness_error(request: Request, error: Exception) -> JSONResponse:
    path = request.scope["path"]
    if not isinstance(error, BusynessError):
        return _unforeseen(path, error)
    status = status_of(error)
    if isinstance(error, TOLD) and status is not None:
        return problem_response(path, status, error.message, error.remedy or READ_DOCS)
    if isinstance(error, StoreError):
        return _unforeseen(path, error, HTTPStatus.SERVICE_UNAVAILABLE, "the store cannot answer now")
    return _unforeseen(path, error)


async def _on_http_exception(request: Request, error: Exception) -> JSONResponse:
    path = request.scope["path"]
    if not isinstance(error, HTTPException):
        return _unforeseen(path, error)
    status = HTTPStatus(error.status_code)
    shown = quote(path, errors="replace")
    if status is HTTPStatus.NOT_FOUND:
        return problem_response(path, status, f"there is nothing at {shown}", READ_DOCS)
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = (error.headers or {}).get("Allow", "GET")
        detail = f"{request.method} is not possible at {shown}"
        return problem_response(path, status, detail, f"use {allowed}; {READ_DOCS}", error.headers)
    return problem_response(path, status, str(error.detail), READ_DOCS, error.headers)


async def _on_bad_parameters(request: Request, error: Exception) -> JSONResponse:
    path = request.scope["path"]
    if not isinstance(error, RequestValidationError):
        return _unforeseen(path, error)
    known = _parameters_of(request)
    told = [_explained(fault, known) for fault in error.errors()]
    return problem_response(
        path,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "; ".join(detail for detail, _ in told),
        "; ".join(dict.fromkeys(remedy for _, remedy in told)),
    )


def _explained(fault: Mapping[str, Any], known: Sequence[str]) -> tuple[str, str]:
    """Detail and remedy of one finding of pydantic's."""
    if fault["loc"][:1] == ("body",):
        return _explained_body(fault), READ_DOCS
    location = [str(part) for part in fault["loc"] if part not in ("query", "path", "header")]
    name = location[0] if location else "the query"
    context = fault.get("ctx", {})
    given = _shortened(fault.get("input"))
    match fault["type"]:
        case "extra_forbidden":
            return f"there is no parameter {_shortened(name)}", f"{near(name, known)}use {', '.join(known)}"
        case "enum" | "literal_error":
            return f"{name} is {given}, which is not offered", f"{name} is one of {context['expected']}"
        case "missing" | "empty":
            said = "is empty" if "remedy" in context else "is not given"
            return f"{name} {said}", str(context.get("remedy", f"say {name}=; {READ_DOCS}"))
        case _ if "remedy" in context:
            return str(fault["msg"]), str(context["remedy"])
        case _:
            return f"{name} is {given}: {fault['msg']}", READ_DOCS


def _explained_body(fault: Mapping[str, Any]) -> str:
    where = ".".join(str(part) for part in fault["loc"][1:]) or "the body"
    if fault["type"] == "json_invalid":
        return f"the body is no JSON: {fault['ctx']['error']}, at character {where}"
    return f"{where}: {fault['msg'].removeprefix('Value error, ')}"


def _shortened(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _parameters_of(request: Request) -> list[str]:
    route = request.scope.get("route")
    operation = request.app.openapi()["paths"].get(getattr(route, "path", ""), {}).get(request.method.lower(), {})
    return [parameter["name"] for parameter in operation.get("parameters", []) if parameter["in"] == "query"]


TABLE_FAULTS = documented(HTTPStatus.NOT_ACCEPTABLE, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE)
"""How a question for a table can fail."""

NAMED_FAULTS = documented(HTTPStatus.NOT_FOUND) | TABLE_FAULTS
"""The same, where the question may name a camera, zone or counter that there is not."""
