"""What is said of a clip that nobody looked at: one null for each zone of its camera, and the reason."""

from __future__ import annotations

from datetime import datetime

from core.records import Camera, ClipFault, ClipReady, CountObservation, observation_id
from detect.scene import ClipReport


def refused(camera: Camera, clip: ClipReady, fault: ClipFault, model: str, counted_at: datetime) -> ClipReport:
    """The report of a clip that could not be fetched, read or decoded. `model` is the name of what would have counted.

    A report like this and one of the same clip, counted later after all, are the same rows: their ids agree.
    """
    return ClipReport(
        observations=tuple(
            CountObservation(
                id=observation_id(clip.camera, zone.id, clip.event_time, model),
                camera=clip.camera,
                zone=zone.id,
                event_time=clip.event_time,
                duration_s=0.0,
                status=fault.status,
                reason=fault.reason,
                frames=0,
                content=clip.content,
                model=model,
                counted_at=counted_at,
            )
            for zone in camera.counted_zones
        )
    )
