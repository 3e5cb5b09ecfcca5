"""As much of an HTTP/1.1 server as a double needs: it can say the wrong thing, slowly, or break off.

A framework keeps its promises (Content-Length, whole bodies, closing politely); this one must not.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from http import HTTPStatus
from urllib.parse import parse_qsl, unquote, urlsplit

HEAD_LIMIT = 32 * 1024
CHUNK = 64 * 1024
IDLE_S = 75.0


@dataclass(frozen=True)
class Request:
    """`headers` have lower-case names; `query` has the last value of each name.

    `at_once` is how many requests the server was answering when this one came, itself included; who had hung up by
    then is not counted.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    at_once: int = 1


class Ending(StrEnum):
    """What happens after the last byte that is sent."""

    KEEP = "keep"
    CLOSE = "close"
    RESET = "reset"
    STALL = "stall"


@dataclass(frozen=True)
class Delivery:
    """How a body goes out: all of it or `share`, `repeat` times, at a pace, and what happens then.

    `announced` is what Content-Length says; None says the truth, -1 says nothing at all.
    """

    share: float = 1.0
    repeat: int = 1
    bytes_per_s: float | None = None
    ending: Ending = Ending.KEEP
    stall_s: float = 120.0
    announced: int | None = None


@dataclass(frozen=True)
class Reply:
    """An answer; `version` is (camera, form, number) where its body is a published one, as it was published."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    delivery: Delivery = Delivery()
    version: tuple[str, str, int] | None = None


Answer = Callable[[Request], tuple[Reply, Callable[[], None]]]
"""Gives a reply, and what to call once all of it has been sent."""


async def serve(answer: Answer, address: str, port: int) -> asyncio.Server:
    """Listen; every connection is kept alive until the client or a reply ends it."""
    under_way: set[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = set()

    async def exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: Request) -> bool:
        others = sum(not (theirs.at_eof() or out.is_closing()) for theirs, out in under_way)
        under_way.add((reader, writer))
        try:
            reply, sent = answer(replace(request, at_once=others + 1))
            return await _send(reader, writer, request, reply, sent)
        finally:
            under_way.discard((reader, writer))

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, TimeoutError, asyncio.CancelledError):
            while (request := await _read(reader)) is not None:
                if not await exchange(reader, writer, request):
                    break
        writer.close()

    return await asyncio.start_server(connection, address, port, limit=HEAD_LIMIT)


async def _read(reader: asyncio.StreamReader) -> Request | None:
    """The next request; None when the client has gone or speaks something else."""
    try:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), IDLE_S)
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    try:
        method, target, _ = first.split(" ")
    except ValueError:
        return None
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    await reader.readexactly(int(headers.get("content-length") or 0))
    parts = urlsplit(target)
    return Request(method, unquote(parts.path), dict(parse_qsl(parts.query, keep_blank_values=True)), headers)


async def _send(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    request: Request,
    reply: Reply,
    sent: Callable[[], None],
) -> bool:
    """Send a reply as its delivery has it; whether the connection goes on."""
    delivery = reply.delivery
    body = b"" if request.method == "HEAD" or reply.status in (204, 304) else reply.body
    announced = len(body) * delivery.repeat if delivery.announced is None else delivery.announced
    writer.write(_head(reply, None if announced < 0 or reply.status == 304 else announced))
    stop = int(len(body) * delivery.share)
    if delivery.bytes_per_s is None:
        for _ in range(delivery.repeat):
            writer.write(body[:stop])
            await writer.drain()
    else:
        step = max(1, int(delivery.bytes_per_s / 10))
        for begin in range(0, stop, step):
            writer.write(body[begin : min(stop, begin + step)])
            await writer.drain()
            await asyncio.sleep(step / delivery.bytes_per_s)
    if delivery.share >= 1.0 and request.method == "GET" and not writer.is_closing():
        sent()
    if delivery.ending is Ending.STALL:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(reader.read(1), delivery.stall_s)
    elif delivery.ending is Ending.RESET:
        await asyncio.sleep(0.01)  # what was written must be on its way before the reset overtakes it
        lingering: socket.socket = writer.get_extra_info("socket")
        lingering.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    return delivery.ending is Ending.KEEP and request.headers.get("connection", "").lower() != "close"


def _head(reply: Reply, length: int | None) -> bytes:
    try:
        phrase = HTTPStatus(reply.status).phrase
    except ValueError:
        phrase = "Unknown"
    lines = [f"HTTP/1.1 {reply.status} {phrase}"]
    lines += [f"{name}: {value}" for name, value in reply.headers.items()]
    if length is not None:
        lines.append(f"Content-Length: {length}")
    if reply.delivery.ending is not Ending.KEEP:
        lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
