"""One request and its answer over a guarded connection; what goes wrong is said in the operator's words."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

import httpcore
import httpx

from core.clock import Clock
from core.errors import ConfigError
from core.records import Status
from ingest.fetch.answer import Answer, read_answer, server_time
from ingest.fetch.body import ACCEPT_ENCODING, Body, BodyFault
from ingest.fetch.failure import Failure, Outcome
from ingest.fetch.guard import Target
from ingest.fetch.pinned import PinnedStream
from ingest.fetch.retry import AT_ONCE, retry_after_s

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_FORBIDDEN = frozenset({401, 403, 407})
_GONE = frozenset({404, 410})
_WHOLE = frozenset({200, 203})
_WHEN_DUE = "A running installation asks it again when it is due"

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_OURS = frozenset({"host", "connection", "content-length", "transfer-encoding", "accept-encoding", "user-agent"})


class Momentary(Failure):
    """A failure that is worth another try at once."""


@dataclass(frozen=True)
class Question:
    """What is asked, of whatever address has the answer.

    `headers` are for the address that was asked for, and may hold a key; `conditions` are those that allow a 304.
    """

    method: str
    user_agent: str
    headers: Mapping[str, str]
    conditions: Mapping[str, str]
    content: bytes | None
    timeouts_s: Mapping[str, float]

    @property
    def wanted(self) -> frozenset[int]:
        """The statuses of an answer to this: a part (206) only where a part was asked for."""
        return _WHOLE | {206} if self.of_a_part else _WHOLE

    @property
    def of_a_part(self) -> bool:
        """Whether only some of the bytes are asked for."""
        return any(name.lower() == "range" for name in self.headers)

    def bare(self) -> Question:
        """The same, for an address that the publisher has sent us to."""
        return replace(self, headers={})


@dataclass(frozen=True)
class Redirect:
    """An answer that names another address."""

    location: str


def exchange(
    pool: httpcore.ConnectionPool, target: Target, question: Question, body: Body, clock: Clock
) -> Answer | Redirect | None:
    """Ask `target`; None for a 304. `body` collects what comes. Raises `FetchFailed`."""
    where = target.where
    with explained(where, body):
        response = pool.handle_request(_request(target, question))
        try:
            received_at = clock.now()
            headers = httpx.Headers(response.headers)
            if response.status in _REDIRECTS and "location" in headers:
                return Redirect(headers["location"])
            if response.status == 304 and question.conditions:
                _read(response, headers, body)
                return None
            _refuse(
                response.status, where, retry_after_s(headers.get("retry-after"), server_time(headers) or received_at)
            )
            if response.status not in question.wanted and question.method == "GET":
                raise Failure(
                    Outcome.TRUNCATED,
                    f"{where} answers HTTP {response.status}, which is not what was asked for",
                    remedy=_WHEN_DUE,
                    http_status=response.status,
                )
            _read(response, headers, body)
            return read_answer(headers, body.content(), str(target.url), received_at)
        finally:
            response.close()


def sendable(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers of a source, where they can be sent as they are. Raises `ConfigError`, which names no value: a key
    with a stray line break shall not end in a log."""
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            raise ConfigError(f"header {name!r} cannot be sent", remedy="Use printable ASCII, without line breaks")
        if name.lower() in _OURS:
            raise ConfigError(f"header {name!r} is not a source's to set", remedy="Leave it out; see `user_agent`")
    return dict(headers)


def _request(target: Target, question: Question) -> httpcore.Request:
    url = target.url
    headers = {
        "Host": url.netloc.decode("ascii"),
        "User-Agent": question.user_agent,
        "Accept": "*/*",
        "Accept-Encoding": "identity" if question.of_a_part else ACCEPT_ENCODING,  # a part of what is packed is useless
        **question.headers,
        **question.conditions,
    }
    if question.content is not None:
        headers["Content-Length"] = str(len(question.content))
    return httpcore.Request(
        question.method,
        httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
        headers=list(headers.items()),
        content=question.content,
        extensions={"timeout": dict(question.timeouts_s)},
    )


