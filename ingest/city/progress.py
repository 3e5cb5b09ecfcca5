"""How far each camera's clips have got, kept where the next owner of the camera finds it: one document a place.

    promise -> shelf -> publish, flush -> done (its bytes were fetched by a worker, or it has none) -> shelf

A clip is promised before it is published, with the event time that it was given: whoever takes over after a crash
between the two finds the same bytes again, and publishes them as the same clip. A document names the process that has
taken its place over. One that was overtaken finds another name there, and keeps nothing any more.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

from pydantic import ValidationError

from core.config import Closed
from core.errors import StoreError
from core.ownership import place_of
from core.records import ClipReady
from core.shelf import Shelf
from ingest.known import Known, Promise

log = logging.getLogger(__name__)

SHELF = "progress"
MOST_PROMISED = 256
"""Of one camera. What was promised before so many others counts as done."""

_ATTEMPTS = 20
_NOTHING = Known(None, None)
_NEVER = datetime.min.replace(tzinfo=UTC)


class _Document(Closed):
    """What is kept of one place's cameras, and by whom."""

    owner: str
    cameras: dict[str, Known]


class Progress:
    """The progress of this process's cameras. Safe between threads.

    What is told (`promise`, `done`, `tell_paces`) is kept by the next `keep`, durably, each place's as a whole.
    """

    def __init__(self, shelf: Shelf, places: int) -> None:
        self._shelf = shelf
        self._places = places
        self._owner = uuid4().hex
        self._lock = threading.RLock()
        self._known: dict[int, dict[str, Known]] = {}
        self._versions: dict[int, int] = {}
        self._unsaved: set[int] = set()

    def take(self, places: Collection[int]) -> dict[str, Known]:
        """Take places over: returns what is known of their cameras. From now on nobody else keeps anything of them.

        Raises `StoreError`: then none is taken.
        """
        with self._lock:
            taken = {place: self._take(place) for place in sorted(places)}
            self._known |= taken
            return {camera: known for cameras in taken.values() for camera, known in cameras.items()}

    def drop(self, places: Iterable[int]) -> None:
        """These are somebody else's."""
        with self._lock:
            for place in places:
                self._known.pop(place, None)
                self._versions.pop(place, None)
                self._unsaved.discard(place)

    def promise(self, clips: Iterable[ClipReady]) -> None:
        """These clips are about to be published; those with a fault are done with that."""
        for clip in clips:
            known = self._of(clip.camera)
            promised = () if clip.fault else (*known.promised, Promise(clip.event_time, clip.content or ""))
            slot = clip.event_time if known.slot is None else max(known.slot, clip.event_time)
            fresh = tuple(dict.fromkeys((*known.promised, *promised)))[-MOST_PROMISED:]
            self._tell(clip.camera, replace(known, promised=fresh, slot=slot))

    def done(self, clips: Iterable[ClipReady]) -> None:
        """These were published, and whoever counts them can get at their bytes, or has got them already."""
        for clip in clips:
            known = self._of(clip.camera)
            if known.event_time is None or clip.event_time >= known.event_time:
                known = replace(
                    known, event_time=clip.event_time, content=clip.content, repeats=clip.repeats, etag=clip.etag
                )
            promised = tuple(one for one in known.promised if (one.event_time, one.content) != _names(clip))
            self._tell(clip.camera, replace(known, promised=promised))

    def tell_paces(self, cadences_s: Mapping[str, float]) -> None:
        """The paces of cameras, by camera, as they have been learned. They are kept with what is kept next."""
        with self._lock:
            for camera, cadence_s in cadences_s.items():
                cameras = self._known.get(place_of(camera, self._places), {})
                if camera in cameras:
                    cameras[camera] = replace(cameras[camera], cadence_s=cadence_s)

    def keep(self) -> frozenset[int]:
        """Keep what was told since the last time; returns the places that have turned out to be somebody else's.

        Of these nothing is kept, and they are dropped. Raises `StoreError`: then it is still to be kept.
        """
        with self._lock:
            lost = set()
            for place in sorted(self._unsaved):
                if self._keep(place):
                    self._unsaved.discard(place)
                else:
                    lost.add(place)
            self.drop(lost)
            return frozenset(lost)

    def of(self, camera: str) -> Known | None:
        """What is known of a camera of ours."""
        with self._lock:
            return self._known.get(place_of(camera, self._places), {}).get(camera)

    def known(self) -> dict[str, Known]:
        """What is known of all cameras of ours."""
        with self._lock:
            return {camera: known for cameras in self._known.values() for camera, known in cameras.items()}

    def everybodys(self) -> dict[str, Known]:
        """What is kept of the cameras of all places, whoever's they are. Raises `StoreError`."""
        cameras: dict[str, Known] = {}
        for place in range(self._places):
            document = self._read(_name(place, self._places))
            cameras |= {} if document is None else document.cameras
        return cameras

    def _of(self, camera: str) -> Known:
        return self.of(camera) or _NOTHING

    def _tell(self, camera: str, known: Known) -> None:
        place = place_of(camera, self._places)
        with self._lock:
            if place in self._known:
                self._known[place][camera] = known
                self._unsaved.add(place)

    def _take(self, place: int) -> dict[str, Known]:
        name = _name(place, self._places)
        for _ in range(_ATTEMPTS):
            kept = self._shelf.get(name)
            cameras = self._before(place) if kept is None else _read(name, kept.text).cameras
            text = _Document(owner=self._owner, cameras=cameras).model_dump_json(exclude_defaults=True)
            version = self._shelf.put(name, text, version=None if kept is None else kept.version)
            if version is not None:
                self._versions[place] = version
                return cameras
        raise StoreError(
            f"the progress of place {place} cannot be taken over: others write there all the time",
            remedy="See that no two clusters have one store and one bus prefix",
        )

    def _keep(self, place: int) -> bool:
        """False where another process has taken the place over."""
        name = _name(place, self._places)
        version = self._versions.pop(place, None) or self._own_version(name)
        if version is None:
            return False
        text = _Document(owner=self._owner, cameras=self._known[place]).model_dump_json(exclude_defaults=True)
        kept = self._shelf.put(name, text, version=version)  # where it raises, nobody knows which version there is
        if kept is not None:
            self._versions[place] = kept
        return kept is not None

    def _own_version(self, name: str) -> int | None:
        """That of the document as it is now, where this process has written it last."""
        kept = self._shelf.get(name)
        return kept.version if kept is not None and _read(name, kept.text).owner == self._owner else None

    def _before(self, place: int) -> dict[str, Known]:
        """What was kept of the place's cameras when there was another number of places; the newest of each."""
        cameras: dict[str, Known] = {}
        for name in self._shelf.names():
            document = self._read(name)
            for camera, known in ({} if document is None else document.cameras).items():
                if place_of(camera, self._places) == place and _is_newer(known, cameras.get(camera)):
                    cameras[camera] = known
        return cameras

    def _read(self, name: str) -> _Document | None:
        kept = self._shelf.get(name)
        return None if kept is None else _read(name, kept.text)


def _name(place: int, places: int) -> str:
    return f"{place}-of-{places}"


def _names(clip: ClipReady) -> tuple[object, object]:
    return clip.event_time, clip.content or ""


def _read(name: str, text: str) -> _Document:
    """A document that cannot be read says nothing: its cameras are begun anew."""
    try:
        return _Document.model_validate_json(text)
    except ValidationError as error:
        log.warning("the progress %s cannot be read, its cameras begin anew: %s", name, str(error).splitlines()[0])
        return _Document(owner="", cameras={})


def _is_newer(known: Known, other: Known | None) -> bool:
    return other is None or (known.newest or _NEVER) > (other.newest or _NEVER)
