"""The web page and the API's own documentation, both from local files: nothing is fetched from elsewhere."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, FastAPI
from fastapi.responses import FileResponse, HTMLResponse, Response

from api.calibration import AtDesk
from api.operator_guard import OperatorPage
from api.problems import NotBuilt

_BUILD_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>busyness: the pages are not built</title></head>
<body>
<h1>The pages have not been built yet</h1>
<p>Run <code>make page</code> and start again. The API works without it:
<a href="v1/cameras">/v1/cameras</a>, <a href="v1/latest">/v1/latest</a>,
<a href="v1/health">/v1/health</a>,
<a href="openapi.json">/openapi.json</a>.</p>
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
            return HTMLResponse(_BUILD_PAGE)
        return FileResponse(web_dist / "operations.html", media_type="text/html")

    operator = APIRouter(route_class=OperatorPage)

    @operator.get("/operations/calibrate/{camera}", include_in_schema=False)
    def calibrate(camera: str, desk: AtDesk) -> Response:
        desk.open(camera)  # there is such a camera, and a desk to calibrate it at
        if web_dist is None or not (web_dist / "calibrate.html").is_file():
            return HTMLResponse(_BUILD_PAGE)
        return FileResponse(web_dist / "calibrate.html", media_type="text/html")

    app.include_router(operator)
    if web_dist is not None and (web_dist / "index.html").is_file():
        app.frontend("/", directory=web_dist, fallback=None)
        return

    @app.get("/", include_in_schema=False)
    def page() -> Response:
        return HTMLResponse(_BUILD_PAGE)
