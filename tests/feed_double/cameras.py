"""The doubled cameras: the real ones of London as far as they are known, and as many more as are wanted."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path

from feed_double.config import Fleet


@dataclass(frozen=True)
class DoubledCamera:
    """One camera as its publisher knows it. `id` is the stem of its media: 00001.07450, or C0150301.

    `phase_s` is how old its clip is when the double starts; it shows the album `album` from recording `first` on.
    """

    id: str
    name: str
    lat: float
    lon: float
    view: str
    phase_s: float
    album: int
    first: int


def doubled_cameras(fleet: Fleet, seed: int) -> tuple[DoubledCamera, ...]:
    """`fleet.count` cameras, staggered over a cadence; the same for the same seed."""
    drawing = random.Random(f"{seed}:{fleet.publisher}")
    known = _jamcams(fleet.positions) if fleet.positions else []
    shown = max(1, len(fleet.clips or fleet.stills))
    cameras = []
    for index in range(fleet.count):
        if index < len(known):
            camera, lat, lon, view = known[index]
        else:
            camera, view = _id(fleet.publisher, index), "View ahead"
            lat, lon = (round(at + drawing.uniform(-0.15, 0.15), 5) for at in fleet.centre)
        recordings = fleet.clips or fleet.stills
        cameras.append(
            DoubledCamera(
                id=camera,
                name=f"Doubled St / Camera {index + 1}",
                lat=lat,
                lon=lon,
                view=view,
                phase_s=drawing.uniform(0, fleet.cadence_s),
                album=index % shown,
                first=drawing.randrange(len(recordings[index % shown])) if recordings else 0,
            )
        )
    return tuple(cameras)


def _id(publisher: str, index: int) -> str:
    if publisher == "tfl":
        return f"00009.{index:05d}"  # no real JamCam begins with 00009
    if publisher == "digitraffic":
        return f"C{99_000 + index // 2}{index % 2 + 1:02d}"  # two presets a station
    return f"cam-{index:04d}"


def _jamcams(path: Path) -> list[tuple[str, float, float, str]]:
    """Id, latitude, longitude and view of each camera of jamcams.geojson."""
    found = []
    for feature in json.loads(path.read_text(encoding="utf-8"))["features"]:
        lon, lat = feature["geometry"]["coordinates"]
        key = feature["properties"]["videoUrl"].rsplit("/", 1)[-1].removesuffix(".mp4")
        found.append((key, lat, lon, feature["properties"]["view"].replace("\\/", "/")))
    return found
