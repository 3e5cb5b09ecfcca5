"""The schema files say what the records are: nothing else is taken, on either side, and no version changes unseen."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from bus_records import EXAMPLES
from jsonschema import Draft202012Validator, FormatChecker
from pydantic import ValidationError

from core.bus import OBSERVATIONS, Topic
from core.kafka.schemas import FOLDER, PUBLISHED, breaks, path_of, schema_of, text_of

MENDED = "a record has changed: python -m core.kafka.schemas, and a new version of its topic if this one was released"


@pytest.mark.parametrize("topic", PUBLISHED, ids=lambda topic: topic.name)
def test_the_file_is_what_the_record_is(topic: Topic[Any]) -> None:
    assert path_of(topic).read_text(encoding="utf-8") == text_of(topic), MENDED


def test_there_is_one_for_each_topic_and_no_other() -> None:
    assert {path.name for path in FOLDER.glob("*.json")} == {path_of(topic).name for topic in PUBLISHED}
    assert set(EXAMPLES) == set(PUBLISHED)


def judged(topic: Topic[Any], document: Any) -> tuple[bool, bool]:
    """Whether the schema file takes a document, and whether the record does."""
    schema = json.loads(path_of(topic).read_text(encoding="utf-8"))
    by_schema = Draft202012Validator(schema, format_checker=FormatChecker()).is_valid(document)
    try:
        topic.record.model_validate_json(json.dumps(document))
    except ValidationError:
        return by_schema, False
    return by_schema, True


@pytest.mark.parametrize("topic", PUBLISHED, ids=lambda topic: topic.name)
def test_what_is_published_is_valid_by_the_file(topic: Topic[Any]) -> None:
    document = json.loads(topic.payload_of(EXAMPLES[topic]))
    Draft202012Validator.check_schema(schema_of(topic))
    assert judged(topic, document) == (True, True)


@pytest.mark.parametrize("topic", PUBLISHED, ids=lambda topic: topic.name)
def test_file_and_record_agree_about_what_is_wrong(topic: Topic[Any]) -> None:
    """A field that is unknown, missing, of another kind: at the top and in whatever lies within."""
    document = json.loads(topic.payload_of(EXAMPLES[topic]))
    required = set(schema_of(topic).get("required", ()))
    for name in document:
        without = {key: value for key, value in document.items() if key != name}
        by_schema, by_record = judged(topic, without)
        assert by_schema == (name not in required)
        assert by_record <= by_schema
        assert judged(topic, document | {name: [["nothing like it"]]}) == (False, False), name
        if isinstance(document[name], dict) and name not in ("series", "headers"):
            assert judged(topic, document | {name: document[name] | {"pixels": "AAAA"}}) == (False, False), name
    assert judged(topic, document | {"pixels": "AAAA"}) == (False, False)


def test_a_newer_version_may_only_add_what_can_be_done_without() -> None:
    old = schema_of(OBSERVATIONS)
    assert breaks(old, old) == []
    newer = copy.deepcopy(old)
    newer["$id"] = "urn:busyness:schema:observations.v2"
    newer["properties"]["scooters"] = {"type": "number", "default": 0}
    newer["$defs"]["Figures"]["properties"]["scooter"] = {"type": "number"}
    newer["$defs"]["Scooter"] = {"type": "object"}
    assert breaks(old, newer) == []


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda new: new["properties"].pop("frames"), "/properties/frames is gone"),
        (lambda new: new["required"].append("scooters"), "/required: scooters is required now"),
        (lambda new: new["required"].remove("frames"), "/required: frames is no longer always there"),
        (lambda new: new["properties"]["frames"].update(minimum=1), "/properties/frames/minimum was 0 and is 1"),
        (lambda new: new["properties"]["frames"].update(maximum=9), "/properties/frames/maximum is new"),
        (lambda new: new.update(additionalProperties=True), "/additionalProperties was False and is True"),
    ],
)
def test_what_an_older_reader_could_not_take_is_named(change: Any, why: str) -> None:
    newer = copy.deepcopy(schema_of(OBSERVATIONS))
    change(newer)
    assert breaks(schema_of(OBSERVATIONS), newer) == [why]
