"""One DuckDB database as the store uses it: one transaction at a time, and every reader with a snapshot of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import duckdb
import pyarrow as pa

from aggregate.duckdb_eviction import sweep_line
from aggregate.duckdb_file import cannot_be_used
from core.errors import StoreError

_CHECKPOINT_EVERY_S = 120.0
"""What is committed waits in a log for its place in the tables: until 64 MiB do (`duckdb_file`), or for so long. It
waits in memory too, with every version of a row that was written since: of a city some 5 MB a minute."""


class Engine:
    """The connection, the writer's lock, and errors that say what to do. Every method raises `StoreError`."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, name: str, *, read_only: bool, memory_mb: int | None
    ) -> None:
        """`name` is what errors call the store; of a file at most `memory_mb` MiB are kept in memory, all of none."""
        # Every thread reads through a cursor of its own; this connection only makes cursors, so it is never busy.
        self._root = connection
        self._connection = connection.cursor()
        self._name = name
        self._read_only = read_only
        self._memory_mb = memory_mb
        self._lock = threading.RLock()
        self._writer: int | None = None
        self._checkpoint_at = time.monotonic() + _CHECKPOINT_EVERY_S
        self._unswept = False
        self._reading: set[object] = set()
        self._door = threading.Lock()  # for who begins to read, and for the sweep
        self.on_undone: Callable[[], None] = lambda: None
        """Called when a transaction has been rolled back, before another writer begins."""

    def close(self) -> None:
        with self._lock:
            self._connection.close()
            self._root.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """See `Store.transaction`."""
        with self._lock:
            if self._writer is not None:  # this thread's own block is open: join it
                yield
                return
            if self._read_only:
                raise StoreError(f"{self._name} is open for reading only", remedy="open it with read_only=False")
            with self._explained():
                self._connection.execute("BEGIN TRANSACTION")
            self._writer = threading.get_ident()
            try:
                yield
                with self._explained():
                    self._connection.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise
            finally:
                self._writer = None
            self._checkpoint()
            self._sweep()

    def _checkpoint(self) -> None:
        """Let what was committed take its place in the tables, if it has waited for long."""
        if time.monotonic() < self._checkpoint_at:
            return
        try:
            self._connection.execute("CHECKPOINT")
        except duckdb.Error:  # somebody reads what was before: after the next commit, then
            return
        self._checkpoint_at = time.monotonic() + _CHECKPOINT_EVERY_S
        self._unswept = True

    def _sweep(self) -> None:
        """Once after a checkpoint, as soon as nobody reads: who begins to read meanwhile waits for it."""
        if not self._unswept or self._memory_mb is None:
            return
        with self._door, self._explained():
            if not self._reading:
                sweep_line(self._connection, self._memory_mb)
                self._unswept = False

    @contextmanager
    def _reader(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection with a snapshot of its own."""
        reader = object()
        with self._door:
            self._reading.add(reader)
        try:
            with self._root.cursor() as cursor:
                yield cursor
        finally:  # not through the door: this may be a forgotten generator, collected by the thread that sweeps
            self._reading.discard(reader)

    def _roll_back(self) -> None:
        try:
            self._connection.execute("ROLLBACK")
            self.on_undone()
        except (duckdb.Error, StoreError):
            # The engine has already given the transaction up; the error that led here says why.
            return

    # DuckDB finds `asked` and `batch` among the variables of the function that runs the statement: a view of each, made
    # and dropped again, would cost as much as a look-up.

    def read(self, query: str, parameters: dict[str, Any] | None = None, *, asked: pa.Table | None = None) -> pa.Table:
        """Run a query, which may read `asked`; inside this thread's transaction it sees what was written there."""
        with self._explained():
            if self._writer == threading.get_ident():
                return _select(self._connection, query, parameters or {}, asked)
            with self._reader() as cursor:
                return _select(cursor, query, parameters or {}, asked)

    def batches(
        self, query: str, parameters: dict[str, Any] | None = None, *, asked: pa.Table | None = None
    ) -> Iterator[pa.RecordBatch]:
        """`read`, in batches as they come, for what is too large to be held at once: all of them are of one snapshot.

        Inside a transaction nothing else may be read or written until there are no more.
        """
        with self._explained():
            if self._writer == threading.get_ident():
                yield from _streamed(self._connection, query, parameters or {}, asked)
                return
            with self._reader() as cursor:
                yield from _streamed(cursor, query, parameters or {}, asked)

    def write(
        self,
        statement: str,
        parameters: dict[str, Any] | None = None,
        *,
        batch: pa.Table,  # noqa: ARG002 - read by the statement
    ) -> int:
        """Run a statement over the rows of `batch`, inside the open transaction; how many rows it wrote."""
        with self._explained():
            written = self._connection.execute(statement, parameters or {}).fetchone()
        return 0 if written is None else int(written[0])

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except duckdb.ConnectionException as error:
            raise StoreError(f"{self._name} is closed", remedy="open it again") from error
        except duckdb.Error as error:
            raise cannot_be_used(self._name, error) from error


def _select(
    connection: duckdb.DuckDBPyConnection,
    query: str,
    parameters: dict[str, Any],
    asked: pa.Table | None,  # noqa: ARG001 - read by the query
) -> pa.Table:
    return connection.sql(query, params=parameters).to_arrow_table()


def _streamed(
    connection: duckdb.DuckDBPyConnection,
    query: str,
    parameters: dict[str, Any],
    asked: pa.Table | None,  # noqa: ARG001 - read by the query
) -> Iterator[pa.RecordBatch]:
    yield from connection.sql(query, params=parameters).to_arrow_reader()
