"""Which partition a key has: Kafka's own hash, which is Python here, so what was hashed is kept, and many are hashed
at once.

Cameras come again and again; the keys of revisions are new every minute, and so many that they are hashed as columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress
from typing import Any

import numpy as np
from kafka.partitioner.abc import Partitioner
from numpy.typing import NDArray

from core.ownership import place_of

KEPT = 65_536
"""So many hashes are kept; then it begins anew."""

MANY = 32
"""From so many keys on it is quicker to hash them as columns than one by one."""

_HASHES = 1 << 31
_SEED, _MULTIPLIER, _SHIFT = np.uint32(0x9747B28C), np.uint32(0x5BD1E995), np.uint32(24)

_hashes: dict[bytes, int] = {}


class KeyPartitioner(Partitioner):  # type: ignore[misc]  # kafka-python has no types
    """Kafka's own partitioning of keys."""

    def partition(self, topic: str, *told: Any) -> int:
        """`told`: the key, its bytes, the value, its bytes, and the cluster."""
        key: bytes = told[1]
        found = _hashes.get(key)
        if found is None:
            found = place_of(key.decode(errors="surrogateescape"), _HASHES)
            _keep({key: found})
        return found % len(told[-1].partitions_for_topic(topic))


def foresee(keys: Sequence[bytes]) -> None:
    """Soon the partitions of these keys are asked for."""
    if len(keys) < MANY:
        return
    new = [key for key in keys if key not in _hashes]
    if len(new) >= MANY:
        _keep(dict(zip(new, hashes_of(new).tolist(), strict=True)))


def hashes_of(keys: Sequence[bytes]) -> NDArray[np.uint32]:
    """The hash of each key without its sign bit, as Kafka's clients take it: see `core.ownership.place_of`."""
    hashes = np.empty(len(keys), dtype=np.uint32)
    lengths = np.fromiter(map(len, keys), np.int64, len(keys))
    for length in np.unique(lengths):
        alike = lengths == length
        block = np.frombuffer(b"".join(compress(keys, alike)), np.uint8).reshape(np.count_nonzero(alike), length)
        hashes[alike] = _murmur2(block)
    return hashes & np.uint32(_HASHES - 1)


def _murmur2(keys: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """MurmurHash2, 32 bit (A. Appleby, 2008), of keys of the same length: [key, byte]."""
    count, length = keys.shape
    words = np.zeros((count, length // 4 + 1), dtype="<u4")  # the last one holds what is left over
    words.view(np.uint8)[:, :length] = keys
    state = np.full(count, _SEED ^ np.uint32(length), dtype=np.uint32)
    for word in words.T[:-1]:
        mixed = word * _MULTIPLIER
        state = state * _MULTIPLIER ^ (mixed ^ mixed >> _SHIFT) * _MULTIPLIER
    if length % 4:
        state = (state ^ words[:, -1]) * _MULTIPLIER
    state = (state ^ state >> np.uint32(13)) * _MULTIPLIER
    return state ^ state >> np.uint32(15)


def _keep(new: dict[bytes, int]) -> None:
    if len(_hashes) + len(new) > KEPT:
        _hashes.clear()
    _hashes.update(new)
