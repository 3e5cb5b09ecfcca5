"""What a client of kafka-python asks again and again while a broker is away is asked with pauses."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from kafka import errors
from kafka.future import Future
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector
from kafka.protocol.consumer import ListOffsetsRequest
from kafka.protocol.metadata import FindCoordinatorRequest

from core.kafka import connections
from core.kafka.connections import Connections

NOT_LEADER = errors.NotLeaderForPartitionError.errno


class Cluster:
    """What a client knows of its brokers."""

    def __init__(self) -> None:
        self.need_update = False

    def request_update(self) -> None:
        self.need_update = True


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, Future]]:
    """What reaches a broker, each with what will be its answer."""
    requests: list[tuple[Any, Future]] = []

    def send(_self: Connections, request: Any, node_id: object = None) -> Future:
        requests.append((request, Future()))
        return requests[-1][1]

    monkeypatch.setattr(KafkaConnectionManager, "send", send)
    return requests


@pytest.fixture
def client(sent: list[tuple[Any, Future]]) -> Iterator[Connections]:
    net = NetworkSelector()
    made = Connections(net, bootstrap_servers=["127.0.0.1:1"])
    made.cluster = Cluster()
    assert not sent
    yield made
    net.close()


def answer(*codes: int) -> Any:
    partitions = [SimpleNamespace(error_code=code) for code in codes]
    return SimpleNamespace(topics=[SimpleNamespace(partitions=partitions)])


def coordinator_of(group: str) -> FindCoordinatorRequest:
    return FindCoordinatorRequest(key=group, key_type=0, coordinator_keys=[group])


def ends() -> ListOffsetsRequest:
    return ListOffsetsRequest(topics=[])


def test_a_coordinator_is_asked_for_again_after_a_pause(
    client: Connections, sent: list[tuple[Any, Future]], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(connections.time, "monotonic", lambda: now)
    assert not client.send(coordinator_of("detect")).is_done
    too_soon = client.send(coordinator_of("detect"))
    assert isinstance(too_soon.exception, errors.NodeNotReadyError), "kafka-python pauses after it"
    assert too_soon.retriable()
    assert not client.send(coordinator_of("aggregate")).is_done, "another group is another question"
    now += connections.ASKING_S
    assert not client.send(coordinator_of("detect")).is_done
    assert len(sent) == 3


def test_who_leads_is_asked_before_an_end_is_asked_for_again(
    client: Connections, sent: list[tuple[Any, Future]]
) -> None:
    client.send(ends(), 2)
    sent[-1][1].success(answer(0, NOT_LEADER))
    assert client.cluster.need_update
    held = client.send(ends(), 2)
    assert isinstance(held.exception, errors.NodeNotReadyError), "kafka-python waits for the answer after it"
    client.cluster.need_update = False
    assert not client.send(ends(), 0).is_done
    assert len(sent) == 2


def test_an_end_that_was_told_asks_for_nothing(client: Connections, sent: list[tuple[Any, Future]]) -> None:
    client.send(ends(), 2)
    sent[-1][1].success(answer(0, 0))
    assert not client.cluster.need_update
