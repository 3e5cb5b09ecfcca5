"""A report says where, when and where to act first, names what is missing, and invents nothing."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import takewhile
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest
from small_city import END, START, stored

from aggregate.answers import Answers
from aggregate.duckdb_store import DuckDBStore
from aggregate.effects.effect import Effect, EffectState
from aggregate.grid import ZoneOfCamera
from api.report.document import Heading, Paragraph
from api.report.facts import gathered
from api.report.scope import scope_of
from api.report.words import against_usual
from api.report.writing import written
from api.reports import ReportQuestion, made
from api.room import About
from core.errors import NotFound, QueryError
from core.interventions import Intervention, InterventionKind
from core.records import Camera, Zone, ZoneKind

SOUTH = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"name": "South"},
            "geometry": {"type": "Polygon", "coordinates": [[[-1, 51], [1, 51], [1, 51.502], [-1, 51.502], [-1, 51]]]},
        }
    ],
}


class AtTheEnd:
    def now(self):
        return END

    def sleep(self, seconds):
        raise AssertionError("nothing here waits")


@pytest.fixture(scope="module")
def answers():
    store = stored(DuckDBStore.open(None), count=4)
    yield Answers(store, AtTheEnd())
    store.close()


@pytest.fixture(scope="module")
def facts(answers):
    return gathered(answers, None, scope_of(answers, None, series="people"))


def test_it_is_of_the_last_four_whole_weeks_unless_asked(facts):
    assert facts.scope.end == END - timedelta(days=1)
    assert facts.scope.end - facts.scope.start == timedelta(days=28)


def test_the_place_that_became_too_busy_leads(facts):
    assert facts.priorities["zone"].iloc[0] == "00000:path"
    text = str(written(facts, "Testville", END))
    assert "Act first at Street 0" in text


def test_the_lost_camera_is_named_and_no_zero(facts):
    assert facts.cameras["camera"].iloc[0] == "00003"
    lost = facts.days[facts.days["missing"].map(bool)]
    assert lost["missing"].tolist() == [["00003:path"]] * len(lost)
    assert (lost["counted"] > 0).all()
    assert abs(facts.whole.ratio[0, 0] - 1) < 0.15


def blocks_of(facts, heading):
    """What stands between a heading and the next."""
    blocks = written(facts, "Testville", END).blocks
    begin = 1 + next(at for at, block in enumerate(blocks) if isinstance(block, Heading) and block.text == heading)
    return tuple(takewhile(lambda block: not isinstance(block, Heading), blocks[begin:]))


def unknown(zone):
    return {"zone": zone, "state": "insufficient_history", "reason": "too few people", "ratio": np.nan}


def test_places_without_a_change_are_told_from_places_that_cannot_be_judged(facts):
    """Of four: all without one; one that cannot be judged, three without one; none that can be judged."""
    zones = [one.zone.id for one in facts.scope.zones]
    rows = [pd.DataFrame([unknown(zone) for zone in zones[:number]], columns=list(unknown(""))) for number in (0, 1, 4)]
    said = [str(blocks_of(replace(facts, changes=some), "What has changed for good")) for some in rows]
    assert ["No level has changed" in text for text in said] == [True, True, False]
    assert "Of 1 place it cannot be said: too few people." in said[1]
    assert "That cannot be said: too few people." in said[2]


def test_an_effect_is_told_by_its_name_once_and_drawn_only_where_there_are_weeks(facts):
    refused = Effect("people", EffectState.REFUSED, reason="too little is stored")
    kerb = Intervention(
        id="kerb", name="Kerb", kind=InterventionKind.OTHER, zones=("00000:path",), lat=51.5, lon=-0.1, start=START,
        registered_at=START,
    )  # fmt: skip
    told = replace(facts, effects=((kerb, refused),))
    assert blocks_of(told, "Did it work?") == (Paragraph("Kerb: no answer: too little is stored."),)
    assert "Kerb: no answer: too little is stored." in str(blocks_of(told, "In short"))


def test_a_page_is_whole_and_fetches_nothing(answers):
    page = made(ReportQuestion(), answers, None, About(name="<Testville>"), END).decode()
    assert "How busy was the city?" in page
    assert "&lt;Testville&gt;" in page
    assert not re.search(r"<script|src=|https?://(?!www\.w3\.org)", page)
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    for reference in re.findall(r'(?:url\(#|href="#)([^")]+)', page):
        assert reference in ids


def test_a_pdf_is_one(answers):
    content = made(ReportQuestion(format="pdf"), answers, None, About(name="Téstville"), END)
    assert content.startswith(b"%PDF-")
    assert content.rstrip().endswith(b"%%EOF")


def test_days_of_a_clock_half_an_hour_off_are_whole_hours():
    """Midnight in Kolkata is 18:30 UTC, and no hour of a history begins then."""
    place = Camera(id="k", name="k", lat=22.6, lon=88.4, timezone="Asia/Kolkata")
    answers = Mock()
    answers.zones.return_value = [ZoneOfCamera(Zone(id="k:1", name="1", kind=ZoneKind.PAVEMENT), place)]
    answers.present.return_value, answers.extent.return_value = END, None
    scope = scope_of(answers, None, series="people", first=date(2026, 3, 1), last=date(2026, 3, 2))
    assert (scope.start, scope.end) == (datetime(2026, 2, 28, 18, tzinfo=UTC), datetime(2026, 3, 2, 18, tzinfo=UTC))


def test_a_district_is_what_lies_in_it(answers):
    scope = scope_of(answers, SOUTH, series="vehicles", district="south", first=date(2026, 3, 1), last=date(2026, 3, 7))
    assert [one.zone.id for one in scope.zones] == ["00000:path"]
    assert scope.end - scope.start == timedelta(days=7)


@pytest.mark.parametrize(
    ("asked", "error", "words"),
    [
        ({"district": "Sauth"}, NotFound, "no district 'Sauth'"),
        ({"cameras": ("x",)}, NotFound, "no camera 'x'"),
        ({"bbox": (0.5, 51, 0.6, 52)}, QueryError, "no counted zone"),
        ({"first": date(2026, 3, 9), "last": date(2026, 3, 1)}, QueryError, "before the first"),
        ({"last": date(2020, 1, 1), "first": date(2020, 1, 1)}, NotFound, "nothing is stored of that period"),
    ],
)
def test_what_there_is_no_report_of_is_said(answers, asked, error, words):
    with pytest.raises(error, match=words) as raised:
        gathered(answers, None, scope_of(answers, SOUTH, series="people", **asked))
    assert raised.value.remedy


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        ((1.12, 1.04, 1.21), "12 % more people than usual (90 % interval 4 to 21 % more)"),
        ((0.8, 0.7, 0.92), "20 % fewer people than usual (90 % interval 8 to 30 % fewer)"),
        ((1.0, 0.9, 1.1), "about as many people as usual (90 % interval from 10 % fewer to 10 % more)"),
    ],
)
def test_an_index_is_said_with_its_interval(figures, words):
    assert against_usual("people", *figures) == words
