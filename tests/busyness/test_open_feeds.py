"""Feeds are opened and exchanged as a whole: where one cannot be, what ran goes on."""

from __future__ import annotations

import pytest

from busyness.city import OpenFeeds
from busyness.config import Config
from core.clock import SystemClock
from core.errors import ConfigError


def config(*sources: dict) -> Config:
    return Config(name="a town", sources=sources)


TFL = {"kind": "tfl_jamcam"}
GATES = {
    "kind": "rtsp", "name": "gates", "login": {"user": "viewer", "password_env": "NO_SUCH_VARIABLE"},
    "cameras": [{"id": "g", "name": "gate", "lat": 51, "lon": 0, "url": "rtsp://192.0.2.1/1"}],
}  # fmt: skip


def test_a_feed_whose_configuration_stays_goes_on() -> None:
    feeds = OpenFeeds(SystemClock())
    (before,) = feeds.of(config(TFL).feeds)
    same, _ = feeds.of(config(TFL, TFL | {"name": "second"}).feeds)
    assert same is before
    (changed,) = feeds.of(config(TFL | {"cadence_s": 60}).feeds)
    assert changed is not before
    feeds.close()


def test_where_one_cannot_be_opened_nothing_has_changed() -> None:
    feeds = OpenFeeds(SystemClock())
    (before,) = feeds.of(config(TFL).feeds)
    with pytest.raises(ConfigError, match="NO_SUCH_VARIABLE"):
        feeds.of(config(TFL | {"cadence_s": 60}, GATES).feeds)
    assert feeds.of(config(TFL).feeds) == [before]
    feeds.close()
