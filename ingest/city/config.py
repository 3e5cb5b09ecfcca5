"""How a city's feeds are asked, and how many bytes may wait to be counted."""

from __future__ import annotations

from pydantic import Field, PositiveFloat, PositiveInt

from core.config import Closed
from ingest.lending.config import LendingConfig


class CityConfig(Closed):
    """The scheduling of all feeds. The limits of each publisher are with its source."""

    list_every_s: PositiveFloat = Field(default=600.0, le=86_400, description="from one list of cameras to the next")
    newest_every_s: PositiveFloat = Field(
        default=30.0, le=3_600, description="from one question for all cameras at once, what is new, to the next"
    )
    least_visit_s: PositiveFloat = Field(
        default=15.0, le=3_600, description="a camera is not asked more often, however fast its feed changes"
    )
    stale_after: PositiveFloat = Field(
        default=3.0, le=1_000, description="cadences without anything new after which a camera is stale"
    )
    threads: PositiveInt = Field(default=8, le=256, description="how many fetch at once, of each source")
    waiting_mb: PositiveInt = Field(
        default=128, le=65_536, description="of fetched clips that wait to be counted; beyond it the oldest is skipped"
    )
    lend: LendingConfig = Field(default=LendingConfig(), description="of a cluster: how fetched clips get to workers")
