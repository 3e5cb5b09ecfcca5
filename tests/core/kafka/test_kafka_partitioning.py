"""Keys that are hashed as columns have the partitions that Kafka's clients give them one by one."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.kafka import partitioning
from core.kafka.partitioning import KeyPartitioner, foresee, hashes_of
from core.ownership import place_of

CLUSTER = SimpleNamespace(partitions_for_topic=lambda _: set(range(12)))


def partition(key: bytes) -> int:
    return KeyPartitioner().partition("revisions", key, key, b"{}", b"{}", CLUSTER)


@given(st.lists(st.binary(max_size=50) | st.text(max_size=20).map(str.encode), max_size=60))
def test_many_keys_are_hashed_as_each_by_itself(keys: list[bytes]) -> None:
    assert hashes_of(keys).tolist() == [place_of(key.decode(errors="surrogateescape"), 1 << 31) for key in keys]


def test_what_was_foreseen_goes_where_it_goes_anyway(monkeypatch: pytest.MonkeyPatch) -> None:
    """And no more is kept than is bounded, whatever comes."""
    monkeypatch.setattr(partitioning, "KEPT", 1000)
    for begin in range(0, 5000, 400):
        keys = [f"{number:06}:view/15m/2026-03-12T12:00:00+00:00".encode() for number in range(begin, begin + 400)]
        foresee(keys)
        assert [partition(key) for key in keys] == [place_of(key.decode(), 12) for key in keys]
        assert len(partitioning._hashes) <= 1000
    assert partition(b"alone \xff") == place_of("alone \udcff", 12)
