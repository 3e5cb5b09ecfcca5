"""`busyness cameras --views`: the lasting views of cameras, and what an operator says of them.

What he says is left for the process that counts, which heeds it before the camera's next clip. Until then it is shown
as what waits.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from busyness.cameras import known
from busyness.config import Config
from busyness.wiring import views_of
from core.errors import ConfigError, NotFound
from detect.view_book import ViewBook
from detect.view_learning import CameraViews, Epoch
from detect.view_word import Word


def show_views(config: Config, names: Sequence[str], *, as_json: bool, console: Console) -> None:
    """The lasting views of the cameras named: what is counted, what waits for an operator, and which of them it shows.

    Raises `NotFound` for a camera of which no view is known, `StoreError` where the views cannot be read.
    """
    book = views_of(config)
    table = Table(title="lasting views")
    for heading in ("camera", "view", "since (UTC)", "last seen (UTC)", "clips", "counted"):
        table.add_column(heading, overflow="fold")
    for name in _known(names, book) if names else book.cameras:
        views, foreseen = book.views(name), book.foreseen(name)
        for epoch in views.epochs:
            waits = _waits(epoch, foreseen)
            if as_json:
                line = {"camera": name, "view": epoch.number, "counted": epoch.counted, "waits": waits}
                said = {"since", "seen_at", "clips", "confirmed_by", "confirmed_at", "unconfirmed_by", "unconfirmed_at"}
                kept = dict.fromkeys(sorted(said)) | epoch.model_dump(mode="json", include=said)
                sys.stdout.write(json.dumps(line | kept) + "\n")
            times = (f"{moment:%Y-%m-%d %H:%M}" for moment in (epoch.since, epoch.seen_at))
            told = _told(epoch) + (f"; from the next clip on {waits}" if waits else "")
            table.add_row(escape(name), str(epoch.number), *times, str(epoch.clips), escape(told))
    if not as_json:
        console.print(table)


def say(config: Config, names: Sequence[str], word: Word) -> None:
    """Leave an operator's word about a view of the one camera named, or about all its views.

    Raises `NotFound` for a view that the camera has not, `ConfigError` where not one camera is named.
    """
    if len(names) != 1:
        raise ConfigError("this is said of one camera", remedy="name it: busyness cameras CONFIG CAMERA ...")
    book = views_of(config)
    (camera,) = _known(names, book)
    book.leave_word(camera, word)


def _known(names: Sequence[str], book: ViewBook) -> list[str]:
    try:
        return known(names, book.cameras)
    except NotFound as error:
        message = f"{error.message} of which a view is known"
        raise NotFound(message, remedy="busyness cameras CONFIG --views lists those of which one is") from error


def _told(epoch: Epoch) -> str:
    if epoch.confirmed_by is not None:
        return f"confirmed by {epoch.confirmed_by}"
    if epoch.unconfirmed_by is not None:
        return f"no, says {epoch.unconfirmed_by}"
    return "as it was learnt, confirmed by nobody" if epoch.counted else "no: --confirm-view"


def _waits(epoch: Epoch, foreseen: CameraViews) -> str | None:
    """What becomes of the view once the words that wait are heeded; None where nothing does."""
    after = next((one for one in foreseen.epochs if one.number == epoch.number), None)
    if after == epoch:
        return None
    return "forgotten" if after is None else _told(after)
