"""What /v1/report cannot be asked is refused with what to do; nothing that is asked makes a 500."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module")
def street(make_street):
    return make_street()


@pytest.mark.parametrize(
    ("ask", "status", "detail", "remedy"),
    [
        ("class=dogs", 422, "class 'dogs' is not counted", "people"),
        ("class=people,vehicles", 422, "2 classes", "one class at a time"),
        ("class=people&class=vehicles", 422, "2 classes", "one class at a time"),
        ("first=2017-13-01", 422, "'2017-13-01' is not a day", "2017-03-09"),
        ("first=", 422, "first is empty", "leave it out"),
        ("last=0001-01-01", 422, "outside 1970..2200", "2017-03-09"),
        ("last=9999-12-31", 422, "outside 1970..2200", "2017-03-09"),
        ("last=2017-03-08&last=2017-03-09", 422, "last is given 2 times", "give last once"),
        ("district=A&district=B", 422, "district is given 2 times", "give district once"),
        ("district=A", 422, "no districts are known here", "map.outlines"),
        ("first=2017-03-09&last=2017-03-08", 422, "is before the first", "swap them"),
        ("first=1990-01-01&last=1990-01-02", 404, "nothing is stored of that period", "/v1/extent"),
        ("format=docx", 422, "format is 'docx'", "pdf"),
    ],
)
def test_a_bad_question_is_told_what_to_do(street, assert_problem, ask, status, detail, remedy):
    problem = assert_problem(street.get(f"/v1/report?{ask}"), status)
    assert detail in problem["detail"]
    assert remedy in problem["remedy"]
