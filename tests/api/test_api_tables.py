"""The tables say the same in every dialect, and null is never zero."""

from __future__ import annotations

import io
import json

import httpx
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from aggregate.answers import READING_COLUMNS
from aggregate.ground_figures import GROUND_COLUMNS
from aggregate.usual_columns import USUAL_COLUMNS
from api import formats
from api.rows import CAMERAS_SCHEMA, READINGS_SCHEMA, ZONES_SCHEMA, CameraRow, ReadingRow, ReadingsAnswer, ZoneRow
from core.figures import SERIES
from core.records import Window


@pytest.fixture(scope="module")
def whole_street(make_street):
    return make_street()


@pytest.fixture
def street(whole_street):
    """The same street for all: no question changes it, only what it remembers of being asked."""
    whole_street.answers.asked.clear()
    whole_street.app.root_path = ""
    return whole_street


def test_readings_have_the_agreed_row_and_order(street):
    answer = street.get("/v1/readings?zone=06710:north&class=people").json()
    assert list(answer) == ["readings", "count", "next"]
    assert [list(row) for row in answer["readings"]] == [list(READING_COLUMNS)] * 4
    assert answer["count"] == 4
    assert answer["next"] is None
    first, *_, last = answer["readings"]
    assert (first["start"], first["end"]) == ("2017-03-09T08:00:00Z", "2017-03-09T08:15:00Z")
    assert first["derived_at"] == "2017-03-09T08:15:02.000007Z"
    assert (last["state"], last["reason"], last["revision"]) == ("missing", "no clip received", 0)
    for figure in ("mean", "low", "high", "peak", "stationary_share", "derived_at"):
        assert last[figure] is None


def test_json_keeps_every_decimal_that_is_stored(street):
    rows = street.get("/v1/readings?class=cyclist&camera=04254").json()["readings"]
    assert [row["mean"] for row in rows[:3]] == pytest.approx([1.0, 1 + 1 / 3, 1 + 2 / 3], abs=1e-9)


def test_people_and_vehicles_are_asked_for_by_default_and_lists_may_repeat(street):
    assert {row["class"] for row in street.get("/v1/readings").json()["readings"]} == {"people", "vehicles"}
    rows = street.get("/v1/readings?class=car,bus&class=van&zone=06710:road&zone=04254:view,").json()["readings"]
    assert {row["class"] for row in rows} == {"car", "bus", "van"}
    assert {row["zone"] for row in rows} == {"06710:road", "04254:view"}


def test_every_parameter_reaches_the_question(street):
    street.get(
        "/v1/readings?camera=06710&kind=pavement&class=car&bbox=-1,51,0,52&from=2017-03-09T09:00:00%2B01:00&to=2017-03-09T08:30Z"
        "&window=5m&as_of=2017-03-10T00:00:00Z&limit=7&offset=3"
    )
    (query,) = street.answers.asked
    assert query.cameras == ("06710",)
    assert query.series == ("car",)
    assert query.kinds == ("pavement",)
    assert query.bbox == (-1, 51, 0, 52)
    assert query.start == pd.Timestamp("2017-03-09T08:00Z")
    assert query.end == pd.Timestamp("2017-03-09T08:30Z")
    assert query.as_of == pd.Timestamp("2017-03-10T00:00Z")
    assert (query.window, query.limit, query.offset) == (Window.FIVE_MINUTES, 8, 3)


@pytest.mark.parametrize("written", ["2017-03-09T09:00:00%2B01:00", "2017-03-09T09:00:00+01:00", "2017-03-09T08:00Z"])
def test_an_offset_survives_a_plus_that_was_not_escaped(street, written):
    street.get(f"/v1/readings?from={written}")
    assert street.answers.asked[0].start == pd.Timestamp("2017-03-09T08:00Z")


