"""Every feed of loops keeps the same promises. An adapter is added by a line in `KINDS`; an exemption names its reason.

Each kind writes the same street: two counters, five minutes or an hour to an interval, as its publisher would.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hand_clock import HandClock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from loop_doubles import Answer

from core.loops import LoopReading
from core.records import Status
from ingest.feed import FetchFailed, Version
from ingest.loop import LoopFeed
from ingest.loops.csv_columns import Columns, CsvColumns, CsvColumnsConfig
from ingest.loops.digitraffic_history import DigitrafficHistory, DigitrafficHistoryConfig
from ingest.loops.digitraffic_tms import DigitrafficTms, DigitrafficTmsConfig
from ingest.loops.lido_tiku import LidoTiku, LidoTikuConfig
from ingest.loops.tfl_scoot import TflScoot, TflScootConfig

START = datetime(2026, 6, 10, 7, 0, tzinfo=UTC)  # in summer time, so that a forgotten offset shows


class StandIn:
    """In the place of a `Guest`: answers from `pages` by the beginning of the address, and notes what it was asked."""

    def __init__(self, pages: Mapping[str, bytes | FetchFailed]) -> None:
        self.pages = dict(pages)
        self.asked: list[str] = []

    def get(
        self, url: str, *, known: Version | None = None, headers: Mapping[str, str] | None = None, **_: Any
    ) -> Answer | None:
        self.asked.append(url)
        found = [page for address, page in self.pages.items() if url.startswith(address)]
        if not found:
            raise FetchFailed(f"{url} is not there", status=Status.WITHDRAWN)
        if isinstance(found[0], FetchFailed):
            raise found[0]
        return Answer(found[0], Version())


@dataclass(frozen=True)
class Seen:
    """What a counter saw in one interval; `flow` None is a fault that the publisher tells."""

    interval: int  # from START on
    counter: int = 0
    flow: float | None = 1.0
    broken: bool = False  # the row is damaged on its way


@dataclass(frozen=True)
class Kind:
    """How one publisher writes a street, and what it can say of it."""

    open: Callable[[Path, Sequence[Seen]], LoopFeed]
    interval: timedelta
    counters: tuple[str, str]
    series: str = "vehicles"
    keeps_rows: bool = True  # False: rows are vehicles, or the newest only, so what a row says cannot be repeated
    of_files: bool = False


def scoot(folder: Path, street: Sequence[Seen]) -> LoopFeed:
    rows = []
    for seen in street:
        local = (START + seen.interval * timedelta(minutes=1)).astimezone(ZoneInfo("Europe/London"))
        flow = "many" if seen.broken else f"{(seen.flow or 0) * 60:g}"
        fault = "Y" if seen.flow is None else "N"
        detector = ("N00/002e1", "N00/003a1")[seen.counter]
        rows.append(f"{local:%Y-%m-%d %H:%M:%S}, {detector}, {fault}, {flow}, 25, 0, 10, 1, 2, 3, 4, CENT")
    (folder / "20260610.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return TflScoot(TflScootConfig(path=folder), None, later())


def tms(folder: Path, street: Sequence[Seen]) -> LoopFeed:
    del folder
    values = []
    for seen in street:
        end = START + (seen.interval + 1) * timedelta(minutes=5)
        value: dict[str, Any] = {
            "id": (5116, 5119)[seen.counter],
            "stationId": 23001,
            "measuredTime": f"{end:%Y-%m-%dT%H:%M:%SZ}",
            "value": "many" if seen.broken else (seen.flow or 0) * 12,
            "unit": "kpl/h",
        }
        values.append(value | ({"reliability": "FAULTY"} if seen.flow is None else {}))
    shown_before = [
        {"id": number, "measuredTime": f"{START - timedelta(minutes=2):%Y-%m-%dT%H:%M:%SZ}", "value": 0}
        for number in (5116, 5119)
    ]
    feature = {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [24.6, 60.2, 0.0]},
        "properties": {"id": 23001, "tmsNumber": 1, "name": "vt1_Espoo", "collectionStatus": "GATHERING"},
    }
    guest = StandIn(
        {
            "https://tie.digitraffic.fi/api/tms/v1/stations/data": stations(shown_before),
            "https://tie.digitraffic.fi/api/tms/v1/stations": json.dumps({"features": [feature]}).encode(),
        }
    )
    feed = DigitrafficTms(DigitrafficTmsConfig(), guest, later())  # type: ignore[arg-type]
    assert feed.readings() == ()  # what another process may have given ends here
    guest.pages["https://tie.digitraffic.fi/api/tms/v1/stations/data"] = stations(values)
    return feed


def stations(values: Sequence[Mapping[str, Any]]) -> bytes:
    return json.dumps({"stations": [{"id": 23001, "tmsNumber": 1, "sensorValues": values}]}).encode()


def history(folder: Path, street: Sequence[Seen]) -> LoopFeed:
    rows = []
    for seen in street:
        begin = START + seen.interval * timedelta(minutes=5)
        for vehicle in range(int(1 if seen.flow is None else seen.flow)):
            local = (begin + timedelta(seconds=2 * vehicle)).astimezone(ZoneInfo("Europe/Helsinki"))
            hour = "many" if seen.broken else str(local.hour)
            day = local.timetuple().tm_yday
            fault = int(seen.flow is None)
            rows.append(
                f"101;26;{day};{hour};{local.minute};{local.second};0;4.2;1;{seen.counter + 1};1;62;{fault};0;0;0"
            )
    (folder / "lamraw_101_26_161.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return DigitrafficHistory(DigitrafficHistoryConfig(path=folder, silent_min=1440), None, later())


def lido(folder: Path, street: Sequence[Seen]) -> LoopFeed:
    del folder
    observations = []
    for seen in street:
        local = (START + seen.interval * timedelta(minutes=15)).astimezone(ZoneInfo("Europe/Helsinki"))
        observations.append(
            {
                "typeofmeasurement": "count",
                "phenomenondurationseconds": 900,
                "vehicletype": "pedestrian",
                "direction": "",
                "unit": "kpl",
                "value": "many" if seen.broken else seen.flow,
                "datetime": local.isoformat(),
                "source": "EcoCounter",
                "counterId": (83, 84)[seen.counter],
            }
        )
    feature = {"geometry": {"type": "Point", "coordinates": [24.9, 60.2]}, "properties": {"id": 83, "name": "Baana"}}
    twin = {"geometry": None, "properties": {"id": 84, "name": "Kaivokatu"}}
    listed = {"next": None, "results": {"type": "FeatureCollection", "features": [feature, twin]}}
    page = {"next": None, "results": observations}
    guest = StandIn(
        {
            "https://lidotiku.api.hel.fi/api/counters/": json.dumps(listed).encode(),
            "https://lidotiku.api.hel.fi/api/observations/": json.dumps(page).encode(),
        }
    )
    return LidoTiku(LidoTikuConfig(), guest, later())  # type: ignore[arg-type]


def columns(folder: Path, street: Sequence[Seen]) -> LoopFeed:
    rows = ["when;where;broken;walkers"]
    for seen in street:
        local = (START + seen.interval * timedelta(hours=1)).astimezone(ZoneInfo("Australia/Melbourne"))
        fault = "yes" if seen.flow is None else "no"
        flow = "many" if seen.broken else f"{seen.flow or 0:g}"
        rows.append(f"{local:%d-%b-%Y %H};{seen.counter + 4};{fault};{flow}")
    (folder / "counts.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    config = CsvColumnsConfig(
        name="melbourne",
        path=folder / "counts.csv",
        delimiter=";",
        columns=Columns(
            time=("when",), time_format="%d-%b-%Y %H", counter="where", flows={"walkers": "pedestrian"}, fault="broken"
        ),
        timezone="Australia/Melbourne",
        interval_min=60,
    )
    return CsvColumns(config, None, later())


def later() -> HandClock:
    return HandClock(START + timedelta(days=3))


KINDS: dict[str, Kind] = {
    "tfl_scoot": Kind(scoot, timedelta(minutes=1), ("N00:002e1", "N00:003a1"), of_files=True),
    "digitraffic_tms": Kind(tms, timedelta(minutes=5), ("23001.1", "23001.2"), keeps_rows=False),
    "digitraffic_history": Kind(history, timedelta(minutes=5), ("101.1", "101.2"), keeps_rows=False, of_files=True),
    "lido_tiku": Kind(lido, timedelta(minutes=15), ("lido:83", "lido:84"), "pedestrian"),
    "csv_columns": Kind(columns, timedelta(hours=1), ("4", "5"), "pedestrian", of_files=True),
}


@pytest.fixture(params=sorted(KINDS))
def kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


@pytest.fixture
def keeping(kind: Kind) -> Kind:
    if not kind.keeps_rows:
        pytest.skip("a row is one vehicle, or the newest alone: it cannot stand twice or be out of order")
    return kind


@pytest.fixture
def of_files(kind: Kind) -> Kind:
    if not kind.of_files:
        pytest.skip("asks for the newest, or for whole days, at every poll: there is no file")
    return kind


def told(readings: Sequence[LoopReading], kind: Kind) -> dict[tuple[int, int], float | None]:
    """The flows by interval and counter, of the intervals that the street was written for."""
    return {
        ((reading.start - START) // kind.interval, kind.counters.index(reading.counter)): reading.flow
        for reading in readings
    }


def test_what_the_publisher_says_becomes_readings_at_the_right_time(kind: Kind, tmp_path: Path) -> None:
    feed = kind.open(tmp_path, [Seen(0, 0, 3), Seen(0, 1, 2)])
    readings = [reading for reading in feed.readings() if reading.start == START]
    assert {reading.counter: reading.flow for reading in readings} == dict(zip(kind.counters, (3, 2), strict=True))
    assert {reading.end for reading in readings} == {START + kind.interval}
    assert {reading.series for reading in readings} == {kind.series}
    assert feed.left_out == ()


def test_a_fault_that_the_publisher_tells_is_null_with_a_reason(kind: Kind, tmp_path: Path) -> None:
    feed = kind.open(tmp_path, [Seen(0, 0, None), Seen(0, 1, 2)])
    faulty = next(reading for reading in feed.readings() if told([reading], kind).get((0, 0), 0) is None)
    assert faulty.flow is None
    assert faulty.occupancy is None
    assert faulty.reason


def test_nothing_that_passed_is_a_zero_and_not_null(kind: Kind, tmp_path: Path) -> None:
    feed = kind.open(tmp_path, [Seen(0, 0, 0), Seen(0, 1, 2)])
    assert told(feed.readings(), kind)[0, 0] == 0


def test_a_damaged_row_is_left_out_by_name_and_is_no_zero(kind: Kind, tmp_path: Path) -> None:
    feed = kind.open(tmp_path, [Seen(0, 0, 1), Seen(0, 1, 1, broken=True)])
    found = told(feed.readings(), kind)
    assert found[0, 0] == 1
    assert found.get((0, 1)) is None
    (left_out,) = feed.left_out
    assert "many" in left_out.reason
    assert left_out.place


def test_readings_come_oldest_first_and_once(kind: Kind, tmp_path: Path) -> None:
    street = [Seen(interval, counter, 1 + interval) for interval in range(3) for counter in (1, 0)]
    readings = kind.open(tmp_path, street).readings()
    keys = [(reading.start, reading.counter, reading.series) for reading in readings]
    assert keys == sorted(set(keys))


def test_every_reading_is_of_a_listed_counter(kind: Kind, tmp_path: Path) -> None:
    feed = kind.open(tmp_path, [Seen(0, 0, 1), Seen(0, 1, 1)])
    counters = {reading.counter for reading in feed.readings()}
    listed = [counter.id for counter in feed.counters()]
    assert counters <= set(listed)
    assert len(listed) == len(set(listed))


def test_a_feed_has_a_name_and_says_how_often_to_ask(kind: Kind, tmp_path: Path) -> None:
    feed = kind.open(tmp_path, [Seen(0)])
    assert feed.name
    assert feed.poll_s > 0


def test_nothing_published_is_no_reading_and_no_failure(kind: Kind, tmp_path: Path) -> None:
    feed = kind.open(tmp_path, [])
    assert feed.readings() == ()
    assert not feed.left_out or all(one.reason == "is empty" for one in feed.left_out)


def test_a_file_without_a_row_is_named_once(of_files: Kind, tmp_path: Path) -> None:
    feed = of_files.open(tmp_path, [])
    (file,) = tmp_path.iterdir()
    for content in (b"", b"\n\n"):
        file.write_bytes(content)
        assert feed.readings() == ()
        assert [str(one) for one in feed.left_out] == [f"{file.name}: is empty"]
        feed.handed_over()
        assert feed.readings() == ()
        assert feed.left_out == ()


def test_what_was_not_handed_over_is_given_again(kind: Kind, tmp_path: Path) -> None:
    feed = kind.open(tmp_path, [Seen(0, 0, 3), Seen(0, 1, 2)])
    first = feed.readings()
    assert first == feed.readings() != ()


def test_files_that_were_handed_over_are_given_again_only_when_another_had_the_feed(
    of_files: Kind, tmp_path: Path
) -> None:
    feed = of_files.open(tmp_path, [Seen(0, 0, 3), Seen(0, 1, 2)])
    first = feed.readings()
    feed.handed_over()
    assert feed.readings() == ()
    feed.forget()
    assert feed.readings() == first


def test_rows_that_differ_for_one_interval_leave_the_last_word(keeping: Kind, tmp_path: Path) -> None:
    feed = keeping.open(tmp_path, [Seen(0, 0, 1), Seen(1, 0, 5), Seen(0, 0, 2)])
    assert told(feed.readings(), keeping) == {(0, 0): 2, (1, 0): 5}


streets = st.lists(
    st.builds(
        Seen,
        interval=st.integers(0, 30),
        counter=st.integers(0, 1),
        flow=st.one_of(st.none(), st.integers(0, 40).map(float)),
    ),
    unique_by=lambda seen: (seen.interval, seen.counter),
    min_size=1,
    max_size=12,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(street=streets, seed=st.randoms(use_true_random=False))
def test_neither_order_nor_repetition_of_rows_changes_the_readings(
    keeping: Kind, tmp_path: Path, street: list[Seen], seed: Any
) -> None:
    shuffled = [*street, *(seed.sample(street, len(street) // 2))]
    seed.shuffle(shuffled)
    feed = keeping.open(tmp_path, shuffled)
    assert told(feed.readings(), keeping) == {(seen.interval, seen.counter): seen.flow for seen in street}
    assert feed.left_out == ()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(street=streets, broken=st.sets(st.integers(0, 11)))
def test_damaged_rows_are_all_named_and_harm_no_others(
    keeping: Kind, tmp_path: Path, street: list[Seen], broken: set[int]
) -> None:
    written = [
        replace(seen, flow=seen.flow or 0.0, broken=True) if index in broken else seen
        for index, seen in enumerate(street)
    ]
    feed = keeping.open(tmp_path, written)
    whole = {(seen.interval, seen.counter): None if seen.broken else seen.flow for seen in written}
    found = told(feed.readings(), keeping)
    assert found == {key: flow for key, flow in whole.items() if key in found}
    assert whole.keys() - found.keys() <= {(seen.interval, seen.counter) for seen in written if seen.broken}
    assert len(feed.left_out) == sum(seen.broken for seen in written)


ODD_TIMES = ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00")
ODD_LOCAL = ("0001-01-01 00:00:00", "9999-12-31 23:59:00", "01-Jan-0001 00", "31-Dec-9999 23", *ODD_TIMES)
ODD = json.dumps(
    {
        "stations": [
            {"id": 23001, "sensorValues": [{"id": 5116, "measuredTime": time, "value": value} for time in ODD_TIMES]}
            for value in (1, 10**400, True, [])
        ],
        "results": [
            {"counterId": 83, "phenomenondurationseconds": 900, "datetime": time, "value": value}
            for time in ODD_TIMES
            for value in (1, 10**400, True, [])
        ],
    }
)
"""Times at the ends of the calendar, which cannot be moved to UTC, and figures that are none."""


def corrupt() -> Iterator[bytes]:
    yield from (b"", b"\x00\xff\xfe", b"[]", b"{", b"null", b"[[[", b'{"stations": [{"id": []}]}', b"a,b\n\n\n1", b'"')
    yield b"[" * 100_000
    yield ODD.encode()
    yield "".join(f"{stamp}, N00/002e1, N, 60, 25, 0, 10, 1, 2, 3, 4, CENT\n" for stamp in ODD_LOCAL).encode()
    yield ("when;where;broken;walkers\n" + "".join(f"{stamp};4;no;1\n" for stamp in ODD_LOCAL)).encode()
    yield ("1;" * 16 + "\n").encode() * 3
    yield b'{"results": [1, {"value": NaN}], "features": [{"properties": 3}], "stations": [3], "next": 5}'


@pytest.mark.parametrize("content", list(corrupt()), ids=range(15))
def test_whatever_the_bytes_are_there_are_no_figures_and_no_other_error(
    kind: Kind, tmp_path: Path, content: bytes
) -> None:
    feed = kind.open(tmp_path, [])
    for file in tmp_path.iterdir():
        file.write_bytes(content + b"\n")
    guest = getattr(feed, "_guest", None)
    if isinstance(guest, StandIn):
        guest.pages = dict.fromkeys(guest.pages, content)
    try:
        readings = feed.readings()
    except FetchFailed as error:
        assert error.message  # noqa: PT017
    else:
        assert [reading for reading in readings if reading.flow] == []
