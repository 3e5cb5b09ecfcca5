"""Nothing that was published is forgotten: what the producer gives up is sent again, each key in its order."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kafka import errors

from core.errors import BusError
from core.kafka.outbox import Outbox, Post
from core.kafka.settings import KafkaConfig
from core.kafka.waiting import Waiting

CONFIG = KafkaConfig(kind="kafka", servers=("127.0.0.1:9092",))


class Sent:
    """A future as kafka-python's."""

    def __init__(self, fate: Exception | None) -> None:
        self.exception = fate
        self.is_done = False

    def failed(self) -> bool:
        return self.is_done and self.exception is not None

    def succeeded(self) -> bool:
        return self.is_done and self.exception is None

    def get(self, timeout: float) -> None:
        if not self.is_done:
            time.sleep(0.01)
            raise errors.KafkaTimeoutError(timeout)
        if self.exception is not None:
            raise self.exception


class Producer:
    """Takes records when it is flushed, and gives those up whose turn `fates` says so."""

    def __init__(self, fates: list[Exception | None], *, away: bool = False) -> None:
        self.fates = fates
        self.away = away
        self.log: list[tuple[bytes, bytes | None]] = []
        self.ended = False
        self.pending: list[tuple[bytes, bytes | None, Sent]] = []

    def __call__(self, **_: Any) -> Producer:
        return self

    def send(self, topic: str, value: bytes | None, key: bytes, headers: Any) -> Sent:
        sent = Sent(self.fates.pop(0) if self.fates else None)
        self.pending.append((key, value, sent))
        return sent

    def flush(self, timeout: float) -> None:
        if self.away:
            time.sleep(0.01)
            raise errors.KafkaTimeoutError(timeout)
        for key, value, sent in self.pending:
            sent.is_done = True
            if sent.exception is None:
                self.log.append((key, value))
        self.pending.clear()

    def close(self, timeout: float) -> None:
        """As kafka-python's: it fails where it cannot finish, and goes on in the background."""
        self.flush(timeout)
        self.ended = True

    @property
    def _sender(self) -> Producer:
        return self

    def force_close(self) -> None:
        self.ended = True


class Impatient(Waiting):
    """Whose pauses take no time."""

    def pause(self, why: str, attempt: int) -> None:
        self.ill(why)


def outbox_over(producer: Producer, **told: Any) -> tuple[Outbox, Waiting]:
    waiting = Impatient()
    return Outbox(CONFIG, "w", waiting, open_producer=producer, **told), waiting


@settings(deadline=None, max_examples=40)
@given(
    keys=st.lists(st.sampled_from([b"a", b"b", b"c"]), min_size=1, max_size=12),
    given_up=st.lists(st.booleans(), max_size=6),
)
def test_what_was_given_up_is_sent_again_in_the_order_of_its_key(keys: list[bytes], given_up: list[bool]) -> None:
    """Whichever records the producer gives up: of each key the last that arrives is the last that was published,
    none is missing, and none arrives for the first time after a later one stayed."""
    fates: list[Exception | None] = [errors.UnknownProducerIdError() if lost else None for lost in given_up]
    producer = Producer(fates)
    outbox, _ = outbox_over(producer)
    published = [(key, str(number).encode()) for number, key in enumerate(keys)]
    for key, value in published:
        outbox.put("topic", [Post(key, value, [])])
    outbox.flush()
    assert outbox.held == 0
    assert set(producer.log) == set(published)
    for key in set(keys):
        arrived = [int(value or b"") for one, value in producer.log if one == key]
        expected = [int(value) for one, value in published if one == key]
        assert list(dict.fromkeys(reversed(arrived))) == list(reversed(expected))


def test_what_the_brokers_refuse_is_an_error_until_somebody_has_mended_it() -> None:
    """It is not forgotten: every flush tries again, and hears of it, whoever it was that published."""
    refused = errors.TopicAuthorizationFailedError("busyness.clips")
    producer = Producer([refused, None, refused, refused])
    outbox, _ = outbox_over(producer)
    outbox.put("busyness.clips", [Post(b"a", b"1", [])])
    outbox.put("busyness.clips", [Post(b"b", b"2", [])])
    for _attempt in range(3):
        with pytest.raises(BusError, match="allow this user the topics and groups that begin with 'busyness'"):
            outbox.flush()
    outbox.flush()
    assert outbox.held == 0
    assert producer.log == [(b"b", b"2"), (b"a", b"1")]


def test_a_producer_that_was_refused_once_is_replaced() -> None:
    """kafka-python's fails for good then, whatever somebody has mended meanwhile."""
    refused = errors.TopicAuthorizationFailedError("busyness.clips")

    class Fatal(Producer):
        def send(self, topic: str, value: bytes | None, key: bytes, headers: Any) -> Sent:
            sent = super().send(topic, value, key, headers)
            sent.exception = sent.exception or self.last
            self.last = sent.exception
            return sent

        last: Exception | None = None

    opened: list[Fatal] = []

    def open_one(**_: Any) -> Fatal:
        opened.append(Fatal([] if opened else [refused]))
        return opened[-1]

    outbox = Outbox(CONFIG, "w", Impatient(), open_producer=open_one)
    outbox.put("busyness.clips", [Post(b"a", b"1", [])])
    with pytest.raises(BusError, match="allow this user"):
        outbox.flush()
    outbox.flush()
    assert [producer.ended for producer in opened] == [True, False]
    assert opened[1].log == [(b"a", b"1")]


