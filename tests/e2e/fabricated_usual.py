"""What is usual, unusual and changed in the fabricated day, answered in the place of the service.

The statistics have their own tests: here the page is shown answers of every kind that it has to draw.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

from fabricated_day import CROSSING, PARK, PATCHY, PAVEMENT, QUIET, TOWER, usual_level
from playwright.sync_api import Page, Route

from core.records import Camera

TOO_NEW = "6 of 28 days are there"
AWAY = {TOWER.id: 0.45, PARK.id: 2.4, CROSSING.id: 0.6}
"""What is usual, as a share of what was fabricated: half at one, over double at another."""
RANGE = (0.7, 1.35)

Row = dict[str, Any]
WINDOW = {"start": "2017-03-09T08:30:00Z", "end": "2017-03-09T08:45:00Z"}


def with_usual(row: Row) -> Row:
    """A reading with what is usual there; one camera is too new, another borrows from its like."""
    if row["camera"] == QUIET.id or row["window"] == "5m":
        state, reason = ("insufficient_history", TOO_NEW) if row["window"] != "5m" else ("none", "5 min are too short")
        nothing = dict.fromkeys(("baseline", "baseline_low", "baseline_high", "index", "index_low", "index_high"))
        return row | nothing | {"baseline_state": state, "baseline_reason": reason}
    at = datetime.fromisoformat(row["start"])
    usual = AWAY.get(row["camera"], 1.0) * usual_level(row["camera"], row["class"], at)
    borrowed = row["camera"] == CROSSING.id
    index = {name: None if row[key] is None else row[key] / usual for name, key in _INDEX.items()}
    return row | {
        "baseline": usual,
        "baseline_low": usual * RANGE[0],
        "baseline_high": usual * RANGE[1],
        **index,
        "baseline_state": "borrowed" if borrowed else "ok",
        "baseline_reason": "of 3 similar zones" if borrowed else None,
    }


_INDEX = {"index": "mean", "index_low": "low", "index_high": "high"}


def without_usual(row: Row) -> Row:
    """A reading of a service that has only begun."""
    nothing = dict.fromkeys(("baseline", "baseline_low", "baseline_high", "index", "index_low", "index_high"))
    return row | nothing | {"baseline_state": "insufficient_history", "baseline_reason": TOO_NEW}


def _hexagon(camera: Camera) -> Mapping[str, Any]:
    corners = [(math.cos(turn), math.sin(turn)) for turn in (step * math.pi / 3 for step in range(7))]
    ring = [[camera.lon + 0.015 * x, camera.lat + 0.0092 * y] for x, y in corners]
    return {"type": "Polygon", "coordinates": [ring]}


def _spot(at: Camera, verdict: str, confidence: float | None, index: float, **place: Any) -> Row:
    return {
        "zone": None, "camera": None, "cell": None, "zones": [at.counted_zones[0].id], "name": at.name,
        **WINDOW, "mean": 20 * index, "baseline": 20.0,
        "index": index, "index_low": index * 0.8, "index_high": index * 1.25, "verdict": verdict,
        "confidence": confidence, "since": "2017-03-09T07:45:00Z", "windows": 4, "state": "ok", "reason": None, **place,
    }  # fmt: skip


SPOTS = ((TOWER, "too_busy", 0.99, 2.2), (CROSSING, "too_busy", 0.95, 1.7), (PARK, "too_quiet", 0.9, 0.4))
WORDS = "2 of 5 places are busier than usual, 1 is quieter; 1 more cannot be judged."


def hotspots(grid: str) -> Row:
    """Three places that stand out, one that does not, one that is not known."""
    features = []
    for camera, verdict, confidence, index in (*SPOTS, (PATCHY, "usual", None, 1.0), (QUIET, "unknown", None, 1.0)):
        if grid == "cells":
            place: Row = {"cell": f"cell-{camera.id}"}
            shape = _hexagon(camera)
        else:
            zone = camera.counted_zones[0]
            place = {"zone": zone.id, "camera": camera.id}
            ring = [] if zone.ground is None else [*zone.ground.outline, zone.ground.outline[0]]
            point = {"type": "Point", "coordinates": [camera.lon, camera.lat]}
            shape = {"type": "Polygon", "coordinates": [ring]} if ring else point
        properties = _spot(camera, verdict, confidence, index, **place)
        features.append({"type": "Feature", "geometry": shape, "properties": properties})
    looked = [{"class": "people", "places": 6, "known": 5, "words": WORDS}]
    return {"type": "FeatureCollection", "features": features, "looked": looked, **WINDOW}


REASON = "12 hours above its usual range, 4 of them on Thursday; 21 % more people than usual (90 % interval 9 to 34 %)."


def _priority(rank: int | None, camera: Camera, hours: float | None, trend: str) -> Row:
    zone = camera.counted_zones[0]
    return {
        "rank": rank, "zone": zone.id, "camera": camera.id, "name": zone.name, "kind": zone.kind, "people_hours": hours,
        "people_hours_low": hours and 0.7 * hours, "people_hours_high": hours and 1.3 * hours, "trend": trend,
        "words": REASON if rank else "", "state": "ok" if rank else "insufficient_history",
        "reason": None if rank else TOO_NEW,
    }  # fmt: skip


RANKED = "2 of 5 places are too busy again and again; 1 more cannot be judged."


def priorities(asked: Mapping[str, list[str]]) -> Row:
    """Two places, and one that cannot be judged."""
    rows = [
        _priority(1, TOWER, 310.4, "worse"),
        _priority(2, CROSSING, 92.0, "better"),
        _priority(None, QUIET, None, "unknown"),
    ]
    looked = [{"class": "people", "places": 6, "known": 5, "ranked": 2, "words": RANKED}]
    return {"priorities": rows, "start": asked["from"][0], "end": asked["to"][0], "looked": looked}


REGION = "Around Tower Bridge Rd 2.2 times as many people as usual since 07:45."


def anomalies() -> Row:
    row = {"id": "3f2a91bc", "direction": "too_busy", "words": REGION, "state": "ok", "reason": None}
    return {"anomalies": [row], "looked": []}


LANE = {
    "id": "parkway-2017", "name": "Parkway: lane closed", "kind": "closed_lane", "zones": [PAVEMENT.id],
    "spill_zones": [], "lat": 51.5385, "lon": -0.1455, "start": "2017-03-02T00:00:00Z", "end": None,
    "works_from": "2017-02-27T00:00:00Z", "note": "scheme 117", "registered_by": None,
    "registered_at": "2017-03-01T00:00:00Z",
}  # fmt: skip
YOUNG = LANE | {
    "id": "tooley-2017",
    "name": "Tooley St: wider pavement",
    "kind": "wider_pavement",
    "zones": ["06710:view"],
    "lat": 51.5046,
    "lon": -0.0795,
    "start": "2017-03-08T00:00:00Z",
    "works_from": None,
    "note": None,
}
HEADLINE = "20 % fewer people than there would have been without it (90 % interval 15 to 25 % fewer)."
TOO_EARLY = "No answer: it is too early: 2 days are stored since it began, and 2 whole weeks (14 days) are needed."


def effect(name: str) -> Row:
    """One that is told, one that is refused."""
    if name == YOUNG["id"]:
        return {"state": "refused", "verdict": "none", "words": [TOO_EARLY], "zones": [], "weeks": []}
    words = [HEADLINE, "On average 5 were present at a time, where 6.3 were to be expected; before it 6.4 were."]
    alone = {
        "zone": PAVEMENT.id,
        "change": {"change": -0.2, "low": -0.25, "high": -0.15, "p_value": 0.001},
        "reason": None,
    }
    return {"state": "measured", "verdict": "fewer", "words": words, "zones": [alone], "weeks": [{"week": 0}]}


_PLOT = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 200"><path d="M20 60H200V100H380"
 fill="none" stroke="#16202c" stroke-width="3"/><path d="M200 10V190" stroke="#c2185b"/></svg>"""


