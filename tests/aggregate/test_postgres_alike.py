"""The same observations give the same rows in PostgreSQL as in DuckDB, bit for bit, however they arrive."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from services.postgres_server import PostgresServer
from street_counts import NOON, PARK, TOWER, StoppedClock, counted, ground

from aggregate.aggregator import Aggregator
from aggregate.contents import Contents, Digest, Kept, bounds, digest
from aggregate.duckdb_store import DuckDBStore
from aggregate.policy import AggregatePolicy
from aggregate.postgres_store import PostgresStore
from aggregate.tables import FIGURES, GROUND, ReadingTable
from core.figures import CLASSES, PEOPLE, SERIES, Figures, Gains, Shares
from core.records import CountObservation, Lighting, Status, Window

pytestmark = pytest.mark.service

EVER = (NOON - timedelta(days=400), NOON + timedelta(days=400))
MONTH_ENDS = datetime(2017, 3, 31, 23, 59, tzinfo=NOON.tzinfo)
ZONES = [("tower", "tower:view"), ("park", "park:pavement"), ("park", "park:road"), ("gone", "gone:view")]

levels = st.one_of(st.just(0.0), st.floats(0, 60), st.sampled_from([1 / 3, 0.1 + 0.2, 1e-9, 5e-324, 2.0**10 + 1 / 3]))
times = st.one_of(
    st.integers(0, 90 * 60).map(lambda s: NOON + timedelta(seconds=s)),
    st.integers(-3, 3).map(lambda m: MONTH_ENDS + timedelta(minutes=m)),
    st.sampled_from([NOON - timedelta(days=370), NOON + timedelta(microseconds=1)]),
)


def with_sums(values: Sequence[float]) -> Figures:
    people = sum(values[CLASSES.index(name)] for name in PEOPLE)
    return Figures.of([*values, people, sum(values) - people if sum(values) > people else 0.0])


@st.composite
def observations(draw: st.DrawFn) -> CountObservation:
    camera, zone = draw(st.sampled_from(ZONES))
    event_time = draw(times)
    present = with_sums(draw(st.lists(levels, min_size=len(CLASSES), max_size=len(CLASSES))))
    known = draw(st.booleans())
    one = counted(
        event_time,
        present,
        camera=camera,
        zone=zone,
        status=draw(st.sampled_from([Status.OK, Status.OK, Status.OK, Status.DARK, Status.SKIPPED])),
        model=draw(st.sampled_from(["m@1", 'modèle \\ "n"@2'])),
        counted_at=event_time + timedelta(seconds=draw(st.integers(60, 62))),
    )
    if one.status is not Status.OK:
        return one.model_copy(
            update={"reason": draw(st.sampled_from(["dark", 'a "quote", {brace}\n\t\\N', "Länsiväylä ü"]))}
        )
    return one.model_copy(
        update={
            "stationary": draw(st.sampled_from([None, present])),
            "low": Figures.of([present.get(name) / 3 for name in SERIES]) if known else None,
            "high": Figures.of([present.get(name) * 3 for name in SERIES]) if known else None,
            "gain": Gains(people=1.1, vehicles=1 / 3) if known else None,
            "shared": draw(st.sampled_from([None, Shares(people=0.7, vehicles=1 / 7)])),
            "ground": draw(st.sampled_from([None, ground(250 / 3), ground(250 / 3, crowded_share=0.1 + 0.2)])),
            "lighting": draw(st.sampled_from([None, *Lighting])),
            "calibration": draw(st.sampled_from([None, "tower/2"])),
            "content": draw(st.sampled_from([None, "0" * 31 + "1", "f" * 32])),
        }
    )


@st.composite
def batches(draw: st.DrawFn) -> list[list[CountObservation]]:
    """Some observations, some of them more than once, in batches."""
    made = draw(st.lists(observations(), min_size=1, max_size=14))
    again = draw(st.lists(st.sampled_from(made), max_size=5))
    order = draw(st.permutations([*made, *again]))
    cuts = sorted(draw(st.sets(st.integers(1, len(order)), max_size=3)))
    return [order[first:last] for first, last in zip([0, *cuts], [*cuts, len(order)], strict=True) if first < last]


@pytest.fixture(scope="module")
def postgres(postgres_server: PostgresServer) -> Iterator[PostgresStore]:
    config = postgres_server.config()
    with closing(PostgresStore.open(config)) as store:
        yield store
    postgres_server.drop(config)


def emptied(store: PostgresStore) -> PostgresStore:
    tables = [table for (table,) in store._engine.select(
        "SELECT c.relname FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace "
        "AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname NOT LIKE '%version%'"
    )]  # fmt: skip
    with store.transaction():
        store._engine.write(f"TRUNCATE {', '.join(tables)}")
    store.save_cameras([TOWER, PARK])
    return store


def filled(store: Contents, given: Sequence[Sequence[CountObservation]]) -> Contents:
    clock = StoppedClock()
    aggregator = Aggregator(store, AggregatePolicy(), clock)
    for batch in given:
        clock.sleep(1)
        aggregator.accept(batch)
    return store


def digests(store: Contents) -> dict[str, Digest]:
    return {
        f"{kept} {day}": digest(store, kept, *bounds(day)) for kept in Kept for day, rows in store.days(kept).items()
    }


def kept_beside(store: Contents) -> tuple[object, ...]:
    states = store.camera_states()
    return (
        store.watermarks(),
        store.last_contents(),
        store.extent(),
        states.to_dict("records").__repr__(),
        states.dtypes.to_list(),
    )


def current(store: Contents, window: Window) -> ReadingTable:
    table = store.readings(window=window, series=SERIES, start=EVER[0], end=EVER[1])
    return table.take(np.lexsort((table.zone.astype(str), table.start)))


@given(given_=batches(), other_order=st.randoms(use_true_random=False))
@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_the_same_observations_give_the_same_rows(
    postgres: PostgresStore, given_: list[list[CountObservation]], other_order: object
) -> None:
    with closing(DuckDBStore.open(None)) as duckdb:
        duckdb.save_cameras([TOWER, PARK])
        filled(duckdb, given_)
        filled(emptied(postgres), given_)
        assert digests(postgres) == digests(duckdb)
        assert kept_beside(postgres) == kept_beside(duckdb)
        for window in Window:
            ours, theirs = current(postgres, window), current(duckdb, window)
            assert ours.same_content(theirs).all()
            for name in (*FIGURES, *GROUND, "coverage"):
                assert getattr(ours, name).tobytes() == getattr(theirs, name).tobytes(), "floats to the last bit"
            assert (ours.revision == theirs.revision).all()
            assert (ours.derived_at == theirs.derived_at).all()
        shuffled = [one for batch in given_ for one in batch]
        other_order.shuffle(shuffled)  # type: ignore[attr-defined]
        filled(emptied(postgres), [[one] for one in shuffled])
        by_day = {name: rows for name, rows in digests(duckdb).items() if name.startswith(Kept.OBSERVATIONS)}
        assert {name: rows for name, rows in digests(postgres).items() if name.startswith(Kept.OBSERVATIONS)} == by_day
        for window in Window:
            assert current(postgres, window).same_content(current(duckdb, window)).all(), "whatever the order"
