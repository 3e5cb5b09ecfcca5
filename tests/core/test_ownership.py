"""The place of a camera is the same everywhere, and where its records go."""

from __future__ import annotations

from collections import Counter

import pytest

from core.ownership import AllOwned, place_of


@pytest.mark.parametrize(
    ("key", "hashed"),
    [
        ("21", -973932308),
        ("foobar", -790332482),
        ("a-little-bit-long-string", -985981536),
        ("a-little-bit-longer-string", -1486304829),
        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        ("abc", 479470107),
    ],
)
@pytest.mark.parametrize("places", [1, 12, 1000])
def test_a_place_is_the_partition_of_records_with_that_key(key: str, hashed: int, places: int) -> None:
    """Known answers of Apache Kafka's own `UtilsTest.testMurmur2`."""
    assert place_of(key, places) == (hashed & 0x7FFFFFFF) % places


def test_a_place_is_the_same_for_good() -> None:
    """What is kept by place on a shelf is found again by every later version."""
    assert [place_of(name, 12) for name in ("00001.06710", "synthetic-01", "a", "", "Kaivokatu – itään")] == [
        8, 0, 4, 9, 5,
    ]  # fmt: skip


def test_cameras_are_spread_over_the_places() -> None:
    spread = Counter(place_of(f"00001.{number:05}", 12) for number in range(2_400))
    assert set(spread) == set(range(12))
    assert max(spread.values()) < 1.5 * 200


def test_one_process_alone_owns_everything_until_it_gives_it_up() -> None:
    alone = AllOwned(3)
    assert (alone.owned(), alone.places) == (frozenset({0, 1, 2}), 3)
    alone.close()
    assert alone.owned() == frozenset()
