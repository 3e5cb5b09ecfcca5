"""`make bench-views` tells for how long a camera was wrongly left uncounted, and when a new view is noticed and left.

what a person saw   street      house       card   house   street
clips decided       ok m m ok   ok m f      c      m       m ok      (m: moved view, f: frozen, c: card)
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from views import by_clip, false_alarms, moved_clips, real_excursions, street_clips_not_counted, told_of
from watched_days.deciding import Decided, Period
from watched_days.turned import Excursion

from core.records import ClipReady, Status
from detect.scene import SIGNATURE_LENGTH, KnownView, Look, Scene

MIDNIGHT = datetime(2026, 3, 12, tzinfo=UTC)
STATUSES = {"o": Status.OK, "m": Status.MOVED_VIEW, "f": Status.FROZEN, "c": Status.PLACEHOLDER}
DAY = "ommoomfcmmo"
VIEWS = 4 * ["street"] + 3 * ["house"] + ["placeholder", "house"] + 2 * ["street"]


def at(number: int) -> datetime:
    return MIDNIGHT + timedelta(minutes=10 * number)


def scene(views: int) -> Scene:
    look = Look(signature="A" * SIGNATURE_LENGTH, seen_at=MIDNIGHT)
    return Scene(views=tuple(KnownView(epoch=n, counted=n == 0, looks=(look,), since=MIDNIGHT) for n in range(views)))


def day(statuses: str, *, second_view_from: int) -> list[Decided]:
    return [
        Decided(
            clip=ClipReady(camera="a", event_time=at(number), location=f"{number}.mp4"),
            status=STATUSES[letter],
            known=None,
            shift_px=0.0,
            scene=scene(1 + (number >= second_view_from)),
        )
        for number, letter in enumerate(statuses)
    ]


def seen(views: Sequence[str]) -> list[Period]:
    return [Period("a", at(number), at(number), view) for number, view in enumerate(views)]


def test_a_false_alarm_is_told_with_its_clips() -> None:
    days = {"a": day(DAY, second_view_from=99)}
    assert false_alarms(days, seen(VIEWS)) == {"a": 2}
    assert street_clips_not_counted(days, seen(VIEWS)) == {"a": {"moved_view": 3}}


def test_a_camera_that_is_suspended_all_day_is_one_alarm_of_all_its_clips() -> None:
    days = {"a": day("o" + "m" * 9 + "f", second_view_from=99)}
    assert false_alarms(days, seen(["street"] * 11)) == {"a": 1}
    assert street_clips_not_counted(days, seen(["street"] * 11)) == {"a": {"moved_view": 9, "frozen": 1}}


def test_a_moved_clip_that_is_found_otherwise_is_told_apart() -> None:
    found = moved_clips({"a": day(DAY, second_view_from=99)}, seen(VIEWS))
    assert found == {Status.OK: 1, Status.MOVED_VIEW: 2, Status.FROZEN: 1}


def test_an_excursion_tells_when_it_was_noticed_and_when_the_street_was_counted_again() -> None:
    """A card in between does not end it."""
    excursions = real_excursions({"a": day(DAY, second_view_from=9)}, seen(VIEWS))
    assert excursions == [Excursion(noticed=2, counted=1, became_a_view=True, resumed=2)]


def test_an_excursion_may_never_be_noticed_nor_end() -> None:
    excursions = real_excursions({"a": day("ooffmm", second_view_from=99)}, seen(2 * ["street", "house", "house"][:3]))
    assert excursions[0] == Excursion(noticed=None, counted=1, became_a_view=False, resumed=None)


def test_excursions_are_told_by_the_clip_at_which_they_were_noticed() -> None:
    never = Excursion(noticed=None, counted=3, became_a_view=False, resumed=None)
    soon = Excursion(noticed=1, counted=0, became_a_view=True, resumed=1)
    late = Excursion(noticed=2, counted=1, became_a_view=True, resumed=11)
    assert told_of([late, never, soon, soon]) == {
        "times": 4,
        "noticed_at_clip": {"1": 2, "2": 1, "never": 1},
        "clips_counted": 4,
        "became_a_view": 3,
        "resumed_at_clip": {"1": 2, "11": 1, "never": 1},
    }
    assert list(by_clip([None, 3, 1])) == ["1", "3", "never"]
