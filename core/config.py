"""The base of everything an operator writes by hand and of everything that is stored or sent."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Closed(BaseModel):
    """A frozen record with a closed schema: unknown fields are refused, so nothing can ride along.

    This is what keeps pixels, boxes and identities out of the bus and the store: a record that could
    carry them cannot be built.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, validate_default=True)