@pytest.mark.parametrize("dialect", ["json", "csv", "parquet", "geojson"])
def test_pages_follow_each_other_without_gap_or_overlap(street, dialect):
    whole = street.get("/v1/readings?class=people,car").json()["readings"]
    seen, address, pages = [], f"/v1/readings?class=people&class=car&limit=10&format={dialect}", 0
    while address:
        response = street.get(address)
        address = response.links.get("next", {}).get("url")
        seen += _rows(response, dialect)
        pages += 1
    assert pages == 3
    assert [(row["zone"], row["class"], row["start"]) for row in seen] == [
        (row["zone"], row["class"], row["start"]) for row in whole
    ]


@pytest.mark.parametrize("dialect", ["json", "geojson"])
def test_next_is_relative_so_that_nothing_of_the_host_header_comes_back(street, dialect):
    response = street.get(f"/v1/readings?limit=5&format={dialect}", headers={"host": "evil.example"})
    following = response.json()["next"]
    assert following.startswith("/v1/readings?")
    assert "evil" not in response.text + str(response.headers)
    assert response.headers["link"] == f'<{following}>; rel="next"'


@pytest.mark.parametrize("offset", [0, 7])
def test_next_writes_out_the_edges_that_were_left_open(street, offset):
    following = street.get(f"/v1/readings?window=15m&limit=5&offset={offset}").json()["next"]
    assert dict(httpx.URL(following).params) == {
        "window": "15m",
        "from": "2017-03-09T08:00:00Z",
        "to": "2017-03-09T09:00:00Z",
        "limit": "5",
        "offset": str(offset + 5),
    }


def test_next_keeps_the_edges_that_were_given_and_what_was_known_when(street):
    edges = "from=2017-03-09T09:05:00%2B01:00&to=2017-03-09T08:50Z&as_of=2017-03-10T00:00:00.25Z"
    asked = httpx.URL(street.get(f"/v1/readings?{edges}&limit=1").json()["next"]).params
    assert asked.get_list("from") == ["2017-03-09T08:05:00Z"]
    assert asked.get_list("to") == ["2017-03-09T08:50:00Z"]
    assert asked.get_list("as_of") == ["2017-03-10T00:00:00.250000Z"]


def test_next_keeps_the_path_under_which_a_proxy_serves_us(street):
    street.app.root_path = "/density"
    following = street.get("/density/v1/readings?limit=5&class=people").json()["next"]
    period = "from=2017-03-09T08%3A00%3A00Z&to=2017-03-09T09%3A00%3A00Z"
    assert following == f"/density/v1/readings?class=people&{period}&limit=5&offset=5"
    assert street.get(following).json()["count"] == 5


def _rows(response, dialect):
    match dialect:
        case "json":
            return response.json()["readings"]
        case "geojson":
            return [feature["properties"] for feature in response.json()["features"]]
        case "csv":
            return pd.read_csv(io.BytesIO(response.content), dtype={"camera": str}).to_dict("records")
    frame = pd.read_parquet(io.BytesIO(response.content))
    frame["start"] = frame["start"].dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    return frame.to_dict("records")


def test_csv_leaves_cells_empty_for_null_and_names_its_file(street):
    response = street.get("/v1/readings?zone=06710:north&class=people&format=csv")
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert response.headers["content-disposition"] == 'attachment; filename="readings.csv"'
    header, *rows = response.text.splitlines()
    assert header == ",".join(READING_COLUMNS)
    times = '"2017-03-09T08:45:00Z","2017-03-09T09:00:00Z"'
    usual = '4,2.5,6.25,,,,"ok",,'
    nothing = f"{',' * 14}{usual}0,0,3"
    assert rows[-1] == f'"06710:north","06710","people","15m",{times},{nothing},"missing","no clip received",0,'


def test_the_description_of_format_says_how_to_read_a_csv_without_losing_the_zero_of_a_camera(street):
    operation = street.app.openapi()["paths"]["/v1/readings"]["get"]
    (told,) = (one["description"] for one in operation["parameters"] if one["name"] == "format")
    assert 'dtype={"camera": str, "zone": str}' in told
    assert "Parquet" in told
    content = street.get("/v1/readings?camera=04254&format=csv").content
    assert set(pd.read_csv(io.BytesIO(content))["camera"]) == {4254}
    assert set(pd.read_csv(io.BytesIO(content), dtype={"camera": str, "zone": str})["camera"]) == {"04254"}


