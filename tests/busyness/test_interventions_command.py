"""`busyness interventions`: registering from a terminal, and what is said of an effect."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from aggregate.duckdb_store import DuckDBStore
from busyness.command import app
from core.errors import AlreadyThere, ConfigError, NotFound, QueryError
from core.records import Camera

CONFIG = """
name: test
sources: [{{kind: synthetic, cameras: 2, seed: 7, start: 2026-03-12T06:00:00Z, days: 1}}]
store: {{path: {store}}}
api: {{port: 9}}
"""


@pytest.fixture
def city(tmp_path: Path) -> Path:
    path = tmp_path / "city.yaml"
    path.write_text(CONFIG.format(store=tmp_path / "counts.duckdb"))
    with closing(DuckDBStore.open(tmp_path / "counts.duckdb")) as store:
        store.save_cameras([Camera(id="06710", name="Tower", lat=51.5, lon=-0.1)])
    return path


def run(*words: object) -> str:
    result = CliRunner().invoke(app, ["interventions", *map(str, words)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


ADD = (
    "--name",
    "Wider pavement",
    "--kind",
    "wider_pavement",
    "--zone",
    "06710:view",
    "--start",
    "2026-05-04T00:00+01:00",
)


def test_it_is_registered_listed_asked_about_and_struck(city: Path, tmp_path: Path) -> None:
    assert "registered: wider-pavement-2026-05-04" in run(city, "add", *ADD)
    (row,) = (json.loads(line) for line in run(city, "list", "--json").splitlines())
    assert (row["start"], row["lat"], row["zones"]) == ("2026-05-03T23:00:00Z", 51.5, ["06710:view"])
    assert "06710" in run(city)
    assert (tmp_path / "counts.interventions").is_file()
    told = json.loads(run(city, "effect", row["id"], "--json", "--plot", tmp_path / "effect.svg"))
    assert (told["state"], told["change"]) == ("refused", None)
    assert "No answer" in (tmp_path / "effect.svg").read_text()
    assert "No answer" in run(city, "effect", row["id"])
    assert "removed" in run(city, "remove", row["id"])
    assert run(city, "list", "--json") == ""


@pytest.mark.parametrize(
    ("words", "error", "told"),
    [
        (("add", *ADD[:4], "--zone", "06710:viw", *ADD[6:]), NotFound, "06710:viw"),
        (("add", *ADD[:3], "wider_pavment", *ADD[4:]), QueryError, "wider_pavment"),
        (("add", *ADD[:7], "2026-05-04"), QueryError, "--start"),
        (("add", *ADD, "--at", "91,0"), QueryError, "lat: "),
        (("add", *ADD, "--at", "here"), QueryError, "--at"),
        (("effect", "nothing"), NotFound, "nothing"),
        (("listen",), QueryError, "listen"),
    ],
)
def test_what_cannot_be_says_why(city: Path, words: tuple[str, ...], error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told) as raised:
        run(city, *words)
    assert raised.value.remedy
    assert "%2B" not in raised.value.remedy


def test_an_id_is_used_once(city: Path) -> None:
    run(city, "add", "kerb", *ADD)
    with pytest.raises(AlreadyThere):
        run(city, "add", "kerb", *ADD)


def test_a_store_in_memory_needs_a_file_to_be_named(tmp_path: Path) -> None:
    path = tmp_path / "city.yaml"
    path.write_text(CONFIG.replace("store: {{path: {store}}}\n", "").format())
    with pytest.raises(ConfigError, match="in memory"):
        run(path)
    path.write_text(path.read_text() + "interventions: here.json\n")
    assert "none" in run(path) or "no interventions" in run(path)
