"""Books of views with something in them, and what is done to them."""

from __future__ import annotations

from pathlib import Path

from generated_views import MIDNIGHT, clip_at, sight_of

from core.records import ClipReady
from core.shelf_folder import FolderShelf
from detect.scene import Scene, Sight
from detect.view_book import Counted, ViewBook
from detect.view_word import Saying, Word

STREET, HOUSE = 1, 2
MODEL = "dots@1"


def on(folder: Path) -> ViewBook:
    return ViewBook(FolderShelf(folder))


def documents(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def fill(book: ViewBook, camera: str = "06710") -> None:
    """Five clips of a street, over half an hour, then an hour of a house."""
    for number in range(17):
        sight = sight_of(STREET if number < 5 else HOUSE, grain=number)
        book.learn(camera, clip_at(5 * number if number else -10, camera), sight)


def word(said: Saying, epoch: int | None = None, by: str = "Ada") -> Word:
    return Word(said=said, epoch=epoch, by=by, at=MIDNIGHT)


def confirmation(epoch: int, by: str = "Ada") -> Word:
    return word(Saying.CONFIRM, epoch, by)


def count(book: ViewBook, clip: ClipReady, sight: Sight | None, model: str = MODEL) -> Scene | None:
    """As a worker of a cluster does; the scene that the clip was counted by, None where it was handled before."""
    scene = book.scene_of(clip.camera)
    if book.handled(clip.camera, clip, model):
        return None
    book.learn(clip.camera, clip, sight, Counted(model, scene))
    return scene
