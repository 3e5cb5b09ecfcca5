"""How the tables that grow are kept in parts: by the month, or as hypertables where TimescaleDB is.

observations --+-- observations_2017_03    [2017-03-01, 2017-04-01) UTC
               +-- observations_2017_04
               ...                         made when something of that month is stored, however long ago it is
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Protocol

import numpy as np

from aggregate.postgres_connections import Connection
from aggregate.postgres_engine import Engine
from aggregate.postgres_schema import PARTED, Parted
from aggregate.tables import Integers, Times
from core.errors import StoreError

_MAKING = 7_001
"""The advisory lock of whoever makes a month: one at a time, and nobody else is held up."""


class Parts(Protocol):
    """Where rows of a parted table go, and how the old ones are let go of. Every method raises `StoreError`."""

    def split(self, table: Parted, times: Times) -> Iterator[tuple[str, Integers]]:
        """The tables that rows of these times are appended to, each with its rows."""
        ...

    def drop(self, table: Parted, before: datetime) -> int:
        """Let go of the parts that end at or before a moment; how many there were. Not inside a transaction."""
        ...

    def forget(self) -> None:
        """Something failed: what is known of the parts may not be true any more."""
        ...


class MonthlyParts:
    """PostgreSQL's own partitions, one a month."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._made: set[str] = set()

    def split(self, table: Parted, times: Times) -> Iterator[tuple[str, Integers]]:
        """See `Parts`."""
        months = times.astype("datetime64[M]")
        for month in np.unique(months):
            name = _name(table, month)
            if name not in self._made:
                self._make(table, month)
                self._made.add(name)
            yield name, np.flatnonzero(months == month)

    def forget(self) -> None:
        """See `Parts`."""
        self._made.clear()

    def drop(self, table: Parted, before: datetime) -> int:
        """See `Parts`. Readers and writers of other months are not held up."""
        with self._engine.alone() as connection:
            self._finish_dropping(connection, table)
            old = [
                name
                for (name,) in connection.execute(_PARTS, {"table": table.name}).fetchall()
                if _ends_by(str(name), table, before)
            ]
            for name in old:
                connection.execute(f"ALTER TABLE {table.name} DETACH PARTITION {name} CONCURRENTLY".encode())
                connection.execute(f"DROP TABLE {name}".encode())
        self._made.difference_update(map(str, old))
        return len(old)

    def _make(self, table: Parted, month: np.datetime64) -> None:
        # By itself, and committed at once: attaching holds up nobody, and nobody has to wait for our transaction.
        name, first, end = _name(table, month), month, month + np.timedelta64(1, "M")
        with self._engine.alone() as connection, connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(current_schema()))", [_MAKING])
            kept = connection.execute(_KEPT, [name]).fetchone()
            if kept == (True,):
                return
            if kept is not None:  # what is stored there would be seen by nobody, and go with it
                raise StoreError(
                    f"the month {name} is being let go of",
                    remedy="do it again when that has ended; one that was stopped is ended by busyness store retain",
                )
            connection.execute(
                f"CREATE TABLE {name} (LIKE {table.name} INCLUDING ALL) WITH (fillfactor = {table.fill})".encode()
            )
            connection.execute(
                f"ALTER TABLE {table.name} ATTACH PARTITION {name} "
                f"FOR VALUES FROM ('{first}-01+00') TO ('{end}-01+00')".encode()
            )

    @staticmethod
    def _finish_dropping(connection: Connection, table: Parted) -> None:
        """A process that ended between letting a month go and dropping it has left it behind."""
        for (name,) in connection.execute(_PENDING, {"table": table.name}).fetchall():
            connection.execute(f"ALTER TABLE {table.name} DETACH PARTITION {name} FINALIZE".encode())
            connection.execute(f"DROP TABLE {name}".encode())
        for (name,) in connection.execute(_LEFT, {"like": f"{table.name}\\_____\\___"}).fetchall():
            connection.execute(f"DROP TABLE {name}".encode())


class Hypertables:
    """TimescaleDB's chunks, as many as it makes: it looks after them itself."""

    def __init__(self, engine: Engine, schema: str) -> None:
        """`schema` is where the extension's functions are."""
        self._engine = engine
        self._schema = schema

    def split(self, table: Parted, times: Times) -> Iterator[tuple[str, Integers]]:
        """See `Parts`."""
        if len(times):
            yield table.name, np.arange(len(times))

    def forget(self) -> None:
        """See `Parts`: nothing is known."""

    def drop(self, table: Parted, before: datetime) -> int:
        """See `Parts`."""
        with self._engine.alone() as connection:
            dropped = connection.execute(
                f"SELECT {self._schema}.drop_chunks(%s::regclass, older_than => %s::timestamptz)".encode(),
                [table.name, before],
            )
            return len(dropped.fetchall())


def by_month(column: str) -> str:
    """How a table is declared that `MonthlyParts` keep."""
    return f"PARTITION BY RANGE ({column})"


def make_hypertables(connection: Connection, schema: str) -> None:
    """Turn the tables that grow, which are new, into what `Hypertables` keep."""
    for table in PARTED:
        connection.execute(f"ALTER TABLE {table.name} SET (fillfactor = {table.fill})".encode())
        connection.execute(
            f"SELECT {schema}.create_hypertable(%s::regclass, %s::name, chunk_time_interval => interval '1 month', "
            "create_default_indexes => false)".encode(),
            [table.name, table.time],
        )


def _name(table: Parted, month: np.datetime64) -> str:
    return f"{table.name}_{str(month).replace('-', '_')}"


def _ends_by(name: str, table: Parted, moment: datetime) -> bool:
    year, month = map(int, name.removeprefix(f"{table.name}_").split("_"))
    return datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC) <= moment


_PARTS = """
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = %(table)s::regclass AND NOT i.inhdetachpending ORDER BY c.relname
"""
_KEPT = """
SELECT i.inhrelid IS NOT NULL AND NOT i.inhdetachpending
FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid WHERE c.oid = to_regclass(%s)
"""
_PENDING = """
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = %(table)s::regclass AND i.inhdetachpending ORDER BY c.relname
"""
_LEFT = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = current_schema() AND c.relkind = 'r' AND NOT c.relispartition AND c.relname LIKE %(like)s
"""
