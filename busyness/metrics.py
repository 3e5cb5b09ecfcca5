"""What an operator watches: how many clips came to what end, and how long counting takes."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from aggregate.aggregator import Aggregator
from core.records import CountObservation


def counting_seconds(registry: CollectorRegistry) -> Histogram:
    """How long clips take to be counted."""
    return Histogram(
        "busyness_clip_counting_seconds", "time to open, judge and count one clip", registry=registry,
        buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    )  # fmt: skip


class StoringMeters:
    """What was stored, in the registry that `/metrics` shows."""

    def __init__(self, registry: CollectorRegistry, aggregator: Aggregator) -> None:
        self._observations = Counter(
            "busyness_observations", "zone observations, by what became of the clip", ["status"], registry=registry,
        )  # fmt: skip
        self._readings = Counter("busyness_readings_derived", "readings that were new or changed", registry=registry)
        refused = Gauge(
            "busyness_observations_refused", "not stored: their time is in the future", registry=registry
        )  # fmt: skip
        refused.set_function(lambda: aggregator.refused)

    def stored(self, observations: Sequence[CountObservation], readings: int) -> None:
        """Observations are stored, and so many readings changed by them."""
        for observation in observations:
            self._observations.labels(observation.status.value).inc()
        self._readings.inc(readings)


class Meters(StoringMeters):
    """The measures of a pipeline of one process."""

    def __init__(self, registry: CollectorRegistry, aggregator: Aggregator) -> None:
        super().__init__(registry, aggregator)
        self.clips_found = Counter("busyness_clips_found", "clips named by the source", registry=registry)
        self.counting = counting_seconds(registry)
