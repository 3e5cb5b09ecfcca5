"""Connections that lead only where the guard has looked, and that end when their request's time is over."""

from __future__ import annotations

import logging
import math
import ssl
import threading
import time
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import httpcore
import httpx

from core.errors import ConfigError
from ingest.fetch.guard import Guard

logging.getLogger("httpcore").setLevel(logging.INFO)  # at DEBUG it logs heads whole, a redirect's key among them

_ADDRESSES_TRIED = 4
_HEAD_BYTES = 1 << 17  # more than httpcore takes for one head


class Deadline(threading.local):
    """When the request that this thread makes must be over. A request is made in one thread, from name to last byte."""

    def __init__(self) -> None:
        self._until_s = math.inf

    def start(self, seconds: float) -> None:
        """The request now begun may take so long."""
        self._until_s = time.monotonic() + seconds

    def cap(self, timeout_s: float | None) -> float:
        """`timeout_s`, or what is left where that is less. Raises `httpcore.TimeoutException` where nothing is."""
        left_s = self._until_s - time.monotonic()
        if left_s <= 0:
            raise httpcore.ReadTimeout("the request's time is over")
        return left_s if timeout_s is None else min(timeout_s, left_s)


class PinnedBackend(httpcore.NetworkBackend):
    """Resolves a name once for each connection, has the guard check every address, and connects to one of those.

    httpcore hands it the host's name for the connection, and gives that same name to TLS afterwards: what is connected
    to is the checked address, what the certificate must be for is the name.
    """

    def __init__(self, guard: Guard, deadline: Deadline) -> None:
        self._guard = guard
        self._deadline = deadline
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> PinnedStream:
        """Raises `FetchFailed` where an address may not be connected to, `httpcore.ConnectError` or `ConnectTimeout`
        where none can be."""
        try:
            addresses = self._guard.addresses(host, self._deadline.cap(timeout))
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(error) from error
        except OSError as error:
            raise httpcore.ConnectError(error) from error
        failure: httpcore.ConnectError | httpcore.ConnectTimeout | None = None
        for address in addresses[:_ADDRESSES_TRIED]:
            limit_s = self._deadline.cap(timeout)
            try:  # an address is not resolved again: it is the text of a number
                stream = self._sockets.connect_tcp(str(address), port, limit_s, local_address, socket_options or ())
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return PinnedStream(stream, self._deadline)
        raise failure or httpcore.ConnectError("no address")


class PinnedStream(httpcore.NetworkStream):
    """A connection whose every wait is cut at the deadline of the request that it serves at the time."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline
        self._closed = False
        self._start = bytearray()
        self._received_bytes = 0

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = self._stream.read(max_bytes, self._deadline.cap(timeout))
        self._start += data[: max(0, _HEAD_BYTES - len(self._start))]
        self._received_bytes += len(data)
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._start.clear()
        self._received_bytes = 0
        self._stream.write(buffer, self._deadline.cap(timeout))

    def unasked_bytes(self, body_bytes: int) -> int | None:
        """How much has come since the request that is neither the head nor a body of `body_bytes`; None where unclear.

        What follows an answer that is over would be taken for the beginning of the next one on this connection.
        """
        head_end = 0
        while True:
            start, end = head_end, self._start.find(b"\r\n\r\n", head_end)
            if end < 0:
                return None
            head_end = end + 4
            if not self._start.startswith((b"HTTP/1.1 1", b"HTTP/1.0 1"), start):  # the heads before the answer's own
                return self._received_bytes - head_end - body_bytes

    def close(self) -> None:
        self._closed = True
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> PinnedStream:
        secured = self._stream.start_tls(ssl_context, server_hostname, self._deadline.cap(timeout))
        return PinnedStream(secured, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable" and self._closed:
            return True  # httpcore's sign that a connection is of no more use
        return self._stream.get_extra_info(info)


def trusting(ca_file: Path | None) -> ssl.SSLContext:
    """TLS that trusts the public authorities, and those in `ca_file`. The environment has no say in it.

    Raises `ConfigError`.
    """
    if ca_file is None:
        return _trusting_authorities()
    context = httpx.create_ssl_context(trust_env=False)
    try:
        context.load_verify_locations(ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"ca_file {ca_file} cannot be used", remedy="Give certificates in PEM") from error
    return context


@cache
def _trusting_authorities() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)  # a quarter of a megabyte of certificates, read once
