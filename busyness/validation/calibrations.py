"""Calibrations of cameras: a document CAMERA.json on a shelf, every version of it, for good."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Self

from pydantic import ValidationError, model_validator

from core.config import Closed
from core.errors import AlreadyThere, NotFound, StoreError
from core.records import Identifier
from core.shelf import Document, Shelf, change
from detect.error_model import Calibration


class CameraCalibrations(Closed):
    """All versions of one camera's calibration, oldest first; those that were dropped stay."""

    camera: Identifier
    versions: tuple[Calibration, ...] = ()

    @model_validator(mode="after")
    def _numbered(self) -> Self:
        if [one.version for one in self.versions] != list(range(1, len(self.versions) + 1)):
            raise ValueError("versions are numbered 1, 2, 3 without a gap")
        if any(one.camera != self.camera for one in self.versions):
            raise ValueError(f"every version is of camera {self.camera}")
        return self


class Calibrations:
    """The calibrations of one installation, on a shelf. Any number of threads and processes may use them."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def versions(self, camera: str) -> tuple[Calibration, ...]:
        """Every version, oldest first; none for a camera without. Raises `StoreError` for a document not ours."""
        return self._parsed(camera, self._shelf.get(_name(camera))).versions

    def current(self, camera: str, model: str) -> Calibration | None:
        """The newest version of `model` that was not dropped; None where there is none. Raises `StoreError`."""
        ours = [one for one in self.versions(camera) if one.model == model and one.dropped_at is None]
        return ours[-1] if ours else None

    def current_of(self, cameras: Iterable[str], model: str) -> dict[str, Calibration]:
        """`current` of those cameras that have one, by camera. Raises `StoreError`."""
        kept = frozenset(self._shelf.names())
        found = {camera: self.current(camera, model) for camera in cameras if _name(camera) in kept}
        return {camera: calibration for camera, calibration in found.items() if calibration is not None}

    def add(self, calibration: Calibration) -> None:
        """Keep the next version; it is durable on return. Raises `AlreadyThere` where it is another by now,
        `StoreError`."""

        def added(document: Document | None) -> str:
            held = self._parsed(calibration.camera, document)
            if calibration.version <= len(held.versions):
                raise AlreadyThere(
                    f"camera {calibration.camera} has a calibration {calibration.version} already",
                    remedy="somebody else has just made it: look at it, then validate again",
                )
            return _text(held.camera, (*held.versions, calibration))

        change(self._shelf, _name(calibration.camera), added)

    def drop(self, camera: str, version: int, at: datetime) -> Calibration:
        """Stop using a version; it stays on record. Raises `NotFound` where there is none to drop, `StoreError`."""

        def dropped(document: Document | None) -> str:
            held = self._parsed(camera, document)
            usable = [one.version for one in held.versions if one.dropped_at is None]
            if version not in usable:
                told = ", ".join(map(str, usable)) or "none"
                raise NotFound(
                    f"camera {camera} has no calibration {version} in use", remedy=f"those that can be dropped: {told}"
                )
            struck = held.versions[version - 1].model_copy(update={"dropped_at": at})
            return _text(camera, (*held.versions[: version - 1], struck, *held.versions[version:]))

        change(self._shelf, _name(camera), dropped)
        return self.versions(camera)[version - 1]

    def _parsed(self, camera: str, document: Document | None) -> CameraCalibrations:
        if document is None:
            return CameraCalibrations(camera=camera)
        place = self._shelf.place(_name(camera))
        try:
            held = CameraCalibrations.model_validate_json(document.text)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(step) for step in first["loc"])
            raise StoreError(
                f"the calibrations {place} are malformed at {where or 'the top'}: {first['msg']}",
                remedy="restore the file, or move it away to count without them",
            ) from error
        if held.camera != camera:
            raise StoreError(f"the calibrations {place} are those of camera {held.camera}", remedy="rename the file")
        return held


def _name(camera: str) -> str:
    return f"{camera}.json"


def _text(camera: str, versions: tuple[Calibration, ...]) -> str:
    return CameraCalibrations(camera=camera, versions=versions).model_dump_json(indent=2) + "\n"
