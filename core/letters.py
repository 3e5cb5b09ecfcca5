"""What could not be handled, as it is kept: the record as it came, where it stood, and why."""

from __future__ import annotations

from pydantic import Field, NonNegativeInt

from core.config import Closed
from core.records import UtcTime

LETTER_LENGTH = 65_536
"""The longest `DeadLetter.payload`, in characters; what is longer is cut, and cannot be replayed."""


class DeadLetter(Closed):
    """A record that no worker could handle. `payload` is what came, in Base64 where it is not UTF-8 (`encoded`).

    `whole` is false where it was cut. `attempts` is how often it was tried, `worker` who gave it up.
    """

    topic: str = Field(min_length=1, max_length=200, description="the topic it came from, without the prefix")
    partition: NonNegativeInt
    offset: NonNegativeInt
    key: str | None = Field(default=None, max_length=500)
    payload: str = Field(max_length=LETTER_LENGTH)
    headers: dict[str, str] = Field(default={}, max_length=20, description="what stood on it: its version, above all")
    encoded: bool = False
    whole: bool = True
    reason: str = Field(min_length=1, max_length=1000)
    attempts: NonNegativeInt = 1
    worker: str = Field(min_length=1, max_length=200)
    at: UtcTime

    @property
    def id(self) -> str:
        """Where the record stood: the same for one that is given up twice."""
        return f"{self.topic}/{self.partition}/{self.offset}"
