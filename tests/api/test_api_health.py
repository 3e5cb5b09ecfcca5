"""How cameras are and were, and what loops counted, in every dialect."""

from __future__ import annotations

import io

import pandas as pd
import pyarrow.parquet as pq
import pytest

from aggregate.health_answers import HEALTH_COLUMNS, STATE_COLUMNS
from aggregate.loop_answers import LOOP_READING_COLUMNS
from api.health_rows import (
    HEALTH_SCHEMA,
    STATES_SCHEMA,
    CameraHealthAnswer,
    HealthAnswer,
    HealthRow,
    StateRow,
    StatesAnswer,
)
from api.loop_rows import LOOP_READINGS_SCHEMA, LOOPS_SCHEMA, LoopReadingRow, LoopReadingsAnswer, LoopRow, LoopsAnswer

MORNING = "from=2017-03-09T07:00:00Z&to=2017-03-09T09:00:00Z"


@pytest.fixture(scope="module")
def street(make_street):
    return make_street()


def test_health_has_a_row_a_camera_with_since_when_and_why(street):
    park, tower = street.get("/v1/health").json()["health"]
    assert list(tower) == list(HEALTH_COLUMNS)
    assert {column: park[column] for column in HEALTH_COLUMNS[2:]} == dict.fromkeys(HEALTH_COLUMNS[2:])
    assert (tower["state"], tower["since"], tower["reason"]) == ("faulty", "2017-03-09T08:40:00Z", 'a "card", ü')


def test_health_takes_the_filters_of_cameras_and_states(street):
    assert [row["id"] for row in street.get("/v1/health?state=faulty,stale").json()["health"]] == ["06710"]
    assert street.get("/v1/health?state=live&state=waiting").json()["health"] == []
    assert [row["id"] for row in street.get("/v1/health?bbox=-0.2,51.5,-0.1,51.6").json()["health"]] == ["04254"]


def test_the_health_of_a_camera_has_its_outages_and_its_uptime(street):
    answer = street.get(f"/v1/cameras/06710/health?{MORNING}")
    assert answer.headers["content-type"] == "application/json"
    told = answer.json()
    assert (told["camera"], told["state"], told["since"]) == ("06710", "faulty", "2017-03-09T08:40:00Z")
    assert (told["start"], told["end"], told["cadence_s"]) == ("2017-03-09T07:00:00Z", "2017-03-09T09:00:00Z", 300.0)
    assert told["uptime"] == pytest.approx(1 - 30 / 120)
    assert [(one["state"], one["start"], one["end"], one["duration_s"], one["reason"]) for one in told["outages"]] == [
        ("unreachable", "2017-03-09T08:00:00Z", "2017-03-09T08:10:00Z", 600, "no answer within 10 s; in the end: 503"),
        ("faulty", "2017-03-09T08:40:00Z", "2017-03-09T09:00:00Z", 1200, 'a "card", ü'),
    ]


def test_without_a_period_it_is_the_day_before_the_present_and_none_is_after_it(street):
    told = street.get("/v1/cameras/06710/health").json()
    assert (told["start"], told["end"]) == ("2017-03-08T09:00:07Z", "2017-03-09T09:00:07Z")
    later = street.get("/v1/cameras/06710/health?from=2017-03-09T08:50:00Z&to=2018-01-01T00:00:00Z").json()
    assert (later["end"], [one["duration_s"] for one in later["outages"]]) == ("2017-03-09T09:00:07Z", [607])
    to_come = street.get("/v1/cameras/06710/health?from=2019-01-01T00:00:00Z").json()
    assert (to_come["outages"], to_come["uptime"], to_come["state"]) == ([], None, "faulty")


def test_a_camera_of_which_nothing_was_told_is_neither_up_nor_down(street):
    told = street.get("/v1/cameras/04254/health").json()
    assert (told["state"], told["since"], told["uptime"], told["outages"]) == (None, None, None, [])
    (state,) = street.get("/v1/states?camera=04254").json()["states"]
    assert (state["state"], state["duration_s"], state["reason"]) == (
        "waiting",
        86_400,
        "nothing is known of this time",
    )


def test_outages_are_a_table_in_the_other_dialects(street):
    address = f"/v1/cameras/06710/health?{MORNING}"
    response = street.get(f"{address}&format=csv")
    assert response.headers["content-disposition"] == 'attachment; filename="outages-06710.csv"'
    table = pd.read_csv(io.BytesIO(response.content), dtype={"camera": str})
    assert list(table.columns) == list(STATE_COLUMNS)
    assert table["state"].tolist() == ["unreachable", "faulty"]
    parquet = pq.read_table(io.BytesIO(street.get(f"{address}&format=parquet").content))
    assert parquet.schema.remove_metadata() == STATES_SCHEMA
    features = street.get(f"{address}&format=geojson").json()["features"]
    assert [feature["geometry"]["coordinates"] for feature in features] == [[-0.078, 51.5036]] * 2


