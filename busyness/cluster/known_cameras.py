"""The cameras as they are stored, for a worker that has to know them and does not list them itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence

from core.records import Camera

FRESH_S = 5.0


class KnownCameras:
    """Asks `cameras` (`Store.cameras`) now and then, and at once for one that it does not know. Any thread may ask it.

    Raises `StoreError` as `cameras` does.
    """

    def __init__(
        self, cameras: Callable[[], Sequence[Camera]], *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._ask = cameras
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._known: Mapping[str, Camera] = {}
        self._asked: float | None = None

    def all(self) -> Mapping[str, Camera]:
        """Every camera, by id, of a few seconds ago; another mapping once they were asked for again."""
        with self._lock:
            if self._asked is None or self._monotonic() >= self._asked + FRESH_S:
                self._look()
            return self._known

    def find(self, camera: str) -> Camera | None:
        """The camera of this id; None where there is none at this moment."""
        found = self.all().get(camera)
        if found is not None:
            return found
        with self._lock:
            self._look()
            return self._known.get(camera)

    def _look(self) -> None:
        self._known = {camera.id: camera for camera in self._ask()}
        self._asked = self._monotonic()
