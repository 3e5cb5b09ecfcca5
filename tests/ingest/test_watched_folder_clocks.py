"""Whatever the recorder's clock says, and whoever looks when: a file of a watched folder is one clip of one time.

filmed, by our clock     10:00      10:01      10:02
named, 5 min ahead       10:05      10:06      10:07
given before a stop      x          x
given after it                                 x
"""

from __future__ import annotations

import os
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch
from zoneinfo import ZoneInfo

from hand_clock import HandClock
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.records import Camera
from ingest.city.config import CityConfig
from ingest.city.health import HealthLog
from ingest.city.source import CitySource
from ingest.feeds import watched_folder
from ingest.feeds.watched_folder import WatchedFolder, WatchedFolderConfig
from ingest.folder import FolderConfig, FolderSource
from ingest.known import Known

TEN = datetime(2026, 6, 10, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
CAMERA = Camera(id="a", name="a", lat=51.5, lon=-0.1, cadence_s=60)


class Folder:
    """A folder on a machine whose clock is the test's: when a file came to it is told by that clock too."""

    def __init__(self, path: Path, timezone: str = "UTC") -> None:
        self.path = path
        self.clock = HandClock(TEN)
        self.config = WatchedFolderConfig(
            kind="watched_folder", name="drop", path=path, cameras=(CAMERA,), whole="renamed", scan_every_s=1,
            pattern="{any}_{camera}_{time}.{suffix}", timezone=timezone,
        )  # fmt: skip
        self.arrived: dict[Path, datetime] = {}

    def put(self, number: int, named: datetime, written: datetime) -> None:
        """A clip comes, `named` in the folder's time zone; its content is its number."""
        local = named.astimezone(ZoneInfo(self.config.timezone))
        path = self.path / f"{number}_a_{local:%Y%m%d_%H%M%S.%f}.mp4"
        path.write_text(str(number))
        ns = (written - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000
        os.utime(path, ns=(ns, ns))
        self.arrived[path] = self.clock.now()

    def feed(self, newest: datetime | None = None) -> WatchedFolder:
        """A process begins; `newest` is what was counted before."""
        feed = WatchedFolder(self.config, self.clock)
        feed.cameras()
        feed.resume({} if newest is None else {"a": newest})
        return feed

    def given(self, feed: WatchedFolder) -> Iterator[tuple[int, datetime]]:
        """All that there is to give now: the number of each clip, and its event time."""
        (listed,) = feed.cameras()
        while (media := feed.fetch(listed, None)) is not None:
            assert media.event_time is not None
            assert media.event_time <= self.clock.now()
            yield int(media.content), media.event_time


@contextmanager
def folder(timezone: str = "UTC") -> Iterator[Folder]:
    with tempfile.TemporaryDirectory() as path:
        made, state = Folder(Path(path), timezone), watched_folder._state

        def state_by_our_clock(file: Path) -> watched_folder._State | None:
            known = state(file)
            return known and replace(known, arrived=made.arrived[file])

        with patch.object(watched_folder, "_state", state_by_our_clock):
            yield made


CLIPS = 20


@settings(max_examples=60, deadline=None)
@given(
    ahead_s=st.one_of(st.integers(-1200, 1200), st.sampled_from([-3600, 3600])),
    time_of=st.sampled_from(["write", "recorder", "nobody"]),
    late=st.dictionaries(st.integers(0, CLIPS - 1), st.integers(1, 10), max_size=4),
    down=st.sets(st.integers(0, CLIPS)),
    cleared=st.booleans(),
)
@example(ahead_s=300, time_of="write", late={}, down={10}, cleared=False)
@example(ahead_s=300, time_of="recorder", late={}, down={10}, cleared=False)
@example(ahead_s=0, time_of="write", late={5: 5}, down={10}, cleared=False)
def test_every_file_is_given_under_one_time_by_whatever_clock_it_is_named(
    ahead_s: int, time_of: str, late: dict[int, int], down: set[int], cleared: bool
) -> None:
    """`late` are clips that come so many minutes after they were filmed, `down` the minutes without a process.

    Its files bear the time at which they were written, what the recorder thinks of it, or none to be believed.
    """
    ahead = timedelta(seconds=ahead_s)
    comes: dict[int, list[int]] = defaultdict(list)
    for number in range(CLIPS):
        comes[number + late.get(number, 0)].append(number)
    given: dict[int, list[datetime]] = defaultdict(list)
    with folder() as drop:
        feed: WatchedFolder | None = None
        for minute in [*range(CLIPS + 10), CLIPS + 90]:
            for number in comes[minute]:
                drop.clock.time = TEN + minute * MINUTE + timedelta(seconds=number)
                written = {"write": drop.clock.now(), "recorder": drop.clock.now() + ahead, "nobody": TEN.replace(1970)}
                drop.put(number, TEN + number * MINUTE + ahead, written[time_of])
            drop.clock.time = TEN + minute * MINUTE + timedelta(seconds=40)
            if minute in down:
                feed = None
                continue
            feed = feed or drop.feed(max((time for times in given.values() for time in times), default=None))
            for number, event_time in drop.given(feed):
                given[number].append(event_time)
                if cleared:
                    next(drop.path.glob(f"{number}_*")).unlink()
    assert sorted(given) == list(range(CLIPS)), "none is lost"
    for number, times in given.items():
        assert len(set(times)) == 1, "and none is counted as two"
        assert len(times) == 1 or (late and not cleared), "only what came late may be given again"
        if time_of == "write" and 0 <= ahead_s < 900:
            filmed, came = (TEN + (number + minutes) * MINUTE for minutes in (0, late.get(number, 0)))
            assert filmed <= times[0] <= max(filmed + ahead, came + MINUTE)
            assert times[0] <= came + MINUTE


AUTUMNS = {
    "Europe/London": (datetime(2026, 10, 25, 0, tzinfo=UTC), 60),
    "America/Havana": (datetime(2026, 11, 1, 4, tzinfo=UTC), 60),  # the hour before one, of which midnight is the start
    "Australia/Lord_Howe": (datetime(2026, 4, 4, 14, 30, tzinfo=UTC), 30),  # half an hour comes twice
}
SPRINGS = {
    "Europe/London": datetime(2026, 3, 29, 1, tzinfo=UTC),
    "America/Havana": datetime(2026, 3, 8, 5, tzinfo=UTC),
    "Australia/Lord_Howe": datetime(2026, 10, 3, 15, 30, tzinfo=UTC),
}


@settings(max_examples=80, deadline=None)
@given(
    zone=st.sampled_from(sorted(AUTUMNS)),
    spring=st.booleans(),
    minutes=st.sets(st.integers(-60, 180), min_size=1, max_size=12),
    ahead=st.floats(-0.3, 0.24),
    late=st.floats(0, 0.44),
)
def test_local_names_are_of_the_hour_in_which_they_were_filmed(
    zone: str, spring: bool, minutes: set[int], ahead: float, late: float
) -> None:
    """A clock is less than a quarter of the repeated time ahead; its being behind and the way here are less than three.

    Live, after a restart and in a replay the clips have their times, none is left out, and both passes are there.
    """
    start, length_min = AUTUMNS[zone]
    length = timedelta(minutes=length_min)
    start = SPRINGS[zone] if spring else start
    with folder(zone) as drop:
        drop.clock.time = start - 3 * 60 * MINUTE
        live, given, named, written = drop.feed(), {}, {}, {}
        for number, minute in enumerate(sorted(minutes)):
            named[number] = start + minute * MINUTE + _whole_ms(ahead * length)
            drop.clock.time = written[number] = start + minute * MINUTE + _whole_ms(late * length)
            drop.put(number, named[number], written[number])
            given |= dict(drop.given(live))
        drop.clock.time += 60 * MINUTE
        given |= dict(drop.given(live))
        assert given == {number: min(named[number], written[number]) for number in named}
        assert dict(drop.given(drop.feed())) == given
        replayed = FolderSource(FolderConfig(path=drop.path, pattern=drop.config.pattern, timezone=zone), [CAMERA])
        assert [clip.event_time for clip in replayed.clips()] == sorted(named.values())
        assert replayed.skipped == ()


def _whole_ms(span: timedelta) -> timedelta:
    return timedelta(milliseconds=span // timedelta(milliseconds=1))


def test_a_local_time_that_was_never_or_twice_is_left_out_and_said() -> None:
    """Of a recorder that knows no summer time, and of a file that was copied long after its hour came twice."""
    with folder("Europe/London") as drop:
        names = ["1_a_20260329_013000.mp4", "2_a_20261025_013000.mp4", "3_a_20261025_030000.mp4"]
        for name in names:
            (drop.path / name).write_text(name[0])
            drop.arrived[drop.path / name] = drop.clock.time = datetime(2026, 10, 25, 9, tzinfo=UTC)
            os.utime(drop.path / name, (drop.clock.now().timestamp(),) * 2)
        assert [number for number, _ in drop.given(drop.feed())] == [3]
        replayed = FolderSource(
            FolderConfig(path=drop.path, pattern=drop.config.pattern, timezone="Europe/London"), [CAMERA]
        )
        never, twice = (left_out.reason for left_out in replayed.skipped)
        assert "2026-03-29 01:30 does not exist in Europe/London" in never
        assert "2026-10-25 01:30 came twice in Europe/London, and it is there only once" in twice
        assert len(replayed) == 1


def test_a_city_counts_no_clip_twice_where_the_recorders_clock_is_ahead() -> None:
    """A clip a minute, five minutes ahead; after ten minutes another process goes on."""
    found: list[tuple[str | None, datetime]] = []
    with folder() as drop:
        known: dict[str, Known] = {}
        for process in range(2):
            config = CityConfig(newest_every_s=5, least_visit_s=1)
            feed = WatchedFolder(drop.config, drop.clock)
            city = CitySource([feed], config, drop.clock, HealthLog(), already=known, seed=1)
            for number in range(process * 10, process * 10 + 10):
                drop.put(number, drop.clock.now() + 5 * MINUTE, drop.clock.now())
                for _ in range(12):
                    drop.clock.sleep(5)
                    while any(runner.step() for runner in city.runners):
                        pass
                    while (clip := city.waiting.take(0)) is not None:
                        assert clip.fault is None
                        city.read(clip)
                        found.append((clip.content, clip.event_time))
            known = {"a": Known(found[-1][1], found[-1][0])}
    assert len(found) == len({content for content, _ in found}) == 20
    assert [event_time for _, event_time in found] == [TEN + number * MINUTE for number in range(20)]


def test_a_time_that_no_calendar_has_stops_no_scan() -> None:
    with folder() as drop:
        drop.put(1, TEN - MINUTE, TEN)
        os.utime(next(drop.path.iterdir()), ns=(0, 2**62))
        assert list(drop.given(drop.feed())) == [(1, TEN - MINUTE)]
