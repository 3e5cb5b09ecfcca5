"""What became of a request, in few words for metrics and in many for the operator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from core.records import Status
from ingest.feed import FetchFailed


class Outcome(StrEnum):
    """What became of one request; a closed list, so that it can be a metric's label."""

    OK = "ok"
    NOT_MODIFIED = "not_modified"
    REDIRECTED = "redirected"
    REFUSED_ADDRESS = "refused_address"
    HTTP_4XX = "http_4xx"
    HTTP_5XX = "http_5xx"
    RATE_LIMITED = "rate_limited"
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    OVERSIZE = "oversize"
    TRUNCATED = "truncated"
    OPEN_CIRCUIT = "open_circuit"


@dataclass(frozen=True)
class RequestOutcome:
    """One request: `host` is the entry of the allow-list it falls under, or `-` where none does, so that no publisher
    can make metrics grow; `seconds` were spent on the network, `bytes` came as the body, packed as it was."""

    host: str
    outcome: Outcome
    seconds: float
    bytes: int


OnRequest = Callable[[RequestOutcome], None]


class Failure(FetchFailed):
    """A `FetchFailed` with what became of the request, and the answer's `http_status` where there was one."""

    def __init__(
        self,
        outcome: Outcome,
        message: str,
        *,
        remedy: str,
        status: Status = Status.UNREACHABLE,
        retry_after_s: float | None = None,
        http_status: int | None = None,
    ) -> None:
        resting = outcome in (Outcome.RATE_LIMITED, Outcome.OPEN_CIRCUIT)
        super().__init__(message, status=status, retry_after_s=retry_after_s, of_host=resting, remedy=remedy)
        self.outcome = outcome
        self.http_status = http_status


def refused(message: str, remedy: str) -> Failure:
    """A request that is not made: its URL or the address behind it is not one that may be asked."""
    return Failure(Outcome.REFUSED_ADDRESS, message, remedy=remedy)
