"""Workers share a topic on a real broker: nothing is lost whoever comes, goes, is slow, or finds the broker away."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from bus_records import clip
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource
from services.kafka_broker import KafkaCluster

from core.bus import CLIPS, DEAD_LETTERS, REVISIONS, Topic
from core.clock import SystemClock
from core.errors import BusError
from core.kafka import bus as bus_module
from core.kafka import subscription as subscription_module
from core.kafka.bus import KafkaBus
from core.kafka.client import admin_settings, build
from core.kafka.lag import lag_of
from core.kafka.letters import DeadLetters
from core.kafka.outbox import Post
from core.kafka.settings import KafkaConfig
from core.kafka.subscription import KafkaSubscription
from core.kafka.topics import name_of, settings_of
from core.ownership import place_of
from core.records import ClipReady

pytestmark = pytest.mark.service
PREFIXES = (f"groups{number}" for number in itertools.count())
CLOCK = SystemClock()


@pytest.fixture
def config(kafka: KafkaCluster) -> KafkaConfig:
    return kafka.config(next(PREFIXES), session_timeout_s=6)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work counts as slow soon, so that tests need not take long."""
    monkeypatch.setattr(subscription_module, "SLOW_S", 0.3)
    monkeypatch.setattr(bus_module, "BREATH_S", 0.1)


@pytest.fixture
def bus(config: KafkaConfig) -> Iterator[KafkaBus]:
    with KafkaBus(config, "one", CLOCK) as opened:
        yield opened


@pytest.fixture
def other(config: KafkaConfig) -> Iterator[KafkaBus]:
    with KafkaBus(config, "two", CLOCK) as opened:
        yield opened


def publish(bus: KafkaBus, count: int, begin: int = 0) -> list[ClipReady]:
    clips = [clip(number, f"camera-{number % 16}") for number in range(begin, begin + count)]
    for one in clips:
        bus.publish(CLIPS, one)
    bus.flush()
    return clips


def next_of(records: KafkaSubscription[ClipReady], count: int, within_s: float = 30) -> list[ClipReady]:
    """At least `count` records, not committed."""
    ends, found = time.monotonic() + within_s, list[ClipReady]()
    while len(found) < count:
        assert time.monotonic() < ends, f"{len(found)} of {count} came"
        found += records.poll(100, 0.5)
    return found


def poll_on(records: KafkaSubscription[ClipReady], found: list[ClipReady]) -> None:
    while True:
        found += records.poll(100, 0.5)


def kept_by_brokers(config: KafkaConfig, topic: Topic[Any]) -> dict[str, str]:
    """How the brokers say that they keep the topic."""
    name = name_of(topic, config)
    admin = build(KafkaAdminClient, admin_settings(config, "test"))
    try:
        found = admin.describe_configs([ConfigResource("topic", name)], config_filter="all")["topic"][name]
    finally:
        admin.close()
    return {setting: told["value"] for setting, told in found.items()}


def allow(config: KafkaConfig, topic: Topic[Any], most_bytes: int) -> None:
    """Set how large a batch of this topic may be."""
    admin = build(KafkaAdminClient, admin_settings(config, "test"))
    try:
        told = {"max.message.bytes": str(most_bytes)}
        admin.alter_configs([ConfigResource("topic", name_of(topic, config), configs=told)])
    finally:
        admin.close()


def put_raw(bus: KafkaBus, key: bytes, value: bytes, headers: Any = ()) -> None:
    """What somebody else might write to our topic."""
    station = bus._station
    station.until_made(CLIPS)
    station.outbox.put(name_of(CLIPS, station.config), [Post(key, value, list(headers))])


def test_what_was_not_committed_is_given_to_the_next(bus: KafkaBus, other: KafkaBus) -> None:
    published = publish(bus, 20)
    first = bus.subscribe(CLIPS, group="detect")
    assert len(next_of(first, 20)) == 20
    bus.leave()
    again = next_of(other.subscribe(CLIPS, group="detect"), 20)
    assert sorted(again, key=repr) == sorted(published, key=repr)


def test_a_slow_worker_holds_nobody_up_and_its_commit_says_what_it_lost(
    impatient: None, config: KafkaConfig, bus: KafkaBus, other: KafkaBus
) -> None:
    """With everything in hand, half of its places go to another, who is given what was in hand there again."""
    published = publish(bus, 80)
    slow = bus.subscribe(CLIPS, group="detect")
    in_hand = next_of(slow, 80)
    assert len(in_hand) == 80
    quick = other.subscribe(CLIPS, group="detect")
    begins = time.monotonic()
    again = next_of(quick, 1)
    assert time.monotonic() - begins < 6, "the session of the slow one did not have to run out"
    assert quick.received.places == 2
    assert slow.commit() is False
    assert slow.received.lost == 1
    assert slow.received.places == 2
    kept = {place_of(one.camera, 4) for one in published} - {place_of(one.camera, 4) for one in again}
    again += next_of(quick, sum(place_of(one.camera, 4) not in kept for one in published) - len(again))
    assert quick.commit()
    assert set(again) == {one for one in published if place_of(one.camera, 4) not in kept}
    assert lag_of(config, CLIPS, "detect").waiting == 0