def test_parquet_has_typed_columns_and_utc_times(street):
    response = street.get("/v1/readings?format=parquet")
    assert response.headers["content-type"] == "application/vnd.apache.parquet"
    table = pq.read_table(io.BytesIO(response.content))
    assert table.schema.remove_metadata() == READINGS_SCHEMA
    assert table.column("start").type == pa.timestamp("us", tz="UTC")
    assert table.column("mean").null_count == table.column("derived_at").null_count == 6


def test_geojson_puts_every_row_at_its_camera(street):
    answer = street.get("/v1/readings?camera=04254&class=bus&format=geojson").json()
    assert answer["type"] == "FeatureCollection"
    assert answer["count"] == len(answer["features"]) == 4
    for feature in answer["features"]:
        assert feature["type"] == "Feature"
        assert feature["geometry"] == {"type": "Point", "coordinates": [-0.155, 51.51]}
        assert feature["properties"]["camera"] == "04254"


@pytest.mark.parametrize("address", ["/v1/readings?limit=20&", "/v1/latest?", "/v1/zones?"])
def test_geojson_draws_a_zone_whose_ground_is_known_there(street, address):
    """A closed ring, counterclockwise (RFC 7946), also where the record has it the other way round."""
    features = street.get(f"{address}format=geojson").json()["features"]
    drawn = {feature["properties"].get("zone", feature["properties"].get("id")): feature for feature in features}
    ring = [[-0.0782, 51.5036], [-0.0778, 51.5036], [-0.0778, 51.50364], [-0.0782, 51.50364], [-0.0782, 51.5036]]
    assert drawn["06710:north"]["geometry"] == {"type": "Polygon", "coordinates": [ring]}
    assert drawn["06710:road"]["geometry"] == {"type": "Point", "coordinates": [-0.078, 51.5036]}
    assert drawn["04254:view"]["geometry"] == {"type": "Point", "coordinates": [-0.155, 51.51]}


def test_a_reading_of_a_calibrated_zone_has_its_ground_in_every_dialect(street):
    ask = "/v1/readings?zone=06710:north&class=people&limit=1"
    (row,) = _rows(street.get(ask), "json")
    for dialect in ("geojson", "csv", "parquet"):
        (other,) = _rows(street.get(f"{ask}&format={dialect}"), dialect)
        assert {name: other[name] for name in GROUND_COLUMNS if name != "occupancy_share"} == {
            name: row[name] for name in GROUND_COLUMNS if name != "occupancy_share"
        }
        assert pd.isna(other["occupancy_share"])
    assert row["density_per_100m2"] == pytest.approx(7 / 1.5, abs=1e-6)
    assert (row["area_m2"], row["comfort_tfl"]) == (150, "A-")
    (road,) = _rows(street.get("/v1/readings?zone=06710:road&class=people&limit=1"), "json")
    assert [road[name] for name in GROUND_COLUMNS] == [None] * 9


def test_a_reading_has_what_is_usual_in_every_dialect_or_why_it_has_not(street):
    ask = "/v1/readings?zone=06710:north,06710:road&class=cyclist&limit=2"
    north, road = _rows(street.get(ask), "json")
    assert [north[name] for name in USUAL_COLUMNS] == [4, 2.5, 6.25, 0.25, 0.25, 0.25, "ok", None]
    reason = "9 hours of its own past, 3 weeks are needed"
    assert [road[name] for name in USUAL_COLUMNS] == [*[None] * 6, "insufficient_history", reason]
    for dialect in ("geojson", "csv", "parquet"):
        other, _ = _rows(street.get(f"{ask}&format={dialect}"), dialect)
        assert {name: other[name] for name in USUAL_COLUMNS[:7]} == {name: north[name] for name in USUAL_COLUMNS[:7]}
        assert pd.isna(other["baseline_reason"])


