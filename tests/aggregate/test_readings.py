"""A reading is a pure function of the counts in its window: what it says, and what must not matter."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest
from street_counts import NOON, TOWER, counted, figures, ground
from street_tables import clips_of

from aggregate.density import FOOTPRINT_M2
from aggregate.policy import AggregatePolicy
from aggregate.readings import derive, expected_clips, not_due, while_open
from aggregate.tables import Clips, Spans, moment, text
from core.figures import Shares
from core.records import CountObservation, Reading, Status, Window


def quarter(
    observations: list[CountObservation], clips: Clips | None = None, start: datetime = NOON
) -> dict[str, Reading]:
    """The readings of the quarter of an hour that begins at noon, by series; empty where none was derived."""
    spans = Spans(
        zone=text(["tower:view"]),
        window=text([Window.QUARTER.value]),
        start=np.array([moment(start)]),
        end=np.array([moment(start + timedelta(minutes=15))]),
    )
    clips = clips_of(observations) if clips is None else clips
    table = derive(spans, clips, {"tower:view": TOWER}, AggregatePolicy(), moment(NOON))
    return {reading.series: reading for reading in table.records()}


def minutes(*after: float) -> list[datetime]:
    return [NOON + timedelta(minutes=one) for one in after]


def test_figures_of_three_clips() -> None:
    """
    12:00   12:05   12:10   12:15
    [  2       4       9     )      pedestrians present; largest frame 3, 6, 11; standing 1, 0, 2
    """
    clips = [
        counted(at, figures(pedestrian=n), peak=figures(pedestrian=top), stationary=figures(pedestrian=still))
        for at, n, top, still in zip(minutes(0, 5, 10), (2, 4, 9), (3, 6, 11), (1, 0, 2), strict=True)
    ]
    people = quarter(clips)["people"]
    assert people.mean == 5
    assert people.peak == 11
    assert people.stationary_share == pytest.approx(3 / 15)
    assert people.low is not None
    assert people.high is not None
    assert 0 < people.low < 5 < people.high
    assert (people.clips_counted, people.clips_expected, people.coverage) == (3, 3, 1)
    assert (people.state, people.reason) == ("observed", None)


def reached(at: datetime, cars: float, low: float | None = None, high: float | None = None) -> CountObservation:
    """A clip with so many cars, and the counter's interval of them where its error is known."""
    ends = (None, None) if low is None or high is None else (figures(car=low), figures(car=high))
    return counted(at, figures(car=cars), low=ends[0], high=ends[1], shared=SHARED if ends[0] else None)


SHARED = Shares(people=0.75, vehicles=0.5)
"""Of the counter's error, what clips of an hour share."""


def limits(mean: float, part: float) -> tuple[float, float]:
    """`part` of a standard error below and above, on the scale of the root."""
    return float(np.square(np.sqrt(mean + 3 / 8) - part) - 3 / 8), float(
        np.square(np.sqrt(mean + 3 / 8) + part) - 3 / 8
    )


def test_the_counters_error_widens_the_interval_as_a_second_standard_error() -> None:
    """What the clips err by together, a known share of it, beside their spread: the hypotenuse, below and above."""
    alone = quarter([reached(at, 50) for at in minutes(0, 5, 10)])["vehicles"]
    assert alone.low is not None
    assert alone.high is not None
    both = quarter([reached(at, 50, *limits(50, 2.0)) for at in minutes(0, 5, 10)])["vehicles"]
    low, high = limits(50, SHARED.vehicles * 2.0)
    assert both.mean == 50
    assert both.low == pytest.approx(50 - np.hypot(50 - alone.low, 50 - low), abs=1e-5)
    assert both.high == pytest.approx(50 + np.hypot(alone.high - 50, high - 50), abs=1e-5)


def test_the_counters_error_does_not_average_out() -> None:
    """A whole hour of clips that agree is no nearer to the truth than what the counter errs by in all of them."""
    found = quarter([reached(at, 50, *limits(50, 2.0)) for at in minutes(*range(15))])["vehicles"]
    low, high = limits(50, SHARED.vehicles * 2.0)
    assert found.low is not None
    assert found.high is not None
    assert found.low <= low
    assert found.high >= high
    assert found.low > low - 3, "fifteen clips that agree add little to it"


