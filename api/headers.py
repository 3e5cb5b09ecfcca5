"""What every response says to a browser: load nothing foreign, guess no types, keep nothing that changes."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


def page_policy(basemap_origin: str | None) -> str:
    """The Content-Security-Policy of the page: ourselves, and the configured basemap where there is one.

    `blob:` workers and images are how MapLibre draws.
    """
    basemap = f" {basemap_origin}" if basemap_origin else ""
    return "; ".join(
        (
            "default-src 'self'",
            f"img-src 'self' data: blob:{basemap}",
            f"connect-src 'self'{basemap}",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


class ResponseHeaders:
    """Adds the security headers, and says how long an answer may be kept where the route has not."""

    def __init__(self, app: ASGIApp, policy: str) -> None:
        self.app = app
        self._fixed = {
            "Content-Security-Policy": policy,
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            # Tile servers ask for the origin of the page that uses them; the path stays with us.
            "Referrer-Policy": "strict-origin-when-cross-origin",
            "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
            "Cross-Origin-Opener-Policy": "same-origin",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._fixed.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", _keeping(scope["path"], message["status"]))
            await send(message)

        await self.app(scope, receive, dressed)


def _keeping(path: str, status: int) -> str:
    """How long a client may keep the answer: built files carry their hash in their name, figures change any minute."""
    if status in (200, 304):
        if path.startswith("/assets/"):
            return "public, max-age=31536000, immutable"
        if not path.startswith(("/v1/", "/metrics", "/healthz", "/readyz")):
            return "no-cache"
    return "no-store"
