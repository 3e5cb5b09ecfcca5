"""What a configuration keeps, and where: in files as it always was, in a cluster's database, or in memory."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from services.postgres_server import PostgresServer

from aggregate.duckdb_store import DuckDBStore
from aggregate.postgres_config import PostgresConfig
from aggregate.postgres_shelf import PostgresShelf
from busyness.config import Config, DuckDBConfig, StoreConfig
from busyness.keeping import begun, copy_shelves, lasts, open_shelf, open_store, register_document, told
from busyness.wiring import calibrations_of, register_of, views_of
from core.interventions import Intervention, InterventionKind
from core.records import ClipReady
from core.shelf_folder import FolderShelf
from core.shelf_memory import MemoryShelf
from detect.error_model import Calibration, GroupError, LightErrors
from detect.view_book import Counted
from ingest.synthetic import SyntheticConfig

ROOT = Path(__file__).resolve().parents[2]
MAY = datetime(2026, 5, 4, tzinfo=UTC)
CLUSTER = PostgresConfig.model_validate(
    {"kind": "postgres", "url": "postgresql://busyness@db.example.org:5432/city", "schema": "london"}
)
KERB = Intervention(
    id="kerb", name="Wider pavement", kind=InterventionKind.WIDER_PAVEMENT, zones=("06710:north",), lat=51.5,
    lon=-0.1, start=MAY, registered_at=MAY,
)  # fmt: skip
CALIBRATION = Calibration(
    camera="06710", version=1, made_at=MAY, model="dots@1", rows=9,
    day=LightErrors(people=GroupError(gain=1.2, sqrt_error=0.3, frames=9, sites=3)),
)  # fmt: skip


def installation(store: StoreConfig, interventions: Path | None = None) -> Config:
    street = SyntheticConfig(kind="synthetic", start=MAY)
    return Config(name="London", sources=(street,), store=store, interventions=interventions)


def test_a_store_in_memory_keeps_nothing_and_says_so() -> None:
    config = installation(DuckDBConfig())
    assert not lasts(config)
    assert not begun(config)
    assert told(config) == "in memory: gone when this stops"
    assert isinstance(open_shelf(config, "views"), MemoryShelf)
    assert register_of(config).all() == ()
    assert calibrations_of(config).versions("06710") == ()
    with closing(open_store(config)) as store:
        assert isinstance(store, DuckDBStore)


def test_beside_the_file_of_a_store_everything_is_where_it_was(tmp_path: Path) -> None:
    """The names of versions before shelves: an installation goes on with what it has."""
    config = installation(DuckDBConfig(path=tmp_path / "var" / "london.duckdb"))
    assert lasts(config)
    assert not begun(config)
    open_store(config).close()
    assert begun(config)
    assert told(config) == str(tmp_path / "var" / "london.duckdb")
    register_of(config).add(KERB)
    calibrations_of(config).add(CALIBRATION)
    assert views_of(config).cameras == []
    open_shelf(config, "views").put("06710.json", "{}", version=None)
    assert views_of(config).cameras == ["06710"]
    kept = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert {name for name in kept if not name.endswith(".lock")} == {
        "var/london.duckdb", "var/london.interventions",
        "var/london.calibrations/06710.json", "var/london.views/06710.json",
    }  # fmt: skip


def test_interventions_may_be_in_a_file_that_is_named(tmp_path: Path) -> None:
    file = tmp_path / "streets" / "works of 2026.json"
    for store in (DuckDBConfig(), DuckDBConfig(path=tmp_path / "london.duckdb"), CLUSTER):
        shelf, name = register_document(installation(store, file))
        assert shelf.place(name) == str(file)
    register_of(installation(CLUSTER, file)).add(KERB)
    assert '"id": "kerb"' in file.read_text()


def test_a_cluster_keeps_all_of_it_in_its_database() -> None:
    config = installation(CLUSTER)
    assert lasts(config)
    assert begun(config)
    assert told(config) == "postgresql://busyness@db.example.org:5432/city, schema london"
    assert isinstance(open_shelf(config, "views"), PostgresShelf)
    shelf, name = register_document(config)
    assert isinstance(shelf, PostgresShelf)
    assert name == "interventions.json"


def test_what_is_beside_a_store_comes_along_once(tmp_path: Path) -> None:
    before = installation(DuckDBConfig(path=tmp_path / "london.duckdb"))
    after = installation(DuckDBConfig(path=tmp_path / "new" / "city.duckdb"))
    assert copy_shelves(before, after) == 0
    register_of(before).add(KERB)
    calibrations_of(before).add(CALIBRATION)
    views = FolderShelf(tmp_path / "london.views")
    for name in ("06710.json", "06710.word", "04254.json.broken"):
        views.put(name, f"of {name}", version=None)
    FolderShelf(tmp_path / "london.alerts").put("alerts.json", "{}", version=None)
    assert copy_shelves(before, after) == 5
    assert FolderShelf(tmp_path / "new" / "city.alerts").names() == ["alerts.json"]
    assert register_of(after).all() == (KERB,)
    assert calibrations_of(after).versions("06710") == (CALIBRATION,)
    moved = FolderShelf(tmp_path / "new" / "city.views")
    assert moved.names() == ["06710.json", "06710.word"]
    register_of(after).remove("kerb")
    assert copy_shelves(before, after) == 0, "what was changed since stays as it is"
    assert register_of(after).all() == ()


def test_the_embedded_store_needs_no_client_of_a_database() -> None:
    """Nor its memory, nor its time to start."""
    code = "import sys, busyness.keeping; sys.exit('psycopg' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.service
def test_an_installation_moves_into_a_cluster(tmp_path: Path, postgres_server: PostgresServer) -> None:
    before = installation(DuckDBConfig(path=tmp_path / "london.duckdb"))
    after = installation(postgres_server.config())
    open_store(after).close()  # makes the tables
    register_of(before).add(KERB)
    calibrations_of(before).add(CALIBRATION)
    assert copy_shelves(before, after) == 2
    assert register_of(after).get("kerb") == KERB
    assert calibrations_of(after).current_of(["06710", "04254"], "dots@1") == {"06710": CALIBRATION}
    assert register_of(after).remove("kerb") == KERB
    assert register_of(after).all() == ()
    worker, other = views_of(after), views_of(after)
    clip = ClipReady(camera="06710", event_time=MAY, location="clip.mp4")
    worker.learn("06710", clip, None, Counted("dots@1", worker.scene_of("06710")))
    assert other.handled("06710", clip, "dots@1")
    assert other.cameras == ["06710"]
