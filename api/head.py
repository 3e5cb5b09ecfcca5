"""HEAD, for those who look before they fetch: link checkers, caches, download tools, probes."""

from __future__ import annotations

from collections.abc import Collection
from http import HTTPStatus

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class HeadRequests:
    """Answers HEAD wherever GET is answered: the same status and headers, no body.

    Not at `streams`, the paths whose answers never end, and not below `once`, where an answer is gone when it is given.
    """

    def __init__(self, app: ASGIApp, streams: Collection[str], once: str) -> None:
        self.app = app
        self._streams = frozenset(streams)
        self._once = f"{once}/"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._has_none(_path(scope)):
            await self.app(scope, receive, send)
            return
        head = scope["method"] == "HEAD"

        async def answered(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == HTTPStatus.METHOD_NOT_ALLOWED:
                headers = MutableHeaders(scope=message)
                if headers.get("Allow") == "GET":
                    headers["Allow"] = "GET, HEAD"
            if message["type"] == "http.response.body" and head:
                message = {**message, "body": b""}
            await send(message)

        # A copy, because the server has to know that it was a HEAD: it measures the body against Content-Length.
        asked = {**scope, "method": "GET"} if head else scope
        try:
            await self.app(asked, receive, answered)
        finally:
            if "route" in asked:
                scope["route"] = asked["route"]

    def _has_none(self, path: str) -> bool:
        return path in self._streams or path.startswith(self._once)


def _path(scope: Scope) -> str:
    """The path without the prefix under which a proxy serves us."""
    return str(scope["path"]).removeprefix(scope.get("root_path", "").rstrip("/"))
