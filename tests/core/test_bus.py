"""The bus delivers every record once to its consumers, in order, and takes nothing but its own closed record."""

from __future__ import annotations

import re
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from core.bus import CLIPS, OBSERVATIONS, MemoryBus, TopicClosed
from core.records import ClipReady
from ingest.frame import Frame

START = datetime(2026, 3, 12, 8, tzinfo=UTC)


def clip(number: int) -> ClipReady:
    return ClipReady(camera="a", event_time=START + timedelta(minutes=number), location=f"clip-{number}.mp4")


def test_records_arrive_once_in_order_and_the_end_is_seen() -> None:
    bus = MemoryBus()
    for number in range(5):
        bus.publish(CLIPS, clip(number))
    bus.close(CLIPS)
    subscription = bus.subscribe(CLIPS, group="counters")
    assert list(subscription.poll(3, 0)) == [clip(0), clip(1), clip(2)]
    assert not subscription.finished
    assert list(subscription.poll(3, 0)) == [clip(3), clip(4)]
    assert subscription.finished


def test_consumers_share_a_topic_and_a_full_topic_makes_the_publisher_wait() -> None:
    bus = MemoryBus(capacity=2)
    taken: list[ClipReady] = []
    lock = threading.Lock()

    def consume() -> None:
        subscription = bus.subscribe(CLIPS, group="counters")
        while not subscription.finished:
            records = subscription.poll(1, 0.05)
            with lock:
                taken.extend(records)

    consumers = [threading.Thread(target=consume) for _ in range(3)]
    for consumer in consumers:
        consumer.start()
    for number in range(50):
        bus.publish(CLIPS, clip(number))
    bus.close(CLIPS)
    for consumer in consumers:
        consumer.join(5)
    assert sorted(taken, key=lambda c: c.event_time) == [clip(number) for number in range(50)]


def test_a_frame_or_another_record_is_refused() -> None:
    bus = MemoryBus()
    frame = Frame(np.zeros((4, 4, 3), np.uint8), 0.0)
    with pytest.raises(TypeError, match="topic clips takes ClipReady, got Frame"):
        bus.publish(CLIPS, frame)  # type: ignore[type-var]
    with pytest.raises(TypeError, match="topic observations takes CountObservation, got ClipReady"):
        bus.publish(OBSERVATIONS, clip(0))  # type: ignore[type-var]


def test_publishing_to_a_closed_topic_is_an_error() -> None:
    bus = MemoryBus()
    bus.close(CLIPS)
    with pytest.raises(TopicClosed, match="topic clips is closed"):
        bus.publish(CLIPS, clip(0))


def test_what_is_written_without_a_record_is_figures_alone() -> None:
    """A closed record cannot hold a picture; what is written from columns could. Nobody who has pictures does so."""
    root = Path(__file__).parents[2]
    rooms = ("core", "ingest", "detect", "aggregate", "api", "busyness")
    found = {
        str(path.relative_to(root))
        for room in rooms
        for path in (root / room).rglob("*.py")
        if re.search(
            r"\bpublish_written\b|\.Written\b|(?s:from core\.bus import\b.*\bWritten\b)",
            path.read_text(encoding="utf-8"),
        )
    }
    buses = {"core/bus.py", "core/kafka/bus.py", "core/kafka/station.py"}
    assert found == buses | {"aggregate/revisions.py", "busyness/cluster/aggregating.py"}
