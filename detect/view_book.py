"""What is known of every camera's views, kept by the parent of the workers: one small file a camera.

    report = counter.report(camera, clip, book.scene_of(camera.id))     in the worker
    event = book.learn(camera.id, clip, report.sight)                   in the parent

A file holds signatures, which are directions of edges without tone, and times; the fingerprint of the last clip, in
which a person can be followed, stays in memory.

Clips of one camera are to be counted one after the other, in the order of their times: the same clips then give the
same decisions, whatever other cameras do meanwhile.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from pydantic import Field, NonNegativeInt, ValidationError

from core.config import Closed
from core.errors import NotFound, StoreError
from core.records import ClipReady, UtcTime
from detect.scene import Scene, Sight
from detect.view_learning import CameraViews, Epoch, ViewEvent, confirmed, learnt

_LOG = logging.getLogger(__name__)


class Word(Closed):
    """What an operator has said of a camera's view, left in a file for the process that counts: see `leave_word`."""

    epoch: NonNegativeInt
    by: str = Field(min_length=1, max_length=200)
    at: UtcTime


class ViewBook:
    """The views of all cameras. Used by several threads at once.

    With a `folder` it outlives the process: a file `CAMERA.json` is replaced whole after every clip, so that a process
    killed at any moment leaves the state before or after a clip. Only the last clip's fingerprint does not: after a
    restart one clip that is the last one encoded anew is counted. A file that cannot be read is put aside and its
    camera learnt anew. With None all of it lives in memory.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._cameras: dict[str, CameraViews] = {}
        self._lock = threading.Lock()
        if folder is not None:
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise StoreError(
                    f"the views of cameras cannot be kept in {folder}: {error.strerror or error}",
                    remedy="Give a folder that can be written",
                ) from error

    @property
    def cameras(self) -> list[str]:
        """The cameras of which something is known, by name."""
        with self._lock:
            kept = set() if self._folder is None else {path.stem for path in self._folder.glob("*.json")}
            return sorted(kept | self._cameras.keys())

    def scene_of(self, camera: str) -> Scene:
        """What a worker is told before the camera's next clip."""
        with self._lock:
            return self._views(camera).scene()

    def learn(self, camera: str, clip: ClipReady, sight: Sight | None) -> ViewEvent | None:
        """Take in what a clip showed, and say what has changed by it.

        Nothing changes by a clip without a sight, nor by one that is not newer than all before it.
        Raises `StoreError` where it cannot be kept.
        """
        if sight is None:
            return None
        self._heed(camera)
        return self._changed(camera, lambda views: learnt(views, clip.event_time, sight))

    def epochs(self, camera: str) -> tuple[Epoch, ...]:
        """The camera's lasting views, those that wait for an operator included; empty before the first is learnt."""
        with self._lock:
            return self._views(camera).epochs

    def confirm(self, camera: str, epoch: int, by: str, at: datetime) -> ViewEvent | None:
        """`by` says that the camera's zones, as they are drawn, fit this view: from now on it is counted.

        None where it is counted already. Raises `NotFound` for a view that the camera has not.
        """

        def confirm_it(views: CameraViews) -> tuple[CameraViews, ViewEvent | None]:
            known = _epoch(views, epoch)
            return (views, None) if known.counted else confirmed(views, epoch, by, at)

        return self._changed(camera, confirm_it)

    def leave_word(self, camera: str, epoch: int, by: str, at: datetime) -> None:
        """As `confirm`, for another process than the one that counts: that one heeds it at the camera's next clip.

        Raises `NotFound` for a view that the camera has not, `StoreError` where the word cannot be left.
        """
        with self._lock:
            _epoch(self._views(camera), epoch)
        if self._folder is None:
            raise StoreError("these views live in memory", remedy="Set store.path, and they are kept beside it")
        self._write(self._folder / f"{camera}.word", Word(epoch=epoch, by=by, at=at))

    def _heed(self, camera: str) -> None:
        """Take an operator's word that lies there; it goes once what it says is kept, or if it says nothing."""
        if self._folder is None:
            return
        path = self._folder / f"{camera}.word"
        if not path.exists():
            return
        try:
            word = Word.model_validate_json(path.read_bytes())
            if self.confirm(camera, word.epoch, word.by, word.at) is not None:
                told = "camera %s: view %d is counted from now on, confirmed by %s"
                _LOG.warning(told, camera, word.epoch, word.by)
        except StoreError as error:
            _LOG.warning("%s waits until it can be kept: %s", path, error)
            return
        except (ValidationError, OSError, NotFound) as error:
            _LOG.warning("%s is not heeded: %s", path, str(error).splitlines()[0])
        try:
            path.unlink()
        except OSError as error:
            _LOG.warning("%s is heeded again at every clip, for it cannot be removed: %s", path, error)

    def _changed(
        self, camera: str, step: Callable[[CameraViews], tuple[CameraViews, ViewEvent | None]]
    ) -> ViewEvent | None:
        with self._lock:
            before = self._views(camera)
            after, event = step(before)
            if after is not before:
                self._keep(after)
                self._cameras[camera] = after
            return event

    def _views(self, camera: str) -> CameraViews:
        known = self._cameras.get(camera)
        if known is None:
            known = self._cameras[camera] = self._read(camera) or CameraViews(camera=camera)
        return known

    def _read(self, camera: str) -> CameraViews | None:
        if self._folder is None:
            return None
        path = self._folder / f"{camera}.json"
        try:
            views = CameraViews.model_validate_json(path.read_bytes())
            if views.camera == camera:
                return views
            reason = f"it is of camera {views.camera}"
        except FileNotFoundError:
            return None
        except (ValidationError, OSError) as error:
            reason = str(error).splitlines()[0]
        aside = path.with_suffix(".json.broken")
        _LOG.warning("%s cannot be read (%s): put aside as %s, its views are learnt anew", path, reason, aside.name)
        try:
            path.replace(aside)
        except OSError:
            _LOG.warning("%s could not be put aside: it is written over", path)
        return None

    def _keep(self, views: CameraViews) -> None:
        if self._folder is None:
            return
        self._write(self._folder / f"{views.camera}.json", views)

    def _write(self, path: Path, record: CameraViews | Word) -> None:
        """Whole or not at all."""
        fresh = path.with_suffix(f"{path.suffix}.new")
        try:
            fresh.write_text(record.model_dump_json(), encoding="utf-8")
            fresh.replace(path)
        except OSError as error:
            raise StoreError(
                f"the views of camera {path.stem} cannot be kept in {path}: {error.strerror or error}",
                remedy="Make the folder writable, and its disk not full",
            ) from error


def _epoch(views: CameraViews, number: int) -> Epoch:
    for epoch in views.epochs:
        if epoch.number == number:
            return epoch
    numbers = ", ".join(str(epoch.number) for epoch in views.epochs) or "none yet"
    raise NotFound(f"camera {views.camera} has no view {number}", remedy=f"Its views are: {numbers}")
