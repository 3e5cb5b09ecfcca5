"""Bad questions get a clear problem with a remedy; nothing a client sends makes a 500; a 500 leaks nothing."""

from __future__ import annotations

import asyncio
import logging
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import CalibrationRefused, StoreError
from core.records import Window


@pytest.fixture(scope="module")
def street(make_street):
    """One street for all questions: nothing a client asks may change how the next one is answered."""
    return make_street()


@pytest.fixture
def faulty(make_street):
    """A street whose store fails in the way that a test sets."""
    return make_street()


@pytest.mark.parametrize(
    ("address", "status", "detail", "remedy"),
    [
        ("/v1/readings?class=peple", 422, "class 'peple' is not counted", "did you mean people"),
        ("/v1/readings?window=7m", 422, "window is '7m'", "'15m'"),
        ("/v1/readings?from=2017-03-09T09:00Z&to=2017-03-09T08:00Z", 422, "is not before to", "swap them"),
        ("/v1/readings?from=2017-03-09T09:00Z&to=2017-03-09T09:00Z", 422, "is not before to", "half-open|[from, to)"),
        ("/v1/readings?from=2017-03-09T09:00", 422, "has no offset", "2017-03-09T08:00:00Z"),
        ("/v1/readings?from=2017-03-09", 422, "has no offset", "2017-03-09T08:00:00Z"),
        ("/v1/readings?from=2017-03-09 08:00", 422, "has no offset", "2017-03-09T08:00:00Z"),
        ("/v1/readings?to=yesterday", 422, "'yesterday' is not an ISO 8601 time", "2017-03-09T08:00:00Z"),
        ("/v1/readings?to=1489046400", 422, "is not an ISO 8601 time", "2017-03-09T08:00:00Z"),
        ("/v1/readings?from=0001-01-01T00:00:00%2B14:00", 422, "outside 1970..2200", "2017-03-09T08:00:00Z"),
        ("/v1/readings?as_of={now()}", 422, "'{now()}' is not an ISO 8601 time", "2017-03-09T08:00:00Z"),
        ("/v1/readings?bbox=0,51,-1,52", 422, "bbox is '0,51,-1,52'", "west,south,east,north"),
        ("/v1/readings?bbox=-1,52,0,51", 422, "bbox is '-1,52,0,51'", "west,south,east,north"),
        ("/v1/readings?bbox=-200,51,0,52", 422, "bbox is '-200,51,0,52'", "west,south,east,north"),
        ("/v1/readings?bbox=nan,51,0,52", 422, "bbox is 'nan,51,0,52'", "west,south,east,north"),
        ("/v1/readings?bbox=1,2,3", 422, "not four numbers", "west,south,east,north"),
        ("/v1/cameras?bbox=here", 422, "not four numbers", "west,south,east,north"),
        ("/v1/readings?limit=999999999", 422, "limit is '999999999'", "/docs"),
        ("/v1/readings?limit=0", 422, "limit is '0'", "/docs"),
        ("/v1/readings?limit=many", 422, "limit is 'many'", "/docs"),
        ("/v1/readings?offset=-1", 422, "offset is '-1'", "/docs"),
        ("/v1/readings?format=xlsx", 422, "format is 'xlsx'", "parquet"),
        ("/v1/readings?windw=5m", 422, "there is no parameter 'windw'", "did you mean window"),
        ("/v1/readings?zone=" + ",".join(map(str, range(1001))), 422, "1001 names", "at most 1000"),
        ("/v1/readings?zone=", 422, "zone is empty", "leave it out"),
        ("/v1/readings?camera=,", 422, "camera is empty", "leave it out"),
        ("/v1/readings?class=%20", 422, "class is empty", "leave it out"),
        ("/v1/readings?from=", 422, "from is empty", "leave it out"),
        ("/v1/readings?as_of=&to=2017-03-09T08:00Z", 422, "as_of is empty", "leave it out"),
        ("/v1/readings?window=", 422, "window is ''", "'15m'"),
        ("/v1/cameras?bbox=", 422, "bbox is empty", "leave it out"),
        ("/v1/zones?camera=", 422, "camera is empty", "leave it out"),
        ("/v1/live?camera=", 422, "camera is empty", "leave it out"),
        ("/v1/readings?window=15m&window=5m", 422, "window is given 2 times ('15m', '5m')", "give window once"),
        ("/v1/readings?from=2017-03-09T08:00Z&from=2017-03-09T08:00Z", 422, "from is given 2 times", "give from once"),
        ("/v1/readings?offset=1&offset=2", 422, "offset is given 2 times", "give offset once"),
        ("/v1/latest?bbox=0,51&bbox=1,52", 422, "bbox is given 2 times", "give bbox once"),
        ("/v1/cameras?format=csv&format=json", 422, "format is given 2 times", "give format once"),
        ("/v1/zones?format=csv&format=csv", 422, "format is given 2 times", "give format once"),
        ("/v1/live?window=5m&window=5m", 422, "window is given 2 times", "give window once"),
        ("/v1/cameras?wndow=5m&wndow=1m", 422, "there is no parameter 'wndow'", "format"),
        ("/v1/readings?camera=06711", 404, "no camera '06711'", "did you mean 06710"),
        ("/v1/readings?zone=06710:south", 404, "no zone '06710:south'", "/v1/zones"),
        ("/v1/zones?camera=nowhere", 404, "no camera 'nowhere'", "/v1/cameras"),
        ("/v1/latest?camera=nowhere", 404, "no camera 'nowhere'", "/v1/cameras"),
        ("/v1/latest?class=crowd", 422, "class 'crowd' is not counted", "people"),
        ("/v1/live?camera=nowhere", 404, "no camera 'nowhere'", "/v1/cameras"),
        ("/v1/live?window=1h", 422, "window is '1h'", "'60m'"),
        ("/v1/health?state=stael", 422, "no camera state 'stael'", "did you mean stale"),
        ("/v1/readings?kind=pavment", 422, "no kind of zone 'pavment'", "did you mean pavement"),
        ("/v1/zones?kind=", 422, "kind is empty", "leave it out"),
        ("/v1/health?state=", 422, "state is empty", "leave it out"),
        ("/v1/health?camera=06710", 422, "there is no parameter 'camera'", "bbox"),
        ("/v1/states?camera=nowhere", 404, "no camera 'nowhere'", "/v1/cameras"),
        ("/v1/states?from=2017-02-01T00:00Z&to=2017-03-09T00:00Z", 422, "has more than 31 days", "a part of it"),
        ("/v1/cameras/06711/health", 404, "no camera '06711'", "did you mean 06710"),
        ("/v1/cameras/06710/health?from=2016-01-01T00:00Z", 422, "has more than 366 days", "a part of it"),
        ("/v1/cameras/06710/health?from=2017-03-09T09:00Z&to=2017-03-09T08:00Z", 422, "is not before to", "swap them"),
        ("/v1/cameras/06710/health?windw=5m", 422, "there is no parameter 'windw'", "from"),
        ("/v1/cameras/06710/health?from=2017-03-09", 422, "has no offset", "2017-03-09T08:00:00Z"),
        ("/v1/loop-readings?counter=tms:23102", 404, "no loop 'tms:23102'", "did you mean tms:23101"),
        ("/v1/loop-readings?class=lorry", 422, "class 'lorry' is not counted", "people"),
        ("/v1/loop-readings?limit=0", 422, "limit is '0'", "/docs"),
        ("/v1/loop-readings?limit=1&limit=2", 422, "limit is given 2 times", "give limit once"),
        ("/v1/loops?bbox=here", 422, "not four numbers", "west,south,east,north"),
        ("/v1/nothing", 404, "nothing at /v1/nothing", "/docs"),
        ("/v1/readings/", 404, "nothing at /v1/readings/", "/docs"),
    ],
)
def test_a_bad_question_gets_a_problem_that_names_it_and_its_remedy(
    street, assert_problem, address, status, detail, remedy
):
    problem = assert_problem(street.get(address), status)
    assert detail in problem["detail"]
    assert any(choice in problem["remedy"] for choice in remedy.split("|"))
    assert problem["instance"] == address.partition("?")[0]


