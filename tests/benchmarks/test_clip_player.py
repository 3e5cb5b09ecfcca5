"""What plays clips into a cluster plays each once, at the pace that was asked for, and no faster than it is borrowed.

And what `make bench-capacity` makes of it: its rate, what waited, and what became of every clip.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from capacity import Looks, Row, middle_rate, most_waiting, settled
from hand_clock import HandClock
from local_cluster.clip_player import ClipPlayer
from local_cluster.workers import processor_s

from core.bus import CLIPS, MemoryBus
from core.records import Camera, ClipReady, Status
from ingest.feed import ListedCamera, Media, Version
from ingest.lending.loans import Loans

NOON = datetime(2026, 3, 12, 12, tzinfo=UTC)
CAMERAS = [
    ListedCamera(Camera(id=name, name=name, lat=51.5, lon=-0.1, cadence_s=60), f"http://double/{name}.mp4")
    for name in ("a", "b", "c")
]


class Publisher:
    """A feed whose cameras have their next clip ready `pause_s` after the last was fetched."""

    name = "double"
    choice = "all"

    def __init__(self, clock: HandClock, *, size: int = 100, pause_s: float = 0.0) -> None:
        self._clock = clock
        self._size = size
        self._pause_s = pause_s
        self._numbers = count(1)
        self._newest: dict[str, tuple[Version, datetime]] = {}

    def cameras(self) -> Sequence[ListedCamera]:
        return CAMERAS

    def newest(self) -> Mapping[str, Version] | None:
        return None

    def fetch(self, listed: ListedCamera, known: Version | None) -> Media | None:
        before = self._newest.get(listed.camera.id)
        if before is not None and self._clock.now() < before[1] + timedelta(seconds=self._pause_s):
            assert before[0].same(known), "it asks for what it does not have"
            return None
        version = Version(etag=str(next(self._numbers)))
        self._newest[listed.camera.id] = version, self._clock.now()
        return Media(f"{version.etag}".encode() * self._size, None, version)


class BorrowingClock(HandClock):
    """While somebody sleeps, a worker fetches what is lent to it."""

    def __init__(self, now: datetime, loans: Loans, bus: MemoryBus) -> None:
        super().__init__(now)
        self._loans = loans
        self._clips = bus.subscribe(CLIPS, group="detect")
        self.most_waiting = 0

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self.most_waiting = max(self.most_waiting, self._loans.waiting)
        for clip in self._clips.poll(1, 0.0):
            assert self._loans.ask(clip.content or "") is not None


@pytest.fixture
def clock() -> HandClock:
    return HandClock(NOON)


@pytest.fixture
def bus() -> MemoryBus:
    return MemoryBus(capacity=100)


def player_of(clock: HandClock, bus: MemoryBus, loans: Loans, feed: Publisher) -> ClipPlayer:
    return ClipPlayer(feed, CAMERAS, bus, loans, location="http://lender/clips/{}".format, clock=clock)


def told(bus: MemoryBus) -> Sequence[ClipReady]:
    return bus.subscribe(CLIPS, group="detect").poll(100, 0.0)


def test_every_clip_is_told_of_once_in_turn_and_lent_under_its_hash(clock: HandClock, bus: MemoryBus) -> None:
    loans = Loans(1, 600.0, clock)
    player = player_of(clock, bus, loans, Publisher(clock))
    player.play(4)
    player.play(2)
    clips = told(bus)
    assert [clip.camera for clip in clips] == ["a", "b", "c", "a", "b", "c"]
    assert clips == player.played
    assert len({clip.content for clip in clips}) == 6
    for clip in clips:
        content = loans.ask(clip.content or "")
        assert content is not None
        assert (hashlib.sha256(content).hexdigest()[:32], len(content)) == (clip.content, clip.size_bytes)
        assert clip.location == f"http://lender/clips/{clip.content}"


def test_it_waits_for_the_next_clip_of_a_camera(clock: HandClock, bus: MemoryBus) -> None:
    player = player_of(clock, bus, Loans(1, 600.0, clock), Publisher(clock, pause_s=0.5))
    player.play(6)
    begun = [clip.event_time for clip in player.played]
    assert len({clip.content for clip in player.played}) == 6
    assert begun[3] - begun[0] >= timedelta(seconds=0.5)


def test_the_pace_is_kept_and_a_clip_begins_when_it_is_told_of(clock: HandClock, bus: MemoryBus) -> None:
    player_of(clock, bus, Loans(1, 600.0, clock), Publisher(clock)).play(9, per_s=4.0)
    assert [(clip.event_time - NOON).total_seconds() for clip in told(bus)] == [number / 4 for number in range(9)]


def test_it_lends_no_more_than_there_is_room_for(bus: MemoryBus) -> None:
    loans = Loans(1, 600.0, HandClock(NOON))
    clock = BorrowingClock(NOON, loans, bus)
    player_of(clock, bus, loans, Publisher(clock, size=200_000)).play(9)
    assert clock.most_waiting == 3  # the third fills the half of a megabyte that may wait
    assert len({clip.content for clip in told(bus)}) == 3  # of nine


def test_the_rate_is_that_of_the_middle_eight_tenths() -> None:
    slow_at_both_ends = [0.0, 50.0, *(60.0 + 0.5 * number for number in range(17)), 80.0, 120.0]
    rate, began, ended = middle_rate([NOON + timedelta(seconds=at) for at in slow_at_both_ends])
    assert rate == pytest.approx(2.0)
    assert [(at - NOON).total_seconds() for at in (began, ended)] == [60.0, 68.0]


def test_what_waited_at_once_was_told_and_not_stored() -> None:
    spans = [(0, 10), (1, 2), (2, 9), (3, 9), (9, 12)]
    assert most_waiting([(NOON + timedelta(seconds=told), NOON + timedelta(seconds=at)) for told, at in spans]) == 3


def test_a_clip_that_nobody_counted_is_lost_and_a_second_count_doubles() -> None:
    rows = [Row("a", content, Status.OK, NOON) for content in ("1", "2", "2", "stray")]
    rows += [Row("b", "3", Status.SKIPPED, NOON), Row("b", "4", Status.DARK, NOON)]
    figures = settled(rows, {"1", "2", "3", "4", "5"})
    assert (figures["lost"], figures["doubled"]) == (2, 2)
    assert figures["statuses"] == {Status.OK: 4, Status.SKIPPED: 1, Status.DARK: 1}


def test_processor_time_between_looks_is_interpolated() -> None:
    looks = Looks([NOON.timestamp() + at for at in (0, 10, 20)], {"detect": [1.0, 3.0, 13.0]})
    assert looks.between("detect", NOON + timedelta(seconds=5), NOON + timedelta(seconds=15)) == pytest.approx(6.0)


def test_processor_time_is_that_of_children_too_also_when_they_have_ended() -> None:
    before = processor_s(os.getpid())
    subprocess.run([sys.executable, "-c", "sum(range(3_000_000))"], check=True)
    assert processor_s(os.getpid()) > before
