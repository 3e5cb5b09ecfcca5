"""Answers are compressed while they are sent.

By ISA-L, not zlib: of a city's newest readings in JSON (4.4 MB) gzip's level 3 takes 15 ms and leaves 337 kB, ISA-L's
level 2 takes 3.4 ms and leaves 352 kB. What comes out is gzip all the same.
"""

from __future__ import annotations

from functools import cached_property

from isal import isal_zlib
from starlette.datastructures import Headers
from starlette.middleware.gzip import GZipMiddleware, GZipResponder
from starlette.types import Receive, Scope, Send

_LEVEL = 2


class Compression(GZipMiddleware):
    """Starlette's middleware, with another compressor."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or "gzip" not in Headers(scope=scope).get("Accept-Encoding", ""):
            await super().__call__(scope, receive, send)
            return
        responder = _Responder(self.app, self.minimum_size, exclude_content_types=self.exclude_content_types)
        await responder(scope, receive, send)


class _Responder(GZipResponder):
    @cached_property
    def compressor(self) -> isal_zlib.Compress:  # type: ignore[override]  # of the same methods
        return isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, 16 + isal_zlib.MAX_WBITS)
