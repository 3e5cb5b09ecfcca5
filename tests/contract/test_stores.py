"""Every store keeps the same promises. An adapter is added by a line in `STORES`; an exemption names its reason."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from aggregate.day_so_far import DaysSoFar
from aggregate.duckdb_store import DuckDBStore
from aggregate.health import state_ranges
from aggregate.history import History
from aggregate.moments import NUMBERS
from aggregate.postgres_store import PostgresStore
from aggregate.store import Store
from aggregate.tables import ReadingTable, Spans, moment, text
from aggregate.usual.baselines import ROLLING, BaselineState, BaselineTable
from aggregate.windows import WIDTH_S
from core.errors import ConfigError
from core.figures import SERIES, Figures, Gains, Shares
from core.ground import ObservedGround
from core.health import CameraState, HealthEvent
from core.loops import LoopCounter, LoopReading
from core.records import Camera, CountObservation, Lighting, Status, TrustState, Window, Zone, observation_id


@contextmanager
def duckdb_file(request: pytest.FixtureRequest) -> Iterator[Store]:
    with closing(DuckDBStore.open(request.getfixturevalue("tmp_path") / "busyness.duckdb")) as store:
        yield store


@contextmanager
def duckdb_memory(_: pytest.FixtureRequest) -> Iterator[Store]:
    with closing(DuckDBStore.open(None)) as store:
        yield store


@contextmanager
def postgres(request: pytest.FixtureRequest) -> Iterator[Store]:
    server = request.getfixturevalue("postgres_server")
    config = server.config()
    with closing(PostgresStore.open(config)) as store:
        yield store
    server.drop(config)


STORES = [duckdb_file, duckdb_memory, pytest.param(postgres, marks=pytest.mark.service)]
NOON = datetime(2017, 3, 9, 12, 0, 0, 123456, tzinfo=UTC)
EVER = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
QUARTER = timedelta(minutes=15)
ONE, OTHER = "1" * 32, "2" * 32


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    with request.param(request) as opened:
        yield opened


def camera(name: str, *zones: str) -> Camera:
    return Camera(id=name, name=f"Camera {name}", lat=51.5, lon=0, zones=tuple(Zone(id=z, name=z) for z in zones))


def observation(
    minutes: float,
    number: float = 1.5,
    *,
    camera: str = "a",
    model: str = "m@1",
    after_s: float = 60,
    ok: bool = True,
    content: str | None = None,
    ground: ObservedGround | None = None,
) -> CountObservation:
    at = NOON + timedelta(minutes=minutes)
    figures = Figures.of([number + step / 3 for step in range(len(SERIES))])
    zone = f"{camera}:view"
    return CountObservation(
        id=observation_id(camera, zone, at, model),
        camera=camera,
        zone=zone,
        event_time=at,
        duration_s=9.96,
        status=Status.OK if ok else Status.SMEARED,
        reason=None if ok else 'rows repeat, "smeared"; Umlaut ü',
        frames=8 if ok else 0,
        present=figures if ok else None,
        peak=figures if ok else None,
        spread=figures if ok else None,
        stationary=figures if ok else None,
        low=Figures.of([figures.get(name) / 3 for name in SERIES]) if ok else None,
        high=Figures.of([figures.get(name) * 3 for name in SERIES]) if ok else None,
        lighting=Lighting.NIGHT if ok else None,
        gain=Gains(people=1.1, vehicles=1 / 3) if ok else None,
        shared=Shares(people=0.7, vehicles=1 / 7) if ok else None,
        calibration=f"{camera}/2" if ok else None,
        ground=ground if ok else None,
        view_epoch=2,
        content=content,
        model=model,
        counted_at=at + timedelta(seconds=after_s),
    )


def readings(
    *starts: datetime,
    mean: float = 1.0,
    revision: int = 1,
    derived_at: datetime = NOON,
    window: Window = Window.QUARTER,
) -> ReadingTable:
    """Readings of zone a:view; every second one is missing."""
    rows = len(starts)
    missing = np.arange(rows) % 2 == 1
    figures = np.where(missing[:, None], np.nan, mean + np.arange(len(SERIES)) / 7)
    begins = np.array([moment(start) for start in starts], dtype="datetime64[us]")
    return ReadingTable(
        series=SERIES,
        zone=text(["a:view"] * rows),
        camera=text(["a"] * rows),
        window=text([window.value] * rows),
        start=begins,
        end=begins + np.timedelta64(WIDTH_S[window], "s"),
        mean=figures,
        low=figures / 2,
        high=figures * 2,
        peak=figures,
        stationary_share=np.full_like(figures, np.nan),
        area_m2=np.where(missing, np.nan, 700 / 3),
        calibration_error=np.where(missing, np.nan, 1 / 30),
        vehicles_m2=np.where(missing, np.nan, mean / 7),
        crowded_share=np.full(rows, np.nan),
        coverage=np.where(missing, 0.0, 1.0),
        clips_counted=np.where(missing, 0, 3),
        clips_expected=np.full(rows, 3),
        state=text([TrustState.MISSING.value if gone else TrustState.OBSERVED.value for gone in missing]),
        reason=text(["dark (3 of 3 clips)" if gone else None for gone in missing]),
        revision=np.full(rows, revision),
        derived_at=np.full(rows, moment(derived_at)),
    )


def spans(*starts: datetime) -> Spans:
    table = readings(*starts)
    return Spans(zone=table.zone, window=table.window, start=table.start, end=table.end)


def asked(store: Store, **more: object) -> ReadingTable:
    wanted = {"window": Window.QUARTER, "series": SERIES, "start": EVER[0], "end": EVER[1], **more}
    found = store.readings(**wanted)  # type: ignore[arg-type]
    return found.take(np.argsort(found.start))


def test_a_new_store_knows_nothing(store: Store) -> None:
    assert store.cameras() == []
    assert store.extent() is None
    assert store.watermark("a") is None
    assert store.watermarks() == {}
    assert store.observations("a:view", *EVER) == []
    assert store.zones_between(*EVER) == {}
    assert len(asked(store)) == 0
    assert len(store.camera_states()) == 0
    assert len(store.clips(spans())) == 0
    assert len(store.current_readings(spans())) == 0
    assert store.upsert_observations([]) == []
    assert store.last_contents() == {}
    store.save_health([])
    assert store.health(*EVER) == store.health_now() == []
    store.save_counters([])
    assert store.counters() == []
    assert store.save_loops([]) == 0
    assert len(store.loops(*EVER)) == 0
    assert store.loop_extent() is None
    assert np.isnan(past(store).value).all()
    assert len(store.baselines(ROLLING)) == 0
    assert store.baselines_version() == store.baselines_version()


def test_cameras_come_back_as_they_were_saved_by_id(store: Store) -> None:
    store.save_cameras([camera("b", "b:1", "b:2"), camera("a")])
    moved = camera("b", "b:1").model_copy(update={"lat": 60.17, "timezone": "Europe/Helsinki"})
    store.save_cameras([camera("a"), moved])
    assert store.cameras() == [camera("a"), moved]


def test_saved_cameras_are_those_of_now_and_no_others(store: Store) -> None:
    """What is stored of a camera that is no longer configured stays, out of the answers, until it is back."""
    store.save_cameras([camera("a"), camera("b")])
    store.upsert_observations([observation(0), observation(5, camera="b")])
    store.save_cameras([camera("a")])
    assert store.cameras() == [camera("a")]
    assert store.extent() == (NOON, NOON)
    assert len(store.observations("b:view", *EVER)) == 1
    store.save_cameras([])
    assert store.cameras() == []
    assert store.extent() is None
    store.save_cameras([camera("b"), camera("a")])
    assert store.cameras() == [camera("a"), camera("b")]
    assert store.extent() == (NOON, NOON + timedelta(minutes=5))


def test_a_camera_may_be_renamed_and_keep_its_zones(store: Store) -> None:
    store.save_cameras([camera("a", "pavement"), camera("b", "road")])
    store.save_cameras([camera("c", "pavement"), camera("b", "road")])
    assert store.cameras() == [camera("b", "road"), camera("c", "pavement")]


def test_two_cameras_may_not_share_a_zone(store: Store) -> None:
    store.save_cameras([camera("a", "pavement")])
    with pytest.raises(ConfigError, match=r"'pavement' belongs to camera a and to camera b.*b:pavement"):
        store.save_cameras([camera("a", "pavement"), camera("b", "pavement")])
    assert [one.id for one in store.cameras()] == ["a"]


def test_observations_come_back_exactly_as_they_were(store: Store) -> None:
    kept = [observation(0, 1 / 3, content=ONE), observation(5, ok=False), observation(10, 0.1 + 0.2)]
    assert store.upsert_observations(kept[::-1]) == kept[::-1]
    assert store.observations("a:view", *EVER) == kept
    assert store.observations("a:view", NOON, NOON + timedelta(minutes=10)) == kept[:2]
    assert store.observations("b:view", *EVER) == []


GROUND = ObservedGround(plane="a/0123abcd", area_m2=700 / 3, area_error=1 / 30, crowded_share=0.1 + 0.2)


def test_observations_keep_the_ground_that_they_were_counted_on(store: Store) -> None:
    walked, driven = (
        observation(0, ground=GROUND),
        observation(5, ground=GROUND.model_copy(update={"crowded_share": None})),
    )
    kept = [walked, driven, observation(10)]
    store.upsert_observations(kept)
    assert store.observations("a:view", *EVER) == kept
    clips = store.clips(spans(NOON))
    order = np.argsort(clips.event_time)
    nan = pytest.approx(np.nan, nan_ok=True)
    assert clips.area_m2[order].tolist() == [700 / 3, 700 / 3, nan]
    assert clips.area_error[order].tolist() == [1 / 30, 1 / 30, nan]
    assert clips.crowded_share[order].tolist() == [0.1 + 0.2, nan, nan]


def test_the_newest_count_of_an_id_is_kept_whatever_comes_first(store: Store) -> None:
    old, new = observation(0, 1), observation(0, 2, after_s=90)
    assert store.upsert_observations([old]) == [old]
    assert store.upsert_observations([old]) == []
    assert store.upsert_observations([new, old]) == [new]
    assert store.upsert_observations([old]) == []
    assert store.observations("a:view", *EVER) == [new]


def test_counts_made_at_one_time_end_alike_in_any_order(store: Store) -> None:
    one, other = observation(0, 1), observation(0, 2)
    store.upsert_observations([one])
    store.upsert_observations([other])
    kept = store.observations("a:view", *EVER)
    store.upsert_observations([other, one])
    store.upsert_observations([one])
    assert store.observations("a:view", *EVER) == kept


def test_two_models_are_two_rows(store: Store) -> None:
    store.upsert_observations([observation(0, model="m@1"), observation(0, model="n@1")])
    assert len(store.observations("a:view", *EVER)) == 2


def test_watermark_and_extent_follow_event_time(store: Store) -> None:
    store.save_cameras([camera("a"), camera("b")])
    store.upsert_observations([observation(5), observation(3, camera="b")])
    store.upsert_observations([observation(-60), observation(2, camera="b", ok=False)])
    at = [NOON + timedelta(minutes=minutes) for minutes in (-60, 3, 5)]
    assert store.watermark("a") == at[2]
    assert store.watermarks() == {"a": at[2], "b": at[1]}
    assert store.watermarks(["b", "c"]) == {"b": at[1]}
    assert store.extent() == (at[0], at[2])
    assert store.zones_between(NOON, at[2]) == {"b:view": "b"}


def test_the_extent_of_then_is_that_of_the_readings_of_then(store: Store) -> None:
    """A recount replaces an observation and the time it was counted at; readings remember."""
    later = NOON + timedelta(hours=1)
    minutes = [NOON + timedelta(minutes=step) for step in (0, 1, 2)]
    store.save_cameras([camera("a")])
    store.upsert_observations([observation(step, after_s=7200) for step in (0, 1, 2)])
    store.save_readings(readings(*minutes[:2], window=Window.MINUTE, derived_at=NOON))
    store.save_readings(readings(minutes[2], window=Window.MINUTE, derived_at=later))
    store.save_readings(readings(minutes[0], window=Window.MINUTE, revision=2, derived_at=later))
    store.save_readings(readings(NOON - QUARTER, derived_at=NOON))
    assert store.extent(as_of=NOON) == (minutes[0], minutes[1])
    assert store.extent(as_of=later) == (minutes[0], minutes[2])
    assert store.extent(as_of=NOON - timedelta(microseconds=1)) is None
    store.save_cameras([])
    assert store.extent(as_of=later) is None


def test_clips_hold_what_falls_in_the_spans(store: Store) -> None:
    store.upsert_observations(
        [observation(0, 2), observation(14, ok=False), observation(3, camera="b"), observation(60)]
    )
    clips = store.clips(spans(NOON))
    order = np.argsort(clips.event_time)
    assert clips.zone.tolist() == ["a:view", "a:view"]
    assert clips.status[order].tolist() == ["ok", "smeared"]
    assert clips.present[order][0].tolist() == [2 + step / 3 for step in range(9)]
    assert clips.high[order][0].tolist() == [(2 + step / 3) * 3 for step in range(9)]
    assert np.isnan(clips.present[order][1]).all()


def days(*zones: str, hours: float = 2, first: int = 0) -> DaysSoFar:
    """Of each zone of a camera, its day up to some hours after noon."""
    rows = len(zones)
    return DaysSoFar(
        zone=text([f"{zone}:view" for zone in zones]),
        camera=text(zones),
        start=np.array([moment(NOON)] * rows, dtype="datetime64[us]"),
        through=np.array([moment(NOON + timedelta(hours=hours))] * rows, dtype="datetime64[us]"),
        moments=first + np.arange(rows * NUMBERS).reshape(rows, NUMBERS) * 10**12,
    )


def noted(store: Store, *zones: str) -> list[str]:
    """Of which of the zones something is noted."""
    return sorted(store.days_so_far([f"{zone}:view" for zone in zones]).camera)


def test_days_so_far_come_back_as_they_were_noted(store: Store) -> None:
    store.note_days(days("a", "b", "c"))
    store.note_days(days("b", hours=3, first=7))
    found = store.days_so_far(["b:view", "a:view", "nowhere"])
    found = found.take(np.argsort(found.zone.astype(str)))
    assert (found.zone.tolist(), found.camera.tolist()) == (["a:view", "b:view"], ["a", "b"])
    assert found.start.tolist() == [NOON.replace(tzinfo=None)] * 2
    assert found.through.tolist() == [(NOON + timedelta(hours=hours)).replace(tzinfo=None) for hours in (2, 3)]
    assert np.array_equal(found.moments, np.stack([days("a").moments[0], days("b", first=7).moments[0]]))
    store.forget_days(["a:view", "c:view"])
    assert noted(store, "a", "b", "c") == ["b"]
    assert len(store.days_so_far([])) == 0


def test_what_is_noted_of_a_time_is_let_go_of_with_the_next_observation_of_it(store: Store) -> None:
    """And by no other: not of the day before, of what was not noted yet, of another zone, or one that is stored."""
    for zone in "abc":
        store.upsert_observations([observation(90, camera=zone), observation(300, camera=zone)])
    store.note_days(days("a", "b", "c"))
    store.upsert_observations([observation(90), observation(-1), observation(120), observation(301)])
    assert noted(store, "a", "b", "c") == ["a", "b", "c"]
    store.upsert_observations([observation(-2), observation(119.9), observation(400)])
    store.upsert_observations([observation(90, 2.5, camera="c", after_s=61)])
    assert noted(store, "a", "b", "c") == ["b"]


def test_a_failed_transaction_takes_notes_back(store: Store) -> None:
    store.upsert_observations([observation(300)])
    store.note_days(days("a"))

    def fail() -> None:
        with store.transaction():
            store.upsert_observations([observation(1)])
            store.note_days(days("b"))
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fail()
    assert noted(store, "a", "b") == ["a"]


def test_readings_come_back_as_they_were_saved(store: Store) -> None:
    starts = [NOON + QUARTER * step for step in range(4)]
    saved = readings(*starts)
    store.save_readings(saved)
    assert asked(store).records() == saved.records()
    assert asked(store, series=("people", "car")).series == ("people", "car")
    assert asked(store, series=("people",)).mean[0, 0] == saved.mean[0, SERIES.index("people")]
    assert len(asked(store, start=starts[1], end=starts[3])) == 2
    assert len(asked(store, zones=["b:view"])) == 0
    assert len(asked(store, zones=["a:view", "b:view"])) == 4
    assert len(asked(store, window=Window.HOUR)) == 0
    assert len(store.current_readings(spans(starts[2], starts[3] + QUARTER))) == 1


def test_a_reading_of_the_same_revision_is_replaced(store: Store) -> None:
    store.save_readings(readings(NOON, mean=1))
    store.save_readings(readings(NOON, mean=5, derived_at=NOON + QUARTER))
    assert asked(store).mean[:, 0].tolist() == [5]


def test_revisions_stay_and_answer_as_of(store: Store) -> None:
    hours = [NOON + timedelta(hours=step) for step in range(4)]
    for revision in (1, 2, 3):
        store.save_readings(readings(NOON, mean=revision, revision=revision, derived_at=hours[revision]))
    assert asked(store).mean[:, 0].tolist() == [3]
    assert store.current_readings(spans(NOON)).revision.tolist() == [3]
    assert asked(store, as_of=hours[2]).mean[:, 0].tolist() == [2]
    assert asked(store, as_of=hours[2] - timedelta(microseconds=1)).revision.tolist() == [1]
    assert len(asked(store, as_of=hours[0])) == 0


def test_readings_of_each_width_are_kept_apart(store: Store) -> None:
    """They begin at the same moment, and each is replaced, revised and asked for alone."""
    hour = NOON + timedelta(hours=1)
    for width, mean in ((Window.QUARTER, 2), (Window.HOUR, 3), (Window.DAY, 4)):
        table = readings(NOON, mean=mean, window=Window.HOUR if width is Window.DAY else width)
        store.save_readings(replace(table, window=text([width.value])))
    store.save_readings(readings(NOON, mean=9, revision=2, window=Window.HOUR, derived_at=hour))
    found = {width: asked(store, window=width).mean[:, 0].tolist() for width in Window}
    assert found == {"1m": [], "5m": [], "15m": [2], "60m": [9], "1d": [4]}
    both = Spans(
        zone=text(["a:view"] * 3),
        window=text(["15m", "60m", "5m"]),
        start=np.full(3, moment(NOON)),
        end=np.full(3, moment(hour)),
    )
    current = store.current_readings(both)
    assert dict(zip(current.window, current.mean[:, 0], strict=True)) == {"15m": 2, "60m": 9}


EIGHT = datetime(2017, 3, 9, 8, tzinfo=UTC)


def past(store: Store, *zones: str, steps: int = 4, window: Window = Window.QUARTER) -> History:
    end = EIGHT + steps * timedelta(seconds=WIDTH_S[window])
    return store.history(
        window=window, series="people", start=EIGHT, end=end, zones=zones or ("a:view",), timezone="Europe/London"
    )


PEOPLE = SERIES.index("people") / 7
"""How far people are above the mean of the first series in `readings`."""


def test_the_past_is_the_newest_means_by_zone_and_step_and_never_filled_in(store: Store) -> None:
    store.save_readings(readings(*(EIGHT + step * QUARTER for step in range(-1, 5)), mean=2))
    store.save_readings(readings(EIGHT + 2 * QUARTER, mean=5, revision=2))
    store.save_readings(readings(EIGHT, mean=77, window=Window.HOUR))
    many = readings(EIGHT + 3 * QUARTER, mean=1)
    store.save_readings(replace(many, zone=text(["b:view"]), clips_counted=np.array([300])))
    found = past(store, "none", "b:view", "a:view")
    nan = np.nan
    levels = [[nan] * 4, [nan, nan, nan, 1 + PEOPLE], [nan, 2 + PEOPLE, nan, 2 + PEOPLE]]
    # The second of each two readings is missing, so that those at -1, 1 and 3 quarters are there; 2 is there anew.
    levels[2][2] = 5 + PEOPLE
    assert found.value.dtype == np.float32
    np.testing.assert_array_equal(found.value, np.array(levels, dtype=np.float32))
    np.testing.assert_array_equal(found.clips, [[0, 0, 0, 0], [0, 0, 0, 255], [0, 3, 3, 3]])
    assert (found.series, found.zones, found.timezone) == ("people", ("none", "b:view", "a:view"), "Europe/London")
    assert (found.step_s, found.starts[0], found.end) == (900, moment(EIGHT), moment(EIGHT + 4 * QUARTER))
    np.testing.assert_array_equal(past(store, steps=1, window=Window.HOUR).value, np.float32([[77 + PEOPLE]]))
    assert past(store, steps=0).value.shape == (1, 0)


def test_the_past_of_a_zone_is_that_of_the_camera_it_belongs_to_now(store: Store) -> None:
    """Another camera saw another place, though the zone had the same name then."""
    other = replace(readings(EIGHT + QUARTER, mean=7), camera=text(["b"]))
    store.save_cameras([camera("a", "a:view")])
    store.save_readings(readings(EIGHT))
    store.save_readings(other)
    assert np.isnan(past(store).value).tolist() == [[False, True, True, True]]
    store.save_cameras([camera("b", "a:view")])
    assert np.isnan(past(store).value).tolist() == [[True, False, True, True]]
    store.save_cameras([])
    assert np.isnan(past(store).value).tolist() == [[False, False, True, True]]


def test_the_past_is_seen_inside_the_transaction_that_writes_it(store: Store) -> None:
    with store.transaction():
        store.save_readings(readings(EIGHT))
        assert not np.isnan(past(store).value[0, 0])
        store.save_readings(readings(EIGHT + QUARTER))
    assert not np.isnan(past(store).value[0, :2]).any()


def test_a_past_begins_with_a_window_and_has_no_days(store: Store) -> None:
    for start, window in ((EIGHT + timedelta(minutes=1), Window.QUARTER), (EIGHT, Window.DAY)):
        with pytest.raises(ValueError, match="no such window"):
            store.history(window=window, series="people", start=start, end=EVER[1], zones=["a"], timezone="UTC")


MONDAY = datetime(2017, 3, 6, tzinfo=UTC)
WEEK = timedelta(weeks=1)


def baselines(
    *zones: str,
    until: datetime = MONDAY,
    level: float = 1.0,
    series: str = "people",
    reference: str = ROLLING,
    model: str = "weekly/1",
    built_at: datetime = NOON,
) -> BaselineTable:
    """Fitted baselines of zones; the last of several has too little history."""
    known = np.arange(len(zones)) < max(1, len(zones) - 1)
    states = np.where(known, BaselineState.OK.value, BaselineState.INSUFFICIENT_HISTORY.value).astype(object)
    parameters = level + np.arange(len(zones) * 5, dtype=np.float32).reshape(-1, 5) / 7
    parameters[:, 1] = np.nan
    parameters[~known] = np.nan
    return BaselineTable(
        model=model,
        reference=reference,
        zone=text(zones),
        series=text([series] * len(zones)),
        since=np.full(len(zones), moment(until - 8 * WEEK)),
        until=np.full(len(zones), moment(until)),
        built_at=np.full(len(zones), moment(built_at)),
        weeks=np.where(known, 8.0, np.nan),
        state=states,
        reason=text([None if one else "one week of its own, 3 are needed" for one in known]),
        parameters=parameters,
    )


def assert_alike(found: BaselineTable, expected: BaselineTable) -> None:
    assert (found.model, found.reference) == (expected.model, expected.reference)
    for name, column in expected._columns().items():
        np.testing.assert_array_equal(getattr(found, name), column, err_msg=name)


def test_baselines_come_back_as_they_were_saved_by_zone_and_series(store: Store) -> None:
    people, vehicles = baselines("b", "a", "z"), baselines("a", level=7, series="vehicles")
    store.save_baselines(people)
    store.save_baselines(vehicles)
    assert_alike(store.baselines(ROLLING, series=["people"]), people.take(np.array([1, 0, 2])))
    assert_alike(store.baselines(ROLLING, series=["vehicles"]), vehicles)
    assert store.baselines(ROLLING).series.tolist() == ["people", "vehicles", "people", "people"]
    assert store.baselines(ROLLING, zones=["z", "b", "none"]).zone.tolist() == ["b", "z"]
    assert len(store.baselines(ROLLING, zones=[])) == 0
    assert store.baselines(ROLLING).parameters.dtype == np.float32
    short = store.baselines(ROLLING, zones=["z"])
    assert (short.state.tolist(), np.isnan(short.parameters).all()) == (["insufficient_history"], True)


def test_the_baseline_in_force_is_the_newest_that_ended_before_else_the_oldest(store: Store) -> None:
    for week in (1, 0, 2):
        store.save_baselines(baselines("a", "b", until=MONDAY + week * WEEK, level=week))
    store.save_baselines(baselines("c", until=MONDAY + 2 * WEEK, level=2))

    def levels(at: datetime | None) -> list[float]:
        return store.baselines(ROLLING, at=at, zones=["a", "c"]).parameters[:, 0].tolist()

    assert levels(None) == [2, 2]
    assert levels(MONDAY + WEEK) == [1, 2]
    assert levels(MONDAY + WEEK - timedelta(microseconds=1)) == [0, 2]
    assert levels(MONDAY - WEEK) == [0, 2]
    assert levels(MONDAY + 9 * WEEK) == [2, 2]

    def between(since: datetime, at: datetime | None) -> list[tuple[str, float]]:
        found = store.baselines(ROLLING, since=since, at=at, zones=["a", "c"])
        return list(zip(found.zone, found.parameters[:, 0].tolist(), strict=True))

    assert between(MONDAY + WEEK, MONDAY + 3 * WEEK) == [("a", 1), ("a", 2), ("c", 2)]
    assert between(MONDAY, MONDAY + 2 * WEEK - timedelta(microseconds=1)) == [("a", 0), ("a", 1), ("c", 2)]
    assert between(MONDAY - WEEK, None) == [("a", 0), ("a", 1), ("a", 2), ("c", 2)]


def test_the_baselines_in_force_between_two_moments_come_by_zone_and_until(store: Store) -> None:
    """
    a    0|------ 1|------ 2|------      MONDAY, a week later, two weeks later
    c                      2|------
    """
    for week in (1, 0, 2):
        store.save_baselines(baselines("a", until=MONDAY + week * WEEK, level=week))
    store.save_baselines(baselines("c", until=MONDAY + 2 * WEEK, level=2))

    def levels(since: datetime, at: datetime | None) -> list[tuple[str, float]]:
        found = store.baselines(ROLLING, since=since, at=at)
        return list(zip(found.zone.tolist(), found.parameters[:, 0].tolist(), strict=True))

    hour = timedelta(hours=1)
    assert levels(MONDAY + hour, MONDAY + WEEK + hour) == [("a", 0), ("a", 1), ("c", 2)]
    assert levels(MONDAY + WEEK, None) == [("a", 1), ("a", 2), ("c", 2)]
    assert levels(MONDAY - WEEK, MONDAY - hour) == [("a", 0), ("c", 2)]
    assert levels(MONDAY + hour, MONDAY + hour) == [("a", 0), ("c", 2)]


def test_a_baseline_of_the_same_until_is_replaced_and_named_references_are_their_own(store: Store) -> None:
    store.save_baselines(baselines("a", "b", "c", level=1))
    store.save_baselines(baselines("a", level=5))
    store.save_baselines(baselines("a", level=9, reference="before lockdown"))
    assert store.baselines(ROLLING).parameters[:, 0].tolist()[:2] == [5, pytest.approx(1 + 5 / 7)]
    assert store.baselines("before lockdown").parameters[:, 0].tolist() == [9]
    assert len(store.baselines("never heard of")) == 0


def test_baselines_of_the_model_that_was_built_last_speak(store: Store) -> None:
    """A table is of one model: after an upgrade the older ones are passed over until they are built anew."""
    store.save_baselines(baselines("a", "b", until=MONDAY + WEEK, model="weekly/1", built_at=NOON))
    store.save_baselines(baselines("a", level=3, model="weekly/2", built_at=NOON + WEEK))
    found = store.baselines(ROLLING)
    assert (found.model, found.zone.tolist(), found.parameters[:, 0].tolist()) == ("weekly/2", ["a"], [3])


def test_another_model_may_have_had_more_parameters_and_none_may_be_known(store: Store) -> None:
    store.save_baselines(baselines("a", "b", model="weekly/1", built_at=NOON))
    short = baselines("a", "b", level=3, model="weekly/2", built_at=NOON + WEEK)
    short = replace(short, parameters=short.parameters[:, :3])
    store.save_baselines(short)
    assert_alike(store.baselines(ROLLING), short)
    unknown = baselines("a", "b", "c", reference="young", built_at=NOON).take(np.array([2]))
    store.save_baselines(unknown)
    found = store.baselines("young")
    assert (found.state.tolist(), found.parameters.shape) == (["insufficient_history"], (1, 0))


def test_the_version_of_baselines_changes_when_they_are_saved_and_not_when_that_failed(store: Store) -> None:
    before = store.baselines_version()
    store.save_baselines(baselines("a"))
    saved = store.baselines_version()
    assert saved != before
    store.save_baselines(baselines())
    store.save_readings(readings(NOON))
    assert store.baselines_version() == saved

    def fail_half_way() -> None:
        with store.transaction():
            store.save_baselines(baselines("a", level=2))
            assert store.baselines_version() != saved
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fail_half_way()
    assert store.baselines_version() == saved
    assert store.baselines(ROLLING).parameters[0, 0] == 1


def test_camera_states_tell_the_newest_clip_and_the_newest_count(store: Store) -> None:
    store.upsert_observations([observation(0), observation(5, ok=False), observation(3, camera="b", ok=False)])
    states = store.camera_states().set_index("camera")
    assert states.loc["a", "last_event_time"].to_pydatetime() == NOON + timedelta(minutes=5)
    assert states.loc["a", ["last_status", "last_reason"]].tolist() == ["smeared", 'rows repeat, "smeared"; Umlaut ü']
    assert states.loc["a", "last_counted"].to_pydatetime() == NOON
    assert states["last_counted"].isna().tolist() == [False, True]


def test_camera_states_follow_recounts_in_any_order(store: Store) -> None:
    """The newest count of the newest clip speaks, and a count that is taken back is no longer the last one."""
    first, newest, other = observation(0), observation(5), observation(5, model="n@1", after_s=70)
    taken_back = observation(5, ok=False, after_s=90)
    with store.transaction():
        for counts in ([newest], [taken_back, newest], [other], [first]):
            store.upsert_observations(counts)
    state = store.camera_states().iloc[0]
    assert (state["last_status"], state["last_counted"].to_pydatetime()) == ("smeared", newest.event_time)
    store.upsert_observations([observation(5, model="n@1", ok=False, after_s=80)])
    state = store.camera_states().iloc[0]
    assert (state["last_status"], state["last_counted"].to_pydatetime()) == ("smeared", first.event_time)
    store.upsert_observations([observation(5, after_s=95)])
    state = store.camera_states().iloc[0]
    assert (state["last_status"], state["last_counted"].to_pydatetime()) == ("ok", newest.event_time)
    store.upsert_observations([observation(5, model="n@1", ok=False, after_s=99), observation(-5, ok=False)])
    state = store.camera_states().iloc[0]
    assert (state["last_status"], state["last_counted"].to_pydatetime()) == ("smeared", newest.event_time)


def test_the_last_content_of_a_camera_is_that_of_its_newest_clip_with_one_whatever_comes_first(store: Store) -> None:
    counts = [
        observation(0, content=ONE),
        observation(5, content=OTHER),
        observation(10),
        observation(3, camera="b", content=ONE, ok=False),
        observation(9, camera="c"),
    ]
    last = {"a": (NOON + timedelta(minutes=5), OTHER), "b": (NOON + timedelta(minutes=3), ONE)}
    for count in counts[::-1]:
        store.upsert_observations([count])
    assert store.last_contents() == last
    store.upsert_observations([observation(-5, content=ONE), *counts])
    assert store.last_contents() == last
    store.upsert_observations([observation(5, content=ONE, after_s=90), observation(20, camera="b", content=OTHER)])
    store.upsert_observations([observation(5, after_s=120)])
    assert store.last_contents() == {
        "a": (NOON + timedelta(minutes=5), ONE),
        "b": (NOON + timedelta(minutes=20), OTHER),
    }


def test_two_contents_of_one_moment_end_alike_in_any_order(store: Store) -> None:
    zones = [observation(0, content=ONE, model="m@1"), observation(0, content=OTHER, model="n@1")]
    store.upsert_observations(zones)
    kept = store.last_contents()
    for count in [*zones, *zones[::-1]]:
        store.upsert_observations([count])
    assert store.last_contents() == kept == {"a": (NOON, OTHER)}


def health(minutes: float, state: str, reason: str | None = None, *, camera: str = "a") -> HealthEvent:
    return HealthEvent(camera=camera, since=NOON + timedelta(minutes=minutes), state=CameraState(state), reason=reason)


def test_health_events_come_back_by_camera_and_time_with_the_one_in_force_at_the_start(store: Store) -> None:
    a = [health(0, "waiting"), health(1, "live"), health(10, "stale", "ü: since 12:01"), health(20, "live")]
    b = [health(5, "faulty", "a card", camera="b"), health(30, "live", camera="b")]
    store.save_health([b[1], a[3], a[0]])
    store.save_health([b[0], a[2], a[1]])
    assert store.health(*EVER) == [*a, *b]
    assert store.health(NOON + timedelta(minutes=12), NOON + timedelta(minutes=30)) == [a[2], a[3], b[0]]
    assert store.health(a[2].since, a[3].since, ["a", "none"]) == [a[2]], "an event at the start is the one in force"
    assert store.health(NOON + timedelta(minutes=4), NOON + timedelta(minutes=5)) == [a[1]]
    assert store.health(*EVER, []) == []


def test_a_health_event_of_the_same_time_replaces_the_one_before(store: Store) -> None:
    store.save_health([health(0, "stale", "nothing new"), health(0, "unreachable", "no answer")])
    assert store.health(*EVER) == [health(0, "unreachable", "no answer")]
    store.save_health([health(0, "live")])
    store.save_health([health(0, "live")])
    assert store.health(*EVER) == [health(0, "live")]


def test_health_now_is_the_newest_state_with_the_beginning_of_its_run(store: Store) -> None:
    store.save_health(
        [
            health(30, "unreachable", "503"),
            health(0, "unreachable", "no answer"),
            health(10, "live"),
            health(20, "unreachable", "no answer"),
            health(5, "live", camera="b"),
            health(0, "live", camera="b"),
            health(7, "withdrawn", "works", camera="c"),
            health(9, "live", camera="c"),
        ]
    )
    assert store.health_now() == [
        health(20, "unreachable", "503"),
        health(0, "live", camera="b"),
        health(9, "live", camera="c"),
    ]


def test_health_now_is_what_the_events_say_in_any_order_of_arrival(store: Store) -> None:
    """Events come one by one, late, twice and replaced: the state kept is that of the ranges of all that is stored."""
    random = np.random.default_rng(7)
    states = ["live", "stale", "faulty"]
    for _ in range(25):
        batch = [
            health(int(random.integers(40)), states[random.integers(3)], "why", camera="ab"[random.integers(2)])
            for _ in range(random.integers(1, 4))
        ]
        store.save_health(batch)
        for now in store.health_now():
            held = store.health(*EVER, [now.camera])
            last = state_ranges(held, *EVER)[-1]
            assert (now.state, now.since, now.reason) == (last.state, last.start, held[-1].reason)


def loop(minutes: float, flow: float | None = 7, *, counter: str = "x", series: str = "vehicles") -> LoopReading:
    start = NOON + timedelta(minutes=minutes)
    return LoopReading(
        counter=counter,
        series=series,
        start=start,
        end=start + timedelta(minutes=1),
        flow=flow,
        occupancy=None if flow is None else 1 / 3,
        reason="marked as faulty" if flow is None else None,
    )


def test_counters_come_back_by_id_and_those_of_other_sources_stay(store: Store) -> None:
    here = LoopCounter(id="x", name="Tooley St", lat=51.5, lon=-0.08, source="TfL SCOOT", bearing_deg=90)
    nowhere = LoopCounter(id="b", name="Länsiväylä", source="Fintraffic TMS", timezone="Europe/Helsinki")
    store.save_counters([here])
    store.save_counters([nowhere])
    assert store.counters() == [nowhere, here]
    store.save_counters([here.model_copy(update={"name": "Tooley Street"})])
    assert [counter.name for counter in store.counters()] == ["Länsiväylä", "Tooley Street"]


def test_loop_readings_come_back_as_they_were_in_order_and_in_parts(store: Store) -> None:
    kept = [loop(0), loop(0, 2, series="cyclist", counter="y"), loop(1, None), loop(2, 0.1 + 0.2)]
    assert store.save_loops(kept[::-1]) == 4
    assert store.loops(*EVER).records() == kept
    assert store.loops(NOON, NOON + timedelta(minutes=2)).records() == kept[:3]
    assert store.loops(*EVER, counters=["x"]).records() == [kept[0], *kept[2:]]
    assert store.loops(*EVER, series=["cyclist", "bus"]).records() == [kept[1]]
    assert store.loops(*EVER, limit=2, offset=1).records() == kept[1:3]
    assert store.loop_extent() == (NOON, NOON + timedelta(minutes=2))


def test_a_loop_reading_given_again_changes_only_what_is_different(store: Store) -> None:
    store.save_loops([loop(0), loop(1), loop(2, None)])
    assert store.save_loops([loop(0), loop(1, 9), loop(2, None), loop(1, 8)]) == 1
    assert store.loops(*EVER).records() == [loop(0), loop(1, 8), loop(2, None)]


def test_a_failed_transaction_takes_health_and_loops_back(store: Store) -> None:
    def fail_half_way() -> None:
        with store.transaction():
            store.save_health([health(0, "live")])
            store.save_loops([loop(0)])
            store.upsert_observations([observation(0, content=ONE)])
            assert len(store.health(*EVER)) == len(store.loops(*EVER)) == len(store.last_contents()) == 1
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fail_half_way()
    assert len(store.health(*EVER)) == len(store.loops(*EVER)) == len(store.last_contents()) == 0


def test_a_failed_transaction_leaves_nothing_behind(store: Store) -> None:
    store.upsert_observations([observation(0)])

    def fail_half_way() -> None:
        with store.transaction():
            store.save_cameras([camera("z")])
            store.upsert_observations([observation(5)])
            with store.transaction():
                store.save_readings(readings(NOON))
            assert len(asked(store)) == 1, "what was written is seen inside"
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fail_half_way()
    assert store.cameras() == []
    assert store.watermark("a") == NOON
    assert len(asked(store)) == 0
    store.upsert_observations([observation(10)])
    assert len(store.observations("a:view", *EVER)) == 2


def test_readers_see_whole_transactions_while_one_writes(store: Store) -> None:
    """Readings are written in pairs; no reader ever sees an odd number of them, though all look between the two."""
    done = threading.Event()
    seen: list[int] = []
    problems: list[BaseException] = []

    def read() -> None:
        try:
            while not done.wait(0.005):
                seen.append(len(asked(store, zones=["a:view"])))
        except BaseException as problem:
            problems.append(problem)

    readers = [threading.Thread(target=read) for _ in range(3)]

    def wait_until_all_have_looked() -> None:
        # As many looks as there are readers may have begun before; one more began after.
        enough, give_up = len(seen) + len(readers) + 1, time.monotonic() + 20
        while len(seen) < enough and not problems and time.monotonic() < give_up:
            time.sleep(0.002)
        assert problems or len(seen) >= enough, "the readers are held up by the writer"

    for reader in readers:
        reader.start()
    try:
        for pair in range(3):
            with store.transaction():
                store.save_readings(readings(NOON + 2 * pair * QUARTER))
                wait_until_all_have_looked()
                store.save_readings(readings(NOON + (2 * pair + 1) * QUARTER))
            wait_until_all_have_looked()
    finally:
        done.set()
        for reader in readers:
            reader.join(30)
    assert problems == []
    assert set(seen) == {0, 2, 4, 6}


def test_writers_of_several_threads_wait_for_one_another(store: Store) -> None:
    def write(name: str) -> None:
        for minutes in range(3):
            store.upsert_observations([observation(minutes, camera=name), observation(minutes, camera="shared")])

    writers = [threading.Thread(target=write, args=(name,)) for name in ("a", "b", "c")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(30)
    assert [len(store.observations(f"{name}:view", *EVER)) for name in ("a", "b", "c", "shared")] == [3, 3, 3, 3]
