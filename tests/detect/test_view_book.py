"""The book of views outlives the process, and neither a broken file nor many threads stop it."""

from __future__ import annotations

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from filled_view_book import HOUSE, MODEL, STREET, confirmation, count, documents, fill, on
from generated_views import FINGERPRINT, clip_at, sight_of
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import NotFound, StoreError
from core.shelf import change
from core.shelf_memory import MemoryShelf
from detect.scene import Scene
from detect.view_book import Counted, ViewBook
from detect.view_learning import HANDLED_KEPT, MODELS_KEPT


def test_a_book_opened_again_knows_what_it_knew(tmp_path: Path) -> None:
    book = on(tmp_path / "views")
    fill(book)
    again = on(tmp_path / "views")
    known = book.scene_of("06710")
    assert known.last is not None
    assert again.scene_of("06710") == known.model_copy(update={"last": None}), "all but the last clip's fingerprint"
    assert [epoch.counted for epoch in again.views("06710").epochs] == [True, False]
    assert documents(tmp_path / "views") == ["06710.json"]
    assert (tmp_path / "views" / "06710.json").stat().st_size < 40_000


def test_a_camera_nobody_knows_has_an_empty_scene() -> None:
    assert ViewBook().scene_of("06710") == Scene()
    assert ViewBook().views("06710").epochs == ()


def test_a_clip_without_a_sight_teaches_nothing() -> None:
    book = ViewBook()
    assert book.learn("06710", clip_at(0), None) is None
    assert book.scene_of("06710") == Scene()


def test_an_operator_confirms_a_view_once(caplog: pytest.LogCaptureFixture) -> None:
    book = ViewBook()
    fill(book)
    for by in ("Ada", "Bob"):
        book.leave_word("06710", confirmation(1, by))
        book.scene_of("06710")
    assert [epoch.confirmed_by for epoch in book.views("06710").epochs] == [None, "Ada"]
    assert "Bob" not in caplog.text
    book.leave_word("06710", confirmation(0, "Bob"))
    book.scene_of("06710")
    assert [epoch.confirmed_by for epoch in book.views("06710").epochs] == ["Bob", "Ada"], "somebody has looked at it"
    with pytest.raises(NotFound, match=r"no view 7\. Its views are: 0, 1"):
        book.leave_word("06710", confirmation(7))
    with pytest.raises(NotFound, match="none yet"):
        book.leave_word("04254", confirmation(0))


@pytest.mark.parametrize(
    "content", [b"", b"{", b'{"version": 9, "camera": "06710"}', b'{"camera": "04254"}', b"\xff\xfe"]
)
def test_a_broken_file_is_put_aside_and_the_camera_learnt_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    (tmp_path / "06710.json").write_bytes(content)
    with caplog.at_level(logging.WARNING):
        book = on(tmp_path)
        assert book.scene_of("06710") == Scene()
    assert "put aside as 06710.json.broken" in caplog.text
    assert (tmp_path / "06710.json.broken").read_bytes() == content
    fill(book)
    assert len(on(tmp_path).views("06710").epochs) == 2


def test_a_file_that_cannot_be_written_is_named_and_nothing_is_learnt(tmp_path: Path) -> None:
    book = on(tmp_path)
    (tmp_path / ".06710.json.new").mkdir()
    with pytest.raises(StoreError, match=r"06710\.json cannot be written: .* check the folder"):
        book.learn("06710", clip_at(0), sight_of(STREET))
    assert book.scene_of("06710") == Scene()


def test_cameras_side_by_side_are_learnt_as_one_alone(tmp_path: Path) -> None:
    alone, together = ViewBook(), on(tmp_path)
    fill(alone)
    names = [f"camera-{number}" for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: fill(together, name), names))
    for name in names:
        assert together.scene_of(name) == alone.scene_of("06710")


def yesterday(*epochs: dict[str, object], **more: object) -> dict[str, object]:
    """A document as versions before shelves wrote it."""
    known = {"trial": None, "undecided": False, "shown": 0, "away_since": None, "heard": "2017-03-08T23:50:00Z"}
    return {"version": 1, "camera": "06710", "epochs": list(epochs), **known, **more}


def epoch(view: int, number: int) -> dict[str, object]:
    look = {
        "signature": sight_of(view).signature,
        "shift": {"right": 0.0, "down": 0.0},
        "clips": 9,
        "seen_at": "2017-03-08T23:50:00Z",
    }
    times = {"since": "2017-03-08T12:00:00Z", "seen_at": "2017-03-08T23:50:00Z"}
    unconfirmed = {"clips": 9, "usual": 0.9, "confirmed_by": None, "confirmed_at": None}
    return {"number": number, "looks": [look], **times, **unconfirmed}


