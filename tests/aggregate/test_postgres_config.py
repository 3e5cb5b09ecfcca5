"""How a PostgreSQL server is named: by everything but a password."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from aggregate.postgres_config import PostgresConfig
from aggregate.postgres_opening import reader_role


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://busyness@db.example.org:5432/city",
        "postgres://db.example.org:5432/city?sslmode=verify-full",
        "postgresql://busyness@first:5432,second:5432/city?target_session_attrs=read-write",
        "postgresql://busyness@[::1]:5432/city",
        "postgresql:///city?host=/run/postgresql",
    ],
)
def test_a_server_is_named_as_libpq_takes_it(url: str) -> None:
    assert PostgresConfig(kind="postgres", url=url).url == url


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://busyness:secret@db/city",
        "postgresql://busyness:1234@db/city",
        "postgresql://busyness:1234@db:5432/city",
        "postgresql://busyness@db/city?password=secret",
        "postgresql://busyness@db/city?sslmode=require&pass%77ord=secret",
        "mysql://db/city",
    ],
)
def test_a_password_is_not_written_down(url: str) -> None:
    """It would be in every error and log line that names the store."""
    with pytest.raises(ValidationError):
        PostgresConfig(kind="postgres", url=url)


def test_the_role_of_the_readers_of_the_longest_schema_has_a_name_of_postgresql() -> None:
    made = PostgresConfig.model_validate({"kind": "postgres", "url": "postgresql://db/city", "schema": "s" * 56})
    assert len(reader_role(made.schema_name)) == 63
    with pytest.raises(ValidationError):
        PostgresConfig.model_validate({"kind": "postgres", "url": "postgresql://db/city", "schema": "s" * 57})
