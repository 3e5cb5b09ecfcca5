"""A street without pictures, and a counter that sees it as the real one does: by the scene that it is told alone.

A clip's location says what it shows: a number is a picture of the known view, with that many pedestrians.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache

import numpy as np

from core.clock import Clock
from core.figures import SERIES, Figures
from core.records import Camera, ClipFault, ClipReady, CountObservation, Status, Zone, observation_id
from detect.refused import refused
from detect.scene import ClipReport, Scene, Sight
from detect.sixbit import text_of
from detect.view_field import coded, decoded
from detect.view_match import place

START = datetime(2026, 3, 12, 8, tzinfo=UTC)
CADENCE = timedelta(minutes=4)
CAMERAS = tuple(
    Camera(
        id=name, name=name, lat=51.5, lon=-0.1, cadence_s=240,
        zones=tuple(Zone(id=f"{name}:{side}", name=side) for side in ("left", "right")),
    )
    for name in ("a", "b")
)  # fmt: skip

Picture = int | str


def clips_of(
    pictures: Sequence[Picture], cameras: Sequence[Camera] = CAMERAS, *, every: timedelta = CADENCE
) -> list[ClipReady]:
    """A clip of every camera, so far apart."""
    return [
        ClipReady(camera=camera.id, event_time=START + number * every, location=str(picture))
        for number, picture in enumerate(pictures)
        for camera in cameras
    ]


@cache
def signature_of(view: str) -> str:
    random = np.random.default_rng(sum(view.encode()))
    cells = random.normal(scale=0.3, size=(2, 36, 44))
    return coded((cells[0] + 1j * cells[1]).astype(np.complex64))


class StreetCounter:
    """What it says of a clip follows from the clip and its scene; `seen` are the clips that it was given."""

    model = "street@1"

    def __init__(self, clock: Clock) -> None:
        self.seen: list[ClipReady] = []
        self._clock = clock

    def report(self, camera: Camera, clip: ClipReady, scene: Scene | None = None) -> ClipReport:
        self.seen.append(clip)
        now, scene = self._clock.now(), scene or Scene()
        if clip.location in ("broken", "gone"):
            status = Status.UNDECODABLE if clip.location == "broken" else Status.SKIPPED
            return refused(camera, clip, ClipFault.of(status, "made to fail"), self.model, now)
        fingerprint = text_of(np.full((8, 99, 2), int(clip.location) if clip.location.isdigit() else 60))
        if scene.last is not None and scene.last.fingerprint == fingerprint:
            return refused(camera, clip, ClipFault.of(Status.FROZEN, "the last one again"), self.model, now)
        signature = signature_of("away" if clip.location == "away" else "street")
        placed = place(scene, decoded(signature))
        sight = Sight(signature=signature, epoch=placed.epoch, similarity=placed.similarity, shift=placed.shift)
        if not placed.counted:
            report = refused(camera, clip, ClipFault.of(Status.MOVED_VIEW, "another view"), self.model, now)
            return report.model_copy(update={"sight": sight})
        counted = tuple(self._counted(camera, zone, clip, now) for zone in camera.counted_zones)
        return ClipReport(observations=counted, sight=sight.model_copy(update={"fingerprint": fingerprint}))

    def _counted(self, camera: Camera, zone: Zone, clip: ClipReady, now: datetime) -> CountObservation:
        people = float(clip.location)
        figures = Figures.of([people if name in ("pedestrian", "people") else 0.0 for name in SERIES])
        return CountObservation(
            id=observation_id(camera.id, zone.id, clip.event_time, self.model), camera=camera.id, zone=zone.id,
            event_time=clip.event_time, duration_s=10, status=Status.OK, frames=6, present=figures, peak=figures,
            spread=figures, model=self.model, counted_at=now,
        )  # fmt: skip