def test_all_of_an_error_is_shared_where_nobody_says_what_part_is() -> None:
    ends = {"low": figures(car=limits(50, 2.0)[0]), "high": figures(car=limits(50, 2.0)[1])}
    silent = quarter([counted(at, figures(car=50), **ends) for at in minutes(*range(15))])["vehicles"]
    said = quarter([counted(at, figures(car=50), **ends, shared=Shares()) for at in minutes(*range(15))])["vehicles"]
    assert (silent.low, silent.high) == (said.low, said.high)
    assert silent.high is not None
    assert silent.high >= limits(50, 2.0)[1]


def test_a_single_clip_has_the_whole_error_of_the_counter() -> None:
    """It has no spread that any part of it could be in."""
    alone, both = (quarter([reached(NOON, 50, *told)])["vehicles"] for told in ((), limits(50, 2.0)))
    assert alone.high is not None
    assert both.high == pytest.approx(50 + np.hypot(alone.high - 50, limits(50, 2.0)[1] - 50), abs=1e-5)


def test_clips_whose_error_is_not_known_have_no_say_in_it() -> None:
    """The reach is that of the clips that have one, about the mean of all; where none has, the spread alone speaks."""
    plain = [reached(at, n) for at, n in zip(minutes(0, 5, 10), (40, 50, 60), strict=True)]
    known = [*plain[:2], reached(NOON + timedelta(minutes=10), 60, *limits(60, 2.0))]
    between, both = quarter(plain)["vehicles"], quarter(known)["vehicles"]
    assert between.low is not None
    assert between.high is not None
    low, high = limits(50, SHARED.vehicles * 2.0)
    assert both.low == pytest.approx(50 - np.hypot(50 - between.low, 50 - low), abs=1e-5)
    assert both.high == pytest.approx(50 + np.hypot(between.high - 50, high - 50), abs=1e-5)


def test_a_reading_has_the_ground_of_its_clips() -> None:
    """One calibration for all: its area and error, what the vehicles cover, and the mean of the crowded shares."""
    given = [
        counted(at, figures(car=cars, bus=1), ground=ground(200, 0.05, crowded))
        for at, cars, crowded in zip(minutes(0, 5, 10), (1, 2, 3), (0.1, None, 0.2), strict=True)
    ]
    for reading in quarter(given).values():
        assert (reading.area_m2, reading.calibration_error) == (200, 0.05)
        assert reading.crowded_share == pytest.approx(0.15)
        assert reading.vehicles_m2 == pytest.approx(2 * FOOTPRINT_M2["car"] + FOOTPRINT_M2["bus"])


def test_where_the_area_changed_the_density_is_all_people_over_all_square_metres() -> None:
    """
    12:00   12:05   12:10   12:15
    [  2       4       9     )      pedestrians
    [ 100     100     250    )      m2, known to 4, 4 and 8 %: calibrated anew at 12:07
    """
    given = [
        counted(at, figures(pedestrian=n), ground=ground(area, error))
        for at, n, area, error in zip(minutes(0, 5, 10), (2, 4, 9), (100, 100, 250), (0.04, 0.04, 0.08), strict=True)
    ]
    people = quarter(given)["people"]
    assert people.mean is not None
    assert people.area_m2 is not None
    assert people.mean / people.area_m2 == pytest.approx((2 + 4 + 9) / (100 + 100 + 250), rel=1e-6)
    assert people.calibration_error == pytest.approx((4 + 4 + 20) / 450, abs=1e-6), (
        "shared errors are not averaged away"
    )
    assert people.crowded_share is None


