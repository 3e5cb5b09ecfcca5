"""Three brokers hold each record three times: one of them may be restarted or killed, and nobody has to wait long."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator

import pytest
from bus_records import clip
from services.kafka_broker import KafkaCluster, kafka_or_skip

from core.bus import CLIPS
from core.clock import SystemClock
from core.kafka.bus import KafkaBus
from core.kafka.lag import lag_of
from core.records import ClipReady

CLOCK = SystemClock()


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaCluster]:
    with kafka_or_skip(tmp_path_factory.mktemp("three"), brokers=3) as cluster:
        yield cluster


@pytest.mark.service
def test_each_broker_in_turn_is_killed_and_comes_back(three: KafkaCluster) -> None:
    """Records are published and taken all the while, in two workers of one group: none is lost, all are committed."""
    config = three.config("rolling", session_timeout_s=6)
    published: list[ClipReady] = []
    taken: set[ClipReady] = set()
    over, lock = threading.Event(), threading.Lock()
    longest_s = 0.0

    def produce(bus: KafkaBus) -> None:
        for number in itertools.count():
            if over.is_set():
                break
            one = clip(number, f"camera-{number % 16}")
            bus.publish(CLIPS, one)
            published.append(one)
            time.sleep(0.01)
        bus.flush()

    def consume(bus: KafkaBus) -> None:
        nonlocal longest_s
        records = bus.subscribe(CLIPS, group="detect")
        last = time.monotonic()
        while not (over.is_set() and len(taken) == len(published)) and time.monotonic() - last < 60:
            if found := records.poll(50, 0.2):
                records.commit()
                with lock:
                    taken.update(found)
                    longest_s = max(longest_s, time.monotonic() - last)
                last = time.monotonic()

    with (
        KafkaBus(config, "ingest", CLOCK) as ingest,
        KafkaBus(config, "a", CLOCK) as a,
        KafkaBus(config, "b", CLOCK) as b,
    ):
        threads = [threading.Thread(target=consume, args=(bus,)) for bus in (a, b)]
        threads.append(threading.Thread(target=produce, args=(ingest,)))
        for thread in threads:
            thread.start()
        try:
            for number in range(3):
                time.sleep(2)
                three.kill(number)
                time.sleep(2)
                three.start(number)
        finally:
            over.set()
            for thread in threads:
                thread.join(90)
    assert len(published) > 300
    assert taken == set(published)
    assert lag_of(config, CLIPS, "detect").waiting == 0
    print(f"the longest that a worker was given nothing: {longest_s:.1f} s")
    assert longest_s < 40
