"""A guest at the publishers' hosts: asks for what it may, as often as it may, and believes nothing that it is told."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from random import Random

import httpcore

from core.clock import Clock
from ingest.feed import Version
from ingest.fetch.answer import Answer, conditions
from ingest.fetch.body import Body
from ingest.fetch.budget import Budgets, Limits, Server
from ingest.fetch.config import GuestConfig
from ingest.fetch.exchange import Momentary, Question, Redirect, exchange, explained, sendable
from ingest.fetch.failure import Failure, OnRequest, Outcome, RequestOutcome, refused
from ingest.fetch.guard import STREAM_PORTS, Guard, Target, host_entry, server_at, shown
from ingest.fetch.names import Resolve, system_addresses
from ingest.fetch.offsets import ClockOffsets
from ingest.fetch.pinned import Deadline, PinnedBackend, trusting
from ingest.fetch.retry import backoff_s

__all__ = ["Answer", "Budgets", "Failure", "Guest", "GuestConfig", "Outcome", "RequestOutcome", "host_entry"]

MOST_REDIRECTS = 3
KEPT_CONNECTIONS = 16
KEPT_FOR_S = 30.0

_RETRY_BASE_S, _RETRY_CAP_S = 0.5, 4.0
_HOST_FAULTS = frozenset({Outcome.CONNECTION, Outcome.TIMEOUT, Outcome.HTTP_5XX})
"""What speaks of the host, and not of the one thing that was asked for: its breaker counts these."""

_NOT_LISTED = "-"


@dataclass
class _Allowance:
    """What one call may still use, over all its tries and redirects: seconds on the network; bytes of each answer."""

    left_s: float
    max_bytes: int


@dataclass
class _Request:
    """A request under way, and what became of it so far."""

    body: Body
    outcome: Outcome = Outcome.OK
    seconds: float = 0.0


class Guest:
    """One source's way out: guarded, polite, bounded. Used by the source's threads together; `close` it at the end.

    A host's budget and breaker are those of the whole installation (`budgets`). Every failure is a `FetchFailed` (most
    are its kind `Failure`, with the outcome); no message and no outcome holds a query, a header or a credential.
    `headers` go with every request to the address asked for, and to no other origin that it redirects to.
    """

    def __init__(
        self,
        config: GuestConfig,
        budgets: Budgets,
        clock: Clock,
        *,
        headers: Mapping[str, str] | None = None,
        resolve: Resolve = system_addresses,
        on_request: OnRequest | None = None,
        random: Random | None = None,
    ) -> None:
        """Raises `ConfigError` for headers that cannot be sent, and for a `ca_file` that cannot be read."""
        self._config = config
        self._clock = clock
        self._headers = sendable(headers or {})
        self._on_request = on_request or (lambda _: None)
        self._random = random or Random()  # noqa: S311 - jitter, not a secret
        self._guard = Guard(config.hosts, config.private_networks, resolve)
        self._offsets = ClockOffsets()
        self._deadline = Deadline()
        self._backend = PinnedBackend(self._guard, self._deadline)
        self._pool = httpcore.ConnectionPool(
            ssl_context=trusting(config.ca_file),
            max_connections=None,  # the budgets bound them
            max_keepalive_connections=KEPT_CONNECTIONS,
            keepalive_expiry=KEPT_FOR_S,
            network_backend=self._backend,
        )
        self._seat = budgets.join(Limits(config.requests_per_minute, config.concurrency), self._guard.covers)

    def get(
        self,
        url: str,
        *,
        known: Version | None = None,
        headers: Mapping[str, str] | None = None,
        max_bytes: int | None = None,
    ) -> Answer | None:
        """What is at `url`; None where it is still the version `known`. Waits for the host's budget.

        Follows up to three redirects, each checked like a URL of its own. A connection that breaks, and a proxy's 502,
        503 and 504, are tried again at once, `attempts` times in all; for everything else the caller comes back when
        the camera is due. Raises `FetchFailed`.
        """
        question = self._question("GET", headers, conditions=conditions(known))
        allowance = _Allowance(self._config.deadline_s, self._config.max_bytes if max_bytes is None else max_bytes)
        attempt = 1
        while True:
            try:
                return self._follow(url, question, allowance)
            except Momentary:
                if attempt == self._config.attempts or self._seat.left:
                    raise
            self._clock.sleep(backoff_s(attempt - 1, self._random, base_s=_RETRY_BASE_S, cap_s=_RETRY_CAP_S))
            attempt += 1

    def post(self, url: str, content: bytes, *, headers: Mapping[str, str] | None = None) -> Answer:
        """Send `content` to `url`, once: whether one that failed was acted on is not known. Follows no redirect.

        Raises `FetchFailed`.
        """
        question = self._question("POST", headers, content=content)
        answer = self._ask(self._target(url), question, _Allowance(self._config.deadline_s, self._config.max_bytes))
        if not isinstance(answer, Answer):
            message = f"{shown(url)} redirects, and what is sent is not sent on"
            raise Failure(Outcome.REDIRECTED, message, remedy="Configure the address that it redirects to")
        return answer

    def connect(self, host: str, port: int) -> socket.socket:
        """A TCP connection for another protocol (RTSP), guarded and counted like a request; the caller closes it.

        A host on the allow-list without a port may be connected to at RTSP's own ports. The socket's timeout is
        `read_timeout_s`. Raises `FetchFailed`.
        """
        try:
            host, entry = self._guard.endpoint(host, port, STREAM_PORTS.values())
        except Failure as failure:
            self._report(_NOT_LISTED, failure.outcome)
            raise
        allowance = _Allowance(self._config.deadline_s, max_bytes=0)
        server = server_at(host, port)
        with self._asking(server, entry, allowance) as request, explained(f"{host}:{port}", request.body):
            stream = self._backend.connect_tcp(host, port, self._config.connect_timeout_s)
        connection: socket.socket = stream.get_extra_info("socket")
        connection.settimeout(self._config.read_timeout_s)
        return connection

    def close(self) -> None:
        """Ask nothing more and close the connections; who waits for a budget is told so by a `FetchFailed`."""
        self._seat.leave()
        self._pool.close()

    def _question(
        self,
        method: str,
        headers: Mapping[str, str] | None,
        *,
        conditions: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> Question:
        config = self._config
        read_s = config.read_timeout_s
        return Question(
            method=method,
            headers=self._headers | sendable(headers or {}),
            user_agent=config.introduction,
            conditions=conditions or {},
            content=content,
            timeouts_s={"connect": config.connect_timeout_s, "read": read_s, "write": read_s},
        )

    def _follow(self, url: str, question: Question, allowance: _Allowance) -> Answer | None:
        """Ask `url`, and where it sends us, a few times over."""
        target = first = self._target(url)
        for _ in range(MOST_REDIRECTS + 1):
            answer = self._ask(target, question if target.origin == first.origin else question.bare(), allowance)
            if not isinstance(answer, Redirect):
                return answer
            target = self._redirected(target, answer.location)
        raise Failure(
            Outcome.REDIRECTED,
            f"{shown(url)} redirects more than {MOST_REDIRECTS} times",
            remedy="Configure the address that it leads to",
        )

    def _redirected(self, origin: Target, location: str) -> Target:
        try:
            return self._guard.redirected(origin, location)
        except Failure as failure:
            self._report(_NOT_LISTED, failure.outcome)
            message = f"{origin.where} redirects elsewhere: {failure.message}"
            raise refused(message, failure.remedy) from None

    def _target(self, url: str) -> Target:
        try:
            return self._guard.target(url)
        except Failure as failure:
            self._report(_NOT_LISTED, failure.outcome)
            raise

    def _ask(self, target: Target, question: Question, allowance: _Allowance) -> Answer | Redirect | None:
        with self._asking(target.server, target.entry, allowance) as request:
            answer = exchange(self._pool, target, question, request.body, self._clock)
            if not isinstance(answer, Answer):
                request.outcome = Outcome.NOT_MODIFIED if answer is None else Outcome.REDIRECTED
                return answer
            return replace(answer, ahead=self._offsets.of(target.host, answer.server_time, answer.received_at))

    @contextmanager
    def _asking(self, server: Server, entry: str, allowance: _Allowance) -> Iterator[_Request]:
        """A request: waits for its turn, bounds its time, and tells the breaker and the metrics what became of it."""
        request = _Request(Body(allowance.max_bytes))
        try:
            with self._seat.turn(server) as turn:
                began_s = time.monotonic()
                self._deadline.start(allowance.left_s)
                try:
                    yield request
                except Failure as failure:
                    if failure.outcome is Outcome.RATE_LIMITED or failure.retry_after_s is not None:
                        turn.told(failure.retry_after_s)
                    elif failure.outcome in _HOST_FAULTS:
                        turn.fail()
                    raise
                finally:
                    request.seconds = time.monotonic() - began_s
                    allowance.left_s -= request.seconds
        except Failure as failure:
            self._report(entry, failure.outcome, request)
            raise
        self._report(entry, request.outcome, request)

    def _report(self, entry: str, outcome: Outcome, request: _Request | None = None) -> None:
        seconds, received_bytes = (request.seconds, request.body.packed_bytes) if request else (0.0, 0)
        self._on_request(RequestOutcome(entry, outcome, seconds, received_bytes))
