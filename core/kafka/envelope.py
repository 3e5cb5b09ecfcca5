"""How a record travels: its JSON as the value, and CloudEvents 1.0 headers that say what it is.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md, binary content mode
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Protocol, TypeVar

from pydantic import ValidationError

from core.bus import Topic
from core.config import Closed

RecordT = TypeVar("RecordT", bound=Closed)
Headers = list[tuple[str, bytes]]

TYPE = "ce_type"


class Poison(ValueError):
    """What came is no record of its topic."""


class Came(Protocol):
    """What was read from a topic; kafka-python's `ConsumerRecord`."""

    @property
    def partition(self) -> int: ...

    @property
    def offset(self) -> int: ...

    @property
    def key(self) -> bytes | None: ...

    @property
    def value(self) -> bytes | None: ...

    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]: ...


def schema_name(topic: Topic[Any], version: int | None = None) -> str:
    """`observations.v1`; the file of it is `core/schemas/observations.v1.json`."""
    return f"{topic.name}.v{version or topic.version}"


def headers_of(topic: Topic[Any], identities: Iterable[str], source: str, now: datetime) -> list[Headers]:
    """What stands on each of the records that are published now. `source` is the worker that publishes them."""
    fixed, time = _fixed(topic.name, topic.version, source), ("ce_time", now.isoformat().encode())
    return [[*fixed, ("ce_id", identity.encode()), time] for identity in identities]


@lru_cache(maxsize=64)
def _fixed(name: str, version: int, source: str) -> tuple[tuple[str, bytes], ...]:
    schema = f"{name}.v{version}"
    return (
        (TYPE, f"city.busyness.{schema}".encode()),
        ("ce_specversion", b"1.0"),
        ("ce_source", f"/busyness/{source}".encode()),
        ("ce_dataschema", f"urn:busyness:schema:{schema}".encode()),
        ("content-type", b"application/json"),
    )


@lru_cache(maxsize=256)
def _version(kind: bytes, name: str) -> int | None:
    begins = f"city.busyness.{name}.v".encode()
    number = kind.removeprefix(begins)
    return int(number) if kind.startswith(begins) and number.isdigit() and len(number) < 6 else None


def record_of(topic: Topic[RecordT], came: Came) -> RecordT:
    """The record that came, held against the closed schema of its topic. Raises `Poison`.

    Of a newer version than ours what we do not know is let go; it may only have added fields that can be done without.
    """
    if came.value is None:
        raise Poison("it has no value")
    if len(came.value) > topic.max_bytes:
        raise Poison(f"it is of {len(came.value)} bytes, of at most {topic.max_bytes}")
    kind = _kind(came)
    version = None if kind is None else _version(kind, topic.name)
    if not version:
        raise Poison(f"its header {TYPE} is {_shown(kind)}, not city.busyness.{schema_name(topic)}")
    try:
        record = topic.record.model_validate_json(came.value, extra="ignore" if version > topic.version else "forbid")
    except ValidationError as error:
        raise Poison(f"it is no {topic.record.__name__}: {_first(error)}") from error
    if came.key != topic.key(record).encode():
        raise Poison(f"its key is {_shown(came.key)}, not {topic.key(record)!r}")
    return record


def _kind(came: Came) -> bytes | None:
    for name, value in came.headers:
        if name == TYPE:
            return value
    return None


def _shown(part: bytes | None) -> str:
    return "missing" if part is None else repr(part[:100].decode(errors="replace"))


def _first(error: ValidationError) -> str:
    """The first of what is wrong. Not what stood there: it goes to logs."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    where = ".".join(map(str, found[0]["loc"]))
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return f"{where + ': ' if where else ''}{found[0]['msg']}{more}"