def answer_in_its_place(page: Page, *, known: bool = True) -> None:
    """Let the page be told what is usual; `known`: whether that is known of any zone."""
    page.route(re.compile(r"/v1/(readings|latest)\?(?!.*format=csv)"), partial(_rows, known=known))
    page.route(re.compile(r"/v1/(hotspots|priorities|anomalies|interventions)"), _unusual)


def _rows(route: Route, *, known: bool) -> None:
    response = route.fetch()
    body = response.json()
    if "readings" in body:
        body["readings"] = [(with_usual if known else without_usual)(row) for row in body["readings"]]
    route.fulfill(response=response, json=body)


def _unusual(route: Route) -> None:
    address = urlsplit(route.request.url)
    asked, parts = parse_qs(address.query), address.path.removeprefix("/v1/").split("/")
    if parts[-1] == "effect.svg":
        route.fulfill(body=_PLOT, content_type="image/svg+xml")
        return
    answers: Mapping[str, Any] = {
        "hotspots": lambda: hotspots(asked["grid"][0]),
        "priorities": lambda: priorities(asked),
        "anomalies": anomalies,
        "interventions": lambda: effect(parts[1]) if len(parts) > 1 else {"interventions": [YOUNG, LANE]},
    }
    route.fulfill(body=json.dumps(answers[parts[0]]()), content_type="application/json")
