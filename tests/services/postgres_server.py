"""A PostgreSQL of our own, from the machine's binaries, in a temporary folder, on loopback: for tests and benchmarks.

with closing(PostgresServer.started()) as server:
    store = PostgresStore.open(server.config())
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Self

import psycopg
import pytest

from aggregate.postgres_config import PostgresConfig

USER = "busyness"
_READY_WITHIN_S = 30.0
_FORGETFUL = {"fsync": "off", "full_page_writes": "off"}
"""What is written outlives the server's death, and not the machine's: tests kill servers alone."""
_DURABLE = {"shared_buffers": "512MB", "max_wal_size": "4GB", "wal_compression": "on"}
"""As compose.yaml and deploy/kubernetes have it."""
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "log_min_messages": "warning",
}


def binaries() -> Path | None:
    """Where PostgreSQL's programs are; None where it is not installed."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    found = shutil.which("postgres")
    if not folders and found is not None:
        folders = [Path(found).resolve().parent]
    return folders[-1] if folders and (folders[-1] / "initdb").exists() else None


class PostgresServer:
    """One server; everybody on this machine may connect as the superuser `busyness`, without a password."""

    def __init__(self, folder: Path, programs: Path, settings: Mapping[str, str]) -> None:
        """Use `started`."""
        self.folder = folder
        self.port = _free_port()
        self._programs = programs
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self._schemas = count(1)

    @classmethod
    def started(cls, *, durable: bool = False, settings: Mapping[str, str] | None = None) -> Self:
        """A new, empty server, answering. `durable`: also what the machine's death would take is kept, as in a city.

        Raises `FileNotFoundError` where PostgreSQL is not installed.
        """
        programs = binaries()
        if programs is None:
            raise FileNotFoundError("PostgreSQL is not installed: on Debian, apt install postgresql")
        folder = Path(tempfile.mkdtemp(prefix="busyness-postgres-"))
        chosen = {**_SETTINGS, **(_DURABLE if durable else _FORGETFUL), **(settings or {})}
        server = cls(folder, programs, chosen)
        try:
            if os.geteuid() == 0:
                os.chown(folder, *_not_root())
            # Another order of words than that of bytes, so that no answer can depend on the server's.
            initdb = ["initdb", "--pgdata", folder / "data", "--username", USER, "--auth", "trust", "--no-sync"]
            server._run(
                [*initdb, "--encoding", "UTF8", "--locale", "C", "--locale-provider", "icu", "--icu-locale", "en"]
            )
            server.start()
        except BaseException:
            server.close()
            raise
        return server

    def start(self) -> None:
        """Start the server again, on the same port with the same data; returns once it answers."""
        give_up = time.monotonic() + _READY_WITHIN_S
        while True:
            with (self.folder / "log").open("ab") as log:
                self._process = self._popen(
                    ["postgres", "-D", self.folder / "data", "-p", str(self.port), "-k", self.folder, *self._options()],
                    stdout=log,
                    stderr=log,
                )
            while self._process.poll() is None:
                try:
                    psycopg.connect(self.url(), connect_timeout=2).close()
                    return
                except psycopg.OperationalError as error:
                    if time.monotonic() > give_up:
                        raise TimeoutError(f"PostgreSQL does not answer: {error}") from error
                    time.sleep(0.02)
            # After a kill its children hold the memory that they share until they have noticed.
            if time.monotonic() > give_up:
                raise RuntimeError(f"PostgreSQL does not start:\n{(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        """As an operator stops it: what runs is undone, its clients are told."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """kill -9."""
        self._end(signal.SIGKILL)

    def close(self) -> None:
        """Stop it and remove all it had."""
        self._end(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def pause(self) -> None:
        """It hangs: connections are taken by the machine, and nothing answers, until `resume`."""
        self._signal_all(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal_all(signal.SIGCONT)

    def url(self, *, user: str = USER) -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/postgres"

    def config(self, *, user: str = USER, **more: object) -> PostgresConfig:
        """The configuration of a store in a schema of its own, which is not made yet."""
        given = {"kind": "postgres", "url": self.url(user=user), "schema": f"city_{next(self._schemas)}", **more}
        return PostgresConfig.model_validate(given)

    def execute(self, statement: str) -> list[tuple[object, ...]]:
        """Run a statement as the superuser; its rows, where it has any."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            cursor = connection.execute(statement)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

    def drop(self, config: PostgresConfig) -> None:
        """Remove a store with all it has."""
        self.execute(f'DROP SCHEMA IF EXISTS "{config.schema_name}" CASCADE')

    def _options(self) -> list[str]:
        return [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(how)
            self._process.wait(_READY_WITHIN_S)
        self._process = None

    def _signal_all(self, what: signal.Signals) -> None:
        assert self._process is not None
        first = self._process.pid
        children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        for pid in (first, *map(int, children)):
            os.kill(pid, what)

    def _popen(self, command: list[object], **more: object) -> subprocess.Popen[bytes]:
        user, group = _not_root() if os.geteuid() == 0 else (None, None)
        program, *arguments = command
        return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
            [self._programs / str(program), *map(str, arguments)],
            user=user, group=group, extra_groups=None if user is None else [], cwd=self.folder, **more,
        )  # fmt: skip

    def _run(self, command: list[object]) -> None:
        process = self._popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said, _ = process.communicate()
        if process.returncode:
            raise RuntimeError(f"{command[0]} failed:\n{said.decode(errors='replace')}")


def _not_root() -> tuple[int, int]:
    """PostgreSQL refuses to run as root."""
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    raise RuntimeError("PostgreSQL does not run as root, and this machine has neither a user postgres nor nobody")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@contextmanager
def postgres_or_skip() -> Iterator[PostgresServer]:
    """A server for tests; they are skipped where PostgreSQL is not installed, which in CI is a failure."""
    if binaries() is None:
        absent = "needs PostgreSQL: on Debian, apt install postgresql"
        pytest.fail(absent) if os.environ.get("CI") else pytest.skip(absent)
    with closing(PostgresServer.started()) as server:
        yield server