def _read(response: httpcore.Response, headers: httpx.Headers, body: Body) -> None:
    """Read the body, and keep the connection only where nothing is left on it that belongs to no answer.

    Whether more than the announced length was sent can be told only of what has come by then; the rest closes it.
    """
    chunked = "transfer-encoding" in headers
    bodiless = response.status == 304
    body.begin(headers.get("content-encoding"), None if chunked or bodiless else headers.get("content-length"))
    for chunk in response.iter_stream():
        body.add(chunk)
    stream = response.extensions["network_stream"]
    unasked = stream.unasked_bytes(body.packed_bytes) if isinstance(stream, PinnedStream) else None
    if unasked != 0:
        stream.close()
    if unasked and not chunked:
        raise BodyFault(Outcome.TRUNCATED, "goes on after the length that it announces")


def _refuse(status: int, where: str, retry_after: float | None) -> None:
    """Raise for a status that says no. `retry_after` is what it asks for, in seconds."""
    if status < 400:
        return
    answers = f"{where} answers HTTP {status}"
    outcome = Outcome.HTTP_4XX if status < 500 else Outcome.HTTP_5XX
    what, remedy = answers, _WHEN_DUE
    meaning = Status.UNREACHABLE
    if status != 429 and status < 500:
        retry_after = None  # of what is not there, or not for us; the host itself can be asked
    if status == 429:
        outcome = Outcome.RATE_LIMITED
        what = f"{answers}: it is asked too often"
        remedy = "Lower `requests_per_minute`, or ask the publisher for a key"
    elif status in _GONE:
        meaning = Status.WITHDRAWN
        what = f"{answers}: it is not there"
        remedy = "A running installation asks it again in case it comes back; if it does not, take it off the list"
    elif status in _FORBIDDEN:
        what = f"{answers}: it does not let this installation in"
        remedy = "Check the key of this source and what the publisher asks of its users"
    elif status < 500:
        remedy = "Check the address and the headers of this source"
    kind = Momentary if status in AT_ONCE and retry_after is None else Failure
    raise kind(outcome, what, remedy=remedy, status=meaning, retry_after_s=retry_after, http_status=status)


@contextmanager
def explained(where: str, body: Body) -> Iterator[None]:
    """What network, HTTP and body raise, as a `FetchFailed` that repeats nothing of what the other side has sent."""
    try:
        yield
    except BodyFault as fault:
        status = Status.OVERSIZE if fault.outcome is Outcome.OVERSIZE else Status.UNREACHABLE
        raise Failure(fault.outcome, f"{where} {fault.what}", remedy=fault.remedy, status=status) from None
    except httpcore.ConnectTimeout:
        raise _late(f"{where} does not take a connection in time") from None
    except httpcore.TimeoutException:
        raise _late(f"{where} does not finish its answer in time") from None
    except httpcore.ConnectError as error:
        what, remedy = _no_connection(error)
        raise Failure(Outcome.CONNECTION, f"{where} cannot be connected to: {what}", remedy=remedy) from None
    except httpcore.RemoteProtocolError as error:
        if body.begun:
            raise Failure(Outcome.TRUNCATED, f"{where} ends before its announced end", remedy=_WHEN_DUE) from None
        if str(error).startswith("Server disconnected"):  # httpcore's words for a connection that was kept too long
            raise Momentary(Outcome.CONNECTION, f"{where} hung up without an answer", remedy=_WHEN_DUE) from None
        raise Failure(
            Outcome.CONNECTION, f"{where} does not answer in HTTP", remedy="Check the scheme and port of its URL"
        ) from None
    except (httpcore.NetworkError, httpcore.ProtocolError):
        raise Momentary(Outcome.CONNECTION, f"{where} broke off the connection", remedy=_WHEN_DUE) from None


def _late(what: str) -> Failure:
    return Failure(Outcome.TIMEOUT, what, remedy=f"{_WHEN_DUE}; raise the timeouts of its source if it is always late")


def _no_connection(error: httpcore.ConnectError) -> tuple[str, str]:
    """Why, and what to do. httpcore carries the error of the system as its argument."""
    cause = error.args[0] if error.args else None
    if isinstance(cause, ssl.SSLCertVerificationError):
        why = f"its certificate does not hold ({cause.verify_message})"
        return why, "For your own cameras set `ca_file`; else it is the publisher's to renew it"
    if isinstance(cause, ssl.SSLError):
        return "TLS fails", "Check whether it speaks https"
    if isinstance(cause, socket.gaierror):
        return "its name is not known", "Check the name and this machine's name server"
    why = cause.strerror if isinstance(cause, OSError) and cause.strerror else str(cause or "no reason given")
    return why, _WHEN_DUE
