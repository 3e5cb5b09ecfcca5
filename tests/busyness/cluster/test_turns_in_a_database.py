"""Of several processes one has its turn, until it gives it up or dies; the database says whose it is."""

from __future__ import annotations

from contextlib import closing

import pytest
from services.postgres_server import PostgresServer

from aggregate.postgres_turn import PostgresTurn

pytestmark = pytest.mark.service


def test_one_at_a_time_and_the_next_when_it_is_given_up(postgres_server: PostgresServer) -> None:
    config = postgres_server.config()
    one, other = PostgresTurn(config, "nightly"), PostgresTurn(config, "nightly")
    with closing(one), closing(other), closing(PostgresTurn(config, "alarms")) as another:
        assert (one.mine(), other.mine(), another.mine()) == (True, False, True)
        assert (one.mine(), other.mine()) == (True, False), "and it stays its own"
        one.close()
        assert (other.mine(), one.mine()) == (True, False)


def test_a_turn_is_lost_with_its_connection_and_the_server_away_is_nobodys(postgres_server: PostgresServer) -> None:
    config = postgres_server.config()
    with closing(PostgresTurn(config, "nightly")) as one, closing(PostgresTurn(config, "nightly")) as other:
        assert one.mine()
        postgres_server.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
        assert (one.mine(), other.mine()) in ((False, True), (True, False)), "never both"
        postgres_server.stop()
        try:
            assert (one.mine(), other.mine()) == (False, False)
        finally:
            postgres_server.start()
        assert (one.mine(), other.mine()) == (True, False)
