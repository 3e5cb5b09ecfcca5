"""Readings of files reach whoever keeps them, whatever fails on the way: reading, handing over, saving, the process."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hand_clock import HandClock
from hypothesis import given, settings
from hypothesis import strategies as st
from loop_doubles import Publisher

from core.errors import StoreError
from core.loops import LoopCounter, LoopReading
from ingest.feed import FetchFailed
from ingest.loops.poller import FeedTurn
from ingest.loops.tfl_scoot import TflScoot, TflScootConfig

NOON = datetime(2026, 6, 10, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
URL = "https://scoot.example.org/{year}{month}{day}-{hour}{minute}.csv"
FATES = ("kept", "lost", "away", "mistake", "another's", "store away", "restart")


class Mirror:
    """Minute files at addresses; `away` they are not to be had."""

    def __init__(self, clock: HandClock, _: Path) -> None:
        self._publisher = Publisher()
        self._clock = clock
        self.away = False

    def open(self) -> TflScoot:
        return TflScoot(TflScootConfig(url=URL, look_back_min=30), self, self._clock)  # type: ignore[arg-type]

    def get(self, url: str, **more: Any) -> Any:
        if self.away:
            raise FetchFailed("the mirror is away")
        return self._publisher.get(url, **more)

    def publish(self, minute: int, row: str) -> None:
        local = (NOON + minute * MINUTE).astimezone(ZoneInfo("Europe/London"))
        self._publisher.publish(f"https://scoot.example.org/{local:%Y%m%d-%H%M}.csv", row)


class Folder:
    """Minute files in a folder; `away` it is not there."""

    def __init__(self, clock: HandClock, within: Path) -> None:
        self._folder, self._elsewhere = within / "scoot", within / "elsewhere"
        self._folder.mkdir()
        self._clock = clock
        self._written = 0

    def open(self) -> TflScoot:
        return TflScoot(TflScootConfig(path=self._folder), None, self._clock)

    @property
    def away(self) -> bool:
        return not self._folder.exists()

    @away.setter
    def away(self, away: bool) -> None:
        if away and self._folder.exists():
            self._folder.rename(self._elsewhere)
        elif not away and self._elsewhere.exists():
            self._elsewhere.rename(self._folder)

    def publish(self, minute: int, row: str) -> None:
        file = self._folder / f"{minute + 100}.csv"
        file.write_text(row, encoding="utf-8")
        self._written += 1
        os.utime(file, (1.7e9 + self._written,) * 2)  # writes in quick succession may bear one time


class Tripping:
    """A feed with a mistake after all has been read, where it is told so."""

    def __init__(self, feed: TflScoot) -> None:
        self.name, self.poll_s = feed.name, feed.poll_s
        self.counters, self.handed_over, self.forget = feed.counters, feed.handed_over, feed.forget
        self.left_out, self.fleeting = feed.left_out, feed.fleeting
        self.trips = False
        self._feed = feed

    def readings(self) -> Sequence[LoopReading]:
        readings = self._feed.readings()
        if self.trips:
            raise KeyError("a mistake")
        return readings


def row(minute: int, vehicles: int) -> str:
    local = (NOON + minute * MINUTE).astimezone(ZoneInfo("Europe/London"))
    return f"{local:%Y-%m-%d %H:%M:%S}, N00/002e1, N, {60 * vehicles}, 12, 0, 40, 10, 7, 0, 24, CENT\n"


steps = st.lists(
    st.tuples(
        st.lists(st.tuples(st.integers(-6, -2), st.integers(0, 9)), max_size=3),  # minute, vehicles
        st.sampled_from(FATES),
    ),
    max_size=6,
)


@pytest.mark.parametrize("kind", [Mirror, Folder])
@settings(max_examples=20, deadline=None)
@given(steps=steps)
def test_whoever_keeps_them_has_the_last_word_of_every_minute_whatever_failed(
    kind: type[Mirror] | type[Folder], steps: list[tuple[list[tuple[int, int]], str]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        go_through(kind, steps, Path(folder))


def go_through(kind: type[Mirror] | type[Folder], steps: list[tuple[list[tuple[int, int]], str]], folder: Path) -> None:
    clock = HandClock(NOON)
    files = kind(clock, folder)
    said: dict[datetime, float] = {}
    kept: dict[datetime, float | None] = {}
    saved: list[Sequence[LoopCounter]] = []
    store_away = [False]

    def save(counters: Sequence[LoopCounter]) -> None:
        if store_away[0]:
            raise StoreError("the store is away")
        saved.append(counters)

    def fresh() -> tuple[Tripping, FeedTurn]:
        feed = Tripping(files.open())
        return feed, FeedTurn(feed, clock, on_counters=save)

    feed, turn = fresh()
    once = not {"restart", "another's"}.intersection(fate for _, fate in steps)
    for published, fate in [*steps, *([([], "kept")] * 15)]:
        files.away = False
        for minute, vehicles in published:
            files.publish(minute, row(minute, vehicles))
            said[NOON + minute * MINUTE] = vehicles
        files.away, feed.trips, store_away[0] = fate == "away", fate == "mistake", fate == "store away"
        if fate == "restart":
            feed, turn = fresh()
        clock.time += MINUTE
        readings = turn.ask()
        for reading in readings:
            assert not once or kept.get(reading.start) != reading.flow, "what is kept is not given again"
        if fate == "another's":
            turn.forget()
        elif fate != "lost":
            kept |= {reading.start: reading.flow for reading in readings}
            turn.handed_over()
            turn.list_counters()
    assert kept == said
    assert saved, "and the counters are saved in the end"


def test_a_mistake_with_one_file_keeps_no_other_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for minute in (1, 2, 3):
        (tmp_path / f"{minute}.csv").write_text(row(minute, minute), encoding="utf-8")
    feed = TflScoot(TflScootConfig(path=tmp_path), None, HandClock(NOON + timedelta(hours=1)))
    read = feed._read

    def mistaken(sheet: Any, gathering: Any) -> None:
        if sheet.place == "2.csv":
            raise KeyError("a mistake")
        read(sheet, gathering)

    monkeypatch.setattr(feed, "_read", mistaken)
    assert [reading.flow for reading in feed.readings()] == [1, 3]
    assert [str(one) for one in feed.left_out] == ["2.csv: a fault of this program: KeyError"]
    assert "a fault of this program" in caplog.text