def test_half_of_a_window_has_no_ground() -> None:
    """A clip counted without one leaves the window without a density; one that was not counted changes nothing."""
    calibrated = [counted(at, ground=ground(crowded_share=0.1)) for at in minutes(0, 5)]
    later = NOON + timedelta(minutes=10)
    for without in (quarter([*calibrated, counted(later)]), quarter([counted(later)])):
        people = without["people"]
        assert people.mean == 1
        assert people.area_m2 is people.calibration_error is people.vehicles_m2 is people.crowded_share is None
    smeared = quarter([*calibrated, counted(later, status=Status.SMEARED)])["people"]
    assert (smeared.area_m2, smeared.crowded_share) == (250, 0.1)
    nothing = quarter([counted(later, status=Status.SMEARED)])["people"]
    assert nothing.area_m2 is nothing.vehicles_m2 is nothing.crowded_share is None


def test_the_ground_of_the_newest_count_speaks() -> None:
    """A clip is counted again after the camera was calibrated: the density is that of the recount."""
    old = counted(NOON, counted_at=NOON + timedelta(minutes=1))
    new = counted(NOON, ground=ground(80), counted_at=NOON + timedelta(minutes=2))
    assert quarter([old, new])["people"].area_m2 == quarter([new, old])["people"].area_m2 == 80


def test_sums_are_sums_and_an_absent_class_is_a_measured_zero() -> None:
    found = quarter([counted(at, figures(pedestrian=1, cyclist=2, car=3, bus=1)) for at in minutes(0, 5, 10)])
    assert found["people"].mean == 3
    assert found["vehicles"].mean == 4
    assert found["truck"].mean == 0
    assert found["truck"].low == 0
    assert found["truck"].high is not None
    assert found["truck"].high > 0


def test_the_share_that_stands_still_is_no_more_than_all() -> None:
    assert quarter([counted(NOON, figures(car=1), stationary=figures(car=1.5))])["car"].stationary_share == 1


def test_the_share_that_stands_still_is_unknown_where_no_one_is_there_or_no_one_can_tell() -> None:
    clips = [counted(at, figures(pedestrian=4), stationary=figures(pedestrian=2)) for at in minutes(0, 5)]
    assert quarter(clips)["vehicles"].stationary_share is None
    table = clips_of(clips)
    table.stationary[0] = np.nan  # a single frame cannot tell who stood still: only the other clip speaks
    assert quarter([], table)["people"].stationary_share == 0.5
    table.stationary[:] = np.nan
    assert quarter([], table)["people"].stationary_share is None


BAD = {"P": Status.PLACEHOLDER, "S": Status.SMEARED, "M": Status.MOVED_VIEW}


@pytest.mark.parametrize(
    ("clips", "state", "reason"),
    [
        ("ok ok ok", "observed", None),
        ("ok ok ok ok", "observed", None),
        ("ok S -", "partial", "1 of 3 clips counted; 1 smeared, 1 not received"),
        ("ok ok -", "partial", "2 of 3 clips counted; 1 not received"),
        ("ok ok ok S", "observed", "3 of 4 clips counted; 1 smeared"),
        ("P P P", "missing", "placeholder (3 of 3 clips)"),
        ("P P -", "missing", "placeholder (2 of 3 clips), 1 not received"),
        ("P S P", "missing", "0 of 3 clips counted; 2 placeholder, 1 smeared"),
        ("M M M", "missing", "moved view (3 of 3 clips)"),
    ],
)
def test_state_and_reason(clips: str, state: str, reason: str | None) -> None:
    """`-` is a clip that did not come; four clips may fall in a quarter where the camera is a little fast."""
    given = [
        counted(at, status=BAD.get(kind, Status.OK))
        for at, kind in zip(minutes(0, 4, 8, 12), clips.split(), strict=False)
        if kind != "-"
    ]
    people = quarter(given)["people"]
    assert (people.state, people.reason) == (state, reason)
    assert (people.mean is None) == (state == "missing")
    assert people.coverage == min(1, round(people.clips_counted / 3, 6))


def test_a_window_without_clips_has_no_reading() -> None:
    assert quarter([counted(NOON - timedelta(microseconds=1)), counted(NOON + timedelta(minutes=15))]) == {}


