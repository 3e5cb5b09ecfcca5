"""Every kind of loop feed opens from its configuration, and says which hosts it needs to ask, and how."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hand_clock import HandClock
from loop_doubles import Publisher
from pydantic import TypeAdapter

from core.errors import ConfigError
from ingest.loops.opening import LoopFeedConfig, open_feed, web_of

CLOCK = HandClock(datetime(2026, 6, 10, 12, tzinfo=UTC))
COLUMNS: dict[str, Any] = {
    "kind": "csv_columns", "name": "ours", "timezone": "UTC", "interval_min": 5,
    "columns": {"time": ["t"], "counter": "c", "flows": {"n": "pedestrian"}},
}  # fmt: skip
ASKING: dict[str, tuple[dict[str, Any], str]] = {
    "tfl_scoot": (
        {"kind": "tfl_scoot", "url": "https://scoot.example.org:8443/{year}{month}{day}.csv"},
        "scoot.example.org:8443",
    ),
    "digitraffic_tms": ({"kind": "digitraffic_tms"}, "tie.digitraffic.fi"),
    "digitraffic_history": ({"kind": "digitraffic_history", "stations": [101]}, "tie.digitraffic.fi"),
    "lido_tiku": ({"kind": "lido_tiku"}, "lidotiku.api.hel.fi"),
    "csv_columns": (COLUMNS | {"url": "https://counts.example.org/x.csv"}, "counts.example.org"),
}
READING: dict[str, dict[str, Any]] = {
    "tfl_scoot": {"kind": "tfl_scoot", "path": "."},
    "digitraffic_history": {"kind": "digitraffic_history", "path": "."},
    "csv_columns": COLUMNS | {"path": "."},
}


def read(settings: dict[str, Any]) -> Any:
    return TypeAdapter(LoopFeedConfig).validate_python(settings)


@pytest.mark.parametrize("kind", sorted(ASKING))
def test_a_feed_that_asks_names_its_host_and_needs_a_guest(kind: str) -> None:
    settings, host = ASKING[kind]
    config = read(settings)
    web = web_of(config)
    assert web is not None
    assert web.hosts == (host,)
    assert open_feed(config, Publisher(), CLOCK).name == config.name  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="was given no guest"):
        open_feed(config, None, CLOCK)


@pytest.mark.parametrize("kind", sorted(ASKING))
def test_a_feed_has_the_manners_that_are_configured(kind: str) -> None:
    settings, host = ASKING[kind]
    manners = {"contact": "roads@example.org", "requests_per_minute": 6, "private_networks": ["10.0.0.0/8"]}
    web = web_of(read(settings | {"web": manners | {"hosts": ["files.example.org"]}}))
    assert web is not None
    assert web.hosts == (host, "files.example.org")
    assert (web.contact, web.requests_per_minute, len(web.private_networks)) == ("roads@example.org", 6, 1)


@pytest.mark.parametrize("kind", sorted(READING))
def test_a_feed_that_reads_files_needs_no_guest(kind: str, tmp_path: Path) -> None:
    config = read(READING[kind] | {"path": tmp_path})
    assert web_of(config) is None
    assert open_feed(config, None, CLOCK).readings() == ()
