"""Many names and times as one parameter of a statement: what `unnest` makes rows of."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
from psycopg import Connection, pq
from psycopg.adapt import Dumper

from aggregate.postgres_binary import since_2000
from aggregate.tables import Times

_TIMES, _TIME = 1185, 1184
"""Of timestamptz[] and timestamptz, as pg_type.dat numbers them."""


class TimeList(bytes):
    """Times as the server's `array_recv` reads them."""


def word_list(words: Sequence[str]) -> str:
    """Texts as a literal of `text[]`; the client's own runs a regular expression over each of thousands."""
    together = "".join(words)
    if '"' in together or "\\" in together:
        words = [word.replace("\\", "\\\\").replace('"', '\\"') for word in words]
    joined = '","'.join(words)
    return f'{{"{joined}"}}' if words else "{}"


def time_list(times: Times) -> TimeList:
    """Times for `timestamptz[]`: as numbers, for to write thousands as words and read them takes both sides long."""
    elements = np.empty(len(times), dtype=[("length", ">i4"), ("value", ">i8")])
    elements["length"], elements["value"] = 8, since_2000(times)
    dimensions = struct.pack(">ii", len(times), 1) if len(times) else b""
    return TimeList(struct.pack(">iiI", len(dimensions) // 8, 0, _TIME) + dimensions + elements.tobytes())


class _TimeListDumper(Dumper):
    """Hands a `TimeList` over as it is."""

    format = pq.Format.BINARY
    oid = _TIMES

    def dump(self, obj: TimeList) -> TimeList:
        return obj


def take_lists(connection: Connection[tuple[object, ...]]) -> None:
    """Let a connection take what `time_list` makes, in statements whose parameters go beside them (not in COPY)."""
    connection.adapters.register_dumper(TimeList, _TimeListDumper)
