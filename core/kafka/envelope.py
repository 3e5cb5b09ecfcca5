"""How a record travels: its JSON as the value, and CloudEvents 1.0 headers that say what it is.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md, binary content mode

A header costs more than its bytes, for a client in Python writes and reads each by itself. So there are those that
CloudEvents asks for and the content type; when it was published is the timestamp of Kafka's record, and which schema it
has is said by its type.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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


def headers_of(topic: Topic[Any], identities: Iterable[str], source: str) -> list[Headers]:
    """What stands on each of these records. `source` is the worker that publishes them."""
    fixed = _fixed(topic.name, topic.version, source)
    return [[*fixed, ("ce_id", identity.encode())] for identity in identities]


@lru_cache(maxsize=64)
def _fixed(name: str, version: int, source: str) -> tuple[tuple[str, bytes], ...]:
    return (
        (TYPE, f"city.busyness.{name}.v{version}".encode()),
        ("ce_specversion", b"1.0"),
        ("ce_source", f"/busyness/{source}".encode()),
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
