"""Routes that only the operator may use: somebody at this machine, with a page that this service gave.

An address that the outside cannot reach is not enough: a page of any site in the operator's browser can send requests
to 127.0.0.1, and a name that is resolved to 127.0.0.1 makes it the same site (DNS rebinding). So the connection has to
come from this machine, past no proxy; the host asked for has to be this machine by address or as `localhost`; and what
changes something has to come from a page of ours, which browsers tell by `Sec-Fetch-Site` and `Origin`
(Fetch Metadata, W3C; Fetch, WHATWG, section 3.2). A script may set `Origin` itself: whoever can run scripts here is the
operator.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from api.problems import Forbidden

MOST_BYTES = 1024 * 1024
"""Of a body: a site of fifty zones has 200 KB."""

PROXIED = (
    "forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto",
    "x-forwarded-server", "x-client-ip", "x-original-host", "x-real-ip", "true-client-ip", "cf-connecting-ip",
)  # fmt: skip
"""What proxies add: a request that has passed one may be from anywhere."""

FIRST_HTTP = "1.0"
"""No browser speaks it any more. Proxies do: nginx as it comes, which says no word of itself and names us as host."""

READING = ("GET", "HEAD")
REMEDY = "open /operations/calibrate/CAMERA on the machine that runs busyness, by the host 127.0.0.1 or localhost"


class OperatorRoute(APIRoute):
    """A route whose requests are looked at before anything of them is read."""

    linked = False
    remedy = REMEDY

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler behind the guard, which raises `Forbidden`."""
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            check_operator(request, linked=self.linked, remedy=self.remedy)
            return await handle(request)

        return guarded


class OperatorPage(OperatorRoute):
    """A page, to which a link from another site may lead; nothing else on one may ask for it."""

    linked = True


def check_operator(request: Request, *, linked: bool = False, remedy: str = REMEDY) -> None:
    """Raises `Forbidden`, with `remedy`, for a request that is not known to be the operator's.

    With `linked` a link from another site may have led to it.
    """
    client = request.client.host if request.client is not None else ""
    if not _is_loopback(client):
        raise Forbidden("this page is for the operator, at the machine itself", remedy=remedy)
    proxied = next((name for name in PROXIED if name in request.headers), None)
    if proxied is not None:
        raise Forbidden(f"the request came through a proxy (it has the header {proxied})", remedy=remedy)
    if request.scope.get("http_version") == FIRST_HTTP:
        raise Forbidden(f"the request came through a proxy (it speaks HTTP/{FIRST_HTTP})", remedy=remedy)
    host = request.headers.get("host", "")
    if not _is_loopback(_host_of(f"//{host}")):
        raise Forbidden("the host that was asked for is not this machine by address", remedy=remedy)
    site = request.headers.get("sec-fetch-site")
    if request.method in READING:
        followed = linked and request.headers.get("sec-fetch-mode") == "navigate"
        if not followed and site not in (None, "same-origin", "none"):
            raise Forbidden("another site's page asks for this", remedy=remedy)
        return
    origin = request.headers.get("origin")
    if site not in (None, "same-origin") or (origin is not None and origin != f"{request.url.scheme}://{host}"):
        raise Forbidden("another site's page asks for this change", remedy=remedy)
    if site is None and origin is None:
        raise Forbidden("nothing says that a page of this service asks", remedy=f"send Origin: http://{host}")
    _check_body(request)


def _check_body(request: Request) -> None:
    length = request.headers.get("content-length", "0")
    if "transfer-encoding" in request.headers or not length.isdecimal() or int(length) > MOST_BYTES:
        raise Forbidden(
            f"the body has no length, or more than {MOST_BYTES} bytes", remedy="send a smaller body, as JSON"
        )
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if int(length) > 0 and kind != "application/json":
        raise Forbidden("the body does not say that it is JSON", remedy="send Content-Type: application/json")


def _host_of(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)
