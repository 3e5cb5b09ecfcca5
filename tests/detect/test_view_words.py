"""An operator's word on a view is heeded in its order, before the next clip, and none is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from filled_view_book import HOUSE, MODEL, STREET, confirmation, count, documents, fill, on, word
from generated_views import clip_at, sight_of

from core.errors import NotFound, StoreError
from detect.scene import Scene
from detect.view_book import ViewBook
from detect.view_word import Saying


def test_a_word_left_by_another_process_is_heeded_before_the_next_clip(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    counting, operator = on(tmp_path), on(tmp_path)
    fill(counting)
    operator.leave_word("06710", confirmation(1))
    assert [epoch.counted for epoch in counting.views("06710").epochs] == [True, False]
    scene = counting.scene_of("06710")
    assert [view.counted for view in scene.views] == [True, True]
    assert [epoch.confirmed_by for epoch in counting.views("06710").epochs] == [None, "Ada"]
    assert documents(tmp_path) == ["06710.json"], "said once"
    told = [one for one in caplog.records if one.getMessage().endswith("confirmed by Ada")]
    assert [(one.levelname, one.getMessage()) for one in told] == [
        ("WARNING", "camera 06710: view 1 is counted from now on, confirmed by Ada")
    ]


def test_words_are_heeded_in_their_order_and_none_is_lost(tmp_path: Path) -> None:
    """The usual way out of a first view that is a window: it is not counted, the street is."""
    counting, operator = on(tmp_path), on(tmp_path)
    fill(counting)
    operator.leave_word("06710", word(Saying.UNCONFIRM, 0))
    operator.leave_word("06710", confirmation(1))
    assert [epoch.counted for epoch in operator.foreseen("06710").epochs] == [False, True]
    assert [epoch.counted for epoch in operator.views("06710").epochs] == [True, False], "nothing changes by looking"
    assert documents(tmp_path) == ["06710.json", "06710.word"]
    assert [view.counted for view in counting.scene_of("06710").views] == [False, True]
    operator.leave_word("06710", word(Saying.UNCONFIRM, 1, "Bob"))
    assert [view.counted for view in counting.scene_of("06710").views] == [False, False]
    again = on(tmp_path).views("06710").epochs
    assert [(epoch.confirmed_by, epoch.unconfirmed_by) for epoch in again] == [(None, "Ada"), (None, "Bob")]


def test_a_word_said_after_one_of_yesterday_is_heeded_beside_it(tmp_path: Path) -> None:
    book = on(tmp_path)
    fill(book)
    (tmp_path / "06710.word").write_text('{"epoch":1,"by":"Ada","at":"2017-03-09T00:00:00Z"}')
    book.leave_word("06710", word(Saying.UNCONFIRM, 0))
    assert [view.counted for view in book.scene_of("06710").views] == [False, True]


def test_views_that_are_to_be_forgotten_are_learnt_anew(tmp_path: Path) -> None:
    counting, operator = on(tmp_path), on(tmp_path)
    fill(counting)
    operator.leave_word("06710", word(Saying.FORGET))
    assert operator.foreseen("06710").epochs == ()
    with pytest.raises(NotFound, match="none yet"):
        operator.leave_word("06710", confirmation(1))
    assert counting.scene_of("06710") == Scene()
    counting.learn("06710", clip_at(80), sight_of(HOUSE))
    assert counting.views("06710").trial is None, "late clips still teach nothing"
    for number in range(3):
        counting.learn("06710", clip_at(85 + 15 * number), sight_of(HOUSE, grain=number))
    assert [(view.epoch, view.counted) for view in counting.scene_of("06710").views] == [(0, True)]
    assert documents(tmp_path) == ["06710.json"]


def test_what_was_handled_is_not_forgotten_with_the_views() -> None:
    book = ViewBook()
    count(book, clip_at(0), sight_of(STREET))
    book.leave_word("06710", word(Saying.FORGET))
    assert book.scene_of("06710") == Scene()
    assert book.handled("06710", clip_at(0), MODEL)


def test_a_word_waits_until_it_can_be_kept(tmp_path: Path) -> None:
    """As on a full disk: what an operator said is not lost, and is heeded once there is room."""
    counting, operator = on(tmp_path), on(tmp_path)
    fill(counting)
    operator.leave_word("06710", confirmation(1))
    (tmp_path / ".06710.json.new").mkdir()
    with pytest.raises(StoreError):
        counting.scene_of("06710")
    assert (tmp_path / "06710.word").exists()
    assert not counting.views("06710").epochs[1].counted
    (tmp_path / ".06710.json.new").rmdir()
    counting.scene_of("06710")
    assert counting.views("06710").epochs[1].confirmed_by == "Ada"
    assert not (tmp_path / "06710.word").exists()


def test_the_last_clip_is_remembered_through_a_confirmation() -> None:
    book = ViewBook()
    fill(book)
    before = book.scene_of("06710").last
    book.leave_word("06710", confirmation(1))
    assert before is not None
    assert book.scene_of("06710").last == before


def test_a_word_that_cannot_be_meant_is_refused_or_passed_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    book = on(tmp_path)
    fill(book)
    for said, epoch in ((Saying.FORGET, 1), (Saying.UNCONFIRM, None)):
        with pytest.raises(ValueError, match="a view is confirmed or not"):
            word(said, epoch)
    (tmp_path / "06710.word").write_text("{}\n" + confirmation(7).line() + confirmation(1).line())
    assert [epoch.counted for epoch in book.foreseen("06710").epochs] == [True, True]
    book.scene_of("06710")
    assert caplog.text.count("06710.word is not heeded") == 2
    assert book.views("06710").epochs[1].counted, "the others are"
    assert not (tmp_path / "06710.word").exists(), "said once"
