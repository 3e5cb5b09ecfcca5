"""Opening a DuckDB file: what can be wrong with it, and what to do."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb

from aggregate.duckdb_schema import MIGRATIONS, SCHEMA_VERSION, TABLES
from core.errors import StoreError

_OFFLINE: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
"""DuckDB would otherwise fetch extensions from the network when a query seems to need one."""

_LOG = "64MiB"
"""Of what was committed, so much may wait in the log for its place in the tables: the day's readings are replaced again
and again, so the more waits, the less is written. Whoever opens the file after a crash reads the log through."""

_CAUSE = "Original error: "
_MEMORY = re.compile(r"\([\d.]+ \w+/[\d.]+ \w+ used\)")
"""How DuckDB ends an error of memory: "(63.8 MiB/64.0 MiB used)"."""


def open_file(path: Path | None, read_only: bool, memory_mb: int) -> tuple[str, duckdb.DuckDBPyConnection]:
    """What errors call the store, and a connection to it with our tables in place. Raises `StoreError`.

    Of a file at most `memory_mb` MiB are kept in memory; the engine's own limit is most of the machine's, and a file
    that grows for a year would fill it. A store in memory is as large as what it holds.
    """
    name = "the store in memory" if path is None else f"the store {path}"
    if path is not None:
        _expect_place(path, read_only)
    try:
        limit = {} if path is None else {"memory_limit": f"{memory_mb}MiB", "checkpoint_threshold": _LOG}
        connection = duckdb.connect(str(path or ":memory:"), read_only=read_only, config=_OFFLINE | limit)
    except duckdb.Error as error:
        raise _cannot_open(name, error) from error
    try:
        _expect_schema(connection, name, read_only)
    except BaseException:
        connection.close()
        raise
    return name, connection


def _expect_place(path: Path, read_only: bool) -> None:
    """Raises `StoreError` unless a store can be at `path`; makes its folder."""
    if path.is_dir():
        raise StoreError(f"the store {path} is a folder", remedy=f"name a file in it: {path / 'busyness.duckdb'}")
    if read_only:
        if not path.exists():
            raise StoreError(f"the store {path} does not exist", remedy="check the path, or open it for writing once")
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"the folder of the store {path} cannot be made: {error}", remedy="choose another") from error


def _expect_schema(connection: duckdb.DuckDBPyConnection, name: str, read_only: bool) -> None:
    """Make the tables in an empty file, bring older ones up to date; raises `StoreError` for any others."""
    try:
        tables = {row[0] for row in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
        if not tables and not read_only:
            connection.execute(f"BEGIN TRANSACTION; {TABLES} COMMIT;")
            return
        versions = connection.execute("SELECT version FROM schema_version").fetchall() if tables else []
    except duckdb.CatalogException:
        versions = []
    except duckdb.Error as error:
        raise _cannot_open(name, error) from error
    if len(versions) != 1:
        raise StoreError(f"{name} is not a busyness store", remedy="name another file; this one was left as it is")
    version: int = versions[0][0]
    if version == SCHEMA_VERSION:
        return
    differs = f"{name} has schema version {version}, this version of busyness uses {SCHEMA_VERSION}"
    if version not in MIGRATIONS:
        raise StoreError(
            differs,
            remedy="open it with the version that wrote it, or name a new file and replay the recorded counts into it",
        )
    if read_only:
        raise StoreError(differs, remedy="it is brought up to date by opening it for writing: busyness rebuild CONFIG")
    _migrate(connection, name, version)


def _migrate(connection: duckdb.DuckDBPyConnection, name: str, version: int) -> None:
    """Bring the tables of `version` up to date, in one transaction. Raises `StoreError`; then nothing has changed."""
    steps = "".join(MIGRATIONS[older] for older in range(version, SCHEMA_VERSION))
    try:
        connection.execute("BEGIN TRANSACTION")
        connection.execute(f"{steps} UPDATE schema_version SET version = {SCHEMA_VERSION};")  # noqa: S608 - every word of it is ours
        connection.execute("COMMIT")
    except duckdb.Error as error:
        raise StoreError(
            f"{name} cannot be brought from schema version {version} to {SCHEMA_VERSION}: {first_line(error)}",
            remedy="it was left as it is; check the disk's free space and rights",
        ) from error


def _cannot_open(name: str, error: duckdb.Error) -> StoreError:
    said = first_line(error)
    if "lock" in said.lower():
        return StoreError(
            f"{name} is in use by another process ({said})",
            remedy="stop that process, or ask it through its API; a DuckDB file has one owner at a time",
        )
    if "different configuration" in said:
        return StoreError(f"{name} is already open in this process, for other use", remedy="share one DuckDBStore")
    if "not a valid DuckDB" in said:
        return StoreError(f"{name} is not a DuckDB file", remedy="name another file; this one was left as it is")
    return StoreError(f"{name} cannot be opened: {said}", remedy="check the path and its rights")


def cannot_be_used(name: str, error: duckdb.Error) -> StoreError:
    """What went wrong with a store that was open; what was committed before is safe."""
    said = first_line(error)
    if _MEMORY.search(said):
        remedy = "give it more memory, as store.memory_mb; what was committed before is safe"
    else:
        remedy = "check the disk's free space and rights; what was committed before is safe"
    return StoreError(f"{name} cannot be used: {said}", remedy=remedy)


def first_line(error: Exception) -> str:
    """What happened, without advice; of an engine that gave up, the error that made it do so."""
    lines = str(error).splitlines() or [type(error).__name__]
    first = next((line for line in lines if line.startswith(_CAUSE)), lines[0])
    return first.removeprefix(_CAUSE).strip('"')