def test_what_could_not_be_published_for_what_was_before_it_is_not_kept() -> None:
    """Whoever publishes it tries again: otherwise each try would be kept, for as long as the brokers refuse."""
    refused = errors.TopicAuthorizationFailedError("busyness.clips")
    producer = Producer([refused] * 100)
    outbox, _ = outbox_over(producer)
    outbox.put("busyness.clips", [Post(b"a", b"1", [])])
    producer.flush(0)
    for _attempt in range(5):
        with pytest.raises(BusError, match="refuses"):
            outbox.put("busyness.clips", [Post(b"b", b"2", [])])
        producer.flush(0)
    assert outbox.held == 1


def test_who_publishes_while_the_brokers_are_away_waits_until_nobody_waits_any_longer() -> None:
    """Memory is bounded, the trouble is said, and a worker that is told to stop does."""
    outbox, waiting = outbox_over(Producer([], away=True), held_bytes=5_000)
    over: list[BusError] = []

    def publish() -> None:
        try:
            while True:
                outbox.put("topic", [Post(b"a", b"x" * 500, [])])
        except BusError as error:
            over.append(error)

    thread = threading.Thread(target=publish)
    thread.start()
    ends = time.monotonic() + 5
    while waiting.trouble is None and time.monotonic() < ends:
        time.sleep(0.005)
    assert "records are on their way to 127.0.0.1:9092" in str(waiting.trouble)
    held = outbox.held
    assert 4 <= held <= 6
    waiting.stop()
    thread.join(5)
    assert outbox.held == held
    assert "stopped while" in str(over[0])


def test_a_record_that_is_taken_while_it_is_looked_at_is_not_taken_for_refused() -> None:
    """Who publishes next would wait for the fate of everything that is on its way."""

    class Late(Sent):
        looks = 0

        def __getattribute__(self, name: str) -> Any:
            if name == "is_done":
                self.looks += 1
                return self.looks > 1
            return super().__getattribute__(name)

    class Slow(Producer):
        def send(self, topic: str, value: bytes | None, key: bytes, headers: Any) -> Sent:
            return Late(None) if value == b"1" else super().send(topic, value, key, headers)

    outbox, waiting = outbox_over(Slow([], away=True))
    outbox.put("topic", [Post(b"a", b"1", []), Post(b"a", b"2", [])])
    waiting.stop()  # whoever waits gives up at once
    outbox.put("topic", [Post(b"a", b"3", [])])
    assert outbox.held == 3


def test_more_than_may_be_on_its_way_at_once_is_sent_bit_by_bit() -> None:
    """Whoever publishes much at once waits for it as whoever publishes it one by one."""

    class Quick(Producer):
        def send(self, topic: str, value: bytes | None, key: bytes, headers: Any) -> Sent:
            sent = super().send(topic, value, key, headers)
            most.append(len(self.pending))
            if len(self.pending) > 3:
                self.flush(0)
            return sent

    most: list[int] = []
    producer = Quick([])
    outbox, _ = outbox_over(producer, held_bytes=3_000)
    outbox.put("topic", [Post(b"a", str(number).encode() * 100, []) for number in range(100)])
    outbox.flush()
    assert [value[:1] for _, value in producer.log if value] == [str(number)[:1].encode() for number in range(100)]
    assert max(most) <= 4
    assert outbox.held == 0


def test_a_closed_outbox_says_whether_all_arrived() -> None:
    for producer, arrived in ((Producer([]), True), (Producer([], away=True), False)):
        outbox, _ = outbox_over(producer)
        outbox.put("topic", [Post(b"a", b"1", [])])
        assert outbox.close(0.0) is arrived
        assert producer.ended
        with pytest.raises(BusError, match="closed"):
            outbox.put("topic", [Post(b"a", b"2", [])])


def test_a_producer_that_sends_nothing_any_more_is_exchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    """As kafka-python's was seen to do after an outage: it answers nothing, and says nothing."""
    monkeypatch.setattr("core.kafka.outbox.STUCK_S", 0.05)

    class Stuck(Producer):
        """Whose successor is well; closed, it fails what it had."""

        def force_close(self) -> None:
            for _, _, sent in self.pending:
                sent.is_done, sent.exception = True, errors.IllegalStateError("Producer is closed forcefully.")
            self.pending.clear()
            self.away = False

    producer = Stuck([], away=True)
    outbox, _ = outbox_over(producer)
    for number in range(5):
        outbox.put("clips", [Post(b"a", str(number).encode(), [])])
    outbox.flush()
    assert [value for _, value in producer.log] == [b"0", b"1", b"2", b"3", b"4"]
    assert outbox.held == 0
