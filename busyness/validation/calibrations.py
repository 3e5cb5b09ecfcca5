"""Calibrations of cameras as files: CAMERA.json in a folder beside the store, every version of it, for good."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Self

from pydantic import ValidationError, model_validator

from core.config import Closed
from core.errors import NotFound, StoreError
from core.records import Identifier
from detect.error_model import Calibration


class CalibrationFile(Closed):
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
    """The calibrations of one installation, in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def versions(self, camera: str) -> tuple[Calibration, ...]:
        """Every version, oldest first; none for a camera without. Raises `StoreError` for a file that is not ours."""
        return self._read(camera).versions

    def current(self, camera: str, model: str) -> Calibration | None:
        """The newest version of `model` that was not dropped; None where there is none. Raises `StoreError`."""
        ours = [one for one in self.versions(camera) if one.model == model and one.dropped_at is None]
        return ours[-1] if ours else None

    def current_of(self, cameras: Iterable[str], model: str) -> dict[str, Calibration]:
        """`current` of those cameras that have one, by camera. Raises `StoreError`."""
        found = {camera: self.current(camera, model) for camera in cameras}
        return {camera: calibration for camera, calibration in found.items() if calibration is not None}

    def add(self, calibration: Calibration) -> None:
        """Keep the next version; it is durable on return. Raises `StoreError`."""
        held = self._read(calibration.camera)
        self._write(CalibrationFile(camera=held.camera, versions=(*held.versions, calibration)))

    def drop(self, camera: str, version: int, at: datetime) -> Calibration:
        """Stop using a version; it stays in the file. Raises `NotFound` where there is none to drop, `StoreError`."""
        held = self._read(camera)
        usable = [one.version for one in held.versions if one.dropped_at is None]
        if version not in usable:
            told = ", ".join(map(str, usable)) or "none"
            raise NotFound(
                f"camera {camera} has no calibration {version} in use", remedy=f"those that can be dropped: {told}"
            )
        dropped = held.versions[version - 1].model_copy(update={"dropped_at": at})
        kept = (*held.versions[: version - 1], dropped, *held.versions[version:])
        self._write(CalibrationFile(camera=camera, versions=kept))
        return dropped

    def path(self, camera: str) -> Path:
        """Where the calibrations of a camera are kept."""
        return self._folder / f"{camera}.json"

    def _read(self, camera: str) -> CalibrationFile:
        path = self.path(camera)
        try:
            held = CalibrationFile.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return CalibrationFile(camera=camera)
        except OSError as error:
            raise StoreError(f"the calibrations {path} cannot be read: {error.strerror}") from error
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(step) for step in first["loc"])
            raise StoreError(
                f"the calibrations {path} are malformed at {where or 'the top'}: {first['msg']}",
                remedy="restore the file, or move it away to count without them",
            ) from error
        if held.camera != camera:
            raise StoreError(f"the calibrations {path} are those of camera {held.camera}", remedy="rename the file")
        return held

    def _write(self, held: CalibrationFile) -> None:
        path = self.path(held.camera)
        fresh = path.with_name(path.name + ".new")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            fresh.write_text(held.model_dump_json(indent=2) + "\n", encoding="utf-8")
            fresh.replace(path)
        except OSError as error:
            raise StoreError(
                f"the calibrations {path} cannot be written: {error.strerror}", remedy="check the folder's rights"
            ) from error
