"""Interventions: anybody may ask whether they worked, the operator alone registers them."""

from __future__ import annotations

import asyncio
import io
import xml.etree.ElementTree as ET
from dataclasses import replace

import httpx
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from aggregate.effects.effect import Change, Effect, EffectState
from aggregate.effects.pre_trend import Trend
from api.intervention_rows import EffectAnswer, InterventionRow, effect_answer
from api.interventions import RegisteringRoute, registering
from api.operator_guard import OperatorRoute
from core.errors import StoreError
from tests.api.conftest import KERB

HERE = "127.0.0.1:8321"
OURS = {"Origin": f"http://{HERE}"}
NEW = {
    "name": "Park Lane: bus stop moved", "kind": "moved_bus_stop", "zones": ["04254:view"],
    "start": "2017-03-06T00:00:00+01:00",  # in London it is still the 5th
}  # fmt: skip


def ask(street, method, address="", *, client="127.0.0.1", headers=OURS, **options):
    """As somebody at an address of this network."""

    async def asked():
        transport = httpx.ASGITransport(street.app, client=(client, 5000))
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{HERE}") as session:
            return await session.request(method, f"/v1/interventions{address}", headers=headers, **options)

    return asyncio.run(asked())


def test_the_list_has_every_intervention_as_it_was_registered(street):
    (row,) = street.get("/v1/interventions").json()["interventions"]
    assert row["id"] == "tooley-st"
    assert row["kind"] == "wider_pavement"
    assert (row["zones"], row["spill_zones"]) == (["06710:north"], ["06710:road"])
    assert (row["start"], row["end"], row["works_from"]) == ("2017-03-09T08:00:00Z", None, "2017-03-02T08:00:00Z")
    assert list(row) == list(InterventionRow.model_fields)
    assert InterventionRow.model_validate(row)
    assert street.get("/v1/interventions/tooley-st").json() == row


def test_the_list_in_its_other_dialects(street):
    feature = street.get("/v1/interventions?format=geojson").json()["features"][0]
    assert feature["geometry"] == {"type": "Point", "coordinates": [-0.079, 51.5037]}
    assert feature["properties"]["name"] == KERB.name
    table = pq.read_table(io.BytesIO(street.get("/v1/interventions?format=parquet").content)).to_pandas()
    assert list(table["zones"][0]) == ["06710:north"]
    lines = pd.read_csv(io.StringIO(street.get("/v1/interventions?format=csv").text))
    assert lines["id"].tolist() == ["tooley-st"]


def test_the_list_by_place_and_kind(street, assert_problem):
    assert street.get("/v1/interventions?kind=signal,crossing").json()["interventions"] == []
    assert len(street.get("/v1/interventions?bbox=-1,51,0,52&kind=wider_pavement").json()["interventions"]) == 1
    assert street.get("/v1/interventions?bbox=10,51,11,52").json()["interventions"] == []
    problem = assert_problem(street.get("/v1/interventions?kind=wider_pavment"), 422)
    assert "did you mean wider_pavement?" in problem["remedy"]


def test_an_effect_that_cannot_be_told_says_why_in_every_form(street):
    answer = street.get("/v1/interventions/tooley-st/effect").json()
    assert (answer["state"], answer["verdict"], answer["change"]) == ("refused", "none", None)
    assert "0 weeks" in answer["reason"] or "too little" in answer["reason"] or "too early" in answer["reason"]
    assert answer["headline"] == f"No answer: {answer['reason']}."
    assert answer["class"] == "people"
    plot = street.get("/v1/interventions/tooley-st/effect.svg?class=vehicles")
    assert plot.headers["content-type"] == "image/svg+xml"
    assert plot.headers["cache-control"] == "no-store"
    assert "No answer" in "".join(ET.fromstring(plot.text).itertext())


def test_an_effect_as_it_is_told():
    trend = Trend(slope=0.001, feigned=np.log(1.02), feigned_error=0.03, p_value=0.6)
    effect = Effect("people", EffectState.MEASURED, change=Change(-0.2, -0.25, -0.15, 0.001))
    effect = replace(effect, checks=replace(effect.checks, trend=trend))
    told = effect_answer(KERB, effect).model_dump(mode="json", by_alias=True)
    assert told["verdict"] == "fewer"
    assert told["change"] == {"change": -0.2, "low": -0.25, "high": -0.15, "p_value": 0.001}
    assert told["checks"]["trend_feigns"] == pytest.approx(0.02)
    more = effect_answer(KERB, replace(effect, change=Change(0.1, 0.01, 0.2, 0.02)))
    unsure = effect_answer(KERB, replace(effect, change=Change(0.1, -0.01, 0.2, 0.2)))
    assert (more.verdict, unsure.verdict) == ("more", "not_told")
    assert EffectAnswer.model_validate(told)


