"""Frames labelled by eye: a folder of ID.json, and of ID.png where the picture is kept beside its labels."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field, NonNegativeInt, PositiveInt, ValidationError

from core.config import Closed
from core.errors import SourceError
from core.figures import CLASSES
from ingest.decode import frame_at
from ingest.decode_limits import DecodeLimits
from ingest.frame import Frame
from ingest.source import UnusableClip


class LabelledObject(Closed):
    """One object: `x`, `y` the centre of its box, `w`, `h` its width and height, all in pixels."""

    kind: Literal["pedestrian", "cyclist", "motorcycle", "car", "van", "truck", "bus"] = Field(alias="class")
    x: float
    y: float
    w: float = Field(gt=0)
    h: float = Field(gt=0)


class LabelledFrame(Closed):
    """What was seen in one frame. The uncertain are too far or too dense to separate: the truth of people lies between
    those labelled and those labelled and uncertain together, likewise of vehicles.

    `source` is the clip or still that the frame came from, as a path in the folder of the footage, `frame_index` its
    frame.
    """

    id: str = Field(min_length=1)
    camera: str
    source: str | None
    frame_index: NonNegativeInt
    width: PositiveInt
    height: PositiveInt
    visibility: Literal["day", "night", "glare", "rain"]
    objects: tuple[LabelledObject, ...]
    uncertain_pedestrians: NonNegativeInt
    uncertain_vehicles: NonNegativeInt
    note: str = ""

    def uncertain_of(self, group: str) -> int:
        """How many of `people` or `vehicles` could not be told apart."""
        return self.uncertain_pedestrians if group == "people" else self.uncertain_vehicles

    def counts(self) -> tuple[int, ...]:
        """How many of each of `CLASSES` are labelled."""
        kinds: list[str] = [found.kind for found in self.objects]
        return tuple(kinds.count(name) for name in CLASSES)


def read_labels(folder: Path) -> tuple[LabelledFrame, ...]:
    """Every labelled frame of `folder`, by id. Raises `SourceError` for a folder without labels, or a malformed one."""
    files = sorted(folder.glob("*.json"))
    if not files:
        raise SourceError(f"{folder} holds no labels", remedy="give a folder of ID.json (and ID.png)")
    labels = tuple(_read(file) for file in files)
    for file, label in zip(files, labels, strict=True):
        if label.id != file.stem:
            raise SourceError(
                f"the labels {file} are of another frame at id: {label.id!r}", remedy=f"call the file {label.id}.json"
            )
    return labels


def of_cameras(
    labels: Sequence[LabelledFrame], only: Collection[str] = (), without: Collection[str] = ()
) -> tuple[LabelledFrame, ...]:
    """The frames of the cameras `only` (all where it is empty) that are not `without`.

    Raises `SourceError` for a camera of which no frame is labelled, and where none is left.
    """
    known = {label.camera for label in labels}
    unknown = sorted({*only, *without} - known)
    if unknown:
        raise SourceError(
            f"no frame of camera {', '.join(unknown)} is labelled", remedy=f"say some of {', '.join(sorted(known))}"
        )
    kept = tuple(label for label in labels if label.camera not in without and (not only or label.camera in only))
    if not kept:
        raise SourceError("no labelled frame is left", remedy="leave fewer cameras out")
    return kept


def picture_of(label: LabelledFrame, folder: Path, footage: Path | None = None) -> Frame:
    """The picture that was labelled: ID.png, or else frame `frame_index` of its source, within the default limits.

    `footage` is the folder that sources are relative to; by default the one that holds `folder`. Raises `SourceError`
    where neither is there or can be decoded, or it has another size than was labelled.
    """
    still = folder / f"{label.id}.png"
    beside = still.is_file()
    path = still if beside else _source_of(label, folder, footage or folder.parent)
    index = 0 if beside else label.frame_index
    try:
        frame = frame_at(path, index, DecodeLimits())
    except UnusableClip as error:
        raise SourceError(
            f"the picture of {label.id} cannot be had from {path}: {error.message}",
            remedy="restore the clip or still that was labelled",
        ) from error
    if (frame.width_px, frame.height_px) != (label.width, label.height):
        raise SourceError(
            f"the picture of {label.id} is {frame.width_px}x{frame.height_px}, "
            f"its labels are of {label.width}x{label.height}",
            remedy="restore the picture that was labelled",
        )
    return frame


def _read(file: Path) -> LabelledFrame:
    try:
        return LabelledFrame.model_validate_json(file.read_bytes())
    except OSError as error:
        raise SourceError(
            f"the labels {file} cannot be read: {error.strerror}", remedy="check the file's permissions"
        ) from error
    except ValidationError as error:
        faults = error.errors()
        first = faults[0]
        field = ".".join(str(step) for step in first["loc"])
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        at = f" at {field}" if field else ""
        raise SourceError(
            f"the labels {file} are malformed{at}: {first['msg']}{more}",
            remedy="docs/evaluation.md says what a label file holds",
        ) from error


def _source_of(label: LabelledFrame, folder: Path, footage: Path) -> Path:
    if label.source is None:
        raise SourceError(
            f"{label.id} has neither {label.id}.png in {folder} nor a source",
            remedy="put the picture beside its labels",
        )
    path = footage / label.source
    if not path.is_file():
        raise SourceError(
            f"the source {path} of {label.id} does not exist",
            remedy=f"say --footage and the folder that holds {label.source}, or put {label.id}.png beside its labels",
        )
    return path
