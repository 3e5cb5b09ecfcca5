"""The web page and the API's own documentation, both from local files: nothing is fetched from elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from html import escape
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import FileResponse, HTMLResponse, Response

from api.calibration import AtDesk
from api.operator_guard import OperatorPage
from api.problems import NotBuilt, status_of
from core.errors import BusynessError

_BUILD_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>busyness: the pages are not built</title></head>
<body>
<h1>The pages have not been built yet</h1>
<p>Run <code>make page</code> and start again. The API works without it:
<a href="{root}v1/cameras">/v1/cameras</a>, <a href="{root}v1/latest">/v1/latest</a>,
<a href="{root}v1/health">/v1/health</a>,
<a href="{root}openapi.json">/openapi.json</a>.</p>
</body>
</html>
"""
"""`root` is the way from the page's address to ours, for proxies serve us below a path of theirs."""

_TROUBLE_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>busyness: {title}</title></head>
<body>
<h1>{title}</h1>
<p>{detail}.</p>
<p>What to do: {remedy}.</p>
</body>
</html>
"""

# FastAPI's own page would load Swagger UI from a CDN and start it with an inline script, which the
# Content-Security-Policy refuses. The page build puts Swagger UI into docs/; addresses are relative for proxies.
_DOCS_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>busyness API</title>
<link rel="icon" href="icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""

# validatorUrl: Swagger UI would otherwise send the description to a validator on the internet.
_DOCS_START = """"use strict";
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null,
  tryItOutEnabled: true,
});
"""


class ReadablePage(OperatorPage):
    """A page whose errors are read by whoever typed its address: as a page, where a browser asks."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler; what a browser is refused is a page with the detail and the remedy."""
        handle = super().get_route_handler()

        async def readable(request: Request) -> Response:
            try:
                return await handle(request)
            except BusynessError as error:
                status = status_of(error)
                if status is None or "text/html" not in request.headers.get("accept", ""):
                    raise
                told = {"title": status.phrase, "detail": error.message, "remedy": error.remedy}
                return HTMLResponse(_TROUBLE_PAGE.format(**{key: escape(words) for key, words in told.items()}), status)

        return readable


def add_pages(app: FastAPI, web_dist: Path | None) -> None:
    """Serve the built pages of `web_dist` at /, /operations and (to the operator alone) /operations/calibrate/CAMERA,
    and Swagger UI at /docs, or say how to build them."""

    @app.get("/docs", include_in_schema=False)
    def docs() -> Response:
        if web_dist is None or not (web_dist / "docs" / "swagger-ui-bundle.js").is_file():
            raise NotBuilt(
                "the documentation page has not been built",
                remedy="run `make page` and start again; the description it shows is at /openapi.json",
            )
        return HTMLResponse(_DOCS_PAGE)

    @app.get("/docs/start.js", include_in_schema=False)
    def docs_start() -> Response:
        return Response(_DOCS_START, media_type="text/javascript")

    @app.get("/operations", include_in_schema=False)
    def operations() -> Response:
        if web_dist is None or not (web_dist / "operations.html").is_file():
            return HTMLResponse(_BUILD_PAGE.format(root=""))
        return FileResponse(web_dist / "operations.html", media_type="text/html")

    operator = APIRouter(route_class=ReadablePage)

    @operator.get("/operations/calibrate/{camera}", include_in_schema=False)
    def calibrate(camera: str, desk: AtDesk) -> Response:
        desk.open(camera)  # there is such a camera, and a desk to calibrate it at
        if web_dist is None or not (web_dist / "calibrate.html").is_file():
            return HTMLResponse(_BUILD_PAGE.format(root="../../"))
        return FileResponse(web_dist / "calibrate.html", media_type="text/html")

    app.include_router(operator)
    if web_dist is not None and (web_dist / "index.html").is_file():
        app.frontend("/", directory=web_dist, fallback=None)
        return

    @app.get("/", include_in_schema=False)
    def page() -> Response:
        return HTMLResponse(_BUILD_PAGE.format(root=""))
