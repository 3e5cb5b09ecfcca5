"""A configuration error is one message that names the file, the line, the key and the remedy."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from aggregate.usual.policy import UsualPolicy
from busyness.config import Config, load_config, load_outlines
from core.errors import ConfigError
from core.kafka.settings import KafkaConfig
from ingest.jail.limits import JailLimits

ROOT = Path(__file__).resolve().parents[2]

GOOD = """\
name: a town
sources:
  - kind: folder
    path: clips
cameras:
  - id: "06710"
    name: Kew Bridge
    lat: 51.48
    lon: -0.28
    zones:
      - id: kerb
        name: kerb
        kind: pavement
        polygon: [[0, 0], [100, 0], [100, 100]]
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "town.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.yaml")), ids=lambda path: path.name)
def test_every_shipped_configuration_loads(path: Path) -> None:
    config = load_config(path)
    if isinstance(config.bus, KafkaConfig):  # in a container; tests/deploy/ holds who reaches it
        assert config.api.calibrate == "off"
    else:
        assert config.api.host == "127.0.0.1", "shipped configurations answer on loopback only"
    if config.map.outlines:
        assert load_outlines(config.map.outlines)["features"]


def test_paths_count_from_the_file(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, GOOD + "store: {path: var/counts.duckdb}\n"))
    assert config.store.path == tmp_path / "var" / "counts.duckdb"
    assert config.sources[0].kind == "folder"
    assert config.sources[0].path == tmp_path / "clips"
    own = "{kind: http, name: own, url: 'https://c.example.org/{id}', csv: {path: lists/own.csv}}"
    listed = load_config(written(tmp_path, f"name: a town\nsources: [{own}]\n"))
    assert listed.sources[0].csv.path == tmp_path / "lists" / "own.csv"


