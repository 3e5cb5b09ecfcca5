"""A folder that another program writes into: every file given once, whole, in event time; and nothing in it touched.

scan          1          2          3
size       10 kB      30 kB      30 kB     -> given at scan 3, when it has been as it is for `settle_s`
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hand_clock import HandClock
from hypothesis import given, settings
from hypothesis import strategies as st

from core.records import Camera, Status
from ingest.feed import FetchFailed, ListedCamera
from ingest.feeds import watched_folder
from ingest.feeds.watched_folder import WatchedFolder, WatchedFolderConfig

NOON = datetime(2026, 3, 12, 12, 0, tzinfo=UTC)


class Drop:
    """A folder, its feed of the cameras a and b, and the clock between them."""

    def __init__(self, folder: Path, counted: dict[str, datetime] | None = None, **said: Any) -> None:
        self.folder = folder
        self.clock = HandClock(NOON)
        cameras = [Camera(id=name, name=name, lat=51.5, lon=0.1) for name in ("a", "b")]
        said = {"kind": "watched_folder", "name": "drop", "path": folder, "cameras": cameras, "scan_every_s": 1} | said
        self.config = WatchedFolderConfig(**said)
        self.feed = WatchedFolder(self.config, self.clock, counted=counted)
        self.listed = {camera.id: ListedCamera(camera, str(folder)) for camera in cameras}

    def put(self, minutes: float, content: bytes = b"clip", camera: str = "a", prefix: str = "x_") -> Path:
        at = NOON + timedelta(minutes=minutes)
        path = self.folder / camera / f"{prefix}{int(at.timestamp() * 1000)}.mp4"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (self.clock.now().timestamp(),) * 2)
        return path

    def settle(self) -> None:
        """Look, and look again when what lies there has settled."""
        for _ in range(2):
            self.clock.sleep(10)
            self.feed.newest()

    def given(self, camera: str = "a") -> list[float]:
        """The minutes after noon of all clips that are given now, one after the other."""
        minutes = []
        while (media := self.feed.fetch(self.listed[camera], None)) is not None:
            assert media.event_time is not None
            minutes.append((media.event_time - NOON) / timedelta(minutes=1))
        return minutes


def test_of_several_clips_the_oldest_is_given_first_and_each_once(tmp_path: Path) -> None:
    drop = Drop(tmp_path)
    for minutes in (-5, -15, -10):
        drop.put(minutes)
    drop.put(-7, camera="b")
    drop.settle()
    assert drop.given() == [-15, -10, -5]
    drop.put(-12)  # one that was held up on its way takes its turn all the same
    drop.settle()
    assert drop.given() == [-12]
    assert drop.given("b") == [-7]
    drop.settle()
    assert drop.given() == []
    assert len(list(tmp_path.rglob("*.mp4"))) == 5, "nothing is removed"


def test_a_file_that_is_still_written_is_not_taken(tmp_path: Path) -> None:
    drop = Drop(tmp_path, settle_s=5)
    drop.feed.newest()
    for content in (b"", b"one", b"one two"):
        path = drop.put(-1, content)
        drop.clock.sleep(4)
        assert drop.given() == [], content
    drop.clock.sleep(4)
    assert drop.given() == []
    drop.clock.sleep(2)
    media = drop.feed.fetch(drop.listed["a"], None)
    assert media is not None
    assert media.content == b"one two"
    path.write_bytes(b"one two three")  # its writer had only paused: the whole file comes under the same event time
    drop.settle()
    again = drop.feed.fetch(drop.listed["a"], media.version)
    assert again is not None
    assert (again.content, again.event_time) == (b"one two three", media.event_time)
    assert not again.version.same(media.version)


def test_a_file_that_is_written_to_while_it_is_read_comes_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop = Drop(tmp_path)
    path = drop.put(-1, b"half")
    drop.settle()
    monkeypatch.setattr(drop.feed, "_content", lambda *_: path.write_bytes(b"half and half") and b"half")
    assert drop.feed.fetch(drop.listed["a"], None) is None
    monkeypatch.undo()
    drop.settle()
    media = drop.feed.fetch(drop.listed["a"], None)
    assert media is not None
    assert media.content == b"half and half"


def test_a_file_that_gets_its_name_when_it_is_whole_is_taken_at_once(tmp_path: Path) -> None:
    drop = Drop(tmp_path, whole="renamed")
    (tmp_path / "a").mkdir()
    part = tmp_path / "a" / ".x_1.mp4.part"
    part.write_bytes(b"clip")
    assert drop.given() == []
    drop.clock.sleep(2)
    part.rename(drop.put(-1))
    assert drop.given() == [-1]


def test_after_a_restart_what_was_counted_is_not_given_again(tmp_path: Path) -> None:
    before = Drop(tmp_path, whole="renamed")
    for minutes in (-30, -20, -10):
        before.put(minutes)
    before.put(-30, camera="b")
    after = Drop(tmp_path, whole="renamed", counted={"a": NOON - timedelta(minutes=20)})
    assert (after.given(), after.given("b")) == ([-10], [-30])
    after.put(-25)
    after.clock.sleep(2)
    assert after.given() == [-25], "one that comes only now was not there to be counted"


@pytest.mark.parametrize("cleared", [False, True])
def test_what_came_late_while_nobody_looked_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cleared: bool
) -> None:
    """It is older than the newest one counted; also where that one has been cleared away meanwhile."""
    drop = Drop(tmp_path, whole="renamed", counted={"a": NOON - timedelta(minutes=10)})
    came = {
        drop.put(minutes): NOON + timedelta(minutes=minutes + after)
        for minutes, after in ((-30, 1), (-20, 15), (-10, 1))
    }
    if cleared:
        drop.put(-10).unlink()

    def state_by_our_clock(path: Path, state: Any = watched_folder._state) -> Any:
        return replace(state(path), arrived=came[path])

    monkeypatch.setattr(watched_folder, "_state", state_by_our_clock)
    assert drop.given() == [-20]


def test_an_empty_file_is_said_and_given_once_it_has_content(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    drop = Drop(tmp_path, settle_s=5)
    path = drop.put(-1, b"")
    drop.feed.newest()
    assert caplog.messages == [], "its writer may just have begun"
    drop.settle()
    assert [f"{path.name} is empty (0 bytes)" in line for line in caplog.messages] == [True]
    drop.put(-1, b"clip")
    drop.settle()
    assert drop.given() == [-1]


def test_a_clip_that_is_named_after_now_waits_for_its_time_and_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    drop = Drop(tmp_path, whole="renamed")
    path = drop.put(60)
    assert drop.given() == []
    drop.clock.sleep(59 * 60)
    assert drop.given() == []
    drop.clock.sleep(61)
    assert drop.given() == [60]
    (line,) = caplog.messages
    assert f"{path.name} is named 2026-03-12 13:00:00 UTC, and given then: set the recorder's clock" in line


def test_a_clip_that_is_named_ahead_is_one_of_its_time_of_writing_whatever_becomes_of_it(tmp_path: Path) -> None:
    """Its file is written to again after it was given; a second file of the same name elsewhere is the same clip."""
    drop = Drop(tmp_path, whole="renamed")
    drop.put(5)
    assert drop.given() == [0]
    drop.clock.sleep(60)
    drop.put(5, b"the whole clip")
    drop.put(5, prefix="y_")
    assert drop.given() == [0]


def test_what_is_new_is_told_of_all_cameras_at_once(tmp_path: Path) -> None:
    drop = Drop(tmp_path, whole="renamed")
    assert drop.feed.newest() == {}
    drop.put(-2)
    drop.put(-1)
    drop.clock.sleep(2)
    told = drop.feed.newest()
    assert list(told) == ["a"]
    first = drop.feed.fetch(drop.listed["a"], None)
    assert first is not None
    assert first.version == told["a"]
    assert not drop.feed.newest()["a"].same(first.version), "there is one more"
    second = drop.feed.fetch(drop.listed["a"], first.version)
    assert second is not None
    assert drop.feed.newest()["a"].same(second.version)


def test_what_is_left_out_is_said_in_one_line_and_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    drop = Drop(tmp_path, whole="renamed", backlog_s=3600)
    drop.put(-10)
    drop.put(-10, prefix="y_")
    drop.put(-61)
    drop.put(-1, camera="other")
    (tmp_path / "notes.txt").write_text("not a clip")
    (tmp_path / "a" / "holiday.mp4").write_bytes(b"clip")
    os.mkfifo(tmp_path / "a" / "x_1773316740000.mp4")
    for _ in range(3):
        drop.feed.newest()
        drop.clock.sleep(2)
    (line,) = caplog.messages
    for why in (
        "is older than the backlog",
        "of camera other, which is not configured",
        "is no file",
        "names no camera",
    ):
        assert why in line
    assert drop.given() == [-10]


def test_a_file_that_cannot_be_read_is_said_once_and_holds_up_no_other(tmp_path: Path) -> None:
    drop = Drop(tmp_path, max_bytes=10)
    drop.put(-3, b"far too large a clip")
    gone = drop.put(-2)
    drop.put(-1)
    drop.settle()
    drop.feed.newest()
    gone.unlink()
    with pytest.raises(FetchFailed, match="over the limit of 10") as oversize:
        drop.feed.fetch(drop.listed["a"], None)
    assert oversize.value.status is Status.OVERSIZE
    with pytest.raises(FetchFailed, match="cannot be read: No such file") as cleared:
        drop.feed.fetch(drop.listed["a"], None)
    assert "cleared away" in cleared.value.remedy
    assert drop.given() == [-1]


def test_a_folder_that_is_not_there_is_a_failure_until_it_is(tmp_path: Path) -> None:
    drop = Drop(tmp_path / "later", whole="renamed")
    for ask in (drop.feed.cameras, drop.feed.newest, lambda: drop.feed.fetch(drop.listed["a"], None)):
        with pytest.raises(FetchFailed, match="later does not exist"):
            ask()
    (tmp_path / "later").mkdir()
    drop.put(-1)
    assert [one.camera.id for one in drop.feed.cameras()] == ["a", "b"]
    assert drop.given() == [-1]


def test_what_has_been_cleared_away_is_forgotten(tmp_path: Path) -> None:
    """A recorder that rotates its files for years does not make memory grow."""
    drop = Drop(tmp_path, whole="renamed")
    for minutes in range(-50, 0):
        path = drop.put(minutes)
        drop.clock.sleep(2)
        assert drop.given() == [minutes]
        path.unlink()
    drop.clock.sleep(2)
    drop.feed.newest()
    assert (drop.feed._given, drop.feed._sightings) == ({}, {})


@settings(max_examples=40, deadline=None)
@given(
    steps=st.lists(
        st.one_of(st.tuples(st.just("write"), st.integers(-40, 0)), st.tuples(st.just("take"), st.integers(0, 3))),
        max_size=25,
    )
)
def test_every_file_is_given_exactly_once_in_whatever_order_it_comes(steps: list[tuple[str, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        drop = Drop(Path(folder), whole="renamed")
        written: set[float] = set()
        given: list[float] = []
        for what, number in [*steps, ("take", 99)]:
            drop.clock.sleep(2)
            if what == "write" and number not in written:
                drop.put(number)
                written.add(number)
            for _ in range(number if what == "take" else 0):
                media = drop.feed.fetch(drop.listed["a"], None)
                if media is not None and media.event_time is not None:
                    given.append((media.event_time - NOON) / timedelta(minutes=1))
        assert sorted(given) == sorted(written)


def test_what_another_process_has_given_is_not_given_again(tmp_path: Path) -> None:
    """A camera is taken over when the feed has watched the folder for a while: what is newer is given."""
    drop = Drop(tmp_path)
    for minutes in (-30, -20, -10):
        drop.put(minutes)
        drop.put(minutes, camera="b")
    drop.settle()
    drop.feed.resume({"a": NOON - timedelta(minutes=20)})
    drop.put(-5, content=b"later")
    drop.settle()
    given = [drop.feed.fetch(drop.listed["a"], None) for _ in range(3)]
    assert [None if media is None else media.event_time for media in given] == [
        NOON - timedelta(minutes=10), NOON - timedelta(minutes=5), None,
    ]  # fmt: skip
    other = drop.feed.fetch(drop.listed["b"], None)
    assert other is not None
    assert other.event_time == NOON - timedelta(minutes=30), "nothing was said of this one"
