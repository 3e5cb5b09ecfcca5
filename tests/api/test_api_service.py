"""Health, metrics, headers, pages and the description of the API."""

from __future__ import annotations

import re

import httpx
import pandas as pd
import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import ValidationError

from api.app import About
from api.formats import MEDIA_TYPES
from api.problems import Problem
from core.errors import StoreError
from core.health import CameraState


def samples(street):
    text = street.get("/metrics").text
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_health_asks_nothing_of_the_store(street):
    street.answers.fault = StoreError("gone")
    assert street.get("/healthz").json() == {"status": "ok"}


def test_ready_only_while_store_and_pipeline_are_alive(street, assert_problem, caplog):
    assert street.get("/readyz").json() == {"status": "ok"}
    street.trouble.append("the counting thread has stopped: ModelError")
    assert assert_problem(street.get("/readyz"), 503)["detail"] == "the counting thread has stopped: ModelError"
    street.trouble.clear()
    street.answers.fault = StoreError("gone")
    assert_problem(street.get("/readyz"), 503)


def test_metrics_count_requests_by_route_and_never_by_address(street):
    street.get("/v1/readings?limit=1")
    street.get("/v1/readings?limit=2")
    street.get("/v1/readings?limit=0")
    for secret in ("a", "b", "c"):
        street.get(f"/v1/{secret}")
    street.request("BREW", "/v1/readings")
    found = samples(street)

    def requests(method, route, status):
        return found[("busyness_api_requests_total", ("method", method), ("route", route), ("status", status))]

    assert requests("GET", "/v1/readings", "200") == 2
    assert requests("GET", "/v1/readings", "422") == 1
    assert requests("GET", "none", "404") == 3
    assert requests("other", "/v1/readings", "405") == 1
    assert found[("busyness_api_request_seconds_count", ("route", "/v1/readings"))] == 4


def test_an_unforeseen_error_is_counted_as_the_500_that_was_sent(street, caplog):
    street.answers.fault = RuntimeError("secret")
    street.get("/v1/cameras")
    street.answers.fault = None
    key = ("busyness_api_requests_total", ("method", "GET"), ("route", "/v1/cameras"), ("status", "500"))
    assert samples(street)[key] == 1


def test_metrics_show_the_cameras_and_the_age_of_what_they_sent(street):
    found = samples(street)
    assert found[("busyness_store_up",)] == 1
    assert found[("busyness_cameras",)] == 2
    assert found[("busyness_cameras_calibrated",)] == 1
    assert found[("busyness_newest_observation_age_seconds",)] == 20 * 60 + 7
    assert found[("busyness_camera_last_event_timestamp_seconds", ("camera", "06710"))] == 1489048800
    assert found[("busyness_camera_up", ("camera", "06710"))] == 0
    assert ("busyness_camera_up", ("camera", "04254")) not in found
    assert found[("busyness_live_clients",)] == 0


def test_metrics_tell_the_density_of_calibrated_zones_and_of_no_others(make_street):
    street = make_street()
    street.answers.frame = street.answers.frame.assign(start=street.answers.frame["start"] + pd.Timedelta(minutes=15))
    found = samples(street)
    of_north = ("busyness_density_per_100m2", ("camera", "06710"))
    densities = {key: figure for key, figure in found.items() if key[0] == of_north[0]}
    assert densities == {
        (*of_north, ("class", "people"), ("zone", "06710:north")): pytest.approx((7 + 2 / 3) / 1.5, abs=1e-6),
        (*of_north, ("class", "vehicles"), ("zone", "06710:north")): pytest.approx((8 + 2 / 3) / 1.5, abs=1e-6),
    }


def test_metrics_tell_how_many_cameras_are_in_each_state_of_which_source(make_street):
    found = samples(make_street(source_of={"06710": "tfl", "04254": "tfl"}.get))

    def cameras(state, **source):
        name = "busyness_source_cameras_by_state" if source else "busyness_cameras_by_state"
        return found[(name, *source.items(), ("state", state))]

    assert [cameras(state) for state in (*CameraState, "unknown")] == [0, 0, 0, 0, 0, 1, 0, 1]
    assert (cameras("faulty", source="tfl"), cameras("live", source="tfl")) == (1, 0)
    assert cameras("unknown", source="tfl") == 1


def test_cameras_of_no_source_are_in_no_source(make_street):
    found = samples(make_street(source_of={"06710": "tfl"}.get))
    assert {dict(key[1:])["source"] for key in found if key[0] == "busyness_source_cameras_by_state"} == {"tfl"}
    assert found[("busyness_cameras_by_state", ("state", "unknown"))] == 1


