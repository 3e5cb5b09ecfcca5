"""How a cluster's PostgreSQL is reached, as an operator writes it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, PositiveInt

from core.config import Closed


class PostgresConfig(Closed):
    """The store of a cluster. Passwords are not written down: libpq takes them from PGPASSWORD or a password file."""

    kind: Literal["postgres"]
    url: str = Field(
        min_length=1, max_length=1000, pattern=r"^(postgresql|postgres)://[^:@/]*(:\d+)?[^:]*(@[^@]*)?$",
        description="postgresql://USER@HOST:PORT/DATABASE, without a password",
    )  # fmt: skip
    schema_name: str = Field(default="busyness", pattern=r"^[a-z_][a-z0-9_]{0,62}$", alias="schema")
    connections: PositiveInt = Field(default=4, le=200, description="of one process, at most")
    retention_days: PositiveInt | None = Field(
        default=None, le=36_600, description="of observations and of quarters and shorter; longer windows stay"
    )
