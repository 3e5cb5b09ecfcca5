"""What travels is the record and its CloudEvents headers; what is no record of its topic is poison, and said so."""

from __future__ import annotations

import json
from typing import Any

import pytest
from bus_records import EXAMPLES, NOON, FromTheBroker, as_it_came, clip, observation
from hypothesis import given
from hypothesis import strategies as st

from core.bus import CLIPS, OBSERVATIONS, Topic
from core.kafka.dead import letter_of, payload_of
from core.kafka.envelope import Poison, record_of
from core.letters import LETTER_LENGTH

NEWER = [("ce_type", b"city.busyness.observations.v2")]


@pytest.mark.parametrize("topic", EXAMPLES, ids=lambda topic: topic.name)
def test_a_record_of_each_topic_comes_as_it_was_sent(topic: Topic[Any]) -> None:
    assert record_of(topic, as_it_came(topic, EXAMPLES[topic])) == EXAMPLES[topic]


def test_its_headers_are_a_cloud_event() -> None:
    """Those that CloudEvents 1.0 asks for, in the binary mode of its Kafka binding, and no more: each costs time."""
    headers = dict(as_it_came(OBSERVATIONS, observation()).headers)
    assert headers == {
        "ce_specversion": b"1.0",
        "ce_id": observation().id.encode(),
        "ce_type": b"city.busyness.observations.v1",
        "ce_source": b"/busyness/ingest-1",
        "content-type": b"application/json",
    }


def changed(**changes: Any) -> bytes:
    return json.dumps(json.loads(OBSERVATIONS.payload_of(observation())) | changes).encode()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"value": None}, "it has no value"),
        ({"value": b""}, "no CountObservation: Invalid JSON"),
        ({"value": b"\xff\xd8\xff\xe0 a JPEG"}, "no CountObservation: Invalid JSON"),
        ({"value": b"[1, 2]"}, "no CountObservation: Input should be an object"),
        ({"value": b"0" * 70_000}, "it is of 70000 bytes, of at most 65536"),
        ({"value": changed(frames=-1)}, "frames: Input should be greater than or equal to 0"),
        ({"value": changed(pixels="AAAA")}, "pixels: Extra inputs are not permitted"),
        ({"value": changed(present={"cats": 1.0})}, r"present.pedestrian: Field required \(and 9 more\)"),
        ({"value": changed(id="0" * 32)}, "the id of an observation is the hash"),
        ({"headers": []}, "its header ce_type is missing, not city.busyness.observations.v1"),
        ({"headers": [("ce_type", None)]}, "its header ce_type is missing"),
        ({"headers": [("ce_type", b"city.busyness.clips.v1")]}, "'city.busyness.clips.v1', not"),
        ({"headers": [("ce_type", b"city.busyness.observations.v\xff")]}, "its header ce_type is"),
        ({"key": None}, "its key is missing, not '00001.06710'"),
        ({"key": b"another"}, "its key is 'another', not '00001.06710'"),
    ],
)
def test_what_is_no_record_is_poison(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(Poison, match=why):
        record_of(OBSERVATIONS, as_it_came(OBSERVATIONS, observation(), **changes))


def test_what_is_wrong_is_said_without_what_stood_there() -> None:
    """Reasons go to logs and letters' lists: a value may be anything."""
    came = as_it_came(OBSERVATIONS, observation(), value=changed(frames="a secret"))
    with pytest.raises(Poison) as poison:
        record_of(OBSERVATIONS, came)
    assert "secret" not in str(poison.value)


def test_an_older_reader_lets_go_of_what_a_newer_version_added() -> None:
    """At any depth, where the header names a newer version; and nowhere else."""
    value = changed(scooters=3, present=json.loads(observation().present.model_dump_json()) | {"scooter": 1.0})  # type: ignore[union-attr]
    came = as_it_came(OBSERVATIONS, observation(), value=value)
    with pytest.raises(Poison, match="Extra inputs"):
        record_of(OBSERVATIONS, came)
    newer = as_it_came(OBSERVATIONS, observation(), value=value, headers=NEWER)
    assert record_of(OBSERVATIONS, newer) == observation()


def test_of_a_newer_version_what_we_know_has_to_hold_too() -> None:
    came = as_it_came(OBSERVATIONS, observation(), value=changed(frames=-1, scooters=3), headers=NEWER)
    with pytest.raises(Poison, match="frames"):
        record_of(OBSERVATIONS, came)


@given(key=st.none() | st.binary(), value=st.none() | st.binary() | st.text().map(str.encode), kind=st.binary())
def test_whatever_comes_is_a_record_or_poison(key: bytes | None, value: bytes | None, kind: bytes) -> None:
    """And poison fits into a letter, whatever it is."""
    came = FromTheBroker(key, value, [("ce_type", kind), ("other", None)])
    with pytest.raises(Poison) as poison:
        record_of(CLIPS, came)
    letter = letter_of(CLIPS, came, str(poison.value), "detect-1", NOON)
    assert letter.id == "clips/3/42"
    assert not letter.whole  # a header without a value cannot be written down


@given(key=st.text(max_size=600), value=st.binary(max_size=300), kind=st.text(max_size=300))
def test_a_letter_gives_back_what_came_or_says_that_it_cannot(key: str, value: bytes, kind: str) -> None:
    came = FromTheBroker(key.encode(), value, [("ce_type", kind.encode())])
    letter = letter_of(CLIPS, came, "why", "detect-1", NOON)
    assert letter.whole == (len(key) <= 500)
    if letter.whole:
        assert payload_of(letter) == value
        assert letter.key == key
        assert letter.headers == {"ce_type": kind}


def test_what_is_too_long_for_a_letter_is_cut() -> None:
    came = as_it_came(CLIPS, clip(), value=b"x" * (LETTER_LENGTH + 1))
    letter = letter_of(CLIPS, came, "y" * 5000, "detect-1", NOON)
    assert (len(letter.payload), len(letter.reason), letter.whole) == (LETTER_LENGTH, 1000, False)
    with pytest.raises(ValueError, match="does not hold the whole record"):
        payload_of(letter)
