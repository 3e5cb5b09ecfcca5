"""JSON and GeoJSON as publishers answer with it: read once and alike, whatever a feed makes of it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ingest.feed import FetchFailed
from ingest.fetch.guard import shown
from ingest.fetch.guest import Guest

_QUERY = re.compile(r"\?\S*")


def ask_json(guest: Guest, url: str, headers: Mapping[str, str] | None = None) -> Any:
    """What the publisher answers at `url`. Raises `FetchFailed`, also for an answer that is not JSON."""
    answer = guest.get(url, headers=headers or {})
    if answer is None:
        raise FetchFailed(f"{shown(url)} says that nothing has changed, though it was not asked that")
    return parsed_json(answer.content, f"the answer of {shown(url)}")


def parsed_json(content: bytes, what: str) -> object:
    """JSON of an answer. Raises `FetchFailed` for anything else: a page that says sorry, half an answer, a bomb."""
    try:
        parsed: object = json.loads(content)
    except (ValueError, RecursionError) as error:
        page = ", but a page" if content.lstrip()[:1] == b"<" else ""
        raise FetchFailed(
            f"{what} is not JSON{page} ({len(content)} bytes)", remedy="Open the address to see what is there"
        ) from error
    return parsed


def rows(parsed: object, what: str) -> Sequence[object]:
    """A JSON list. Raises `FetchFailed` where it is something else."""
    if isinstance(parsed, list):
        return parsed
    message = str(parsed["message"])[:200] if isinstance(parsed, dict) and "message" in parsed else ""
    said = f": {_QUERY.sub('?...', message)}" if message else ""  # publishers repeat what they were asked
    raise FetchFailed(
        f"{what} is not a list of entries{said}", remedy="The publisher may have changed its format, or refuses"
    )


def features(parsed: object, what: str) -> Sequence[object]:
    """The features of a GeoJSON FeatureCollection (RFC 7946). Raises `FetchFailed`."""
    if isinstance(parsed, dict) and parsed.get("type") == "FeatureCollection":
        return rows(parsed.get("features"), f"features of {what}")
    return rows(None if not isinstance(parsed, dict) else parsed, f"{what}, which should be a FeatureCollection,")


def members(answer: Any, *names: str) -> list[dict[str, Any]]:
    """The objects of the list below `names`; those of another kind, and a list that is not there, are none."""
    for name in names:
        answer = answer.get(name) if isinstance(answer, dict) else None
    return [member for member in answer if isinstance(member, dict)] if isinstance(answer, list) else []


def coordinates(feature: Mapping[str, Any]) -> tuple[object, object] | None:
    """Latitude and longitude of a GeoJSON point as they stand there, which is the other way round; None without one."""
    geometry = feature.get("geometry")
    written = geometry.get("coordinates") if isinstance(geometry, dict) else None
    return (written[1], written[0]) if isinstance(written, list) and len(written) >= 2 else None


def degrees(value: object) -> float | None:
    """A number, or one in quotes, as degrees; None for what is none, true and false among it."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        read = float(value)
    except (ValueError, OverflowError):
        return None
    return read if math.isfinite(read) else None


def point_of(feature: Mapping[str, Any]) -> tuple[float, float] | None:
    """Latitude and longitude of a GeoJSON feature in degrees; None where it has no point on this earth."""
    lat, lon = (degrees(part) for part in coordinates(feature) or (None, None))
    return (lat, lon) if lat is not None and lon is not None and abs(lat) <= 90 and abs(lon) <= 180 else None
