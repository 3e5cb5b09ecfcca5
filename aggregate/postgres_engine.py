"""One PostgreSQL database as the store uses it: a transaction a thread, and readers beside it that wait for nobody."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from aggregate.newest_clips import NewestClip
from aggregate.postgres_binary import Batch, Column, batch
from aggregate.postgres_connections import Answer, Connection, Connections
from aggregate.postgres_found import Found, Layout
from core.errors import StoreError

Parameters = Mapping[str, Any] | Sequence[Any] | None


class Engine:
    """Statements, and rows in and out by COPY. Every method raises `StoreError`.

    Statements are our own words with `%(name)s` for what comes from outside.
    """

    def __init__(self, connections: Connections, *, read_only: bool) -> None:
        self._connections = connections
        self._read_only = read_only
        self._here = threading.local()

    @property
    def name(self) -> str:
        """What errors call the store."""
        return self._connections.name

    def close(self) -> None:
        self._connections.close()

    @property
    def held(self) -> dict[str, NewestClip]:
        """The cameras whose turn it is, until the transaction that this thread is in ends: see `postgres_newest`."""
        held: dict[str, NewestClip] = self._here.held
        return held

    @property
    def writing(self) -> bool:
        """Whether this thread is in a transaction."""
        return self._open is not None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """See `Store.transaction`."""
        if self._open is not None:  # this thread's own block is open: join it
            yield
            return
        if self._read_only:
            raise StoreError(f"{self.name} is open for reading only", remedy="open it with read_only=False")
        with self._connections.begun() as connection:
            self._here.connection, self._here.held = connection, {}
            try:
                yield
            finally:
                self._here.connection = None

    def alone(self) -> AbstractContextManager[Connection]:
        """A connection beside all others, for what has to be committed by itself."""
        return self._connections.lent()

    def select(self, query: str, parameters: Parameters = None) -> list[tuple[Any, ...]]:
        """The rows of a query; inside this thread's transaction it sees what was written there."""
        return self._ask(lambda connection: connection.execute(query.encode(), parameters).fetchall())

    def find(self, layout: Layout, where: str, parameters: Parameters = None) -> Found:
        """Any number of rows: the columns of `layout`, and `where` they are (`FROM ...`)."""
        query = f"COPY (SELECT {layout.select} {where}) TO STDOUT (FORMAT binary)".encode()

        def copied(connection: Connection) -> Found:
            with connection.cursor().copy(query, parameters) as copy:
                return layout.read(bytes(message) for message in copy)

        return self._ask(copied)

    def find_lists(self, layout: Layout, query: str, parameters: Parameters = None) -> Found:
        """The rows in the lists of a query, which gathers the columns of `layout`: for those that keys ask for."""

        def gathered(connection: Connection) -> Found:
            result = connection.cursor(binary=True).execute(query.encode(), parameters).pgresult
            if result is None:
                return layout.read_lists(())
            columns = range(result.nfields)
            return layout.read_lists(
                [[result.get_value(row, column) for column in columns] for row in range(result.ntuples)]
            )

        return self._ask(gathered)

    def write(self, statement: str, parameters: Parameters = None) -> int:
        """Run a statement in the open transaction; how many rows it touched."""
        with self._connections.explaining():
            return max(0, self._writer.execute(statement.encode(), parameters).rowcount)

    def put(self, table: str, columns: Sequence[Column]) -> None:
        """Append rows to a table, in the open transaction."""
        self.put_batch(table, batch(columns))

    def put_batch(self, table: str, rows: Batch) -> None:
        """`put`, of rows that are laid out already."""
        statement = f"COPY {table} ({', '.join(rows.columns)}) FROM STDIN (FORMAT binary)"
        with self._connections.explaining(), self._writer.cursor().copy(statement.encode()) as copy:
            copy.write(rows.content)

    def _ask(self, question: Callable[[Connection], Answer]) -> Answer:
        if self._open is None:
            return self._connections.asked(question)
        with self._connections.explaining():
            return question(self._open)

    @property
    def _open(self) -> Connection | None:
        return getattr(self._here, "connection", None)

    @property
    def _writer(self) -> Connection:
        connection = self._open
        if connection is None:
            raise RuntimeError("writing needs an open transaction")
        return connection
