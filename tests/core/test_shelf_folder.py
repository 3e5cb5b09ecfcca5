"""A shelf whose documents are files, which people may read and mend."""

from __future__ import annotations

from pathlib import Path

import pytest
from shelf_places import put

from core.errors import StoreError
from core.shelf_folder import FolderShelf


def test_a_file_written_by_hand_is_another_version(tmp_path: Path) -> None:
    shelf = FolderShelf(tmp_path)
    before = put(shelf, "a.json", "{}")
    (tmp_path / "a.json").write_text("{ }")
    mended = shelf.get("a.json")
    assert mended is not None
    assert mended.text == "{ }"
    assert shelf.put("a.json", "over it", version=before.version) is None
    assert put(shelf, "a.json", "after it", mended.version) == shelf.get("a.json")
    assert (tmp_path / "a.json").read_text() == "after it"


def test_bytes_that_are_no_text_are_kept_as_they_are(tmp_path: Path) -> None:
    """So that what somebody has spoiled can be put aside, and looked at."""
    (tmp_path / "a").write_bytes(b"\xff\xfe\x80 spoiled")
    shelf = FolderShelf(tmp_path)
    document = shelf.get("a")
    assert document is not None
    put(shelf, "a.broken", document.text)
    assert (tmp_path / "a.broken").read_bytes() == b"\xff\xfe\x80 spoiled"


def test_hidden_files_and_folders_are_no_documents(tmp_path: Path) -> None:
    shelf = FolderShelf(tmp_path)
    put(shelf, "a", "text")
    (tmp_path / ".a.new").write_text("left by who was killed")
    (tmp_path / "folder").mkdir()
    assert shelf.names() == ["a"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [".a.new", ".lock", "a", "folder"]


def test_a_folder_is_made_for_the_first_document_and_not_before(tmp_path: Path) -> None:
    shelf = FolderShelf(tmp_path / "deep" / "shelf")
    assert shelf.names() == []
    assert shelf.get("a") is None
    assert list(tmp_path.iterdir()) == []
    put(shelf, "a", "text")
    assert (tmp_path / "deep" / "shelf" / "a").read_text() == "text"


def test_what_is_wrong_with_a_folder_is_said_with_its_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    nowhere = FolderShelf(tmp_path / "file" / "shelf")
    with pytest.raises(StoreError, match=r"file/shelf/a cannot be written: .* check the folder"):
        nowhere.put("a", "text", version=None)
    for asked in (nowhere.names, lambda: nowhere.get("a")):
        with pytest.raises(StoreError, match=r"file/shelf.* cannot be read: .* check the folder"):
            asked()
    shelf = FolderShelf(tmp_path)
    (tmp_path / ".a.new").mkdir()
    with pytest.raises(StoreError, match=r"/a cannot be written: "):
        shelf.put("a", "text", version=None)
    assert shelf.get("a") is None
