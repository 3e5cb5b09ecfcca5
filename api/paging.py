"""The address of the page that follows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

from fastapi import Request


def page_after(request: Request, edges: Mapping[str, datetime | None], limit: int, offset: int) -> str:
    """The question of `request` for the `limit` rows from `offset` on, the `edges` of its time written out.

    Path and query only: of scheme and host the client knows more than we do, who have them from its Host header.
    """
    place = {"limit": limit, "offset": offset}
    said = request.query_params.multi_items()
    kept = [(name, value) for name, value in said if name not in edges and name not in place]
    fixed = [(name, written(time)) for name, time in edges.items() if time is not None]
    path = request.scope.get("root_path", "").rstrip("/") + request.app.url_path_for(request.scope["route"].name)
    return f"{quote(path)}?{urlencode([*kept, *fixed, *place.items()])}"


def written(time: datetime) -> str:
    """A time as the parameters take it."""
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")
