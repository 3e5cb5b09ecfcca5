"""What an operator says of a camera's views, left on the shelf for the process that counts.

Each word is a line of the document `CAMERA.word`; they are heeded in the order in which they were said.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from pydantic import Field, NonNegativeInt, model_validator

from core.config import Closed
from core.errors import NotFound
from core.records import UtcTime
from detect.view_learning import CameraViews, Epoch, ViewEvent, confirmed, forgotten, unconfirmed


class Saying(StrEnum):
    """What may be said."""

    CONFIRM = "confirm"
    UNCONFIRM = "unconfirm"
    FORGET = "forget"


class Word(Closed):
    """`by` says that the camera's zones, as they are drawn, fit the view `epoch`, so that it is counted; or that it is
    not to be counted; or that all views are to be forgotten and learnt anew: then `epoch` is null.
    """

    said: Saying = Saying.CONFIRM
    epoch: NonNegativeInt | None = None
    by: str = Field(min_length=1, max_length=200)
    at: UtcTime

    @model_validator(mode="after")
    def _of_a_view_or_of_all(self) -> Self:
        if (self.epoch is None) != (self.said is Saying.FORGET):
            raise ValueError("a view is confirmed or not; to forget is of all views")
        return self

    def line(self) -> str:
        """As it is kept."""
        return f"{self.model_dump_json(exclude_defaults=True)}\n"


def heeded(views: CameraViews, word: Word) -> tuple[CameraViews, ViewEvent | None]:
    """The views once the word is heeded, and what has changed by it; nothing where it was so already.

    Raises `NotFound` for a view that the camera has not.
    """
    if word.epoch is None:
        known = views.epochs or views.trial or views.undecided
        return forgotten(views, word.by, word.at) if known else (views, None)
    epoch = _epoch(views, word.epoch)
    if word.said is Saying.CONFIRM:
        return (views, None) if epoch.confirmed_by else confirmed(views, word.epoch, word.by, word.at)
    return (views, None) if epoch.unconfirmed_by else unconfirmed(views, word.epoch, word.by, word.at)


def _epoch(views: CameraViews, number: int) -> Epoch:
    for epoch in views.epochs:
        if epoch.number == number:
            return epoch
    numbers = ", ".join(str(epoch.number) for epoch in views.epochs) or "none yet"
    raise NotFound(f"camera {views.camera} has no view {number}", remedy=f"Its views are: {numbers}")
