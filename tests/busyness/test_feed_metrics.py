"""The feeds' measures, and that no word from outside can make their labels grow without end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hand_clock import HandClock
from prometheus_client import CollectorRegistry

from busyness.alert_book import WebhookState
from busyness.feed_metrics import OTHER, OUTCOMES, REPLACED, AlertMeters, FeedMeters
from ingest.city.config import CityConfig
from ingest.city.health import HealthLog
from ingest.city.source import CitySource, as_listed
from ingest.feed import FetchFailed, ListedCamera, Media, Version


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def meters(registry: CollectorRegistry) -> FeedMeters:
    return FeedMeters(registry)


def labels(registry: CollectorRegistry, name: str, label: str) -> set[str]:
    return {sample.labels[label] for family in registry.collect() for sample in family.samples if sample.name == name}


def test_a_request_is_counted_timed_and_weighed(registry: CollectorRegistry, meters: FeedMeters) -> None:
    meters.requested("tfl", "ok", 0.3, 250_000)
    meters.requested("tfl", "not_modified", 0.1, 200)
    tfl = {"source": "tfl"}
    assert registry.get_sample_value("busyness_feed_requests_total", tfl | {"outcome": "ok"}) == 1
    assert registry.get_sample_value("busyness_feed_fetch_seconds_sum", tfl) == pytest.approx(0.4)
    assert registry.get_sample_value("busyness_feed_fetch_seconds_bucket", tfl | {"le": "0.1"}) == 1
    assert registry.get_sample_value("busyness_feed_bytes_total", tfl) == 250_200


def test_an_outcome_or_reason_that_is_not_on_the_list_is_other(registry: CollectorRegistry, meters: FeedMeters) -> None:
    for number in range(50):
        meters.requested("tfl", f"teapot {number}", 0, 0)
        meters.worker_replaced(f"moon phase {number}")
    for outcome in OUTCOMES:
        meters.requested("tfl", outcome, 0, 0)
    assert labels(registry, "busyness_feed_requests_total", "outcome") == {*OUTCOMES, OTHER}
    assert labels(registry, "busyness_worker_replaced_total", "reason") == {*REPLACED, OTHER}
    assert registry.get_sample_value("busyness_worker_replaced_total", {"reason": OTHER}) == 50


def test_more_sources_than_a_configuration_has_are_other(registry: CollectorRegistry) -> None:
    meters = FeedMeters(registry, most_sources=2)
    for source in ("tfl", "digitraffic", "a", "b", "tfl"):
        meters.skipped(source)
    assert labels(registry, "busyness_clips_skipped_total", "source") == {"tfl", "digitraffic", OTHER}
    assert registry.get_sample_value("busyness_clips_skipped_total", {"source": OTHER}) == 2
    assert registry.get_sample_value("busyness_clips_skipped_total", {"source": "tfl"}) == 2


def test_what_waits_is_asked_when_it_is_looked_at(registry: CollectorRegistry, meters: FeedMeters) -> None:
    held = [3, 4]
    meters.waiting(lambda: len(held), lambda: sum(held))
    held.append(5)
    assert registry.get_sample_value("busyness_waiting_clips") == 3
    assert registry.get_sample_value("busyness_waiting_bytes") == 12


@dataclass
class Listless:
    """A feed without cameras, which cannot be asked for them while it is `away`."""

    name: str
    choice: str = "all"
    away: bool = True

    def cameras(self) -> Sequence[ListedCamera]:
        if self.away:
            raise FetchFailed("it answered 503")
        return ()

    def newest(self) -> Mapping[str, Version] | None:
        return None

    def fetch(self, listed: ListedCamera, known: Version | None) -> Media | None:
        return None


def test_of_a_city_it_shows_which_lists_cannot_be_had(registry: CollectorRegistry, meters: FeedMeters) -> None:
    feed, clock = Listless("tfl"), HandClock(datetime(2026, 3, 12, tzinfo=UTC))
    city = CitySource([feed], CityConfig(), clock, HealthLog(), seed=1)
    meters.of_city(city)

    def failures(source: str) -> float | None:
        return registry.get_sample_value("busyness_feed_list_failures", {"source": source})

    assert failures("tfl") == 0
    for times in (1, 2):
        assert city.runners[0].step()
        assert failures("tfl") == times
        clock.sleep(600)
    feed.away = False
    assert city.runners[0].step()
    assert failures("tfl") == 0
    city.replace([Listless("other")], as_listed)
    assert (failures("tfl"), failures("other")) == (None, 0)
    assert registry.get_sample_value("busyness_feed_bytes_total", {"source": "tfl"}) == 0
    assert registry.get_sample_value("busyness_feed_newest_behind", {"source": "other"}) == 0
    assert registry.get_sample_value("busyness_waiting_clips") == 0


def test_the_series_of_the_configuration_begin_at_nought(registry: CollectorRegistry, meters: FeedMeters) -> None:
    meters.named("tfl", "digitraffic")
    for source in ("tfl", "digitraffic"):
        assert registry.get_sample_value("busyness_clips_skipped_total", {"source": source}) == 0
        assert registry.get_sample_value("busyness_feed_bytes_total", {"source": source}) == 0
    assert registry.get_sample_value("busyness_worker_replaced_total", {"reason": REPLACED[0]}) == 0


def test_alerts_are_told_by_the_host_of_their_webhook_and_only_of_those_there_are(registry: CollectorRegistry) -> None:
    states = [("a.org", WebhookState(3, 1, 2)), ("a.org", WebhookState(4, 0, 5)), ("b.org", WebhookState())]
    registry.register(AlertMeters(lambda: states))
    a = {"webhook": "a.org"}
    assert registry.get_sample_value("busyness_alerts_sent_total", a) == 7
    assert registry.get_sample_value("busyness_alerts_dropped_total", a) == 1
    assert registry.get_sample_value("busyness_alerts_waiting", a) == 7
    del states[:2]
    assert labels(registry, "busyness_alerts_waiting", "webhook") == {"b.org"}