def test_states_cover_the_period_without_gap_or_overlap(street):
    told = street.get(f"/v1/states?{MORNING}").json()
    rows = [row for row in told["states"] if row["camera"] == "06710"]
    assert [row["state"] for row in rows] == ["live", "unreachable", "live", "faulty"]
    assert [row["end"] for row in rows[:-1]] == [row["start"] for row in rows[1:]]
    assert (rows[0]["start"], rows[-1]["end"]) == (told["start"], told["end"])
    trouble = street.get(f"/v1/states?{MORNING}&state=unreachable,faulty").json()["states"]
    assert [row["camera"] for row in trouble] == ["06710"] * 2
    assert street.get(f"/v1/states?{MORNING}&bbox=100,1,101,2").json()["states"] == []


def test_loops_tell_where_they_stand_where_that_is_known(street):
    scoot, tms = street.get("/v1/loops").json()["loops"]
    assert (scoot["id"], scoot["source"], scoot["bearing_deg"]) == ("scoot:N01-111a1", "TfL SCOOT", 270)
    assert (tms["name"], tms["lat"], tms["lon"], tms["bearing_deg"]) == ("Länsiväylä", None, None, None)
    assert [row["id"] for row in street.get("/v1/loops?bbox=-1,51,0,52").json()["loops"]] == [scoot["id"]]
    geometries = [feature["geometry"] for feature in street.get("/v1/loops?format=geojson").json()["features"]]
    assert geometries == [{"type": "Point", "coordinates": [-0.08, 51.504]}, None]


def test_loop_readings_are_null_with_their_reason_and_never_zero(street):
    rows = street.get("/v1/loop-readings?counter=scoot:N01-111a1&class=vehicles").json()["loop_readings"]
    assert [row["flow"] for row in rows] == pytest.approx([1 / 3, 4 / 3, 7 / 3, None], abs=1e-9)
    assert list(rows[0]) == list(LOOP_READING_COLUMNS)
    assert (rows[-1]["occupancy"], rows[-1]["reason"]) == (None, "marked as faulty by its publisher")
    parquet = pq.read_table(io.BytesIO(street.get("/v1/loop-readings?format=parquet").content))
    assert parquet.schema.remove_metadata() == LOOP_READINGS_SCHEMA
    assert parquet.column("flow").null_count == 4


def test_loop_readings_of_a_part_of_the_time(street):
    edges = "from=2017-03-09T08:01:00Z&to=2017-03-09T08:03:00Z"
    rows = street.get(f"/v1/loop-readings?{edges}&class=bus").json()["loop_readings"]
    assert [row["start"] for row in rows] == ["2017-03-09T08:01:00Z"] * 2 + ["2017-03-09T08:02:00Z"] * 2


@pytest.mark.parametrize("dialect", ["json", "csv"])
def test_pages_of_loop_readings_follow_each_other(street, dialect):
    whole = street.get("/v1/loop-readings").json()["loop_readings"]
    assert len(whole) == 16
    seen, address = [], f"/v1/loop-readings?limit=7&format={dialect}"
    while address:
        response = street.get(address)
        seen += (
            response.json()["loop_readings"]
            if dialect == "json"
            else pd.read_csv(io.BytesIO(response.content)).to_dict("records")
        )
        address = response.links.get("next", {}).get("url")
    assert [(row["counter"], row["class"], row["start"]) for row in seen] == [
        (row["counter"], row["class"], row["start"]) for row in whole
    ]


def test_rows_are_what_openapi_says_they_are(street):
    HealthAnswer.model_validate_json(street.get("/v1/health").content)
    StatesAnswer.model_validate_json(street.get("/v1/states").content)
    CameraHealthAnswer.model_validate_json(street.get("/v1/cameras/06710/health").content)
    LoopsAnswer.model_validate_json(street.get("/v1/loops").content)
    LoopReadingsAnswer.model_validate_json(street.get("/v1/loop-readings").content)


def test_schema_record_and_frame_have_the_same_columns():
    assert list(HealthRow.model_fields) == HEALTH_SCHEMA.names == list(HEALTH_COLUMNS)
    assert list(StateRow.model_fields) == STATES_SCHEMA.names == list(STATE_COLUMNS)
    assert list(LoopRow.model_fields) == LOOPS_SCHEMA.names
    names = [info.alias or name for name, info in LoopReadingRow.model_fields.items()]
    assert names == LOOP_READINGS_SCHEMA.names == list(LOOP_READING_COLUMNS)
