"""A feed's word of what is new: it spares requests while it can be believed, and costs no clip when it cannot."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random

import pytest
from city_double import START, Publisher, Run, failing
from hand_clock import HandClock
from hypothesis import given
from hypothesis import strategies as st

from core.health import CameraState
from core.records import Status
from ingest.city.config import CityConfig
from ingest.city.newest import Newest
from ingest.city.watch import LOOK_EARLY_EVERY
from ingest.feed import ListedCamera, Media, Version

HOUR = 3600.0


@dataclass
class Stoppable(Publisher):
    """A publisher whose word of what is new can stop while its media go on.

    With `by_what_was_fetched` it names by its own clock and says, where that is not newer than what was fetched last,
    the version of that; so does Digitraffic's.
    """

    lists_newest: bool = True
    stopped: bool = False
    by_what_was_fetched: bool = False
    word: dict[str, Version] = field(default_factory=dict)
    fetched: dict[str, Version] = field(default_factory=dict)

    def newest(self) -> dict[str, Version]:
        self.fault("*newest")
        if not self.stopped:
            self.word = {name: self.version(name) for name in self.names}
        if not self.by_what_was_fetched:
            return self.word
        return {
            name: self.fetched[name]
            if name in self.fetched and self.fetched[name].modified >= version.modified
            else Version(modified=version.modified)
            for name, version in self.word.items()
        }

    def fetch(self, listed: ListedCamera, known: Version | None) -> Media | None:
        media = super().fetch(listed, known)
        if media is not None:
            self.fetched[listed.camera.id] = media.version
        return media


def a_run(**publisher: object) -> tuple[Stoppable, Run]:
    double = Stoppable(HandClock(START), **publisher)
    run = Run(double)
    run.go(HOUR)
    double.fetches.clear()
    run.clips.clear()
    return double, run


def enough(clips: int, cadence_s: float) -> int:
    """Requests for so many clips. A fast camera is looked at early sooner than the next word comes."""
    return clips + 1 + (clips // LOOK_EARLY_EVERY if cadence_s < 120 else 0)


@pytest.mark.parametrize("by_what_was_fetched", [False, True])
@pytest.mark.parametrize("cadence_s", [60.0, 240.0, 600.0])
def test_while_it_tells_what_is_new_nothing_is_asked_for_in_vain(by_what_was_fetched: bool, cadence_s: float) -> None:
    double, run = a_run(by_what_was_fetched=by_what_was_fetched, cadence_s=cadence_s)
    run.go(2 * HOUR)
    counted = [clip for clip in run.clips if clip.fault is None]
    assert len(counted) >= 3 * (2 * HOUR / cadence_s - 1)
    assert len(double.fetches) <= enough(len(counted), cadence_s)
    assert run.city.runners[0].newest.behind == 0


@pytest.mark.parametrize("by_what_was_fetched", [False, True])
@pytest.mark.parametrize("cadence_s", [60.0, 240.0, 600.0])
def test_one_that_stops_costs_no_clip_and_is_said_once(
    by_what_was_fetched: bool, cadence_s: float, caplog: pytest.LogCaptureFixture
) -> None:
    double, run = a_run(by_what_was_fetched=by_what_was_fetched, cadence_s=cadence_s)
    double.stopped, began = True, run.clock.now()
    run.go(3 * HOUR)
    for camera in double.names:
        times = [clip.event_time for clip in run.counted(camera) if clip.event_time > began]
        assert all(later - earlier == timedelta(seconds=cadence_s) for earlier, later in pairwise(times))
        assert len(times) >= 3 * HOUR / cadence_s - 3
    assert {clip.fault.status for clip in run.clips if clip.fault} <= {Status.SKIPPED}, (
        "never that the feed has stopped"
    )
    assert CameraState.STALE not in {event.state for event in run.events}
    counted = [clip for clip in run.clips if clip.fault is None]
    assert len(double.fetches) <= 1.6 * len(counted), "asked when they are due, and not at every word"
    assert caplog.text.count("is behind") == 1
    assert run.city.runners[0].newest.behind == 3
    double.stopped = False
    run.go(HOUR / 2)
    double.fetches.clear()
    run.clips.clear()
    run.go(HOUR)
    assert caplog.text.count("is believed again") == 1
    assert run.city.runners[0].newest.behind == 0
    assert len(double.fetches) <= enough(len([clip for clip in run.clips if clip.fault is None]), cadence_s)


def test_a_camera_that_has_stopped_itself_is_asked_once_a_cadence() -> None:
    double, run = a_run()
    double.frozen["a"] = double.number("a")
    run.go(4 * HOUR)
    asked = [time for time, camera in double.fetches if camera == "a"]
    assert 50 <= len(asked) <= 65, "sixty cadences"
    assert {clip.fault.status for clip in run.faults("a")} == {Status.FROZEN}
    assert len(run.faults("a")) in (58, 59, 60)
    assert run.city.runners[0].newest.behind == 0


def test_a_word_that_goes_back_and_stays_there_is_followed_once() -> None:
    """A copy that is hours old, of which every version differs from what the cameras give."""
    double, run = a_run()
    double.word, double.stopped = {name: Version(f"{name}-old") for name in double.names}, True
    run.go(2 * HOUR)
    counted = [clip for clip in run.clips if clip.fault is None]
    assert len(counted) >= 3 * 29
    assert len(double.fetches) <= 1.3 * len(counted)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=40))
def test_it_is_behind_after_two_clips_in_a_row_that_it_had_not_told_of(answers: list) -> None:
    word: dict[str, Version] = {}
    double = Publisher(HandClock(START))
    double.newest = lambda: word
    newest = Newest(double, CityConfig(), Random(1))
    untold = 0
    for number, (tells, new) in enumerate(answers):
        known = Version(f"known {number}")
        word = {"a": Version(f"word {number}") if tells else known}
        assert newest.ask()
        assert newest.tells("a", known) is tells
        question = newest.question("a", known)
        newest.answered("a", question, new=new)
        assert newest.tells("a", known) is False, "it has been followed"
        untold = untold if not new else 0 if tells else untold + 1
        assert newest.behind == (untold >= 2)
        assert newest.denies("a", known) is (not tells and untold < 2)


def test_one_that_cannot_be_had_is_not_behind() -> None:
    double, run = a_run()
    double.fault = failing("*newest")
    run.go(HOUR)
    assert len(run.counted("a")) >= 14
    assert run.city.runners[0].newest.behind == 0


@pytest.mark.parametrize("after_s", range(0, 240, 20))
def test_once_it_cannot_be_had_nobody_waits_for_what_it_would_have_said(after_s: int) -> None:
    """What it had told last, that there is nothing new, is of before: a camera is asked when its next clip is there."""
    double, run = a_run()
    run.go(after_s)
    double.fault, gone = failing("*newest"), double.clock.now()
    arrived: dict[tuple[str, datetime], datetime] = {}
    for _ in range(100):
        run.go(5.0)
        for clip in run.clips:
            arrived.setdefault((clip.camera, clip.event_time), double.clock.now())
    there = {clip: clip[1] + timedelta(seconds=double.lag_s) for clip in arrived}
    waited_s = [(at - there[clip]).total_seconds() for clip, at in arrived.items() if there[clip] >= gone]
    assert len(waited_s) >= 6
    assert max(waited_s) <= 40, "30 s from one question to the next, and this test's steps of 5 s"


def test_the_log_says_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    double, run = a_run()
    double.stopped = True
    run.go(HOUR)
    (line,) = [record.getMessage() for record in caplog.records if "behind" in record.getMessage()]
    assert line.startswith("double: its word of what is new is behind: camera ")
