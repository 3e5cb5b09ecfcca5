"""The book of views outlives the process, and neither a broken file nor many threads stop it."""

from __future__ import annotations

import logging
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from generated_views import MIDNIGHT, clip_at, sight_of

from core.errors import NotFound, StoreError
from detect.scene import Scene
from detect.view_book import ViewBook
from detect.view_learning import ViewChange

STREET, HOUSE = 1, 2


def fill(book: ViewBook, camera: str = "06710") -> None:
    """Five clips of a street, then an hour of a house."""
    for number in range(17):
        sight = sight_of(STREET if number < 5 else HOUSE, grain=number)
        book.learn(camera, clip_at(5 * number, camera), sight)


def test_a_book_opened_again_knows_what_it_knew(tmp_path: Path) -> None:
    book = ViewBook(tmp_path / "views")
    fill(book)
    again = ViewBook(tmp_path / "views")
    known = book.scene_of("06710")
    assert known.last is not None
    assert again.scene_of("06710") == known.model_copy(update={"last": None}), "all but the last clip's fingerprint"
    assert [epoch.counted for epoch in again.epochs("06710")] == [True, False]
    assert [path.name for path in (tmp_path / "views").iterdir()] == ["06710.json"]
    assert (tmp_path / "views" / "06710.json").stat().st_size < 40_000


def test_a_camera_nobody_knows_has_an_empty_scene() -> None:
    assert ViewBook().scene_of("06710") == Scene()
    assert ViewBook().epochs("06710") == ()


def test_a_clip_without_a_sight_teaches_nothing() -> None:
    book = ViewBook()
    assert book.learn("06710", clip_at(0), None) is None
    assert book.scene_of("06710") == Scene()


def test_an_operator_confirms_a_view_once() -> None:
    book = ViewBook()
    fill(book)
    event = book.confirm("06710", 1, "Ada", MIDNIGHT)
    assert event is not None
    assert event.change is ViewChange.CONFIRMED
    assert book.confirm("06710", 1, "Bob", MIDNIGHT) is None
    assert [epoch.confirmed_by for epoch in book.epochs("06710")] == [None, "Ada"]
    with pytest.raises(NotFound, match=r"no view 7\. Its views are: 0, 1"):
        book.confirm("06710", 7, "Ada", MIDNIGHT)
    with pytest.raises(NotFound, match="none yet"):
        book.confirm("04254", 0, "Ada", MIDNIGHT)


@pytest.mark.parametrize(
    "content", [b"", b"{", b'{"version": 9, "camera": "06710"}', b'{"camera": "04254"}', b"\xff\xfe"]
)
def test_a_broken_file_is_put_aside_and_the_camera_learnt_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    (tmp_path / "06710.json").write_bytes(content)
    with caplog.at_level(logging.WARNING):
        book = ViewBook(tmp_path)
        assert book.scene_of("06710") == Scene()
    assert "put aside as 06710.json.broken" in caplog.text
    assert (tmp_path / "06710.json.broken").read_bytes() == content
    fill(book)
    assert len(ViewBook(tmp_path).epochs("06710")) == 2


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be kept in"):
        ViewBook(tmp_path / "file" / "views")


def test_a_file_that_cannot_be_written_is_named_and_nothing_is_learnt(tmp_path: Path) -> None:
    book = ViewBook(tmp_path)
    (tmp_path / "06710.json.new").mkdir()
    with pytest.raises(StoreError, match=r"views of camera 06710 .* Make the folder writable"):
        book.learn("06710", clip_at(0), sight_of(STREET))
    assert book.scene_of("06710") == Scene()
    assert stat.S_ISDIR((tmp_path / "06710.json.new").stat().st_mode)


def test_cameras_side_by_side_are_learnt_as_one_alone(tmp_path: Path) -> None:
    alone, together = ViewBook(), ViewBook(tmp_path)
    fill(alone)
    names = [f"camera-{number}" for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: fill(together, name), names))
    for name in names:
        assert together.scene_of(name) == alone.scene_of("06710")


def test_a_word_left_by_another_process_is_heeded_at_the_next_clip(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    counting, operator = ViewBook(tmp_path), ViewBook(tmp_path)
    fill(counting)
    operator.leave_word("06710", 1, "Ada", MIDNIGHT)
    assert [epoch.counted for epoch in counting.epochs("06710")] == [True, False]
    counting.learn("06710", clip_at(5 * 17), sight_of(HOUSE, grain=17))
    assert [epoch.confirmed_by for epoch in counting.epochs("06710")] == [None, "Ada"]
    assert [path.name for path in tmp_path.iterdir()] == ["06710.json"], "said once"
    told = [one for one in caplog.records if one.getMessage().endswith("confirmed by Ada")]
    assert [(one.levelname, one.getMessage()) for one in told] == [
        ("WARNING", "camera 06710: view 1 is counted from now on, confirmed by Ada")
    ]


def test_a_word_waits_until_it_can_be_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """As on a full disk: what an operator said is not lost, and is heeded once there is room."""
    counting, operator = ViewBook(tmp_path), ViewBook(tmp_path)
    fill(counting)
    operator.leave_word("06710", 1, "Ada", MIDNIGHT)
    (tmp_path / "06710.json.new").mkdir()
    with pytest.raises(StoreError):  # the clip cannot be learnt from either
        counting.learn("06710", clip_at(5 * 17), sight_of(HOUSE, grain=17))
    assert (tmp_path / "06710.word").exists()
    assert "06710.word waits until it can be kept" in caplog.text
    assert not counting.epochs("06710")[1].counted
    (tmp_path / "06710.json.new").rmdir()
    counting.learn("06710", clip_at(5 * 17), sight_of(HOUSE, grain=17))
    assert counting.epochs("06710")[1].confirmed_by == "Ada"
    assert not (tmp_path / "06710.word").exists()


def test_the_last_clip_is_remembered_through_a_confirmation() -> None:
    book = ViewBook()
    fill(book)
    before = book.scene_of("06710").last
    book.confirm("06710", 1, "Ada", MIDNIGHT)
    assert before is not None
    assert book.scene_of("06710").last == before


def test_a_word_that_cannot_be_meant_is_refused_or_passed_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    book = ViewBook(tmp_path)
    fill(book)
    with pytest.raises(NotFound, match=r"no view 7\. Its views are: 0, 1"):
        book.leave_word("06710", 7, "Ada", MIDNIGHT)
    in_memory = ViewBook()
    fill(in_memory)
    with pytest.raises(StoreError, match="live in memory"):
        in_memory.leave_word("06710", 1, "Ada", MIDNIGHT)
    (tmp_path / "06710.word").write_text("{}")
    book.learn("06710", clip_at(5 * 17), sight_of(HOUSE, grain=17))
    assert "06710.word is not heeded" in caplog.text
    assert not book.epochs("06710")[1].counted
    assert not (tmp_path / "06710.word").exists(), "said once"
