"""The loop feeds that a configuration may name, and how one is opened."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from core.clock import Clock
from core.errors import ConfigError
from ingest.fetch.config import GuestConfig
from ingest.fetch.guest import Guest
from ingest.loop import LoopFeed
from ingest.loops.csv_columns import CsvColumns, CsvColumnsConfig
from ingest.loops.digitraffic_history import DigitrafficHistory, DigitrafficHistoryConfig
from ingest.loops.digitraffic_tms import DigitrafficTms, DigitrafficTmsConfig
from ingest.loops.lido_tiku import LidoTiku, LidoTikuConfig
from ingest.loops.tfl_scoot import TflScoot, TflScootConfig

LoopFeedConfig = Annotated[
    TflScootConfig | DigitrafficTmsConfig | DigitrafficHistoryConfig | LidoTikuConfig | CsvColumnsConfig,
    Field(discriminator="kind"),
]
"""One of the feeds, told by its `kind`."""


def web_of(config: LoopFeedConfig) -> GuestConfig | None:
    """How a guest of the feed's publisher behaves; None for files on this machine.

    Raises `FetchFailed` for an address that is none.
    """
    reads_files = getattr(config, "path", None) is not None
    return None if reads_files or config.url is None else config.web.at(config.url)


def open_feed(config: LoopFeedConfig, guest: Guest | None, clock: Clock) -> LoopFeed:
    """The feed of a configuration; `guest` may be None where `web_of` is.

    Raises `SourceError` where a table of positions cannot be read, `ConfigError` where a guest is missing.
    """
    match config:
        case TflScootConfig():
            return TflScoot(config, guest, clock)
        case DigitrafficHistoryConfig():
            return DigitrafficHistory(config, guest, clock)
        case CsvColumnsConfig():
            return CsvColumns(config, guest, clock)
    if guest is None:
        raise ConfigError(f"loop feed {config.name} asks a publisher, and was given no guest to do so")
    if isinstance(config, DigitrafficTmsConfig):
        return DigitrafficTms(config, guest, clock)
    return LidoTiku(config, guest, clock)
