"""What operators say of the places that cameras look at, and the one point at which cameras get it.

    cameras: or a publisher's list --> Source --> SitedSource --> counters, store
                 CAMERA.json --> Sites ------------^

No pixel and no decoder: grounds are computed from numbers.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from busyness.config import Config
from busyness.site_files import SUFFIX, read_site, site_paths, write_site
from core.errors import BusynessError, CalibrationRefused, ConfigError
from core.records import Camera, ClipReady
from core.site import Site, ZoneCollection, ZoneFeature, ZonePolygon, ZoneProperties
from detect.ground.sited import grounded, sited
from detect.zones import check_zones
from ingest.camera_id import CameraIds
from ingest.feeds.watched_folder import WatchedFolderConfig
from ingest.source import Source

log = logging.getLogger(__name__)


class _Worn(NamedTuple):
    """What was made of a camera with its site: so long as both are the same it need not be computed again."""

    site: Site | None
    camera: Camera
    dressed: Camera


class Sites:
    """The sites of an installation as they are now, by camera. A change makes other `Sites`; `folder` holds the files.

    A camera is found by its id as those under `cameras:` are (`CameraIds`): 06710.json is of 00001.06710 as well.
    """

    def __init__(
        self,
        folder: Path | None = None,
        sites: Iterable[Site] = (),
        drawn: Sequence[Camera] = (),
        before: Sites | None = None,
    ) -> None:
        """Of sites that were checked (`check_site`); `drawn` are the cameras of the configuration.

        What was computed for those `before` is not computed again. Raises `ConfigError` where a zone is drawn twice.
        """
        self.folder = folder
        self._drawn = drawn
        self._sites = {site.camera: site for site in sites}
        self._ids = CameraIds(self._sites)
        self._worn: dict[str, _Worn] = {} if before is None else before._worn
        self._told: set[tuple[str, str]] = set()
        self._refuse_twins()

    @classmethod
    def read(cls, config: Config, before: Sites | None = None) -> Sites:
        """Every site file of a configuration; those that are as `before` were checked then.

        Raises `ConfigError` that names the file, and the line and key where it can.
        """
        found = []
        for path in [] if config.sites is None else site_paths(config.sites):
            site = read_site(path)
            if before is None or before._sites.get(site.camera) != site:
                try:
                    check_site(site)
                except (ConfigError, CalibrationRefused) as error:
                    raise ConfigError(f"{path}: {error.message}", remedy=error.remedy) from error
            found.append(site)
        return cls(config.sites, found, written_cameras(config), before)

    @property
    def cameras(self) -> Sequence[str]:
        """The cameras that have a site, as their files are called."""
        return tuple(self._sites)

    def site_of(self, camera: str) -> Site | None:
        """What is said of a camera's place; None where nothing is."""
        name = self._ids.find(camera)
        return None if name is None else self._sites[name]

    def path_of(self, camera: str) -> Path:
        """The file of a camera, whether it is there yet or not. Raises `ConfigError` where sites have no folder."""
        if self.folder is None:
            raise ConfigError("there is no folder for site files", remedy="set sites: in the configuration")
        return self.folder / f"{self._ids.find(camera) or camera}{SUFFIX}"

    def dressed(self, camera: Camera) -> Camera:
        """The camera with the zones and the ground of its site; without one with its own, where it knows its ground.

        A site that does not fit its camera is told once, and the camera goes on without it.
        """
        site, known = self.site_of(camera.id), self._worn.get(camera.id)
        if known is None or (known.site, known.camera) != (site, camera):
            known = self._worn[camera.id] = _Worn(site, camera, self._put_on(camera, site))
        return known.dressed

    def having(self, site: Site) -> Sites:
        """These sites with one more, or another one of its camera. Raises `ConfigError`, `CalibrationRefused`."""
        check_site(site)
        known = self._ids.find(site.camera)
        if known not in (None, site.camera):
            raise ConfigError(f"camera {site.camera} has the site file {known}{SUFFIX}", remedy="change that one")
        return Sites(self.folder, {**self._sites, site.camera: site}.values(), self._drawn, self)

    def save(self, site: Site) -> Path:
        """Write a site into its file, which is replaced whole; returns its path. These `Sites` stay what they are.

        Raises `ConfigError`, and `CalibrationRefused` for what cannot be true: then nothing is written.
        """
        self.having(site)
        path = self.path_of(site.camera)
        write_site(path, site)
        return path

    def unlisted(self, cameras: Iterable[str]) -> frozenset[str]:
        """The sites of cameras that are none of these: of a mistyped number, most often."""
        used = {site.camera for site in map(self.site_of, cameras) if site is not None}
        return frozenset(self._sites) - used

    def differing(self, other: Sites) -> list[str]:
        """The cameras whose site is another one here than there, or there only here or there."""
        cameras = self._sites.keys() | other._sites.keys()
        return sorted(camera for camera in cameras if self._sites.get(camera) != other._sites.get(camera))

    def _put_on(self, camera: Camera, site: Site | None) -> Camera:
        try:
            return grounded(camera) if site is None else with_site(camera, site)
        except BusynessError as error:
            if (camera.id, str(error)) not in self._told:
                log.warning("camera %s is counted without its site: %s", camera.id, error)
                self._told.add((camera.id, str(error)))
            return camera

    def _refuse_twins(self) -> None:
        """Raises `ConfigError` where zones of one camera stand in two places, or two zones have one id."""
        owner = {zone.id: f"camera {camera.id}, under cameras:" for camera in self._drawn for zone in camera.zones}
        for camera in self._drawn:
            site = self.site_of(camera.id)
            if camera.zones and site is not None and site.zones.features:
                raise ConfigError(
                    f"camera {camera.id} has zones under cameras: and in {self._file_of(site)}",
                    remedy="keep one of them: the site file, if its ground is to be known",
                )
        for site in self._sites.values():
            for zone in site.zones.features:
                if zone.id in owner:
                    raise ConfigError(
                        f"{self._file_of(site)}: zone {zone.id!r} is already one of {owner[zone.id]}",
                        remedy=f"ids are unique: call it {site.camera}:{zone.id}",
                    )
                owner[zone.id] = self._file_of(site)

    def _file_of(self, site: Site) -> str:
        name = f"{site.camera}{SUFFIX}"
        return name if self.folder is None else str(self.folder / name)


