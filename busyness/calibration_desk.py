"""Where an operator calibrates the cameras that are being counted: behind the page at /operations/calibrate.

    page --Site--> Desk --JSON--> CalibrationChild (fits) --Judgement--> page
                     |\\--save--> site file, counted by from the next clip on
                      \\--> Backgrounds (clips, in memory) --> a child of its own --PNG--> page, once

The fit needs OpenCV, which this process does not load, so a child of it fits (`busyness/calibration_child.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from api.problems import Conflict
from busyness.backgrounds import Backgrounds
from busyness.calibration_child import CalibrationChild
from busyness.calibration_jobs import Judged, JudgeJob
from busyness.site_files import write_whole
from busyness.sites import Sites, new_site, with_site
from core.errors import BusynessError, CalibrationRefused, ConfigError, NotFound
from core.judgement import CalibratedCamera, Gathering, Judgement, OpenedSite
from core.records import Camera
from core.site import Site

PICTURE = ".png"


@dataclass(frozen=True)
class Desk:
    """A `CalibrationDesk` over a running installation.

    `cameras` are those of its source, as they are without their sites; `sites` are the sites as they are now, and
    `save_site` keeps one.
    """

    cameras: Callable[[], Sequence[Camera]]
    sites: Callable[[], Sites]
    save_site: Callable[[Site], Path]
    child: CalibrationChild
    backgrounds: Backgrounds

    def open(self, camera: str) -> OpenedSite:
        """The camera's site, or a new one with its zones. Raises `NotFound`."""
        known = self._camera(camera)
        self.child.begin()
        site = self.sites().site_of(camera) or new_site(known)
        why_not = self._why_not(site)
        return OpenedSite(
            site=site,
            camera=CalibratedCamera(id=known.id, name=known.name, lat=known.lat, lon=known.lon),
            can_save=why_not is None,
            why_not=why_not,
        )

    def judge(self, camera: str, site: Site) -> Judgement:
        """What is thought of a site while it is drawn. Raises `NotFound`, `NotReady`, `CalibrationRefused`."""
        self._expect_own(camera, site)
        answer = self.child.ask(JudgeJob(site=site.model_copy(update={"fitted": None})))
        if not isinstance(answer, Judged):
            raise BusynessError("the child answered something else than a judgement")
        return answer.judgement

    def save(self, camera: str, site: Site) -> Site:
        """Fit and keep a site. Raises `NotFound`, `NotReady`, `CalibrationRefused`, `Conflict`."""
        judgement = self.judge(camera, site)
        for refusal in (judgement.refused, *(zone.refused for zone in judgement.zones)):
            if refusal is not None:
                raise CalibrationRefused(refusal.message, remedy=refusal.remedy)
        fitted = site.model_copy(update={"fitted": judgement.fit})
        with_site(self._camera(camera), fitted)
        try:
            self.save_site(fitted)
        except ConfigError as error:
            raise Conflict(error.message, remedy=error.remedy) from error
        return fitted

    def gather(self, camera: str) -> Gathering:
        """Begin to make the background of a camera, or say how far it is. Raises `NotFound`."""
        return self.backgrounds.ask(self.sites().dressed(self._camera(camera)))

    def background(self, camera: str, *, keep: bool) -> bytes:
        """The background, once; with `keep` it is written beside the site file first, and stays where that fails.

        Raises `NotFound`, `Conflict`.
        """
        self._camera(camera)
        if not keep:
            return self.backgrounds.take(camera)
        try:
            path = self.sites().path_of(camera).with_suffix(PICTURE)
            return self.backgrounds.take(camera, lambda picture: write_whole(path, picture))
        except ConfigError as error:
            raise Conflict(error.message, remedy=error.remedy) from error

    def close(self) -> None:
        """End the children, and let go of what was gathered."""
        self.backgrounds.close()
        self.child.close()

    def _camera(self, name: str) -> Camera:
        found = next((camera for camera in self.cameras() if camera.id == name), None)
        if found is None:
            raise NotFound(f"there is no camera {name!r} that is counted here", remedy="/v1/cameras lists them")
        return found

    def _expect_own(self, camera: str, site: Site) -> None:
        """Raises `NotFound`; `CalibrationRefused` for the site of another camera."""
        known = self._camera(camera)
        own = self.sites().site_of(camera)
        name = known.id if own is None else own.camera
        if site.camera != name:
            raise CalibrationRefused(
                f"this is the site of camera {site.camera!r}, not of {name!r}", remedy="open the page of that camera"
            )

    def _why_not(self, site: Site) -> str | None:
        """Why a site could not be kept."""
        try:
            self.sites().path_of(site.camera)
            self.sites().having(site)
        except ConfigError as error:
            return str(error)
        except CalibrationRefused:  # that can be mended
            return None
        return None
