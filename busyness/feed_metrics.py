"""What an operator watches of the feeds: how they answer, what waits, what was not counted for want of time; and of
the alerts that tell of them.

Labels are bounded: sources and webhooks come from the configuration, outcomes and reasons from their lists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from busyness.alert_book import WebhookState
from ingest.city.source import CitySource
from ingest.fetch.failure import Outcome, RequestOutcome
from ingest.jail.process import Loss

OUTCOMES = tuple(outcome.value for outcome in Outcome)
"""How a request ends."""

REPLACED = tuple(loss.value for loss in Loss)
"""Why a worker that decodes is replaced."""

OTHER = "other"
"""The label of whatever is not on its list, so that a new word makes one series and not thousands."""

FETCH_BUCKETS_S = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class ReplacedMeter:
    """How many workers that decode were replaced, and why (`REPLACED`)."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._replaced = Counter(
            "busyness_worker_replaced", "Decoding workers that were replaced, by reason", ("reason",), registry=registry
        )
        for reason in (*REPLACED, OTHER):
            self._replaced.labels(reason)

    def replaced(self, reason: str) -> None:
        """One was."""
        self._replaced.labels(reason if reason in REPLACED else OTHER).inc()


class FeedMeters:
    """The feeds' own measures, in the registry that `/metrics` shows. Used by any number of threads.

    A source that was not named yet takes a series of its own until there are `most_sources`; after that it is `other`.
    """

    def __init__(self, registry: CollectorRegistry, *, most_sources: int = 100) -> None:
        self._registry = registry
        self._sources: set[str] = set()
        self._most_sources = most_sources
        self._requests = Counter(
            "busyness_feed_requests", "Requests to publishers, by how they ended", ("source", "outcome"),
            registry=registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "busyness_feed_fetch_seconds", "Seconds from sending a request to the end of its answer", ("source",),
            registry=registry, buckets=FETCH_BUCKETS_S,
        )  # fmt: skip
        self._bytes = Counter(
            "busyness_feed_bytes", "Bytes received from publishers", ("source",), registry=registry
        )  # fmt: skip
        self._skipped = Counter(
            "busyness_clips_skipped", "Clips that were not counted for want of time", ("source",),
            registry=registry,
        )  # fmt: skip
        self._waiting_clips = Gauge(
            "busyness_waiting_clips", "Fetched clips that wait to be counted", registry=registry
        )
        self._waiting_bytes = Gauge(
            "busyness_waiting_bytes", "Bytes that those clips hold in memory", registry=registry
        )
        self.worker_replaced = ReplacedMeter(registry).replaced

    def of_city(self, city: CitySource) -> None:
        """These are the feeds: their names, whether they list their cameras, what waits of them and what is skipped."""
        self.named(*(runner.feed.name for runner in city.runners))
        self.waiting(lambda: city.waiting.clips, lambda: city.waiting.bytes)
        city.waiting.on_skip = lambda camera: self.skipped(city.sources.get(camera, ""))
        self._registry.register(ListMeters(city))

    def named(self, *sources: str) -> None:
        """These are the sources of the configuration: their series begin at 0, before anything happens."""
        for source in sources:
            label = self._source(source)
            self._seconds.labels(label)
            self._bytes.labels(label)
            self._skipped.labels(label)

    def of_request(self, source: str, request: RequestOutcome) -> None:
        """A guest of `source` has made a request."""
        self.requested(source, request.outcome.value, request.seconds, request.bytes)

    def requested(self, source: str, outcome: str, seconds: float, received_bytes: int) -> None:
        """A request to a publisher ended: how (`OUTCOMES`), after how long, with how many bytes received."""
        label = self._source(source)
        self._requests.labels(label, outcome if outcome in OUTCOMES else OTHER).inc()
        self._seconds.labels(label).observe(max(0.0, seconds))
        self._bytes.labels(label).inc(max(0, received_bytes))

    def skipped(self, source: str, clips: int = 1) -> None:
        """Clips were not counted because there was no time for them."""
        self._skipped.labels(self._source(source)).inc(clips)

    def waiting(self, clips: Callable[[], float], held_bytes: Callable[[], float]) -> None:
        """Where to ask, whenever Prometheus does, how many clips wait and how many bytes they hold."""
        self._waiting_clips.set_function(clips)
        self._waiting_bytes.set_function(held_bytes)

    def _source(self, source: str) -> str:
        if source not in self._sources:
            if len(self._sources) >= self._most_sources:
                return OTHER
            self._sources.add(source)
        return source


class ListMeters(Collector):
    """Which sources do not list their cameras, or not what is new of them, read when Prometheus asks.

    Sources change with the configuration.
    """

    def __init__(self, city: CitySource) -> None:
        self._city = city

    def collect(self) -> Iterable[Metric]:
        failures = GaugeMetricFamily(
            "busyness_feed_list_failures",
            "How often in a row a source's list of cameras was asked for in vain; 0 where it was had",
            labels=("source",),
        )
        for source, times in self._city.list_failures.items():
            failures.add_metric((source,), times)
        behind = GaugeMetricFamily(
            "busyness_feed_newest_behind",
            "Cameras with clips of which a source's word of what is new did not tell",
            labels=("source",),
        )
        for source, cameras in self._city.newest_behind.items():
            behind.add_metric((source,), cameras)
        yield from (failures, behind)


class AlertMeters(Collector):
    """What became of alerts, read when Prometheus asks. The label is the webhook's host: the rest may be a secret."""

    def __init__(self, states: Callable[[], Sequence[tuple[str, WebhookState]]]) -> None:
        self._states = states

    def collect(self) -> Iterable[Metric]:
        labels = ("webhook",)
        sent = CounterMetricFamily("busyness_alerts_sent", "Alerts that a webhook has taken", labels=labels)
        dropped = CounterMetricFamily("busyness_alerts_dropped", "Alerts that it was never sent", labels=labels)
        waiting = GaugeMetricFamily("busyness_alerts_waiting", "Alerts that wait for a webhook", labels=labels)
        of_host: dict[str, list[WebhookState]] = {}
        for host, state in self._states():
            of_host.setdefault(host, []).append(state)
        for host, states in of_host.items():
            sent.add_metric((host,), sum(state.sent for state in states))
            dropped.add_metric((host,), sum(state.dropped for state in states))
            waiting.add_metric((host,), sum(state.waiting for state in states))
        yield from (sent, dropped, waiting)
