"""How an honest answer is spoiled on its way out: one rule for each answer fault."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from feed_double.faults import Fault, FaultKind
from feed_double.hosts import Moment, http_date
from feed_double.http11 import Delivery, Ending, Reply, Request
from feed_double.media import gzip_bomb

WEB_PAGE = b"<!DOCTYPE html><html><head><title>Maintenance</title></head><body><h1>Back soon</h1></body></html>"
ERRORS = {FaultKind.NOT_FOUND: 404, FaultKind.FORBIDDEN: 403}


@dataclass(frozen=True)
class Circumstances:
    """What a rule may look at: when, the request, how often this kind of fault has been played before, and what was
    answered to the same question when the fault began."""

    moment: Moment
    request: Request
    turn: int
    before: Reply


def spoil(honest: Reply, fault: Fault, around: Circumstances) -> Reply:
    """What the client gets instead of `honest` under an answer fault."""
    has = fault.parameters
    match fault.kind:
        case FaultKind.NOT_MODIFIED:
            return Reply(304, _kept(honest, "Date", "ETag", "Last-Modified"))
        case FaultKind.NOT_FOUND | FaultKind.FORBIDDEN:
            return Reply(ERRORS[fault.kind], {"Date": http_date(around.moment.now), "Content-Type": "application/xml"})
        case FaultKind.TOO_MANY:
            return too_many(around.moment, has.get("retry_after_s", 60), as_date=has.get("as_date", False))
        case FaultKind.SERVER_ERROR:
            return _server_error(honest, has, around.moment)
        case FaultKind.WRONG_TYPE:
            return _with(honest, {"Content-Type": has.get("content_type", "text/html")})
        case FaultKind.WEB_PAGE:
            return _instead(honest, WEB_PAGE, {"Content-Type": "text/html; charset=utf-8"})
        case FaultKind.GARBAGE:
            return _instead(honest, bytes(range(256)) * 8, {})
        case FaultKind.NOTHING:
            return _instead(honest, b"[]" if "json" in honest.headers.get("Content-Type", "") else b"", {})
        case FaultKind.SKEWED:  # Last-Modified is skewed already, in lists too
            return _with(honest, {"Date": http_date(around.moment.now + timedelta(hours=has.get("hours", 5)))})
        case FaultKind.STUCK:
            return _with(around.before, _kept(honest, "Date"))
        case FaultKind.REDIRECT:
            targets = has["targets"]
            return _redirect(targets[around.turn % len(targets)], around.moment)
        case FaultKind.REDIRECT_LOOP:
            path = around.request.path
            return _redirect(f"{path}?turn={around.turn}", around.moment)
        case FaultKind.GZIP_BOMB:
            return _instead(honest, gzip_bomb(int(has.get("mebibytes", 1024))), {"Content-Encoding": "gzip"})
        case FaultKind.OVERSIZE:
            announced = None if has.get("announced", True) else -1
            delivery = Delivery(repeat=int(has.get("mebibytes", 64)), ending=Ending.CLOSE, announced=announced)
            return replace(_instead(honest, honest.body[:8].ljust(1 << 20, b"\0"), {}), delivery=delivery)
    badly = _delivery(honest, fault)
    return honest if badly is None else replace(honest, delivery=badly)


def _delivery(honest: Reply, fault: Fault) -> Delivery | None:
    """The same bytes, sent badly; None where the fault is not of that sort, or there is nothing to send."""
    has = fault.parameters
    if honest.status != 200:
        return None
    match fault.kind:
        case FaultKind.SLOW:
            return Delivery(bytes_per_s=has.get("bytes_per_s", 4000))
        case FaultKind.STALLED:
            return Delivery(share=0.5, ending=Ending.STALL, stall_s=has.get("for_s", 120))
        case FaultKind.RESET:
            return Delivery(share=0.5, ending=Ending.RESET)
        case FaultKind.TRUNCATED:
            return Delivery(share=0.5, ending=Ending.CLOSE)
        case FaultKind.WRONG_LENGTH:
            return Delivery(ending=Ending.CLOSE, announced=int(len(honest.body) * has.get("factor", 0.5)))
    return None


def too_many(moment: Moment, retry_after_s: float, *, as_date: bool = False) -> Reply:
    """429 with Retry-After, in seconds or as a date."""
    wait = http_date(moment.now + timedelta(seconds=retry_after_s)) if as_date else str(int(-(-retry_after_s // 1)))
    body = json.dumps({"statusCode": 429, "message": f"Rate limit is exceeded. Try again in {wait}."}).encode()
    headers = {"Date": http_date(moment.now), "Retry-After": wait, "Content-Type": "application/json"}
    return Reply(429, headers, body)


def _server_error(honest: Reply, has: Mapping[str, Any], moment: Moment) -> Reply:
    if moment.at_s % has.get("every_s", 60) >= has.get("for_s", 60):
        return honest
    return Reply(
        int(has.get("status", 503)), {"Date": http_date(moment.now), "Content-Type": "text/plain"}, b"Slow Down"
    )


def _redirect(target: str, moment: Moment) -> Reply:
    return Reply(302, {"Date": http_date(moment.now), "Location": target})


def _kept(reply: Reply, *names: str) -> dict[str, str]:
    return {name: value for name, value in reply.headers.items() if name in names}


def _with(reply: Reply, headers: Mapping[str, str]) -> Reply:
    return replace(reply, headers={**reply.headers, **headers})


def _instead(honest: Reply, body: bytes, headers: Mapping[str, str]) -> Reply:
    """Another body under the honest headers; 200 even where the client has the honest one."""
    kept = {name: value for name, value in honest.headers.items() if name != "Content-Encoding"}
    return Reply(200, {**kept, **headers}, body)