def test_who_comes_and_goes_loses_nothing(impatient: None, config: KafkaConfig, bus: KafkaBus, other: KafkaBus) -> None:
    """A visitor takes places over, commits nothing, and leaves: what was lost with them comes again, nothing else."""
    published = publish(bus, 80)
    worker = bus.subscribe(CLIPS, group="detect")
    assert len(next_of(worker, 80)) == 80
    visitor = other.subscribe(CLIPS, group="detect")
    gone = {place_of(one.camera, 4) for one in next_of(visitor, 1)}
    visitor.close()
    ends = time.monotonic() + 20
    while worker.received.places < 4 and time.monotonic() < ends:
        time.sleep(0.05)
    kept = worker.commit()  # all of it, where the visitor was gone before the worker had heard of them
    again = [*worker.poll(100, 2.0), *worker.poll(100, 0.5)]
    assert worker.commit()
    back = {place_of(one.camera, 4) for one in again}
    assert back == set() if kept else gone <= back
    assert set(again) == {one for one in published if place_of(one.camera, 4) in back}
    assert lag_of(config, CLIPS, "detect").waiting == 0


def test_a_broker_that_is_killed_is_waited_for(kafka: KafkaCluster, config: KafkaConfig, bus: KafkaBus) -> None:
    """Publishing and reading go on across it; each clip arrives, and the trouble is said while it lasts."""
    records = bus.subscribe(CLIPS, group="detect")
    published: list[ClipReady] = []
    arrived: list[ClipReady] = []
    troubles: set[str] = set()
    over = threading.Event()

    def produce() -> None:
        for number in itertools.count():
            if over.is_set():
                break
            one = clip(number, f"camera-{number % 16}")
            bus.publish(CLIPS, one)
            published.append(one)
            time.sleep(0.005)
        bus.flush()

    producer = threading.Thread(target=produce)
    producer.start()
    try:
        arrived += next_of(records, 50)
        records.commit()
        kafka.kill()
        ends = time.monotonic() + 8
        while time.monotonic() < ends and not troubles:
            arrived += records.poll(10, 0.5)
            troubles |= {bus.trouble} if bus.trouble else set()
        kafka.start()
        arrived += next_of(records, 100)
        assert records.commit() in (True, False)
    finally:
        over.set()
        producer.join(30)
    ends = time.monotonic() + 30
    while set(arrived) != set(published) and time.monotonic() < ends:
        arrived += records.poll(100, 0.5)
        records.commit()
    assert set(arrived) == set(published)
    assert troubles
    assert bus.trouble is None
    assert lag_of(config, CLIPS, "detect").waiting == 0


def test_poison_is_put_aside_also_where_a_place_begins_with_it(config: KafkaConfig, bus: KafkaBus) -> None:
    """A place with nothing else, one that begins with it, one where it stands between: no lag is left of any."""
    for camera in ("camera-0", "camera-1", "camera-2"):
        put_raw(bus, camera.encode(), b"\xff\xd8 a picture")
    published = publish(bus, 2)
    put_raw(bus, b"camera-0", b"{}")
    bus.flush()
    records = bus.subscribe(CLIPS, group="detect")
    assert set(next_of(records, 2)) == set(published)
    records.poll(10, 1.0)
    assert records.commit()
    with DeadLetters(config, "operator", CLOCK) as letters:
        found = letters.all()
    assert sorted(letter.payload for letter in found) == ["/9ggYSBwaWN0dXJl"] * 3 + ["{}"]
    assert {letter.worker for letter in found} == {"one"}
    assert all("ce_type is missing" in letter.reason for letter in found)
    assert records.received.refused == 4
    assert lag_of(config, CLIPS, "detect").waiting == 0


def test_nothing_but_poison_leaves_no_lag(config: KafkaConfig, bus: KafkaBus) -> None:
    """Nobody is given a record, and so nobody commits: the subscription does."""
    put_raw(bus, b"camera-0", b"{}")
    bus.flush()
    records = bus.subscribe(CLIPS, group="detect")
    ends = time.monotonic() + 20
    while not records.received.refused and time.monotonic() < ends:
        assert list(records.poll(10, 0.5)) == []
    assert lag_of(config, CLIPS, "detect").waiting == 0