def test_the_newest_count_of_a_clip_speaks_whatever_it_says() -> None:
    """Two models, one clip: never both."""
    old = counted(NOON, figures(car=4), model="a@1", counted_at=NOON + timedelta(minutes=1))
    new = counted(NOON, figures(car=6), model="b@1", counted_at=NOON + timedelta(minutes=2))
    assert quarter([old, new])["vehicles"].mean == 6
    assert quarter([new, old])["vehicles"].clips_counted == 1
    found_bad = counted(NOON, status=Status.SMEARED, model="c@1", counted_at=NOON + timedelta(minutes=3))
    assert quarter([found_bad, new, old])["vehicles"].reason == "smeared (1 of 3 clips), 2 not received"
    at_once = counted(NOON, figures(car=9), model="d@1", counted_at=new.counted_at)
    assert quarter([at_once, new]) == quarter([new, at_once])


def test_order_duplicates_and_other_windows_do_not_matter() -> None:
    rng = np.random.default_rng(7)
    clips = [counted(at, figures(pedestrian=float(rng.gamma(1, 3)))) for at in minutes(*range(-15, 30))]
    want = quarter(clips)
    for _ in range(5):
        shuffled = [clips[row] for row in rng.permutation(len(clips))]
        assert quarter(shuffled + shuffled[:10]) == want


@pytest.mark.parametrize(
    ("width_s", "cadence_s", "clips"),
    [
        (900, 300, 3),
        (900, 600, 1),  # one or two fall in a quarter: the one that always does is expected
        (300, 600, 1),  # one or none: where one fell, it is the whole of what was due
        (900, 240, 3),
        (60, 300, 1),
        (82_800, 300, 276),  # a day of 23 hours
        (90_000, 300, 300),
        (0.3, 0.1, 3),  # 0.3 / 0.1 is 2.9999999999999996
    ],
)
def test_expected_are_the_clips_that_always_fall_in_a_window_and_at_least_one(
    width_s: float, cadence_s: float, clips: int
) -> None:
    assert expected_clips(np.array([width_s]), np.array([cadence_s])).tolist() == [clips]


@pytest.mark.parametrize(
    ("reason", "counted_clips", "said"),
    [
        (None, 3, None),
        ("smeared (3 of 3 clips)", 0, "smeared (3 of 3 clips)"),  # all are in: nothing is pending
        ("no clip received", 0, "window still open: 0 of 3 clips so far"),
        ("2 of 3 clips counted; 1 not received", 2, "window still open: 2 of 3 clips so far"),
        ("1 of 3 clips counted; 1 smeared, 1 not received", 1, "window still open: 1 of 3 clips so far; 1 smeared"),
        (not_due(600), 0, "window still open: no clip in this window: the camera gives one every 10 min"),
        ("dark (1 of 3 clips), 2 not received", 0, "window still open: 0 of 3 clips so far; dark (1 of 3 clips)"),
    ],
)
def test_an_open_window_does_not_call_clips_missing_that_are_not_due(
    reason: str | None, counted_clips: int, said: str | None
) -> None:
    assert while_open(reason, counted_clips, 3) == said


@pytest.mark.parametrize(
    ("cadence_s", "said"), [(600, "10 min"), (90, "90 s"), (7200, "2 h"), (0.5, "0.5 s"), (86_400, "24 h")]
)
def test_the_cadence_is_told_in_the_unit_that_fits(cadence_s: float, said: str) -> None:
    assert not_due(cadence_s) == f"no clip in this window: the camera gives one every {said}"


def test_clips_that_another_camera_sent_of_the_zone_are_not_its_own() -> None:
    """The zone was another camera's before: what that one saw does not mix with what this one sees."""
    clips = [counted(NOON, figures(car=2)), counted(NOON + timedelta(minutes=5), figures(car=8), camera="old")]
    table = clips_of(clips)
    table.zone[:] = "tower:view"
    found = quarter([], table)["vehicles"]
    assert (found.mean, found.clips_counted) == (2, 1)
