"""A shelf in a database, whose server may be away, or not be let to be written to."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from services.postgres_server import PostgresServer
from shelf_places import put, shelved

from aggregate.postgres_config import PostgresConfig
from aggregate.postgres_connections import Connections
from aggregate.postgres_shelf import PostgresShelf
from core.errors import StoreError

pytestmark = pytest.mark.service


def test_a_shelf_waits_for_a_server_that_is_away_and_goes_on(postgres_server: PostgresServer) -> None:
    shelf = PostgresShelf.open(shelved(postgres_server), "one")
    kept = put(shelf, "a", "before")
    postgres_server.kill()
    restarting = threading.Timer(0.3, postgres_server.start)
    restarting.start()
    try:
        assert shelf.get("a") == kept
        assert put(shelf, "a", "after", kept.version) == shelf.get("a")
    finally:
        restarting.join()


def test_a_server_that_stays_away_is_named_and_so_is_a_table_that_is_not_there(
    postgres_server: PostgresServer,
) -> None:
    nowhere = PostgresConfig(kind="postgres", url="postgresql://busyness@127.0.0.1:1/postgres")
    with pytest.raises(StoreError, match=r"127\.0\.0\.1:1/postgres .*cannot be reached"):
        PostgresShelf(Connections(nowhere, patience_s=0.1), "one").get("a")
    with pytest.raises(StoreError, match="busyness store migrate"):
        PostgresShelf.open(postgres_server.config(), "one").put("a", "text", version=None)


class AskedAgain(Connections):
    """A server that goes away after it has written, and before it says so."""

    def asked(self, question: Any) -> Any:
        super().asked(question)
        return super().asked(question)


def test_who_was_not_told_that_it_won_is_told_when_it_asks_again(postgres_server: PostgresServer) -> None:
    config = shelved(postgres_server)
    connections = AskedAgain(config)
    try:
        shelf = PostgresShelf(connections, "one")
        first = shelf.put("a", "first", version=None)
        assert first is not None
        assert shelf.put("a", "second", version=first) is not None
        assert shelf.put("a", "not new", version=None) is None
        assert shelf.put("a", "too late", version=first) is None
        document = shelf.get("a")
        assert document is not None
        assert document.text == "second"
    finally:
        connections.close()


def test_who_may_only_read_is_told_so(postgres_server: PostgresServer) -> None:
    config = shelved(postgres_server)
    put(PostgresShelf.open(config, "one"), "a", "text")
    connections = Connections(config, read_only=True)
    try:
        shelf = PostgresShelf(connections, "one")
        assert shelf.names() == ["a"]
        with pytest.raises(StoreError, match="reading only"):
            shelf.put("b", "text", version=None)
    finally:
        connections.close()


@pytest.mark.parametrize("text", ["\udcff spoiled", "a\0b"])
def test_what_a_database_takes_for_no_text_is_refused(postgres_server: PostgresServer, text: str) -> None:
    shelf = PostgresShelf.open(shelved(postgres_server), "one")
    with pytest.raises(StoreError):
        shelf.put("a", text, version=None)
    assert shelf.names() == []
