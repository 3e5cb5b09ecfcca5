"""Every shelf keeps the same promises. An adapter is added by a line in `SHELVES`."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from shelf_places import put, shelved

from aggregate.postgres_shelf import PostgresShelf
from core.errors import StoreError
from core.shelf import NAME_LENGTH, Document, Shelf, change
from core.shelf_folder import FolderShelf
from core.shelf_memory import MemoryShelf

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Place:
    """Where a shelf is: `shelf` opens it as any thread would, `code` in another process; `other` is one beside it."""

    shelf: Callable[[], Shelf]
    other: Callable[[], Shelf]
    code: str = ""


def memory(_: pytest.FixtureRequest) -> Place:
    shelf = MemoryShelf()
    return Place(lambda: shelf, MemoryShelf)


def folder(request: pytest.FixtureRequest) -> Place:
    path = request.getfixturevalue("tmp_path")
    code = f"from core.shelf_folder import FolderShelf; shelf = FolderShelf(Path({str(path / 'deep' / 'one')!r}))"
    return Place(lambda: FolderShelf(path / "deep" / "one"), lambda: FolderShelf(path / "deep" / "other"), code)


def postgres(request: pytest.FixtureRequest) -> Place:
    config = shelved(request.getfixturevalue("postgres_server"))
    code = (
        "from aggregate.postgres_config import PostgresConfig; from aggregate.postgres_shelf import PostgresShelf; "
        f"shelf = PostgresShelf.open(PostgresConfig.model_validate({config.model_dump(by_alias=True)!r}), 'one')"
    )
    return Place(lambda: PostgresShelf.open(config, "one"), lambda: PostgresShelf.open(config, "other"), code)


OF_PROCESSES = [folder, pytest.param(postgres, marks=pytest.mark.service)]
SHELVES = [memory, *OF_PROCESSES]


@pytest.fixture(params=SHELVES)
def place(request: pytest.FixtureRequest) -> Place:
    found: Place = request.param(request)
    return found


@pytest.fixture(params=OF_PROCESSES)
def shared(request: pytest.FixtureRequest) -> Place:
    """A shelf of several processes: one in memory goes with its own."""
    found: Place = request.param(request)
    return found


@pytest.fixture
def shelf(place: Place) -> Shelf:
    return place.shelf()


def test_a_shelf_begins_empty(shelf: Shelf) -> None:
    assert shelf.names() == []
    assert shelf.get("06710.json") is None
    assert not shelf.remove("06710.json", version=1)


def test_what_is_put_is_there_for_everybody_and_names_are_in_the_order_of_their_bytes(place: Place) -> None:
    one, other = place.shelf(), place.shelf()
    names = ["b", "a.json", "a-b", "B", "06710:x.json", "ä", "a"]
    for name in names:
        assert other.get(name) is None
        assert put(one, name, f"of {name}") == other.get(name) == one.get(name)
    assert one.names() == other.names() == sorted(names)


def test_only_the_version_that_is_there_can_be_replaced(shelf: Shelf) -> None:
    first = put(shelf, "a", "first")
    assert shelf.put("a", "not new", version=None) is None
    assert shelf.put("b", "nothing there", version=first.version) is None
    second = put(shelf, "a", "second", first.version)
    assert second.version != first.version
    assert shelf.put("a", "too late", version=first.version) is None
    assert shelf.get("a") == second
    assert shelf.names() == ["a"]


def test_only_the_version_that_is_there_can_be_removed(shelf: Shelf) -> None:
    first = put(shelf, "a", "first")
    second = put(shelf, "a", "second", first.version)
    assert not shelf.remove("a", version=first.version)
    assert shelf.get("a") == second
    assert shelf.remove("a", version=second.version)
    assert shelf.get("a") is None
    assert shelf.names() == []
    assert not shelf.remove("a", version=second.version)


def test_a_document_made_anew_is_not_taken_for_the_one_that_was_removed(shelf: Shelf) -> None:
    before = put(shelf, "a", "before")
    assert shelf.remove("a", version=before.version)
    assert shelf.put("a", "by who has not seen that it went", version=before.version) is None
    anew = put(shelf, "a", "anew")
    assert shelf.put("a", "by who still has the first", version=before.version) is None
    assert not shelf.remove("a", version=before.version)
    assert shelf.get("a") == anew


@pytest.mark.parametrize("text", ["", "ä 出口 🚲", "one\r\ntwo\rthree\n", "\x01\x7f\ufeff", "x" * 300_000])
def test_a_text_comes_back_as_it_was(shelf: Shelf, text: str) -> None:
    assert put(shelf, "a", text) == shelf.get("a")


def test_shelves_are_apart(place: Place) -> None:
    one, other = place.shelf(), place.other()
    kept = put(one, "a", "of one")
    assert other.names() == []
    assert put(other, "a", "of the other") == other.get("a")
    assert one.get("a") == kept


@pytest.mark.parametrize("name", ["", ".", "..", ".hidden", "a/b", "/a", "a\0", "x" * (NAME_LENGTH + 1), "ä" * 101])
def test_what_no_file_can_be_called_no_document_is(shelf: Shelf, name: str) -> None:
    for asked in (
        lambda: shelf.get(name),
        lambda: shelf.put(name, "", version=None),
        lambda: shelf.remove(name, version=1),
    ):
        with pytest.raises(StoreError, match="no document can be called"):
            asked()
    assert shelf.names() == []


def test_a_name_may_be_long(shelf: Shelf) -> None:
    name = "x" * NAME_LENGTH
    assert put(shelf, name, "text") == shelf.get(name)


def test_an_operator_is_told_where_a_document_is(shelf: Shelf) -> None:
    assert "06710.json" in shelf.place("06710.json")


def test_a_change_is_taken_again_from_what_another_has_put_there(shelf: Shelf) -> None:
    seen = []

    def step(document: Document | None) -> str:
        seen.append(None if document is None else document.text)
        if len(seen) == 1:
            put(shelf, "a", "of another")
        return "mine"

    change(shelf, "a", step)
    assert seen == [None, "of another"]
    assert shelf.get("a") is not None
    assert shelf.get("a").text == "mine"  # type: ignore[union-attr]


def test_a_change_that_fails_changes_nothing(shelf: Shelf) -> None:
    kept = put(shelf, "a", "before")

    def step(_: Document | None) -> str:
        raise KeyError("no")

    with pytest.raises(KeyError):
        change(shelf, "a", step)
    assert shelf.get("a") == kept


class AnyOrder(RuleBasedStateMachine):
    """Puts and removals by who knows the newest version, an old one, or none: those that may succeed do."""

    def __init__(self, place: Place, numbers: Iterator[int]) -> None:
        super().__init__()
        self.shelves = [place.shelf(), place.shelf()]
        self.numbers = numbers
        self.prefix = f"{next(numbers)}-"
        self.documents: dict[str, Document] = {}
        self.versions: list[int | None] = [None]

    def version(self, name: str, known: str) -> int | None:
        there = self.documents.get(name)
        newest = None if there is None else there.version
        stale = self.versions[next(self.numbers) % len(self.versions)]
        return {"newest": newest, "none": None, "stale": stale}[known]

    @rule(
        by=st.integers(0, 1),
        name=st.sampled_from("ab"),
        known=st.sampled_from(["newest", "newest", "none", "stale"]),
    )
    def put(self, by: int, name: str, known: str) -> None:
        name = self.prefix + name
        version, text = self.version(name, known), f"text {next(self.numbers)}"
        there = self.documents.get(name)
        kept = self.shelves[by].put(name, text, version=version)
        assert (kept is not None) == (version == (None if there is None else there.version))
        if kept is not None:
            assert kept > 0
            assert kept not in self.versions
            self.documents[name] = Document(text, kept)
            self.versions.append(kept)

    @rule(by=st.integers(0, 1), name=st.sampled_from("ab"), known=st.sampled_from(["newest", "stale"]))
    def remove(self, by: int, name: str, known: str) -> None:
        name = self.prefix + name
        version = self.version(name, known) or 1
        there = self.documents.get(name)
        assert self.shelves[by].remove(name, version=version) == (there is not None and there.version == version)
        if there is not None and there.version == version:
            del self.documents[name]

    @invariant()
    def both_see_the_same(self) -> None:
        for shelf in self.shelves:
            names = [name for name in shelf.names() if name.startswith(self.prefix)]
            assert {name: shelf.get(name) for name in names} == self.documents


def test_in_any_order_of_calls_a_shelf_holds_what_was_kept(place: Place) -> None:
    numbers = count()
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        lambda: AnyOrder(place, numbers),
        settings=settings(max_examples=15, stateful_step_count=15, deadline=None, derandomize=True),
    )


def at_once(workers: list[Callable[[], Any]]) -> list[Any]:
    """What each of them gives, let loose together."""
    ready, found = threading.Barrier(len(workers)), [None] * len(workers)

    def run(index: int) -> None:
        ready.wait()
        found[index] = workers[index]()

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(workers))]
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(usual)
    return found


@given(writers=st.integers(2, 6), there=st.booleans(), removers=st.integers(0, 2))
@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_of_threads_that_put_at_once_exactly_one_wins(place: Place, writers: int, there: bool, removers: int) -> None:
    """A document is replaced, made or removed: one of them does it, and what is there is of the winner."""
    name = f"{time.monotonic_ns()}"
    version = put(place.shelf(), name, "before").version if there else None
    calls: list[Callable[[], Any]] = [
        lambda number=number: place.shelf().put(name, f"of {number}", version=version)  # type: ignore[misc]
        for number in range(writers)
    ]
    calls += [lambda: place.shelf().remove(name, version=version or 1)] * removers
    won = [(index, kept) for index, kept in enumerate(at_once(calls)) if kept]
    assert len(won) == 1
    (winner, kept) = won[0]
    document = place.shelf().get(name)
    assert document == (Document(f"of {winner}", kept) if winner < writers else None)


def test_who_reads_while_it_is_replaced_has_one_or_the_other(place: Place) -> None:
    texts = [letter * 400_000 for letter in "ab"]
    put(place.shelf(), "a", texts[0])
    done = threading.Event()

    def replace() -> None:
        for number in range(12):
            change(place.shelf(), "a", lambda _, number=number: texts[number % 2])  # type: ignore[misc]
        done.set()

    def read() -> list[Document | None]:
        found = []
        while not done.is_set():
            found.append(place.shelf().get("a"))
        return found

    _, *found = at_once([replace, read, read])
    assert {document.text for one in found for document in one} <= set(texts)


COUNTING = """
import sys
from pathlib import Path
from core.shelf import change
{shelf}
sys.stdin.readline()
for _ in range({times}):
    change(shelf, "counter", lambda document: str(1 + int(document.text if document else 0)))