def test_several_faults_are_told_together(street, assert_problem):
    problem = assert_problem(street.get("/v1/readings?window=7m&class=ship&limit=0"), 422)
    for name in ("window", "class", "limit"):
        assert name in problem["detail"]


def test_filters_that_came_out_empty_are_told_together_and_never_ask_for_everything(street, assert_problem):
    problem = assert_problem(street.get("/v1/readings?zone=&camera=,&bbox=&from="), 422)
    for name in ("zone", "camera", "bbox", "from"):
        assert f"{name} is empty" in problem["detail"]


@pytest.mark.parametrize("query", ["window=1h", "class=crowd", "camera=,", "windw=5m"])
def test_a_fault_of_a_live_question_is_told_once(street, assert_problem, query):
    assert ";" not in assert_problem(street.get(f"/v1/live?{query}"), 422)["detail"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_another_method_is_told_which_one_works(street, assert_problem, method):
    response = street.request(method, "/v1/readings")
    assert "use GET" in assert_problem(response, 405)["remedy"]
    assert response.headers["allow"] == "GET, HEAD"


def test_the_live_stream_has_no_end_and_so_no_head(street):
    response = street.request("HEAD", "/v1/live")
    assert (response.status_code, response.headers["allow"]) == (405, "GET")


def test_outlines_that_are_not_configured_are_a_problem(make_street, assert_problem):
    from api.app import About

    assert_problem(make_street(about=About(name="bare")).get("/v1/outlines"), 404)


@pytest.mark.parametrize("fault", [RuntimeError("SELECT secret FROM /var/lib/x.duckdb"), ValueError("secret")])
def test_an_unforeseen_error_is_a_500_that_tells_the_log_and_not_the_client(faulty, assert_problem, caplog, fault):
    faulty.answers.fault = fault
    with caplog.at_level(logging.ERROR, logger="api.problems"):
        response = faulty.get("/v1/cameras")
    problem = assert_problem(response, 500)
    assert "secret" not in response.text
    assert response.headers["x-content-type-options"] == "nosniff"
    (record,) = caplog.records
    assert record.exc_info[1] is fault
    assert problem["remedy"].split()[-1] in record.message


def test_a_store_that_does_not_answer_is_a_503_without_its_path(faulty, assert_problem, caplog):
    faulty.answers.fault = StoreError("/var/lib/secret.duckdb is locked", remedy="stop the other one")
    with caplog.at_level(logging.CRITICAL, logger="api.problems"):
        response = faulty.get("/v1/readings")
    assert_problem(response, 503)
    assert "secret" not in response.text


def test_a_calibration_that_is_refused_is_told_in_its_own_words(faulty, assert_problem):
    faulty.answers.fault = CalibrationRefused("point 3 (north kerb) is beyond the horizon", remedy="move it down")
    problem = assert_problem(faulty.get("/v1/extent"), 422)
    assert (problem["detail"], problem["remedy"]) == ("point 3 (north kerb) is beyond the horizon", "move it down")


def test_an_error_of_ours_without_a_place_in_the_table_is_a_500(faulty, assert_problem, broken, caplog):
    faulty.answers.fault = broken
    with caplog.at_level(logging.CRITICAL, logger="api.problems"):
        response = faulty.get("/v1/extent")
    assert_problem(response, 500)
    assert "secret" not in response.text


@pytest.mark.parametrize("query", [b"zone=\xff\xfe", b"%ff=%00", b"from=%F0%9F%98%80", b"zone=%00", b"&&==&"])
def test_bytes_that_are_no_text_never_make_a_500(street, query):
    assert asyncio.run(_status(street.app, "/v1/readings", query)) < 500
    assert asyncio.run(_status(street.app, "/v1/\udcff\x00..", query)) == 404


@pytest.mark.parametrize("host", [b"", b"[", b"a b", b"\xff", b"evil.test:99999999"])
def test_a_host_header_of_nonsense_never_makes_a_500(street, host):
    assert asyncio.run(_status(street.app, "/v1/readings", b"limit=1", host=host)) < 500


async def _status(app, path, query, host=b"street.test"):
    """The status that `app` gives to raw bytes, as a server would hand them over."""
    statuses = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": b"",
        "query_string": query,
        "root_path": "",
        "headers": [(b"host", host)],
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 1),
    }
    await app(scope, receive, send)
    return statuses[0]


