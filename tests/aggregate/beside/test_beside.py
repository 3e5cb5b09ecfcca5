"""Loops meet cameras: known answers of Little's law, drift found and not invented, figures that stand in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregate.beside.drift import LIMIT, daily_ratio, drift
from aggregate.beside.gain import Gain, gain
from aggregate.beside.pairing import BesidePolicy, LoopPair, pairings
from aggregate.beside.stand_in import estimated, flow_of_present, present_of_flow
from aggregate.beside.time_base import flow_on
from aggregate.tables import LoopTable, text
from core.ground import LocalFrame
from core.loops import LoopCounter
from core.records import Camera, Zone, ZoneKind

HOUR = np.timedelta64(3600, "s")
START = np.datetime64("2017-03-09T00:00", "us")


def loops(*rows: tuple[str, float, float, float | None]) -> LoopTable:
    """(counter, start and end in minutes, flow)."""
    counter, begin, end, flow = zip(*rows, strict=True) if rows else ((), (), (), ())
    minutes = [
        np.array([START + np.timedelta64(int(at * 60), "s") for at in edge], "datetime64[us]") for edge in (begin, end)
    ]
    return LoopTable(
        counter=text(list(counter)), series=text(["vehicles"] * len(counter)), start=minutes[0], end=minutes[1],
        flow=np.array([np.nan if one is None else one for one in flow], dtype=np.float64),
        occupancy=np.full(len(counter), np.nan), reason=text([None] * len(counter)),
    )  # fmt: skip


def quarters(count: int) -> np.ndarray:
    return START + np.arange(count) * np.timedelta64(900, "s")


class TestFlowOnWindows:
    def test_minutes_are_added_up_and_told_by_the_hour(self) -> None:
        table = loops(*(("a", minute, minute + 1, 10.0) for minute in range(15)))
        flow = flow_on(table, ["a"], quarters(2), 900)
        assert flow.per_hour[0] == pytest.approx(600.0)
        assert np.isnan(flow.per_hour[1])
        assert flow.coverage == pytest.approx([1.0, 0.0])

    def test_what_is_missing_of_a_window_is_not_a_lower_flow(self) -> None:
        twelve = loops(*(("a", minute, minute + 1, 10.0) for minute in range(12)))
        assert flow_on(twelve, ["a"], quarters(1), 900).per_hour[0] == pytest.approx(600.0)
        eleven = loops(*(("a", minute, minute + 1, 10.0) for minute in range(11)))
        assert np.isnan(flow_on(eleven, ["a"], quarters(1), 900).per_hour[0])

    def test_a_faulty_counter_makes_the_sum_unknown(self) -> None:
        table = loops(("a", 0, 15, 100.0), ("b", 0, 15, None))
        assert np.isnan(flow_on(table, ["a", "b"], quarters(1), 900).per_hour[0])
        assert flow_on(table, ["a"], quarters(1), 900).per_hour[0] == pytest.approx(400.0)

    def test_an_interval_over_the_edge_is_shared_by_its_time(self) -> None:
        table = loops(("a", 0, 10, 10.0), ("a", 10, 20, 40.0), ("a", 20, 30, 10.0))
        assert flow_on(table, ["a"], quarters(2), 900).per_hour == pytest.approx([120.0, 120.0])

    def test_what_says_nothing_hides_no_figure(self) -> None:
        """A row without a figure, or wider than the window, leaves the place to the publisher's other row for it."""
        figures = [("a", 0, 15, 100.0), ("a", 15, 30, 100.0)]
        for empty in (("a", 0, 14, None), ("a", 0, 60, 400.0), ("a", 0, 60, None)):
            flow = flow_on(loops(empty, *figures), ["a"], quarters(2), 900)
            assert flow.per_hour == pytest.approx([400.0, 400.0])
        twice = flow_on(loops(("a", 0, 14, 90.0), *figures), ["a"], quarters(2), 900)
        assert twice.per_hour == pytest.approx([90.0 / 14 * 60, 400.0])

    def test_an_hour_says_nothing_of_a_quarter(self) -> None:
        assert np.isnan(flow_on(loops(("a", 0, 60, 600.0)), ["a"], quarters(4), 900).per_hour).all()

    @given(st.lists(st.integers(0, 59), unique=True, min_size=1), st.integers(0, 2**31))
    def test_vehicles_are_neither_lost_nor_doubled(self, minutes: list[int], seed: int) -> None:
        counted = np.random.default_rng(seed).poisson(8, len(minutes)).astype(float)
        table = loops(*(("a", at, at + 1, flow) for at, flow in sorted(zip(minutes, counted, strict=True))))
        flow = flow_on(table, ["a"], START + np.arange(1) * HOUR, 3600)
        if not np.isnan(flow.per_hour[0]):
            assert flow.per_hour[0] * flow.coverage[0] == pytest.approx(counted.sum())


