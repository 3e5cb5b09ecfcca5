"""Site files: read with errors that say where, written so that they can be reviewed, worn by every camera at once."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from calibrated_site import calibrated_site, drawn_site, street_camera
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from busyness import wiring
from busyness.config import Config, DuckDBConfig, load_config
from busyness.keeping import open_store
from busyness.reloading import ConfigWatch
from busyness.site_files import read_site, text_of, write_site
from busyness.sites import SitedSource, Sites
from busyness.wiring import Installation, cameras_of, install
from core.clock import SystemClock
from core.errors import CalibrationRefused, ConfigError
from core.records import Camera, Zone, ZoneKind
from core.site import MapPoint, Site, ZoneProperties

CAMERA = street_camera()
SITE = calibrated_site(CAMERA, called="06710")
KEW = Camera(id="06710", name="Kew Bridge", lat=51.489, lon=-0.288)


def town(folder: Path, *sites: Site, cameras: tuple[Camera, ...] = (KEW,)) -> Config:
    """A configuration with these site files."""
    (folder / "sites").mkdir(exist_ok=True)
    for site in sites:
        write_site(folder / "sites" / f"{site.camera}.json", site)
    return Config(name="a town", sources=[{"kind": "tfl_jamcam"}], cameras=cameras, sites=folder / "sites")


def test_a_site_that_is_written_is_read_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "06710.json"
    write_site(path, SITE)
    assert read_site(path) == SITE
    assert text_of(read_site(path)) == path.read_text(encoding="utf-8")
    assert [entry.name for entry in tmp_path.iterdir()] == ["06710.json"], "nothing else is left there"


words = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=20)


@given(st.floats(-90, 90), st.floats(0.01, 20), words.filter(str.strip))
def test_every_number_and_word_survives_the_file(lat: float, error_m: float, what: str) -> None:
    point = MapPoint(px=(lat + 100, error_m), lat=lat, lon=-lat, error_m=error_m, what=what)
    site = Site(camera="a", lat=lat, lon=0.1, map_points=(point,))
    assert Site.model_validate(json.loads(text_of(site))) == site


def test_the_file_can_be_reviewed_line_by_line() -> None:
    """A point, or what a zone is, is one line; another run writes the same text; nothing is wider than a page."""
    text = text_of(SITE)
    lines = [line.strip() for line in text.splitlines()]
    assert '"properties": {"name": "Left pavement", "kind": "pavement"},' in lines
    assert sum(line.startswith('{"px": [') and line.rstrip(",").endswith("}") for line in lines) == len(SITE.map_points)
    assert max(map(len, text.splitlines())) <= 120
    assert "null" not in text
    assert '"width": 352,' in lines


TEXT = text_of(SITE)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('"width": 352', '"wide": 352'), "06710.json, line 3: wide: there is no such setting"),
        (('"camera": "06710"', '"camera": 6710'), "06710.json, line 2: camera: this is read as a number: quote it"),
        (('"lat": 51.5155', '"lat": 151.5155'), "06710.json, line 5: lat: Input should be less than or equal to 90"),
        (('"kind": "pavement"', '"kind": "sidewalk"'), "line 13: zones.features.0.properties.kind: Input should be"),
        (('"camera": "06710",', '"camera": "06710"'), "06710.json, line 3: this is no JSON: Expecting ',' delimiter"),
        (('"lat": 51.5155', '"lat": 51.5155, "lat": 51.6'), "the key 'lat' stands twice"),
        (('"camera": "06710"', '"camera": "06711"'), "06710.json is of camera '06711'"),
        (
            ("94.9, 288], [0, 288]", "94.9, 288], [1, 288]"),
            "zones.features.0.geometry: the ring of a polygon ends where",
        ),
        (("[100.6, 178.6]", "[100.6, 1178.6]"), "has the point (100.6, 1178.6) outside its 352x288 picture"),
        (('"what": "corner 2"', '"what": "corner 9"'), "what its ground was fitted to has been changed since"),
        (('"map_points": [', '"sizes": {}, "map_points": ['), "from map_points or from sizes: give one of them"),
    ],
)
def test_a_mistake_is_named_with_its_file_and_place(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    config = town(tmp_path)
    assert change[0] in TEXT
    (tmp_path / "sites" / "06710.json").write_text(TEXT.replace(*change), encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        Sites.read(config)
    assert message in refused.value.message
    assert "06710.json" in refused.value.message


def test_a_fit_to_something_else_says_how_to_fit_it_anew(tmp_path: Path) -> None:
    moved = SITE.model_copy(update={"map_points": SITE.map_points[1:]})
    with pytest.raises(ConfigError, match="busyness calibrate CONFIG 06710 fits it anew"):
        Sites.read(town(tmp_path, moved))


def test_a_zone_is_drawn_in_one_place_only(tmp_path: Path) -> None:
    kerb = Zone(id="kerb", name="Kerb", polygon=((0, 0), (10, 0), (10, 10)))
    config = town(tmp_path, SITE, cameras=(KEW.model_copy(update={"zones": (kerb,)}),))
    with pytest.raises(ConfigError, match=r"camera 06710 has zones under cameras: and in .*06710\.json"):
        Sites.read(config)
    twin = SITE.model_copy(update={"camera": "07450", "fitted": None})
    with pytest.raises(ConfigError, match=r"zone '06710:pavement-left' is already one of .*06710\.json"):
        Sites.read(town(tmp_path, SITE, twin))


def test_a_site_without_zones_gives_their_ground_to_those_under_cameras(tmp_path: Path) -> None:
    kerb = Zone(id="kerb", name="Kerb", polygon=((100, 280), (250, 280), (200, 200)))
    bare = SITE.model_copy(update={"zones": SITE.zones.model_copy(update={"features": ()})})
    config = town(tmp_path, bare, cameras=(KEW.model_copy(update={"zones": (kerb,)}),))
    (zone,) = Sites.read(config).dressed(config.cameras[0]).zones
    assert (zone.id, zone.ground is not None) == ("kerb", True)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    config = town(tmp_path).model_copy(update={"sites": tmp_path / "nowhere"})
    with pytest.raises(ConfigError, match=r"sites: the folder .*nowhere cannot be read"):
        Sites.read(config)


def test_other_files_of_the_folder_are_left_alone(tmp_path: Path) -> None:
    config = town(tmp_path, SITE)
    for name in ("README.md", "06710.svg", ".06711.json.new", ".hidden.json"):
        (tmp_path / "sites" / name).write_text("no site")
    assert Sites.read(config).cameras == ("06710",)


def test_a_camera_is_found_by_the_last_part_of_its_name(tmp_path: Path) -> None:
    """As those under cameras: are, and it keeps the name that it has."""
    dressed = Sites.read(town(tmp_path, SITE)).dressed(KEW.model_copy(update={"id": "00001.06710"}))
    assert dressed.id == "00001.06710"
    assert dressed.plane is not None
    assert dressed.plane.name == SITE.plane_name
    grounds = [zone.ground for zone in dressed.zones]
    assert len(grounds) == len(SITE.zones.features)
    assert all(ground is not None and ground.area_m2 > 10 for ground in grounds)


def test_a_site_of_another_size_is_told_once_and_not_worn(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    sites = Sites.read(town(tmp_path, SITE))
    large = KEW.model_copy(update={"width": 640, "height": 480})
    assert sites.dressed(large) == large
    assert sites.dressed(large.model_copy(update={"cadence_s": 240.0})).zones == ()
    assert caplog.text.count("camera 06710 is counted without its site: the site of camera '06710' is drawn in") == 1


def test_one_camera_has_one_file(running: Installation) -> None:
    running.save_site(SITE)
    with pytest.raises(ConfigError, match=r"camera 00001\.06710 has the site file 06710\.json"):
        running.save_site(calibrated_site(CAMERA, called="00001.06710"))


def test_sites_of_cameras_that_nobody_has_are_known() -> None:
    assert Sites(sites=[SITE]).unlisted(["00001.06711"]) == {"06710"}
    assert Sites(sites=[SITE]).unlisted(["00001.06711", "00001.06710"]) == frozenset()


def test_a_synthetic_camera_has_its_own_ground_and_a_site_overrides_it(tmp_path: Path) -> None:
    config = Config(name="a town", sources=[{"kind": "synthetic", "cameras": 2}])
    first, second = cameras_of(config)
    assert all(zone.ground is not None and zone.ground.area_error == 0 for zone in first.zones)
    assert second.plane is not None
    path = town(tmp_path, drawn_site(CAMERA)).sites
    (drawn, _) = cameras_of(config.model_copy(update={"sites": path}))
    assert drawn.zones == first.zones, "zones of a site that is not fitted stand on the ground that is known"
    write_site(tmp_path / "sites" / "synthetic-01.json", calibrated_site(CAMERA))
    (fitted, _) = cameras_of(config.model_copy(update={"sites": path}))
    assert all(zone.ground is not None and zone.ground.area_error > 0 for zone in fitted.zones)


class Cameras:
    """A source of cameras alone."""

    def __init__(self, *cameras: Camera) -> None:
        self.cameras = cameras

    def clips(self) -> Iterator[object]:
        return iter(())

    def stop(self) -> None: ...


def test_cameras_are_dressed_anew_when_they_or_their_sites_change() -> None:
    inner = Cameras(KEW)
    source = SitedSource(inner, Sites())
    assert source.cameras == (KEW,)
    assert source.cameras is source.cameras
    source.sites = Sites(sites=[SITE])
    assert len(source.cameras[0].zones) == len(SITE.zones.features)
    inner.cameras = (KEW, KEW.model_copy(update={"id": "00002.06710"}))
    assert [len(camera.zones) for camera in source.cameras] == [len(SITE.zones.features)] * 2


@pytest.fixture
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    """A synthetic street of two cameras with a folder of site files; nothing is counted."""
    monkeypatch.setattr(wiring, "open_counters", lambda *_: [])
    with closing(install(load_config(written(tmp_path)), SystemClock())) as installation:
        yield installation


def written(folder: Path) -> Path:
    (folder / "sites").mkdir()
    path = folder / "town.yaml"
    path.write_text("name: a town\nsources: [{kind: synthetic, cameras: 2}]\nsites: sites\n")
    return path


def stored_zones(installation: Installation) -> dict[str, int]:
    return {camera.id: len(camera.zones) for camera in installation.store.cameras()}


def narrowed(camera: str = "synthetic-01") -> Site:
    """The first zone alone."""
    site = calibrated_site(CAMERA)
    return site.model_copy(update={"zones": site.zones.model_copy(update={"features": site.zones.features[:1]})})


def test_a_saved_site_is_worn_and_stored_at_once(running: Installation, tmp_path: Path) -> None:
    before = stored_zones(running)
    assert running.save_site(narrowed()) == tmp_path / "sites" / "synthetic-01.json"
    assert stored_zones(running) == before | {"synthetic-01": 1}
    assert [len(camera.zones) for camera in running.pipeline.source.cameras] == [1, 0]
    assert running.sites.site_of("synthetic-01") == read_site(tmp_path / "sites" / "synthetic-01.json")


def test_a_site_that_cannot_be_is_not_saved(running: Installation, tmp_path: Path) -> None:
    sky = Zone(id="sky", name="Sky", polygon=((10, 2), (60, 2), (60, 20)))
    site = calibrated_site(CAMERA.model_copy(update={"zones": (sky,)}))
    with pytest.raises(CalibrationRefused, match=r"zone 'sky' .*above the horizon"):
        running.save_site(site)
    assert list((tmp_path / "sites").iterdir()) == []
    assert running.sites.cameras == ()


def test_site_files_are_taken_while_it_runs(
    running: Installation, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path, zones = tmp_path / "sites" / "synthetic-01.json", stored_zones(running)
    watch = ConfigWatch(tmp_path / "town.yaml", running.config, running.reload)
    watch.check()
    assert "sites taken" not in caplog.text

    write_site(path, narrowed())
    watch.check()
    watch.check()
    assert stored_zones(running)["synthetic-01"] == 1
    assert caplog.text.count("sites taken: synthetic-01") == 1

    path.write_text(path.read_text().replace('"lat": 51.5155', '"lat": 511.5155'))
    watch.check()
    watch.check()
    assert stored_zones(running)["synthetic-01"] == 1, "what cannot be used changes nothing"
    assert caplog.text.count("synthetic-01.json, line 5: lat: Input should be less than or equal to 90") == 1

    path.unlink()
    watch.check()
    assert stored_zones(running) == zones, "its own zones again"


def test_asked_for_it_site_files_are_read_again(running: Installation, tmp_path: Path) -> None:
    path = tmp_path / "sites" / "synthetic-01.json"
    write_site(path, narrowed())
    running.reload(running.config)
    seen = path.stat()
    watch = ConfigWatch(tmp_path / "town.yaml", running.config, running.reload)
    path.write_text(path.read_text().replace('"Left pavement"', '"Left side wal"'))
    os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    watch.check(asked=True)
    assert running.store.cameras()[0].zones[0].name == "Left side wal"


def test_a_site_of_a_camera_that_nobody_has_is_told(
    running: Installation, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    running.save_site(SITE)
    assert caplog.text.count("with a site file, and none of the cameras: 06710") == 1


def test_cameras_of_a_feed_wear_a_site_without_being_listed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that were known before a restart, as those that a list has: at once, and no list is asked for."""
    monkeypatch.setattr(wiring, "open_counters", lambda *_: [])
    store = DuckDBConfig(path=tmp_path / "town.duckdb")
    config = town(tmp_path, cameras=()).model_copy(update={"store": store})
    with closing(open_store(config)) as before:
        before.save_cameras([KEW.model_copy(update={"id": "00001.06710"})])
    with closing(install(config, SystemClock())) as installation:
        assert installation.pipeline.source.cameras[0].zones == ()
        installation.save_site(SITE)
        (camera,) = installation.pipeline.source.cameras
        assert len(camera.zones) == len(SITE.zones.features)
        assert installation.store.cameras() == [camera]


@pytest.mark.parametrize("name", ["\x1b]0;pwned\x07", "two\nlines", "bell\x00", "\x9b31m", "\u2028"])
def test_names_are_words_on_one_line(name: str) -> None:
    """A terminal obeys some control characters, and an SVG may hold none."""
    with pytest.raises(ValidationError, match="leave out control characters"):
        ZoneProperties(name=name, kind=ZoneKind.PAVEMENT)
    assert ZoneProperties(name="क्‍ष – Straße 9°\u00a0‘Ost’", kind=ZoneKind.PAVEMENT)
