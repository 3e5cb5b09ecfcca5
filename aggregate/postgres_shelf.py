"""A shelf of a cluster: documents as rows of one table, which all its machines see.

`TABLE` is a part of the schema of the store (`aggregate/postgres_schema.py`). A row is locked while it is changed, and
whoever waited for it looks at it again, so that of several writers one wins.
"""

from __future__ import annotations

import atexit
from functools import lru_cache
from typing import Self, cast

from aggregate.postgres_config import PostgresConfig
from aggregate.postgres_connections import Connection, Connections
from core.errors import StoreError
from core.shelf import Document, check_name

TABLE = """
CREATE TABLE shelves (                      -- core.shelf.Document
    shelf text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    text text COLLATE "C" NOT NULL,
    version bigint GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (shelf, name)
);
"""
"""A version is of one sequence, so none comes a second time, even where a document was removed and made anew."""

_NEW = """
INSERT INTO shelves (shelf, name, text) VALUES (%(shelf)s, %(name)s, %(text)s)
ON CONFLICT (shelf, name) DO NOTHING RETURNING version
"""
_IN_PLACE = """
UPDATE shelves SET text = %(text)s, version = DEFAULT
WHERE shelf = %(shelf)s AND name = %(name)s AND version = %(version)s RETURNING version
"""
_OURS = "SELECT version FROM shelves WHERE shelf = %(shelf)s AND name = %(name)s AND text = %(text)s"


class PostgresShelf:
    """One of the shelves in the database. Several of one process share a few connections, those of `connections`."""

    def __init__(self, connections: Connections, shelf: str) -> None:
        self._connections = connections
        self._shelf = shelf

    @classmethod
    def open(cls, config: PostgresConfig, shelf: str) -> Self:
        """The shelf of this name in a database with our tables, which is asked for nothing yet."""
        return cls(_shared(config), shelf)

    def names(self) -> list[str]:
        query = "SELECT name FROM shelves WHERE shelf = %s ORDER BY name"
        rows = self._connections.asked(lambda connection: connection.execute(query, [self._shelf]).fetchall())
        return [str(name) for (name,) in rows]

    def get(self, name: str) -> Document | None:
        check_name(name)
        query = "SELECT text, version FROM shelves WHERE shelf = %s AND name = %s"
        row = self._connections.asked(lambda connection: connection.execute(query, [self._shelf, name]).fetchone())
        return None if row is None else Document(*cast(tuple[str, int], row))

    def put(self, name: str, text: str, *, version: int | None) -> int | None:
        check_name(name)
        _check_text(text, self.place(name))
        given = {"shelf": self._shelf, "name": name, "text": text, "version": version}
        tries = 0

        # Asked again, it changes nothing: a version is there once.
        def put_it(connection: Connection) -> tuple[object, ...] | None:
            nonlocal tries
            tries += 1
            row = connection.execute(_NEW if version is None else _IN_PLACE, given).fetchone()
            if row is None and tries > 1:  # the server went away before it answered, but perhaps not before it wrote
                row = connection.execute(_OURS, given).fetchone()
            return row

        row = self._connections.asked(put_it)
        return None if row is None else cast(int, row[0])

    def remove(self, name: str, *, version: int) -> bool:
        check_name(name)
        statement = "DELETE FROM shelves WHERE shelf = %s AND name = %s AND version = %s"
        given = [self._shelf, name, version]
        return self._connections.asked(lambda connection: connection.execute(statement, given).rowcount) == 1

    def place(self, name: str) -> str:
        return f"{self._shelf}/{name} in the table shelves of {self._connections.name}"


def _check_text(text: str, place: str) -> None:
    """Raises `StoreError` for what is no text: a file that somebody has spoiled, as its shelf gives it."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise StoreError(f"{place} takes no text that is not Unicode", remedy="mend or remove its file") from error


@lru_cache
def _shared(config: PostgresConfig) -> Connections:
    """For as long as the process lives: a connection is made when one is needed, and none of them is busy for long."""
    connections = Connections(config)
    atexit.register(connections.close)
    return connections
