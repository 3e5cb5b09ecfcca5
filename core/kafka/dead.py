"""The letter about a record that could not be handled, and the record out of its letter."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any

from core.bus import Topic
from core.kafka.envelope import Came
from core.letters import LETTER_LENGTH, DeadLetter

_REASON_LENGTH = 1000
_KEY_LENGTH = 500
_HEADERS = 20
_HEADER_LENGTH = 500


def letter_of(topic: Topic[Any], came: Came, reason: str, worker: str, now: datetime) -> DeadLetter:
    """What is too long for a letter is cut, and said so; bytes that are no text are in Base64."""
    key, payload, encoded = _key(came.key), *_text(came.value or b"")
    headers = {name[:_HEADER_LENGTH]: _word(value) for name, value in came.headers[:_HEADERS]}
    whole = (
        came.value is not None
        and len(payload) <= LETTER_LENGTH
        and (key or "").encode() == (came.key or b"")
        and [(name, value.encode()) for name, value in headers.items()] == list(came.headers)
    )
    return DeadLetter(
        topic=topic.name,
        partition=came.partition,
        offset=came.offset,
        key=key,
        payload=payload[:LETTER_LENGTH],
        headers=headers,
        encoded=encoded,
        whole=whole,
        reason=reason[:_REASON_LENGTH],
        worker=worker,
        at=now,
    )


def payload_of(letter: DeadLetter) -> bytes:
    """The record as it came. Raises `ValueError` where the letter does not hold all of it."""
    if not letter.whole:
        raise ValueError(f"the letter {letter.id} does not hold the whole record")
    return base64.b64decode(letter.payload) if letter.encoded else letter.payload.encode()


def _text(value: bytes) -> tuple[str, bool]:
    try:
        return value.decode(), False
    except UnicodeDecodeError:
        return base64.b64encode(value).decode(), True


def _key(key: bytes | None) -> str | None:
    return None if key is None else key.decode(errors="replace")[:_KEY_LENGTH]


def _word(value: bytes | None) -> str:
    return (value or b"").decode(errors="replace")[:_HEADER_LENGTH]
