"""Who of several processes does the work of a camera: cameras have places, and each place has one owner at a time.

    camera --place_of--> place 0, 1, ... places - 1 --Ownership--> one process of many

A camera's place is the partition that its records have in a topic of as many partitions.
"""

from __future__ import annotations

from typing import Protocol


class Ownership(Protocol):
    """The places of this process, as they are now. Safe to use from many threads."""

    @property
    def places(self) -> int:
        """How many there are in all; never changes."""
        ...

    def owned(self) -> frozenset[int]:
        """The places that are ours; answers at once. None of them where that is not known for sure any more.

        For a moment two processes may both believe that they own a place. What must not be done twice is kept with a
        version check (`core.shelf`).
        """
        ...

    def close(self) -> None:
        """Give all places up, at once and not when somebody notices; nothing is owned afterwards."""
        ...


class AllOwned:
    """The `Ownership` of one process alone: everything is its own."""

    def __init__(self, places: int = 1) -> None:
        self._owned = frozenset(range(places))
        self._places = places

    @property
    def places(self) -> int:
        return self._places

    def owned(self) -> frozenset[int]:
        return self._owned

    def close(self) -> None:
        self._owned = frozenset()


def place_of(name: str, places: int) -> int:
    """The place of a camera, or of anything else that has a name: the same in every process, for good.

    MurmurHash2 of its UTF-8 as the Apache Kafka clients do it (`org.apache.kafka.clients.producer.internals`), so that
    it is the partition of records with this key.
    """
    return (_murmur2(name.encode(errors="surrogateescape")) & 0x7FFFFFFF) % places


_SEED, _MULTIPLIER, _SHIFT = 0x9747B28C, 0x5BD1E995, 24
_WORD = 0xFFFFFFFF


def _murmur2(key: bytes) -> int:
    """MurmurHash2, 32 bit (A. Appleby, 2008), with the seed that Kafka gives it."""
    whole = len(key) & ~3
    state = _SEED ^ len(key)
    for begin in range(0, whole, 4):
        part = int.from_bytes(key[begin : begin + 4], "little") * _MULTIPLIER & _WORD
        part = (part ^ part >> _SHIFT) * _MULTIPLIER & _WORD
        state = state * _MULTIPLIER & _WORD ^ part
    if rest := key[whole:]:
        state = (state ^ int.from_bytes(rest, "little")) * _MULTIPLIER & _WORD
    state = (state ^ state >> 13) * _MULTIPLIER & _WORD
    return state ^ state >> 15