def test_an_offset_is_not_committed_before_the_dead_letter_is_durable(
    config: KafkaConfig, bus: KafkaBus, other: KafkaBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(bus, 1)
    records = bus.subscribe(CLIPS, group="detect")
    (record,) = next_of(records, 1)
    records.refuse(record, "its camera is unknown")

    def broken() -> None:
        raise BusError("the brokers refuse")

    monkeypatch.setattr(bus._station.outbox, "flush", broken)
    with pytest.raises(BusError):
        records.commit()
    bus.leave()
    assert next_of(other.subscribe(CLIPS, group="detect"), 1) == [record]


def test_what_could_not_be_put_aside_comes_again(
    config: KafkaConfig, bus: KafkaBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A poll that fails half way has taken nothing: neither the poison nor the records around it are passed over."""
    first = publish(bus, 8)
    put_raw(bus, b"camera-0", b"{}")
    second = publish(bus, 8, begin=8)
    records = bus.subscribe(CLIPS, group="detect")

    def broken(*_: object) -> None:
        raise BusError("the brokers refuse")

    with monkeypatch.context() as patched:
        patched.setattr(bus._station, "put_aside", broken)
        taken: list[ClipReady] = []
        with pytest.raises(BusError):
            poll_on(records, taken)
    taken += next_of(records, 16 - len(taken))
    assert records.commit()
    assert sorted(taken, key=repr) == sorted(first + second, key=repr)
    assert records.received.refused == 1
    assert lag_of(config, CLIPS, "detect").waiting == 0


def test_only_a_record_in_hand_can_be_refused(bus: KafkaBus) -> None:
    publish(bus, 1)
    records = bus.subscribe(CLIPS, group="detect")
    (record,) = next_of(records, 1)
    records.commit()
    with pytest.raises(ValueError, match="not polled here since the last commit"):
        records.refuse(record, "too late")


def test_topics_are_kept_as_they_are_meant_and_can_grow(config: KafkaConfig, bus: KafkaBus) -> None:
    """A worker with a newer configuration adds partitions; one with an older takes none away."""
    for topic in (CLIPS, REVISIONS, DEAD_LETTERS):
        bus._station.until_made(topic)
        wanted = settings_of(topic, config)
        assert {name: kept_by_brokers(config, topic)[name] for name in wanted} == wanted
    wider = config.model_copy(update={"partitions": 6})
    with KafkaBus(wider, "newer", CLOCK) as newer, KafkaBus(config, "older", CLOCK) as older:
        assert newer._station.places(CLIPS) == 6
        assert older._station.places(CLIPS) == 6


def test_what_the_brokers_refused_arrives_once_somebody_has_mended_it(config: KafkaConfig, bus: KafkaBus) -> None:
    """Without a restart: kafka-python's producer is of no more use after a refusal, and is replaced."""
    bus._station.until_made(CLIPS)
    allow(config, CLIPS, most_bytes=50)
    bus.publish(CLIPS, clip())
    with pytest.raises(BusError, match="refuses"):
        bus.flush()
    allow(config, CLIPS, most_bytes=1_000_000)
    ends = time.monotonic() + 20
    while bus._station.outbox.held:
        assert time.monotonic() < ends, "it did not arrive"
        with suppress(BusError):
            bus.flush()
    assert clip() in next_of(bus.subscribe(CLIPS, group="detect"), 1)


def test_lag_is_known_of_a_group_that_was_never_there(config: KafkaConfig, bus: KafkaBus) -> None:
    publish(bus, 10)
    assert lag_of(config, CLIPS, "nobody").waiting == 10
    records = bus.subscribe(CLIPS, group="somebody")
    next_of(records, 10)
    assert lag_of(config, CLIPS, "somebody").waiting == 10
    records.commit()
    assert lag_of(config, CLIPS, "somebody").waiting == 0
    records.poll(1, 6.0)
    assert records.received.lag == 0


def test_a_record_goes_where_every_kafka_client_would_put_it(config: KafkaConfig, bus: KafkaBus) -> None:
    """And so the place of a camera, which an ingest owns, is the partition of its clips."""
    published = publish(bus, 16)
    records = bus.subscribe(CLIPS, group="detect")
    next_of(records, 16)
    places = {raw.key.decode(): raw.partition for _, raws in records._in_hand for raw in raws}
    assert places == {one.camera: place_of(one.camera, 4) for one in published}


def test_a_bus_that_is_stopped_waits_for_nobody(kafka: KafkaCluster) -> None:
    """Brokers that were never there: polls say nothing, publishing waits, and both end when they are told to."""
    config = KafkaConfig(kind="kafka", servers=("127.0.0.1:9",))
    bus = KafkaBus(config, "one", CLOCK)
    over: list[BusError] = []

    def produce() -> None:
        try:
            bus.publish(CLIPS, clip())
        except BusError as error:
            over.append(error)

    producer = threading.Thread(target=produce)
    producer.start()
    records = bus.subscribe(CLIPS, group="detect")
    assert list(records.poll(1, 0.5)) == []
    assert "127.0.0.1:9" in str(bus.trouble)
    begins = time.monotonic()
    bus.leave()
    producer.join(10)
    assert time.monotonic() - begins < 8
    assert "stopped while waiting for Kafka" in str(over[0])
    with pytest.raises(BusError, match="closed"):
        records.poll(1, 0.0)
