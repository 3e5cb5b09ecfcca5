"""What DuckDB remembers of blocks that are gone, and how it is made to forget them.

Each block that somebody has read stands in a line for eviction, and so does every piece of memory that a statement has
used: by a weak reference, which keeps 200 bytes of it alive after the block itself is gone. A line is swept by DuckDB
when it is 32,768 long, or when memory is needed; there are eight. A city of two commits a second would fill them in its
first two hours, with 40 MB (docs/decisions/0060).
"""

from __future__ import annotations

from contextlib import suppress

import duckdb

_DEAD = 20_000
"""So many may stand in all lines together: 4 MB, some four minutes of a London. What is read again after a sweep comes
from the file, so there are not more sweeps than are worth it."""


def sweep_line(connection: duckdb.DuckDBPyConnection, memory_mb: int) -> None:
    """Forget blocks that are gone, when they are many, and with them what is kept of the file but in no use.

    A memory limit that cannot be had makes DuckDB look through every line, and changes nothing. It may be had when
    nothing is in use at all: then it holds until the old one, `memory_mb` MiB, is set again, so nobody else may use
    the database meanwhile. A sweep that fails is left; raises `duckdb.Error` where the old limit is lost.
    """
    with suppress(duckdb.Error):
        dead = connection.execute("SELECT coalesce(sum(dead_nodes), 0) FROM duckdb_eviction_queues()").fetchone()
        if dead is None or dead[0] < _DEAD:
            return
        connection.execute("SET memory_limit = '1KiB'")
    connection.execute(f"SET memory_limit = '{memory_mb}MiB'")
