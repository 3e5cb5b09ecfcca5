"""Connections to a PostgreSQL server that may be away for a while: a few of them, made when needed and used again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import psycopg

from aggregate.postgres_config import PostgresConfig
from aggregate.postgres_errors import explained, is_away
from aggregate.postgres_parameters import take_lists
from core.errors import StoreError

Connection = psycopg.Connection[tuple[object, ...]]
Answer = TypeVar("Answer")

PATIENCE_S = 10.0
"""How long a server that does not answer is waited for, before that is an error."""

_CONNECT_S = 5
_PAUSE_S, _LONGEST_PAUSE_S = 0.05, 1.0

_SESSION = {
    "timezone": "UTC",
    "synchronous_commit": "on",
    "jit": "off",  # compiling takes longer than what we ask
    "lock_timeout": "30s",
    "idle_in_transaction_session_timeout": "120s",  # a writer that hangs does not hold up its successor for good
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}
_SET_UP = "SELECT " + ", ".join(f"set_config('{name}', '{value}', false)" for name, value in _SESSION.items())
_READ_ONLY = "SELECT set_config('default_transaction_read_only', 'on', false)"


class Connections:
    """At most `config.connections` at a time, for any number of threads. Every method raises `StoreError`."""

    def __init__(self, config: PostgresConfig, *, read_only: bool = False, patience_s: float = PATIENCE_S) -> None:
        self.name = f"the store {config.url} ({config.schema_name})"
        """What errors call the store."""
        self._config = config
        self._read_only = read_only
        self._patience_s = patience_s
        self._free = threading.Semaphore(config.connections)
        self._lock = threading.Lock()
        self._idle: list[Connection] = []
        self._closed = False

    def close(self) -> None:
        """Close those that nobody uses; those in use are closed when they come back."""
        self._closed = True
        self._forget_idle()

    def asked(self, question: Callable[[Connection], Answer]) -> Answer:
        """The answer to a question that changes nothing: where the server goes away meanwhile, it is asked again."""

        def answered() -> Answer:
            with self._counted() as connection:
                return question(connection)

        return self._patiently(answered)

    @contextmanager
    def begun(self) -> Iterator[Connection]:
        """A connection in a transaction, which is committed when the block ends; an error undoes it."""
        connection = self._patiently(self._begin)
        try:
            yield connection
            with self.explaining():
                ended = connection.execute("COMMIT").statusmessage
            if ended != "COMMIT":  # the server undoes, without an error, what a statement had failed in
                raise StoreError(f"{self.name} has stored nothing: a part of it failed", remedy="do all of it again")
        except BaseException:
            _undo(connection)
            raise
        finally:
            self._give_back(connection)

    @contextmanager
    def lent(self) -> Iterator[Connection]:
        """A connection of its own while the block takes, beside those that are counted."""
        connection = self._patiently(self._connect)
        try:
            with self.explaining():
                yield connection
        finally:
            connection.close()

    @contextmanager
    def explaining(self) -> Iterator[None]:
        """The client's errors in the block, as `StoreError`."""
        try:
            yield
        except psycopg.Error as error:
            raise explained(error, self.name) from error

    def _patiently(self, work: Callable[[], Answer]) -> Answer:
        """What `work` gives, once the server is there to do it."""
        give_up = time.monotonic() + self._patience_s
        pause_s = _PAUSE_S
        while True:
            try:
                return work()
            except psycopg.Error as error:
                if not is_away(error) or self._closed or time.monotonic() + pause_s > give_up:
                    raise explained(error, self.name) from error
            self._forget_idle()  # they have been cut off too
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _begin(self) -> Connection:
        # A connection that was cut off while nobody used it says so here, when nothing is lost yet.
        connection = self._take()
        try:
            connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED")  # who has waited sees what was waited for
        except BaseException:
            self._give_back(connection)
            raise
        return connection

    @contextmanager
    def _counted(self) -> Iterator[Connection]:
        connection = self._take()
        try:
            yield connection
        finally:
            self._give_back(connection)

    def _take(self) -> Connection:
        if not self._free.acquire(timeout=self._patience_s):
            raise StoreError(
                f"all {self._config.connections} connections to {self.name} are in use",
                remedy="set store.connections higher, or ask for less at once",
            )
        try:
            with self._lock:
                if self._closed:
                    raise StoreError(f"{self.name} is closed", remedy="open it again")
                if self._idle:
                    return self._idle.pop()
            return self._connect()
        except BaseException:
            self._free.release()
            raise

    def _give_back(self, connection: Connection) -> None:
        with self._lock:
            usable = not connection.closed and connection.info.transaction_status is psycopg.pq.TransactionStatus.IDLE
            if usable and not self._closed:
                self._idle.append(connection)
            else:
                connection.close()
        self._free.release()

    def _forget_idle(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _connect(self) -> Connection:
        connection = psycopg.connect(
            self._config.url,
            autocommit=True,
            client_encoding="UTF8",  # whatever PGCLIENTENCODING says
            prepare_threshold=None,  # what a plan is good for depends on how many are asked for
            connect_timeout=_CONNECT_S,
            application_name="busyness",
            keepalives_idle=30,
            keepalives_interval=10,
            keepalives_count=3,
            tcp_user_timeout=60_000,  # where the network was cut while something was on its way, keepalives do not tell
        )
        take_lists(connection)
        try:
            connection.execute(_SET_UP)
            connection.execute("SELECT set_config('search_path', %s, false)", [f'"{self._config.schema_name}"'])
            if self._read_only:
                connection.execute(_READ_ONLY)
        except BaseException:
            connection.close()
            raise
        return connection


def _undo(connection: Connection) -> None:
    try:
        connection.execute("ROLLBACK")
    except psycopg.Error:
        connection.close()  # the server undoes it; the error that led here says why