def test_an_installation_of_yesterday_goes_on_with_its_files(tmp_path: Path) -> None:
    """Its views, a word that an operator left while nothing ran, and the names of what it keeps of them."""
    before = yesterday(epoch(STREET, 0), epoch(HOUSE, 1))
    (tmp_path / "06710.json").write_text(json.dumps(before))
    (tmp_path / "06710.word").write_text('{"epoch":1,"by":"Ada","at":"2017-03-09T00:00:00Z"}')
    (tmp_path / "04254.json.broken").write_text("{")
    (tmp_path / "06710.json.new").write_text("left by who was killed")
    book = on(tmp_path)
    assert book.cameras == ["06710"]
    assert [known.counted for known in book.views("06710").epochs] == [True, False]
    book.scene_of("06710")
    book.learn("06710", clip_at(0), sight_of(HOUSE, grain=1))
    assert [known.confirmed_by for known in book.views("06710").epochs] == [None, "Ada"]
    after = json.loads((tmp_path / "06710.json").read_text())
    assert list(after) == list(before), "and no version before this one is put off by what is new"
    assert list(after["epochs"][0]) == list(epoch(STREET, 0))
    assert after["heard"] == "2017-03-09T00:00:00Z"
    assert not (tmp_path / "06710.word").exists()


def test_a_clip_that_was_handled_is_known_to_be_by_everybody() -> None:
    shelf = MemoryShelf()
    book, other = ViewBook(shelf), ViewBook(shelf)
    clip = clip_at(0)
    assert not other.handled("06710", clip, MODEL)
    count(book, clip, sight_of(STREET))
    assert other.handled("06710", clip, MODEL)
    assert not other.handled("06710", clip, "other@1"), "each model counts it once"
    assert not other.handled("06710", clip_at(5), MODEL)
    assert not other.handled("06710", clip.model_copy(update={"content": "0" * 32}), MODEL), "other bytes of that time"
    assert not other.handled("04254", clip.model_copy(update={"camera": "04254"}), MODEL)


def test_a_clip_in_which_nothing_was_seen_is_handled_too() -> None:
    book = ViewBook()
    fill(book)
    before = book.scene_of("06710")
    count(book, clip_at(100), None)
    assert book.handled("06710", clip_at(100), MODEL)
    assert book.scene_of("06710") == before


def test_a_late_clip_is_handled_and_teaches_nothing() -> None:
    book = ViewBook()
    fill(book)
    before = book.scene_of("06710")
    count(book, clip_at(2), sight_of(HOUSE))
    assert book.handled("06710", clip_at(2), MODEL)
    assert book.scene_of("06710") == before


def test_what_was_handled_long_ago_is_let_go_of() -> None:
    book = ViewBook()
    for number in range(HANDLED_KEPT + 3):
        count(book, clip_at(number), None)
    assert [book.handled("06710", clip_at(number), MODEL) for number in range(5)] == [False] * 3 + [True] * 2
    for number in range(MODELS_KEPT):
        count(book, clip_at(200), None, f"newer@{number}")
    assert not book.handled("06710", clip_at(HANDLED_KEPT), MODEL)
    assert all(book.handled("06710", clip_at(200), f"newer@{number}") for number in range(MODELS_KEPT))


@pytest.mark.parametrize("asked_again", [False, True])
def test_who_has_lost_a_camera_changes_nothing_of_it(asked_again: bool, caplog: pytest.LogCaptureFixture) -> None:
    """A process that stood still while another took over its cameras, and whose clip that one does not know yet."""
    shelf = MemoryShelf()
    slow, successor = ViewBook(shelf), ViewBook(shelf)
    fill(slow)
    scene = slow.scene_of("06710")
    count(successor, clip_at(85), sight_of(STREET, grain=17))
    kept = shelf.get("06710.json")
    if asked_again:
        assert slow.scene_of("06710") != scene
    late = clip_at(90)
    assert slow.learn("06710", late, sight_of(HOUSE), Counted(MODEL, scene)) is None
    assert shelf.get("06710.json") == kept
    assert not successor.handled("06710", late, MODEL)
    assert "camera 06710 is counted by another process now" in caplog.text
    assert slow.scene_of("06710").model_copy(update={"last": None}) == ViewBook(shelf).scene_of("06710")


def test_a_thread_that_has_lost_a_camera_to_another_changes_nothing_of_it() -> None:
    """As two subscriptions of one process do, which share the book."""
    book = ViewBook()
    fill(book)
    slow, successor = book.scene_of("06710"), book.scene_of("06710")
    book.learn("06710", clip_at(85), sight_of(STREET), Counted(MODEL, successor))
    now = book.scene_of("06710")
    book.learn("06710", clip_at(90), sight_of(HOUSE), Counted(MODEL, slow))
    assert book.scene_of("06710") is now
    assert not book.handled("06710", clip_at(90), MODEL)