def street(days: int, seconds: float, seed: int) -> tuple[np.ndarray, ...]:
    """(present, per_hour, day, hour) of a street where each vehicle stays so many seconds: sampled as clips do."""
    random = np.random.default_rng(seed)
    hour = np.tile(np.arange(24), days)
    per_hour = random.poisson(300 + 250 * np.sin((hour - 6) / 24 * 2 * np.pi)).astype(float)
    present = random.poisson(15 * per_hour * seconds / 3600 * random.gamma(20, 1 / 20, len(hour))) / 15
    return present, per_hour, np.repeat(np.arange(days), 24), hour


class TestGain:
    def test_known_answer(self) -> None:
        """5 days of 10 hours: 360 vehicles an hour and 2 present are 20 s; one day of 3 present is (4*2+3)/5 of it."""
        per_hour = np.full(50, 360.0)
        present = np.repeat([2.0, 2.0, 2.0, 2.0, 3.0], 10)
        found = gain(present, per_hour, np.repeat(np.arange(5), 10), np.tile(np.arange(10), 5))
        assert found.seconds == pytest.approx(22.0)
        # e_d = 10 * (N - 2.2) = -2, -2, -2, -2, 8; se = sqrt(5/4 * 80) / 18000 h = 2 s; t(4, 95 %) = 2.1318
        assert found.low == pytest.approx(22.0 * np.exp(-2.131847 * 2 / 22), rel=1e-6)

    def test_the_interval_holds_the_truth_nine_times_in_ten(self) -> None:
        held = 0
        for seed in range(300):
            found = gain(*street(12, 14.0, seed))
            assert isinstance(found, Gain)
            held += found.low <= 14.0 <= found.high
        assert 0.86 <= held / 300 <= 0.95

    def test_little_together_is_no_gain(self) -> None:
        present, per_hour, day, hour = street(4, 14.0, 1)
        assert "48 hours of 5 days are needed" in str(gain(present, per_hour, day, hour))
        assert "the loop has counted no vehicle" in str(
            gain(*street(9, 14.0, 1)[:1], np.zeros(9 * 24), *street(9, 14.0, 1)[2:])
        )

    def test_queues_of_the_evening_have_their_own(self) -> None:
        present, per_hour, day, hour = street(28, 14.0, 3)
        found = gain(np.where(hour == 17, 2 * present, present), per_hour, day, hour)
        assert found.by_hour[17] == pytest.approx(28, rel=0.15)
        assert found.by_hour[10] == pytest.approx(14, rel=0.15)