def test_metrics_survive_a_store_that_does_not_answer(street, caplog):
    street.answers.fault = StoreError("gone")
    found = samples(street)
    assert found[("busyness_store_up",)] == 0
    assert ("busyness_cameras",) not in found


def test_every_answer_carries_the_security_headers(street):
    for address in ("/", "/v1/cameras", "/v1/nothing", "/docs", "/openapi.json", "/metrics", "/v1/readings?limit=0"):
        headers = street.get(address).headers
        assert headers["content-security-policy"].startswith("default-src 'self';"), address
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "strict-origin-when-cross-origin"
        assert headers["x-frame-options"] == "DENY"
        assert not [name for name in headers if name.startswith("access-control-")]


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://tile.example.org/{z}/{x}/{y}.png", "https://tile.example.org"),
        ("https://a.tile.example.org:8443/{z}/{x}/{y}.png", "https://a.tile.example.org:8443"),
        ("http://127.0.0.1:8080/style.json", "http://127.0.0.1:8080"),
    ],
)
def test_the_policy_lets_in_the_basemap_and_nobody_else(make_street, url, origin):
    street = make_street(about=About(name="x", basemap_url=url, basemap_attribution="them"))
    policy = street.get("/").headers["content-security-policy"]
    hosts = re.findall(r"https?://[^\s;]+", policy)
    assert hosts == [origin, origin]
    assert "unsafe" not in policy
    assert street.get("/v1/about").json()["basemap"] == {"url": url, "attribution": "them"}


@pytest.mark.parametrize(
    "url",
    ["javascript:x", "https://a; script-src *", "https://a b/", "/tiles", "https:///x", "ftp://a/", "https://*.a/"],
)
def test_a_basemap_address_cannot_widen_the_policy(url):
    with pytest.raises(ValidationError, match="is not the http"):
        About(name="x", basemap_url=url)


def test_a_basemap_host_that_the_page_would_have_to_fill_in_is_refused_with_what_to_write():
    with pytest.raises(ValidationError, match="name one host, as in https://a"):
        About(name="x", basemap_url="https://{s}.tile.example.org/{z}/{x}/{y}.png")


def test_outlines_have_to_be_geojson():
    with pytest.raises(ValidationError, match="FeatureCollection"):
        About(name="x", outlines={"type": "Topology"})