def test_an_operators_word_puts_no_clip_off() -> None:
    shelf = MemoryShelf()
    counting, operator = ViewBook(shelf), ViewBook(shelf)
    fill(counting)
    scene = counting.scene_of("06710")
    operator.leave_word("06710", confirmation(1))
    counting.learn("06710", clip_at(85), sight_of(HOUSE, grain=17), Counted(MODEL, scene))
    assert counting.handled("06710", clip_at(85), MODEL)
    count(counting, clip_at(90), sight_of(HOUSE, grain=18))
    assert counting.handled("06710", clip_at(90), MODEL)
    assert counting.views("06710").epochs[1].confirmed_by == "Ada"
    assert shelf.names() == ["06710.json"]


def test_the_last_clip_stays_in_the_memory_of_who_counts() -> None:
    """While nobody else counts the camera, that is; and it is never on the shelf."""
    shelf = MemoryShelf()
    counting, other = ViewBook(shelf), ViewBook(shelf)
    for number in range(5):
        count(counting, clip_at(5 * number), sight_of(STREET, grain=number))
    last = counting.scene_of("06710").last
    assert last is not None
    change(shelf, "06710.json", lambda document: f"{document.text} " if document else "")  # a new version of the same
    assert counting.scene_of("06710").last == last
    assert other.scene_of("06710").last is None
    document = shelf.get("06710.json")
    assert document is not None
    assert FINGERPRINT not in document.text
    count(other, clip_at(25), sight_of(STREET, grain=5))
    assert counting.scene_of("06710").last is None, "it is of a clip before the last"


VISITS = ["handled", "died", "died twice", "slow", "learnt, then died"]


@settings(max_examples=12, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(VISITS), min_size=17, max_size=17))
def test_a_crash_at_any_moment_changes_nothing(visits: list[str]) -> None:
    """Whoever dies before or after it has learnt, or stands still and comes back: every clip is counted by the same
    scene, and the same is known in the end."""
    expected, undisturbed = counted_by(["handled"] * len(visits))
    assert counted_by(visits) == (expected, undisturbed)


def counted_by(visits: list[str]) -> tuple[list[Scene], str]:
    """The scenes, without what only one process remembers, and the document in the end."""
    shelf, scenes = MemoryShelf(), []
    book = ViewBook(shelf)
    for number, visit in enumerate(visits):
        clip, sight = clip_at(5 * number), sight_of(STREET if number < 9 else HOUSE, grain=number)
        stale, scene_before = book, book.scene_of("06710")
        if visit != "handled":
            book = ViewBook(shelf)  # another process, which gets the clip that was not committed
        if visit == "died twice":
            book.scene_of("06710")
            book = ViewBook(shelf)
        scene = count(book, clip, sight)
        assert scene is not None
        scenes.append(scene.model_copy(update={"last": None}))
        if visit == "slow":
            stale.learn("06710", clip, sight, Counted(MODEL, scene_before))
        if visit == "learnt, then died":
            book = ViewBook(shelf)
            assert count(book, clip, sight) is None
    document = shelf.get("06710.json")
    assert document is not None
    return scenes, document.text


def test_who_takes_a_camera_over_looks_at_its_last_clip_again() -> None:
    """By its picture the next clip is known to be new: where it is lies on the shelf, what it showed does not."""
    shelf = MemoryShelf()
    before, after = ViewBook(shelf), ViewBook(shelf)
    clips = [clip_at(5 * number) for number in range(4)]
    for number, clip in enumerate(clips):
        before.learn("06710", clip, sight_of(STREET, grain=number), Counted(MODEL, before.scene_of("06710")))
    assert before.unseen("06710") is None, "it has looked at it"
    assert after.unseen("06710") == clips[3]
    assert after.scene_of("06710").last is None
    scene = after.see_again("06710", clips[3], sight_of(STREET, grain=3))
    assert scene == before.scene_of("06710")
    assert scene is after.scene_of("06710"), "the next clip is learnt by it"
    assert after.unseen("06710") is None
    assert FINGERPRINT not in "".join(document.text for name in shelf.names() if (document := shelf.get(name)))


def test_a_last_clip_that_is_gone_is_asked_for_once() -> None:
    shelf = MemoryShelf()
    before, after = ViewBook(shelf), ViewBook(shelf)
    before.learn("06710", clip_at(0), sight_of(STREET), Counted(MODEL, before.scene_of("06710")))
    assert after.unseen("06710") == clip_at(0)
    assert after.see_again("06710", clip_at(0), None).last is None
    assert after.unseen("06710") is None
