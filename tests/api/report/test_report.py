"""A report says where, when and where to act first, names what is missing, and invents nothing."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from small_city import END, stored

from aggregate.answers import Answers
from aggregate.duckdb_store import DuckDBStore
from api.report.facts import gathered
from api.report.scope import scope_of
from api.report.words import against_usual
from api.report.writing import written
from api.reports import ReportQuestion, made
from api.room import About
from core.errors import NotFound, QueryError

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
