"""What publishers answer in JSON is read alike by every feed, and repeated to nobody with what was asked."""

from __future__ import annotations

import pytest

from ingest.feed import FetchFailed
from ingest.fetch.json_answer import parsed_json, point_of, rows


@pytest.mark.parametrize(
    ("geometry", "point"),
    [
        ({"coordinates": [24.9, 60.2, 0.0]}, (60.2, 24.9)),
        ({"coordinates": [240, 60.2]}, None),
        ({"coordinates": ["east", 60.2]}, None),
        ({"coordinates": [True, 60.2]}, None),
        ({"coordinates": [10**400, 60.2]}, None),
        ({"coordinates": [24.9]}, None),
        (None, None),
    ],
)
def test_a_point_is_on_this_earth_or_none(geometry: object, point: tuple[float, float] | None) -> None:
    assert point_of({"geometry": geometry}) == point


@pytest.mark.parametrize("content", [b"", b"<html>", b"{", b"[" * 100_000, b"\xff", b"1" * 5000])
def test_what_is_not_json_is_a_failure(content: bytes) -> None:
    with pytest.raises(FetchFailed, match="the list is not JSON"):
        parsed_json(content, "the list")


def test_a_publishers_words_are_repeated_without_the_question_that_they_repeat() -> None:
    said = {"message": "Not found: /Place?app_key=CANARY. Ask again"}
    with pytest.raises(
        FetchFailed, match=r"the list is not a list of entries: Not found: /Place\?\.\.\. Ask"
    ) as failure:
        rows(said, "the list")
    assert "CANARY" not in str(failure.value)
