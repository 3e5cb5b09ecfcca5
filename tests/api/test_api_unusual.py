"""The tables of what is unusual: the agreed rows in every dialect, places drawn, and what is refused."""

from __future__ import annotations

import io
import json

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from unusual_city import NOW, city, one_level

from aggregate import usual_answers
from aggregate.answers import Answers
from api.priority_rows import (
    CHANGES_SCHEMA,
    PRIORITIES_SCHEMA,
    LastingChangeRow,
    LastingChangesAnswer,
    PrioritiesAnswer,
    PriorityRow,
)
from api.unusual_rows import ANOMALIES_SCHEMA, HOTSPOTS_SCHEMA, AnomaliesAnswer, AnomalyRow, HotspotRow, HotspotsAnswer

TABLES = {
    "hotspots": (HOTSPOTS_SCHEMA, HotspotRow, HotspotsAnswer),
    "anomalies": (ANOMALIES_SCHEMA, AnomalyRow, AnomaliesAnswer),
    "priorities": (PRIORITIES_SCHEMA, PriorityRow, PrioritiesAnswer),
    "changes": (CHANGES_SCHEMA, LastingChangeRow, LastingChangesAnswer),
}


class Then:
    """Half a minute after six in the evening."""

    def now(self):
        return NOW


@pytest.fixture(scope="module")
def street(make_street):
    """The API over the city of `unusual_city`; what is usual is one level, so that the fit is not what is tested."""
    store, _ = city()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(usual_answers, "expect", one_level)
        yield make_street(answers=Answers(store, Then(), live=True))


@pytest.mark.parametrize("table", TABLES)
def test_rows_are_what_openapi_says_they_are_in_the_agreed_order(street, table):
    schema, row, answer = TABLES[table]
    assert [info.alias or name for name, info in row.model_fields.items()] == schema.names
    found = street.get(f"/v1/{table}?class=people,vehicles")
    answer.model_validate_json(found.content)
    told = found.json()
    assert list(told) == [table, "start", "end", "looked"]
    assert [one["class"] for one in told["looked"]] == ["people", "vehicles"]
    assert told[table]
    assert all(list(one) == schema.names for one in told[table])


@pytest.mark.parametrize("table", TABLES)
def test_every_column_is_described_and_every_class_is_people_unless_asked(street, table):
    schemas = street.app.openapi()["components"]["schemas"]
    for name, column in schemas[TABLES[table][1].__name__]["properties"].items():
        assert column.get("description") or "$ref" in column or "anyOf" in column, name
    assert {row["class"] for row in street.get(f"/v1/{table}").json()[table]} == {"people"}


@pytest.mark.parametrize("table", TABLES)
def test_every_dialect_has_the_same_rows(street, table):
    schema = TABLES[table][0]
    rows = street.get(f"/v1/{table}").json()[table]
    parquet = pq.read_table(io.BytesIO(street.get(f"/v1/{table}?format=parquet").content))
    assert parquet.schema.remove_metadata() == schema
    frame = pd.read_csv(io.BytesIO(street.get(f"/v1/{table}?format=csv").content))
    assert list(frame.columns) == schema.names
    features = street.get(f"/v1/{table}?format=geojson").json()["features"]
    assert len(parquet) == len(frame) == len(features) == len(rows)
    words = "verdict" if table == "hotspots" else "words"
    assert parquet.column(words).to_pylist() == frame[words].tolist() == [row[words] for row in rows]
    for name in schema.names:
        if pa.types.is_list(schema.field(name).type):
            assert [json.loads(one) for one in frame[name]] == [row[name] for row in rows]


def test_whole_numbers_are_whole_and_null_where_there_is_none(street):
    rows = street.get("/v1/hotspots?window=60m").json()["hotspots"]
    assert {type(row["windows"]) for row in rows} == {int, type(None)}
    ranks = [row["rank"] for row in street.get("/v1/priorities").json()["priorities"]]
    assert ranks[0] == 1
    assert ranks[-1] is None