def test_figures_are_never_kept_and_large_answers_are_packed(street):
    packed = street.get("/v1/readings", headers={"accept-encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["cache-control"] == "no-store"
    assert {part.strip().lower() for part in packed.headers["vary"].split(",")} == {"accept", "accept-encoding"}
    assert "content-encoding" not in street.get("/v1/readings?format=parquet").headers
    assert street.get("/v1/outlines").headers["cache-control"] == "private, max-age=3600"


@pytest.mark.parametrize("address", ["/v1/readings", "/v1/readings?format=csv", "/openapi.json", "/healthz"])
def test_what_is_unpacked_is_what_would_be_sent_plain(street, address):
    """Streams of several pieces, answers of one piece, and those that are too small to be packed."""
    packed = street.get(address, headers={"accept-encoding": "gzip"})
    assert ("content-encoding" in packed.headers) == (address != "/healthz")
    assert packed.content == street.get(address, headers={"accept-encoding": "identity"}).content


@pytest.mark.parametrize(
    "address",
    [
        "/", "/docs", "/docs/start.js", "/openapi.json", "/healthz", "/readyz", "/metrics", "/v1/about", "/v1/outlines",
        "/v1/extent", "/v1/cameras", "/v1/zones?format=geojson", "/v1/latest?format=csv", "/v1/readings",
        "/v1/readings?format=parquet", "/v1/readings?limit=3", "/v1/readings?limit=0", "/v1/readings?camera=x",
        "/v1/nothing", "/operations", "/v1/health", "/v1/states?format=csv", "/v1/cameras/06710/health",
        "/v1/cameras/06710/health?format=parquet", "/v1/loops?format=geojson", "/v1/loop-readings?limit=3",
        "/v1/interventions", "/v1/interventions/tooley-st/effect", "/v1/interventions/tooley-st/effect.svg",
    ],
)  # fmt: skip
@pytest.mark.parametrize("coding", ["gzip", "identity"])
def test_head_is_get_without_the_body(street, address, coding):
    whole = street.get(address, headers={"accept-encoding": coding})
    bare = street.request("HEAD", address, headers={"accept-encoding": coding})
    assert bare.status_code == whole.status_code
    assert bare.content == b""
    if address == "/metrics":  # grows with every request
        del bare.headers["content-length"], whole.headers["content-length"]
    assert bare.headers == whole.headers


def test_head_under_the_prefix_of_a_proxy(street):
    street.app.root_path = "/density"
    assert street.request("HEAD", "/density/v1/latest").status_code == 200
    assert street.request("HEAD", "/density/v1/live").status_code == 405


def test_head_is_counted_as_head_of_its_route(street):
    street.request("HEAD", "/v1/readings?limit=1")
    key = ("busyness_api_requests_total", ("method", "HEAD"), ("route", "/v1/readings"), ("status", "200"))
    assert samples(street)[key] == 1


def test_without_a_built_page_the_api_works_and_says_how_to_build(street, assert_problem):
    page = street.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "make page" in page.text
    assert "make page" in street.get("/operations").text
    assert "make page" in assert_problem(street.get("/docs"), 404)["remedy"]


@pytest.fixture
def built(tmp_path):
    """A page as the build leaves it."""
    for name, text in {
        "index.html": "<!doctype html><title>map</title>",
        "operations.html": "<!doctype html><title>operations</title>",
        "icon.svg": "<svg xmlns='http://www.w3.org/2000/svg'/>",
        "assets/main-abc123.js": "export {};",
        "docs/swagger-ui-bundle.js": "window.SwaggerUIBundle = () => {};",
        "docs/swagger-ui.css": "body {}",
    }.items():
        path = tmp_path / "dist" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "secret.txt").write_text("secret")
    return tmp_path / "dist"


def test_the_built_page_is_served_with_its_files(make_street, built, assert_problem):
    street = make_street(web_dist=built)
    assert "<title>map</title>" in street.get("/").text
    assert street.get("/").headers["cache-control"] == "no-cache"
    operations = street.get("/operations")
    assert "<title>operations</title>" in operations.text
    assert operations.headers["content-type"] == "text/html; charset=utf-8"
    assert operations.headers["cache-control"] == "no-cache"
    script = street.get("/assets/main-abc123.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    bare = street.request("HEAD", "/assets/main-abc123.js")
    assert (bare.status_code, bare.content, bare.headers) == (200, b"", script.headers)
    again = street.get("/assets/main-abc123.js", headers={"if-none-match": script.headers["etag"]})
    assert again.status_code == 304
    assert_problem(street.get("/assets/gone.js"), 404)
    assert_problem(street.get("/v1/nothing"), 404)
    assert_problem(street.request("POST", "/v1/readings"), 405)
    assert_problem(street.get("/..%2fsecret.txt"), 404)
    assert_problem(street.get("/assets/..%2f..%2fsecret.txt"), 404)


def test_the_documentation_page_loads_nothing_from_elsewhere(make_street, built):
    street = make_street(web_dist=built)
    page = street.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert not re.search(r"https?://|[\"']//", page.text)
    assert not re.search(r"<script>|\son\w+=", page.text), "inline script would need a hole in the policy"
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert any(address.endswith("swagger-ui-bundle.js") for address in loaded)
    for address in loaded:
        answer = street.get(f"/{address}")
        assert answer.status_code == 200, address
        if answer.headers["content-type"].startswith("text/javascript"):
            assert not re.search(r"https?://", answer.text)
    assert "validatorUrl: null" in "".join(street.get(f"/{address}").text for address in loaded), (
        "Swagger UI would send the description to a validator on the internet"
    )


def operations(street):
    for path, methods in street.app.openapi()["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_every_route_is_described(street):
    described = dict(operations(street))
    assert set(described) >= {
        f"GET {path}"
        for path in (
            "/v1/about", "/v1/outlines", "/v1/extent", "/v1/cameras", "/v1/zones", "/v1/readings", "/v1/latest",
            "/v1/comparisons", "/v1/forecasts", "/v1/references",
            "/v1/interventions", "/v1/interventions/{intervention}",
            "/v1/interventions/{intervention}/effect", "/v1/interventions/{intervention}/effect.svg",
            "/v1/hotspots", "/v1/anomalies", "/v1/priorities", "/v1/changes", "/v1/loop-checks", "/v1/traffic",
            "/v1/totals", "/v1/report",
            "/v1/live", "/v1/health", "/v1/states", "/v1/cameras/{camera}/health", "/v1/loops", "/v1/loop-readings",
            "/healthz", "/readyz", "/metrics",
        )
    }  # fmt: skip
    identifiers = [operation["operationId"] for operation in described.values()]
    assert len(set(identifiers)) == len(identifiers)
    for name, operation in described.items():
        assert operation["summary"], name
        assert operation["description"], name
        assert set(operation["tags"]) <= {"operator", "analyst", "planner"}, name
        for parameter in operation.get("parameters", []):
            assert parameter["description"], (name, parameter["name"])
            assert parameter["schema"].get("examples"), (name, parameter["name"])
            assert parameter["schema"].get("default") is None or not isinstance(parameter["schema"]["default"], list)


def test_every_column_is_described_with_an_example(street):
    schemas = street.app.openapi()["components"]["schemas"]
    for row in (
        "ReadingRow", "CameraRow", "ZoneRow", "Problem", "AboutAnswer", "ExtentAnswer", "HealthRow", "StateRow",
        "CameraHealthAnswer", "LoopRow", "LoopReadingRow", "LoopCheckRow", "TrafficRow", "TotalRow",
        "HotspotRow", "AnomalyRow", "PriorityRow", "LastingChangeRow", "ComparisonRow", "ForecastRow", "ReferenceRow",
        "InterventionRow", "NewIntervention", "EffectAnswer", "ChangeRow", "ZoneChangeRow", "ChecksRow", "EffectWeek",
    ):  # fmt: skip
        for name, column in schemas[row]["properties"].items():
            if "$ref" not in column and "anyOf" not in column:
                assert column.get("description"), (row, name)
                assert column.get("examples"), (row, name)


def test_a_row_says_what_its_version_is_and_what_may_be_null(street):
    row = street.app.openapi()["components"]["schemas"]["ReadingRow"]
    revision = row["properties"]["revision"]["description"]
    assert "`derived_at`" in revision
    assert "every change" not in revision
    assert "(`revision`, `derived_at`) is the version" in row["description"]
    assert "nothing was present" in row["properties"]["stationary_share"]["description"]
    live = street.app.openapi()["paths"]["/v1/live"]["get"]
    assert "(`revision`, `derived_at`)" in live["description"]
    assert "higher revision" not in live["description"]


def test_every_documented_error_is_a_problem_and_every_table_has_its_four_dialects(street):
    for name, operation in operations(street):
        for status, response in operation["responses"].items():
            if status >= "400":
                assert list(response["content"]) == ["application/problem+json"], (name, status)
                content = response["content"]["application/problem+json"]
                assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
                assert Problem.model_validate(content["example"]).status == int(status)
    for path in (
        "/v1/readings", "/v1/latest", "/v1/cameras", "/v1/zones", "/v1/health", "/v1/states",
        "/v1/cameras/{camera}/health", "/v1/loops", "/v1/loop-readings", "/v1/comparisons", "/v1/forecasts",
        "/v1/interventions",
    ):  # fmt: skip
        content = dict(operations(street))[f"GET {path}"]["responses"]["200"]["content"]
        assert set(content) == set(MEDIA_TYPES.values())


@pytest.mark.parametrize(
    ("status", "ask"),
    [
        (404, "/v1/zones?camera=x"),
        (404, "/v1/states?camera=x"),
        (404, "/v1/loop-readings?counter=x"),
        (404, "/v1/comparisons?reference=x"),
        (406, "/v1/forecasts"),
        (422, "/v1/references?class=x"),
        (503, "/v1/references"),
        (503, "/v1/comparisons"),
        (503, "/v1/forecasts"),
        (406, "/v1/health"),
        (406, "/v1/loops"),
        (422, "/v1/health?state=x"),
        (503, "/v1/health"),
        (503, "/v1/loops"),
        (406, "/v1/zones"),
        (422, "/v1/zones?format=x"),
        (503, "/v1/extent"),
    ],
)
def test_each_documented_error_really_is_a_problem(street, assert_problem, caplog, status, ask):
    street.answers.fault = StoreError("gone") if status == 503 else None
    headers = {"accept": "image/png"} if status == 406 else {}
    assert_problem(street.get(ask, headers=headers), status)
    documented = dict(operations(street))[f"GET {ask.partition('?')[0]}"]["responses"]
    assert str(status) in documented


def test_every_example_of_a_parameter_is_accepted(street):
    for name, operation in operations(street):
        for parameter in operation.get("parameters", []):
            if parameter["in"] != "query" or parameter["name"] in ("zone",) or name.endswith("/v1/live"):
                continue
            if "/operations/" in name:  # asked in test_api_calibration.py, as the operator
                continue
            if name in ("GET /v1/traffic", "GET /v1/report"):  # of places and times that this street has not
                continue
            for example in parameter["schema"]["examples"]:
                path = name.removeprefix("GET ").replace("{camera}", "06710").replace("{intervention}", "tooley-st")
                response = street.get(path, params={parameter["name"]: example})
                assert response.status_code == 200, (name, parameter["name"], response.text)


def test_the_openapi_description_names_no_foreign_host(street):
    text = street.get("/openapi.json").text
    hosts = {httpx.URL(found).host for found in re.findall(r"https?://[\w.-]+", text)}
    assert hosts <= {"tiles.example.org"}
