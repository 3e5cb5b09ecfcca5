"""How a cluster's PostgreSQL is reached, as an operator writes it."""

from __future__ import annotations

from typing import Literal
from urllib.parse import parse_qsl, urlsplit

from pydantic import Field, PositiveInt, field_validator

from core.config import Closed


class PostgresConfig(Closed):
    """The store of a cluster. Passwords are not written down: libpq takes them from PGPASSWORD or a password file."""

    kind: Literal["postgres"]
    url: str = Field(
        min_length=1, max_length=1000, pattern=r"^postgres(ql)?://([^:@/?]+@)?[^@]*$",
        description="postgresql://USER@HOST:PORT/DATABASE, without a password",
    )  # fmt: skip
    schema_name: str = Field(default="busyness", pattern=r"^[a-z_][a-z0-9_]{0,55}$", alias="schema")
    """So long that the name of its readers' role (`SCHEMA_reader`) is still one of PostgreSQL's."""
    connections: PositiveInt = Field(default=4, le=200, description="of one process, at most")
    retention_days: PositiveInt | None = Field(
        default=None, le=36_600, description="of observations and of quarters and shorter; longer windows stay"
    )

    @field_validator("url")
    @classmethod
    def _keeps_no_secret(cls, url: str) -> str:
        if not _SECRETS.isdisjoint(name for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)):
            raise ValueError("a password is not written down: set PGPASSWORD, or write a password file")
        return url


_SECRETS = frozenset({"password", "sslpassword"})
