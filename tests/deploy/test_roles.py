"""deploy/postgres/roles.sql on a real server: workers make the tables, the API reads them, and neither may do more."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest
from deployed import DEPLOY, cluster
from services.postgres_server import PostgresServer, binaries, postgres_or_skip

from aggregate.postgres_config import PostgresConfig
from aggregate.postgres_store import PostgresStore
from core.errors import StoreError
from core.records import Camera

pytestmark = pytest.mark.service

CAMERA = Camera(id="06710", name="Kew Bridge", lat=51.4891, lon=-0.2877)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """As the postgres image leaves it; the superuser that it comes with has the name of the workers here."""
    with postgres_or_skip() as server:
        server.execute("CREATE ROLE postgres SUPERUSER LOGIN")
        execute(server.url(user="postgres"), "ALTER ROLE busyness RENAME TO administrator")
        programs = binaries()
        assert programs is not None
        subprocess.run(
            [
                *(programs / "psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"),
                f"--dbname={server.url(user='postgres')}",
                f"--file={DEPLOY / 'postgres' / 'roles.sql'}",
            ],
            env={**os.environ, "BUSYNESS_WORKER_PASSWORD": "it's long", "BUSYNESS_API_PASSWORD": "another"},
            check=True,
        )
        yield server


def execute(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


def config(server: PostgresServer, user: str) -> PostgresConfig:
    """The store of configs/cluster.yaml, on this server."""
    store = cluster().store
    assert isinstance(store, PostgresConfig)
    host, _, _ = server.url(user=user).rpartition("/")
    return store.model_copy(update={"url": f"{host}/{store.url.rpartition('/')[2]}"})


def test_workers_make_the_tables_and_the_api_reads_what_they_store(server: PostgresServer) -> None:
    """Also the tables of months that are made later."""
    with closing(PostgresStore.open(config(server, "busyness"))) as store:
        store.save_cameras([CAMERA])
    with closing(PostgresStore.open(config(server, "busyness_api"), read_only=True)) as store:
        assert [camera.id for camera in store.cameras()] == [CAMERA.id]


@pytest.mark.parametrize(
    ("user", "statement"),
    [
        ("busyness_api", "DELETE FROM busyness.cameras"),
        ("busyness_api", "CREATE TABLE busyness.mine (id int)"),
        ("busyness_api", "CREATE TABLE public.mine (id int)"),
        ("busyness", "CREATE ROLE another"),
        ("busyness", "CREATE DATABASE another"),
    ],
)
def test_neither_may_do_more(server: PostgresServer, user: str, statement: str) -> None:
    """Nor is what refuses it the client's own `read_only`."""
    with closing(PostgresStore.open(config(server, "busyness"))):
        pass
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        execute(config(server, user).url, statement)


def test_the_api_cannot_be_opened_for_writing(server: PostgresServer) -> None:
    with (
        pytest.raises(StoreError, match="grant this user the rights"),
        closing(PostgresStore.open(config(server, "busyness_api"))) as store,
    ):
        store.save_cameras([])


def test_nobody_else_may_come_in(server: PostgresServer) -> None:
    execute(server.url(user="postgres"), "CREATE ROLE stranger LOGIN")
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        execute(config(server, "stranger").url, "SELECT 1")
