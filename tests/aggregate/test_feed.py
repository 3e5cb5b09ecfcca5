"""The live feed gives every watcher every change, and waits for no one."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from street_counts import NOON

from aggregate.feed import ReadingFeed
from core.records import Reading, TrustState, Window


def reading(number: int) -> Reading:
    return Reading(
        zone="tower:view",
        camera="tower",
        series="people",
        window=Window.QUARTER,
        start=NOON,
        end=NOON + timedelta(minutes=15),
        mean=number,
        low=number,
        high=number,
        peak=number,
        stationary_share=None,
        coverage=1,
        clips_counted=3,
        clips_expected=3,
        state=TrustState.OBSERVED,
        reason=None,
        revision=1,
        derived_at=NOON,
    )


def test_every_watcher_gets_everything_since_it_came_in_order() -> None:
    feed = ReadingFeed()
    feed.publish([reading(0)])
    with feed.subscribe() as early:
        feed.publish([reading(1)])
        with feed.subscribe() as late:
            feed.publish([reading(2), reading(3)])
            assert [one.mean for one in late.get(0)] == [2, 3]
        assert [one.mean for one in early.get(0)] == [1, 2, 3]
        assert early.get(0) == []
        assert early.take_dropped() == 0


def test_a_slow_watcher_loses_the_oldest_and_is_told_how_many() -> None:
    feed = ReadingFeed(capacity=3)
    with feed.subscribe() as slow:
        for number in range(5):
            feed.publish([reading(number)])
        assert [one.mean for one in slow.get(0)] == [2, 3, 4]
        assert slow.take_dropped() == 2
        assert slow.take_dropped() == 0


def test_get_waits_for_the_first_reading_and_no_longer_than_told() -> None:
    feed = ReadingFeed()
    with feed.subscribe() as watcher:
        began = time.monotonic()
        assert watcher.get(0.05) == []
        assert time.monotonic() - began >= 0.05
        threading.Timer(0.05, feed.publish, ([reading(7)],)).start()
        assert [one.mean for one in watcher.get(10)] == [7]


def test_who_left_gets_nothing_and_is_forgotten() -> None:
    feed = ReadingFeed()
    with feed.subscribe() as watcher:
        assert feed.subscribers == 1
    assert feed.subscribers == 0
    assert watcher.closed
    feed.publish([reading(1)])
    assert watcher.get(10) == []


def test_closing_the_feed_wakes_those_who_wait() -> None:
    feed = ReadingFeed()
    with feed.subscribe() as watcher:
        threading.Timer(0.05, feed.close).start()
        assert watcher.get(30) == []
        assert watcher.closed
    with feed.subscribe() as after:
        assert after.get(30) == []


def test_a_feed_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="capacity 0"):
        ReadingFeed(capacity=0)
