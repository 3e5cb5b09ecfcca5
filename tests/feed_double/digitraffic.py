"""Fintraffic's Digitraffic: weather cameras, each station with several presets, and a still of each preset."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from feed_double.cameras import DoubledCamera
from feed_double.faults import FaultKind, PathClass
from feed_double.hosts import Moment, Route, http_date, json_reply, media, moved_lat
from feed_double.http11 import Reply, Request
from feed_double.publishing import Publisher

API = "/api/weathercam/v1/stations"


@dataclass
class DigitrafficApi:
    """tie.digitraffic.fi: stations as GeoJSON, and when each preset was last photographed.

    Who names itself in `Digitraffic-User` may ask as often as it likes.
    """

    publisher: Publisher
    name: str = "digitraffic_api"

    def route(self, request: Request) -> Route:
        known = {API: PathClass.CAMERAS, f"{API}/data": PathClass.NEWEST}
        return Route(known.get(request.path.rstrip("/"), PathClass.OTHER))

    def limit(self, request: Request, published: float | None) -> float | None:
        return _limit(request, published)

    def answer(self, request: Request, route: Route, moment: Moment) -> Reply:
        headers = {"Date": http_date(moment.now), "Cache-Control": "max-age=60,public"}
        updated = _iso(moment.now)
        stations = [
            (station, list(presets))
            for station, presets in groupby(self.publisher.cameras, key=lambda camera: camera.id[:-2])
        ]
        if route.on is PathClass.CAMERAS:
            features = [
                self._feature(station, presets, listed, moment)
                for station, presets in stations
                if (listed := [entry for preset in presets for entry in self._entries(preset.id, moment.at_s)])
            ]
            document = {"type": "FeatureCollection", "dataUpdatedTime": updated, "features": features}
            return json_reply(request, document, headers, "application/geo+json;charset=UTF-8")
        if route.on is PathClass.NEWEST:
            data = [self._data(station, presets, moment) for station, presets in stations]
            document = {"dataUpdatedTime": updated, "stations": data}
            return json_reply(request, document, headers, "application/json;charset=UTF-8")
        return Reply(404, {**headers, "Content-Type": "application/json"}, b'{"status":404,"error":"Not Found"}')

    def _feature(
        self, station: str, presets: list[DoubledCamera], listed: list[dict[str, Any]], moment: Moment
    ) -> dict[str, Any]:
        """A station, with those of its presets that are `listed`."""
        faults = self.publisher.plan.listed(presets[0].id, moment.at_s)  # of its position, as of any preset
        at: list[float | None] = [presets[0].lon, presets[0].lat, 0.0]
        if moves := faults.get(FaultKind.MOVES):
            at[1] = moved_lat(presets[0].lat, moves)
        if FaultKind.NO_POSITION in faults:
            at = [None, None, None]
        return {
            "type": "Feature",
            "id": station,
            "geometry": {"type": "Point", "coordinates": at},
            "properties": {
                "id": station,
                "name": f"vt1_Doubled_{station}",
                "collectionStatus": "GATHERING",
                "state": None,
                "dataUpdatedTime": _iso(moment.now),
                "presets": listed,
            },
        }

    def _entries(self, preset: str, at_s: float) -> list[dict[str, Any]]:
        faults = self.publisher.plan.listed(preset, at_s)
        if FaultKind.APPEARS in faults or FaultKind.VANISHES in faults:
            return []
        entry = {"id": preset, "inCollection": FaultKind.SWITCHED_OFF not in faults}
        return [entry] * (2 if FaultKind.LISTED_TWICE in faults else 1)

    def _data(self, station: str, presets: list[DoubledCamera], moment: Moment) -> dict[str, Any]:
        shown = [(preset.id, self.publisher.current(preset.id, moment.at_s)) for preset in presets]
        times = [
            {"id": preset, "dataUpdatedTime": _iso(edition.modified), "measuredTime": _iso(edition.modified)}
            for preset, edition in shown
            if edition
        ]
        return {"id": station, "dataUpdatedTime": _iso(moment.now), "presets": times}


@dataclass
class DigitrafficImages:
    """weathercam.digitraffic.fi: /C0150301.jpg."""

    publisher: Publisher
    name: str = "digitraffic_images"

    def route(self, request: Request) -> Route:
        stem, _, form = request.path.removeprefix("/").rpartition(".")
        return Route(PathClass.MEDIA, stem, "jpg") if form == "jpg" else Route(PathClass.OTHER)

    def limit(self, request: Request, published: float | None) -> float | None:
        return _limit(request, published)

    def answer(self, request: Request, route: Route, moment: Moment) -> Reply:
        reply = media(request, route, self.publisher, moment, {"Cache-Control": "max-age=60"})
        return reply or Reply(404, {"Date": http_date(moment.now), "Content-Type": "text/plain"}, b"Not found")


def _limit(request: Request, published: float | None) -> float | None:
    return None if request.headers.get("digitraffic-user") else published


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