def test_hexagons_and_regions_and_zones_with_a_ground_are_polygons(street):
    cells = street.get("/v1/hotspots?grid=cells&format=geojson").json()["features"]
    assert {feature["geometry"]["type"] for feature in cells} == {"Polygon"}
    assert {len(feature["geometry"]["coordinates"][0]) for feature in cells} == {7}
    zones = street.get("/v1/hotspots?format=geojson").json()["features"]
    drawn = {feature["properties"]["zone"]: feature["geometry"]["type"] for feature in zones}
    assert (drawn["c2:pavement"], drawn["c3:pavement"]) == ("Polygon", "Point")
    (region,) = street.get("/v1/anomalies?format=geojson").json()["features"]
    ring = region["geometry"]["coordinates"][0]
    assert ring[0] == ring[-1]
    assert len(ring) >= 7


def test_places_can_be_chosen(street):
    assert {row["camera"] for row in street.get("/v1/hotspots?camera=c1,c2").json()["hotspots"]} == {"c1", "c2"}
    assert len(street.get("/v1/hotspots?zone=c3:pavement").json()["hotspots"]) == 1
    assert street.get("/v1/hotspots?kind=carriageway").json()["hotspots"] == []
    west = {row["camera"] for row in street.get("/v1/priorities?bbox=-0.11,51,-0.09,52").json()["priorities"]}
    assert west <= {"c1", "c5", "c9"}
    assert len(street.get("/v1/priorities?limit=1").json()["priorities"]) == 1


def test_a_region_is_told_where_it_reaches(street):
    whole = street.get("/v1/anomalies").json()
    assert len(whole["anomalies"]) == 1
    there = street.get("/v1/anomalies?camera=c5").json()
    assert there["anomalies"] == whole["anomalies"]
    assert street.get("/v1/anomalies?camera=c4").json()["anomalies"] == []


@pytest.mark.parametrize(
    ("ask", "status", "detail"),
    [
        ("hotspots?at=2030-01-01T00:00Z", 422, "after the present"),
        ("hotspots?window=1d", 422, "window is '1d'"),
        ("hotspots?grid=squares", 422, "grid is 'squares'"),
        ("hotspots?resolution=15", 422, "resolution is '15'"),
        ("hotspots?at=2017-03-09T08:00Z&at=2017-03-09T09:00Z", 422, "at is given 2 times"),
        ("hotspots?camera=c99", 404, "there is no camera 'c99'"),
        ("anomalies?hours=13", 422, "hours is '13'"),
        ("anomalies?zone=x", 404, "there is no zone 'x'"),
        ("priorities?from=2016-01-01T00:00Z", 422, "more than 92 days"),
        ("priorities?limit=0", 422, "limit is '0'"),
        ("priorities?from=2100-01-01T00:00Z", 422, "no whole hour"),
        ("changes?from=2017-01-01T00:10Z&to=2017-01-01T00:50Z", 422, "no whole hour"),
        ("changes?from=2015-01-01T00:00Z", 422, "more than 366 days"),
        ("changes?to=2017-01-01T00:00Z&from=2017-02-01T00:00Z", 422, "is not before to"),
        ("changes?class=peple", 422, "class 'peple' is not counted"),
    ],
)
def test_what_cannot_be_answered_is_a_problem_with_a_remedy(street, assert_problem, ask, status, detail):
    assert detail in assert_problem(street.get(f"/v1/{ask}"), status)["detail"]


@pytest.mark.parametrize("dialect", ["json", "csv", "parquet", "geojson"])
@pytest.mark.parametrize("table", TABLES)
def test_a_store_without_a_past_answers_that_it_cannot_say(make_street, table, dialect):
    """The street of the other tests: nothing was ever counted there."""
    found = make_street().get(f"/v1/{table}?format={dialect}")
    assert found.status_code == 200
    if dialect == "json":
        told = found.json()
        assert told["looked"][0]["known"] == 0
        assert {row["state"] for row in told[table]} <= {"none", "missing"}
        assert all(row["reason"] for row in told[table])
