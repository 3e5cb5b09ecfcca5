"""What is known of every camera's views, kept by the parent of the workers: one small document a camera.

    scene = book.scene_of(camera.id)
    report = counter.report(camera, clip, scene)            in the worker
    event = book.learn(camera.id, clip, report.sight)       in the parent

A document holds signatures, which are directions of edges without tone, and times; the fingerprint of the last clip, in
which a person can be followed, stays in memory.

Clips of one camera are to be counted one after the other, in the order of their times: the same clips then give the
same decisions, whatever other cameras do meanwhile. Where a bus may deliver a clip again, and a camera may go over to
another process at any moment, a clip is counted once all the same:

    scene = book.scene_of(camera.id)
    if not book.handled(camera.id, clip, model):            asked after the scene: what is learnt between them is seen
        report = counter.report(camera, clip, scene)        its observations are made durable, then
        book.learn(camera.id, clip, report.sight, Counted(model, scene))
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock

from pydantic import ValidationError

from core.errors import NotFound, StoreError
from core.records import ClipReady
from core.shelf import Document, Shelf, change
from core.shelf_memory import MemoryShelf
from detect.scene import Scene, Sight
from detect.view_learning import CameraViews, ViewEvent, handled_by, learnt, noted, remembered
from detect.view_word import Word, heeded

_LOG = logging.getLogger(__name__)
_VIEWS, _WORD, _BROKEN = ".json", ".word", ".json.broken"

_Step = Callable[[CameraViews], tuple[CameraViews, ViewEvent | None]]


@dataclass(frozen=True)
class Counted:
    """How a clip was counted: by which model, and by which scene, the very one that `scene_of` gave for it."""

    model: str
    scene: Scene


@dataclass(frozen=True)
class _Known:
    """A camera's views, the last clip's fingerprint among them, as the document of this version has them."""

    version: int | None
    views: CameraViews
    scene: Scene


class _Overtaken(Exception):
    """Another process has learnt of the camera since its scene was given."""


class ViewBook:
    """The views of all cameras. Used by several threads at once, and by all processes that have the same shelf.

    On a shelf that lasts they outlive the process: the document `CAMERA.json` is replaced after every clip, so that a
    process killed at any moment leaves the state before or after a clip. Only the last clip's fingerprint does not:
    whoever is told of `Counted` clips looks at that one again (`unseen`); otherwise, after a restart, one clip that is
    the last one encoded anew is counted. A document that is none of ours is put aside and its camera learnt anew. Every
    method raises `StoreError` where the shelf cannot be read or written.
    """

    def __init__(self, shelf: Shelf | None = None) -> None:
        """Without a shelf all of it lives in memory."""
        self._shelf: Shelf = MemoryShelf() if shelf is None else shelf
        self._cameras: dict[str, _Known] = {}
        self._lock = Lock()

    @property
    def cameras(self) -> list[str]:
        """The cameras of which something is known, by name."""
        return sorted(name.removesuffix(_VIEWS) for name in self._shelf.names() if name.endswith(_VIEWS))

    def scene_of(self, camera: str) -> Scene:
        """What a worker is told before the camera's next clip. What an operator has said is heeded from then on."""
        with self._lock:
            return self._heed(self._now(camera)).scene

    def handled(self, camera: str, clip: ClipReady, model: str) -> bool:
        """Whether `learn` was told that `model` has counted this very clip, or has said why it cannot be."""
        with self._lock:
            return handled_by(self._now(camera).views, model, clip)

    def unseen(self, camera: str) -> ClipReady | None:
        """The camera's last clip, where another process, or one before a restart, has looked at it: whoever is to tell
        whether the next one is that one encoded anew has to look at it again. None where nobody has to."""
        with self._lock:
            views = self._now(camera).views
            return views.last_clip if views.last is None else None

    def see_again(self, camera: str, clip: ClipReady, sight: Sight | None) -> Scene:
        """Take in what the clip that was `unseen` shows, which was learnt from before; returns the scene with it.

        Without a sight it cannot be looked at any more: then one clip that is that one encoded anew is counted.
        """
        with self._lock:
            known = self._now(camera)
            if known.views.last_clip == clip:
                views = remembered(known.views, clip, sight)
                known = self._cameras[camera] = _Known(known.version, views, views.scene())
            return known.scene

    def learn(
        self, camera: str, clip: ClipReady, sight: Sight | None, counted: Counted | None = None
    ) -> ViewEvent | None:
        """Take in what a clip showed, and say what has changed by it.

        Nothing is learnt by a clip without a sight, nor by one that is not newer than all before it. With `counted` the
        clip is handled from now on; but where another process has learnt of the camera since that scene was given, the
        camera is its own, it gets this clip too, and nothing changes.
        """
        if sight is None and counted is None:
            return None

        def learn_it(views: CameraViews) -> tuple[CameraViews, ViewEvent | None]:
            after, event = (views, None) if sight is None else learnt(views, clip.event_time, sight)
            return (after if counted is None else noted(after, counted.model, clip)), event

        with self._lock:
            try:
                known = self._cameras.get(camera) or self._now(camera)
                if counted is not None and known.scene is not counted.scene:
                    raise _Overtaken
                return self._changed(known, learn_it, alone=counted is not None)[1]
            except _Overtaken:
                _LOG.warning("camera %s is counted by another process now: nothing is learnt here", camera)
                return None

    def views(self, camera: str) -> CameraViews:
        """All that is known of the camera, as the process that counts has it now."""
        with self._lock:
            return self._now(camera).views

    def foreseen(self, camera: str) -> CameraViews:
        """As `views`, once that process has heeded what operators have said: what the next clip is counted by.

        For processes that do not count: it changes nothing.
        """
        with self._lock:
            return self._foreseen(self._now(camera).views)

    def leave_word(self, camera: str, word: Word) -> None:
        """Say something of the camera's views: the process that counts heeds it before the camera's next clip.

        Raises `NotFound` for a view that the camera has not.
        """
        with self._lock:
            heeded(self._foreseen(self._now(camera).views), word)
        change(self._shelf, f"{camera}{_WORD}", lambda left: _lines(left) + word.line())

    def _heed(self, known: _Known) -> _Known:
        """Take the operators' words that lie there; they go once what they say is kept, or if they say nothing."""
        camera = known.views.camera
        name = f"{camera}{_WORD}"
        while (left := self._shelf.get(name)) is not None:
            for line in left.text.splitlines():
                try:
                    known, event = self._changed(known, _heeding(Word.model_validate_json(line)))
                    if event is not None:
                        _LOG.warning("camera %s: %s", camera, event.reason)
                except (ValidationError, NotFound) as error:
                    _LOG.warning("%s is not heeded: %s", self._shelf.place(name), str(error).splitlines()[0])
            self._shelf.remove(name, version=left.version)
        return known

    def _foreseen(self, views: CameraViews) -> CameraViews:
        left = self._shelf.get(f"{views.camera}{_WORD}")
        for line in left.text.splitlines() if left else ():
            with suppress(ValidationError, NotFound):  # the process that counts says so
                views, _ = heeded(views, Word.model_validate_json(line))
        return views

    def _changed(self, known: _Known, step: _Step, *, alone: bool = False) -> tuple[_Known, ViewEvent | None]:
        """The state after a step, kept, and what has changed by it.

        Where the shelf has another state by now, the step is taken from that; `alone`, it raises `_Overtaken`.
        """
        camera = known.views.camera
        while True:
            after, event = step(known.views)
            if after is known.views:
                return known, event
            version = self._shelf.put(f"{camera}{_VIEWS}", _text(after), version=known.version)
            if version is not None:
                kept = self._cameras[camera] = _Known(version, after, after.scene())
                return kept, event
            known = self._now(camera)
            if alone:
                raise _Overtaken

    def _now(self, camera: str) -> _Known:
        """What the shelf has, and of the last clip what is in memory, as long as it is the last one."""
        known = self._cameras.get(camera)
        document = self._shelf.get(f"{camera}{_VIEWS}")
        version = None if document is None else document.version
        if known is not None and known.version == version:
            return known
        views = None if document is None else self._read(camera, document)
        if views is None:
            views = CameraViews(camera=camera)
        elif known is not None and known.views.heard == views.heard:
            views = views.model_copy(update={"last": known.views.last})
        known = self._cameras[camera] = _Known(version, views, views.scene())
        return known

    def _read(self, camera: str, document: Document) -> CameraViews | None:
        """The views that a document has; None where it is none of ours: then it is put aside, and written over."""
        try:
            views = CameraViews.model_validate_json(document.text)
            if views.camera == camera:
                return views
            reason = f"it is of camera {views.camera}"
        except ValidationError as error:
            reason = str(error).splitlines()[0]
        name, aside = f"{camera}{_VIEWS}", f"{camera}{_BROKEN}"
        told = "%s cannot be read (%s): put aside as %s, its views are learnt anew"
        _LOG.warning(told, self._shelf.place(name), reason, aside)
        try:
            change(self._shelf, aside, lambda _: document.text)
        except StoreError as error:
            _LOG.warning("%s could not be put aside, it is written over: %s", self._shelf.place(name), error)
        return None


def _text(views: CameraViews) -> str:
    """What is kept of views. Where no bus delivers clips nothing is handled, and the document is silent of it."""
    return views.model_dump_json(exclude=None if views.handled else {"handled", "last_clip"})


def _lines(left: Document | None) -> str:
    return "".join(f"{line}\n" for line in left.text.splitlines()) if left else ""


def _heeding(word: Word) -> _Step:
    return lambda views: heeded(views, word)