"""


@contextmanager
def processes(code: str, number: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """So many that run this, once they are told to on their stdin."""
    command = [sys.executable, "-c", code]
    running = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(number)
    ]
    try:
        yield running
    finally:
        for one in running:
            one.kill()
            one.communicate()


def test_of_what_threads_count_up_nothing_is_lost(place: Place) -> None:
    def count_up() -> None:
        for _ in range(15):
            change(place.shelf(), "counter", lambda document: str(1 + int(document.text if document else 0)))

    at_once([count_up] * 4)
    document = place.shelf().get("counter")
    assert document is not None
    assert document.text == "60"


def test_of_what_processes_count_up_nothing_is_lost(shared: Place) -> None:
    with processes(COUNTING.format(shelf=shared.code, times=25), 3) as running:
        for one in running:
            assert one.stdin is not None
            one.stdin.write(b"go\n")
            one.stdin.flush()
        assert [one.wait() for one in running] == [0, 0, 0]
    document = shared.shelf().get("counter")
    assert document is not None
    assert document.text == "75"


REPLACING = """
import sys
from itertools import count
from pathlib import Path
from core.shelf import change
{shelf}
for number in count():
    change(shelf, "a", lambda _: str(number) + "." * 200_000 + str(number))
    print(number, flush=True)
"""


def test_who_is_killed_at_any_moment_leaves_a_whole_document(shared: Place) -> None:
    """The last that was told to be kept, or the next; and who comes after is held up by nothing."""
    for wait_s in (0.0, 0.003, 0.011):
        with processes(REPLACING.format(shelf=shared.code), 1) as (one,):
            assert one.stdout is not None
            for _ in range(3):
                one.stdout.readline()
            time.sleep(wait_s)
            one.send_signal(signal.SIGKILL)
            rest = one.stdout.read().splitlines()
            told = int(rest[-1]) if rest else 2
        document = shared.shelf().get("a")
        assert document is not None
        assert document.text in {f"{number}{'.' * 200_000}{number}" for number in (told, told + 1)}
        assert shared.shelf().names() == ["a"]
        change(shared.shelf(), "a", lambda _: "after")
