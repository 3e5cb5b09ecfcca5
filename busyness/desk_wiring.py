"""From a running installation to the desk at which its cameras are calibrated."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from api.calibration import SWITCHED_OFF, NoDesk
from busyness.backgrounds import Backgrounds, PastClips
from busyness.calibration_child import CalibrationChild
from busyness.calibration_desk import Desk
from busyness.calibration_jobs import BackgroundSetup, ChildSetup
from busyness.config import Config
from busyness.past_clips import RecordedClips, RenderedClips
from busyness.wiring import Installation
from detect.background_limits import MOST_CLIPS
from detect.scene import Scene
from ingest.folder import FolderSource
from ingest.jail.limits import JailLimits

FIT_JAIL = JailLimits(wall_s=20.0, start_s=60.0)
"""For a child that opens no clip: a fit takes a hundredth of it."""

BACKGROUND_MB = 1024
"""For a child that holds frames of many clips at once; it lives as long as it makes one picture."""


def open_desk(installation: Installation) -> Desk | NoDesk:
    """The desk of an installation, where its configuration allows one; clips of feeds are offered to it."""
    config = installation.config
    if config.api.calibrate == "off":
        return SWITCHED_OFF
    backgrounds = Backgrounds(
        _background_setup(config), lambda camera: scene_of(installation, camera), _past(installation)
    )
    if installation.city is not None:
        for counter in installation.counters:
            counter.on_report = backgrounds.offer
    return Desk(
        cameras=lambda: installation.sited.source.cameras,
        sites=lambda: installation.sites,
        save_site=installation.save_site,
        child=CalibrationChild(ChildSetup(jail=FIT_JAIL)),
        backgrounds=backgrounds,
    )


@contextmanager
def closing_desk(desk: Desk | NoDesk) -> Iterator[None]:
    """Ends the desk's children and lets go of its clips at the end."""
    try:
        yield
    finally:
        if isinstance(desk, Desk):
            desk.close()


def scene_of(installation: Installation, camera: str) -> Scene:
    """The known views of a camera of a feed. Clips that are there already are held against one another: what was
    learnt of their camera so far need not be from their time of day."""
    views = installation.pipeline.views
    return Scene() if views is None or installation.city is None else views.scene_of(camera)


def _background_setup(config: Config) -> ChildSetup:
    """Its child does in one job what a worker does in `MOST_CLIPS`."""
    detect = config.detect
    jail = detect.jail.model_copy(
        update={
            "memory_mb": max(detect.jail.memory_mb, BACKGROUND_MB),
            "cpu_s": min(600.0, detect.jail.cpu_s * (MOST_CLIPS + 10)),
            "wall_s": min(3600.0, detect.jail.wall_s * 10),
        }
    )
    return ChildSetup(
        jail=jail,
        background=BackgroundSetup(
            model=detect.model, limits=detect.limits, resolution=detect.resolution, street=config.street
        ),
    )


def _past(installation: Installation) -> PastClips | None:
    """Clips that are there already; None where they come from feeds."""
    source = installation.sited.source
    if isinstance(source, FolderSource):
        return RecordedClips(source, installation.config.detect.limits.max_bytes)
    return RenderedClips(installation.clock) if installation.city is None else None
