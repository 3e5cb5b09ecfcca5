"""Finding the tables of a PostgreSQL store: making them where there are none, bringing older ones up to date."""

from __future__ import annotations

import logging

import psycopg

from aggregate.postgres_config import PostgresConfig
from aggregate.postgres_connections import Connection, Connections
from aggregate.postgres_engine import Engine
from aggregate.postgres_parts import Hypertables, MonthlyParts, Parts, by_month, make_hypertables
from aggregate.postgres_schema import MIGRATIONS, SCHEMA_VERSION, TABLES
from core.errors import StoreError

log = logging.getLogger(__name__)

_OLDEST_SERVER = 140_000
_CHANGING = 7_002
"""The advisory lock of whoever makes or changes the tables."""

_MONTHS, _HYPERTABLES = "months", "hypertables"


def reader_role(schema: str) -> str:
    """The role of those who may read a store, and nothing else: grant it to the user of the API."""
    return f"{schema}_reader"


def expect_tables(connections: Connections, schema: str, *, read_only: bool) -> int:
    """Make the tables in an empty schema, bring older ones up to date; the version that they had, 0 for none.

    One process at a time does, and others wait for it. Raises `StoreError` for tables that cannot be used as they are.
    """
    with connections.lent() as connection:
        if connection.info.server_version < _OLDEST_SERVER:
            raise StoreError(
                f"{connections.name} is on PostgreSQL {connection.info.server_version // 10_000}",
                remedy="use PostgreSQL 14 or newer",
            )
        encoding = connection.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            raise StoreError(
                f"{connections.name} is in a database of encoding {encoding}, which does not take every text",
                remedy="make another one: createdb --encoding UTF8 --template template0 DATABASE",
            )
        version = _version(connection, connections.name, schema)
        if version == SCHEMA_VERSION:
            return version
        if version > SCHEMA_VERSION or (version and version not in MIGRATIONS):
            raise StoreError(
                f"{connections.name} has schema version {version}, this version of busyness uses {SCHEMA_VERSION}",
                remedy="use the version of busyness that the workers use",
            )
        if read_only:
            raise StoreError(
                f"{connections.name} has "
                + (f"schema version {version}, not {SCHEMA_VERSION}" if version else "no tables yet"),
                remedy="the workers make and mend them when they start, or busyness store migrate CONFIG",
            )
        connection.execute("SELECT set_config('lock_timeout', '15min', false)")
        connection.execute("SELECT pg_advisory_lock(%s, hashtext(%s))", [_CHANGING, schema])
        version = _version(connection, connections.name, schema)  # another may have done it meanwhile
        if version < SCHEMA_VERSION:
            _make(connection, schema) if version == 0 else _migrate(connection, connections.name, version)
        return version


def migrate(config: PostgresConfig) -> int:
    """Make the tables, or bring them up to date, and the role that may read them; the version there was, 0 for none.

    Opening the store for writing does so too. Raises `StoreError`.
    """
    connections = Connections(config)
    try:
        version = expect_tables(connections, config.schema_name, read_only=False)
        with connections.lent() as connection:
            let_read(connection, config.schema_name)
    finally:
        connections.close()
    return version


def parts_of(engine: Engine) -> Parts:
    """How the tables that grow are kept, as whoever made them has written down."""
    ((kept,),) = engine.select("SELECT parts FROM schema_versions ORDER BY version DESC LIMIT 1")
    if kept == _MONTHS:
        return MonthlyParts(engine)
    with engine.alone() as connection:
        timescale = _timescale(connection)
    if timescale is None:
        raise StoreError(
            f"{engine.name} was made with TimescaleDB, which is not there any more",
            remedy="install the extension again, or copy the store: busyness store copy FROM TO",
        )
    return Hypertables(engine, timescale)


def _version(connection: Connection, name: str, schema: str) -> int:
    """The version of the tables; 0 where the schema is empty. Raises `StoreError` where it is not ours."""
    if connection.execute("SELECT to_regclass('schema_versions')").fetchone() != (None,):
        row = connection.execute("SELECT max(version) FROM schema_versions").fetchone()
        if row is not None and isinstance(row[0], int):
            return row[0]
    held = connection.execute(
        "SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = %s AND c.relkind IN ('r', 'p', 'v', 'm') LIMIT 1",
        [schema],
    ).fetchone()
    if held is not None:
        raise StoreError(
            f"{name} is not a busyness store: it has a table {held[0]!r}",
            remedy="name a schema of its own in store.schema; this one was left as it is",
        )
    return 0


def _make(connection: Connection, schema: str) -> None:
    timescale = _timescale(connection)
    by = by_month if timescale is None else lambda _: ""
    with connection.transaction():
        if connection.execute("SELECT to_regnamespace(%s)", [f'"{schema}"']).fetchone() == (None,):
            connection.execute(f'CREATE SCHEMA "{schema}"'.encode())
        connection.execute((TABLES % {f"by_{column}": by(column) for column in ("event_time", "starts")}).encode())
        if timescale is not None:
            make_hypertables(connection, timescale)
        connection.execute(
            "INSERT INTO schema_versions (version, parts) VALUES (%s, %s)",
            [SCHEMA_VERSION, _MONTHS if timescale is None else _HYPERTABLES],
        )
    let_read(connection, schema)


def _migrate(connection: Connection, name: str, version: int) -> None:
    """Bring the tables of `version` up to date, in one transaction. Raises `StoreError`; then nothing has changed."""
    try:
        with connection.transaction():
            for older in range(version, SCHEMA_VERSION):
                connection.execute(MIGRATIONS[older].encode())
                connection.execute(
                    "INSERT INTO schema_versions (version, parts) "
                    "SELECT %(newer)s, parts FROM schema_versions WHERE version = %(older)s",
                    {"older": older, "newer": older + 1},
                )
    except psycopg.Error as error:
        raise StoreError(
            f"{name} cannot be brought from schema version {version} to {SCHEMA_VERSION}: {error}",
            remedy="it was left as it is; look into the server's log",
        ) from error


def let_read(connection: Connection, schema: str) -> None:
    """Make the role that may read, and nothing else, where there is none and we may; let it read every table."""
    role = reader_role(schema)
    known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
    if known is None:
        may = connection.execute(
            "SELECT rolcreaterole OR rolsuper FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
        if may != (True,):
            log.warning(
                "there is no role %s to read the store with: let an administrator CREATE ROLE %s, "
                "then run busyness store migrate CONFIG",
                role,
                role,
            )
            return
        connection.execute(f'CREATE ROLE "{role}" NOLOGIN'.encode())
    with connection.transaction():
        connection.execute(f'GRANT USAGE ON SCHEMA "{schema}" TO "{role}"'.encode())
        connection.execute(f'GRANT SELECT ON ALL TABLES IN SCHEMA "{schema}" TO "{role}"'.encode())
        connection.execute(f'ALTER DEFAULT PRIVILEGES IN SCHEMA "{schema}" GRANT SELECT ON TABLES TO "{role}"'.encode())


def _timescale(connection: Connection) -> str | None:
    """The schema of TimescaleDB's functions; None where it is not installed in this database."""
    row = connection.execute(
        "SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace "
        "WHERE e.extname = 'timescaledb'"
    ).fetchone()
    return None if row is None else str(row[0])