@pytest.mark.parametrize(
    ("change", "line", "message"),
    [
        (("name: a town", "name: a town\nspeed: 3"), 2, "speed: there is no such setting"),
        (("name: a town", "name: a town\nusual: {classes: [peple]}"), 2, "class 'peple' is not counted"),
        (
            ("name: a town", "name: a town\nperiods:\n  - {name: a, start: 2017-03-09, end: 2017-03-01}"),
            3,
            "before it starts on 2017-03-09",
        ),
        (
            ("name: a town", "name: a town\nperiods: [{name: usual, start: 2017-03-01, end: 2017-03-09}]"),
            2,
            "a period cannot be called 'usual'",
        ),
        (("    lat: 51.48\n", ""), 6, "cameras.0.lat: Field required"),
        (("lat: 51.48", "lat: 151.48"), 8, "cameras.0.lat: Input should be less than or equal to 90"),
        (("[100, 100]", "[100, 900]"), 6, "zone 'kerb' of camera 06710 has the point (100, 900) outside its 352x288"),
        (("kind: pavement", "kind: sidewalk"), 13, "cameras.0.zones.0.kind: Input should be 'view', 'pavement'"),
        (("kind: folder", "kind: ftp"), 2, "source"),
        (("    lon: -0.28\n", "    lon: -0.28\n    cadence: 5\n"), 10, "cameras.0.cadence: there is no such setting"),
        (
            ("name: a town", "name: a town\nmap: {basemap_url: 'https://{s}.tile.example.org/{z}/{x}/{y}.png'}"),
            2,
            "map.basemap_url: give one host",
        ),
        (('"06710"', "6710"), 6, 'cameras.0.id: this is read as a number: quote it, as in "06710"'),
        (("[100, 0], [100, 100]", "[100, 100], [100, 0], [0, 90]"), 10, "camera 06710: zone 'kerb' crosses itself"),
        (("name: a town", "name: a town\nclock: {speedup: 2}"), 1, "clock: is for the synthetic street, remove it"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_key(
    tmp_path: Path, change: tuple[str, str], line: int, message: str
) -> None:
    path = written(tmp_path, GOOD.replace(*change))
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert f"{path}, line {line}: " in str(caught.value)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("line", "message"),
    [("start: 2026-13-45T00:00:00Z", "month must be in 1..12"), ("? [a, b]\n: 1", "unhashable"), ("a: !!int x", "int")],
)
def test_a_value_that_yaml_cannot_read_is_named_with_its_line(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(ConfigError, match=rf"(?s)town\.yaml is not valid YAML: .*{message}"):
        load_config(written(tmp_path, GOOD + line + "\n"))


def test_nothing_that_is_written_is_ignored(tmp_path: Path) -> None:
    both = GOOD.replace("kind: folder\n    path: clips", "kind: synthetic")
    with pytest.raises(ConfigError, match="the synthetic street brings its own cameras: remove cameras:"):
        load_config(written(tmp_path, both))
    with pytest.raises(ConfigError, match="a folder of clips needs its cameras"):
        load_config(written(tmp_path, GOOD[: GOOD.index("cameras:")]))


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        ("[{kind: synthetic}, {kind: tfl_jamcam}]", "is the only source: remove the others"),
        ("[{kind: tfl_jamcam}, {kind: tfl_jamcam}]", "two sources are called 'tfl': give each its own name"),
        ("[{kind: tfl_jamcam, cadence: 3}]", "line 2: sources.0.cadence: there is no such setting"),
        ("[]", "sources: Tuple should have at least 1 item"),
    ],
)
def test_sources_that_do_not_go_together(tmp_path: Path, sources: str, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        load_config(written(tmp_path, f"name: a town\nsources: {sources}\n"))


def test_two_periods_of_one_name_are_refused(tmp_path: Path) -> None:
    period = "{name: before, start: 2017-03-01, end: 2017-03-09}"
    with pytest.raises(ConfigError, match="two periods are called 'before'"):
        load_config(written(tmp_path, GOOD + f"periods: [{period}, {period}]\n"))


def test_what_is_usual_follows_the_calendar_of_the_place(tmp_path: Path) -> None:
    text = GOOD + "calendar: {country: GB, subdivision: SCT, school_holidays: lists/schools.csv}\n"
    calendar = load_config(written(tmp_path, text)).calendar
    assert (calendar.country, calendar.subdivision) == ("GB", "SCT")
    assert calendar.school_holidays == tmp_path / "lists" / "schools.csv"


def test_the_old_word_for_sources_is_explained(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="source: it is a list now: write sources:"):
        load_config(written(tmp_path, "name: a town\nsource: {kind: synthetic}\n"))


def test_a_clock_that_begins_nowhere(tmp_path: Path) -> None:
    text = "name: a town\nsources: [{kind: tfl_jamcam}]\nclock: {speedup: 2}\n"
    with pytest.raises(ConfigError, match=r"set clock\.start"):
        load_config(written(tmp_path, text))


def test_a_camera_that_stands_twice_is_refused(tmp_path: Path) -> None:
    twice = GOOD + '  - {id: "06710", name: again, lat: 51, lon: 0}\n'
    with pytest.raises(ConfigError, match="line 15: 'camera 06710' is already used in line 6"):
        load_config(written(tmp_path, twice))


def test_a_key_that_stands_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the key 'name' stands twice"):
        load_config(written(tmp_path, GOOD + "name: another\n"))


@pytest.mark.parametrize(
    ("text", "message"), [("", "holds no settings"), ("a: [", "not valid YAML"), ("\xff", "cannot be read")]
)
def test_a_file_that_is_no_configuration(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "town.yaml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError, match=message):
        load_config(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no configuration file .*nowhere\.yaml.*try configs/demo\.yaml"):
        load_config(tmp_path / "nowhere.yaml")


def test_every_setting_stands_in_a_shipped_configuration_or_has_a_default() -> None:
    required = {name for name, field in Config.model_fields.items() if field.is_required()}
    assert required == {"name", "sources"}


NESTED = r"  # (?=(limits|jail|resolution):|  (max|min|memory|cpu|wall|start|most|assumed)_|  jobs:)"
COMMENTED = tuple(f"# {name}:" for name in ("ingest", "alerts", "loops", "usual"))


@pytest.mark.parametrize("name", ["london", "helsinki"])
def test_the_settings_that_stand_there_as_comments_are_the_defaults(name: str, tmp_path: Path) -> None:
    """Whoever takes away the marks before them gets what he had, but for the webhook that is an example."""
    lines, commented = [], False
    for line in (ROOT / "configs" / f"{name}.yaml").read_text(encoding="utf-8").splitlines():
        commented = line.startswith("#") and (commented or line.startswith(COMMENTED))
        nested = re.match(NESTED, line)
        lines.append(line[2:] if commented else f"  {line[4:]}" if nested else line)
    path = tmp_path / "whole.yaml"
    path.write_text("\n".join(lines), encoding="utf-8")
    whole, given = load_config(path), load_config(ROOT / "configs" / f"{name}.yaml")
    assert {"ingest", "alerts", "detect", "loops", "usual"} <= whole.model_fields_set
    assert {"limits", "jail", "resolution"} <= whole.detect.model_fields_set
    assert whole.detect.jail.model_fields_set == set(JailLimits.model_fields)
    assert whole.usual.model_fields_set == set(UsualPolicy.model_fields)
    assert (whole.ingest, whole.detect, whole.usual) == (given.ingest, given.detect, given.usual)
    assert whole.alerts.model_copy(update={"webhooks": ()}) == given.alerts
    assert len(whole.loops) == max(1, len(given.loops))
