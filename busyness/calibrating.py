"""`busyness calibrate`: the site file of a camera, its ground fitted, and how far that can be trusted."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from busyness.calibration_report import Calibrated, report, show, show_all
from busyness.city import OpenFeeds, naming
from busyness.config import Config
from busyness.keeping import begun, open_store
from busyness.site_edits import NO_EDITS, Edits, edited
from busyness.site_files import SUFFIX, read_site, site_paths, write_site
from busyness.sites import bare_camera, check_site, new_site, with_site, written_cameras
from busyness.wiring import known_cameras, open_clock
from core.errors import BusynessError, CalibrationRefused, ConfigError, NotFound, StoreError
from core.records import Camera, Zone
from core.site import Site
from detect.ground.drawing import draw_check
from detect.ground.fitting import fit
from detect.resolution import too_near
from ingest.camera_id import CameraIds
from ingest.feed import FetchFailed

NEXT = """\
Next: draw its zones, and match four or more points with a map, on the page /operations/calibrate/{camera},
or here:
  busyness calibrate CONFIG {camera} --point 120,240,{lat:.5f},{lon:.5f},0.3,'north corner of the island'
  busyness calibrate CONFIG {camera} --zone '{camera}:north:pavement:North pavement:10,200 120,180 130,280 5,285'"""
NOTE = "Started by busyness calibrate. Say here who drew it, when, and from what."


@dataclass(frozen=True)
class Asked:
    """What is to be done: with one camera, or with every site file where none is named."""

    camera: str | None = None
    edits: Edits = NO_EDITS
    new: bool = False
    dry_run: bool = False
    check: Path | None = None


def answer(config: Config, asked: Asked, console: Console, *, as_json: bool) -> bool:
    """Calibrate, and say how good it is; returns whether nothing was refused. Raises `BusynessError`."""
    if asked.camera is None:
        reports = [report(made) for made in calibrate_all(config, dry_run=asked.dry_run)]
        if not as_json:
            show_all(reports, console)
    else:
        made = calibrate(config, asked.camera, asked.edits, new=asked.new, dry_run=asked.dry_run)
        reports = [report(made)]
        if not as_json:
            show(reports[0], console)
            if asked.new and made.site is not None:
                site = made.site
                words = NEXT.format(camera=site.camera, lat=site.lat, lon=site.lon)
                console.print(words, highlight=False, markup=False, soft_wrap=True)
        if asked.check is not None and made.site is not None:
            draw(made.site, asked.check)
    if as_json:
        sys.stdout.writelines(told.model_dump_json() + "\n" for told in reports)
    return all(told.refused is None for told in reports)


def calibrate(config: Config, camera: str, edits: Edits, *, new: bool = False, dry_run: bool = False) -> Calibrated:
    """Change the site of a camera, fit its ground, and keep it in its file unless it is a `dry_run`.

    Points that are not enough yet are kept without a ground; what a ground that is there would be lost by is not.
    Raises `CalibrationRefused`, `ConfigError`, `NotFound`.
    """
    path, before = _start(config, camera, new=new)
    site = edited(before, edits).model_copy(update={"fitted": None})
    try:
        fitted = _fitted(site)
        check_site(fitted)
    except CalibrationRefused as error:
        if dry_run or before.fitted is not None or not (new or edits):
            raise
        check_site(site)
        _keep(path, site)
        raise CalibrationRefused(f"{error.message} ({path} is kept, without a ground)", remedy=error.remedy) from error
    return _kept(config, path, fitted, due=new or fitted != before, dry_run=dry_run)


def calibrate_all(config: Config, *, dry_run: bool = False) -> Iterator[Calibrated]:
    """Every site file; the ground of those that have none yet, or one of other points, is fitted and kept.

    One that is refused is told in its place. Raises `ConfigError` where there is no folder of site files.
    """
    for path in site_paths(_folder(config)):
        try:
            site = read_site(path)
            stale = site.fitted is None or site.fitted.of != site.ground_hash
            fitted = _fitted(site) if stale else site
            check_site(fitted)
            yield _kept(config, path, fitted, due=fitted != site, dry_run=dry_run)
        except BusynessError as error:
            yield Calibrated(path, refused=str(error))


def draw(site: Site, to: Path) -> None:
    """Draw the check of a site as SVG. Raises `ConfigError` where the file cannot be written."""
    try:
        to.write_text(draw_check(site), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{to} cannot be written: {error.strerror}", remedy="name another file") from error


def _fitted(site: Site) -> Site:
    """The site with its ground, where there is something to fit it to. Raises `CalibrationRefused`."""
    ties = site.map_points or site.sizes is not None
    return site.model_copy(update={"fitted": fit(site) if ties else None})


def _kept(config: Config, path: Path, site: Site, *, due: bool, dry_run: bool) -> Calibrated:
    if due and not dry_run:
        _keep(path, site)
    return Calibrated(path, site, due and not dry_run, due and dry_run, _notes(config, site))


def _keep(path: Path, site: Site) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"sites: the folder {path.parent} cannot be made: {error.strerror}") from error
    write_site(path, site)


def _folder(config: Config) -> Path:
    if config.sites is None:
        raise ConfigError(
            "the configuration names no folder for site files", remedy="set sites: to one, for instance sites: sites"
        )
    return config.sites


def _start(config: Config, name: str, *, new: bool) -> tuple[Path, Site]:
    """The file of a camera and what it says, or what a new one begins with."""
    folder = _folder(config)
    paths = {path.stem: path for path in site_paths(folder)} if folder.exists() or not new else {}
    known = CameraIds(paths).find(name)
    if new:
        if known is not None:
            raise ConfigError(f"{paths[known]} is there already", remedy="leave out --new to change it")
        camera, zones = _camera(config, name)
        begun = new_site(camera.model_copy(update={"zones": tuple(zones)}))
        return folder / f"{camera.id}{SUFFIX}", begun.model_copy(update={"note": NOTE})
    if known is None:
        raise NotFound(
            f"camera {name!r} has no site file in {folder}", remedy=f"busyness calibrate CONFIG {name} --new makes it"
        )
    return paths[known], read_site(paths[known])


def _camera(config: Config, name: str) -> tuple[Camera, Sequence[Zone]]:
    """A camera as its clips are, and the zones that are drawn of it so far. Raises `NotFound`."""
    own = {camera.id: camera for camera in (*known_cameras(config), *written_cameras(config))}
    known = CameraIds(own).find(name)
    zones = own[known].zones if known else ()
    if known and not config.feeds:
        return own[known], zones
    for look in (_stored, _listed):
        cameras = look(config)
        found = CameraIds(cameras).find(known or name)
        if found is not None:
            return cameras[found], zones
    if known:  # its publisher does not answer
        return own[known], zones
    raise NotFound(f"there is no camera {name!r}", remedy="busyness cameras CONFIG lists them")


def _stored(config: Config) -> dict[str, Camera]:
    """The cameras as they ran last; none where the store is in memory, or in use by what runs now."""
    if not begun(config):
        return {}
    try:
        with closing(open_store(config, read_only=True)) as store:
            return {camera.id: camera for camera in store.cameras()}
    except StoreError:
        return {}


def _listed(config: Config) -> dict[str, Camera]:
    """The cameras as their publishers list them now; none of one that does not answer."""
    found: dict[str, Camera] = {}
    named = naming(config, ())
    with closing(OpenFeeds(open_clock(config))) as feeds:
        for feed in feeds.of(config.feeds):
            try:
                cameras = [named(listed, None) for listed in feed.cameras()]
            except FetchFailed:
                continue
            found |= {camera.id: camera for camera in cameras}
    return found


def _notes(config: Config, site: Site) -> tuple[str, ...]:
    """What else has to be done before the site is used, or its camera counted."""
    notes = []
    near = too_near(with_site(bare_camera(site), site), config.detect.resolution)
    if near is not None:
        notes.append(f"with this ground its camera is not counted, and where cameras: names it nothing starts: {near}")
    own = {camera.id: camera for camera in written_cameras(config)}
    known = CameraIds(own).find(site.camera)
    if known is not None and own[known].zones and site.zones.features:
        notes.append(f"its zones are drawn here now: remove zones: of camera {known} from the configuration")
    return tuple(notes)
