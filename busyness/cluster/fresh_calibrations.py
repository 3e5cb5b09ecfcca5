"""The calibrations of cameras as they are kept by now, for counters that run for long."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping

from busyness.validation.calibrations import Calibrations
from core.errors import StoreError
from detect.error_model import Calibration

log = logging.getLogger(__name__)

FRESH_S = 30.0


class FreshCalibrations(Mapping[str, Calibration]):
    """By camera, those of `model`: looked up when a camera is asked for, and again after a while. Any thread may ask.

    Where they cannot be read, that of before goes on; raises `StoreError` where there is none.
    """

    def __init__(self, kept: Calibrations, model: str, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._kept = kept
        self._model = model
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, Calibration | None]] = {}

    def __getitem__(self, camera: str) -> Calibration:
        with self._lock:
            now, known = self._monotonic(), self._known.get(camera)
            if known is None or now >= known[0] + FRESH_S:
                known = self._known[camera] = (now, self._looked_up(camera, known))
        if known[1] is None:
            raise KeyError(camera)
        return known[1]

    def __iter__(self) -> Iterator[str]:
        return iter([camera for camera, (_, found) in self._known.items() if found is not None])

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _looked_up(self, camera: str, known: tuple[float, Calibration | None] | None) -> Calibration | None:
        try:
            return self._kept.current(camera, self._model)
        except StoreError as error:
            if known is None:
                raise
            log.warning("the calibration of camera %s could not be read, that of before goes on: %s", camera, error)
            return known[1]