@pytest.mark.parametrize("path", ["/v1/readings", "/v1/latest"])
def test_what_readings_are_compared_with_reaches_the_question(street, path):
    street.get(f"{path}?reference=before the works")
    assert street.answers.asked[-1].reference == "before the works"


@pytest.mark.parametrize("path", ["/v1/readings", "/v1/latest"])
def test_readings_of_zones_of_some_kinds(street, path):
    rows = street.get(f"{path}?kind=pavement&kind=crossing").json()["readings"]
    assert {row["zone"] for row in rows} == {"06710:north"}


@pytest.mark.parametrize("dialect", ["json", "csv", "parquet", "geojson"])
@pytest.mark.parametrize("path", ["/v1/readings?bbox=100,1,101,2", "/v1/cameras?bbox=100,1,101,2"])
def test_nothing_found_is_an_empty_table_and_not_an_error(street, path, dialect):
    response = street.get(f"{path}&format={dialect}")
    assert response.status_code == 200
    if dialect == "parquet":
        assert pq.read_table(io.BytesIO(response.content)).num_rows == 0
    elif dialect == "csv":
        assert len(response.text.splitlines()) == 1
    else:
        answer = response.json()
        assert answer[{"json": path[4:].partition("?")[0], "geojson": "features"}[dialect]] == []


@pytest.mark.parametrize("dialect", ["json", "csv", "geojson"])
def test_a_table_is_whole_however_many_chunks_it_takes(street, monkeypatch, dialect):
    whole = street.get(f"/v1/readings?format={dialect}").content
    monkeypatch.setattr(formats, "CHUNK_ROWS", 5)
    assert street.get(f"/v1/readings?format={dialect}").content == whole


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("text/csv", "text/csv; charset=utf-8"),
        ("application/geo+json, application/json;q=0.5", "application/geo+json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "application/json"),
        ("application/*", "application/json"),
        ("application/json;q=0, */*", "text/csv; charset=utf-8"),
        ("application/vnd.apache.parquet;q=x, */*;q=0.1", "application/json"),
    ],
)
def test_the_accept_header_chooses_where_no_format_is_asked_for(street, accept, content_type):
    response = street.get("/v1/cameras", headers={"accept": accept})
    assert response.headers["content-type"] == content_type
    assert "accept" in response.headers["vary"].lower()
    assert street.get("/v1/cameras?format=json", headers={"accept": accept}).json()["cameras"]


def test_an_accept_header_that_takes_none_of_them_is_told_which_there_are(street, assert_problem):
    problem = assert_problem(street.get("/v1/cameras", headers={"accept": "image/png"}), 406)
    assert "text/csv" in problem["remedy"]


def test_cameras_tell_what_they_last_sent(street):
    park, tower = street.get("/v1/cameras").json()["cameras"]
    assert list(park) == CAMERAS_SCHEMA.names
    assert park["zones"] == ["04254:view"]
    assert park["last_event_time"] is park["last_status"] is park["last_reason"] is park["last_counted"] is None
    assert tower["name"] == 'Tower Bridge Rd / "Tooley" St, Süd'
    assert tower["zones"] == ["06710:north", "06710:road"]
    assert (tower["last_event_time"], tower["last_status"]) == ("2017-03-09T08:40:00Z", "placeholder")
    assert tower["last_counted"] == "2017-03-09T08:35:00Z"
    assert park["state"] is park["state_since"] is park["state_reason"] is None
    assert (tower["state"], tower["state_since"]) == ("faulty", "2017-03-09T08:40:00Z")
    assert tower["state_reason"] == 'a "card", ü'