@pytest.mark.parametrize("part", ["", "/effect", "/effect.svg"])
def test_an_intervention_that_is_not_there(street, assert_problem, part):
    assert "'tooley'" in assert_problem(street.get(f"/v1/interventions/tooley{part}"), 404)["detail"]


def test_a_class_that_is_not_counted_and_more_than_one(street, assert_problem):
    address = "/v1/interventions/tooley-st/effect"
    assert "did you mean people?" in assert_problem(street.get(f"{address}?class=peple"), 422)["remedy"]
    assert "one class" in assert_problem(street.get(f"{address}?class=people,car"), 422)["remedy"]
    assert "one class" in assert_problem(street.get(f"{address}?class=people&class=car"), 422)["remedy"]


def test_an_operator_registers_and_strikes(street, assert_problem):
    made = ask(street, "POST", json=NEW)
    assert made.status_code == 201, made.text
    row = made.json()
    assert row["id"] == "park-lane-bus-stop-moved-2017-03-05"
    assert made.headers["location"] == f"/v1/interventions/{row['id']}"
    assert row["start"] == "2017-03-05T23:00:00Z"
    assert (row["lat"], row["lon"]) == (51.51, -0.155)
    assert row["registered_at"] == "2017-03-09T09:00:07Z"
    assert len(street.get("/v1/interventions").json()["interventions"]) == 2
    assert_problem(ask(street, "POST", json={**NEW, "id": row["id"]}), 409)
    assert ask(street, "DELETE", f"/{row['id']}").json() == row
    assert_problem(ask(street, "DELETE", f"/{row['id']}"), 404)
    assert len(street.get("/v1/interventions").json()["interventions"]) == 1


@pytest.mark.parametrize(
    ("change", "status", "told"),
    [
        ({"zones": ["04254:viw"]}, 404, "'04254:viw'"),
        ({"zones": []}, 422, "zones"),
        ({"kind": "wall"}, 422, "kind"),
        ({"start": "2017-03-06T00:00:00"}, 422, "start"),
        ({"end": "2017-03-01T00:00:00Z"}, 422, "ends after it starts"),
        ({"start": "0001-01-01T00:00:00+14:00"}, 422, "start: is outside 1970..2200"),
        ({"end": "9999-12-31T23:00:00-14:00"}, 422, "end: is outside 1970..2200"),
        ({"works_from": "1500-01-01T00:00:00Z"}, 422, "works_from: is outside 1970..2200"),
        ({"lat": 51.5}, 422, "one of lat and lon"),
        ({"colour": "red"}, 422, "colour"),
        ({"id": "no spaces"}, 422, "id"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_kept(street, assert_problem, change, status, told):
    assert told in assert_problem(ask(street, "POST", json=NEW | change), status)["detail"]
    assert len(street.get("/v1/interventions").json()["interventions"]) == 1


@pytest.mark.parametrize(
    ("client", "headers"),
    [
        ("192.0.2.7", OURS),
        ("127.0.0.1", {}),
        ("127.0.0.1", {"Origin": "http://evil.example"}),
        ("127.0.0.1", {**OURS, "X-Forwarded-For": "192.0.2.7"}),
        ("127.0.0.1", {**OURS, "Sec-Fetch-Site": "cross-site"}),
    ],
)
def test_nobody_else_changes_the_register(street, assert_problem, client, headers):
    for method, address, body in (("POST", "", NEW), ("DELETE", "/tooley-st", None)):
        answer = ask(street, method, address, client=client, headers=headers, json=body)
        problem = assert_problem(answer, 403)
        assert "busyness interventions" in problem["remedy"] or "Origin" in problem["remedy"]
    assert len(street.get("/v1/interventions").json()["interventions"]) == 1
    assert all(isinstance(route, OperatorRoute) for route in registering.routes)
    assert {method for route in registering.routes for method in route.methods} == {"POST", "DELETE"}
    assert RegisteringRoute.remedy


def test_a_register_that_cannot_be_read_is_503(street, assert_problem, caplog):
    def gone():
        raise StoreError("the register is no JSON")

    street.app.state.effects.register.all = gone
    assert_problem(street.get("/v1/interventions"), 503)
    assert_problem(street.get("/v1/interventions/tooley-st/effect"), 503)


def test_without_a_register_it_says_so(street, assert_problem):
    street.app.state.effects = None
    assert "without a register" in assert_problem(street.get("/v1/interventions"), 503)["detail"]