class TestDrift:
    def test_a_camera_that_loses_a_quarter_is_found_and_dated(self) -> None:
        present, per_hour, day, hour = street(56, 14.0, 2)
        by_hour = gain(np.where(day < 28, present, np.nan), per_hour, day, hour).by_hour
        found = drift(daily_ratio(np.where(day >= 40, 0.75 * present, present), per_hour, day, hour, by_hour), 28)
        assert found.alarm
        assert abs(found.since - 40) <= 2
        assert found.low <= 0.75 <= found.high

    def test_a_change_of_the_traffic_alone_is_none(self) -> None:
        present, per_hour, day, hour = street(56, 14.0, 2)
        by_hour = gain(np.where(day < 28, present, np.nan), per_hour, day, hour).by_hour
        more = np.where(day >= 40, 1.5, 1.0)
        assert not drift(daily_ratio(more * present, more * per_hour, day, hour, by_hour), 28).alarm

    def test_false_alarms_are_rare(self) -> None:
        """A quarter of a year without any change, days alike to a fifth: one camera in a hundred may ring."""
        random = np.random.default_rng(7)
        rings = 0
        for _ in range(1000):
            noise = random.normal(0, 0.08, 28 + 91)
            noise[1:] += 0.2 * noise[:-1]
            rings += drift(noise, 28).alarm
        assert rings <= 10, f"{rings} of 1000 at H = {LIMIT}"

    def test_few_days_are_said(self) -> None:
        assert "14 are needed" in str(drift(np.zeros(20), 10))
        assert "no day after" in str(drift(np.zeros(20), 20))


class TestStandIn:
    def test_the_interval_holds_what_was_not_seen(self) -> None:
        present, per_hour, day, hour = street(70, 14.0, 5)
        learnt = day < 56
        by_hour = gain(np.where(learnt, present, np.nan), per_hour, day, hour).by_hour
        estimate = estimated(present_of_flow(per_hour, hour, by_hour), np.where(learnt, present, np.nan))
        inside = (estimate.low <= present) & (present <= estimate.high)
        assert 0.85 <= inside[~learnt].mean() <= 0.95
        back = estimated(flow_of_present(present, hour, by_hour), np.where(learnt, per_hour, np.nan))
        inside = (back.low <= per_hour) & (per_hour <= back.high)
        assert 0.85 <= inside[~learnt].mean() <= 0.95

    def test_what_neither_says_is_not_filled(self) -> None:
        present, per_hour, _, hour = street(14, 14.0, 5)
        per_hour[100] = np.nan
        by_hour = np.full(24, 14.0)
        assert np.isnan(estimated(present_of_flow(per_hour, hour, by_hour), present).value[100])


class TestPairing:
    camera = Camera(
        id="c", name="c", lat=51.5, lon=-0.1,
        zones=(
            Zone(id="c:road", name="road", kind=ZoneKind.CARRIAGEWAY),
            Zone(id="c:path", name="path", kind=ZoneKind.PAVEMENT),
        ),
    )  # fmt: skip
    near = LoopCounter(id="near", name="near", lat=51.5003, lon=-0.1, source="SCOOT")
    far = LoopCounter(id="far", name="far", lat=51.51, lon=-0.1, source="SCOOT")
    lost = LoopCounter(id="lost", name="lost", source="SCOOT")

    def test_what_is_near_stands_beside_what_is_driven_on(self) -> None:
        (found,) = pairings([self.camera], [self.near, self.far, self.lost], BesidePolicy())
        assert (found.zone.zone.id, found.counters) == ("c:road", ("near",))
        assert found.distance_m == pytest.approx(33.4, abs=0.5)

    def test_a_city_is_not_measured_through_for_every_zone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """2,700 zones and thousands of loops: only those on its level are measured."""
        city = [LoopCounter(id=f"{at}", name="x", lat=51.3 + at / 1000, lon=-0.1, source="SCOOT") for at in range(2000)]
        measured = []
        metres = LocalFrame.metres
        monkeypatch.setattr(LocalFrame, "metres", lambda *asked: measured.append(asked) or metres(*asked))
        (found,) = pairings([self.camera], [*city, self.near], BesidePolicy())
        assert found.counters == ("200", "near")
        assert len(measured) < 20

    def test_what_an_operator_says_goes_before_nearness(self) -> None:
        policy = BesidePolicy(pairs=(LoopPair(zone="c:road", counters=("far", "lost")),))
        (found,) = pairings([self.camera], [self.near, self.far, self.lost], policy)
        assert (found.counters, found.distance_m) == (("far", "lost"), None)

    def test_a_zone_is_paired_once(self) -> None:
        with pytest.raises(ValueError, match="stands in two pairs"):
            BesidePolicy(pairs=(LoopPair(zone="a", counters=("x",)), LoopPair(zone="a", counters=("y",))))