def test_cameras_of_a_box_and_zones_of_a_camera(street):
    assert [row["id"] for row in street.get("/v1/cameras?bbox=-0.1,51.5,0,51.6").json()["cameras"]] == ["06710"]
    zones = street.get("/v1/zones?camera=06710").json()["zones"]
    assert [zone["id"] for zone in zones] == ["06710:north", "06710:road"]
    assert zones[0] == {
        "id": "06710:north",
        "camera": "06710",
        "name": "North pavement",
        "kind": "pavement",
        "polygon": [[0.0, 0.0], [100.0, 0.0], [50.5, 90.0]],
        "effective_width_m": 2.5,
        "plane": "06710/0123abcd",
        "area_m2": 150.0,
        "area_error": 0.04,
        "length_m": 40.0,
        "cut": "12 % of it is too far to resolve people",
        "lat": 51.5036,
        "lon": -0.078,
    }
    assert zones[1]["polygon"] is zones[1]["effective_width_m"] is zones[1]["plane"] is zones[1]["area_m2"] is None
    assert [zone["id"] for zone in street.get("/v1/zones?kind=carriageway,view").json()["zones"]] == [
        "04254:view",
        "06710:road",
    ]


def test_cameras_tell_how_their_ground_is_known(street):
    park, tower = street.get("/v1/cameras").json()["cameras"]
    told = ("plane", "plane_method", "plane_error_m", "camera_height_m")
    assert [tower[name] for name in told] == ["06710/0123abcd", "points", 0.24, 9.6]
    assert [park[name] for name in told] == [None] * 4


def test_nested_columns_are_json_text_in_csv_and_lists_in_parquet(street):
    frame = pd.read_csv(io.BytesIO(street.get("/v1/zones?format=csv").content))
    assert json.loads(frame["polygon"].dropna().iloc[0]) == [[0.0, 0.0], [100.0, 0.0], [50.5, 90.0]]
    frame = pd.read_csv(io.BytesIO(street.get("/v1/cameras?format=csv").content))
    assert json.loads(frame["zones"].iloc[1]) == ["06710:north", "06710:road"]
    zones = pq.read_table(io.BytesIO(street.get("/v1/zones?format=parquet").content))
    assert zones.schema.remove_metadata() == ZONES_SCHEMA
    assert zones.column("polygon").to_pylist()[1] == [[0.0, 0.0], [100.0, 0.0], [50.5, 90.0]]
    cameras = pq.read_table(io.BytesIO(street.get("/v1/cameras?format=parquet").content))
    assert cameras.schema.remove_metadata() == CAMERAS_SCHEMA


def test_latest_has_one_row_for_every_zone_and_class(street):
    answer = street.get("/v1/latest").json()
    assert list(answer) == ["readings"]
    assert len(answer["readings"]) == 3 * 2
    assert {row["class"] for row in street.get("/v1/latest?class=bus&camera=04254").json()["readings"]} == {"bus"}


def test_rows_are_what_openapi_says_they_are(street):
    ReadingsAnswer.model_validate_json(street.get("/v1/readings").content)
    for row in street.get("/v1/cameras").json()["cameras"]:
        CameraRow.model_validate_json(json.dumps(row))
    for row in street.get("/v1/zones").json()["zones"]:
        ZoneRow.model_validate_json(json.dumps(row))


def test_schema_record_and_frame_have_the_same_columns():
    assert READINGS_SCHEMA.names == list(READING_COLUMNS)
    assert [info.alias or name for name, info in ReadingRow.model_fields.items()] == READINGS_SCHEMA.names
    assert list(CameraRow.model_fields) == CAMERAS_SCHEMA.names
    assert list(ZoneRow.model_fields) == ZONES_SCHEMA.names


def test_about_extent_and_outlines(street):
    about = street.get("/v1/about").json()
    assert about.pop("version")
    assert about == {
        "name": "Test street",
        "notice": None,
        "classes": list(SERIES),
        "windows": ["1m", "5m", "15m", "60m", "1d"],
        "basemap": None,
        "outlines": True,
        "calibrates": False,
    }
    assert street.get("/v1/extent").json() == {"start": "2017-03-09T08:00:00Z", "end": "2017-03-09T08:40:00Z"}
    outlines = street.get("/v1/outlines")
    assert outlines.headers["content-type"] == "application/geo+json"
    assert outlines.json() == {"type": "FeatureCollection", "features": []}
