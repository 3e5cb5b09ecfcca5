"""Baselines are built at the start and after each local midnight, in a thread that nothing waits for."""

from __future__ import annotations

import logging
import os
import threading
import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from busyness import nightly_baselines
from busyness.nightly_baselines import SETTLED, NightlyBaselines
from core.errors import StoreError

NOON = datetime(2017, 3, 9, 12, tzinfo=UTC)


class Day:
    """The present, which a test moves."""

    def __init__(self) -> None:
        self.time = NOON

    def now(self) -> datetime:
        return self.time

    def sleep(self, seconds: float) -> None:
        raise AssertionError("nobody waits by this clock")


class Builder:
    """Has something to do for every midnight it was not asked to build yet; `fault` is raised instead."""

    def __init__(self) -> None:
        self.planned: list[datetime] = []
        self.built: list[datetime] = []
        self.nice: int | None = None
        self.fault: Exception | None = None
        self.doing = threading.Event()

    def plan(self, now: datetime):
        self.planned.append(now)
        if self.fault is not None:
            raise self.fault
        midnight = now.replace(hour=0, minute=0)
        return [] if midnight in self.built else [SimpleNamespace(due={"a", "b"}, untils=(midnight,))]

    def build(self, tasks, built_at, *, stopping):
        self.nice = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
        self.built += [until for task in tasks for until in task.untils]
        self.doing.set()
        return 2


@pytest.fixture
def day() -> Day:
    return Day()


@pytest.fixture
def builder() -> Builder:
    return Builder()


@pytest.fixture
def nightly(builder: Builder, day: Day) -> NightlyBaselines:
    return NightlyBaselines(builder, day.now, day)


def test_built_at_the_start_and_once_a_night_when_the_day_before_is_settled(nightly, builder, day, caplog):
    for minutes in range(0, 60 * 24 * 2, 7):
        day.time = NOON + timedelta(minutes=minutes)
        nightly.look()
    midnights = [datetime(2017, 3, date, tzinfo=UTC) for date in (9, 10, 11)]
    assert builder.built == midnights
    assert len(builder.planned) <= 48
    assert all(at + SETTLED <= day.time for at in builder.planned)
    assert caplog.records[0].message == "baselines of 2 zones are being built"
    assert caplog.records[1].message.startswith("2 baselines of 2 zones were built in ")


def test_a_fault_is_said_and_the_next_hour_tries_again(nightly, builder, day, caplog, monkeypatch):
    monkeypatch.setattr(nightly_baselines, "LOOK_S", 0.005)
    builder.fault = StoreError("the disk is full", remedy="make room")
    nightly.start()
    deadline = time.monotonic() + 10
    while not caplog.records and time.monotonic() < deadline:
        time.sleep(0.005)
    assert caplog.records[0].levelno == logging.ERROR
    assert "the disk is full" in caplog.records[0].getMessage()
    builder.fault = None
    day.time += timedelta(hours=1)
    assert builder.doing.wait(10)
    nightly.stop()
    assert len(builder.built) == 1


def test_its_thread_gives_way_to_all_others(nightly, builder, caplog):
    before = os.getpriority(os.PRIO_PROCESS, 0)
    nightly.start()
    assert builder.doing.wait(10)
    nightly.stop()
    assert builder.nice == max(before, nightly_baselines.NICE)
    assert os.getpriority(os.PRIO_PROCESS, 0) == before


def test_stopping_one_that_never_started_is_nothing(nightly):
    nightly.stop()
