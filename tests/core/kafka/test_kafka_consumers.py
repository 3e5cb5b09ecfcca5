"""What kafka-python's consumer may raise at any moment ends neither a worker nor a process's hold of its places."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from bus_records import clip
from kafka import TopicPartition, errors
from kafka.structs import MemberState

from core.bus import CLIPS
from core.clock import SystemClock
from core.errors import BusError
from core.kafka import ownership as ownership_module
from core.kafka import station as station_module
from core.kafka import subscription as subscription_module
from core.kafka.bus import KafkaBus
from core.kafka.envelope import headers_of
from core.kafka.ownership import KafkaOwnership
from core.kafka.settings import KafkaConfig
from core.kafka.station import Station
from core.kafka.waiting import Waiting

CONFIG = KafkaConfig(kind="kafka", servers=("127.0.0.1:9",), partitions=1)
CLOCK = SystemClock()
PLACE = TopicPartition("busyness.clips", 0)


class Consumer:
    """As kafka-python's, of one place; gives what `polls` says, call by call, then nothing."""

    def __init__(self, polls: list[Any], commits: list[BaseException | None] | None = None) -> None:
        self.polls = polls
        self.commits = commits or []
        self.committed: list[int] = []
        self.closed = False
        self.listener: Any = None

    def poll(self, _timeout_ms: int, _max_records: int | None = None) -> dict[TopicPartition, list[Any]]:
        came = self.polls.pop(0) if self.polls else {}
        if isinstance(came, BaseException):
            raise came
        found: dict[TopicPartition, list[Any]] = came
        return found

    def commit(self, offsets: dict[TopicPartition, Any], timeout_ms: int) -> None:
        fate = self.commits.pop(0) if self.commits else None
        if fate is not None:
            raise fate
        self.committed += [offset.offset for offset in offsets.values()]

    def assignment(self) -> set[TopicPartition]:
        return {PLACE}

    def paused(self) -> set[TopicPartition]:
        return set()

    def pause(self, *_: TopicPartition) -> None: ...

    def resume(self, *_: TopicPartition) -> None: ...

    def seek(self, _place: TopicPartition, _offset: int) -> None: ...

    def highwater(self, _place: TopicPartition) -> int:
        return 1

    def position(self, _place: TopicPartition, timeout_ms: int) -> int:
        return 0

    def end_offsets(self, places: list[TopicPartition], timeout_ms: int) -> dict[TopicPartition, int]:
        return dict.fromkeys(places, 1)

    def group_metadata(self) -> Any:
        return SimpleNamespace(state=MemberState.STABLE)

    def close(self, *, autocommit: bool, timeout_ms: int) -> None:
        self.closed = True


def raw(number: int) -> Any:
    one = clip(number)
    return SimpleNamespace(
        partition=0,
        offset=number,
        leader_epoch=1,
        key=one.camera.encode(),
        value=CLIPS.payload_of(one),
        headers=headers_of(CLIPS, [CLIPS.identity(one)], "test")[0],
    )


@pytest.fixture(autouse=True)
def no_brokers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Station, "made", lambda *_: True)
    monkeypatch.setattr(station_module.Outbox, "flush", lambda _: None)
    monkeypatch.setattr(Waiting, "pause", lambda self, why, _: self.ill(why))


def opening(monkeypatch: pytest.MonkeyPatch, module: Any, consumers: list[Consumer]) -> None:
    """Each that is opened is the next of these; it has its place at once."""

    def open_one(*told: Any) -> Consumer:
        consumer = consumers.pop(0)
        told[-1].on_partitions_assigned([PLACE])
        return consumer

    monkeypatch.setattr(module, "open_consumer", open_one)


@pytest.fixture
def bus() -> Iterator[KafkaBus]:
    with KafkaBus(CONFIG, "one", CLOCK) as opened:
        yield opened


@pytest.mark.parametrize("trouble", [errors.KafkaTimeoutError("late"), errors.CoordinatorNotAvailableError()])
def test_a_rebalance_that_fails_while_work_is_committed_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, bus: KafkaBus, trouble: errors.KafkaError
) -> None:
    """The brokers share places anew and go away: the commit is tried again, and the worker lives on."""
    consumer = Consumer([{PLACE: [raw(0)]}, trouble], [errors.CommitFailedError("kicked out")])
    opening(monkeypatch, subscription_module, [consumer])
    records = bus.subscribe(CLIPS, group="detect")
    assert len(records.poll(10, 0.0)) == 1
    assert records.commit() is True
    assert consumer.committed == [1]


def test_who_is_not_told_how_far_behind_it_is_polls_all_the_same(
    monkeypatch: pytest.MonkeyPatch, bus: KafkaBus
) -> None:
    """Other brokers may have something, and polling finds out who leads now."""
    asked: list[int] = []

    def late(_places: list[TopicPartition], timeout_ms: int) -> dict[TopicPartition, int]:
        asked.append(timeout_ms)
        raise errors.KafkaTimeoutError("nobody said in time")

    consumer = Consumer([{PLACE: [raw(0)]}])
    monkeypatch.setattr(consumer, "end_offsets", late)
    monkeypatch.setattr(subscription_module, "PROBE_S", 0.0)
    opening(monkeypatch, subscription_module, [consumer])
    assert len(bus.subscribe(CLIPS, group="detect").poll(10, 0.0)) == 1
    assert asked


def test_a_header_that_no_client_reads_is_said_and_ends_no_worker(
    monkeypatch: pytest.MonkeyPatch, bus: KafkaBus
) -> None:
    """kafka-python fails over a header's name that is not UTF-8, every time that it comes to that record."""
    unreadable = UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")
    consumer = Consumer([unreadable])
    opening(monkeypatch, subscription_module, [consumer])
    records = bus.subscribe(CLIPS, group="detect")
    with pytest.raises(BusError) as refused:
        records.poll(10, 0.0)
    assert "move the group past it" in (refused.value.remedy or "")
    assert consumer.closed


def until(true: Callable[[], bool], within_s: float = 5.0) -> None:
    ends = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < ends, "it did not come to that"
        time.sleep(0.01)


def test_who_shares_the_cameras_goes_on_after_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it is: otherwise a process would own nothing for good, and say that all is well."""
    told: list[str] = []
    ill = Waiting.ill
    monkeypatch.setattr(Waiting, "ill", lambda self, why: (told.append(why), ill(self, why))[1])
    broken, sound = Consumer([ValueError("made to fail")]), Consumer([])
    opening(monkeypatch, ownership_module, [broken, sound])
    monkeypatch.setattr(ownership_module, "_REFUSED_S", 0.1)
    with KafkaOwnership(CONFIG, "one", CLOCK) as ownership:
        until(lambda: ownership.owned() == frozenset({0}) and broken.closed)
        assert any("made to fail" in why for why in told)
        until(lambda: ownership.trouble is None)
    assert sound.closed
