"""Cameras are shared by places: each is one process's own, and of two processes never both think that it is theirs."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable

import pytest
from services.kafka_broker import KafkaCluster

from core.clock import SystemClock
from core.kafka.ownership import KafkaOwnership
from core.kafka.settings import KafkaConfig
from core.ownership import Ownership

pytestmark = pytest.mark.service
PREFIXES = (f"owners{number}" for number in itertools.count())
CLOCK = SystemClock()


@pytest.fixture
def config(kafka: KafkaCluster) -> KafkaConfig:
    return kafka.config(next(PREFIXES), session_timeout_s=6)


def until(true: Callable[[], bool], within_s: float = 25) -> None:
    ends = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < ends, "it did not come to that"
        time.sleep(0.02)


def test_places_are_shared_and_taken_over(config: KafkaConfig) -> None:
    """Each has one owner at any moment that anybody looks; who leaves gives up its places at once."""
    told: list[frozenset[int]] = []
    with KafkaOwnership(config, "one", CLOCK, on_change=told.append) as one:
        until(lambda: len(one.owned()) == 4)
        assert one.places == 4
        two: Ownership = KafkaOwnership(config, "two", CLOCK)

        def shared() -> bool:
            mine, theirs = one.owned(), two.owned()
            assert not mine & theirs
            return len(mine) == len(theirs) == 2

        until(shared)
        begins = time.monotonic()
        two.close()
        assert two.owned() == frozenset()
        until(lambda: len(one.owned()) == 4)
        assert time.monotonic() - begins < 5
    assert one.owned() == frozenset()
    assert told[0] == frozenset(range(4))
    assert told[-1] == frozenset()


def test_who_does_not_hear_of_its_group_owns_nothing(kafka: KafkaCluster, config: KafkaConfig) -> None:
    """A broker that answers no more, to this process alone or to all: after a session its places may be another's."""
    with KafkaOwnership(config, "one", CLOCK) as one:
        until(lambda: len(one.owned()) == 4)
        kafka.freeze()
        try:
            begins = time.monotonic()
            until(lambda: one.owned() == frozenset())
            assert time.monotonic() - begins <= 6.2
            assert one.trouble is not None
        finally:
            kafka.thaw()
        until(lambda: len(one.owned()) == 4)
        assert one.trouble is None
