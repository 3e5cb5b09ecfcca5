"""The feeds' measures, and that no word from outside can make their labels grow without end."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from busyness.feed_metrics import OTHER, OUTCOMES, REPLACED, FeedMeters


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


def test_the_series_of_the_configuration_begin_at_nought(registry: CollectorRegistry, meters: FeedMeters) -> None:
    meters.named("tfl", "digitraffic")
    for source in ("tfl", "digitraffic"):
        assert registry.get_sample_value("busyness_clips_skipped_total", {"source": source}) == 0
        assert registry.get_sample_value("busyness_feed_bytes_total", {"source": source}) == 0
    assert registry.get_sample_value("busyness_worker_replaced_total", {"reason": REPLACED[0]}) == 0
