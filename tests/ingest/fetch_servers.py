"""Publishers on loopback that answer as they are told to, byte for byte where need be."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

Script = Callable[[socket.socket], None]


@dataclass(frozen=True)
class Reply:
    """An answer of the right length; or, with `raw`, whatever bytes these are; or, with `script`, whatever it does."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    raw: bytes | None = None
    script: Script | None = None

    def encoded(self) -> bytes:
        if self.raw is not None:
            return self.raw
        body = b"" if self.status == 304 else self.body
        lines = [f"HTTP/1.1 {self.status} So", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join([*lines, "", ""]).encode("utf-8") + body


@dataclass(frozen=True)
class Asked:
    """A request as it arrived. Header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Server:
    """Answers by path, the query left out: a `Reply`, or one of several in turn, the last for good; else 200 `ok`."""

    def __init__(self, address: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        self.replies: dict[str, Reply | list[Reply]] = {}
        self.asked: list[Asked] = []
        self.connections = 0
        self._tls = tls
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._listening = socket.create_server((address, 0), family=family, backlog=64)
        self.port: int = self._listening.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://{address}:{self.port}"
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        with self._lock:
            for connection in self._open:
                connection.close()
        self._thread.join(timeout=5)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with self._lock:
            self._open.add(connection)
        try:
            connection.settimeout(5)
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
            while (asked := _read_request(connection)) is not None:
                with self._lock:
                    self.asked.append(asked)
                    reply = self._reply(asked.path.partition("?")[0])
                if reply.script is not None:
                    reply.script(connection)
                    return
                connection.sendall(reply.encoded())
                if reply.raw is not None and b"keep-alive" not in reply.raw:
                    return
        except OSError:
            return
        finally:
            connection.close()
            with self._lock:
                self._open.discard(connection)

    def _reply(self, path: str) -> Reply:
        reply = self.replies.get(path, Reply(body=b"ok"))
        if isinstance(reply, list):
            return reply.pop(0) if len(reply) > 1 else reply[0]
        return reply


def _read_request(connection: socket.socket) -> Asked | None:
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return None
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    while len(body) < int(headers.get("content-length", "0")):
        body += connection.recv(65536)
    method, path, _ = first.split(" ")
    return Asked(method, path, headers, body)


class ManualClock:
    """Time that passes only in sleep; safe between threads."""

    def __init__(self, start: datetime = datetime(2026, 3, 12, 8, tzinfo=UTC)) -> None:
        self._now = start
        self._lock = threading.Lock()
        self.slept: list[float] = []

    def now(self) -> datetime:
        with self._lock:
            return self._now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.slept.append(seconds)
            self._now += timedelta(seconds=max(0.0, seconds))
