"""The counting network of our own, an ONNX file: frames in, objects per cell out.

The weights are described by `models/manifest.json`, and only the file that the manifest describes is loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from core.errors import ModelError
from core.figures import CLASSES
from detect.contact import ON_THE_GROUND, Contact
from detect.density_runtime import DEFAULT, INPUT, OUTPUT, open_runtime
from detect.error_model import ErrorModel
from detect.model import Density
from detect.onnx_file import read_onnx, sha256_of
from ingest.frame import Frame, Pixels


class ManifestEntry(BaseModel):
    """What loading needs of a model's entry; the card and the training figures beside it are for people."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    file: str = Field(pattern=r"^[A-Za-z0-9._-]+\.onnx$", description="a file beside the manifest")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    classes: tuple[str, ...]
    trained_cameras: tuple[str, ...] | None = None
    held_out_cameras: tuple[str, ...] = ()
    contact_m: Contact = ON_THE_GROUND
    errors: ErrorModel | None = None

    @model_validator(mode="after")
    def _errors_are_of_these_weights(self) -> Self:
        if self.errors is not None and self.errors.sha256 != self.sha256:
            raise ValueError("`errors` were measured with other weights: fit them again (models/train/error_model.py)")
        return self


class Manifest(BaseModel):
    """`manifest.json`: the models of its folder by name."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    models: dict[str, ManifestEntry]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Raises `ModelError` for a manifest that is missing or malformed."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise ModelError(
                f"the manifest {path} cannot be read: {error.strerror}",
                remedy="a model lies beside the manifest.json that names its hash; restore models/",
            ) from error
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(step) for step in first["loc"])
            raise ModelError(
                f"the manifest {path} is malformed at {where}: {first['msg']}", remedy="restore it"
            ) from error


class OnnxDensity:
    """A density network: `frames` float32 [n, 3, H, W], RGB 0..1, to `density` float32 [n, class, rows, columns].

    Frames of any size are brought to the network's; the shares of the picture that cells cover stay the same.
    """

    def __init__(self, path: Path, model: str, entry: ManifestEntry, threads: int = 1, runtime: str = DEFAULT) -> None:
        """Raises `ModelError` for a file that is not the one in the manifest, or not such a network, or for a runtime
        that there is not; `MissingExtra` for one that is not installed."""
        content = read_onnx(path)
        digest = sha256_of(content)
        if digest != entry.sha256:
            raise ModelError(
                f"{path} is not the file of the manifest: expected sha256 {entry.sha256}, got {digest}",
                remedy="restore the file, or train and export it again with its manifest",
            )
        if entry.classes != CLASSES:
            raise ModelError(
                f"{path} counts {', '.join(entry.classes)}, expected {', '.join(CLASSES)}", remedy="export it again"
            )
        self._runtime = open_runtime(runtime, content, path, threads)
        self._height_px, self._width_px, self._rows, self._columns = self._shape(path)
        self._name = f"{model}@{digest[:12]}"
        self._trained_cameras = entry.trained_cameras
        self._contact = entry.contact_m
        self._errors = entry.errors

    @property
    def name(self) -> str:
        return self._name

    @property
    def trained_cameras(self) -> tuple[str, ...] | None:
        """The cameras whose clips it was trained on, where the manifest says so."""
        return self._trained_cameras

    @property
    def contact(self) -> Contact:
        """How far above the ground its density lies, where the manifest says so."""
        return self._contact

    @property
    def errors(self) -> ErrorModel | None:
        """How far its counts are off, where the manifest says so."""
        return self._errors

    def density(self, frames: Sequence[Frame]) -> Density:
        if not frames:
            return np.zeros((0, len(CLASSES), self._rows, self._columns), dtype=np.float32)
        # One at a time: on a processor a batch is slower, by what of it no longer fits the cache.
        density: Density = np.concatenate([self._runtime.run(self._input(frame)) for frame in frames])
        # A linear layer's rounding may leave a cell a hair below nothing; a count cannot be.
        return np.maximum(density, 0.0, dtype=np.float32)

    def _input(self, frame: Frame) -> NDArray[np.float32]:
        """[1, 3, height, width], 0..1."""
        one = np.empty((1, 3, self._height_px, self._width_px), dtype=np.float32)
        # A plane at a time, then scaled where it lies: 0.3 ms less than dividing the interleaved bytes.
        for plane, channel in zip(one[0], cv2.split(self._sized(frame.pixels)), strict=True):
            plane[:] = channel
        one *= np.float32(1 / 255)
        return one

    def _sized(self, pixels: Pixels) -> Pixels:
        height_px, width_px = pixels.shape[:2]
        if (height_px, width_px) == (self._height_px, self._width_px):
            return pixels
        shrinks = height_px > self._height_px or width_px > self._width_px
        way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(pixels, (self._width_px, self._height_px), interpolation=way), dtype=np.uint8)

    def _shape(self, path: Path) -> tuple[int, int, int, int]:
        """Height and width of the input in pixels, rows and columns of the output."""
        ports = self._runtime.ports
        match ports.get(INPUT), ports.get(OUTPUT):
            case (_, 3, int(height), int(width)), (_, channels, int(rows), int(columns)) if channels == len(CLASSES):
                return height, width, rows, columns
        raise ModelError(
            f"{path} has the inputs and outputs {dict(ports)}, expected {INPUT} [n, 3, height, width] and "
            f"{OUTPUT} [n, {len(CLASSES)}, rows, columns]",
            remedy="export the network with models/train",
        )
