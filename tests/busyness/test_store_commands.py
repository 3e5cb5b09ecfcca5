"""`busyness store`: a copy is the same, may be stopped, and is not trusted; a check finds what is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pytest
from services.postgres_server import PostgresServer
from typer.testing import CliRunner

from aggregate.aggregator import Aggregator
from aggregate.contents import Contents, Kept, parts_of_day
from aggregate.duckdb_store import DuckDBStore
from aggregate.policy import AggregatePolicy
from aggregate.postgres_store import PostgresStore
from aggregate.tables import moment, text
from aggregate.usual.baselines import BaselineTable
from busyness import store_copying
from busyness.command import app
from busyness.config import load_config
from busyness.store_checking import check
from busyness.store_copying import copy
from busyness.wiring import cameras_of
from core.clock import SystemClock
from core.errors import StoreError
from core.figures import Figures
from core.health import CameraState, HealthEvent
from core.loops import LoopCounter, LoopReading
from core.records import Camera, CountObservation, Status, observation_id

NOON = datetime(2017, 3, 9, 12, tzinfo=UTC)
CAMERA = Camera(id="a", name="A", lat=51.5, lon=0, cadence_s=300)
COMMAND = CliRunner()


def counted(minutes: float, number: float = 1.5, *, camera: str = "a", ok: bool = True) -> CountObservation:
    at, zone = NOON + timedelta(minutes=minutes), f"{camera}:view"
    figures = Figures.of([number / 3] * 9) if ok else None
    return CountObservation(
        id=observation_id(camera, zone, at, "m@1"), camera=camera, zone=zone, event_time=at, duration_s=10,
        status=Status.OK if ok else Status.DARK, reason=None if ok else "dark", frames=6,
        present=figures, peak=figures, spread=figures, model="m@1", counted_at=at + timedelta(minutes=1),
    )  # fmt: skip


def baselines() -> BaselineTable:
    return BaselineTable(
        model="weekly/1", reference="usual", zone=text(["a:view", "b:view"]), series=text(["people"] * 2),
        since=np.full(2, moment(NOON - timedelta(weeks=8))), until=np.full(2, moment(NOON)),
        built_at=np.full(2, moment(NOON)), weeks=np.array([8.0, np.nan]), state=text(["ok", "insufficient_history"]),
        reason=text([None, "too short"]), parameters=np.array([[1 / 3, np.nan], [np.nan, np.nan]], dtype=np.float32),
    )  # fmt: skip


def fill(store: Contents) -> None:
    """Two days with a revision, a fault, a camera that is no longer configured, loops, health and what is usual."""
    store.save_cameras([CAMERA])
    aggregator = Aggregator(store, AggregatePolicy(), SystemClock())
    aggregator.accept([counted(step * 5) for step in range(12)] + [counted(0, camera="gone")])
    aggregator.accept([counted(60 * 20), counted(60 * 20 + 5, ok=False)])
    aggregator.accept([counted(7, 9)])
    store.save_counters([LoopCounter(id="x", name="Tooley St", source="TfL SCOOT")])
    ends = NOON + timedelta(minutes=1)
    store.save_loops([LoopReading(counter="x", series="vehicles", start=NOON, end=ends, flow=7)])
    store.save_health([HealthEvent(camera="a", since=NOON, state=CameraState.LIVE)])
    store.save_baselines(baselines())


def config_file(folder: Path, name: str, store: str) -> Path:
    file = folder / f"{name}.yaml"
    file.write_text(f"name: town\nsources: [{{kind: synthetic, cameras: 1}}]\nstore: {store}\n")
    return file


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """The configuration of a store in a file, with its calibrations beside it."""
    with closing(DuckDBStore.open(tmp_path / "town.duckdb")) as store:
        fill(store)
    (tmp_path / "town.calibrations").mkdir()
    (tmp_path / "town.calibrations" / "a.json").write_text("{}")
    return config_file(tmp_path, "town", "{path: town.duckdb}")


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.service)])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path, Callable[[], Contents]]]:
    """The configuration of another store, which is empty, and how it is opened."""
    if request.param == "duckdb":
        yield config_file(tmp_path, "copy", "{path: copy.duckdb}"), lambda: DuckDBStore.open(tmp_path / "copy.duckdb")
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    config = server.config()
    told = f"{{kind: postgres, url: '{config.url}', schema: {config.schema_name}}}"
    yield config_file(tmp_path, "copy", told), lambda: PostgresStore.open(config)
    server.drop(config)


def checked(config: Path) -> dict[str, object]:
    answer = COMMAND.invoke(app, ["store", "check", str(config), "--json"])
    assert answer.exit_code == 0, answer.output
    found: dict[str, object] = json.loads(answer.stdout)
    assert found["problems"] == []
    return found


def test_a_copy_holds_the_same_to_the_last_bit(
    filled: Path, target: tuple[Path, Callable[[], Contents]], tmp_path: Path
) -> None:
    """Also every revision, the cameras of now and what is stored of others; and what lies beside the store."""
    file, opened = target
    answer = COMMAND.invoke(app, ["store", "copy", str(filled), str(file)])
    assert answer.exit_code == 0, answer.output
    assert "16 observations" in answer.stdout
    assert "1 documents" in answer.stdout
    ours, theirs = checked(filled), checked(file)
    assert ours["tables"] == theirs["tables"]
    assert ours["tables"]["readings of 60m"]["rows"] == 3  # type: ignore[index]
    with closing(DuckDBStore.open(tmp_path / "town.duckdb")) as source, closing(opened()) as copied:
        assert copied.cameras() == source.cameras()
        assert copied.last_contents() == source.last_contents()
        assert copied.watermarks() == source.watermarks()
        assert copied.extent() == source.extent()
        assert copied.health_now() == source.health_now()
        assert copied.counters() == source.counters()
        assert copied.baselines("usual").parameters.tobytes() == source.baselines("usual").parameters.tobytes()
        assert copied.camera_states().to_dict() == source.camera_states().to_dict()
    again = COMMAND.invoke(app, ["store", "copy", str(filled), str(file)])
    assert again.exit_code == 0
    assert ": 0 rows copied now" in again.stdout.replace("\n", "")


def test_a_copy_that_was_stopped_goes_on_where_it_was(
    filled: Path, target: tuple[Path, Callable[[], Contents]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_copying, "AT_ONCE", 5)

    class Stopped(Exception):
        """Somebody pressed Ctrl-C."""

    def stop(what: str, rows: int) -> None:
        if what == Kept.OBSERVATIONS:
            raise Stopped

    _, opened = target
    with closing(DuckDBStore.open(tmp_path / "town.duckdb")) as source, closing(opened()) as into:
        with pytest.raises(Stopped):
            copy(source, into, stop)
        assert 0 < sum(into.days(Kept.OBSERVATIONS).values()) < 16
        rest = copy(source, into)
        assert 0 < rest.copied < sum(rest.rows[kept.value] for kept in Kept)
        assert check(into).tables == check(source).tables


def test_a_copy_into_a_store_that_holds_something_else_is_refused(
    target: tuple[Path, Callable[[], Contents]], tmp_path: Path
) -> None:
    _, opened = target
    with closing(DuckDBStore.open(tmp_path / "town.duckdb")) as source, closing(opened()) as into:
        fill(source)
        into.upsert_observations([counted(1)])
        with pytest.raises(
            StoreError, match=r"observations of 2017-03-09 differ: 14 there, 15 in the copy.*nothing else"
        ):
            copy(source, into)


def test_a_copy_is_not_called_the_same_where_it_holds_a_day_more(
    target: tuple[Path, Callable[[], Contents]], tmp_path: Path
) -> None:
    _, opened = target
    with closing(DuckDBStore.open(tmp_path / "town.duckdb")) as source, closing(opened()) as into:
        fill(source)
        into.upsert_observations([counted(60 * 24 * 9)])
        with pytest.raises(StoreError, match=r"copy has observations of 2017-03-18.*nothing else"):
            copy(source, into)
        assert sum(into.days(Kept.OBSERVATIONS).values()) == 1, "nothing is added to it"
        assert into.cameras() == [], "and it keeps its cameras"


def test_a_city_of_which_nothing_is_usual_yet_is_copied(
    target: tuple[Path, Callable[[], Contents]], tmp_path: Path
) -> None:
    _, opened = target
    with closing(DuckDBStore.open(tmp_path / "town.duckdb")) as source, closing(opened()) as into:
        source.save_baselines(baselines().take(np.array([1])))
        assert copy(source, into).rows["baselines"] == 1


def test_a_store_is_not_copied_into_itself_and_has_to_be_there(filled: Path, tmp_path: Path) -> None:
    for source, target, said in (
        (filled, filled, "name the same store"),
        (config_file(tmp_path, "none", "{path: none.duckdb}"), filled, "there is no store to copy"),
    ):
        answer = COMMAND.invoke(app, ["store", "copy", str(source), str(target)])
        assert said in str(answer.exception)


def test_a_check_finds_what_does_not_fit_together(filled: Path, tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "town.duckdb")) as broken:
        broken.execute("UPDATE newest_clips SET event_time = event_time - INTERVAL 1 DAY WHERE camera = 'a'")
        broken.execute("UPDATE readings_60m SET superseded = false")
        broken.execute("UPDATE readings_1d SET superseded = true")
    answer = COMMAND.invoke(app, ["store", "check", str(filled), "--json"])
    assert answer.exit_code == 1
    problems = "\n".join(json.loads(answer.stdout)["problems"])
    assert "camera a: an observation of 2017-03-10T08:05:00+00:00 is newer than its watermark" in problems
    assert "windows have two current ones" in problems
    assert "of the 1d from 2017-03-09T00:00:00" in problems
    shown = COMMAND.invoke(app, ["store", "check", str(filled)])
    assert "is newer than its watermark" in shown.stdout


def test_a_day_is_read_in_parts_that_make_it_whole() -> None:
    parts = list(parts_of_day(NOON.date(), 50_000, 20_000))
    assert [start for start, _ in parts][1:] == [end for _, end in parts][:-1]
    assert (len(parts), parts[0][0].hour, parts[-1][1].day) == (3, 0, 10)
    assert len(list(parts_of_day(NOON.date(), 0, 20_000))) == 1


def test_tables_are_brought_up_to_date_by_themselves(target: tuple[Path, Callable[[], Contents]]) -> None:
    file, opened = target
    for _ in range(2):
        answer = COMMAND.invoke(app, ["store", "migrate", str(file)])
        assert answer.exit_code == 0, answer.output
        assert "schema version" in answer.stdout
    with closing(opened()) as store:
        assert store.cameras() == []


def test_only_a_store_with_a_retention_lets_go(filled: Path) -> None:
    answer = COMMAND.invoke(app, ["store", "retain", str(filled)])
    assert "an embedded store keeps everything" in str(answer.exception)


@pytest.mark.service
def test_what_retention_left_of_a_day_is_not_derived_anew(tmp_path: Path, postgres_server: PostgresServer) -> None:
    """The day at the limit and its hour keep the readings that they had when all of their clips were there."""
    config = postgres_server.config()
    told = f"{{kind: postgres, url: '{config.url}', schema: {config.schema_name}, retention_days: 30}}"
    file = config_file(tmp_path, "month", told)
    (camera,) = cameras_of(load_config(file))
    ago = (datetime.now(UTC) - timedelta(days=32) - NOON) / timedelta(minutes=1)
    with closing(PostgresStore.open(config)) as store:
        store.save_cameras([camera])
        Aggregator(store, AggregatePolicy(), SystemClock()).accept(
            [counted(ago + 10 * step, camera=camera.id) for step in range(6 * 24 * 4)]
        )

    def rebuilt() -> int:
        answer = COMMAND.invoke(app, ["rebuild", str(file)])
        assert answer.exit_code == 0, answer.output
        return int(answer.stdout.split()[0])

    assert rebuilt() == 0
    assert COMMAND.invoke(app, ["store", "retain", str(file)]).exit_code == 0
    assert rebuilt() == 0
    postgres_server.drop(config)


@pytest.mark.service
def test_what_is_older_than_the_retention_goes(tmp_path: Path, postgres_server: PostgresServer) -> None:
    config = postgres_server.config()
    with closing(PostgresStore.open(config)) as store:
        fill(store)
    told = f"{{kind: postgres, url: '{config.url}', schema: {config.schema_name}"
    endless = COMMAND.invoke(app, ["store", "retain", str(config_file(tmp_path, "endless", told + "}"))])
    assert "it is not said how long to keep" in str(endless.exception)
    file = config_file(tmp_path, "month", told + ", retention_days: 30}")
    answer = COMMAND.invoke(app, ["store", "retain", str(file)])
    assert answer.exit_code == 0, answer.output
    tables = checked(file)["tables"]
    assert {name: one["rows"] > 0 for name, one in tables.items()} == {  # type: ignore[attr-defined]
        "observations": False, "readings of 1m": False, "readings of 5m": False, "readings of 15m": False,
        "readings of 60m": True, "readings of 1d": True, "loop readings": True,
    }  # fmt: skip
    postgres_server.drop(config)
