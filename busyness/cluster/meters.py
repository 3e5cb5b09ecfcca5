"""What an operator watches of a worker: how many records of which topic came to what end, and how long they took."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram


class TopicMeters:
    """Measures by topic, in the registry that `/metrics` shows. Used by any number of threads."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._handled = Counter(
            "busyness_records_handled", "Records taken from a topic, handled and committed", ["topic"],
            registry=registry,
        )  # fmt: skip
        self._refused = Counter(
            "busyness_records_refused", "Records that this worker put with the dead letters", ["topic"],
            registry=registry,
        )  # fmt: skip
        self.seconds = Histogram(
            "busyness_batch_seconds", "Seconds from taking records to their commit", ["topic"], registry=registry,
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
        )  # fmt: skip

    def committed(self, topic: str, handled: int, refused: int) -> None:
        """So many records are done with, `refused` of them by putting them aside."""
        self._handled.labels(topic).inc(handled)
        self._refused.labels(topic).inc(refused)
