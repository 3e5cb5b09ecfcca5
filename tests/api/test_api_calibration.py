"""The calibration page and its data are the operator's alone, and the picture is given once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp

from aggregate.feed import ReadingFeed
from api.app import About, create_app
from api.calibration import PREFIX, SWITCHED_OFF, CalibrationDesk, NoDesk, router
from api.operator_guard import MOST_BYTES, PROXIED, OperatorRoute
from api.problems import Conflict, NotReady
from core.errors import CalibrationRefused, NotFound
from core.judgement import CalibratedCamera, Gathering, GatheringState, JudgedZone, Judgement, OpenedSite
from core.site import Site
from tests.api.conftest import FixedAnswers, FixedClock

HERE = "127.0.0.1:8321"
SITE = Site(camera="06710", lat=51.5, lon=-0.1)
OURS = {"Origin": f"http://{HERE}"}
DATA = (
    ("GET", "/site"), ("POST", "/judge"), ("PUT", "/site"), ("POST", "/background"), ("GET", "/background.png"),
)  # fmt: skip


class OneCamera:
    """A desk with one camera and one picture."""

    def __init__(self) -> None:
        self.pictures = [b"\x89PNG picture"]
        self.saved: list[Site] = []
        self.kept: list[bool] = []
        self.fault: Exception | None = None

    def open(self, camera: str) -> OpenedSite:
        self._expect(camera)
        known = CalibratedCamera(id=camera, name="Tower", lat=51.5, lon=-0.1)
        return OpenedSite(site=SITE, camera=known, can_save=True)

    def judge(self, camera: str, site: Site) -> Judgement:
        self._expect(camera)
        return Judgement(zones=(JudgedZone(id="a"),))

    def save(self, camera: str, site: Site) -> Site:
        self._expect(camera)
        self.saved.append(site)
        return site

    def gather(self, camera: str) -> Gathering:
        self._expect(camera)
        return Gathering(state=GatheringState.GATHERING, clips=3, of=12, reason="one every 5 min")

    def background(self, camera: str, *, keep: bool) -> bytes:
        self._expect(camera)
        self.kept.append(keep)
        if not self.pictures:
            raise NotFound("the background is not there: it was shown", remedy="ask again for a new one")
        return self.pictures.pop()

    def _expect(self, camera: str) -> None:
        if self.fault is not None:
            raise self.fault
        if camera != "06710":
            raise NotFound(f"there is no camera {camera!r}", remedy="/v1/cameras lists them")


def app_with(desk: CalibrationDesk | NoDesk | None, web_dist: Path | None = None) -> FastAPI:
    more: dict[str, Any] = {} if desk is None else {"desk": desk}
    return create_app(
        FixedAnswers(), ReadingFeed(), About(name="Test"), FixedClock(), CollectorRegistry(),
        ready=lambda: None, web_dist=web_dist, **more,
    )  # fmt: skip


def ask(
    app: ASGIApp, method: str, path: str, *, client: str = "127.0.0.1", host: str = HERE, **options: Any
) -> httpx.Response:
    async def asking() -> httpx.Response:
        transport = httpx.ASGITransport(app, client=(client, 50_000))
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as sender:
            return await sender.request(method, f"{PREFIX}/06710{path}", **options)

    return asyncio.run(asking())


def body_of(path: str, method: str) -> dict[str, Any]:
    """What a page of ours sends there."""
    if method == "GET":
        return {}
    if path == "/background":
        return {"headers": OURS}
    return {"headers": OURS, "json": json.loads(SITE.model_dump_json())}


@pytest.fixture
def desk() -> OneCamera:
    return OneCamera()


@pytest.fixture
def app(desk: OneCamera) -> FastAPI:
    return app_with(desk)


@pytest.mark.parametrize(("method", "path"), [*DATA, ("GET", "")])
@pytest.mark.parametrize("client", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("host", ["127.0.0.1:8321", "localhost:8321", "localhost", "[::1]:8321"])
def test_the_operator_is_answered(app: FastAPI, method: str, path: str, client: str, host: str) -> None:
    told = body_of(path, method)
    if told:
        told["headers"] = {"Origin": f"http://{host}"}
    assert ask(app, method, path, client=client, host=host, **told).status_code == 200


@pytest.mark.parametrize(("method", "path"), [*DATA, ("GET", "")])
@pytest.mark.parametrize("client", ["192.0.2.7", "10.0.0.1", "2001:db8::1", "fe80::1", "::ffff:10.0.0.1", ""])
def test_nobody_from_another_machine_is(
    app: FastAPI, assert_problem: Callable[..., dict[str, Any]], method: str, path: str, client: str
) -> None:
    problem = assert_problem(ask(app, method, path, client=client, **body_of(path, method)), 403)
    assert "operator" in problem["detail"]
    assert "127.0.0.1" in problem["remedy"]


@pytest.mark.parametrize(("method", "path"), [*DATA, ("GET", "")])
@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8321", "10.0.0.5:8321", "0x7f000001"]
)
def test_a_name_that_leads_here_is_refused(app: FastAPI, method: str, path: str, host: str) -> None:
    """DNS rebinding: the connection is from this machine, the page is not."""
    told = body_of(path, method)
    if told:
        told["headers"] = {"Origin": f"http://{host}"}
    assert ask(app, method, path, host=host, **told).status_code == 403


@pytest.mark.parametrize("header", PROXIED)
def test_what_passed_a_proxy_is_refused(app: FastAPI, header: str) -> None:
    assert ask(app, "GET", "/site", headers={header: "127.0.0.1"}).status_code == 403


@pytest.mark.parametrize(("method", "path"), [one for one in DATA if one[0] != "GET"])
@pytest.mark.parametrize(
    "headers",
    [
        {}, {"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": "https://127.0.0.1:8321"},
        {"Origin": "http://127.0.0.1:9999"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"}, {**OURS, "Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"},
    ],
)  # fmt: skip
def test_no_other_page_changes_anything(
    app: FastAPI, desk: OneCamera, method: str, path: str, headers: dict[str, str]
) -> None:
    told = {**body_of(path, method), "headers": headers}
    assert ask(app, method, path, **told).status_code == 403
    assert desk.saved == []


def test_a_page_of_ours_is_known_by_either_header(app: FastAPI) -> None:
    assert ask(app, "POST", "/background", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200
    assert ask(app, "POST", "/background", headers=OURS).status_code == 200


@pytest.mark.parametrize("path", ["/site", "/background.png"])
def test_no_other_page_reads_or_uses_up_the_picture(app: FastAPI, desk: OneCamera, path: str) -> None:
    """`<img src="http://127.0.0.1:8321/.../background.png?keep=true">` on any site would."""
    for site in ("cross-site", "same-site"):
        for mode in ("no-cors", "navigate"):
            headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode}
            assert ask(app, "GET", path, headers=headers).status_code == 403
    assert desk.pictures


def test_a_link_may_lead_to_the_page(app: FastAPI) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert ask(app, "GET", "", headers=headers).status_code == 200


@pytest.mark.parametrize("mode", ["no-cors", "cors", "same-origin"])
def test_nothing_else_on_another_site_may_ask_for_the_page(app: FastAPI, mode: str) -> None:
    """`<script src="http://127.0.0.1:8321/operations/calibrate/06710">` would start a child, and could tell by its
    status whether there is such a camera."""
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": mode}
    assert ask(app, "GET", "", headers=headers).status_code == 403


@pytest.mark.parametrize(("method", "path"), [*DATA, ("GET", "")])
def test_what_speaks_as_proxies_do_is_refused(app: FastAPI, method: str, path: str) -> None:
    """nginx as it comes asks us in HTTP/1.0, by the address that it has of us, and adds no header of its own."""

    async def spoken_by_a_proxy(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "http_version": "1.0"}, receive, send)

    answer = ask(spoken_by_a_proxy, method, path, **body_of(path, method))
    assert answer.status_code == 403
    assert "proxy" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/background.png?keep=true", "/site", ""])
def test_a_head_uses_nothing_up(
    app: FastAPI, desk: OneCamera, assert_problem: Callable[..., dict[str, Any]], path: str
) -> None:
    """A link checker or a download tool that looks first would have had the picture made, and thrown away."""
    answer = ask(app, "HEAD", path)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET"
    assert desk.pictures
    assert desk.kept == []


BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (NotFound("there is no camera '<b>06710</b>'", remedy="/v1/cameras lists them"), 404),
        (Conflict("calibrating is switched off here", remedy="set api.calibrate: loopback"), 409),
    ],
)
def test_who_types_the_address_is_told_in_words(app: FastAPI, desk: OneCamera, fault: Any, status: int) -> None:
    desk.fault = fault
    answer = ask(app, "GET", "", headers=BROWSER)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert escape(fault.message) in answer.text
    assert fault.remedy in answer.text
    assert "<b>" not in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert ask(app, "GET", "").headers["content-type"] == "application/problem+json", "others are told as elsewhere"
    away = ask(app, "GET", "", client="192.0.2.7", headers=BROWSER)
    assert away.status_code == 403
    assert "on the machine that runs busyness" in away.text


def test_links_of_a_page_that_is_not_built_lead_somewhere(app: FastAPI) -> None:
    assert 'href="../../v1/cameras"' in ask(app, "GET", "").text


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_body_has_to_be_json(app: FastAPI, kind: str) -> None:
    """A form of another site can send the others without asking first."""
    headers = {**OURS, **({"Content-Type": kind} if kind else {})}
    answer = ask(app, "PUT", "/site", headers=headers, content=SITE.model_dump_json())
    assert answer.status_code == 403
    assert "application/json" in answer.json()["remedy"]


def test_a_body_has_a_length_and_a_bound(app: FastAPI) -> None:
    headers = {**OURS, "Content-Type": "application/json"}
    assert ask(app, "PUT", "/site", headers=headers, content=b" " * (MOST_BYTES + 1)).status_code == 403

    async def endless() -> Any:
        yield b"{"

    assert ask(app, "PUT", "/site", headers=headers, content=endless()).status_code == 403


def test_who_is_refused_learns_nothing(app: FastAPI) -> None:
    """Whether there is such a camera, or what was sent is a site, is not looked at before."""
    answers = [
        ask(app, "POST", "/judge", client="192.0.2.7", headers=OURS, json=sent) for sent in ({}, {"camera": 1})
    ]  # fmt: skip
    assert {one.status_code for one in answers} == {403}


def test_every_route_below_it_is_guarded(app: FastAPI) -> None:
    told = {
        (method.upper(), path.removeprefix(f"{PREFIX}/{{camera}}"))
        for path, ways in app.openapi()["paths"].items()
        for method in ways
        if path.startswith("/operations")
    }
    assert told == set(DATA), "each of them is asked above"
    assert all(isinstance(route, OperatorRoute) for route in router.routes)


def test_the_picture_is_given_once_and_kept_by_nobody(
    app: FastAPI, desk: OneCamera, assert_problem: Callable[..., dict[str, Any]]
) -> None:
    given = ask(app, "GET", "/background.png")
    assert given.content == b"\x89PNG picture"
    assert given.headers["content-type"] == "image/png"
    assert given.headers["cache-control"] == "no-store"
    assert given.headers["cross-origin-resource-policy"] == "same-origin"
    assert "ask again" in assert_problem(ask(app, "GET", "/background.png"), 404)["remedy"]
    assert desk.kept == [False, False]
    ask(app, "GET", "/background.png?keep=true")
    assert desk.kept[-1] is True


def test_what_it_answers(app: FastAPI, desk: OneCamera) -> None:
    opened = ask(app, "GET", "/site").json()
    assert (opened["camera"]["name"], opened["can_save"], opened["why_not"]) == ("Tower", True, None)
    assert Site.model_validate(opened["site"]) == SITE
    sent = {"headers": OURS, "json": opened["site"]}
    judged = ask(app, "POST", "/judge", **sent).json()
    assert set(judged) == {"fit", "refused", "zones", "grid", "horizon", "height_m", "height_error_m"}
    assert judged["zones"][0]["area_m2"] is None
    assert Site.model_validate(ask(app, "PUT", "/site", **sent).json()["site"]) == SITE
    assert desk.saved == [SITE]
    gathering = ask(app, "POST", "/background", headers=OURS).json()
    assert gathering == {"state": "gathering", "clips": 3, "of": 12, "reason": "one every 5 min"}


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (NotFound("there is no camera '06710'", remedy="see /v1/cameras"), 404),
        (Conflict("there is no folder for site files", remedy="set sites:"), 409),
        (CalibrationRefused("the points are collinear", remedy="move one"), 422),
        (NotReady("what computes this was ended", remedy="ask again"), 503),
    ],
)
def test_what_the_desk_refuses_is_said(
    app: FastAPI, desk: OneCamera, assert_problem: Callable[..., dict[str, Any]], fault: Any, status: int
) -> None:
    desk.fault = fault
    problem = assert_problem(ask(app, "PUT", "/site", **body_of("/site", "PUT")), status)
    assert (problem["detail"], problem["remedy"]) == (fault.message, fault.remedy)


def test_a_body_that_is_no_site_is_explained(app: FastAPI, assert_problem: Callable[..., dict[str, Any]]) -> None:
    wrong = {**json.loads(SITE.model_dump_json()), "lat": 123, "zoom": 1}
    detail = assert_problem(ask(app, "POST", "/judge", headers=OURS, json=wrong), 422)["detail"]
    assert "lat: Input should be less than or equal to 90" in detail
    assert "zoom: Extra inputs are not permitted" in detail


def test_a_body_that_is_no_json_is_explained(app: FastAPI, assert_problem: Callable[..., dict[str, Any]]) -> None:
    headers = {**OURS, "Content-Type": "application/json"}
    detail = assert_problem(ask(app, "POST", "/judge", headers=headers, content=b'{"camera": }'), 422)["detail"]
    assert detail == "the body is no JSON: Expecting value, at character 11"
    deep = ask(app, "POST", "/judge", headers=headers, content=b"[" * 400_000)
    assert_problem(deep, 400)


@pytest.mark.parametrize(("desk", "why"), [(None, "counts no camera"), (SWITCHED_OFF, "switched off")])
def test_where_nothing_is_counted_or_it_is_switched_off_it_says_so(
    desk: NoDesk | None, why: str, assert_problem: Callable[..., dict[str, Any]]
) -> None:
    app = app_with(desk)
    for method, path in (*DATA, ("GET", "")):
        problem = assert_problem(ask(app, method, path, **body_of(path, method)), 409)
        assert why in problem["detail"]


def test_the_page_is_served_where_it_is_built(desk: OneCamera, tmp_path: Path) -> None:
    assert "make page" in ask(app_with(desk), "GET", "").text
    (tmp_path / "calibrate.html").write_text("<!doctype html><title>calibrate</title>", encoding="utf-8")
    answer = ask(app_with(desk, tmp_path), "GET", "")
    assert "<title>calibrate</title>" in answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'self';")
