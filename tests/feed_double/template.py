"""Any server that gives a camera's newest medium at an address with the camera's name in it."""

from __future__ import annotations

from dataclasses import dataclass

from feed_double.cameras import DoubledCamera
from feed_double.faults import FaultKind, PathClass
from feed_double.hosts import Moment, Route, http_date, media, moved_lat
from feed_double.http11 import Reply, Request
from feed_double.publishing import Publisher


@dataclass
class TemplateHost:
    """GET /cameras/{id}.mp4 or .jpg, and /cameras.csv with id, name, latitude and longitude."""

    publisher: Publisher
    name: str = "template"

    def route(self, request: Request) -> Route:
        if request.path == "/cameras.csv":
            return Route(PathClass.CAMERAS)
        stem, _, form = request.path.removeprefix("/cameras/").rpartition(".")
        known = request.path.startswith("/cameras/") and form in ("mp4", "jpg")
        return Route(PathClass.MEDIA, stem, form) if known else Route(PathClass.OTHER)

    def limit(self, request: Request, published: float | None) -> float | None:
        return published

    def answer(self, request: Request, route: Route, moment: Moment) -> Reply:
        headers = {"Date": http_date(moment.now)}
        if route.on is PathClass.CAMERAS:
            rows = [row for camera in self.publisher.cameras for row in self._rows(camera, moment.at_s)]
            body = "\n".join(["id,name,lat,lon", *rows, ""]).encode()
            return Reply(200, {**headers, "Content-Type": "text/csv; charset=utf-8"}, body)
        reply = media(request, route, self.publisher, moment, {})
        return reply or Reply(404, {**headers, "Content-Type": "text/plain"}, b"Not found")

    def _rows(self, camera: DoubledCamera, at_s: float) -> list[str]:
        faults = self.publisher.plan.listed(camera.id, at_s)
        if FaultKind.APPEARS in faults or FaultKind.VANISHES in faults:
            return []
        moves = faults.get(FaultKind.MOVES)
        lat = moved_lat(camera.lat, moves) if moves else camera.lat
        position = "," if FaultKind.NO_POSITION in faults else f"{lat},{camera.lon}"
        return [f"{camera.id},{camera.name},{position}"] * (2 if FaultKind.LISTED_TWICE in faults else 1)