NAMES = (
    "counter",
    "state",
    "zone",
    "camera",
    "kind",
    "class",
    "bbox",
    "from",
    "to",
    "window",
    "as_of",
    "limit",
    "offset",
    "format",
    "other",
)
VALUES = st.one_of(
    st.text(max_size=30),
    st.integers().map(str),
    st.floats().map(str),
    st.datetimes(timezones=st.timezones() | st.none()).map(lambda moment: moment.isoformat()),
    st.lists(st.floats() | st.integers(-200, 200), min_size=3, max_size=5).map(lambda box: ",".join(map(str, box))),
    st.sampled_from(["06710", "people,car", "15m", "json", "csv", "parquet", "geojson", "2017-03-09T08:00:00Z"]),
)


@settings(max_examples=100, deadline=None)
@given(
    path=st.sampled_from(
        [
            "/v1/readings",
            "/v1/latest",
            "/v1/cameras",
            "/v1/zones",
            "/v1/extent",
            "/v1/health",
            "/v1/states",
            "/v1/cameras/06710/health",
            "/v1/loops",
            "/v1/loop-readings",
        ]
    ),
    pairs=st.lists(st.tuples(st.sampled_from(NAMES), VALUES), max_size=4),
)
def test_no_query_string_makes_a_500(street, assert_problem, path, pairs):
    query = "&".join(f"{name}={quote(value, errors='replace')}" for name, value in pairs)
    response = street.get(f"{path}?{query}")
    if response.status_code != 200:
        assert response.status_code in (404, 422), response.text
        assert_problem(response, response.status_code)


@given(st.sampled_from(list(Window)), st.integers(1, 100_000), st.integers(0, 10**9))
@settings(max_examples=10, deadline=None)
def test_every_question_within_the_documented_bounds_is_answered(street, window, limit, offset):
    assert street.get(f"/v1/readings?window={window}&limit={limit}&offset={offset}").status_code == 200
