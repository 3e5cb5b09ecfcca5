"""How far each camera has got is kept where its next owner finds it, and by nobody who was overtaken."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import StoreError
from core.ownership import place_of
from core.records import ClipFault, ClipReady, Status
from core.shelf_memory import MemoryShelf
from ingest.city.progress import MOST_PROMISED, Progress
from ingest.known import Known, Promise

T0 = datetime(2026, 3, 12, 8, 0, tzinfo=UTC)
ALL = range(4)


def clip(camera: str, minute: int, *, fault: bool = False) -> ClipReady:
    return ClipReady(
        camera=camera,
        event_time=T0 + timedelta(minutes=minute),
        location="https://double/a",
        etag=f"e{minute}",
        content=None if fault else f"{minute:032x}",
        fault=ClipFault.of(Status.FROZEN, "nothing new") if fault else None,
    )


def taken(shelf: MemoryShelf, places: int = 4) -> Progress:
    progress = Progress(shelf, places)
    progress.take(range(places))
    return progress


def test_who_takes_over_goes_on_where_the_other_was() -> None:
    shelf = MemoryShelf()
    first = taken(shelf)
    first.promise([clip("a", 1), clip("a", 2), clip("b", 1), clip("b", 5, fault=True)])
    first.done([clip("a", 1)])
    first.tell_paces({"a": 240.0, "unknown": 60.0})
    assert first.keep() == frozenset()
    known = Progress(shelf, 4).take(ALL)
    assert known["a"] == Known(
        T0 + timedelta(minutes=1), f"{1:032x}", etag="e1", slot=T0 + timedelta(minutes=2), cadence_s=240.0,
        promised=(Promise(T0 + timedelta(minutes=2), f"{2:032x}"),),
    )  # fmt: skip
    assert known["b"].event_time is None
    assert known["b"].slot == T0 + timedelta(minutes=5), "of which it was told that there was none"
    assert set(known) == {"a", "b"}


def test_who_was_overtaken_keeps_nothing_and_is_told() -> None:
    shelf, place = MemoryShelf(), place_of("a", 4)
    elsewhere = next(name for name in "bcdefgh" if place_of(name, 4) != place)
    first = taken(shelf)
    first.promise([clip("a", 1), clip(elsewhere, 1)])
    second = Progress(shelf, 4)
    assert second.take([place]) == {}
    assert first.keep() == {place}
    first.promise([clip("a", 2)])
    assert first.keep() == frozenset(), "it is no longer its own"
    second.promise([clip("a", 3)])
    assert second.keep() == frozenset()
    known = Progress(shelf, 4).take(ALL)
    assert [promise.content for promise in known["a"].promised] == [f"{3:032x}"]
    assert known[elsewhere].promised


def test_an_older_clip_does_not_turn_it_back() -> None:
    progress = taken(MemoryShelf())
    progress.done([clip("a", 5), clip("a", 3)])
    known = progress.of("a")
    assert known is not None
    assert known.event_time == T0 + timedelta(minutes=5)


def test_promises_are_bounded() -> None:
    progress = taken(MemoryShelf())
    progress.promise(clip("a", minute) for minute in range(MOST_PROMISED + 10))
    known = progress.of("a")
    assert known is not None
    assert len(known.promised) == MOST_PROMISED
    assert known.promised[-1].content == f"{MOST_PROMISED + 9:032x}"


def test_what_could_not_be_kept_is_kept_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it was put, and the answer was lost: it is still its own."""
    shelf = MemoryShelf()
    progress = taken(shelf)
    progress.promise([clip("a", 1)])
    put = shelf.put

    def put_and_fail(name: str, text: str, *, version: int | None) -> int | None:
        put(name, text, version=version)
        raise StoreError("the connection is gone")

    monkeypatch.setattr(shelf, "put", put_and_fail)
    with pytest.raises(StoreError):
        progress.keep()
    monkeypatch.setattr(shelf, "put", put)
    progress.promise([clip("a", 2)])
    assert progress.keep() == frozenset()
    assert len(Progress(shelf, 4).take(ALL)["a"].promised) == 2


def test_a_place_that_was_lost_is_told_also_where_another_could_not_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = MemoryShelf()
    first, second = taken(shelf), Progress(shelf, 4)
    names = {place_of(name, 4): name for name in "abcdefghijkl"}
    first.promise([clip(names[0], 1), clip(names[1], 1)])
    second.take([0])
    put = shelf.put

    def fails_for_one(name: str, text: str, *, version: int | None) -> int | None:
        if name.startswith("1-"):
            raise StoreError("the connection is gone")
        return put(name, text, version=version)

    monkeypatch.setattr(shelf, "put", fails_for_one)
    with pytest.raises(StoreError):
        first.keep()
    monkeypatch.setattr(shelf, "put", put)
    assert first.keep() == {0}


def test_other_numbers_of_places_find_what_was_kept() -> None:
    """Partitions can be raised while a cluster stands still."""
    shelf = MemoryShelf()
    names = [f"camera-{number}" for number in range(40)]
    few = taken(shelf, 4)
    few.done(clip(name, 1) for name in names)
    few.keep()
    many = Progress(shelf, 9)
    known = many.take(range(9))
    assert set(known) == set(names)
    many.done(clip(name, 2) for name in names)
    many.keep()
    assert {one.etag for one in Progress(shelf, 9).take(range(9)).values()} == {"e2"}
    assert {one.etag for one in Progress(shelf, 30).take(range(30)).values()} == {"e2"}, "the newest of each"


def test_what_cannot_be_read_is_begun_anew(caplog: pytest.LogCaptureFixture) -> None:
    shelf = MemoryShelf()
    for place in ALL:
        shelf.put(f"{place}-of-4", '{"owner": 7}', version=None)
    progress = taken(shelf)
    progress.done([clip("a", 1)])
    assert progress.keep() == frozenset()
    assert "begin anew" in caplog.text


def test_everybodys_paces_are_read_by_anybody() -> None:
    shelf = MemoryShelf()
    first = Progress(shelf, 4)
    first.take([place_of("a", 4)])
    first.done([clip("a", 1)])
    first.tell_paces({"a": 120.0})
    first.keep()
    assert Progress(shelf, 4).everybodys()["a"].cadence_s == 120.0


@given(
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["take", "tell", "keep"]), st.integers(0, 30)), max_size=60)
)
def test_there_is_one_owner_whoever_takes_and_keeps_when(acts: list[tuple[int, str, int]]) -> None:
    """What the last to take a place was told before, or has kept itself, is what is known; of others nothing after."""
    shelf = MemoryShelf()
    all_ = [Progress(shelf, 1) for _ in range(3)]
    owner, kept, told = -1, None, [None, None, None]
    for who, act, minute in acts:
        if act == "take":
            known = all_[who].take([0])
            assert (known["a"].slot if known else None) == kept
            owner, told[who] = who, kept
        elif act == "tell":
            all_[who].promise([clip("a", minute)])
            moment = T0 + timedelta(minutes=minute)
            told[who] = moment if told[who] is None else max(told[who], moment)
        elif all_[who].keep() == frozenset() and who == owner:
            kept = told[who]
