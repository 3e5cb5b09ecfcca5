"""How the cluster's Kafka is reached, as an operator writes it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from core.config import Closed


class KafkaSecurity(Closed):
    """TLS and who we are. Passwords are not written down here: `password_env` names the variable that holds it."""

    protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    username: str | None = Field(default=None, max_length=200)
    password_env: str = Field(default="BUSYNESS_KAFKA_PASSWORD", max_length=200)
    ca: Path | None = Field(default=None, description="the authority that signed the brokers' certificates, as PEM")
    certificate: Path | None = None
    key: Path | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        sasl = self.protocol.startswith("SASL")
        if sasl != (self.mechanism is not None and self.username is not None):
            raise ValueError("mechanism and username go with protocol SASL_SSL or SASL_PLAINTEXT, and these with them")
        if "SSL" not in self.protocol and (self.ca or self.certificate or self.key):
            raise ValueError("ca, certificate and key go with protocol SSL or SASL_SSL")
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key go together")
        return self


class KafkaConfig(Closed):
    """A cluster's bus. `partitions` is how many workers of a kind can share the work; it can only be raised later."""

    kind: Literal["kafka"]
    servers: tuple[str, ...] = Field(min_length=1, max_length=20, description="HOST:PORT of some of the brokers")
    prefix: str = Field(default="busyness", pattern=r"^[a-z][a-z0-9-]{0,60}$", description="of all topics and groups")
    partitions: PositiveInt = Field(default=12, le=10_000)
    replication: PositiveInt = Field(default=1, le=9, description="copies of each record; 3 where a broker may be lost")
    retention_hours: PositiveInt = Field(default=168, le=24 * 366, description="how long records stay to be replayed")
    session_timeout_s: PositiveFloat = Field(
        default=10.0, ge=6, le=300, description="how long a worker may be silent until others take its work"
    )
    security: KafkaSecurity = KafkaSecurity()