class SitedSource:
    """A `Source` whose cameras have their sites on: everything that counts or keeps cameras takes them from here."""

    def __init__(self, source: Source, sites: Sites) -> None:
        self.sites = sites
        self._source = source
        self._dressed: tuple[Sequence[Camera], Sites, Sequence[Camera]] = ((), sites, ())

    @property
    def source(self) -> Source:
        """Where they come from, without their sites."""
        return self._source

    @property
    def cameras(self) -> Sequence[Camera]:
        """Another sequence once the source's cameras have changed, or `sites` was set to others."""
        listed, sites = self._source.cameras, self.sites
        before, worn, cameras = self._dressed
        if before is not listed or worn is not sites:
            cameras = tuple(map(sites.dressed, listed))
            self._dressed = (listed, sites, cameras)
        return cameras

    def clips(self) -> Iterator[ClipReady]:
        """Those of the source."""
        return self._source.clips()

    def stop(self) -> None:
        """Find no more clips. Called by another thread than the one that `clips` runs in."""
        self._source.stop()


def written_cameras(config: Config) -> Sequence[Camera]:
    """The cameras that the operator has written himself, with the zones that he has drawn there."""
    watched = (feed.cameras for feed in config.feeds if isinstance(feed, WatchedFolderConfig))
    return (*config.cameras, *chain.from_iterable(watched))


def new_site(camera: Camera) -> Site:
    """The site of a camera of which no file says anything: its position, its picture, and the zones it has."""
    features = tuple(
        ZoneFeature(
            id=zone.id,
            properties=ZoneProperties(name=zone.name, kind=zone.kind, effective_width_m=zone.effective_width_m),
            geometry=ZonePolygon(coordinates=((*zone.polygon, zone.polygon[0]),)),
        )
        for zone in camera.zones
        if zone.polygon is not None
    )
    return Site(
        camera=camera.id, width=camera.width, height=camera.height, lat=camera.lat, lon=camera.lon,
        zones=ZoneCollection(features=features),
    )  # fmt: skip


def bare_camera(site: Site) -> Camera:
    """A camera of which nothing is known but its site, without what that says of zones and ground."""
    return Camera(
        id=site.camera, name=site.camera, lat=site.lat, lon=site.lon, width=site.width, height=site.height
    )  # fmt: skip


def check_site(site: Site) -> None:
    """Raises `ConfigError` for a zone without area and a fit to something else, `CalibrationRefused` for the rest."""
    if site.fitted is not None and site.fitted.of != site.ground_hash:
        raise ConfigError(
            "what its ground was fitted to has been changed since",
            remedy=f"busyness calibrate CONFIG {site.camera} fits it anew",
        )
    check_zones(sited(bare_camera(site), site))


def with_site(camera: Camera, site: Site) -> Camera:
    """The camera with the zones and the ground of a site, which may call it by another of its names.

    Raises `CalibrationRefused` where the two are of pictures of different size.
    """
    worn = sited(camera.model_copy(update={"id": site.camera}), site)
    return worn.model_copy(update={"id": camera.id})
