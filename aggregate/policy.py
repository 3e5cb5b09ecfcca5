"""How readings are made: what counts as late, as observed, as impossible."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from core.config import Closed

FUTURE_TOLERANCE = timedelta(hours=1)
"""How far ahead of the clock an observation may be; what is beyond has a wrong date and is refused. A camera that
stamps its local summer time as UTC is still let in."""

STORE_MEMORY_MB = 1024
"""Of a store's file, that may be kept in memory, in MiB, unless somebody says otherwise."""


class AggregatePolicy(Closed):
    """The few numbers that decide how stored counts become readings."""

    allowed_lateness_s: float = Field(
        default=900.0,
        ge=0,
        le=7 * 86_400,
        description="seconds after a window's end during which its reading is replaced in place; later changes are "
        "revisions",
    )
    observed_coverage: float = Field(
        default=0.75, gt=0, le=1, description="share of the expected clips that makes a reading `observed`"
    )

    @property
    def allowed_lateness(self) -> timedelta:
        return timedelta(seconds=self.allowed_lateness_s)
