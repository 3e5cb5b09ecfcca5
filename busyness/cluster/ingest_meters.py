"""What an operator watches of an ingest process: what is its own, what it has published, and what it lends."""

from __future__ import annotations

from collections.abc import Callable, Collection

from prometheus_client import CollectorRegistry, Counter, Gauge

from busyness.feed_metrics import FeedMeters
from ingest.city.source import CitySource
from ingest.lending.loans import Loans


class IngestMeters:
    """Measures in the registry that `/metrics` shows; those of its `feeds` among them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.feeds = FeedMeters(registry)
        self._published = Counter(
            "busyness_clips_published", "Clips on the bus, and faults in the place of clips", registry=registry
        )
        self._places = Gauge("busyness_ingest_places", "Parts of the cameras that are ours", registry=registry)
        self._lent = Gauge("busyness_lent_clips", "Clips that no worker has fetched yet", registry=registry)
        self._lent_bytes = Gauge("busyness_lent_bytes", "Bytes that lent clips hold in memory", registry=registry)
        self._expired = Counter("busyness_lent_expired", "Lent clips that no worker fetched in time", registry=registry)

    def published(self, clips: int) -> None:
        """So many more are on the bus."""
        self._published.inc(clips)

    def places(self, owned: Callable[[], Collection[int]]) -> None:
        """Where to ask, whenever Prometheus does, what is ours."""
        self._places.set_function(lambda: len(owned()))

    def city(self, city: CitySource, loans: Loans) -> None:
        """The same of what waits, and of what is lent."""
        self.feeds.of_city(city)
        self._lent.set_function(lambda: loans.waiting)
        self._lent_bytes.set_function(lambda: loans.bytes)
        loans.on_expired = self._expired.inc
