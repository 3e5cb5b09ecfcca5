"""What an operator watches of the bus: how much goes over it, how far behind a worker is, how often places move."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from core.kafka.bus import KafkaBus


class TrafficMeters(Collector):
    """The traffic of one process, read when Prometheus asks. Labels are topics and groups, which are ours."""

    def __init__(self, bus: KafkaBus) -> None:
        self._bus = bus

    def collect(self) -> Iterable[Metric]:
        yield from self._sent()
        yield from self._received()

    def _sent(self) -> Iterable[Metric]:
        records = CounterMetricFamily("busyness_bus_sent_records", "Records published", labels=("topic",))
        sizes = CounterMetricFamily("busyness_bus_sent_bytes", "Bytes of the records published", labels=("topic",))
        for sent in self._bus.sent:
            records.add_metric((sent.topic,), sent.records)
            sizes.add_metric((sent.topic,), sent.bytes)
        yield records
        yield sizes

    def _received(self) -> Iterable[Metric]:
        labels = ("topic", "group")
        counted = {
            name: CounterMetricFamily(f"busyness_bus_{name}", said, labels=labels)
            for name, said in (
                ("received_records", "Records taken"),
                ("received_bytes", "Bytes of the records taken"),
                ("refused_records", "Records put with the dead letters"),
                ("commits", "Times that work was committed"),
                ("rebalances", "Times that the group shared its places anew"),
                ("places_lost", "Places that went to another worker with work in hand"),
            )
        }
        places = GaugeMetricFamily("busyness_bus_places", "Partitions that this worker has", labels=labels)
        lag = GaugeMetricFamily("busyness_bus_lag", "Records that wait in the partitions of this worker", labels=labels)
        totals: dict[tuple[str, str], list[float]] = {}
        waiting: dict[tuple[str, str], float] = {}
        for one in self._bus.received:  # several threads of a worker have a place each in one group
            label = (one.topic, one.group or "")
            figures = (one.records, one.bytes, one.refused, one.commits, one.shared, one.lost, one.places)
            before = totals.get(label, [0.0] * len(figures))
            totals[label] = [sum(pair) for pair in zip(before, figures, strict=True)]
            if one.lag is not None:
                waiting[label] = waiting.get(label, 0) + one.lag
        for label, figures_of in totals.items():
            for family, figure in zip(counted.values(), figures_of, strict=False):
                family.add_metric(label, figure)
            places.add_metric(label, figures_of[-1])
        for label, figure in waiting.items():
            lag.add_metric(label, figure)
        yield from (*counted.values(), places, lag)
