"""`busyness calibrate`, as its user types it: from a camera without a site to areas with their error."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest
from calibrated_site import calibrated_site, drawn_site, map_points, street_camera

from busyness.command import main
from busyness.config import load_config
from busyness.keeping import open_store
from busyness.site_edits import Edits, edited
from busyness.site_files import read_site, write_site
from busyness.sites import Sites
from core.errors import ConfigError, NotFound
from core.records import ZoneKind
from core.site import MapPoint, Site

ROOT = Path(__file__).resolve().parents[2]
CAMERA = street_camera()
NAME = CAMERA.id
POINTS = map_points(CAMERA)


class Done(NamedTuple):
    """What a command printed."""

    stdout: str
    stderr: str


Calibrate = Callable[..., Done]


@pytest.fixture
def town(tmp_path: Path) -> Path:
    path = tmp_path / "town.yaml"
    path.write_text("name: a town\nsources: [{kind: synthetic, cameras: 2}]\nsites: sites\n")
    return path


@pytest.fixture
def calibrate(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, town: Path) -> Calibrate:
    """Runs the command on `town`."""
    monkeypatch.setenv("COLUMNS", "140")

    def run(*words: str | Path, code: int = 0) -> Done:
        monkeypatch.setattr(sys, "argv", ["busyness", "calibrate", str(town), *map(str, words)])
        try:
            main()
            ended = 0
        except SystemExit as end:
            ended = int(end.code or 0)
        done = Done(*capfd.readouterr())
        assert ended == code, done
        assert "Traceback" not in done.stderr
        return done

    return run


def typed(point: MapPoint, off_px: float = 0.0) -> str:
    x, y = point.px
    return f"{x + off_px:.2f},{y:.2f},{point.lat:.8f},{point.lon:.8f},0.1,{point.what}"


def site_file(town: Path) -> Path:
    return town.parent / "sites" / f"{NAME}.json"


def test_from_nothing_to_square_metres(calibrate: Calibrate, town: Path) -> None:
    """A new file, points typed one after the other, and areas by them as they are known of the synthetic street."""
    assert "match four or more points" in calibrate(NAME, "--new").stdout
    told = calibrate(NAME, "--point", typed(POINTS[0]), code=1).stderr
    assert f"needs 4 ({site_file(town)} is kept, without a ground)" in told
    assert len(read_site(site_file(town)).map_points) == 1
    words = [word for point in POINTS[1:] for word in ("--point", typed(point))]
    shown = calibrate(NAME, *words).stdout
    for expected in ("corner 6", "Zones on the ground", "left out", f"cut off {NAME}:carriageway", "saved in"):
        assert expected in shown
    dressed = Sites.read(load_config(town)).dressed(CAMERA)
    exact = Sites().dressed(CAMERA)
    for zone, true in zip(dressed.zones, exact.zones, strict=True):
        assert zone.ground is not None
        assert true.ground is not None
        assert zone.ground.area_m2 == pytest.approx(true.ground.area_m2, rel=0.02)
        assert zone.ground.area_error > 0


def test_json_has_every_figure(calibrate: Calibrate, town: Path) -> None:
    write_ready(town)
    told = json.loads(calibrate(NAME, "--json").stdout)
    assert told["method"] == "points"
    assert told["rms_px"] < 0.1
    assert told["height_m"] == pytest.approx(CAMERA.plane and CAMERA.plane.height_m, rel=0.05)
    assert {point["what"] for point in told["points"]} == {point.what for point in POINTS}
    assert [zone["id"] for zone in told["zones"]] == [zone.id for zone in CAMERA.zones]
    assert told["zones"][0]["px_per_m"][0] < told["zones"][0]["px_per_m"][1]
    assert told["saved"]


def write_ready(town: Path, site: Site | None = None) -> None:
    """A site file with all points and no fit."""
    site_file(town).parent.mkdir(exist_ok=True)
    write_site(site_file(town), site or drawn_site(CAMERA))


def test_fitted_again_nothing_changes(calibrate: Calibrate, town: Path) -> None:
    write_ready(town)
    calibrate(NAME)
    first = site_file(town).read_bytes()
    assert "as it stands in" in calibrate(NAME).stdout
    assert site_file(town).read_bytes() == first


def test_a_dry_run_keeps_nothing(calibrate: Calibrate, town: Path) -> None:
    assert "a dry run: not saved in" in calibrate(NAME, "--new", "--dry-run").stdout
    assert not site_file(town).exists()
    write_ready(town)
    before = site_file(town).read_bytes()
    assert "by points" in calibrate(NAME, "--dry-run").stdout
    assert site_file(town).read_bytes() == before


def test_all_site_files_are_listed_and_those_that_are_due_are_fitted(calibrate: Calibrate, town: Path) -> None:
    """One fitted already, one changed by hand since, one without ground, one that cannot be read."""
    folder = site_file(town).parent
    folder.mkdir()
    kept = calibrated_site(CAMERA, called="kept")
    stale = calibrated_site(CAMERA, called="stale").model_copy(update={"map_points": POINTS[:5]})
    for site in (kept, stale, Site(camera="bare", lat=51.5, lon=-0.1)):
        write_site(folder / f"{site.camera}.json", site)
    (folder / "torn.json").write_text('{"camera": ')
    before = (folder / "kept.json").read_bytes()
    shown = calibrate(code=1).stdout
    rows = {line.split()[1]: line for line in shown.splitlines() if line.startswith("│")}
    assert "fitted now" in rows["stale"]
    assert "5/5" in rows["stale"]
    assert "fitted now" not in rows["kept"]
    assert "no ground" in rows["bare"]
    assert "refused" in rows["torn"]
    assert "torn.json, line 1: this is no JSON" in shown
    assert (folder / "kept.json").read_bytes() == before
    assert Sites.read(load_config(town).model_copy(update={"sites": None})).cameras == ()
    (folder / "torn.json").unlink()
    (folder / "kept.json").unlink()
    assert "stale" in Sites.read(load_config(town)).cameras
    lines = [json.loads(line) for line in calibrate("--json").stdout.splitlines()]
    assert [line["camera"] for line in lines] == ["bare", "stale"]


def test_what_would_lose_a_ground_is_not_kept(calibrate: Calibrate, town: Path) -> None:
    write_ready(town)
    calibrate(NAME)
    before = site_file(town).read_bytes()
    words = [word for point in POINTS[:3] for word in ("--remove", point.what)]
    assert "needs 4" in calibrate(NAME, *words, code=1).stderr
    sky = f"{NAME}:sky:view:Sky:10,2 60,2 60,20"
    assert "above the horizon" in calibrate(NAME, "--zone", sky, code=1).stderr
    assert site_file(town).read_bytes() == before


def test_the_check_is_drawn(calibrate: Calibrate, town: Path, tmp_path: Path) -> None:
    write_ready(town)
    calibrate(NAME, "--check", tmp_path / "check.svg")
    assert (tmp_path / "check.svg").read_text().startswith("<svg ")
    assert "cannot be written" in calibrate(NAME, "--check", tmp_path / "no" / "check.svg", code=2).stderr


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("synthetic-02",), 1, "has no site file in"),
        (("synthetic-09", "--new"), 1, "there is no camera 'synthetic-09'"),
        ((NAME, "--new"), 2, "is there already"),
        ((NAME, "--point", "5,5,abc"), 2, "write it as X,Y,LAT,LON[,ERROR_M][,WHAT]"),
        ((NAME, "--point", "5,5,151,0"), 2, "--point '5,5,151,0': lat: Input should be less than or equal to 90"),
        ((NAME, "--zone", "kerb:sidewalk:Kerb:1,1 2,2 3,1"), 2, "there is no kind in it: one of view, pavement"),
        ((NAME, "--zone", "kerb:pavement:Kerb:1,1 60,60 60,1 1,60"), 2, "zone 'kerb' crosses itself"),
        ((NAME, "--remove", "corner 9"), 1, "has no point or zone 'corner 9'"),
        (("--new",), 2, "name it"),
    ],
)
def test_what_cannot_be_is_one_clear_message(
    calibrate: Calibrate, town: Path, words: tuple[str, ...], code: int, message: str
) -> None:
    write_ready(town, drawn_site(CAMERA).model_copy(update={"map_points": ()}))
    before = site_file(town).read_bytes()
    assert message in " ".join(calibrate(*words, code=code).stderr.split())
    assert site_file(town).read_bytes() == before


def test_without_a_folder_the_remedy_is_told(calibrate: Calibrate, town: Path) -> None:
    town.write_text("name: a town\nsources: [{kind: synthetic, cameras: 2}]\n")
    assert "set sites: to one" in calibrate(code=2).stderr


def test_a_camera_of_the_configuration_begins_with_its_zones(calibrate: Calibrate, town: Path) -> None:
    """They cannot stay in both places, and it says so."""
    town.write_text(
        "name: a town\nsources: [{kind: folder, path: .}]\nsites: sites\n"
        'cameras: [{id: "06710", name: Kew, lat: 51.48, lon: -0.28, width: 640, height: 480, '
        "zones: [{id: kerb, name: Kerb, kind: pavement, polygon: [[0, 470], [600, 470], [300, 300]]}]}]\n"
    )
    assert "remove zones: of camera 06710" in calibrate("06710", "--new").stdout
    site = read_site(town.parent / "sites" / "06710.json")
    assert (site.width, site.height, site.lat, site.lon) == (640, 480, 51.48, -0.28)
    assert [zone.id for zone in site.zones.features] == ["kerb"]
    with pytest.raises(ConfigError, match="has zones under cameras: and in"):
        Sites.read(load_config(town))


def test_a_camera_of_a_feed_is_as_its_publisher_lists_it(calibrate: Calibrate, town: Path) -> None:
    """Or as it was stored when it ran last: its place and the size of its pictures."""
    camera = '{id: "00001.06710", name: Kew, lat: 51.48, lon: -0.28, width: 640, height: 480}'
    feed = f"{{kind: watched_folder, name: drop, path: ., cameras: [{camera}]}}"
    own = 'cameras: [{id: "06710", name: Kew Bridge, lat: 51.5, lon: -0.28}]'
    town.write_text(f"name: a town\nsources: [{feed}]\nsites: sites\nstore: {{path: town.duckdb}}\n{own}\n")
    calibrate("06710", "--new", "--dry-run")
    calibrate("06710", "--new")
    path = town.parent / "sites" / "06710.json"
    site = read_site(path)
    assert (site.width, site.height, site.lat) == (640, 480, 51.5)
    path.unlink()
    with closing(open_store(load_config(town))) as store:
        store.save_cameras([CAMERA.model_copy(update={"id": "00001.07450", "lat": 52.0})])
    calibrate("07450", "--new")
    assert read_site(town.parent / "sites" / "00001.07450.json").lat == 52.0


def test_points_and_zones_take_the_place_of_those_of_their_name() -> None:
    site = drawn_site(CAMERA)
    features = site.zones.features
    wide = features[0].model_copy(
        update={"properties": features[0].properties.model_copy(update={"effective_width_m": 2.5})}
    )
    site = site.model_copy(update={"zones": site.zones.model_copy(update={"features": (wide, *features[1:])})})
    edits = Edits(
        points=("1,2,51.5,-0.1,0.4,corner 2", "3,4,51.5,-0.1", "5,6,51.5,-0.1,north, by the tree"),
        zones=(f"{wide.id}:crossing:Zebra: new:1,1 50,1 50,50",),
        remove=("corner 1",),
    )
    changed = edited(site, edits)
    points = {point.what: point for point in changed.map_points}
    assert "corner 1" not in points
    assert (points["corner 2"].px, points["corner 2"].error_m) == ((1.0, 2.0), 0.4)
    assert points["north, by the tree"].error_m == 0.3
    assert len(changed.map_points) == len(site.map_points) + 1
    zone = changed.zones.features[0]
    assert (zone.id, zone.properties.name, zone.properties.kind) == (wide.id, "Zebra: new", ZoneKind.CROSSING)
    assert zone.properties.effective_width_m == 2.5, "which was measured there"
    assert zone.geometry.coordinates[0] == ((1, 1), (50, 1), (50, 50), (1, 1))
    with pytest.raises(NotFound, match="no point or zone 'x'"):
        edited(site, Edits(remove=("x",)))


def test_help_loads_no_decoder() -> None:
    """What draws and fits is loaded by this command when it runs, and by no other."""
    program = (
        "import sys; sys.argv = ['busyness', 'calibrate', '--help']\n"
        "from busyness.command import main\n"
        "try: main()\n"
        "except SystemExit: sys.stderr.write(' '.join({'cv2', 'scipy', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert "--dry-run" in done.stdout
    assert done.stderr == ""


def test_words_are_printed_as_they_are(calibrate: Calibrate, town: Path) -> None:
    """`:b:` in an id is no emoji."""
    write_ready(town)
    assert "'a:b:c:1,2'" in calibrate(NAME, "--zone", "a:b:c:1,2", code=2).stderr
    zone = f"{NAME}:b:pavement:North :cat: side:10,200 120,180 130,280"
    assert f"{NAME}:b" in calibrate(NAME, "--zone", zone).stdout
    assert "North :cat: side" in site_file(town).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("ring", "why"), [("1,2", "1 corners"), ("1,2 3,4", "2 corners"), ("1,2 3 4,5", "the corner '3' is no x,y")]
)
def test_a_ring_that_is_none_is_told_in_words(calibrate: Calibrate, town: Path, ring: str, why: str) -> None:
    write_ready(town)
    told = calibrate(NAME, "--zone", f"n:pavement:North:{ring}", code=2).stderr
    assert why in told
    assert "write it as ID:KIND:NAME" in told


def test_a_dry_run_does_not_say_that_the_file_has_it(calibrate: Calibrate, town: Path) -> None:
    write_ready(town)
    assert f"a dry run: not saved in {site_file(town)}" in calibrate(NAME, "--dry-run").stdout
    assert json.loads(calibrate(NAME, "--dry-run", "--json").stdout)["unsaved"] is True


def test_the_list_fits_into_a_narrow_terminal(
    calibrate: Calibrate, town: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    write_ready(town)
    shown = calibrate().stdout
    assert "…" not in shown
    for words in ("1 site file ", NAME, "points 6/6", "fitted now"):
        assert words in shown


def test_a_drawing_that_cannot_be_written_does_not_hide_the_figures(
    calibrate: Calibrate, town: Path, tmp_path: Path
) -> None:
    write_ready(town)
    done = calibrate(NAME, "--check", tmp_path / "nowhere" / "check.svg", code=2)
    assert "cannot be written" in done.stderr
    assert "saved in" in done.stdout


def test_a_camera_that_its_ground_shows_too_near_is_said(calibrate: Calibrate, town: Path) -> None:
    """Else the next start would be refused, and nobody would know since when."""
    town.write_text(town.read_text() + "detect: {resolution: {most_px_per_m: 3}}\n")
    write_ready(town)
    told = calibrate(NAME).stdout
    assert "to do: with this ground its camera is not counted" in told
