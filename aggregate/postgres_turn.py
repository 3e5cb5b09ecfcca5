"""Of several processes one at a time does what is to be done once: a lock that the server takes back from the dead."""

from __future__ import annotations

import logging
from contextlib import ExitStack

import psycopg

from aggregate.postgres_config import PostgresConfig
from aggregate.postgres_connections import Connection, Connections
from core.errors import StoreError

_LOG = logging.getLogger(__name__)

_TURNS = 7_003
"""The class of our advisory locks of this kind."""


class PostgresTurn:
    """The turn of this `name`: whoever has it keeps it until it closes it, or its connection is gone.

    One thread uses it. For a moment two processes may both believe that it is theirs: where a network was cut, the
    server notices before the process does. What is done under it must do no harm when it is done twice.
    """

    def __init__(self, config: PostgresConfig, name: str) -> None:
        self._connections = Connections(config, patience_s=0)
        self._key = f"{config.schema_name}.{name}"
        self._lent = ExitStack()
        self._connection: Connection | None = None

    def mine(self) -> bool:
        """Whether it is ours now; it is taken where nobody has it. False, too, where the server is away."""
        try:
            if self._connection is not None:
                self._connection.execute("SELECT 1")
                return True
            connection = self._lent.enter_context(self._connections.lent())
            query = "SELECT pg_try_advisory_lock(%s, hashtext(%s))"
            if connection.execute(query, [_TURNS, self._key]).fetchone() == (True,):
                self._connection = connection
                return True
        except (psycopg.Error, StoreError) as error:
            _LOG.info("whose turn it is with %s is not known: %s", self._key, error)
        self.close()
        return False

    def close(self) -> None:
        """Give it up."""
        self._connection = None
        self._lent.close()
