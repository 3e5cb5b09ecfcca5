"""Every bus keeps the same promises. An adapter is added by a line in `BUSES`; an exemption names its reason."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from bus_records import EXAMPLES, clip, observation

from core.bus import CLIPS, HEALTH, OBSERVATIONS, Bus, MemoryBus, RecordT, Subscription, Topic, Written
from core.clock import SystemClock
from core.errors import BusError
from core.letters import DeadLetter
from core.records import ClipReady
from ingest.frame import Frame

PREFIXES = (f"bus{number}" for number in itertools.count())


@dataclass(frozen=True)
class OpenBus:
    """Opens buses that meet in the same topics: as several processes do, where a bus is of several.

    `joining_s` is how long the first poll may take until it is known where a consumer begins.
    """

    opened: Callable[[], Bus]
    joining_s: float

    def __call__(self) -> Bus:
        return self.opened()


@pytest.fixture(params=["memory", pytest.param("kafka", marks=[pytest.mark.service, pytest.mark.timeout(240)])])
def open_bus(request: pytest.FixtureRequest) -> Iterator[OpenBus]:
    if request.param == "memory":
        memory = MemoryBus(capacity=1000)
        yield OpenBus(lambda: memory, 0.0)
        return
    from core.kafka.bus import KafkaBus

    config = request.getfixturevalue("kafka").config(next(PREFIXES))
    opened: list[KafkaBus] = []

    def kafka_bus() -> KafkaBus:
        opened.append(KafkaBus(config, f"worker-{len(opened)}", SystemClock()))
        return opened[-1]

    yield OpenBus(kafka_bus, 2.0)
    for bus in opened:
        bus.leave()


def taken(records: Subscription[RecordT], count: int, at_once: int = 100, within_s: float = 20) -> list[RecordT]:
    """The next `count` records, each poll committed."""
    ends, found = time.monotonic() + within_s, list[RecordT]()
    while len(found) < count:
        assert time.monotonic() < ends, f"{len(found)} of {count} came"
        found += records.poll(min(at_once, count - len(found)), 0.5)
        assert records.commit()
    return found


@pytest.mark.parametrize("topic", EXAMPLES, ids=lambda topic: topic.name)
def test_a_record_arrives_as_it_was_published(open_bus: OpenBus, topic: Topic[Any]) -> None:
    bus = open_bus()
    bus.publish(topic, EXAMPLES[topic])
    bus.flush()
    assert taken(bus.subscribe(topic, group="test"), 1) == [EXAMPLES[topic]]


def test_the_records_of_a_key_keep_their_order(open_bus: OpenBus) -> None:
    bus = open_bus()
    published = [clip(number, f"camera-{number % 7}") for number in range(200)]
    for one in published:
        bus.publish(CLIPS, one)
    bus.flush()
    arrived = taken(bus.subscribe(CLIPS, group="test"), 200, at_once=17)
    for camera in {one.camera for one in published}:
        assert [one for one in arrived if one.camera == camera] == [one for one in published if one.camera == camera]


def test_many_that_are_written_already_arrive_as_each_by_itself(open_bus: OpenBus) -> None:
    """Among others, in the order of their keys."""
    bus = open_bus()
    published = [clip(number, f"camera-{number % 7}") for number in range(300)]
    bus.publish_written(CLIPS, [])
    bus.publish(CLIPS, published[0])
    bus.publish_written(CLIPS, [CLIPS.written(one) for one in published[1:-1]])
    bus.publish(CLIPS, published[-1])
    bus.flush()
    arrived = taken(bus.subscribe(CLIPS, group="test"), 300)
    for camera in {one.camera for one in published}:
        assert [one for one in arrived if one.camera == camera] == [one for one in published if one.camera == camera]


def test_what_was_published_before_anybody_read_waits_for_them(open_bus: OpenBus) -> None:
    open_bus().publish(CLIPS, clip())
    open_bus().flush()
    assert taken(open_bus().subscribe(CLIPS, group="late"), 1) == [clip()]


def test_consumers_of_a_group_share_the_records_and_each_group_gets_all(open_bus: OpenBus) -> None:
    bus, other = open_bus(), open_bus()
    shared: list[ClipReady] = []
    lock = threading.Lock()
    first, second, alone = (one.subscribe(CLIPS, group=group) for one, group in [(bus, "a"), (other, "a"), (bus, "b")])
    for subscription in (first, second, alone):
        subscription.poll(1, 0.0)
    published = {clip(number, f"camera-{number}") for number in range(60)}

    def consume(records: Subscription[ClipReady]) -> None:
        ends = time.monotonic() + 20
        while len(shared) < 60 and time.monotonic() < ends:
            found = records.poll(5, 0.2)
            records.commit()
            with lock:
                shared.extend(found)

    consumers = [threading.Thread(target=consume, args=(records,)) for records in (first, second)]
    for consumer in consumers:
        consumer.start()
    for one in published:
        bus.publish(CLIPS, one)
    bus.flush()
    assert set(taken(alone, 60)) == published
    for consumer in consumers:
        consumer.join(25)
    assert set(shared) == published


def test_who_listens_gets_what_is_published_from_then_on_beside_all_others(open_bus: OpenBus) -> None:
    bus = open_bus()
    bus.publish(CLIPS, clip(0))
    bus.flush()
    listeners = [open_bus().subscribe(CLIPS, group=None) for _ in range(2)]
    for listener in listeners:
        assert list(listener.poll(10, open_bus.joining_s)) == []
    bus.publish(CLIPS, clip(1))
    bus.flush()
    for listener in listeners:
        assert taken(listener, 1) == [clip(1)]
        listener.close()
    assert taken(bus.subscribe(CLIPS, group="worker"), 2) == [clip(0), clip(1)]


def test_nothing_but_its_own_record_is_taken_by_a_topic(open_bus: OpenBus) -> None:
    bus = open_bus()
    frame = Frame(np.zeros((4, 4, 3), np.uint8), 0.0)
    with pytest.raises(TypeError, match="topic clips takes ClipReady, got Frame"):
        bus.publish(CLIPS, frame)  # type: ignore[type-var]
    with pytest.raises(TypeError, match="topic observations takes CountObservation, got ClipReady"):
        bus.publish(OBSERVATIONS, clip())  # type: ignore[type-var]


def test_no_picture_fits_into_a_record(open_bus: OpenBus) -> None:
    """A clip's smallest picture, 352 x 288 in three bytes, is five times what a record may be; as is half of one."""
    bus = open_bus()
    picture = "A" * (352 * 288 * 3 // 2)
    smuggled = clip().model_copy(update={"location": picture})
    with pytest.raises(BusError, match="too large for the topic clips, which takes 65536"):
        bus.publish(CLIPS, smuggled)
    with pytest.raises(BusError, match="too large for the topic clips, which takes 65536"):
        bus.publish_written(CLIPS, [CLIPS.written(clip()), Written("camera", "id", picture.encode())])
    assert all(topic.max_bytes <= 65_536 for topic in EXAMPLES if topic.record is not DeadLetter)


def test_a_refused_record_holds_nothing_up(open_bus: OpenBus) -> None:
    bus = open_bus()
    for number in range(3):
        bus.publish(CLIPS, clip(number))
    bus.flush()
    with closing(bus.subscribe(CLIPS, group="test")) as records:
        (first,) = taken_uncommitted(records)
        records.refuse(first, "its camera is unknown")
        assert records.commit()
        assert taken(records, 2) == [clip(1), clip(2)]


def taken_uncommitted(records: Subscription[RecordT]) -> list[RecordT]:
    ends = time.monotonic() + 20
    while time.monotonic() < ends:
        if found := records.poll(1, 0.5):
            return list(found)
    raise AssertionError("nothing came")


def test_many_threads_publish_at_once(open_bus: OpenBus) -> None:
    bus = open_bus()

    def publish(zone: str) -> None:
        for number in range(50):
            bus.publish(OBSERVATIONS, observation(number, zone=zone))
        bus.flush()

    threads = [threading.Thread(target=publish, args=(f"zone-{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    arrived = taken(bus.subscribe(OBSERVATIONS, group="test"), 200)
    assert len({one.id for one in arrived}) == 200


def test_a_poll_waits_no_longer_than_it_is_told(open_bus: OpenBus) -> None:
    records = open_bus().subscribe(HEALTH, group="test")
    records.poll(1, open_bus.joining_s)
    begins = time.monotonic()
    assert list(records.poll(1, 0.2)) == []
    assert time.monotonic() - begins < 2.0
